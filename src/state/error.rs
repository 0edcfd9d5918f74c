//! What can go wrong with a state.

use std::io;
use std::path::{Path, PathBuf};

use super::phase::IllegalEvent;

/// Why something could not be done to a node's state.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StateError(#[from] Kind);

#[derive(Debug, thiserror::Error)]
pub(super) enum Kind {
    #[error(
        "{}: another program owns this state\n  help: stop it first; two programs never share a state", .0.display()
    )]
    Owned(PathBuf),
    #[error(
        "{}: another program has taken this state over (owner {theirs}, this was owner {ours})\n  \
         help: stop this program; what it did last was not written", .file.display()
    )]
    TakenOver { file: PathBuf, ours: u64, theirs: u64 },
    #[error("{}: {what}\n  help: {advice}", .file.display())]
    Damaged { file: PathBuf, what: String, advice: &'static str },
    #[error("{}: {doing}: {error}\n  help: the state is as it was; mend the cause and try again", .file.display())]
    Io { file: PathBuf, doing: &'static str, error: io::Error },
    #[error(transparent)]
    Illegal(#[from] IllegalEvent),
    #[error("{0}")]
    Refused(String),
}

impl StateError {
    pub(super) fn damaged(file: &Path, what: impl Into<String>, advice: &'static str) -> Self {
        Kind::Damaged { file: file.to_owned(), what: what.into(), advice }.into()
    }

    pub(super) fn io(file: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Kind::Io { file: file.to_owned(), doing, error }.into()
    }

    /// Whether another program owns the state, or has taken it over.
    #[must_use]
    pub fn is_owned_elsewhere(&self) -> bool {
        matches!(self.0, Kind::Owned(_) | Kind::TakenOver { .. })
    }

    /// Whether what lies on disk contradicts itself, so that nothing may be done with it.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(self.0, Kind::Damaged { .. })
    }

    /// Whether the file system failed; the same may succeed later.
    #[must_use]
    pub fn is_io(&self) -> bool {
        matches!(self.0, Kind::Io { .. })
    }

    /// Whether it was asked for in a phase, or of a state, in which it cannot be had.
    #[must_use]
    pub fn is_illegal(&self) -> bool {
        matches!(self.0, Kind::Illegal(_) | Kind::Refused(_))
    }
}

impl From<IllegalEvent> for StateError {
    fn from(error: IllegalEvent) -> Self {
        Kind::from(error).into()
    }
}
