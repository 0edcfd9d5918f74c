//! What operators ask.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, Streaming};

use super::publish::Publishing;
use super::{caller, events, failure};
use crate::control::v1_0_0::operators_server::Operators;
use crate::control::v1_0_0::{
    AnnounceRequest, ChangeLimitsRequest, Event, EventsRequest, FinalizeUpgradeRequest, ForgetNodeRequest,
    ForgetNodeResponse, LetGoRequest, ListCallersRequest, ListCallersResponse, ListNodesRequest, ListNodesResponse,
    ListUpgradesRequest, ListUpgradesResponse, ListVersionsRequest, ListVersionsResponse, PauseUpgradeRequest,
    PlanRequest, PlanResponse, PublishRequest, PublishResponse, ResumeUpgradeRequest, RetireRequest, RetireResponse,
    RollBackUpgradeRequest, StartUpgradeRequest, StoredRetiring, StoredUpgrade, UnretireRequest, UpgradeState,
    UpgradeStatus, WatchUpgradeRequest,
};
use crate::coordinator::core::{Answer, Ask, Which};
use crate::coordinator::database::Database;
use crate::coordinator::handle::Handle;

pub(super) struct OperatorsService {
    pub(super) handle: Handle,
    pub(super) database: Arc<dyn Database>,
    pub(super) publishing: Publishing,
    pub(super) stop: watch::Receiver<bool>,
}

impl OperatorsService {
    /// Refuses what is asked about something that is not there: an empty answer would look as if all were well.
    async fn expect(&self, protocol: &str, upgrade: u64, node: &str) -> Result<(), Status> {
        let (protocol, node) = (protocol.to_owned(), node.to_owned());
        let has = self.handle.read(move |core, _| core.has(&protocol, upgrade, &node)).await?;
        has.map_err(|denied| failure::denied(&denied))
    }

    /// Has changed what is retired and announced, and tells what is now.
    async fn retiring(&self, who: String, ask: Ask) -> Result<Response<StoredRetiring>, Status> {
        match self.handle.ask(who, ask).await? {
            Answer::Retiring(stored) => Ok(Response::new(stored)),
            other => Err(Status::internal(format!("what is retired was asked for, and {other:?} came"))),
        }
    }

    /// Has an upgrade changed, and tells how it is doing then.
    async fn change(&self, who: String, ask: Ask) -> Result<Response<UpgradeStatus>, Status> {
        match self.handle.ask(who, ask).await? {
            Answer::Upgrade(status) => Ok(Response::new(*status)),
            other => Err(Status::internal(format!("an upgrade was asked for, and {other:?} came"))),
        }
    }
}

#[tonic::async_trait]
impl Operators for OperatorsService {
    async fn publish(&self, request: Request<Streaming<PublishRequest>>) -> Result<Response<PublishResponse>, Status> {
        let who = caller(&request);
        self.publishing.publish(&self.handle, who, request.into_inner()).await.map(Response::new)
    }

    async fn list_versions(
        &self,
        request: Request<ListVersionsRequest>,
    ) -> Result<Response<ListVersionsResponse>, Status> {
        let protocol = request.into_inner().protocol;
        self.expect(&protocol, 0, "").await?;
        self.handle.read(move |core, _| core.versions(named(&protocol))).await.map(Response::new)
    }

    async fn plan(&self, request: Request<PlanRequest>) -> Result<Response<PlanResponse>, Status> {
        let upgrade = request.into_inner().upgrade.unwrap_or_default();
        let plan = self.handle.read(move |core, now| core.plan(&upgrade, now)).await?;
        plan.map(Response::new).map_err(|denied| failure::denied(&denied))
    }

    async fn start_upgrade(&self, request: Request<StartUpgradeRequest>) -> Result<Response<UpgradeStatus>, Status> {
        self.change(caller(&request), Ask::Start(request.into_inner())).await
    }

    async fn list_upgrades(
        &self,
        request: Request<ListUpgradesRequest>,
    ) -> Result<Response<ListUpgradesResponse>, Status> {
        let ListUpgradesRequest { protocol, number, all } = request.into_inner();
        self.expect(&protocol, number, "").await?;
        let upgrades = self.handle.read(move |core, now| match (number, all) {
            (0, false) => core.upgrades(Which::Last(named(&protocol)), now),
            (0, true) => core.upgrades(Which::All(named(&protocol)), now),
            (number, _) => core.upgrades(Which::Number(number), now),
        });
        upgrades.await.map(|upgrades| Response::new(ListUpgradesResponse { upgrades }))
    }

