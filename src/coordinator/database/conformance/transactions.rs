//! Transactions: all or nothing, one after the other, with revisions.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::tools::{Outcome, Tested, bytes, delete, fail, holds, put, same};
use super::{Failure, Subject};
use crate::coordinator::database::{Committed, Compare, Keys, Lease, Revision};

pub(super) async fn what_was_written_is_read(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let first = tested.write(vec![put("a", "1"), put("b", "")]).await?;
    let second = tested.put("a", "2").await?;
    let entry = tested.entry("a").await?;
    same("the value", &entry.value[..], b"2")?;
    same("its key", &entry.key[..], b"a")?;
    same("when it was created", entry.created, first)?;
    same("when it was modified", entry.modified, second)?;
    same("its lease", entry.lease, None::<Lease>)?;
    let entry = tested.entry("b").await?;
    same("an empty value", &entry.value[..], b"")?;
    same("when the other was modified", entry.modified, first)
}

pub(super) async fn what_was_deleted_is_absent(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    same("what nobody wrote", tested.value("a").await?, None)?;
    tested.write(vec![put("a", "1"), put("b", "1")]).await?;
    tested.delete("a").await?;
    same("what was deleted", tested.value("a").await?, None)?;
    same("what was not", tested.value("b").await?, Some("1".to_owned()))?;
    same("what the range has", tested.all(Keys::all(), 0, None).await?.len(), 1)
}

pub(super) async fn comparisons_hold_of_what_there_is(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let before = tested.put("a", "0").await?;
    tested.delete("a").await?;
    let now = tested.put("a", "1").await?;
    let other = tested.put("b", "1").await?;
    for (compare, wanted) in [
        (Compare::Absent(bytes("a")), false),
        (Compare::Absent(bytes("nothing")), true),
        (Compare::Modified(bytes("a"), now), true),
        (Compare::Modified(bytes("a"), before), false),
        (Compare::Modified(bytes("a"), other), false),
        (Compare::Modified(bytes("nothing"), now), false),
        (Compare::Modified(bytes("nothing"), Revision(0)), false),
    ] {
        let committed = tested.commit(vec![compare.clone()], vec![put("outcome", "1")]).await?;
        same(&format!("whether {compare:?} holds"), matches!(committed, Committed::Yes(_)), wanted)?;
    }
    Ok(())
}

pub(super) async fn all_comparisons_have_to_hold(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    tested.put("a", "1").await?;
    let (yes, no) = (Compare::Absent(bytes("x")), Compare::Absent(bytes("a")));
    for compare in [vec![yes.clone(), no.clone()], vec![no.clone(), yes.clone()], vec![no.clone(), no]] {
        let committed = tested.commit(compare.clone(), vec![put("x", "1")]).await?;
        holds(format!("{compare:?} was taken as one that holds"), matches!(committed, Committed::No(_)))?;
    }
    let committed = tested.commit(vec![yes, Compare::Absent(bytes("y"))], vec![put("x", "1")]).await?;
    holds("two that hold were taken as one that does not", matches!(committed, Committed::Yes(_)))
}

pub(super) async fn a_transaction_does_all_or_nothing(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    tested.write(vec![put("a", "1"), put("b", "1")]).await?;
    let before = tested.newest().await?;
    let writes = vec![put("a", "2"), delete("b"), put("c", "2")];
    let committed = tested.commit(vec![Compare::Absent(bytes("b"))], writes.clone()).await?;
    same("the refused transaction", committed, Committed::No(before))?;
    let pairs = |pairs: &[(&str, &str)]| super::tools::pairs(pairs);
    same("what there is then", tested.all(Keys::all(), 0, None).await?, pairs(&[("a", "1"), ("b", "1")]))?;
    tested.write(writes).await?;
    same("what there is at last", tested.all(Keys::all(), 0, None).await?, pairs(&[("a", "2"), ("c", "2")]))
}

pub(super) async fn revisions_rise_with_each_change(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let mut last = tested.newest().await?;
    for round in 0..20 {
        let key = format!("key {}", round % 3);
        let revision = if round % 5 == 4 { tested.delete(&key).await? } else { tested.put(&key, "same").await? };
        holds(format!("revision {revision} came after {last}"), revision > last)?;
        same("the newest revision", tested.newest().await?, revision)?;
        last = revision;
    }
    Ok(())
}

