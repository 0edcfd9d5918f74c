//! How upgrades and nodes are doing, at a glance.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fleet::{Fleet, Node, Waits};
use super::upgrade::Running;
use super::{Now, Settings};
use crate::control::v1_0_0 as wire;
use crate::control::v1_0_0::UpgradeState;
use crate::coordinator::micros;

/// What is waited for, the most urgent first: what somebody has to see to, then what passes by itself.
const URGENCY: [&str; 16] = [
    "failed",
    "routes",
    "outstanding-permit",
    "away",
    "program",
    "way",
    "learning",
    "minimum-serving",
    "skew",
    "paused",
    "gate",
    "held",
    "order",
    "schedule-size",
    "schedule",
    "moving",
];
/// The most nodes that a blocker names.
const NAMED: usize = 1000;
/// The most warnings.
const WARNED: usize = 20;

impl Fleet {
    /// How the upgrade that has not ended is doing.
    pub(super) fn status(&self, now: Now, settings: &Settings) -> Option<wire::UpgradeStatus> {
        let running = self.upgrade.as_ref()?;
        let away_after = micros(settings.away_after);
        let mut status = wire::UpgradeStatus {
            upgrade: Some(seen(&running.stored)),
            gates: running.gates.clone(),
            ..wire::UpgradeStatus::default()
        };
        for node in self.counted() {
            let connected = node.connected(now.monotonic, away_after);
            let failure = node.stored.failure.clone().filter(|_| node.stored.failed_in == running.number());
            let there = running.is_there(node) && !node.moving();
            status.total += 1;
            status.away += u64::from(!connected);
            status.there += u64::from(there);
            status.moving += u64::from(node.moving());
            status.failed += u64::from(!there && !node.moving() && failure.is_some());
            status.waiting += u64::from(!there && !node.moving() && failure.is_none());
            let waits_for = node.waits.as_ref().map(|waits| waits.what.to_string()).unwrap_or_default();
            status.nodes.push(wire::NodeInUpgrade {
                node: node.name().to_owned(),
                version: node.stored.version.clone(),
                phase: node.report.phase,
                connected,
                waits_for: if node.moving() {
                    moving(node, connected, node.is_replaced(now.monotonic, away_after))
                } else {
                    waits_for
                },
                failure,
                labels: node.stored.labels.clone(),
                permit: node.permit.as_ref().map_or(0, |permit| permit.stored.permit),
            });
        }
        status.waits_for = self.blockers(running, now, away_after);
        let total = usize::try_from(status.total).unwrap_or(usize::MAX);
        let forward = matches!(running.state(), UpgradeState::Running | UpgradeState::Paused);
        status.warnings =
            running.scheduling.doubt(total).filter(|_| forward).into_iter().chain(self.contests(now)).collect();
        let leads_back = self.leads_back(running).is_ok();
        status.advice = advice(running, leads_back, &status.waits_for);
        status.rests = self.rests(running);
        Some(status)
    }

    /// Whether it goes no further before somebody sees to what nodes wait for.
    pub(super) fn rests(&self, running: &Running) -> bool {
        let lasts = |node: &Node| node.waits.as_ref().is_some_and(Waits::lasts);
        running.stands && self.counted().any(lasts)
    }

    /// What it waits for, nodes that wait for the same thing together.
    fn blockers(&self, running: &Running, now: Now, away_after: u64) -> Vec<wire::Blocker> {
        let mut groups: BTreeMap<(usize, Arc<str>), (Waits, Vec<String>)> = BTreeMap::new();
        let urgency = |rule: &str| URGENCY.iter().position(|one| *one == rule).unwrap_or(URGENCY.len());
        let mut add = |node: &Node, waits: Waits| {
            let key = (urgency(waits.rule), waits.what.clone());
            groups.entry(key).or_insert_with(|| (waits, Vec::new())).1.push(node.name().to_owned());
        };
        for node in self.counted() {
            let connected = node.connected(now.monotonic, away_after);
            let finalizing = running.state() == UpgradeState::Finalizing && !node.stored.back.is_empty();
            if node.moving() {
                let replaced = node.is_replaced(now.monotonic, away_after);
                let rule = if connected || replaced { "moving" } else { "outstanding-permit" };
                let advice = match (connected, replaced) {
                    (true, _) => String::new(),
                    (false, true) => "straddle node status at its supervisor says how that goes, and straddle node abort there gives it up".to_owned(),
                    (false, false) => forget(node),
                };
                add(node, Waits::new(rule, moving(node, connected, replaced), advice));
            } else if let Some(waits) = &node.waits {
                add(node, waits.clone());
            } else if finalizing && connected {
                add(node, Waits::new("order", "the way back is being given up", ""));
            } else if !connected && (finalizing || !running.is_there(node)) {
                add(node, Waits::new("away", format!("{} is not heard", node.name()), forget(node)));
            }
        }
        if running.state() == UpgradeState::Paused && groups.is_empty() {
            let why = if running.stored.why.is_empty() { "an operator has paused it" } else { &running.stored.why };
            let waits = Waits::new("paused", why, format!("straddle upgrade resume {}", running.number()));
            groups.insert((urgency("paused"), waits.what.clone()), (waits, Vec::new()));
        }
        groups
            .into_values()
            .map(|(waits, mut nodes)| {
                nodes.truncate(NAMED);
                wire::Blocker {
                    rule: waits.rule.to_owned(),
                    nodes,
                    what: waits.what.to_string(),
                    advice: waits.advice.to_string(),
                    blocks: waits.blocks(),
                    stage: 0,
                }
            })
            .collect()
    }

