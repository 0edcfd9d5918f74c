//! Callers that nobody has moved: they go on in a version that is retired, and are refused it.

use std::time::Duration;

use tokio::time::Instant;
use tonic::Status;

use super::caller::{Caller, Version};
use super::crew::Failed;
use super::model::CONTESTED;
use super::tally::{Tally, Verdict};
use crate::refusal::{Reason, Refusal};

/// How long a node may take to hear that a version is retired.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

/// One on one node.
pub(super) struct Straggler {
    pub(super) version: Version,
    pub(super) caller: Box<dyn Caller>,
    /// What its calls are counted under.
    pub(super) cell: &'static str,
}

impl Straggler {
    /// Calls until it is refused: a node serves the version until it has heard. The versions that it is told are served.
    ///
    /// # Errors
    /// When it is answered for too long, or anything else comes.
    pub(super) async fn until_refused(mut self, tally: &Tally) -> Result<String, Failed> {
        let end = Instant::now() + PATIENCE;
        let mut looks = tokio::time::interval(PAUSE);
        loop {
            looks.tick().await;
            let begun = Instant::now();
            let result = self.caller.get(CONTESTED).await;
            let heard = heard(self.version, result.map(drop));
            let verdict = match &heard {
                Ok(None) if begun > end => Verdict::Wrong(format!("it is still answered after {PATIENCE:?}")),
                Ok(None) => Verdict::Answered,
                Ok(Some(_)) => Verdict::Refused("RETIRED".to_owned()),
                Err(why) => Verdict::Failed(why.clone()),
            };
            tally.count(self.version, self.cell, "GetItem", begun.elapsed(), &verdict);
            match (heard, verdict) {
                (Ok(Some(served)), _) => return Ok(served),
                (Err(why), _) | (_, Verdict::Wrong(why)) => {
                    return Err(format!("a straggler, {}: {why}", self.version).into());
                }
                _ => {}
            }
        }
    }
}

/// What a straggler was told: the versions that are served, or nothing yet.
fn heard(version: Version, result: Result<(), Status>) -> Result<Option<String>, String> {
    let Err(status) = result else { return Ok(None) };
    let other = || format!("`RETIRED` was due, and {:?} came: {}", status.code(), status.message());
    let refusal = Refusal::from_status(&status).ok_or_else(other)?;
    if refusal.reason() != Reason::Retired || refusal.ran() || refusal.brownout_until().is_some() {
        return Err(other());
    }
    if refusal.caller_version() != Some(version.number()) {
        return Err(format!("it speaks {}, and was taken for {:?}", version.number(), refusal.caller_version()));
    }
    let served = refusal.served().ok_or("what is served was not told")?;
    Ok(Some(served.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_of_a_retired_version_that_names_what_is_served_will_do() {
        let retired = |version: &str| {
            Refusal::new(Reason::Retired, "gone").with("caller_version", version).with("served", "1.1.0..=3.0.0")
        };
        let heard = |status: Status| heard(Version::Unlabelled, Err(status));
        assert_eq!(heard(retired("1.0.0").into()), Ok(Some("1.1.0..=3.0.0".to_owned())));
        for other in [
            retired("1.1.0").into(),
            retired("1.0.0").with("brownout_until", "1800000000").into(),
            Refusal::new(Reason::Retired, "gone").with("caller_version", "1.0.0").into(),
            Refusal::lossy("price", "no").into(),
            Status::unavailable("away"),
        ] {
            assert!(heard(other).is_err());
        }
        assert_eq!(super::heard(Version::First, Ok(())), Ok(None), "the node has not heard yet");
    }
}
