//! The supervisor of the node's program, which can replace it by another one.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tonic::Status;
use tonic_types::StatusExt;

use crate::control::v1_0_0 as wire;
use crate::node::admin::ADVICE;
use crate::node::admin::wire::move_update::Update;
use crate::node::admin::wire::node_client::NodeClient;
use crate::node::admin::wire::{FinalizeRequest, MoveUpdate, Moved, StatusRequest, UpgradeRequest};
use crate::refusal::DOMAIN;
use crate::transport::{Channel, InvalidChannel};
use crate::version::Version;

/// How often the supervisor is asked what it could start: releases come and go on its disk.
const EVERY: Duration = Duration::from_secs(2);
/// How long it may take to say so.
const PATIENCE: Duration = Duration::from_secs(2);

/// A supervisor, as the node's agent sees it.
#[derive(Clone, Debug)]
pub(super) struct Supervised {
    client: NodeClient<Channel>,
    seen: watch::Sender<Seen>,
}

/// What a supervisor says of its node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The version that one of its releases leads to next.
    pub(super) next: Option<Version>,
    /// It is a release that is newer than the one that runs.
    pub(super) by_newer: bool,
    /// Why it cannot use releases that it has.
    pub(super) unusable: Option<String>,
    /// Why the last program that it started did not stay.
    pub(super) failure: Option<String>,
}

impl Supervised {
    /// By the address of the supervisor's admin service.
    pub(super) fn by(address: &str) -> Result<Self, InvalidChannel> {
        let client = NodeClient::new(Channel::owner(address).build()?);
        Ok(Self { client, seen: watch::Sender::default() })
    }

    /// What was seen last.
    pub(super) fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    pub(super) fn watch(&self) -> watch::Receiver<Seen> {
        self.seen.subscribe()
    }

    /// Asks again and again, until this is dropped.
    pub(super) async fn keep_looking(self) {
        loop {
            sleep(EVERY).await;
            self.look().await;
        }
    }

    /// Asks once. A supervisor that does not answer is as it was.
    pub(super) async fn look(&self) {
        let mut client = self.client.clone();
        let Ok(Ok(status)) = timeout(PATIENCE, client.status(StatusRequest {})).await else { return };
        let status = status.into_inner();
        let program = status.program.unwrap_or_default();
        let unusable = program.passed_over.join("; ");
        let seen = Seen {
            next: status.next.parse().ok(),
            by_newer: !program.next_release.is_empty(),
            unusable: Some(unusable).filter(|unusable| !unusable.is_empty()),
            failure: program.failure,
        };
        self.seen.send_if_modified(|before| {
            let news = *before != seen;
            if news {
                *before = seen;
            }
            news
        });
    }

    /// Has the program replaced by one that runs this version. When that goes well, this program has mostly ended before it can
    /// tell: the next one does. `begin_by` is when the node does not go any more.
    pub(super) async fn replace(&self, to: &str, begin_by: Instant) -> Result<Duration, wire::Failure> {
        let mut client = self.client.clone();
        let moved = async {
            let mut updates =
                client.upgrade(UpgradeRequest { to: to.to_owned(), ..UpgradeRequest::default() }).await?.into_inner();
            follow(&mut updates).await
        };
        match moved.await {
            Ok(moved) => Ok(Duration::from_micros(moved.pause_microseconds)),
            Err(status) => Err(match told(&status) {
                Some(failure) => failure,
                None => self.lost(&status, begin_by).await,
            }),
        }
    }

    /// The supervisor does not tell any more how it goes: the program may yet be replaced, up to `begin_by`.
    async fn lost(&self, status: &Status, begin_by: Instant) -> wire::Failure {
        sleep_until(begin_by).await;
        let what = format!("the supervisor stopped telling how it replaces the program: {}", status.message());
        wire::Failure {
            reason: "BUSY".to_owned(),
            what,
            advice: "see how the supervisor is doing: straddle node status".to_owned(),
        }
    }

    /// Gives up the way back, so that the supervisor knows of it, too.
    pub(super) async fn finalize(&self) -> Result<(), String> {
        let mut client = self.client.clone();
        let finalized = async {
            let mut updates = client.finalize(FinalizeRequest {}).await?.into_inner();
            follow(&mut updates).await
        };
        finalized.await.map(drop).map_err(|status: Status| status.message().to_owned())
    }
}

/// To the end of a move.
async fn follow(updates: &mut tonic::Streaming<MoveUpdate>) -> Result<Moved, Status> {
    while let Some(MoveUpdate { update }) = updates.message().await? {
        if let Some(Update::Done(done)) = update {
            return Ok(done.moved.unwrap_or_default());
        }
    }
    Err(Status::unavailable("it ended without saying what came of it"))
}

/// What a supervisor, or the program, says of a move that came to nothing.
fn told(status: &Status) -> Option<wire::Failure> {
    let mut info = status.get_details_error_info().filter(|info| info.domain == DOMAIN)?;
    let advice = info.metadata.remove(ADVICE).unwrap_or_default();
    Some(wire::Failure { reason: info.reason, what: status.message().to_owned(), advice })
}
