//! What the coordinator wants to be retired.

use super::{AGAIN, AgentCore, Output, longer};
use crate::control::v1_0_0 as wire;

/// What the node was told, and whether it does that.
#[derive(Debug, Default)]
pub(super) struct Retiring {
    /// What the node was told last by this program, until it has failed.
    told: Option<wire::Retiring>,
    /// The node is at it.
    under_way: bool,
    /// Why it does not do all of it, when to tell it again, and how long was waited for that.
    failed: Option<(String, u64, u64)>,
}

impl Retiring {
    /// Why the node does not do what it was told last.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failed.as_ref().map(|(why, ..)| why.as_str())
    }

    /// When it is to be told again.
    pub(super) fn due(&self) -> Option<u64> {
        self.failed.as_ref().filter(|_| !self.under_way).map(|(_, again, _)| *again)
    }
}

impl AgentCore {
    /// Tells the node what is wanted, if that is news to it, or it has failed before.
    pub(super) fn retire(&mut self, now: u64) {
        let Some(wanted) = self.goal.as_ref().and_then(|goal| goal.retiring.clone()) else { return };
        let is_news = self.retiring.told.as_ref() != Some(&wanted);
        let is_due = self.retiring.due().is_some_and(|again| again <= now);
        if self.retiring.under_way || !is_news && !is_due {
            return;
        }
        self.retiring.told = Some(wanted.clone());
        self.retiring.under_way = true;
        self.outputs.push(Output::Retire(wanted));
    }

    /// The node does it, or has said why not.
    pub(super) fn retired(&mut self, result: Result<(), String>, now: u64) {
        let wait = self.retiring.failed.take().map_or(AGAIN, |(_, _, wait)| wait);
        self.retiring.under_way = false;
        self.retiring.failed = result.err().map(|why| (why, now.saturating_add(wait), longer(wait)));
        // How much of it is in force, the node is to say.
        self.reporting.outdate();
    }
}
