//! Why a database cannot be opened.

use std::io;
use std::path::{Path, PathBuf};

/// Why the embedded database cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct OpenError(Box<Kind>);

#[derive(Debug, thiserror::Error)]
enum Kind {
    #[error(
        "{}: another program has this database open{who}\n  \
         help: stop it first, or take a copy of the folder that was made while it was stopped", .file.display()
    )]
    Elsewhere { file: PathBuf, who: String },
    #[error("{}: there is no upgrade database\n  help: name the folder that a coordinator was given as --data", .0.display())]
    Absent(PathBuf),
    #[error(
        "{}: its format is {format}, and this program knows {known}\n  \
         help: run the program that wrote it, or a newer one; nothing was changed", .file.display()
    )]
    Newer { file: PathBuf, format: u64, known: u64 },
    #[error("{}: this is no upgrade database: {what}\n  help: name another folder; nothing was changed", .file.display())]
    Foreign { file: PathBuf, what: String },
    #[error(
        "{}: the database is damaged: {what}\n  \
         help: restore the folder from a copy, or import an export into an empty one (`straddle db import`)", .file.display()
    )]
    Damaged { file: PathBuf, what: String },
    #[error("{}: {doing}: {error}\n  help: the database is as it was; mend the cause and try again", .file.display())]
    Io { file: PathBuf, doing: &'static str, error: io::Error },
}

impl OpenError {
    pub(super) fn elsewhere(file: &Path, process: Option<u32>) -> Self {
        let who = process.map(|process| format!(" (process {process})")).unwrap_or_default();
        Kind::Elsewhere { file: file.to_owned(), who }.into()
    }

    pub(super) fn absent(file: &Path) -> Self {
        Kind::Absent(file.to_owned()).into()
    }

    pub(super) fn newer(file: &Path, format: u64, known: u64) -> Self {
        Kind::Newer { file: file.to_owned(), format, known }.into()
    }

    pub(super) fn foreign(file: &Path, what: impl Into<String>) -> Self {
        Kind::Foreign { file: file.to_owned(), what: what.into() }.into()
    }

    pub(super) fn damaged(file: &Path, what: impl Into<String>) -> Self {
        Kind::Damaged { file: file.to_owned(), what: what.into() }.into()
    }

    pub(super) fn io(file: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Kind::Io { file: file.to_owned(), doing, error }.into()
    }

    /// What redb says, of this file.
    pub(super) fn store<E: Into<redb::Error>>(file: &Path, doing: &'static str) -> impl FnOnce(E) -> Self {
        move |error| match error.into() {
            redb::Error::DatabaseAlreadyOpen => Self::elsewhere(file, None),
            // Its way to say that the file has no beginning of its own.
            redb::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                Self::foreign(file, error.to_string())
            }
            redb::Error::Io(error) => Self::io(file, doing)(error),
            error @ redb::Error::PreviousIo => Self::io(file, doing)(io::Error::other(error.to_string())),
            error => Self::damaged(file, format!("{doing}: {error}")),
        }
    }

    /// Whether another program has it open, or somebody else in this program.
    #[must_use]
    pub fn is_open_elsewhere(&self) -> bool {
        matches!(*self.0, Kind::Elsewhere { .. })
    }

    /// Whether there is none, and none was to be made.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(*self.0, Kind::Absent(_))
    }

    /// Whether a newer program has made it.
    #[must_use]
    pub fn is_newer(&self) -> bool {
        matches!(*self.0, Kind::Newer { .. })
    }

    /// Whether the file is something else.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        matches!(*self.0, Kind::Foreign { .. })
    }

    /// Whether what lies on disk contradicts itself.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(*self.0, Kind::Damaged { .. })
    }

    /// Whether the file system failed; the same may succeed later.
    #[must_use]
    pub fn is_io(&self) -> bool {
        matches!(*self.0, Kind::Io { .. })
    }
}

impl From<Kind> for OpenError {
    fn from(kind: Kind) -> Self {
        Self(Box::new(kind))
    }
}
