//! How far the making of an epoch has come, beside what was made.

use std::io;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use crate::state::Files;

const FOLDER: &str = "checkpoint";
const FILE: &str = "last";
const BESIDE: &str = "last.new";

/// What a function has said, and what it had lost until then.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Checkpoint {
    pub(super) lost: u64,
    pub(super) said: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Written {
    lost: u64,
    said: String,
}

/// The last checkpoint of an epoch that is being made, if there is one.
pub(super) fn read(files: &dyn Files, epoch: &Path) -> io::Result<Option<Checkpoint>> {
    let bytes = match files.read(&epoch.join(FOLDER).join(FILE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read?,
    };
    let written: Written = serde_json::from_slice(&bytes)?;
    let said = BASE64_STANDARD.decode(written.said).map_err(io::Error::other)?;
    Ok(Some(Checkpoint { lost: written.lost, said }))
}

/// Replaces it, durably, as a whole.
pub(super) fn write(files: &dyn Files, epoch: &Path, checkpoint: &Checkpoint) -> io::Result<()> {
    let folder = epoch.join(FOLDER);
    let written = Written { lost: checkpoint.lost, said: BASE64_STANDARD.encode(&checkpoint.said) };
    files.create_folder(&folder)?;
    files.write(&folder.join(BESIDE), &serde_json::to_vec(&written)?)?;
    files.rename(&folder.join(BESIDE), &folder.join(FILE))?;
    files.sync_folder(&folder)
}

/// Removes it: what is made begins anew, or is whole.
pub(super) fn remove(files: &dyn Files, epoch: &Path) -> io::Result<()> {
    match files.remove_folder(&epoch.join(FOLDER)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
