//! What a coordinator knows, as numbers.

use std::collections::BTreeMap;

use super::fleet::{Fleet, Node};
use super::retire::Tells;
use super::upgrade::Running;
use super::{Core, Now, states};
use crate::control::v1_0_0 as wire;
use crate::coordinator::micros;
use crate::metrics::{Kind, Text, float};

/// What a node's version is told as that the fleet's protocol does not have.
const OTHER: &str = "other";

impl Core {
    /// The numbers of all fleets, as Prometheus reads them; by the time that the watch shows.
    pub(super) fn measured(&self, now: Now) -> String {
        let mut text = Text::default();
        let away_after = micros(self.settings().away_after);
        let fleets: Vec<Measured<'_>> = self.fleets().map(|fleet| Measured::of(fleet, now, away_after)).collect();
        nodes(&fleets, &mut text);
        upgrades(&fleets, &mut text);
        waiting(&fleets, &mut text);
        census(&fleets, &mut text);
        text.into_text()
    }
}

/// One fleet, counted once.
struct Measured<'f> {
    protocol: &'f str,
    /// By version, phase, and whether they are heard.
    nodes: BTreeMap<(String, &'static str, bool), u64>,
    serving: u64,
    upgrade: Option<Upgrade<'f>>,
    /// In time, late, silent.
    census: [(&'static str, u64); 3],
    /// How old the oldest of the newest batches of all nodes is, in microseconds.
    census_age: Option<u64>,
}

struct Upgrade<'f> {
    running: &'f Running,
    /// There, moving, waiting, failed.
    stages: [(&'static str, u64); 4],
    waits: BTreeMap<&'static str, u64>,
    rests: bool,
}

impl<'f> Measured<'f> {
    fn of(fleet: &'f Fleet, now: Now, away_after: u64) -> Self {
        let mut measured = Self {
            protocol: &fleet.name,
            nodes: BTreeMap::new(),
            serving: 0,
            upgrade: None,
            census: ["in_time", "late", "silent"].map(|state| (state, 0)),
            census_age: fleet.told_up_to().map(|until| now.watched.saturating_sub(until)),
        };
        let mut upgrade = fleet.upgrade.as_ref().map(|running| {
            let stages = ["there", "moving", "waiting", "failed"].map(|stage| (stage, 0));
            Upgrade { running, stages, waits: BTreeMap::new(), rests: fleet.rests(running) }
        });
        for node in fleet.counted() {
            let connected = node.connected(now.monotonic, away_after);
            let version = node
                .version
                .as_ref()
                .filter(|version| fleet.protocol.as_ref().is_some_and(|protocol| protocol.schema(version).is_some()));
            let version = version.map_or_else(|| OTHER.to_owned(), ToString::to_string);
            *measured.nodes.entry((version, phase(node.report.phase()), connected)).or_default() += 1;
            measured.serving += u64::from(node.serving(now.monotonic, away_after));
            let state = match fleet.tells(node, now) {
                Tells::InTime(_) => 0,
                Tells::Late(_) => 1,
                Tells::Nothing | Tells::NothingAnew => 2,
            };
            measured.census[state].1 += 1;
            if let Some(upgrade) = &mut upgrade {
                upgrade.count(node);
            }
        }
        measured.upgrade = upgrade;
        measured
    }
}

impl Upgrade<'_> {
    fn count(&mut self, node: &Node) {
        let failed = node.stored.failure.is_some() && node.stored.failed_in == self.running.number();
        let stage = match () {
            () if node.moving() => 1,
            () if self.running.is_there(node) => 0,
            () if failed => 3,
            () => 2,
        };
        self.stages[stage].1 += 1;
        if let Some(waits) = node.waits.as_ref().filter(|_| !node.moving()) {
            *self.waits.entry(waits.rule).or_default() += 1;
        }
    }
}

fn nodes(fleets: &[Measured<'_>], text: &mut Text) {
    let help = "Nodes by the version that they run, what they are doing about it, and whether they are heard.";
    let mut family = text.family("straddle_fleet_nodes", Kind::Gauge, help);
    for fleet in fleets {
        for ((version, phase, connected), count) in &fleet.nodes {
            let connected = if *connected { "true" } else { "false" };
            let labels =
                [("protocol", fleet.protocol), ("version", version), ("phase", phase), ("connected", connected)];
            family.count(&labels, *count);
        }
    }
    let mut family = text.family("straddle_fleet_nodes_serving", Kind::Gauge, "Nodes that answer callers.");
    for fleet in fleets {
        family.count(&[("protocol", fleet.protocol)], fleet.serving);
    }
}

fn upgrades(fleets: &[Measured<'_>], text: &mut Text) {
    let running = || fleets.iter().filter_map(|fleet| Some((fleet.protocol, fleet.upgrade.as_ref()?)));
    let help = "The upgrade that has not ended, if there is one; always 1.";
    let mut family = text.family("straddle_upgrade_info", Kind::Gauge, help);
    for (protocol, upgrade) in running() {
        let wire::StoredUpgrade { number, from, to, .. } = &upgrade.running.stored;
        let (number, state) = (number.to_string(), states::word(upgrade.running.state()));
        let labels = [("protocol", protocol), ("number", &number), ("from", from), ("to", to), ("state", state)];
        family.number(&labels, 1.0);
    }
    let help = "Nodes of the upgrade that has not ended: where they are to be, moving, waiting, or failed.";
    let mut family = text.family("straddle_upgrade_nodes", Kind::Gauge, help);
    for (protocol, upgrade) in running() {
        for (stage, count) in upgrade.stages {
            family.count(&[("protocol", protocol), ("stage", stage)], count);
        }
    }
    let help = "The share of nodes that are where the upgrade which has not ended is to bring them, from 0 to 1.";
    let mut family = text.family("straddle_upgrade_done_ratio", Kind::Gauge, help);
    for (protocol, upgrade) in running() {
        let all: u64 = upgrade.stages.iter().map(|(_, count)| count).sum();
        family.number(&[("protocol", protocol)], float(upgrade.stages[0].1) / float(all.max(1)));
    }
}

fn census(fleets: &[Measured<'_>], text: &mut Text) {
    let help = "Nodes by whether they tell who calls them: in time, late, or nothing since their program started.";
    let mut family = text.family("straddle_census_nodes", Kind::Gauge, help);
    for fleet in fleets {
        for (state, count) in fleet.census {
            family.count(&[("protocol", fleet.protocol), ("state", state)], count);
        }
    }
    let help =
        "How long ago the newest batch of calls ends that a node has told, of the node whose batch is the oldest.";
    let mut family = text.family("straddle_census_age_seconds", Kind::Gauge, help);
    for fleet in fleets {
        if let Some(age) = fleet.census_age {
            family.number(&[("protocol", fleet.protocol)], float(age) / 1e6);
        }
    }
}

fn waiting(fleets: &[Measured<'_>], text: &mut Text) {
    let running = || fleets.iter().filter_map(|fleet| Some((fleet.protocol, fleet.upgrade.as_ref()?)));
    let help = "Nodes that the upgrade which has not ended does not let go yet, by the rule that keeps them.";
    let mut family = text.family("straddle_upgrade_waiting_nodes", Kind::Gauge, help);
    for (protocol, upgrade) in running() {
        for (rule, count) in &upgrade.waits {
            family.count(&[("protocol", protocol), ("rule", rule)], *count);
        }
    }
    let help = "1 where the upgrade which has not ended goes no further before somebody sees to what its nodes wait for, 0 where it does.";
    let mut family = text.family("straddle_upgrade_rests", Kind::Gauge, help);
    for (protocol, upgrade) in running() {
        family.count(&[("protocol", protocol)], u64::from(upgrade.rests));
    }
    let help =
        "Gates of the upgrade that has not ended: 1 where they hold, 0 where they do not, or cannot be told yet.";
    let mut family = text.family("straddle_upgrade_gate_holds", Kind::Gauge, help);
    for (protocol, upgrade) in running() {
        for gate in &upgrade.running.gates {
            family.count(&[("protocol", protocol), ("gate", &gate.name)], u64::from(gate.holds));
        }
    }
}

fn phase(phase: wire::Phase) -> &'static str {
    match phase {
        wire::Phase::Serving => "serving",
        wire::Phase::Learned => "learned",
        wire::Phase::Permitted => "permitted",
        wire::Phase::Quiescing => "quiescing",
        wire::Phase::Transforming => "transforming",
        wire::Phase::Reversing => "reversing",
        wire::Phase::Switching => "switching",
        wire::Phase::Verifying => "verifying",
        wire::Phase::Finalizing => "finalizing",
        wire::Phase::Unspecified => OTHER,
    }
}
