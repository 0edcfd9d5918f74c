//! A caller that asks again when its node is away: writes go by a request id, so that they are done once all the same.
//!
//! A `straddle::Channel` waits by itself for a node that is gone, and repeats what it knows to be safe. What was under way
//! when the node was killed, only its caller can ask for again.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tonic::{Code, Status};

use super::caller::{Caller, Found, Reservation, Terms, Watched};
use super::item::Item;
use super::standing::Met;
use super::tally::Tally;
use crate::refusal::Refusal;

/// How long a caller goes on asking.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);

pub(super) struct Masking {
    caller: Box<dyn Caller>,
    tally: Arc<Tally>,
    met: Met,
}

impl Masking {
    pub(super) fn of(caller: Box<dyn Caller>, tally: Arc<Tally>, met: Met) -> Self {
        Self { caller, tally, met }
    }

    /// Errors say as well which version of the node they come from.
    fn heard<T>(&self, answered: Result<T, Status>) -> Result<T, Status> {
        if let Err(status) = &answered {
            let said = status.metadata().get("straddle-node").and_then(|said| said.to_str().ok());
            match (said, Refusal::from_status(status)) {
                (Some(said), _) => self.met.note(said),
                (None, Some(refusal)) => self.met.note(refusal.node_version().unwrap_or_default()),
                (None, None) => self.met.forget(),
            }
        }
        answered
    }
}

/// Whether to ask again, after a while, what was answered so.
async fn is_away(tally: &Tally, status: &Status, since: Instant, patience: Duration) -> bool {
    let away = status.code() == Code::Unavailable && since.elapsed() < patience;
    if away {
        tally.masked();
        tokio::time::sleep(PAUSE).await;
    }
    away
}

/// Makes a call until its node is there to answer it.
macro_rules! again {
    ($masking:ident, $method:ident($($argument:expr),*), $patience:expr) => {{
        let since = Instant::now();
        loop {
            match $masking.caller.$method($($argument),*).await {
                Err(status) if is_away(&$masking.tally, &status, since, $patience).await => {}
                answered => return $masking.heard(answered),
            }
        }
    }};
}

#[tonic::async_trait]
impl Caller for Masking {
    async fn get(&mut self, sku: &str) -> Result<Item, Status> {
        again!(self, get(sku), PATIENCE)
    }

    async fn put(&mut self, item: &Item, request: &str) -> Result<Item, Status> {
        again!(self, put(item, request), PATIENCE)
    }

    async fn list(&mut self, prefix: &str) -> Result<Vec<Item>, Status> {
        again!(self, list(prefix), PATIENCE)
    }

    async fn watch(&mut self, after: u64, wanted: u64) -> Result<Vec<Item>, Status> {
        again!(self, watch(after, wanted), PATIENCE)
    }

    async fn follow(&mut self, watched: &mut Watched) -> Result<(), Status> {
        // What was seen stays seen: it goes on from there.
        again!(self, follow(watched), watched.patience)
    }

    async fn import(&mut self, items: &[Item], request: &str) -> Result<(u64, u64), Status> {
        again!(self, import(items, request), PATIENCE)
    }

    async fn look_up(&mut self, skus: &[String]) -> Result<Vec<Found>, Status> {
        again!(self, look_up(skus), PATIENCE)
    }

    async fn reserve(&mut self, sku: &str, quantity: i64, request: &str, terms: Terms) -> Result<Reservation, Status> {
        again!(self, reserve(sku, quantity, request, terms), PATIENCE)
    }

    async fn release(&mut self, reservation: &str, request: &str) -> Result<(), Status> {
        again!(self, release(reservation, request), PATIENCE)
    }

    async fn adjust(&mut self, sku: &str, delta: i64, request: &str) -> Result<Item, Status> {
        again!(self, adjust(sku, delta, request), PATIENCE)
    }

    async fn confirm(&mut self, reservation: &str, request: &str) -> Result<Reservation, Status> {
        again!(self, confirm(reservation, request), PATIENCE)
    }

    async fn cancel(&mut self, reservation: &str, request: &str) -> Result<Reservation, Status> {
        again!(self, cancel(reservation, request), PATIENCE)
    }

    async fn reservation(&mut self, reservation: &str) -> Result<Reservation, Status> {
        again!(self, reservation(reservation), PATIENCE)
    }

    async fn put_in_euros(&mut self, sku: &str, request: &str) -> Result<u64, Status> {
        again!(self, put_in_euros(sku, request), PATIENCE)
    }
}
