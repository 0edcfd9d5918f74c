//! Moves under a permit.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::core::Step;
use super::supervised::Supervised;
use super::{Coordinated, Node, lock};
use crate::control::v1_0_0 as wire;
use crate::control::v1_0_0::Way;
use crate::node::engine::{Under, Wanted};
use crate::node::{MoveError, Moved, NodeStatus, Rollback, admin};
use crate::state;
use crate::version::Version;

/// Moves as the permit says: how long callers waited, or why it came to nothing. `word` is what was said to a preparation.
pub(super) async fn go(
    node: &Node,
    coordinated: &Coordinated,
    supervised: Option<&Supervised>,
    permit: &wire::Permit,
    begin_by: Instant,
    word: watch::Receiver<Option<bool>>,
) -> Result<Duration, wire::Failure> {
    *lock(&node.agency().moved_under) = Some((permit.permit, permit.upgrade));
    if let Some(supervised) = supervised
        && (permit.way() == Way::Restart || is_better_replaced(supervised, permit).await)
    {
        return replaced(node, supervised, permit, begin_by).await;
    }
    let moved = match permit.way() {
        // Each goes back by itself: there is nothing to prepare.
        Way::Barrier if !permit.back => at_a_word(node, permit, begin_by, word).await,
        Way::Drain => drained(node, coordinated, permit, begin_by).await,
        _ => softly(node, permit, begin_by).await,
    };
    moved.map(|moved| moved.pause).map_err(|error| {
        let (reason, advice) = admin::in_words(&error);
        tracing::warn!(permit = permit.permit, %error, "a move under a permit came to nothing");
        wire::Failure { reason: reason.to_owned(), what: error.to_string(), advice: advice.to_owned() }
    })
}

/// Whether the program could go by itself, and a newer release is there that goes as well.
async fn is_better_replaced(supervised: &Supervised, permit: &wire::Permit) -> bool {
    if permit.back || !matches!(permit.way(), Way::Soft | Way::Unspecified) {
        return false;
    }
    supervised.look().await;
    let seen = supervised.seen();
    seen.by_newer && seen.next.is_some_and(|next| permit.to.parse().is_ok_and(|to: Version| to == next))
}

/// Has the supervisor put another program in the place of this one, which lets the state go only while the permit holds.
async fn replaced(
    node: &Node,
    supervised: &Supervised,
    permit: &wire::Permit,
    begin_by: Instant,
) -> Result<Duration, wire::Failure> {
    let agency = node.agency();
    *lock(&agency.leaving) = Some(Under { permit: permit.permit, begin_by });
    let replaced = supervised.replace(&permit.to, begin_by).await;
    if let Err(failure) = &replaced {
        let wire::Failure { reason, what, .. } = failure;
        tracing::warn!(permit = permit.permit, reason, what, "the program was not replaced");
    }
    // What the supervisor begins from here on is not under this permit.
    *lock(&agency.leaving) = None;
    replaced
}

/// Does what can be done of a move while callers are served; once more, what has come since.
pub(super) async fn get_ready(node: &Node, step: &Step, interrupt: Arc<Notify>) -> Result<(), String> {
    let to = step.to.parse().map_err(|error: crate::version::VersionError| error.to_string())?;
    let way = if step.back { state::Way::Back } else { state::Way::On };
    let wanted = Wanted { to, way, accept_loss: step.accept_loss };
    let ready = async { node.life()?.get_ready(wanted, interrupt).await }.await;
    ready.map_err(|error| {
        tracing::debug!(to = step.to, %error, "the node could not get ready ahead of a permit");
        error.to_string()
    })
}

/// What was made ready is not wanted any more.
pub(super) async fn stand_down(node: &Node) {
    if let Err(error) = async { node.life()?.stand_down().await }.await {
        tracing::debug!(%error, "what was made ahead of a permit stays until the next move");
    }
}

async fn softly(node: &Node, permit: &wire::Permit, begin_by: Instant) -> Result<Moved, MoveError> {
    let (life, under) = (node.life()?, Under { permit: permit.permit, begin_by });
    if !permit.back {
        return life.upgrade_under(&version(permit)?, under).await;
    }
    let lost = if permit.accept_loss { Some(life.place_for_lost().await?) } else { None };
    let moved = life.rollback_under(Rollback { dry_run: false, accept_loss: lost.clone() }, under).await;
    if let (Some(lost), Ok(Moved { lost: records @ 1.., .. })) = (&lost, &moved) {
        let (permit, records, file) = (permit.permit, *records, lost.display().to_string());
        *lock(&node.agency().given_up) = Some(wire::GivenUp { permit, records, file });
    }
    if let Some(lost) = lost {
        let _ = spawn_blocking(move || admin::remove_empty(&lost)).await;
    }
    moved
}

/// Empties the node first, and takes it back into service whatever comes of the move.
async fn drained(
    node: &Node,
    coordinated: &Coordinated,
    permit: &wire::Permit,
    begin_by: Instant,
) -> Result<Moved, MoveError> {
    let was_drained = node.status().drained;
    // What is left of the permit's time is for streams, and for records that have come since the node got ready.
    let left = begin_by.saturating_duration_since(Instant::now()) / 2;
    node.drain(coordinated.drain.min(left)).await;
    let moved = softly(node, permit, begin_by).await;
    if !was_drained {
        node.resume();
    }
    moved
}

/// Prepares, and waits for the word.
async fn at_a_word(
    node: &Node,
    permit: &wire::Permit,
    begin_by: Instant,
    mut word: watch::Receiver<Option<bool>>,
) -> Result<Moved, MoveError> {
    let (life, under) = (node.life()?, Under { permit: permit.permit, begin_by });
    let no_word = |why: &str| MoveError::TooLate { why: why.to_owned() };
    // Both times are from the request on.
    let sent = begin_by.checked_sub(Duration::from_micros(permit.within_microseconds)).unwrap_or(begin_by);
    let until = sent + Duration::from_micros(permit.prepared_for_microseconds);
    let preparing =
        life.prepare_under(&version(permit)?, until.saturating_duration_since(Instant::now()), Some(under))?;
    let name = preparing.name().to_owned();
    let prepared = tokio::select! {
        prepared = preparing.ready() => prepared?,
        // It is taken back with this.
        _ = word.wait_for(|word| *word == Some(false)) => {
            return Err(no_word("the preparation was taken back before it was ready"));
        }
    };
    let mut told = node.watch();
    let over = |status: &NodeStatus| status.prepared.as_ref().is_none_or(|prepared| prepared.name != name);
    let switch = tokio::select! {
        biased;
        // Whoever says it is there for as long as this is.
        said = word.wait_for(Option::is_some) => Some(said.is_ok_and(|said| *said == Some(true))),
        _ = told.wait_for(over) => None,
    };
    match switch {
        Some(true) => node.switch(&prepared.name).await,
        Some(false) => {
            node.abort(&prepared.name).await?;
            Err(no_word("the preparation was taken back"))
        }
        None => Err(no_word("the preparation was over before the word came")),
    }
}

fn version(permit: &wire::Permit) -> Result<Version, MoveError> {
    permit.to.parse().map_err(|error| MoveError::NoWay { why: format!("{:?}: {error}", permit.to) })
}
