//! What rewriting the messages of a route costs.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How many messages rules were applied to, how large they were before, and how long that took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
    pub(crate) took: Duration,
}

/// That of requests and of responses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Costs {
    pub(crate) requests: Cost,
    pub(crate) responses: Cost,
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dispatch) enum Way {
    Request,
    Response,
}

/// A route's counters of it.
#[derive(Debug, Default)]
pub(super) struct Meters {
    /// Once somebody wants to know: the clock is looked at for nobody else.
    wanted: AtomicBool,
    requests: Meter,
    responses: Meter,
}

#[derive(Debug, Default)]
struct Meter {
    messages: AtomicU64,
    bytes: AtomicU64,
    nanoseconds: AtomicU64,
    /// Of the last small message that was measured.
    small: AtomicU64,
}

impl Cost {
    pub(in crate::dispatch) fn add(&mut self, more: &Self) {
        self.messages += more.messages;
        self.bytes += more.bytes;
        self.took = self.took.saturating_add(more.took);
    }
}

impl Costs {
    pub(super) fn add(&mut self, more: &Self) {
        self.requests.add(&more.requests);
        self.responses.add(&more.responses);
    }
}

impl Meters {
    pub(super) fn want(&self) {
        self.wanted.store(true, Ordering::Relaxed);
    }

    pub(super) fn are_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, way: Way, cost: &Cost) {
        let (meter, took) = (self.meter(way), nanoseconds(cost.took));
        for (count, more) in [(&meter.messages, cost.messages), (&meter.bytes, cost.bytes), (&meter.nanoseconds, took)]
        {
            count.fetch_add(more, Ordering::Relaxed);
        }
    }

    pub(super) fn stands_for(&self, way: Way, each: u64) -> Option<Duration> {
        let meter = self.meter(way);
        let is_due = meter.messages.load(Ordering::Relaxed).is_multiple_of(each);
        let small = meter.small.load(Ordering::Relaxed);
        // Nothing takes no time: none was measured yet.
        (!is_due && small > 0).then(|| Duration::from_nanos(small))
    }

    pub(super) fn measured(&self, way: Way, took: Duration) {
        self.meter(way).small.store(nanoseconds(took).max(1), Ordering::Relaxed);
    }

    fn meter(&self, way: Way) -> &Meter {
        match way {
            Way::Request => &self.requests,
            Way::Response => &self.responses,
        }
    }

    pub(super) fn read(&self) -> Costs {
        Costs { requests: self.requests.read(), responses: self.responses.read() }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Meter {
    fn read(&self) -> Cost {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Cost {
            messages: read(&self.messages),
            bytes: read(&self.bytes),
            took: Duration::from_nanos(read(&self.nanoseconds)),
        }
    }
}
