//! The cluster as schedules and gates see it: all that the coordinator knows, at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::control::v1_0_0::{Phase, Way};
use crate::version::Version;

/// All nodes of one protocol, and the upgrade that they go through.
#[derive(Clone, Debug)]
pub struct View {
    /// The protocol's name.
    pub protocol: String,
    /// The upgrade's number.
    pub upgrade: u64,
    /// It leads from here ...
    pub from: Version,
    /// ... to there.
    pub to: Version,
    /// It is being taken back: nodes go from `to` to `from`.
    pub back: bool,
    /// When it began, on the coordinators' [watch](super::schedule::Clock::now).
    pub started: u64,
    /// In the order of their names; those that were forgotten are not among them.
    pub nodes: Vec<NodeView>,
    /// What was before the upgrade began, by caller version.
    pub baseline: BTreeMap<String, CallsView>,
    /// How far schedules have come, in their own words: what their [marks](super::schedule::Round::marks) have said.
    pub marks: BTreeMap<String, u64>,
    /// Nodes that an operator lets go, whatever a manual schedule says.
    pub let_go: Vec<String>,
    /// Versions of the nodes of all protocols, for order between them: protocol, version, how many nodes.
    pub others: BTreeMap<String, BTreeMap<Version, usize>>,
}

impl View {
    /// Where nodes are to be.
    #[must_use]
    pub fn target(&self) -> &Version {
        if self.back { &self.from } else { &self.to }
    }

    /// Whether a node has come to where it is to be, or is beyond it.
    #[must_use]
    pub fn is_there(&self, node: &NodeView) -> bool {
        if self.back { node.version <= self.from } else { node.version >= self.to }
    }
}

/// One node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeView {
    /// Its name.
    pub name: String,
    /// Its labels. In the coordinator's views equal texts are one: a large fleet has few of them.
    pub labels: BTreeMap<Arc<str>, Arc<str>>,
    /// The version that it runs, as it said last.
    pub version: Version,
    /// What it does.
    pub phase: Phase,
    /// It has a permit, or moves: it counts as not serving until it has reported.
    pub moving: bool,
    /// It was heard within the time that it has to report in.
    pub connected: bool,
    /// It answers callers: connected, healthy, not drained, not moving.
    pub serving: bool,
    /// Why its last move in this upgrade failed.
    pub failure: Option<String>,
    /// Why the application says "not now".
    pub held: Option<String>,
    /// The ways in which it can go.
    pub ways: Vec<Way>,
    /// When it came to its version, on the coordinators' [watch](super::schedule::Clock::now); 0 when nobody saw it come.
    pub moved: u64,
    /// Calls that run.
    pub running: u64,
    /// Calls of the last minute, or since it came to its version if that is less, by caller version.
    pub calls: BTreeMap<String, CallsView>,
    /// What else it reports.
    pub values: BTreeMap<String, f64>,
}

/// Calls of some time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallsView {
    /// Those that were answered without an error.
    pub answered: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that were refused, as declared.
    pub refused: u64,
    /// How long unary calls took: counts by upper bounds of 64, 128, 256, … microseconds, the last one all above.
    pub latency: Vec<u64>,
    /// The time that they are of.
    pub over: Duration,
}
