//! Going over records, a few at a time.

use std::ops::Bound;

use bytes::Bytes;

use super::{Plan, RefusedRecord};
use crate::state::progress::Progress;
use crate::state::records::error::{Kind, RecordsError};
use crate::state::records::handle::Records;
use crate::state::records::layers::Merged;
use crate::state::records::layout::{Kind as Values_, Table};
use crate::state::records::values::{Failure, Values, written};

/// How many records one read transaction goes over.
const BATCH: usize = 1024;

/// See [`Carry::refused`](super::Carry::refused).
pub(super) fn refused(
    plan: &Plan,
    source: &Records,
    most: usize,
    progress: &Progress,
) -> Result<(Vec<RefusedRecord>, u64), RecordsError> {
    let reading = source.read()?;
    let values = plan.values(&reading.store().origins())?;
    progress.expect(progress.done() + reading.len()?);
    drop(reading);
    let (mut list, mut count) = (Vec::new(), 0);
    let mut buffer = Vec::new();
    for (table, values) in plan.layout.tables().iter().zip(&values) {
        let mut after = None;
        loop {
            stopped(source.file(), progress)?;
            let reading = source.read()?;
            let Some(index) = carried(table, &reading.store().origin.tables) else { break };
            let mut merged = reading.merged(index, (start(after.as_deref()), Bound::Unbounded), false)?;
            let file = source.file();
            let gone_over = batch(file, &mut merged, BATCH, &mut after, |key, stored| {
                if let Err(failure) = values.carry(stored.clone(), &mut buffer) {
                    count += 1;
                    if list.len() < most {
                        list.push(refused_record(table, key, stored, failure));
                    }
                }
                Ok(())
            })?;
            progress.add(gone_over as u64);
            if gone_over < BATCH {
                break;
            }
        }
    }
    Ok((list, count))
}

/// The index of the table that a table of the target comes from, if it comes from any.
pub(super) fn carried(table: &Table, source: &[Table]) -> Option<usize> {
    let index = source.iter().position(|theirs| theirs.name == table.name);
    index.filter(|_| table.kind != Values_::Left)
}

pub(super) fn start(after: Option<&[u8]>) -> Bound<&[u8]> {
    after.map_or(Bound::Unbounded, Bound::Excluded)
}

/// Hands over at most `most` records; `after` is the last key then.
pub(super) fn batch(
    file: &std::path::Path,
    merged: &mut Merged<'_>,
    most: usize,
    after: &mut Option<Vec<u8>>,
    mut each: impl FnMut(&[u8], Bytes) -> Result<(), RecordsError>,
) -> Result<usize, RecordsError> {
    for gone_over in 0..most {
        let next = merged.next().map_err(RecordsError::store(file, "reading"))?;
        let Some((key, stored)) = next else { return Ok(gone_over) };
        each(key.value(), Bytes::copy_from_slice(stored.value()))?;
        let last = after.get_or_insert_with(Vec::new);
        last.clear();
        last.extend_from_slice(key.value());
    }
    Ok(most)
}

pub(super) fn refused_record(table: &Table, key: &[u8], stored: Bytes, failure: Failure) -> RefusedRecord {
    let (Failure::Refused(why) | Failure::Damaged(why)) = failure;
    RefusedRecord { table: table.name.clone(), key: Bytes::copy_from_slice(key), value: written(stored), why }
}

pub(super) fn stopped(file: &std::path::Path, progress: &Progress) -> Result<(), RecordsError> {
    if progress.is_stopped() { Err(Kind::Stopped(file.to_owned()).into()) } else { Ok(()) }
}

/// Rewrites a record for the target. One that refuses goes to `lost`; false where it is then done without.
pub(super) fn carry_one(
    file: &std::path::Path,
    (table, values): (&Table, &Values),
    key: &[u8],
    stored: Bytes,
    buffer: &mut Vec<u8>,
    lost: &mut dyn FnMut(RefusedRecord) -> bool,
) -> Result<bool, RecordsError> {
    let Err(failure) = values.carry(stored.clone(), buffer) else { return Ok(true) };
    let (Failure::Refused(why) | Failure::Damaged(why)) = &failure;
    let record = RefusedRecord {
        table: table.name.clone(),
        key: Bytes::copy_from_slice(key),
        value: written(stored),
        why: why.clone(),
    };
    if lost(record) {
        return Ok(false);
    }
    Err(crate::state::records::store::failed(file, &table.name, key, failure))
}
