//! Ways to spend less than tonic's generated servers do, measured before one is chosen.

pub(crate) mod coalesce;
pub(crate) mod direct;
pub(crate) mod gather;
#[rustfmt::skip]
#[allow(clippy::all, clippy::pedantic, unreachable_pub, dead_code, unused_imports, reason = "generated")]
mod generated;
pub(crate) mod grpc;
mod pool;
pub(crate) mod whole;

use std::convert::Infallible;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use straddle::wire::Body;
use tokio::net::TcpListener;
use tonic::Status;

use super::tonic::{Messages, messages};
use crate::candidates::Serving;
use crate::echo::straddle::echo_server::Echo;
use crate::echo::{Message, StreamRequest};

/// hyper's HTTP/2 server around a function.
fn serve<F, A>(listener: TcpListener, answer: F) -> Serving
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Response<Body>> + Send + 'static,
{
    Box::pin(super::accept(listener, move |stream| {
        let answer = answer.clone();
        let service = service_fn(move |request| {
            let answer = answer(request);
            async move { Ok::<_, Infallible>(answer.await) }
        });
        let connection = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connection);
    }))
}

#[derive(Clone)]
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
