//! The way back, when something failed before calls went on.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::cross::Stop;
use super::{Life, TRIES, lock};
use crate::node::life::{MoveError, counted};
use crate::state::{Carry, Phase, StateError};

impl Life {
    /// Undoes what was written down before callers were held back.
    pub(super) async fn not_begun(&self, why: String) -> MoveError {
        let phase = self.phase();
        if let Err(error) = self.forget().await {
            tracing::warn!(%error, "that the move is not wanted any more could not be written down");
        }
        lock(&self.told).failure = Some(why.clone());
        self.publish();
        MoveError::Failed { phase, why, version: self.version() }
    }

    /// Takes back what was written down of a move that does not begin.
    pub(super) async fn forget(&self) -> Result<(), String> {
        lock(&self.copies).clear();
        let forgotten = match self.phase() {
            Phase::Learned | Phase::Permitted => self.on_state(super::StateFolder::forget).await,
            Phase::Serving => self.on_state(super::StateFolder::abandon).await,
            _ => self.fail("the move did not begin".to_owned()).await,
        };
        let records = self.standing.lock().await.as_ref().map(super::Standing::all_records).unwrap_or_default();
        let ended = spawn_blocking(move || records.iter().try_for_each(Carry::abandon)).await;
        forgotten.and(ended.map_err(|error| error.to_string())?.map_err(|error| error.to_string()))
    }

    /// Goes back to what was served before, and lets callers in; the error is what stopped the move, but for a dry run.
    pub(super) async fn back(self: &Arc<Self>, stop: Stop, cleared: bool, dry_run: bool) -> Option<MoveError> {
        // They lie in what goes now, and would keep what was opened from being closed.
        lock(&self.copies).clear();
        let (phase, why) = match &stop {
            Stop::Failed { phase, why } => (*phase, why.clone()),
            Stop::Lossy { count, .. } => {
                (self.phase(), format!("{} cannot be carried over", counted(*count, "record")))
            }
            Stop::Dry { .. } => (self.phase(), "the dry run was over".to_owned()),
            Stop::Unreleased { why } => {
                let why = format!("whether it was written down that calls go on is unknown: {why}");
                return Some(self.stuck(Phase::Verifying, why).await);
            }
        };
        if cleared && let Err(error) = self.close("the node goes back to the version before").await {
            tracing::warn!(%error, "objects that are given up could not be closed");
        }
        let undone = match &stop {
            // Nothing has failed: what would be lost is what a dry run is to tell.
            Stop::Dry { .. } | Stop::Lossy { .. } if dry_run => self.take_back().await,
            _ => self.fail(why.clone()).await,
        };
        if let Err(error) = undone {
            return Some(self.stuck(phase, format!("{why}; and then: {error}")).await);
        }
        if cleared {
            self.working_on("opening the objects again");
            if let Err(error) = self.open().await {
                return Some(self.stuck(phase, format!("{why}; and then: {error}")).await);
            }
        }
        lock(&self.told).failure = None;
        self.dispatch.gate().open();
        self.fill().await;
        match stop {
            Stop::Dry { .. } => None,
            Stop::Lossy { first, count } => Some(MoveError::Refused { records: first, count }),
            _ => Some(MoveError::Failed { phase, why, version: self.version() }),
        }
    }

    /// Writes down that it failed.
    pub(super) async fn fail(&self, why: String) -> Result<(), String> {
        self.undo(move |state| state.fail(why.clone())).await
    }

    /// Writes down that nobody wanted more of it.
    async fn take_back(&self) -> Result<(), String> {
        self.undo(super::StateFolder::take_back).await
    }

    async fn undo(
        &self,
        undo: impl Fn(&mut super::StateFolder) -> Result<(), StateError> + Clone + Send + 'static,
    ) -> Result<(), String> {
        let mut undone = Ok(());
        for _ in 0..TRIES {
            undone = self.on_state(undo.clone()).await;
            if undone.is_ok() {
                break;
            }
        }
        undone
    }

    /// Answers nobody any more, and says so.
    pub(super) async fn stuck(&self, phase: Phase, why: String) -> MoveError {
        tracing::error!(%phase, why, "the node is stuck: start its program again");
        if let Err(error) = self.close(&format!("this node is stuck and has to be started again: {why}")).await {
            tracing::warn!(%error, "objects could not be closed");
        }
        self.dispatch.remove(&format!("this node is stuck and has to be started again: {why}"));
        lock(&self.told).stuck = Some(why.clone());
        self.dispatch.gate().open();
        self.publish();
        MoveError::Stuck { phase, why }
    }
}
