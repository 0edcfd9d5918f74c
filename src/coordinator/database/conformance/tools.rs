//! What the tests write and read with.

use std::fmt::Debug;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use super::{Failure, Subject};
use crate::coordinator::database::{
    Change, Changes, Committed, Compare, Database, DatabaseError, Entry, Keys, Lease, Page, Query, Revision,
    Transaction, Watch, Write,
};

pub(super) type Outcome = Result<(), Failure>;

/// A database, in the words of tests.
#[derive(Clone)]
pub(super) struct Tested {
    pub(super) database: Arc<dyn Database>,
    pub(super) subject: Arc<dyn Subject>,
}

impl Tested {
    pub(super) fn new(subject: Arc<dyn Subject>) -> Self {
        Self { database: subject.database(), subject }
    }

    pub(super) async fn put(&self, key: &str, value: &str) -> Result<Revision, Failure> {
        self.write(vec![put(key, value)]).await
    }

    pub(super) async fn delete(&self, key: &str) -> Result<Revision, Failure> {
        self.write(vec![delete(key)]).await
    }

    pub(super) async fn write(&self, write: Vec<Write>) -> Result<Revision, Failure> {
        match self.commit(Vec::new(), write).await? {
            Committed::Yes(revision) => Ok(revision),
            Committed::No(_) => fail("a transaction without comparisons was not written"),
        }
    }

    pub(super) async fn commit(&self, compare: Vec<Compare>, write: Vec<Write>) -> Result<Committed, Failure> {
        Ok(self.database.commit(Transaction { compare, write }).await?)
    }

    /// The value of a key.
    pub(super) async fn value(&self, key: &str) -> Result<Option<String>, Failure> {
        let entry = self.database.get(key.as_bytes()).await?;
        Ok(entry.map(|entry| text(&entry.value)))
    }

    pub(super) async fn entry(&self, key: &str) -> Result<Entry, Failure> {
        let entry = self.database.get(key.as_bytes()).await?;
        entry.map_or_else(|| fail(format!("{key} is absent")), Ok)
    }

    pub(super) async fn page(&self, keys: Keys, limit: usize, at: Option<Revision>) -> Result<Page, Failure> {
        Ok(self.database.range(Query { keys, limit, at }).await?)
    }

    /// All keys and values of a range, page by page of at most so many.
    pub(super) async fn all(
        &self,
        mut keys: Keys,
        limit: usize,
        mut at: Option<Revision>,
    ) -> Result<Vec<(String, String)>, Failure> {
        let mut found = Vec::new();
        loop {
            let page = self.page(keys.clone(), limit, at).await?;
            found.extend(page.entries.iter().map(|entry| (text(&entry.key), text(&entry.value))));
            match page.entries.last() {
                Some(last) if page.more => keys = keys.after(last.key.clone()),
                None if page.more => return fail("a page has nothing, and yet there is more"),
                _ => return Ok(found),
            }
            at = Some(page.revision);
        }
    }

    pub(super) async fn newest(&self) -> Result<Revision, Failure> {
        Ok(self.page(Keys::all(), 1, None).await?.revision)
    }

    pub(super) async fn watch(&self, keys: Keys, from: Revision) -> Result<Box<dyn Watch>, Failure> {
        Ok(self.database.watch(keys, from).await?)
    }

    /// What a watch of all keys tells from `from` to `to`.
    pub(super) async fn told(&self, from: Revision, to: Revision) -> Result<Vec<Changes>, Failure> {
        let mut watch = self.watch(Keys::all(), from).await?;
        told(&mut *watch, to).await
    }

    pub(super) async fn grant(&self, time: std::time::Duration) -> Result<Lease, Failure> {
        Ok(self.database.grant(time).await?)
    }
}

/// What a watch tells up to a revision that has to be told.
pub(super) async fn told(watch: &mut dyn Watch, to: Revision) -> Result<Vec<Changes>, Failure> {
    let mut told = Vec::new();
    loop {
        let changes = watch.next().await?;
        let revision = changes.revision;
        told.push(changes);
        if revision == to {
            return Ok(told);
        }
        if revision > to {
            return fail(format!("the watch told of revision {revision} and left out {to}"));
        }
    }
}

pub(super) fn put(key: &str, value: &str) -> Write {
    Write::Put { key: bytes(key), value: bytes(value), lease: None }
}

pub(super) fn put_under(key: &str, value: &str, lease: Lease) -> Write {
    Write::Put { key: bytes(key), value: bytes(value), lease: Some(lease) }
}

pub(super) fn delete(key: &str) -> Write {
    Write::Delete(bytes(key))
}

pub(super) fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(super) fn between(from: Bound<&str>, to: Bound<&str>) -> Keys {
    Keys { from: from.map(bytes), to: to.map(bytes) }
}

pub(super) fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// What one revision did, in short: `+key=value` and `-key`, in the order of keys.
pub(super) fn short(changes: &Changes) -> String {
    let mut all: Vec<(String, String)> = changes
        .changes
        .iter()
        .map(|change| match change {
            Change::Put(entry) => (text(&entry.key), format!("+{}={}", text(&entry.key), text(&entry.value))),
            Change::Deleted(key) => (text(key), format!("-{}", text(key))),
        })
        .collect();
    all.sort();
    all.into_iter().map(|(_, change)| change).collect::<Vec<_>>().join(" ")
}

/// Everything that was told, in short, with its revision.
pub(super) fn all_short(told: &[Changes]) -> Vec<(u64, String)> {
    told.iter().map(|changes| (changes.revision.0, short(changes))).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "it is what was just made")]
pub(super) fn same<T: PartialEq + Debug>(what: &str, found: T, wanted: T) -> Outcome {
    if found == wanted { Ok(()) } else { fail(format!("{what}: it is {found:?}, and should be {wanted:?}")) }
}

pub(super) fn holds(what: impl Into<String>, holds: bool) -> Outcome {
    if holds { Ok(()) } else { fail(what) }
}

pub(super) fn fail<T>(what: impl Into<String>) -> Result<T, Failure> {
    Err(Failure(what.into()))
}

/// That something is refused, as it should be.
pub(super) fn refused<T>(
    what: &str,
    outcome: Result<T, DatabaseError>,
    is: impl Fn(&DatabaseError) -> bool,
) -> Outcome {
    match outcome {
        Ok(_) => fail(format!("{what}: it was not refused")),
        Err(error) if is(&error) => Ok(()),
        Err(error) => fail(format!("{what}: it was refused for another reason: {error}")),
    }
}
