//! A move under a coordinator's permit, which holds for a time.

use std::pin::pin;

use tokio::time::{Instant, sleep_until};

use super::Life;
use crate::node::chain::Plan;
use crate::node::life::MoveError;

/// A coordinator's permit.
#[derive(Clone, Copy, Debug)]
pub(in crate::node) struct Under {
    /// Its number.
    pub(in crate::node) permit: u64,
    /// Callers have to be held back before this.
    pub(in crate::node) begin_by: Instant,
}

impl Under {
    pub(super) fn is_over(self) -> bool {
        Instant::now() >= self.begin_by
    }
}

impl Life {
    /// Copies records while they are served, for as long as the permit holds.
    pub(super) async fn ahead_in_time(&self, plan: &Plan, under: Option<Under>) -> Result<(), MoveError> {
        let mut ahead = pin!(self.ahead(plan));
        let copied = match under {
            None => ahead.await,
            Some(under) => {
                let copied = tokio::select! {
                    biased;
                    copied = &mut ahead => Some(copied),
                    () = sleep_until(under.begin_by) => None,
                };
                let Some(copied) = copied else {
                    self.stop_working(ahead).await;
                    return Err(self.expired("while records were copied").await);
                };
                copied
            }
        };
        match copied {
            Ok(()) => Ok(()),
            Err(why) => Err(self.not_begun(why).await),
        }
    }

    /// Takes back what was written down of a move whose permit is over.
    pub(super) async fn expired(&self, when: &str) -> MoveError {
        if let Err(error) = self.forget().await {
            tracing::warn!(%error, "that the permit is over could not be written down");
        }
        self.publish();
        MoveError::Expired { when: when.to_owned() }
    }
}
