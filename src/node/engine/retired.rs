//! What is retired at a node with a state: kept, in force as far as it can be, and what becomes of objects and their states.
//!
//! ```text
//!            told, written down          streams had their time,           the grace is over,
//!            callers are told            all calls have left               written down
//!   Served ────────────────────> Retired ──────────────────> Without objects ────────────> Swept
//!     ^                             │                              │                          │
//!     └─────────────────────────────┴──────────────────────────────┴──────────────────────────┘
//!        told otherwise: objects are opened, on their states where these are still there; callers are answered
//! ```
//!
//! A version that the node runs, or could go back to, is not retired; that is looked at again whenever this changes.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, sleep_until};

use super::ready::AHEAD;
use super::{Life, Standing, lock};
use crate::dispatch::Going;
use crate::node::life::{NodeStatus, RetiredStatus};
use crate::node::opening::Opening;
use crate::node::retire::{limited, log};
use crate::retiring::{Retiring, WallClock, reaches};
use crate::state::{Epoch, Phase, Retired};
use crate::version::Version;

/// How often it is written down how long the program has run, while something waits for that.
const HOUR: Duration = Duration::from_secs(60 * 60);
/// When what has failed is tried again.
const AGAIN: Duration = Duration::from_secs(60);
/// When it is tried again, while the node is busy with something else.
const BUSY: Duration = Duration::from_secs(1);

/// What a node knows of it.
pub(super) struct Retirement {
    clock: Arc<dyn WallClock>,
    /// One change after the other.
    turn: tokio::sync::Mutex<()>,
    known: Mutex<Known>,
    /// Told when there is something to do.
    wake: Arc<Notify>,
}

struct Known {
    /// As it is written down; none before the node was told anything.
    kept: Option<Retired>,
    in_force: Retiring,
    refused: Option<String>,
    /// Up to when it is written down how long the program has run.
    ran_until: Instant,
    /// Until when streams of versions that were retired last may go on.
    streams_until: Instant,
    /// What objects were opened with that could not be closed.
    lingering: Vec<Opening>,
    /// The epoch of which all is removed that is to go.
    swept: Option<Epoch>,
    /// How often objects of retired versions may have been opened again.
    opened_again: u64,
}

impl Retirement {
    pub(super) fn new(kept: Option<Retired>, clock: Arc<dyn WallClock>) -> Self {
        let now = Instant::now();
        let (in_force, refused, lingering, swept) = Default::default();
        let known =
            Known { kept, in_force, refused, ran_until: now, streams_until: now, lingering, swept, opened_again: 0 };
        Self { clock, turn: tokio::sync::Mutex::default(), known: Mutex::new(known), wake: Arc::default() }
    }

    /// The newest version that is retired.
    pub(super) fn up_to(&self) -> Option<Version> {
        lock(&self.known).in_force.retired_up_to.clone()
    }

    pub(super) fn status(&self) -> Option<RetiredStatus> {
        let known = lock(&self.known);
        let swept_up_to = known.kept.as_ref()?.swept_up_to().cloned();
        Some(RetiredStatus { in_force: known.in_force.clone(), refused: known.refused.clone(), swept_up_to })
    }
}

impl Known {
    /// How many seconds the program has run since it was written down.
    fn ran(&self) -> u64 {
        self.ran_until.elapsed().as_secs()
    }
}

impl Life {
    /// Retires, announces and takes back, to the end even if nobody waits for it.
    pub(in crate::node) async fn retire(self: &Arc<Self>, told: Retiring) -> Result<(), String> {
        let life = self.clone();
        let settled = tokio::spawn(async move {
            let settled = life.settle(Some(told)).await;
            life.retirement.wake.notify_one();
            life.publish();
            settled
        });
        settled.await.map_err(|error| error.to_string())?
    }

