//! What clients see of a node that moves: its status whenever it changes, and how the move ends.

use std::fmt::Display;
use std::fs::File;
use std::future::Future;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::wire::move_update::Update;
use super::wire::{Done, Lost, MoveUpdate, NodeStatus, PrepareUpdate, RefusedRecords, prepare_update};
use super::{failure, told};
use crate::node::{MoveError, Moved, Node};
use crate::version::Version;

pub(super) type Stream<T> = ReceiverStream<Result<T, Status>>;
type Sender<T> = mpsc::Sender<Result<T, Status>>;

/// Messages that wait for a client. While they do, changes of the status come together.
const WAITING: usize = 4;
/// Bytes of a part of the file with what was given up.
const PART: usize = 256 << 10;

/// The node's status, until the client or the service goes away.
pub(super) fn watch(node: &Node, stopping: &watch::Receiver<bool>) -> Stream<NodeStatus> {
    let (sender, receiver) = mpsc::channel(WAITING);
    let (node, stopping) = (node.clone(), stopping.clone());
    tokio::spawn(async move {
        let never = std::future::pending::<()>();
        tell(&node, stopping, &sender, |status| status, never).await;
    });
    ReceiverStream::new(receiver)
}

/// Does what the node was told to, whoever listens, and tells of it. What is given up on the way lies in the file `lost`.
pub(super) fn directive(
    node: &Node,
    stopping: &watch::Receiver<bool>,
    lost: Option<PathBuf>,
    directive: impl Future<Output = Result<Option<Moved>, MoveError>> + Send + 'static,
) -> Stream<MoveUpdate> {
    let (done, outcome) = oneshot::channel();
    // A task of its own: that of the listener ends with the listener.
    tokio::spawn(async move {
        let _ = done.send(directive.await);
    });
    let (sender, receiver) = mpsc::channel(WAITING);
    let (node, stopping) = (node.clone(), stopping.clone());
    tokio::spawn(async move {
        let of_status = |status| update(Update::Status(status));
        let Some(outcome) = tell(&node, stopping, &sender, of_status, outcome).await else { return };
        // Who does not listen any more needs to hear nothing.
        let _ = match outcome {
            Ok(Ok(moved)) => end(&node, &sender, moved, lost).await,
            Ok(Err(error)) => fail(&sender, error, |refused| update(Update::Refused(refused))).await,
            Err(_) => {
                sender.send(Err(Status::internal("the move ended without saying how: its task panicked"))).await.ok()
            }
        };
    });
    ReceiverStream::new(receiver)
}

/// Takes the node out of service, whoever listens, and tells how many calls are left, at last behind the wait.
pub(super) fn drain(node: &Node, stopping: &watch::Receiver<bool>, wait: Duration) -> Stream<MoveUpdate> {
    let (done, left) = oneshot::channel();
    let draining = node.clone();
    tokio::spawn(async move {
        let _ = done.send(draining.drain(wait).await);
    });
    let (sender, receiver) = mpsc::channel(WAITING);
    let (node, stopping) = (node.clone(), stopping.clone());
    tokio::spawn(async move {
        let of_status = |status| update(Update::Status(status));
        let Some(Ok(left)) = tell(&node, stopping, &sender, of_status, left).await else { return };
        // Somebody may have come since.
        let status = NodeStatus { calls_running: left as u64, ..told::status(&node) };
        if sender.send(Ok(of_status(status))).await.is_ok() {
            end(&node, &sender, None, None).await;
        }
    });
    ReceiverStream::new(receiver)
}

