//! Files that are written whole or not at all.

use std::io::{self, Write};
use std::path::Path;

use tempfile::Builder;

/// Who may read a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Readers {
    /// Its owner alone, where the system knows of such a thing.
    Owner,
    /// Whoever the user lets read their files.
    AsUsual,
}

/// Writes a file beside its place, and puts it there when it is whole; one that is there is replaced if that is wanted.
///
/// # Errors
/// When it cannot be written, or is there and stays; the file is named.
pub(super) fn write(file: &Path, bytes: &[u8], readers: Readers, replace: bool) -> Result<(), String> {
    let named = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => format!("{} is there already", file.display()),
        _ => format!("{} cannot be written: {error}", file.display()),
    };
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut beside = Builder::new();
    beside.prefix(".straddle-");
    #[cfg(unix)]
    let usual = {
        use std::os::unix::fs::PermissionsExt;
        // The user's mask takes away from this what it always does.
        std::fs::Permissions::from_mode(0o666)
    };
    #[cfg(unix)]
    if readers == Readers::AsUsual {
        beside.permissions(usual);
    }
    #[cfg(not(unix))]
    let _ = readers;
    let mut beside = beside.tempfile_in(folder).map_err(named)?;
    beside.write_all(bytes).and_then(|()| beside.as_file().sync_all()).map_err(named)?;
    let placed = if replace { beside.persist(file) } else { beside.persist_noclobber(file) };
    placed.map(drop).map_err(|error| named(error.error))
}
