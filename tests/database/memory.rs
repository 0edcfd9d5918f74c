//! The upgrade database in plain memory, as simple as can be: each revision keeps all that there was. With a fault it does
//! one thing wrong, so that the list of tests can be seen to find it.

use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Bound;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use straddle::coordinator::database::conformance::Subject;
use straddle::coordinator::database::{
    Change, Changes, Committed, Compare, Database, DatabaseError, Entry, Keys, Lease, Page, Pending, Query, Revision,
    Transaction, Watch, Write,
};
use tokio::sync::watch;

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    LosesTheLastWriteOfSeveral,
    LosesATransactionNowAndThen,
    WritesOneByOne,
    IgnoresComparisons,
    ComparesTheFirstAlone,
    ComparesBeforeItWaits,
    ReadsWhatWasBefore,
    FindsWhatWasBefore,
    GivesDeletesNoRevision,
    GivesNothingARevision,
    KeepsWhenAKeyWasCreated,
    IgnoresLimits,
    NeverTellsOfMore,
    PagesOfNow,
    ExcludesWhatIsIncluded,
    AllowsAnything,
    TellsNotAll,
    TellsTwice,
    TellsInAnotherOrder,
    TellsOneLater,
    TellsOneEarlier,
    TellsOfAllKeys,
    TellsWhatIsThereNow,
    TellsARevisionInParts,
    TellsBeforeItIsRead,
    LosesWhatIsNotWaitedFor,
    ForgetsNothing,
    ForgetsTooMuch,
    NeverEndsLeases,
    NeverKeepsAlive,
    LeavesAKeyOfALease,
    TakesWhatWasWrittenAgain,
    WritesUnderWhatHasGone,
    EndsLeasesKeyByKey,
}

pub(crate) struct Memory {
    state: Arc<Mutex<State>>,
    newest: watch::Sender<Revision>,
    fault: Fault,
}

#[derive(Clone, Default)]
struct State {
    entries: BTreeMap<Bytes, Entry>,
    /// What there was at each revision, and what it changed.
    past: Vec<(BTreeMap<Bytes, Entry>, Changes)>,
    oldest: u64,
    leases: BTreeMap<u64, (Duration, Duration)>,
    last_lease: u64,
    now: Duration,
    commits: u64,
}

impl Memory {
    pub(crate) fn new(fault: Fault) -> Self {
        let state = State { oldest: 1, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), newest: watch::Sender::new(Revision(0)), fault }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics here")
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn committed(&self, transaction: &Transaction) -> Result<Committed, DatabaseError> {
        if !self.is(Fault::AllowsAnything) {
            transaction.check()?;
        }
        let mut state = self.state();
        let compared = if self.is(Fault::ComparesTheFirstAlone) { 1 } else { transaction.compare.len() };
        let holds = transaction.compare.iter().take(compared).all(|compare| match compare {
            Compare::Absent(key) => !state.entries.contains_key(key),
            Compare::Modified(key, at) => state.entries.get(key).is_some_and(|entry| entry.modified == *at),
        });
        if !holds && !self.is(Fault::IgnoresComparisons) {
            return Ok(Committed::No(state.newest()));
        }
        for write in &transaction.write {
            if let Write::Put { lease: Some(lease), .. } = write
                && !state.leases.contains_key(&lease.0)
                && !self.is(Fault::WritesUnderWhatHasGone)
            {
                return Err(DatabaseError::lease_gone(*lease));
            }
        }
        state.commits += 1;
        let mut writes = transaction.write.clone();
        if self.is(Fault::LosesTheLastWriteOfSeveral) && writes.len() > 1 {
            writes.pop();
        }
        if self.is(Fault::LosesATransactionNowAndThen) && state.commits.is_multiple_of(7) {
            writes.clear();
        }
        if self.is(Fault::WritesOneByOne) {
            for write in writes {
                state.write(vec![write], self.fault);
            }
        } else {
            state.write(writes, self.fault);
        }
        let newest = state.newest();
        drop(state);
        self.newest.send_replace(newest);
        Ok(Committed::Yes(newest))
    }

    fn end(&self, over: impl Fn(u64, Duration, Duration) -> bool) {
        let mut state = self.state();
        let now = state.now;
        let over: Vec<u64> = state
            .leases
            .iter()
            .filter(|(lease, (_, ends))| over(**lease, *ends, now))
            .map(|(lease, _)| *lease)
            .collect();
        for lease in over {
            state.leases.remove(&lease);
            let of_it = |entry: &&Entry| entry.lease == Some(Lease(lease));
            let mut keys: Vec<Bytes> = state.entries.values().filter(of_it).map(|entry| entry.key.clone()).collect();
            if self.is(Fault::LeavesAKeyOfALease) {
                keys.pop();
            }
            let deletes: Vec<Write> = keys.into_iter().map(Write::Delete).collect();
            if self.is(Fault::EndsLeasesKeyByKey) {
                for delete in deletes {
                    state.write(vec![delete], self.fault);
                }
            } else {
                state.write(deletes, self.fault);
            }
        }
        let newest = state.newest();
        drop(state);
        self.newest.send_replace(newest);
    }

