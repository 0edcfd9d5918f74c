//! The records of one inventory object: opening them, writing them exactly once, telling who waits that they were written.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::watch;
use tonic::Status;

use super::across::Across;
use super::requests::{self, Answer, RequestKey};
use crate::inventory::clock::Clock;
use crate::inventory::generated;
use crate::node::Opening;
use crate::protocol::Protocol;
use crate::state::{Layout, Records, RecordsError};
use crate::version::Version;

/// What there was at one time.
pub(crate) use crate::state::Reading;
/// A write under way.
pub(crate) use crate::state::Writing as Transaction;

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
    /// The records cannot be opened: among others because they are those of another version, or open already.
    #[error("cannot open the inventory in {}: {source}", path.display())]
    Records {
        /// Where they are.
        path: PathBuf,
        /// What the store says.
        source: RecordsError,
    },
    /// An object that expires holds was opened where nothing can run in the background.
    #[error("an inventory that expires holds must be opened within a Tokio runtime: {0}")]
    Runtime(#[from] tokio::runtime::TryCurrentError),
}

#[derive(Debug)]
pub(crate) struct Database {
    records: Records,
    across: Across,
    clock: Arc<dyn Clock>,
    written: watch::Sender<()>,
}

impl Database {
    /// Opens the records of `version` in `directory`, creating both when they are not there.
    pub(crate) fn open(
        directory: &Path,
        version: &str,
        layout: &Layout,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        std::fs::create_dir_all(directory)
            .map_err(|source| OpenError::Directory { path: directory.to_owned(), source })?;
        let protocol = generated::protocol();
        let parsed = parsed(version);
        let records = Records::open(directory, &protocol, &parsed, layout)
            .map_err(|source| OpenError::Records { path: directory.to_owned(), source })?;
        tracing::info!(path = %directory.display(), version, "opened");
        Ok(Self::over(records, &protocol, version, clock))
    }

    /// Opens the records that a node keeps for an object.
    pub(crate) fn of_node(opening: &Opening, layout: &Layout, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let records = opening
            .records(layout)
            .map_err(|source| OpenError::Records { path: opening.folder().to_owned(), source })?;
        Ok(Self::over(records, opening.protocol(), &opening.version().to_string(), clock))
    }

    fn over(records: Records, protocol: &Protocol, version: &str, clock: Arc<dyn Clock>) -> Self {
        Self { records, across: Across::new(protocol, version), clock, written: watch::Sender::new(()) }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    pub(crate) fn across(&self) -> &Across {
        &self.across
    }

    /// Changes after each write. It does not keep the database open: it ends when the database goes.
    pub(crate) fn written(&self) -> watch::Receiver<()> {
        self.written.subscribe()
    }

    pub(crate) fn read(&self) -> Result<Reading, Status> {
        self.records.read().map_err(broken)
    }

    /// Does `work` in a transaction, which is on disk when this returns. When `work` fails, nothing has changed.
    ///
    /// The transaction goes to its end even if the caller stops waiting for it.
    pub(crate) async fn write<A, W>(self: &Arc<Self>, work: W) -> Result<A, Status>
    where
        A: Send + 'static,
        W: FnOnce(&mut Transaction<'_>, SystemTime) -> Result<A, Status> + Send + 'static,
    {
        let database = self.clone();
        let written = move || {
            let answer = database.records.write(|transaction| {
                // Only now: whoever waited for the transaction before us may have taken a while.
                work(transaction, database.clock.now()).map_err(Failed)
            });
            let answer = answer.map_err(|Failed(status)| status)?;
            database.written.send_replace(());
            Ok(answer)
        };
        tokio::task::spawn_blocking(written).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a write of the inventory did not come to its end");
            Err(Status::internal("the node failed in the middle of the write; nothing has changed"))
        })
    }

    /// The answer that a request got before.
    pub(crate) fn answered<A: Answer>(&self, key: &RequestKey) -> Result<Option<A>, Status> {
        requests::replay_read(&self.read()?, &self.across, key, self.now())
    }

    /// Does `work` as [`write`](Self::write) does, and remembers its answer; or answers as it was answered before.
    pub(crate) async fn write_once<A, W>(self: &Arc<Self>, key: RequestKey, work: W) -> Result<A, Status>
    where
        A: Answer,
        W: FnOnce(&mut Transaction<'_>, SystemTime) -> Result<A, Status> + Send + 'static,
    {
        let across = self.across.clone();
        self.write(move |transaction, now| {
            if let Some(answer) = requests::replay(transaction, &across, &key, now)? {
                return Ok(answer);
            }
            let answer = work(transaction, now)?;
            requests::record(transaction, &across, &key, now, &answer)?;
            requests::sweep(transaction, now)?;
            Ok(answer)
        })
        .await
    }
}

/// A status, where a store wants an error that its own turn into.
struct Failed(Status);

impl From<RecordsError> for Failed {
    fn from(error: RecordsError) -> Self {
        Self(broken(error))
    }
}

/// The version that the program itself names.
pub(crate) fn parsed(version: &str) -> Version {
    // Each is the version of a generated module, which was parsed when the module was made.
    version.parse().unwrap_or_else(|error| unreachable!("{version} is no version: {error}"))
}

/// The state cannot be read or written. What exactly is for the operator, not for the caller.
#[expect(clippy::needless_pass_by_value, reason = "it is what errors are mapped with")]
pub(crate) fn broken(error: RecordsError) -> Status {
    if error.is_closed() {
        return Status::unavailable("the node closes its inventory: try again");
    }
    tracing::error!(%error, "the inventory cannot read or write its state");
    Status::internal("the node cannot read or write its state")
}

/// What was read makes no sense.
pub(crate) fn corrupt(what: &str) -> Status {
    tracing::error!(what, "the inventory's state is corrupt");
    Status::internal("the node's state is corrupt")
}
