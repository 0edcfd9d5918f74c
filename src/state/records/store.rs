//! An open file, shared by all that read and write it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};

use redb::{Database, Durability, ReadableDatabase, WriteTransaction};

use super::error::{Kind, RecordsError};
use super::file::{self, Head, META, note};
use super::held::OpenFile;
use super::layers::{Base, folder_beneath, unfinished};
use super::layout::{Layout, Table};
use super::origin::{Origin, line_up};
use super::turns::Turns;
use super::values::{Failure, Values};
use super::writing::Writing;
use crate::protocol::Protocol;

/// An open file. It closes when the last one lets go of it.
#[derive(Debug)]
pub(super) struct Store {
    open: Arc<OpenFile>,
    /// How many writes have begun to be made durable.
    written: Arc<AtomicU64>,
    /// The file, and what is in it.
    pub(super) origin: Origin,
    pub(super) values: Vec<Values>,
    base: RwLock<Option<Arc<Base>>>,
    pub(super) turns: Turns,
    /// Dropped last, when the file is closed.
    ended: TellsEnd,
}

/// Tells that a store has come to its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Ended(Arc<(Mutex<bool>, Condvar)>);

#[derive(Debug, Default)]
pub(super) struct TellsEnd(pub(super) Ended);

impl Drop for TellsEnd {
    fn drop(&mut self) {
        let (ended, changed) = &*self.0.0;
        *ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }
}

impl Store {
    /// # Errors
    /// As [`Records::open`](super::Records::open).
    pub(super) fn open(
        folder: &Path,
        protocol: &Protocol,
        version: usize,
        layout: &Layout,
    ) -> Result<Arc<Self>, RecordsError> {
        if let Some(fault) = layout.fault() {
            return Err(RecordsError::wrong(fault, "give the layout other tables"));
        }
        let wanted = Head::new(protocol, version, layout.tables());
        // Before anything is made: whether there are such messages.
        line_up(protocol, version, layout.tables(), &[])?;
        let file = file::path(folder);
        let database = if file.exists() {
            file::open(&file, layout.cache_size())?
        } else {
            file::create(folder, &wanted, &[], layout.cache_size())?
        };
        let beneath = prepare(&file, &database, protocol, &wanted)?;
        let base = beneath.map(|base| Base::open(&folder.join(base), protocol)).transpose()?;
        let base = base.map(|base| base.read_as(layout.tables())).transpose()?;
        let origins = base.as_ref().map(Base::origins).unwrap_or_default();
        let values = line_up(protocol, version, layout.tables(), &origins)?;
        tracing::info!(file = %file.display(), version = wanted.version, whole = base.is_none(), "opened");
        Ok(Arc::new(Self {
            open: OpenFile::new(database, &file),
            written: Arc::default(),
            origin: Origin { file, version, tables: layout.tables().to_vec() },
            values,
            base: RwLock::new(base.map(Arc::new)),
            turns: Turns::default(),
            ended: TellsEnd::default(),
        }))
    }

    pub(super) fn file(&self) -> &Path {
        &self.origin.file
    }

