//! The streams of agents, as the driver speaks to them.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::{mpsc, oneshot};
use tokio_stream::Stream;
use tonic::Status;

use crate::control::v1_0_0::ToAgent;
use crate::coordinator::core::Session;
use crate::coordinator::service::failure;

/// Messages that wait for one agent. Whoever reads so slowly is better off when it begins anew: all is said again then.
const WAITING: usize = 64;

/// What an agent hears: the response stream of Attend.
pub(in crate::coordinator) struct Hears {
    receiver: mpsc::Receiver<Box<ToAgent>>,
    ended: Arc<Mutex<Option<Status>>>,
    over: bool,
    /// Dropped with this: then nobody hears any more.
    _gone: oneshot::Sender<()>,
}

/// Where an agent is spoken to.
pub(in crate::coordinator) struct Speaks {
    /// Boxed: a channel keeps room for several, which would take 3 KiB for each agent, and most are told nothing for hours.
    sender: mpsc::Sender<Box<ToAgent>>,
    ended: Arc<Mutex<Option<Status>>>,
}

/// Both ends of what is said to an agent, and what completes when nobody hears any more.
pub(in crate::coordinator) fn line() -> (Speaks, Hears, oneshot::Receiver<()>) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let ended = Arc::new(Mutex::new(None));
    let (gone, heard) = oneshot::channel();
    (Speaks { sender, ended: ended.clone() }, Hears { receiver, ended, over: false, _gone: gone }, heard)
}

impl Speaks {
    /// Ends the stream with this status, after what was said before.
    pub(in crate::coordinator) fn end(self, status: Status) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
    }
}

impl Stream for Hears {
    type Item = Result<ToAgent, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        self.receiver.poll_recv(context).map(|said| {
            if let Some(message) = said {
                return Some(Ok(*message));
            }
            self.over = true;
            let status = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
            Some(Err(status.unwrap_or_else(failure::stopping)))
        })
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Sessions(BTreeMap<Session, Speaks>);

impl Sessions {
    pub(super) fn open(&mut self, session: Session, speaks: Speaks) {
        self.0.insert(session, speaks);
    }

    pub(super) fn knows(&self, session: Session) -> bool {
        self.0.contains_key(&session)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Says something; whether it can be heard. One that hears no more has ended.
    pub(super) fn tell(&mut self, session: Session, message: ToAgent) -> bool {
        let Some(speaks) = self.0.get(&session) else { return true };
        if speaks.sender.try_send(Box::new(message)).is_ok() {
            return true;
        }
        self.end(session, failure::slow());
        false
    }

    pub(super) fn end(&mut self, session: Session, status: Status) {
        if let Some(speaks) = self.0.remove(&session) {
            speaks.end(status);
        }
    }

    pub(super) fn forget(&mut self, session: Session) -> bool {
        self.0.remove(&session).is_some()
    }

    pub(super) fn end_all(&mut self, status: &Status) {
        for (_, speaks) in std::mem::take(&mut self.0) {
            speaks.end(status.clone());
        }
    }
}
