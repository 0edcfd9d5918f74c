//! Records that a lazy upgrade has yet to bring over: in the background, while the node serves.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{interval, timeout};

use super::held::MOMENT;
use super::{Life, TICK, lock};
use crate::state::{Progress, Records, WeakRecords};

/// The filling under way.
pub(super) struct Filling {
    progress: Progress,
    /// Ends the moment before it.
    now: Arc<Notify>,
    task: JoinHandle<Result<(), String>>,
}

/// Whoever drops it does not wait.
impl Drop for Filling {
    fn drop(&mut self) {
        self.progress.stop();
        self.now.notify_one();
    }
}

impl Life {
    /// Begins to fill what is not whole, if anything is.
    pub(super) async fn fill(self: &Arc<Self>) {
        self.fill_after(Duration::ZERO).await;
    }

    /// The same a moment from now: nodes that switch together share a machine, and the first is not to keep the last from its
    /// callers.
    pub(super) async fn fill_later(self: &Arc<Self>) {
        self.fill_after(MOMENT).await;
    }

    async fn fill_after(self: &Arc<Self>, moment: Duration) {
        let records = self.standing.lock().await.as_ref().map(super::Standing::all_records).unwrap_or_default();
        let records: Vec<_> = records.into_iter().filter(|records| !records.is_whole()).collect();
        if records.is_empty() {
            return;
        }
        let progress = Progress::default();
        lock(&self.told).filling = Some(progress.clone());
        self.publish();
        let (life, told, now) = (Arc::downgrade(self), progress.clone(), Arc::new(Notify::new()));
        let hurry = now.clone();
        // Of a node that goes meanwhile they close.
        let weak: Vec<_> = records.iter().map(Records::downgrade).collect();
        drop(records);
        let task = tokio::spawn(async move {
            let working = told.clone();
            // Whoever waits for all to be filled does not wait for the moment.
            let _ = timeout(moment, hurry.notified()).await;
            let records: Vec<Records> = weak.iter().filter_map(WeakRecords::upgrade).collect();
            let mut filled = spawn_blocking(move || records.iter().try_for_each(|records| records.fill(&working)));
            let mut tick = interval(TICK);
            let filled = loop {
                tokio::select! {
                    filled = &mut filled => break filled,
                    _ = tick.tick() => tell(&life, Life::publish),
                }
            };
            let filled = filled.map_err(|error| error.to_string()).and_then(|filled| filled.map_err(|e| e.to_string()));
            tell(&life, |life| life.filled(&filled, told.is_stopped()));
            filled
        });
        *lock(&self.filling) = Some(Filling { progress, now, task });
    }

    fn filled(&self, filled: &Result<(), String>, stopped: bool) {
        let mut told = lock(&self.told);
        match filled {
            Ok(()) if !stopped => told.filling = None,
            Ok(()) => {}
            Err(why) => {
                tracing::error!(%why, "records could not all be brought to the version that the node runs");
                told.failure = Some(format!("bringing over the records that a lazy upgrade has left: {why}"));
            }
        }
        drop(told);
        self.publish();
    }

    /// Stops the filling, and waits until it has stopped; it goes on from there when it begins again.
    pub(super) async fn stop_filling(&self) {
        let filling = lock(&self.filling).take();
        if let Some(mut filling) = filling {
            filling.progress.stop();
            filling.now.notify_one();
            // What it says was told already.
            let _ = (&mut filling.task).await;
        }
        lock(&self.told).filling = None;
    }

    /// Waits until all is filled.
    pub(super) async fn filled_up(self: &Arc<Self>) -> Result<(), String> {
        for again in [true, false] {
            let filling = lock(&self.filling).take();
            let filled = match filling {
                Some(mut filling) => {
                    filling.now.notify_one();
                    (&mut filling.task).await.map_err(|error| error.to_string()).and_then(|done| done)
                }
                None => Ok(()),
            };
            // One that failed before may succeed now.
            match filled {
                Err(why) if !again => return Err(why),
                _ => {}
            }
            self.fill().await;
            if lock(&self.filling).is_none() {
                return Ok(());
            }
        }
        Err("records are still left to be brought over".to_owned())
    }
}

fn tell(life: &Weak<Life>, what: impl FnOnce(&Life)) {
    if let Some(life) = life.upgrade() {
        what(&life);
    }
}
