//! The upgrade database: what the coordinator knows, kept.
//!
//! [`Database`] asks no more than what distributed stores offer (etcd's API is the measure): keys in order, transactions
//! with comparisons, watching from a revision on, leases. Nothing outside of this module knows which store it is.
//!
//! [`Embedded`] keeps it in one file beside the coordinator. [`conformance`] is a list of tests that every store passes.

mod clock;
pub mod conformance;
mod disk;
mod embedded;
mod keys;
mod layout;
mod limits;
mod media;
mod open_error;
mod store;
pub mod transfer;

use std::fmt;
use std::future::Future;
use std::ops::Bound;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

pub use self::clock::{Clock, Monotonic, Wound};
pub use self::disk::{Disk, Fault};
pub use self::embedded::Embedded;
pub use self::media::FILE;
pub use self::open_error::OpenError;
pub use self::store::{Options, Store};

/// The longest key, in bytes.
pub const LONGEST_KEY: usize = 1024;
/// The largest value, in bytes.
pub const LARGEST_VALUE: usize = 1024 * 1024;
/// The most comparisons and writes of one transaction, each counted by itself (etcd's default for operations).
pub const MOST_OPERATIONS: usize = 128;
/// The most bytes of keys and values of one transaction.
pub const LARGEST_TRANSACTION: usize = 1024 * 1024 + 64 * 1024;

/// An answer of the database on its way.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, DatabaseError>> + Send + 'a>>;

/// A store of keys and values.
///
/// Every transaction that changes something has a revision of its own, higher than all before. What a transaction has
/// written is there for whoever reads after it was acknowledged, and after any crash. One whose caller stops waiting may be
/// written all the same.
pub trait Database: Send + Sync + 'static {
    /// What is kept under a key now.
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Option<Entry>>;

    /// What is kept under a range of keys, in their order, all as of one revision.
    ///
    /// # Errors
    /// [`is_compacted`](DatabaseError::is_compacted) when that revision is not kept any more: read from the beginning.
    /// [`is_invalid`](DatabaseError::is_invalid) when there is no such revision yet.
    fn range(&self, query: Query) -> Pending<'_, Page>;

    /// Writes all, if all comparisons hold; else nothing.
    ///
    /// # Errors
    /// [`is_unknown`](DatabaseError::is_unknown) when it may have been written, or not.
    /// [`is_lease_gone`](DatabaseError::is_lease_gone) when something is to be written under a lease that has gone.
    /// [`is_invalid`](DatabaseError::is_invalid) beyond the limits of this module, and when a key is written twice.
    fn commit(&self, transaction: Transaction) -> Pending<'_, Committed>;

    /// Changes of a range of keys, from those of revision `from` on, in order, none left out; of one key and one revision at
    /// most one.
    ///
    /// # Errors
    /// [`is_compacted`](DatabaseError::is_compacted) when these are not kept any more.
    fn watch(&self, keys: Keys, from: Revision) -> Pending<'_, Box<dyn Watch>>;

    /// A new lease: what is written under it goes away when nobody has kept it alive for so long, all at one revision.
    ///
    /// A store may round the time up to whole seconds, and counts it anew when it starts.
    fn grant(&self, time: Duration) -> Pending<'_, Lease>;

    /// Keeps a lease alive, for as long again.
    ///
    /// # Errors
    /// [`is_lease_gone`](DatabaseError::is_lease_gone) when it has gone already.
    fn keep_alive(&self, lease: Lease) -> Pending<'_, ()>;

    /// Ends a lease now, and with it all that is written under it. One that has gone is no error.
    fn revoke(&self, lease: Lease) -> Pending<'_, ()>;

    /// Forgets changes before a revision: watches cannot begin there any more, nor can what was before be read as of then.
    /// What is kept now stays. A store may forget by itself what is older than many thousands of revisions.
    ///
    /// # Errors
    /// [`is_invalid`](DatabaseError::is_invalid) when that revision is beyond the next one.
    fn compact(&self, before: Revision) -> Pending<'_, ()>;
}

/// Changes, as they come.
pub trait Watch: Send {
    /// The changes of the next revision that has any; waits for it. To stop waiting leaves nothing out.
    ///
    /// # Errors
    /// [`is_compacted`](DatabaseError::is_compacted) when whoever watches is so slow that changes were forgotten.
    fn next(&mut self) -> Pending<'_, Changes>;
}

