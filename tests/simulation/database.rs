//! The upgrade database of the world: the embedded store, on a disk in memory that fails, tears writes and loses its power. Beside it
//! stands a model of what was acknowledged; whenever a coordinator begins, what is there is held against it.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use straddle::control::v1_0_0 as wire;
use straddle::coordinator::database as real;
use straddle::coordinator::database::{
    Committed, Compare, Database, DatabaseError, Disk, Embedded, Fault, Keys, MOST_OPERATIONS, Options, Query,
    Revision, Transaction, Wound, Write,
};
use straddle::coordinator::record::{self, keys};

/// What has become of a commit.
#[derive(Debug)]
pub(crate) enum Outcome {
    Written,
    /// Another coordinator has the lead.
    Refused,
    /// It is not written, or nobody knows.
    Failed(DatabaseError),
}

/// Why a coordinator does not begin.
#[derive(Debug)]
pub(crate) enum NotBegun {
    /// The disk fails; later it may work.
    Again(String),
    /// Something is there that must not be, or is not.
    Damaged(String),
}

/// What is kept, and who may write.
pub(crate) struct Store {
    disk: Disk,
    /// None while the program that has it open is down.
    database: Option<Embedded>,
    /// What was acknowledged, without the leader's key.
    pub(crate) entries: BTreeMap<Bytes, Bytes>,
    /// What may have been written, all of it or nothing.
    unknown: Vec<Write>,
    /// The coordinator that has the lead.
    pub(crate) leader: u64,
    /// As which revision each coordinator has written that it leads.
    leads: BTreeMap<u64, Revision>,
    /// Operations of the disk in the last commit.
    commit_took: u64,
    /// Syncs do nothing.
    pub(crate) lies: bool,
    /// What has happened, and how often.
    pub(crate) tally: BTreeMap<&'static str, u64>,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            disk: Disk::new(),
            database: None,
            entries: BTreeMap::new(),
            unknown: Vec::new(),
            leader: 0,
            leads: BTreeMap::new(),
            commit_took: 0,
            lies: false,
            tally: BTreeMap::new(),
        }
    }

    /// Another coordinator takes the lead, and reads all that is kept.
    pub(crate) fn begin(&mut self) -> Result<Vec<(Bytes, Bytes)>, NotBegun> {
        self.open()?;
        let revision = self.take_lead().map_err(|error| NotBegun::of(&error))?;
        let found = self.read().map_err(|error| NotBegun::of(&error))?;
        self.hold(&found)?;
        self.leader += 1;
        self.leads.insert(self.leader, revision);
        Ok(found.into_iter().collect())
    }

    fn open(&mut self) -> Result<(), NotBegun> {
        if self.database.is_some() {
            return Ok(());
        }
        if self.lies {
            self.disk.fail_after(0, Fault::Lies);
        }
        let options = Options { history: 100, clock: Arc::new(Wound::default()), ..Options::default() };
        match real::Store::on_disk(&self.disk, &options) {
            Ok(store) => self.database = Some(Embedded::without_thread(store)),
            Err(error) if self.disk.is_failing() => return Err(NotBegun::Again(error.to_string())),
            Err(error) => return Err(NotBegun::Damaged(format!("the database cannot be opened: {error}"))),
        }
        Ok(())
    }

    fn take_lead(&self) -> Result<Revision, DatabaseError> {
        let database = self.database()?;
        let key = Bytes::from_static(keys::LEADER.as_bytes());
        let compare = match done(database.get(&key))? {
            None => Compare::Absent(key.clone()),
            Some(entry) => Compare::Modified(key.clone(), entry.modified),
        };
        let leader =
            wire::Leader { coordinator: format!("coordinator-{}", self.leader + 1), ..wire::Leader::default() };
        let write = vec![Write::Put { key, value: record::seal(&leader), lease: None }];
        match done(database.commit(Transaction { compare: vec![compare], write }))? {
            Committed::Yes(revision) => Ok(revision),
            Committed::No(_) => Err(DatabaseError::damaged("the leader's key changes while nobody writes it")),
        }
    }

    /// All but the leader's key.
    fn read(&self) -> Result<BTreeMap<Bytes, Bytes>, DatabaseError> {
        let mut found = BTreeMap::new();
        let mut query = Query { keys: Keys::prefix(keys::ALL), limit: 0, at: None };
        loop {
            let page = done(self.database()?.range(query.clone()))?;
            query.at = Some(page.revision);
            let last = page.entries.last().map(|entry| entry.key.clone());
            found.extend(page.entries.into_iter().map(|entry| (entry.key, entry.value)));
            match last {
                Some(last) if page.more => query.keys = query.keys.after(last),
                _ => break,
            }
        }
        found.remove(keys::LEADER.as_bytes());
        Ok(found)
    }

    /// What is there has to be what was acknowledged, perhaps with what nobody knows of, all or nothing.
    fn hold(&mut self, found: &BTreeMap<Bytes, Bytes>) -> Result<(), NotBegun> {
        let unknown = std::mem::take(&mut self.unknown);
        if !unknown.is_empty() {
            self.happened(if *found == self.entries { "unknown and not written" } else { "unknown and written" });
        }
        if *found == self.entries {
            return Ok(());
        }
        let acknowledged = self.entries.clone();
        apply(&mut self.entries, &unknown);
        if *found == self.entries {
            return Ok(());
        }
        let other = acknowledged.keys().chain(found.keys()).filter(|key| found.get(*key) != acknowledged.get(*key));
        let told = |key: &Bytes| {
            let bytes = |entries: &BTreeMap<Bytes, Bytes>| entries.get(key).map(Bytes::len);
            format!("{}: {:?} bytes for {:?}", String::from_utf8_lossy(key), bytes(found), bytes(&acknowledged))
        };
        let other: Vec<String> = other.take(5).map(told).collect();
        Err(NotBegun::Damaged(format!("what was acknowledged is not what is there: {other:?}")))
    }

    /// Writes all, if whoever writes has the lead: one transaction after the other, where one does not hold it.
    pub(crate) fn commit(&mut self, leader: u64, writes: &[Write]) -> Outcome {
        for part in writes.chunks(MOST_OPERATIONS - 1) {
            match self.commit_part(leader, part) {
                Outcome::Written => {}
                other => return other,
            }
        }
        Outcome::Written
    }

    fn commit_part(&mut self, leader: u64, writes: &[Write]) -> Outcome {
        // The program that has the database is down: whoever led before is told so when it is back.
        let (Some(database), Some(revision)) = (&self.database, self.leads.get(&leader)) else {
            return Outcome::Refused;
        };
        let compare = vec![Compare::Modified(Bytes::from_static(keys::LEADER.as_bytes()), *revision)];
        let before = self.disk.operations();
        let committed = done(database.commit(Transaction { compare, write: writes.to_vec() }));
        self.commit_took = self.disk.operations().saturating_sub(before);
        match committed {
            Ok(Committed::Yes(_)) => {
                apply(&mut self.entries, writes);
                Outcome::Written
            }
            Ok(Committed::No(_)) => Outcome::Refused,
            Err(error) => {
                if error.is_unknown() {
                    self.unknown = writes.to_vec();
                } else {
                    self.happened("not written");
                }
                Outcome::Failed(error)
            }
        }
    }

    /// The program ends, or the power does: what was not synced is there or not, sector by sector.
    pub(crate) fn crash(&mut self, power: Option<u64>) {
        match power {
            Some(seed) => self.disk.lose_power(seed),
            None => self.disk.kill(),
        }
        self.happened(if power.is_some() { "without power" } else { "killed" });
        self.database = None;
    }

    pub(crate) fn happened(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    pub(crate) fn fail_after(&self, operations: u64, fault: Fault) {
        if !self.lies {
            self.disk.fail_after(operations, fault);
        }
    }

    /// The program dies after so many operations of the disk; often at the last one of a commit, when all is written that
    /// nobody will be told of.
    pub(crate) fn die_after(&self, operations: u64) {
        let last = self.commit_took.saturating_sub(1);
        self.fail_after(if operations.is_multiple_of(3) { last } else { operations }, Fault::Dies);
    }

    pub(crate) fn mend(&self) {
        if !self.lies {
            self.disk.mend();
        }
    }

    fn database(&self) -> Result<&Embedded, DatabaseError> {
        self.database.as_ref().ok_or_else(|| DatabaseError::unavailable("it is down"))
    }

    fn get<M: prost::Message + prost::Name + Default>(&self, key: &Bytes) -> Option<M> {
        self.entries.get(key).map(|value| record::open(value.clone()).expect("a record"))
    }

    pub(crate) fn permit(&self, protocol: &str, node: &str) -> Option<wire::StoredPermit> {
        self.get(&keys::permit(protocol, node))
    }

    pub(crate) fn node(&self, protocol: &str, node: &str) -> Option<wire::StoredNode> {
        self.get(&keys::node(protocol, node))
    }

    /// The newest upgrade.
    pub(crate) fn upgrade(&self) -> Option<wire::StoredUpgrade> {
        let prefix = keys::UPGRADES.as_bytes();
        let newest = self.entries.iter().rev().find(|(key, _)| key.starts_with(prefix));
        newest.map(|(_, value)| record::open(value.clone()).expect("a record"))
    }

    /// Whether a bundle was published.
    pub(crate) fn has_bundle(&self, digest: &str) -> bool {
        let prefix = keys::BUNDLES.as_bytes();
        self.entries.keys().any(|key| key.starts_with(prefix) && key.ends_with(digest.as_bytes()))
    }
}

impl NotBegun {
    fn of(error: &DatabaseError) -> Self {
        if error.is_unavailable() || error.is_unknown() {
            return Self::Again(error.to_string());
        }
        Self::Damaged(format!("the database cannot be used: {error}"))
    }
}

fn apply(entries: &mut BTreeMap<Bytes, Bytes>, writes: &[Write]) {
    for write in writes {
        match write {
            Write::Put { key, value, .. } => drop(entries.insert(key.clone(), value.clone())),
            Write::Delete(key) => drop(entries.remove(key)),
        }
    }
}

/// Without a thread of its own the store has done all when it is asked for the first time.
fn done<T>(pending: impl Future<Output = T>) -> T {
    match pin!(pending).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("a store without a thread lets somebody wait"),
    }
}
