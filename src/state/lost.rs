//! Where a node writes what a move gives up.

use std::io;
use std::path::{Path, PathBuf};

use super::epoch::Epoch;
use super::error::StateError;
use super::files::Files;

const FOLDER: &str = "lost";

/// A new file, named after the epoch that is left.
pub(super) fn place(files: &dyn Files, root: &Path, from: &Epoch) -> Result<PathBuf, StateError> {
    let folder = root.join(FOLDER);
    files.create_folder(&folder).map_err(StateError::io(&folder, "making the folder"))?;
    let there = files.list(&folder).map_err(StateError::io(&folder, "listing it"))?;
    // One more than there are files is always free.
    let names = (1..=there.len() + 1).map(|attempt| format!("{from}-{attempt}.jsonl"));
    let free = names.into_iter().find(|name| !there.iter().any(|taken| **taken == **name));
    let file = folder
        .join(free.ok_or_else(|| StateError::io(&folder, "finding a name")(io::ErrorKind::AlreadyExists.into()))?);
    files.write(&file, b"").map_err(StateError::io(&file, "making it"))?;
    files.sync_folder(&folder).map_err(StateError::io(&folder, "making it durable"))?;
    Ok(file)
}
