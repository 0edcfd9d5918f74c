//! The nodes of one protocol, with all that was published of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Session;
use super::calls::Window;
use super::census::Census;
use super::contest::Contest;
use super::invariants::routes::Routes;
use super::known::Known;
use super::upgrade::Running;
use crate::control::v1_0_0 as wire;
use crate::control::v1_0_0::{UpgradeState, Way};
use crate::protocol::{Protocol, Schema};
use crate::version::Version;

/// All of one protocol.
pub(super) struct Fleet {
    pub(super) name: String,
    /// Put together of the bundles; none before one was published.
    pub(super) protocol: Option<Protocol>,
    pub(super) published: BTreeMap<Version, wire::PublishedVersion>,
    /// In the order in which they were published, each with its versions.
    pub(super) bundles: Vec<(wire::StoredBundle, Vec<Version>)>,
    /// Those that were forgotten, too. Boxed: the map's own nodes are half empty, and each of these has more than a KiB.
    pub(super) nodes: BTreeMap<String, Box<Node>>,
    pub(super) callers: BTreeMap<(Version, String), wire::SeenCaller>,
    pub(super) census: Census,
    /// What is retired, and announced, once something was.
    pub(super) retiring: Option<wire::StoredRetiring>,
    /// The upgrade that has not come to its end.
    pub(super) upgrade: Option<Running>,
    /// Those that have.
    pub(super) ended: BTreeMap<u64, wire::StoredUpgrade>,
    pub(super) active: Option<Version>,
    pub(super) pace: Pace,
    pub(super) routes: Routes,
}

/// When nodes are decided on again.
#[derive(Default)]
pub(super) struct Pace {
    /// Something has changed that may let a node go, or keep one.
    pub(super) changed: bool,
    /// The last time, on the monotonic clock.
    pub(super) last: Option<u64>,
    /// The next time even though nothing changes.
    pub(super) due: Option<u64>,
}

/// One node.
pub(super) struct Node {
    /// As it is kept.
    pub(super) stored: wire::StoredNode,
    /// What it runs, under the name that was published.
    pub(super) version: Option<Version>,
    pub(super) runs: Vec<Version>,
    pub(super) ways: Vec<Way>,
    pub(super) permit: Option<Permitted>,
    /// Its stream, while there is one.
    pub(super) live: Option<Live>,
    /// Another program that wants to attend under its name.
    pub(super) contest: Option<Contest>,
    /// When it was heard, on the monotonic clock; since this coordinator began.
    pub(super) heard: Option<u64>,
    /// As it reported last, without calls.
    pub(super) report: wire::Report,
    pub(super) knows: Known,
    pub(super) calls: Window,
    /// A move of it came to nothing, and it is not to be asked again before this.
    pub(super) retry: u64,
    /// When a move that failed, and was to bring it to the others, is tried again.
    pub(super) again: Again,
    pub(super) waits: Option<Waits>,
    /// Since when it waits for a program that is not there, on the monotonic clock.
    pub(super) lacking: Option<u64>,
    /// It has a time by which it is to be heard again. Without one it is away, as has been told.
    pub(super) awaited: bool,
    /// Its place in the view, while there is one.
    pub(super) at: usize,
    /// It has changed since it was seen for the view.
    pub(super) stale: bool,
    /// Its place among all nodes, in the round that goes on.
    pub(super) place: usize,
}

/// When something that failed is tried again by itself, on the monotonic clock; and how long after that, when it fails once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Again {
    pub(super) at: u64,
    wait: u64,
}

/// A permit that its node has not come back from.
pub(super) struct Permitted {
    pub(super) stored: wire::StoredPermit,
    /// When it was given, on the monotonic clock; or when this coordinator began.
    pub(super) since: u64,
    /// The stream on which it was given; none when that was before this coordinator began.
    pub(super) session: Option<Session>,
}

/// A stream of a node, and what was said on it.
pub(super) struct Live {
    pub(super) session: Session,
    /// Tells programs apart; empty for one that does not say.
    pub(super) instance: String,
    pub(super) goal: Option<wire::Goal>,
    /// It was told that it may serve.
    pub(super) serve: bool,
    pub(super) request: Option<wire::PermitRequest>,
    /// When the stream began, on the watch; and the batch of the census that was taken last on it, and when.
    pub(super) begun: u64,
    pub(super) taken: Option<(u64, u64)>,
    /// Since when it has reported that it answers nobody, on the monotonic clock; from the stream's begin on.
    pub(super) idle: u64,
}

