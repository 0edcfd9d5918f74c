//! Reservations as they are stored, and when each next changes by itself.

use std::time::{Duration, SystemTime};

use redb::{ReadTransaction, ReadableTable, Table, TableDefinition, WriteTransaction};
use tonic::Status;

use super::database::{broken, corrupt};
use super::decode;
use crate::inventory::clock::{from_nanos, to_nanos};

/// How long a reservation that ended is remembered; the protos promise it.
pub(crate) const ENDED_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

const RESERVATIONS: TableDefinition<&str, &[u8]> = TableDefinition::new("reservations");
/// Which reservations change by themselves, and when: holds expire, what ended is forgotten.
pub(crate) const DUE: TableDefinition<(u64, &str), ()> = TableDefinition::new("due");

/// A reservation of any version. Those of 1.x and 2.0.0 are confirmed from the beginning.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Reservation {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(string, tag = "2")]
    pub(crate) sku: String,
    #[prost(int64, tag = "3")]
    pub(crate) quantity: i64,
    #[prost(enumeration = "State", tag = "4")]
    pub(crate) state: i32,
    /// When the hold expires or would have, in nanoseconds since the Unix epoch; absent when it never was a hold.
    #[prost(uint64, optional, tag = "5")]
    pub(crate) expire_time: Option<u64>,
    /// When it ended, likewise.
    #[prost(uint64, optional, tag = "6")]
    pub(crate) end_time: Option<u64>,
}

/// What became of a reservation; the numbers are those of `HoldState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum State {
    Unspecified = 0,
    Held = 1,
    Confirmed = 2,
    Cancelled = 3,
    Expired = 4,
    Released = 5,
}

impl State {
    /// The error of a reservation that this state keeps from being `wanted`.
    pub(crate) fn forbids(self, wanted: &str, id: &str) -> Status {
        Status::failed_precondition(format!("reservation {id:?} is {} and cannot be {wanted}", self.word()))
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Unspecified => "in no known state",
            Self::Held => "held",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Released => "released",
        }
    }
}

impl Reservation {
    pub(crate) fn new(sku: String, quantity: i64, state: State, expires: Option<SystemTime>) -> Self {
        let id = format!("{:032x}", fastrand::u128(..));
        Self { id, sku, quantity, state: state.into(), expire_time: expires.map(to_nanos), end_time: None }
    }

    pub(crate) fn expires(&self) -> Option<SystemTime> {
        self.expire_time.map(from_nanos)
    }

    /// The state that is true at `now`, whether or not the hold's end was written yet.
    pub(crate) fn state_at(&self, now: SystemTime) -> State {
        match self.state() {
            State::Held if self.expire_time.is_some_and(|expires| expires <= to_nanos(now)) => State::Expired,
            state => state,
        }
    }

    fn due(&self) -> Option<u64> {
        let kept = to_nanos(SystemTime::UNIX_EPOCH + ENDED_KEPT);
        if self.state() == State::Held { self.expire_time } else { self.end_time.map(|end| end.saturating_add(kept)) }
    }
}

/// The reservations of one write.
pub(super) struct Reservations<'t> {
    reservations: Table<'t, &'static str, &'static [u8]>,
    due: Table<'t, (u64, &'static str), ()>,
}

impl<'t> Reservations<'t> {
    pub(super) fn create(transaction: &WriteTransaction) -> Result<(), redb::Error> {
        transaction.open_table(RESERVATIONS)?;
        transaction.open_table(DUE)?;
        Ok(())
    }

    pub(super) fn begin(transaction: &'t WriteTransaction) -> Result<Self, Status> {
        let reservations = transaction.open_table(RESERVATIONS).map_err(broken)?;
        let due = transaction.open_table(DUE).map_err(broken)?;
        Ok(Self { reservations, due })
    }

    pub(super) fn get(&self, id: &str) -> Result<Reservation, Status> {
        let found = self.reservations.get(id).map_err(broken)?;
        decode(found.ok_or_else(|| no_reservation(id))?.value())
    }

    pub(super) fn put(&mut self, reservation: &Reservation) -> Result<(), Status> {
        use prost::Message;

        let id = &*reservation.id;
        let before = self.reservations.insert(id, &*reservation.encode_to_vec()).map_err(broken)?;
        let before: Option<Reservation> = before.map(|before| decode(before.value())).transpose()?;
        if let Some(due) = before.and_then(|before| before.due()) {
            self.due.remove((due, id)).map_err(broken)?;
        }
        if let Some(due) = reservation.due() {
            self.due.insert((due, id), ()).map_err(broken)?;
        }
        Ok(())
    }

    /// Forgets a reservation that ended long ago.
    pub(super) fn remove(&mut self, reservation: &Reservation) -> Result<(), Status> {
        self.reservations.remove(&*reservation.id).map_err(broken)?;
        if let Some(due) = reservation.due() {
            self.due.remove((due, &*reservation.id)).map_err(broken)?;
        }
        Ok(())
    }

    /// The reservation that is longest due at `now`.
    pub(super) fn first_due(&self, now: SystemTime) -> Result<Option<Reservation>, Status> {
        let Some((key, _)) = self.due.first().map_err(broken)? else { return Ok(None) };
        let (due, id) = key.value();
        if due > to_nanos(now) {
            return Ok(None);
        }
        let found = self.reservations.get(id).map_err(broken)?;
        decode(found.ok_or_else(|| corrupt("what is due is no reservation"))?.value()).map(Some)
    }
}

pub(super) fn read(transaction: &ReadTransaction, id: &str) -> Result<Reservation, Status> {
    let reservations = transaction.open_table(RESERVATIONS).map_err(broken)?;
    let found = reservations.get(id).map_err(broken)?;
    decode(found.ok_or_else(|| no_reservation(id))?.value())
}

pub(crate) fn no_reservation(id: &str) -> Status {
    Status::not_found(format!("there is no reservation {id:?}"))
}
