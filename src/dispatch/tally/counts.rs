//! Counters of calls, and what is read from them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::Outcome;
use crate::refusal::Reason;

/// So many groups of latencies there are: up to 64 microseconds, up to 128, and so on up to 33.5 s; the last one is all above.
pub(crate) const BUCKETS: usize = 21;
/// So many reasons there are to refuse a call.
pub(crate) const REASONS: usize = Reason::ALL.len();

/// The longest latency of a group; none of the last one.
pub(crate) fn bound(group: usize) -> Option<Duration> {
    (group < BUCKETS - 1).then(|| Duration::from_micros(64 << group))
}

/// How many calls there were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// All of them, with those that go on.
    pub(crate) begun: u64,
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    /// By reason, in the order of [`Reason::ALL`].
    pub(crate) refused: [u64; REASONS],
    /// Their callers went away before the answer's end.
    pub(crate) gone: u64,
    /// How long answers of unary calls took.
    pub(crate) latency: [u64; BUCKETS],
    /// All of these together.
    pub(crate) latency_microseconds: u64,
    /// When one ended last.
    pub(crate) last: Option<Instant>,
}

impl Counts {
    /// Those that were refused, whatever the reason.
    pub(crate) fn refusals(&self) -> u64 {
        self.refused.iter().sum()
    }

    /// Those that have begun and not ended; and those that came and went while it was read.
    pub(crate) fn running(&self) -> u64 {
        self.begun.saturating_sub(self.answered + self.failed + self.refusals() + self.gone)
    }

    /// Adds calls that were counted elsewhere under the same names.
    pub(crate) fn add(&mut self, more: &Self) {
        self.begun += more.begun;
        self.answered += more.answered;
        self.failed += more.failed;
        self.gone += more.gone;
        self.latency_microseconds = self.latency_microseconds.saturating_add(more.latency_microseconds);
        self.refused.iter_mut().zip(more.refused).for_each(|(sum, more)| *sum += more);
        self.latency.iter_mut().zip(more.latency).for_each(|(sum, more)| *sum += more);
        self.last = self.last.max(more.last);
    }

    /// What they have grown by since they were told.
    pub(crate) fn since(&self, told: &Self) -> Self {
        Self {
            begun: self.begun.saturating_sub(told.begun),
            answered: self.answered.saturating_sub(told.answered),
            failed: self.failed.saturating_sub(told.failed),
            refused: std::array::from_fn(|reason| self.refused[reason].saturating_sub(told.refused[reason])),
            gone: self.gone.saturating_sub(told.gone),
            latency: std::array::from_fn(|group| self.latency[group].saturating_sub(told.latency[group])),
            latency_microseconds: self.latency_microseconds.saturating_sub(told.latency_microseconds),
            last: self.last,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    begun: AtomicU64,
    answered: AtomicU64,
    failed: AtomicU64,
    refused: [AtomicU64; REASONS],
    gone: AtomicU64,
    latency: [AtomicU64; BUCKETS],
    latency_microseconds: AtomicU64,
    /// Microseconds since the tally was made, and one: zero is never.
    last: AtomicU64,
}

impl Counters {
    pub(super) fn begin(&self) {
        add(&self.begun, 1);
    }

    /// Counts the end of a call, which came at this time if it is known.
    pub(super) fn end(&self, outcome: Outcome, came: Option<Instant>, made: Instant) {
        let now = Instant::now();
        // Of two that end at once the later one may lose: that is a matter of microseconds.
        self.last.store(microseconds(now.saturating_duration_since(made)).saturating_add(1), Ordering::Relaxed);
        if let Some(came) = came.filter(|_| matches!(outcome, Outcome::Answered | Outcome::Failed)) {
            let took = microseconds(now.saturating_duration_since(came));
            add(&self.latency[bucket(took)], 1);
            add(&self.latency_microseconds, took);
        }
        let of_outcome = match outcome {
            Outcome::Answered => &self.answered,
            Outcome::Failed => &self.failed,
            Outcome::Refused(reason) => &self.refused[reason.index()],
            Outcome::Gone => &self.gone,
        };
        of_outcome.fetch_add(1, Ordering::Release);
    }

    pub(super) fn read(&self, made: Instant) -> Counts {
        // Ends are read before beginnings, so that no call ends that has not begun.
        let ended = |count: &AtomicU64| count.load(Ordering::Acquire);
        let (answered, failed, gone) = (ended(&self.answered), ended(&self.failed), ended(&self.gone));
        let refused = std::array::from_fn(|reason| ended(&self.refused[reason]));
        let last = self.last.load(Ordering::Relaxed);
        Counts {
            begun: self.begun.load(Ordering::Relaxed),
            answered,
            failed,
            refused,
            gone,
            latency: std::array::from_fn(|group| self.latency[group].load(Ordering::Relaxed)),
            latency_microseconds: self.latency_microseconds.load(Ordering::Relaxed),
            last: last.checked_sub(1).and_then(|last| made.checked_add(Duration::from_micros(last))),
        }
    }
}

fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn bucket(microseconds: u64) -> usize {
    // The number of bits beyond the first six of what is just not in the group below.
    let bits = u64::BITS - (microseconds.saturating_sub(1) >> 6).leading_zeros();
    (bits as usize).min(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_fall_into_groups_that_double() {
        for (microseconds, group) in [
            (0, 0),
            (1, 0),
            (64, 0),
            (65, 1),
            (128, 1),
            (129, 2),
            (256, 2),
            (1_000, 4),
            (64 << 19, 19),
            ((64 << 19) + 1, 20),
            (u64::MAX, 20),
        ] {
            assert_eq!(bucket(microseconds), group, "{microseconds}");
            let within = bound(group).is_none_or(|bound| Duration::from_micros(microseconds) <= bound);
            let beyond =
                group == 0 || bound(group - 1).is_some_and(|bound| Duration::from_micros(microseconds) > bound);
            assert!(within && beyond, "{microseconds} in {group}");
        }
    }
}
