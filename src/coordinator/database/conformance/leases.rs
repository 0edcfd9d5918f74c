//! Leases.

use std::sync::Arc;
use std::time::Duration;

use super::tools::{Outcome, Tested, all_short, holds, pairs, put, put_under, refused, same, told};
use super::{Failure, Subject};
use crate::coordinator::database::{DatabaseError, Keys, Revision, Transaction};

/// A lease's time, and a part of it after which it is there for certain.
const TIME: Duration = Duration::from_secs(4);
const PART: Duration = Duration::from_secs(2);
/// After which it is gone for certain, also where it is rounded up.
const OVER: Duration = Duration::from_secs(6);

pub(super) async fn leases_differ(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let (one, other) = (tested.grant(TIME).await?, tested.grant(TIME).await?);
    holds("two leases have one name", one != other)?;
    tested.database.revoke(one).await?;
    let third = tested.grant(TIME).await?;
    holds("a lease has the name of one that has gone", third != one && third != other)
}

pub(super) async fn what_is_written_under_a_lease_goes_with_it_at_once(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let lease = tested.grant(TIME).await?;
    tested.write(vec![put_under("a", "1", lease), put("stays", "1")]).await?;
    let last = tested.write(vec![put_under("b", "1", lease)]).await?;
    same("its lease", tested.entry("a").await?.lease, Some(lease))?;
    let mut watch = tested.watch(Keys::all(), Revision(last.0 + 1)).await?;
    pass(&tested, PART).await?;
    same("what there is before it ends", tested.all(Keys::all(), 0, None).await?.len(), 3)?;
    pass(&tested, OVER).await?;
    same("what there is afterwards", tested.all(Keys::all(), 0, None).await?, pairs(&[("stays", "1")]))?;
    let end = tested.newest().await?;
    holds("its end has no revision", end > last)?;
    same("what is told", all_short(&told(&mut *watch, end).await?), vec![(end.0, "-a -b".to_owned())])
}

pub(super) async fn a_lease_that_is_kept_alive_goes_on(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let lease = tested.grant(TIME).await?;
    tested.write(vec![put_under("a", "1", lease)]).await?;
    for _ in 0..4 {
        pass(&tested, PART).await?;
        tested.database.keep_alive(lease).await?;
    }
    same("what there is", tested.value("a").await?, Some("1".to_owned()))?;
    pass(&tested, OVER).await?;
    same("what there is when nobody keeps it alive", tested.value("a").await?, None)
}

pub(super) async fn a_lease_that_has_gone_is_told(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let over = tested.grant(TIME).await?;
    pass(&tested, OVER).await?;
    let revoked = tested.grant(TIME).await?;
    tested.database.revoke(revoked).await?;
    let before = tested.newest().await?;
    for (what, lease) in [("one that is over", over), ("one that was revoked", revoked)] {
        let kept = tested.database.keep_alive(lease).await;
        refused(&format!("keeping alive {what}"), kept, DatabaseError::is_lease_gone)?;
        let write = vec![put("other", "1"), put_under("a", "1", lease)];
        let written = tested.database.commit(Transaction { compare: Vec::new(), write }).await;
        refused(&format!("writing under {what}"), written, DatabaseError::is_lease_gone)?;
        tested.database.revoke(lease).await?;
    }
    same("what was written", tested.all(Keys::all(), 0, None).await?, Vec::new())?;
    same("the newest revision", tested.newest().await?, before)
}

pub(super) async fn a_lease_can_be_revoked(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let (lease, other) = (tested.grant(TIME).await?, tested.grant(TIME).await?);
    let last =
        tested.write(vec![put_under("a", "1", lease), put_under("b", "1", lease), put_under("c", "1", other)]).await?;
    tested.database.revoke(lease).await?;
    same("what there is", tested.all(Keys::all(), 0, None).await?, pairs(&[("c", "1")]))?;
    let end = tested.newest().await?;
    same("what is told", all_short(&tested.told(Revision(last.0 + 1), end).await?), vec![(end.0, "-a -b".to_owned())])
}

pub(super) async fn a_lease_takes_nothing_else_with_it(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let lease = tested.grant(TIME).await?;
    tested.write(vec![put_under("again", "1", lease), put_under("back", "1", lease), put("never", "1")]).await?;
    tested.put("again", "2").await?;
    tested.delete("back").await?;
    tested.put("back", "2").await?;
    same("the lease of what was written again", tested.entry("again").await?.lease, None)?;
    let before = tested.newest().await?;
    pass(&tested, OVER).await?;
    let wanted = pairs(&[("again", "2"), ("back", "2"), ("never", "1")]);
    same("what there is", tested.all(Keys::all(), 0, None).await?, wanted)?;
    same("the newest revision", tested.newest().await?, before)
}

pub(super) async fn a_key_belongs_to_the_lease_that_it_was_written_under_last(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let (first, second) = (tested.grant(TIME).await?, tested.grant(TIME).await?);
    tested.write(vec![put_under("a", "1", first)]).await?;
    tested.write(vec![put_under("a", "2", second)]).await?;
    tested.database.revoke(first).await?;
    same("what there is when the first has gone", tested.value("a").await?, Some("2".to_owned()))?;
    tested.database.revoke(second).await?;
    same("what there is when the second has gone", tested.value("a").await?, None)
}

async fn pass(tested: &Tested, time: Duration) -> Result<(), Failure> {
    Ok(tested.subject.pass(time).await?)
}
