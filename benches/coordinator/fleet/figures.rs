//! Times, as they are told.

use std::time::Duration;

use serde_json::{Value, json};

/// How long something took: half of the times, 99 of 100, and the longest, in milliseconds.
#[derive(Clone, Copy, Default)]
pub(crate) struct Times {
    pub(crate) median: f64,
    pub(crate) p99: f64,
    pub(crate) longest: f64,
}

impl Times {
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| {
            let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
        };
        Self { median: at(50), p99: at(99), longest: at(100) }
    }

    pub(crate) fn json(self) -> Value {
        json!({ "median_milliseconds": self.median, "p99_milliseconds": self.p99, "longest_milliseconds": self.longest })
    }

    pub(crate) fn of_json(value: &Value) -> Self {
        let number = |name: &str| value[name].as_f64().unwrap_or_default();
        Self {
            median: number("median_milliseconds"),
            p99: number("p99_milliseconds"),
            longest: number("longest_milliseconds"),
        }
    }
}
