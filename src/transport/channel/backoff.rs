//! When to try again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long to wait between attempts: `base`, then `factor` times as long after each further failure, up to `cap`,
/// each more or less by a random part of up to `jitter`.
///
/// The shape is that of gRPC's connection backoff. No wait is shorter than 1 ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The first wait. Default: 50 ms.
    pub base: Duration,
    /// What each further wait is multiplied by; less than 1 counts as 1. Default: 1.6.
    pub factor: f64,
    /// The part of a wait, 0 to 1, by which it may be longer or shorter. Default: 0.2.
    pub jitter: f64,
    /// The longest wait, before jitter. Default: 2 s.
    pub cap: Duration,
}

/// Keeps settings of zero from asking a closed port as fast as the processor can.
const SHORTEST: Duration = Duration::from_millis(1);

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_millis(50), factor: 1.6, jitter: 0.2, cap: Duration::from_secs(2) }
    }
}

impl Backoff {
    /// The wait after so many failures in a row, the first of which counts as 1.
    pub(super) fn after(&self, failures: u32, random: &Mutex<fastrand::Rng>) -> Duration {
        let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
        let wait = self.base.as_secs_f64() * self.factor.max(1.0).powi(exponent);
        let wait = wait.min(self.cap.as_secs_f64());
        let random = random.lock().unwrap_or_else(PoisonError::into_inner).f64();
        let wait = wait * (1.0 + self.jitter.clamp(0.0, 1.0) * (2.0 * random - 1.0));
        // Settings that are no number wait as long as the cap says.
        Duration::try_from_secs_f64(wait).unwrap_or(self.cap).max(SHORTEST)
    }
}

/// Spaces attempts out over all calls: a second's worth at once, then one each `interval`.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    burst: Duration,
    /// When the attempts that were let through would have come, had they been spaced evenly.
    even: Mutex<Option<Instant>>,
}

impl Pace {
    pub(super) fn new(per_second: u32) -> Self {
        let per_second = per_second.max(1);
        let interval = Duration::from_secs(1) / per_second;
        Self { interval, burst: interval * (per_second - 1), even: Mutex::new(None) }
    }

    /// When one more attempt may be made.
    pub(super) fn next(&self, now: Instant) -> Instant {
        let mut even = self.even.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = even.map_or(now, |even| even.max(now));
        *even = Some(slot + self.interval);
        slot.checked_sub(self.burst).map_or(now, |earliest| earliest.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_by_the_factor_up_to_the_cap() {
        let backoff = Backoff { jitter: 0.0, factor: 2.0, ..Backoff::default() };
        let random = Mutex::new(fastrand::Rng::with_seed(1));
        let waits: Vec<_> = (1..=8).map(|failures| backoff.after(failures, &random).as_millis()).collect();
        assert_eq!(waits, [50, 100, 200, 400, 800, 1600, 2000, 2000]);
        assert_eq!(backoff.after(u32::MAX, &random), backoff.cap);
    }

    #[test]
    fn jitter_stays_within_its_part_and_the_same_seed_gives_the_same_waits() {
        let backoff = Backoff { factor: 1.0, jitter: 0.5, ..Backoff::default() };
        let waits = |seed| {
            let random = Mutex::new(fastrand::Rng::with_seed(seed));
            (0..100).map(|_| backoff.after(1, &random)).collect::<Vec<_>>()
        };
        assert_eq!(waits(7), waits(7));
        assert_ne!(waits(7), waits(8));
        assert!(waits(7).iter().all(|wait| (25..=75).contains(&wait.as_millis())));
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_s_worth_of_attempts_passes_at_once_and_the_rest_is_spaced() {
        let pace = Pace::new(10);
        let now = Instant::now();
        let waits: Vec<_> = (0..13).map(|_| (pace.next(now) - now).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 200, 300]);
        let later = now + Duration::from_secs(10);
        assert_eq!(pace.next(later), later);
    }
}
