//! Behind the gate: from the objects of one version to those of another.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout, timeout_at};

use super::under::Under;
use super::{Life, Standing, TRIES, lock};
use crate::dispatch::{EndedStreams, StreamsInside};
use crate::node::chain::Plan;
use crate::node::life::{MoveError, Moved, counted};
use crate::node::making::{Made, Making, NotMade, said};
use crate::simulation::Adjacent;
use crate::state::{Accepted, Phase, RefusedRecord, Way};

/// How to cross.
#[derive(Default)]
pub(super) struct How {
    /// The consent to losses, if they are accepted.
    pub(super) accepted: Option<Accepted>,
    /// Only find out what would be lost.
    pub(super) dry_run: bool,
    /// Another program goes on from there: callers are not let in again.
    pub(super) leaves: bool,
    pub(super) streams: StreamsTime,
    /// The coordinator's permit, where there is one.
    pub(super) under: Option<Under>,
}

/// The time that streams have before others are held back.
#[derive(Default)]
pub(super) enum StreamsTime {
    /// All of it, from now on.
    #[default]
    FromNow,
    /// They get no more of it: these have had all of it, others what there was.
    Over(Option<StreamsInside>),
}

/// Why it did not come to its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// Something failed.
    Failed { phase: Phase, why: String },
    /// Something would be lost.
    Lossy { first: Vec<RefusedRecord>, count: u64 },
    /// Nobody wanted it to.
    Dry { lost: u64 },
    /// It could not be written down that calls go on, or it could: nobody knows.
    Unreleased { why: String },
}

/// How often the making has begun.
pub(super) fn attempt(state: &super::StateFolder) -> u32 {
    state.status().under_way.as_ref().map_or(1, |under_way| under_way.attempts)
}

impl Life {
    /// Goes the whole way, from where calls are held back to where they go on; when it fails, back.
    pub(super) async fn cross(self: &Arc<Self>, plan: &Plan, how: How) -> Result<Moved, MoveError> {
        let way = plan.way;
        let older = match how.streams {
            StreamsTime::Over(older) => older,
            StreamsTime::FromNow => Some(self.let_streams_end().await),
        };
        let (accepted, dry_run, under) = (how.accepted.clone(), how.dry_run, how.under);
        let hold_back = move |state: &mut super::StateFolder| {
            // As late as can be: right before it is written down.
            if under.is_some_and(Under::is_over) {
                return Ok(false);
            }
            match (way, accepted) {
                (Way::On, _) => state.quiesce(),
                (Way::Back, _) if dry_run => state.rollback_dry(),
                (Way::Back, accepted) => match (under, accepted) {
                    (Some(under), accepted) => state.rollback_under(under.permit, accepted),
                    (None, Some(accepted)) => state.rollback_accepting(accepted),
                    (None, None) => state.rollback(),
                },
            }
            .map(|()| true)
        };
        match self.on_state(hold_back).await {
            Ok(true) => {}
            Ok(false) => return Err(self.expired("while streams had their time to end").await),
            Err(why) => return Err(self.not_begun(why).await),
        }
        let shut = Instant::now();
        self.dispatch.gate().shut();
        if how.leaves {
            self.intake.close();
        }
        // Whether the objects that stood have gone, so that others, or they again, have to be opened.
        let mut cleared = false;
        let mut ended = EndedStreams::default();
        let crossed = async {
            // Another program goes on with files that nobody has open.
            ended = self.clear_out(older, &mut cleared, Some(plan).filter(|_| !how.leaves)).await?;
            let made = self.make(plan, how.accepted).await?;
            if dry_run {
                return Err(Stop::Dry { lost: made.lost });
            }
            let lost = made.lost;
            self.switch_to(made).await?;
            self.try_out().await?;
            Ok(lost)
        };
        let crossed = crossed.await;
        let moved = |lost| Moved {
            from: plan.from.clone(),
            to: plan.to.clone(),
            pause: shut.elapsed(),
            streams_drained: usize::try_from(ended.drained).unwrap_or(usize::MAX),
            streams_cut: usize::try_from(ended.cut).unwrap_or(usize::MAX),
            lost,
        };
        match crossed {
            Ok(lost) => {
                if !how.leaves {
                    self.dispatch.gate().open();
                }
                let moved = moved(lost);
                {
                    let mut told = lock(&self.told);
                    (told.last, told.failure) = (Some(moved.clone()), None);
                }
                self.let_go_later();
                if !how.leaves {
                    self.fill_later().await;
                }
                Ok(moved)
            }
            Err(stop) => {
                let lost = if let Stop::Dry { lost } = stop { lost } else { 0 };
                let back = self.back(stop, cleared, dry_run).await;
                if how.leaves && lock(&self.told).stuck.is_none() {
                    self.intake.open();
                }
                back.map_or_else(|| Ok(moved(lost)), Err)
            }
        }
    }

    pub(super) fn failed(&self, why: impl Into<String>) -> Stop {
        Stop::Failed { phase: self.phase(), why: why.into() }
    }

    /// Gives the streams that are inside their time, while others need not wait for them.
    pub(super) async fn let_streams_end(&self) -> StreamsInside {
        let gate = self.dispatch.gate();
        let older = gate.streams();
        self.working_on("waiting for streams to end");
        // Those that are left are cut.
        let _ = timeout(self.limits.streams, gate.streams_end(older)).await;
        older
    }

