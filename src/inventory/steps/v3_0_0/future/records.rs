//! What the future object remembers: its holds, how far each has come, and when it has to look at it again.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use prost::Message;
use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};
use tonic::Status;

use crate::inventory::clock::{Clock, from_nanos, to_nanos};
use crate::inventory::generated::v3_0_0 as v3;
use crate::inventory::store::{
    DUE, Database, ENDED_KEPT, OpenError, RequestKey, State, broken, decode, no_reservation,
};

const HOLDS: TableDefinition<&str, &[u8]> = TableDefinition::new("holds");
/// Request id to hold, and to what the request was: of each `Reserve` that has no answer yet.
const INTENTS: TableDefinition<&str, (&str, &[u8; 32])> = TableDefinition::new("intents");

/// When to try again what 2.0.0 could not do.
const RETRY: Duration = Duration::from_secs(10);

/// A hold that 2.0.0 knows as a reservation.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Hold {
    #[prost(string, tag = "1")]
    pub(super) id: String,
    /// The `Reserve` that made it.
    #[prost(string, tag = "2")]
    request_id: String,
    #[prost(string, tag = "3")]
    pub(super) sku: String,
    #[prost(int64, tag = "4")]
    pub(super) quantity: i64,
    /// Nanoseconds since the Unix epoch.
    #[prost(uint64, tag = "5")]
    expire_time: u64,
    #[prost(enumeration = "Phase", tag = "6")]
    phase: i32,
    /// 2.0.0's reservation; empty while it is only intended.
    #[prost(string, tag = "7")]
    pub(super) reservation: String,
    /// When to look at it again, likewise.
    #[prost(uint64, optional, tag = "8")]
    due: Option<u64>,
}

/// How far a hold has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(super) enum Phase {
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
pub(super) enum Ending {
    Cancel,
    Expire,
    Release,
}

/// What there was of a `Reserve`.
pub(super) enum Intent {
    /// It was answered.
    Answered(Hold),
    /// It is under way, since now or before.
    Recorded(String),
}

/// What there is to do to end a hold.
pub(super) enum End {
    /// Nothing: it has ended so already.
    Done(Hold),
    /// Its stock has to be given back.
    GiveBack(Hold),
}

pub(super) fn open(directory: &Path, clock: Arc<dyn Clock>) -> Result<Database, OpenError> {
    Database::open(directory, "holds.redb", "inventory 3.0.0 over 2.0.0", clock, |transaction| {
        transaction.open_table(HOLDS)?;
        transaction.open_table(INTENTS)?;
        transaction.open_table(DUE)?;
        Ok(())
    })
}

/// The hold as it was last written.
pub(super) fn find(database: &Database, id: &str) -> Result<Option<Hold>, Status> {
    let holds = database.read()?.open_table(HOLDS).map_err(broken)?;
    holds.get(id).map_err(broken)?.map(|hold| decode(hold.value())).transpose()
}

/// Which holds are due, some of them.
pub(super) fn due(database: &Database, most: usize) -> Result<Vec<String>, Status> {
    let due = database.read()?.open_table(DUE).map_err(broken)?;
    let now = to_nanos(database.now());
    let mut ids = Vec::new();
    for entry in due.iter().map_err(broken)?.take(most) {
        let (key, _) = entry.map_err(broken)?;
        let (time, id) = key.value();
        if time > now {
            break;
        }
        ids.push(id.to_owned());
    }
    Ok(ids)
}

impl Hold {
    /// What begins the id of each hold, and of nothing that 2.0.0 makes.
    const PREFIX: &'static str = "hold-";

    pub(super) fn intend(key: &RequestKey, sku: String, quantity: i64, expires: SystemTime) -> Self {
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
        }
    }

    pub(super) fn is_id(id: &str) -> bool {
        id.starts_with(Self::PREFIX)
    }

    pub(super) fn has_expired(&self, now: SystemTime) -> bool {
        self.expire_time <= to_nanos(now)
    }

    pub(super) fn is_due(&self, now: SystemTime) -> bool {
        self.due.is_some_and(|due| due <= to_nanos(now))
    }

    /// What callers see at `now`; nothing, while nobody was told of it.
    pub(super) fn state_at(&self, now: SystemTime) -> Option<State> {
        Some(match self.phase() {
            Phase::Intended => return None,
            Phase::Held if self.has_expired(now) => State::Expired,
            phase => phase.state(),
        })
    }

    /// 2.0.0 has taken the stock.
    pub(super) fn taken(mut self, reservation: String) -> Self {
        self.reservation = reservation;
        self.set_phase(Phase::Held);
        self
    }

    /// As callers of 3.0.0 see it.
    pub(super) fn seen_as(self, state: State) -> v3::Reservation {
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
    fn state(self) -> State {
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
    /// How a hold in this phase ends next, when 2.0.0 has something to do for it.
    pub(super) fn of(phase: Phase) -> Option<Self> {
        match phase {
            Phase::Held | Phase::Expiring => Some(Self::Expire),
            Phase::Cancelling => Some(Self::Cancel),
            Phase::Releasing => Some(Self::Release),
            Phase::Intended | Phase::Confirmed | Phase::Cancelled | Phase::Expired | Phase::Released => None,
        }
    }

    /// What is added to the hold's id to make the request id of the call to 2.0.0.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Expire => "expire",
            Self::Release => "release",
        }
    }

    fn begun(self) -> Phase {
        match self {
            Self::Cancel => Phase::Cancelling,
            Self::Expire => Phase::Expiring,
            Self::Release => Phase::Releasing,
        }
    }

    fn done(self) -> Phase {
        match self {
            Self::Cancel => Phase::Cancelled,
            Self::Expire => Phase::Expired,
            Self::Release => Phase::Released,
        }
    }

    /// What a hold has to be, to end so.
    fn from(self) -> State {
        match self {
            Self::Cancel => State::Held,
            Self::Expire => State::Expired,
            Self::Release => State::Confirmed,
        }
    }
}

