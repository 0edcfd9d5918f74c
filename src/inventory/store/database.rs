//! One redb file: opening it, writing it exactly once, telling who waits that it was written.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use prost::Message;
use redb::{ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use tokio::sync::watch;
use tonic::Status;

use super::requests::{self, RequestKey};
use crate::inventory::clock::Clock;

/// What the file is for, so that no version reads what another wrote.
const CONTENTS: TableDefinition<&str, &str> = TableDefinition::new("contents");

/// Why the state of an inventory object cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The directory is not there and cannot be created.
    #[error("cannot create {}: {source}; check that the directory above it can be written", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file cannot be opened, or not be read.
    #[error("cannot open {}: {source}; check that it can be written and that no other process has it open", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the store says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file holds the state of another version, or of something else.
    #[error(
        "{} holds the state of {found}, not of {expected}: open it with what wrote it, or transform it first",
        path.display()
    )]
    Contents {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What was to be opened.
        expected: String,
    },
    /// An object that expires holds was opened where nothing can run in the background.
    #[error("an inventory that expires holds must be opened within a Tokio runtime: {0}")]
    Runtime(#[from] tokio::runtime::TryCurrentError),
}

#[derive(Debug)]
pub(crate) struct Database {
    redb: redb::Database,
    clock: Arc<dyn Clock>,
    written: watch::Sender<()>,
}

impl Database {
    /// Opens `file` in `directory`, creating both when they are not there; `create` makes all tables, so that whoever
    /// reads finds them.
    pub(crate) fn open(
        directory: &Path,
        file: &str,
        contents: &str,
        clock: Arc<dyn Clock>,
        create: fn(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<Self, OpenError> {
        std::fs::create_dir_all(directory)
            .map_err(|source| OpenError::Directory { path: directory.to_owned(), source })?;
        let path = directory.join(file);
        let failed = |source: redb::Error| OpenError::File { path: path.clone(), source: Box::new(source) };
        let redb = redb::Database::create(&path).map_err(|error| failed(error.into()))?;
        let found = Self::prepare(&redb, contents, create).map_err(failed)?;
        if found != contents {
            return Err(OpenError::Contents { path, found, expected: contents.to_owned() });
        }
        tracing::info!(path = %path.display(), contents, "opened");
        Ok(Self { redb, clock, written: watch::Sender::new(()) })
    }

    /// Makes the tables of a new file, and says what the file holds.
    fn prepare(
        redb: &redb::Database,
        contents: &str,
        create: fn(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<String, redb::Error> {
        let transaction = redb.begin_write()?;
        let found = {
            let mut table = transaction.open_table(CONTENTS)?;
            let found = table.get("contents")?.map(|found| found.value().to_owned());
            if found.is_none() {
                table.insert("contents", contents)?;
            }
            found.unwrap_or_else(|| contents.to_owned())
        };
        if found == contents {
            requests::create(&transaction)?;
            create(&transaction)?;
        }
        transaction.commit()?;
        Ok(found)
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// Changes after each write. It does not keep the database open: it ends when the database goes.
    pub(crate) fn written(&self) -> watch::Receiver<()> {
        self.written.subscribe()
    }

    pub(crate) fn read(&self) -> Result<ReadTransaction, Status> {
        self.redb.begin_read().map_err(broken)
    }

    /// Does `work` in a transaction, which is on disk when this returns. When `work` fails, nothing has changed.
    ///
    /// The transaction goes to its end even if the caller stops waiting for it.
    pub(crate) async fn write<A, W>(self: &Arc<Self>, work: W) -> Result<A, Status>
    where
        A: Send + 'static,
        W: FnOnce(&WriteTransaction, SystemTime) -> Result<A, Status> + Send + 'static,
    {
        let database = self.clone();
        let written = move || {
            let transaction = database.redb.begin_write().map_err(broken)?;
            // Only now: whoever waited for the transaction before us may have taken a while.
            let now = database.clock.now();
            let answer = work(&transaction, now)?;
            transaction.commit().map_err(broken)?;
            database.written.send_replace(());
            Ok(answer)
        };
        tokio::task::spawn_blocking(written).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a write of the inventory did not come to its end");
            Err(Status::internal("the node failed in the middle of the write; nothing has changed"))
        })
    }

    /// Does `work` as [`write`](Self::write) does, and remembers its answer; or answers as it was answered before.
    pub(crate) async fn write_once<A, W>(self: &Arc<Self>, key: RequestKey, work: W) -> Result<A, Status>
    where
        A: Message + Default + 'static,
        W: FnOnce(&WriteTransaction, SystemTime) -> Result<A, Status> + Send + 'static,
    {
        self.write(move |transaction, now| {
            if let Some(answer) = requests::replay(transaction, &key, now)? {
                return Ok(answer);
            }
            let answer = work(transaction, now)?;
            requests::record(transaction, &key, now, &answer)?;
            requests::sweep(transaction, now)?;
            Ok(answer)
        })
        .await
    }
}

/// The state cannot be read or written. What exactly is for the operator, not for the caller.
pub(crate) fn broken(error: impl Into<redb::Error>) -> Status {
    let error = error.into();
    tracing::error!(%error, "the inventory cannot read or write its state");
    Status::internal("the node cannot read or write its state")
}

/// What was read makes no sense.
pub(crate) fn corrupt(what: &str) -> Status {
    tracing::error!(what, "the inventory's state is corrupt");
    Status::internal("the node's state is corrupt")
}
