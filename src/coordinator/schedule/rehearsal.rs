//! What would happen if nothing went wrong: for plans.

use std::sync::Arc;

use super::{Clock, Decision, Schedule, Scheduling, order};
use crate::coordinator::view::{NodeView, View};

/// Stages of a plan beyond this many are not told one by one.
const MOST: usize = 1000;

/// Nodes that go one after another, or at once, without anything to wait for but each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsed {
    /// What they go as, in a few words.
    pub what: String,
    /// Their names, in the order in which they go.
    pub nodes: Vec<String>,
    /// What is waited for after them, in a few words; empty for nothing.
    pub then: String,
    /// Others that come after them here, and may as well come in their place: who asks first goes.
    pub instead: Vec<String>,
}

/// What would happen if every node that may go did so at once and came at once, and the clock did nothing but go on. What depends
/// on calls, on operators and on other protocols is taken to let all go; the last stage says what still keeps nodes for ever.
#[must_use]
pub fn rehearse(scheduling: &Scheduling, view: &View, clock: Clock, seed: u64) -> Vec<Rehearsed> {
    let Scheduling { combined, at_once, .. } = scheduling;
    let how = match at_once {
        None => "all at one word".to_owned(),
        Some(share) => match share.rounded_down(view.nodes.len()).max(1) {
            1 => "one at a time".to_owned(),
            nodes => format!("{nodes} at once"),
        },
    };
    let mut rehearsal =
        Rehearsal { schedule: combined.foreseeable(), view: view.clone(), clock, seed, how, stages: Vec::new() };
    // Nobody goes twice, and what only the clock changes is waited for: each turn brings somebody on, or is the last one.
    while rehearsal.stages.len() < MOST && rehearsal.turn() {}
    rehearsal.stages
}

struct Rehearsal {
    schedule: super::combined::Combined,
    view: View,
    clock: Clock,
    seed: u64,
    how: String,
    stages: Vec<Rehearsed>,
}

impl Rehearsal {
    /// All that may go do; whether something is left to do.
    fn turn(&mut self) -> bool {
        let (mut gone, mut left) = (Vec::new(), Vec::new());
        let mut waits: Option<(Arc<str>, Option<u64>)> = None;
        let (view, clock) = (&self.view, self.clock);
        let mut round = self.schedule.round(view, clock, self.seed);
        for at in order(&*round, view) {
            let node = &view.nodes[at];
            if view.is_there(node) {
                continue;
            }
            match round.decide(at, node) {
                Decision::Go | Decision::GoTogether => {
                    gone.push((at, round.stage(at, node), round.rank(at, node)));
                    round.goes(at, node);
                }
                Decision::Wait { why, until } => {
                    left.push((at, round.rank(at, node)));
                    // What ends first is what is waited for.
                    let sooner = waits
                        .as_ref()
                        .is_none_or(|(_, other)| until.is_some_and(|until| other.is_none_or(|other| until < other)));
                    if sooner {
                        waits = Some((why, until));
                    }
                }
            }
        }
        let marks = round.marks();
        drop(round);
        self.view.marks.extend(marks);
        if !gone.is_empty() {
            self.come(gone, &left);
            return true;
        }
        match waits {
            Some((why, Some(until))) => {
                self.then(why.to_string());
                let wait = until.saturating_sub(self.clock.now);
                self.clock.now = self.clock.now.saturating_add(wait);
                self.clock.wall = self.clock.wall.saturating_add(wait);
                true
            }
            Some((why, None)) => {
                self.then(why.to_string());
                false
            }
            None => false,
        }
    }

    fn come(&mut self, gone: Vec<(usize, Option<String>, u64)>, left: &[(usize, u64)]) {
        let target = self.view.target().clone();
        let mut last: Option<Option<String>> = None;
        for (at, stage, rank) in gone {
            if last.as_ref() != Some(&stage) {
                let what = stage.as_ref().map_or_else(|| self.how.clone(), |stage| format!("{stage}: {}", self.how));
                let equal = left.iter().filter(|(_, other)| *other == rank).take(MOST);
                let instead = equal.filter_map(|(at, _)| Some(self.view.nodes.get(*at)?.name.clone())).collect();
                self.stages.push(Rehearsed { what, nodes: Vec::new(), then: String::new(), instead });
                last = Some(stage);
            }
            let Some(node) = self.view.nodes.get_mut(at) else { continue };
            arrive(node, &target, self.clock);
            if let Some(stage) = self.stages.last_mut() {
                stage.nodes.push(node.name.clone());
            }
        }
    }

    fn then(&mut self, then: String) {
        if let Some(stage) = self.stages.last_mut() {
            stage.then = then;
            return;
        }
        let what = "nobody goes yet".to_owned();
        self.stages.push(Rehearsed { what, nodes: Vec::new(), then, instead: Vec::new() });
    }
}

fn arrive(node: &mut NodeView, target: &crate::version::Version, clock: Clock) {
    node.version = target.clone();
    (node.moved, node.moving, node.failure) = (clock.now, false, None);
    (node.connected, node.serving) = (true, true);
}
