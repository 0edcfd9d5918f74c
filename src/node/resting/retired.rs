//! What is retired at a node without a state. It is in memory, and objects are made only once: so they stay for the grace, within which
//! all can be taken back, and go after it.
//!
//! ```text
//!            told            streams had their time, all calls have left, the grace is over
//!   Served ────────> Retired ───────────────────────────────────────────────────────────────> Gone
//!     ^                 │
//!     └─────────────────┘ told otherwise
//! ```

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, sleep_until};

use super::Resting;
use crate::dispatch::Going;
use crate::node::life::RetiredStatus;
use crate::node::retire::{limited, log};
use crate::retiring::{Retiring, WallClock, reaches};
use crate::state::Retired;
use crate::version::Version;

/// How often it is looked at the wall clock, which may jump.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// What a node knows of it.
pub(super) struct Retirement {
    /// How long streams of retired versions may go on.
    streams: Duration,
    clock: Arc<dyn WallClock>,
    known: Mutex<Known>,
}

struct Known {
    kept: Retired,
    /// Up to when it is counted how long the program has run.
    ran_until: Instant,
    /// Until when streams of versions that were retired last may go on.
    streams_until: Instant,
    /// What looks after streams and objects.
    keeping: Option<AbortHandle>,
}

impl Retirement {
    pub(super) fn new((streams, clock): (Duration, Arc<dyn WallClock>)) -> Self {
        let now = Instant::now();
        let known = Known { kept: Retired::default(), ran_until: now, streams_until: now, keeping: None };
        Self { streams, clock, known: Mutex::new(known) }
    }

    /// The newest version whose objects have gone.
    pub(super) fn gone_up_to(&self) -> Option<Version> {
        lock(&self.known).kept.swept_up_to().cloned()
    }
}

impl Known {
    /// How many seconds the program has run that are not counted yet.
    fn ran(&self) -> u64 {
        self.ran_until.elapsed().as_secs()
    }
}

impl Drop for Retirement {
    fn drop(&mut self) {
        lock(&self.known).keeping.take().into_iter().for_each(|keeping| keeping.abort());
    }
}

impl Resting {
    /// Retires, announces and takes back; but what has no objects any more stays retired.
    pub(in crate::node) fn retire(self: &Arc<Self>, told: &Retiring) {
        let retirement = &self.retirement;
        let mut known = lock(&retirement.known);
        let (mut in_force, mut refused) = limited(told, &self.protocol(), &self.version, None);
        if let Some(gone) = known.kept.swept_up_to().filter(|gone| !in_force.retires(gone)) {
            refused = Some(format!(
                "the objects of {gone} and older versions have gone with their time of grace: start the program again to serve them"
            ));
            in_force.retired_up_to = Some(gone.clone());
        }
        let (ran, now) = (known.ran(), retirement.clock.now());
        known.kept = Retired::settled(Some(&known.kept), told.clone(), in_force.retired_up_to.as_ref(), ran, now);
        known.ran_until += Duration::from_secs(ran);
        let before = self.status.borrow().retired.as_ref().map(|before| before.in_force.clone()).unwrap_or_default();
        self.dispatch.retire(&in_force, &retirement.clock);
        log(&self.called(), &before, &in_force);
        if before.retired_up_to != in_force.retired_up_to {
            known.streams_until = Instant::now() + retirement.streams;
        }
        let keeping = tokio::spawn(keep(Arc::downgrade(self), self.dispatch.going(), known.streams_until));
        known.keeping.replace(keeping.abort_handle()).into_iter().for_each(|before| before.abort());
        let swept_up_to = known.kept.swept_up_to().cloned();
        drop(known);
        let retired = RetiredStatus { in_force, refused, swept_up_to };
        self.status.send_modify(|status| status.retired = Some(retired));
        self.tell();
    }

    /// Drops the objects whose time is over, of which no call is left; when to look again, if there are others.
    fn drop_due(&self) -> Option<Duration> {
        let mut known = lock(&self.retirement.known);
        let (ran, now) = (known.ran(), self.retirement.clock.now());
        if let Some(due) = known.kept.due(ran, now).cloned() {
            // Told otherwise meanwhile, nothing of it would be due.
            if let Err(why) = self.go_on_without(&due) {
                tracing::warn!(why, "objects of retired versions stay: there are no routes without them");
                return Some(HOUR);
            }
            known.kept.ran(ran);
            known.ran_until += Duration::from_secs(ran);
            known.kept.sweep(&due);
            tracing::info!(node = self.called(), up_to = %due, "the retired simulation objects have gone");
            self.status.send_modify(|status| {
                if let Some(retired) = &mut status.retired {
                    retired.swept_up_to = Some(due);
                }
            });
        }
        let left = known.kept.due_in(known.ran(), now)?;
        Some(Duration::from_secs(left.max(1)).min(HOUR))
    }

    /// Puts routes in place that need no past objects up to a version, and drops those.
    fn go_on_without(&self, up_to: &Version) -> Result<(), String> {
        let mut objects = lock(&self.objects);
        let goes = |version: &Version| *version < self.version && reaches(up_to, version);
        let rest: Vec<_> = objects.iter().filter(|(version, _)| !goes(version)).cloned().collect();
        self.dispatch.install(self.table(&self.protocol(), &rest, Some(up_to))?);
        *objects = rest;
        Ok(())
    }
}

/// Ends streams when they had their time, and then has objects go when theirs is over.
async fn keep(node: Weak<Resting>, going: Going, streams_until: Instant) {
    tokio::select! {
        biased;
        () = going.are_gone() => {}
        () = sleep_until(streams_until) => going.end_streams(),
    }
    going.are_gone().await;
    drop(going);
    while let Some(again) = node.upgrade().and_then(|node| node.drop_due()) {
        sleep(again).await;
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
