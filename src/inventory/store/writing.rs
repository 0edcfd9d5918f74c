//! What one write can do to items and reservations, within its transaction.

use std::marker::PhantomData;
use std::time::SystemTime;

use tonic::Status;

use super::database::{Transaction, broken, corrupt};
use super::reservations::{self, Reservation, State};
use super::{ITEMS, REVISIONS, StoredItem, decode, keys, no_item};
use crate::inventory::clock::to_nanos;
use crate::inventory::validate::MOST;
use crate::state::Layout;

/// Numbers that only grow.
const COUNTERS: &str = "counters";
/// The counter of [`Writing::revision`].
const REVISION: &str = "revision";

/// How many reservations one transaction ends or forgets.
const BATCH: usize = 64;
/// How many a write ends itself that has too little stock without them.
const TAKE_DUE: usize = 1024;

/// The table of numbers that only grow.
pub(super) fn tables(layout: Layout) -> Layout {
    layout.carried(COUNTERS)
}

/// A write under way.
pub(crate) struct Writing<'w, 't, I> {
    transaction: &'w mut Transaction<'t>,
    now: SystemTime,
    item: PhantomData<fn() -> I>,
}

impl<'w, 't, I: StoredItem> Writing<'w, 't, I> {
    pub(crate) fn begin(transaction: &'w mut Transaction<'t>, now: SystemTime) -> Self {
        Self { transaction, now, item: PhantomData }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.now
    }

    pub(crate) fn get(&self, sku: &str) -> Result<I, Status> {
        self.find(sku)?.ok_or_else(|| no_item(sku))
    }

    /// Creates the item, or replaces all of it.
    pub(crate) fn put(&mut self, mut item: I) -> Result<I, Status> {
        let before = self.find(item.sku())?;
        item.settle(before.as_ref());
        self.store(item, before.map(|before| before.revision()))
    }

    /// Adds to the stock, or takes away.
    pub(crate) fn adjust(&mut self, sku: &str, delta: i64) -> Result<I, Status> {
        let item = self.get(sku)?;
        let stock = item.stock().saturating_add(delta);
        if stock < 0 {
            return Err(too_little(sku, item.stock(), delta.saturating_neg()));
        }
        if stock > MOST && delta > 0 {
            return Err(Status::failed_precondition(format!("the stock of {sku:?} must not rise above {MOST}")));
        }
        self.restock(item, stock)
    }

    /// Takes stock out of an item.
    pub(crate) fn take(&mut self, sku: &str, quantity: i64) -> Result<I, Status> {
        let mut item = self.get(sku)?;
        if !item.reservable() {
            return Err(Status::failed_precondition(format!("{sku:?} is discontinued and cannot be reserved")));
        }
        // A hold that has expired is no reason to say no, though its end may not be written yet.
        for _ in 0..TAKE_DUE {
            if item.stock() >= quantity || !self.end_first_due()? {
                break;
            }
            item = self.get(sku)?;
        }
        if item.stock() < quantity && reservations::first_due(self.transaction, self.now)?.is_some() {
            return Err(Status::unavailable("the node is ending many holds that have expired: try again"));
        }
        if item.stock() < quantity {
            return Err(too_little(sku, item.stock(), quantity));
        }
        let stock = item.stock() - quantity;
        self.restock(item, stock)
    }

    /// Stores a new reservation, or what became of one.
    pub(crate) fn keep(&mut self, reservation: Reservation) -> Result<Reservation, Status> {
        reservations::put(self.transaction, &reservation)?;
        Ok(reservation)
    }

    pub(crate) fn reservation(&self, id: &str) -> Result<Reservation, Status> {
        reservations::get(self.transaction, id)
    }

    /// Ends a reservation: its stock goes back.
    pub(crate) fn end(&mut self, mut reservation: Reservation, state: State) -> Result<Reservation, Status> {
        // Items are never deleted, so it is there.
        let item = self.get(&reservation.sku)?;
        let stock = item.stock().saturating_add(reservation.quantity);
        self.restock(item, stock)?;
        reservation.set_state(state);
        reservation.end_time = Some(to_nanos(self.now));
        self.keep(reservation)
    }

    /// Ends a confirmed reservation; one that was released already stays as it is.
    pub(crate) fn release(&mut self, id: &str) -> Result<(), Status> {
        let reservation = self.reservation(id)?;
        match reservation.state_at(self.now) {
            State::Released => Ok(()),
            State::Confirmed => self.end(reservation, State::Released).map(drop),
            state => Err(state.forbids("released", id)),
        }
    }

    /// Ends holds that have expired, and forgets reservations that ended long ago: a bounded number of them.
    pub(crate) fn end_some_due(&mut self) -> Result<(), Status> {
        let mut left = BATCH;
        while left > 0 && self.end_first_due()? {
            left -= 1;
        }
        Ok(())
    }

    /// Ends the hold, or forgets the reservation, that is longest due. False when none is.
    fn end_first_due(&mut self) -> Result<bool, Status> {
        let Some(reservation) = reservations::first_due(self.transaction, self.now)? else { return Ok(false) };
        match reservation.state() {
            State::Held => {
                tracing::debug!(reservation = reservation.id, sku = reservation.sku, "a hold has expired");
                self.end(reservation, State::Expired)?;
            }
            _ => reservations::remove(self.transaction, &reservation)?,
        }
        Ok(true)
    }

    /// The revision of the last write.
    pub(crate) fn revision(&self) -> Result<u64, Status> {
        let revision = self.transaction.get(COUNTERS, REVISION.as_bytes()).map_err(broken)?;
        revision.map_or(Ok(0), |revision| keys::to_number(&revision))
    }

    fn find(&self, sku: &str) -> Result<Option<I>, Status> {
        self.transaction.get(ITEMS, sku.as_bytes()).map_err(broken)?.map(|item| decode(&item)).transpose()
    }

    fn restock(&mut self, mut item: I, stock: i64) -> Result<I, Status> {
        item.set_stock(stock);
        let revision = item.revision();
        self.store(item, Some(revision))
    }

    /// Writes the item under the next revision, in place of the one it had at revision `before`.
    fn store(&mut self, mut item: I, before: Option<u64>) -> Result<I, Status> {
        let revision = self.revision()?.checked_add(1).ok_or_else(|| corrupt("the revisions are used up"))?;
        item.stamp(revision, self.now);
        if let Some(before) = before {
            self.transaction.remove(REVISIONS, &keys::number(before)).map_err(broken)?;
        }
        let (key, sku) = (keys::number(revision), item.sku().as_bytes());
        self.transaction.insert(COUNTERS, REVISION.as_bytes(), &key).map_err(broken)?;
        self.transaction.insert(REVISIONS, &key, sku).map_err(broken)?;
        self.transaction.insert(ITEMS, sku, &item.encode_to_vec()).map_err(broken)?;
        Ok(item)
    }
}

fn too_little(sku: &str, stock: i64, wanted: i64) -> Status {
    Status::failed_precondition(format!("there is too little of {sku:?}: {wanted} wanted, {stock} in stock"))
}
