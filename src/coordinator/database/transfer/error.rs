//! What can go wrong with an export or an import.

use std::io;

use crate::coordinator::database::DatabaseError;

/// Why a database was not written as lines, or not read of them.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct TransferError(#[from] Kind);

#[derive(Debug, thiserror::Error)]
pub(super) enum Kind {
    #[error("{name}:{line}: {what}\n  help: nothing was imported; mend that line, or export again")]
    Line { name: String, line: u64, what: String },
    #[error(
        "the database has {0} keys already\n  \
         help: nothing was imported; import into a folder of its own, or say --replace to give up what is there"
    )]
    Taken(u64),
    #[error("{name} cannot be read: {error}\n  help: nothing was imported")]
    Read { name: String, error: io::Error },
    #[error("the export cannot be written: {0}")]
    Write(io::Error),
    #[error("{0}")]
    Database(DatabaseError),
}

impl TransferError {
    /// Whether the input is not what an export writes.
    #[must_use]
    pub fn is_malformed(&self) -> bool {
        matches!(self.0, Kind::Line { .. })
    }

    /// Whether the database is not empty.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self.0, Kind::Taken(_))
    }

    /// What the system says, when the output cannot be written.
    #[must_use]
    pub fn write_error(&self) -> Option<&io::Error> {
        match &self.0 {
            Kind::Write(error) => Some(error),
            _ => None,
        }
    }
}
