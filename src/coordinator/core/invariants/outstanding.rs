//! Outstanding permits: while a node that was permitted has not come back, and its time is over, nobody else goes on.
//!
//! Time never ends a permit here: the node may be in the middle of its move, unheard. It ends when the node says so, or is
//! forgotten. Going back goes on: it is what helps when a new version brings nodes down, and the other invariants hold it.

use crate::coordinator::core::fleet::{Node, Waits};
use crate::coordinator::core::goals::Step;

/// A node that was permitted and is not heard.
pub(in crate::coordinator::core) struct Overdue(Option<Waits>);

/// Such nodes, until all were counted.
pub(super) struct Count<'f> {
    now: u64,
    away_after: u64,
    first: Option<&'f Node>,
    others: usize,
}

impl<'f> Count<'f> {
    pub(super) fn new(now: u64, away_after: u64) -> Self {
        Self { now, away_after, first: None, others: 0 }
    }

    pub(super) fn count(&mut self, node: &'f Node) {
        let Some(permit) = &node.permit else { return };
        // What another coordinator has permitted may have been underway for any time.
        let over =
            permit.session.is_none() || permit.since.saturating_add(permit.stored.within_microseconds) < self.now;
        if over && !node.connected(self.now, self.away_after) {
            self.others += usize::from(self.first.is_some());
            self.first = self.first.or(Some(node));
        }
    }

    pub(super) fn into_overdue(self) -> Overdue {
        let permitted = self.first.and_then(|node| Some((node.name(), node.permit.as_ref()?)));
        let Some((name, permit)) = permitted else { return Overdue(None) };
        let others = match self.others {
            0 => String::new(),
            more => format!(", nor have {more} others"),
        };
        let to = &permit.stored.to;
        let what = format!("{name} was permitted to go to {to}, and has not been heard since{others}");
        let advice =
            format!("see to {name}; if it is gone for good: {}", self.first.map(Node::forget).unwrap_or_default());
        Overdue(Some(Waits::new("outstanding-permit", what, advice)))
    }
}

impl Overdue {
    pub(super) fn keeps(&self, step: &Step) -> Option<Waits> {
        self.0.clone().filter(|_| !step.back)
    }
}
