//! The watch: time that no set clock makes jump, and that goes on over restarts.
//!
//! What has to prove itself for a while has to be watched for that while: by a coordinator that leads, hears nodes and judges
//! gates. So bakes, jitter, the patience of gates, what came before what, and for how long a caller counts go by the time for which
//! coordinators of this database have led. It goes by their monotonic clocks and is kept with the counters. A wall clock that is
//! set, in either direction, changes none of it, and a time without a coordinator lets nobody go.
//!
//! What was not yet kept when a coordinator died is watched again: at most [`UPGRADING`] while an upgrade is under way. A coordinator that
//! has lost the lead without knowing keeps nothing.

use super::Now;

/// How much of the watch a crash may lose while upgrades are under way, in microseconds. Each event keeps it, too.
pub(super) const UPGRADING: u64 = 10_000_000;
/// And while there are none: callers alone go by it, by the day.
pub(super) const IDLE: u64 = 600_000_000;

/// The watch of a coordinator that leads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    /// What it showed ...
    at: u64,
    /// ... when the monotonic clock showed this.
    since: u64,
}

impl Watch {
    /// Goes on from what was kept. It never shows 0, which stands for what nobody saw.
    pub(super) fn new(kept: u64, now: Now) -> Self {
        Self { at: kept.max(1), since: now.monotonic }
    }

    /// The time with what the watch shows.
    pub(super) fn at(&self, now: Now) -> Now {
        Now { watched: self.at.saturating_add(now.monotonic.saturating_sub(self.since)), ..now }
    }
}
