//! The file: what it says of itself, how it is made and opened.
//!
//! Beside the tables of the layout there are our own: `straddle.meta`, where `head` says what the file is, and other keys
//! what is under way (see [`note`]); and `straddle.changes`, which names what was written while somebody copies.

use std::fs;
use std::path::{Path, PathBuf};

use redb::{Builder, Database, ReadOnlyDatabase, ReadableTable, Table as Open, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::error::RecordsError;
use super::held;
use super::layout::Table;
use super::loose::Loose;
use crate::protocol::Protocol;
use crate::version::Version;

pub(super) const META: TableDefinition<&str, &[u8]> = TableDefinition::new("straddle.meta");
/// Table and key of what was written, and which write it was.
pub(super) const CHANGES: TableDefinition<(&str, &[u8]), u64> = TableDefinition::new("straddle.changes");

const FILE: &str = "records.redb";
/// What the file is called until it says what it is.
const NEW: &str = "records.redb.new";
const HEAD: &str = "head";
const FORMAT: u32 = 1;

/// Keys of what is under way.
pub(super) mod note {
    /// Where the records are that are not here yet: a folder, seen from this one.
    pub(in super::super) const BASE: &str = "base";
    /// The file is being made by a carrying-over, which this names. Until it goes away, nobody uses the file.
    pub(in super::super) const CARRY: &str = "carry";
    /// How far it has come.
    pub(in super::super) const CURSOR: &str = "cursor";
    /// There may still be removed keys, which nobody needs any more.
    pub(in super::super) const SWEEP: &str = "sweep";
    /// Writes are noted for the carrying-over that this names.
    pub(in super::super) const NOTING: &str = "noting";
    /// The number of the last write that was noted.
    pub(in super::super) const NOTED: &str = "noted";
}

/// What a file says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    format: u32,
    pub(super) protocol: String,
    pub(super) version: String,
    /// The digest of that version's schema.
    pub(super) schema: String,
    pub(super) tables: Vec<Table>,
}

pub(super) fn definition(name: &str) -> TableDefinition<'_, &'static [u8], &'static [u8]> {
    TableDefinition::new(name)
}

pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

impl Head {
    pub(super) fn new(protocol: &Protocol, version: usize, tables: &[Table]) -> Self {
        let schema = &protocol.versions()[version];
        Self {
            format: FORMAT,
            protocol: protocol.name().to_owned(),
            version: schema.version().to_string(),
            schema: schema.digest().to_owned(),
            tables: tables.to_vec(),
        }
    }

    pub(super) fn read(
        file: &Path,
        meta: &impl ReadableTable<&'static str, &'static [u8]>,
    ) -> Result<Self, RecordsError> {
        let doing = "reading what the file is";
        let found = meta.get(HEAD).map_err(RecordsError::store(file, doing))?;
        let found = found.ok_or_else(|| RecordsError::damaged(file, "it does not say what it is"))?;
        let head: Self = serde_json::from_slice(found.value())
            .map_err(|error| RecordsError::damaged(file, format!("what it says of itself is not read: {error}")))?;
        if head.format == FORMAT {
            return Ok(head);
        }
        let what = format!("its format is {}, and this program knows {FORMAT}", head.format);
        Err(RecordsError::mismatch(file, what, "run the program that wrote it, or a newer one"))
    }

    pub(super) fn write(&self, file: &Path, meta: &mut Open<'_, &str, &[u8]>) -> Result<(), RecordsError> {
        let text =
            serde_json::to_vec(self).map_err(|error| RecordsError::io(file, "saying what it is")(error.into()))?;
        meta.insert(HEAD, &*text).map_err(RecordsError::store(file, "saying what it is"))?;
        Ok(())
    }

    /// The index of its version in the protocol.
    ///
    /// # Errors
    /// When it is of another protocol, or of a version that the protocol does not have or has another schema for.
    pub(super) fn index(&self, file: &Path, protocol: &Protocol) -> Result<usize, RecordsError> {
        if self.protocol != protocol.name() {
            let what = format!("it holds records of the protocol {:?}, not of {:?}", self.protocol, protocol.name());
            return Err(RecordsError::mismatch(file, what, "give the node the state folder of its own protocol"));
        }
        let version: Version = self
            .version
            .parse()
            .map_err(|error| RecordsError::damaged(file, format!("its version {:?}: {error}", self.version)))?;
        let index = protocol
            .require(&version)
            .map_err(|what| RecordsError::mismatch(file, what, "run a program that knows the version that wrote it"))?;
        let schema = &protocol.versions()[index];
        if schema.digest() == self.schema {
            return Ok(index);
        }
        let what = format!("its {version} has the schema {}, and here it has {}", self.schema, schema.digest());
        let advice = "a published version does not change: find out which of the two is right";
        Err(RecordsError::mismatch(file, what, advice))
    }
}

