//! The callers of a node, until they are told.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::mem::size_of;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::Equivalent;

use super::caller::{Caller, CallerKind};
use super::frequent::{Entry, Frequent};
use crate::version::Version;

/// So many threads can count at a time, at best.
const SHARDS: usize = 16;
/// Places of one of them. In all there are 14,336: with names as long as may be they take 4 MiB. So many are half of what a table of
/// 2,048 buckets holds: one that is emptied and filled again then never grows beyond that.
const PLACES: usize = 896;
/// What the allocator adds to a name, at most.
const NAME_OVERHEAD: usize = 16;

/// Counts the callers of a node, with bounded memory. To count takes one lock, for the time of one look into a table: which of 16
/// it is depends on the caller and what it calls.
///
/// Each of the 16 has a [`Frequent`] of 896 places. Since it was told last, it may have forgotten `2N/896` calls of any one row at
/// most, where `N` are the calls that it had to tell; and none before it has more rows than places.
#[derive(Debug)]
pub struct Callers {
    hasher: RandomState,
    shards: Box<[Shard]>,
    rows: Mutex<Rows>,
}

/// On a cache line of its own.
#[derive(Debug)]
#[repr(align(64))]
struct Shard(Mutex<Frequent<Key>>);

/// What is called: twice the number of the row, and one more where it was called without a label.
type Called = u32;

/// Versions and methods that were ever counted: no more than the node has declared.
#[derive(Debug, Default)]
struct Rows {
    numbers: HashMap<(Version, Arc<str>), u32>,
    all: Vec<(Version, Arc<str>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    called: Called,
    kind: CallerKind,
    name: Box<[u8]>,
}

/// A key that is looked for: hashed as one.
struct Sought<'a> {
    called: Called,
    kind: CallerKind,
    name: &'a [u8],
}

impl Key {
    fn sought(&self) -> Sought<'_> {
        Sought { called: self.called, kind: self.kind, name: &self.name }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.sought().hash(state);
    }
}

impl Hash for Sought<'_> {
    /// In as few steps as there may be: each call pays for them.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(u64::from(self.called) << 1 | u64::from(self.kind == CallerKind::Named));
        state.write(self.name);
    }
}

impl Equivalent<Key> for Sought<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.called == key.called && self.kind == key.kind && *self.name == *key.name
    }
}

/// Calls of one caller, of one of its versions and one method.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CalledBy {
    /// Who.
    pub caller: String,
    /// How it is known.
    pub kind: CallerKind,
    /// The label; of a caller without one, the version that it was taken for.
    pub version: Version,
    /// The caller carried no label.
    pub unlabelled: bool,
    /// As `/package.Service/Method`.
    pub method: Arc<str>,
    /// Calls.
    pub calls: u64,
    /// Most calls that it may have had besides.
    pub error: u64,
    /// When the first one was.
    pub first: u64,
    /// When the last one was.
    pub last: u64,
}

/// What is told of callers at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// By caller, sorted.
    pub callers: Vec<CalledBy>,
    /// Most calls that were forgotten of any one row, since callers were told last.
    pub error: u64,
    /// Rows that are left to be told.
    pub left: usize,
    /// Most calls that any one of these may have had.
    pub left_most: u64,
}

impl Default for Callers {
    fn default() -> Self {
        Self::new()
    }
}

impl Callers {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        let hasher = RandomState::new();
        let shard = |_| Shard(Mutex::new(Frequent::hashed_by(hasher.clone(), PLACES)));
        Self { shards: (0..SHARDS).map(shard).collect(), hasher, rows: Mutex::default() }
    }

    /// The number by which calls of this method are counted: the same one each time.
    #[must_use]
    pub fn row(&self, version: &Version, method: &Arc<str>) -> u32 {
        let mut rows = lock(&self.rows);
        let Rows { numbers, all } = &mut *rows;
        let key = (version.clone(), method.clone());
        *numbers.entry(key).or_insert_with_key(|key| {
            all.push(key.clone());
            // There are not as many methods as that.
            u32::try_from(all.len() - 1).unwrap_or(u32::MAX / 2)
        })
    }

    /// Counts a call of the method with this number.
    pub fn count(&self, caller: &Caller<'_>, row: u32, unlabelled: bool, at: u64) {
        let sought = Sought { called: row * 2 + u32::from(unlabelled), kind: caller.kind(), name: caller.bytes() };
        let hash = self.hasher.hash_one(&sought);
        let make = || Key { called: sought.called, kind: sought.kind, name: sought.name.into() };
        // Tables use the lowest and the highest bits themselves.
        let shard = usize::try_from(hash >> 32).unwrap_or_default() % SHARDS;
        lock(&self.shards[shard].0).count_hashed(hash, &sought, at, make);
    }

    /// Takes at most so many rows out, to tell of them; the rest stays for the next time.
    pub fn take(&self, most: usize) -> Told {
        let all: usize = self.shards.iter().map(|shard| lock(&shard.0).len()).sum();
        let mut told = Told::default();
        let mut taken = Vec::new();
        for shard in &self.shards {
            let mut table = lock(&shard.0);
            // Each one's part; together no more than `most`.
            let part = if all <= most { most - taken.len() } else { table.len() * most / all };
            let (error, entries) = table.take(part.min(most - taken.len()));
            told.error = told.error.max(error);
            told.left += table.len();
            told.left_most = told.left_most.max(table.highest().saturating_add(error));
            taken.extend(entries);
        }
        let rows = lock(&self.rows);
        told.callers = taken.into_iter().filter_map(|entry| rows.told(entry)).collect();
        drop(rows);
        told.callers.sort();
        told
    }

    /// How much memory all of it takes at most, names included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let shard = |shard: &Shard| {
            let table = lock(&shard.0);
            let names: usize = table.iter().map(|entry| entry.key.name.len() + NAME_OVERHEAD).sum();
            size_of::<Shard>() + table.bytes() + names
        };
        self.shards.iter().map(shard).sum()
    }
}

impl Rows {
    fn told(&self, entry: Entry<Key>) -> Option<CalledBy> {
        let Entry { key, calls, error, first, last } = entry;
        let unlabelled = key.called % 2 == 1;
        // Its number comes from here.
        let (version, method) = self.all.get(usize::try_from(key.called / 2).ok()?)?.clone();
        let caller = String::from_utf8_lossy(&key.name).into_owned();
        Some(CalledBy { caller, kind: key.kind, version, unlabelled, method, calls, error, first, last })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
