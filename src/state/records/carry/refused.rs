//! What will not come over, found out beforehand.

use super::source::Source;
use super::{Plan, RefusedRecord};
use crate::state::progress::Progress;
use crate::state::records::batch::Most;
use crate::state::records::error::{Kind, RecordsError};
use crate::state::records::handle::Records;
use crate::state::records::layout::Table;
use crate::state::records::store::failed;
use crate::state::records::values::{Failure, Values, Written};

/// How much one read transaction goes over.
const BATCH: Most = Most::new(1024, 4 << 20);

/// See [`Carry::refused`](super::Carry::refused).
pub(super) fn refused(
    plan: &Plan,
    source: &Records,
    most: usize,
    progress: &Progress,
) -> Result<(Vec<RefusedRecord>, u64), RecordsError> {
    let source = Source::Live(source);
    let values = plan.values(&source.origins()?)?;
    progress.expect(progress.done() + source.len()?);
    let (mut list, mut count) = (Vec::new(), 0);
    let mut buffer = Vec::new();
    for (index, (table, values)) in plan.layout.tables().iter().zip(&values).enumerate() {
        let (mut after, mut ended) = (None, false);
        while !ended {
            stopped(&source, progress)?;
            let batch = source.batch(plan, index, BATCH, &mut after, |key, stored| {
                if let Err(failure) = values.carry(stored.clone(), &mut buffer) {
                    count += 1;
                    if list.len() < most {
                        list.push(record(table, key, stored, &failure));
                    }
                }
                Ok(())
            })?;
            progress.add(batch.records as u64);
            ended = batch.ended;
        }
    }
    Ok((list, count))
}

/// Rewrites a record for the target, into `buffer`. One that refuses goes to `lost`; false where it is then done without.
pub(super) fn carry(
    source: &Source<'_>,
    (table, values): (&Table, &Values),
    (key, stored): (&[u8], bytes::Bytes),
    buffer: &mut Vec<u8>,
    lost: &mut dyn FnMut(RefusedRecord) -> bool,
) -> Result<bool, RecordsError> {
    // Shares the bytes.
    let Err(failure) = values.carry(stored.clone(), buffer) else { return Ok(true) };
    if lost(record(table, key, stored, &failure)) {
        return Ok(false);
    }
    Err(failed(source.file(), &table.name, key, failure))
}

pub(super) fn stopped(source: &Source<'_>, progress: &Progress) -> Result<(), RecordsError> {
    if progress.is_stopped() { Err(Kind::Stopped(source.file().to_owned()).into()) } else { Ok(()) }
}

fn record(table: &Table, key: &[u8], stored: bytes::Bytes, failure: &Failure) -> RefusedRecord {
    let (Failure::Refused(why) | Failure::Damaged(why)) = failure;
    let key = bytes::Bytes::copy_from_slice(key);
    let Written { value, version, message } = Written::of(stored);
    RefusedRecord { table: table.name.clone(), key, value, version, message, why: why.clone() }
}
