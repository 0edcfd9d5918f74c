//! What would happen if an upgrade were started now: in which order, and what would hold it up.

mod forward;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::fleet::{Fleet, Node, Waits};
use super::goals::Step;
use super::invariants::Guard;
use super::rounds::Others;
use super::upgrade::{Running, Texts, clock, node_view};
use super::{Denied, Now, Settings};
use crate::control::v1_0_0 as wire;
use crate::coordinator::micros;
use crate::coordinator::schedule;
use crate::coordinator::view::View;

impl Fleet {
    /// The schedule, run forward on a fleet in which all goes well; and what each node would be told now.
    pub(super) fn plan(
        &self,
        request: &wire::StartUpgradeRequest,
        others: &Others,
        now: Now,
        settings: &Settings,
    ) -> Result<wire::PlanResponse, Denied> {
        let running = self.draft(request, "", now, settings)?;
        let view = self.planned_view(&running, others, now, settings);
        let seed = running.stored.seed;
        let stages = schedule::rehearse(&running.scheduling, &view, clock(now), seed);
        let stage =
            |schedule::Rehearsed { what, nodes, then, instead }| wire::PlannedStage { what, nodes, then, instead };
        let stages: Vec<_> = self.brought_on(&running).into_iter().chain(stages.into_iter().map(stage)).collect();
        Ok(wire::PlanResponse {
            from: running.stored.from.clone(),
            to: running.stored.to.clone(),
            blockers: self.would_block(&running, &stages, now, settings),
            stages,
            seed,
        })
    }

    /// Nodes that are behind come first.
    fn brought_on(&self, running: &Running) -> Option<wire::PlannedStage> {
        let behind = |node: &&Node| node.version.as_ref().is_some_and(|version| *version < running.from);
        let nodes: Vec<String> = self.counted().filter(behind).map(|node| node.name().to_owned()).collect();
        let what = format!("nodes that are behind are brought to {}", running.from);
        (!nodes.is_empty()).then(|| wire::PlannedStage { what, nodes, ..wire::PlannedStage::default() })
    }

    fn planned_view(&self, running: &Running, others: &Others, now: Now, settings: &Settings) -> View {
        let counted = self.counted().filter(|node| node.version.is_some());
        let mut texts = Texts::default();
        View {
            protocol: self.name.clone(),
            upgrade: 0,
            from: running.from.clone(),
            to: running.to.clone(),
            back: false,
            started: now.watched,
            nodes: counted.map(|node| node_view(node, &mut texts, u64::MAX, now, settings)).collect(),
            baseline: BTreeMap::new(),
            marks: BTreeMap::new(),
            let_go: Vec::new(),
            others: others.all(),
        }
    }

    fn would_block(
        &self,
        running: &Running,
        stages: &[wire::PlannedStage],
        now: Now,
        settings: &Settings,
    ) -> Vec<wire::Blocker> {
        let away_after = micros(settings.away_after);
        let mut guard = Guard::new(self, &running.scheduling.limits, now, settings);
        guard.proof().accept(running.accepted.iter().cloned());
        for caller in &running.stored.callers {
            if let Some(version) = self.canonical(&caller.version) {
                guard.proof().declare(self, &version, &caller.methods);
            }
        }
        let mut found = Found::default();
        for what in guard.groups().stuck() {
            let advice = "lower the minimum in the schedule, or add nodes";
            found.add(true, None, 0, Waits::new("minimum-serving", what, advice));
        }
        if let Some(what) = running.scheduling.doubt(self.counted().count()) {
            found.add(false, None, 0, Waits::new("schedule", what, "name fewer nodes for the first stage"));
        }
        let stuck: BTreeSet<&str> =
            self.counted().filter(|node| guard.groups().is_stuck(node)).map(Node::name).collect();
        for node in self.counted() {
            let Some(version) = node.version.as_ref().filter(|version| **version < running.to) else { continue };
            let Some(to) = self.neighbour(version, false).cloned() else { continue };
            let step = Step { from: version.clone(), to, back: false, behind: *version < running.from };
            let name = node.name();
            let connected = node.connected(now.monotonic, away_after);
            if !connected {
                let advice = format!("start it again; if it is gone for good: {}", node.forget());
                let what = format!("{name} is not heard: the upgrade will not be complete without it");
                found.add(false, Some(node), 0, Waits::new("away", what, advice));
            }
            let way = Self::way(node, &step);
            if let Some(held) = &node.report.held {
                found.add(false, Some(node), 0, Waits::new("held", format!("{name} says not now: {held}"), ""));
            }
            // The others are run forward.
            if (!connected || way.is_err())
                && let Some(waits) = guard.proof().keeps(self, node, &step)
            {
                found.add(true, Some(node), 0, waits);
            }
            match way {
                Err(waits) => found.add(waits.blocks(), Some(node), 0, waits),
                // One that is not heard has said nothing since.
                Ok(way) if connected => {
                    if let Some(lacks) = self.lacks_release(node, &step, way) {
                        found.add(true, Some(node), 0, lacks);
                    }
                }
                Ok(_) => {}
            }
        }
        for forward::Kept { node, stage, waits } in forward::run(self, running, guard, stages) {
            // Of such a group it was told as a whole.
            if waits.rule != "minimum-serving" || !stuck.contains(node.name()) {
                found.add(true, Some(node), stage, waits);
            }
        }
        found.told()
    }
}

/// Whether it only delays, the rule, and what it is about.
type Key = (bool, &'static str, Arc<str>);
/// All of it, the nodes, and the first stage at which it keeps one.
type Blocked = (Waits, Vec<String>, u64);

/// What would keep nodes.
#[derive(Default)]
struct Found(BTreeMap<Key, Blocked>);

impl Found {
    fn add(&mut self, blocks: bool, node: Option<&Node>, stage: u64, waits: Waits) {
        let key = (!blocks, waits.rule, waits.what.clone());
        let (_, nodes, _) = self.0.entry(key).or_insert_with(|| (waits, Vec::new(), stage));
        nodes.extend(node.map(|node| node.name().to_owned()));
    }

    /// What blocks comes first, and of that what does so first.
    fn told(self) -> Vec<wire::Blocker> {
        let blocker = |((later, rule, _), (waits, nodes, stage)): (Key, Blocked)| wire::Blocker {
            rule: rule.to_owned(),
            nodes,
            what: waits.what.to_string(),
            advice: waits.advice.to_string(),
            blocks: !later,
            stage,
        };
        let mut told: Vec<wire::Blocker> = self.0.into_iter().map(blocker).collect();
        told.sort_by_key(|blocker| (!blocker.blocks, blocker.stage));
        told
    }
}
