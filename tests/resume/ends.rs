//! Which ends of a stream are ends, and which are none; by a node that answers as it is told.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use prost::Message;
use straddle::inventory::generated::v2_0_0 as v2;
use straddle::refusal::{Reason, Refusal};
use straddle::transport::{Backoff, Channel, ChannelBuilder};
use straddle::wire::Body;
use tokio_stream::StreamExt;
use tonic::{Code, Status};

use crate::serving::{quick, serve, soon};

type Headers = &'static [(&'static str, &'static str)];

/// One answer: its headers, the revisions that it tells, and its trailers; without trailers the stream is reset.
#[derive(Clone, Copy)]
struct Told(Headers, &'static [u64], Option<Headers>);

/// Answers the calls one after the other, the last answer again and again, and notes what each said.
#[derive(Clone)]
struct Node(Arc<Mutex<(VecDeque<Told>, Vec<Asked>)>>);

/// What a request said: `straddle-resume`, `grpc-accept-encoding`, and where to begin.
type Asked = (Option<String>, Option<String>, u64);

impl Node {
    fn new(told: &[Told]) -> Self {
        Self(Arc::new(Mutex::new((told.iter().copied().collect(), Vec::new()))))
    }

    fn asked(&self) -> Vec<u64> {
        self.0.lock().expect("no panic").1.iter().map(|(.., after)| *after).collect()
    }
}

impl tower_service::Service<Request<Body>> for Node {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let state = self.0.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let text = |name| parts.headers.get(name).map(|value| value.to_str().expect("a text").to_owned());
            let said = (text("straddle-resume"), text("grpc-accept-encoding"));
            let data = body.collect().await.expect("a request").to_bytes();
            let message = v2::WatchItemsRequest::decode(&data[5..]).expect("a message");
            let Told(headers, revisions, trailers) = {
                let mut state = state.lock().expect("no panic");
                state.1.push((said.0, said.1, message.after_revision));
                let next = if state.0.len() > 1 { state.0.pop_front() } else { state.0.front().copied() };
                next.expect("an answer")
            };
            let mut frames: Vec<Result<Frame<Bytes>, Status>> = Vec::new();
            for revision in revisions {
                let event = v2::WatchEvent { revision: *revision, item: None }.encode_to_vec();
                let length = u32::try_from(event.len()).expect("a short message").to_be_bytes();
                let message = [&[0][..], &length, &event].concat();
                // Each in two frames.
                let (one, two) = message.split_at(3);
                frames.extend([one, two].map(|part| Ok(Frame::data(Bytes::copy_from_slice(part)))));
            }
            match trailers {
                Some(trailers) => frames.push(Ok(Frame::trailers(map(trailers)))),
                // A message that never gets whole.
                None => frames.extend([
                    Ok(Frame::data(Bytes::from_static(&[0, 0, 0, 0, 9, 8]))),
                    Err(Status::internal("as told")),
                ]),
            }
            let mut response = Response::new(match (revisions, trailers) {
                ([], Some([])) => Body::empty(),
                _ => Body::new(StreamBody::new(tokio_stream::iter(frames))),
            });
            *response.headers_mut() = map(headers);
            response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
            Ok(response)
        })
    }
}

fn map(headers: Headers) -> HeaderMap {
    let header =
        |(name, value): &(&'static str, &'static str)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    headers.iter().map(header).collect()
}

const OK: Headers = &[("grpc-status", "0")];
const UNAVAILABLE: Headers = &[("grpc-status", "14"), ("grpc-message", "gone")];
const DRAIN: Headers = &[("grpc-status", "14"), ("straddle-resume", "drain")];
const NOT_FOUND: Headers = &[("grpc-status", "5"), ("grpc-message", "nobody")];
const BROKEN: Headers = &[("grpc-status", "13")];
const LATER: Headers = &[("grpc-status", "14"), ("grpc-message", "the node is starting")];
const STATUS_ALONE: Option<Headers> = Some(&[]);