    /// What was kept is in force before anybody is answered.
    pub(super) fn retire_as_before(&self) {
        let told = lock(&self.retirement.known).kept.as_ref().map(|kept| kept.told.clone());
        let Some(told) = told else { return };
        let (in_force, refused) = self.limited(&told);
        self.dispatch.retire(&in_force, &self.retirement.clock);
        log(&self.called(), &Retiring::default(), &in_force);
        let mut known = lock(&self.retirement.known);
        (known.in_force, known.refused) = (in_force, refused);
    }

    /// Looks after it for as long as the node lives.
    pub(super) fn keep_retired(self: &Arc<Self>) {
        let (life, wake, going) = (Arc::downgrade(self), self.retirement.wake.clone(), self.dispatch.going());
        tokio::spawn(keep(life, wake, self.status.subscribe(), going));
    }

    /// Writes down how long the program has run, if it is of use: it ends.
    pub(super) async fn count_time(&self) {
        let _turn = self.retirement.turn.lock().await;
        if let Err(error) = self.count(None).await {
            tracing::warn!(
                error,
                "how long the program has run could not be written down; states of retired objects stay longer"
            );
        }
    }

    /// As much of it as can be in force, and why not the rest.
    fn limited(&self, told: &Retiring) -> (Retiring, Option<String>) {
        let (runs, back) = {
            let told = lock(&self.told);
            (told.runs().clone(), told.journaled.kept.as_ref().map(|kept| kept.version().clone()))
        };
        limited(told, &self.protocol(), &runs, back.as_ref())
    }

    /// Writes down what is told, or what has become possible, and puts it in force.
    async fn settle(&self, told: Option<Retiring>) -> Result<(), String> {
        let _turn = self.retirement.turn.lock().await;
        let now = self.retirement.clock.now();
        let (before, was, ran) = {
            let known = lock(&self.retirement.known);
            (known.kept.clone(), known.in_force.clone(), known.ran())
        };
        let Some(told) = told.or_else(|| before.as_ref().map(|before| before.told.clone())) else { return Ok(()) };
        let (in_force, refused) = self.limited(&told);
        let after = |ran| Retired::settled(before.as_ref(), told.clone(), in_force.retired_up_to.as_ref(), ran, now);
        // That time goes by alone is written down now and then.
        if before.as_ref() != Some(&after(0)) {
            let next = after(ran);
            // What was to go has gone before it could be mistaken for what is to stay.
            let swept = before.as_ref().and_then(Retired::swept_up_to).cloned();
            if let Some(swept) = swept.filter(|swept| next.swept_up_to() != Some(swept)) {
                self.on_state(move |state| state.sweep_past(&swept)).await?;
            }
            let keeping = next.clone();
            self.on_state(move |state| state.keep_retired(&keeping)).await?;
            let mut known = lock(&self.retirement.known);
            known.kept = Some(next);
            known.ran_until += Duration::from_secs(ran);
        }
        self.put_in_force(&was, in_force, refused).await
    }

    /// Opens what is served again, and then lets callers know.
    async fn put_in_force(&self, was: &Retiring, is: Retiring, refused: Option<String>) -> Result<(), String> {
        let mut slot = self.standing.lock().await;
        let opened = match slot.as_mut() {
            Some(standing) => self.serve_again(standing, is.retired_up_to.as_ref()).await,
            None => Ok(()),
        };
        let mut known = lock(&self.retirement.known);
        if let Err(why) = opened {
            let retired_up_to = was.retired_up_to.clone();
            known.in_force = Retiring { retired_up_to, ..is };
            known.refused = Some(why.clone());
            self.dispatch.retire(&known.in_force, &self.retirement.clock);
            log(&self.called(), was, &known.in_force);
            return Err(why);
        }
        if is.retired_up_to != was.retired_up_to {
            known.streams_until = Instant::now() + self.limits.streams;
        }
        (known.in_force, known.refused) = (is.clone(), refused);
        if is != *was {
            self.dispatch.retire(&is, &self.retirement.clock);
            log(&self.called(), was, &is);
        }
        Ok(())
    }