/// Prepares the node for as long as somebody listens, and tells of it. Without a listener it is taken back until it is ready:
/// nobody would know its name.
pub(super) fn prepare(
    node: &Node,
    stopping: &watch::Receiver<bool>,
    to: &Version,
    within: Duration,
) -> Stream<PrepareUpdate> {
    use prepare_update::Update;
    let (sender, receiver) = mpsc::channel(WAITING);
    let (node, stopping) = (node.clone(), stopping.clone());
    // Before there is an answer: whoever has one can take it back.
    let begun = node.preparing(to, within);
    tokio::spawn(async move {
        let update = |update| PrepareUpdate { update: Some(update) };
        let preparing = match begun {
            Ok(preparing) => preparing,
            Err(error) => {
                let _ = fail(&sender, error, |refused| update(Update::Refused(refused))).await;
                return;
            }
        };
        if sender.send(Ok(update(Update::Begun(preparing.name().to_owned())))).await.is_err() {
            return;
        }
        let of_status = |status| update(Update::Status(status));
        match tell(&node, stopping, &sender, of_status, preparing.ready()).await {
            Some(Ok(prepared)) => {
                let told = update(Update::Prepared(told::prepared(&prepared)));
                if sender.send(Ok(told)).await.is_err() {
                    // Whatever comes of it: nobody is left to hear it.
                    let _ = node.abort(&prepared.name).await;
                }
            }
            Some(Err(error)) => {
                let _ = fail(&sender, error, |refused| update(Update::Refused(refused))).await;
            }
            None => {}
        }
    });
    ReceiverStream::new(receiver)
}

/// Tells the status whenever it changes, until `end`; `None` when nobody listens any more, or may.
async fn tell<T, E>(
    node: &Node,
    mut stopping: watch::Receiver<bool>,
    sender: &Sender<T>,
    of_status: impl Fn(NodeStatus) -> T,
    end: impl Future<Output = E>,
) -> Option<E> {
    let mut end = pin!(end);
    let mut watching = node.watch();
    watching.mark_changed();
    loop {
        tokio::select! {
            biased;
            ended = &mut end => return Some(ended),
            () = sender.closed() => return None,
            () = stopped(&mut stopping) => {
                let what = "the program stops; a move that is under way is in its journal, from which it goes on";
                let _ = sender.send(Err(Status::unavailable(what))).await;
                return None;
            }
            Ok(()) = watching.changed() => {
                watching.mark_unchanged();
                let status = told::status(node);
                sender.send(Ok(of_status(status))).await.ok()?;
            }
        }
    }
}

/// Ready once the service stops.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // Where nobody says so any more, nothing stops.
    if stopping.wait_for(|stopping| *stopping).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn end(node: &Node, sender: &Sender<MoveUpdate>, moved: Option<Moved>, lost: Option<PathBuf>) -> Option<()> {
    if let Some(file) = lost.filter(|_| moved.as_ref().is_some_and(|moved| moved.lost > 0)) {
        let sender = sender.clone();
        tokio::task::spawn_blocking(move || send_lost(&sender, &file)).await.ok()??;
    }
    let version = node.version().to_string();
    let done = Done { moved: moved.as_ref().map(told::moved), version };
    sender.send(Ok(update(Update::Done(done)))).await.ok()
}

/// Sends what was given up, part by part.
fn send_lost(sender: &Sender<MoveUpdate>, file: &Path) -> Option<()> {
    let name = file.display().to_string();
    let mut open = match File::open(file) {
        Ok(open) => open,
        Err(error) => return sender.blocking_send(Err(unsent(&name, &error))).ok(),
    };
    loop {
        let mut part = Vec::new();
        match open.by_ref().take(PART as u64).read_to_end(&mut part) {
            Ok(0) => return Some(()),
            Ok(_) => {
                let lost = Lost { part: part.into(), file: name.clone() };
                sender.blocking_send(Ok(update(Update::Lost(lost)))).ok()?;
            }
            Err(error) => return sender.blocking_send(Err(unsent(&name, &error))).ok(),
        }
    }
}

/// What was given up cannot be told whom it was given up for.
pub(crate) fn unsent(file: &str, why: &dyn Display) -> Status {
    Status::internal(format!(
        "the node has gone back; what was given up lies in {file} there, and cannot be sent: {why}"
    ))
}

async fn fail<T>(sender: &Sender<T>, error: MoveError, of_refused: impl Fn(RefusedRecords) -> T) -> Option<()> {
    let status = failure::of_move(&error);
    if let MoveError::Refused { records, .. } = error {
        // One at a time: each may be nearly as large as a message can be.
        for record in records {
            let refused = RefusedRecords { records: vec![told::refused(record)] };
            sender.send(Ok(of_refused(refused))).await.ok()?;
        }
    }
    sender.send(Err(status)).await.ok()
}

fn update(update: Update) -> MoveUpdate {
    MoveUpdate { update: Some(update) }
}
