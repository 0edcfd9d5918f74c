//! `protocol.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::Declared;
use super::error::{Fault, ProtocolError};
use super::resume::{Place, Resume};
use super::text;
use crate::version::Version;

/// What `protocol.toml` says, checked.
pub(super) struct Manifest {
    pub(super) name: String,
    pub(super) declared: Declared,
    /// Where the protos of versions lie that do not lie in the version's own folder.
    pub(super) protos: BTreeMap<Version, PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestFile {
    name: Spanned<String>,
    unlabelled: Option<Spanned<String>>,
    #[serde(default)]
    protos: BTreeMap<Spanned<String>, PathBuf>,
    #[serde(default)]
    resume: BTreeMap<Spanned<String>, ResumeEntry>,
}

/// The most protocols that an error names, and the most entries of a folder that are looked at for them.
const MOST_NAMED: usize = 10;
const MOST_LOOKED_AT: usize = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResumeEntry {
    from: Spanned<String>,
    into: Spanned<String>,
}

/// There is none; maybe it is meant in a folder below.
fn missing(folder: &Path, file: &Path) -> Fault {
    let below = protocols_in(folder);
    let what = match below.as_slice() {
        [] => "is missing, so this is not the folder of a protocol".to_owned(),
        [_] => "is missing: this is not the folder of a protocol, and there is one in it".to_owned(),
        several => format!("is missing: this is not the folder of a protocol, and there are {} in it", several.len()),
    };
    let advice = match below.as_slice() {
        [] => "write one with `name = \"…\"`, or name another folder".to_owned(),
        [one] => format!("name it: {one}"),
        several if several.len() <= MOST_NAMED => format!("name one of them: {}", several.join(", ")),
        several => format!("name one of them: {}, ...", several[..MOST_NAMED].join(", ")),
    };
    Fault::new(file, what, advice)
}

/// The folders in a folder that are protocols, by name.
fn protocols_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().take(MOST_LOOKED_AT);
    let protocols = entries.map(|entry| entry.path()).filter(|below| below.join("protocol.toml").is_file());
    let mut names: Vec<String> = protocols.map(|below| below.display().to_string()).collect();
    names.sort();
    names
}

pub(super) fn read(folder: &Path) -> Result<Manifest, ProtocolError> {
    let file = folder.join("protocol.toml");
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(missing(folder, &file).into());
        }
        Err(error) => return Err(Fault::unreadable(&file, &error).into()),
    };
    let read: ManifestFile = text::parse_toml(&file, &text)?;
    let line = |at: &Spanned<String>| text::line_of(&text, at.span().start);
    if !text::is_name(read.name.get_ref()) {
        let what = format!("`{}` is not a name for a protocol", read.name.get_ref());
        let advice = "use lower-case letters, digits, `-` and `_`, with a letter first";
        return Err(Fault::new(&file, what, advice).at_line(line(&read.name)).into());
    }
    let version = |at: &Spanned<String>| {
        at.get_ref()
            .parse::<Version>()
            .map_err(|error| Fault::new(&file, error.to_string(), "write major.minor.patch").at_line(line(at)))
    };
    let unlabelled = read
        .unlabelled
        .as_ref()
        .map(|at| {
            let what = format!("unlabelled = \"{}\" names no version of this protocol", at.get_ref());
            Ok::<_, Fault>((version(at)?, Fault::new(&file, what, "name one of its versions").at_line(line(at))))
        })
        .transpose()?;
    let mut protos = BTreeMap::new();
    for (at, path) in &read.protos {
        protos.insert(version(at)?, folder.join(path));
    }
    let resume = read.resume.iter().map(|(method, ResumeEntry { from, into })| {
        let place =
            Place { file: file.clone(), method: Some(line(method)), from: Some(line(from)), into: Some(line(into)) };
        Resume::new(method.get_ref(), from.get_ref(), into.get_ref(), place)
    });
    let declared = Declared { unlabelled, resume: resume.collect() };
    Ok(Manifest { name: read.name.into_inner(), declared, protos })
}
