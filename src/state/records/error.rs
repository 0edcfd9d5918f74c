//! What can go wrong with records.

use std::io;
use std::path::{Path, PathBuf};

/// Why something could not be done to records.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct RecordsError(Box<Kind>);

#[derive(Debug, thiserror::Error)]
pub(super) enum Kind {
    #[error("{}: the records are closed\n  help: the node has closed them because it moves on; ask again later", .0.display())]
    Closed(PathBuf),
    #[error("{}: somebody has these records open\n  help: close them first; one program opens them, and once", .0.display())]
    OpenElsewhere(PathBuf),
    #[error("{}: {what}\n  help: {advice}", .file.display())]
    Mismatch { file: PathBuf, what: String, advice: String },
    #[error("{what}\n  help: {advice}")]
    Wrong { what: String, advice: String },
    #[error(
        "{}: table {table:?}, key {}: {why}\n  help: change or remove that record in the version that wrote it",
        .file.display(), readable(.key)
    )]
    Refused { file: PathBuf, table: String, key: Vec<u8>, why: String },
    #[error("{}: table {table:?}, key {}: {what}\n  help: {RESTORE}", .file.display(), readable(.key))]
    BadRecord { file: PathBuf, table: String, key: Vec<u8>, what: String },
    #[error("{}: {what}\n  help: {RESTORE}", .file.display())]
    Damaged { file: PathBuf, what: String },
    #[error("{}: {doing}: {error}\n  help: the records are as they were; mend the cause and try again", .file.display())]
    Io { file: PathBuf, doing: &'static str, error: io::Error },
    #[error("{}: was asked to stop\n  help: call it again, it goes on from there", .0.display())]
    Stopped(PathBuf),
}

const RESTORE: &str = "restore the state folder as a whole from a copy; its files belong together";

impl RecordsError {
    pub(super) fn io(file: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Kind::Io { file: file.to_owned(), doing, error }.into()
    }

    pub(super) fn closed(file: &Path) -> Self {
        Kind::Closed(file.to_owned()).into()
    }

    pub(super) fn damaged(file: &Path, what: impl Into<String>) -> Self {
        Kind::Damaged { file: file.to_owned(), what: what.into() }.into()
    }

    pub(super) fn mismatch(file: &Path, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Kind::Mismatch { file: file.to_owned(), what: what.into(), advice: advice.into() }.into()
    }

    pub(super) fn wrong(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Kind::Wrong { what: what.into(), advice: advice.into() }.into()
    }

    /// What redb says, of this file.
    pub(super) fn store<E: Into<redb::Error>>(file: &Path, doing: &'static str) -> impl FnOnce(E) -> Self {
        move |error| match error.into() {
            redb::Error::DatabaseAlreadyOpen => Kind::OpenElsewhere(file.to_owned()).into(),
            redb::Error::Io(error) => Self::io(file, doing)(error),
            error @ redb::Error::PreviousIo => Self::io(file, doing)(io::Error::other(error)),
            error => Self::damaged(file, format!("{doing}: {error}")),
        }
    }

    /// Whether a record refuses to be brought to another version.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(*self.0, Kind::Refused { .. })
    }

    /// Whether the file system failed; the same may succeed later.
    #[must_use]
    pub fn is_io(&self) -> bool {
        matches!(*self.0, Kind::Io { .. })
    }

    /// Whether the records have been closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(*self.0, Kind::Closed(_))
    }

    /// Whether somebody else, or somebody else in this program, has them open.
    #[must_use]
    pub fn is_open_elsewhere(&self) -> bool {
        matches!(*self.0, Kind::OpenElsewhere(_))
    }

    /// Whether they are of another protocol, version or layout than is wanted, or not there, or not finished.
    #[must_use]
    pub fn is_mismatch(&self) -> bool {
        matches!(*self.0, Kind::Mismatch { .. })
    }

    /// Whether it was asked for in a way that can never be had: a table that is none, a version or type that is none, types
    /// that no rule relates.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        matches!(*self.0, Kind::Wrong { .. })
    }

    /// Whether what lies on disk contradicts itself.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(*self.0, Kind::Damaged { .. } | Kind::BadRecord { .. })
    }

    /// Whether it has stopped because it was asked to; it can be gone on with.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        matches!(*self.0, Kind::Stopped(_))
    }
}

impl From<Kind> for RecordsError {
    fn from(kind: Kind) -> Self {
        Self(Box::new(kind))
    }
}

/// A key as people can read it, and not too much of it.
pub(super) fn readable(key: &[u8]) -> String {
    const MOST: usize = 64;
    let dots = if key.len() > MOST { "..." } else { "" };
    format!("\"{}\"{dots}", key[..key.len().min(MOST)].escape_ascii())
}
