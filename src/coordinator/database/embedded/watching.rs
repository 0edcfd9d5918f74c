//! Watching: reading what has changed, as soon as it is durable.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use tokio::sync::watch;

use super::{Shared, closed};
use crate::coordinator::database::{Changes, DatabaseError, Keys, Pending, Revision, Watch};

/// A watch. It does not keep the database open.
pub(super) struct Watching {
    shared: Weak<Shared>,
    newest: watch::Receiver<Revision>,
    keys: Keys,
    /// Where to go on reading.
    next: Revision,
    ready: VecDeque<Changes>,
}

impl Watching {
    pub(super) fn begin(shared: &Arc<Shared>, keys: Keys, from: Revision) -> Result<Self, DatabaseError> {
        let newest = shared.newest.subscribe();
        let (ready, next) = shared.store.changes(&keys, from)?;
        Ok(Self { shared: Arc::downgrade(shared), newest, keys, next, ready: ready.into() })
    }

    async fn advance(&mut self) -> Result<Changes, DatabaseError> {
        loop {
            if let Some(changes) = self.ready.pop_front() {
                return Ok(changes);
            }
            // First forget what was told, then read: what comes between is read, and wakes us besides.
            let told = *self.newest.borrow_and_update();
            {
                let shared = self.shared.upgrade().ok_or_else(closed)?;
                let (ready, next) = shared.store.changes(&self.keys, self.next)?;
                self.ready = ready.into();
                self.next = next;
            }
            // An answer may end before the newest revision, when there was much to look at.
            if self.ready.is_empty() && self.next > told {
                self.newest.changed().await.map_err(|_| closed())?;
            }
        }
    }
}

impl Watch for Watching {
    fn next(&mut self) -> Pending<'_, Changes> {
        Box::pin(self.advance())
    }
}
