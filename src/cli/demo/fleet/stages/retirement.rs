//! The end of an upgrade in real life: the oldest version goes, once nobody calls it any more.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::Stages;
use crate::cli::demo::caller::Version;
use crate::cli::demo::crew::{Failed, TILL};
use crate::control::v1_0_0::{RetireObstacle, RetireResponse};

/// What is retired: the version of callers without a label, too.
const RETIRED: &str = "1.0.0";
/// What is served from then on, as its callers are told.
const SERVED: &str = "1.1.0..=3.0.0";
/// For how long nobody may have called it. Days in real life.
const GUARD: Duration = Duration::from_secs(3);
/// How long to wait until that is known.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(200);

impl Stages<'_> {
    pub(super) async fn oldest_is_retired(&mut self) -> Result<(), Failed> {
        self.retire_is_refused().await?;
        self.crew.move_on(Version::Unlabelled, Version::Fourth).await?;
        self.rests("its callers move", format!("{TILL} is replaced, and calls 3.0.0 from now on")).await;
        self.retire_goes_through().await?;
        self.stragglers_are_refused().await
    }

    /// All who have a label move by themselves; who has none is found because retiring is refused.
    async fn retire_is_refused(&mut self) -> Result<(), Failed> {
        self.crew.move_on(Version::First, Version::Fourth).await?;
        // Shortly after a crash, and after others have moved, more than that stands in the way.
        let end = Instant::now() + PATIENCE;
        let mut looks = tokio::time::interval(PAUSE);
        loop {
            looks.tick().await;
            let told = self.operator.retire(RETIRED, GUARD, true).await?;
            if told.obstacles.iter().all(is_unlabelled) && !told.obstacles.is_empty() {
                break;
            }
            if Instant::now() > end {
                return Err(format!("one caller alone should stand in the way, and it is {:?}", what(&told)).into());
            }
        }
        let refused = self.operator.retire(RETIRED, GUARD, false).await?;
        if refused.retired || refused.obstacles.is_empty() || !refused.obstacles.iter().all(is_unlabelled) {
            return Err(format!("{RETIRED} is still called, and retiring it came to {refused:?}").into());
        }
        let callers: BTreeSet<&str> = refused
            .obstacles
            .iter()
            .flat_map(|obstacle| &obstacle.callers)
            .map(|caller| caller.caller.as_str())
            .collect();
        if callers.is_empty() || !callers.iter().all(|caller| caller.contains(TILL)) {
            return Err(format!("{TILL} should be named, and {callers:?} are").into());
        }
        let callers = Vec::from_iter(callers).join(", ");
        let methods = refused.obstacles.len();
        self.rests("retire is refused", format!("{callers} calls {methods} methods of {RETIRED} without a label"))
            .await;
        Ok(())
    }

    async fn retire_goes_through(&mut self) -> Result<(), Failed> {
        let end = Instant::now() + PATIENCE;
        let mut looks = tokio::time::interval(PAUSE);
        loop {
            looks.tick().await;
            let told = self.operator.retire(RETIRED, GUARD, false).await?;
            if told.retired {
                break;
            }
            if Instant::now() > end {
                return Err(format!("nobody calls {RETIRED} any more, and in the way is {:?}", what(&told)).into());
            }
        }
        let seconds = GUARD.as_secs();
        self.rests("1.0.0 is retired", format!("nobody has called it for {seconds} s, as every node has told")).await;
        Ok(())
    }

    async fn stragglers_are_refused(&mut self) -> Result<(), Failed> {
        let told = self.crew.stragglers([Version::Unlabelled, Version::First]).await?;
        if let Some(other) = told.iter().find(|served| *served != SERVED) {
            return Err(format!("a straggler was told that {other} is served, and it is {SERVED}").into());
        }
        let count = told.len();
        self.reached("stragglers", format!("{count} of {count} are refused: RETIRED, {SERVED} is served"));
        Ok(())
    }
}

/// Whether it is a caller without a label, and nothing else.
fn is_unlabelled(obstacle: &RetireObstacle) -> bool {
    obstacle.rule == "called" && obstacle.unlabelled && obstacle.version == RETIRED
}

fn what(told: &RetireResponse) -> Vec<&str> {
    told.obstacles.iter().map(|obstacle| obstacle.what.as_str()).collect()
}
