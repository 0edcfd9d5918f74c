//! Reservations as they are stored, and when each next changes by itself.

use std::time::{Duration, SystemTime};

use tonic::Status;

use super::database::{Reading, Transaction, broken, corrupt};
use super::{Answer, decode, keys};
use crate::inventory::clock::{from_nanos, to_nanos};
use crate::state::Layout;

/// How long a reservation that ended is remembered; the protos promise it.
pub(crate) const ENDED_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// By id.
pub(crate) const RESERVATIONS: &str = "reservations";
/// Which reservations change by themselves, and when: holds expire, what ended is forgotten.
pub(crate) const DUE: &str = "due";

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
    /// The ids of requests that were answered with it while it was a hold, its own first; no more than [`REQUESTS_KEPT`].
    #[prost(string, repeated, tag = "7")]
    pub(crate) requests: Vec<String>,
}

/// How many requests a reservation knows of. They are needed when the node goes back to an older version.
pub(crate) const REQUESTS_KEPT: usize = 8;

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

impl Answer for Reservation {}

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
        Self {
            id,
            sku,
            quantity,
            state: state.into(),
            expire_time: expires.map(to_nanos),
            end_time: None,
            requests: Vec::new(),
        }
    }

    /// Notes that a request is answered with it.
    pub(crate) fn answers(&mut self, request_id: &str) {
        if self.requests.len() < REQUESTS_KEPT && !self.requests.iter().any(|known| known == request_id) {
            self.requests.push(request_id.to_owned());
        }
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

    /// When it changes by itself, in nanoseconds since the Unix epoch.
    pub(crate) fn due(&self) -> Option<u64> {
        let kept = to_nanos(SystemTime::UNIX_EPOCH + ENDED_KEPT);
        if self.state() == State::Held { self.expire_time } else { self.end_time.map(|end| end.saturating_add(kept)) }
    }
}

/// The tables of reservations.
pub(super) fn tables(layout: Layout) -> Layout {
    layout.carried(RESERVATIONS).carried(DUE)
}

pub(crate) fn get(transaction: &Transaction<'_>, id: &str) -> Result<Reservation, Status> {
    find(transaction, id)?.ok_or_else(|| no_reservation(id))
}

pub(crate) fn find(transaction: &Transaction<'_>, id: &str) -> Result<Option<Reservation>, Status> {
    transaction.get(RESERVATIONS, id.as_bytes()).map_err(broken)?.map(|found| decode(&found)).transpose()
}

pub(crate) fn put(transaction: &mut Transaction<'_>, reservation: &Reservation) -> Result<(), Status> {
    use prost::Message;

    let id = &*reservation.id;
    if let Some(due) = find(transaction, id)?.and_then(|before| before.due()) {
        transaction.remove(DUE, &keys::at(due, id)).map_err(broken)?;
    }
    if let Some(due) = reservation.due() {
        transaction.insert(DUE, &keys::at(due, id), &[]).map_err(broken)?;
    }
    transaction.insert(RESERVATIONS, id.as_bytes(), &reservation.encode_to_vec()).map_err(broken)
}

/// Forgets a reservation that ended long ago.
pub(crate) fn remove(transaction: &mut Transaction<'_>, reservation: &Reservation) -> Result<(), Status> {
    let id = &*reservation.id;
    if let Some(due) = reservation.due() {
        transaction.remove(DUE, &keys::at(due, id)).map_err(broken)?;
    }
    transaction.remove(RESERVATIONS, id.as_bytes()).map_err(broken)
}

/// The reservation that is longest due at `now`.
pub(super) fn first_due(transaction: &Transaction<'_>, now: SystemTime) -> Result<Option<Reservation>, Status> {
    let Some((due, id)) = super::first(transaction, DUE)? else { return Ok(None) };
    if due > to_nanos(now) {
        return Ok(None);
    }
    find(transaction, &id)?.ok_or_else(|| corrupt("what is due is no reservation")).map(Some)
}

pub(super) fn read(reading: &Reading, id: &str) -> Result<Reservation, Status> {
    let found = reading.get(RESERVATIONS, id.as_bytes()).map_err(broken)?;
    decode(&found.ok_or_else(|| no_reservation(id))?)
}

pub(crate) fn no_reservation(id: &str) -> Status {
    Status::not_found(format!("there is no reservation {id:?}"))
}