    /// The index of a table.
    pub(super) fn table(&self, name: &str) -> Result<usize, RecordsError> {
        let found = self.origin.tables.iter().position(|table| table.name == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.origin.tables.iter().map(|table| &*table.name).collect();
            let what = format!("there is no table {name:?}; the layout has {}", names.join(", "));
            RecordsError::wrong(what, "name the table in the layout")
        })
    }

    /// What is beneath, while it may still be needed.
    pub(super) fn base(&self) -> Option<Arc<Base>> {
        self.base.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Nobody who comes now needs what is beneath.
    pub(super) fn drop_base(&self) {
        let beneath = self.base.write().unwrap_or_else(PoisonError::into_inner).take();
        // It may be closed here, which nobody who reads has to wait for.
        drop(beneath);
    }

    /// This file, and those beneath.
    pub(super) fn origins(&self) -> Vec<Origin> {
        let beneath = self.base().map(|base| base.origins()).unwrap_or_default();
        std::iter::once(self.origin.clone()).chain(beneath).collect()
    }

    pub(super) fn begin_read(&self) -> Result<redb::ReadTransaction, RecordsError> {
        self.open.begin_read().map_err(RecordsError::store(self.file(), "reading"))
    }

    pub(super) fn begin_write(&self) -> Result<WriteTransaction, RecordsError> {
        self.open.database().begin_write().map_err(RecordsError::store(self.file(), "writing"))
    }

    pub(super) fn commit(&self, transaction: WriteTransaction) -> Result<(), RecordsError> {
        self.written.fetch_add(1, Ordering::AcqRel);
        transaction.commit().map_err(RecordsError::store(self.file(), "writing"))
    }

    /// Has `copy` copy the file, in which all is then that was written; nobody writes meanwhile. A copy is opened without much
    /// mending. How many writes there have been.
    pub(super) fn copy(&self, copy: impl FnOnce() -> io::Result<()>) -> Result<u64, RecordsError> {
        let _turn = self.turns.work();
        self.open.settle()?;
        copy().map_err(RecordsError::io(self.file(), "copying the file"))?;
        Ok(self.written.load(Ordering::Acquire))
    }

    pub(super) fn written(&self) -> Arc<AtomicU64> {
        self.written.clone()
    }

    pub(super) fn open_file(&self) -> Arc<OpenFile> {
        self.open.clone()
    }

    /// Does `work` in a transaction that is on disk at the end; `false` where there was nothing to write.
    pub(super) fn write<T, E: From<RecordsError>>(
        &self,
        work: impl FnOnce(&mut Writing<'_>) -> Result<T, E>,
    ) -> Result<(T, bool), E> {
        let _turn = self.turns.write();
        // First what may be beneath, then the transaction, which says whether it still counts.
        let base = self.base();
        let transaction = self.begin_write()?;
        let mut writing = Writing::new(&transaction, self, base)?;
        let done = work(&mut writing)?;
        if !writing.wrote() {
            return Ok((done, false));
        }
        drop(writing);
        self.commit(transaction)?;
        Ok((done, true))
    }

    /// Does `work`, which nobody waits for, in a transaction that is on disk at the end where `durable`, else once a later
    /// one is.
    pub(super) fn work<T>(
        &self,
        durable: bool,
        work: impl FnOnce(&WriteTransaction) -> Result<T, RecordsError>,
    ) -> Result<T, RecordsError> {
        let _turn = self.turns.work();
        let mut transaction = self.begin_write()?;
        let durability = if durable { Durability::Immediate } else { Durability::None };
        transaction
            .set_durability(durability)
            .map_err(|error| RecordsError::damaged(self.file(), format!("writing: {error}")))?;
        let done = work(&transaction)?;
        self.commit(transaction)?;
        Ok(done)
    }

    /// Why a value does not come out.
    pub(super) fn failed(&self, table: usize, key: &[u8], failure: Failure) -> RecordsError {
        failed(self.file(), &self.origin.tables[table].name, key, failure)
    }

    pub(super) fn ended(&self) -> Ended {
        self.ended.0.clone()
    }
}

pub(super) fn failed(file: &Path, table: &str, key: &[u8], failure: Failure) -> RecordsError {
    let (file, table) = (file.to_owned(), table.to_owned());
    match failure {
        Failure::Refused(why) => Kind::Refused { file, table, key: key.to_vec(), why }.into(),
        Failure::Damaged(what) => Kind::BadRecord { file, table, key: key.to_vec(), what }.into(),
    }
}

impl Ended {
    pub(super) fn is_over(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the file is closed.
    pub(super) fn wait(&self) {
        let (ended, changed) = &*self.0;
        let mut guard = ended.lock().unwrap_or_else(PoisonError::into_inner);
        while !*guard {
            guard = changed.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Checks that the file is what is wanted, and makes tables that are new. Where the records are that are not in it.
fn prepare(
    file: &Path,
    database: &Database,
    protocol: &Protocol,
    wanted: &Head,
) -> Result<Option<PathBuf>, RecordsError> {
    let transaction = database.begin_read().map_err(RecordsError::store(file, "reading"))?;
    let meta = transaction.open_table(META).map_err(RecordsError::store(file, "reading what the file is"))?;
    let head = Head::read(file, &meta)?;
    let version = head.index(file, protocol)?;
    unfinished(file, file::noted(file, &meta, note::CARRY)?.is_some())?;
    let base = folder_beneath(file, file::noted(file, &meta, note::BASE)?)?;
    if version != wanted.index(file, protocol)? {
        let what = format!("it holds records of {}, not of {}", head.version, wanted.version);
        return Err(RecordsError::mismatch(file, what, "open it in that version, or carry it over first"));
    }
    for table in &head.tables {
        known(file, table, &wanted.tables)?;
    }
    if head.tables != wanted.tables {
        let failed = |error| RecordsError::store::<redb::Error>(file, "making the tables")(error);
        let transaction = database.begin_write().map_err(|error| failed(error.into()))?;
        file::make_tables(file, &transaction, &wanted.tables)?;
        wanted.write(file, &mut transaction.open_table(META).map_err(|error| failed(error.into()))?)?;
        transaction.commit().map_err(|error| failed(error.into()))?;
    }
    Ok(base)
}

/// Whether the layout has a table of the file, as the file has it.
fn known(file: &Path, table: &Table, wanted: &[Table]) -> Result<(), RecordsError> {
    let advice = "open it with the layout that it was made with; a version may get new tables, no other ones";
    match super::layout::find(wanted, &table.name) {
        Some(found) if found.kind.same(&table.kind) => Ok(()),
        Some(found) => {
            let (name, theirs, ours) = (&table.name, table.kind.words(), found.kind.words());
            Err(RecordsError::mismatch(file, format!("its table {name:?} holds {theirs}, not {ours}"), advice))
        }
        None => {
            let what = format!("the layout does not name its table {:?}", table.name);
            Err(RecordsError::mismatch(file, what, advice))
        }
    }
}
