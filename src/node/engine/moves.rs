//! What a node can be told to do: upgrade, roll back, finalize, stop.

use std::io;
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::cross::How;
use super::under::Under;
use super::{Life, TRIES, lock};
use crate::node::chain::Plan;
use crate::node::life::{MoveError, Moved, Rollback};
use crate::node::losses::TOLD;
use crate::node::making::{carry, unaccounted};
use crate::state::{Accepted, Mode, Phase, Records, RefusedRecord, StateFolder, Way};
use crate::version::Version;

/// What a file system needs beside what is copied.
const SPARE: u64 = 1 << 20;

impl Life {
    pub(in crate::node) async fn upgrade(self: &Arc<Self>, to: &Version) -> Result<Moved, MoveError> {
        let busy = self.busy_at_once(format!("an upgrade to {to} is under way")).await?;
        let (life, to) = (self.clone(), to.clone());
        self.to_the_end(busy, async move { life.go_on(&to, None).await }).await
    }

    /// The same under a coordinator's permit.
    pub(in crate::node) async fn upgrade_under(
        self: &Arc<Self>,
        to: &Version,
        under: Under,
    ) -> Result<Moved, MoveError> {
        let busy = self.busy_at_once(format!("an upgrade to {to} is under way")).await?;
        let (life, to) = (self.clone(), to.clone());
        self.to_the_end(busy, async move { life.go_on(&to, Some(under)).await }).await
    }

    pub(in crate::node) async fn rollback(self: &Arc<Self>, how: Rollback) -> Result<Moved, MoveError> {
        let busy = self.busy_at_once("a rollback is under way".to_owned()).await?;
        let life = self.clone();
        self.to_the_end(busy, async move { life.go_back(how, None).await }).await
    }

    /// The same under a coordinator's permit.
    pub(in crate::node) async fn rollback_under(
        self: &Arc<Self>,
        how: Rollback,
        under: Under,
    ) -> Result<Moved, MoveError> {
        let busy = self.busy_at_once("a rollback is under way".to_owned()).await?;
        let life = self.clone();
        self.to_the_end(busy, async move { life.go_back(how, Some(under)).await }).await
    }

    pub(in crate::node) async fn finalize(self: &Arc<Self>) -> Result<(), MoveError> {
        let busy = self.busy_at_once("the last upgrade is being finalized".to_owned()).await?;
        let life = self.clone();
        self.to_the_end(busy, async move { life.end_upgrade().await }).await
    }

    /// Ends what there is, once nothing is under way: callers that come later are told that the node is unavailable.
    pub(in crate::node) async fn stop(self: &Arc<Self>) {
        let _busy = loop {
            let freed = self.freed.notified();
            self.take_back_any("the node stops");
            self.interrupt_ready();
            match self.busy("the node stops".to_owned()) {
                Ok(busy) => break busy,
                Err(_) => freed.await,
            }
        };
        self.count_time().await;
        self.stop_filling().await;
        if let Err(error) = self.close("the node has stopped").await {
            tracing::warn!(%error, "the node stops, though not all of it has ended");
        }
        let state = self.state.clone();
        // Files are let go where blocking is allowed.
        let _ = spawn_blocking(move || drop(lock(&state).take())).await;
    }

    async fn go_on(self: &Arc<Self>, to: &Version, under: Option<Under>) -> Result<Moved, MoveError> {
        let plan = match self.take_ready(under.map(|_| (to, Way::On))).await {
            Some(plan) => {
                if let Err(held) = self.not_held(to) {
                    if let Err(error) = self.forget().await {
                        tracing::warn!(%error, "what was made ahead of a permit could not all be removed");
                    }
                    return Err(held);
                }
                plan
            }
            None => self.plan_on(to).await?,
        };
        if let Err(why) = self.permit(to.clone(), under).await {
            return Err(self.not_begun(why).await);
        }
        self.ahead_in_time(&plan, under).await?;
        self.compile(to).await;
        self.cross(&plan, How { under, ..How::default() }).await
    }

    /// Looks whether the node can be upgraded; nothing changes.
    pub(super) async fn plan_on(&self, to: &Version) -> Result<Plan, MoveError> {
        let plan = self.way_on(to).await?;
        let (first, count) = self.refused(&plan).await?;
        if count > 0 {
            return Err(MoveError::Refused { records: first, count });
        }
        Ok(plan)
    }

    /// What the way on takes, but for records that refuse.
    pub(super) async fn way_on(&self, to: &Version) -> Result<Plan, MoveError> {
        let plan = self.chain.plan(&self.version(), to, Way::On).map_err(|why| MoveError::NoWay { why })?;
        let kept = lock(&self.told).journaled.kept.clone();
        if let Some(kept) = kept {
            let why = format!(
                "there is still a way back to {}: finalize that upgrade first, or roll it back",
                kept.version()
            );
            return Err(MoveError::NoWay { why });
        }
        self.not_held(to)?;
        self.look_ahead(&plan).await?;
        Ok(plan)
    }

