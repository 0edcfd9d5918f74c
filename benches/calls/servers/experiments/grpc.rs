//! What could stand in generated code in place of `tonic::server::Grpc`: the same calls, done as `whole` does them.

use http::{Request, Response};
use http_body::Body as HttpBody;
use straddle::wire::{Body, Codec};
use tokio::net::TcpListener;
use tonic::Status;
use tonic::codec::EnabledCompressionEncodings;
use tonic::server::{ServerStreamingService, UnaryService};
use tower_service::Service;

use super::generated::echo_server::{Echo, EchoServer};
use super::{Ours, whole};
use crate::candidates::Serving;
use crate::echo::{Message, StreamRequest};
use crate::servers::tonic::Messages;

pub(crate) fn serve(listener: TcpListener) -> Serving {
    let server = EchoServer::new(Ours);
    super::serve(listener, move |request| {
        let mut server = server.clone();
        async move { server.call(request.map(Body::from)).await.unwrap_or_else(|never| match never {}) }
    })
}

#[tonic::async_trait]
impl Echo for Ours {
    type StreamStream = Messages;

    async fn unary(&self, request: tonic::Request<Message>) -> Result<tonic::Response<Message>, Status> {
        crate::echo::straddle::echo_server::Echo::unary(self, request).await
    }

    async fn stream(&self, request: tonic::Request<StreamRequest>) -> Result<tonic::Response<Messages>, Status> {
        crate::echo::straddle::echo_server::Echo::stream(self, request).await
    }
}

pub(crate) struct Grpc<C>(C);

impl<T, U> Grpc<Codec<T, U>>
where
    T: prost::Message + 'static,
    U: prost::Message + Default + 'static,
{
    pub(crate) fn new(codec: Codec<T, U>) -> Self {
        Self(codec)
    }

    pub(crate) fn apply_compression_config(
        self,
        _: EnabledCompressionEncodings,
        _: EnabledCompressionEncodings,
    ) -> Self {
        self
    }

    pub(crate) fn apply_max_message_size_config(self, _: Option<usize>, _: Option<usize>) -> Self {
        self
    }

    pub(crate) async fn unary<S, B>(&mut self, mut service: S, request: Request<B>) -> Response<Body>
    where
        S: UnaryService<U, Response = T>,
        B: HttpBody,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let _ = &self.0;
        let request = match whole::read::<true, U, B>(request).await {
            Ok(request) => request,
            Err(status) => return status.into_http(),
        };
        service.call(request).await.map_or_else(Status::into_http, whole::one::<true, T>)
    }

    pub(crate) async fn server_streaming<S, B>(&mut self, mut service: S, request: Request<B>) -> Response<Body>
    where
        S: ServerStreamingService<U, Response = T>,
        S::ResponseStream: Send + 'static,
        B: HttpBody,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let request = match whole::read::<true, U, B>(request).await {
            Ok(request) => request,
            Err(status) => return status.into_http(),
        };
        let answer = service.call(request).await;
        answer.map_or_else(Status::into_http, |answer| whole::many::<true, { 32 << 10 }, _>(answer.map(Box::pin)))
    }
}
