//! All nodes prepared at once, or none.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tonic::Status;

use super::nodes::Member;
use super::record::{Record, RecordFile};
use super::told::Told;
use crate::cli::arguments::BarrierArguments;
use crate::cli::node::Failure;
use crate::node::admin::wire::prepare_update::Update;
use crate::node::admin::wire::{NodeStatus, PrepareRequest, Prepared, RefusedRecord};

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

    /// One node more cannot be prepared.
    fn and(before: Option<Self>, address: &str, status: &Status) -> Self {
        let why = "not all nodes can be prepared".to_owned();
        let mut all = before.unwrap_or(Self { why, nodes: Vec::new(), settled: true });
        all.nodes.push((address.to_owned(), Failure::of(address, status, false)));
        all
    }
}

/// How long nodes may take to say that they have begun, when all is to be taken back.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a node says while it is prepared.
enum Said {
    Begun(String),
    Status(Box<NodeStatus>),
    Refused(Vec<RefusedRecord>),
    Prepared(Prepared),
    Failed(Status),
}

/// Prepares all nodes: until when each of them waits at least. When that ends before, it is known of each node how its preparation
/// is taken back, or that there is none. When this is dropped, those that are at it lose their listener, and go back.
pub(super) async fn all(
    members: &[Member],
    arguments: &BarrierArguments,
    record: &mut Record,
    file: &mut RecordFile,
    told: &mut Told,
    interrupted: &mut (impl Future<Output = ()> + Unpin),
) -> Result<Vec<Instant>, NotReady> {
    let (sender, mut receiver) = mpsc::channel(members.len());
    let mut preparing = JoinSet::new();
    // Nodes count from when the request comes, which is later.
    let until = Instant::now() + arguments.within;
    for (place, member) in members.iter().cloned().enumerate() {
        preparing.spawn(one(place, member, record.to.to_string(), arguments.within, sender.clone()));
    }
    drop(sender);
    let (mut prepared, mut heard, mut failed) = (0, vec![false; members.len()], None::<NotReady>);
    let mut give_up = pin!(sleep(PATIENCE));
    while prepared < members.len() && (failed.is_none() || heard.contains(&false)) {
        let (place, said) = tokio::select! {
            biased;
            () = &mut *interrupted, if failed.is_none() => {
                failed = Some(NotReady::interrupted());
                give_up.as_mut().reset(Instant::now() + PATIENCE);
                continue;
            }
            () = &mut give_up, if failed.is_some() => break,
            said = receiver.recv() => match said {
                Some(said) => said,
                None => break,
            },
        };
        let address = &members[place].address;
        let shown = match said {
            Said::Begun(name) => {
                (heard[place], record.nodes[place].name) = (true, Some(name));
                Ok(())
            }
            Said::Status(status) => told.status(place, address, &status),
            Said::Refused(records) => told.refused(address, &records),
            Said::Prepared(ready) => {
                prepared += 1;
                told.prepared(address, &ready, prepared, members.len())
            }
            Said::Failed(status) => {
                if failed.is_none() {
                    give_up.as_mut().reset(Instant::now() + PATIENCE);
                }
                heard[place] = true;
                failed = Some(NotReady::and(failed, address, &status));
                Ok(())
            }
        };
        // Several that come at once are written at once.
        let noted = if receiver.is_empty() { file.write(record) } else { Ok(()) };
        if let Err(why) = shown.map_err(|error| format!("nothing can be printed: {error}")).and(noted) {
            failed.get_or_insert_with(|| NotReady::here(why));
        }
    }
    match failed {
        Some(failed) => Err(failed),
        None if prepared == members.len() => {
            file.write(record).map_err(NotReady::here)?;
            Ok(vec![until; members.len()])
        }
        None => Err(NotReady::here("a task that follows a node is gone".to_owned())),
    }
}

async fn one(place: usize, member: Member, to: String, within: Duration, told: mpsc::Sender<(usize, Said)>) {
    let within_microseconds = u64::try_from(within.as_micros()).unwrap_or(u64::MAX);
    let mut client = member.client;
    let followed = async {
        let mut updates = client.prepare(PrepareRequest { to, within_microseconds }).await?.into_inner();
        while let Some(update) = updates.message().await? {
            let said = match update.update {
                Some(Update::Begun(name)) => Said::Begun(name),
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