    /// Opens the objects of versions that are retired no longer, and puts routes to them in place.
    async fn serve_again(&self, standing: &mut Standing, retired_up_to: Option<&Version>) -> Result<(), String> {
        let Some(was) = standing.retired_up_to().cloned() else { return Ok(()) };
        if retired_up_to.is_some_and(|up_to| reaches(up_to, &was)) {
            return Ok(());
        }
        self.nothing_lingers()?;
        let (chain, protocol, dispatch, files) =
            (self.chain.clone(), self.protocol(), self.dispatch.clone(), self.files.clone());
        let epoch = self.folder_of(&lock(&self.told).current.clone());
        let (version, up_to) = (standing.version().clone(), retired_up_to.cloned());
        self.opens_again();
        let opened = spawn_blocking(move || {
            let range = (up_to.as_ref(), Some(&was));
            Standing::open_past(&chain, &protocol, &dispatch, &files, &epoch, &version, range)
        });
        standing.join(opened.await.map_err(|error| error.to_string())??, retired_up_to);
        let table = standing.table(&self.chain, &self.protocol(), None)?;
        self.dispatch.install(table);
        Ok(())
    }

    /// Drops the objects of retired versions, of which no call is left; whether the node was not busy with something else.
    async fn drop_retired(self: &Arc<Self>) -> bool {
        let _turn = self.retirement.turn.lock().await;
        let Some(up_to) = self.retirement.up_to() else { return true };
        let has_dropped = |standing: &Standing| standing.retired_up_to().is_some_and(|known| reaches(known, &up_to));
        if self.standing.lock().await.as_ref().is_none_or(has_dropped) {
            return true;
        }
        // A move may open and close objects itself.
        let Ok(_busy) = self.busy(format!("{AHEAD}objects of retired versions are being closed")) else { return false };
        let gone = {
            let mut slot = self.standing.lock().await;
            let Some(standing) = slot.as_mut() else { return true };
            if has_dropped(standing) {
                return true;
            }
            self.dispatch.let_go_of_retired();
            standing.take_retired(&up_to)
        };
        let (stopped, openings) = (gone.stop_background(self.limits.background).await, gone.openings());
        let closed = gone.close(self.limits.leases).await;
        if let Err(why) = stopped.and(closed) {
            tracing::warn!(why, "objects of retired versions could not be closed; their states stay until they can");
            lock(&self.retirement.known).lingering.extend(openings);
        }
        true
    }

    /// Removes the states whose time is over; when to look again, at the latest.
    async fn sweep_retired(self: &Arc<Self>) -> Duration {
        let _turn = self.retirement.turn.lock().await;
        let current = lock(&self.told).current.clone();
        let (due, is_swept, is_time) = {
            let known = lock(&self.retirement.known);
            let Some(kept) = known.kept.as_ref().filter(|kept| kept.has_states()) else { return HOUR };
            let due = kept.due(known.ran(), self.retirement.clock.now()).cloned();
            let is_swept = kept.swept_up_to().is_none() || known.swept.as_ref() == Some(&current);
            (due, is_swept, known.ran() >= HOUR.as_secs())
        };
        let done = if due.is_some() || !is_swept {
            self.sweep(due).await
        } else if is_time {
            self.count(None).await.map(|()| true)
        } else {
            Ok(true)
        };
        match done {
            Ok(true) => {}
            Ok(false) => return BUSY,
            Err(why) => {
                tracing::warn!(why, "states of retired objects could not be swept; it is tried again");
                return AGAIN;
            }
        }
        let known = lock(&self.retirement.known);
        let due = known.kept.as_ref().and_then(|kept| kept.due_in(known.ran(), self.retirement.clock.now()));
        due.map_or(HOUR, |due| Duration::from_secs(due.max(1)).min(HOUR))
    }

