//! Rewrites whose cost is counted, where somebody wants to know it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::at_once::Applied;
use super::{Rewriter, apply};
use crate::dispatch::tally::{Cost, Tally, Way};

/// Of small messages each of so many is measured, and stands for those up to the next: rewriting one takes hardly longer than two looks
/// at the clock.
const MEASURED_EACH: u64 = 16;
/// A message of so many bytes is measured by itself.
const LARGE: usize = 4096;

/// Counts the messages of one call that go one way.
pub(super) struct Metered {
    /// Who keeps count; `None` where nobody wants to know.
    tally: Option<Arc<Tally>>,
    way: Way,
    seen: u64,
    /// How long the last small one took that was measured, of this call or of one before.
    small: Duration,
    /// What was not added to the tally yet.
    cost: Cost,
}

impl Metered {
    pub(super) fn new(tally: Option<&Arc<Tally>>, way: Way) -> Self {
        let tally = tally.filter(|tally| tally.measures()).cloned();
        Self { tally, way, seen: 0, small: Duration::ZERO, cost: Cost::default() }
    }

    /// Rewrites a message.
    pub(super) fn apply(&mut self, rewrite: &dyn Rewriter, message: &Bytes) -> Applied {
        let Some(tally) = &self.tally else { return apply(rewrite, message) };
        let is_small = message.len() < LARGE;
        let is_due = if self.seen > 0 {
            self.seen.is_multiple_of(MEASURED_EACH)
        } else if let Some(stands) = tally.stands_for(self.way, MEASURED_EACH) {
            self.small = stands;
            false
        } else {
            true
        };
        self.seen += 1;
        let (applied, took) = if is_due || !is_small {
            let begun = Instant::now();
            let applied = apply(rewrite, message);
            let took = begun.elapsed();
            if is_small {
                tally.measured(self.way, took);
                self.small = took;
            }
            (applied, took)
        } else {
            (apply(rewrite, message), self.small)
        };
        if is_due {
            self.tell();
        }
        self.cost.add(&Cost { messages: 1, bytes: message.len() as u64, took });
        applied
    }

    fn tell(&mut self) {
        let cost = std::mem::take(&mut self.cost);
        if let Some(tally) = self.tally.as_ref().filter(|_| cost.messages > 0) {
            tally.rewrote(self.way, &cost);
        }
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        self.tell();
    }
}
