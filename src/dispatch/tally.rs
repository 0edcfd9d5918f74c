//! Calls from outside, counted by caller version, method and outcome.
//!
//! Each route has its own counters, so that counting is two additions, and a look at the clock before and after. Whoever
//! collects them takes them away. What is counted on the routes of a table that was replaced is collected until its last call
//! is gone. Calls whose callers have gone away before the answer's end are not counted: nobody knows how they would have ended.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use http::{HeaderMap, Response};
use tonic::Status;

use super::outcome;
use super::route::Stamp;
use super::table::{RESUME, RESUME_DRAIN};
use crate::version::Version;
use crate::wire::Body;

/// So many groups of latencies there are: up to 64 microseconds, up to 128, and so on up to 33.5 s; the last one is all above.
pub(crate) const BUCKETS: usize = 21;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answered,
    /// With an error that is the application's, or the node's.
    Failed,
    Refused,
}

/// The calls of one version and method since they were collected last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    /// The label; of a caller without one, the version that it was taken for.
    pub(crate) version: Version,
    pub(crate) unlabelled: bool,
    /// As `/package.Service/Method`.
    pub(crate) method: Arc<str>,
    /// The version that the node ran.
    pub(crate) node: Version,
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    pub(crate) refused: u64,
    /// How long answers of unary calls took.
    pub(crate) latency: [u64; BUCKETS],
}

/// The counters of a route.
#[derive(Debug)]
pub(crate) struct Tally {
    stamp: Arc<Stamp>,
    method: Arc<str>,
    unary: bool,
    /// They are made when they are needed: few methods are called in each version, and few callers have no label.
    labelled: OnceLock<Box<Counts>>,
    unlabelled: OnceLock<Box<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    answered: AtomicU64,
    failed: AtomicU64,
    refused: AtomicU64,
    latency: [AtomicU64; BUCKETS],
}

impl Tally {
    pub(super) fn new(stamp: Arc<Stamp>, method: Arc<str>, unary: bool) -> Self {
        Self { stamp, method, unary, labelled: OnceLock::new(), unlabelled: OnceLock::new() }
    }

    fn add(&self, unlabelled: bool, outcome: Outcome, came: Option<Instant>) {
        let counts = if unlabelled { &self.unlabelled } else { &self.labelled }.get_or_init(Box::default);
        let of_outcome = match outcome {
            Outcome::Answered => &counts.answered,
            Outcome::Failed => &counts.failed,
            Outcome::Refused => &counts.refused,
        };
        of_outcome.fetch_add(1, Ordering::Relaxed);
        if let Some(came) = came.filter(|_| outcome != Outcome::Refused) {
            let microseconds = u64::try_from(came.elapsed().as_micros()).unwrap_or(u64::MAX);
            counts.latency[bucket(microseconds)].fetch_add(1, Ordering::Relaxed);
        }
    }

    fn take(&self) -> impl Iterator<Item = Counted> {
        let both = [(false, self.labelled.get()), (true, self.unlabelled.get())];
        both.into_iter().filter_map(|(unlabelled, counts)| self.taken(unlabelled, counts?))
    }

    fn taken(&self, unlabelled: bool, counts: &Counts) -> Option<Counted> {
        let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        let (answered, failed, refused) = (take(&counts.answered), take(&counts.failed), take(&counts.refused));
        let (version, node) = (self.stamp.caller.clone(), self.stamp.node.clone());
        let method = self.method.clone();
        let latency = std::array::from_fn(|index| take(&counts.latency[index]));
        (answered + failed + refused > 0).then_some(Counted {
            version,
            unlabelled,
            method,
            node,
            answered,
            failed,
            refused,
            latency,
        })
    }
}

/// The counters of all routes there are, once somebody wants to know.
#[derive(Debug, Default)]
pub(super) struct Tallies(OnceLock<Mutex<Vec<Arc<Tally>>>>);

impl Tallies {
    pub(super) fn are_wanted(&self) -> bool {
        self.0.get().is_some()
    }

