//! The most frequent of more keys than there is memory for.
//!
//! Each key that has a place counts exactly from when it was put in. Before that it may have been there and have lost its place, at
//! most with as many calls as the *floor* was then: that is its `error`. What has no place had at most as many calls as the floor is
//! now. When all places are taken, the floor rises to the median of all upper bounds (`calls + error`), and what does not lie above
//! it loses its place: half of them, so that a call costs the same on average, however many keys there are.
//!
//! The floor is at most `2N/k`, with `N` calls and `k` places. Let the potential be the sum of what upper bounds lie above the
//! floor. A call adds 1 to it. When the floor rises by `d`, the upper half of at least `k` entries loses `d` each, so `d * k/2` are
//! gone. As it is never below 0, all rises come to `N / (k/2)` at most. Adding up two tables adds floors and potentials, and so keeps
//! this, in whatever order it is done; so does pruning the sum. It follows Misra and Gries (1982) and Metwally's *Space-Saving* (2005).

use std::hash::{BuildHasher, Hash, RandomState};
use std::mem;

use hashbrown::{Equivalent, HashTable};

/// Counts by key, with at most so many keys at a time.
#[derive(Clone, Debug)]
pub struct Frequent<K> {
    entries: HashTable<Held<K>>,
    /// Its keys are random, so that nobody can choose what collides.
    hasher: RandomState,
    places: usize,
    floor: u64,
    /// What was added to the error of every entry since the table was made: they hold theirs without it.
    lift: i64,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<K> {
    /// What was counted.
    pub key: K,
    /// Calls since it has its place.
    pub calls: u64,
    /// Most calls that it may have had before: 0 when `calls` are all.
    pub error: u64,
    /// When the first of `calls` was.
    pub first: u64,
    /// When the last one was.
    pub last: u64,
}

#[derive(Clone, Debug)]
struct Held<K> {
    key: K,
    calls: u64,
    /// Without [`Frequent::lift`].
    error: i64,
    first: u64,
    last: u64,
}

impl<K: Hash + Eq> Frequent<K> {
    /// A table for at most so many keys, and at least one. Memory is taken as it is needed.
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self::hashed_by(RandomState::new(), places)
    }

    pub(super) fn hashed_by(hasher: RandomState, places: usize) -> Self {
        Self { entries: HashTable::new(), hasher, places: places.max(1), floor: 0, lift: 0 }
    }

    /// Counts a call at this time.
    pub fn count(&mut self, key: K, at: u64) {
        let hash = self.hasher.hash_one(&key);
        if let Some(held) = self.entries.find_mut(hash, |held| held.key == key) {
            held.count(at);
        } else {
            self.put(hash, key, at);
        }
    }

    /// The same, of a key that is only made where it is new. What is looked up has to have the hash of the key.
    pub(super) fn count_hashed<Q: Equivalent<K>>(&mut self, hash: u64, key: &Q, at: u64, make: impl FnOnce() -> K) {
        if let Some(held) = self.entries.find_mut(hash, |held| key.equivalent(&held.key)) {
            held.count(at);
        } else {
            self.put(hash, make(), at);
        }
    }

    /// Adds what another table has counted: `floor` is the most that anything may have had which is not among its `entries`. No key
    /// is twice among them. Takes as long as there are entries, and now and then as long as there are places.
    pub fn add(&mut self, floor: u64, entries: impl IntoIterator<Item = Entry<K>>) {
        let (ours, theirs) = (self.floor, signed(floor));
        self.floor = self.floor.saturating_add(floor);
        // Of what is in one of them alone, the other one may have lost as much as its floor.
        self.lift = self.lift.saturating_add(theirs);
        for entry in entries {
            let hash = self.hasher.hash_one(&entry.key);
            if let Some(held) = self.entries.find_mut(hash, |held| held.key == entry.key) {
                held.calls = held.calls.saturating_add(entry.calls);
                // It is in both.
                held.error = held.error.saturating_sub(theirs).saturating_add(signed(entry.error)).max(-self.lift);
                held.first = held.first.min(entry.first);
                held.last = held.last.max(entry.last);
            } else {
                let error = signed(entry.error.saturating_add(ours)).saturating_sub(self.lift);
                let Entry { key, calls, first, last, .. } = entry;
                self.insert(hash, Held { key, calls, error, first, last });
            }
        }
        while self.entries.len() > self.places {
            self.prune();
        }
    }

