//! One transaction under way.

use std::cell::OnceCell;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use redb::{ReadableTable, Table as Open, WriteTransaction};

use super::error::RecordsError;
use super::file::{self, CHANGES, META, note};
use super::layers::{Base, Keys, Merged};
use super::reading::{Pairs, find, is_empty};
use super::store::Store;
use super::values::REMOVED;

/// One transaction under way; it sees what it has written.
pub struct Writing<'a> {
    transaction: &'a WriteTransaction,
    store: &'a Store,
    tables: Vec<OnceCell<Open<'a, Keys, Keys>>>,
    base: Option<Arc<Base>>,
    /// Where writes are noted: the number of this one.
    noting: Option<Noting<'a>>,
    wrote: bool,
    buffer: Vec<u8>,
}

struct Noting<'a> {
    changes: Open<'a, (&'static str, &'static [u8]), u64>,
    number: u64,
}

impl<'a> Writing<'a> {
    pub(super) fn new(
        transaction: &'a WriteTransaction,
        store: &'a Store,
        base: Option<Arc<Base>>,
    ) -> Result<Self, RecordsError> {
        let mut meta = transaction.open_table(META).map_err(RecordsError::store(store.file(), "writing"))?;
        let base = match base {
            Some(base) => file::noted(store.file(), &meta, note::BASE)?.map(|_| base),
            None => None,
        };
        let noting = match file::noted(store.file(), &meta, note::NOTING)? {
            Some(_) => Some(Noting::new(transaction, store, &mut meta)?),
            None => None,
        };
        let tables = store.values.iter().map(|_| OnceCell::new()).collect();
        Ok(Self { transaction, store, tables, base, noting, wrote: false, buffer: Vec::new() })
    }

    /// As [`Reading::get`](super::Reading::get).
    ///
    /// # Errors
    /// As there.
    pub fn get(&self, table: &str, key: &[u8]) -> Result<Option<Bytes>, RecordsError> {
        let index = self.store.table(table)?;
        let own = self.table(index)?.get(key).map_err(RecordsError::store(self.store.file(), "reading"))?;
        let found = find(self.base.as_deref(), index, key, own)?;
        found.map(|stored| self.store.take(index, key, &stored)).transpose()
    }

    /// As [`Reading::range`](super::Reading::range).
    ///
    /// # Errors
    /// As there.
    pub fn range<'r>(
        &'r self,
        table: &str,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<impl Iterator<Item = Result<(Bytes, Bytes), RecordsError>> + use<'r, 'a>, RecordsError> {
        self.pairs(table, (from, to), false)
    }

    /// As [`Reading::first`](super::Reading::first).
    ///
    /// # Errors
    /// As there.
    pub fn first(&self, table: &str) -> Result<Option<(Bytes, Bytes)>, RecordsError> {
        self.pairs(table, (Bound::Unbounded, Bound::Unbounded), false)?.next().transpose()
    }

    /// As [`Reading::last`](super::Reading::last).
    ///
    /// # Errors
    /// As there.
    pub fn last(&self, table: &str) -> Result<Option<(Bytes, Bytes)>, RecordsError> {
        self.pairs(table, (Bound::Unbounded, Bound::Unbounded), true)?.next().transpose()
    }

    /// Sets the value of a key. That the bytes of a message are one of the table's type is for the caller to see to.
    ///
    /// # Errors
    /// When there is no such table, or the file system fails.
    pub fn insert(&mut self, table: &str, key: &[u8], value: &[u8]) -> Result<(), RecordsError> {
        let index = self.store.table(table)?;
        let mut buffer = std::mem::take(&mut self.buffer);
        self.store.values[index].put(value, &mut buffer);
        let set = self.set(index, key, Some(&buffer));
        self.buffer = buffer;
        set
    }

    /// Removes a key, if it is there.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub fn remove(&mut self, table: &str, key: &[u8]) -> Result<(), RecordsError> {
        let index = self.store.table(table)?;
        let beneath = match &self.base {
            Some(base) => base.get(index, key)?.is_some_and(|stored| stored.value() != REMOVED),
            None => false,
        };
        self.set(index, key, beneath.then_some(REMOVED))
    }

    /// Whether anything was written.
    pub(super) fn wrote(&self) -> bool {
        self.wrote
    }

    fn set(&mut self, index: usize, key: &[u8], stored: Option<&[u8]>) -> Result<(), RecordsError> {
        let failed = |error| RecordsError::store::<redb::Error>(self.store.file(), "writing")(error);
        self.table(index)?;
        // It was opened just now.
        let Some(table) = self.tables[index].get_mut() else { return Ok(()) };
        self.wrote = true;
        match stored {
            Some(stored) => drop(table.insert(key, stored).map_err(|error| failed(error.into()))?),
            None => drop(table.remove(key).map_err(|error| failed(error.into()))?),
        }
        if let Some(Noting { changes, number }) = &mut self.noting {
            let name = &*self.store.origin.tables[index].name;
            changes.insert((name, key), *number).map_err(|error| failed(error.into()))?;
        }
        Ok(())
    }

    fn pairs(&self, table: &str, bounds: (Bound<&[u8]>, Bound<&[u8]>), back: bool) -> Result<Pairs<'_>, RecordsError> {
        let index = self.store.table(table)?;
        let mut merged = Merged::new(back);
        if !is_empty(bounds) {
            let own = self.table(index)?.range::<&[u8]>(bounds);
            merged.add(own.map_err(RecordsError::store(self.store.file(), "reading"))?);
            if let Some(base) = &self.base {
                base.add(index, bounds, &mut merged)?;
            }
        }
        Ok(Pairs { merged, store: self.store, table: index })
    }

    fn table(&self, index: usize) -> Result<&Open<'a, Keys, Keys>, RecordsError> {
        if let Some(open) = self.tables[index].get() {
            return Ok(open);
        }
        let definition = file::definition(&self.store.origin.tables[index].name);
        let open = self.transaction.open_table(definition);
        let open = open.map_err(RecordsError::store(self.store.file(), "opening a table"))?;
        Ok(self.tables[index].get_or_init(|| open))
    }
}

impl<'a> Noting<'a> {
    fn new(
        transaction: &'a WriteTransaction,
        store: &Store,
        meta: &mut Open<'_, &'static str, &'static [u8]>,
    ) -> Result<Self, RecordsError> {
        let failed = |error| RecordsError::store::<redb::Error>(store.file(), "noting a write")(error);
        let changes = transaction.open_table(CHANGES).map_err(|error| failed(error.into()))?;
        let last = file::noted(store.file(), meta, note::NOTED)?;
        let last = last.and_then(|last| last.try_into().ok()).map_or(0, u64::from_be_bytes);
        let number = last + 1;
        meta.insert(note::NOTED, &number.to_be_bytes()[..]).map_err(|error| failed(error.into()))?;
        Ok(Self { changes, number })
    }
}

impl fmt::Debug for Writing<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Writing").field("file", &self.store.file()).finish_non_exhaustive()
    }
}
