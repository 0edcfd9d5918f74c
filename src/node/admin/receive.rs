//! A bundle that comes, or goes, in parts.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tonic::{Status, Streaming};

use super::failure;
use super::wire::LearnRequest;
use crate::bundle::LARGEST;

/// How long a bundle may take to arrive.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bundles that are on their way at once: each takes as much memory as it is large, and more while it is read.
const BUNDLES: usize = 2;
/// Bytes of a part that is sent.
#[cfg(feature = "cli")]
const PART: usize = 256 << 10;

/// Places for bundles that come.
#[derive(Clone)]
pub(crate) struct Bundles(Arc<Semaphore>);

impl Bundles {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(BUNDLES)))
    }

    /// One as a whole, and the place that it has until it was read.
    pub(crate) async fn receive(
        &self,
        parts: Streaming<LearnRequest>,
    ) -> Result<(Vec<u8>, SemaphorePermit<'_>), Status> {
        let Ok(place) = self.0.try_acquire() else {
            return Err(Status::resource_exhausted(format!(
                "{BUNDLES} bundles are on their way already; send this later"
            )));
        };
        Ok((file(parts).await?, place))
    }
}

/// The parts that a bundle is sent in.
#[cfg(feature = "cli")]
pub(crate) fn parts(file: &bytes::Bytes) -> Vec<LearnRequest> {
    (0..file.len())
        .step_by(PART)
        .map(|from| LearnRequest { part: file.slice(from..file.len().min(from + PART)) })
        .collect()
}

/// The file in all parts, which is never longer than a bundle can be.
async fn file(parts: Streaming<LearnRequest>) -> Result<Vec<u8>, Status> {
    match timeout(PATIENCE, all(parts)).await {
        Ok(file) => file,
        Err(_) => Err(failure::unreadable(&format!("the bundle did not arrive within {} s", PATIENCE.as_secs()))),
    }
}

async fn all(mut parts: Streaming<LearnRequest>) -> Result<Vec<u8>, Status> {
    let mut file = Vec::new();
    while let Some(LearnRequest { part }) = parts.message().await? {
        if file.len() + part.len() > LARGEST {
            return Err(failure::unreadable(&format!("more than {LARGEST} bytes came, and no bundle has so many")));
        }
        file.extend_from_slice(&part);
    }
    Ok(file)
}
