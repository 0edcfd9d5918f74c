//! An upgrade that has not come to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::fleet::{Fleet, Node};
use super::{Now, Settings, states};
use crate::control::v1_0_0 as wire;
use crate::control::v1_0_0::{OnFailedGate, UpgradeState};
use crate::coordinator::micros;
use crate::coordinator::schedule::{self, Clock, ScheduleError, Scheduling};
use crate::coordinator::view::{CallsView, NodeView, View};
use crate::version::Version;

/// Marks of the core's own, which schedules do not see: the first and the last permit of the barrier that was begun last, and
/// the last permits of the barriers whose word was given, and will never be.
const OWN: &str = "straddle/";
pub(super) const BARRIER_FROM: &str = "straddle/barrier-from";
pub(super) const BARRIER_TO: &str = "straddle/barrier-to";
pub(super) const WORD: &str = "straddle/word";
pub(super) const NO_WORD: &str = "straddle/no-word";

/// The most caller versions that a baseline has.
const MOST_CALLERS: usize = 512;

/// An upgrade under way.
pub(super) struct Running {
    /// As it is kept.
    pub(super) stored: wire::StoredUpgrade,
    pub(super) from: Version,
    pub(super) to: Version,
    pub(super) scheduling: Scheduling,
    pub(super) accepted: BTreeSet<String>,
    /// What the gates said last.
    pub(super) gates: Vec<wire::GateStatus>,
    /// Nobody moves, and nothing that is waited for passes by itself, as the last round has found.
    pub(super) stands: bool,
    view: Option<View>,
}

impl Running {
    pub(super) fn new(
        stored: wire::StoredUpgrade,
        from: Version,
        to: Version,
        settings: &Settings,
    ) -> Result<Self, ScheduleError> {
        let mut scheduling = parse(&stored.schedule, settings)?;
        // They were looked at when they were changed.
        if let Ok(limits) = super::limits::with(scheduling.limits.clone(), stored.limits.as_ref()) {
            scheduling.limits = limits;
        }
        let accepted = stored.accepted.iter().cloned().collect();
        let gates = Vec::new();
        Ok(Self { stored, from, to, scheduling, accepted, gates, stands: false, view: None })
    }

    pub(super) fn state(&self) -> UpgradeState {
        self.stored.state()
    }

    pub(super) fn number(&self) -> u64 {
        self.stored.number
    }

    pub(super) fn back(&self) -> bool {
        self.state() == UpgradeState::RollingBack
    }

    /// Whether a node has come to where the upgrade leads.
    pub(super) fn is_there(&self, node: &Node) -> bool {
        node.version.as_ref().is_some_and(
            |version| {
                if self.back() { *version <= self.from } else { *version >= self.to }
            },
        )
    }

    /// It is in another state from now on; nothing when the event means nothing to it.
    pub(super) fn step(&mut self, event: states::Event, now: Now) -> bool {
        let Some(next) = states::after(self.state(), event) else { return false };
        self.stored.set_state(next);
        self.stored.changed = now.wall;
        self.view = None;
        true
    }

    /// Whether a failed gate takes it back, rather than pausing it.
    pub(super) fn rolls_back_on_failed_gate(&self) -> bool {
        match self.stored.on_failed_gate() {
            OnFailedGate::RollBack => true,
            OnFailedGate::Pause => false,
            OnFailedGate::Unspecified => self.scheduling.on_failed_gate == Some(schedule::OnFailedGate::RollBack),
        }
    }

    /// What has become of the word of a permit's barrier: given, never to be given, not decided. It is decided by one mark,
    /// with the number of the barrier's last permit; permits are told it afterwards, before there is another barrier.
    pub(super) fn word(&self, permit: &wire::StoredPermit) -> Option<bool> {
        let mark = |name: &str| self.stored.marks.get(name).copied().unwrap_or(0);
        let (word, no_word) = (mark(WORD), mark(NO_WORD));
        permit.word.or_else(|| (permit.permit <= word.max(no_word)).then_some(word > no_word))
    }

    pub(super) fn forget_view(&mut self) {
        self.view = None;
    }

