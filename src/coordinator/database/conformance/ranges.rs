//! Ranges: order, bounds, pages, and what there was before.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinSet;

use super::tools::{Outcome, Tested, between, delete, holds, pairs, put, refused, same};
use super::{Failure, Subject};
use crate::coordinator::database::{Keys, Query, Revision, Transaction, Write};

pub(super) async fn a_range_has_its_keys_in_order_and_no_others(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    for key in ["c", "a", "b/2", "b/1", "b", "d", "b0"] {
        tested.put(key, key).await?;
    }
    for (keys, wanted) in [
        (Keys::all(), "a b b/1 b/2 b0 c d"),
        (Keys::prefix("b/"), "b/1 b/2"),
        (Keys::prefix("b"), "b b/1 b/2 b0"),
        (Keys::prefix("x"), ""),
        (Keys::one("b"), "b"),
        (Keys::one("bb"), ""),
        (between(Bound::Included("b"), Bound::Included("c")), "b b/1 b/2 b0 c"),
        (between(Bound::Included("b"), Bound::Excluded("c")), "b b/1 b/2 b0"),
        (between(Bound::Excluded("b"), Bound::Included("c")), "b/1 b/2 b0 c"),
        (between(Bound::Excluded("b"), Bound::Excluded("c")), "b/1 b/2 b0"),
        (between(Bound::Unbounded, Bound::Excluded("b")), "a"),
        (between(Bound::Excluded("b0"), Bound::Unbounded), "c d"),
        (between(Bound::Included("bb"), Bound::Included("cc")), "c"),
    ] {
        let found: Vec<String> = tested.all(keys.clone(), 0, None).await?.into_iter().map(|(key, _)| key).collect();
        same(&format!("{keys:?}"), found.join(" "), wanted.to_owned())?;
    }
    Ok(())
}

pub(super) async fn keys_are_ordered_by_their_bytes(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let mut keys: Vec<&[u8]> =
        vec![b"\xff\xff", b"\xff", b"\x80", b"a\x00", b"a", b"\x00", b"A", b"\xc3\xa4", b"a\xff"];
    for key in &keys {
        let write = Write::Put { key: Bytes::from_static(key), value: Bytes::new(), lease: None };
        tested.write(vec![write]).await?;
    }
    keys.sort_unstable();
    let page = tested.page(Keys::all(), 0, None).await?;
    let found: Vec<&[u8]> = page.entries.iter().map(|entry| &entry.key[..]).collect();
    same("the order", found, keys)?;
    same("those that begin with 255", tested.page(Keys::prefix(&b"\xff"[..]), 0, None).await?.entries.len(), 2)
}

pub(super) async fn a_range_that_ends_before_it_begins_is_empty(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let before = tested.write(vec![put("a", "1"), put("b", "1"), put("c", "1")]).await?;
    tested.put("b", "2").await?;
    for keys in [
        between(Bound::Included("c"), Bound::Included("a")),
        between(Bound::Excluded("b"), Bound::Excluded("b")),
        between(Bound::Included("b"), Bound::Excluded("b")),
        between(Bound::Excluded("b"), Bound::Included("b")),
    ] {
        for at in [None, Some(before)] {
            let page = tested.page(keys.clone(), 0, at).await?;
            holds(format!("{keys:?} is not empty"), page.entries.is_empty() && !page.more)?;
        }
    }
    Ok(())
}

pub(super) async fn a_limit_is_kept_and_tells_of_more(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    for key in ["a", "b", "c", "d"] {
        tested.put(key, "1").await?;
    }
    for (limit, entries, more) in [(1, 1, true), (3, 3, true), (4, 4, false), (5, 4, false), (0, 4, false)] {
        let page = tested.page(Keys::all(), limit, None).await?;
        same(&format!("the entries of a page of {limit}"), page.entries.len(), entries)?;
        same(&format!("whether there is more than {limit}"), page.more, more)?;
    }
    // What lies behind the range is not more of it.
    let page = tested.page(between(Bound::Included("a"), Bound::Included("b")), 2, None).await?;
    same("whether there is more of a range that is whole", page.more, false)
}

