//! Small files that are replaced as a whole.

use std::io;
use std::path::{Path, PathBuf};

use super::error::StateError;
use super::files::Files;

/// Replaces a file so that it holds either all of the old bytes or all of the new ones, whatever happens.
pub(crate) fn replace(files: &dyn Files, folder: &Path, name: &str, bytes: &[u8]) -> Result<(), StateError> {
    lay_beside(files, folder, name, bytes)?;
    put(files, folder, name)
}

/// The first half of it: what is to be in the file lies beside it, durably.
pub(super) fn lay_beside(files: &dyn Files, folder: &Path, name: &str, bytes: &[u8]) -> Result<(), StateError> {
    let beside = beside(folder, name);
    files.write(&beside, bytes).map_err(StateError::io(&beside, "writing it"))
}

/// The other half: what lies beside the file is the file.
pub(super) fn put(files: &dyn Files, folder: &Path, name: &str) -> Result<(), StateError> {
    let file = folder.join(name);
    files.rename(&beside(folder, name), &file).map_err(StateError::io(&file, "replacing it"))?;
    files.sync_folder(folder).map_err(StateError::io(folder, "making it durable"))
}

/// What the line of a file says, if there is such a file.
pub(crate) fn read<T: std::str::FromStr>(
    files: &dyn Files,
    folder: &Path,
    name: &str,
    advice: &'static str,
) -> Result<Option<T>, StateError> {
    let file = folder.join(name);
    let bytes = match files.read(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(StateError::io(&file, "reading it"))?,
    };
    let said = std::str::from_utf8(&bytes).ok().and_then(|text| text.strip_suffix('\n')?.parse().ok());
    said.map(Some).ok_or_else(|| {
        let what = format!("holds {:?}, which is not what was written", String::from_utf8_lossy(&bytes));
        StateError::damaged(&file, what, advice)
    })
}

/// Where it lies.
pub(super) fn beside(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.new"))
}
