//! Watching: all of it, once, in order, and not before it can be read.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use tokio::task::JoinSet;

use super::tools::{Outcome, Tested, all_short, delete, fail, holds, put, same, short, told};
use super::transactions::ended;
use super::{Failure, Subject};
use crate::coordinator::database::{Change, Keys, Revision, Watch, Write};

pub(super) async fn a_watch_tells_all_from_its_revision_on(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let start = tested.newest().await?;
    let first = tested.write(vec![put("a", "1"), put("b", "1")]).await?;
    let second = tested.write(vec![put("a", "2"), delete("b"), delete("nothing")]).await?;
    tested.write(vec![delete("nothing")]).await?;
    let third = tested.put("b", "3").await?;
    let all = vec![(first.0, "+a=1 +b=1".to_owned()), (second.0, "+a=2 -b".to_owned()), (third.0, "+b=3".to_owned())];
    let from_start = tested.told(Revision(start.0 + 1), third).await?;
    same("from the start", all_short(&from_start), all.clone())?;
    same("from the second", all_short(&tested.told(second, third).await?), all[1..].to_vec())?;
    same("from the third", all_short(&tested.told(third, third).await?), all[2..].to_vec())?;
    let Some(Change::Put(entry)) = from_start.get(1).and_then(|changes| changes.changes.first()) else {
        return fail("the second revision begins with another change");
    };
    same("when it says that `a` was created", entry.created, first)?;
    same("when it says that `a` was modified", entry.modified, second)
}

pub(super) async fn a_watch_tells_of_its_keys_alone(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let start = tested.newest().await?;
    let mut watch = tested.watch(Keys::prefix("in/"), Revision(start.0 + 1)).await?;
    tested.put("out", "1").await?;
    let first = tested.write(vec![put("in/a", "1"), put("out", "2")]).await?;
    tested.delete("out").await?;
    let last = tested.put("in/b", "1").await?;
    tested.put("in0", "1").await?;
    let wanted = vec![(first.0, "+in/a=1".to_owned()), (last.0, "+in/b=1".to_owned())];
    same("what is told", all_short(&told(&mut *watch, last).await?), wanted.clone())?;
    let mut later = tested.watch(Keys::prefix("in/"), Revision(start.0 + 1)).await?;
    same("what is told later", all_short(&told(&mut *later, last).await?), wanted)
}

pub(super) async fn a_watch_waits_for_what_comes(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let before = tested.put("a", "1").await?;
    let mut watch = tested.watch(Keys::all(), Revision(before.0 + 1)).await?;
    for round in 0..10 {
        holds("something is told before it is there", is_waiting(&mut *watch))?;
        let value = round.to_string();
        let (changes, revision) = tokio::join!(watch.next(), tested.put("a", &value));
        let (changes, revision) = (changes?, revision?);
        same("the revision", changes.revision, revision)?;
        same("the change", short(&changes), format!("+a={value}"))?;
    }
    Ok(())
}

/// Asks for the next changes once, and stops waiting.
fn is_waiting(watch: &mut dyn Watch) -> bool {
    let next = pin!(watch.next());
    matches!(next.poll(&mut Context::from_waker(Waker::noop())), Poll::Pending)
}

pub(super) async fn a_watch_of_a_revision_to_come_leaves_out_what_is_before(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let newest = tested.put("a", "0").await?;
    let from = Revision(newest.0 + 4);
    let mut watch = tested.watch(Keys::all(), from).await?;
    let mut wanted = Vec::new();
    // Revisions may have gaps.
    for round in 1..=8 {
        let revision = tested.put("a", &round.to_string()).await?;
        if revision >= from {
            wanted.push((revision.0, format!("+a={round}")));
        }
    }
    let Some((last, _)) = wanted.last() else { return fail("revisions do not rise") };
    same("what is told", all_short(&told(&mut *watch, Revision(*last)).await?), wanted)
}

pub(super) async fn a_value_is_told_as_it_was_then(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let mut wanted = Vec::new();
    let first = tested.put("a", "0").await?;
    wanted.push((first.0, "+a=0".to_owned()));
    for round in 1..20 {
        if round % 4 == 0 {
            wanted.push((tested.delete("a").await?.0, "-a".to_owned()));
        }
        wanted.push((tested.put("a", &round.to_string()).await?.0, format!("+a={round}")));
    }
    let last = wanted.last().map_or(first, |(revision, _)| Revision(*revision));
    same("what is told afterwards", all_short(&tested.told(first, last).await?), wanted)
}

pub(super) async fn a_watch_that_begins_later_tells_the_same(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let start = tested.newest().await?;
    let mut revisions = Vec::new();
    for round in 0..30 {
        revisions.push(tested.write(vec![put(&format!("{}", round % 4), "x"), put("all", "x")]).await?);
    }
    let Some(last) = revisions.last().copied() else { return Ok(()) };
    let all = tested.told(Revision(start.0 + 1), last).await?;
    same("how many revisions are told", all.len(), revisions.len())?;
    for (index, from) in revisions.into_iter().enumerate() {
        same(&format!("what is told from {from} on"), tested.told(from, last).await?, all[index..].to_vec())?;
    }
    Ok(())
}