/// Counts what has changed something: transactions, and leases that ended. Nothing has 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// Names a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease(pub u64);

/// A range of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// From here ...
    pub from: Bound<Bytes>,
    /// ... to there.
    pub to: Bound<Bytes>,
}

/// What to read.
#[derive(Clone, Debug)]
pub struct Query {
    /// The keys.
    pub keys: Keys,
    /// At most so many, from the first; 0: as many as fit into one answer of the store's choice.
    pub limit: usize,
    /// As of this revision, for the next page of a range; none: now.
    pub at: Option<Revision>,
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Page {
    /// In the order of keys.
    pub entries: Vec<Entry>,
    /// The revision that it is of.
    pub revision: Revision,
    /// There is more, behind the last of them.
    pub more: bool,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Bytes,
    /// The value.
    pub value: Bytes,
    /// When the key came to be, since it was absent last.
    pub created: Revision,
    /// When the value was written.
    pub modified: Revision,
    /// The lease that it goes away with.
    pub lease: Option<Lease>,
}

/// What is to be written, and under which conditions.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    /// All have to hold.
    pub compare: Vec<Compare>,
    /// No key twice.
    pub write: Vec<Write>,
}

/// What has to hold of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compare {
    /// It is absent.
    Absent(Bytes),
    /// It is there, and was written last by this revision.
    Modified(Bytes, Revision),
}

/// What becomes of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// It has this value.
    Put {
        /// The key.
        key: Bytes,
        /// The value.
        value: Bytes,
        /// It goes away with this lease.
        lease: Option<Lease>,
    },
    /// It is absent. Nothing happens when it is so already.
    Delete(Bytes),
}

/// What has become of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// All is written, as this revision. One that changed nothing has the newest revision.
    Yes(Revision),
    /// A comparison did not hold; nothing is written. The newest revision.
    No(Revision),
}

/// All that one revision has changed, of the keys watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The revision.
    pub revision: Revision,
    /// Entries as they are now; keys that are gone.
    pub changes: Vec<Change>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The entry as it was written.
    Put(Entry),
    /// The key is gone: deleted, or with its lease.
    Deleted(Bytes),
}

/// Why the database did not do what it was asked for.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{what}")]
pub struct DatabaseError {
    kind: Kind,
    what: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unavailable,
    Unknown,
    Compacted,
    LeaseGone,
    Invalid,
    Damaged,
}

impl DatabaseError {
    /// The store cannot be reached; nothing was written. It may work later.
    #[must_use]
    pub fn unavailable(what: impl Into<String>) -> Self {
        Self { kind: Kind::Unavailable, what: what.into() }
    }

    /// Whether a transaction was written is not known.
    #[must_use]
    pub fn unknown(what: impl Into<String>) -> Self {
        Self { kind: Kind::Unknown, what: what.into() }
    }

    /// The revisions that were asked for are not kept any more.
    #[must_use]
    pub fn compacted(oldest: Revision) -> Self {
        Self { kind: Kind::Compacted, what: format!("revisions before {} are not kept any more", oldest.0) }
    }

    /// There is no such lease, or no more.
    #[must_use]
    pub fn lease_gone(lease: Lease) -> Self {
        Self { kind: Kind::LeaseGone, what: format!("lease {} has gone: nobody kept it alive in time", lease.0) }
    }

    /// Beyond the limits of this module, or contradictory.
    #[must_use]
    pub fn invalid(what: impl Into<String>) -> Self {
        Self { kind: Kind::Invalid, what: what.into() }
    }

    /// What is stored is not what was written.
    #[must_use]
    pub fn damaged(what: impl Into<String>) -> Self {
        Self { kind: Kind::Damaged, what: what.into() }
    }

    /// Nothing was written, and later it may work.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        self.kind == Kind::Unavailable
    }

    /// It may have been written, or not: read before going on.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.kind == Kind::Unknown
    }

    /// These revisions are not kept any more: read all, and watch from there.
    #[must_use]
    pub fn is_compacted(&self) -> bool {
        self.kind == Kind::Compacted
    }

    /// The lease has gone.
    #[must_use]
    pub fn is_lease_gone(&self) -> bool {
        self.kind == Kind::LeaseGone
    }

    /// The caller is at fault.
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        self.kind == Kind::Invalid
    }

    /// The store is at fault, for good.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.kind == Kind::Damaged
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
