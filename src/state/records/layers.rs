//! Files on top of each other, read as one: what is not in the upper one may be in the one beneath.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{
    AccessGuard, Range, ReadOnlyDatabase, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTableMetadata,
};

use super::error::RecordsError;
use super::file::{self, Head, META, note};
use super::held::{self, OpenFile};
use super::layout::Table;
use super::origin::{Origin, depths};
use super::values::REMOVED;
use crate::protocol::Protocol;

pub(super) type Keys = &'static [u8];
pub(super) type Guard<'a> = AccessGuard<'a, &'static [u8]>;
pub(super) type OpenTable = ReadOnlyTable<Keys, Keys>;

/// Bytes of memory for what was read of a file beneath.
const CACHE: usize = 16 << 20;

/// Files that nobody changes, the upper one first.
pub(super) struct Base {
    levels: Vec<Level>,
    /// For each table of whoever reads, from how many levels it is read.
    depths: Vec<usize>,
}

struct Level {
    origin: Origin,
    transaction: ReadTransaction,
    /// By the index of the table for whoever reads.
    tables: Vec<Option<OpenTable>>,
    /// What writes were noted for, when the file was closed.
    noting: Option<Vec<u8>>,
    _open: Beneath,
}

/// A file that nobody writes.
enum Beneath {
    Closed(ReadOnlyDatabase),
    /// By this program, which has written it.
    Held(Arc<OpenFile>),
}

impl Base {
    /// Opens the records in `folder`, and those beneath.
    ///
    /// # Errors
    /// When they are not there, of another protocol, half made, open, or the file system fails.
    pub(super) fn open(folder: &Path, protocol: &Protocol) -> Result<Self, RecordsError> {
        let mut levels: Vec<Level> = Vec::new();
        let mut next = Some(folder.to_owned());
        while let Some(folder) = next {
            let file = file::path(&folder);
            if levels.iter().any(|level| level.origin.file == file) {
                return Err(RecordsError::damaged(&file, "it says that it is beneath itself"));
            }
            if !file.exists() {
                let advice = "there is nothing to carry over: open the records once in the version that they are of";
                return Err(RecordsError::mismatch(&file, "there are no records", advice));
            }
            let (level, base) = Level::open(file, protocol)?;
            next = base.map(|base| folder.join(base));
            levels.push(level);
        }
        Ok(Self { levels, depths: Vec::new() })
    }

    /// Says which tables will be read.
    pub(super) fn read_as(mut self, tables: &[Table]) -> Result<Self, RecordsError> {
        self.depths = depths(tables, &self.origins());
        for (depth, level) in self.levels.iter_mut().enumerate() {
            level.tables.clear();
            for (table, depths) in tables.iter().zip(&self.depths) {
                let open = (*depths > depth).then(|| {
                    let open = level.transaction.open_table(file::definition(&table.name));
                    open.map_err(RecordsError::store(&level.origin.file, "opening a table"))
                });
                level.tables.push(open.transpose()?);
            }
        }
        Ok(self)
    }

    pub(super) fn origins(&self) -> Vec<Origin> {
        self.levels.iter().map(|level| level.origin.clone()).collect()
    }

    /// The upper file.
    pub(super) fn file(&self) -> &Path {
        self.levels.first().map_or(Path::new(""), |level| &level.origin.file)
    }

    /// What the upper file's writes are noted for.
    pub(super) fn noting(&self) -> Option<&[u8]> {
        self.levels.first().and_then(|level| level.noting.as_deref())
    }

    /// The upper file's own tables, beside those of the layout.
    pub(super) fn transaction(&self) -> Option<&ReadTransaction> {
        self.levels.first().map(|level| &level.transaction)
    }

    /// How many records there are at most.
    pub(super) fn len(&self) -> Result<u64, RecordsError> {
        let mut sum = 0;
        for level in &self.levels {
            for table in level.tables.iter().flatten() {
                sum += table.len().map_err(RecordsError::store(&level.origin.file, "counting records"))?;
            }
        }
        Ok(sum)
    }