    /// How many keys have a place.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The most calls of anything that has no place.
    #[must_use]
    pub fn floor(&self) -> u64 {
        self.floor
    }

    /// What has a place, in no order.
    pub fn iter(&self) -> impl Iterator<Item = Entry<&K>> {
        self.entries.iter().map(|held| held.told(&held.key, self.lift))
    }

    /// The most of what has a place that may have been called: its calls, and what may have been lost of them.
    #[must_use]
    pub fn highest(&self) -> u64 {
        self.entries.iter().map(|held| held.upper(self.lift)).max().unwrap_or_default()
    }

    /// How much memory the table itself takes, without what keys point to.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.entries.allocation_size()
    }

    /// Takes at most so many entries out, and begins anew with what is left, as if nothing had been lost: the floor, which is
    /// returned beside them, is to be remembered. Half of them are those that are there for longest, so that each has its turn;
    /// the other half those with most calls.
    pub fn take(&mut self, most: usize) -> (u64, Vec<Entry<K>>) {
        let (floor, lift) = (mem::take(&mut self.floor), mem::take(&mut self.lift));
        let mut taken: Vec<Held<K>> = self.entries.drain().collect();
        let mut rest = Vec::new();
        if taken.len() > most {
            let oldest = most / 2;
            taken.select_nth_unstable_by_key(oldest, |held| held.first);
            let busiest = &mut taken[oldest..];
            if most > oldest {
                busiest.select_nth_unstable_by(most - oldest, |one, other| other.calls.cmp(&one.calls));
            }
            rest = taken.split_off(most);
        }
        for held in rest {
            let hash = self.hasher.hash_one(&held.key);
            self.insert(hash, Held { error: 0, ..held });
        }
        let told = |held: Held<K>| {
            let (calls, error) = (held.calls, held.error(lift));
            Entry { key: held.key, calls, error, first: held.first, last: held.last }
        };
        (floor, taken.into_iter().map(told).collect())
    }

    fn put(&mut self, hash: u64, key: K, at: u64) {
        if self.entries.len() >= self.places {
            self.prune();
        }
        let error = signed(self.floor).saturating_sub(self.lift);
        self.insert(hash, Held { key, calls: 1, error, first: at, last: at });
    }

    fn insert(&mut self, hash: u64, held: Held<K>) {
        self.entries.insert_unique(hash, held, |held| self.hasher.hash_one(&held.key));
    }

    /// Raises the floor, and takes away what does not lie above it: at least half.
    fn prune(&mut self) {
        let lift = self.lift;
        let mut uppers: Vec<u64> = self.entries.iter().map(|held| held.upper(lift)).collect();
        let middle = uppers.len() / 2;
        // No upper bound lies below the floor.
        let (_, median, _) = uppers.select_nth_unstable(middle);
        let floor = *median;
        self.entries.retain(|held| held.upper(lift) > floor);
        self.floor = self.floor.max(floor);
    }
}

impl<K> Held<K> {
    fn count(&mut self, at: u64) {
        self.calls = self.calls.saturating_add(1);
        self.last = self.last.max(at);
    }

    fn error(&self, lift: i64) -> u64 {
        u64::try_from(self.error.saturating_add(lift)).unwrap_or_default()
    }

    fn upper(&self, lift: i64) -> u64 {
        self.calls.saturating_add(self.error(lift))
    }

    fn told<'a>(&self, key: &'a K, lift: i64) -> Entry<&'a K> {
        Entry { key, calls: self.calls, error: self.error(lift), first: self.first, last: self.last }
    }
}

fn signed(count: u64) -> i64 {
    // Half of what there is, so that sums of two do not come to an end.
    i64::try_from(count).unwrap_or(i64::MAX).min(i64::MAX / 2)
}
