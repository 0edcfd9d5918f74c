//! A hold: what it is, and how far it has come.

use std::time::{Duration, SystemTime};

use prost::Message;

use crate::inventory::clock::{from_nanos, to_nanos};
use crate::inventory::generated::v3_0_0 as v3;
use crate::inventory::store::{Answer, ENDED_KEPT, RequestKey, Reservation, State};

/// When to try again what 2.0.0 could not do.
const RETRY: Duration = Duration::from_secs(10);

/// A hold that 2.0.0 knows as a reservation.
#[derive(Clone, PartialEq, Message)]
pub(in super::super) struct Hold {
    #[prost(string, tag = "1")]
    pub(in super::super) id: String,
    /// The `Reserve` that made it.
    #[prost(string, tag = "2")]
    pub(in super::super) request_id: String,
    #[prost(string, tag = "3")]
    pub(in super::super) sku: String,
    #[prost(int64, tag = "4")]
    pub(in super::super) quantity: i64,
    /// Nanoseconds since the Unix epoch.
    #[prost(uint64, tag = "5")]
    expire_time: u64,
    #[prost(enumeration = "Phase", tag = "6")]
    phase: i32,
    /// 2.0.0's reservation; empty while it is only intended.
    #[prost(string, tag = "7")]
    pub(in super::super) reservation: String,
    /// When to look at it again, likewise.
    #[prost(uint64, optional, tag = "8")]
    pub(in super::super) due: Option<u64>,
    /// More than one call has tried to reserve it.
    #[prost(bool, tag = "9")]
    pub(in super::super) resumed: bool,
}

/// How far a hold has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(in super::super) enum Phase {
    /// 2.0.0 may or may not have reserved the stock; nobody was told of the hold yet.
    Intended = 0,
    Held = 1,
    Confirmed = 2,
    /// 2.0.0 may or may not have released the stock; it is not a hold any more, whatever comes.
    Cancelling = 3,
    Cancelled = 4,
    Expiring = 5,
    Expired = 6,
    Releasing = 7,
    Released = 8,
}

/// A way for a hold to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Ending {
    Cancel,
    Expire,
    Release,
}

impl Answer for Hold {}

impl Hold {
    /// What begins the id of each hold that begins here, and of nothing that 2.0.0 makes.
    const PREFIX: &'static str = "hold-";
    /// What is added to the id to make the request id of 2.0.0's `Reserve`.
    pub(in super::super) const RESERVE: &'static str = "hold";

    pub(in super::super) fn intend(key: &RequestKey, sku: String, quantity: i64, expires: SystemTime) -> Self {
        let expire_time = to_nanos(expires);
        Self {
            id: format!("{}{:032x}", Self::PREFIX, fastrand::u128(..)),
            request_id: key.id().to_owned(),
            sku,
            quantity,
            expire_time,
            phase: Phase::Intended.into(),
            reservation: String::new(),
            due: Some(expire_time),
            resumed: false,
        }
    }

    pub(in super::super) fn is_id(id: &str) -> bool {
        id.starts_with(Self::PREFIX)
    }

    pub(in super::super) fn is_intent(&self) -> bool {
        self.phase() == Phase::Intended
    }

    pub(in super::super) fn has_expired(&self, now: SystemTime) -> bool {
        self.expire_time <= to_nanos(now)
    }

    pub(in super::super) fn is_due(&self, now: SystemTime) -> bool {
        self.due.is_some_and(|due| due <= to_nanos(now))
    }

    /// What callers see at `now`; nothing, while nobody was told of it.
    pub(in super::super) fn state_at(&self, now: SystemTime) -> Option<State> {
        Some(match self.phase() {
            Phase::Intended => return None,
            Phase::Held if self.has_expired(now) => State::Expired,
            phase => phase.state(),
        })
    }

    /// 2.0.0 has taken the stock.
    pub(in super::super) fn taken(mut self, reservation: String) -> Self {
        self.reservation = reservation;
        self.set_phase(Phase::Held);
        self
    }

    /// It does not expire any more.
    pub(in super::super) fn confirm(&mut self) {
        self.set_phase(Phase::Confirmed);
        self.due = None;
    }

    /// It ends, whatever 2.0.0 says, and for as long as it takes.
    pub(in super::super) fn begin_end(&mut self, ending: Ending, now: SystemTime) {
        self.set_phase(ending.begun());
        self.postpone(now);
    }

