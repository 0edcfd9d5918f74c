//! What generated servers do between HTTP and the methods of a service.

mod request;
mod response;
mod stream;

use std::fmt;

use http::Request;
use http_body::Body as HttpBody;
use prost::Message;
use tonic::codec::{Codec as _, EnabledCompressionEncodings, SingleMessageCompressionOverride};
use tonic::server::{ClientStreamingService, ServerStreamingService, StreamingService, UnaryService};
use tonic::{Status, Streaming};

use super::{Body, Codec, ENCODING, Encoding, compressed};

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
/// Requests that are compressed are passed on to tonic's. Answers of 1 KiB and more are compressed where the caller takes
/// it, the server sends it, and the answer does not say otherwise ([`tonic::Response::disable_compression`]); smaller ones
/// stay plain.
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
        let accepted = self.accepted(&request);
        if is_compressed(&request) {
            return compress(self.tonic().unary(service, request).await.map(Body::from), accepted);
        }
        let answered = match request::read(request, self.max_decoding()).await {
            Ok(request) => service.call(request).await,
            Err(status) => Err(status),
        };
        let response = answered.map_or_else(Status::into_http, |answer| response::one(answer, self.max_encoding()));
        compress(response, accepted)
    }

    /// Answers one message with a stream.
    pub async fn server_streaming<S, B>(&mut self, mut service: S, request: Request<B>) -> Response
    where
        S: ServerStreamingService<U, Response = T>,
        S::ResponseStream: Send + 'static,
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError> + Send,
    {
        let accepted = self.accepted(&request);
        if is_compressed(&request) {
            return compress(self.tonic().server_streaming(service, request).await.map(Body::from), accepted);
        }
        let answered = match request::read(request, self.max_decoding()).await {
            Ok(request) => service.call(request).await,
            Err(status) => Err(status),
        };
        let response = answered.map_or_else(Status::into_http, |answer| stream::many(answer, self.max_encoding()));
        compress(response, accepted)
    }

    /// Answers a stream with one message.
    pub async fn client_streaming<S, B>(&mut self, mut service: S, request: Request<B>) -> Response
    where
        S: ClientStreamingService<U, Response = T>,
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError> + Send,
    {
        let accepted = self.accepted(&request);
        if is_compressed(&request) {
            return compress(self.tonic().client_streaming(service, request).await.map(Body::from), accepted);
        }
        let answered = service.call(self.read_stream(request)).await;
        let response = answered.map_or_else(Status::into_http, |answer| response::one(answer, self.max_encoding()));
        compress(response, accepted)
    }

    /// Answers a stream with a stream.
    pub async fn streaming<S, B>(&mut self, mut service: S, request: Request<B>) -> Response
    where
        S: StreamingService<U, Response = T> + Send,
        S::ResponseStream: Send + 'static,
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError> + Send,
    {
        let accepted = self.accepted(&request);
        if is_compressed(&request) {
            return compress(self.tonic().streaming(service, request).await.map(Body::from), accepted);
        }
        let answered = service.call(self.read_stream(request)).await;
        let response = answered.map_or_else(Status::into_http, |answer| stream::many(answer, self.max_encoding()));
        compress(response, accepted)
    }

    fn read_stream<B>(&mut self, request: Request<B>) -> tonic::Request<Streaming<U>>
    where
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError> + Send,
    {
        let (decoder, limit) = (self.codec.decoder(), self.max_decoding);
        tonic::Request::from_http(request.map(|body| Streaming::new_request(decoder, body, None, limit)))
    }

    /// How the answer may be compressed.
    fn accepted<B>(&self, request: &Request<B>) -> Option<Encoding> {
        Encoding::accepted(request.headers(), self.send)
    }

    fn tonic(&self) -> tonic::server::Grpc<Codec<T, U>> {
        tonic::server::Grpc::new(self.codec.clone())
            .apply_compression_config(self.accept, EnabledCompressionEncodings::default())
            .apply_max_message_size_config(self.max_decoding, self.max_encoding)
    }

    fn max_decoding(&self) -> usize {
        self.max_decoding.unwrap_or(MAX_DECODING_MESSAGE_SIZE)
    }

    fn max_encoding(&self) -> usize {
        self.max_encoding.unwrap_or(usize::MAX)
    }
}

/// Whether messages of the request may be compressed.
fn is_compressed<B>(request: &Request<B>) -> bool {
    request.headers().get(&ENCODING).is_some_and(|encoding| encoding != "identity")
}

fn compress(response: Response, accepted: Option<Encoding>) -> Response {
    let wanted = response.extensions().get() != Some(&SingleMessageCompressionOverride::Disable);
    compressed(response, accepted.filter(|_| wanted))
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
