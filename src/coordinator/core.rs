//! What the coordinator decides, without sockets, files, clocks or threads: inputs go in, and what is to be written and said
//! comes out. So a simulation can run it through years in seconds, the same for the same seed.
//!
//! ```text
//!   Hello, Report, ... ──> handle ──┐                ┌──> writes: committed in one transaction, under the leader's key
//!   operators          ──> handle ──┼──> Effects ────┤
//!   the time           ──> tick   ──┘                └──> outputs: leave only when that has been acknowledged
//! ```
//!
//! The core is ahead of the database between the two, and nobody hears of it before. When a commit fails, or nobody knows, the
//! core is thrown away and made anew of what the database says.

mod api;
mod calls;
mod census;
mod contest;
mod falls;
mod fleet;
mod gates;
mod goals;
mod invariants;
mod known;
mod limits;
mod live;
mod load;
mod measured;
mod nodes;
mod operate;
mod outbox;
mod permits;
mod plan;
mod publish;
mod reason;
mod reports;
mod retire;
mod rounds;
mod settings;
mod sizes;
mod states;
mod status;
mod upgrade;
mod watch;
mod way_back;

use super::database::Write;
use crate::bundle::Bundle;
use crate::control::v1_0_0 as wire;
use crate::protocol::Protocol;

pub use self::api::{Core, LoadError, Which};
pub use self::publish::PART;
pub use self::reason::Reason;
pub use self::settings::{Invariants, Settings};

/// The time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Microseconds on this process's monotonic clock.
    pub monotonic: u64,
    /// Microseconds since 1970, in UTC. It may jump, in either direction.
    pub wall: u64,
    /// The [watch](watch::Watch), which the core knows itself.
    watched: u64,
}

impl Now {
    /// What a process's clocks show, in microseconds: the monotonic one, and the one on the wall, since 1970 in UTC.
    #[must_use]
    pub const fn new(monotonic: u64, wall: u64) -> Self {
        Self { monotonic, wall, watched: 0 }
    }
}

/// A stream of a node's agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session(pub u64);

/// A question of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request(pub u64);

/// What comes to the core.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly all are reports, which are moved once")]
pub enum Input {
    /// An agent said something; Hello is the first that it says.
    Said(Session, wire::FromAgent),
    /// An agent's stream has ended.
    Closed(Session),
    /// An operator wants something changed; the answer comes as [`Output::Answer`].
    Asked(Request, String, Box<Ask>),
}

/// What operators want changed. What they only want to know is asked of the core by its methods.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "operators ask seldom, and it is boxed as a whole")]
pub enum Ask {
    /// Publish these versions.
    Publish(Publication),
    /// Start an upgrade.
    Start(wire::StartUpgradeRequest),
    /// Pause it.
    Pause(wire::PauseUpgradeRequest),
    /// Let it go on.
    Resume(wire::ResumeUpgradeRequest),
    /// Take it back.
    RollBack(wire::RollBackUpgradeRequest),
    /// Give up the way back.
    Finalize(wire::FinalizeUpgradeRequest),
    /// Put other limits in place of those of its schedule.
    ChangeLimits(wire::ChangeLimitsRequest),
    /// Let nodes go that a manual schedule holds.
    LetGo(wire::LetGoRequest),
    /// A node is gone for good.
    Forget(wire::ForgetNodeRequest),
    /// Serve a version, and all older ones, no longer.
    Retire(wire::RetireRequest),
    /// Serve all versions again.
    Unretire(wire::UnretireRequest),
    /// Announce that a version will be retired.
    Announce(wire::AnnounceRequest),
}

/// A bundle, read and put together with what was published before, which takes too long for the core.
#[derive(Debug)]
pub struct Publication {
    /// The bundle.
    pub bundle: Bundle,
    /// The protocol with the bundle's versions.
    pub protocol: Protocol,
    /// How many bundles of this protocol were published when it was put together; another number now: put together anew.
    pub after: usize,
}

/// What comes out.
#[derive(Debug, Default)]
pub struct Effects {
    /// To be written at once, all or nothing; a key at most once.
    pub writes: Vec<Write>,
    /// To be said when that is done, in this order.
    pub outputs: Vec<Output>,
}

/// What is said.
#[derive(Debug)]
pub enum Output {
    /// To an agent.
    Tell(Session, wire::ToAgent),
    /// An agent's stream is to end, with this reason ([`Fenced`](Reason::Fenced), [`Replaced`](Reason::Replaced),
    /// [`NameTaken`](Reason::NameTaken) or [`Invalid`](Reason::Invalid)) and sentence.
    End(Session, Reason, String),
    /// To an operator.
    Answer(Request, Result<Answer, Denied>),
    /// An event has happened, for those who follow.
    Event(wire::Event),
    /// Something that [`WatchUpgrade`](wire::WatchUpgradeRequest) tells of has changed.
    Changed(u64),
}

/// What operators are answered.
#[derive(Debug)]
pub enum Answer {
    /// What was published.
    Published(wire::PublishResponse),
    /// How an upgrade is doing now.
    Upgrade(Box<wire::UpgradeStatus>),
    /// Whether a version is retired now, and what stands in the way.
    Retired(Box<wire::RetireResponse>),
    /// What is retired and announced now.
    Retiring(wire::StoredRetiring),
    /// Nothing more to say.
    Done,
    /// The publication was put together with what is not the newest any more; do it again.
    Stale,
}

/// Why an operator is not given what they want.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Denied {
    /// The reason.
    pub reason: Reason,
    /// What happened.
    pub what: String,
    /// What to do.
    pub advice: String,
}
