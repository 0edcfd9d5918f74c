//! What a node answers beside its protocol.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tonic_health::pb::health_server::HealthServer;
use tower_service::Service;

use super::health::{HealthHandle, HealthService};
use super::reflection::Reflection;
use crate::wire::Body;

const HEALTH: &str = "/grpc.health.v1.Health/";
const REFLECTION: &str = "/grpc.reflection.";

/// Answers health and reflection beside a protocol: calls of `grpc.health.v1` and `grpc.reflection.*` go to these,
/// where they were set, and all others to the wrapped service.
#[derive(Clone, Debug)]
pub struct Beside<S> {
    protocol: S,
    health: Option<HealthServer<HealthService>>,
    reflection: Option<Reflection>,
}

impl<S> Beside<S> {
    /// Passes every call on to `protocol`.
    pub fn new(protocol: S) -> Self {
        Self { protocol, health: None, reflection: None }
    }

    /// Answers `grpc.health.v1.Health` with what the handle's clones set.
    #[must_use]
    pub fn health(mut self, health: &HealthHandle) -> Self {
        self.health = Some(HealthServer::new(HealthService(health.clone())));
        self
    }

    /// Answers `grpc.reflection.v1` and `grpc.reflection.v1alpha`.
    #[must_use]
    pub fn reflection(mut self, reflection: Reflection) -> Self {
        self.reflection = Some(reflection);
        self
    }
}

impl<S> Service<Request<Body>> for Beside<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BesideFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.protocol.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let path = request.uri().path();
        match (&mut self.health, &self.reflection) {
            (Some(health), _) if path.starts_with(HEALTH) => {
                let answer = health.call(request);
                BesideFuture::Beside { answer: Box::pin(async move { Ok(answer.await?.map(Body::from)) }) }
            }
            (_, Some(reflection)) if path.starts_with(REFLECTION) => {
                BesideFuture::Beside { answer: reflection.answer(request) }
            }
            _ => BesideFuture::Protocol { answer: self.protocol.call(request) },
        }
    }
}

/// An answer that does not come from the protocol: rare enough for a box.
pub(super) type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

pin_project! {
    /// The answer of [`Beside`].
    #[project = BesideProjection]
    pub enum BesideFuture<F> {
        #[doc(hidden)]
        Protocol { #[pin] answer: F },
        #[doc(hidden)]
        Beside { answer: Answer },
    }
}

impl<F: Future<Output = Result<Response<Body>, Infallible>>> Future for BesideFuture<F> {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            BesideProjection::Protocol { answer } => answer.poll(context),
            BesideProjection::Beside { answer } => answer.as_mut().poll(context),
        }
    }
}
