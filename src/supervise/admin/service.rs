//! The methods: what the program does is told to the program, what replaces it is asked of the supervisor.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_stream::iter;
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
use crate::node::admin::{Bundles, Reason, failure, parts};
use crate::supervise::machine::Run;
use crate::supervise::release::{Next, PassedOver, Releases, Verified};
use crate::supervise::view::{Client, View};
use crate::version::Version;

type Stream<T> = ReceiverStream<Result<T, Status>>;

/// Messages that wait for a client.
const WAITING: usize = 4;
/// How long whoever wants the node to move waits for programs that have nothing to do any more, and are to end.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(in crate::supervise) struct Admin {
    view: watch::Receiver<View>,
    ask: mpsc::Sender<Ask>,
    releases: Releases,
    verified: Verified,
    stopping: watch::Receiver<bool>,
    bundles: Bundles,
}

impl Admin {
    pub(in crate::supervise) fn new(
        view: watch::Receiver<View>,
        ask: mpsc::Sender<Ask>,
        releases: Releases,
        verified: Verified,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self { view, ask, releases, verified, stopping, bundles: Bundles::new() }
    }

    fn view(&self) -> View {
        self.view.borrow().clone()
    }

    /// The program that serves.
    fn client(&self) -> Result<Client, Status> {
        self.view().client.ok_or_else(busy)
    }

    /// What runs, when a move could begin. Whoever was told of the end of a move may ask for the next one at once: programs that
    /// move has left behind end in a moment.
    async fn idle(&self) -> Result<(View, Run), Status> {
        let mut told = self.view.clone();
        let _ = timeout(PATIENCE, told.wait_for(|view| !view.clears)).await;
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
        if !view.idle {
            return view.status;
        }
        let status = match view.client {
            Some(mut client) => match client.status(StatusRequest {}).await {
                Ok(status) => self.seen(status.into_inner()),
                Err(_) => view.status,
            },
            None => view.status,
        };
        self.with_next(status, view.at).await
    }

    /// Where the program itself goes nowhere, another release may; and a newer one may go there better.
    async fn with_next(&self, mut status: NodeStatus, at: Option<Run>) -> NodeStatus {
        let Some(at) = at else { return status };
        let (releases, verified, own) = (self.releases.clone(), self.verified.clone(), status.next.parse().ok());
        let next = spawn_blocking(move || releases.next(&at.release, &at.version, own.as_ref(), &verified)).await;
        let Next { version, release, passed_over } = next.unwrap_or_default();
        let told = |version: Option<Version>| version.map(|version| version.to_string()).unwrap_or_default();
        status.next = told(version);
        if let Some(program) = &mut status.program {
            program.next_release = told(release);
            program.passed_over = passed_over.iter().map(PassedOver::told).collect();
        }
        status
    }

    /// What a program says, with what the supervisor knows.
    fn seen(&self, status: NodeStatus) -> NodeStatus {
        NodeStatus { program: self.view().status.program, ..status }
    }

