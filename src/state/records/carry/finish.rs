//! The part that callers wait for.

use std::ops::Bound;
use std::path::Path;

use super::pass::{batch, carried, carry_one, start, stopped};
use super::target::{Found, Target, look};
use super::{Plan, RefusedRecord};
use crate::state::progress::Progress;
use crate::state::records::error::RecordsError;
use crate::state::records::layers::{Base, Merged};

/// How many records one transaction writes.
const BATCH: usize = 16 << 10;

/// See [`Carry::finish`](super::Carry::finish).
pub(super) fn finish(
    plan: &Plan,
    source: &Path,
    target: &Path,
    progress: &Progress,
    lost: &mut dyn FnMut(RefusedRecord) -> bool,
) -> Result<(), RecordsError> {
    if let Found::Whole = look(plan, target)? {
        return Ok(());
    }
    let source = Base::open(source, &plan.protocol)?;
    let values = plan.values(&source.origins())?;
    let source = source.read_as(plan.layout.tables())?;
    let target = Target::create(plan, target, b"eager")?;
    progress.expect(progress.done() + source.len()?);
    let mut buffer = Vec::new();
    let tables = source.origins().first().map(|origin| origin.tables.clone()).unwrap_or_default();
    for (index, (table, values)) in plan.layout.tables().iter().zip(&values).enumerate() {
        if carried(table, &tables).is_none() {
            continue;
        }
        let mut after = None;
        loop {
            stopped(target.file(), progress)?;
            let mut merged = Merged::new(false);
            source.add(index, (start(after.as_deref()), Bound::Unbounded), &mut merged)?;
            let gone_over = target.write(false, |transaction| {
                let mut open = target.table(transaction, &table.name)?;
                batch(source.file(), &mut merged, BATCH, &mut after, |key, stored| {
                    if carry_one(source.file(), (table, values), key, stored, &mut buffer, lost)? {
                        let inserted = open.insert(key, &*buffer);
                        inserted.map_err(RecordsError::store(target.file(), "writing"))?;
                    }
                    Ok(())
                })
            })?;
            progress.add(gone_over as u64);
            if gone_over < BATCH {
                break;
            }
        }
    }
    target.complete()
}
