//! Some records at a time.

use std::ops::Bound;
use std::path::Path;

use bytes::Bytes;

use super::error::RecordsError;
use super::layers::Merged;

/// How much is done at once: whichever is reached first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Most {
    pub(super) records: usize,
    pub(super) bytes: usize,
}

impl Most {
    /// So much; but in our own tests so little that a few records take several turns.
    pub(super) const fn new(records: usize, bytes: usize) -> Self {
        if cfg!(test) { Self { records: 8, bytes: 1 << 10 } } else { Self { records, bytes } }
    }
}

/// What was gone over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    pub(super) records: usize,
    pub(super) bytes: usize,
    /// Whether nothing is left.
    pub(super) ended: bool,
}

impl Batch {
    /// Hands over some records; `after` is the last key then.
    pub(super) fn of(
        file: &Path,
        merged: &mut Merged<'_>,
        most: Most,
        after: &mut Option<Vec<u8>>,
        mut each: impl FnMut(&[u8], Bytes) -> Result<(), RecordsError>,
    ) -> Result<Self, RecordsError> {
        let mut batch = Self { records: 0, bytes: 0, ended: false };
        let mut last = None;
        while batch.records < most.records && batch.bytes < most.bytes {
            let next = merged.next().map_err(RecordsError::store(file, "reading"))?;
            let Some((key, stored)) = next else {
                batch.ended = true;
                break;
            };
            batch.records += 1;
            batch.bytes += key.value().len() + stored.value().len();
            each(key.value(), Bytes::copy_from_slice(stored.value()))?;
            last = Some(key);
        }
        if let Some(last) = last {
            *after = Some(last.value().to_vec());
        }
        Ok(batch)
    }
}

/// Where to go on.
pub(super) fn start(after: Option<&[u8]>) -> Bound<&[u8]> {
    after.map_or(Bound::Unbounded, Bound::Excluded)
}
