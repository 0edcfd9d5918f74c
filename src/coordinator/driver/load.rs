//! All that the core has to know, read from the database.

use std::ops::Bound;

use bytes::Bytes;

use crate::control::v1_0_0 as wire;
use crate::coordinator::database::{Database, DatabaseError, Entry, Keys, Query, Revision};
use crate::coordinator::record::{self, keys};

/// What was read.
pub(super) struct Loaded {
    pub(super) entries: Vec<(Bytes, Bytes)>,
    /// The number of the newest event.
    pub(super) event: u64,
}

/// Everything but events, as of one revision.
pub(super) async fn all(database: &dyn Database) -> Result<Loaded, DatabaseError> {
    let mut entries = Vec::new();
    let mut event = 0;
    let mut at = None;
    let ranges = [
        Keys { from: Bound::Included(keys::ALL.into()), to: Bound::Excluded(keys::EVENTS.into()) },
        Keys { from: Bound::Included(after(keys::EVENTS)), to: Bound::Excluded(after(keys::ALL)) },
    ];
    for range in ranges {
        for entry in read(database, range, &mut at).await? {
            if entry.key == keys::LEADER {
                continue;
            }
            if entry.key == keys::COUNTERS {
                let counters: wire::Counters = record::open(entry.value.clone())
                    .map_err(|error| DatabaseError::damaged(format!("the counters cannot be read: {error}")))?;
                event = counters.event;
            }
            entries.push((entry.key, entry.value));
        }
    }
    Ok(Loaded { entries, event })
}

/// A range, page by page, as of one revision.
pub(in crate::coordinator) async fn read(
    database: &dyn Database,
    keys: Keys,
    at: &mut Option<Revision>,
) -> Result<Vec<Entry>, DatabaseError> {
    let mut read: Vec<Entry> = Vec::new();
    let mut query = Query { keys, limit: 0, at: *at };
    loop {
        let page = database.range(query.clone()).await?;
        (*at, query.at) = (Some(page.revision), Some(page.revision));
        read.extend(page.entries);
        match read.last() {
            Some(last) if page.more => query.keys.from = Bound::Excluded(last.key.clone()),
            _ => return Ok(read),
        }
    }
}

/// The first key that does not begin so.
pub(super) fn after(prefix: &str) -> Bytes {
    let mut key = prefix.as_bytes().to_vec();
    // Ours end with a slash, which is not the last byte that there is.
    if let Some(last) = key.last_mut() {
        *last += 1;
    }
    key.into()
}
