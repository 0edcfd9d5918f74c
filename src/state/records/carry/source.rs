//! The records that are carried over, whether somebody writes them meanwhile or not.

use std::ops::Bound;
use std::path::Path;

use bytes::Bytes;
use redb::ReadableTableMetadata;

use super::Plan;
use crate::state::records::batch::{Batch, Most, start};
use crate::state::records::error::RecordsError;
use crate::state::records::file::CHANGES;
use crate::state::records::handle::Records;
use crate::state::records::layers::{Base, Merged};
use crate::state::records::layout::{Kind, Table};
use crate::state::records::origin::Origin;
use crate::state::records::reading::Reading;
use crate::state::records::values::REMOVED;

/// The records that are carried over.
pub(super) enum Source<'s> {
    /// Nobody has them open.
    Closed(Base),
    /// Somebody reads and writes them; each batch is read by itself.
    Live(&'s Records),
}

/// A record that was written, or removed.
pub(super) struct Change {
    /// The index of the table, as the target has it; none where it is not carried over.
    pub(super) table: Option<usize>,
    pub(super) name: String,
    pub(super) key: Vec<u8>,
    /// Which write it was.
    pub(super) number: u64,
    /// What is there now.
    pub(super) stored: Option<Bytes>,
}

impl Source<'_> {
    pub(super) fn closed(plan: &Plan, folder: &Path) -> Result<Self, RecordsError> {
        let base = Base::open(folder, &plan.protocol)?;
        Ok(Self::Closed(base.read_as(plan.layout.tables())?))
    }

    pub(super) fn file(&self) -> &Path {
        match self {
            Self::Closed(base) => base.file(),
            Self::Live(records) => records.file(),
        }
    }

    /// The file, and those beneath.
    pub(super) fn origins(&self) -> Result<Vec<Origin>, RecordsError> {
        match self {
            Self::Closed(base) => Ok(base.origins()),
            Self::Live(records) => Ok(records.store()?.origins()),
        }
    }

    /// How many records there are, roughly.
    pub(super) fn len(&self) -> Result<u64, RecordsError> {
        match self {
            Self::Closed(base) => base.len(),
            Self::Live(records) => records.read()?.len(),
        }
    }

    /// Hands over some records of a table of the target.
    pub(super) fn batch(
        &self,
        plan: &Plan,
        table: usize,
        most: Most,
        after: &mut Option<Vec<u8>>,
        each: impl FnMut(&[u8], Bytes) -> Result<(), RecordsError>,
    ) -> Result<Batch, RecordsError> {
        let bounds = |after| (start(after), Bound::Unbounded);
        match self {
            Self::Closed(base) => {
                let mut merged = Merged::new(false);
                base.add(table, bounds(after.as_deref()), &mut merged)?;
                Batch::of(self.file(), &mut merged, most, after, each)
            }
            Self::Live(records) => {
                let reading = records.read()?;
                let Some(table) = theirs(&reading, &plan.layout.tables()[table]) else {
                    return Ok(Batch { records: 0, bytes: 0, ended: true });
                };
                let mut merged = reading.merged(table, bounds(after.as_deref()), false)?;
                Batch::of(self.file(), &mut merged, most, after, each)
            }
        }
    }

    /// How many records were written and not caught up with.
    pub(super) fn changed(&self) -> Result<u64, RecordsError> {
        let failed = |error| RecordsError::store::<redb::Error>(self.file(), "reading what was written")(error);
        let count = |transaction: &redb::ReadTransaction| {
            let changes = transaction.open_table(CHANGES).map_err(|error| failed(error.into()))?;
            changes.len().map_err(|error| failed(error.into()))
        };
        match self {
            Self::Closed(base) => base.transaction().map_or(Ok(0), count),
            Self::Live(records) => count(records.read()?.transaction()),
        }
    }

    /// Some of what was written, behind the change `after`.
    pub(super) fn changes(
        &self,
        plan: &Plan,
        most: Most,
        after: Option<(&str, &[u8])>,
    ) -> Result<Vec<Change>, RecordsError> {
        match self {
            Self::Closed(base) => {
                let Some(transaction) = base.transaction() else { return Ok(Vec::new()) };
                self.changes_in(plan, transaction, most, after, |table, key| {
                    let found = base.get(table, key)?;
                    Ok(found.filter(|stored| stored.value() != REMOVED).map(|stored| copy(stored.value())))
                })
            }
            Self::Live(records) => {
                let reading = records.read()?;
                self.changes_in(plan, reading.transaction(), most, after, |table, key| {
                    let Some(table) = theirs(&reading, &plan.layout.tables()[table]) else { return Ok(None) };
                    Ok(reading.stored(table, key)?.map(|stored| copy(stored.value())))
                })
            }
        }
    }

    fn changes_in(
        &self,
        plan: &Plan,
        transaction: &redb::ReadTransaction,
        most: Most,
        after: Option<(&str, &[u8])>,
        stored: impl Fn(usize, &[u8]) -> Result<Option<Bytes>, RecordsError>,
    ) -> Result<Vec<Change>, RecordsError> {
        let failed = |error| RecordsError::store::<redb::Error>(self.file(), "reading what was written")(error);
        let open = transaction.open_table(CHANGES).map_err(|error| failed(error.into()))?;
        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        let range = open.range::<(&str, &[u8])>((begin, Bound::Unbounded)).map_err(|error| failed(error.into()))?;
        let (mut changes, mut bytes) = (Vec::new(), 0);
        for change in range {
            let (key, number) = change.map_err(|error| failed(error.into()))?;
            let (name, key) = key.value();
            let tables = plan.layout.tables();
            let table = tables.iter().position(|table| table.name == name && table.kind != Kind::Left);
            let stored = table.map_or(Ok(None), |table| stored(table, key))?;
            bytes += key.len() + stored.as_ref().map_or(0, Bytes::len);
            let (name, key) = (name.to_owned(), key.to_vec());
            changes.push(Change { table, name, key, number: number.value(), stored });
            if changes.len() >= most.records || bytes >= most.bytes {
                break;
            }
        }
        Ok(changes)
    }
}

fn copy(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

/// The index of the table that a table of the target comes from, if it comes from any.
fn theirs(reading: &Reading, table: &Table) -> Option<usize> {
    let tables = &reading.store().origin.tables;
    let index = tables.iter().position(|theirs| theirs.name == table.name);
    index.filter(|_| table.kind != Kind::Left)
}