pub(super) async fn a_range_of_any_size_is_read_in_pages(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let mut wanted = BTreeMap::new();
    for batch in 0..25 {
        let keys: Vec<String> = (0..100).map(|key| format!("key {:04}", key * 25 + batch)).collect();
        tested.write(keys.iter().map(|key| put(key, key)).collect()).await?;
        wanted.extend(keys.into_iter().map(|key| (key.clone(), key)));
    }
    let large = "x".repeat(400_000);
    for key in 0..8 {
        tested.put(&format!("large {key}"), &large).await?;
        wanted.insert(format!("large {key}"), large.clone());
    }
    for limit in [0, 700, 100_000] {
        let found: Vec<_> = tested.all(Keys::all(), limit, None).await?;
        let same = found.iter().map(|(key, value)| (key, value)).eq(wanted.iter());
        holds(
            format!("with pages of {limit}, {} of {} keys were found, or in another order", found.len(), wanted.len()),
            same,
        )?;
    }
    Ok(())
}

pub(super) async fn pages_of_one_revision_fit_together_while_writes_go_on(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let keys: Vec<String> = (0..60).map(|key| format!("key {key:02}")).collect();
    tested.write(keys.iter().map(|key| put(key, "before")).collect()).await?;
    let wanted: Vec<_> = keys.iter().map(|key| (key.clone(), "before".to_owned())).collect();
    let first = tested.page(Keys::all(), 7, None).await?;
    let at = Some(first.revision);

    let mut writers: JoinSet<Outcome> = JoinSet::new();
    for writer in 0..3 {
        let (tested, keys) = (tested.clone(), keys.clone());
        writers.spawn(async move {
            for (round, key) in keys.iter().enumerate().skip(writer).step_by(3) {
                tested.put(&format!("{key} and more"), "new").await?;
                match round % 2 {
                    0 => tested.delete(key).await?,
                    _ => tested.put(key, "after").await?,
                };
                // Back again, as another one.
                tested.put(key, "later").await?;
            }
            Ok(())
        });
    }
    for _ in 0..5 {
        same("what was, in pages of 7", tested.all(Keys::all(), 7, at).await?, wanted.clone())?;
        tokio::task::yield_now().await;
    }
    super::transactions::ended(writers).await?;
    same("what was, when all is written", tested.all(Keys::all(), 7, at).await?, wanted)?;
    same("how much there is now", tested.all(Keys::all(), 7, None).await?.len(), 120)
}

pub(super) async fn what_was_is_read_as_of_then(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let start = tested.newest().await?;
    let mut now: BTreeMap<String, String> = BTreeMap::new();
    let mut history = vec![(start, now.clone())];
    // Every key is written, written again, deleted, and back, in an order of its own.
    for round in 0_usize..60 {
        let (key, other) = (format!("key {}", round * 7 % 5), format!("key {}", round * 3 % 5));
        let mut writes = vec![put(&key, &round.to_string())];
        now.insert(key.clone(), round.to_string());
        if other != key && round % 3 == 0 {
            writes.push(delete(&other));
            now.remove(&other);
        }
        history.push((tested.write(writes).await?, now.clone()));
    }
    for (revision, wanted) in history {
        let wanted: Vec<_> = wanted.into_iter().collect();
        for limit in [0, 2] {
            let found = tested.all(Keys::all(), limit, Some(revision)).await?;
            same(&format!("what there was at {revision}"), found, wanted.clone())?;
        }
        let found = tested.all(between(Bound::Excluded("key 1"), Bound::Included("key 3")), 1, Some(revision)).await?;
        let part = wanted.into_iter().filter(|(key, _)| key == "key 2" || key == "key 3").collect();
        same(&format!("a part of what there was at {revision}"), found, part)?;
    }
    Ok(())
}

pub(super) async fn a_revision_that_is_not_there_yet_is_refused(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let newest = tested.put("a", "1").await?;
    let at = Some(Revision(newest.0 + 1000));
    let read = tested.database.range(Query { keys: Keys::all(), limit: 0, at }).await;
    refused("reading what is to come", read, crate::coordinator::database::DatabaseError::is_invalid)?;
    let found = tested.all(Keys::all(), 0, Some(newest)).await?;
    same("the newest one", found, pairs(&[("a", "1")]))?;
    // That one can be had with nothing written: it is no promise of what comes.
    tested.database.commit(Transaction::default()).await.map(drop).map_err(Failure::from)
}
