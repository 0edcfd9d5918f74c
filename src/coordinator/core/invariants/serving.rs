//! Minimum serving: in each group, so many nodes go on answering callers.
//!
//! A node serves if it says so, is heard, is not taken out of service, and does not move; one with a permit moves, until it has
//! come back. So what is counted is never more than what there is, as long as nodes do not lie and do not fail at this very moment.

use std::collections::{BTreeMap, BTreeSet};

use crate::coordinator::core::fleet::{Node, Waits};
use crate::coordinator::schedule::MinimumServing;

/// Groups of nodes, and how many of each serve.
pub(in crate::coordinator::core) struct Groups {
    minimum: MinimumServing,
    now: u64,
    away_after: u64,
    by_label: BTreeMap<String, Group>,
    /// Those that serve, and go in this round, by name.
    gone: BTreeSet<String>,
}

#[derive(Default)]
struct Group {
    total: usize,
    serving: usize,
}

impl Groups {
    pub(super) fn new(minimum: &MinimumServing, now: u64, away_after: u64) -> Self {
        let (by_label, gone) = (BTreeMap::new(), BTreeSet::new());
        Self { minimum: minimum.clone(), now, away_after, by_label, gone }
    }

    pub(super) fn count(&mut self, node: &Node) {
        let (serves, label) = (self.serves(node), self.label(node));
        if !self.by_label.contains_key(label) {
            self.by_label.insert(label.to_owned(), Group::default());
        }
        let Some(group) = self.by_label.get_mut(label) else { return };
        group.total += 1;
        group.serving += usize::from(serves);
    }

    fn serves(&self, node: &Node) -> bool {
        node.serving(self.now, self.away_after) && !self.gone.contains(node.name())
    }

    pub(super) fn keeps(&self, node: &Node) -> Option<Waits> {
        // Whoever does not serve is not missed, unless it has only just begun, unheard.
        let serves = self.serves(node);
        if !serves && !node.may_begin_to_serve(self.now, self.away_after) {
            return None;
        }
        let label = self.label(node);
        let group = self.by_label.get(label)?;
        let least = self.minimum.least_of(group.total);
        if group.serving - usize::from(serves) >= least {
            return None;
        }
        let (which, serving, total) = (self.told(label), group.serving, group.total);
        let what = format!("{serving} of {total} nodes{which} serve, and {least} have to go on serving");
        let advice = if least >= total {
            "so nobody could ever go: lower it with straddle upgrade limits --minimum-serving, add nodes, or take one out of \
             service (straddle node drain), which then may go"
        } else {
            "wait until others serve again; look after those that do not"
        };
        Some(Waits::new("minimum-serving", what, advice))
    }

    pub(super) fn goes(&mut self, node: &Node) {
        if self.serves(node) {
            self.gone.insert(node.name().to_owned());
            let label = self.label(node);
            if let Some(group) = self.by_label.get_mut(label) {
                group.serving = group.serving.saturating_sub(1);
            }
        }
    }

    /// The node serves again, if it did when it went.
    pub(super) fn comes(&mut self, node: &Node) {
        if self.gone.remove(node.name()) {
            let label = self.label(node);
            if let Some(group) = self.by_label.get_mut(label) {
                group.serving += 1;
            }
        }
    }

    /// Groups of which nobody could ever go, as plans tell.
    pub(in crate::coordinator::core) fn stuck(&self) -> Vec<String> {
        let stuck = self.by_label.iter().filter(|(_, group)| self.minimum.least_of(group.total) >= group.total);
        stuck
            .map(|(label, group)| {
                let least = self.minimum.least_of(group.total);
                format!(
                    "{least} of {} nodes{} have to go on serving, so nobody could go",
                    group.total,
                    self.told(label)
                )
            })
            .collect()
    }

    /// Whether a node is of such a group.
    pub(in crate::coordinator::core) fn is_stuck(&self, node: &Node) -> bool {
        let group = self.by_label.get(self.label(node));
        group.is_some_and(|group| self.minimum.least_of(group.total) >= group.total)
    }

    fn label<'n>(&self, node: &'n Node) -> &'n str {
        self.minimum.by.as_ref().and_then(|by| node.stored.labels.get(by)).map_or("", String::as_str)
    }

    fn told(&self, label: &str) -> String {
        match &self.minimum.by {
            None => String::new(),
            Some(by) if label.is_empty() => format!(" without {by}"),
            Some(by) => format!(" of {by} {label}"),
        }
    }
}
