//! A database whose next commit fails.

use std::sync::{Arc, Mutex};

use straddle::coordinator::database::{
    Committed, Database, DatabaseError, Embedded, Entry, Keys, Lease, Page, Pending, Query, Revision, Transaction,
    Watch, Write,
};

pub(crate) struct Faulty {
    inner: Arc<Embedded>,
    next: Mutex<Option<Next>>,
}

/// What becomes of the next commit that has something of a bundle in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is not written, and nobody knows.
    FailsBefore,
    /// It is written, and nobody knows.
    FailsAfter,
}

impl Faulty {
    pub(crate) fn new(inner: Arc<Embedded>) -> Self {
        Self { inner, next: Mutex::new(None) }
    }

    pub(crate) fn next(&self, next: Next) {
        *self.next.lock().expect("a lock") = Some(next);
    }

    /// Deletes all that there is.
    pub(crate) async fn clear(&self) {
        loop {
            let page = self.inner.range(Query { keys: Keys::all(), limit: 100, at: None }).await.expect("a page");
            if page.entries.is_empty() {
                return;
            }
            let write = page.entries.into_iter().map(|entry| Write::Delete(entry.key)).collect();
            self.inner.commit(Transaction { compare: Vec::new(), write }).await.expect("a commit");
        }
    }
}

fn is_of_a_version(transaction: &Transaction) -> bool {
    transaction.write.iter().any(|write| write.key().starts_with(b"straddle/versions/"))
}

impl Database for Faulty {
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Option<Entry>> {
        self.inner.get(key)
    }

    fn range(&self, query: Query) -> Pending<'_, Page> {
        self.inner.range(query)
    }

    fn commit(&self, transaction: Transaction) -> Pending<'_, Committed> {
        let mut next = self.next.lock().expect("a lock");
        let now = if is_of_a_version(&transaction) { next.take() } else { None };
        match now {
            None => self.inner.commit(transaction),
            Some(how) => Box::pin(async move {
                if how == Next::FailsAfter {
                    self.inner.commit(transaction).await?;
                }
                Err(DatabaseError::unknown("the disk was pulled out on purpose"))
            }),
        }
    }

    fn watch(&self, keys: Keys, from: Revision) -> Pending<'_, Box<dyn Watch>> {
        self.inner.watch(keys, from)
    }

    fn grant(&self, time: std::time::Duration) -> Pending<'_, Lease> {
        self.inner.grant(time)
    }

    fn keep_alive(&self, lease: Lease) -> Pending<'_, ()> {
        self.inner.keep_alive(lease)
    }

    fn revoke(&self, lease: Lease) -> Pending<'_, ()> {
        self.inner.revoke(lease)
    }

    fn compact(&self, before: Revision) -> Pending<'_, ()> {
        self.inner.compact(before)
    }
}