/// What the node answers; what is asked of it; what the caller sees, and how that ends.
type Case = (&'static str, &'static [Told], &'static [u64], &'static [u64], Code);

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("drained", &[Told(&[], &[1, 2], Some(DRAIN)), Told(&[], &[3], Some(OK))], &[0, 2], &[1, 2, 3], Code::Ok),
    ("drained before anything came", &[Told(&[], &[], Some(DRAIN)), Told(&[], &[1], Some(OK))], &[0, 0], &[1], Code::Ok),
    ("drained before it was answered", &[Told(DRAIN, &[], STATUS_ALONE), Told(&[], &[1], Some(OK))], &[0, 0], &[1], Code::Ok),
    ("drained without a pause", &[Told(&[], &[1], Some(DRAIN)), Told(&[], &[], Some(DRAIN)), Told(DRAIN, &[], STATUS_ALONE), Told(&[], &[2], Some(OK))], &[0, 1, 1, 1], &[1, 2], Code::Ok),
    ("unavailable", &[Told(&[], &[7], Some(UNAVAILABLE)), Told(&[], &[8, 9], Some(OK))], &[0, 7], &[7, 8, 9], Code::Ok),
    ("not ready yet", &[Told(&[], &[7], Some(UNAVAILABLE)), Told(LATER, &[], STATUS_ALONE), Told(&[], &[8], Some(OK))], &[0, 7, 7], &[7, 8], Code::Ok),
    ("messages without a token", &[Told(&[], &[7, 0], Some(DRAIN)), Told(&[], &[8], Some(OK))], &[0, 7], &[7, 0, 8], Code::Ok),
    ("an end", &[Told(&[], &[1], Some(OK))], &[0], &[1], Code::Ok),
    ("an error", &[Told(&[], &[1], Some(NOT_FOUND))], &[0], &[1], Code::NotFound),
    ("an error of the node", &[Told(&[], &[1], Some(BROKEN))], &[0], &[1], Code::Internal),
    ("a stream that is reset", &[Told(&[], &[], None)], &[0], &[], Code::Internal),
    ("unavailable from the first", &[Told(UNAVAILABLE, &[], STATUS_ALONE)], &[0], &[], Code::Unavailable),
    ("an error when it goes on", &[Told(&[], &[1], Some(DRAIN)), Told(NOT_FOUND, &[], STATUS_ALONE)], &[0, 1], &[1], Code::NotFound),
    ("an end when it goes on", &[Told(&[], &[1], Some(DRAIN)), Told(OK, &[], STATUS_ALONE)], &[0, 1], &[1], Code::Ok),
];

fn all() -> tonic::Request<v2::WatchItemsRequest> {
    tonic::Request::new(v2::WatchItemsRequest::default())
}

async fn watch(channel: Channel, request: tonic::Request<v2::WatchItemsRequest>) -> (Vec<u64>, Status) {
    let mut client = v2::inventory_client(channel);
    let mut seen = Vec::new();
    let mut events = match soon(client.watch_items(request)).await {
        Ok(events) => events.into_inner(),
        Err(status) => return (seen, status),
    };
    loop {
        match soon(events.next()).await {
            Some(Ok(event)) => seen.push(event.revision),
            Some(Err(status)) => return (seen, status),
            None => return (seen, Status::ok("")),
        }
    }
}

#[tokio::test]
async fn a_stream_goes_on_after_some_ends_and_ends_with_all_others() {
    for (name, told, asked, seen, code) in CASES {
        let node = Node::new(told);
        let served = serve(node.clone()).await;
        let channel = quick(Channel::owner(&served.address));
        let (got, status) = watch(channel, all()).await;
        assert_eq!((got.as_slice(), status.code()), (*seen, *code), "{name}: {status:?}");
        assert_eq!(node.asked(), *asked, "{name}");
    }
}

#[tokio::test]
async fn a_request_that_says_where_to_begin_begins_there_until_something_came() {
    let node = Node::new(&[Told(&[], &[], Some(DRAIN)), Told(&[], &[6], Some(UNAVAILABLE)), Told(&[], &[7], Some(OK))]);
    let served = serve(node.clone()).await;
    let request = tonic::Request::new(v2::WatchItemsRequest { after_revision: 5 });
    let (seen, _) = watch(quick(Channel::owner(&served.address)), request).await;
    assert_eq!((seen, node.asked()), (vec![6, 7], vec![5, 5, 6]));
}

#[tokio::test]
async fn such_calls_say_that_they_go_on_and_ask_for_no_compression_nor_do_others_say_so() {
    let node = Node::new(&[Told(&[], &[], Some(OK))]);
    let served = serve(node.clone()).await;
    let channel = quick(Channel::owner(&served.address));
    let mut client = v2::inventory_client(channel).accept_compressed(tonic::codec::CompressionEncoding::Gzip);
    soon(client.watch_items(v2::WatchItemsRequest::default())).await.expect("a stream");
    // Bytes of no fields are a message of this method as well.
    soon(client.list_items(v2::ListItemsRequest::default())).await.expect("a stream");
    let asked = node.0.lock().expect("no panic").1.clone();
    let said: Vec<_> = asked.iter().map(|(resume, accept, _)| (resume.as_deref(), accept.is_some())).collect();
    assert_eq!(said, [(Some("1"), false), (None, true)]);
}

#[tokio::test]
async fn a_compressed_request_goes_on_too() {
    let node = Node::new(&[Told(&[], &[3], Some(OK))]);
    let served = serve(Inflating(Node::new(&[Told(&[], &[3], Some(DRAIN))]), node.clone())).await;
    let channel = quick(Channel::owner(&served.address));
    let client = v2::inventory_client(channel);
    let mut client = client.send_compressed(tonic::codec::CompressionEncoding::Gzip);
    let request = v2::WatchItemsRequest { after_revision: 2 };
    let events = soon(client.watch_items(request)).await.expect("a stream").into_inner();
    let seen: Vec<u64> = events.map(|event| event.expect("no error").revision).collect().await;
    assert_eq!((seen, node.asked()), (vec![3, 3], vec![3]));
}

/// Lets one node answer compressed requests, whatever they say, and another one plain ones.
#[derive(Clone)]
struct Inflating(Node, Node);