    /// Asks the supervisor for a move, and tells of it.
    async fn begin(&self, planned: impl FnOnce() -> plan::Planned + Send + 'static) -> Answer {
        // A large program is read for its digest.
        let (moving, passed_over) =
            spawn_blocking(planned).await.map_err(|error| Status::internal(error.to_string()))??;
        let (asker, listens) = Asker::new();
        if self.ask.send(Ask::Move(Box::new(moving), passed_over, asker)).await.is_err() {
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
                    let (known, is_known) = oneshot::channel();
                    if own.ask.send(Ask::Finalized(known)).await.is_ok() {
                        let _ = is_known.await;
                    }
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
        // It is passed on as a whole: one whose sender goes away in the middle is no bundle.
        let (file, _place) = self.bundles.receive(request.into_inner()).await?;
        client.learn(iter(parts(&file.into()))).await
    }

    async fn upgrade(&self, request: Request<UpgradeRequest>) -> Answer {
        let UpgradeRequest { to, release } = request.get_ref();
        let (to, release) = (version("to", to)?, version("release", release)?);
        let (_, at) = self.idle().await?;
        if let Some(why) = self.fresh().await.held {
            let what = format!("the application says \"not now\": {why}");
            return Err(failure(Reason::Held, &what, &[("why", why)]));
        }
        let (releases, verified) = (self.releases.clone(), self.verified.clone());
        self.begin(move || plan::upgrade(&releases, &verified, &at, to, release)).await
    }

    async fn rollback(&self, request: Request<RollbackRequest>) -> Answer {
        let RollbackRequest { dry_run, accept_loss } = *request.get_ref();
        let (view, at) = self.idle().await?;
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
        let (releases, verified) = (self.releases.clone(), self.verified.clone());
        let before = view.before;
        self.begin(move || plan::rollback(&releases, &verified, &at, before.as_ref(), to, accept_loss)).await
    }

    async fn finalize(&self, _: Request<FinalizeRequest>) -> Answer {
        self.idle().await?;
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

    async fn abort(&self, request: Request<AbortRequest>) -> Result<Response<AbortResponse>, Status> {
        if request.get_ref().name.is_empty() {
            let (told, is_told) = oneshot::channel();
            let mut view = self.view.clone();
            if self.ask.send(Ask::Abort(told)).await.is_err() {
                return Err(Status::unavailable("the supervisor stops"));
            }
            if !is_told.await.unwrap_or_default() {
                return Err(failure(Reason::NoWay, "no move is under way that could be given up", &[]));
            }
            // The program before may have much to read when it starts again; whoever waits has seen enough then.
            let _ =
                timeout(PATIENCE, view.wait_for(|view| view.status.under_way.is_none() && view.client.is_some())).await;
        }
        // A preparation there is none.
        Ok(Response::new(AbortResponse {}))
    }

    async fn hand_over(&self, _: Request<HandOverRequest>) -> Answer {
        Err(by_restart("the supervisor alone tells a program to hand over"))
    }
}

/// A version that may be left out.
fn version(name: &str, text: &str) -> Result<Option<Version>, Status> {
    let wrong = |error| Status::invalid_argument(format!("`{name}` is {text:?}: {error}"));
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(wrong) }
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
    let (mut more_comes, mut cut) = (true, None);
    loop {
        tokio::select! {
            biased;
            more = asked.more.recv(), if more_comes => match more {
                Some(Ok(more)) => drop(sender.send(Ok(more)).await),
                Some(Err(why)) => cut = Some(why),
                None => more_comes = false,
            },
            // Whoever is told that it is done has been told all.
            end = &mut asked.end, if !more_comes => {
                let end = end.unwrap_or_else(|_| Err(Status::unavailable("the supervisor stops; its journal goes on")));
                let end = end.and_then(|done| cut.map_or(Ok(done), Err));
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn run() -> Run {
        Run { release: Version::new(2, 0, 0), version: Version::new(2, 0, 0) }
    }

    /// A service, and what it sees.
    fn service() -> (Admin, watch::Sender<View>) {
        let view = View { at: Some(run()), ..View::new(NodeStatus::default()) };
        let view = watch::Sender::new(view);
        let releases = Releases::parse("./releases/{version}/server").expect("a pattern");
        let admin =
            Admin::new(view.subscribe(), mpsc::channel(1).0, releases, Verified::default(), watch::channel(false).1);
        (admin, view)
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_for_a_move_waits_for_programs_that_have_nothing_to_do_any_more() {
        let (admin, view) = service();
        let admin = Arc::new(admin);
        view.send_modify(|view| view.clears = true);
        let asks = tokio::spawn({
            let admin = admin.clone();
            async move { admin.idle().await.map(|(_, at)| at) }
        });
        tokio::time::sleep(PATIENCE / 2).await;
        assert!(!asks.is_finished(), "it is not refused");
        view.send_modify(|view| (view.clears, view.idle) = (false, true));
        assert_eq!(asks.await.expect("an answer").expect("a move could begin"), run());

        view.send_modify(|view| (view.clears, view.idle) = (true, false));
        let busy = admin.idle().await.expect_err("they take too long");
        assert!(busy.message().starts_with("another move"), "{busy}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_for_a_move_during_another_one_is_refused_at_once() {
        let (admin, _view) = service();
        let begun = tokio::time::Instant::now();
        admin.idle().await.expect_err("something else is under way");
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