/// The holds of one write.
pub(super) struct Records<'t> {
    holds: Table<'t, &'static str, &'static [u8]>,
    intents: Table<'t, &'static str, (&'static str, &'static [u8; 32])>,
    due: Table<'t, (u64, &'static str), ()>,
    now: SystemTime,
}

impl<'t> Records<'t> {
    pub(super) fn begin(transaction: &'t WriteTransaction, now: SystemTime) -> Result<Self, Status> {
        Ok(Self {
            holds: transaction.open_table(HOLDS).map_err(broken)?,
            intents: transaction.open_table(INTENTS).map_err(broken)?,
            due: transaction.open_table(DUE).map_err(broken)?,
            now,
        })
    }

    /// Records that `hold` is to be reserved, unless its request is under way already.
    pub(super) fn intend(&mut self, key: &RequestKey, hold: &Hold) -> Result<Intent, Status> {
        if let Some(found) = self.intents.get(key.id()).map_err(broken)? {
            let (id, fingerprint) = found.value();
            return if fingerprint == key.fingerprint() {
                Ok(Intent::Recorded(id.to_owned()))
            } else {
                Err(key.taken())
            };
        }
        self.intents.insert(key.id(), (&*hold.id, key.fingerprint())).map_err(broken)?;
        self.put(hold)?;
        Ok(Intent::Recorded(hold.id.clone()))
    }

    /// The stock is taken: the intent has become a hold.
    pub(super) fn hold(&mut self, hold: Hold) -> Result<Hold, Status> {
        self.intents.remove(&*hold.request_id).map_err(broken)?;
        self.put(&hold)?;
        Ok(hold)
    }

    /// The intent came to nothing, or the hold ended long ago.
    pub(super) fn forget(&mut self, hold: &Hold) -> Result<(), Status> {
        if hold.phase() == Phase::Intended {
            self.intents.remove(&*hold.request_id).map_err(broken)?;
        }
        if let Some(due) = hold.due {
            self.due.remove((due, &*hold.id)).map_err(broken)?;
        }
        self.holds.remove(&*hold.id).map_err(broken)?;
        Ok(())
    }

    pub(super) fn confirm(&mut self, id: &str) -> Result<Hold, Status> {
        let (mut hold, state) = self.told(id)?;
        match state {
            State::Confirmed => Ok(hold),
            State::Held => {
                hold.set_phase(Phase::Confirmed);
                hold.due = None;
                self.put(&hold)?;
                Ok(hold)
            }
            state => Err(state.forbids("confirmed", id)),
        }
    }

    /// Decides that a hold ends; from here on it does.
    pub(super) fn begin_end(&mut self, id: &str, ending: Ending) -> Result<End, Status> {
        let (mut hold, state) = self.told(id)?;
        if hold.phase() == ending.done() {
            return Ok(End::Done(hold));
        }
        if hold.phase() != ending.begun() && state != ending.from() {
            return Err(state.forbids(ending.done().state().word(), id));
        }
        hold.set_phase(ending.begun());
        hold.due = Some(to_nanos(self.now + RETRY));
        self.put(&hold)?;
        Ok(End::GiveBack(hold))
    }

    /// The stock is back.
    pub(super) fn finish_end(&mut self, mut hold: Hold, ending: Ending) -> Result<Hold, Status> {
        hold.set_phase(ending.done());
        hold.due = Some(to_nanos(self.now + ENDED_KEPT));
        self.put(&hold)?;
        Ok(hold)
    }

    /// Looks at the hold again later.
    pub(super) fn postpone(&mut self, id: &str) -> Result<(), Status> {
        let found = self.holds.get(id).map_err(broken)?.map(|hold| decode::<Hold>(hold.value())).transpose()?;
        if let Some(mut hold) = found.filter(|hold| hold.is_due(self.now)) {
            hold.due = Some(to_nanos(self.now + RETRY));
            self.put(&hold)?;
        }
        Ok(())
    }

    /// A hold that somebody was told of, and its state.
    fn told(&self, id: &str) -> Result<(Hold, State), Status> {
        let found = self.holds.get(id).map_err(broken)?;
        let hold: Hold = decode(found.ok_or_else(|| no_reservation(id))?.value())?;
        let state = hold.state_at(self.now).ok_or_else(|| no_reservation(id))?;
        Ok((hold, state))
    }

    fn put(&mut self, hold: &Hold) -> Result<(), Status> {
        let id = &*hold.id;
        let before = self.holds.insert(id, &*hold.encode_to_vec()).map_err(broken)?;
        let before: Option<Hold> = before.map(|before| decode(before.value())).transpose()?;
        if let Some(due) = before.and_then(|before| before.due) {
            self.due.remove((due, id)).map_err(broken)?;
        }
        if let Some(due) = hold.due {
            self.due.insert((due, id), ()).map_err(broken)?;
        }
        Ok(())
    }
}
