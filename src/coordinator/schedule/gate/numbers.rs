//! Shares and times of counted calls.

use crate::coordinator::view::CallsView;

/// The upper bound of the first count of times, in microseconds; each further one is twice the one before.
const FIRST: f64 = 64.0;

/// Calls of several nodes together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counted {
    answered: u64,
    failed: u64,
    refused: u64,
    latency: Vec<u64>,
    rate: f64,
}

impl Counted {
    pub(super) fn add(&mut self, calls: &CallsView) {
        self.answered = self.answered.saturating_add(calls.answered);
        self.failed = self.failed.saturating_add(calls.failed);
        self.refused = self.refused.saturating_add(calls.refused);
        self.add_latency(&calls.latency);
        let seconds = calls.over.as_secs_f64();
        if seconds > 0.0 {
            let all = calls.answered.saturating_add(calls.failed).saturating_add(calls.refused);
            self.rate += double(all) / seconds;
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.answered = self.answered.saturating_add(other.answered);
        self.failed = self.failed.saturating_add(other.failed);
        self.refused = self.refused.saturating_add(other.refused);
        self.add_latency(&other.latency);
        self.rate += other.rate;
    }

    fn add_latency(&mut self, latency: &[u64]) {
        if self.latency.len() < latency.len() {
            self.latency.resize(latency.len(), 0);
        }
        for (own, other) in self.latency.iter_mut().zip(latency) {
            *own = own.saturating_add(*other);
        }
    }

    /// All calls.
    pub(super) fn calls(&self) -> u64 {
        self.answered.saturating_add(self.failed).saturating_add(self.refused)
    }

    /// Calls whose times are known.
    pub(super) fn timed(&self) -> u64 {
        self.latency.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Calls that `errors` is a share of.
    pub(super) fn tried(&self) -> u64 {
        self.answered.saturating_add(self.failed)
    }

    /// The number that gates call so. Of no calls it is 0.
    pub(super) fn number(&self, name: &str) -> f64 {
        match name {
            "errors" => share(self.failed, self.tried()),
            "refused" => share(self.refused, self.calls()),
            "p50" => self.faster(0.50),
            "p90" => self.faster(0.90),
            "p95" => self.faster(0.95),
            "p99" => self.faster(0.99),
            "calls" => double(self.calls()),
            "rate" => self.rate,
            _ => 0.0,
        }
    }

    /// The time than which this share of the calls was faster, in milliseconds. Within the bounds of a count it is taken as
    /// if times were spread evenly; what is above the last bound, as if it were at most twice that.
    fn faster(&self, share: f64) -> f64 {
        let wanted = share * double(self.timed());
        let (mut below, mut lower, mut upper) = (0.0, 0.0, FIRST);
        for count in &self.latency {
            let count = double(*count);
            if count > 0.0 && below + count >= wanted {
                return (lower + (upper - lower) * ((wanted - below) / count)) / 1000.0;
            }
            below += count;
            (lower, upper) = (upper, upper * 2.0);
        }
        0.0
    }
}

/// Of nothing, it is nothing: never NaN.
pub(super) fn share(of: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { double(of) / double(all) }
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts calls of a minute beyond 2^53")]
pub(super) fn double(count: u64) -> f64 {
    count as f64
}

/// A number as a sentence has it: four digits that mean something.
pub(super) fn shown(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return number.to_string();
    }
    let whole = number.abs().log10().floor();
    let decimals = (3.0 - whole).clamp(0.0, 9.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 9")]
    let text = format!("{number:.*}", decimals as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn counted(answered: u64, failed: u64, refused: u64, latency: &[u64]) -> Counted {
        let mut counted = Counted::default();
        let over = Duration::from_secs(10);
        counted.add(&CallsView { answered, failed, refused, latency: latency.to_vec(), over });
        counted
    }

    #[test]
    fn shares_of_nothing_are_nothing() {
        let none = Counted::default();
        for name in super::super::schema::OF_CALLS {
            assert_eq!(none.number(name).to_bits(), 0.0_f64.to_bits(), "{name}");
        }
    }

    #[test]
    fn errors_are_of_calls_that_were_not_refused() {
        let some = counted(90, 10, 100, &[]);
        assert_eq!(shown(some.number("errors")), "0.1");
        assert_eq!(shown(some.number("refused")), "0.5");
        assert_eq!(shown(some.number("rate")), "20");
    }

    #[test]
    fn times_lie_within_the_bounds_of_their_counts() {
        let even = counted(100, 0, 0, &[100]);
        assert_eq!((shown(even.number("p50")).as_str(), shown(even.number("p99")).as_str()), ("0.032", "0.06336"));
        let slow = counted(100, 0, 0, &[98, 0, 0, 0, 2]);
        assert_eq!((shown(slow.number("p90")).as_str(), shown(slow.number("p99")).as_str()), ("0.05878", "0.768"));
    }

    #[test]
    fn sums_do_not_run_over() {
        let mut most = counted(u64::MAX, u64::MAX, 1, &[u64::MAX, 1]);
        let again = most.clone();
        most.merge(&again);
        assert!(most.number("errors").is_finite() && most.number("p99").is_finite() && most.number("rate").is_finite());
    }

    #[test]
    fn numbers_are_told_with_four_digits() {
        for (number, text) in [(0.0, "0"), (0.034_21, "0.03421"), (1_234.56, "1235"), (2.0, "2"), (1e-12, "0")] {
            assert_eq!(shown(number), text);
        }
    }
}
