//! Scheduling functions: when a node may go.
//!
//! A scheduling function is pure: of a [view](View) of the cluster, a node, a [clock](Clock) and a seed it makes a
//! [`Decision`], the same whenever it is asked the same. What it cannot break stands around it, in the coordinator.
//! Those that are here are put together by a `schedule.toml`, which [`parse`] reads; all of them have to let a node go.
//!
//! ```
//! use straddle::coordinator::schedule;
//!
//! let scheduling = schedule::parse(
//!     r#"
//!     [canary]
//!     stages = [1, "10%", "50%"]
//!     bake = "10m"
//!
//!     [rolling]
//!     at_once = "5%"
//!     "#,
//! )?;
//! assert_eq!(scheduling.gates.names(), ["errors", "latency"]);
//! let error = schedule::parse("[rolling]\nat_onse = 2").unwrap_err();
//! assert_eq!((error.line, error.column), (2, 1));
//! assert_eq!(error.advice, "did you mean `at_once`?");
//! # Ok::<(), schedule::ScheduleError>(())
//! ```
//!
//! # What is here
//!
//! - **rolling**: a count or a share of the nodes at once; **canary**: a few first, then more, each stage with a time to bake;
//!   **domains** and **roles**: one value of a label after the other, domains within roles; **together**: all that may go, at one
//!   word; **random**: order and jitter of the seed.
//! - conditions: **window** (days, hours, time zone), **after** (another protocol's nodes), **idle**, **load**, **manual**.
//! - [gates](Gates), conditions in CEL that have to hold for the upgrade to go on, and [limits](Limits).
//!
//! Going back is urgent: a rollback waits for no stage, bake, window, condition, gate or other protocol. It goes the opposite way
//! through domains and roles, without those that are away, and as many nodes at once as `rolling` says.
//!
//! # Time
//!
//! What takes a while (a bake, jitter, the patience of gates) is counted on the *watch*: the time for which coordinators have led and
//! watched nodes, as [`Clock::now`]. It knows no jumps, stands still while there is no coordinator, and goes on with the next one; so
//! nothing goes early, or waits for longer, because somebody sets a clock. [Marks](Round::marks) remember when a stage was reached.
//! Only [windows](Window) go by the [clock on the wall](Clock::wall), since hours are what it shows: with a clock that is wrong, they are
//! open at wrong times, and as soon as it is set right they are right.
//!
//! # Scheduling functions of one's own
//!
//! A program that runs a coordinator of its own gives it more functions by name; a `schedule.toml` asks for them beside what is
//! built in.
//!
//! ```
//! use straddle::coordinator::schedule::{self, Clock, Decision, Own, Round, Schedule};
//! use straddle::coordinator::view::{NodeView, View};
//!
//! /// Nodes with a short queue go first, and those with a long one wait.
//! struct Queues {
//!     longest: f64,
//! }
//!
//! impl Schedule for Queues {
//!     fn round<'a>(&'a self, _view: &'a View, _clock: Clock, _seed: u64) -> Box<dyn Round + 'a> {
//!         // What is counted over all nodes is counted here, once for all of them.
//!         Box::new(QueuesRound { longest: self.longest })
//!     }
//! }
//!
//! struct QueuesRound {
//!     longest: f64,
//! }
//!
//! impl Round for QueuesRound {
//!     fn decide(&mut self, _at: usize, node: &NodeView) -> Decision {
//!         match node.values.get("queue") {
//!             Some(queue) if *queue <= self.longest => Decision::Go,
//!             Some(queue) => Decision::wait(format!("its queue is {queue} long, and may be {}", self.longest)),
//!             None => Decision::wait("it does not report its queue"),
//!         }
//!     }
//!
//!     fn rank(&self, _at: usize, node: &NodeView) -> u64 {
//!         node.values.get("queue").map_or(u64::MAX, |queue| *queue as u64)
//!     }
//! }
//!
//! let own = Own::new().with("queues", Queues { longest: 100.0 });
//! let scheduling = schedule::parse_with("own = ['queues']\n[rolling]\nat_once = 2", &own)?;
//! # Ok::<(), schedule::ScheduleError>(())
//! ```
//!
//! It has to be pure: no clock, no randomness and no memory but what it is given; what it wants to remember it says as marks, under a
//! name of its own.

mod bake;
mod canary;
mod combined;
mod conditions;
mod duration;
mod error;
mod file;
mod fleet;
mod gate;
mod limits;
mod random;
mod rehearsal;
mod rolling;
mod sequence;
mod share;
mod window;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(in crate::coordinator) use self::bake::in_words;
use self::combined::Combined;
pub use self::error::ScheduleError;
pub use self::gate::{Gate, GateVerdict, Gates, Verdict};
pub use self::limits::{Limits, MinimumServing, OnFailedGate};
pub use self::rehearsal::{Rehearsed, rehearse};
pub use self::share::Share;
pub use self::window::Window;
use super::view::{NodeView, View};

/// The time, as schedules are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The watch: for how many microseconds coordinators of this database have led. It never goes back, and does not jump when a
    /// clock is set. Times of a [view](View) and [marks](Round::marks) are on it.
    pub now: u64,
    /// Microseconds since 1970, in UTC. It may jump, in either direction: for hours of the day, and not for how long something takes.
    pub wall: u64,
}

