//! A service that does what its messages say, and both ways to serve it.

use std::pin::Pin;

use bytes::{BufMut, Bytes};
use http::HeaderMap;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use straddle::wire::{Body, Codec};
use tokio_stream::{Stream, StreamExt};
use tonic::codec::{CompressionEncoding, EnabledCompressionEncodings};
use tonic::metadata::{KeyAndValueRef, MetadataMap, MetadataValue};
use tonic::server::{ClientStreamingService, ServerStreamingService, StreamingService, UnaryService};
use tonic::{Code, Request, Response, Status, Streaming};

type Answer<T> = Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send>>;
type Texts = Pin<Box<dyn Stream<Item = Result<String, Status>> + Send>>;

/// What went into a response's extensions has to come out.
#[derive(Clone, Debug, PartialEq)]
struct Extension(&'static str);

#[derive(Clone)]
struct Told;

fn answer(metadata: &MetadataMap, text: &str) -> Result<Response<String>, Status> {
    let (word, number) = text.split_once(' ').unwrap_or((text, "0"));
    match word {
        "fail" => {
            let mut metadata = MetadataMap::new();
            metadata.insert("x-why", MetadataValue::from_static("because"));
            metadata.insert("content-type", MetadataValue::from_static("text/plain"));
            let details = Bytes::from_static(b"\x01\x02\xff");
            Err(Status::with_details_and_metadata(Code::NotFound, "not here: 100 % sure\nä", details, metadata))
        }
        "long" => Ok(Response::new("x".repeat(number.parse().unwrap()))),
        "metadata" => {
            let told = metadata.iter().filter_map(|entry| match entry {
                KeyAndValueRef::Ascii(name, value) => Some(format!("{name}={} ", value.to_str().unwrap())),
                KeyAndValueRef::Binary(..) => None,
            });
            Ok(Response::new(told.collect()))
        }
        "reserved" => {
            let mut response = Response::new(text.to_owned());
            for name in
                ["te", "content-type", "grpc-message", "grpc-message-type", "grpc-status", "grpc-encoding", "x-mine"]
            {
                response.metadata_mut().append(name, MetadataValue::from_static("mine"));
                response.metadata_mut().append(name, MetadataValue::from_static("too"));
            }
            response.extensions_mut().insert(Extension("kept"));
            Ok(response)
        }
        _ => Ok(Response::new(text.to_owned())),
    }
}

impl UnaryService<String> for Told {
    type Response = String;
    type Future = Answer<String>;

    fn call(&mut self, request: Request<String>) -> Self::Future {
        Box::pin(async move { answer(request.metadata(), request.get_ref()) })
    }
}

impl ServerStreamingService<String> for Told {
    type Response = String;
    type ResponseStream = Texts;
    type Future = Answer<Texts>;

    fn call(&mut self, request: Request<String>) -> Self::Future {
        Box::pin(async move {
            let text = request.get_ref();
            let messages = match text.split_once(' ') {
                Some(("count", number)) => {
                    (0..number.parse().unwrap()).map(|number: usize| Ok(number.to_string())).collect()
                }
                Some(("count-and-fail", number)) => {
                    let counted = (0..number.parse().unwrap()).map(|number: usize| Ok(number.to_string()));
                    counted.chain([Err(Status::data_loss("that was all"))]).collect()
                }
                Some(("grow", sizes)) => {
                    sizes.split(' ').map(|size| Ok("x".repeat(size.parse().unwrap()))).collect::<Vec<_>>()
                }
                _ => {
                    return answer(request.metadata(), text)
                        .map(|answer| answer.map(|text| Box::pin(tokio_stream::once(Ok(text))) as Texts));
                }
            };
            Ok(Response::new(Box::pin(tokio_stream::iter(messages)) as Texts))
        })
    }
}

impl ClientStreamingService<String> for Told {
    type Response = String;
    type Future = Answer<String>;

    fn call(&mut self, request: Request<Streaming<String>>) -> Self::Future {
        Box::pin(async move {
            let (metadata, _, mut messages) = request.into_parts();
            let mut last = String::new();
            while let Some(message) = messages.message().await? {
                last = message;
            }
            answer(&metadata, &last)
        })
    }
}

impl StreamingService<String> for Told {
    type Response = String;
    type ResponseStream = Texts;
    type Future = Answer<Texts>;

    fn call(&mut self, request: Request<Streaming<String>>) -> Self::Future {
        Box::pin(async move {
            let (metadata, _, messages) = request.into_parts();
            let texts = messages.map(move |text| answer(&metadata, &text?).map(Response::into_inner));
            Ok(Response::new(Box::pin(texts) as Texts))
        })
    }
}

/// The four kinds of methods.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Unary,
    ServerStreaming,
    ClientStreaming,
    Streaming,
}

