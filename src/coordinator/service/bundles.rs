//! The files of bundles, read from the database for the nodes that fetch them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::control::v1_0_0::{StoredBundle, StoredBundlePart};
use crate::coordinator::database::{Database, DatabaseError};
use crate::coordinator::record::{self, keys};

/// A whole fleet fetches the same ones at the same time.
const KEPT: usize = 4;
/// Of those that are not kept, so many are read at once.
const AT_ONCE: usize = 2;

pub(super) struct Bundles {
    database: Arc<dyn Database>,
    kept: Mutex<VecDeque<(String, Arc<[Bytes]>)>>,
    reading: Semaphore,
}

impl Bundles {
    pub(super) fn new(database: Arc<dyn Database>) -> Self {
        Self { database, kept: Mutex::default(), reading: Semaphore::new(AT_ONCE) }
    }

    /// The file, in parts.
    pub(super) async fn parts(&self, stored: &StoredBundle) -> Result<Arc<[Bytes]>, DatabaseError> {
        if let Some(parts) = self.kept(&stored.digest) {
            return Ok(parts);
        }
        // Nobody closes it; whoever waited finds what another one has read.
        let _place = self.reading.acquire().await;
        if let Some(parts) = self.kept(&stored.digest) {
            return Ok(parts);
        }
        let parts: Arc<[Bytes]> = self.read(stored).await?.into();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.truncate(KEPT - 1);
        kept.push_front((stored.digest.clone(), parts.clone()));
        Ok(parts)
    }

    fn kept(&self, digest: &str) -> Option<Arc<[Bytes]>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(one, _)| one == digest).map(|(_, parts)| parts.clone())
    }

    async fn read(&self, stored: &StoredBundle) -> Result<Vec<Bytes>, DatabaseError> {
        let mut parts = Vec::new();
        for part in 0..stored.parts {
            let key = keys::part(&stored.digest, part);
            let damaged = |what: &dyn std::fmt::Display| {
                DatabaseError::damaged(format!("part {part} of bundle {}: {what}", stored.digest))
            };
            let entry = self.database.get(&key).await?.ok_or_else(|| damaged(&"it is not there"))?;
            let part: StoredBundlePart = record::open(entry.value).map_err(|error| damaged(&error))?;
            parts.push(part.part);
        }
        Ok(parts)
    }
}
