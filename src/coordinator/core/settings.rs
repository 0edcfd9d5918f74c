//! What whoever runs a coordinator can set of its core.

use std::time::Duration;

use crate::coordinator::schedule::Own;

/// What the core goes by.
#[derive(Clone)]
pub struct Settings {
    /// The coordinator's own name, for people and for events.
    pub name: String,
    /// How often nodes report at least.
    pub report_every: Duration,
    /// A node that was not heard for so long is away.
    pub away_after: Duration,
    /// How long a permit holds, on the node's clock.
    pub permit_within: Duration,
    /// How long nodes stay prepared for the word of a barrier, on their clocks.
    pub prepared_for: Duration,
    /// A node whose move came to nothing without anybody's fault is not asked again for so long.
    pub retry_after: Duration,
    /// A call that reports alone have told of counts for so long; one that the census has counted, until its version is retired.
    pub callers_kept: Duration,
    /// So many events are kept.
    pub events_kept: u64,
    /// Scheduling functions beyond ours, by the names that a `schedule.toml` calls them by.
    pub schedules: Own,
    /// What stands around every schedule.
    #[doc(hidden)]
    pub invariants: Invariants,
}

/// What stands around every schedule. Only tests turn any of it off, to see that they notice.
#[doc(hidden)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own, and no two make a state")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invariants {
    /// Each group keeps its minimum of serving nodes.
    pub minimum_serving: bool,
    /// Versions of nodes do not drift apart further than allowed.
    pub skew: bool,
    /// No live method loses its route.
    pub routes: bool,
    /// A permit is over when its node has said so, and not before.
    pub outstanding_permits: bool,
    /// A node that was away serves only when it has come to where the others are.
    pub catching_up: bool,
    /// A forgotten node is fenced.
    pub fence: bool,
    /// A batch of the census counts once, however often it is said.
    pub census_once: bool,
    /// What of the census is missing is kept as a gap.
    pub census_gaps: bool,
    /// Nothing is retired that somebody calls, or may have called within the guard time.
    pub retire_guard: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let report_every = Duration::from_secs(5);
        Self {
            name: "coordinator".to_owned(),
            report_every,
            away_after: 3 * report_every,
            permit_within: Duration::from_secs(30),
            prepared_for: Duration::from_secs(60),
            retry_after: report_every,
            callers_kept: Duration::from_secs(7 * 24 * 60 * 60),
            events_kept: 100_000,
            schedules: Own::new(),
            invariants: Invariants::default(),
        }
    }
}

impl Default for Invariants {
    fn default() -> Self {
        Self {
            minimum_serving: true,
            skew: true,
            routes: true,
            outstanding_permits: true,
            catching_up: true,
            fence: true,
            census_once: true,
            census_gaps: true,
            retire_guard: true,
        }
    }
}
