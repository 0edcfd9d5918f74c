//! What ends holds when their time has come: a task in the background, for as long as its object lives.

use std::future::{Future, pending, ready};
use std::ops::Bound;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tonic::Status;

use super::clock::{Clock, from_nanos};
use super::store::{DUE, Database, broken, keys};
use crate::node::Background;

/// How long to leave a state alone that could not be read or written.
const PAUSE: Duration = Duration::from_secs(1);

/// The task; it stops when this is dropped, or when the node stops it.
#[derive(Debug)]
pub(crate) struct Expiry(Option<AbortHandle>);

impl Drop for Expiry {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

/// Where the task runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Runs<'a> {
    /// In a runtime, until its object is dropped.
    By(&'a Handle),
    /// In a node, which stops it, and waits for it, before it touches the object's state.
    With(&'a Background),
}

impl Expiry {
    /// Calls `end_due` whenever something in the database's table of what is due has come due. One call does a bounded
    /// part of the work; it is called again while there is more.
    ///
    /// The task keeps the database open only while there is something to do.
    pub(crate) fn start<F, Work>(runs: Runs<'_>, database: &Arc<Database>, end_due: F) -> Self
    where
        F: Fn(Arc<Database>) -> Work + Send + Sync + 'static,
        Work: Future<Output = Result<(), Status>> + Send + 'static,
    {
        let rounds = Rounds {
            clock: database.clock(),
            written: database.written(),
            database: Arc::downgrade(database),
            end_due,
        };
        match runs {
            Runs::By(runtime) => Self(Some(runtime.spawn(rounds.run(pending())).abort_handle())),
            Runs::With(background) => {
                background.spawn_until_stopped(|stopping| rounds.run(async move { stopping.requested().await }));
                Self(None)
            }
        }
    }
}

struct Rounds<F> {
    clock: Arc<dyn Clock>,
    written: watch::Receiver<()>,
    database: Weak<Database>,
    end_due: F,
}

impl<F, Work> Rounds<F>
where
    F: Fn(Arc<Database>) -> Work + Send + Sync + 'static,
    Work: Future<Output = Result<(), Status>> + Send,
{
    /// Runs until `stop`, or until the database goes; a round that has begun comes to its end.
    async fn run(mut self, stop: impl Future<Output = ()> + Send) {
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => return,
                () = ready(()) => {}
            }
            self.written.mark_unchanged();
            let Some(open) = self.database.upgrade() else { return };
            let now = self.clock.now();
            let wake = match next_due(&open) {
                Ok(due) if due.is_none_or(|due| due > now) => due,
                Ok(_) => match (self.end_due)(open.clone()).await {
                    Ok(()) => continue,
                    Err(status) => Some(pause(now, &status)),
                },
                Err(status) => Some(pause(now, &status)),
            };
            drop(open);
            let due = async {
                match wake {
                    None => pending().await,
                    Some(due) => self.clock.wait_until(due).await,
                }
            };
            // Each write may have brought something that is due before all else.
            tokio::select! {
                () = &mut stop => return,
                changed = self.written.changed() => if changed.is_err() { return },
                () = due => {}
            }
        }
    }
}

fn next_due(database: &Database) -> Result<Option<SystemTime>, Status> {
    let reading = database.read()?;
    let mut due = reading.range(DUE, Bound::Unbounded, Bound::Unbounded).map_err(broken)?;
    due.next().map(|entry| Ok(from_nanos(keys::to_at(&entry.map_err(broken)?.0)?.0))).transpose()
}

fn pause(now: SystemTime, status: &Status) -> SystemTime {
    tracing::warn!(%status, "holds that have expired could not be ended; trying again");
    now + PAUSE
}