    /// The view as of now, without the nodes that have not changed being made anew. It is given back with
    /// [`keep`](Self::keep).
    pub(super) fn view(
        &mut self,
        nodes: &mut BTreeMap<String, Box<Node>>,
        name: &str,
        others: BTreeMap<String, BTreeMap<Version, usize>>,
        now: Now,
        settings: &Settings,
    ) -> View {
        let marks = || {
            self.stored
                .marks
                .iter()
                .filter(|(mark, _)| !mark.starts_with(OWN))
                .map(|(mark, at)| (mark.clone(), *at))
                .collect()
        };
        if let Some(mut view) = self.view.take() {
            for node in nodes.values_mut().filter(|node| node.stale) {
                node.stale = false;
                if let Some(seen) = view.nodes.get_mut(node.at) {
                    // Its labels change only when it says Hello, and then the view is made anew.
                    let (name, labels) = (std::mem::take(&mut seen.name), std::mem::take(&mut seen.labels));
                    *seen = described(node, name, labels, self.number(), now, settings);
                }
            }
            view.marks = marks();
            view.let_go.clone_from(&self.stored.let_go);
            view.others = others;
            return view;
        }
        let (mut views, mut texts) = (Vec::new(), Texts::default());
        for node in nodes.values_mut().filter(|node| !node.stored.forgotten && node.version.is_some()) {
            (node.at, node.stale) = (views.len(), false);
            views.push(node_view(node, &mut texts, self.number(), now, settings));
        }
        View {
            protocol: name.to_owned(),
            upgrade: self.number(),
            from: self.from.clone(),
            to: self.to.clone(),
            back: self.back(),
            started: self.stored.started_watched,
            nodes: views,
            baseline: baseline(&self.stored),
            marks: marks(),
            let_go: self.stored.let_go.clone(),
            others,
        }
    }

    pub(super) fn keep(&mut self, view: View) {
        self.view = Some(view);
    }
}

/// Reads a schedule, with those that the program brings.
pub(super) fn parse(text: &str, settings: &Settings) -> Result<Scheduling, ScheduleError> {
    schedule::parse_with(text, &settings.schedules)
}

/// The time as schedules are told.
pub(super) fn clock(now: Now) -> Clock {
    Clock { now: now.watched, wall: now.wall }
}

fn baseline(stored: &wire::StoredUpgrade) -> BTreeMap<String, CallsView> {
    let groups = stored.baseline.iter().flat_map(|baseline| &baseline.groups);
    groups
        .map(|group| {
            let calls = CallsView {
                answered: group.answered,
                failed: group.failed,
                refused: group.refused,
                latency: group.latency.clone(),
                over: Duration::ZERO,
            };
            (group.version.clone(), calls)
        })
        .collect()
}

/// What was before an upgrade: the calls of the last minute, of all nodes.
pub(super) fn measure(fleet: &Fleet, now: Now) -> wire::Baseline {
    let mut groups: BTreeMap<String, wire::BaselineGroup> = BTreeMap::new();
    for (version, calls) in fleet.counted().flat_map(|node| node.calls.sums(now.monotonic)) {
        if groups.len() >= MOST_CALLERS && !groups.contains_key(&version) {
            continue;
        }
        let group =
            groups.entry(version.clone()).or_insert_with(|| wire::BaselineGroup { version, ..Default::default() });
        group.answered += calls.answered;
        group.failed += calls.failed;
        group.refused += calls.refused;
        if group.latency.len() < calls.latency.len() {
            group.latency.resize(calls.latency.len(), 0);
        }
        group.latency.iter_mut().zip(calls.latency).for_each(|(sum, count)| *sum += count);
    }
    wire::Baseline { groups: groups.into_values().collect(), at: now.wall }
}

/// A node as schedules see it. It has a version.
pub(super) fn node_view(node: &Node, texts: &mut Texts, upgrade: u64, now: Now, settings: &Settings) -> NodeView {
    let labels = node.stored.labels.iter().map(|(key, value)| (texts.one(key), texts.one(value))).collect();
    described(node, node.name().to_owned(), labels, upgrade, now, settings)
}

/// Texts that many nodes have, each of them once.
#[derive(Default)]
pub(super) struct Texts(BTreeSet<Arc<str>>);

impl Texts {
    fn one(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.0.insert(Arc::clone(&new));
        new
    }
}

fn described(
    node: &Node,
    name: String,
    labels: BTreeMap<Arc<str>, Arc<str>>,
    upgrade: u64,
    now: Now,
    settings: &Settings,
) -> NodeView {
    let away_after = micros(settings.away_after);
    NodeView {
        name,
        labels,
        version: node.version.clone().unwrap_or_else(|| Version::new(0, 0, 0)),
        phase: node.report.phase(),
        moving: node.moving(),
        connected: node.connected(now.monotonic, away_after),
        serving: node.serving(now.monotonic, away_after),
        failure: node.stored.failure.clone().filter(|_| node.stored.failed_in == upgrade),
        held: node.report.held.clone(),
        ways: node.ways.clone(),
        moved: node.stored.moved_watched,
        running: node.report.calls_running,
        calls: node.calls.sums(now.monotonic),
        values: node.report.values.iter().map(|(name, value)| (name.clone(), *value)).collect(),
    }
}
