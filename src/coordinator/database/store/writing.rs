//! Writing the file: one transaction of redb, which may hold several of ours.

use std::time::Duration;

use bytes::Bytes;
use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};

use super::trouble::Trouble;
use crate::coordinator::database::layout::{
    self, CHANGES, DELETED, ENTRIES, LEASED, LEASES, META, Numbers, PAST, WROTE,
};
use crate::coordinator::database::{Committed, Compare, DatabaseError, Entry, Lease, Revision, Transaction, Write};
use crate::coordinator::micros;

/// The most changes that are forgotten beside one write, so that no write is much slower than another.
const FORGOTTEN: usize = 4096;

/// Does `work`, and makes durable what it did. When it fails nothing has changed.
pub(super) fn write<T>(
    database: &redb::Database,
    history: u64,
    work: impl FnOnce(&mut Writing<'_>) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let transaction = database.begin_write()?;
    let (outcome, changed) = {
        let mut writing = Writing::new(&transaction)?;
        let before = writing.numbers;
        let outcome = work(&mut writing)?;
        if writing.numbers.revision > before.revision {
            let oldest = (writing.numbers.revision + 1).saturating_sub(history);
            writing.forget(oldest, FORGOTTEN)?;
        }
        let changed = writing.changed || writing.numbers != before;
        if changed {
            writing.numbers.write(&mut writing.meta)?;
        }
        (outcome, changed)
    };
    if changed {
        transaction.commit().map_err(|error| Trouble::Committing(error.into()))?;
    } else {
        transaction.abort()?;
    }
    Ok(outcome)
}

pub(super) struct Writing<'a> {
    numbers: Numbers,
    /// Something is to be written that no number tells of.
    changed: bool,
    meta: Table<'a, &'static str, u64>,
    entries: Table<'a, &'static [u8], &'static [u8]>,
    past: Table<'a, (&'static [u8], u64), &'static [u8]>,
    changes: Table<'a, (u64, &'static [u8]), u8>,
    leases: Table<'a, u64, u64>,
    leased: Table<'a, (u64, &'static [u8]), ()>,
}

impl<'a> Writing<'a> {
    fn new(transaction: &'a WriteTransaction) -> Result<Self, Trouble> {
        let meta = transaction.open_table(META)?;
        Ok(Self {
            numbers: Numbers::read(&meta)?,
            changed: false,
            meta,
            entries: transaction.open_table(ENTRIES)?,
            past: transaction.open_table(PAST)?,
            changes: transaction.open_table(CHANGES)?,
            leases: transaction.open_table(LEASES)?,
            leased: transaction.open_table(LEASED)?,
        })
    }

    /// How many keys there are.
    pub(super) fn number_of_keys(&self) -> Result<u64, Trouble> {
        Ok(self.entries.len()?)
    }

    /// Removes everything, the history as well, and goes on with the revision behind both its own and `revision`.
    pub(super) fn clear(&mut self, revision: Revision) -> Result<(), Trouble> {
        self.entries.retain(|_, _| false)?;
        self.past.retain(|_, _| false)?;
        self.changes.retain(|_, _| false)?;
        self.leases.retain(|_, _| false)?;
        self.leased.retain(|_, ()| false)?;
        self.numbers.revision = self.numbers.revision.max(revision.0) + 1;
        self.numbers.oldest = self.numbers.revision + 1;
        Ok(())
    }

    /// Keeps a value at the revision of [`clear`](Self::clear). False: the key is there already.
    pub(super) fn fill(&mut self, key: Bytes, value: Bytes) -> Result<bool, Trouble> {
        let revision = Revision(self.numbers.revision);
        let entry = Entry { key, value, created: revision, modified: revision, lease: None };
        Ok(self.entries.insert(&*entry.key, &*layout::encode(&entry))?.is_none())
    }

    pub(super) fn revision(&self) -> Revision {
        Revision(self.numbers.revision)
    }

