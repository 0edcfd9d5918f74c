//! Bundles from the coordinator.

use std::time::Duration;

use tokio::time::timeout;
use tonic::Status;

use super::{Node, reporting};
use crate::bundle::LARGEST;
use crate::control::v1_0_0 as wire;
use crate::transport::Channel;

/// How long a bundle may take to arrive, and an answer.
const PATIENCE: Duration = Duration::from_secs(60);
const ANSWER: Duration = Duration::from_secs(5);

/// Fetches a bundle and has the node learn it: what it knows then.
pub(super) async fn learn(node: &Node, channel: Channel, digest: &str) -> Result<Vec<wire::KnownVersion>, String> {
    let fetched = timeout(PATIENCE, fetch(channel, digest)).await;
    let file = match fetched {
        Ok(Ok(file)) => file,
        Ok(Err(status)) => return Err(format!("the bundle {digest} could not be fetched: {}", status.message())),
        Err(_) => return Err(format!("the bundle {digest} did not arrive within {} s", PATIENCE.as_secs())),
    };
    let learned = node.learn(file).await.map_err(|error| {
        let error = error.to_string();
        tracing::warn!(digest, error, "a bundle of the coordinator was not learned");
        format!("the bundle {digest} was not learned: {error}")
    })?;
    if learned.digest != digest {
        return Err(format!("the coordinator has sent the bundle {} in the place of {digest}", learned.digest));
    }
    let added: Vec<String> = learned.added.iter().map(ToString::to_string).collect();
    tracing::info!(digest, added = added.join(", "), "a bundle of the coordinator was learned");
    Ok(reporting::knows(node))
}

async fn fetch(channel: Channel, digest: &str) -> Result<Vec<u8>, Status> {
    let mut client = wire::agents_client(channel);
    let request = wire::FetchRequest { digest: digest.to_owned() };
    let mut parts = client.fetch(request).await?.into_inner();
    let mut file = Vec::new();
    while let Some(wire::FetchResponse { part }) = parts.message().await? {
        if file.len() + part.len() > LARGEST {
            return Err(Status::out_of_range(format!("more than {LARGEST} bytes came, and no bundle has so many")));
        }
        file.extend_from_slice(&part);
    }
    Ok(file)
}

/// The bundles that lead to a version; none where nobody has published it, or nobody answers.
pub(super) async fn find(node: &Node, channel: Channel, version: &str) -> Vec<String> {
    let (protocol, knows) = (node.protocol().name().to_owned(), reporting::knows(node));
    let request = wire::FindRequest { protocol, version: version.to_owned(), knows };
    let mut client = wire::agents_client(channel);
    match timeout(ANSWER, client.find(request)).await {
        Ok(Ok(found)) => found.into_inner().bundles,
        Ok(Err(status)) => {
            tracing::debug!(version, error = status.message(), "the coordinator was asked for a version in vain");
            Vec::new()
        }
        Err(_) => Vec::new(),
    }
}
