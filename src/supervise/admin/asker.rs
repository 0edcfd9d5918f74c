//! Whoever asked for a move, and listens.

use tokio::sync::{mpsc, oneshot};
use tonic::Status;

use crate::node::admin::wire::move_update::Update;
use crate::node::admin::wire::{Done, MoveUpdate};
use crate::supervise::machine::Move;

/// What is asked for.
#[derive(Debug)]
pub(in crate::supervise) enum Ask {
    Move(Move, Asker),
    /// The program has been told, and has done it.
    Finalized,
}

#[derive(Debug)]
pub(in crate::supervise) struct Asker {
    /// What else the old program tells: a part each, that wait for the client.
    more: mpsc::UnboundedSender<MoveUpdate>,
    end: oneshot::Sender<Result<Done, Status>>,
}

/// The other side.
pub(super) struct Asked {
    pub(super) more: mpsc::UnboundedReceiver<MoveUpdate>,
    pub(super) end: oneshot::Receiver<Result<Done, Status>>,
}

impl Asker {
    pub(super) fn new() -> (Self, Asked) {
        let (more, more_comes) = mpsc::unbounded_channel();
        let (end, end_comes) = oneshot::channel();
        (Self { more, end }, Asked { more: more_comes, end: end_comes })
    }

    pub(in crate::supervise) fn more(&self, update: Update) {
        let _ = self.more.send(MoveUpdate { update: Some(update) });
    }

    /// Nobody has to listen.
    pub(in crate::supervise) fn end(self, end: Result<Done, Status>) {
        let _ = self.end.send(end);
    }
}
