//! A node that is told what to do, and what it tells of it.

use std::time::Duration;

use tokio::time::Instant;
use tonic::{Response, Streaming};

use super::{Failed, PATIENCE};
use crate::cli::demo::ways::cluster::Node;
use crate::node::admin::wire::move_update::Update;
use crate::node::admin::wire::node_client::NodeClient;
use crate::node::admin::wire::{MoveUpdate, Moved, NodeStatus, Phase, StatusRequest};
use crate::transport::Channel;

pub(super) type Client = NodeClient<Channel>;

const PAUSE: Duration = Duration::from_millis(50);

/// What was told of a move.
#[derive(Default)]
pub(super) struct Told {
    pub(super) moved: Option<Moved>,
    pub(super) records: u64,
    pub(super) waiting: u64,
}

pub(super) fn client(node: &Node) -> Result<Client, Failed> {
    Ok(NodeClient::new(Channel::owner(&node.reached.admin).user_agent("straddle-demo").build()?))
}

pub(super) async fn follow(updates: Response<Streaming<MoveUpdate>>) -> Result<Told, Failed> {
    let mut updates = updates.into_inner();
    let mut told = Told::default();
    let end = Instant::now() + PATIENCE;
    loop {
        let update = tokio::time::timeout_at(end, updates.message()).await??;
        match update.and_then(|update| update.update) {
            Some(Update::Status(status)) => {
                told.waiting = told.waiting.max(status.calls_waiting);
                told.records = told.records.max(status.progress.map_or(0, |progress| progress.done));
            }
            Some(Update::Done(done)) => {
                told.moved = done.moved;
                return Ok(told);
            }
            Some(_) => {}
            None => return Err("the node stopped telling before its move was over".into()),
        }
    }
}

/// The node, once nothing is under way.
pub(super) async fn settled(client: &mut Client) -> Result<NodeStatus, Failed> {
    let end = Instant::now() + PATIENCE;
    loop {
        let status = client.status(StatusRequest {}).await?.into_inner();
        if status.under_way.is_none() && status.phase() == Phase::Serving {
            return Ok(status);
        }
        if Instant::now() > end {
            return Err(format!("the node does not come to rest: {status:?}").into());
        }
        tokio::time::sleep(PAUSE).await;
    }
}
