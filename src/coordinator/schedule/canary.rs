//! A few nodes first, then more.

use std::collections::BTreeMap;
use std::time::Duration;

use super::bake::{Reached, in_words, reached};
use super::fleet::{self, Standing, doing, nodes, standing, urgency};
use super::sequence::{key, shown};
use super::share::Share;
use super::{Clock, Decision, Round, Schedule};
use crate::coordinator::micros;
use crate::coordinator::view::{NodeView, View};

/// So many nodes, then so many, then all; a stage begins when the one before it has come and has baked.
///
/// A stage is a count of nodes that are there, not a list of names, so a fleet may change under it. A stage that was reached
/// stays so, and its bake counts from when the last node of it came to its version. Going back knows no stages.
#[derive(Clone, Debug)]
pub(super) struct Canary {
    /// How many are there after each stage; shares are rounded up. All is the last one, unsaid.
    pub(super) stages: Vec<Share>,
    pub(super) bake: Duration,
    /// Stages are counted for each value of these labels, and not over all nodes.
    pub(super) inside: Vec<String>,
}

impl Schedule for Canary {
    fn round<'a>(&'a self, view: &'a View, clock: Clock, _seed: u64) -> Box<dyn Round + 'a> {
        let (groups, of) = if view.back { (Vec::new(), Vec::new()) } else { self.groups(view) };
        let stages = groups.into_iter().map(|(values, group)| self.stage_of(view, clock, &values, group)).collect();
        Box::new(CanaryRound { canary: self, view, stages, of })
    }
}

impl Canary {
    /// The groups, by the values of their labels, and the place of each node's.
    fn groups<'a>(&self, view: &'a View) -> (Vec<Valued<'a>>, Vec<usize>) {
        let labels: Vec<&str> = self.inside.iter().map(String::as_str).collect();
        let levels = fleet::values(view, &labels);
        let (mut groups, mut of) = (Vec::new(), Vec::with_capacity(view.nodes.len()));
        let mut places: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        let mut key = Vec::new();
        for (at, node) in view.nodes.iter().enumerate() {
            key.clear();
            key.extend(levels.iter().map(|level| level.of[at]));
            let known = places.get(&key).copied();
            let place = known.unwrap_or_else(|| {
                let values = levels.iter().zip(&key).map(|(level, place)| level.all[*place]).collect();
                places.insert(key.clone(), groups.len());
                groups.push((values, Group::default()));
                groups.len() - 1
            });
            groups[place].1.count(view, at, node);
            of.push(place);
        }
        (groups, of)
    }

    /// ` of zone a`; nothing where all nodes are one group.
    fn name(&self, group: &[Option<&str>]) -> String {
        let parts: Vec<String> =
            self.inside.iter().zip(group).map(|(label, value)| format!("{label} {}", shown(*value))).collect();
        if parts.is_empty() { String::new() } else { format!(" of {}", parts.join(", ")) }
    }

    /// The stage that a group is in.
    fn stage_of<'a>(&'a self, view: &'a View, clock: Clock, values: &[Option<&str>], mut group: Group) -> Stage {
        let bake = micros(self.bake);
        group.came.sort_unstable();
        let (begun, mut marks) = (group.begun, Vec::new());
        let name = self.name(values);
        for (number, share) in self.stages.iter().enumerate() {
            let wanted = share.rounded_up(group.nodes).min(group.nodes);
            let key = mark(values, number);
            let seen = || wanted.checked_sub(1).map_or(Some(clock.now), |last| group.came.get(last).copied());
            let Some(Reached { at, new }) = reached(view, &key, clock.now, seen) else {
                let why =
                    Why::Coming { number, wanted, came: group.came.len(), holder: group.holder.map(|(_, at)| at) };
                return Stage { number, allowed: wanted, begun, why, marks, name, told: None };
            };
            if new {
                marks.push((key, at));
            }
            let until = at.saturating_add(bake);
            if clock.now < until {
                let why = Why::Bakes { number, left: until - clock.now, until };
                return Stage { number, allowed: wanted, begun, why, marks, name, told: None };
            }
        }
        Stage { number: self.stages.len(), allowed: usize::MAX, begun, why: Why::Nothing, marks, name, told: None }
    }
}