    /// Whether the application lets the upgrade to a version happen now.
    pub(super) fn not_held(&self, to: &Version) -> Result<(), MoveError> {
        match self.chain.link(to).and_then(|link| link.upgrade.as_ref()?.held()) {
            Some(why) => Err(MoveError::Held { why }),
            None => Ok(()),
        }
    }

    async fn go_back(self: &Arc<Self>, how: Rollback, under: Option<Under>) -> Result<Moved, MoveError> {
        let kept = lock(&self.told).journaled.kept.as_ref().map(|kept| kept.version().clone());
        let ready = kept.as_ref().filter(|_| under.is_some() && !how.dry_run).map(|kept| (kept, Way::Back));
        let (plan, count) = match self.take_ready(ready).await {
            Some(plan) => (plan, 0),
            None => self.way_back(&how).await?,
        };
        if how.dry_run && plan.function.is_none() {
            let (from, to) = (plan.from.clone(), plan.to.clone());
            let (pause, streams_drained, streams_cut) = (std::time::Duration::ZERO, 0, 0);
            return Ok(Moved { from, to, pause, streams_drained, streams_cut, lost: count });
        }
        let accepted = self.accepted(&how).await?;
        self.ahead_in_time(&plan, under).await?;
        self.compile(&plan.to).await;
        self.cross(&plan, How { accepted, dry_run: how.dry_run, under, ..How::default() }).await
    }

    /// What the way back takes, and how many records it would lose; found out while callers are served.
    pub(super) async fn way_back(&self, how: &Rollback) -> Result<(Plan, u64), MoveError> {
        let mut plan = self.plan_back().await?;
        let (first, count) = self.refused(&plan).await?;
        if count > 0 && (how.dry_run || how.accept_loss.is_none()) {
            return Err(MoveError::Refused { records: first, count });
        }
        if let Some((_, mode)) = &mut plan.records
            && (how.dry_run || count > 0)
        {
            // What is copied ahead of time is whole.
            *mode = Mode::Eager;
        }
        Ok((plan, count))
    }

    /// What the way back takes, but for records that refuse.
    pub(super) async fn plan_back(&self) -> Result<Plan, MoveError> {
        let from = self.version();
        let kept = lock(&self.told).journaled.kept.clone();
        let Some(kept) = kept else {
            let why = format!("there is no way back from {from}: it was finalized, or is the first version here");
            return Err(MoveError::NoWay { why });
        };
        let plan = self.chain.plan(&from, kept.version(), Way::Back).map_err(|why| MoveError::NoWay { why })?;
        self.look_ahead(&plan).await?;
        Ok(plan)
    }

    /// The consent, if there is one, with where what is given up will begin in its file.
    pub(super) async fn accepted(&self, how: &Rollback) -> Result<Option<Accepted>, MoveError> {
        let Some(file) = how.accept_loss.clone().filter(|_| !how.dry_run) else { return Ok(None) };
        let looked = spawn_blocking(move || {
            // The program that goes on after a crash may run somewhere else.
            let file = std::path::absolute(file)?;
            match std::fs::metadata(&file) {
                Ok(there) => Ok(Accepted { file, from: there.len() }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Accepted { file, from: 0 }),
                Err(error) => Err(error),
            }
        });
        let failed = |why: &dyn std::fmt::Display| MoveError::Failed {
            phase: self.phase(),
            why: format!("looking at the file that losses are written to: {why}"),
            version: self.version(),
        };
        looked.await.map_err(|error| failed(&error))?.map(Some).map_err(|error| failed(&error))
    }

    async fn end_upgrade(self: &Arc<Self>) -> Result<(), MoveError> {
        self.take_ready(None).await;
        let version = self.version();
        let (phase, kept) = {
            let told = lock(&self.told);
            (told.journaled.phase, told.journaled.kept.clone())
        };
        if kept.is_none() {
            let why = format!("{version} is finalized, or is the first version here");
            return Err(MoveError::NoWay { why });
        }
        let failed = |phase: Phase, why: String| MoveError::Failed { phase, why, version: version.clone() };
        self.filled_up().await.map_err(|why| failed(phase, why))?;
        // What is removed nobody has open.
        self.let_go().await;
        let mut finalized = Ok(());
        for _ in 0..TRIES {
            finalized = self.on_state(StateFolder::finalize).await;
            if finalized.is_ok() {
                break;
            }
        }
        finalized.map_err(|why| failed(self.phase(), why))
    }

