//! Rewrites whose cost is counted, where somebody wants to know it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::at_once::Applied;
use super::{Rewriter, apply};
use crate::dispatch::tally::{Cost, Tally, Way};

/// Of a stream's messages each of so many is measured, and stands for those up to the next: rewriting a small one takes hardly longer
/// than two looks at the clock.
const MEASURED_EACH: u64 = 16;

/// Counts the messages of one call that go one way.
pub(super) struct Metered {
    /// Who keeps count; `None` where nobody wants to know.
    tally: Option<Arc<Tally>>,
    way: Way,
    seen: u64,
    /// How long the last one took that was measured.
    measured: Duration,
    /// What was not added to the tally yet.
    cost: Cost,
}

impl Metered {
    pub(super) fn new(tally: Option<&Arc<Tally>>, way: Way) -> Self {
        let tally = tally.filter(|tally| tally.measures()).cloned();
        Self { tally, way, seen: 0, measured: Duration::ZERO, cost: Cost::default() }
    }

    /// Rewrites a message.
    pub(super) fn apply(&mut self, rewrite: &dyn Rewriter, message: &Bytes) -> Applied {
        if self.tally.is_none() {
            return apply(rewrite, message);
        }
        let is_measured = self.seen.is_multiple_of(MEASURED_EACH);
        self.seen += 1;
        let applied = if is_measured {
            self.tell();
            let begun = Instant::now();
            let applied = apply(rewrite, message);
            self.measured = begun.elapsed();
            applied
        } else {
            apply(rewrite, message)
        };
        self.cost.add(&Cost { messages: 1, bytes: message.len() as u64, took: self.measured });
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
