//! What the future object remembers: its holds, the requests under way, and when to look at which hold again.

use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use prost::Message;
use tonic::Status;

use super::hold::{Ending, Hold};
use crate::inventory::clock::{Clock, to_nanos};
use crate::inventory::store::{
    DUE, Database, OpenError, Reading, RequestKey, State, Transaction, broken, corrupt, decode, keys, no_reservation,
    requests,
};
use crate::node::Opening;
use crate::state::Layout;

/// By id.
pub(in super::super) const HOLDS: &str = "holds";
/// By request id: of each `Reserve` that has no answer yet.
const INTENTS: &str = "intents";

/// What a `Reserve` that has no answer yet is for.
#[derive(Clone, PartialEq, Message)]
pub(in super::super) struct Intended {
    #[prost(string, tag = "1")]
    pub(in super::super) hold: String,
    /// What was asked for.
    #[prost(bytes = "vec", tag = "2")]
    pub(in super::super) fingerprint: Vec<u8>,
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
    Database::open(directory, VERSION, &layout(), clock)
}

pub(super) fn of_node(opening: &Opening, clock: Arc<dyn Clock>) -> Result<Database, OpenError> {
    Database::of_node(opening, &layout(), clock)
}

/// The version that the future object implements.
pub(in super::super) const VERSION: &str = "3.0.0";

/// How the future object's state is laid out.
pub(in super::super) fn layout() -> Layout {
    requests::tables(Layout::new().carried(HOLDS).carried(INTENTS).carried(DUE))
}

/// The hold as it was last written.
pub(super) fn find(database: &Database, id: &str) -> Result<Option<Hold>, Status> {
    let hold = database.read()?.get(HOLDS, id.as_bytes()).map_err(broken)?;
    hold.map(|hold| decode(&hold)).transpose()
}

/// What a `Reserve` without an answer is for.
pub(in super::super) fn intended(reading: &Reading, request_id: &str) -> Result<Option<Intended>, Status> {
    reading.get(INTENTS, request_id.as_bytes()).map_err(broken)?.map(|found| decode(&found)).transpose()
}

/// Stores a hold, in place of what it was before.
pub(in super::super) fn put(transaction: &mut Transaction<'_>, hold: &Hold) -> Result<(), Status> {
    let id = &*hold.id;
    if let Some(due) = found(transaction, id)?.and_then(|before| before.due) {
        transaction.remove(DUE, &keys::at(due, id)).map_err(broken)?;
    }
    if let Some(due) = hold.due {
        transaction.insert(DUE, &keys::at(due, id), &[]).map_err(broken)?;
    }
    transaction.insert(HOLDS, id.as_bytes(), &hold.encode_to_vec()).map_err(broken)
}

fn found(transaction: &Transaction<'_>, id: &str) -> Result<Option<Hold>, Status> {
    transaction.get(HOLDS, id.as_bytes()).map_err(broken)?.map(|hold| decode(&hold)).transpose()
}

/// Which holds are due, some of them.
pub(super) fn due(database: &Database, most: usize) -> Result<Vec<String>, Status> {
    let reading = database.read()?;
    let now = to_nanos(database.now());
    let mut ids = Vec::new();
    for entry in reading.range(DUE, Bound::Unbounded, Bound::Unbounded).map_err(broken)?.take(most) {
        let (time, id) = keys::to_at(&entry.map_err(broken)?.0)?;
        if time > now {
            break;
        }
        ids.push(id);
    }
    Ok(ids)
}

/// The holds of one write.
pub(super) struct Records<'w, 't> {
    transaction: &'w mut Transaction<'t>,
    now: SystemTime,
}

impl<'w, 't> Records<'w, 't> {
    pub(super) fn begin(transaction: &'w mut Transaction<'t>, now: SystemTime) -> Self {
        Self { transaction, now }
    }

    /// Records that `hold` is to be reserved, unless its request is under way already.
    pub(super) fn intend(&mut self, key: &RequestKey, hold: &Hold) -> Result<Intent, Status> {
        if let Some(Intended { hold: id, fingerprint }) = self.intended(key.id())? {
            if fingerprint != key.fingerprint() {
                return Err(key.taken());
            }
            let mut hold = self.find(&id)?.ok_or_else(|| corrupt("an intent names no hold"))?;
            hold.resumed = true;
            self.put(&hold)?;
            return Ok(Intent::Recorded(id));
        }
        let intended = Intended { hold: hold.id.clone(), fingerprint: key.fingerprint().to_vec() };
        self.transaction.insert(INTENTS, key.id().as_bytes(), &intended.encode_to_vec()).map_err(broken)?;
        self.put(hold)?;
        Ok(Intent::Recorded(hold.id.clone()))
    }

    /// The stock is taken: the intent has become a hold.
    pub(super) fn hold(&mut self, hold: Hold) -> Result<Hold, Status> {
        self.transaction.remove(INTENTS, hold.request_id.as_bytes()).map_err(broken)?;
        self.put(&hold)?;
        Ok(hold)
    }

    /// The intent came to nothing, or the hold ended long ago.
    pub(super) fn forget(&mut self, hold: &Hold) -> Result<(), Status> {
        if hold.is_intent() {
            self.transaction.remove(INTENTS, hold.request_id.as_bytes()).map_err(broken)?;
        }
        if let Some(due) = hold.due {
            self.transaction.remove(DUE, &keys::at(due, &hold.id)).map_err(broken)?;
        }
        self.transaction.remove(HOLDS, hold.id.as_bytes()).map_err(broken)
    }

    pub(super) fn confirm(&mut self, id: &str) -> Result<Hold, Status> {
        let (mut hold, state) = self.told(id)?;
        match state {
            State::Confirmed => Ok(hold),
            State::Held => {
                hold.confirm();
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
        hold.begin_end(ending, self.now);
        self.put(&hold)?;
        Ok(End::GiveBack(hold))
    }

    /// The stock is back.
    pub(super) fn finish_end(&mut self, mut hold: Hold, ending: Ending) -> Result<Hold, Status> {
        hold.finish_end(ending, self.now);
        self.put(&hold)?;
        Ok(hold)
    }

    /// Looks at the hold again later.
    pub(super) fn postpone(&mut self, id: &str) -> Result<(), Status> {
        if let Some(mut hold) = self.find(id)?.filter(|hold| hold.is_due(self.now)) {
            hold.postpone(self.now);
            self.put(&hold)?;
        }
        Ok(())
    }

    /// A hold that somebody was told of, and its state.
    fn told(&self, id: &str) -> Result<(Hold, State), Status> {
        let hold = self.find(id)?.ok_or_else(|| no_reservation(id))?;
        let state = hold.state_at(self.now).ok_or_else(|| no_reservation(id))?;
        Ok((hold, state))
    }

    fn find(&self, id: &str) -> Result<Option<Hold>, Status> {
        found(self.transaction, id)
    }

    fn intended(&self, request_id: &str) -> Result<Option<Intended>, Status> {
        self.transaction.get(INTENTS, request_id.as_bytes()).map_err(broken)?.map(|found| decode(&found)).transpose()
    }

    fn put(&mut self, hold: &Hold) -> Result<(), Status> {
        put(self.transaction, hold)
    }
}
