//! Scheduling functions put together: all of them have to say go.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Clock, Decision, Round, Schedule, order};
use crate::control::v1_0_0::Way;
use crate::coordinator::view::{NodeView, View};

/// Several scheduling functions as one. Where several say wait, the reasons stand in the order of the parts.
#[derive(Clone)]
pub(super) struct Combined {
    pub(super) parts: Vec<Part>,
    /// All that may go do so at one word.
    pub(super) together: bool,
}

/// One of them.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) schedule: Arc<dyn Schedule>,
    pub(super) kind: Kind,
}

/// What a part decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Who goes next: with others it makes the group that goes together.
    Who,
    /// How many of them at once.
    HowMany,
    /// When: all of a group that goes together wait for it.
    When,
    /// When, and time alone tells.
    Hours,
}

impl Combined {
    /// Without what only tells how fast, or depends on what nobody can foresee: for plans.
    pub(super) fn foreseeable(&self) -> Self {
        let parts = self.parts.iter().filter(|part| matches!(part.kind, Kind::Who | Kind::Hours)).cloned();
        Self { parts: parts.collect(), together: false }
    }

    fn rounds<'a>(
        &'a self,
        view: &'a View,
        clock: Clock,
        seed: u64,
        wanted: impl Fn(Kind) -> bool,
    ) -> CombinedRound<'a> {
        let parts = self.parts.iter().filter(|part| wanted(part.kind));
        let rounds: Vec<_> = parts.map(|part| part.schedule.round(view, clock, seed)).collect();
        CombinedRound {
            ranks: ranks(&rounds, view),
            rounds,
            together: None,
            whys: Vec::new(),
            joined: Joined::default(),
        }
    }

    /// Who would go if it were only for who is next; and why these do not yet, if they do not.
    fn group(&self, view: &View, clock: Clock, seed: u64) -> Together {
        let mut who = self.rounds(view, clock, seed, |kind| matches!(kind, Kind::Who | Kind::HowMany));
        let mut when = self.rounds(view, clock, seed, |kind| matches!(kind, Kind::When | Kind::Hours));
        let mut group = Together { members: vec![false; view.nodes.len()], waits: None };
        for at in order(&who, view) {
            let node = &view.nodes[at];
            if view.is_there(node) || node.moving || matches!(who.decide(at, node), Decision::Wait { .. }) {
                continue;
            }
            who.goes(at, node);
            group.members[at] = true;
            if group.waits.is_none() {
                group.waits =
                    keeps(node).map(|why| Decision::wait(format!("all go together, and {} {why}", node.name)));
            }
            if group.waits.is_none()
                && let Decision::Wait { why, until } = when.decide(at, node)
            {
                let why = format!("all go together, and {} waits: {why}", node.name).into();
                group.waits = Some(Decision::Wait { why, until });
            }
        }
        group
    }
}

/// Why a node could not switch at one word with others.
fn keeps(node: &NodeView) -> Option<String> {
    if !node.connected {
        return Some("is away".to_owned());
    }
    if let Some(held) = &node.held {
        return Some(format!("holds its upgrade back: {held}"));
    }
    (!node.ways.contains(&Way::Barrier)).then(|| "has no way to switch at a word (BARRIER)".to_owned())
}

impl Schedule for Combined {
    fn round<'a>(&'a self, view: &'a View, clock: Clock, seed: u64) -> Box<dyn Round + 'a> {
        let mut round = self.rounds(view, clock, seed, |_| true);
        // Going back, nobody waits for the slowest.
        if self.together && !view.back {
            round.together = Some(self.group(view, clock, seed));
        }
        Box::new(round)
    }
}

/// Who goes at the next word.
struct Together {
    members: Vec<bool>,
    waits: Option<Decision>,
}

struct CombinedRound<'a> {
    rounds: Vec<Box<dyn Round + 'a>>,
    /// The place of each node among all, by the ranks of all parts.
    ranks: Vec<u64>,
    together: Option<Together>,
    /// Of the node that is asked; kept for its memory.
    whys: Vec<Arc<str>>,
    joined: Joined,
}

/// The place of each node by the ranks of all rounds, the first round first; equal for nodes that all find equal.
fn ranks(rounds: &[Box<dyn Round + '_>], view: &View) -> Vec<u64> {
    let mut ranks = vec![0_u64; view.nodes.len()];
    for round in rounds {
        let mut keys: Vec<(u64, u64, usize)> =
            view.nodes.iter().enumerate().map(|(at, node)| (ranks[at], round.rank(at, node), at)).collect();
        let first = keys.first().map(|key| key.1);
        if keys.iter().all(|key| Some(key.1) == first) {
            continue;
        }
        keys.sort_unstable();
        let (mut place, mut before) = (0, None);
        for (own, rank, at) in keys {
            place += u64::from(before.is_some_and(|before| before != (own, rank)));
            before = Some((own, rank));
            ranks[at] = place;
        }
    }
    ranks
}

impl Round for CombinedRound<'_> {
    fn decide(&mut self, at: usize, node: &NodeView) -> Decision {
        if let Some(together) = &self.together
            && together.members.get(at) == Some(&true)
        {
            return together.waits.clone().unwrap_or(Decision::GoTogether);
        }
        let (mut latest, mut go_together) = (None, false);
        self.whys.clear();
        for round in &mut self.rounds {
            match round.decide(at, node) {
                Decision::Go => {}
                Decision::GoTogether => go_together = true,
                Decision::Wait { why, until } => {
                    self.whys.push(why);
                    latest = latest.max(until);
                }
            }
        }
        match self.whys.as_slice() {
            [] if go_together => Decision::GoTogether,
            [] => Decision::Go,
            [why] => Decision::Wait { why: Arc::clone(why), until: latest },
            whys => Decision::Wait { why: self.joined.of(whys), until: latest },
        }
    }

    fn goes(&mut self, at: usize, node: &NodeView) {
        for round in &mut self.rounds {
            round.goes(at, node);
        }
    }

    fn marks(&self) -> Vec<(String, u64)> {
        self.rounds.iter().flat_map(|round| round.marks()).collect()
    }

    fn rank(&self, at: usize, _node: &NodeView) -> u64 {
        self.ranks.get(at).copied().unwrap_or(u64::MAX)
    }

    fn stage(&self, at: usize, node: &NodeView) -> Option<String> {
        let stages: Vec<String> = self.rounds.iter().filter_map(|round| round.stage(at, node)).collect();
        (!stages.is_empty()).then(|| stages.join(", "))
    }
}

/// Several reasons as one, by the places of their texts in memory: parts tell nodes that wait for the same the same text.
#[derive(Default)]
struct Joined {
    known: BTreeMap<Vec<*const u8>, Known>,
    /// Of the node that is asked; kept for its memory.
    key: Vec<*const u8>,
}

struct Known {
    joined: Arc<str>,
    /// As long as these are held no other text has their places.
    _whys: Vec<Arc<str>>,
}

impl Joined {
    fn of(&mut self, whys: &[Arc<str>]) -> Arc<str> {
        self.key.clear();
        self.key.extend(whys.iter().map(|why| why.as_ptr()));
        if let Some(known) = self.known.get(&self.key) {
            return Arc::clone(&known.joined);
        }
        let joined: Arc<str> = whys.iter().map(|why| &**why).collect::<Vec<_>>().join("; also, ").into();
        self.known.insert(self.key.clone(), Known { joined: Arc::clone(&joined), _whys: whys.to_vec() });
        joined
    }
}
