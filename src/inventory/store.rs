//! The state of an inventory object: records in one directory.
//!
//! They are items, the revision that each was last written at, reservations, and the answers to requests of the last 24
//! hours. A write is one transaction that is on disk before it is answered, together with the answer that a retry gets.
//!
//! | table | key | value |
//! |---|---|---|
//! | `items` | SKU | the item, a message of the object's version |
//! | `revisions` | revision of an item's last write | its SKU |
//! | `counters` | name | a number |
//! | `reservations` | id | [`Reservation`] |
//! | `due` | when a reservation changes by itself, its id | nothing |
//! | `requests` | request id | [`Remembered`] |
//! | `requests_by_time` | when it was answered, request id | nothing |
//!
//! Only items differ from version to version; what else is stored means the same in each. Numbers are eight bytes, the
//! highest first, times nanoseconds since the Unix epoch.
//!
//! [`Store`] is the same for every version but for the item's message type. Each method here does the whole of one
//! method of the protocol; what is left to an object is its version's messages.

mod across;
mod database;
mod holds;
mod import;
pub(crate) mod keys;
pub(crate) mod requests;
pub(crate) mod reservations;
mod writing;

use std::marker::PhantomData;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Weak};

use tokio::sync::watch;
use tonic::Status;
use tonic::codegen::BoxStream;

use super::clock::Clock;
use super::{stream, validate};
use crate::node::Opening;
use crate::state::Layout;

pub use database::OpenError;

pub(crate) use super::items::StoredItem;
pub(crate) use database::{Database, Reading, Transaction, broken, corrupt, parsed};
pub(crate) use import::{Import, Imported};
pub(crate) use requests::{Answer, Fingerprint, Remembered, RequestKey, replay};
pub(crate) use reservations::{DUE, ENDED_KEPT, Reservation, State, no_reservation};
pub(crate) use writing::Writing;

/// SKU to item, in the message type of the object's version.
const ITEMS: &str = "items";
/// The revision of each item's last write to its SKU.
const REVISIONS: &str = "revisions";

/// How many items a stream reads in one transaction.
const BATCH: usize = 64;

/// The items and reservations of one inventory object.
#[derive(Debug)]
pub(crate) struct Store<I> {
    database: Arc<Database>,
    item: PhantomData<fn() -> I>,
}

impl<I> Clone for Store<I> {
    fn clone(&self) -> Self {
        Self::over(self.database.clone())
    }
}

impl<I> Store<I> {
    pub(crate) fn over(database: Arc<Database>) -> Self {
        Self { database, item: PhantomData }
    }

    pub(crate) fn database(&self) -> &Arc<Database> {
        &self.database
    }
}

impl<I: StoredItem> Store<I> {
    /// Opens the store in `directory`, which is created when it is not there yet.
    ///
    /// # Errors
    /// Says which path cannot be opened, and why; among others because the store belongs to another version, or is
    /// open already.
    pub(crate) fn open(directory: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let database = Database::open(directory, I::VERSION, &Self::layout(), clock)?;
        Ok(Self::over(Arc::new(database)))
    }

