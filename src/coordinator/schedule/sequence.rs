//! Groups of nodes one after the other, by a label: failure domains and roles.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::bake::{in_words, reached};
use super::fleet::{self, Standing, doing, nodes, standing, urgency};
use super::{Clock, Decision, Round, Schedule};
use crate::coordinator::micros;
use crate::coordinator::view::{NodeView, View};

/// One group of nodes at a time. A group is done when all its nodes have come, serve, and have baked; until then those after it
/// wait, even where its nodes failed or are away. Going back, the groups go in the opposite order, without a bake, and do not
/// wait for nodes that are away.
///
/// With several levels the groups of one lie within those of the level before: first all zones of one role, then those of the
/// next. Two sequences side by side could each wait for the other one.
#[derive(Clone, Debug)]
pub(super) struct Sequence {
    pub(super) levels: Vec<Level>,
    pub(super) bake: Duration,
}

/// A label whose values are groups.
#[derive(Clone, Debug)]
pub(super) struct Level {
    pub(super) label: String,
    /// The values that go first, in this order.
    pub(super) order: Vec<String>,
    /// Whether other values are groups as well, in the order of names; else all other nodes are one group. Nodes without the
    /// label go last.
    pub(super) others: bool,
}

impl Schedule for Sequence {
    fn round<'a>(&'a self, view: &'a View, clock: Clock, _seed: u64) -> Box<dyn Round + 'a> {
        let (groups, of) = self.groups(view);
        let mut round = SequenceRound { sequence: self, view, groups, of, current: None, marks: Vec::new() };
        round.find(clock);
        Box::new(round)
    }
}

impl Sequence {
    /// The groups in the order in which they go forward, and the group of each node.
    fn groups<'a>(&'a self, view: &'a View) -> (Vec<Group<'a>>, Vec<usize>) {
        let mut names: Vec<Vec<Option<&str>>> = vec![Vec::new()];
        let mut of = vec![0_usize; view.nodes.len()];
        let labels: Vec<&str> = self.levels.iter().map(|level| level.label.as_str()).collect();
        for (level, there) in self.levels.iter().zip(fleet::values(view, &labels)) {
            let values = level.values(&there.all);
            let places: BTreeMap<&str, usize> =
                values.iter().enumerate().map(|(place, value)| (*value, place)).collect();
            let last = values.len();
            let place = |value: Option<&str>| value.and_then(|value| places.get(value).copied()).unwrap_or(last);
            let places: Vec<usize> = there.all.iter().copied().map(place).collect();
            for (of, own) in of.iter_mut().zip(&there.of) {
                *of = *of * (last + 1) + places[*own];
            }
            let values: Vec<Option<&str>> = values.into_iter().map(Some).chain([None]).collect();
            let within = |name: Vec<Option<&'a str>>| {
                values.iter().map(move |value| name.iter().copied().chain([*value]).collect()).collect::<Vec<_>>()
            };
            names = names.into_iter().flat_map(within).collect();
        }
        let mut groups: Vec<Group> = names.into_iter().map(|values| Group { values, ..Group::default() }).collect();
        for (at, (node, of)) in view.nodes.iter().zip(&of).enumerate() {
            groups[*of].count(view, at, node);
        }
        (groups, of)
    }

    /// `role storage, zone a`.
    fn name(&self, group: &Group<'_>) -> String {
        let parts = self.levels.iter().zip(&group.values);
        let parts: Vec<String> = parts.map(|(level, value)| format!("{} {}", level.label, shown(*value))).collect();
        parts.join(", ")
    }
}

impl Level {
    /// The values, in their order; `there` are those of the nodes.
    fn values<'a>(&'a self, there: &[Option<&'a str>]) -> Vec<&'a str> {
        let mut values: Vec<&str> = self.order.iter().map(String::as_str).collect();
        if self.others {
            let named: BTreeSet<&str> = values.iter().copied().collect();
            let others: BTreeSet<&str> = there.iter().copied().flatten().collect();
            values.extend(others.difference(&named));
        }
        values
    }
}

/// The nodes of one value.
#[derive(Default)]
struct Group<'a> {
    /// Of each level. None: all that are not in another group.
    values: Vec<Option<&'a str>>,
    nodes: usize,
    /// Those that others wait for.
    open: usize,
    /// Whom to name when others wait.
    holder: Option<(u8, usize)>,
    /// When the last one came; 0 when nobody saw it.
    last: u64,
    told: Option<Decision>,
}