    pub(super) fn want(&self) {
        self.0.get_or_init(Mutex::default);
    }

    /// Collects from these routes as well, from now on.
    pub(super) fn add(&self, tallies: impl Iterator<Item = Arc<Tally>>) {
        if let Some(known) = self.0.get() {
            lock(known).extend(tallies);
        }
    }

    /// Takes away what was counted.
    pub(super) fn take(&self) -> Vec<Counted> {
        let Some(known) = self.0.get() else { return Vec::new() };
        let mut counted = Vec::new();
        lock(known).retain(|tally| {
            // Looked at before it is emptied: where nobody else has it, nothing comes after that.
            let counts_on = Arc::strong_count(tally) > 1;
            counted.extend(tally.take());
            counts_on
        });
        counted
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A call that is counted when it ends.
#[derive(Debug)]
pub(super) struct Counting {
    tally: Arc<Tally>,
    unlabelled: bool,
    /// Of unary calls.
    came: Option<Instant>,
}

impl Counting {
    /// A call that came at this time, or now.
    pub(super) fn begin(tally: &Arc<Tally>, unlabelled: bool, came: Option<Instant>) -> Self {
        let came = tally.unary.then(|| came.unwrap_or_else(Instant::now));
        Self { tally: tally.clone(), unlabelled, came }
    }

    /// The call was refused before it had an answer to wait for.
    pub(super) fn refused(self) {
        self.end(Outcome::Refused);
    }

    /// Counts a call whose answer is whole; else it is to be counted at the end of its body.
    pub(super) fn answered(self, response: &Response<Body>) -> Option<Self> {
        let body = response.body();
        if !body.is_whole() {
            return Some(self);
        }
        let outcome =
            if body.ends_well() { Outcome::Answered } else { of(body.trailers().unwrap_or(response.headers())) };
        self.end(outcome);
        None
    }

    /// Counts a call whose body has come to its end, with these trailers.
    pub(super) fn ended(self, trailers: Option<&HeaderMap>) {
        self.end(trailers.map_or(Outcome::Answered, of));
    }

    /// Counts a call whose body has broken off.
    pub(super) fn failed(self) {
        self.end(Outcome::Failed);
    }

    fn end(self, outcome: Outcome) {
        self.tally.add(self.unlabelled, outcome, self.came);
    }
}

fn of(headers: &HeaderMap) -> Outcome {
    match headers.get(Status::GRPC_STATUS) {
        None => Outcome::Answered,
        Some(status) if status == "0" => Outcome::Answered,
        // The caller goes on with it: nothing has failed.
        Some(_) if headers.get(&RESUME).is_some_and(|resume| resume == RESUME_DRAIN) => Outcome::Answered,
        Some(_) if outcome::refusal_in(headers).is_some() => Outcome::Refused,
        Some(_) => Outcome::Failed,
    }
}

fn bucket(microseconds: u64) -> usize {
    // The number of bits beyond the first six of what is just not in the group below.
    let bits = u64::BITS - (microseconds.saturating_sub(1) >> 6).leading_zeros();
    (bits as usize).min(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Refusal;

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
        }
    }

    #[test]
    fn refusals_are_no_failures_and_neither_are_streams_that_go_on() {
        let told = |status: Status| {
            let (parts, ()) = status.into_http::<()>().into_parts();
            parts.headers
        };
        for (headers, outcome) in [
            (HeaderMap::new(), Outcome::Answered),
            (told(Status::ok("")), Outcome::Answered),
            (told(Status::not_found("no")), Outcome::Failed),
            (told(Status::unavailable("no")), Outcome::Failed),
            (told(outcome::drained()), Outcome::Answered),
            (told(outcome::cut()), Outcome::Failed),
            (told(Refusal::disallowed("no").into()), Outcome::Refused),
            (told(Refusal::lossy("item", "no").after_run().into()), Outcome::Refused),
        ] {
            assert_eq!(of(&headers), outcome, "{headers:?}");
        }
    }
}
