//! Files that stay open when whoever wrote them is gone: a redb file is closed in some syncs of the disk, which nobody has to
//! wait for who only goes on reading it.
//!
//! One program at a time has a file open, so which files it holds is a matter of the program: whoever wants to read one
//! beneath another finds it here.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use redb::{Database, ReadTransaction, ReadableDatabase, TransactionError};

use super::error::RecordsError;
use super::store::{Ended, TellsEnd};

/// A file that nobody writes any more, and that is still open. It closes when this goes, and nobody reads it either.
#[derive(Debug)]
pub(crate) struct Held(Arc<OpenFile>);

/// An open file. It closes when the last one lets go of it.
pub(super) struct OpenFile {
    database: Database,
    file: PathBuf,
    /// Dropped last, when the file is closed.
    ended: TellsEnd,
}

impl Held {
    /// Nobody writes the file from now on.
    pub(super) fn new(open: Arc<OpenFile>) -> Self {
        if let Ok(path) = open.file.canonicalize() {
            let mut held = held();
            held.retain(|_, (_, ended)| !ended.is_over());
            held.insert(path, (Arc::downgrade(&open), open.ended.0.clone()));
        }
        Self(open)
    }

    pub(crate) fn file(&self) -> &Path {
        &self.0.file
    }
}

impl OpenFile {
    pub(super) fn new(database: Database, file: &Path) -> Arc<Self> {
        Arc::new(Self { database, file: file.to_owned(), ended: TellsEnd::default() })
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    pub(super) fn begin_read(&self) -> Result<ReadTransaction, TransactionError> {
        self.database.begin_read()
    }

    /// Makes durable what mending the file, or a copy of it, would have to find out.
    pub(super) fn settle(&self) -> Result<(), RecordsError> {
        let failed = |error| RecordsError::store::<redb::Error>(&self.file, "writing down what is free in it")(error);
        let mut transaction = self.database.begin_write().map_err(|error| failed(error.into()))?;
        transaction.set_quick_repair(true);
        transaction.commit().map_err(|error| failed(error.into()))
    }
}

impl fmt::Debug for OpenFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("OpenFile").field(&self.file).finish()
    }
}

/// The file, if this program holds it. One that is being closed is closed when this returns.
pub(super) fn find(file: &Path) -> Option<Arc<OpenFile>> {
    let path = file.canonicalize().ok()?;
    let (open, ended) = held().get(&path).cloned()?;
    let open = open.upgrade();
    if open.is_none() {
        ended.wait();
    }
    open
}

/// Waits until the file is closed, if it is being closed.
pub(super) fn wait_until_closed(file: &Path) {
    let Ok(path) = file.canonicalize() else { return };
    let found = held().get(&path).cloned();
    if let Some((open, ended)) = found
        && open.strong_count() == 0
    {
        ended.wait();
    }
}

type Files = HashMap<PathBuf, (Weak<OpenFile>, Ended)>;

/// Nothing can be half done where a panic poisons the lock.
fn held() -> MutexGuard<'static, Files> {
    static HELD: OnceLock<Mutex<Files>> = OnceLock::new();
    HELD.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use redb::{ReadableDatabase, TableDefinition};

    use super::super::file;
    use super::*;

    const TABLE: TableDefinition<u64, u64> = TableDefinition::new("numbers");

    fn written(file: &Path) -> Arc<OpenFile> {
        let database = Database::create(file).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(TABLE).unwrap().insert(1, 2).unwrap();
        transaction.commit().unwrap();
        OpenFile::new(database, file)
    }

    #[test]
    fn a_file_that_is_held_is_read_by_whoever_finds_it_and_closes_with_the_last_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.redb");
        let open = written(&path);
        assert!(find(&path).is_none(), "somebody may write it");
        let held = Held::new(open);
        assert_eq!(Arc::strong_count(&held.0), 1);
        // However it is named.
        let found = find(&folder.path().join(".").join("records.redb")).expect("a file that is held");
        assert_eq!(Arc::strong_count(&held.0), 2);
        drop(held);
        assert!(file::open(&path, 1 << 20).is_err(), "it is read");
        let value = found.begin_read().unwrap().open_table(TABLE).unwrap().get(1).unwrap().map(|found| found.value());
        assert_eq!(value, Some(2));
        drop(found);
        assert!(find(&path).is_none());
        // It was closed whole: nothing has to be mended.
        assert!(redb::ReadOnlyDatabase::open(&path).is_ok());
    }

    #[test]
    fn whoever_opens_a_file_that_is_being_closed_waits_until_it_is() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..20 {
            let path = folder.path().join(round.to_string());
            let held = Held::new(written(&path));
            let closing = std::thread::spawn(move || drop(held));
            // Either it is still held, or it is closed.
            while find(&path).is_some() {
                std::thread::yield_now();
            }
            file::open(&path, 1 << 20).unwrap();
            closing.join().unwrap();
        }
    }

    #[test]
    fn a_file_that_was_settled_is_opened_without_being_mended() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("one"), folder.path().join("two"));
        let open = written(&path);
        open.settle().unwrap();
        std::fs::copy(&path, &copy).unwrap();
        let mut builder = redb::Builder::new();
        builder.set_repair_callback(redb::RepairSession::abort);
        let database = builder.open(&copy).unwrap();
        let value =
            database.begin_read().unwrap().open_table(TABLE).unwrap().get(1).unwrap().map(|found| found.value());
        assert_eq!(value, Some(2));
    }
}
