//! What stands around every schedule: a node that a schedule lets go gets a permit only if none of these says no.
//!
//! | invariant | of what it keeps a node from going |
//! |---|---|
//! | [minimum serving](serving) | fewer nodes of its group would serve than have to |
//! | [skew](skew) | versions of nodes would be further apart than they may |
//! | [routes](routes) | a method that somebody calls would lose its route at the node |
//! | [outstanding permits](outstanding) | a node that was permitted has not come back |

pub(super) mod outstanding;
pub(super) mod routes;
pub(super) mod serving;
pub(super) mod skew;

use super::fleet::{Fleet, Node, Waits};
use super::goals::Step;
use super::{Now, Settings};
use crate::coordinator::micros;
use crate::coordinator::schedule::Limits;

/// The fleet as the invariants see it, in one round.
pub(super) struct Guard {
    serving: serving::Groups,
    skew: skew::Versions,
    routes: routes::Proof,
    outstanding: outstanding::Overdue,
    on: super::Invariants,
}

impl Guard {
    pub(super) fn new(fleet: &Fleet, limits: &Limits, now: Now, settings: &Settings) -> Self {
        let away_after = micros(settings.away_after);
        let mut serving = serving::Groups::new(&limits.minimum_serving, now.monotonic, away_after);
        let mut skew = skew::Versions::new(limits);
        let mut overdue = outstanding::Count::new(now.monotonic, away_after);
        // Nodes are looked at once, for all: in a large fleet that is what a round takes most of its time for.
        for node in fleet.counted() {
            serving.count(node);
            skew.count(fleet, node);
            overdue.count(node);
        }
        Self {
            serving,
            skew,
            routes: routes::Proof::new(fleet, now.watched, micros(settings.callers_kept)),
            outstanding: overdue.into_overdue(),
            on: settings.invariants,
        }
    }

    /// Why a node may not take a step.
    pub(super) fn keeps(&mut self, fleet: &Fleet, node: &Node, step: &Step) -> Option<Waits> {
        let on = self.on;
        let outstanding = || on.outstanding_permits.then(|| self.outstanding.keeps(step)).flatten();
        // Whoever answers nobody before it has come there has no caller to lose, and is no further version to anybody.
        let called = !step.behind || node.report.serving;
        let routes =
            |routes: &mut routes::Proof| (on.routes && called).then(|| routes.keeps(fleet, node, step)).flatten();
        outstanding()
            .or_else(|| routes(&mut self.routes))
            .or_else(|| on.minimum_serving.then(|| self.serving.keeps(node)).flatten())
            .or_else(|| (on.skew && called).then(|| self.skew.keeps(fleet, step)).flatten())
    }

    /// The node takes it.
    pub(super) fn goes(&mut self, fleet: &Fleet, node: &Node, step: &Step) {
        self.serving.goes(node);
        self.skew.goes(fleet, step);
    }

    /// The node has come where it went, and serves there if it did before: for plans.
    pub(super) fn comes(&mut self, fleet: &Fleet, node: &Node, step: &Step) {
        self.serving.comes(node);
        self.skew.comes(fleet, step);
    }

    pub(super) fn proof(&mut self) -> &mut routes::Proof {
        &mut self.routes
    }

    pub(super) fn groups(&self) -> &serving::Groups {
        &self.serving
    }
}