/// Why a node does not go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waits {
    /// As `Blocker.rule`.
    pub(super) rule: &'static str,
    pub(super) what: Arc<str>,
    pub(super) advice: Arc<str>,
}

impl Waits {
    pub(super) fn new(rule: &'static str, what: impl Into<Arc<str>>, advice: impl Into<Arc<str>>) -> Self {
        Self { rule, what: what.into(), advice: advice.into() }
    }
}

impl Waits {
    /// Whether nobody has to see to it: it may pass when nodes do what they do anyway.
    pub(super) fn passes(&self) -> bool {
        matches!(self.rule, "away" | "held" | "learning" | "minimum-serving" | "order" | "skew")
    }

    /// Whether it never passes before somebody sees to it.
    pub(super) fn lasts(&self) -> bool {
        matches!(self.rule, "failed" | "program" | "routes" | "schedule-size" | "way")
    }

    /// Whether the upgrade does not come to its end before somebody sees to it, or a gate holds again.
    pub(super) fn blocks(&self) -> bool {
        self.lasts() || matches!(self.rule, "gate" | "outstanding-permit" | "paused")
    }
}

/// Between which versions a node may serve, and where it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Whoever is behind it comes here before it serves.
    pub(super) base: Version,
    /// The newest version that may serve.
    pub(super) top: Version,
    /// Where nodes are to be.
    pub(super) goal: Version,
    /// Up to here there is no way back.
    pub(super) final_up_to: Option<Version>,
}

impl Fleet {
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            protocol: None,
            published: BTreeMap::new(),
            bundles: Vec::new(),
            nodes: BTreeMap::new(),
            callers: BTreeMap::new(),
            census: Census::default(),
            retiring: None,
            upgrade: None,
            ended: BTreeMap::new(),
            active: None,
            pace: Pace::default(),
            routes: Routes::default(),
        }
    }

    /// The nodes that count.
    pub(super) fn counted(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values().map(Box::as_ref).filter(|node| !node.stored.forgotten)
    }

    /// A version under the name that was published: labels do not count patch numbers.
    pub(super) fn canonical(&self, text: &str) -> Option<Version> {
        let version: Version = text.parse().ok()?;
        let published = self.protocol.as_ref().and_then(|protocol| protocol.schema(&version));
        Some(published.map_or(version, |schema| schema.version().clone()))
    }

    pub(super) fn index(&self, version: &Version) -> Option<usize> {
        self.protocol.as_ref()?.index_of(version)
    }

    /// The published version after or before one.
    pub(super) fn neighbour(&self, version: &Version, back: bool) -> Option<&Version> {
        let protocol = self.protocol.as_ref()?;
        let index = protocol.index_of(version)?;
        let next = if back { index.checked_sub(1)? } else { index + 1 };
        protocol.versions().get(next).map(Schema::version)
    }

    /// Where nodes are to be; none before the first upgrade.
    pub(super) fn bounds(&self) -> Option<Bounds> {
        let finalized = |upgrade: &&wire::StoredUpgrade| upgrade.state() == UpgradeState::Finalized;
        let last_final = self.ended.values().rev().find(finalized).and_then(|upgrade| self.canonical(&upgrade.to));
        if let Some(running) = &self.upgrade {
            let (from, to) = (running.from.clone(), running.to.clone());
            return Some(match running.state() {
                UpgradeState::Finalizing => {
                    Bounds { base: to.clone(), top: to.clone(), goal: to.clone(), final_up_to: Some(to) }
                }
                UpgradeState::RollingBack => {
                    Bounds { base: from.clone(), top: to, goal: from, final_up_to: last_final }
                }
                _ => Bounds { base: from.clone(), top: to.clone(), goal: to, final_up_to: Some(from) },
            });
        }
        let last = self.ended.values().next_back()?;
        let at = match last.state() {
            UpgradeState::RolledBack => self.canonical(&last.from)?,
            _ => self.canonical(&last.to)?,
        };
        Some(Bounds { base: at.clone(), top: at.clone(), goal: at, final_up_to: last_final })
    }

    /// Something has changed that may let a node go, or keep one.
    pub(super) fn touch(&mut self, node: Option<&str>) {
        self.pace.changed = true;
        if let Some(running) = &mut self.upgrade {
            running.stands = false;
        }
        match node {
            Some(name) => {
                if let Some(node) = self.nodes.get_mut(name) {
                    node.stale = true;
                }
            }
            None => {
                if let Some(running) = &mut self.upgrade {
                    running.forget_view();
                }
            }
        }
    }
}

