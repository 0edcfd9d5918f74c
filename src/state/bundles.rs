//! The bundles that a node has learned, kept beside its epochs.

use std::io;
use std::path::{Path, PathBuf};

use super::error::StateError;
use super::files::Files;
use super::pointer;
use crate::bundle::Bundle;

const FOLDER: &str = "bundles";
const ENDING: &str = ".bundle";
const ADVICE: &str =
    "restore the file from a copy; or remove it, start the program, and have the node learn the bundle again";

/// Writes a bundle, whole or not at all. One that is there already stays as it is.
pub(super) fn keep(files: &dyn Files, root: &Path, bundle: &Bundle) -> Result<(), StateError> {
    let (folder, name) = (root.join(FOLDER), format!("{}{ENDING}", bundle.digest()));
    files.create_folder(&folder).map_err(StateError::io(&folder, "making the folder"))?;
    pointer::replace(files, &folder, &name, &bundle.to_bytes())
}

/// All bundles that are kept, each with its file, in the order of their names. Other files are not looked at.
pub(super) fn kept(files: &dyn Files, root: &Path) -> Result<Vec<(PathBuf, Bundle)>, StateError> {
    let folder = root.join(FOLDER);
    let mut names = match files.list(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(StateError::io(&folder, "listing it"))?,
    };
    names.sort();
    let ours = names.iter().filter_map(|name| Some((name, name.to_str()?.strip_suffix(ENDING)?)));
    ours.map(|(name, digest)| {
        let file = folder.join(name);
        let bytes = files.read(&file).map_err(StateError::io(&file, "reading it"))?;
        let bundle = Bundle::read(bytes).map_err(|error| StateError::damaged(&file, cause(&error), ADVICE))?;
        if bundle.digest() == digest {
            Ok((file, bundle))
        } else {
            Err(StateError::damaged(&file, format!("holds the bundle {}", bundle.digest()), ADVICE))
        }
    })
    .collect()
}

/// What is wrong with a bundle, without what its sender should do.
fn cause(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    text.split("\n  help:").next().unwrap_or(&text).to_owned()
}
