//! In an order that nobody chose, at times that nobody chose.

use std::sync::Arc;
use std::time::Duration;

use super::bake::in_words;
use super::fleet::{Standing, chance, standing};
use super::{Clock, Decision, Round, Schedule};
use crate::coordinator::micros;
use crate::coordinator::view::{NodeView, View};

/// The mark that says before when no node goes.
const NEXT: &str = "random.next";

/// Nodes are asked in an order made of the seed and their names; between two of them lies a time up to `jitter`, made of the
/// seed and how many have begun. Going back keeps the order and leaves out the jitter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Random {
    pub(super) order: bool,
    pub(super) jitter: Duration,
}

impl Schedule for Random {
    fn round<'a>(&'a self, view: &'a View, clock: Clock, seed: u64) -> Box<dyn Round + 'a> {
        let begun = view.nodes.iter().filter(|node| standing(view, node) != Standing::Waits).count();
        let jitter = micros(self.jitter);
        // A mark that lies ahead, as one of a restored database, does not make anybody wait for longer than one jitter.
        let kept = view.marks.get(NEXT).copied().unwrap_or_default().min(clock.now.saturating_add(jitter));
        let next = if view.back { 0 } else { kept };
        Box::new(RandomRound {
            order: self.order,
            jitter,
            clock,
            seed,
            begun,
            next,
            went: false,
            back: view.back,
            told: None,
        })
    }
}

struct RandomRound {
    order: bool,
    jitter: u64,
    clock: Clock,
    seed: u64,
    begun: usize,
    next: u64,
    went: bool,
    back: bool,
    told: Option<Arc<str>>,
}

impl Round for RandomRound {
    fn decide(&mut self, _at: usize, _node: &NodeView) -> Decision {
        if self.clock.now >= self.next {
            return Decision::Go;
        }
        let (clock, next) = (self.clock, self.next);
        let why = self
            .told
            .get_or_insert_with(|| format!("the next node goes in {}, at random", in_words(next - clock.now)).into());
        Decision::wait_until(Arc::clone(why), next)
    }

    fn goes(&mut self, _at: usize, _node: &NodeView) {
        if self.jitter > 0 && !self.back {
            let gap = chance(self.seed, &self.begun.to_le_bytes()) % self.jitter;
            self.next = self.clock.now.saturating_add(gap);
            self.begun += 1;
            self.went = true;
            self.told = None;
        }
    }

    fn marks(&self) -> Vec<(String, u64)> {
        if self.went { vec![(NEXT.to_owned(), self.next)] } else { Vec::new() }
    }

    fn rank(&self, _at: usize, node: &NodeView) -> u64 {
        if self.order { chance(self.seed, node.name.as_bytes()) } else { 0 }
    }
}