pub(crate) const KINDS: [Kind; 4] = [Kind::Unary, Kind::ServerStreaming, Kind::ClientStreaming, Kind::Streaming];

/// How a server is set up.
#[derive(Clone, Copy, Default)]
pub(crate) struct Config {
    pub(crate) max_decoding: Option<usize>,
    pub(crate) max_encoding: Option<usize>,
    pub(crate) compressed: bool,
}

/// A call: what its headers and the frames of its body are.
#[derive(Clone, Default)]
pub(crate) struct Call {
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) frames: Vec<Result<Bytes, Status>>,
    pub(crate) trailers: Option<Vec<(&'static str, &'static str)>>,
}

impl Call {
    pub(crate) fn of(frames: impl IntoIterator<Item = impl Into<Bytes>>) -> Self {
        Self { frames: frames.into_iter().map(|frame| Ok(frame.into())).collect(), ..Self::default() }
    }

    fn request(self) -> http::Request<Body> {
        let mut request = http::Request::post("/told.Told/Told");
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let map = |trailers: Vec<(&'static str, &'static str)>| {
            let named = |(name, value): (&str, &str)| {
                (http::HeaderName::try_from(name).unwrap(), http::HeaderValue::try_from(value).unwrap())
            };
            trailers.into_iter().map(named).collect::<HeaderMap>()
        };
        let trailers = self.trailers.map(|trailers| Ok(Frame::trailers(map(trailers))));
        let frames: Vec<_> = self.frames.into_iter().map(|frame| frame.map(Frame::data)).chain(trailers).collect();
        request.body(Body::new(StreamBody::new(tokio_stream::iter(frames)))).unwrap()
    }
}

/// All that a caller can see.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) http_status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) data: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
    pub(crate) error: Option<String>,
    extension: Option<Extension>,
}

impl Seen {
    /// The call's status, from its trailers or from its only headers.
    pub(crate) fn status(&self) -> Status {
        let headers = self.trailers.as_ref().unwrap_or(&self.headers);
        Status::from_header_map(headers).unwrap_or_else(|| panic!("no status: {self:?}"))
    }
}

/// A text as it stands on the wire.
pub(crate) fn message(text: &str) -> Vec<u8> {
    let encoded = prost::Message::encode_to_vec(&text.to_owned());
    let mut message = vec![0];
    message.put_u32(u32::try_from(encoded.len()).unwrap());
    [message, encoded].concat()
}

/// Makes a function that sends a call to a server made with `$grpc`.
macro_rules! server {
    ($name:ident, $grpc:path) => {
        pub(crate) async fn $name(kind: Kind, config: Config, call: Call) -> Seen {
            let mut encodings = EnabledCompressionEncodings::default();
            if config.compressed {
                encodings.enable(CompressionEncoding::Gzip);
            }
            let mut grpc = <$grpc>::new(Codec::<String, String>::default())
                .apply_compression_config(encodings, encodings)
                .apply_max_message_size_config(config.max_decoding, config.max_encoding);
            let request = call.request();
            match kind {
                Kind::Unary => seen(grpc.unary(Told, request).await.map(Body::from)).await,
                Kind::ServerStreaming => seen(grpc.server_streaming(Told, request).await.map(Body::from)).await,
                Kind::ClientStreaming => seen(grpc.client_streaming(Told, request).await.map(Body::from)).await,
                Kind::Streaming => seen(grpc.streaming(Told, request).await.map(Body::from)).await,
            }
        }
    };
}

server!(ours, straddle::wire::Grpc::<_, _>);
server!(tonics, tonic::server::Grpc::<_>);

async fn seen(response: http::Response<Body>) -> Seen {
    assert_eq!(
        response.version(),
        if response.headers().contains_key("grpc-status") { http::Version::HTTP_11 } else { http::Version::HTTP_2 }
    );
    let extension = response.extensions().get().cloned();
    let (parts, mut body) = response.into_parts();
    let (mut data, mut trailers, mut error) = (Vec::new(), None, None);
    // hyper reads a body up to its trailers.
    while trailers.is_none()
        && error.is_none()
        && let Some(frame) = body.frame().await
    {
        match frame.map(Frame::into_data) {
            Ok(Ok(bytes)) => data.extend_from_slice(&bytes),
            Ok(Err(frame)) => trailers = frame.into_trailers().ok(),
            Err(status) => error = Some(status.to_string()),
        }
    }
    let http_status = parts.status.as_u16();
    Seen { http_status, headers: parts.headers, data: data.into(), trailers, error, extension }
}
