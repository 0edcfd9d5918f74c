//! The rest of a lazy carrying-over, little by little, beside those who read and write.

use std::ops::Bound;
use std::time::{Duration, Instant};

use redb::{ReadableTable, WriteTransaction};

use super::batch::{Batch, Most, start};
use super::cursor::{At, Cursor};
use super::error::RecordsError;
use super::file::{self, META, note};
use super::handle::Records;
use super::layers::{Base, Merged};
use super::store::Store;
use super::values::REMOVED;
use crate::state::progress::Progress;

/// How long a transaction of ours may take, roughly: those who write wait as long.
const LONG: Duration = Duration::from_millis(2);
/// How many records one transaction brings.
const FEW: usize = if cfg!(test) { 4 } else { 16 };
const MANY: usize = if cfg!(test) { 8 } else { 4096 };
/// How many bytes one transaction brings.
const BYTES: usize = 1 << 20;
/// After how many bytes what was brought is made durable, so that nobody else's write has to carry much to the disk.
const DURABLE: usize = if cfg!(test) { 2 << 10 } else { 1 << 20 };

/// See [`Records::fill`].
pub(super) fn fill(records: &Records, progress: &Progress) -> Result<(), RecordsError> {
    let Some(mut filling) = Filling::begin(&*records.store()?, progress)? else { return Ok(()) };
    let tables = records.store()?.values.len();
    for (table, mut after) in filling.cursor.clone().rest(tables) {
        loop {
            // Each time anew, so that the records can be closed in between.
            let store = records.store()?;
            let Some(base) = store.base().filter(|_| !progress.is_stopped()) else { return Ok(()) };
            if filling.batch(&store, &base, table, &mut after, progress)? {
                break;
            }
        }
    }
    let store = records.store()?;
    store.work(true, |transaction| {
        let mut meta = transaction.open_table(META).map_err(RecordsError::store(store.file(), "filling"))?;
        for key in [note::BASE, note::CURSOR] {
            meta.remove(key).map_err(RecordsError::store(store.file(), "filling"))?;
        }
        meta.insert(note::SWEEP, &b""[..]).map_err(RecordsError::store(store.file(), "filling"))?;
        Ok(())
    })?;
    store.drop_base();
    tracing::info!(file = %store.file().display(), "all records are here");
    Ok(())
}

/// A key, and its value as it will lie in the file, or why it will not.
type Ready = (Vec<u8>, Result<Vec<u8>, RecordsError>);

/// A filling under way.
struct Filling {
    cursor: Cursor,
    most: usize,
    /// How many bytes were brought that may not be durable yet.
    loose: usize,
}

impl Filling {
    /// Nothing where all is here.
    fn begin(store: &Store, progress: &Progress) -> Result<Option<Self>, RecordsError> {
        let transaction = store.begin_read()?;
        let meta = transaction.open_table(META).map_err(RecordsError::store(store.file(), "reading"))?;
        let Some(base) = store.base() else { return Ok(None) };
        let cursor = file::noted(store.file(), &meta, note::CURSOR)?;
        let cursor = Cursor::decode(store.file(), cursor, &store.origin.tables)?;
        progress.expect(progress.done() + base.len()?);
        progress.add(cursor.done);
        Ok(Some(Self { cursor, most: FEW, loose: 0 }))
    }

    /// Brings some of a table; true where that was the rest of it.
    fn batch(
        &mut self,
        store: &Store,
        base: &Base,
        table: usize,
        after: &mut Option<Vec<u8>>,
        progress: &Progress,
    ) -> Result<bool, RecordsError> {
        let mut merged = Merged::new(false);
        base.add(table, (start(after.as_deref()), Bound::Unbounded), &mut merged)?;
        // Rewritten before the transaction begins, so that nobody waits for that.
        let mut ready: Vec<Ready> = Vec::new();
        let most = Most { records: self.most, bytes: BYTES };
        let batch = Batch::of(base.file(), &mut merged, most, after, |key, stored| {
            let mut value = Vec::new();
            let carried = store.values[table].carry(stored, &mut value);
            let carried = carried.map(|()| value).map_err(|failure| store.failed(table, key, failure));
            ready.push((key.to_vec(), carried));
            Ok(())
        })?;
        self.cursor.done += batch.records as u64;
        self.cursor.at = after.clone().map_or(At::Begin, |key| At::Within(table, key));
        self.loose += batch.bytes;
        let durable = self.loose >= DURABLE;
        let cursor = self.cursor.encode(&store.origin.tables);
        let mut began = Instant::now();
        store.work(durable, |transaction| {
            began = Instant::now();
            bring(store, transaction, table, ready, &cursor)
        })?;
        if durable {
            self.loose = 0;
        } else {
            self.most = if began.elapsed() > LONG { self.most / 2 } else { self.most * 2 }.clamp(FEW, MANY);
        }
        progress.add(batch.records as u64);
        Ok(batch.ended)
    }
}