    /// Writes down that the upgrade may begin; after a crash that is written down already.
    pub(super) async fn permit(&self, to: Version, under: Option<Under>) -> Result<(), String> {
        self.on_state(move |state| {
            // One that waited for a word, or was under a permit, and could not be forgotten, is not this one.
            let known = state.status().under_way.as_ref().map(|under_way| {
                under_way.to == to && !under_way.on_word && !under_way.under_permit && under.is_none()
            });
            let ahead = under.is_some() && state.is_learned_ahead(&to);
            if known == Some(false) && !ahead {
                state.forget()?;
            }
            if let Some(under) = under {
                return state.permit_under(under.permit, &to, false);
            }
            if known != Some(true) {
                state.learn(&to)?;
            }
            if state.status().phase == Phase::Learned { state.permit() } else { Ok(()) }
        })
        .await
    }

    /// What can be found out before anything changes: states that nobody carries, and room on the disk.
    async fn look_ahead(&self, plan: &Plan) -> Result<(), MoveError> {
        let (plan, files, root) = (plan.clone(), self.files.clone(), self.root.clone());
        let (epoch, protocol) = (self.folder_of(&lock(&self.told).current.clone()), self.protocol());
        let looked = spawn_blocking(move || {
            let unaccounted = unaccounted(&plan, &*files, &epoch)?;
            let object = epoch.join("object");
            let carried = carry(&plan, &protocol).map_err(std::io::Error::other)?;
            let carried = carried.map_or(Ok(0), |carry| carry.needs(&object)).map_err(std::io::Error::other)?;
            // What a function makes of it nobody knows; most likely, as much.
            let made = if plan.function.is_some() { files.size(&object)? } else { 0 };
            let object = carried.max(made);
            let needed = object + files.size(&epoch.join("past"))? + files.size(&epoch.join("future"))? + SPARE;
            Ok::<_, std::io::Error>((unaccounted, needed, files.free_space(&root)?))
        });
        let failed = |why: String| MoveError::Failed { phase: self.phase(), why, version: self.version() };
        let looked = looked.await.map_err(|error| failed(error.to_string()))?;
        let (unaccounted, needed, free) =
            looked.map_err(|error| failed(format!("looking through the state: {error}")))?;
        if let Some(why) = unaccounted {
            return Err(MoveError::NoWay { why });
        }
        match free {
            Some(free) if free < needed => Err(MoveError::NoSpace { needed, free }),
            _ => Ok(()),
        }
    }

    /// The records that refuse, while they are served.
    async fn refused(&self, plan: &Plan) -> Result<(Vec<RefusedRecord>, u64), MoveError> {
        let failed = |why: String| MoveError::Failed { phase: self.phase(), why, version: self.version() };
        let Some((carry, records)) = self.carried(plan).await.map_err(failed)? else { return Ok((Vec::new(), 0)) };
        let progress = self.working_on("looking for records that cannot be carried over");
        let refused = spawn_blocking(move || carry.refused(&records, TOLD, &progress)).await;
        let refused = refused.map_err(|error| failed(error.to_string()))?;
        refused.map_err(|error| failed(format!("looking for records that cannot be carried over: {error}")))
    }

    /// Copies records while they are served, or makes what those lie on that are copied later; and the states of retired objects.
    pub(super) async fn ahead(&self, plan: &Plan) -> Result<(), String> {
        if !matches!(plan.records, Some((_, Mode::Online | Mode::Lazy))) {
            if self.retired_states().await?.0.is_empty() {
                return Ok(());
            }
            let target = self.on_state(StateFolder::prepare).await?;
            return self.copy_ahead(plan, target).await;
        }
        let Some((carry, records)) = self.carried(plan).await? else { return Ok(()) };
        let target = self.on_state(StateFolder::prepare).await?;
        let progress = self.working_on(format!("copying records to {}", plan.to));
        let folder = target.join("object");
        let copied = spawn_blocking(move || carry.ahead(&records, &folder, &progress)).await;
        copied
            .map_err(|error| error.to_string())?
            .map_err(|error| format!("copying records to {}: {error}", plan.to))?;
        self.copy_ahead(plan, target).await
    }

    async fn carried(&self, plan: &Plan) -> Result<Option<(crate::state::Carry, Records)>, String> {
        let Some(carry) = carry(plan, &self.protocol())? else { return Ok(None) };
        let records = self.standing.lock().await.as_ref().and_then(super::Standing::records);
        let Some(records) = records else {
            return Err(format!(
                "the object of {} has opened no records: have it open them through Opening::records, so that they can be \
                 carried over",
                plan.from
            ));
        };
        Ok(Some((carry, records)))
    }
}
