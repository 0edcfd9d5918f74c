//! All nodes prepared at once, or none.

use std::path::Path;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::Status;

use super::nodes::Member;
use super::record::Record;
use super::told::Told;
use crate::cli::arguments::BarrierArguments;
use crate::cli::node::Failure;
use crate::node::admin::wire::prepare_update::Update;
use crate::node::admin::wire::{NodeStatus, PrepareRequest, Prepared, RefusedRecord};
use crate::version::Version;

/// Why it ends before the word.
pub(super) struct NotReady {
    /// In short.
    pub(super) why: String,
    /// The nodes that it is for.
    pub(super) nodes: Vec<(String, Failure)>,
    /// Whether those have nothing to be taken back.
    settled: bool,
}

impl NotReady {
    pub(super) fn interrupted() -> Self {
        Self::here("interrupted".to_owned())
    }

    /// For a reason that lies here.
    pub(super) fn here(why: String) -> Self {
        Self { why, nodes: Vec::new(), settled: false }
    }

    /// For nodes that were lost after they were prepared.
    pub(super) fn of(nodes: Vec<(String, Failure)>) -> Self {
        Self { why: "not all nodes are prepared any more".to_owned(), nodes, settled: false }
    }

    /// The nodes that have refused by themselves, and are as before.
    pub(super) fn refused(&self) -> Vec<String> {
        let safe = self.nodes.iter().filter(|(_, failure)| self.settled && failure.is_as_before());
        safe.map(|(address, _)| address.clone()).collect()
    }
}

/// What a node says while it is prepared.
enum Said {
    Status(Box<NodeStatus>),
    Refused(Vec<RefusedRecord>),
    Prepared(Prepared),
    Failed(Status),
}

/// Prepares all nodes: until when each of them waits at least. When this is dropped, those that are at it lose their listener,
/// and go back.
pub(super) async fn all(
    members: &[Member],
    arguments: &BarrierArguments,
    to: &Version,
    record: &mut Record,
    file: &Path,
    told: &mut Told,
) -> Result<Vec<Instant>, NotReady> {
    let (sender, mut receiver) = mpsc::channel(members.len());
    let mut preparing = JoinSet::new();
    // Nodes count from when the request comes, which is later.
    let until = Instant::now() + arguments.within;
    for (place, member) in members.iter().cloned().enumerate() {
        preparing.spawn(one(place, member, to.to_string(), arguments.within, sender.clone()));
    }
    drop(sender);
    let output = |error: std::io::Error| NotReady::here(format!("nothing can be printed: {error}"));
    let mut prepared = 0;
    while prepared < members.len() {
        let Some((place, said)) = receiver.recv().await else { break };
        let address = &members[place].address;
        match said {
            Said::Status(status) => told.status(place, address, &status).map_err(output)?,
            Said::Refused(records) => told.refused(address, &records).map_err(output)?,
            Said::Prepared(ready) => {
                prepared += 1;
                told.prepared(address, &ready, prepared, members.len()).map_err(output)?;
                record.nodes[place].name = Some(ready.name);
                // Several that come at once are written at once.
                if receiver.is_empty() || prepared == members.len() {
                    record.place(file).map_err(NotReady::here)?;
                }
            }
            Said::Failed(status) => {
                let failure = Failure::of(address, &status, false);
                let why = "not all nodes can be prepared".to_owned();
                return Err(NotReady { why, nodes: vec![(address.clone(), failure)], settled: true });
            }
        }
    }
    Ok(vec![until; members.len()])
}

async fn one(place: usize, member: Member, to: String, within: Duration, told: mpsc::Sender<(usize, Said)>) {
    let within_microseconds = u64::try_from(within.as_micros()).unwrap_or(u64::MAX);
    let mut client = member.client;
    let followed = async {
        let mut updates = client.prepare(PrepareRequest { to, within_microseconds }).await?.into_inner();
        while let Some(update) = updates.message().await? {
            let said = match update.update {
                Some(Update::Status(status)) => Said::Status(Box::new(status)),
                Some(Update::Refused(refused)) => Said::Refused(refused.records),
                Some(Update::Prepared(prepared)) => {
                    let _ = told.send((place, Said::Prepared(prepared))).await;
                    return Ok(());
                }
                // Something that a newer node tells.
                None => continue,
            };
            if told.send((place, said)).await.is_err() {
                return Ok(());
            }
        }
        Err(Status::unavailable("the node stopped telling"))
    };
    if let Err(status) = followed.await {
        let _ = told.send((place, Said::Failed(status))).await;
    }
}