    /// Does a transaction of ours; one that fails with a [`Trouble::Told`] has done nothing.
    pub(super) fn commit(
        &mut self,
        transaction: &Transaction,
        is_alive: impl Fn(Lease) -> bool,
    ) -> Result<Committed, Trouble> {
        transaction.check()?;
        for compare in &transaction.compare {
            let holds = match compare {
                Compare::Absent(key) => self.get(key)?.is_none(),
                Compare::Modified(key, revision) => self.get(key)?.is_some_and(|entry| entry.modified == *revision),
            };
            if !holds {
                return Ok(Committed::No(Revision(self.numbers.revision)));
            }
        }
        for write in &transaction.write {
            if let Write::Put { lease: Some(lease), .. } = write
                && !(is_alive(*lease) && self.leases.get(lease.0)?.is_some())
            {
                return Err(DatabaseError::lease_gone(*lease).into());
            }
        }
        // All that can be refused has been, and all that was written before is readable.
        let before: Vec<Option<Entry>> =
            transaction.write.iter().map(|write| self.get(write.key())).collect::<Result<_, _>>()?;
        let revision = self.numbers.revision + 1;
        for (write, before) in transaction.write.iter().zip(before) {
            match (write, before) {
                (Write::Put { key, value, lease }, before) => {
                    let revision = Revision(revision);
                    let created = before.as_ref().map_or(revision, |before| before.created);
                    let (key, value) = (key.clone(), value.clone());
                    self.put(&Entry { key, value, created, modified: revision, lease: *lease }, before)?;
                }
                (Write::Delete(_), Some(before)) => self.delete(&before, revision)?,
                (Write::Delete(_), None) => {}
            }
        }
        Ok(Committed::Yes(Revision(self.numbers.revision)))
    }

    pub(super) fn grant(&mut self, time: Duration) -> Result<Lease, Trouble> {
        self.numbers.lease += 1;
        self.leases.insert(self.numbers.lease, micros(time).max(1))?;
        Ok(Lease(self.numbers.lease))
    }

    /// Ends a lease, and deletes what is written under it at a revision of its own.
    pub(super) fn revoke(&mut self, lease: Lease) -> Result<(), Trouble> {
        if self.leases.remove(lease.0)?.is_none() {
            return Ok(());
        }
        self.changed = true;
        let mut keys = Vec::new();
        for row in self.leased.range((lease.0, &[][..])..)? {
            let (row, _) = row?;
            let (of, key) = row.value();
            if of != lease.0 {
                break;
            }
            keys.push(key.to_vec());
        }
        let revision = self.numbers.revision + 1;
        for key in keys {
            match self.get(&key)? {
                Some(entry) => self.delete(&entry, revision)?,
                None => {
                    self.leased.remove((lease.0, &*key))?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn compact(&mut self, before: Revision) -> Result<(), Trouble> {
        if before.0 > self.numbers.revision + 1 {
            let what = format!("there is no revision {before} yet; the newest is {}", self.numbers.revision);
            return Err(DatabaseError::invalid(what).into());
        }
        self.forget(before.0, usize::MAX)
    }

    /// Forgets changes before `oldest`, at most so many.
    fn forget(&mut self, oldest: u64, most: usize) -> Result<(), Trouble> {
        let mut forgotten = Vec::new();
        for row in self.changes.range(..(oldest, &[][..]))?.take(most) {
            let (row, _) = row?;
            let (revision, key) = row.value();
            forgotten.push((revision, key.to_vec()));
        }
        for (revision, key) in &forgotten {
            self.changes.remove((*revision, &**key))?;
            self.past.remove((&**key, *revision))?;
        }
        // Of the last revision something may be left, which is of no use without the rest.
        let reached = match forgotten.last() {
            Some((last, _)) if forgotten.len() == most => last + 1,
            _ => oldest,
        };
        self.numbers.oldest = self.numbers.oldest.max(reached);
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Entry>, Trouble> {
        let stored = self.entries.get(key)?;
        Ok(stored.map(|stored| layout::decode(key, stored.value())).transpose()?)
    }

    fn put(&mut self, entry: &Entry, before: Option<Entry>) -> Result<(), Trouble> {
        let key = &*entry.key;
        self.entries.insert(key, &*layout::encode(entry))?;
        self.noted(key, entry.modified.0, WROTE, before)?;
        if let Some(lease) = entry.lease {
            self.leased.insert((lease.0, key), ())?;
        }
        Ok(())
    }

    fn delete(&mut self, before: &Entry, revision: u64) -> Result<(), Trouble> {
        self.entries.remove(&*before.key)?;
        self.noted(&before.key, revision, DELETED, Some(before.clone()))
    }

    /// Remembers what the revision has done with the key, and what was there before.
    fn noted(&mut self, key: &[u8], revision: u64, what: u8, before: Option<Entry>) -> Result<(), Trouble> {
        self.numbers.revision = revision;
        self.changes.insert((revision, key), what)?;
        if let Some(before) = before {
            self.past.insert((key, revision), &*layout::encode(&before))?;
            if let Some(lease) = before.lease {
                self.leased.remove((lease.0, key))?;
            }
        }
        Ok(())
    }
}
