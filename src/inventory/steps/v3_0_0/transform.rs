//! The state of a node from 2.0.0 to 3.0.0, and back.
//!
//! Items are records, which the rules carry over; nothing of them is done here, but that stock comes back whose return was
//! under way. What changes hands are reservations:
//!
//! | on a node that runs 2.0.0 | on a node that runs 3.0.0 |
//! |---|---|
//! | a reservation of the object, made by callers of up to 2.0.0 | a reservation that is confirmed and never was a hold |
//! | a hold of the future simulation object, and a reservation of the object beneath | a hold of the object, under the same id |
//! | a hold that is only intended: the object has reserved its stock, or not | a hold where it has, nothing where not |
//! | a hold whose stock is on its way back | one that has ended, its stock back |
//! | answers of the future simulation object | answers of the object |
//! | | a reservation that the past simulation object has made for callers of up to 2.0.0, and remembers: a reservation of the object |
//!
//! Ids, states and times stay what they are, both ways, and a request that was answered is answered the same again. Where a
//! hold and a request of 2.0.0 went by one request id, which no caller should do, the later answer is kept.
//!
//! Both functions do the same again when they are run again after a crash.

mod fold;
mod unfold;

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use tonic::Status;

use super::{future, past};
use crate::inventory::clock::Clock;
use crate::inventory::generated::{v2_0_0 as v2, v3_0_0 as v3};
use crate::inventory::store::{State, Store};
use crate::node::{States, Transforming};
use crate::state::{Progress, Records, RecordsError, RefusedRecord};

/// How many records one transaction changes: each costs a wait for the disk, and callers wait with it.
const BATCH: usize = 4096;

/// The transform function from 2.0.0 to 3.0.0: folds the holds of the future simulation object into the object. The
/// object's records have been carried over before.
///
/// # Errors
/// When a state cannot be read or written, or makes no sense.
pub(crate) fn to_3_0_0(transforming: &Transforming, clock: &Arc<dyn Clock>) -> Result<(), TransformError> {
    let (from, to) = (transforming.from(), transforming.to());
    let open = Open { transforming };
    let object = open.at(to, to.object(), &Store::<v3::Item>::layout())?;
    let holds = open.version(future::VERSION, &from.future(future::VERSION), &future::layout())?;
    fold::fold(&holds, &object, &Told { transforming }, clock.now())
}

/// The reverse: makes holds of the future simulation object out of those of the object, and keeps with the object what
/// the past simulation object has reserved. The object's records have been carried back before.
///
/// # Errors
/// As [`to_3_0_0`].
pub(crate) fn to_2_0_0(transforming: &Transforming, _clock: &Arc<dyn Clock>) -> Result<(), TransformError> {
    let (from, to) = (transforming.from(), transforming.to());
    let open = Open { transforming };
    let object = open.at(to, to.object(), &Store::<v2::Item>::layout())?;
    let past = open.version(past::VERSION, &from.past(past::VERSION), &past::layout())?;
    let holds = open.version(future::VERSION, &to.future(future::VERSION), &future::layout())?;
    unfold::unfold(&object, &past, &holds, &Told { transforming })
}

/// Why a state could not be transformed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransformError {
    /// Records cannot be read or written.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// What they say makes no sense.
    #[error("{}", .0.message())]
    Contents(#[from] Status),
    /// Whoever waits does not want it any more.
    #[error("it was stopped")]
    Stopped,
}

struct Open<'a> {
    transforming: &'a Transforming,
}

impl Open<'_> {
    fn at(
        &self,
        states: &States,
        folder: &std::path::Path,
        layout: &crate::state::Layout,
    ) -> Result<Records, RecordsError> {
        Records::open(folder, self.transforming.protocol(), states.version(), layout)
    }

    fn version(
        &self,
        version: &str,
        folder: &std::path::Path,
        layout: &crate::state::Layout,
    ) -> Result<Records, RecordsError> {
        let protocol = self.transforming.protocol();
        Records::open(folder, protocol, &crate::inventory::store::parsed(version), layout)
    }
}

/// Who waits, and has to be told.
struct Told<'a> {
    transforming: &'a Transforming,
}

impl Told<'_> {
    fn progress(&self) -> &Progress {
        self.transforming.progress()
    }

    fn lose(&self, table: &str, key: &str, value: Vec<u8>, why: String) {
        let key = Bytes::copy_from_slice(key.as_bytes());
        let (table, value) = (table.to_owned(), value.into());
        // What it is no protocol declares: it is the store's own.
        self.transforming.lose(RefusedRecord { table, key, value, why, ..RefusedRecord::default() });
    }
}

/// Does `work` on all entries of a table, some at a time.
fn each(
    records: &Records,
    table: &str,
    told: &Told<'_>,
    mut work: impl FnMut(Vec<(Bytes, Bytes)>) -> Result<(), TransformError>,
) -> Result<(), TransformError> {
    let reading = records.read()?;
    let mut after: Option<Bytes> = None;
    loop {
        if told.progress().is_stopped() {
            return Err(TransformError::Stopped);
        }
        let begin = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let batch: Vec<_> = reading.range(table, begin, Bound::Unbounded)?.take(BATCH).collect::<Result<_, _>>()?;
        let Some((last, _)) = batch.last() else { return Ok(()) };
        after = Some(last.clone());
        let done = batch.len() as u64;
        work(batch)?;
        told.progress().add(done);
    }
}

/// Whether a reservation of 2.0.0 has its stock.
fn has_stock(state: State) -> bool {
    state == State::Confirmed
}
