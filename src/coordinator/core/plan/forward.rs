//! An upgrade run forward, stage by stage, with nodes where they would then be: what the invariants would keep from going, and when.

use std::collections::BTreeMap;

use super::super::fleet::{Fleet, Node, Waits};
use super::super::goals::Step;
use super::super::invariants::Guard;
use super::super::upgrade::Running;
use crate::control::v1_0_0::PlannedStage;
use crate::version::Version;

/// A node that would not go, at which stage (from 1), and why.
pub(super) struct Kept<'f> {
    pub(super) node: &'f Node,
    pub(super) stage: u64,
    pub(super) waits: Waits,
}

/// Runs the stages of a plan. Nodes come as soon as they go, but for those that never would; one that is kept stays where it is, and
/// the others go on.
pub(super) fn run<'f>(fleet: &'f Fleet, running: &'f Running, guard: Guard, stages: &[PlannedStage]) -> Vec<Kept<'f>> {
    let mut forward =
        Forward { fleet, to: &running.to, from: &running.from, guard, at: BTreeMap::new(), kept: Vec::new() };
    for (number, stage) in (1..).zip(stages) {
        let nodes = stage.nodes.iter().filter_map(|name| fleet.nodes.get(name)).map(Box::as_ref);
        forward.stage(number, nodes.collect());
    }
    forward.kept
}

struct Forward<'f> {
    fleet: &'f Fleet,
    from: &'f Version,
    to: &'f Version,
    guard: Guard,
    /// Where nodes are that have gone.
    at: BTreeMap<&'f str, Version>,
    kept: Vec<Kept<'f>>,
}

impl<'f> Forward<'f> {
    /// All of them that may go at once do, then those that had to wait for these. A node that is behind has several steps to go.
    fn stage(&mut self, number: u64, nodes: Vec<&'f Node>) {
        let mut left = nodes;
        while !left.is_empty() {
            let (mut gone, mut wait) = (Vec::new(), Vec::new());
            for node in std::mem::take(&mut left) {
                let Some(step) = self.step(node) else { continue };
                match self.guard.keeps(self.fleet, node, &step) {
                    None => {
                        self.guard.goes(self.fleet, node, &step);
                        gone.push((node, step));
                    }
                    Some(waits) => wait.push((node, waits)),
                }
            }
            if gone.is_empty() {
                let kept = |(node, waits)| Kept { node, stage: number, waits };
                return self.kept.extend(wait.into_iter().map(kept));
            }
            for (node, step) in gone {
                self.guard.comes(self.fleet, node, &step);
                self.at.insert(node.name(), step.to);
                left.push(node);
            }
            left.extend(wait.into_iter().map(|(node, _)| node));
        }
    }

    /// The next step of a node, if it is one that it could take. What keeps it by itself is told elsewhere.
    fn step(&self, node: &Node) -> Option<Step> {
        let version = self.at.get(node.name()).or(node.version.as_ref()).filter(|version| *version < self.to)?;
        let to = self.fleet.neighbour(version, false)?.clone();
        let step = Step { from: version.clone(), to, back: false, behind: version < self.from };
        (node.live.is_some() && Fleet::way(node, &step).is_ok()).then_some(step)
    }
}