impl Group<'_> {
    fn count(&mut self, view: &View, at: usize, node: &NodeView) {
        let standing = standing(view, node);
        self.nodes += 1;
        if standing == Standing::Came {
            self.last = self.last.max(node.moved);
            return;
        }
        let gone = view.back && !node.connected && standing != Standing::Moves;
        if !gone {
            self.open += 1;
            let urgency = urgency(standing, node);
            if self.holder.is_none_or(|(most, _)| urgency > most) {
                self.holder = Some((urgency, at));
            }
        }
    }
}

struct SequenceRound<'a> {
    sequence: &'a Sequence,
    view: &'a View,
    groups: Vec<Group<'a>>,
    of: Vec<usize>,
    current: Option<Current>,
    marks: Vec<(String, u64)>,
}

/// The group that others wait for.
#[derive(Clone, Copy)]
struct Current {
    group: usize,
    /// All its nodes have come, and bake: until when, and for how long yet.
    bakes: Option<(u64, u64)>,
}

impl SequenceRound<'_> {
    fn find(&mut self, clock: Clock) {
        let bake = micros(self.sequence.bake);
        for step in 0..self.groups.len() {
            let place = if self.view.back { self.groups.len() - 1 - step } else { step };
            let group = &self.groups[place];
            if group.open > 0 {
                self.current = Some(Current { group: place, bakes: None });
                return;
            }
            // A group that was there before the upgrade began has nothing to prove.
            if bake == 0 || self.view.back || group.nodes == 0 || (1..self.view.started).contains(&group.last) {
                continue;
            }
            let key = format!("domains.{}", key(&group.values));
            let Some(reached) = reached(self.view, &key, clock.now, || Some(group.last)) else { continue };
            if reached.new {
                self.marks.push((key, reached.at));
            }
            let until = reached.at.saturating_add(bake);
            if clock.now < until {
                self.current = Some(Current { group: place, bakes: Some((until, until - clock.now)) });
                return;
            }
        }
    }

    fn wait(&self, own: usize, current: Current) -> Decision {
        let before = &self.groups[current.group];
        let (own, name) = (self.sequence.name(&self.groups[own]), self.sequence.name(before));
        if let Some((until, left)) = current.bakes {
            let why = format!("{own} comes after {name}, which bakes for another {}", in_words(left));
            return Decision::wait_until(why, until);
        }
        let (open, all) = (before.open, before.nodes);
        let holder = before.holder.filter(|(urgency, _)| *urgency > 0 || open == 1);
        let holder = holder.and_then(|(_, at)| self.view.nodes.get(at));
        let holder = holder
            .map_or_else(String::new, |node| format!("; it waits for {}", doing(standing(self.view, node), node)));
        let nodes = nodes(all);
        Decision::wait(format!("{own} comes after {name}, where {open} of {all} {nodes} have yet to come{holder}"))
    }
}

impl Round for SequenceRound<'_> {
    fn decide(&mut self, at: usize, _node: &NodeView) -> Decision {
        let Some(current) = self.current else { return Decision::Go };
        let own = self.of[at];
        // What a group still has to do, it does before all later ones, even while it bakes.
        let before = if self.view.back { own > current.group } else { own < current.group };
        if before || own == current.group {
            return Decision::Go;
        }
        if let Some(told) = &self.groups[own].told {
            return told.clone();
        }
        let told = self.wait(own, current);
        self.groups[own].told = Some(told.clone());
        told
    }

    fn marks(&self) -> Vec<(String, u64)> {
        self.marks.clone()
    }

    fn rank(&self, at: usize, _node: &NodeView) -> u64 {
        let place = if self.view.back { self.groups.len() - self.of[at] } else { self.of[at] };
        u64::try_from(place).unwrap_or(u64::MAX)
    }

    fn stage(&self, at: usize, _node: &NodeView) -> Option<String> {
        Some(self.sequence.name(&self.groups[self.of[at]]))
    }
}

/// A label's value in a sentence.
pub(super) fn shown(value: Option<&str>) -> &str {
    value.unwrap_or("(others)")
}

/// Values as part of a mark. What divides them stands in none of them.
pub(super) fn key(values: &[Option<&str>]) -> String {
    let escaped = |value: Option<&str>| value.unwrap_or_default().replace('%', "%25").replace('/', "%2F");
    values.iter().copied().map(escaped).collect::<Vec<_>>().join("/")
}