pub(super) async fn a_transaction_that_changes_nothing_takes_no_revision(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let newest = tested.put("a", "1").await?;
    let yes = Committed::Yes(newest);
    same("one without writes", tested.commit(Vec::new(), Vec::new()).await?, yes)?;
    let compare = || vec![Compare::Modified(bytes("a"), newest)];
    same("one that only compares", tested.commit(compare(), Vec::new()).await?, yes)?;
    same("one that deletes what is absent", tested.commit(compare(), vec![delete("b")]).await?, yes)?;
    let no = tested.commit(vec![Compare::Absent(bytes("a"))], vec![put("a", "2")]).await?;
    same("one that does not hold", no, Committed::No(newest))?;
    same("the newest revision", tested.newest().await?, newest)
}

pub(super) async fn a_key_that_comes_back_is_created_anew(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let first = tested.put("a", "1").await?;
    tested.delete("a").await?;
    let back = tested.put("a", "1").await?;
    let entry = tested.entry("a").await?;
    same("when it was created", entry.created, back)?;
    let committed = tested.commit(vec![Compare::Modified(bytes("a"), first)], vec![put("a", "2")]).await?;
    holds("it was taken for the one before it", matches!(committed, Committed::No(_)))
}

pub(super) async fn of_writers_that_compare_the_same_one_wins(subject: Arc<dyn Subject>) -> Outcome {
    const WRITERS: usize = 8;
    const EACH: usize = 10;
    let tested = Tested::new(subject);
    tested.put("count", "0").await?;
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let tested = tested.clone();
        writers.spawn(async move {
            for _ in 0..EACH {
                raise(&tested).await?;
            }
            Ok::<(), Failure>(())
        });
    }
    ended(writers).await?;
    same("what they counted", tested.value("count").await?, Some((WRITERS * EACH).to_string()))
}

/// Counts one further, however often somebody else is faster.
async fn raise(tested: &Tested) -> Outcome {
    loop {
        let entry = tested.entry("count").await?;
        let count: usize =
            super::tools::text(&entry.value).parse().map_err(|_| Failure("it is no number".to_owned()))?;
        let compare = Compare::Modified(entry.key.clone(), entry.modified);
        if let Committed::Yes(_) = tested.commit(vec![compare], vec![put("count", &(count + 1).to_string())]).await? {
            return Ok(());
        }
    }
}

pub(super) async fn no_reader_sees_half_a_transaction(subject: Arc<dyn Subject>) -> Outcome {
    const KEYS: usize = 5;
    let tested = Tested::new(subject);
    let all = |value: &str| (0..KEYS).map(|key| put(&format!("key {key}"), value)).collect::<Vec<_>>();
    tested.write(all("0")).await?;
    let mut writers = JoinSet::new();
    for writer in 0..3 {
        let tested = tested.clone();
        writers.spawn(async move {
            for round in 0..40 {
                tested.write(all(&format!("{writer} {round}"))).await?;
            }
            Ok::<(), Failure>(())
        });
    }
    while !writers.is_empty() {
        let found = tested.all(Keys::prefix("key "), 0, None).await?;
        same("how many keys there are", found.len(), KEYS)?;
        holds(
            format!("a reader found {found:?}, of several transactions"),
            found.iter().all(|(_, value)| *value == found[0].1),
        )?;
        while let Some(ended) = writers.try_join_next() {
            ended.map_err(|error| Failure(error.to_string()))??;
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

pub(super) async fn what_was_acknowledged_is_read_by_whoever_asks_next(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let tested = tested.clone();
        writers.spawn(async move {
            let key = format!("key {writer}");
            for round in 0..30 {
                let value = round.to_string();
                let revision = tested.put(&key, &value).await?;
                same("what its writer reads", tested.value(&key).await?, Some(value.clone()))?;
                let page = tested.page(Keys::one(key.clone().into_bytes()), 0, None).await?;
                same("what its writer finds", page.entries.first().map(|entry| entry.modified), Some(revision))?;
                if page.revision < revision {
                    return fail(format!("a range is of {} after {revision} was acknowledged", page.revision));
                }
            }
            Ok(())
        });
    }
    ended(writers).await
}

pub(super) async fn ended(mut tasks: JoinSet<Outcome>) -> Outcome {
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|error| Failure(error.to_string()))??;
    }
    Ok(())
}
