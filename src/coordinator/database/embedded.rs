//! The embedded store as a [`Database`]: one thread writes, whoever asks reads.
//!
//! ```text
//!   commit ──> queue ──> writer: all that wait, in one transaction of the file ──> durable ──> acknowledged
//!                                                                                        └──> watches are woken
//! ```
//!
//! Watches read what has changed from the file, so they see nothing that a crash could take back.

mod watching;
mod writer;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use self::watching::Watching;
use self::writer::Job;
use super::{
    Committed, Database, DatabaseError, Entry, Keys, Lease, OpenError, Options, Page, Pending, Query, Revision, Store,
    Transaction, Watch,
};

/// An upgrade database in a file of this program alone.
///
/// Reads are done on the thread that asks; they come from memory, or from the file in pages of up to a MiB. When this is
/// dropped, what waits is written, the file is closed, and watches end.
#[derive(Debug)]
pub struct Embedded {
    shared: Arc<Shared>,
    writer: Writer,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    /// Told when something new is durable.
    newest: watch::Sender<Revision>,
}

#[derive(Debug)]
enum Writer {
    Thread {
        jobs: Option<mpsc::UnboundedSender<Job>>,
        thread: Option<JoinHandle<()>>,
    },
    /// Whoever asks, one after the other.
    Caller(Mutex<()>),
}

impl Embedded {
    /// Opens the database in a coordinator's data folder, and makes it if it is not there.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let store = Store::open(folder, &Options::default())?;
        Self::start(store).map_err(OpenError::io(folder, "starting the thread that writes"))
    }

    /// Starts the thread that writes, which waits for the disk so that nobody else does, and ends leases when they are due.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(store: Store) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(store));
        let (jobs, queue) = mpsc::unbounded_channel();
        let of_thread = shared.clone();
        let thread = std::thread::Builder::new().name("database".to_owned());
        let thread = thread.spawn(move || writer::run(&of_thread, queue))?;
        Ok(Self { shared, writer: Writer::Thread { jobs: Some(jobs), thread: Some(thread) } })
    }

    /// Has whoever asks write as well, and wait for the disk: for simulations, where it is in memory and other threads would
    /// make each run another one, and for programs that do nothing beside. Leases end only by [`expire`](Self::expire).
    #[must_use]
    pub fn without_thread(store: Store) -> Self {
        Self { shared: Arc::new(Shared::new(store)), writer: Writer::Caller(Mutex::default()) }
    }

    /// Ends the leases whose time is over, and says how long it is until the next one, if there is any.
    ///
    /// # Errors
    /// When that cannot be written.
    pub async fn expire(&self) -> Result<Option<Duration>, DatabaseError> {
        self.ask(Job::Expire).await
    }

    async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, DatabaseError>>) -> Job,
    ) -> Result<T, DatabaseError> {
        let (answer, answered) = oneshot::channel();
        match &self.writer {
            Writer::Thread { jobs, .. } => {
                let sent = jobs.as_ref().map(|jobs| jobs.send(job(answer)));
                if !matches!(sent, Some(Ok(()))) {
                    return Err(closed());
                }
            }
            Writer::Caller(one) => {
                let _alone = one.lock().unwrap_or_else(PoisonError::into_inner);
                writer::work(&self.shared, vec![job(answer)]);
            }
        }
        // The thread ends before it has answered only when it fails in a way that nobody has foreseen.
        answered.await.unwrap_or_else(|_| Err(DatabaseError::unknown("the thread that writes the database has ended")))
    }
}

impl Database for Embedded {
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Option<Entry>> {
        Box::pin(async move { self.shared.store.get(key) })
    }

    fn range(&self, query: Query) -> Pending<'_, Page> {
        Box::pin(async move { self.shared.store.range(&query) })
    }

    fn commit(&self, transaction: Transaction) -> Pending<'_, Committed> {
        Box::pin(self.ask(|answer| Job::Commit(transaction, answer)))
    }

    fn watch(&self, keys: Keys, from: Revision) -> Pending<'_, Box<dyn Watch>> {
        Box::pin(async move { Ok(Box::new(Watching::begin(&self.shared, keys, from)?) as Box<dyn Watch>) })
    }

    fn grant(&self, time: Duration) -> Pending<'_, Lease> {
        Box::pin(self.ask(move |answer| Job::Grant(time, answer)))
    }

    fn keep_alive(&self, lease: Lease) -> Pending<'_, ()> {
        Box::pin(async move { self.shared.store.keep_alive(lease) })
    }

    fn revoke(&self, lease: Lease) -> Pending<'_, ()> {
        Box::pin(self.ask(move |answer| Job::Revoke(lease, answer)))
    }

    fn compact(&self, before: Revision) -> Pending<'_, ()> {
        Box::pin(self.ask(move |answer| Job::Compact(before, answer)))
    }
}

impl Shared {
    fn new(store: Store) -> Self {
        let newest = watch::Sender::new(store.newest().unwrap_or_default());
        Self { store, newest }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Writer::Thread { jobs, thread } = &mut self.writer {
            // Without it the thread ends when the queue is empty. Whoever opens the file next finds it closed.
            jobs.take();
            if let Some(thread) = thread.take()
                && thread.join().is_err()
            {
                tracing::error!("the thread that writes the upgrade database has failed");
            }
        }
    }
}

fn closed() -> DatabaseError {
    DatabaseError::unavailable("the database is closed")
}
