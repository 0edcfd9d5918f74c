//! What objects do beside calls.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

/// The work that an object does beside calls: timers, tasks. The node stops it and waits for it before it touches the state.
///
/// It begins at once, also while the object is still being tried before callers reach it.
#[derive(Clone, Debug)]
pub struct Background(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    stop: watch::Sender<bool>,
    /// None once it is stopped.
    tasks: Mutex<Option<Vec<AbortHandle>>>,
    /// How many tasks have not been dropped yet.
    alive: watch::Sender<usize>,
}

/// Work that is left to itself ends when its object's node is gone.
impl Drop for Inner {
    fn drop(&mut self) {
        let tasks = self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner);
        tasks.take().into_iter().flatten().for_each(|task| task.abort());
    }
}

impl Background {
    pub(super) fn new() -> Self {
        let (stop, alive) = (watch::Sender::new(false), watch::Sender::new(0));
        Self(Arc::new(Inner { stop, tasks: Mutex::new(Some(Vec::new())), alive }))
    }

    /// Starts a task that ends when it likes, at the latest when the node stops it: it is then dropped where it waits.
    /// Once the node has stopped the object's work, nothing is started any more.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.spawn_until_stopped(|stopping| async move {
            tokio::select! {
                () = stopping.requested() => {}
                () = task => {}
            }
        });
    }

    /// Starts a task that is told when to stop, and ends by itself soon after; past the node's patience
    /// ([`Builder::background_limit`](super::Builder::background_limit)) it is dropped.
    pub fn spawn_until_stopped<F: Future<Output = ()> + Send + 'static>(&self, task: impl FnOnce(Stopping) -> F) {
        let mut tasks = self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(tasks) = tasks.as_mut() else { return };
        let task = task(Stopping(self.0.stop.subscribe()));
        let alive = Alive::new(self.0.alive.clone());
        // Objects are opened on threads of the runtime, and their calls run there.
        let Ok(runtime) = Handle::try_current() else {
            tracing::error!("background work can only be started on a thread of the node's runtime; it does not run");
            return;
        };
        let spawned = runtime.spawn(async move {
            // Dropped last, whatever becomes of the task.
            let _alive = alive;
            task.await;
        });
        tasks.retain(|task| !task.is_finished());
        tasks.push(spawned.abort_handle());
    }

    /// Stops all of it, and waits until nothing of it is left: those that do not end in time are dropped where they wait.
    ///
    /// # Errors
    /// How many could not even be dropped, since they do not wait, but block.
    pub(super) async fn stop(&self, limit: Duration) -> Result<(), usize> {
        let tasks = self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.0.stop.send_replace(true);
        let mut alive = self.0.alive.subscribe();
        if timeout_at(Instant::now() + limit, alive.wait_for(|alive| *alive == 0)).await.is_ok() {
            return Ok(());
        }
        tasks.into_iter().flatten().for_each(|task| task.abort());
        match timeout_at(Instant::now() + limit, alive.wait_for(|alive| *alive == 0)).await {
            Ok(_) => Ok(()),
            Err(_) => Err(*self.0.alive.borrow()),
        }
    }
}

impl Background {
    /// Stops all of it without waiting.
    pub(super) fn abandon(&self) {
        let tasks = self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.0.stop.send_replace(true);
        tasks.into_iter().flatten().for_each(|task| task.abort());
    }
}

/// Counts one task until it is dropped.
struct Alive(watch::Sender<usize>);

impl Alive {
    fn new(alive: watch::Sender<usize>) -> Self {
        alive.send_modify(|alive| *alive += 1);
        Self(alive)
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.send_modify(|alive| *alive -= 1);
    }
}

/// What tells a task in the background that it is to stop.
#[derive(Clone, Debug)]
pub struct Stopping(watch::Receiver<bool>);

impl Stopping {
    /// Ready once the task is to stop.
    pub async fn requested(&self) {
        // Without a node nobody needs the task either.
        let _ = self.0.clone().wait_for(|stop| *stop).await;
    }

    /// Whether the task is to stop, for work that blocks.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}
