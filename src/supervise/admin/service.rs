//! The methods: what the program does is told to the program, what replaces it is asked of the supervisor.

use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::asker::{Ask, Asked, Asker};
use super::{busy, plan};
use crate::node::admin::wire::move_update::Update;
use crate::node::admin::wire::node_server::Node as Service;
use crate::node::admin::wire::{
    AbortRequest, AbortResponse, DrainRequest, FinalizeRequest, HandOverRequest, LearnRequest, LearnResponse,
    MoveUpdate, NodeStatus, PrepareRequest, PrepareUpdate, ResumeRequest, ResumeResponse, RollbackRequest,
    StatusRequest, SwitchRequest, UpgradeRequest, WatchRequest,
};
use crate::node::admin::{Reason, failure};
use crate::supervise::machine::{Move, Run};
use crate::supervise::release::Releases;
use crate::supervise::view::{Client, View};
use crate::version::Version;

type Stream<T> = ReceiverStream<Result<T, Status>>;

/// Messages that wait for a client.
const WAITING: usize = 4;

#[derive(Clone)]
pub(in crate::supervise) struct Admin {
    view: watch::Receiver<View>,
    ask: mpsc::Sender<Ask>,
    releases: Releases,
    stopping: watch::Receiver<bool>,
}

impl Admin {
    pub(in crate::supervise) fn new(
        view: watch::Receiver<View>,
        ask: mpsc::Sender<Ask>,
        releases: Releases,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self { view, ask, releases, stopping }
    }

    fn view(&self) -> View {
        self.view.borrow().clone()
    }

    /// The program that serves.
    fn client(&self) -> Result<Client, Status> {
        self.view().client.ok_or_else(busy)
    }

    /// What runs, when a move could begin.
    fn idle(&self) -> Result<(View, Run), Status> {
        let view = self.view();
        match &view.at {
            Some(at) if view.idle => {
                let at = at.clone();
                Ok((view, at))
            }
            _ => Err(busy()),
        }
    }

    /// How the node is doing: fresh from its program, where one serves.
    async fn fresh(&self) -> NodeStatus {
        let view = self.view();
        let moving = !view.idle;
        match view.client {
            Some(mut client) if !moving => match client.status(StatusRequest {}).await {
                Ok(status) => self.seen(status.into_inner()),
                Err(_) => view.status,
            },
            _ => view.status,
        }
    }

    /// What a program says, with what the supervisor knows.
    fn seen(&self, status: NodeStatus) -> NodeStatus {
        NodeStatus { program: self.view().status.program, ..status }
    }

    /// Asks the supervisor for a move, and tells of it.
    async fn begin(&self, planned: impl FnOnce() -> Result<Move, Status> + Send + 'static) -> Answer {
        // A large program is read for its digest.
        let moving = spawn_blocking(planned).await.map_err(|error| Status::internal(error.to_string()))??;
        let (asker, listens) = Asker::new();
        if self.ask.send(Ask::Move(moving, asker)).await.is_err() {
            return Err(Status::unavailable("the supervisor stops"));
        }
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(follow(listens, self.view.clone(), self.stopping.clone(), sender));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    /// Passes on what the program tells of something that it does by itself.
    fn pass_on(&self, mut updates: Streaming<MoveUpdate>, finalizes: bool) -> Response<Stream<MoveUpdate>> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let own = self.clone();
        tokio::spawn(async move {
            while let Some(update) = updates.message().await.transpose() {
                let update = update.map(|update| own.with_program(update));
                if finalizes && matches!(&update, Ok(MoveUpdate { update: Some(Update::Done(_)) })) {
                    let _ = own.ask.send(Ask::Finalized).await;
                }
                // Who does not listen any more needs to hear nothing; but what is done has to be known.
                let _ = sender.send(update).await;
            }
        });
        Response::new(ReceiverStream::new(receiver))
    }

    fn with_program(&self, update: MoveUpdate) -> MoveUpdate {
        match update.update {
            Some(Update::Status(status)) => MoveUpdate { update: Some(Update::Status(self.seen(status))) },
            update => MoveUpdate { update },
        }
    }
}

type Answer = Result<Response<Stream<MoveUpdate>>, Status>;

#[tonic::async_trait]
impl Service for Admin {
    type WatchStream = Stream<NodeStatus>;
    type UpgradeStream = Stream<MoveUpdate>;
    type RollbackStream = Stream<MoveUpdate>;
    type FinalizeStream = Stream<MoveUpdate>;
    type DrainStream = Stream<MoveUpdate>;
    type PrepareStream = Stream<PrepareUpdate>;
    type SwitchStream = Stream<MoveUpdate>;
    type HandOverStream = Stream<MoveUpdate>;

    async fn status(&self, _: Request<StatusRequest>) -> Result<Response<NodeStatus>, Status> {
        Ok(Response::new(self.fresh().await))
    }

