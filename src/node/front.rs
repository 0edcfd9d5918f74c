//! What stands in front of a node: where callers see that they should go elsewhere.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::transport::HealthHandle;

/// The servers in front of a node. This is the one place from which callers are sent elsewhere, and called back.
#[derive(Debug, Default)]
pub(super) struct Fronts(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    drained: bool,
    healths: Vec<HealthHandle>,
}

impl Fronts {
    /// The node is served with this health from now on.
    pub(super) fn add(&self, health: &HealthHandle) {
        let mut known = self.lock();
        health.set_drained(known.drained);
        known.healths.push(health.clone());
    }

    /// Sends callers elsewhere, or calls them back.
    pub(super) fn set_drained(&self, drained: bool) {
        let mut known = self.lock();
        known.drained = drained;
        known.healths.iter().for_each(|health| health.set_drained(drained));
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