    async fn watch_upgrade(
        &self,
        request: Request<WatchUpgradeRequest>,
    ) -> Result<Response<BoxStream<UpgradeStatus>>, Status> {
        let watched = self.handle.watch(request.get_ref().number).await?;
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(tell(watched, sender));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn pause_upgrade(&self, request: Request<PauseUpgradeRequest>) -> Result<Response<UpgradeStatus>, Status> {
        self.change(caller(&request), Ask::Pause(request.into_inner())).await
    }

    async fn resume_upgrade(&self, request: Request<ResumeUpgradeRequest>) -> Result<Response<UpgradeStatus>, Status> {
        self.change(caller(&request), Ask::Resume(request.into_inner())).await
    }

    async fn roll_back_upgrade(
        &self,
        request: Request<RollBackUpgradeRequest>,
    ) -> Result<Response<UpgradeStatus>, Status> {
        self.change(caller(&request), Ask::RollBack(request.into_inner())).await
    }

    async fn finalize_upgrade(
        &self,
        request: Request<FinalizeUpgradeRequest>,
    ) -> Result<Response<UpgradeStatus>, Status> {
        self.change(caller(&request), Ask::Finalize(request.into_inner())).await
    }

    async fn change_limits(&self, request: Request<ChangeLimitsRequest>) -> Result<Response<UpgradeStatus>, Status> {
        self.change(caller(&request), Ask::ChangeLimits(request.into_inner())).await
    }

    async fn let_go(&self, request: Request<LetGoRequest>) -> Result<Response<UpgradeStatus>, Status> {
        self.change(caller(&request), Ask::LetGo(request.into_inner())).await
    }

    async fn list_nodes(&self, request: Request<ListNodesRequest>) -> Result<Response<ListNodesResponse>, Status> {
        let request = request.into_inner();
        self.expect(&request.protocol, 0, &request.node).await?;
        self.handle.read(move |core, now| core.nodes(&request, now)).await.map(Response::new)
    }

    async fn list_callers(
        &self,
        request: Request<ListCallersRequest>,
    ) -> Result<Response<ListCallersResponse>, Status> {
        let request = request.into_inner();
        let callers = self.handle.read(move |core, now| core.callers(&request, now)).await?;
        callers.map(Response::new).map_err(|denied| failure::denied(&denied))
    }

    async fn retire(&self, request: Request<RetireRequest>) -> Result<Response<RetireResponse>, Status> {
        match self.handle.ask(caller(&request), Ask::Retire(request.into_inner())).await? {
            Answer::Retired(response) => Ok(Response::new(*response)),
            other => Err(Status::internal(format!("whether a version is retired was asked for, and {other:?} came"))),
        }
    }

    async fn unretire(&self, request: Request<UnretireRequest>) -> Result<Response<StoredRetiring>, Status> {
        self.retiring(caller(&request), Ask::Unretire(request.into_inner())).await
    }

    async fn announce(&self, request: Request<AnnounceRequest>) -> Result<Response<StoredRetiring>, Status> {
        self.retiring(caller(&request), Ask::Announce(request.into_inner())).await
    }

    async fn forget_node(&self, request: Request<ForgetNodeRequest>) -> Result<Response<ForgetNodeResponse>, Status> {
        self.handle.ask(caller(&request), Ask::Forget(request.into_inner())).await?;
        Ok(Response::new(ForgetNodeResponse {}))
    }

    async fn events(&self, request: Request<EventsRequest>) -> Result<Response<BoxStream<Event>>, Status> {
        let request = request.into_inner();
        // Who does not lead may not know of the newest.
        self.expect(&request.protocol, request.upgrade, &request.node).await?;
        let (newest, stop) = (self.handle.events(), self.stop.clone());
        let events = events::tell(self.database.clone(), request, newest, stop);
        Ok(Response::new(Box::pin(events)))
    }
}

/// Tells the newest state as often as it is taken, until the upgrade is over.
async fn tell(mut watched: watch::Receiver<Arc<UpgradeStatus>>, sender: mpsc::Sender<Result<UpgradeStatus, Status>>) {
    loop {
        let status = watched.borrow_and_update().clone();
        let over = is_over(&status);
        if sender.send(Ok((*status).clone())).await.is_err() || over {
            return;
        }
        let changed = tokio::select! {
            changed = watched.changed() => changed,
            () = sender.closed() => return,
        };
        if changed.is_err() {
            // Who has gone needs no end.
            return drop(sender.send(Err(failure::stopping())).await);
        }
    }
}

/// Whether nothing can change any more.
fn is_over(status: &UpgradeStatus) -> bool {
    let state = status.upgrade.as_ref().map(StoredUpgrade::state);
    matches!(state, Some(UpgradeState::RolledBack | UpgradeState::Finalized))
}

fn named(protocol: &str) -> Option<&str> {
    Some(protocol).filter(|protocol| !protocol.is_empty())
}
