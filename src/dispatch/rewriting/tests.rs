//! Calls through rewrites whose work anybody can see: requests get a `>` at their end, responses a `<` at their front.

mod at_once;
mod calls;
mod compile;
mod compression;
mod details;
mod metered;
mod refusals;

use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex};
use std::task::Poll;

use bytes::{BufMut, Bytes};
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::BodyExt;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Code, Status, Streaming};

use super::super::answer::{Answer, Answering};
use super::super::call::{Call, Caller};
use super::super::route::{Course, Route, Stamp, Target};
use super::super::tally::Tally;
use super::*;
use crate::protocol::Protocol;
use crate::refusal::Refusal;
use crate::wire::{Codec, Grpc, encodings};

/// Rewrites texts; some of them say what else is to become of them.
#[derive(Clone, Copy)]
enum Visible {
    Request,
    Response,
}

impl Rewriter for Visible {
    fn apply(&self, message: &Bytes, _: &Limits) -> Result<Rewritten, RewriteError> {
        let malformed = |_| RewriteError::Malformed { message: "p.M".to_owned(), offset: 7, what: "it ends too soon" };
        let text = String::decode(message.clone()).map_err(malformed)?;
        let (mark, text) = match self {
            Self::Request => ("request", text + ">"),
            Self::Response => ("response", "<".to_owned() + &text),
        };
        if text.contains(&format!("refuse {mark}")) {
            return Err(RewriteError::Refused(Box::new(Refusal::lossy("text", "it says so"))));
        }
        if text.contains(&format!("too much {mark}")) {
            return Err(RewriteError::TooMuch { what: "more than 7 bytes".to_owned() });
        }
        assert!(!text.contains(&format!("panic {mark}")), "as it was told");
        let encoded = Bytes::from(text.encode_to_vec());
        Ok(Rewritten::of(vec![encoded.slice(..1), encoded.slice(1..)]))
    }

    fn target(&self) -> &'static str {
        "p.Rewritten"
    }
}

