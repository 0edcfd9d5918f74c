//! Files that are written whole or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

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
    let mut beside = begin(file, readers)?;
    beside.write(bytes)?;
    beside.place(replace).map(drop)
}

/// A file that is written beside its place. Dropped before it is placed, it leaves nothing behind.
pub(super) struct Beside {
    file: NamedTempFile,
    place: PathBuf,
}

/// Begins a file that is written little by little.
///
/// # Errors
/// When it cannot be written; the file is named.
pub(super) fn begin(file: &Path, readers: Readers) -> Result<Beside, String> {
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
    let beside = beside.tempfile_in(folder).map_err(|error| named(file, &error))?;
    Ok(Beside { file: beside, place: file.to_owned() })
}

impl Beside {
    /// Writes more of it.
    ///
    /// # Errors
    /// When it cannot be written; the file is named.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.file.write_all(bytes).map_err(|error| named(&self.place, &error))
    }

    /// What is written so far.
    pub(super) fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Makes it durable, and puts it into its place: the file, still open.
    ///
    /// # Errors
    /// When that cannot be done, or something is there and stays; the file is named.
    pub(super) fn place(self, replace: bool) -> Result<File, String> {
        let place = self.place;
        self.file.as_file().sync_all().map_err(|error| named(&place, &error))?;
        let placed = if replace { self.file.persist(&place) } else { self.file.persist_noclobber(&place) };
        placed.map_err(|error| named(&place, &error.error))
    }
}

fn named(file: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AlreadyExists => format!("{} is there already", file.display()),
        _ => format!("{} cannot be written: {error}", file.display()),
    }
}
