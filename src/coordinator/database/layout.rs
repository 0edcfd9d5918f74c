//! What lies in the file: `database.redb`, of the store [redb](https://docs.rs/redb), with these tables.
//!
//! | table | key | value |
//! |---|---|---|
//! | `meta` | name | a number; the names are below |
//! | `entries` | key | the entry that is kept under it now |
//! | `past` | key, revision | the entry that was kept under it until that revision, which replaced or deleted it |
//! | `changes` | revision, key | what the revision did with the key: 0 wrote it, 1 deleted it |
//! | `leases` | lease | its time in microseconds, as it was granted |
//! | `leased` | lease, key | nothing: the key goes away with the lease |
//!
//! Numbers are redb's `u64`, keys and entries its `&[u8]`, two of them in a key its tuples, names its `&str`, 0 and 1 its `u8`.
//!
//! In `meta` are `format` (1), `revision` (the newest one), `oldest` (the oldest one whose changes are kept, and at most
//! `revision` + 1), and `lease` (the number of the last lease).
//!
//! An entry is: created, modified, lease (three numbers of eight bytes, the highest byte first; lease 0 is none), a CRC-32 of
//! four bytes over the key, these 24 bytes and the value, and the value.
//!
//! So each value is stored once. What revision `r` wrote under a key is the entry of that key if it was modified by `r`, and
//! else the first one in `past` behind `r`. What a range held at `r` is each entry modified by then, and those in `past` that
//! were modified by then and replaced later. Both can be told as long as `changes` and `past` hold all from `oldest` on.

use std::path::Path;

use bytes::Bytes;
use redb::{ReadableDatabase, ReadableTable, Table, TableDefinition, TableHandle};

use super::limits::readable;
use super::{DatabaseError, Entry, Lease, OpenError, Revision};

pub(super) const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
pub(super) const ENTRIES: TableDefinition<&[u8], &[u8]> = TableDefinition::new("entries");
pub(super) const PAST: TableDefinition<(&[u8], u64), &[u8]> = TableDefinition::new("past");
pub(super) const CHANGES: TableDefinition<(u64, &[u8]), u8> = TableDefinition::new("changes");
pub(super) const LEASES: TableDefinition<u64, u64> = TableDefinition::new("leases");
pub(super) const LEASED: TableDefinition<(u64, &[u8]), ()> = TableDefinition::new("leased");

/// The layout that this module writes. Another number: another layout.
const FORMAT: u64 = 1;

/// What revisions do with keys.
pub(super) const WROTE: u8 = 0;
pub(super) const DELETED: u8 = 1;

const HEAD: usize = 3 * 8;
const SUM: usize = 4;

/// Numbers of `meta`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) revision: u64,
    pub(super) oldest: u64,
    pub(super) lease: u64,
}

impl Numbers {
    pub(super) fn read(meta: &impl ReadableTable<&'static str, u64>) -> Result<Self, redb::Error> {
        let number = |name: &str| match meta.get(name)? {
            Some(number) => Ok(number.value()),
            None => Err(redb::Error::Corrupted(format!("meta has no {name}"))),
        };
        let numbers = Self { revision: number("revision")?, oldest: number("oldest")?, lease: number("lease")? };
        if numbers.oldest > numbers.revision + 1 {
            let Self { revision, oldest, .. } = numbers;
            return Err(redb::Error::Corrupted(format!("meta says oldest {oldest} and revision {revision}")));
        }
        Ok(numbers)
    }

    pub(super) fn write(self, meta: &mut Table<'_, &'static str, u64>) -> Result<(), redb::Error> {
        for (name, number) in [("revision", self.revision), ("oldest", self.oldest), ("lease", self.lease)] {
            meta.insert(name, number)?;
        }
        Ok(())
    }
}

/// Makes all tables in a file that is new, and says which format they have.
pub(super) fn make(database: &redb::Database) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        transaction.open_table(ENTRIES)?;
        transaction.open_table(PAST)?;
        transaction.open_table(CHANGES)?;
        transaction.open_table(LEASES)?;
        transaction.open_table(LEASED)?;
        let mut meta = transaction.open_table(META)?;
        meta.insert("format", FORMAT)?;
        Numbers { revision: 0, oldest: 1, lease: 0 }.write(&mut meta)?;
    }
    transaction.commit()?;
    Ok(())
}

