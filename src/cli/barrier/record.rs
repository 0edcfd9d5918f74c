//! What a run has decided, in a file: so that it can be gone on with when this program is killed.
//!
//! It is replaced as a whole, and lasts when the call that wrote it returns. While a run is at work no other one has the file; it is
//! gone once all have switched, or all are as before.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

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
}

/// The file of a run. No other run has it while this is there.
#[derive(Debug)]
pub(super) struct RecordFile {
    path: PathBuf,
    /// What lies there now, locked (flock(2)): each file that takes its place is locked before it does.
    locked: Option<File>,
}

impl RecordFile {
    /// Begins one where nothing is yet.
    pub(super) fn begin(path: &Path, record: &Record) -> Result<Self, String> {
        Ok(Self { path: path.to_owned(), locked: write(path, record, false)? })
    }

    /// That of a run that was killed, and what it says.
    pub(super) fn take(path: &Path) -> Result<(Self, Record), String> {
        let (locked, text) = loop {
            let mut text = String::new();
            let unread = |error: io::Error| format!("{} cannot be read: {error}", path.display());
            if !LOCKS {
                File::open(path).and_then(|mut file| file.read_to_string(&mut text)).map_err(unread)?;
                break (None, text);
            }
            // Some file systems lock only what can be written.
            let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(unread)?;
            lock(&file, path)?;
            // Whoever had it may have put another one in its place, or removed it, since it was opened.
            if is_at(&file, path).map_err(unread)? {
                file.read_to_string(&mut text).map_err(unread)?;
                break (Some(file), text);
            }
        };
        let record = Record::parse(&text);
        let record = record.map_err(|why| format!("{} is no record of `straddle barrier`: {why}", path.display()))?;
        Ok((Self { path: path.to_owned(), locked }, record))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a record in the place of what was there.
    pub(super) fn write(&mut self, record: &Record) -> Result<(), String> {
        self.locked = write(&self.path, record, true)?;
        Ok(())
    }

    /// Nothing is left of a run that nobody has to go on with.
    pub(super) fn remove(&self) -> Result<(), String> {
        let removed = fs::remove_file(&self.path).and_then(|()| sync_folder(&self.path));
        removed.map_err(|error| format!("{} cannot be removed: {error}", self.path.display()))
    }
}

/// That no earlier run is forgotten, and no other one disturbed.
pub(super) fn expect_none(file: &Path) -> Result<(), String> {
    if fs::symlink_metadata(file).is_err() {
        return Ok(());
    }
    if let (true, Ok(open)) = (LOCKS, OpenOptions::new().read(true).write(true).open(file)) {
        lock(&open, file)?;
    }
    let file = file.display();
    Err(format!(
        "{file} is there already\n  help: `straddle barrier --resume {file}` goes on with the run that it tells of, which was killed \
         or left nodes behind; or name another file with --record"
    ))
}

/// Elsewhere a file that is open and locked cannot be replaced.
const LOCKS: bool = cfg!(unix);

fn write(path: &Path, record: &Record, replace: bool) -> Result<Option<File>, String> {
    let text = serde_json::to_string_pretty(record).map_err(|error| error.to_string())?;
    let mut beside = whole_file::begin(path, Readers::AsUsual)?;
    beside.write(format!("{text}\n").as_bytes())?;
    if LOCKS {
        // Nobody knows its name yet.
        lock(beside.file(), path)?;
    }
    let file = beside.place(replace)?;
    sync_folder(path).map_err(|error| format!("{} cannot be made durable: {error}", path.display()))?;
    Ok(LOCKS.then_some(file))
}

fn lock(file: &File, path: &Path) -> Result<(), String> {
    let path = path.display();
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => format!(
            "another `straddle barrier` is at work on {path}\n  help: wait until it has ended; what it leaves undone `straddle barrier \
             --resume {path}` goes on with"
        ),
        TryLockError::Error(error) => format!("{path} cannot be locked: {error}\n  help: name a file on a local disk with --record"),
    })
}

/// Whether this is the file that lies there now.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (own, there) = (file.metadata()?, fs::metadata(path)?);
    Ok((own.dev(), own.ino()) == (there.dev(), there.ino()))
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
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
        let path = folder.path().join("record.json");
        expect_none(&path).expect("nothing is there");
        let mut record = record();
        drop(RecordFile::begin(&path, &record).expect("room"));
        assert!(RecordFile::begin(&path, &record).is_err(), "another run is not forgotten");
        assert!(expect_none(&path).expect_err("it is there").contains("--resume"));
        let (mut file, read) = RecordFile::take(&path).expect("a record");
        assert_eq!(read, record);
        for (number, node) in record.nodes.iter_mut().enumerate() {
            node.name = Some(format!("{number:032x}"));
        }
        record.stage = Stage::Decided;
        record.switched([1].into_iter());
        file.write(&record).expect("room");
        drop(file);
        let (file, read) = RecordFile::take(&path).expect("a record");
        assert_eq!(read, record);
        assert_eq!(read.nodes.iter().map(|node| node.switched).collect::<Vec<_>>(), [false, true]);
        file.remove().expect("it is there");
        assert!(RecordFile::take(&path).expect_err("it is gone").contains("cannot be read"));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_has_the_file_of_a_run_however_often_it_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("record.json");
        let mut file = RecordFile::begin(&path, &record()).expect("room");
        for _ in 0..3 {
            for refused in [RecordFile::take(&path).map(drop), expect_none(&path)] {
                let refused = refused.expect_err("it is taken");
                assert!(refused.contains("another `straddle barrier` is at work"), "{refused}");
            }
            file.write(&record()).expect("room");
        }
        // What somebody has opened before it was replaced is not the record any more.
        let before = File::open(&path).expect("a file");
        file.write(&record()).expect("room");
        assert!(!is_at(&before, &path).expect("a file"));
        drop(file);
        RecordFile::take(&path).expect("it is free");
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
