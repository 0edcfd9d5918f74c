//! What stands in front of a node: where callers see that they should go elsewhere.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::transport::{Connections, HealthHandle};

/// The servers in front of a node. This is the one place from which callers are sent elsewhere, and called back.
#[derive(Debug)]
pub(super) struct Fronts(Mutex<Known>);

#[derive(Debug)]
struct Known {
    /// Whether the node may serve at all.
    admitted: bool,
    drained: bool,
    servers: Vec<(HealthHandle, Connections)>,
}

impl Fronts {
    /// Of a node that may serve at once, or has to be admitted first.
    pub(super) fn new(admitted: bool) -> Self {
        Self(Mutex::new(Known { admitted, drained: false, servers: Vec::new() }))
    }

    /// Says whether the node may serve.
    pub(super) fn set_admitted(&self, admitted: bool) {
        let mut known = self.lock();
        known.admitted = admitted;
        known.servers.iter().for_each(|(health, _)| tell(health, admitted));
    }

    /// The node is served with this health, to these connections, from now on.
    pub(super) fn add(&self, health: &HealthHandle, connections: Connections) {
        let mut known = self.lock();
        health.set_drained(known.drained);
        tell(health, known.admitted);
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

    /// The node answers nobody any more.
    pub(super) fn give_up(&self) {
        let mut known = self.lock();
        known.servers.iter().for_each(|(health, _)| health.set_not_serving());
        known.servers.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(health: &HealthHandle, admitted: bool) {
    if admitted {
        health.set_serving();
    } else {
        health.set_not_serving();
    }
}
