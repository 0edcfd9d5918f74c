//! Ready for a permit: what a move takes, as far as callers are served meanwhile, is done before anybody has asked for it. So
//! callers are held back soon after the permit, however large the state is.
//!
//! ```text
//!               all is done that can be                  the permit
//!   Serving ────────────────────────────> Serving, ready ──────────> as any move, without what was done
//!      ^                                        │
//!      └────────────────────────────────────────┘
//!        another move, or none; the program ends
//! ```
//!
//! Going on, what was made is in the journal as an upgrade that was learned; going back, as what was prepared. It is nobody's once
//! the program has ended. The node is busy only while it works on this.

use std::pin::pin;
use std::sync::Arc;

use tokio::sync::Notify;

use super::prepare::Unready;
use super::{Busy, Life, lock};
use crate::node::chain::Plan;
use crate::node::life::{MoveError, Rollback};
use crate::state::{Mode, Way};
use crate::version::Version;

/// What a node is busy with that yields to any move begins so.
pub(super) const AHEAD: &str = "ahead of a permit, ";

/// What is ready, and who works on it.
#[derive(Default)]
pub(super) struct Readiness {
    plan: Option<Plan>,
    /// Interrupts the work.
    interrupt: Option<Arc<Notify>>,
}

/// A move that a permit is to be asked for.
#[derive(Clone, Debug)]
pub(in crate::node) struct Wanted {
    pub(in crate::node) to: Version,
    pub(in crate::node) way: Way,
    /// The loss of what cannot be carried back is accepted.
    pub(in crate::node) accept_loss: bool,
}

impl Life {
    /// Does what can be done of a move while callers are served; once more, what has come since. What was made for another move
    /// goes away. When `interrupt` is notified it stops where it is, and what was ready before stays so.
    pub(in crate::node) async fn get_ready(
        self: &Arc<Self>,
        wanted: Wanted,
        interrupt: Arc<Notify>,
    ) -> Result<(), MoveError> {
        let busy = {
            // Whoever finds the node busy finds what interrupts it.
            let mut readiness = lock(&self.readiness);
            let busy = self.busy(format!("{AHEAD}what a move to {} takes is being made", wanted.to))?;
            readiness.interrupt = Some(interrupt.clone());
            busy
        };
        let life = self.clone();
        let work = async move {
            let done = life.work_ahead(&wanted, &interrupt).await;
            lock(&life.readiness).interrupt = None;
            done
        };
        self.to_the_end(busy, work).await
    }

    /// What was made ahead is not wanted any more.
    pub(in crate::node) async fn stand_down(self: &Arc<Self>) -> Result<(), MoveError> {
        let busy = self.busy(format!("{AHEAD}what is not wanted any more is being removed"))?;
        let life = self.clone();
        let work = async move {
            life.take_ready(None).await;
            Ok(())
        };
        self.to_the_end(busy, work).await
    }

    /// Takes the right to change the node, from whoever only works ahead as well.
    pub(super) async fn busy_at_once(self: &Arc<Self>, what: String) -> Result<Busy, MoveError> {
        loop {
            let freed = self.freed.notified();
            match self.busy(what.clone()) {
                Err(MoveError::Busy { what }) if what.starts_with(AHEAD) => {
                    self.interrupt_ready();
                    freed.await;
                }
                taken => return taken,
            }
        }
    }

    /// Whoever works ahead is to stop: the node has other things to do.
    pub(super) fn interrupt_ready(&self) {
        if let Some(interrupt) = &lock(&self.readiness).interrupt {
            interrupt.notify_one();
        }
    }

    /// The plan of a move for which all is ready; what is ready for another one is removed.
    pub(super) async fn take_ready(&self, wanted: Option<(&Version, Way)>) -> Option<Plan> {
        let plan = lock(&self.readiness).plan.take()?;
        if wanted.is_some_and(|(to, way)| plan.to == *to && plan.way == way) {
            return Some(plan);
        }
        if let Err(error) = self.forget().await {
            tracing::warn!(%error, "what was made ahead of a permit could not all be removed");
        }
        self.publish();
        None
    }

    async fn work_ahead(&self, wanted: &Wanted, interrupt: &Notify) -> Result<(), MoveError> {
        let before = self.take_ready(Some((&wanted.to, wanted.way))).await;
        let again = before.clone();
        let mut work = pin!(self.make_ahead(wanted, before));
        tokio::select! {
            biased;
            () = interrupt.notified() => {}
            made = &mut work => match made {
                Ok(plan) => {
                    lock(&self.readiness).plan = Some(plan);
                    return Ok(());
                }
                Err(Unready::Refused(error)) => return Err(error),
                Err(Unready::Failed(why)) => return Err(self.not_begun(why).await),
            },
        };
        self.stop_working(work).await;
        if again.is_some() {
            // What was copied before is still good, and gone on with.
            lock(&self.readiness).plan = again;
        } else {
            let _ = self.forget().await;
            self.publish();
        }
        Err(MoveError::Busy { what: "the node has something else to do".to_owned() })
    }

    /// Makes it, or catches up. What was made stays, whatever comes of it.
    async fn make_ahead(&self, wanted: &Wanted, before: Option<Plan>) -> Result<Plan, Unready> {
        let plan = match before {
            Some(plan) => plan,
            None if wanted.way == Way::On => self.plan_on(&wanted.to).await.map_err(Unready::Refused)?,
            None => {
                // Only whether there is a file counts here.
                let accept_loss = wanted.accept_loss.then(std::path::PathBuf::new);
                let how = Rollback { dry_run: false, accept_loss };
                self.way_back(&how).await.map_err(Unready::Refused)?.0
            }
        };
        if matches!(plan.records, Some((_, Mode::Online))) {
            let to = wanted.to.clone();
            if wanted.way == Way::On {
                self.on_state(move |state| state.learn_ahead(&to)).await.map_err(Unready::Failed)?;
            }
            self.ahead(&plan).await.map_err(Unready::Failed)?;
        }
        Ok(plan)
    }
}