    /// Names under which two programs come.
    fn contests(&self, now: Now) -> Vec<String> {
        self.counted().filter_map(|node| node.contested(now.monotonic)).take(WARNED).collect()
    }

    /// The nodes as they are.
    pub(super) fn describe(&self, name: Option<&str>, now: Now, settings: &Settings) -> Vec<wire::NodeDescription> {
        let away_after = micros(settings.away_after);
        let wanted = |node: &&Node| name.is_none_or(|name| name == node.name());
        let describe = |node: &Node| wire::NodeDescription {
            node: Some(node.stored.clone()),
            connected: node.connected(now.monotonic, away_after),
            phase: node.report.phase,
            moving_to: node
                .permit
                .as_ref()
                .map_or_else(|| node.report.moving_to.clone(), |permit| permit.stored.to.clone()),
            serving: node.serving(now.monotonic, away_after),
            drained: node.report.drained,
            held: node.report.held.clone(),
            calls_running: node.report.calls_running,
            heard_microseconds_ago: node.heard.map(|heard| now.monotonic.saturating_sub(heard)),
            permit: node.permit.as_ref().map(|permit| permit.stored.clone()),
            knows: node.knows.versions().map(ToString::to_string).collect(),
            unlearned: node.report.unlearned.clone(),
            contested: node.contested(now.monotonic),
            retiring: node.report.retiring.clone(),
        };
        self.nodes.values().map(Box::as_ref).filter(wanted).map(describe).collect()
    }
}

/// An upgrade as operators see it, without the core's own marks.
pub(super) fn seen(stored: &wire::StoredUpgrade) -> wire::StoredUpgrade {
    let mut stored = stored.clone();
    stored.marks.retain(|mark, _| !mark.starts_with("straddle/"));
    stored
}

/// An upgrade that has ended, with the nodes as they were then.
pub(super) fn ended(stored: &wire::StoredUpgrade) -> wire::UpgradeStatus {
    let wire::NodeCount { there, total, away } = stored.ended_at.unwrap_or_default();
    wire::UpgradeStatus { upgrade: Some(seen(stored)), there, total, away, ..wire::UpgradeStatus::default() }
}

impl Fleet {
    /// What is another way than it was when the last upgrade ended, and names under which two programs come.
    pub(super) fn since(&self, last: &wire::StoredUpgrade, now: Now) -> Vec<String> {
        let at = if last.state() == UpgradeState::RolledBack { &last.from } else { &last.to };
        let elsewhere = |node: &&Node| node.version.is_some() && node.version != self.canonical(at);
        let told = |node: &Node| format!("{} runs {} by now, and not {at}", node.name(), node.stored.version);
        let elsewhere = self.counted().filter(elsewhere).map(told).take(WARNED);
        elsewhere.chain(self.contests(now)).collect()
    }
}

fn moving(node: &Node, connected: bool, replaced: bool) -> String {
    let name = node.name();
    let to = node.permit.as_ref().map_or(node.report.moving_to.as_str(), |permit| permit.stored.to.as_str());
    if connected {
        format!("{name} goes to {to}")
    } else if replaced {
        format!("the program of {name} is being replaced to go to {to}: its callers wait until the new one is ready")
    } else {
        format!("{name} was permitted to go to {to}, and is not heard")
    }
}

fn forget(node: &Node) -> String {
    let name = node.name();
    format!("see to {name}; if it is gone for good: {}", node.forget())
}

/// What to do.
fn advice(running: &Running, leads_back: bool, waits_for: &[wire::Blocker]) -> String {
    let number = running.number();
    let or_back = if leads_back { format!(", or straddle upgrade rollback {number}") } else { String::new() };
    match running.state() {
        UpgradeState::Complete => {
            let to = &running.to;
            format!("{to} runs everywhere: straddle upgrade finalize {number} once you are sure{or_back}")
        }
        UpgradeState::Paused => {
            let why = if running.stored.why.is_empty() { String::new() } else { format!(" ({})", running.stored.why) };
            format!("it is paused{why}: straddle upgrade resume {number}{or_back}")
        }
        _ => {
            waits_for.iter().map(|blocker| blocker.advice.clone()).find(|advice| !advice.is_empty()).unwrap_or_default()
        }
    }
}
