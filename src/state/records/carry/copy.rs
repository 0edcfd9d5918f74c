//! From the source to the target: all records, and then what was written meanwhile.

use super::refused::{carry, stopped};
use super::source::{Change, Source};
use super::target::Target;
use super::{Plan, RefusedRecord};
use crate::state::progress::Progress;
use crate::state::records::batch::Most;
use crate::state::records::cursor::{At, Cursor};
use crate::state::records::error::RecordsError;
use crate::state::records::values::Values;

/// How much one transaction writes: what is written is in memory until its end.
const BATCH: Most = Most::new(16 << 10, 8 << 20);
/// How much is read at once of records that somebody writes.
const LIVE: Most = Most::new(1 << 10, 1 << 20);
/// How many changes are caught up with at once.
const CHANGED: Most = Most::new(1024, 4 << 20);
/// After how many bytes a copy that can be gone on with is made durable.
const DURABLE: usize = if cfg!(test) { 2 << 10 } else { 16 << 20 };

/// A copy under way.
pub(super) struct Copy<'c> {
    pub(super) plan: &'c Plan,
    pub(super) source: &'c Source<'c>,
    pub(super) target: &'c Target,
    pub(super) values: &'c [Values],
    pub(super) progress: &'c Progress,
    pub(super) lost: &'c mut dyn FnMut(RefusedRecord) -> bool,
    /// Whether the target notes how far it is.
    pub(super) resumable: bool,
    pub(super) buffer: Vec<u8>,
}

impl Copy<'_> {
    /// Copies all records from `cursor` on.
    pub(super) fn all(&mut self, mut cursor: Cursor) -> Result<(), RecordsError> {
        self.progress.expect(self.progress.done() + self.source.len()?);
        self.progress.add(cursor.done);
        if cursor.at == At::End {
            // Noted durably when it came there.
            return Ok(());
        }
        let most = if matches!(self.source, Source::Live(_)) { LIVE } else { BATCH };
        let mut loose = 0;
        for (table, mut after) in cursor.clone().rest(self.values.len()) {
            let mut ended = false;
            while !ended {
                stopped(self.source, self.progress)?;
                let (records, bytes);
                (records, bytes, ended) = self.batch(table, most, &mut after, &mut cursor, loose >= DURABLE)?;
                loose = if loose >= DURABLE { 0 } else { loose + bytes };
                self.progress.add(records as u64);
            }
        }
        cursor.at = At::End;
        let cursor = self.resumable.then(|| cursor.encode(self.plan.layout.tables()));
        self.target.write(self.resumable, |transaction| match cursor {
            Some(cursor) => self.target.note(transaction, &cursor),
            None => Ok(()),
        })
    }

    fn batch(
        &mut self,
        table: usize,
        most: Most,
        after: &mut Option<Vec<u8>>,
        cursor: &mut Cursor,
        durable: bool,
    ) -> Result<(usize, usize, bool), RecordsError> {
        let Self { plan, source, target, values, lost, buffer, .. } = self;
        let declared = &plan.layout.tables()[table];
        target.write(durable && self.resumable, |transaction| {
            let mut open = target.table(transaction, &declared.name)?;
            let batch = source.batch(plan, table, most, after, |key, stored| {
                if carry(source, (declared, &values[table]), (key, stored), buffer, *lost)? {
                    let inserted = open.insert(key, &**buffer);
                    inserted.map_err(RecordsError::store(target.file(), "writing"))?;
                }
                Ok(())
            })?;
            cursor.done += batch.records as u64;
            cursor.at = after.clone().map_or(At::Begin, |key| At::Within(table, key));
            if self.resumable {
                target.note(transaction, &cursor.encode(plan.layout.tables()))?;
            }
            Ok((batch.records, batch.bytes, batch.ended))
        })
    }

    /// Brings all that was written until now, once; `after` is told of each part. Where `durable`, that part is on disk then.
    pub(super) fn rest(
        &mut self,
        durable: bool,
        mut after: impl FnMut(&[Change]) -> Result<(), RecordsError>,
    ) -> Result<(), RecordsError> {
        let mut behind: Option<(String, Vec<u8>)> = None;
        loop {
            stopped(self.source, self.progress)?;
            let from = behind.as_ref().map(|(name, key)| (&**name, &**key));
            let changes = self.source.changes(self.plan, CHANGED, from)?;
            let Some(last) = changes.last() else { return Ok(()) };
            behind = Some((last.name.clone(), last.key.clone()));
            self.catch_up(&changes, durable)?;
            after(&changes)?;
        }
    }

    fn catch_up(&mut self, changes: &[Change], durable: bool) -> Result<(), RecordsError> {
        let Self { plan, source, target, values, lost, buffer, .. } = self;
        target.write(durable, |transaction| {
            for (table, declared) in plan.layout.tables().iter().enumerate() {
                if !changes.iter().any(|change| change.table == Some(table)) {
                    continue;
                }
                let mut open = target.table(transaction, &declared.name)?;
                for change in changes.iter().filter(|change| change.table == Some(table)) {
                    let key = &*change.key;
                    let there = match &change.stored {
                        Some(stored) => {
                            carry(source, (declared, &values[table]), (key, stored.clone()), buffer, *lost)?
                        }
                        None => false,
                    };
                    let failed = |error| RecordsError::store::<redb::Error>(target.file(), "writing")(error);
                    if there {
                        drop(open.insert(key, &**buffer).map_err(|error| failed(error.into()))?);
                    } else {
                        drop(open.remove(key).map_err(|error| failed(error.into()))?);
                    }
                }
            }
            Ok(())
        })
    }
}
