//! What a run has decided, in a file: so that it can be gone on with when this program is killed.
//!
//! It is replaced as a whole, and lasts when the call that wrote it returns.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::nodes::Names;
use crate::cli::whole_file::{self, Readers};
use crate::version::Version;

/// What a file says that it is.
const FORMAT: &str = "straddle barrier 1";

/// A run of `straddle barrier`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    format: String,
    pub(super) stage: Stage,
    pub(super) protocol: String,
    pub(super) from: Version,
    pub(super) to: Version,
    pub(super) nodes: Vec<Entry>,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stage {
    /// Nobody was told to switch.
    Preparing,
    /// It is decided that all are to switch; who was told is not known.
    Decided,
    /// All have switched.
    Over,
}

/// A node of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) address: String,
    /// That of its preparation, once it has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// Whether it has said that it has switched.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) switched: bool,
}

impl Record {
    pub(super) fn begin(protocol: &str, from: &Version, to: &Version, addresses: &[String]) -> Self {
        let entry = |address: &String| Entry { address: address.clone(), name: None, switched: false };
        Self {
            format: FORMAT.to_owned(),
            stage: Stage::Preparing,
            protocol: protocol.to_owned(),
            from: from.clone(),
            to: to.clone(),
            nodes: addresses.iter().map(entry).collect(),
        }
    }

    /// The names of the preparations, where there are such.
    pub(super) fn names(&self) -> Names {
        self.nodes.iter().map(|node| node.name.clone()).collect()
    }

    /// Notes which have switched, by their places.
    pub(super) fn switched(&mut self, places: impl Iterator<Item = usize>) {
        for place in places {
            if let Some(node) = self.nodes.get_mut(place) {
                node.switched = true;
            }
        }
    }

    pub(super) fn read(file: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
        Self::parse(&text).map_err(|why| format!("{} is no record of `straddle barrier`: {why}", file.display()))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let record: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if record.format != FORMAT {
            return Err(format!("its format is {:?}, and this program knows {FORMAT:?}", record.format));
        }
        let unnamed = record.nodes.iter().find(|node| node.name.is_none());
        match unnamed.filter(|_| record.stage != Stage::Preparing) {
            Some(node) => Err(format!("it is decided, and {} was not prepared", node.address)),
            None if record.nodes.is_empty() => Err("it names no nodes".to_owned()),
            None => Ok(record),
        }
    }

    /// Writes it where nothing is yet.
    pub(super) fn place_new(&self, file: &Path) -> Result<(), String> {
        self.write(file, false)
    }

    /// Writes it in the place of what was there.
    pub(super) fn place(&self, file: &Path) -> Result<(), String> {
        self.write(file, true)
    }

    fn write(&self, file: &Path, replace: bool) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        whole_file::write(file, format!("{text}\n").as_bytes(), Readers::AsUsual, replace)?;
        sync_folder(file).map_err(|error| format!("{} cannot be made durable: {error}", file.display()))
    }
}

/// That no earlier run is forgotten.
pub(super) fn expect_none(file: &Path) -> Result<(), String> {
    if fs::symlink_metadata(file).is_err() {
        return Ok(());
    }
    let file = file.display();
    Err(format!(
        "{file} is there already\n  help: `straddle barrier --resume {file}` goes on with the run that it tells of; when that is \
         over, remove it, or name another file with --record"
    ))
}

/// Nothing is left of a run that changed nothing.
pub(super) fn remove(file: &Path) -> Result<(), String> {
    let removed = fs::remove_file(file).and_then(|()| sync_folder(file));
    removed.map_err(|error| format!("{} cannot be removed: {error}", file.display()))
}

fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // Elsewhere folders cannot be opened, and renames are journaled by the file system itself.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let addresses = ["a:1".to_owned(), "b:2".to_owned()];
        Record::begin("shop", &Version::new(1, 0, 0), &Version::new(2, 0, 0), &addresses)
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("record.json");
        expect_none(&file).expect("nothing is there");
        let mut record = record();
        record.place_new(&file).expect("room");
        assert_eq!(Record::read(&file).as_ref(), Ok(&record));
        assert!(record.place_new(&file).is_err(), "another run is not forgotten");
        assert!(expect_none(&file).expect_err("it is there").contains("--resume"));
        for (number, node) in record.nodes.iter_mut().enumerate() {
            node.name = Some(format!("{number:032x}"));
        }
        record.stage = Stage::Decided;
        record.switched([1].into_iter());
        record.place(&file).expect("room");
        let read = Record::read(&file).expect("a record");
        assert_eq!(read, record);
        assert_eq!(read.nodes.iter().map(|node| node.switched).collect::<Vec<_>>(), [false, true]);
        remove(&file).expect("it is there");
        assert!(Record::read(&file).expect_err("it is gone").contains("cannot be read"));
    }

    #[test]
    fn what_is_no_record_says_why() {
        let whole = serde_json::to_string(&record()).expect("text");
        for (text, told) in [
            (String::new(), "EOF"),
            ("{}".to_owned(), "missing field"),
            (whole.replace("barrier 1", "barrier 2"), "this program knows"),
            (whole.replace("preparing", "decided"), "a:1 was not prepared"),
            (whole.replace("preparing", "dancing"), "unknown variant"),
            (whole.replace("\"stage\"", "\"more\":1,\"stage\""), "unknown field"),
            (whole.split("\"nodes\"").next().expect("a start").to_owned() + "\"nodes\":[]}", "names no nodes"),
        ] {
            let error = Record::parse(&text).expect_err(told);
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
