//! To the version that the program was told, before anybody is answered.

use std::sync::Arc;

use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::cross::{Stop, attempt};
use super::{Life, lock};
use crate::node::chain::Plan;
use crate::node::goal::{Goal, NotStarted};
use crate::node::life::{MoveError, Moved};
use crate::state::{Phase, StateFolder, Way};
use crate::version::Version;

impl Life {
    /// Goes there from the version that the state is of, step by step.
    pub(super) async fn reach(self: &Arc<Self>, goal: &Goal) -> Result<(), NotStarted> {
        match goal {
            Goal::AsItIs => Ok(()),
            Goal::RunAt(to) => {
                self.forget_beyond(Some(to)).await?;
                self.up_to(to).await
            }
            Goal::BackTo(to) => {
                self.forget_beyond(None).await?;
                self.back_to(to).await
            }
        }
    }

    async fn up_to(self: &Arc<Self>, to: &Version) -> Result<(), NotStarted> {
        let mut moved = false;
        while self.version() < *to {
            let version = self.version();
            let Some(next) = self.chain.neighbour(&version, Way::On).map(|next| next.version.clone()) else {
                return Err(NotStarted::unfit(format!("this program knows no way on from {version}")));
            };
            if moved {
                // Of what was in between no caller has been told anything.
                self.finalize().await.map_err(|error| self.not_moved(&error))?;
            }
            self.open_if_new().await?;
            let plan = self.way_on(&next).await.map_err(|error| self.not_moved(&error))?;
            self.move_at_rest(&plan).await?;
            moved = true;
        }
        Ok(())
    }

    async fn back_to(self: &Arc<Self>, to: &Version) -> Result<(), NotStarted> {
        while self.version() > *to {
            let plan = self.plan_back().await.map_err(|error| self.not_moved(&error))?;
            self.move_at_rest(&plan).await?;
        }
        Ok(())
    }

    /// A state that no object has ever been opened on has nothing to be moved: its objects make their files when they are opened.
    async fn open_if_new(&self) -> Result<(), String> {
        let folder = self.folder_of(&lock(&self.told).current.clone()).join("object");
        let files = self.files.clone();
        let listed = spawn_blocking(move || files.list(&folder)).await.map_err(|error| error.to_string())?;
        let is_new = listed.map_err(|error| format!("looking through the state: {error}"))?.is_empty();
        if is_new && self.standing.lock().await.is_none() {
            self.open().await?;
        }
        Ok(())
    }

    /// Moves as a node that serves does, but that there is nobody to hold back, and no object has to be opened to be closed.
    async fn move_at_rest(self: &Arc<Self>, plan: &Plan) -> Result<(), NotStarted> {
        let begun = Instant::now();
        self.stop_filling().await;
        if let Err(why) = self.close("the node moves to another version").await {
            return Err(NotStarted::went_back(self.version(), why));
        }
        let (way, to) = (plan.way, plan.to.clone());
        let making = move |state: &mut StateFolder| {
            let folder = if way == Way::On { state.transform_at_rest(&to)? } else { state.reverse_at_rest()? };
            Ok((folder, attempt(state)))
        };
        let making = self.on_state(making).await;
        if let (Err(why), true) = (&making, self.phase().answers_callers()) {
            return Err(why.clone().into());
        }
        let moved = async {
            let made = self.make_in(plan, making.map_err(|why| self.failed(why))?, None).await?;
            self.switch_to(made).await?;
            self.try_out().await
        };
        let why = match moved.await {
            Ok(()) => {
                let (from, to, pause) = (plan.from.clone(), plan.to.clone(), begun.elapsed());
                lock(&self.told).last = Some(Moved { from, to, pause, streams_drained: 0, streams_cut: 0, lost: 0 });
                return Ok(());
            }
            Err(Stop::Unreleased { why }) => {
                return Err(format!("whether the move has ended could not be written down: {why}; start again").into());
            }
            Err(Stop::Failed { phase, why }) => format!("the move to {} failed while {phase}: {why}", plan.to),
            Err(Stop::Lossy { first, count }) => MoveError::Refused { records: first, count }.to_string(),
            // Nobody asked for one.
            Err(Stop::Dry { .. }) => String::new(),
        };
        if let Err(error) = self.close("the node goes back to the version before").await {
            tracing::warn!(%error, "objects that are given up could not be closed");
        }
        self.fail(why.clone()).await?;
        Err(NotStarted::went_back(self.version(), why))
    }

    /// Takes back what was to begin, and leads to nowhere now.
    async fn forget_beyond(&self, goal: Option<&Version>) -> Result<(), NotStarted> {
        let (phase, to) = {
            let told = lock(&self.told);
            (told.journaled.phase, told.journaled.under_way.as_ref().map(|under_way| under_way.to.clone()))
        };
        let begun = matches!(phase, Phase::Learned | Phase::Permitted);
        if begun && goal.is_none_or(|goal| to.is_some_and(|to| to > *goal)) {
            self.forget().await?;
        }
        Ok(())
    }

    fn not_moved(&self, error: &MoveError) -> NotStarted {
        let why = error.to_string();
        match error {
            MoveError::Stuck { .. } => NotStarted::from(why),
            _ => NotStarted::went_back(self.version(), why),
        }
    }
}