    /// Waits until calls and background work have ended, and closes what stands; for a move, but for the files that it reads.
    pub(super) async fn clear_out(
        &self,
        older: Option<StreamsInside>,
        cleared: &mut bool,
        plan: Option<&Plan>,
    ) -> Result<EndedStreams, Stop> {
        let (gate, limits, begun) = (self.dispatch.gate(), &self.limits, Instant::now());
        self.working_on("waiting for calls to end");
        let before = gate.ended_streams();
        gate.drain_streams();
        if let Some(older) = older {
            gate.cut_older_streams(older);
        }
        if timeout(limits.grace, gate.is_empty()).await.is_err() {
            gate.cut_streams();
        }
        if timeout_at(begun + limits.calls.max(limits.grace), gate.is_empty()).await.is_err() {
            let (calls, limit) = (gate.inside(), limits.calls.max(limits.grace).as_secs_f64());
            let calls = counted(calls as u64, "call");
            return Err(self.failed(format!("{calls} did not end within {limit} s")));
        }
        let ended = gate.ended_streams().since(before);
        *cleared = true;
        self.working_on("waiting for background work to end");
        self.stop_filling().await;
        let why = "the node moves to another version";
        let closed = match plan {
            Some(plan) => self.close_for(plan, why).await,
            None => self.close(why).await,
        };
        closed.map_err(|why| self.failed(why))?;
        Ok(ended)
    }

    /// Closes what stands, and what was left open before.
    pub(super) async fn close(&self, why: &str) -> Result<(), String> {
        let (standing, stopped) = self.take_down(why).await;
        let closed = match standing {
            Some(standing) => standing.close(self.limits.leases).await,
            None => Ok(()),
        };
        self.let_go().await;
        stopped.and(closed)
    }

    /// Takes what stands away from its callers, and ends its work in the background.
    pub(super) async fn take_down(&self, why: &str) -> (Option<Standing>, Result<(), String>) {
        let mut slot = self.standing.lock().await;
        let Some(standing) = slot.as_ref() else { return (None, Ok(())) };
        let stopped = standing.stop_background(self.limits.background).await;
        self.dispatch.remove(why);
        (slot.take(), stopped)
    }

    /// Makes the epoch that the plan leads to.
    pub(super) async fn make(&self, plan: &Plan, accepted: Option<Accepted>) -> Result<Made, Stop> {
        let way = plan.way;
        let making = move |state: &mut super::StateFolder| {
            let folder = if way == Way::On { state.transform()? } else { state.reverse()? };
            Ok((folder, attempt(state)))
        };
        let made = self.on_state(making).await.map_err(|why| self.failed(why))?;
        self.make_in(plan, made, accepted).await
    }

    /// The same in a folder that is there, at an attempt that was begun.
    pub(super) async fn make_in(
        &self,
        plan: &Plan,
        (to, attempt): (PathBuf, u32),
        accepted: Option<Accepted>,
    ) -> Result<Made, Stop> {
        let copied = self.good_copies(to.clone()).await;
        let from = self.folder_of(&lock(&self.told).current.clone());
        let progress = self.working_on(format!("making the state of {}", plan.to));
        let (plan, protocol, files) = (plan.clone(), self.protocol(), self.files.clone());
        let making = Making { plan, protocol, files, from, to, attempt, progress, accepted, copied };
        match spawn_blocking(move || making.make()).await {
            Ok(Ok(made)) => Ok(made),
            Ok(Err(NotMade::Lossy { first, count })) => Err(Stop::Lossy { first, count }),
            Ok(Err(NotMade::Failed(why))) => Err(self.failed(why)),
            Err(error) => Err(self.failed(error.to_string())),
        }
    }

    /// Makes the epoch that was made the current one.
    pub(super) async fn switch_to(&self, made: Made) -> Result<(), Stop> {
        let switched = self.on_state(move |state| match made.loose {
            Some(loose) => state.switch_made(&loose),
            None => state.switch(),
        });
        switched.await.map_err(|why| self.failed(why))
    }

    /// Opens what is current now, tries it, and lets it count.
    pub(super) async fn try_out(&self) -> Result<(), Stop> {
        self.working_on("opening the objects");
        self.open().await.map_err(|why| self.failed(why))?;
        self.working_on("trying the new object");
        self.verify().await.map_err(|why| self.failed(why))?;
        for again in (0..TRIES).rev() {
            match self.on_state(super::StateFolder::release).await {
                Ok(()) => break,
                Err(why) if again == 0 => return Err(Stop::Unreleased { why }),
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// The author's sanity test.
    async fn verify(&self) -> Result<(), String> {
        let version = lock(&self.told).current.version().clone();
        let upgrade = self.chain.link(&version).and_then(|link| link.upgrade.as_ref());
        let Some(verify) = upgrade.and_then(|upgrade| upgrade.verify.clone()) else { return Ok(()) };
        let adjacent = Adjacent::new(self.dispatch.within(version.clone()));
        // The function itself may panic, before it gives its future.
        let mut verifying = tokio::spawn(async move { verify(adjacent).await });
        let Ok(verified) = timeout(self.limits.verify, &mut verifying).await else {
            verifying.abort();
            return Err(format!("verifying {version} took longer than {} s", self.limits.verify.as_secs_f64()));
        };
        match verified {
            Ok(verified) => verified.map_err(|why| format!("{version} is not sane: {why}")),
            Err(error) => Err(match error.try_into_panic() {
                Ok(panic) => format!("verifying {version} panicked: {}", said(&*panic)),
                Err(error) => error.to_string(),
            }),
        }
    }
}