impl Again {
    /// The longest time between two attempts, in microseconds.
    const AT_MOST: u64 = 600_000_000;

    /// It has failed now.
    pub(super) fn after(self, now: u64) -> Self {
        Self { at: now.saturating_add(self.wait), wait: self.wait.saturating_mul(2).min(Self::AT_MOST) }
    }
}

impl Default for Again {
    fn default() -> Self {
        Self { at: 0, wait: 30_000_000 }
    }
}

impl Node {
    pub(super) fn new(stored: wire::StoredNode, fleet: &Fleet) -> Self {
        let mut node = Self {
            version: None,
            runs: Vec::new(),
            ways: Vec::new(),
            permit: None,
            live: None,
            contest: None,
            heard: None,
            report: wire::Report::default(),
            knows: Known::default(),
            calls: Window::default(),
            retry: 0,
            again: Again::default(),
            waits: None,
            lacking: None,
            awaited: false,
            at: 0,
            stale: false,
            place: 0,
            stored,
        };
        node.restore(fleet);
        node
    }

    /// What follows from what is kept.
    pub(super) fn restore(&mut self, fleet: &Fleet) {
        self.version = fleet.canonical(&self.stored.version);
        self.runs = self.stored.runs.iter().filter_map(|version| fleet.canonical(version)).collect();
        self.ways = self.stored.ways().collect();
    }

    pub(super) fn name(&self) -> &str {
        &self.stored.node
    }

    /// The command that says that it is gone for good.
    pub(super) fn forget(&self) -> String {
        format!("straddle nodes forget {} {}", self.stored.protocol, self.stored.node)
    }

    /// It has a permit, or says that it moves.
    pub(super) fn moving(&self) -> bool {
        self.permit.is_some() || self.reports_move()
    }

    /// It says that a move is under way.
    pub(super) fn reports_move(&self) -> bool {
        !self.report.moving_to.is_empty() || !self.report.prepared.is_empty()
    }

    /// It has a permit and a supervisor, and has been silent for no longer than others may be: one program is gone, and the next one has
    /// not come.
    pub(super) fn is_replaced(&self, now: u64, away_after: u64) -> bool {
        let supervised = self.ways.contains(&Way::Restart) && self.permit.is_some();
        supervised && self.live.is_none() && self.heard.is_some_and(|heard| now.saturating_sub(heard) <= away_after)
    }

    /// It was heard in time, on a stream that is still there.
    pub(super) fn connected(&self, now: u64, away_after: u64) -> bool {
        self.live.is_some() && self.heard.is_some_and(|heard| now.saturating_sub(heard) <= away_after)
    }

    /// It answers callers, as far as is known.
    pub(super) fn serving(&self, now: u64, away_after: u64) -> bool {
        self.connected(now, away_after) && self.report.serving && !self.report.drained && !self.moving()
    }

    /// It does not serve, but may begin to at any moment: it was let, and nothing says that it lasts.
    pub(super) fn may_begin_to_serve(&self, now: u64, away_after: u64) -> bool {
        let Some(live) = &self.live else { return false };
        let lasting = self.report.drained || self.report.stuck.is_some() || now.saturating_sub(live.idle) > away_after;
        self.connected(now, away_after) && live.serve && !lasting && !self.moving() && !self.report.serving
    }

    /// The oldest and the newest version that its program was built with: it has the code of the steps between them.
    pub(super) fn built(&self) -> Option<(Version, Version)> {
        match (self.knows.built().next(), self.knows.built().next_back()) {
            (Some(first), Some(last)) => Some((first.clone(), last.clone())),
            _ => Some((self.runs.first()?.clone(), self.runs.last()?.clone())),
        }
    }
}