/// Whether a node may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Go,
    /// It may, with others that may as well, at one word: all of them, or none.
    GoTogether,
    /// Not yet.
    Wait {
        /// Why, in a sentence for operators, without a full stop. Shared by all that wait for the same.
        why: Arc<str>,
        /// When to ask again even though nothing else changes, on the [watch](Clock::now).
        until: Option<u64>,
    },
}

impl Decision {
    /// Not before something changes.
    #[must_use]
    pub fn wait(why: impl Into<Arc<str>>) -> Self {
        Self::Wait { why: why.into(), until: None }
    }

    /// Not before this time on the [watch](Clock::now).
    #[must_use]
    pub fn wait_until(why: impl Into<Arc<str>>, until: u64) -> Self {
        Self::Wait { why: why.into(), until: Some(until) }
    }
}

/// A scheduling function. Implement it for one of your own.
pub trait Schedule: Send + Sync + 'static {
    /// Begins a round over all nodes of a view. What follows counts on it that nothing in the view changes.
    fn round<'a>(&'a self, view: &'a View, clock: Clock, seed: u64) -> Box<dyn Round + 'a>;
}

/// One round of decisions. Nodes go by their place in [`View::nodes`].
pub trait Round {
    /// Whether this node may go, given all that this round has let go before. Asked of nodes that are not where they are
    /// to be, and do not move.
    fn decide(&mut self, at: usize, node: &NodeView) -> Decision;

    /// The node that was decided on last goes: nothing else keeps it.
    fn goes(&mut self, _at: usize, _node: &NodeView) {}

    /// What is to be remembered, over restarts, as [`View::marks`]: when a stage was reached, for example. Those that are
    /// new or have changed; the others stay.
    fn marks(&self) -> Vec<(String, u64)> {
        Vec::new()
    }

    /// Nodes are asked in the order of their ranks; where these are equal, in the order of names.
    fn rank(&self, _at: usize, _node: &NodeView) -> u64 {
        0
    }

    /// What this node goes as part of, in a few words, for plans: `zone a`.
    fn stage(&self, _at: usize, _node: &NodeView) -> Option<String> {
        None
    }
}

/// What a `schedule.toml` says.
#[derive(Clone)]
pub struct Scheduling {
    /// All its scheduling functions, as one.
    pub schedule: Arc<dyn Schedule>,
    /// What has to hold for the upgrade to go on.
    pub gates: Gates,
    /// What no schedule gets past.
    pub limits: Limits,
    /// What becomes of the upgrade when a gate fails; none where it is not said.
    pub on_failed_gate: Option<OnFailedGate>,
    combined: Combined,
    /// How many nodes go at once; none: all that may.
    at_once: Option<Share>,
    /// The first stage of a canary over all nodes.
    first: Option<Share>,
}

impl Scheduling {
    /// What is written and comes to nothing in a fleet of so many nodes, in a sentence without a full stop.
    #[must_use]
    pub fn doubt(&self, nodes: usize) -> Option<String> {
        let first = self.first.filter(|first| nodes > 1 && first.rounded_up(nodes) >= nodes)?;
        Some(format!(
            "the canary's first stage is {first}, and there are {nodes} nodes: all go in it, and none comes after it"
        ))
    }
}

impl std::fmt::Debug for Scheduling {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { gates, limits, on_failed_gate, .. } = self;
        formatter
            .debug_struct("Scheduling")
            .field("gates", gates)
            .field("limits", limits)
            .field("on_failed_gate", on_failed_gate)
            .finish_non_exhaustive()
    }
}

/// Scheduling functions of one's own, by the names under which a `schedule.toml` asks for them: `own = ["quarter-end"]`.
#[derive(Clone, Default)]
pub struct Own(BTreeMap<String, Arc<dyn Schedule>>);

impl Own {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// And this one; in place of another one of the same name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, schedule: impl Schedule) -> Self {
        self.0.insert(name.into(), Arc::new(schedule));
        self
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    fn get(&self, name: &str) -> Option<Arc<dyn Schedule>> {
        self.0.get(name).map(Arc::clone)
    }
}

impl std::fmt::Debug for Own {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.names()).finish()
    }
}

/// Reads a `schedule.toml`. An empty one is: one node at a time, with the standard gates. All options, as they are written:
///
/// ```toml
#[doc = include_str!("schedule/example.toml")]
/// ```
///
/// # Errors
/// When it is no TOML, has an option that there is not or a value that makes no sense, or a gate's condition is none. Whoever
/// wrote it has to change it.
pub fn parse(text: &str) -> Result<Scheduling, ScheduleError> {
    parse_with(text, &Own::new())
}

/// Reads a `schedule.toml` that may ask for scheduling functions of one's own.
///
/// # Errors
/// As those of [`parse`], and when it asks for one that is not among `own`.
pub fn parse_with(text: &str, own: &Own) -> Result<Scheduling, ScheduleError> {
    file::read(text, own)
}

/// The order in which a round asks nodes, as places in [`View::nodes`].
#[must_use]
pub fn order(round: &dyn Round, view: &View) -> Vec<usize> {
    let mut ranked: Vec<(u64, usize)> =
        view.nodes.iter().enumerate().map(|(at, node)| (round.rank(at, node), at)).collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, at)| at).collect()
}