    /// Writes down what goes now, and removes all that is to go; false while the node is busy with something else.
    async fn sweep(self: &Arc<Self>, due: Option<Version>) -> Result<bool, String> {
        // A move reads the epoch, or makes another one.
        let Ok(_busy) = self.busy(format!("{AHEAD}states of retired objects are being swept")) else {
            return Ok(false);
        };
        self.nothing_lingers()?;
        let closed = self.standing.lock().await.as_ref().is_some_and(|standing| {
            let known = standing.retired_up_to();
            due.as_ref().is_none_or(|due| known.is_some_and(|known| reaches(known, due)))
        });
        if !closed {
            return Ok(false);
        }
        self.count(due.as_ref()).await?;
        let swept = lock(&self.retirement.known).kept.as_ref().and_then(|kept| kept.swept_up_to().cloned());
        if let Some(swept) = swept {
            self.on_state(move |state| state.sweep_past(&swept)).await?;
        }
        let current = lock(&self.told).current.clone();
        lock(&self.retirement.known).swept = Some(current);
        if let Some(up_to) = due {
            let node = self.root.display();
            tracing::info!(%node, %up_to, "the states of retired simulation objects were swept");
            self.publish();
        }
        Ok(true)
    }

    /// Writes down how long the program has run when it is time to, and what goes now.
    async fn count(&self, due: Option<&Version>) -> Result<(), String> {
        let (mut next, ran) = {
            let known = lock(&self.retirement.known);
            let Some(kept) = &known.kept else { return Ok(()) };
            (kept.clone(), known.ran())
        };
        if due.is_none() && (next.due_in(0, 0).is_none() || ran == 0) {
            return Ok(());
        }
        next.ran(ran);
        if let Some(due) = due {
            next.sweep(due);
        }
        let keeping = next.clone();
        self.on_state(move |state| state.keep_retired(&keeping)).await?;
        let mut known = lock(&self.retirement.known);
        known.kept = Some(next);
        known.ran_until += Duration::from_secs(ran);
        Ok(())
    }

    /// Objects are about to be opened, maybe of versions that were retired.
    pub(super) fn opens_again(&self) {
        lock(&self.retirement.known).opened_again += 1;
    }

    /// How often objects of retired versions may have been opened again.
    pub(super) fn opened_again(&self) -> u64 {
        lock(&self.retirement.known).opened_again
    }

    /// Whether all that objects of retired versions have had open is closed by now.
    pub(super) fn nothing_lingers(&self) -> Result<(), String> {
        let mut known = lock(&self.retirement.known);
        known.lingering.retain(|opening| opening.leases().held() > 0);
        match known.lingering.first() {
            None => Ok(()),
            Some(one) => {
                Err(format!("the state of the past object of {} is still in use by what was retired", one.version()))
            }
        }
    }
}

/// What decides what can be retired, and whether objects can be dropped.
fn key(status: &NodeStatus) -> (Version, Option<Version>, Phase) {
    (status.version.clone(), status.back.clone(), status.phase)
}

/// Looks after what is retired, until the node is gone.
async fn keep(life: Weak<Life>, wake: Arc<Notify>, mut status: watch::Receiver<NodeStatus>, going: Going) {
    loop {
        let Some(node) = life.upgrade() else { return };
        let seen = key(&status.borrow_and_update());
        let settled = node.settle(None).await;
        let streams_until = lock(&node.retirement.known).streams_until;
        node.publish();
        drop(node);
        if let Err(why) = &settled {
            tracing::warn!(why, "what is retired is not all in force; it is tried again");
        }
        let work = async {
            tokio::select! {
                biased;
                () = going.are_gone() => {}
                () = sleep_until(streams_until) => going.end_streams(),
            }
            going.are_gone().await;
            // To the end, whatever comes.
            let to_the_end = |life: Arc<Life>| {
                tokio::spawn(async move { if life.drop_retired().await { life.sweep_retired().await } else { BUSY } })
            };
            let again = match life.upgrade() {
                Some(life) => to_the_end(life).await.unwrap_or(AGAIN),
                None => return,
            };
            sleep(if settled.is_err() { again.min(AGAIN) } else { again }).await;
        };
        tokio::select! {
            biased;
            () = wake.notified() => {}
            gone = async { status.wait_for(|status| key(status) != seen).await.is_err() } => if gone { return },
            () = work => {}
        }
    }
}
