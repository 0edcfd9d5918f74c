//! The nodes' moves: from version to version and back by soft upgrade, while callers go on.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use tonic::{Response, Status, Streaming};

use super::cluster::Node;
use super::model::Model;
use crate::node::admin::wire::move_update::Update;
use crate::node::admin::wire::node_client::NodeClient;
use crate::node::admin::wire::{
    FinalizeRequest, MoveUpdate, Moved, NodeStatus, Phase, RollbackRequest, StatusRequest, UpgradeRequest, WatchRequest,
};
use crate::transport::Channel;

type Client = NodeClient<Channel>;
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// How long any one move may take.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

/// What a node is told to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    To(&'static str),
    /// As `To`, but the node is killed while it transforms its state, and started again.
    KilledOnTheWayTo(&'static str),
    BackTo(&'static str),
}

/// What a node that begins at a version goes through.
pub(super) fn steps(begins_at: &str) -> Vec<Step> {
    let mut steps = vec![Step::To("3.0.0"), Step::BackTo("2.0.0"), Step::To("3.0.0")];
    match begins_at {
        "1.1.0" => steps.insert(0, Step::To("2.0.0")),
        "2.0.0" => steps[0] = Step::KilledOnTheWayTo("3.0.0"),
        _ => steps.clear(),
    }
    steps
}

/// A move that came to its end.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) node: &'static str,
    killed: bool,
    from: String,
    to: &'static str,
    /// As the node told; a program that was killed can tell of nothing.
    moved: Option<Moved>,
    /// Records carried, as far as the node told.
    records: u64,
    /// The most calls that were seen to wait.
    waiting: u64,
    took: Duration,
}

/// Takes a node through its moves, one in each part of the time.
pub(super) async fn make(node: &mut Node, model: &Model, every: Duration) -> Result<Vec<Made>, Failed> {
    let mut made = Vec::new();
    let begun = Instant::now();
    for (step, number) in steps(node.reached.version).into_iter().zip(1..) {
        tokio::time::sleep_until(begun + every * number).await;
        made.push(
            one(node, model, step)
                .await
                .map_err(|error| format!("node {}: {step:?}: {error}", node.reached.version))?,
        );
    }
    Ok(made)
}

async fn one(node: &mut Node, model: &Model, step: Step) -> Result<Made, Failed> {
    let begun = Instant::now();
    let mut client = client(node)?;
    let (to, killed) = match step {
        Step::To(to) | Step::BackTo(to) => (to, false),
        Step::KilledOnTheWayTo(to) => (to, true),
    };
    let status = client.status(StatusRequest {}).await?.into_inner();
    if !matches!(step, Step::BackTo(_)) && !status.back.is_empty() {
        // The way back is given up for the way on.
        follow(client.finalize(FinalizeRequest {}).await?).await?;
    }
    model.standing.may_come_to(to);
    if killed {
        kill_in_transform(node, client.clone(), to).await?;
        client = self::client(node)?;
    }
    let mut told = Told::default();
    let now = settled(&mut client).await?;
    let moved = if now.version == to {
        // It has gone on by itself.
        now.last
    } else {
        let updates = match step {
            Step::BackTo(_) => client.rollback(RollbackRequest { dry_run: false, accept_loss: false }).await?,
            _ => client.upgrade(UpgradeRequest { to: to.to_owned() }).await?,
        };
        told = follow(updates).await?;
        told.moved.take()
    };
    model.standing.is_at(to);
    let Told { records, waiting, .. } = told;
    let (node, from) = (node.reached.version, status.version);
    Ok(Made { node, killed, from, to, moved, records, waiting, took: begun.elapsed() })
}

/// What was told of a move.
#[derive(Default)]
struct Told {
    moved: Option<Moved>,
    records: u64,
    waiting: u64,
}

async fn follow(updates: Response<Streaming<MoveUpdate>>) -> Result<Told, Failed> {
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

/// Begins the upgrade, kills the node while it transforms, and starts it again.
async fn kill_in_transform(node: &mut Node, mut client: Client, to: &'static str) -> Result<(), Failed> {
    let mut changes = client.watch(WatchRequest {}).await?.into_inner();
    let mut other = client.clone();
    // It ends when the node does.
    let upgrade = tokio::spawn(async move {
        let updates = other.upgrade(UpgradeRequest { to: to.to_owned() }).await?.into_inner();
        Ok::<Streaming<MoveUpdate>, Status>(updates)
    });
    let end = Instant::now() + PATIENCE;
    loop {
        let status = tokio::time::timeout_at(end, changes.message()).await??.ok_or("the node stopped telling")?;
        if status.phase() == Phase::Transforming {
            break;
        }
        if status.version == to {
            return Err("the node was not seen while it transformed its state".into());
        }
    }
    node.kill().await?;
    upgrade.abort();
    node.restart().await?;
    Ok(())
}

/// The node, once nothing is under way.
async fn settled(client: &mut Client) -> Result<NodeStatus, Failed> {
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

fn client(node: &Node) -> Result<Client, Failed> {
    Ok(NodeClient::new(Channel::owner(&node.reached.admin).user_agent("straddle-demo").build()?))
}

impl Made {
    pub(super) fn text(&self) -> String {
        let Self { node, from, to, records, waiting, .. } = self;
        let numbers = self.moved.as_ref().map(|moved| {
            let pause = Duration::from_micros(moved.pause_microseconds);
            let numbers = [*records, *waiting, moved.streams_drained, moved.streams_cut];
            let [records, waiting, drained, cut] = numbers.map(|number| number.to_string());
            [format!("{:.1} ms", pause.as_secs_f64() * 1000.0), records, waiting, drained, cut]
        });
        let [pause, records, waiting, drained, cut] = numbers.unwrap_or_default();
        let killed = if self.killed { "  killed while it transformed, and started again" } else { "" };
        format!("{node:<7} {from:>7} -> {to:<7} {pause:>9} {records:>9} {waiting:>8} {drained:>8} {cut:>8}{killed}")
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "node": self.node,
            "from": self.from,
            "to": self.to,
            "killed": self.killed,
            "pause_us": self.moved.as_ref().map(|moved| moved.pause_microseconds),
            "records": self.records,
            "waiting": self.waiting,
            "streams_drained": self.moved.as_ref().map(|moved| moved.streams_drained),
            "streams_cut": self.moved.as_ref().map(|moved| moved.streams_cut),
            "took_ms": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

/// The heading over [`Made::text`].
pub(super) fn heading() -> String {
    format!(
        "{:<7} {:>7} -> {:<7} {:>9} {:>9} {:>8} {:>8} {:>8}",
        "node", "from", "to", "pause", "records", "waiting", "drained", "cut"
    )
}
