//! The nodes of a barrier, and single questions to them.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic::Status;

use crate::cli::BadArguments;
use crate::cli::node::{Client, Failure};
use crate::node::admin::wire::node_client::NodeClient;
use crate::node::admin::wire::{AbortRequest, NodeStatus, StatusRequest};
use crate::transport::Channel;

/// How long a node may take to be as before.
const PATIENCE: Duration = Duration::from_secs(5);

/// A node.
#[derive(Clone)]
pub(super) struct Member {
    pub(super) address: String,
    pub(super) client: Client,
}

/// The names of the nodes' preparations, by their places.
pub(super) type Names = Vec<Option<String>>;

impl Member {
    /// A node that may be reached.
    pub(super) fn of(address: &str, wait: Duration) -> Result<Self, BadArguments> {
        let channel = Channel::owner(address).connect_timeout(wait).wait_limit(wait).build();
        let channel = channel.map_err(|error| BadArguments(error.to_string()))?;
        Ok(Self { address: address.to_owned(), client: NodeClient::new(channel) })
    }

    /// How it is doing; it has so long to say so.
    pub(super) async fn status(&self, wait: Duration) -> Result<NodeStatus, Failure> {
        let mut client = self.client.clone();
        let asked = timeout(wait, client.status(StatusRequest {})).await;
        let asked = asked.unwrap_or_else(|_| Err(Status::unavailable(format!("it did not answer within {wait:?}"))));
        asked.map(tonic::Response::into_inner).map_err(|status| Failure::of(&self.address, &status, false))
    }
}

/// What is found at each address.
pub(super) async fn connect_all(
    addresses: &[String],
    wait: Duration,
) -> Result<Vec<Result<(Member, NodeStatus), Failure>>, BadArguments> {
    let members = addresses.iter().map(|address| {
        let channel = Channel::owner(address).connect_timeout(wait).wait_limit(wait).build();
        let channel = channel.map_err(|error| BadArguments(error.to_string()))?;
        Ok((Member { address: address.clone(), client: NodeClient::new(channel.clone()) }, channel))
    });
    let members: Vec<(Member, Channel)> = members.collect::<Result<_, BadArguments>>()?;
    Ok(all(members.into_iter().map(|(member, channel)| async move {
        channel.connect().await.map_err(|status| Failure::unreachable(&member.address, &status))?;
        let status = member.status(wait.max(PATIENCE)).await?;
        Ok((member, status))
    }))
    .await)
}

/// That all are still prepared; else those that are not, and why. `wait` is for those that cannot be reached any more: one that
/// is there, and slow, has as long as when it was asked first.
pub(super) async fn still_prepared(
    members: &[Member],
    names: &Names,
    wait: Duration,
) -> Result<(), Vec<(String, Failure)>> {
    let asked = members.iter().cloned().zip(names.clone()).map(|(member, name)| async move {
        match member.status(wait.max(PATIENCE)).await {
            Ok(status) if status.prepared.as_ref().map(|prepared| &prepared.name) == name.as_ref() => None,
            Ok(_) => {
                let status = Status::failed_precondition("it is not prepared any more");
                Some((member.address.clone(), Failure::of(&member.address, &status, false)))
            }
            Err(failure) => Some((member.address.clone(), failure)),
        }
    });
    let lost: Vec<_> = all(asked).await.into_iter().flatten().collect();
    if lost.is_empty() { Ok(()) } else { Err(lost) }
}

/// Takes all preparations back. Those of which it is not known whether they are as before, and why.
pub(super) async fn take_back(members: &[Member], names: &Names, refused: &[String]) -> Vec<(String, String)> {
    let members = members.iter().cloned().zip(names.clone());
    let members = members.filter(|(member, _)| !refused.contains(&member.address));
    let taken = members.map(|(mut member, name)| async move {
        let Some(name) = name else {
            return Some((member.address, "it has not said that it has begun".to_owned()));
        };
        let why = match timeout(PATIENCE, member.client.abort(AbortRequest { name })).await {
            Ok(Ok(_)) => return None,
            Ok(Err(status)) => Failure::of(&member.address, &status, false).short(),
            Err(_) => format!("it does not say so within {PATIENCE:?}"),
        };
        Some((member.address, why))
    });
    all(taken).await.into_iter().flatten().collect()
}

/// Does it all at once, and gives what comes of it in order.
pub(super) async fn all<T: Send + 'static>(
    work: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let mut tasks = JoinSet::new();
    for (place, work) in work.enumerate() {
        tasks.spawn(async move { (place, work.await) });
    }
    let mut done = tasks.join_all().await;
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, done)| done).collect()
}
