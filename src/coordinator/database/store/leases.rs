//! When leases end. That is not stored: a database that is opened gives each its whole time again.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::coordinator::database::{Clock, DatabaseError, Lease};

pub(super) struct Leases {
    clock: Arc<dyn Clock>,
    /// By their numbers.
    leases: BTreeMap<u64, Times>,
}

struct Times {
    granted: Duration,
    ends: Duration,
}

impl Leases {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, leases: BTreeMap::new() }
    }

    pub(super) fn now(&self) -> Duration {
        self.clock.now()
    }

    /// These are the leases that are stored; those that are known go on.
    pub(super) fn replace(&mut self, stored: Vec<(Lease, Duration)>) {
        let now = self.now();
        let mut before = std::mem::take(&mut self.leases);
        for (lease, granted) in stored {
            let anew = Times { granted, ends: now.saturating_add(granted) };
            self.leases.insert(lease.0, before.remove(&lease.0).unwrap_or(anew));
        }
    }

    pub(super) fn add(&mut self, lease: Lease, granted: Duration) {
        let ends = self.now().saturating_add(granted);
        self.leases.insert(lease.0, Times { granted, ends });
    }

    pub(super) fn remove(&mut self, lease: Lease) {
        self.leases.remove(&lease.0);
    }

    pub(super) fn is_alive(&self, lease: Lease, now: Duration) -> bool {
        self.leases.get(&lease.0).is_some_and(|times| times.ends > now)
    }

    pub(super) fn keep_alive(&mut self, lease: Lease) -> Result<(), DatabaseError> {
        let now = self.now();
        let times = self.leases.get_mut(&lease.0).filter(|times| times.ends > now);
        let times = times.ok_or_else(|| DatabaseError::lease_gone(lease))?;
        times.ends = now.saturating_add(times.granted);
        Ok(())
    }

    /// Those whose time is over, in the order in which they ended.
    pub(super) fn due(&self) -> Vec<Lease> {
        let now = self.now();
        let mut due: Vec<_> = self.leases.iter().filter(|(_, times)| times.ends <= now).collect();
        due.sort_by_key(|(_, times)| times.ends);
        due.into_iter().map(|(lease, _)| Lease(*lease)).collect()
    }

    /// How long it is until the next one ends.
    pub(super) fn next(&self) -> Option<Duration> {
        let now = self.now();
        self.leases.values().map(|times| times.ends.saturating_sub(now)).min()
    }
}

impl fmt::Debug for Leases {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Leases").field("leases", &self.leases.len()).finish_non_exhaustive()
    }
}
