//! Before a permit is asked for: the node does all that it can do while it serves, so that the permit's time is for the rest.

use super::moves::Wanted;
use super::{AgentCore, Output, longer, version};

/// How long to wait before what failed is tried again, at first: microseconds.
const AGAIN: u64 = 5_000_000;

/// A move that the node gets ready for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The version that it leads to.
    pub to: String,
    /// It is a rollback.
    pub back: bool,
    /// What cannot be carried back may be given up.
    pub accept_loss: bool,
}

/// How ready the node is.
#[derive(Debug, Default)]
pub(super) struct Ready {
    /// Its program has something to do ahead of moves.
    gets: bool,
    /// For this a permit may be asked: all is done, or could not be, which the move itself will tell.
    is: Option<Step>,
    under_way: Option<Step>,
    /// When what failed is tried again, and how long to wait after that.
    again: u64,
    wait: u64,
}

impl AgentCore {
    /// The node gets [ready](Output::GetReady) before each request. Without this it asks at once.
    #[must_use]
    pub fn getting_ready(mut self) -> Self {
        self.ready.gets = true;
        self
    }

    /// Whether the node may ask to go there now. Brings it to get ready, and, with each report, to catch up.
    pub(super) fn is_ready_for(&mut self, wanted: Option<&Wanted>, along: bool, now: u64) -> bool {
        let Some(wanted) = wanted else {
            self.stand_down();
            return false;
        };
        // Of a node that the application holds nothing is known until it is let go.
        if !self.ready.gets || self.reporting.node().held.is_some() {
            return true;
        }
        let back = version(&wanted.to) < version(&wanted.from);
        let accept_loss = back && self.goal.as_ref().is_some_and(|goal| goal.accept_loss);
        let step = Step { to: wanted.to.clone(), back, accept_loss };
        let is = self.ready.is.as_ref() == Some(&step);
        if self.ready.under_way.is_none() && (!is || (along && self.ready.again <= now)) {
            self.ready.under_way = Some(step.clone());
            self.outputs.push(Output::GetReady(step));
        }
        is
    }

    /// What was made is of no use where the node is to stay.
    fn stand_down(&mut self) {
        let stays = self.goal.as_ref().is_some_and(|goal| !goal.paused) && self.is_still() && self.reporting.is_fresh();
        if stays && self.ready.under_way.is_none() && self.ready.is.take().is_some() {
            self.outputs.push(Output::StandDown);
        }
    }

    /// The node is ready, or could not get so.
    pub(super) fn got_ready(&mut self, done: bool, now: u64) {
        let ready = &mut self.ready;
        let Some(step) = ready.under_way.take() else { return };
        if done {
            (ready.again, ready.wait) = (0, 0);
        } else {
            let wait = ready.wait.max(AGAIN);
            (ready.again, ready.wait) = (now.saturating_add(wait), longer(wait));
        }
        ready.is = Some(step);
    }

    /// A move has used what was ready.
    pub(super) fn used_ready(&mut self) {
        let ready = &mut self.ready;
        (ready.is, ready.again, ready.wait) = (None, 0, 0);
    }
}
