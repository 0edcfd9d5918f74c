//! What was there at one time.

use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use redb::{ReadTransaction, ReadableTableMetadata};

use super::error::RecordsError;
use super::file::{self, META, note};
use super::layers::{Base, Guard, Merged, OpenTable};
use super::store::Store;
use super::values::REMOVED;

/// What was there at one time. While it lives, the file stays open: keep it for moments.
pub struct Reading {
    transaction: ReadTransaction,
    tables: Vec<OnceLock<OpenTable>>,
    base: Option<Arc<Base>>,
    // Last, so that the file is not closed before what is read of it.
    store: Arc<Store>,
}

impl Reading {
    pub(super) fn new(store: Arc<Store>) -> Result<Self, RecordsError> {
        // First what may be beneath, then the transaction, which says whether it still counts.
        let base = store.base();
        let transaction = store.begin_read()?;
        let base = match base {
            Some(base) => {
                let meta = transaction.open_table(META).map_err(RecordsError::store(store.file(), "reading"))?;
                file::noted(store.file(), &meta, note::BASE)?.map(|_| base)
            }
            None => None,
        };
        let tables = store.values.iter().map(|_| OnceLock::new()).collect();
        Ok(Self { transaction, tables, base, store })
    }

    /// The value of a key.
    ///
    /// # Errors
    /// When there is no such table, a record cannot be brought to this version, or the file system fails.
    pub fn get(&self, table: &str, key: &[u8]) -> Result<Option<Bytes>, RecordsError> {
        let index = self.store.table(table)?;
        let own = self.table(index)?.get(key).map_err(RecordsError::store(self.store.file(), "reading"))?;
        let found = find(self.base.as_deref(), index, key, own)?;
        found.map(|stored| self.store.take(index, key, &stored)).transpose()
    }

    /// Keys and values from `from` to `to`, in the order of their keys.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn range<'r>(
        &'r self,
        table: &str,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<impl Iterator<Item = Result<(Bytes, Bytes), RecordsError>> + use<'r>, RecordsError> {
        self.pairs(table, (from, to), false)
    }

    /// The first key, and its value.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn first(&self, table: &str) -> Result<Option<(Bytes, Bytes)>, RecordsError> {
        self.pairs(table, (Bound::Unbounded, Bound::Unbounded), false)?.next().transpose()
    }

    /// The last key, and its value.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn last(&self, table: &str) -> Result<Option<(Bytes, Bytes)>, RecordsError> {
        self.pairs(table, (Bound::Unbounded, Bound::Unbounded), true)?.next().transpose()
    }

    fn pairs(&self, table: &str, bounds: (Bound<&[u8]>, Bound<&[u8]>), back: bool) -> Result<Pairs<'_>, RecordsError> {
        let index = self.store.table(table)?;
        Ok(Pairs { merged: self.merged(index, bounds, back)?, store: &self.store, table: index })
    }

    /// Keys, and what lies under them in whatever version.
    pub(super) fn merged(
        &self,
        table: usize,
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        back: bool,
    ) -> Result<Merged<'static>, RecordsError> {
        let mut merged = Merged::new(back);
        if is_empty(bounds) {
            return Ok(merged);
        }
        let own = self.table(table)?.range::<&[u8]>(bounds);
        merged.add(own.map_err(RecordsError::store(self.store.file(), "reading"))?);
        if let Some(base) = &self.base {
            base.add(table, bounds, &mut merged)?;
        }
        Ok(merged)
    }

    /// What lies under a key, in whatever version.
    pub(super) fn stored(&self, table: usize, key: &[u8]) -> Result<Option<Guard<'static>>, RecordsError> {
        let own = self.table(table)?.get(key).map_err(RecordsError::store(self.store.file(), "reading"))?;
        find(self.base.as_deref(), table, key, own)
    }

    /// How many records there are at most.
    pub(super) fn len(&self) -> Result<u64, RecordsError> {
        let mut sum = self.base.as_ref().map_or(Ok(0), |base| base.len())?;
        for table in 0..self.tables.len() {
            let own = self.table(table)?.len();
            sum += own.map_err(RecordsError::store(self.store.file(), "counting records"))?;
        }
        Ok(sum)
    }

    pub(super) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    pub(super) fn transaction(&self) -> &ReadTransaction {
        &self.transaction
    }

    fn table(&self, index: usize) -> Result<&OpenTable, RecordsError> {
        if let Some(open) = self.tables[index].get() {
            return Ok(open);
        }
        let definition = file::definition(&self.store.origin.tables[index].name);
        let open = self.transaction.open_table(definition);
        let open = open.map_err(RecordsError::store(self.store.file(), "opening a table"))?;
        Ok(self.tables[index].get_or_init(|| open))
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Reading").field("file", &self.store.file()).finish_non_exhaustive()
    }
}

/// Keys and values in the version of the store.
pub(super) struct Pairs<'r> {
    pub(super) merged: Merged<'r>,
    pub(super) store: &'r Store,
    pub(super) table: usize,
}

impl Iterator for Pairs<'_> {
    type Item = Result<(Bytes, Bytes), RecordsError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (key, stored) = match self.merged.next().map_err(RecordsError::store(self.store.file(), "reading")) {
            Ok(next) => next?,
            Err(error) => return Some(Err(error)),
        };
        let key = Bytes::copy_from_slice(key.value());
        Some(self.store.take(self.table, &key, &stored).map(|value| (key, value)))
    }
}

/// What lies under a key, given what lies there in the own file.
pub(super) fn find<'g>(
    base: Option<&Base>,
    table: usize,
    key: &[u8],
    own: Option<Guard<'g>>,
) -> Result<Option<Guard<'g>>, RecordsError> {
    let found = match (own, base) {
        (None, Some(base)) => base.get(table, key)?,
        (own, _) => own,
    };
    Ok(found.filter(|stored| stored.value() != REMOVED))
}

impl Store {
    /// A value in this version.
    pub(super) fn take(&self, table: usize, key: &[u8], stored: &Guard<'_>) -> Result<Bytes, RecordsError> {
        let stored = Bytes::copy_from_slice(stored.value());
        self.values[table].take(stored).map_err(|failure| self.failed(table, key, failure))
    }
}

/// Whether nothing can lie between these.
pub(super) fn is_empty((from, to): (Bound<&[u8]>, Bound<&[u8]>)) -> bool {
    match (from, to) {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
        _ => false,
    }
}
