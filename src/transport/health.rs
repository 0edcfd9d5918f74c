//! Health: what is told to probes and load balancers, over gRPC (`grpc.health.v1`) and HTTP/1.1.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::watch;
use tokio_stream::Stream;
use tokio_stream::wrappers::WatchStream;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// Sets what is told of a node's health; its clones set the same.
///
/// The node as a whole, which `GET /healthz` and the gRPC service name `""` tell of, does not serve until
/// [`set_serving`](Self::set_serving) was called. Named services are unknown until they were set.
#[derive(Clone, Debug)]
pub struct HealthHandle(watch::Sender<Arc<Statuses>>);

#[derive(Clone, Debug, Default)]
struct Statuses {
    serving: bool,
    services: HashMap<String, bool>,
    drained: bool,
    shut_down: bool,
}

impl HealthHandle {
    /// A node that does not serve yet.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(Arc::default()))
    }

    /// The node serves.
    pub fn set_serving(&self) {
        self.update(|statuses| statuses.serving = true);
    }

    /// The node does not serve.
    pub fn set_not_serving(&self) {
        self.update(|statuses| statuses.serving = false);
    }

    /// The service of this full name, as `inventory.v1.Inventory`, serves or does not.
    pub fn set_service(&self, name: &str, serving: bool) {
        self.update(|statuses| {
            statuses.services.insert(name.to_owned(), serving);
        });
    }

    /// The service of this full name is not known any more.
    pub fn remove_service(&self, name: &str) {
        self.update(|statuses| {
            statuses.services.remove(name);
        });
    }

    /// Whether callers should go elsewhere for now: while that is so, neither the node as a whole nor any service of it
    /// serves, whatever was set for them.
    pub fn set_drained(&self, drained: bool) {
        self.update(|statuses| statuses.drained = drained);
    }

    /// Whether the node as a whole serves.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        self.0.borrow().serving()
    }

    /// For good: nothing serves any more, and watching calls end with `UNAVAILABLE`, which would else hold up a
    /// graceful shutdown. A [`Server`](super::Server) does this by itself when its shutdown begins.
    pub fn shut_down(&self) {
        self.update(|statuses| statuses.shut_down = true);
    }

    fn update(&self, change: impl FnOnce(&mut Statuses)) {
        self.0.send_modify(|statuses| change(Arc::make_mut(statuses)));
    }
}

impl Default for HealthHandle {
    fn default() -> Self {
        Self::new()
    }
}

impl Statuses {
    fn serving(&self) -> bool {
        self.serving && self.any()
    }

    /// Whether anything serves.
    fn any(&self) -> bool {
        !self.shut_down && !self.drained
    }

    fn of(&self, service: &str) -> ServingStatus {
        let serving = match service {
            "" => Some(self.serving()),
            _ => self.services.get(service).map(|serving| *serving && self.any()),
        };
        match serving {
            Some(true) => ServingStatus::Serving,
            Some(false) => ServingStatus::NotServing,
            None => ServingStatus::ServiceUnknown,
        }
    }
}

/// `grpc.health.v1.Health` (gRPC Health Checking Protocol). tonic-health's own service answers Watch for an unknown
/// service with an error, where the protocol wants the call to wait for the service.
#[derive(Debug)]
pub(super) struct HealthService(pub(super) HealthHandle);

#[tonic::async_trait]
impl Health for HealthService {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        let service = &request.get_ref().service;
        match self.0.0.borrow().of(service) {
            ServingStatus::ServiceUnknown => Err(Status::not_found(format!("this node tells nothing of `{service}`"))),
            status => Ok(Response::new(response(status))),
        }
    }

    type WatchStream = Watch;

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Watch>, Status> {
        let statuses = WatchStream::new(self.0.0.subscribe());
        Ok(Response::new(Watch { service: request.into_inner().service, statuses, told: None }))
    }
}

/// The status of one service, told now and whenever it changes.
pub(super) struct Watch {
    service: String,
    statuses: WatchStream<Arc<Statuses>>,
    told: Option<ServingStatus>,
}

impl Stream for Watch {
    type Item = Result<HealthCheckResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let statuses = match Pin::new(&mut self.statuses).poll_next(context) {
                Poll::Ready(Some(statuses)) => statuses,
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            };
            let status = statuses.of(&self.service);
            if statuses.shut_down {
                return Poll::Ready(Some(Err(Status::unavailable("the node shuts down; watch another one"))));
            }
            if self.told.replace(status) != Some(status) {
                return Poll::Ready(Some(Ok(response(status))));
            }
        }
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt;

    use super::*;

    fn watch(health: &HealthHandle, service: &str) -> Watch {
        let statuses = WatchStream::new(health.0.subscribe());
        Watch { service: service.to_owned(), statuses, told: None }
    }

    async fn next(watch: &mut Watch) -> Result<i32, tonic::Code> {
        let next = watch.next().await.expect("the stream goes on");
        next.map(|response| response.status).map_err(|status| status.code())
    }

    #[tokio::test]
    async fn a_watched_service_may_be_unknown_at_first_and_tells_changes_only() {
        let health = HealthHandle::new();
        let mut watch = watch(&health, "p.S");
        assert_eq!(next(&mut watch).await, Ok(ServingStatus::ServiceUnknown as i32));
        health.set_serving();
        health.set_service("p.S", true);
        assert_eq!(next(&mut watch).await, Ok(ServingStatus::Serving as i32));
        health.set_not_serving();
        health.remove_service("p.S");
        assert_eq!(next(&mut watch).await, Ok(ServingStatus::ServiceUnknown as i32));
    }

    #[tokio::test]
    async fn nothing_serves_while_it_is_drained_and_what_was_set_meanwhile_counts_afterwards() {
        let health = HealthHandle::new();
        health.set_serving();
        health.set_service("p.S", true);
        let (mut node, mut service) = (watch(&health, ""), watch(&health, "p.S"));
        for watch in [&mut node, &mut service] {
            assert_eq!(next(watch).await, Ok(ServingStatus::Serving as i32));
        }
        health.set_drained(true);
        health.set_serving();
        health.set_service("p.T", true);
        assert!(!health.is_serving());
        for watch in [&mut node, &mut service, &mut self::watch(&health, "p.T")] {
            assert_eq!(next(watch).await, Ok(ServingStatus::NotServing as i32));
        }
        health.set_drained(false);
        assert_eq!(next(&mut node).await, Ok(ServingStatus::Serving as i32));
        assert_eq!(next(&mut self::watch(&health, "p.T")).await, Ok(ServingStatus::Serving as i32));
    }

    #[tokio::test]
    async fn a_shutdown_ends_watching_and_cannot_be_undone() {
        let health = HealthHandle::new();
        health.set_serving();
        let mut watch = watch(&health, "");
        assert_eq!(next(&mut watch).await, Ok(ServingStatus::Serving as i32));
        health.shut_down();
        health.set_serving();
        assert!(!health.is_serving());
        assert_eq!(next(&mut watch).await, Err(tonic::Code::Unavailable));
    }
}
