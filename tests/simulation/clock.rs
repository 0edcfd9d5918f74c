//! Clocks that do not agree: each runs at a rate of its own, and walls jump.

use straddle::coordinator::core::Now;

/// A second, in microseconds of the simulation's own time.
pub(crate) const SECOND: u64 = 1_000_000;

/// A process's clocks, as seen from the simulation's time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// Millionths of what true time does, beside it.
    skew: i64,
    /// When the process began.
    began: u64,
    /// How far its wall clock is off.
    pub(crate) wall_off: i64,
}

impl Clock {
    pub(crate) fn new(random: &mut fastrand::Rng, began: u64) -> Self {
        let wall_off = random.i64(-3_600..3_600) * 1_000_000;
        Self { skew: random.i64(-20_000..20_000), began, wall_off }
    }

    /// The monotonic clock: its origin says nothing.
    pub(crate) fn monotonic(&self, time: u64) -> u64 {
        self.local(time - self.began) + 5 * SECOND
    }

    pub(crate) fn now(&self, time: u64) -> Now {
        Now::new(self.monotonic(time), self.wall(time))
    }

    /// What the wall clock shows, in microseconds since 1970.
    pub(crate) fn wall(&self, time: u64) -> u64 {
        // 2026-01-01.
        let wall = 1_767_225_600_000_000i64 + time.cast_signed() + self.wall_off;
        wall.cast_unsigned()
    }

    /// How long a time of this clock is in truth, rounded up.
    pub(crate) fn true_time(&self, local: u64) -> u64 {
        let truth = i128::from(local) * 1_000_000 / i128::from(1_000_000 + self.skew);
        u64::try_from(truth).expect("a time") + 1
    }

    /// How long a true time is on this clock.
    pub(crate) fn local(&self, truth: u64) -> u64 {
        let local = i128::from(truth) * i128::from(1_000_000 + self.skew) / 1_000_000;
        u64::try_from(local).expect("a time")
    }
}
