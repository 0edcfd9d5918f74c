//! Reading the file, as it was at one moment.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::ops::Bound;
use std::time::Duration;

use bytes::Bytes;
use redb::{ReadOnlyTable, ReadTransaction, ReadableTable};

use super::trouble::Trouble;
use crate::coordinator::database::layout::{self, CHANGES, DELETED, ENTRIES, LEASES, META, Numbers, PAST};
use crate::coordinator::database::limits::readable;
use crate::coordinator::database::{Change, Changes, DatabaseError, Entry, Keys, Lease, Page, Query, Revision};

/// The most entries of one page, and of one answer to those who watch the most changes.
const MOST: usize = 1024;
/// The most bytes of values in one page or answer; what begins below it is whole.
const LARGEST: usize = 1024 * 1024;
/// The most changes that are looked at for one answer to those who watch.
const LOOKED_AT: usize = 16 * 1024;

pub(super) struct Reading {
    transaction: ReadTransaction,
    entries: ReadOnlyTable<&'static [u8], &'static [u8]>,
    past: ReadOnlyTable<(&'static [u8], u64), &'static [u8]>,
}

impl Reading {
    pub(super) fn new(transaction: ReadTransaction) -> Result<Self, Trouble> {
        let (entries, past) = (transaction.open_table(ENTRIES)?, transaction.open_table(PAST)?);
        Ok(Self { transaction, entries, past })
    }

    pub(super) fn numbers(&self) -> Result<Numbers, Trouble> {
        Ok(Numbers::read(&self.transaction.open_table(META)?)?)
    }

