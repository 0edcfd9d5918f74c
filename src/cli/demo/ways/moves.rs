//! The nodes' moves: from version to version and back, each in its node's way, while callers go on.

mod barrier;
mod follow;
mod made;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tonic::Status;

use self::follow::{Client, Told, client, follow, settled};
pub(in crate::cli::demo) use self::made::{Made, heading};
use super::cluster::{Node, Way};
use crate::cli::demo::model::Model;
use crate::node::admin::wire::{
    DrainRequest, FinalizeRequest, MoveUpdate, Phase, ResumeRequest, RollbackRequest, StatusRequest, UpgradeRequest,
    WatchRequest,
};

use crate::cli::demo::crew::Failed;

/// How long any one move may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a node is told to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    To(&'static str),
    /// As `To`, but the node is killed while it transforms its state, and started again.
    KilledOnTheWayTo(&'static str),
    /// As `To`, but the new program crashes as soon as it is started: the node has to serve on where it is.
    InVainTo(&'static str),
    BackTo(&'static str),
}

/// What nodes go through.
pub(super) fn steps(way: Way) -> &'static [Step] {
    match way {
        Way::Soft => &[Step::To("2.0.0"), Step::KilledOnTheWayTo("3.0.0"), Step::BackTo("2.0.0"), Step::To("3.0.0")],
        Way::Restart => {
            &[Step::InVainTo("2.0.0"), Step::To("2.0.0"), Step::To("3.0.0"), Step::BackTo("2.0.0"), Step::To("3.0.0")]
        }
        Way::Drain | Way::Barrier => &[Step::To("3.0.0"), Step::BackTo("2.0.0"), Step::To("3.0.0")],
        Way::Stays => &[],
    }
}

/// A node, and what is known of it.
pub(super) struct Moving {
    pub(super) node: Node,
    pub(super) model: Arc<Model>,
}

/// Takes nodes of one way, which move together, through their moves, one in each part of the time.
pub(super) async fn make(nodes: &mut [Moving], time: Duration) -> Result<Vec<Made>, Failed> {
    let mut made = Vec::new();
    let Some(way) = nodes.first().map(|first| first.node.reached.place.way) else { return Ok(made) };
    let begun = Instant::now();
    let every = time / (u32::try_from(steps(way).len()).unwrap_or(u32::MAX) + 1);
    for (step, number) in steps(way).iter().zip(1..) {
        tokio::time::sleep_until(begun + every * number).await;
        match (way, step) {
            (Way::Barrier, Step::To(to)) => made.extend(barrier::switch(nodes, to).await?),
            _ => {
                for moving in &mut *nodes {
                    let name = moving.node.reached.place.name;
                    made.push(one(moving, *step).await.map_err(|error| format!("node {name}: {step:?}: {error}"))?);
                }
            }
        }
    }
    Ok(made)
}

async fn one(moving: &mut Moving, step: Step) -> Result<Made, Failed> {
    let begun = Instant::now();
    let place = moving.node.reached.place;
    let mut client = client(&moving.node)?;
    let from = begin(&mut client, !matches!(step, Step::BackTo(_))).await?;
    let (to, drains) = match step {
        Step::To(to) | Step::BackTo(to) | Step::KilledOnTheWayTo(to) => (to, place.way == Way::Drain),
        Step::InVainTo(to) => {
            let why = in_vain(&mut client, &from, to).await?;
            moving.node.repair_releases()?;
            return Ok(Made { failure: Some(why), ..Made::new(place.name, from, to, begun) });
        }
    };
    moving.model.standing.may_come_to(to);
    let killed = matches!(step, Step::KilledOnTheWayTo(_));
    if killed {
        kill_in_transform(&mut moving.node, client.clone(), to).await?;
        client = self::client(&moving.node)?;
    }
    if drains {
        follow(client.drain(DrainRequest { wait_microseconds: 1_000_000 }).await?).await?;
    }
    let mut told = None;
    let now = settled(&mut client).await?;
    let moved = if now.version == to {
        // It has gone on by itself.
        now.last
    } else {
        let updates = match step {
            Step::BackTo(_) => client.rollback(RollbackRequest { dry_run: false, accept_loss: false }).await?,
            _ => client.upgrade(UpgradeRequest { to: to.to_owned(), ..UpgradeRequest::default() }).await?,
        };
        let Told { moved, records, waiting } = follow(updates).await?;
        told = Some((records, waiting));
        moved
    };
    if drains {
        client.resume(ResumeRequest {}).await?;
    }
    moving.model.standing.is_at(to);
    Ok(Made { killed, moved, told, ..Made::new(place.name, from, to, begun) })
}

/// The version that a node goes on from; where it is still possible, the way back is given up for the way on.
async fn begin(client: &mut Client, on: bool) -> Result<String, Failed> {
    let status = client.status(StatusRequest {}).await?.into_inner();
    if on && !status.back.is_empty() {
        follow(client.finalize(FinalizeRequest {}).await?).await?;
    }
    Ok(status.version)
}

/// Upgrades to a version whose program is broken; why that came to nothing.
async fn in_vain(client: &mut Client, from: &str, to: &str) -> Result<String, Failed> {
    let upgraded = match client.upgrade(UpgradeRequest { to: to.to_owned(), ..UpgradeRequest::default() }).await {
        Ok(updates) => follow(updates).await.map(drop),
        Err(status) => Err(status.into()),
    };
    let Err(error) = upgraded else { return Err("a program that crashes as it starts was taken for good".into()) };
    let now = settled(client).await?;
    if now.version != from {
        return Err(format!("the node should serve on at {from}, and is at {}", now.version).into());
    }
    let status = error.downcast::<Status>()?;
    Ok(status.message().lines().next().unwrap_or_default().to_owned())
}

/// Begins the upgrade, kills the node while it transforms, and starts it again.
async fn kill_in_transform(node: &mut Node, mut client: Client, to: &'static str) -> Result<(), Failed> {
    let mut changes = client.watch(WatchRequest {}).await?.into_inner();
    let mut other = client.clone();
    // It ends when the node does.
    let upgrade = tokio::spawn(async move {
        let updates =
            other.upgrade(UpgradeRequest { to: to.to_owned(), ..UpgradeRequest::default() }).await?.into_inner();
        Ok::<tonic::Streaming<MoveUpdate>, Status>(updates)
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
