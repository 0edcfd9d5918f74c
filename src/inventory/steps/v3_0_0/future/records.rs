//! What the future object remembers: its holds, the requests under way, and when to look at which hold again.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use prost::Message;
use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};
use tonic::Status;

use super::hold::{Ending, Hold};
use crate::inventory::clock::{Clock, to_nanos};
use crate::inventory::store::{DUE, Database, OpenError, RequestKey, State, broken, corrupt, decode, no_reservation};

const HOLDS: TableDefinition<&str, &[u8]> = TableDefinition::new("holds");
/// Request id to hold, and to what the request was: of each `Reserve` that has no answer yet.
const INTENTS: TableDefinition<&str, (&str, &[u8; 32])> = TableDefinition::new("intents");

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
        let found = self.intents.get(key.id()).map_err(broken)?.map(|found| {
            let (id, fingerprint) = found.value();
            (id.to_owned(), fingerprint == key.fingerprint())
        });
        if let Some((id, same)) = found {
            if !same {
                return Err(key.taken());
            }
            let mut hold = self.find(&id)?.ok_or_else(|| corrupt("an intent names no hold"))?;
            hold.resumed = true;
            self.put(&hold)?;
            return Ok(Intent::Recorded(id));
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
        if hold.is_intent() {
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
        self.holds.get(id).map_err(broken)?.map(|hold| decode(hold.value())).transpose()
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