    pub(super) fn leases(&self) -> Result<Vec<(Lease, Duration)>, Trouble> {
        let table = self.transaction.open_table(LEASES)?;
        let lease = |entry: Result<(redb::AccessGuard<'_, u64>, redb::AccessGuard<'_, u64>), redb::StorageError>| {
            let (lease, time) = entry?;
            Ok((Lease(lease.value()), Duration::from_micros(time.value())))
        };
        table.iter()?.map(lease).collect()
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Entry>, Trouble> {
        let stored = self.entries.get(key)?;
        Ok(stored.map(|stored| layout::decode(key, stored.value())).transpose()?)
    }

    pub(super) fn range(&self, query: &Query) -> Result<Page, Trouble> {
        let numbers = self.numbers()?;
        let revision = query.at.map_or(numbers.revision, |at| at.0);
        if revision > numbers.revision {
            let what = format!("there is no revision {revision} yet; the newest is {}", numbers.revision);
            return Err(DatabaseError::invalid(what).into());
        }
        if revision + 1 < numbers.oldest {
            return Err(DatabaseError::compacted(Revision(numbers.oldest - 1)).into());
        }
        let mut page = Page { entries: Vec::new(), revision: Revision(revision), more: false };
        if query.keys.is_empty() {
            return Ok(page);
        }
        let limit = if query.limit == 0 { MOST } else { query.limit.min(MOST) };
        let mut bytes = 0;
        for entry in self.at(&query.keys, revision, numbers.revision)? {
            if page.entries.len() == limit || bytes >= LARGEST {
                page.more = true;
                break;
            }
            let entry = entry?;
            bytes += entry.key.len() + entry.value.len();
            page.entries.push(entry);
        }
        Ok(page)
    }

    /// What a range of keys held at a revision, in their order.
    fn at(
        &self,
        keys: &Keys,
        revision: u64,
        newest: u64,
    ) -> Result<impl Iterator<Item = Result<Entry, Trouble>>, Trouble> {
        let now = self.entries.range::<&[u8]>(keys.bounds())?.map(|stored| {
            let (key, stored) = stored?;
            Ok(layout::decode(key.value(), stored.value())?)
        });
        let now = now.filter(move |entry| keep(entry, |entry| entry.modified.0 <= revision));
        // Of the newest revision nothing has been replaced.
        let past = if revision == newest { None } else { Some(self.past.range(replaced(keys))?) };
        let past = past.into_iter().flatten().map(move |stored| {
            let (key, stored) = stored?;
            let (key, replaced) = key.value();
            let entry = if replaced > revision { Some(layout::decode(key, stored.value())?) } else { None };
            Ok(entry.filter(|entry| entry.modified.0 <= revision))
        });
        let past = past.filter_map(Result::transpose);
        Ok(Merged { one: now.peekable(), other: past.peekable() })
    }

    pub(super) fn changes(&self, keys: &Keys, from: Revision) -> Result<(Vec<Changes>, Revision), Trouble> {
        let numbers = self.numbers()?;
        let from = from.0.max(1);
        if from < numbers.oldest {
            return Err(DatabaseError::compacted(Revision(numbers.oldest)).into());
        }
        let next = Revision(from.max(numbers.revision + 1));
        let mut found: BTreeMap<u64, Vec<Change>> = BTreeMap::new();
        let (mut number, mut bytes) = (0, 0);
        let table = self.transaction.open_table(CHANGES)?;
        let mut newest = 0;
        for (looked_at, row) in table.range((from, &[][..])..)?.enumerate() {
            let (key, what) = row?;
            let (revision, key) = key.value();
            // What one revision did stays together.
            if revision != newest && (number >= MOST || bytes >= LARGEST || looked_at >= LOOKED_AT) {
                return Ok((grouped(found), Revision(revision)));
            }
            newest = revision;
            if !keys.contains(key) {
                continue;
            }
            let change = match what.value() {
                DELETED => Change::Deleted(Bytes::copy_from_slice(key)),
                _ => Change::Put(self.written(key, revision)?),
            };
            number += 1;
            bytes += key.len() + if let Change::Put(entry) = &change { entry.value.len() } else { 0 };
            found.entry(revision).or_default().push(change);
        }
        Ok((grouped(found), next))
    }

    /// What a revision wrote under a key.
    fn written(&self, key: &[u8], revision: u64) -> Result<Entry, Trouble> {
        let is_it = |entry: &Entry| entry.modified.0 == revision;
        if let Some(entry) = self.get(key)?.filter(is_it) {
            return Ok(entry);
        }
        let mut later = self.past.range((key, revision + 1)..=(key, u64::MAX))?;
        let first = later.next().transpose()?;
        let entry = first.map(|(_, stored)| layout::decode(key, stored.value())).transpose()?;
        entry.filter(is_it).ok_or_else(|| {
            let what = format!("what revision {revision} wrote under {} is not there", readable(key));
            DatabaseError::damaged(what).into()
        })
    }
}

fn keep(entry: &Result<Entry, Trouble>, wanted: impl Fn(&Entry) -> bool) -> bool {
    entry.as_ref().map_or(true, wanted)
}

fn grouped(found: BTreeMap<u64, Vec<Change>>) -> Vec<Changes> {
    found.into_iter().map(|(revision, changes)| Changes { revision: Revision(revision), changes }).collect()
}

/// A bound of keys in `past`.
type KeyBound<'a> = Bound<(&'a [u8], u64)>;

/// The bounds of a range of keys in `past`.
fn replaced(keys: &Keys) -> (KeyBound<'_>, KeyBound<'_>) {
    let (from, to) = keys.bounds();
    let from = match from {
        Bound::Included(key) => Bound::Included((key, 0)),
        Bound::Excluded(key) => Bound::Excluded((key, u64::MAX)),
        Bound::Unbounded => Bound::Unbounded,
    };
    let to = match to {
        Bound::Included(key) => Bound::Included((key, u64::MAX)),
        Bound::Excluded(key) => Bound::Excluded((key, 0)),
        Bound::Unbounded => Bound::Unbounded,
    };
    (from, to)
}

/// Two lists of entries in the order of their keys, as one. No key is in both.
struct Merged<One: Iterator, Other: Iterator> {
    one: Peekable<One>,
    other: Peekable<Other>,
}

impl<One, Other> Iterator for Merged<One, Other>
where
    One: Iterator<Item = Result<Entry, Trouble>>,
    Other: Iterator<Item = Result<Entry, Trouble>>,
{
    type Item = Result<Entry, Trouble>;

    fn next(&mut self) -> Option<Self::Item> {
        let first_is_next = match (self.one.peek(), self.other.peek()) {
            (Some(Ok(one)), Some(Ok(other))) => one.key < other.key,
            // A fault comes out as soon as it is there.
            (Some(_), None) | (Some(Err(_)), Some(_)) => true,
            _ => false,
        };
        if first_is_next { self.one.next() } else { self.other.next() }
    }
}
