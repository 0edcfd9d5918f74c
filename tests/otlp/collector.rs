//! A collector of one's own: what OTLP is on the wire is written down here once more, beside the crate that exports.

use std::convert::Infallible;
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use prost::Message;
use tokio::net::TcpListener;
use tonic::codec::CompressionEncoding;
use tonic::server::{Grpc, NamedService};
use tonic::transport::server::TcpIncoming;
use tonic_prost::ProstCodec;
use tower::service_fn;

/// Longer than anything takes that a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);

/// What somebody has exported: `ExportTraceServiceRequest`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Export {
    #[prost(message, repeated, tag = "1")]
    pub(crate) resources: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    pub(crate) resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) scopes: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Resource {
    #[prost(message, repeated, tag = "1")]
    pub(crate) attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    pub(crate) spans: Vec<Span>,
}

#[derive(Clone, PartialEq, Message)]
#[expect(clippy::struct_field_names, reason = "these are OTLP's names")]
pub(crate) struct Span {
    #[prost(bytes, tag = "1")]
    pub(crate) trace_id: Vec<u8>,
    #[prost(bytes, tag = "2")]
    pub(crate) span_id: Vec<u8>,
    #[prost(string, tag = "3")]
    pub(crate) trace_state: String,
    #[prost(bytes, tag = "4")]
    pub(crate) parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    pub(crate) name: String,
    #[prost(int32, tag = "6")]
    pub(crate) kind: i32,
    #[prost(fixed64, tag = "7")]
    pub(crate) start: u64,
    #[prost(fixed64, tag = "8")]
    pub(crate) end: u64,
    #[prost(message, repeated, tag = "9")]
    pub(crate) attributes: Vec<KeyValue>,
    #[prost(message, optional, tag = "15")]
    pub(crate) status: Option<Status>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Status {
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    #[prost(int32, tag = "3")]
    pub(crate) code: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct KeyValue {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AnyValue {
    #[prost(oneof = "Value", tags = "1, 2, 3, 4")]
    pub(crate) value: Option<Value>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Value {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Truth(bool),
    #[prost(int64, tag = "3")]
    Number(i64),
    #[prost(double, tag = "4")]
    Fraction(f64),
}

/// The answer, of which nothing has to be said.
#[derive(Clone, PartialEq, Message)]
struct Taken {}

/// Which of the two ways of OTLP it takes.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    Grpc,
    Http,
}

pub(crate) struct Collector {
    pub(crate) endpoint: String,
    exports: mpsc::Receiver<(HeaderMap, Export)>,
    refuses: Arc<AtomicBool>,
    _runtime: tokio::runtime::Runtime,
}

impl Collector {
    pub(crate) fn start(way: Way) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a listener");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let ((sender, exports), refuses) = (mpsc::channel(), Arc::new(AtomicBool::new(false)));
        match way {
            Way::Grpc => {
                let server = tonic::transport::Server::builder().add_service(Traces(sender));
                runtime.spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
            }
            Way::Http => {
                runtime.spawn(serve(listener, sender, refuses.clone()));
            }
        }
        Self { endpoint, exports, refuses, _runtime: runtime }
    }

    /// Whether it is to take nothing from now on. Only over HTTP.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::SeqCst);
    }

    /// The next that is exported to it, also if it has refused it.
    pub(crate) fn next(&self) -> (HeaderMap, Export) {
        self.exports.recv_timeout(PATIENCE).expect("an export")
    }

    /// All that was exported until now and has not been looked at.
    pub(crate) fn all(&self) -> Vec<(HeaderMap, Export)> {
        self.exports.try_iter().collect()
    }

    /// The spans of these, of calls of a protocol.
    pub(crate) fn spans(&self, protocol: &str) -> Vec<Span> {
        let exports = self.all().into_iter().flat_map(|(_, export)| export.resources);
        let spans = exports.flat_map(|resource| resource.scopes).flat_map(|scope| scope.spans);
        spans.filter(|span| span.text("straddle.protocol") == protocol).collect()
    }
}

impl Export {
    pub(crate) fn service(&self) -> &str {
        let resource = self.resources[0].resource.as_ref().expect("a resource");
        text(&resource.attributes, "service.name")
    }
}

impl Span {
    /// An attribute, or nothing.
    pub(crate) fn text(&self, key: &str) -> &str {
        text(&self.attributes, key)
    }

    pub(crate) fn value(&self, key: &str) -> Option<&Value> {
        value(&self.attributes, key)
    }
}

fn text<'a>(attributes: &'a [KeyValue], key: &str) -> &'a str {
    match value(attributes, key) {
        Some(Value::Text(text)) => text,
        _ => "",
    }
}

fn value<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref())
}

/// `opentelemetry.proto.collector.trace.v1.TraceService`.
#[derive(Clone)]
struct Traces(mpsc::Sender<(HeaderMap, Export)>);

impl NamedService for Traces {
    const NAME: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService";
}

impl tower::Service<Request<tonic::body::Body>> for Traces {
    type Response = Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        assert_eq!(request.uri().path(), "/opentelemetry.proto.collector.trace.v1.TraceService/Export");
        let (sender, headers) = (self.0.clone(), request.headers().clone());
        let take = service_fn(move |request: tonic::Request<Export>| {
            sender.send((headers.clone(), request.into_inner())).expect("the test");
            async { Ok(tonic::Response::new(Taken {})) }
        });
        let mut grpc = Grpc::new(ProstCodec::<Taken, Export>::default()).accept_compressed(CompressionEncoding::Gzip);
        Box::pin(async move { Ok(grpc.unary(take, request).await) })
    }
}

async fn serve(listener: TcpListener, sender: mpsc::Sender<(HeaderMap, Export)>, refuses: Arc<AtomicBool>) {
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let (sender, refuses) = (sender.clone(), refuses.clone());
        let service = hyper::service::service_fn(move |request| take(request, sender.clone(), refuses.clone()));
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn take(
    request: Request<Incoming>,
    sender: mpsc::Sender<(HeaderMap, Export)>,
    refuses: Arc<AtomicBool>,
) -> hyper::Result<Response<Full<Bytes>>> {
    assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/v1/traces"));
    assert_eq!(request.headers()["content-type"], "application/x-protobuf");
    let headers = request.headers().clone();
    let mut bytes = request.into_body().collect().await?.to_bytes().to_vec();
    if headers.get("content-encoding").is_some_and(|encoding| encoding == "gzip") {
        let packed = std::mem::take(&mut bytes);
        GzDecoder::new(&packed[..]).read_to_end(&mut bytes).expect("gzip");
    }
    let status = if refuses.load(Ordering::SeqCst) { 400 } else { 200 };
    sender.send((headers, Export::decode(&bytes[..]).expect("an export"))).expect("the test");
    Ok(Response::builder().status(status).body(Full::default()).expect("a response"))
}
