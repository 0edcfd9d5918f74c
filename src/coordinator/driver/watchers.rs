//! Those who watch upgrades: each sees the newest state, however slowly it looks.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use crate::control::v1_0_0::UpgradeStatus;

#[derive(Default)]
pub(super) struct Watchers(BTreeMap<u64, Watched>);

struct Watched {
    sender: watch::Sender<Arc<UpgradeStatus>>,
    changed: bool,
}

impl Watchers {
    /// Sees an upgrade from now on; `status` says how it is doing where nobody has watched it so far.
    pub(super) fn subscribe(&mut self, number: u64, status: UpgradeStatus) -> watch::Receiver<Arc<UpgradeStatus>> {
        let new = || Watched { sender: watch::Sender::new(Arc::default()), changed: false };
        let watched = self.0.entry(number).or_insert_with(new);
        watched.sender.send_replace(Arc::new(status));
        watched.sender.subscribe()
    }

    pub(super) fn changed(&mut self, number: u64) {
        if let Some(watched) = self.0.get_mut(&number) {
            watched.changed = true;
        }
    }

    /// Whether somebody is to be told something.
    pub(super) fn wait(&self) -> bool {
        self.0.values().any(|watched| watched.changed)
    }

    /// Tells those who watch what has changed; with `all` also what nobody said has: waits grow old.
    pub(super) fn publish(&mut self, all: bool, status: impl Fn(u64) -> Option<UpgradeStatus>) {
        self.0.retain(|_, watched| watched.sender.receiver_count() > 0);
        for (number, watched) in &mut self.0 {
            if std::mem::take(&mut watched.changed) || all {
                let Some(status) = status(*number) else { continue };
                watched.sender.send_if_modified(|before| {
                    let other = **before != status;
                    if other {
                        *before = Arc::new(status);
                    }
                    other
                });
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
