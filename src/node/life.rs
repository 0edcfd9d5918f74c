//! What a node tells of its life, and what goes wrong in it.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use super::random;
use crate::protocol::Protocol;
use crate::retiring::Retiring;
use crate::state::{Phase, RefusedRecord, Way};
use crate::version::Version;

/// How a node is doing.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NodeStatus {
    /// The protocol's name.
    pub protocol: String,
    /// The version that the node runs.
    pub version: Version,
    /// The versions that it serves, oldest first.
    pub served: Vec<Version>,
    /// Those among them that it has learned from bundles: its program was built without them.
    pub learned: Vec<Version>,
    /// The version that this program can upgrade it to next.
    pub next: Option<Version>,
    /// The version that a rollback would lead to; none once the last upgrade is finalized.
    pub back: Option<Version>,
    /// The newest version whose behaviour is active; see [`Node::active`](super::Node::active).
    pub active: Version,
    /// The phase.
    pub phase: Phase,
    /// Where a move that is under way leads, and in which direction.
    pub under_way: Option<(Version, Way)>,
    /// How far long work has come: what it is, how much is done, and of how much.
    pub progress: Option<(String, u64, u64)>,
    /// Records that a lazy upgrade has yet to bring over: how many are done, and of how many.
    pub filling: Option<(u64, u64)>,
    /// Why the application says that it is not to be upgraded now.
    pub held: Option<String>,
    /// Why the last move did not come to its end.
    pub failure: Option<String>,
    /// Calls inside, and calls that wait at the gate.
    pub calls: (usize, usize),
    /// The last move that came to its end since the program started.
    pub last: Option<Moved>,
    /// Why the node answers nobody until its program is started again.
    pub stuck: Option<String>,
    /// Why the node answers nobody yet: its coordinator has not admitted it.
    pub unadmitted: Option<String>,
    /// Whether the node is taken out of service; see [`Node::drain`](super::Node::drain).
    pub drained: bool,
    /// The preparation that waits for the word; see [`Node::prepare`](super::Node::prepare).
    pub prepared: Option<Prepared>,
    /// The coordinator's permit under which the node moves, or has moved last under one.
    pub permit: Option<u64>,
    /// What is retired at the node, and announced; none before it was told.
    pub retired: Option<RetiredStatus>,
    /// Tells this node from all others: random, and another one whenever its program starts. 32 hexadecimal digits.
    pub instance: String,
}

impl NodeStatus {
    /// A node that serves, and nothing else.
    pub(super) fn resting(protocol: &Protocol, version: &Version) -> Self {
        Self {
            protocol: protocol.name().to_owned(),
            version: version.clone(),
            served: protocol.versions().iter().map(|schema| schema.version().clone()).collect(),
            learned: Vec::new(),
            next: None,
            back: None,
            active: version.clone(),
            phase: Phase::Serving,
            under_way: None,
            progress: None,
            filling: None,
            held: None,
            failure: None,
            calls: (0, 0),
            last: None,
            stuck: None,
            unadmitted: None,
            drained: false,
            prepared: None,
            permit: None,
            retired: None,
            instance: random::name(),
        }
    }
}

/// What is retired at a node; see [`Node::retire`](super::Node::retire).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetiredStatus {
    /// As much of what the node was told as is in force.
    pub in_force: Retiring,
    /// Why the rest is not.
    pub refused: Option<String>,
    /// The states of the past simulation objects of this version and older ones have gone, or go right now.
    pub swept_up_to: Option<Version>,
}

/// A node that waits for the word to switch to another version.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prepared {
    /// The version that it will go to.
    pub to: Version,
    /// Names the preparation; no other one has this name, on any node. 32 hexadecimal digits.
    pub name: String,
    /// When its time is over, on this node's monotonic clock: the word is refused from then on.
    pub until: Instant,
}

/// A move that came to its end.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Moved {
    /// From here ...
    pub from: Version,
    /// ... to there.
    pub to: Version,
    /// How long callers waited at the gate, from when it was shut to when it opened.
    pub pause: Duration,
    /// Streams that were ended so that their callers go on by themselves.
    pub streams_drained: usize,
    /// Streams that were ended with `UNAVAILABLE`.
    pub streams_cut: usize,
    /// What was given up, by the will of whoever called for a rollback.
    pub lost: u64,
}

