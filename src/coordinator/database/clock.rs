//! The clock that leases are counted on.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A clock that never goes back. Where it begins means nothing.
pub trait Clock: Send + Sync + 'static {
    /// How long it has gone.
    fn now(&self) -> Duration;
}

/// The clock of the machine, from when it was made.
#[derive(Debug)]
pub struct Monotonic(Instant);

impl Default for Monotonic {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Monotonic {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A clock that goes only when it is told to, for tests and simulations.
#[derive(Debug, Default)]
pub struct Wound(Mutex<Duration>);

impl Wound {
    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        let mut now = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now = now.saturating_add(time);
    }
}

impl Clock for Wound {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
