//! What can go wrong within a transaction of redb.

use std::path::Path;

use crate::coordinator::database::DatabaseError;

#[derive(Debug)]
pub(super) enum Trouble {
    /// It has its name already.
    Told(DatabaseError),
    /// Nothing was written.
    Before(redb::Error),
    /// It may have been written.
    Committing(redb::Error),
    /// redb came to no end.
    Panic,
}

impl Trouble {
    /// Whether the file has to be opened anew before anything else can be done with it.
    pub(super) fn needs_opening(&self) -> bool {
        !matches!(self, Self::Told(_))
    }

    pub(super) fn told(self, file: &Path) -> DatabaseError {
        let file = file.display();
        match self {
            Self::Told(error) => error,
            Self::Committing(error) => {
                DatabaseError::unknown(format!("{file}: writing failed, and it may have been written or not: {error}"))
            }
            Self::Panic => DatabaseError::damaged(format!(
                "{file}: reading or writing came to no end; restore it from a copy if that happens again"
            )),
            Self::Before(error) if is_io(&error) => DatabaseError::unavailable(format!("{file}: {error}")),
            Self::Before(error) => {
                DatabaseError::damaged(format!("{file}: {error}; restore the folder from a copy, or import an export"))
            }
        }
    }
}

fn is_io(error: &redb::Error) -> bool {
    matches!(error, redb::Error::Io(_) | redb::Error::PreviousIo | redb::Error::DatabaseClosed)
}

impl From<DatabaseError> for Trouble {
    fn from(error: DatabaseError) -> Self {
        Self::Told(error)
    }
}

impl From<redb::Error> for Trouble {
    fn from(error: redb::Error) -> Self {
        Self::Before(error)
    }
}

impl From<redb::StorageError> for Trouble {
    fn from(error: redb::StorageError) -> Self {
        Self::Before(error.into())
    }
}

impl From<redb::TableError> for Trouble {
    fn from(error: redb::TableError) -> Self {
        Self::Before(error.into())
    }
}

impl From<redb::TransactionError> for Trouble {
    fn from(error: redb::TransactionError) -> Self {
        Self::Before(error.into())
    }
}
