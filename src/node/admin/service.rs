//! The methods of the admin service: each is one call of the node's own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tonic::{Request, Response, Status, Streaming};

use super::follow::{self, Stream};
use super::receive::Bundles;
use super::wire::node_server::Node as Service;
use super::wire::{
    AbortRequest, AbortResponse, DrainRequest, FinalizeRequest, HandOverRequest, LearnRequest, LearnResponse,
    MoveUpdate, NodeStatus, PrepareRequest, PrepareUpdate, ResumeRequest, ResumeResponse, RollbackRequest,
    StatusRequest, SwitchRequest, UpgradeRequest, WatchRequest,
};
use super::{failure, told};
use crate::node::{HandOver, Node, Rollback};
use crate::version::Version;

/// How long a drain waits that does not say, and how long anybody may have the node wait.
const DRAIN: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Clone)]
pub(super) struct Admin {
    node: Node,
    stopping: watch::Receiver<bool>,
    bundles: Bundles,
}

impl Admin {
    pub(super) fn new(node: Node, stopping: watch::Receiver<bool>) -> Self {
        Self { node, stopping, bundles: Bundles::new() }
    }

    /// A file for what is given up; a node without a state says by itself that it has none.
    async fn place_for_lost(&self, wanted: bool) -> Result<Option<PathBuf>, Status> {
        match self.node.life() {
            Ok(life) if wanted => life.place_for_lost().await.map(Some).map_err(|error| failure::of_move(&error)),
            _ => Ok(None),
        }
    }
}

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
        Ok(Response::new(told::status(&self.node)))
    }

    async fn watch(&self, _: Request<WatchRequest>) -> Result<Response<Stream<NodeStatus>>, Status> {
        Ok(Response::new(follow::watch(&self.node, &self.stopping)))
    }

    async fn learn(&self, request: Request<Streaming<LearnRequest>>) -> Result<Response<LearnResponse>, Status> {
        let (file, _place) = self.bundles.receive(request.into_inner()).await?;
        match self.node.learn(file).await {
            Ok(learned) => Ok(Response::new(told::learned(learned))),
            Err(error) => Err(failure::of_learning(&error)),
        }
    }

    async fn upgrade(&self, request: Request<UpgradeRequest>) -> Result<Response<Stream<MoveUpdate>>, Status> {
        let UpgradeRequest { to, release } = request.get_ref();
        if to.is_empty() || !release.is_empty() {
            let what = "the node has no supervisor, which alone knows of releases and replaces a program by another";
            return Err(failure::status(failure::Reason::NoWay, what, &[]));
        }
        let to = version(to)?;
        let node = self.node.clone();
        let directive = async move { node.upgrade(&to).await.map(Some) };
        Ok(Response::new(follow::directive(&self.node, &self.stopping, None, directive)))
    }

    async fn rollback(&self, request: Request<RollbackRequest>) -> Result<Response<Stream<MoveUpdate>>, Status> {
        let RollbackRequest { dry_run, accept_loss } = *request.get_ref();
        // What a dry run would lose is listed.
        let lost = self.place_for_lost(accept_loss && !dry_run).await?;
        let (node, how) = (self.node.clone(), Rollback { dry_run, accept_loss: lost.clone() });
        let directive = async move {
            let file = how.accept_loss.clone();
            let moved = node.rollback(how).await;
            if let Some(file) = file {
                let _ = spawn_blocking(move || remove_empty(&file)).await;
            }
            moved.map(|moved| Some(moved).filter(|_| !dry_run))
        };
        Ok(Response::new(follow::directive(&self.node, &self.stopping, lost, directive)))
    }

    async fn finalize(&self, _: Request<FinalizeRequest>) -> Result<Response<Stream<MoveUpdate>>, Status> {
        let node = self.node.clone();
        let directive = async move { node.finalize().await.map(|()| None) };
        Ok(Response::new(follow::directive(&self.node, &self.stopping, None, directive)))
    }

    async fn drain(&self, request: Request<DrainRequest>) -> Result<Response<Stream<MoveUpdate>>, Status> {
        let wait = match request.get_ref().wait_microseconds {
            0 => DRAIN,
            wait => Duration::from_micros(wait).min(LONGEST),
        };
        Ok(Response::new(follow::drain(&self.node, &self.stopping, wait)))
    }

    async fn resume(&self, _: Request<ResumeRequest>) -> Result<Response<ResumeResponse>, Status> {
        self.node.resume();
        Ok(Response::new(ResumeResponse {}))
    }

    async fn prepare(&self, request: Request<PrepareRequest>) -> Result<Response<Stream<PrepareUpdate>>, Status> {
        let PrepareRequest { to, within_microseconds } = request.get_ref();
        let (to, within) = (version(to)?, Duration::from_micros(*within_microseconds));
        if within.is_zero() || within > LONGEST {
            let what =
                format!("`within_microseconds` is {within_microseconds}: it has to be above 0, and at most a day");
            return Err(Status::invalid_argument(what));
        }
        Ok(Response::new(follow::prepare(&self.node, &self.stopping, &to, within)))
    }

    async fn switch(&self, request: Request<SwitchRequest>) -> Result<Response<Stream<MoveUpdate>>, Status> {
        let (node, name) = (self.node.clone(), request.into_inner().name);
        let directive = async move { node.switch(&name).await.map(Some) };
        Ok(Response::new(follow::directive(&self.node, &self.stopping, None, directive)))
    }

    async fn abort(&self, request: Request<AbortRequest>) -> Result<Response<AbortResponse>, Status> {
        if request.get_ref().name.is_empty() {
            let what = "the node has no supervisor: what its program does by itself goes back by itself, and cannot be given up";
            return Err(failure::status(failure::Reason::NoWay, what, &[]));
        }
        let aborted = self.node.abort(&request.get_ref().name).await;
        aborted.map(|()| Response::new(AbortResponse {})).map_err(|error| failure::of_move(&error))
    }

    async fn hand_over(&self, request: Request<HandOverRequest>) -> Result<Response<Stream<MoveUpdate>>, Status> {
        let HandOverRequest { back, accept_loss } = *request.get_ref();
        let lost = self.place_for_lost(back && accept_loss).await?;
        let (node, how) = (self.node.clone(), HandOver { back, accept_loss: lost.clone() });
        let directive = async move {
            let file = how.accept_loss.clone();
            let moved = node.hand_over(how).await;
            if let Some(file) = file {
                let _ = spawn_blocking(move || remove_empty(&file)).await;
            }
            moved.map(Some)
        };
        // The program ends with it: whoever asked for it is told all the same.
        let (_, never) = watch::channel(false);
        Ok(Response::new(follow::directive(&self.node, &never, lost, directive)))
    }
}

fn version(to: &str) -> Result<Version, Status> {
    to.parse().map_err(|error| Status::invalid_argument(format!("`to` is {to:?}: {error}")))
}

/// Removes the file for what is given up when nothing was; one that cannot be removed does no harm.
pub(in crate::node) fn remove_empty(file: &Path) {
    if std::fs::metadata(file).is_ok_and(|metadata| metadata.len() == 0) {
        let _ = std::fs::remove_file(file);
    }
}