    /// It has ended. It is remembered a while.
    pub(in super::super) fn finish_end(&mut self, ending: Ending, now: SystemTime) {
        self.set_phase(ending.done());
        self.due = Some(to_nanos(now + ENDED_KEPT));
    }

    pub(in super::super) fn postpone(&mut self, now: SystemTime) {
        self.due = Some(to_nanos(now + RETRY));
    }

    /// The id of a call to 2.0.0 for this hold.
    pub(in super::super) fn inner_request(&self, word: &str) -> String {
        format!("{}/{word}", self.id)
    }

    /// When it ended, if it has, in nanoseconds since the Unix epoch.
    pub(in super::super) fn ended(&self) -> Option<u64> {
        let kept = to_nanos(SystemTime::UNIX_EPOCH + ENDED_KEPT);
        self.due.filter(|_| Ending::all().any(|ending| ending.done() == self.phase())).map(|due| due - kept.min(due))
    }

    /// As 3.0.0's own object stores it, in this state.
    pub(in super::super) fn to_reservation(&self, state: State) -> Reservation {
        Reservation {
            id: self.id.clone(),
            sku: self.sku.clone(),
            quantity: self.quantity,
            state: state.into(),
            expire_time: Some(self.expire_time),
            end_time: None,
            requests: Vec::new(),
        }
    }

    /// What 3.0.0's own object has stored, over the reservation `beneath` of 2.0.0, which one that has ended lacks.
    pub(in super::super) fn of_reservation(reservation: &Reservation, beneath: Option<&str>) -> Self {
        let phase = match reservation.state() {
            State::Unspecified | State::Held => Phase::Held,
            State::Confirmed => Phase::Confirmed,
            State::Cancelled => Phase::Cancelled,
            State::Expired => Phase::Expired,
            State::Released => Phase::Released,
        };
        Self {
            id: reservation.id.clone(),
            request_id: reservation.requests.first().cloned().unwrap_or_default(),
            sku: reservation.sku.clone(),
            quantity: reservation.quantity,
            expire_time: reservation.expire_time.unwrap_or_default(),
            phase: phase.into(),
            reservation: beneath.unwrap_or_default().to_owned(),
            due: reservation.due(),
            resumed: false,
        }
    }

    /// As callers of 3.0.0 see it.
    pub(in super::super) fn seen_as(self, state: State) -> v3::Reservation {
        v3::Reservation {
            reservation_id: self.id,
            sku: self.sku,
            quantity: self.quantity,
            expire_time: Some(from_nanos(self.expire_time).into()),
            state: state.into(),
        }
    }
}

impl From<Hold> for v3::Reservation {
    fn from(hold: Hold) -> Self {
        let state = hold.phase().state();
        hold.seen_as(state)
    }
}

impl Phase {
    pub(in super::super) fn state(self) -> State {
        match self {
            Self::Intended | Self::Held => State::Held,
            Self::Confirmed => State::Confirmed,
            Self::Cancelling | Self::Cancelled => State::Cancelled,
            Self::Expiring | Self::Expired => State::Expired,
            Self::Releasing | Self::Released => State::Released,
        }
    }
}

impl Ending {
    fn all() -> impl Iterator<Item = Self> {
        [Self::Cancel, Self::Expire, Self::Release].into_iter()
    }

    /// How a hold in this phase ends next, when 2.0.0 has something to do for it.
    pub(in super::super) fn of(phase: Phase) -> Option<Self> {
        match phase {
            Phase::Held | Phase::Expiring => Some(Self::Expire),
            Phase::Cancelling => Some(Self::Cancel),
            Phase::Releasing => Some(Self::Release),
            Phase::Intended | Phase::Confirmed | Phase::Cancelled | Phase::Expired | Phase::Released => None,
        }
    }

    /// What is added to the hold's id to make the request id of the call to 2.0.0.
    pub(in super::super) fn word(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Expire => "expire",
            Self::Release => "release",
        }
    }

    pub(in super::super) fn begun(self) -> Phase {
        match self {
            Self::Cancel => Phase::Cancelling,
            Self::Expire => Phase::Expiring,
            Self::Release => Phase::Releasing,
        }
    }

    pub(in super::super) fn done(self) -> Phase {
        match self {
            Self::Cancel => Phase::Cancelled,
            Self::Expire => Phase::Expired,
            Self::Release => Phase::Released,
        }
    }

    /// What a hold has to be, to end so.
    pub(in super::super) fn from(self) -> State {
        match self {
            Self::Cancel => State::Held,
            Self::Expire => State::Expired,
            Self::Release => State::Confirmed,
        }
    }
}
