//! Filling a database with what another one held, all at once.

use bytes::Bytes;

use super::Store;
use super::trouble::Trouble;
use crate::coordinator::database::limits::{check_key, check_value};
use crate::coordinator::database::{DatabaseError, Revision};

/// What a database was filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Replaced {
    /// How many keys it had before.
    pub(in super::super) before: u64,
    /// How many it has now.
    pub(in super::super) keys: u64,
    /// The revision that wrote them.
    pub(in super::super) revision: Revision,
}

/// Why a database was not filled. It is as it was.
#[derive(Debug)]
pub(in super::super) enum NotReplaced<E> {
    /// It has so many keys, and they were to stay.
    Taken(u64),
    /// This is not to be stored: a key that comes twice, or what is too long.
    Refused(String),
    /// What was to be stored could not be had.
    Source(E),
    /// The database failed.
    Database(DatabaseError),
}

impl Store {
    /// Fills a database that is empty, or with `replace` any, with these keys and values: all or nothing. Its revision is
    /// higher than its own and than `revision`, and nothing before it is remembered.
    pub(in super::super) fn replace<E>(
        &self,
        revision: Revision,
        replace: bool,
        mut entries: impl Iterator<Item = Result<(Bytes, Bytes), E>>,
    ) -> Result<Replaced, NotReplaced<E>> {
        let mut why = None;
        let replaced = self.write(|writing| {
            let mut stop = |reason| {
                why = Some(reason);
                // Nobody hears of it: the reason goes first.
                Trouble::Told(DatabaseError::invalid("nothing was written"))
            };
            let before = writing.number_of_keys()?;
            if before > 0 && !replace {
                return Err(stop(NotReplaced::Taken(before)));
            }
            writing.clear(revision)?;
            let mut keys = 0;
            for entry in &mut entries {
                let (key, value) = entry.map_err(|error| stop(NotReplaced::Source(error)))?;
                let refused = check_key(&key).and_then(|()| check_value(&key, &value));
                refused.map_err(|error| stop(NotReplaced::Refused(error.to_string())))?;
                if !writing.fill(key, value)? {
                    return Err(stop(NotReplaced::Refused("its key was there before".to_owned())));
                }
                keys += 1;
            }
            Ok(Replaced { before, keys, revision: writing.revision() })
        });
        let replaced = replaced.map_err(|error| why.unwrap_or(NotReplaced::Database(error)))?;
        self.leases().replace(Vec::new());
        Ok(replaced)
    }
}