fn protocol() -> Protocol {
    static LOADED: LazyLock<Protocol> =
        LazyLock::new(|| Protocol::load(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/inventory")).unwrap());
    LOADED.clone()
}

/// The four kinds of methods.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Unary,
    ServerStreaming,
    ClientStreaming,
    Streaming,
}

const KINDS: [Kind; 4] = [Kind::Unary, Kind::ServerStreaming, Kind::ClientStreaming, Kind::Streaming];

type Texts = Pin<Box<dyn Stream<Item = Result<String, Status>> + Send>>;

/// An object that answers with the texts that it is sent, and remembers them.
#[derive(Clone)]
struct Echo {
    kind: Kind,
    seen: Arc<Mutex<Vec<String>>>,
    /// Whether it answers a request of which it could not read all as if there were no more.
    forgiving: bool,
    headers: Arc<Mutex<HeaderMap>>,
    /// Gone when the object's stream is.
    alive: Arc<()>,
}

impl Echo {
    fn see(&self, text: &str) -> Result<(), Status> {
        if text.contains("fail") {
            return Err(Status::not_found("as it was told"));
        }
        self.seen.lock().unwrap().push(text.to_owned());
        Ok(())
    }

    async fn all(self, texts: Streaming<String>) -> Result<String, Status> {
        let mut texts = self.stream(texts);
        let mut all = Vec::new();
        while let Some(text) = texts.next().await {
            all.push(text?);
        }
        Ok(all.join(","))
    }

    fn stream(self, texts: Streaming<String>) -> Texts {
        let forgiving = self.forgiving;
        let seen = texts.map(move |text| text.and_then(|text| self.see(&text).map(|()| text)));
        if forgiving { Box::pin(seen.take_while(Result::is_ok)) } else { Box::pin(seen) }
    }
}

impl Answer for Echo {
    fn answer(&self, request: Request<Body>) -> Answering {
        let echo = self.clone();
        *self.headers.lock().unwrap() = request.headers().clone();
        Answering::new(async move {
            let codec = Codec::<String, String>::default();
            let mut grpc = Grpc::new(codec).apply_compression_config(encodings(), encodings());
            match echo.kind {
                Kind::Unary => {
                    let service = tower::service_fn(|request: tonic::Request<String>| {
                        let answered = echo.see(request.get_ref()).map(|()| tonic::Response::new(request.into_inner()));
                        async { answered }
                    });
                    grpc.unary(service, request).await
                }
                Kind::ServerStreaming => {
                    let service = tower::service_fn(|request: tonic::Request<String>| {
                        let echo = echo.clone();
                        async move {
                            let text = request.into_inner();
                            echo.see(&text)?;
                            let words: Vec<_> = text.split(',').map(|word| Ok(word.to_owned())).collect();
                            let words = tokio_stream::iter(words).map(move |word| {
                                let _alive = &echo;
                                word
                            });
                            Ok(tonic::Response::new(Box::pin(words) as Texts))
                        }
                    });
                    grpc.server_streaming(service, request).await
                }
                Kind::ClientStreaming => {
                    let service = tower::service_fn(|request: tonic::Request<Streaming<String>>| {
                        let all = echo.clone().all(request.into_inner());
                        async { all.await.map(tonic::Response::new) }
                    });
                    grpc.client_streaming(service, request).await
                }
                Kind::Streaming => {
                    let service = tower::service_fn(|request: tonic::Request<Streaming<String>>| {
                        let texts = echo.clone().stream(request.into_inner());
                        async { Ok::<_, Status>(tonic::Response::new(texts)) }
                    });
                    grpc.streaming(service, request).await
                }
            }
        })
    }
}

/// A node with one route.
struct Node {
    route: Arc<Route>,
    echo: Echo,
}

impl Node {
    fn of(kind: Kind) -> Self {
        Self::with(kind, |_, _| ())
    }

    fn with(kind: Kind, change: impl FnOnce(&mut Echo, &mut Rewrites)) -> Self {
        let (seen, headers, alive) = (Arc::default(), Arc::default(), Arc::default());
        let mut echo = Echo { kind, seen, forgiving: false, headers, alive };
        let mut rewrites = Rewrites {
            request: Some(Arc::new(Visible::Request)),
            response: Some(Arc::new(Visible::Response)),
            details: Arc::new(Details::new(protocol(), 2, 0)),
            changes: true,
            limit: LIMIT,
            tally: None,
        };
        change(&mut echo, &mut rewrites);
        // The route owns what the object is made of: what is looked at here must not keep it alive.
        let watched = Echo { alive: Arc::default(), ..echo.clone() };
        Self { route: route(Arc::new(echo), kind, rewrites), echo: watched }
    }

    fn begin(&self, request: Request<Body>) -> Call {
        Call::begin(&self.route, || unreachable!("no simulation object"), request, Caller::Outside)
    }

    async fn call(&self, request: Request<Body>) -> Seen {
        seen(self.begin(request).await).await
    }

    async fn texts(&self, texts: &[&str]) -> Seen {
        self.call(request(&[], vec![texts.iter().flat_map(|text| framed(text)).collect()])).await
    }

    fn saw(&self) -> Vec<String> {
        self.echo.seen.lock().unwrap().clone()
    }
}

fn route(object: Arc<dyn Answer>, kind: Kind, rewrites: Rewrites) -> Arc<Route> {
    let version = |text: &str| text.parse().unwrap();
    let header = http::HeaderValue::from_static;
    let stamp = Arc::new(Stamp {
        protocol: "inventory".to_owned(),
        caller: version("1.0.0"),
        node: version("2.0.0"),
        headers: [header("1.0.0"), header("2.0.0"), header("digest")],
        door: std::sync::OnceLock::new(),
    });
    Arc::new(Route {
        target: Target::Object {
            answer: Arc::new(Rewriting::new(object, rewrites)),
            path: None,
            simulated: false,
            rewritten: true,
        },
        course: Course::REFUSED,
        tally: Arc::new(Tally::new(stamp.clone(), "/x".into(), false)),
        row: std::sync::OnceLock::new(),
        stamp,
        method: "/p.Echo/Echo".into(),
        changes: true,
        server_streaming: matches!(kind, Kind::ServerStreaming | Kind::Streaming),
        client_streaming: matches!(kind, Kind::ClientStreaming | Kind::Streaming),
    })
}

fn request(headers: &[(&'static str, &str)], frames: Vec<Vec<u8>>) -> Request<Body> {
    let frames = frames.into_iter().map(|data| Ok::<_, Status>(Frame::data(Bytes::from(data))));
    request_of(headers, tokio_stream::iter(frames.collect::<Vec<_>>()))
}

/// A request whose frames come when they are sent.
fn slow_request() -> (mpsc::UnboundedSender<Vec<u8>>, Request<Body>) {
    let (sender, receiver) = mpsc::unbounded_channel::<Vec<u8>>();
    let frames = UnboundedReceiverStream::new(receiver).map(|data| Ok(Frame::data(data.into())));
    (sender, request_of(&[], frames))
}

fn request_of(
    headers: &[(&'static str, &str)],
    frames: impl Stream<Item = Result<Frame<Bytes>, Status>> + Send + 'static,
) -> Request<Body> {
    let mut request = Request::post("/p.Echo/Echo");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::new(http_body_util::StreamBody::new(frames))).unwrap()
}

/// A text as it stands on the wire.
fn framed(text: &str) -> Vec<u8> {
    wire(0, &text.to_owned().encode_to_vec())
}

fn wire(flag: u8, message: &[u8]) -> Vec<u8> {
    let mut data = vec![flag];
    data.put_u32(u32::try_from(message.len()).unwrap());
    [data, message.to_vec()].concat()
}

/// All that a caller can see.
#[derive(Debug)]
struct Seen {
    headers: HeaderMap,
    texts: Vec<String>,
    /// Whether each was compressed.
    compressed: Vec<bool>,
    /// How many frames of data came.
    frames: usize,
    /// Its own, or what its headers say.
    status: Status,
}

impl Seen {
    fn refusal(&self) -> Refusal {
        Refusal::from_status(&self.status).unwrap_or_else(|| panic!("no refusal: {self:?}"))
    }

    fn is_trailers_only(&self) -> bool {
        self.headers.contains_key(Status::GRPC_STATUS)
    }
}

async fn seen(response: Response<Body>) -> Seen {
    let (parts, mut body) = response.into_parts();
    let encoding = Encoding::of(&parts.headers).unwrap();
    let (mut data, mut trailers, mut frames) = (Vec::new(), None, 0);
    while let Some(frame) = body.frame().await {
        match frame.expect("a status in trailers").into_data() {
            Ok(bytes) => {
                frames += 1;
                data.extend_from_slice(&bytes);
            }
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    let (mut texts, mut compressed) = (Vec::new(), Vec::new());
    let found = crate::wire::Messages::new(LIMIT).push(data.into(), |message| {
        compressed.push(message.compressed);
        let plain = match encoding.filter(|_| message.compressed) {
            Some(encoding) => encoding.inflate(&message.bytes, LIMIT).unwrap(),
            None => message.bytes,
        };
        texts.push(String::decode(plain).unwrap());
    });
    found.unwrap();
    let status = Status::from_header_map(trailers.as_ref().unwrap_or(&parts.headers)).expect("a status");
    Seen { headers: parts.headers, texts, compressed, frames, status }
}
