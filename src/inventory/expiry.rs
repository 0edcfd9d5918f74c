//! What ends holds when their time has come: a task in the background, for as long as its object lives.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use redb::ReadableTable;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tonic::Status;

use super::clock::from_nanos;
use super::store::{DUE, Database, broken};

/// How long to leave a state alone that could not be read or written.
const PAUSE: Duration = Duration::from_secs(1);

/// The task; it stops when this is dropped.
#[derive(Debug)]
pub(crate) struct Expiry(AbortHandle);

impl Drop for Expiry {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Expiry {
    /// Calls `end_due` whenever something in the database's table of what is due has come due. One call does a bounded
    /// part of the work; it is called again while there is more.
    ///
    /// The task keeps the database open only while there is something to do.
    pub(crate) fn start<F, Work>(runtime: &Handle, database: &Arc<Database>, end_due: F) -> Self
    where
        F: Fn(Arc<Database>) -> Work + Send + Sync + 'static,
        Work: Future<Output = Result<(), Status>> + Send,
    {
        let clock = database.clock();
        let mut written = database.written();
        let database = Arc::downgrade(database);
        let task = runtime.spawn(async move {
            loop {
                written.mark_unchanged();
                let Some(open) = database.upgrade() else { return };
                let now = clock.now();
                let wake = match next_due(&open) {
                    Ok(due) if due.is_none_or(|due| due > now) => due,
                    Ok(_) => match end_due(open.clone()).await {
                        Ok(()) => continue,
                        Err(status) => Some(pause(now, &status)),
                    },
                    Err(status) => Some(pause(now, &status)),
                };
                drop(open);
                // Each write may have brought something that is due before all else.
                let changed = match wake {
                    None => written.changed().await,
                    Some(due) => tokio::select! {
                        changed = written.changed() => changed,
                        () = clock.wait_until(due) => Ok(()),
                    },
                };
                if changed.is_err() {
                    return;
                }
            }
        });
        Self(task.abort_handle())
    }
}

fn next_due(database: &Database) -> Result<Option<SystemTime>, Status> {
    let due = database.read()?.open_table(DUE).map_err(broken)?;
    let first = due.first().map_err(broken)?;
    Ok(first.map(|(key, _)| from_nanos(key.value().0)))
}

fn pause(now: SystemTime, status: &Status) -> SystemTime {
    tracing::warn!(%status, "holds that have expired could not be ended; trying again");
    now + PAUSE
}