/// The mark that says when a stage of a group was reached.
fn mark(group: &[Option<&str>], stage: usize) -> String {
    let group = if group.is_empty() { String::new() } else { format!("{}.", key(group)) };
    format!("canary.{group}{}", stage + 1)
}

/// The values of a group's labels, and what was counted of it.
type Valued<'a> = (Vec<Option<&'a str>>, Group);

/// What was counted of a group.
#[derive(Default)]
struct Group {
    nodes: usize,
    /// Those that are there, move, or have failed.
    begun: usize,
    /// When those came that are there.
    came: Vec<u64>,
    /// Whom to name when others wait for the stage.
    holder: Option<(u8, usize)>,
}

impl Group {
    fn count(&mut self, view: &View, at: usize, node: &NodeView) {
        let standing = standing(view, node);
        self.nodes += 1;
        self.begun += usize::from(standing != Standing::Waits);
        match standing {
            Standing::Came => self.came.push(node.moved),
            Standing::Waits => {}
            _ => {
                let urgency = urgency(standing, node);
                if self.holder.is_none_or(|(most, _)| urgency > most) {
                    self.holder = Some((urgency, at));
                }
            }
        }
    }
}

/// The stage that a group is in.
struct Stage {
    number: usize,
    /// How many may have begun.
    allowed: usize,
    begun: usize,
    why: Why,
    marks: Vec<(String, u64)>,
    /// Of the group, as part of a sentence.
    name: String,
    told: Option<Decision>,
}

/// Why others than the stage's nodes wait.
enum Why {
    Nothing,
    Coming { number: usize, wanted: usize, came: usize, holder: Option<usize> },
    Bakes { number: usize, left: u64, until: u64 },
}

struct CanaryRound<'a> {
    canary: &'a Canary,
    view: &'a View,
    /// Of each group.
    stages: Vec<Stage>,
    /// The group of each node.
    of: Vec<usize>,
}

impl CanaryRound<'_> {
    fn wait(&self, Stage { name: of, why, .. }: &Stage) -> Decision {
        let stages = self.canary.stages.len() + 1;
        match *why {
            Why::Nothing => Decision::Go,
            Why::Coming { number, wanted, came, holder } => {
                let holder = holder.and_then(|at| self.view.nodes.get(at));
                let holder = holder.map_or_else(String::new, |node| {
                    format!("; it waits for {}", doing(standing(self.view, node), node))
                });
                let number = number + 1;
                let why = format!(
                    "stage {number} of {stages}{of} is {wanted} {}, {came} of which have come{holder}",
                    nodes(wanted)
                );
                Decision::wait(why)
            }
            Why::Bakes { number, left, until } => {
                let left = in_words(left);
                Decision::wait_until(format!("stage {} of {stages}{of} bakes for another {left}", number + 1), until)
            }
        }
    }
}

impl Round for CanaryRound<'_> {
    fn decide(&mut self, at: usize, node: &NodeView) -> Decision {
        let Some((place, stage)) = self.of.get(at).and_then(|of| Some((*of, self.stages.get(*of)?))) else {
            return Decision::Go;
        };
        let begun = standing(self.view, node) != Standing::Waits;
        if begun || stage.begun < stage.allowed {
            return Decision::Go;
        }
        if let Some(told) = &stage.told {
            return told.clone();
        }
        let told = self.wait(stage);
        self.stages[place].told = Some(told.clone());
        told
    }

    fn goes(&mut self, at: usize, node: &NodeView) {
        let begins = standing(self.view, node) == Standing::Waits;
        if let Some(stage) = self.of.get(at).and_then(|of| self.stages.get_mut(*of)) {
            stage.begun += usize::from(begins);
        }
    }

    fn marks(&self) -> Vec<(String, u64)> {
        self.stages.iter().flat_map(|stage| stage.marks.iter().cloned()).collect()
    }

    fn stage(&self, at: usize, _node: &NodeView) -> Option<String> {
        let stage = self.stages.get(*self.of.get(at)?)?;
        Some(format!("stage {} of {}", stage.number + 1, self.canary.stages.len() + 1))
    }
}
