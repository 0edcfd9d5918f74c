//! Who writes the database: one coordinator, whose name stands under the leader's key for as long as its lease is kept alive.
//!
//! ```text
//!   Absent, or of our own name from before ──> Put under a new lease ──> each commit compares that the key is as we wrote it
//!   of another coordinator ──────────────────> wait, and look again
//! ```
//!
//! That the lease goes away in time makes way for another coordinator. That nobody else writes meanwhile does not hang on any
//! clock: the comparison alone sees to it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::control::v1_0_0 as wire;
use crate::coordinator::database::{Committed, Compare, Database, DatabaseError, Lease, Revision, Transaction, Write};
use crate::coordinator::record::{self, keys};

/// How long a coordinator may be silent before another one leads.
const TIME: Duration = Duration::from_secs(10);
const KEPT_ALIVE_EACH: Duration = Duration::from_secs(3);
/// How often whoever does not lead looks whether it can.
const LOOKS_EACH: Duration = Duration::from_secs(1);

/// This coordinator writes the database, for as long as `lost` does not say otherwise.
pub(super) struct Lead {
    database: Arc<dyn Database>,
    lease: Lease,
    revision: Revision,
    lost: watch::Receiver<bool>,
    keeper: JoinHandle<()>,
}

/// Another one does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Other {
    pub(crate) name: String,
    pub(crate) address: String,
}

impl Lead {
    /// Waits until this coordinator leads. `tell` hears of another one that does meanwhile.
    ///
    /// # Errors
    /// When the database is damaged, or not used as it is to be.
    pub(super) async fn acquire(
        database: &Arc<dyn Database>,
        own: &wire::Leader,
        mut tell: impl FnMut(Other),
    ) -> Result<Self, DatabaseError> {
        loop {
            match attempt(database, own).await {
                Ok(Ok(lead)) => return Ok(lead),
                Ok(Err(other)) => tell(other),
                Err(error) if error.is_unavailable() || error.is_unknown() || error.is_lease_gone() => {
                    tracing::warn!(%error, "the upgrade database does not answer");
                }
                Err(error) => return Err(error),
            }
            sleep(LOOKS_EACH).await;
        }
    }

    /// Writes all, if this coordinator still leads.
    pub(super) async fn commit(&self, write: Vec<Write>) -> Result<(), Lost> {
        let compare = vec![Compare::Modified(Bytes::from_static(keys::LEADER.as_bytes()), self.revision)];
        match self.database.commit(Transaction { compare, write }).await {
            Ok(Committed::Yes(_)) => Ok(()),
            Ok(Committed::No(_)) => Err(Lost::Lead),
            Err(error) => Err(Lost::Database(error)),
        }
    }

    /// Completes when the lease could not be kept alive.
    pub(super) async fn lost(&self) {
        let mut lost = self.lost.clone();
        let _ = lost.wait_for(|lost| *lost).await;
    }

    /// Makes way for another coordinator.
    pub(super) async fn give_up(self) {
        self.keeper.abort();
        // It goes away by itself where that does not work.
        let _ = timeout(KEPT_ALIVE_EACH, self.database.revoke(self.lease)).await;
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Why something was not written, or why nobody knows whether it was.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    #[error("another coordinator leads")]
    Lead,
    #[error("the upgrade database: {0}")]
    Database(#[from] DatabaseError),
}

async fn attempt(database: &Arc<dyn Database>, own: &wire::Leader) -> Result<Result<Lead, Other>, DatabaseError> {
    let key = Bytes::from_static(keys::LEADER.as_bytes());
    let compare = match database.get(keys::LEADER.as_bytes()).await? {
        None => Compare::Absent(key.clone()),
        Some(entry) => {
            let leader: wire::Leader = record::open(entry.value.clone())
                .map_err(|error| DatabaseError::damaged(format!("who leads cannot be read: {error}")))?;
            if leader.coordinator != own.coordinator {
                return Ok(Err(Other { name: leader.coordinator, address: leader.address }));
            }
            // Our own, from before: whatever it still does is refused from now on.
            Compare::Modified(key.clone(), entry.modified)
        }
    };
    let begun = Instant::now();
    let lease = database.grant(TIME).await?;
    let write = vec![Write::Put { key, value: record::seal(own), lease: Some(lease) }];
    match database.commit(Transaction { compare: vec![compare], write }).await {
        Ok(Committed::Yes(revision)) => {
            let (tell, lost) = watch::channel(false);
            let keeper = tokio::spawn(keep(database.clone(), lease, begun, tell));
            Ok(Ok(Lead { database: database.clone(), lease, revision, lost, keeper }))
        }
        Ok(Committed::No(_)) => {
            database.revoke(lease).await?;
            Ok(Err(Other { name: "another coordinator".to_owned(), address: String::new() }))
        }
        Err(error) => Err(error),
    }
}

/// Keeps the lease alive for as long as that works.
async fn keep(database: Arc<dyn Database>, lease: Lease, begun: Instant, tell: watch::Sender<bool>) {
    let mut until = begun + TIME;
    loop {
        sleep(KEPT_ALIVE_EACH.min(until.saturating_duration_since(Instant::now()))).await;
        let asked = Instant::now();
        match timeout(until.saturating_duration_since(asked), database.keep_alive(lease)).await {
            Ok(Ok(())) => until = asked + TIME,
            Ok(Err(error)) if error.is_lease_gone() => break,
            Ok(Err(_)) if Instant::now() < until => sleep(Duration::from_millis(100)).await,
            _ => break,
        }
    }
    let _ = tell.send(true);
}
