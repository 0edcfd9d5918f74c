//! Skew: how many versions may run at once, and how far apart they may be.
//!
//! Every node counts, those as well that are away: with what it ran last, and with where it goes if it was permitted to. A node
//! that lets no further version appear may always move, and so may one that is behind and serves nobody before it has come to the
//! others; they do not go on without it.

use std::collections::BTreeMap;

use crate::coordinator::core::fleet::{Fleet, Node, Waits};
use crate::coordinator::core::goals::Step;
use crate::coordinator::schedule::Limits;

/// The versions that run, as places in the protocol, and at how many nodes; one that goes counts at both.
pub(in crate::coordinator::core) struct Versions {
    running: BTreeMap<usize, usize>,
    most: Option<usize>,
    apart: Option<usize>,
}

impl Versions {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { running: BTreeMap::new(), most: limits.versions, apart: limits.apart }
    }

    pub(super) fn count(&mut self, fleet: &Fleet, node: &Node) {
        let at = node.version.as_ref().and_then(|version| fleet.index(version));
        let to = node.permit.as_ref().and_then(|permit| fleet.canonical(&permit.stored.to));
        let to = to.and_then(|to| fleet.index(&to));
        at.into_iter().chain(to).for_each(|version| *self.running.entry(version).or_default() += 1);
    }

    pub(super) fn keeps(&self, fleet: &Fleet, step: &Step) -> Option<Waits> {
        let to = fleet.index(&step.to)?;
        if self.running.contains_key(&to) {
            return None;
        }
        let advice = "bring the nodes that are furthest behind on first, or forget those that are gone for good";
        let (versions, name) = (self.running.len() + 1, &step.to);
        if let Some(most) = self.most.filter(|most| versions > *most) {
            let what = format!("with {name} there would be {versions} versions at once, and there may be {most}");
            return Some(Waits::new("skew", what, advice));
        }
        let (oldest, newest) = (*self.running.first_key_value()?.0, *self.running.last_key_value()?.0);
        let (before, after) = (newest - oldest, newest.max(to) - oldest.min(to));
        let apart = self.apart.filter(|apart| after > *apart && after > before)?;
        let what = format!("with {name} nodes would be {after} steps apart, and they may be {apart}");
        Some(Waits::new("skew", what, advice))
    }

    pub(super) fn goes(&mut self, fleet: &Fleet, step: &Step) {
        if let Some(to) = fleet.index(&step.to) {
            *self.running.entry(to).or_default() += 1;
        }
    }

    /// Whoever went is not where it was any more.
    pub(super) fn comes(&mut self, fleet: &Fleet, step: &Step) {
        let Some(from) = fleet.index(&step.from) else { return };
        if let Some(nodes) = self.running.get_mut(&from) {
            *nodes -= 1;
            if *nodes == 0 {
                self.running.remove(&from);
            }
        }
    }
}
