//! Nodes, served as users serve them.

use std::io;

use bytes::Bytes;
use straddle::dispatch::Object;
use straddle::node::{Builder, Node};
use straddle::simulation::Adjacent;
use tokio::net::TcpListener;
use tokio_stream::StreamExt;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

use crate::candidates::Serving;
use crate::generated::v2_0_0::echo_client::EchoClient;
use crate::generated::{protocol, v1_0_0 as v1, v2_0_0 as v2};
use crate::rules::{self, v11_0_0 as v11};
use crate::sent::NUMBER;

/// A node that runs 2.0.0 and serves callers of 1.0.0 through a simulation object.
pub(crate) fn newer(listener: TcpListener) -> Serving {
    serve(listener, both().build())
}

pub(super) fn both() -> Builder {
    let current = Object::of(v2::echo_server::EchoServer::new(Newer));
    let past = |adjacent| Object::of(v1::echo_server::EchoServer::new(Past(EchoClient::new(adjacent))));
    Node::builder(protocol()).object("2.0.0", current).past("1.0.0", past)
}

/// A node that runs 1.0.0 and refuses callers of 2.0.0.
pub(crate) fn older(listener: TcpListener) -> Serving {
    let current = Object::of(v1::echo_server::EchoServer::new(Older));
    serve(listener, Node::builder(protocol()).object("1.0.0", current).build())
}

/// A node that runs 11.0.0, with steps that are rules alone.
pub(crate) fn behind_rules(listener: TcpListener) -> Serving {
    serve(listener, eleventh().build())
}

pub(super) fn eleventh() -> Builder {
    let current = Object::of(v11::echo_server::EchoServer::new(Eleventh));
    Node::builder(rules::protocol()).object("11.0.0", current)
}

fn serve(listener: TcpListener, node: Result<Node, straddle::node::BuildError>) -> Serving {
    Box::pin(async move {
        node.map_err(io::Error::other)?.serve(listener, std::future::pending())?.await;
        Ok(())
    })
}

struct Older;

/// Every call is refused before it comes here.
#[tonic::async_trait]
impl v1::echo_server::Echo for Older {}

pub(crate) struct Newer;

#[tonic::async_trait]
impl v2::echo_server::Echo for Newer {
    async fn unary(&self, request: Request<v2::Message>) -> Result<Response<v2::Message>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    async fn stream(&self, request: Request<v2::StreamRequest>) -> Result<Response<BoxStream<v2::Message>>, Status> {
        let v2::StreamRequest { count, size } = request.into_inner();
        let payload = Bytes::from(vec![7; size as usize]);
        let messages = (0..count).map(move |_| Ok(v2::Message { payload: payload.clone() }));
        Ok(Response::new(Box::pin(tokio_stream::iter(messages))))
    }
}

struct Eleventh;

#[tonic::async_trait]
impl v11::echo_server::Echo for Eleventh {
    async fn unary(&self, request: Request<v11::Message>) -> Result<Response<v11::Message>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    async fn stream(&self, request: Request<v11::StreamRequest>) -> Result<Response<BoxStream<v11::Message>>, Status> {
        let v11::StreamRequest { messages, bytes } = request.into_inner();
        let size = usize::try_from(bytes).map_err(|_| Status::invalid_argument("messages of less than no bytes"))?;
        let body = Bytes::from(vec![7; size]);
        let messages = (0..messages).map(move |_| Ok(v11::Message { body: body.clone(), position: NUMBER.into() }));
        Ok(Response::new(Box::pin(tokio_stream::iter(messages))))
    }
}

struct Past(EchoClient<Adjacent>);

#[tonic::async_trait]
impl v1::echo_server::Echo for Past {
    async fn unary(&self, request: Request<v1::Message>) -> Result<Response<v1::Message>, Status> {
        let v1::Message { payload } = request.into_inner();
        let v2::Message { payload } = self.0.clone().unary(v2::Message { payload }).await?.into_inner();
        Ok(Response::new(v1::Message { payload }))
    }

    async fn stream(&self, request: Request<v1::StreamRequest>) -> Result<Response<BoxStream<v1::Message>>, Status> {
        let v1::StreamRequest { count, size } = request.into_inner();
        let messages = self.0.clone().stream(v2::StreamRequest { count, size }).await?.into_inner();
        let messages = messages.map(|message| message.map(|v2::Message { payload }| v1::Message { payload }));
        Ok(Response::new(Box::pin(messages)))
    }
}
