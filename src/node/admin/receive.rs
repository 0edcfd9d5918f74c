//! A bundle as it comes in parts.

use std::time::Duration;

use tokio::time::timeout;
use tonic::{Status, Streaming};

use super::failure;
use super::wire::LearnRequest;
use crate::bundle::LARGEST;

/// How long a bundle may take to arrive.
const PATIENCE: Duration = Duration::from_secs(60);

/// The file in all parts, which is never longer than a bundle can be.
pub(super) async fn file(parts: Streaming<LearnRequest>) -> Result<Vec<u8>, Status> {
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