    fn page(&self, query: &Query) -> Result<Page, DatabaseError> {
        let state = self.state();
        let newest = state.newest();
        let at = query.at.filter(|_| !self.is(Fault::PagesOfNow)).unwrap_or(newest);
        if at > newest {
            return Err(DatabaseError::invalid("there is no such revision yet"));
        }
        if at.0 + 1 < state.oldest {
            return Err(DatabaseError::compacted(Revision(state.oldest)));
        }
        let before = self.is(Fault::FindsWhatWasBefore) && at == newest && at.0 > 1;
        let entries = state.at(if before { Revision(at.0 - 1) } else { at });
        let mut keys = query.keys.clone();
        if let (Bound::Included(to), true) = (&keys.to, self.is(Fault::ExcludesWhatIsIncluded)) {
            keys.to = Bound::Excluded(to.clone());
        }
        let limit = if query.limit == 0 || self.is(Fault::IgnoresLimits) { usize::MAX } else { query.limit };
        let mut of_them = entries.values().filter(|entry| keys.contains(&entry.key));
        let entries: Vec<Entry> = of_them.by_ref().take(limit).cloned().collect();
        let more = of_them.next().is_some() && !self.is(Fault::NeverTellsOfMore);
        Ok(Page { entries, revision: at, more })
    }
}

impl State {
    fn newest(&self) -> Revision {
        self.past.last().map_or(Revision(0), |(_, changes)| changes.revision)
    }

    fn at(&self, revision: Revision) -> BTreeMap<Bytes, Entry> {
        let index = self.past.partition_point(|(_, changes)| changes.revision <= revision);
        index.checked_sub(1).map(|index| self.past[index].0.clone()).unwrap_or_default()
    }

    fn write(&mut self, writes: Vec<Write>, fault: Fault) {
        let revision = Revision(self.newest().0 + 1);
        let mut changes = Vec::new();
        let mut only_deletes = true;
        for write in writes {
            match write {
                Write::Put { key, value, mut lease } => {
                    only_deletes = false;
                    let before = self.entries.get(&key);
                    if fault == Fault::TakesWhatWasWrittenAgain && lease.is_none() {
                        lease = before.and_then(|before| before.lease);
                    }
                    let mut created = before.map_or(revision, |before| before.created);
                    if fault == Fault::KeepsWhenAKeyWasCreated {
                        let ever = self.past.iter().find_map(|(entries, _)| entries.get(&key));
                        created = ever.map_or(created, |entry| entry.created);
                    }
                    let entry = Entry { key: key.clone(), value, created, modified: revision, lease };
                    self.entries.insert(key, entry.clone());
                    changes.push(Change::Put(entry));
                }
                Write::Delete(key) => {
                    if self.entries.remove(&key).is_some() {
                        changes.push(Change::Deleted(key));
                    }
                }
            }
        }
        if fault == Fault::GivesDeletesNoRevision && only_deletes && !changes.is_empty() {
            if let Some((entries, of_last)) = self.past.last_mut() {
                entries.clone_from(&self.entries);
                of_last.changes.extend(changes);
            }
        } else if !changes.is_empty() || fault == Fault::GivesNothingARevision {
            self.past.push((self.entries.clone(), Changes { revision, changes }));
        }
    }
}

impl Database for Memory {
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Option<Entry>> {
        Box::pin(async move {
            // Its limits are those of keys that are written.
            if !self.is(Fault::AllowsAnything) {
                Transaction { compare: vec![Compare::Absent(Bytes::copy_from_slice(key))], write: vec![] }.check()?;
            }
            let state = self.state();
            if self.is(Fault::ReadsWhatWasBefore) && state.newest().0 > 1 {
                return Ok(state.at(Revision(state.newest().0 - 1)).get(key).cloned());
            }
            Ok(state.entries.get(key).cloned())
        })
    }