/// How to roll back.
///
/// Whatever cannot be carried back, and nobody has accepted the loss of, keeps the node where it is: [`MoveError::Refused`].
#[derive(Clone, Debug, Default)]
pub struct Rollback {
    /// Only find out what would be lost, and change nothing. Where the author has written a reverse function this takes as
    /// long as a rollback, and callers wait meanwhile: the function runs, and what it has made is discarded.
    pub dry_run: bool,
    /// Where what cannot be carried back is written, before it is given up: at the end of this file, one JSON object a
    /// line, with `table`, `key_base64` and `value_base64`, `version` and `type` of the value, and `why`. Until the rollback has
    /// ended, what it writes there is its own: after a crash the program that is started next has the same consent, and writes
    /// it anew. When the rollback fails after all, the file tells of things that are still there.
    pub accept_loss: Option<PathBuf>,
}

/// How to hand a node over to another program.
#[derive(Clone, Debug, Default)]
pub struct HandOver {
    /// Go back to the version before first, for a program that is older than this one.
    pub back: bool,
    /// With `back`: where what cannot be carried back is written before it is given up, as in [`Rollback`]. Without it such
    /// records keep the node from going, and it serves on.
    pub accept_loss: Option<PathBuf>,
}

/// Why a node did not move.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MoveError {
    /// The node has no state folder: it stays at its version for as long as it lives.
    #[error("this node was built without a state folder, so it stays at its version; build it with `state(…)`")]
    NoState,
    /// Another move, or the filling after one, is under way.
    #[error("{what}; wait for it to end")]
    Busy {
        /// What is under way.
        what: String,
    },
    /// The version is none that this program can go to from here.
    #[error("{why}")]
    NoWay {
        /// Why, and what there is instead.
        why: String,
    },
    /// The application does not want to be upgraded now.
    #[error("the application holds the upgrade back: {why}")]
    Held {
        /// In its words.
        why: String,
    },
    /// Records that the other version cannot express; nothing has changed.
    #[error("{} cannot be carried over; nothing has changed; the first of them: {}", counted(*.count, "record"), first(.records))]
    Refused {
        /// The first of them.
        records: Vec<RefusedRecord>,
        /// How many there are.
        count: u64,
    },
    /// There is too little room on the disk for the state that would be made; nothing has changed.
    #[error(
        "the new state needs up to {needed} bytes, and {free} are free: make room, or move the state to a larger disk"
    )]
    NoSpace {
        /// So many bytes are needed.
        needed: u64,
        /// So many are free.
        free: u64,
    },
    /// The word came after its time, after the preparation was taken back, or to a node that was not prepared.
    #[error("{why}; the node serves as before")]
    TooLate {
        /// What has become of the preparation.
        why: String,
    },
    /// The time that the coordinator has permitted it in was over before callers were held back; nothing has changed.
    #[error("the permit's time was over {when}; the node serves as before")]
    Expired {
        /// When.
        when: String,
    },
    /// Something failed in between; the node is back where it was, and serves.
    #[error("the move failed while {phase}: {why}; the node serves {version} as before")]
    Failed {
        /// The phase in which it failed.
        phase: Phase,
        /// What failed.
        why: String,
        /// What the node runs now.
        version: Version,
    },
    /// Something failed, and the way back failed too; the node answers nobody until it is started again.
    #[error("the move failed while {phase}, and so did the way back: {why}; start the program again")]
    Stuck {
        /// The phase in which it failed.
        phase: Phase,
        /// What failed.
        why: String,
    },
}

/// So many of something, for people.
pub(super) fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Records that an error names, and letters of the key of each.
const NAMED: usize = 3;
const KEY: usize = 64;

/// The first of them, by table and key.
fn first(records: &[RefusedRecord]) -> String {
    let told = |record: &RefusedRecord| {
        let mut key: String = String::from_utf8_lossy(&record.key).chars().take(KEY + 1).collect();
        if let Some((end, _)) = key.char_indices().nth(KEY) {
            key.replace_range(end.., "…");
        }
        format!("{} {key:?}: {}", record.table, record.why)
    };
    records.iter().take(NAMED).map(told).collect::<Vec<_>>().join("; ")
}
