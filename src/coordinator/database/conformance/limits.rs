//! Limits.

use std::sync::Arc;

use bytes::Bytes;

use super::Subject;
use super::tools::{Outcome, Tested, bytes, delete, put, refused, same};
use crate::coordinator::database::{
    Compare, DatabaseError, Keys, LARGEST_TRANSACTION, LARGEST_VALUE, LONGEST_KEY, MOST_OPERATIONS, Transaction, Write,
};

pub(super) async fn what_is_as_large_as_allowed_is_kept(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let key = Bytes::from(vec![b'k'; LONGEST_KEY]);
    let value: Bytes = (0..LARGEST_VALUE).map(|at| u8::try_from(at % 251).unwrap_or(0)).collect::<Vec<u8>>().into();
    let revision = tested.write(vec![Write::Put { key: key.clone(), value: value.clone(), lease: None }]).await?;
    let entry = tested.database.get(&key).await?;
    same(
        "whether it is as it was",
        entry.is_some_and(|entry| entry.value == value && entry.modified == revision),
        true,
    )?;
    let page = tested.page(Keys::one(key.clone()), 0, None).await?;
    same("whether the range has it", page.entries.first().is_some_and(|entry| entry.value == value), true)?;
    let told = tested.told(revision, revision).await?;
    same("whether it is told", told.len(), 1)?;
    // As much as one transaction may have.
    let rest = LARGEST_TRANSACTION - LARGEST_VALUE - key.len() - "more".len();
    let more = Write::Put { key: bytes("more"), value: vec![0; rest].into(), lease: None };
    tested.write(vec![Write::Put { key, value, lease: None }, more]).await.map(drop)
}

pub(super) async fn what_is_larger_is_refused(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let before = tested.put("before", "1").await?;
    let long = Bytes::from(vec![b'k'; LONGEST_KEY + 1]);
    let value = |size: usize| Bytes::from(vec![0; size]);
    let one = |key: &str, size: usize| Write::Put { key: bytes(key), value: value(size), lease: None };
    for (what, compare, write) in [
        ("a key", vec![], vec![Write::Put { key: long.clone(), value: Bytes::new(), lease: None }]),
        ("a key that is deleted", vec![], vec![Write::Delete(long.clone())]),
        ("a key that is compared", vec![Compare::Absent(long.clone())], vec![]),
        ("a value", vec![], vec![put("small", "1"), one("a", LARGEST_VALUE + 1)]),
        ("a transaction", vec![], vec![one("a", LARGEST_VALUE), one("b", LARGEST_TRANSACTION - LARGEST_VALUE)]),
    ] {
        let committed = tested.database.commit(Transaction { compare, write }).await;
        refused(&format!("{what} that is too large"), committed, DatabaseError::is_invalid)?;
    }
    refused("a key that is too long to be there", tested.database.get(&long).await, DatabaseError::is_invalid)?;
    same("the newest revision", tested.newest().await?, before)
}

pub(super) async fn a_transaction_may_have_so_many_operations(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let compare = |number: usize| (0..number).map(|at| Compare::Absent(bytes(&format!("x{at}")))).collect::<Vec<_>>();
    let write = |number: usize| (0..number).map(|at| put(&format!("{at:03}"), "1")).collect::<Vec<_>>();
    tested.commit(compare(MOST_OPERATIONS), write(MOST_OPERATIONS)).await?;
    same("how many are there", tested.all(Keys::all(), 0, None).await?.len(), MOST_OPERATIONS)?;
    for (compare, write) in [(compare(MOST_OPERATIONS + 1), vec![]), (vec![], write(MOST_OPERATIONS + 1))] {
        let committed = tested.database.commit(Transaction { compare, write }).await;
        refused("one operation too many", committed, DatabaseError::is_invalid)?;
    }
    Ok(())
}

pub(super) async fn a_key_that_is_empty_or_comes_twice_is_refused(subject: Arc<dyn Subject>) -> Outcome {
    let tested = Tested::new(subject);
    let before = tested.put("before", "1").await?;
    for (what, compare, write) in [
        ("an empty key", vec![], vec![put("other", "1"), put("", "1")]),
        ("an empty key that is deleted", vec![], vec![delete("")]),
        ("an empty key that is compared", vec![Compare::Absent(Bytes::new())], vec![]),
        ("a key that is written twice", vec![], vec![put("a", "1"), put("a", "2")]),
        ("a key that is written and deleted", vec![], vec![put("a", "1"), delete("a")]),
    ] {
        let committed = tested.database.commit(Transaction { compare, write }).await;
        refused(what, committed, DatabaseError::is_invalid)?;
    }
    same("the newest revision", tested.newest().await?, before)
}
