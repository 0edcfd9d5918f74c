//! The methods of the admin service: each is one call of the node's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use tokio::task::spawn_blocking;
use tonic::{Request, Response, Status, Streaming};

use super::follow::{self, Stream};
use super::wire::node_server::Node as Service;
use super::wire::{
    AbortRequest, AbortResponse, DrainRequest, FinalizeRequest, HandOverRequest, LearnRequest, LearnResponse,
    MoveUpdate, NodeStatus, PrepareRequest, PrepareUpdate, ResumeRequest, ResumeResponse, RollbackRequest,
    StatusRequest, SwitchRequest, UpgradeRequest, WatchRequest,
};
use super::{failure, receive, told};
use crate::node::{HandOver, Node, Rollback};
use crate::version::Version;

/// Bundles that are received at once: each takes as much memory as it is large, and more while it is read.
const BUNDLES: usize = 2;

#[derive(Clone)]
pub(super) struct Admin {
    node: Node,
    stopping: watch::Receiver<bool>,
    bundles: Arc<Semaphore>,
}

impl Admin {
    pub(super) fn new(node: Node, stopping: watch::Receiver<bool>) -> Self {
        Self { node, stopping, bundles: Arc::new(Semaphore::new(BUNDLES)) }
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
        Ok(Response::new(told::status(&self.node.status())))
    }

    async fn watch(&self, _: Request<WatchRequest>) -> Result<Response<Stream<NodeStatus>>, Status> {
        Ok(Response::new(follow::watch(&self.node, &self.stopping)))
    }

    async fn learn(&self, request: Request<Streaming<LearnRequest>>) -> Result<Response<LearnResponse>, Status> {
        let Ok(_place) = self.bundles.try_acquire() else {
            return Err(Status::resource_exhausted(format!(
                "{BUNDLES} bundles are on their way already; send this later"
            )));
        };
        let file = receive::file(request.into_inner()).await?;
        match self.node.learn(file).await {
            Ok(learned) => Ok(Response::new(told::learned(learned))),
            Err(error) => Err(failure::of_learning(&error)),
        }
    }

    async fn upgrade(&self, request: Request<UpgradeRequest>) -> Result<Response<Stream<MoveUpdate>>, Status> {
        let to = &request.get_ref().to;
        let to: Version = to.parse().map_err(|error| Status::invalid_argument(format!("`to` is {to:?}: {error}")))?;
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

    async fn drain(&self, _: Request<DrainRequest>) -> Result<Response<Stream<MoveUpdate>>, Status> {
        Err(Status::unimplemented("drain"))
    }

    async fn resume(&self, _: Request<ResumeRequest>) -> Result<Response<ResumeResponse>, Status> {
        Err(Status::unimplemented("resume"))
    }

    async fn prepare(&self, _: Request<PrepareRequest>) -> Result<Response<Stream<PrepareUpdate>>, Status> {
        Err(Status::unimplemented("prepare"))
    }

    async fn switch(&self, _: Request<SwitchRequest>) -> Result<Response<Stream<MoveUpdate>>, Status> {
        Err(Status::unimplemented("switch"))
    }

    async fn abort(&self, _: Request<AbortRequest>) -> Result<Response<AbortResponse>, Status> {
        Err(Status::unimplemented("abort"))
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
            moved
        };
        // The program ends with it: whoever asked for it is told all the same.
        let (_, never) = watch::channel(false);
        Ok(Response::new(follow::directive(&self.node, &never, lost, directive)))
    }
}

/// Removes the file for what is given up when nothing was; one that cannot be removed does no harm.
fn remove_empty(file: &Path) {
    if std::fs::metadata(file).is_ok_and(|metadata| metadata.len() == 0) {
        let _ = std::fs::remove_file(file);
    }
}
