//! From hyper's view of a call to ours.

use std::any::Any;
use std::cell::RefCell;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use http::{Request, Response};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tonic::Status;
use tower_service::Service;

use super::connection::Settings;
use crate::wire::{Body, NotBegun, Peer};

/// Where a request came from; in the extensions of each request that a [`Server`](super::Server) passes on, when it was
/// asked to by [`Server::peer_addresses`](super::Server::peer_addresses).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerAddress(pub SocketAddr);

/// The calls of one HTTP/2 connection, each handed to the served service.
pub(super) struct Calls<S> {
    /// hyper calls through `&self`, but always from the one task that drives the connection: borrowing here saves each
    /// call a clone of the service.
    service: RefCell<S>,
    peer: Peer,
    /// Where it is asked for.
    peer_address: Option<PeerAddress>,
    max_message_size: u32,
}

impl<S> Calls<S> {
    pub(super) fn new(service: S, peer: SocketAddr, settings: &Settings) -> Self {
        Self {
            service: RefCell::new(service),
            peer: Peer::new(peer.ip()),
            peer_address: settings.peer_addresses.then_some(PeerAddress(peer)),
            max_message_size: settings.limits.max_message_size,
        }
    }
}

impl<S> hyper::service::Service<Request<Incoming>> for Calls<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = h2::Error;
    type Future = Call<S::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let mut request = request.map(|body| Body::limited(body, self.max_message_size).with_peer(self.peer.clone()));
        if let Some(peer) = self.peer_address {
            request.extensions_mut().insert(peer);
        }
        let called = catch_unwind(AssertUnwindSafe(|| {
            let mut service = self.service.borrow_mut();
            match service.poll_ready(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(Ok(())) => Call::Running { call: service.call(request) },
                Poll::Ready(Err(never)) => match never {},
                Poll::Pending => Call::Waiting { call: Box::pin(call_when_ready(service.clone(), request)) },
            }
        }));
        called.unwrap_or_else(|panic| Call::Panicked { response: Some(panicked(&*panic)) })
    }
}

async fn call_when_ready<S>(mut service: S, request: Request<Body>) -> Result<Response<Body>, Infallible>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    poll_fn(|context| service.poll_ready(context)).await?;
    service.call(request).await
}

type Waiting = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

pin_project! {
    /// One call, whose panic is its own.
    #[project = CallProjection]
    pub(super) enum Call<F> {
        Running { #[pin] call: F },
        // The service was not ready at once.
        Waiting { call: Waiting },
        Panicked { response: Option<Response<Body>> },
    }
}

impl<F: Future<Output = Result<Response<Body>, Infallible>>> Future for Call<F> {
    /// hyper resets the stream with an error that is h2's.
    type Output = Result<Response<Body>, h2::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = catch_unwind(AssertUnwindSafe(|| match self.project() {
            CallProjection::Running { call } => call.poll(context),
            CallProjection::Waiting { call } => call.as_mut().poll(context),
            CallProjection::Panicked { response } => {
                Poll::Ready(Ok(response.take().unwrap_or_else(|| panicked(&"polled again"))))
            }
        }));
        // hyper drops the call as soon as it has its response: what panicked is not polled again.
        let Ok(response) = ready!(polled.unwrap_or_else(|panic| Poll::Ready(Ok(panicked(&*panic)))));
        Poll::Ready(if NotBegun::marks(&response) { Err(h2::Reason::REFUSED_STREAM.into()) } else { Ok(response) })
    }
}

#[cold]
fn panicked(panic: &(dyn Any + Send)) -> Response<Body> {
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    tracing::error!(panic = message, "a call panicked");
    Status::internal("the node panicked while it answered this call, which may have run; its log says more").into_http()
}