pub(super) async fn a_watch_leaves_nothing_out_and_doubles_nothing_under_many_writers(
    subject: Arc<dyn Subject>,
) -> Outcome {
    const WRITERS: usize = 4;
    const EACH: usize = 40;
    let tested = Tested::new(subject);
    let start = Revision(tested.newest().await?.0 + 1);
    let written: Arc<Mutex<BTreeMap<u64, String>>> = Arc::default();
    let mut tasks: JoinSet<Outcome> = JoinSet::new();
    for writer in 0..WRITERS {
        let (tested, written) = (tested.clone(), written.clone());
        tasks.spawn(async move {
            for round in 0..EACH {
                let mut writes: Vec<Write> = vec![put(&format!("own {writer}"), &round.to_string())];
                writes.push(put("shared", &format!("{writer}.{round}")));
                let revision = tested.write(writes).await?;
                let change = format!("+own {writer}={round} +shared={writer}.{round}");
                let mut written = written.lock().map_err(|_| Failure("another writer failed".to_owned()))?;
                if let Some(other) = written.insert(revision.0, change) {
                    return fail(format!("revision {revision} is that of two transactions: {other}"));
                }
            }
            Ok(())
        });
    }
    // Watches that begin while it goes on, and stay until all of it was told.
    let mut watches: JoinSet<Result<Vec<(u64, String)>, Failure>> = JoinSet::new();
    for _ in 0..4 {
        let mut watch = tested.watch(Keys::all(), start).await?;
        watches.spawn(async move {
            let mut seen = Vec::new();
            loop {
                let changes = watch.next().await?;
                seen.push((changes.revision.0, short(&changes)));
                if short(&changes) == "+end=1" {
                    return Ok(seen);
                }
            }
        });
        tokio::task::yield_now().await;
    }
    ended(tasks).await?;
    let end = tested.put("end", "1").await?;
    let mut wanted: Vec<_> =
        std::mem::take(&mut *written.lock().map_err(|_| Failure("a writer failed".to_owned()))?).into_iter().collect();
    wanted.push((end.0, "+end=1".to_owned()));
    same("how many transactions have revisions", wanted.len(), WRITERS * EACH + 1)?;
    while let Some(seen) = watches.join_next().await {
        same("what was told", seen.map_err(|error| Failure(error.to_string()))??, wanted.clone())?;
    }
    Ok(())
}

pub(super) async fn a_long_past_is_told_whole(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let start = Revision(tested.newest().await?.0 + 1);
    let mut wanted = Vec::new();
    // More than one answer holds, in one transaction or in many.
    for round in 0..30 {
        let writes: Vec<Write> = (0..100).map(|key| put(&format!("key {key:03}"), &round.to_string())).collect();
        wanted.push((tested.write(writes).await?, 100));
    }
    let large = "x".repeat(500_000);
    for _ in 0..6 {
        wanted.push((tested.put("large", &large).await?, 1));
    }
    let last = tested.put("other/end", "1").await?;
    let mut end = tested.watch(Keys::prefix("other/"), start).await?;
    same("what is told behind much that is not", all_short(&told(&mut *end, last).await?).len(), 1)?;
    wanted.push((last, 1));
    let seen = tested.told(start, last).await?;
    let seen: Vec<_> = seen.iter().map(|changes| (changes.revision, changes.changes.len())).collect();
    same("the revisions, and how much each has changed", seen, wanted)
}

pub(super) async fn what_was_acknowledged_is_told(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let start = Revision(tested.newest().await?.0 + 1);
    let mut early = tested.watch(Keys::all(), start).await?;
    for round in 0..30 {
        let revision = tested.put("a", &round.to_string()).await?;
        // Whoever watches already, and whoever begins only now.
        same("what is told first", early.next().await?.revision, revision)?;
        same("what is told to a new watch", tested.told(revision, revision).await?.len(), 1)?;
    }
    Ok(())
}

pub(super) async fn what_is_told_is_read_by_whoever_asks_next(subject: Arc<dyn Subject>) -> Outcome {
    const ROUNDS: usize = 60;
    let tested = Tested::new(subject);
    let start = Revision(tested.newest().await?.0 + 1);
    let mut watch = tested.watch(Keys::all(), start).await?;
    let mut writers: JoinSet<Outcome> = JoinSet::new();
    let writing = tested.clone();
    writers.spawn(async move {
        for round in 0..ROUNDS {
            writing.put("a", &round.to_string()).await?;
        }
        Ok(())
    });
    for _ in 0..ROUNDS {
        let changes = watch.next().await?;
        let entry = tested.entry("a").await?;
        let told = changes.revision;
        holds(format!("revision {told} was told, and {} is what is read", entry.modified), entry.modified >= told)?;
    }
    ended(writers).await
}

pub(super) async fn whoever_stops_waiting_misses_nothing(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let start = Revision(tested.newest().await?.0 + 1);
    let mut watch = tested.watch(Keys::all(), start).await?;
    let mut wanted = Vec::new();
    let mut seen = Vec::new();
    for round in 0..30 {
        let revision = tested.put("a", &round.to_string()).await?;
        wanted.push(revision);
        // Now and then it is asked for once, whether it comes or not.
        let mut next = watch.next();
        if let Poll::Ready(changes) = next.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            seen.push(changes?.revision);
        }
    }
    while seen.len() < wanted.len() {
        seen.push(watch.next().await?.revision);
    }
    same("what was told", seen, wanted)
}