/// Looks whether the file is what we make.
pub(super) fn check(database: &redb::Database, file: &Path) -> Result<(), OpenError> {
    let transaction = database.begin_read().map_err(OpenError::store(file, "reading what it is"))?;
    let tables = transaction.list_tables().map_err(OpenError::store(file, "reading what it is"))?;
    if !tables.into_iter().any(|table| table.name() == META.name()) {
        return Err(OpenError::foreign(file, "it does not say what it is"));
    }
    let meta = transaction.open_table(META).map_err(|error| OpenError::foreign(file, error.to_string()))?;
    let format = meta.get("format").map_err(OpenError::store(file, "reading its format"))?;
    match format.map(|format| format.value()) {
        None => return Err(OpenError::foreign(file, "it does not say its format")),
        Some(FORMAT) => {}
        Some(newer) if newer > FORMAT => return Err(OpenError::newer(file, newer, FORMAT)),
        Some(other) => return Err(OpenError::damaged(file, format!("its format is {other}"))),
    }
    Numbers::read(&meta).map_err(OpenError::store(file, "reading its numbers"))?;
    Ok(())
}

/// An entry, as it is stored.
pub(super) fn encode(entry: &Entry) -> Vec<u8> {
    let lease = entry.lease.map_or(0, |lease| lease.0);
    let mut bytes = Vec::with_capacity(HEAD + SUM + entry.value.len());
    for number in [entry.created.0, entry.modified.0, lease] {
        bytes.extend(number.to_be_bytes());
    }
    let sum = sum(&entry.key, &bytes, &entry.value);
    bytes.extend(sum.to_be_bytes());
    bytes.extend_from_slice(&entry.value);
    bytes
}

/// An entry, of what is stored.
///
/// # Errors
/// When it is not what was written.
pub(super) fn decode(key: &[u8], stored: &[u8]) -> Result<Entry, DatabaseError> {
    let damaged = |what: &str| DatabaseError::damaged(format!("the entry of {}: {what}", readable(key)));
    let (head, rest) = stored.split_first_chunk::<HEAD>().ok_or_else(|| damaged("is too short"))?;
    let (told, value) = rest.split_first_chunk::<SUM>().ok_or_else(|| damaged("is too short"))?;
    if u32::from_be_bytes(*told) != sum(key, head, value) {
        return Err(damaged("its checksum is wrong"));
    }
    let mut numbers = head.chunks_exact(8).map(|bytes| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
    let mut number = || numbers.next().unwrap_or_default();
    let (created, modified, lease) = (Revision(number()), Revision(number()), number());
    Ok(Entry {
        key: Bytes::copy_from_slice(key),
        value: Bytes::copy_from_slice(value),
        created,
        modified,
        lease: (lease != 0).then_some(Lease(lease)),
    })
}

fn sum(key: &[u8], head: &[u8], value: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(head);
    hasher.update(value);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(lease: Option<Lease>) -> Entry {
        Entry {
            key: Bytes::from_static(b"key"),
            value: Bytes::from_static(b"value"),
            created: Revision(1),
            modified: Revision(u64::MAX - 1),
            lease,
        }
    }

    #[test]
    fn an_entry_is_what_it_was() {
        for lease in [None, Some(Lease(7))] {
            let entry = entry(lease);
            assert_eq!(decode(b"key", &encode(&entry)).expect("what was written"), entry);
        }
    }

    #[test]
    fn an_entry_that_is_not_what_was_written_is_told_with_its_key() {
        let stored = encode(&entry(None));
        let mut spoiled: Vec<Vec<u8>> = (0..stored.len()).map(|length| stored[..length].to_vec()).collect();
        spoiled.extend((0..stored.len()).map(|at| {
            let mut spoiled = stored.clone();
            spoiled[at] ^= 0x10;
            spoiled
        }));
        for stored in spoiled {
            let error = decode(b"key", &stored).expect_err("it is spoiled");
            assert!(error.is_damaged() && error.to_string().contains("\"key\""), "{error}");
        }
        assert!(decode(b"kex", &stored).is_err(), "another key's entry");
    }
}
