//! Some nodes at once.

use std::sync::Arc;

use super::fleet::{Standing, doing, nodes, standing, urgency};
use super::share::Share;
use super::{Clock, Decision, Round, Schedule};
use crate::coordinator::view::{NodeView, View};

/// At most so many nodes at once. A node keeps its place until it has come and serves; one that failed keeps it until it comes
/// or is forgotten, so that failures stop the upgrade rather than spread. On the way back failures keep no place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rolling {
    /// Of all nodes of the protocol; a share is rounded down, and is one node at least.
    pub(super) at_once: Share,
}

impl Schedule for Rolling {
    fn round<'a>(&'a self, view: &'a View, _clock: Clock, _seed: u64) -> Box<dyn Round + 'a> {
        let most = self.at_once.rounded_down(view.nodes.len()).max(1);
        let mut round = RollingRound { view, most, taken: 0, holder: None, full: None };
        for (at, node) in view.nodes.iter().enumerate() {
            let standing = standing(view, node);
            if matches!(standing, Standing::Moves | Standing::Failed | Standing::Settling) {
                round.taken += 1;
                let urgency = urgency(standing, node);
                if round.holder.is_none_or(|(most, _)| urgency > most) {
                    round.holder = Some((urgency, at));
                }
            }
        }
        Box::new(round)
    }
}

struct RollingRound<'a> {
    view: &'a View,
    most: usize,
    taken: usize,
    /// Whom to name when all places are taken.
    holder: Option<(u8, usize)>,
    full: Option<Arc<str>>,
}

impl RollingRound<'_> {
    fn why(&self) -> Arc<str> {
        let Self { most, .. } = self;
        let holder = self.holder.and_then(|(_, at)| self.view.nodes.get(at));
        let of = holder.map_or_else(String::new, |node| format!(" (of {})", doing(standing(self.view, node), node)));
        match most {
            1 => format!("one node goes at a time, and the place is taken{of}").into(),
            _ => format!("at most {most} {} go at once, and the places are taken{of}", nodes(*most)).into(),
        }
    }
}

impl Round for RollingRound<'_> {
    fn decide(&mut self, _at: usize, node: &NodeView) -> Decision {
        let own = usize::from(standing(self.view, node) == Standing::Failed);
        if self.taken - own < self.most {
            return Decision::Go;
        }
        if self.full.is_none() {
            self.full = Some(self.why());
        }
        self.full.as_ref().map_or(Decision::Go, |why| Decision::wait(Arc::clone(why)))
    }

    fn goes(&mut self, at: usize, node: &NodeView) {
        if standing(self.view, node) != Standing::Failed {
            self.taken += 1;
            self.full = None;
            self.holder = self.holder.or(Some((0, at)));
        }
    }
}