    async fn watch(&self, _: Request<WatchRequest>) -> Result<Response<Stream<NodeStatus>>, Status> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let (mut view, mut stopping) = (self.view.clone(), self.stopping.clone());
        view.mark_changed();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    biased;
                    () = sender.closed() => return,
                    () = stopped(&mut stopping) => {
                        return drop(sender.send(Err(Status::unavailable("the supervisor stops"))).await);
                    }
                    changed = view.changed() => {
                        if changed.is_err() {
                            return drop(sender.send(Err(Status::unavailable("the supervisor stops"))).await);
                        }
                        let status = view.borrow_and_update().status.clone();
                        if sender.send(Ok(status)).await.is_err() {
                            return;
                        }
                    }
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn learn(&self, request: Request<Streaming<LearnRequest>>) -> Result<Response<LearnResponse>, Status> {
        let mut client = self.client()?;
        let (sender, receiver) = mpsc::channel(WAITING);
        let mut parts = request.into_inner();
        let parts = async move {
            while let Ok(Some(part)) = parts.message().await {
                if sender.send(part).await.is_err() {
                    return;
                }
            }
        };
        let passing = tokio::spawn(parts);
        let learned = client.learn(ReceiverStream::new(receiver)).await;
        passing.abort();
        learned
    }

    async fn upgrade(&self, request: Request<UpgradeRequest>) -> Answer {
        let to = &request.get_ref().to;
        let to: Version = to.parse().map_err(|error| Status::invalid_argument(format!("`to` is {to:?}: {error}")))?;
        let (_, at) = self.idle()?;
        if let Some(why) = self.fresh().await.held {
            let what = format!("the application says \"not now\": {why}");
            return Err(failure(Reason::Held, &what, &[("why", why)]));
        }
        let releases = self.releases.clone();
        self.begin(move || plan::upgrade(&releases, &at, to)).await
    }

    async fn rollback(&self, request: Request<RollbackRequest>) -> Answer {
        let RollbackRequest { dry_run, accept_loss } = *request.get_ref();
        let (view, at) = self.idle()?;
        if dry_run {
            let updates = self.client()?.rollback(request.into_inner()).await?.into_inner();
            return Ok(self.pass_on(updates, false));
        }
        let back = self.fresh().await.back;
        let Ok(to) = back.parse::<Version>() else {
            return Err(failure(
                Reason::NoWay,
                "there is no way back: the last upgrade is final, or there was none",
                &[],
            ));
        };
        let releases = self.releases.clone();
        self.begin(move || plan::rollback(&releases, &at, view.before.as_ref(), to, accept_loss)).await
    }

    async fn finalize(&self, _: Request<FinalizeRequest>) -> Answer {
        self.idle()?;
        let updates = self.client()?.finalize(FinalizeRequest {}).await?.into_inner();
        Ok(self.pass_on(updates, true))
    }

    async fn drain(&self, request: Request<DrainRequest>) -> Answer {
        let updates = self.client()?.drain(request.into_inner()).await?.into_inner();
        Ok(self.pass_on(updates, false))
    }

    async fn resume(&self, request: Request<ResumeRequest>) -> Result<Response<ResumeResponse>, Status> {
        self.client()?.resume(request.into_inner()).await
    }

    async fn prepare(&self, _: Request<PrepareRequest>) -> Result<Response<Stream<PrepareUpdate>>, Status> {
        Err(by_restart("a barrier switches nodes within their programs"))
    }

    async fn switch(&self, _: Request<SwitchRequest>) -> Answer {
        Err(by_restart("a barrier switches nodes within their programs"))
    }

    async fn abort(&self, _: Request<AbortRequest>) -> Result<Response<AbortResponse>, Status> {
        // Nothing was prepared.
        Ok(Response::new(AbortResponse {}))
    }

    async fn hand_over(&self, _: Request<HandOverRequest>) -> Answer {
        Err(by_restart("the supervisor alone tells a program to hand over"))
    }
}

fn by_restart(why: &str) -> Status {
    failure(Reason::NoWay, &format!("this node is upgraded by restarting its program: {why}"), &[])
}

/// Ready once the service stops, or has gone.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// Tells of a move until it ends, whoever listens.
async fn follow(
    mut asked: Asked,
    mut view: watch::Receiver<View>,
    mut stopping: watch::Receiver<bool>,
    sender: mpsc::Sender<Result<MoveUpdate, Status>>,
) {
    view.mark_changed();
    let mut more_comes = true;
    loop {
        tokio::select! {
            biased;
            more = asked.more.recv(), if more_comes => match more {
                Some(more) => drop(sender.send(Ok(more)).await),
                None => more_comes = false,
            },
            end = &mut asked.end => {
                let end = end.unwrap_or_else(|_| Err(Status::unavailable("the supervisor stops; its journal goes on")));
                return drop(sender.send(end.map(|done| MoveUpdate { update: Some(Update::Done(done)) })).await);
            }
            () = sender.closed() => return,
            () = stopped(&mut stopping) => {
                let what = "the supervisor stops; a move that is under way is in its journal, from which it goes on";
                return drop(sender.send(Err(Status::unavailable(what))).await);
            }
            Ok(()) = view.changed() => {
                let status = view.borrow_and_update().status.clone();
                drop(sender.send(Ok(MoveUpdate { update: Some(Update::Status(status)) })).await);
            }
        }
    }
}
