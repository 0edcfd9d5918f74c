//! What an operator does, by the coordinator's own service.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tonic::{Code, Status};

use super::super::crew::Failed;
use crate::bundle::Bundle;
use crate::control::v1_0_0::{
    FinalizeUpgradeRequest, ListNodesRequest, ListUpgradesRequest, NodeDescription, OnFailedGate, PlanRequest,
    PlanResponse, PublishRequest, RetireRequest, RetireResponse, StartUpgradeRequest, UpgradeState, UpgradeStatus,
    WatchUpgradeRequest, operators_client, straddle::control::v1::operators_client::OperatorsClient,
};
use crate::inventory::generated::protocol;
use crate::retiring::GRACE;
use crate::transport::{Channel, Labelled};

/// How long anything that is waited for may take.
const PATIENCE: Duration = Duration::from_secs(60);
const PART: usize = 256 * 1024;

#[derive(Clone)]
pub(super) struct Operator {
    client: OperatorsClient<Labelled<Channel>>,
}

impl Operator {
    pub(super) fn of(address: &str) -> Result<Self, Failed> {
        let channel = Channel::owner(address).user_agent("straddle-demo").build()?;
        Ok(Self { client: operators_client(channel) })
    }

    /// Publishes the step from one version to the next; the versions that are new.
    pub(super) async fn publish(&mut self, from: &str, to: &str) -> Result<Vec<String>, Failed> {
        let file = Bundle::of_step(&protocol(), &from.parse()?, &to.parse()?)?.to_bytes();
        let parts: Vec<PublishRequest> =
            file.chunks(PART).map(|part| PublishRequest { part: part.to_vec().into() }).collect();
        Ok(self.client.publish(tokio_stream::iter(parts)).await?.into_inner().added)
    }

    /// Waits until so many nodes are connected and serve.
    pub(super) async fn nodes_serve(&mut self, count: usize) -> Result<(), Failed> {
        let end = Instant::now() + PATIENCE;
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        loop {
            looks.tick().await;
            let nodes = self.nodes().await?;
            if nodes.iter().filter(|node| node.connected && node.serving).count() == count {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(format!("{count} nodes should be connected and serve, and there are {nodes:?}").into());
            }
        }
    }

    pub(super) async fn nodes(&mut self) -> Result<Vec<NodeDescription>, Failed> {
        Ok(self.client.list_nodes(ListNodesRequest::default()).await?.into_inner().nodes)
    }

    pub(super) async fn plan(&mut self, to: &str, schedule: &str) -> Result<PlanResponse, Failed> {
        Ok(self.client.plan(PlanRequest { upgrade: Some(request(to, schedule)) }).await?.into_inner())
    }

    /// Starts an upgrade; its number.
    pub(super) async fn start(&mut self, to: &str, schedule: &str) -> Result<u64, Failed> {
        let status = self.client.start_upgrade(request(to, schedule)).await?.into_inner();
        Ok(status.upgrade.ok_or("an upgrade was started that is none")?.number)
    }

    pub(super) async fn finalize(&mut self, number: u64) -> Result<(), Failed> {
        self.client.finalize_upgrade(FinalizeUpgradeRequest { number }).await?;
        Ok(())
    }

    /// Retires a version and all older ones, or would, when nobody has called them for the guard time.
    pub(super) async fn retire(
        &mut self,
        version: &str,
        guard: Duration,
        dry_run: bool,
    ) -> Result<RetireResponse, Failed> {
        let request = RetireRequest {
            protocol: "inventory".to_owned(),
            version: version.to_owned(),
            guard_microseconds: Some(u64::try_from(guard.as_micros())?),
            force: false,
            dry_run,
            grace_seconds: GRACE.as_secs(),
            told_up_to: 0,
        };
        Ok(self.client.retire(request).await?.into_inner())
    }

    pub(super) async fn status(&mut self, number: u64) -> Result<UpgradeStatus, Failed> {
        let request = ListUpgradesRequest { number, ..ListUpgradesRequest::default() };
        let answer = self.client.list_upgrades(request).await?.into_inner();
        Ok(answer.upgrades.into_iter().next().ok_or("the upgrade is gone")?)
    }

    /// Follows an upgrade until it is as wanted, whatever becomes of the coordinator meanwhile.
    ///
    /// # Errors
    /// When that takes too long, or it comes to an end before.
    pub(super) async fn until(
        &mut self,
        number: u64,
        what: &str,
        mut is: impl FnMut(&UpgradeStatus) -> bool,
    ) -> Result<UpgradeStatus, Failed> {
        let end = Instant::now() + PATIENCE;
        let mut last = None;
        loop {
            let watched = timeout_at(end, self.watch(number, &mut is, &mut last)).await;
            match watched {
                Ok(Ok(Some(status))) => return Ok(status),
                // Ended: what it came to was told before.
                Ok(Ok(None)) => return Err(format!("{what} was due, and the upgrade came to {last:?}").into()),
                Ok(Err(status)) if status.code() == Code::Unavailable => {}
                Ok(Err(status)) => return Err(status.into()),
                Err(_) => return Err(format!("{what} did not come within {PATIENCE:?}: {last:?}").into()),
            }
        }
    }

    async fn watch(
        &mut self,
        number: u64,
        is: &mut impl FnMut(&UpgradeStatus) -> bool,
        last: &mut Option<UpgradeStatus>,
    ) -> Result<Option<UpgradeStatus>, Status> {
        let mut told = self.client.watch_upgrade(WatchUpgradeRequest { number }).await?.into_inner();
        while let Some(status) = told.message().await? {
            if is(&status) {
                return Ok(Some(status));
            }
            *last = Some(status);
        }
        Ok(None)
    }
}

fn request(to: &str, schedule: &str) -> StartUpgradeRequest {
    StartUpgradeRequest {
        protocol: "inventory".to_owned(),
        to: to.to_owned(),
        schedule: schedule.to_owned(),
        on_failed_gate: OnFailedGate::RollBack.into(),
        ..StartUpgradeRequest::default()
    }
}

/// Whether an upgrade is in this state.
pub(super) fn is(state: UpgradeState) -> impl Fn(&UpgradeStatus) -> bool {
    move |status| status.upgrade.as_ref().is_some_and(|upgrade| upgrade.state() == state)
}
