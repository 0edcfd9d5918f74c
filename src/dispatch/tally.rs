//! Calls from outside, counted by caller version, method and outcome.
//!
//! Each route has its own counters, so that counting is a handful of additions, and a look at the clock before and after. They only
//! grow: whoever reads them keeps what it has seen, and says the difference. What was counted on the routes of a table that was
//! replaced is added to a sum by the same names once its last call is gone, so there are never more of them than versions and
//! methods that a node has had.

mod costs;
mod counts;
mod known;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use http::{HeaderMap, Response};
use tonic::Status;

use self::costs::Meters;
pub(super) use self::costs::Way;
pub(crate) use self::costs::{Cost, Costs};
use self::counts::Counters;
pub(crate) use self::counts::{Counts, REASONS, bound};
pub(super) use self::known::Tallies;
pub(crate) use self::known::Unrouted;
use super::outcome;
use super::route::Stamp;
use super::table::{RESUME, RESUME_DRAIN};
use crate::refusal::Reason;
use crate::version::Version;
use crate::wire::Body;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answered,
    /// With an error that is the application's, or the node's.
    Failed,
    Refused(Reason),
    /// Its caller went away before the answer's end: nobody knows how it would have ended.
    Gone,
}

/// The calls of one version and method since the node's program began to count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) called: Called,
    pub(crate) counts: Counts,
}

/// What calls are counted by. Sorted by this, wherever they are told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Called {
    /// The label; of a caller without one, the version that it was taken for.
    pub(crate) version: Version,
    pub(crate) unlabelled: bool,
    /// As `/package.Service/Method`.
    pub(crate) method: Arc<str>,
    /// The version that the node ran.
    pub(crate) node: Version,
}

/// What rewriting has cost for callers of one version, while the node ran another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RewriteCosts {
    pub(crate) caller: Version,
    pub(crate) node: Version,
    pub(crate) costs: Costs,
}

/// The counters of a route.
#[derive(Debug)]
pub(crate) struct Tally {
    stamp: Arc<Stamp>,
    method: Arc<str>,
    unary: bool,
    /// When a call was seen last is told from here on.
    made: Instant,
    /// They are made when they are needed: few methods are called in each version, and few callers have no label.
    labelled: OnceLock<Box<Counters>>,
    unlabelled: OnceLock<Box<Counters>>,
    rewriting: Meters,
}

impl Tally {
    pub(super) fn new(stamp: Arc<Stamp>, method: Arc<str>, unary: bool) -> Self {
        let (labelled, unlabelled) = Default::default();
        Self { stamp, method, unary, made: Instant::now(), labelled, unlabelled, rewriting: Meters::default() }
    }

    /// Somebody wants to know what rewriting costs, from now on.
    pub(super) fn measure(&self) {
        self.rewriting.want();
    }

    /// Whether somebody does.
    pub(super) fn measures(&self) -> bool {
        self.rewriting.are_wanted()
    }

    /// Rules were applied to messages.
    pub(super) fn rewrote(&self, way: Way, cost: &Cost) {
        self.rewriting.add(way, cost);
    }

    /// How long a small message took that stands for the next one; none where that is to be measured: the first of so many.
    pub(super) fn stands_for(&self, way: Way, each: u64) -> Option<Duration> {
        self.rewriting.stands_for(way, each)
    }

    /// How long a small message took that was measured.
    pub(super) fn measured(&self, way: Way, took: Duration) {
        self.rewriting.measured(way, took);
    }

    fn counters(&self, unlabelled: bool) -> &Counters {
        if unlabelled { &self.unlabelled } else { &self.labelled }.get_or_init(Box::default)
    }

    /// What rewriting has cost so far.
    pub(super) fn costs(&self) -> Costs {
        self.rewriting.read()
    }

    /// Adds what rewriting has cost so far, if it has cost anything.
    fn add_costs(&self, sums: &mut BTreeMap<(Version, Version), Costs>) {
        let costs = self.costs();
        if costs != Costs::default() {
            sums.entry((self.stamp.caller.clone(), self.stamp.node.clone())).or_default().add(&costs);
        }
    }

    /// What was counted so far.
    fn counted(&self) -> impl Iterator<Item = Counted> {
        let both = [(false, self.labelled.get()), (true, self.unlabelled.get())];
        both.into_iter().filter_map(|(unlabelled, counters)| {
            let called = Called {
                version: self.stamp.caller.clone(),
                unlabelled,
                method: self.method.clone(),
                node: self.stamp.node.clone(),
            };
            Some(Counted { called, counts: counters?.read(self.made) })
        })
    }
}

/// A call that is counted when it ends; one that is dropped before that has lost its caller.
#[derive(Debug)]
pub(super) struct Counting {
    tally: Arc<Tally>,
    unlabelled: bool,
    /// Of unary calls.
    came: Option<Instant>,
    outcome: Outcome,
}

impl Counting {
    /// A call that came at this time, or now.
    pub(super) fn begin(tally: &Arc<Tally>, unlabelled: bool, came: Option<Instant>) -> Self {
        let came = tally.unary.then(|| came.unwrap_or_else(Instant::now));
        tally.counters(unlabelled).begin();
        Self { tally: tally.clone(), unlabelled, came, outcome: Outcome::Gone }
    }

    /// The call was refused before it had an answer to wait for.
    pub(super) fn refused(self, reason: Reason) {
        self.end(Outcome::Refused(reason));
    }

    pub(super) fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.tally.counters(self.unlabelled).end(self.outcome, self.came, self.tally.made);
    }
}

/// How a call has ended whose answer is whole.
pub(super) fn of_whole(response: &Response<Body>) -> Option<Outcome> {
    let body = response.body();
    body.is_whole()
        .then(|| if body.ends_well() { Outcome::Answered } else { of(body.trailers().unwrap_or(response.headers())) })
}

/// How a call has ended, by its trailers.
pub(super) fn of(headers: &HeaderMap) -> Outcome {
    match headers.get(Status::GRPC_STATUS) {
        None => Outcome::Answered,
        Some(status) if status == "0" => Outcome::Answered,
        // The caller goes on with it: nothing has failed.
        Some(_) if headers.get(&RESUME).is_some_and(|resume| resume == RESUME_DRAIN) => Outcome::Answered,
        Some(_) => outcome::refusal_in(headers).map_or(Outcome::Failed, |refusal| Outcome::Refused(refusal.reason())),
    }
}

#[cfg(test)]
mod tests;
