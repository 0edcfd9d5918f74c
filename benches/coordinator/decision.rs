//! One round of a schedule over all nodes.

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use straddle::Version;
use straddle::control::v1_0_0::{Phase, Way};
use straddle::coordinator::schedule::{self, Clock, Decision, Scheduling};
use straddle::coordinator::view::{CallsView, NodeView, View};

use crate::options::Options;
use crate::stopwatch::Stopwatch;

/// Schedules by name. In each of them most nodes have to wait, so that reasons are told as well.
const SCHEDULES: [(&str, &str); 5] = [
    ("rolling", ""),
    ("canary", "[canary]\nstages = [1, '10%', '50%']\nbake = '10m'\n[rolling]\nat_once = '5%'"),
    ("zones", "[domains]\nbake = '5m'\n[rolling]\nat_once = '5%'"),
    ("together", "together = true\n[domains]"),
    (
        "everything",
        "window = ['00:00-24:00 UTC']\n[after]\nbilling = '1.0.0'\n[roles]\norder = ['storage', 'gateway']\n[domains]\nbake = '5m'\n\
         [canary]\nstages = [1, '10%', '50%']\nin_each_domain = true\n[load]\nnode_below = 100\nfleet_below = 1e12\n\
         [idle]\nbelow = 10\n[random]\njitter = '30s'\n[rolling]\nat_once = '5%'",
    ),
];

pub(crate) struct Row {
    pub(crate) schedule: &'static str,
    pub(crate) nodes: usize,
    pub(crate) goes: usize,
    pub(crate) waits: usize,
    pub(crate) round: Vec<Duration>,
    pub(crate) gates: Vec<Duration>,
}

pub(crate) fn rows(options: &Options) -> Result<Vec<Row>, String> {
    let view = fleet(options.nodes);
    SCHEDULES.into_iter().map(|(name, toml)| row(name, toml, &view, options)).collect()
}

fn row(schedule: &'static str, toml: &str, view: &View, options: &Options) -> Result<Row, String> {
    let scheduling = schedule::parse(toml).map_err(|error| error.shown(toml))?;
    let clock = Clock { now: STARTED + 60_000_000, wall: STARTED + 60_000_000 };
    let mut row = Row { schedule, nodes: view.nodes.len(), goes: 0, waits: 0, round: Vec::new(), gates: Vec::new() };
    for _ in 0..options.rounds {
        let begun = Stopwatch::start();
        (row.goes, row.waits) = round(&scheduling, view, clock);
        row.round.push(begun.elapsed());
        let begun = Stopwatch::start();
        black_box(scheduling.gates.verdicts(view, clock));
        row.gates.push(begun.elapsed());
    }
    Ok(row)
}

/// As the coordinator asks.
fn round(scheduling: &Scheduling, view: &View, clock: Clock) -> (usize, usize) {
    let mut round = scheduling.schedule.round(view, clock, 7);
    let (mut goes, mut waits) = (0, Vec::new());
    for at in schedule::order(&*round, view) {
        let node = &view.nodes[at];
        if view.is_there(node) || node.moving {
            continue;
        }
        match round.decide(at, node) {
            Decision::Go | Decision::GoTogether => {
                round.goes(at, node);
                goes += 1;
            }
            Decision::Wait { why, .. } => waits.push(why),
        }
    }
    black_box(round.marks());
    (goes, black_box(waits).len())
}

const STARTED: u64 = 1_795_262_400_000_000;

/// A fleet in five zones and three roles, one in a hundred of which has come, called by three versions.
fn fleet(nodes: usize) -> View {
    let (from, to) = (Version::new(1, 0, 0), Version::new(2, 0, 0));
    let calls = |count: u64| CallsView {
        answered: count,
        failed: count / 1000,
        refused: 0,
        latency: (0..20).map(|place| count >> place).collect(),
        over: Duration::from_secs(60),
    };
    // As in the coordinator's views.
    let mut texts: BTreeSet<Arc<str>> = BTreeSet::new();
    let mut one = |text: &str| {
        let one = texts.get(text).cloned().unwrap_or_else(|| text.into());
        texts.insert(Arc::clone(&one));
        one
    };
    let callers = || ["0.9.0", "1.0.0", "2.0.0"].into_iter().map(|caller| (caller.to_owned(), calls(3000))).collect();
    let mut node = |number: usize| {
        let came = number.is_multiple_of(100);
        let mut label = |name: &str, value: String| (one(name), one(&value));
        NodeView {
            name: format!("shop-{number:06}"),
            labels: [
                label("zone", format!("zone-{}", number % 5)),
                label("role", ["storage", "gateway", "batch"][number % 3].to_owned()),
                label("rack", format!("rack-{}", number % 997)),
            ]
            .into_iter()
            .collect(),
            version: if came { to.clone() } else { from.clone() },
            phase: Phase::Serving,
            moving: false,
            connected: true,
            serving: true,
            failure: None,
            held: None,
            ways: vec![Way::Soft, Way::Barrier],
            moved: if came { STARTED + 1 } else { STARTED - 1 },
            running: (number % 12) as u64,
            calls: callers(),
            values: [("queue".to_owned(), 1.0)].into_iter().collect(),
        }
    };
    View {
        protocol: "shop".to_owned(),
        upgrade: 1,
        back: false,
        started: STARTED,
        nodes: (0..nodes).map(&mut node).collect(),
        baseline: callers(),
        marks: BTreeMap::new(),
        let_go: Vec::new(),
        others: [("billing".to_owned(), [(to.clone(), 3)].into_iter().collect())].into_iter().collect(),
        from,
        to,
    }
}