    /// Opens the store of an object that a node opens.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) fn of_node(opening: &Opening, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Ok(Self::over(Arc::new(Database::of_node(opening, &Self::layout(), clock)?)))
    }

    /// The tables, and what is in them.
    pub(crate) fn layout() -> Layout {
        let layout = Layout::new().messages(ITEMS, &I::full_name()).carried(REVISIONS);
        requests::tables(reservations::tables(writing::tables(layout)))
    }

    pub(crate) fn get(&self, sku: &str) -> Result<I, Status> {
        self.find(sku)?.ok_or_else(|| no_item(sku))
    }

    pub(crate) fn find(&self, sku: &str) -> Result<Option<I>, Status> {
        validate::sku("sku", sku)?;
        let item = self.database.read()?.get(ITEMS, sku.as_bytes()).map_err(broken)?;
        item.map(|item| decode(&item)).transpose()
    }

    pub(crate) fn list(&self, prefix: String) -> Result<BoxStream<I>, Status> {
        validate::sku_prefix(&prefix)?;
        let list = List { store: self.clone(), prefix, after: None, ready: Vec::new().into_iter() };
        Ok(stream::unfold(list, |list| std::future::ready(list.next())))
    }

    pub(crate) fn watch(&self, after_revision: u64) -> BoxStream<I> {
        let watch = Watch {
            database: Arc::downgrade(&self.database),
            written: self.database.written(),
            after: after_revision,
            ready: Vec::new().into_iter(),
        };
        stream::unfold(watch, Watch::next)
    }

    pub(crate) async fn put(&self, request_id: String, item: Option<I>) -> Result<I, Status> {
        let item = item.ok_or_else(|| validate::invalid("item", "must be set"))?;
        item.check()?;
        let fingerprint = Fingerprint::of_items("put", std::slice::from_ref(&item), self.database.across());
        let key = RequestKey::new(request_id, fingerprint)?;
        self.write_once(key, move |writing| writing.put(item)).await
    }

    pub(crate) async fn adjust(&self, request_id: String, sku: String, delta: i64) -> Result<I, Status> {
        validate::sku("sku", &sku)?;
        validate::delta(delta)?;
        let key = RequestKey::new(request_id, Fingerprint::of("adjust").text(&sku).number(delta))?;
        self.write_once(key, move |writing| writing.adjust(&sku, delta)).await
    }

    /// Takes stock for good.
    pub(crate) async fn reserve(&self, request_id: String, sku: String, quantity: i64) -> Result<Reservation, Status> {
        validate::sku("sku", &sku)?;
        validate::quantity(quantity)?;
        let key = RequestKey::new(request_id, Fingerprint::of_reserve(&sku, quantity))?;
        self.write_once(key, move |writing| {
            writing.end_some_due()?;
            writing.take(&sku, quantity)?;
            writing.keep(Reservation::new(sku, quantity, State::Confirmed, None))
        })
        .await
    }

    /// Gives a reservation's stock back.
    pub(crate) async fn release(&self, request_id: String, reservation_id: String) -> Result<(), Status> {
        validate::reservation_id(&reservation_id)?;
        let key = RequestKey::new(request_id, Fingerprint::of(requests::RELEASE).text(&reservation_id))?;
        self.write_once(key, move |writing| {
            writing.end_some_due()?;
            writing.release(&reservation_id)
        })
        .await
    }

    /// Does `work` in a transaction of its own, unless `key` is that of a request that was answered before.
    pub(crate) async fn write_once<A, W>(&self, key: RequestKey, work: W) -> Result<A, Status>
    where
        A: Answer,
        W: FnOnce(&mut Writing<'_, '_, I>) -> Result<A, Status> + Send + 'static,
    {
        self.database.write_once(key, |transaction, now| work(&mut Writing::begin(transaction, now))).await
    }

    /// Does `work` in a transaction of its own.
    pub(crate) async fn write<A, W>(&self, work: W) -> Result<A, Status>
    where
        A: Send + 'static,
        W: FnOnce(&mut Writing<'_, '_, I>) -> Result<A, Status> + Send + 'static,
    {
        self.database.write(|transaction, now| work(&mut Writing::begin(transaction, now))).await
    }

    /// The items that begin with `prefix` and come after `after`, as many as one transaction may read.
    fn after_sku(&self, prefix: &str, after: Option<&str>) -> Result<Vec<I>, Status> {
        let reading = self.database.read()?;
        let begin = after.map_or(Bound::Included(prefix.as_bytes()), |after| Bound::Excluded(after.as_bytes()));
        let mut found = Vec::new();
        for entry in reading.range(ITEMS, begin, Bound::Unbounded).map_err(broken)?.take(BATCH) {
            let (sku, item) = entry.map_err(broken)?;
            if !sku.starts_with(prefix.as_bytes()) {
                break;
            }
            found.push(decode(&item)?);
        }
        Ok(found)
    }

    /// The items that were last written after `revision`, as many as one transaction may read.
    fn after_revision(&self, revision: u64) -> Result<Vec<I>, Status> {
        let reading = self.database.read()?;
        let after = keys::number(revision);
        let mut found = Vec::new();
        let revisions = reading.range(REVISIONS, Bound::Excluded(&after), Bound::Unbounded).map_err(broken)?;
        for entry in revisions.take(BATCH) {
            let (_, sku) = entry.map_err(broken)?;
            let item = reading.get(ITEMS, &sku).map_err(broken)?;
            found.push(decode(&item.ok_or_else(|| corrupt("a revision names no item"))?)?);
        }
        Ok(found)
    }
}

/// A list under way.
struct List<I> {
    store: Store<I>,
    prefix: String,
    after: Option<String>,
    ready: std::vec::IntoIter<I>,
}

impl<I: StoredItem> List<I> {
    fn next(mut self) -> Result<Option<(I, Self)>, Status> {
        if self.ready.len() == 0 {
            self.ready = self.store.after_sku(&self.prefix, self.after.as_deref())?.into_iter();
        }
        Ok(self.ready.next().map(|item| {
            self.after = Some(item.sku().to_owned());
            (item, self)
        }))
    }
}

/// A watch under way. It does not keep the store open: when the object goes, so does the watch.
struct Watch<I> {
    database: Weak<Database>,
    written: watch::Receiver<()>,
    after: u64,
    ready: std::vec::IntoIter<I>,
}

impl<I: StoredItem> Watch<I> {
    async fn next(mut self) -> Result<Option<(I, Self)>, Status> {
        loop {
            if let Some(item) = self.ready.next() {
                self.after = item.revision();
                return Ok(Some((item, self)));
            }
            // First forget the writes so far, then read them: one that comes between is read and wakes us besides.
            self.written.mark_unchanged();
            let database = self.database.upgrade().ok_or_else(|| closing(self.after))?;
            self.ready = Store::over(database).after_revision(self.after)?.into_iter();
            if self.ready.len() == 0 {
                self.written.changed().await.map_err(|_| closing(self.after))?;
            }
        }
    }
}

pub(crate) fn no_item(sku: &str) -> Status {
    Status::not_found(format!("there is no item with the SKU {sku:?}"))
}

fn closing(after: u64) -> Status {
    Status::unavailable(format!("the node closes its inventory: watch again, after revision {after}"))
}

/// A message as it was stored.
pub(crate) fn decode<M: prost::Message + Default>(bytes: &[u8]) -> Result<M, Status> {
    M::decode(bytes).map_err(|error| corrupt(&error.to_string()))
}

/// The first key of a table whose keys are in the order of time.
pub(crate) fn first(transaction: &Transaction<'_>, table: &str) -> Result<Option<(u64, String)>, Status> {
    let mut entries = transaction.range(table, Bound::Unbounded, Bound::Unbounded).map_err(broken)?;
    entries.next().map(|entry| keys::to_at(&entry.map_err(broken)?.0)).transpose()
}
