//! What generated servers do between HTTP and the methods of a service.

mod request;
mod response;
mod stream;

use std::fmt;

use http::Request;
use http_body::Body as HttpBody;
use prost::Message;
use tonic::codec::{Codec as _, EnabledCompressionEncodings};
use tonic::server::{ClientStreamingService, ServerStreamingService, StreamingService, UnaryService};
use tonic::{Status, Streaming};

use super::{Body, Codec};

type Response = http::Response<Body>;
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Largest message that is taken where the server sets no limit; tonic's default.
const MAX_DECODING_MESSAGE_SIZE: usize = 4 * 1024 * 1024;

/// Answers gRPC calls (gRPC over HTTP/2, *Requests* and *Responses*) with the methods of a service.
///
/// Generated code calls it in place of [`tonic::server::Grpc`], and callers see the same answers. It differs in
/// what a call costs: a request is read, and a unary answer written, in one buffer of its message's size, and the
/// messages of a stream are gathered in larger ones, even where their source pauses between them. Large buffers are
/// used again; a thread keeps 4 MiB of them at most.
///
/// Fields of type `bytes` are parts of the buffer that their request came in and keep all of it in memory; who stores
/// them for long copies them.
///
/// Calls that are compressed, in either direction, are passed on to tonic's.
pub struct Grpc<T, U> {
    codec: Codec<T, U>,
    accept: EnabledCompressionEncodings,
    send: EnabledCompressionEncodings,
    max_decoding: Option<usize>,
    max_encoding: Option<usize>,
}

impl<T: Message + 'static, U: Message + Default + 'static> Grpc<T, U> {
    /// Answers with `T` and reads `U`.
    #[must_use]
    pub fn new(codec: Codec<T, U>) -> Self {
        let none = EnabledCompressionEncodings::default;
        Self { codec, accept: none(), send: none(), max_decoding: None, max_encoding: None }
    }

    /// Sets how requests may be compressed, and how answers are where the caller takes it.
    #[must_use]
    pub fn apply_compression_config(
        mut self,
        accept: EnabledCompressionEncodings,
        send: EnabledCompressionEncodings,
    ) -> Self {
        (self.accept, self.send) = (accept, send);
        self
    }

    /// Sets the largest message that is read, 4 MiB by default, and the largest that is written, in bytes.
    #[must_use]
    pub fn apply_max_message_size_config(mut self, decoding: Option<usize>, encoding: Option<usize>) -> Self {
        (self.max_decoding, self.max_encoding) = (decoding, encoding);
        self
    }

    /// Answers one message with one.
    pub async fn unary<S, B>(&mut self, mut service: S, request: Request<B>) -> Response
    where
        S: UnaryService<U, Response = T>,
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError> + Send,
    {
        if self.is_compressed(&request) {
            return self.tonic().unary(service, request).await.map(Body::from);
        }
        let answered = match request::read(request, self.max_decoding()).await {
            Ok(request) => service.call(request).await,
            Err(status) => Err(status),
        };
        answered.map_or_else(Status::into_http, |answer| response::one(answer, self.max_encoding()))
    }

    /// Answers one message with a stream.
    pub async fn server_streaming<S, B>(&mut self, mut service: S, request: Request<B>) -> Response
    where
        S: ServerStreamingService<U, Response = T>,
        S::ResponseStream: Send + 'static,
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError> + Send,
    {
        if self.is_compressed(&request) {
            return self.tonic().server_streaming(service, request).await.map(Body::from);
        }
        let answered = match request::read(request, self.max_decoding()).await {
            Ok(request) => service.call(request).await,
            Err(status) => Err(status),
        };
        answered.map_or_else(Status::into_http, |answer| stream::many(answer, self.max_encoding()))
    }

    /// Answers a stream with one message.
    pub async fn client_streaming<S, B>(&mut self, mut service: S, request: Request<B>) -> Response
    where
        S: ClientStreamingService<U, Response = T>,
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError> + Send,
    {
        if self.is_compressed(&request) {
            return self.tonic().client_streaming(service, request).await.map(Body::from);
        }
        let answered = service.call(self.read_stream(request)).await;
        answered.map_or_else(Status::into_http, |answer| response::one(answer, self.max_encoding()))
    }

    /// Answers a stream with a stream.
    pub async fn streaming<S, B>(&mut self, mut service: S, request: Request<B>) -> Response
    where
        S: StreamingService<U, Response = T> + Send,
        S::ResponseStream: Send + 'static,
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError> + Send,
    {
        if self.is_compressed(&request) {
            return self.tonic().streaming(service, request).await.map(Body::from);
        }
        let answered = service.call(self.read_stream(request)).await;
        answered.map_or_else(Status::into_http, |answer| stream::many(answer, self.max_encoding()))
    }

    fn read_stream<B>(&mut self, request: Request<B>) -> tonic::Request<Streaming<U>>
    where
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError> + Send,
    {
        let (decoder, limit) = (self.codec.decoder(), self.max_decoding);
        tonic::Request::from_http(request.map(|body| Streaming::new_request(decoder, body, None, limit)))
    }

    /// Whether messages of the request, or those of the answer, may be compressed.
    fn is_compressed<B>(&self, request: &Request<B>) -> bool {
        let encoding = request.headers().get("grpc-encoding");
        encoding.is_some_and(|encoding| encoding != "identity") || !self.send.is_empty()
    }

    fn tonic(&self) -> tonic::server::Grpc<Codec<T, U>> {
        tonic::server::Grpc::new(self.codec.clone())
            .apply_compression_config(self.accept, self.send)
            .apply_max_message_size_config(self.max_decoding, self.max_encoding)
    }

    fn max_decoding(&self) -> usize {
        self.max_decoding.unwrap_or(MAX_DECODING_MESSAGE_SIZE)
    }

    fn max_encoding(&self) -> usize {
        self.max_encoding.unwrap_or(usize::MAX)
    }
}

impl<T, U> fmt::Debug for Grpc<T, U> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Grpc")
            .field("accept", &self.accept)
            .field("send", &self.send)
            .field("max_decoding", &self.max_decoding)
            .field("max_encoding", &self.max_encoding)
            .finish_non_exhaustive()
    }
}
