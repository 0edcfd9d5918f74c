//! Who calls what: told in batches, each of which is taken exactly once.
//!
//! ```text
//!          it is time, or something is called for the first time         CensusTaken
//!   Counting ───────────────────────────────────────────────> Told ─────────────────> Counting
//!                                                             │   ^
//!                                                             └───┘ Welcome: said again
//! ```

use super::AgentCore;
use crate::control::v1_0_0 as wire;

/// How often to tell at least, where nothing else is said, in microseconds.
pub(in crate::node::agent) const EVERY: u64 = 30_000_000;

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
    /// What was counted was asked for.
    asked: bool,
    /// There is something that should not wait.
    news: bool,
}

#[derive(Debug)]
struct Batch {
    /// As if it was said at this time.
    census: wire::Census,
    at: u64,
}

impl Telling {
    /// When the next batch is due.
    pub(super) fn due(&self) -> Option<u64> {
        let every = self.every.filter(|_| self.told.is_none() && !self.asked)?;
        let at_once = self.news || self.number == 0;
        Some(if at_once { self.from } else { self.from.saturating_add(every) })
    }

    pub(super) fn note_news(&mut self) {
        self.news = true;
    }

    /// What was counted up to this time, or as much of it as found room, becomes the next batch.
    fn close(&mut self, mut census: wire::Census, whole: bool, now: u64) {
        self.number += 1;
        census.number = self.number;
        census.from_ago_microseconds = now.saturating_sub(self.from);
        census.until_ago_microseconds = if whole { 0 } else { census.from_ago_microseconds };
        if whole {
            self.from = now;
        }
        (self.asked, self.news) = (false, !whole);
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

    /// Asks for what was counted, when it is time.
    pub(super) fn tell(&mut self, now: u64) {
        if self.telling.due().is_some_and(|due| due <= now) {
            self.telling.asked = true;
            self.outputs.push(super::Output::Count);
        }
    }

    pub(super) fn counted(&mut self, census: wire::Census, whole: bool, now: u64) {
        if self.telling.every.is_some() {
            self.telling.close(census, whole, now);
            if self.is_attending() {
                self.say_census(now);
            }
        }
    }

    /// Says the batch that nobody has taken, if there is one.
    pub(super) fn say_census(&mut self, now: u64) {
        if let Some(batch) = &self.telling.told {
            let census = batch.at(now);
            self.say(wire::from_agent::Message::Census(census));
        }
    }

    pub(super) fn census_taken(&mut self, number: u64) {
        self.telling.told.take_if(|batch| batch.census.number <= number);
    }
}
