//! Work that crashes interrupt, and what there has to be after so much of it.

use std::collections::BTreeMap;

use bytes::Bytes;
use straddle::coordinator::database::{Change, Changes, Keys, Query, Revision, Store, Transaction, Write};

/// Transactions, the same for the same seed. The `n`th has revision `n` in a database that knows nothing else.
pub(crate) struct Work {
    seed: u64,
    /// What there is after each.
    states: Vec<BTreeMap<Bytes, Bytes>>,
}

impl Work {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, states: vec![BTreeMap::new()] }
    }

    pub(crate) fn transaction(&self, number: u64) -> Transaction {
        let mut random = fastrand::Rng::with_seed(self.seed.wrapping_mul(1_000_003) ^ number);
        let mut write = vec![put("number", number.to_string())];
        for key in random.choose_multiple(0..12, 4) {
            let key = format!("key {key}");
            if random.u8(..4) == 0 {
                write.push(Write::Delete(key.into()));
            } else {
                let size = [10, 100, 3000, 20_000][random.usize(..4)];
                write.push(put(&key, format!("{number} ").repeat(random.usize(1..size) / 5 + 1)));
            }
        }
        Transaction { compare: Vec::new(), write }
    }

    /// What there has to be after so many.
    pub(crate) fn state(&mut self, number: u64) -> &BTreeMap<Bytes, Bytes> {
        while self.states.len() as u64 <= number {
            let next = self.transaction(self.states.len() as u64);
            let mut state = self.states.last().expect("the first").clone();
            for write in next.write {
                match write {
                    Write::Put { key, value, .. } => state.insert(key, value),
                    Write::Delete(key) => state.remove(&key),
                };
            }
            self.states.push(state);
        }
        &self.states[usize::try_from(number).expect("a few")]
    }

    /// How many transactions a database holds, each whole, none left out.
    ///
    /// # Panics
    /// When it holds anything else. `remembered` of its last changes are looked at, too.
    pub(crate) fn held(&mut self, store: &Store, remembered: u64) -> u64 {
        let newest = store.newest().expect("the newest revision").0;
        let mut found = BTreeMap::new();
        let mut query = Query { keys: Keys::all(), limit: 0, at: None };
        loop {
            let page = store.range(&query).expect("a page");
            found.extend(page.entries.iter().map(|entry| (entry.key.clone(), entry.value.clone())));
            match page.entries.last() {
                Some(last) if page.more => query.keys = Keys::all().after(last.key.clone()),
                _ => break,
            }
        }
        assert!(found == *self.state(newest), "what there is at {newest} is not what there was");
        let mut from = Revision(newest.saturating_sub(remembered) + 1);
        let mut told = Vec::new();
        while from.0 <= newest {
            let (changes, next) = store.changes(&Keys::all(), from).expect("the changes");
            told.extend(changes);
            from = next;
        }
        assert_eq!(told.len() as u64, newest.min(remembered), "revisions are missing in the history");
        for changes in told {
            self.check(&changes);
        }
        newest
    }

    /// That a revision is told as what it was.
    fn check(&mut self, changes: &Changes) {
        let number = changes.revision.0;
        let before = self.state(number - 1).clone();
        let mut wanted = BTreeMap::new();
        for write in self.transaction(number).write {
            match write {
                Write::Put { key, value, .. } => drop(wanted.insert(key, Some(value))),
                Write::Delete(key) if before.contains_key(&key) => drop(wanted.insert(key, None)),
                Write::Delete(_) => {}
            }
        }
        let told = changes.changes.iter().map(|change| match change {
            Change::Put(entry) => (entry.key.clone(), Some(entry.value.clone())),
            Change::Deleted(key) => (key.clone(), None),
        });
        assert!(told.collect::<BTreeMap<_, _>>() == wanted, "revision {number} is told as another one");
    }
}

fn put(key: &str, value: String) -> Write {
    Write::Put { key: Bytes::copy_from_slice(key.as_bytes()), value: value.into(), lease: None }
}