/// Writes what nobody has written or removed since.
fn bring(
    store: &Store,
    transaction: &WriteTransaction,
    table: usize,
    ready: Vec<Ready>,
    cursor: &[u8],
) -> Result<(), RecordsError> {
    let failed = |error| RecordsError::store::<redb::Error>(store.file(), "filling")(error);
    let mut meta = transaction.open_table(META).map_err(|error| failed(error.into()))?;
    if file::noted(store.file(), &meta, note::BASE)?.is_none() {
        // Somebody else has brought all of it, and what is not here any more was removed since.
        return Ok(());
    }
    let definition = file::definition(&store.origin.tables[table].name);
    let mut open = transaction.open_table(definition).map_err(|error| failed(error.into()))?;
    for (key, value) in ready {
        if open.get(&*key).map_err(|error| failed(error.into()))?.is_none() {
            open.insert(&*key, &*value?).map_err(|error| failed(error.into()))?;
        }
    }
    meta.insert(note::CURSOR, cursor).map_err(|error| failed(error.into()))?;
    Ok(())
}

/// Removes what stands for removed keys, which hide nothing any more.
pub(super) fn sweep(records: &Records, progress: &Progress) -> Result<(), RecordsError> {
    let store = records.store()?;
    if !is_to_be_swept(&store)? {
        return Ok(());
    }
    let tables = store.values.len();
    drop(store);
    for table in 0..tables {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let store = records.store()?;
            if progress.is_stopped() {
                return Ok(());
            }
            let (removed, ended) = removed(&store, table, &mut after)?;
            if !removed.is_empty() {
                store.work(false, |transaction| forget(&store, transaction, table, &removed))?;
            }
            if ended {
                break;
            }
        }
    }
    let store = records.store()?;
    store.work(true, |transaction| {
        let mut meta = transaction.open_table(META).map_err(RecordsError::store(store.file(), "sweeping"))?;
        meta.remove(note::SWEEP).map_err(RecordsError::store(store.file(), "sweeping"))?;
        Ok(())
    })
}

fn is_to_be_swept(store: &Store) -> Result<bool, RecordsError> {
    let transaction = store.begin_read()?;
    let meta = transaction.open_table(META).map_err(RecordsError::store(store.file(), "reading"))?;
    Ok(file::noted(store.file(), &meta, note::SWEEP)?.is_some())
}

/// Some keys that are marked as removed, and whether these were the last ones.
fn removed(store: &Store, table: usize, after: &mut Option<Vec<u8>>) -> Result<(Vec<Vec<u8>>, bool), RecordsError> {
    let failed = |error| RecordsError::store::<redb::Error>(store.file(), "sweeping")(error);
    let transaction = store.begin_read()?;
    let definition = file::definition(&store.origin.tables[table].name);
    let open = transaction.open_table(definition).map_err(|error| failed(error.into()))?;
    let range =
        open.range::<&[u8]>((start(after.as_deref()), Bound::Unbounded)).map_err(|error| failed(error.into()))?;
    let mut keys = Vec::new();
    for (seen, pair) in range.enumerate() {
        let (key, value) = pair.map_err(|error| failed(error.into()))?;
        if value.value() == REMOVED {
            keys.push(key.value().to_vec());
        }
        if seen + 1 == MANY {
            *after = Some(key.value().to_vec());
            return Ok((keys, false));
        }
    }
    Ok((keys, true))
}

fn forget(
    store: &Store,
    transaction: &WriteTransaction,
    table: usize,
    removed: &[Vec<u8>],
) -> Result<(), RecordsError> {
    let failed = |error| RecordsError::store::<redb::Error>(store.file(), "sweeping")(error);
    let definition = file::definition(&store.origin.tables[table].name);
    let mut open = transaction.open_table(definition).map_err(|error| failed(error.into()))?;
    for key in removed {
        let found = open.get(&**key).map_err(|error| failed(error.into()))?;
        let still = found.is_some_and(|value| value.value() == REMOVED);
        if still {
            open.remove(&**key).map_err(|error| failed(error.into()))?;
        }
    }
    Ok(())
}
