//! Who calls what: told in batches, each of which is taken exactly once.
//!
//! ```text
//!          it is time, or something is called for the first time         CensusTaken
//!   Counting ───────────────────────────────────────────────> Told ─────────────────> Counting
//!                                                             │   ^
//!                                                             └───┘ a stream begins: said again, when it is the node's turn
//! ```

use super::AgentCore;
use crate::census::TOLD_EACH;
use crate::control::v1_0_0 as wire;

/// How often to tell at least, where nothing else is said, in microseconds.
pub(in crate::node::agent) const EVERY: u64 = TOLD_EACH.as_secs() * 1_000_000;
/// While callers are left to be told: so many times as often.
const LEFT_TIMES: u64 = 8;

#[derive(Debug, Default)]
pub(super) struct Telling {
    /// How often to tell at least, in microseconds; none: nobody counts.
    every: Option<u64>,
    /// Of the newest batch.
    number: u64,
    /// Where the time of the next one begins.
    from: u64,
    /// Not taken yet.
    told: Option<Batch>,
    /// That one was said on this stream.
    said: bool,
    /// When the node's turn comes on this stream.
    turn: u64,
    /// What was counted was asked for.
    asked: bool,
    /// What to hurry for.
    hurry: Hurry,
}

/// How soon the next batch is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Hurry {
    /// When it is time.
    #[default]
    No,
    /// Callers are left to be told.
    Left,
    /// There is something that should not wait.
    News,
}

#[derive(Debug)]
struct Batch {
    /// As if it was said at this time.
    census: wire::Census,
    at: u64,
}

impl Telling {
    /// When there is something to tell.
    pub(super) fn due(&self) -> Option<u64> {
        let every = self.every?;
        let due = match &self.told {
            Some(_) => (!self.said).then_some(self.turn),
            None if self.asked => None,
            None if self.hurry == Hurry::News || self.number == 0 => Some(self.from),
            None if self.hurry == Hurry::Left => Some(self.from.saturating_add(every / LEFT_TIMES)),
            None => Some(self.from.saturating_add(every)),
        };
        due.map(|due| due.max(self.turn))
    }

    pub(super) fn note_news(&mut self) {
        self.hurry = Hurry::News;
    }

    /// A stream begins, on which the node's turn comes at this time.
    pub(super) fn begin(&mut self, turn: u64) {
        (self.turn, self.said) = (turn, false);
    }

    /// What was counted up to this time, or as much of it as found room, becomes the next batch.
    fn close(&mut self, mut census: wire::Census, whole: bool, left: bool, now: u64) {
        self.number += 1;
        census.number = self.number;
        census.from_ago_microseconds = now.saturating_sub(self.from);
        census.until_ago_microseconds = if whole { 0 } else { census.from_ago_microseconds };
        if whole {
            self.from = now;
        }
        self.hurry = match (whole, left) {
            (false, _) => Hurry::News,
            (true, true) => Hurry::Left,
            (true, false) => Hurry::No,
        };
        (self.asked, self.said) = (false, false);
        self.told = Some(Batch { census, at: now });
    }
}

impl Batch {
    /// The same, as it is to be said now: all of it was so much longer ago.
    fn at(&self, now: u64) -> wire::Census {
        let mut census = self.census.clone();
        let later = now.saturating_sub(self.at);
        let ends = [&mut census.from_ago_microseconds, &mut census.until_ago_microseconds];
        let methods = census.methods.iter_mut().map(|called| &mut called.last_ago_microseconds);
        let callers = census.callers.iter_mut().map(|calls| &mut calls.last_ago_microseconds);
        for ago in ends.into_iter().chain(methods).chain(callers) {
            *ago = ago.saturating_add(later);
        }
        census
    }
}

impl AgentCore {
    /// Who calls is counted, from the beginning of the agent's clock on: it is to be told, at least each so many microseconds.
    #[must_use]
    pub fn counting(mut self, every: u64) -> Self {
        self.telling.every = Some(every);
        self
    }

    /// Says what is to be said, or asks for what was counted, when it is time.
    pub(super) fn tell(&mut self, now: u64) {
        if self.telling.due().is_none_or(|due| due > now) {
            return;
        }
        if self.telling.told.is_some() {
            self.say_census(now);
        } else {
            self.telling.asked = true;
            self.outputs.push(super::Output::Count);
        }
    }

    pub(super) fn counted(&mut self, census: wire::Census, whole: bool, left: bool, now: u64) {
        if self.telling.every.is_none() {
            return;
        }
        // The last ones wait neither for their turn nor for each other.
        self.say_census(now);
        self.telling.close(census, whole, left, now);
        self.say_census(now);
    }

    pub(super) fn census_taken(&mut self, number: u64) {
        self.telling.told.take_if(|batch| batch.census.number <= number);
    }

    /// Says the batch that nobody has taken, if there is one that was not said on this stream.
    fn say_census(&mut self, now: u64) {
        if !self.is_attending() || self.telling.said {
            return;
        }
        if let Some(batch) = &self.telling.told {
            let census = batch.at(now);
            self.telling.said = true;
            self.say(wire::from_agent::Message::Census(census));
        }
    }
}