    fn range(&self, query: Query) -> Pending<'_, Page> {
        Box::pin(async move { self.page(&query) })
    }

    fn commit(&self, transaction: Transaction) -> Pending<'_, Committed> {
        Box::pin(async move {
            if self.is(Fault::ComparesBeforeItWaits) && !transaction.compare.is_empty() {
                let compare = Transaction { write: Vec::new(), ..transaction.clone() };
                if let Committed::No(newest) = self.committed(&compare)? {
                    return Ok(Committed::No(newest));
                }
                tokio::task::yield_now().await;
                return self.committed(&Transaction { compare: Vec::new(), ..transaction });
            }
            if self.is(Fault::WritesOneByOne) {
                tokio::task::yield_now().await;
            }
            self.committed(&transaction)
        })
    }

    fn watch(&self, keys: Keys, from: Revision) -> Pending<'_, Box<dyn Watch>> {
        Box::pin(async move {
            let oldest = self.state().oldest;
            if from.0.max(1) < oldest {
                return Err(DatabaseError::compacted(Revision(oldest)));
            }
            let from = match self.fault {
                Fault::TellsOneLater => from.0 + 1,
                Fault::TellsOneEarlier => from.0.saturating_sub(1),
                _ => from.0,
            };
            let (state, newest) = (self.state.clone(), self.newest.subscribe());
            let next = Revision(from);
            let watch = Watching { state, newest, keys, next, ready: Vec::new(), told: 0, fault: self.fault };
            Ok(Box::new(watch) as Box<dyn Watch>)
        })
    }

    fn grant(&self, time: Duration) -> Pending<'_, Lease> {
        Box::pin(async move {
            let mut state = self.state();
            state.last_lease += 1;
            let (lease, ends) = (state.last_lease, state.now + time);
            state.leases.insert(lease, (time, ends));
            Ok(Lease(lease))
        })
    }

    fn keep_alive(&self, lease: Lease) -> Pending<'_, ()> {
        Box::pin(async move {
            let mut state = self.state();
            let now = state.now;
            let times = state.leases.get_mut(&lease.0).ok_or_else(|| DatabaseError::lease_gone(lease))?;
            if !self.is(Fault::NeverKeepsAlive) {
                times.1 = now + times.0;
            }
            Ok(())
        })
    }

    fn revoke(&self, lease: Lease) -> Pending<'_, ()> {
        Box::pin(async move {
            self.end(|of, _, _| of == lease.0);
            Ok(())
        })
    }

    fn compact(&self, before: Revision) -> Pending<'_, ()> {
        Box::pin(async move {
            let mut state = self.state();
            if before.0 > state.newest().0 + 1 {
                return Err(DatabaseError::invalid("there is no such revision yet"));
            }
            match self.fault {
                Fault::ForgetsNothing => {}
                Fault::ForgetsTooMuch => state.oldest = state.oldest.max(before.0 + 1),
                _ => state.oldest = state.oldest.max(before.0),
            }
            Ok(())
        })
    }
}

impl Subject for Memory {
    fn database(&self) -> Arc<dyn Database> {
        Arc::new(Self { state: self.state.clone(), newest: self.newest.clone(), fault: self.fault })
    }

    fn pass(&self, time: Duration) -> Pending<'_, ()> {
        Box::pin(async move {
            self.state().now += time;
            if !self.is(Fault::NeverEndsLeases) {
                self.end(|_, ends, now| ends <= now);
            }
            Ok(())
        })
    }
}

struct Watching {
    state: Arc<Mutex<State>>,
    newest: watch::Receiver<Revision>,
    keys: Keys,
    next: Revision,
    ready: Vec<Changes>,
    told: u64,
    fault: Fault,
}

impl Watching {
    /// What comes next, if it is there.
    fn read(&mut self) -> Option<Changes> {
        if !self.ready.is_empty() {
            return Some(self.ready.remove(0));
        }
        let state = self.state.lock().expect("no test panics here");
        let index = state.past.partition_point(|(_, changes)| changes.revision < self.next);
        let of_us = |change: &Change| match change {
            _ if self.fault == Fault::TellsOfAllKeys => true,
            Change::Put(entry) => self.keys.contains(&entry.key),
            Change::Deleted(key) => self.keys.contains(key),
        };
        let mut found = Vec::new();
        for (_, changes) in &state.past[index..] {
            let mut changes = changes.clone();
            changes.changes.retain(of_us);
            for change in &mut changes.changes {
                if let (Change::Put(entry), Fault::TellsWhatIsThereNow) = (&mut *change, self.fault) {
                    entry.value = state.entries.get(&entry.key).map(|now| now.value.clone()).unwrap_or_default();
                }
            }
            if !changes.changes.is_empty() {
                found.push(changes);
            }
        }
        self.next = Revision(state.newest().0 + 1).max(self.next);
        drop(state);
        let spoiled = found.into_iter().flat_map(|changes| self.spoiled(changes)).collect::<Vec<_>>();
        self.ready.extend(spoiled);
        if self.fault == Fault::TellsInAnotherOrder {
            self.ready.reverse();
        }
        (!self.ready.is_empty()).then(|| self.ready.remove(0))
    }

    fn spoiled(&mut self, changes: Changes) -> Vec<Changes> {
        self.told += 1;
        match self.fault {
            Fault::TellsNotAll if self.told.is_multiple_of(5) => vec![],
            Fault::TellsTwice if self.told.is_multiple_of(5) => vec![changes.clone(), changes],
            Fault::TellsARevisionInParts => {
                let revision = changes.revision;
                changes.changes.into_iter().map(|change| Changes { revision, changes: vec![change] }).collect()
            }
            _ => vec![changes],
        }
    }

    async fn advance(&mut self) -> Result<Changes, DatabaseError> {
        loop {
            self.newest.borrow_and_update();
            if let Some(mut changes) = self.read() {
                if self.fault == Fault::LosesWhatIsNotWaitedFor {
                    Once(false).await;
                }
                if self.fault == Fault::TellsBeforeItIsRead {
                    changes.revision = Revision(changes.revision.0 + 1);
                }
                return Ok(changes);
            }
            self.newest.changed().await.map_err(|_| DatabaseError::unavailable("it is closed"))?;
        }
    }
}

/// Waits once.
struct Once(bool);

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Watch for Watching {
    fn next(&mut self) -> Pending<'_, Changes> {
        Box::pin(self.advance())
    }
}