/// Makes a file of these tables, with these notes, and opens it.
pub(super) fn create(
    folder: &Path,
    head: &Head,
    notes: &[(&str, &[u8])],
    cache: usize,
) -> Result<Database, RecordsError> {
    make(folder, head, notes, cache)?;
    open(&path(folder), cache)
}

/// Makes a file of these tables, with these notes; when the program ends in between, it is as if it had not begun.
pub(super) fn make(folder: &Path, head: &Head, notes: &[(&str, &[u8])], cache: usize) -> Result<(), RecordsError> {
    fs::create_dir_all(folder).map_err(RecordsError::io(folder, "making the folder"))?;
    let (new, file) = (folder.join(NEW), path(folder));
    remove(&new)?;
    let backend = Loose::create(&new).map_err(RecordsError::io(&new, "making the file"))?;
    let database = Builder::new()
        .set_cache_size(cache)
        .create_with_backend(backend)
        .map_err(RecordsError::store(&new, "making the file"))?;
    let transaction = database.begin_write().map_err(RecordsError::store(&new, "making the file"))?;
    make_tables(&new, &transaction, &head.tables)?;
    {
        let mut meta = transaction.open_table(META).map_err(RecordsError::store(&new, "making the file"))?;
        head.write(&new, &mut meta)?;
        for (key, value) in notes {
            meta.insert(key, *value).map_err(RecordsError::store(&new, "making the file"))?;
        }
    }
    transaction.commit().map_err(RecordsError::store(&new, "making the file"))?;
    drop(database);
    fs::File::open(&new).and_then(|open| open.sync_all()).map_err(RecordsError::io(&new, "syncing the file"))?;
    fs::rename(&new, &file).map_err(RecordsError::io(&file, "giving the file its name"))?;
    sync(folder)
}

/// Makes all tables, so that whoever reads finds them.
pub(super) fn make_tables(file: &Path, transaction: &WriteTransaction, tables: &[Table]) -> Result<(), RecordsError> {
    for table in tables {
        transaction.open_table(definition(&table.name)).map_err(RecordsError::store(file, "making the tables"))?;
    }
    transaction.open_table(CHANGES).map_err(RecordsError::store(file, "making the tables"))?;
    Ok(())
}

pub(super) fn open(file: &Path, cache: usize) -> Result<Database, RecordsError> {
    held::wait_until_closed(file);
    database(file, cache, false).map_err(RecordsError::store(file, "opening the file"))
}

#[cfg(not(all(test, feature = "compile")))]
fn database(file: &Path, cache: usize, create: bool) -> Result<Database, redb::DatabaseError> {
    let mut builder = Builder::new();
    builder.set_cache_size(cache);
    if create { builder.create(file) } else { builder.open(file) }
}

/// On a disk that tests can make fail.
#[cfg(all(test, feature = "compile"))]
fn database(file: &Path, cache: usize, create: bool) -> Result<Database, redb::DatabaseError> {
    let backend = super::tests::disk::Disk::open(file, create)?;
    Builder::new().set_cache_size(cache).create_with_backend(backend)
}

/// Opens a file that nobody changes. One that was not closed, because the program ended, is mended first.
pub(super) fn open_closed(file: &Path, cache: usize) -> Result<ReadOnlyDatabase, RecordsError> {
    let read_only = || Builder::new().set_cache_size(cache).open_read_only(file);
    match read_only() {
        Err(redb::DatabaseError::RepairAborted) => {
            drop(open(file, cache)?);
            read_only()
        }
        opened => opened,
    }
    .map_err(RecordsError::store(file, "opening the file"))
}

/// Removes the file, so that it can be made anew.
pub(super) fn remove(file: &Path) -> Result<(), RecordsError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(RecordsError::io(file, "removing what is half made")(error))
        }
        _ => Ok(()),
    }
}

/// Makes durable which files are in a folder.
pub(super) fn sync(folder: &Path) -> Result<(), RecordsError> {
    fs::File::open(folder).and_then(|open| open.sync_all()).map_err(RecordsError::io(folder, "syncing the folder"))
}

/// What a note says, if it is there.
pub(super) fn noted(
    file: &Path,
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    key: &str,
) -> Result<Option<Vec<u8>>, RecordsError> {
    let found = meta.get(key).map_err(RecordsError::store(file, "reading a note"))?;
    Ok(found.map(|found| found.value().to_vec()))
}
