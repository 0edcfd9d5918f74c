//! The end of a node in this program, so that another program goes on with its state.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::cross::{How, Stop};
use super::{Life, lock};
use crate::node::life::{HandOver, MoveError, Moved, Rollback};
use crate::state::Phase;
use crate::transport::IntakeHandle;

impl Life {
    pub(in crate::node) async fn hand_over(self: &Arc<Self>, how: HandOver) -> Result<Moved, MoveError> {
        let busy = self.busy_at_once("the node is being handed over to another program".to_owned()).await?;
        let life = self.clone();
        self.to_the_end(busy, async move { life.leave(how).await }).await
    }

    /// Whether servers take connections for this node.
    pub(in crate::node) fn intake(&self) -> &IntakeHandle {
        &self.intake
    }

    /// Turns true when the node was handed over.
    pub(in crate::node) fn watch_handed_over(&self) -> watch::Receiver<bool> {
        self.handed_over.subscribe()
    }

    async fn leave(self: &Arc<Self>, how: HandOver) -> Result<Moved, MoveError> {
        if lock(&self.state).is_none() {
            return Err(MoveError::NoWay { why: "the node has stopped, and its state is free".to_owned() });
        }
        self.may_leave("before the other program was ready for the state")?;
        self.leave_word().await;
        self.count_time().await;
        let moved = if how.back { self.leave_back(how).await? } else { self.leave_as_it_is().await? };
        self.working_on("letting the state go");
        let state = self.state.clone();
        // Files are let go where blocking is allowed.
        let _ = spawn_blocking(move || drop(lock(&state).take())).await;
        // Those that wait, and those that still come on connections from before, have not begun.
        self.dispatch.leave();
        self.dispatch.gate().open();
        self.handed_over.send_replace(true);
        tracing::info!(node = %self.root.display(), version = %self.version(), "the node was handed over to another program");
        Ok(moved)
    }

    /// Goes back to the version before, and lets nobody in there.
    async fn leave_back(self: &Arc<Self>, how: HandOver) -> Result<Moved, MoveError> {
        self.take_ready(None).await;
        let rollback = Rollback { dry_run: false, accept_loss: how.accept_loss };
        let (plan, _) = self.way_back(&rollback).await?;
        let accepted = self.accepted(&rollback).await?;
        if let Err(why) = self.ahead(&plan).await {
            return Err(self.not_begun(why).await);
        }
        self.compile(&plan.to).await;
        let moved = self.cross(&plan, How { accepted, leaves: true, ..How::default() }).await?;
        self.stop_filling().await;
        match self.close("the node is handed over to another program").await {
            Ok(()) => Ok(moved),
            Err(why) => Err(self.serve_on(why, true).await),
        }
    }

    async fn leave_as_it_is(self: &Arc<Self>) -> Result<Moved, MoveError> {
        let older = self.let_streams_end().await;
        self.may_leave("while streams came to their end")?;
        let shut = Instant::now();
        self.dispatch.gate().shut();
        self.intake.close();
        let mut cleared = false;
        match self.clear_out(Some(older), &mut cleared, None).await {
            Ok(ended) => Ok(Moved {
                from: self.version(),
                to: self.version(),
                pause: shut.elapsed(),
                streams_drained: usize::try_from(ended.drained).unwrap_or(usize::MAX),
                streams_cut: usize::try_from(ended.cut).unwrap_or(usize::MAX),
                lost: 0,
            }),
            Err(Stop::Failed { why, .. } | Stop::Unreleased { why }) => Err(self.serve_on(why, cleared).await),
            // Nothing was to be carried over.
            Err(Stop::Lossy { .. } | Stop::Dry { .. }) => Err(self.serve_on(String::new(), cleared).await),
        }
    }

    /// Whether the permit under which the program is replaced, if there is one, still holds.
    fn may_leave(&self, when: &str) -> Result<(), MoveError> {
        match self.agency.leaving() {
            Some(under) if under.is_over() => Err(MoveError::Expired { when: when.to_owned() }),
            _ => Ok(()),
        }
    }

    /// Tells the other program what this one was, while callers are served.
    async fn leave_word(self: &Arc<Self>) {
        let life = self.clone();
        // It is a note, and not the state: where it cannot be left, the coordinator is asked.
        let _ = spawn_blocking(move || life.agency.leave_word(&*life.files, &life.root)).await;
    }

    /// Lets callers in again.
    async fn serve_on(self: &Arc<Self>, why: String, cleared: bool) -> MoveError {
        let phase = Phase::Serving;
        if cleared {
            self.working_on("opening the objects again");
            if let Err(error) = self.open().await {
                return self.stuck(phase, format!("{why}; and then: {error}")).await;
            }
        }
        lock(&self.told).failure = Some(why.clone());
        self.dispatch.gate().open();
        self.intake.open();
        self.fill().await;
        MoveError::Failed { phase, why, version: self.version() }
    }
}
