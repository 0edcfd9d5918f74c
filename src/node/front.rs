//! What stands in front of a node: where callers see that they should go elsewhere.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::transport::{Connections, HealthHandle};

/// The servers in front of a node. This is the one place from which callers are sent elsewhere, and called back.
#[derive(Debug, Default)]
pub(super) struct Fronts(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    drained: bool,
    servers: Vec<(HealthHandle, Connections)>,
}

impl Fronts {
    /// The node is served with this health, to these connections, from now on.
    pub(super) fn add(&self, health: &HealthHandle, connections: Connections) {
        let mut known = self.lock();
        health.set_drained(known.drained);
        known.servers.push((health.clone(), connections));
    }

    /// Sends callers elsewhere, or calls them back.
    pub(super) fn set_drained(&self, drained: bool) {
        let mut known = self.lock();
        known.drained = drained;
        for (health, connections) in &known.servers {
            // Whoever connects anew should see it.
            health.set_drained(drained);
            if drained {
                connections.go_away();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
