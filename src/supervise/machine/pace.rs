//! How soon a program is started again.

use std::collections::VecDeque;
use std::time::Duration;

use fastrand::Rng;

use super::{Limits, Time};

/// Crashes that count, and waits that double, each between half of itself and all of it: programs that crashed together are
/// not started together.
pub(super) struct Pace {
    limits: Limits,
    random: Rng,
    crashes: VecDeque<Time>,
    waits: u32,
}

impl Pace {
    pub(super) fn new(limits: Limits, seed: u64) -> Self {
        Self { limits, random: Rng::with_seed(seed), crashes: VecDeque::new(), waits: 0 }
    }

    /// Counts a crash, and says whether that are too many within the window.
    pub(super) fn crashed(&mut self, now: Time) -> bool {
        self.crashes.push_back(now);
        while self.crashes.front().is_some_and(|first| now.saturating_sub(*first) > self.limits.window) {
            self.crashes.pop_front();
        }
        if self.crashes.len() == 1 {
            // The last one is long ago.
            self.waits = 0;
        }
        while self.crashes.len() > self.limits.crashes {
            self.crashes.pop_front();
        }
        self.crashes.len() >= self.limits.crashes
    }

    /// How long to wait now.
    pub(super) fn wait(&mut self) -> Duration {
        let doubled = self.limits.first_wait.saturating_mul(1 << self.waits.min(20));
        self.waits += 1;
        doubled.min(self.limits.longest_wait).mul_f64(0.5 + self.random.f64() / 2.0)
    }

    pub(super) fn crashes(&self) -> usize {
        self.crashes.len()
    }

    /// Something else begins: crashes before do not count for it.
    pub(super) fn forget(&mut self) {
        self.crashes.clear();
        self.waits = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        let second = Duration::from_secs(1);
        let (first_wait, longest_wait) = (second / 10, second * 30);
        Limits { ready: second, stop: second, crashes: 3, window: second * 60, first_wait, longest_wait }
    }

    #[test]
    fn waits_double_up_to_the_longest_and_are_never_less_than_half() {
        let mut pace = Pace::new(limits(), 7);
        for doubled in [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000] {
            let (wait, doubled) = (pace.wait(), Duration::from_millis(doubled));
            assert!(doubled / 2 <= wait && wait <= doubled, "{wait:?} of {doubled:?}");
        }
    }

    #[test]
    fn crashes_count_only_within_the_window() {
        let at = Duration::from_secs;
        let mut pace = Pace::new(limits(), 7);
        assert_eq!([0, 59, 61, 62].map(|second| pace.crashed(at(second))), [false, false, false, true]);
        pace.forget();
        assert!(!pace.crashed(at(63)));
    }
}
