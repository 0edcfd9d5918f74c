//! Files that the objects of one epoch leave open for those of the next: closing them takes syncs of the disk, for which callers
//! need not wait.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use super::{Life, lock};
use crate::node::chain::Plan;

/// How long work that nobody waits for is put off after a release.
pub(super) const MOMENT: Duration = Duration::from_millis(500);

/// Files that are to be closed.
pub(super) struct Closing {
    now: Arc<Notify>,
    task: JoinHandle<()>,
}

/// Of a node that goes without being stopped nothing stays open for long.
impl Drop for Closing {
    fn drop(&mut self) {
        self.now.notify_one();
    }
}

impl Life {
    /// Closes what stands, but for the files that the move of this plan reads.
    pub(super) async fn close_for(&self, plan: &Plan, why: &str) -> Result<(), String> {
        if plan.function.is_some() || plan.records.is_none() {
            // It is given folders that nobody has open.
            return self.close(why).await;
        }
        let (standing, stopped) = self.take_down(why).await;
        let Some(standing) = standing else { return stopped };
        let held = standing.close_holding(self.limits.leases).await;
        let held = held.map(|held| lock(&self.held).extend(held));
        stopped.and(held)
    }

    /// Closes files of which there is no good copy: what is copied now has to be whole.
    pub(super) async fn hold_only(&self, keep: impl Fn(&Path) -> bool) {
        let (kept, closed): (Vec<_>, Vec<_>) =
            std::mem::take(&mut *lock(&self.held)).into_iter().partition(|held| keep(held.file()));
        *lock(&self.held) = kept;
        if !closed.is_empty() {
            let _ = spawn_blocking(move || drop(closed)).await;
        }
    }

    /// Closes what is held a moment from now, in the background; what is still read closes when that ends. Nodes that switch
    /// together share a disk, and the first is not to keep the last from its callers.
    pub(super) fn let_go_later(&self) {
        let held = std::mem::take(&mut *lock(&self.held));
        if held.is_empty() {
            return;
        }
        let now = Arc::new(Notify::new());
        let told = now.clone();
        let mut closing = lock(&self.closing);
        let before = closing.take();
        let task = tokio::spawn(async move {
            // Whoever waits for this one waits for that as well.
            if let Some(mut before) = before {
                before.now.notify_one();
                let _ = (&mut before.task).await;
            }
            // Whoever waits for the files does not wait for the moment.
            let _ = timeout(MOMENT, told.notified()).await;
            let _ = spawn_blocking(move || drop(held)).await;
        });
        *closing = Some(Closing { now, task });
    }

    /// Closes what is held; what is still read is open when this returns.
    pub(super) async fn let_go(&self) {
        let (held, closing) = (std::mem::take(&mut *lock(&self.held)), lock(&self.closing).take());
        if let Some(mut closing) = closing {
            closing.now.notify_one();
            let _ = (&mut closing.task).await;
        }
        if !held.is_empty() {
            let _ = spawn_blocking(move || drop(held)).await;
        }
    }
}