impl tower_service::Service<Request<Body>> for Inflating {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = <Node as tower_service::Service<Request<Body>>>::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (mut compressed, mut plain) = (self.0.clone(), self.1.clone());
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let data = body.collect().await.expect("a request").to_bytes();
            if data.first() == Some(&1) {
                let plain = Bytes::from_static(&[0; 5]);
                return compressed.call(Request::from_parts(parts, Body::full(plain))).await;
            }
            plain.call(Request::from_parts(parts, Body::full(data))).await
        })
    }
}

#[tokio::test]
async fn a_stream_that_would_go_on_in_another_schema_is_refused() {
    let own = v2::LABEL.schema;
    let first: Headers = Box::leak(Box::new([("straddle-version", "2.0.0"), ("straddle-schema", own)]));
    for other in
        [&[("straddle-version", "2.0.0"), ("straddle-schema", "4567cdef")] as Headers, &[("straddle-version", "3.0.0")]]
    {
        let node = Node::new(&[Told(first, &[1], Some(DRAIN)), Told(other, &[2], Some(OK))]);
        let served = serve(node).await;
        let (seen, status) = watch(quick(Channel::owner(&served.address)), all()).await;
        let refusal = Refusal::from_status(&status).unwrap_or_else(|| panic!("no refusal: {status:?}"));
        assert_eq!((seen, refusal.reason(), refusal.ran()), (vec![1], Reason::LabelMismatch, true));
    }
}

#[tokio::test]
async fn a_stream_that_comes_to_nothing_ends_at_its_deadline_or_when_the_channel_waits_no_longer() {
    let node = Node::new(&[Told(&[], &[1], Some(UNAVAILABLE)), Told(&[], &[], Some(UNAVAILABLE))]);
    let served = serve(node).await;
    let builder = Channel::owner(&served.address).wait_limit(Duration::from_secs(2));
    let (seen, status) = watch(quick(builder), all()).await;
    assert_eq!((seen, status.code()), (vec![1], Code::Unavailable), "{status:?}");

    let node = Node::new(&[Told(&[], &[1], Some(UNAVAILABLE)), Told(&[], &[], Some(UNAVAILABLE))]);
    let served = serve(node.clone()).await;
    let mut request = tonic::Request::new(v2::WatchItemsRequest::default());
    request.set_timeout(Duration::from_secs(2));
    let (seen, status) = watch(quick(Channel::owner(&served.address)), request).await;
    assert_eq!((seen, status.code()), (vec![1], Code::DeadlineExceeded), "{status:?}");
    assert!(node.asked().len() > 2, "{:?}", node.asked());
}

#[tokio::test]
async fn a_stream_goes_on_at_the_node_where_it_began() {
    let one = Node::new(&[Told(&[], &[1], Some(UNAVAILABLE)), Told(&[], &[2], Some(DRAIN)), Told(&[], &[3], Some(OK))]);
    let other = Node::new(&[Told(&[], &[1_000], Some(OK))]);
    let (first, second) = (serve(one.clone()).await, serve(other.clone()).await);
    // These answer whatever they are asked.
    let channel = quick(Channel::any([&first.address, &second.address]).watch_health(false));
    let (seen, _) = watch(channel, all()).await;
    assert_eq!((seen, one.asked(), other.asked()), (vec![1, 2, 3], vec![0, 1, 2], vec![]));
}

#[tokio::test]
async fn a_stream_that_may_go_on_elsewhere_does_so_at_once_and_else_where_it_was() {
    let (one, other) = (
        Node::new(&[Told(&[], &[1], Some(DRAIN)), Told(&[], &[3], Some(DRAIN)), Told(&[], &[4], Some(OK))]),
        Node::new(&[Told(&[], &[2], Some(DRAIN))]),
    );
    let (first, second) = (serve(one.clone()).await, serve(other.clone()).await);
    let never = Backoff { base: Duration::from_secs(10_000), cap: Duration::from_secs(10_000), ..Backoff::default() };
    let go_on = |builder: ChannelBuilder| builder.watch_health(false).backoff(never).build().expect("addresses");
    let channel = go_on(Channel::any([&first.address, &second.address]).resume_elsewhere(true));
    let mut client = v2::inventory_client(channel);
    let mut events = soon(client.watch_items(all())).await.expect("a stream").into_inner();
    for revision in 1..=3 {
        assert_eq!(soon(events.next()).await.expect("an event").expect("no error").revision, revision);
    }
    assert_eq!((one.asked(), other.asked()), (vec![0, 2], vec![1]));

    // Of two addresses, one is not there: another drain leaves no choice.
    let alone = Node::new(&[Told(&[], &[1], Some(DRAIN)), Told(&[], &[2], Some(OK))]);
    let served = serve(alone.clone()).await;
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let closed = socket.local_addr().expect("an address").to_string();
    let channel = go_on(Channel::spread([served.address.clone(), closed]));
    let (seen, _) = watch(channel, all()).await;
    assert_eq!((seen, alone.asked()), (vec![1, 2], vec![0, 1]));
}
