//! The file that is being made.

use std::path::{Path, PathBuf};

use redb::{Database, Durability, ReadableDatabase, Table as Open, WriteTransaction};

use super::{Mode, Plan};
use crate::state::records::cursor::Cursor;
use crate::state::records::error::RecordsError;
use crate::state::records::file::{self, Head, META, note};
use crate::state::records::layers::Keys;

/// The file that is being made. Nobody else uses it until it is whole.
pub(super) struct Target {
    database: Database,
    file: PathBuf,
    folder: PathBuf,
}

impl Target {
    /// Makes the file anew; `name` names the carrying-over.
    pub(super) fn create(plan: &Plan, folder: &Path, name: &[u8]) -> Result<Self, RecordsError> {
        let file = file::path(folder);
        file::remove(&file)?;
        let head = Head::new(&plan.protocol, plan.to, plan.layout.tables());
        let database = file::create(folder, &head, &[(note::CARRY, name)], plan.layout.cache_size())?;
        Ok(Self { database, file, folder: folder.to_owned() })
    }

    /// Goes on with what a carrying-over has made.
    pub(super) fn open(plan: &Plan, folder: &Path) -> Result<(Self, Cursor), RecordsError> {
        let file = file::path(folder);
        let database = file::open(&file, plan.layout.cache_size())?;
        let transaction = database.begin_read().map_err(RecordsError::store(&file, "reading"))?;
        let meta = transaction.open_table(META).map_err(RecordsError::store(&file, "reading"))?;
        let cursor = file::noted(&file, &meta, note::CURSOR)?;
        let cursor = Cursor::decode(&file, cursor, plan.layout.tables())?;
        Ok((Self { database, file, folder: folder.to_owned() }, cursor))
    }

    pub(super) fn write<T>(
        &self,
        durable: bool,
        work: impl FnOnce(&WriteTransaction) -> Result<T, RecordsError>,
    ) -> Result<T, RecordsError> {
        let failed = |error| RecordsError::store::<redb::Error>(&self.file, "writing")(error);
        let mut transaction = self.database.begin_write().map_err(|error| failed(error.into()))?;
        let durability = if durable { Durability::Immediate } else { Durability::None };
        transaction.set_durability(durability).map_err(|error| failed(error.into()))?;
        let done = work(&transaction)?;
        transaction.commit().map_err(|error| failed(error.into()))?;
        Ok(done)
    }

    pub(super) fn table<'t>(
        &self,
        transaction: &'t WriteTransaction,
        name: &str,
    ) -> Result<Open<'t, Keys, Keys>, RecordsError> {
        transaction.open_table(file::definition(name)).map_err(RecordsError::store(&self.file, "writing"))
    }

    /// Notes how far the copy is.
    pub(super) fn note(&self, transaction: &WriteTransaction, cursor: &[u8]) -> Result<(), RecordsError> {
        let failed = |error| RecordsError::store::<redb::Error>(&self.file, "writing")(error);
        let mut meta = transaction.open_table(META).map_err(|error| failed(error.into()))?;
        meta.insert(note::CURSOR, cursor).map_err(|error| failed(error.into()))?;
        Ok(())
    }

    /// Closes the file, to be gone on with: it is on disk when this returns.
    pub(super) fn close(self) -> Result<(), RecordsError> {
        self.write(true, |_| Ok(()))
    }

    /// Says that the file is whole, and closes it: it is on disk when this returns.
    pub(super) fn complete(self) -> Result<(), RecordsError> {
        self.write(true, |transaction| {
            let mut meta = transaction.open_table(META).map_err(RecordsError::store(&self.file, "writing"))?;
            for key in [note::CARRY, note::CURSOR] {
                meta.remove(key).map_err(RecordsError::store(&self.file, "writing"))?;
            }
            Ok(())
        })?;
        drop(self.database);
        file::sync(&self.folder)
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }
}

/// What lies at the target already.
pub(super) enum Found {
    Nothing,
    /// Half made, for the carrying-over of this name.
    Half(Vec<u8>),
    Whole,
}

/// What lies at the target already.
///
/// # Errors
/// When it is whole, but not what is to be made.
pub(super) fn look(plan: &Plan, folder: &Path) -> Result<Found, RecordsError> {
    let file = file::path(folder);
    if !file.exists() {
        return Ok(Found::Nothing);
    }
    let database = file::open_closed(&file, plan.layout.cache_size())?;
    let transaction = database.begin_read().map_err(RecordsError::store(&file, "reading"))?;
    let meta = transaction.open_table(META).map_err(RecordsError::store(&file, "reading what the file is"))?;
    let head = Head::read(&file, &meta)?;
    let same = head.index(&file, &plan.protocol)? == plan.to && head.tables == plan.layout.tables();
    match file::noted(&file, &meta, note::CARRY)? {
        Some(name) if same => return Ok(Found::Half(name)),
        // Of another layout: it is made anew.
        Some(_) => return Ok(Found::Nothing),
        // A note of where the records are is not what others wait for.
        None if same && plan.mode != Mode::Lazy && file::noted(&file, &meta, note::BASE)?.is_some() => {
            return Ok(Found::Nothing);
        }
        None if same => return Ok(Found::Whole),
        None => {}
    }
    let advice = "give a folder that is empty: what is carried over is made anew";
    Err(RecordsError::mismatch(&file, "there are other records already", advice))
}
