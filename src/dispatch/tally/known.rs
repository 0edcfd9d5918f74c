//! All counters of a node, whatever its tables were.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::{Called, Costs, Counted, Counts, REASONS, RewriteCosts, Tally};
use crate::refusal::Reason;
use crate::version::Version;

/// The counters of all routes there are and were, once somebody wants to know.
#[derive(Debug, Default)]
pub(in crate::dispatch) struct Tallies {
    known: OnceLock<Mutex<Known>>,
    unrouted: [AtomicU64; REASONS],
    undeclared: AtomicU64,
}

#[derive(Debug, Default)]
struct Known {
    tallies: Vec<Arc<Tally>>,
    /// What was counted by those that are gone.
    gone: BTreeMap<Called, Counts>,
    /// And what their rewrites have cost, by the versions of caller and node.
    gone_costs: BTreeMap<(Version, Version), Costs>,
}

/// Calls that are no calls of a version's method, so that no route can count them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unrouted {
    /// By reason, in the order of [`Reason::ALL`].
    pub(crate) refused: [u64; REASONS],
    /// No version declares what was called.
    pub(crate) undeclared: u64,
}

impl Tallies {
    pub(in crate::dispatch) fn are_wanted(&self) -> bool {
        self.known.get().is_some()
    }

    pub(in crate::dispatch) fn want(&self) {
        self.known.get_or_init(Mutex::default);
    }

    /// Reads these as well, from now on.
    pub(in crate::dispatch) fn add(&self, tallies: impl Iterator<Item = Arc<Tally>>) {
        if let Some(known) = self.known.get() {
            let mut known = lock(known);
            known.sum_up();
            known.tallies.extend(tallies.inspect(|tally| tally.measure()));
        }
    }

    /// Counts a call without a route; no reason where nothing refuses it but that nobody declares it.
    pub(in crate::dispatch) fn unrouted(&self, reason: Option<Reason>) {
        let count = reason.map_or(&self.undeclared, |reason| &self.unrouted[reason.index()]);
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(in crate::dispatch) fn without_route(&self) -> Unrouted {
        Unrouted {
            refused: std::array::from_fn(|reason| self.unrouted[reason].load(Ordering::Relaxed)),
            undeclared: self.undeclared.load(Ordering::Relaxed),
        }
    }

    /// All that was counted so far, sorted.
    pub(in crate::dispatch) fn counted(&self) -> Vec<Counted> {
        let Some(known) = self.known.get() else { return Vec::new() };
        let mut known = lock(known);
        known.sum_up();
        let mut sums = known.gone.clone();
        let counted = known.tallies.iter().flat_map(|tally| tally.counted());
        counted.for_each(|Counted { called, counts }| sums.entry(called).or_default().add(&counts));
        drop(known);
        sums.into_iter().map(|(called, counts)| Counted { called, counts }).collect()
    }

    /// What rewriting has cost so far, sorted by versions; nothing of those between which nothing was rewritten.
    pub(in crate::dispatch) fn rewrite_costs(&self) -> Vec<RewriteCosts> {
        let Some(known) = self.known.get() else { return Vec::new() };
        let mut known = lock(known);
        known.sum_up();
        let mut sums = known.gone_costs.clone();
        known.tallies.iter().for_each(|tally| tally.add_costs(&mut sums));
        drop(known);
        sums.into_iter().map(|((caller, node), costs)| RewriteCosts { caller, node, costs }).collect()
    }
}

impl Known {
    /// Adds up what nobody counts on any more.
    fn sum_up(&mut self) {
        let (gone, gone_costs) = (&mut self.gone, &mut self.gone_costs);
        self.tallies.retain(|tally| {
            if Arc::strong_count(tally) > 1 {
                return true;
            }
            // Whoever had it has let go of it, and what it had counted before that is seen from here on.
            fence(Ordering::Acquire);
            tally.counted().for_each(|Counted { called, counts }| gone.entry(called).or_default().add(&counts));
            tally.add_costs(gone_costs);
            false
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
