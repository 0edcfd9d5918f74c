//! Forgetting the past.

use std::sync::Arc;

use super::tools::{Outcome, Tested, all_short, pairs, refused, same, told};
use super::{Failure, Subject};
use crate::coordinator::database::{DatabaseError, Keys, Query, Revision};

/// Ten revisions of one key, one of another, and where the past ends.
async fn forgetting(subject: Arc<dyn Subject>) -> Result<(Tested, Vec<Revision>, Revision), Failure> {
    let tested = Tested::new(subject);
    tested.put("old", "kept").await?;
    let mut revisions = Vec::new();
    for round in 0..10 {
        revisions.push(tested.put("a", &round.to_string()).await?);
    }
    let before = revisions[6];
    tested.database.compact(before).await?;
    Ok((tested, revisions, before))
}

pub(super) async fn a_watch_cannot_begin_with_what_is_forgotten(subject: Arc<dyn Subject>) -> Outcome {
    let (tested, revisions, before) = forgetting(subject).await?;
    // Of the one right before it a store may know still.
    for from in [revisions[0], revisions[3]] {
        let watch = match tested.database.watch(Keys::all(), from).await {
            // A store may say so only with what comes first.
            Ok(mut watch) => watch.next().await.map(drop),
            Err(error) => Err(error),
        };
        refused("watching what is forgotten", watch, DatabaseError::is_compacted)?;
    }
    let last = revisions[9];
    let wanted: Vec<_> = (6..10).map(|round| (revisions[round].0, format!("+a={round}"))).collect();
    same("what is told from there on", all_short(&tested.told(before, last).await?), wanted)
}

pub(super) async fn what_is_kept_now_stays_when_the_past_is_forgotten(subject: Arc<dyn Subject>) -> Outcome {
    let (tested, revisions, _) = forgetting(subject).await?;
    let mut watch = tested.watch(Keys::all(), Revision(revisions[9].0 + 1)).await?;
    let newest = tested.newest().await?;
    tested.database.compact(newest).await?;
    // Again, and further back, is no fault.
    tested.database.compact(newest).await?;
    tested.database.compact(revisions[2]).await?;
    same("what there is", tested.all(Keys::all(), 0, None).await?, pairs(&[("a", "9"), ("old", "kept")]))?;
    same("when `a` was created", tested.entry("a").await?.created, revisions[0])?;
    let next = tested.put("a", "10").await?;
    same("what is told", all_short(&told(&mut *watch, next).await?), vec![(next.0, "+a=10".to_owned())])
}

pub(super) async fn what_was_cannot_be_read_once_it_is_forgotten(subject: Arc<dyn Subject>) -> Outcome {
    let (tested, revisions, _) = forgetting(subject).await?;
    for at in [revisions[0], revisions[3]] {
        let read = tested.database.range(Query { keys: Keys::all(), limit: 0, at: Some(at) }).await;
        refused("reading what is forgotten", read, DatabaseError::is_compacted)?;
    }
    for (round, at) in revisions.into_iter().enumerate().skip(6) {
        let found = tested.all(Keys::all(), 1, Some(at)).await?;
        same("what is not forgotten", found, pairs(&[("a", &round.to_string()), ("old", "kept")]))?;
    }
    Ok(())
}

pub(super) async fn what_is_to_come_cannot_be_forgotten(subject: Arc<dyn Subject>) -> Outcome {
    let (tested, revisions, before) = forgetting(subject).await?;
    let compacted = tested.database.compact(Revision(revisions[9].0 + 1000)).await;
    refused("forgetting what is to come", compacted, DatabaseError::is_invalid)?;
    same("what is still told", tested.told(before, revisions[9]).await?.len(), 4)
}