    /// What lies under the key, if it is there: a value, or that it was removed.
    pub(super) fn get(&self, table: usize, key: &[u8]) -> Result<Option<Guard<'static>>, RecordsError> {
        for level in &self.levels {
            let Some(open) = &level.tables[table] else { continue };
            let found = open.get(key).map_err(RecordsError::store(&level.origin.file, "reading"))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Adds what lies from `from` to `to` beneath what is already in `merged`.
    pub(super) fn add(
        &self,
        table: usize,
        (from, to): (Bound<&[u8]>, Bound<&[u8]>),
        merged: &mut Merged<'_>,
    ) -> Result<(), RecordsError> {
        for level in &self.levels {
            let Some(open) = &level.tables[table] else { continue };
            let range = open.range::<&[u8]>((from, to));
            merged.add(range.map_err(RecordsError::store(&level.origin.file, "reading"))?);
        }
        Ok(())
    }
}

impl Level {
    /// The file, and the folder of the one beneath it.
    fn open(file: PathBuf, protocol: &Protocol) -> Result<(Self, Option<PathBuf>), RecordsError> {
        let open = match held::find(&file) {
            Some(held) => Beneath::Held(held),
            None => Beneath::Closed(file::open_closed(&file, CACHE)?),
        };
        let transaction = match &open {
            Beneath::Closed(database) => database.begin_read(),
            Beneath::Held(held) => held.begin_read(),
        };
        let transaction = transaction.map_err(RecordsError::store(&file, "reading"))?;
        let meta = transaction.open_table(META).map_err(RecordsError::store(&file, "reading what the file is"))?;
        let head = Head::read(&file, &meta)?;
        let version = head.index(&file, protocol)?;
        unfinished(&file, file::noted(&file, &meta, note::CARRY)?.is_some())?;
        let base = folder_beneath(&file, file::noted(&file, &meta, note::BASE)?)?;
        let noting = file::noted(&file, &meta, note::NOTING)?;
        drop(meta);
        let origin = Origin { file, version, tables: head.tables };
        Ok((Self { origin, transaction, tables: Vec::new(), noting, _open: open }, base))
    }
}

/// The note of where the file beneath is.
pub(super) fn folder_beneath(file: &Path, note: Option<Vec<u8>>) -> Result<Option<PathBuf>, RecordsError> {
    let text = note.map(String::from_utf8).transpose();
    let text = text.map_err(|_| RecordsError::damaged(file, "where its other records are is not readable"))?;
    Ok(text.map(PathBuf::from))
}

/// Nobody uses a file that is half made.
pub(super) fn unfinished(file: &Path, carrying: bool) -> Result<(), RecordsError> {
    if !carrying {
        return Ok(());
    }
    let advice = "finish the carrying-over that makes it, or remove it and begin anew";
    Err(RecordsError::mismatch(file, "these records are half made", advice))
}

impl fmt::Debug for Base {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.levels.iter().map(|level| &level.origin.file)).finish()
    }
}

/// Ranges of several files as one, in the order of keys or against it: of a key that several have, the upper one counts.
/// What was removed is left out.
pub(super) struct Merged<'a> {
    /// The upper one first.
    parts: Vec<Part<'a>>,
    back: bool,
}

struct Part<'a> {
    range: Range<'a, Keys, Keys>,
    next: Option<(Guard<'a>, Guard<'a>)>,
    ended: bool,
}

impl<'a> Merged<'a> {
    pub(super) fn new(back: bool) -> Self {
        Self { parts: Vec::new(), back }
    }

    /// Adds one beneath the others.
    pub(super) fn add(&mut self, range: Range<'a, Keys, Keys>) {
        self.parts.push(Part { range, next: None, ended: false });
    }

    /// The next key, and what lies under it.
    pub(super) fn next(&mut self) -> Result<Option<(Guard<'a>, Guard<'a>)>, redb::StorageError> {
        loop {
            let Some((key, value)) = self.next_of_all()? else { return Ok(None) };
            if value.value() != REMOVED {
                return Ok(Some((key, value)));
            }
        }
    }

    fn next_of_all(&mut self) -> Result<Option<(Guard<'a>, Guard<'a>)>, redb::StorageError> {
        for part in &mut self.parts {
            part.advance(self.back)?;
        }
        let mut first: Option<usize> = None;
        for index in 0..self.parts.len() {
            let Some((key, _)) = &self.parts[index].next else { continue };
            let Some((best, _)) = first.and_then(|first| self.parts[first].next.as_ref()) else {
                first = Some(index);
                continue;
            };
            let order = key.value().cmp(best.value());
            let order = if self.back { order.reverse() } else { order };
            match order {
                Ordering::Less => first = Some(index),
                // Hidden by the upper one.
                Ordering::Equal => self.parts[index].next = None,
                Ordering::Greater => {}
            }
        }
        Ok(first.and_then(|first| self.parts[first].next.take()))
    }
}

impl Part<'_> {
    fn advance(&mut self, back: bool) -> Result<(), redb::StorageError> {
        if self.next.is_none() && !self.ended {
            self.next = if back { self.range.next_back() } else { self.range.next() }.transpose()?;
            self.ended = self.next.is_none();
        }
        Ok(())
    }
}
