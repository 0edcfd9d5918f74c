//! Generated servers right behind hyper, without a transport, a router or a node: what these add shows beside them.

use std::convert::Infallible;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use straddle::wire::Body;
use tokio::net::TcpListener;
use tonic::Status;
use tower_service::Service;

use super::straddle::Newer;
use super::tonic::{Messages, messages};
use crate::candidates::Serving;
use crate::echo::straddle::echo_server::{Echo, EchoServer};
use crate::echo::{Message, StreamRequest};
use crate::generated::v2_0_0 as v2;

/// As tonic generates it, with Straddle's codec.
pub(crate) fn tonic(listener: TcpListener) -> Serving {
    behind_hyper(listener, EchoServer::new(Ours))
}

/// As Straddle generates it.
pub(crate) fn wire(listener: TcpListener) -> Serving {
    behind_hyper(listener, v2::echo_server::EchoServer::new(Newer))
}

fn behind_hyper<S, B>(listener: TcpListener, server: S) -> Serving
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Into<Body>,
{
    Box::pin(super::accept(listener, move |stream| {
        let server = server.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let answer = server.clone().call(request.map(Body::from));
            async move { answer.await.map(|answer| answer.map(Into::into)) }
        });
        let connection = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connection);
    }))
}

struct Ours;

#[tonic::async_trait]
impl Echo for Ours {
    type StreamStream = Messages;

    async fn unary(&self, request: tonic::Request<Message>) -> Result<tonic::Response<Message>, Status> {
        Ok(tonic::Response::new(request.into_inner()))
    }

    async fn stream(&self, request: tonic::Request<StreamRequest>) -> Result<tonic::Response<Messages>, Status> {
        Ok(tonic::Response::new(messages(request.into_inner())))
    }
}
