//! How those who serve calls speak with the driver, which has the core to itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{mpsc, oneshot, watch};
use tonic::Status;

use super::core::{Answer, Ask, Core, Now, Session};
use super::driver::Speaks;
use super::service::failure;
use crate::control::v1_0_0 as wire;

/// What waits for the driver. Whoever wants to say more waits.
const WAITING: usize = 4096;

/// Something for the driver.
pub(super) enum Told {
    /// An agent has come.
    Opened(Session, Speaks),
    /// It has said something.
    Said(Session, Box<wire::FromAgent>),
    /// It has gone.
    Closed(Session),
    /// An operator wants something changed.
    Asked { who: String, ask: Box<Ask>, answer: oneshot::Sender<Result<Answer, Status>> },
    /// Somebody wants to know something.
    Read(Reading),
    /// Somebody wants to see how an upgrade goes on.
    Watch { number: u64, answer: oneshot::Sender<Result<watch::Receiver<Arc<wire::UpgradeStatus>>, Status>> },
}

/// What is done with the core, or with the reason why there is none.
pub(super) type Reading = Box<dyn FnOnce(Result<(&Core, Now), Status>) + Send>;

/// Cheap to clone; all clones lead to one driver.
#[derive(Clone)]
pub(super) struct Handle {
    sender: mpsc::Sender<Told>,
    sessions: Arc<AtomicU64>,
    /// The newest event that was written.
    events: watch::Receiver<u64>,
}

impl Handle {
    pub(super) fn new(events: watch::Receiver<u64>) -> (Self, mpsc::Receiver<Told>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self { sender, sessions: Arc::default(), events }, receiver)
    }

    /// A number for a stream that no other has.
    pub(super) fn session(&self) -> Session {
        Session(self.sessions.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub(super) async fn tell(&self, told: Told) -> Result<(), Status> {
        self.sender.send(told).await.map_err(|_| failure::stopping())
    }

    /// Has something changed, and waits until that is written.
    pub(super) async fn ask(&self, who: String, ask: Ask) -> Result<Answer, Status> {
        let (answer, answered) = oneshot::channel();
        self.tell(Told::Asked { who, ask: Box::new(ask), answer }).await?;
        answered.await.unwrap_or_else(|_| Err(failure::not_known("the coordinator stops, or begins anew")))
    }

    /// Reads what was written.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Core, Now) -> T + Send + 'static,
    ) -> Result<T, Status> {
        let (answer, answered) = oneshot::channel();
        let reading: Reading = Box::new(move |core| {
            // Who does not wait any more needs no answer.
            let _ = answer.send(core.map(|(core, now)| read(core, now)));
        });
        self.tell(Told::Read(reading)).await?;
        answered.await.unwrap_or_else(|_| Err(failure::stopping()))
    }

    /// How an upgrade is doing, as it changes.
    pub(super) async fn watch(&self, number: u64) -> Result<watch::Receiver<Arc<wire::UpgradeStatus>>, Status> {
        let (answer, answered) = oneshot::channel();
        self.tell(Told::Watch { number, answer }).await?;
        answered.await.unwrap_or_else(|_| Err(failure::stopping()))
    }

    /// The number of the newest event, as it grows.
    pub(super) fn events(&self) -> watch::Receiver<u64> {
        self.events.clone()
    }
}
