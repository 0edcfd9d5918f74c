//! What keeps a supervisor from its work.

use std::io;
use std::path::{Path, PathBuf};

use super::release::ReleaseError;
use crate::state::StateError;
use crate::transport;

/// Why a supervisor cannot go on.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SuperviseError(#[from] Kind);

#[derive(Debug, thiserror::Error)]
enum Kind {
    #[error(
        "{}: another supervisor{} owns this state\n  help: {}", .state.display(), who(.owner.as_ref()), what_to_do(.owner.as_ref())
    )]
    Owned { state: PathBuf, owner: Option<(u32, String)> },
    #[error(transparent)]
    Release(#[from] ReleaseError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("{}: {doing}: {error}\n  help: mend the cause, and start the supervisor again", .file.display())]
    Io { file: PathBuf, doing: &'static str, error: io::Error },
    #[error("cannot listen on {address}: {error}\n  help: {advice}")]
    Listen { address: String, error: io::Error, advice: String },
}

impl SuperviseError {
    /// Whether another supervisor has the state.
    #[must_use]
    pub fn is_owned(&self) -> bool {
        matches!(self.0, Kind::Owned { .. })
    }

    pub(super) fn owned(state: &Path, owner: Option<(u32, String)>) -> Self {
        Kind::Owned { state: state.to_owned(), owner }.into()
    }

    pub(super) fn io(file: &Path, doing: &'static str) -> impl Fn(io::Error) -> Self + use<> {
        let file = file.to_owned();
        move |error| Kind::Io { file: file.clone(), doing, error }.into()
    }

    /// `other` says how another address is named.
    pub(super) fn listen(address: &str, error: io::Error, other: &str) -> Self {
        let advice = transport::advice(address, &error, other);
        Kind::Listen { address: address.to_owned(), error, advice }.into()
    }
}

impl From<ReleaseError> for SuperviseError {
    fn from(error: ReleaseError) -> Self {
        Kind::from(error).into()
    }
}

impl From<StateError> for SuperviseError {
    fn from(error: StateError) -> Self {
        Kind::from(error).into()
    }
}

fn who(owner: Option<&(u32, String)>) -> String {
    owner.map(|(process, admin)| format!(" (process {process}, admin service at {admin})")).unwrap_or_default()
}

fn what_to_do(owner: Option<&(u32, String)>) -> String {
    match owner {
        Some((_, admin)) => format!("tell that one what to do, as `straddle node status {admin}`; or stop it first"),
        None => "it is starting; look with `ps`, and stop one of the two".to_owned(),
    }
}
