//! Fleets as tests write them, and what schedules say of them.

use std::collections::BTreeMap;
use std::time::Duration;

use straddle::Version;
use straddle::control::v1_0_0::{Phase, Way};
use straddle::coordinator::schedule::{self, Clock, Decision, Schedule};
use straddle::coordinator::view::{CallsView, NodeView, View};

/// When upgrades of tests begin, in seconds since 1970: a Saturday, 2026-11-21 12:00:00 UTC.
pub(crate) const START: u64 = 1_795_262_400;
pub(crate) const SECOND: u64 = 1_000_000;

pub(crate) fn old() -> Version {
    Version::new(1, 0, 0)
}

pub(crate) fn new() -> Version {
    Version::new(2, 0, 0)
}

/// A time so many seconds after the upgrade began.
pub(crate) fn after(seconds: u64) -> Clock {
    clock((START + seconds) * SECOND)
}

/// The watch and the clock on the wall, as if they had begun together.
pub(crate) fn clock(now: u64) -> Clock {
    Clock { now, wall: now }
}

pub(crate) fn view(nodes: impl IntoIterator<Item = NodeView>) -> View {
    View {
        protocol: "inventory".to_owned(),
        upgrade: 1,
        from: old(),
        to: new(),
        back: false,
        started: START * SECOND,
        nodes: nodes.into_iter().collect(),
        baseline: BTreeMap::new(),
        marks: BTreeMap::new(),
        let_go: Vec::new(),
        others: BTreeMap::new(),
    }
}

/// So many nodes that have yet to go: n00, n01, ...
pub(crate) fn fleet(nodes: usize) -> View {
    view((0..nodes).map(|number| node(&format!("n{number:02}"))))
}

/// A node at the old version that serves.
pub(crate) fn node(name: &str) -> NodeView {
    NodeView {
        name: name.to_owned(),
        labels: BTreeMap::new(),
        version: old(),
        phase: Phase::Serving,
        moving: false,
        connected: true,
        serving: true,
        failure: None,
        held: None,
        ways: vec![Way::Soft, Way::Barrier],
        moved: (START - 1000) * SECOND,
        running: 0,
        calls: BTreeMap::new(),
        values: BTreeMap::new(),
    }
}

/// What a node of a test is, in a row.
pub(crate) trait Is: Sized {
    fn labelled(self, label: &str, value: &str) -> Self;
    /// It came to the new version so many seconds after the upgrade began.
    fn came(self, seconds: u64) -> Self;
    fn moving(self) -> Self;
    fn failed(self, why: &str) -> Self;
    fn away(self) -> Self;
    fn unhealthy(self) -> Self;
    fn calls(self, caller: &str, calls: CallsView) -> Self;
    fn value(self, name: &str, value: f64) -> Self;
}

impl Is for NodeView {
    fn labelled(mut self, label: &str, value: &str) -> Self {
        self.labels.insert(label.into(), value.into());
        self
    }

    fn came(mut self, seconds: u64) -> Self {
        (self.version, self.moved) = (new(), (START + seconds) * SECOND);
        self
    }

    fn moving(mut self) -> Self {
        (self.moving, self.serving) = (true, false);
        self
    }

    fn failed(mut self, why: &str) -> Self {
        self.failure = Some(why.to_owned());
        self
    }

    fn away(mut self) -> Self {
        (self.connected, self.serving) = (false, false);
        self
    }

    fn unhealthy(mut self) -> Self {
        self.serving = false;
        self
    }

    fn calls(mut self, caller: &str, calls: CallsView) -> Self {
        self.calls.insert(caller.to_owned(), calls);
        self
    }

    fn value(mut self, name: &str, value: f64) -> Self {
        self.values.insert(name.to_owned(), value);
        self
    }
}

/// Calls of a minute, `failed` of which failed, and each of which took about so many milliseconds.
pub(crate) fn calls(answered: u64, failed: u64, milliseconds: u64) -> CallsView {
    let mut latency = vec![0; 20];
    let place = (0..19).find(|place| (64_u64 << place) >= milliseconds * 1000).unwrap_or(19);
    latency[place] = answered + failed;
    CallsView { answered, failed, refused: 0, latency, over: Duration::from_secs(60) }
}

/// What a round has said.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) goes: Vec<String>,
    pub(crate) together: Vec<String>,
    pub(crate) waits: BTreeMap<String, (String, Option<u64>)>,
    pub(crate) marks: BTreeMap<String, u64>,
}

impl Said {
    pub(crate) fn why(&self, node: &str) -> &str {
        self.waits.get(node).map_or("it does not wait", |(why, _)| why)
    }

    /// So many seconds after the upgrade began.
    pub(crate) fn until(&self, node: &str) -> Option<u64> {
        self.waits.get(node).and_then(|(_, until)| *until).map(|until| until / SECOND - START)
    }
}

/// Asks as the coordinator does.
pub(crate) fn ask_schedule(schedule: &dyn Schedule, view: &View, clock: Clock, seed: u64) -> Said {
    let mut said = Said::default();
    let mut round = schedule.round(view, clock, seed);
    for at in schedule::order(&*round, view) {
        let node = &view.nodes[at];
        if view.is_there(node) || node.moving {
            continue;
        }
        match round.decide(at, node) {
            Decision::Go => {
                said.goes.push(node.name.clone());
                round.goes(at, node);
            }
            Decision::GoTogether => {
                said.together.push(node.name.clone());
                round.goes(at, node);
            }
            Decision::Wait { why, until } => {
                said.waits.insert(node.name.clone(), (why.to_string(), until));
            }
        }
    }
    said.marks = round.marks().into_iter().collect();
    said
}

pub(crate) fn ask(toml: &str, view: &View, seconds: u64) -> Said {
    let scheduling = schedule::parse(toml).unwrap_or_else(|error| panic!("{}", error.shown(toml)));
    ask_schedule(&*scheduling.schedule, view, after(seconds), 7)
}

/// Who goes, in this order.
pub(crate) fn goes(toml: &str, view: &View, seconds: u64) -> Vec<String> {
    ask(toml, view, seconds).goes
}

/// Why a node waits.
pub(crate) fn why(toml: &str, view: &View, seconds: u64, node: &str) -> String {
    ask(toml, view, seconds).why(node).to_owned()
}
