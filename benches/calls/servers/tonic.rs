//! Plain tonic: its transport, its router, its codec, its defaults, without Nagle's delay.

use std::io;

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio_stream::Stream;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::candidates::Serving;
use crate::echo::plain::echo_server::{Echo, EchoServer};
use crate::echo::{Message, StreamRequest};

pub(crate) fn serve(listener: TcpListener) -> Serving {
    Box::pin(async {
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let server = Server::builder().add_service(EchoServer::new(Plain));
        server.serve_with_incoming(incoming).await.map_err(io::Error::other)
    })
}

struct Plain;

#[tonic::async_trait]
impl Echo for Plain {
    type StreamStream = Messages;

    async fn unary(&self, request: Request<Message>) -> Result<Response<Message>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    async fn stream(&self, request: Request<StreamRequest>) -> Result<Response<Messages>, Status> {
        Ok(Response::new(messages(request.into_inner())))
    }
}

pub(crate) type Messages = std::pin::Pin<Box<dyn Stream<Item = Result<Message, Status>> + Send>>;

/// What the method `Stream` answers; all its candidates answer with the same stream, boxed as most implementations do.
pub(crate) fn messages(asked: StreamRequest) -> Messages {
    let payload = Bytes::from(vec![7; asked.size as usize]);
    Box::pin(tokio_stream::iter((0..asked.count).map(move |_| Ok(Message { payload: payload.clone() }))))
}
