//! Calls and the gate of a node: who waits, who goes on, what is ended.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use folder::folder;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use straddle::Protocol;
use straddle::dispatch::{Dispatch, Object};
use straddle::node::Node;
use straddle::wire::Body;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};
use tower::{ServiceExt, service_fn};

const PROTO: &str = r#"
syntax = "proto3";
package shop.v1;
message M { string text = 1; }
service Shop {
  rpc Get(M) returns (M);
  rpc Watch(M) returns (stream M);
  rpc Import(stream M) returns (M);
}
"#;

const MESSAGE: &[u8] = b"\0\0\0\0\0";

/// A node of 1.0.0, whose object answers as it is told.
fn node(object: Object) -> Dispatch {
    let files = [("protocol.toml", "name = \"shop\"\n"), ("1.0.0/shop.proto", PROTO)];
    let protocol = Protocol::load(folder(&files).path()).unwrap_or_else(|error| panic!("{error}"));
    let node = Node::builder(protocol).object("1.0.0", object).build();
    node.unwrap_or_else(|error| panic!("{error}")).service()
}

fn object<A>(answer: impl Fn() -> A + Clone + Send + Sync + 'static) -> Object
where
    A: Future<Output = Response<Body>> + Send + 'static,
{
    Object::default().and_service(
        "shop.v1.Shop",
        service_fn(move |_: Request<Body>| {
            let answered = answer();
            async move { Ok::<_, Infallible>(answered.await) }
        }),
    )
}

fn at_once() -> Object {
    object(|| async { Response::new(Body::full(Bytes::from_static(MESSAGE))) })
}

/// An object that answers each call when it is told to.
fn when_told(told: &Arc<Notify>) -> Object {
    let told = told.clone();
    object(move || {
        let told = told.clone();
        async move {
            told.notified().await;
            Response::new(Body::full(Bytes::from_static(MESSAGE)))
        }
    })
}

async fn call(node: Dispatch, path: &'static str, headers: &[(&'static str, &'static str)]) -> Response<Body> {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let Ok(response) = node.oneshot(request.body(Body::empty()).expect("a request")).await;
    response
}

fn status(response: &Response<Body>) -> Status {
    Status::from_header_map(response.headers()).expect("a status in the headers")
}

/// Lets tasks run as far as they can.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_comes_while_the_gate_is_shut_is_answered_when_it_opens() {
    let node = node(at_once());
    node.gate().shut();
    let waiting = tokio::spawn(call(node.clone(), "/shop.v1.Shop/Get", &[]));
    settle().await;
    assert!(!waiting.is_finished());
    assert_eq!((node.gate().inside(), node.gate().waiting()), (0, 1));
    node.gate().open();
    let response = waiting.await.expect("no panic");
    assert_eq!(response.into_body().collect().await.expect("a body").to_bytes(), MESSAGE);
    assert_eq!((node.gate().inside(), node.gate().waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_no_longer_than_its_deadline_and_without_one_for_a_minute() {
    let node = node(at_once());
    node.gate().shut();
    let cases = [
        (Some("200m"), Code::DeadlineExceeded, Duration::from_millis(200)),
        (Some("2H"), Code::Unavailable, Duration::from_secs(60)),
        (None, Code::Unavailable, Duration::from_secs(60)),
    ];
    for (deadline, code, longest) in cases {
        let begun = Instant::now();
        let headers: Vec<_> = deadline.map(|deadline| ("grpc-timeout", deadline)).into_iter().collect();
        let response = call(node.clone(), "/shop.v1.Shop/Get", &headers).await;
        assert_eq!(status(&response).code(), code, "{deadline:?}");
        assert!(status(&response).message().contains("it has not run"), "{:?}", status(&response));
        let waited = begun.elapsed();
        assert!(waited >= longest && waited < longest + Duration::from_millis(10), "{deadline:?}: {waited:?}");
    }
    assert_eq!(node.gate().waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_call_has_waited_is_gone_from_its_deadline() {
    let told = Arc::new(Notify::new());
    let node = node(when_told(&told));
    node.gate().shut();
    let begun = Instant::now();
    let waiting = tokio::spawn(call(node.clone(), "/shop.v1.Shop/Get", &[("grpc-timeout", "1000m")]));
    settle().await;
    tokio::time::advance(Duration::from_millis(700)).await;
    node.gate().open();
    let response = waiting.await.expect("no panic");
    assert_eq!(status(&response).code(), Code::DeadlineExceeded);
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(1) && waited < Duration::from_millis(1_020), "{waited:?}");
}

#[tokio::test]
async fn a_caller_that_gives_up_makes_room_for_another() {
    let node = node(at_once());
    node.gate().shut();
    let waiting = tokio::spawn(call(node.clone(), "/shop.v1.Shop/Get", &[]));
    settle().await;
    assert_eq!(node.gate().waiting(), 1);
    waiting.abort();
    assert!(waiting.await.is_err());
    assert_eq!(node.gate().waiting(), 0);
}

#[tokio::test]
async fn the_gate_is_empty_once_running_calls_are_answered() {
    let told = Arc::new(Notify::new());
    let node = node(when_told(&told));
    let running = tokio::spawn(call(node.clone(), "/shop.v1.Shop/Get", &[]));
    settle().await;
    assert_eq!(node.gate().inside(), 1);
    node.gate().shut();
    let gate = node.gate().clone();
    let empty = tokio::spawn(async move { gate.is_empty().await });
    // A cut is for streams.
    node.gate().cut_streams();
    settle().await;
    assert!(!empty.is_finished() && !running.is_finished());
    told.notify_one();
    running.await.expect("an answer");
    timeout(Duration::from_secs(5), empty).await.expect("nobody is inside").expect("no panic");
}

#[tokio::test]
async fn a_stream_is_inside_until_its_last_message_and_ends_when_it_is_cut() {
    let (sender, receiver) = mpsc::channel::<Result<Frame<Bytes>, Status>>(4);
    let receiver = Arc::new(std::sync::Mutex::new(Some(receiver)));
    let stream = move || {
        let receiver = receiver.lock().expect("no panic").take().expect("one call");
        async move { Response::new(Body::new(StreamBody::new(ReceiverStream::new(receiver)))) }
    };
    let node = node(object(stream));
    let mut watched = call(node.clone(), "/shop.v1.Shop/Watch", &[]).await;
    sender.send(Ok(Frame::data(Bytes::from_static(MESSAGE)))).await.expect("somebody listens");
    let first = watched.body_mut().frame().await.expect("a frame").expect("no error");
    assert_eq!(first.into_data().expect("data"), MESSAGE);
    node.gate().shut();
    assert_eq!(node.gate().inside(), 1);
    node.gate().cut_streams();
    let last = watched.body_mut().frame().await.expect("a frame").expect("no error").into_trailers().expect("trailers");
    let status = Status::from_header_map(&last).expect("a status");
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("the node upgrades"), "{status:?}");
    assert!(watched.body_mut().frame().await.is_none());
    // The object's side of it is gone, and with it whatever it holds of the state.
    assert!(sender.is_closed());
    timeout(Duration::from_secs(5), node.gate().is_empty()).await.expect("nobody is inside");
}

#[tokio::test]
async fn a_stream_that_has_not_answered_yet_is_cut_as_well() {
    let told = Arc::new(Notify::new());
    let node = node(when_told(&told));
    let running = tokio::spawn(call(node.clone(), "/shop.v1.Shop/Watch", &[]));
    settle().await;
    node.gate().shut();
    node.gate().cut_streams();
    let response = timeout(Duration::from_secs(5), running).await.expect("it is cut").expect("no panic");
    assert_eq!(status(&response).code(), Code::Unavailable);
    assert_eq!(node.gate().inside(), 0);
}

#[tokio::test]
async fn what_a_simulation_object_calls_beneath_never_waits() {
    let told = Arc::new(Notify::new());
    let files = [
        ("protocol.toml", "name = \"shop\"\n"),
        ("1.0.0/shop.proto", PROTO),
        ("2.0.0/shop.proto", PROTO),
        ("2.0.0/step.toml", "from = \"1.0.0\"\npast.code = [\"shop.v1.Shop\"]\n"),
    ];
    let protocol = Protocol::load(folder(&files).path()).unwrap_or_else(|error| panic!("{error}"));
    let first = told.clone();
    let node = Node::builder(protocol)
        .object("2.0.0", at_once())
        .past("1.0.0", move |adjacent| {
            object(move || {
                let (adjacent, first) = (adjacent.clone(), first.clone());
                async move {
                    first.notified().await;
                    let request = Request::post("/shop.v1.Shop/Get").body(tonic::body::Body::empty());
                    let Ok(response) = adjacent.oneshot(request.expect("a request")).await;
                    response
                }
            })
        })
        .build()
        .unwrap_or_else(|error| panic!("{error}"))
        .service();
    let running = tokio::spawn(call(node.clone(), "/shop.v1.Shop/Get", &[("straddle-version", "1.0.0")]));
    settle().await;
    node.gate().shut();
    told.notify_one();
    let response = timeout(Duration::from_secs(5), running).await.expect("it goes on").expect("no panic");
    assert_eq!(response.into_body().collect().await.expect("a body").to_bytes(), MESSAGE);
    timeout(Duration::from_secs(5), node.gate().is_empty()).await.expect("nobody is inside");
}

#[tokio::test]
async fn streams_are_waited_for_while_others_come_in_and_younger_ones_outlive_them() {
    let senders = Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = senders.clone();
    let stream = move || {
        let (sender, receiver) = mpsc::channel::<Result<Frame<Bytes>, Status>>(4);
        kept.lock().expect("no panic").push(sender);
        async move { Response::new(Body::new(StreamBody::new(ReceiverStream::new(receiver)))) }
    };
    let node = node(object(stream));
    let gate = node.gate().clone();
    let ends = call(node.clone(), "/shop.v1.Shop/Watch", &[]).await;
    let mut stays = call(node.clone(), "/shop.v1.Shop/Watch", &[]).await;
    let mut resumed = call(node.clone(), "/shop.v1.Shop/Watch", &[("straddle-resume", "1")]).await;
    let older = gate.streams();
    let mut younger = call(node.clone(), "/shop.v1.Shop/Watch", &[]).await;

    let waiting = tokio::spawn({
        let gate = gate.clone();
        async move { gate.streams_end(older).await }
    });
    drop(ends);
    settle().await;
    assert!(!waiting.is_finished(), "one of the older streams is still there");

    gate.shut();
    gate.cut_older_streams(older);
    let last = stays.body_mut().frame().await.expect("a frame").expect("no error").into_trailers().expect("trailers");
    assert_eq!(Status::from_header_map(&last).expect("a status").code(), Code::Unavailable);
    drop(stays);
    timeout(Duration::from_secs(5), waiting).await.expect("who resumes is not waited for").expect("no panic");

    for (which, stream) in [(3, &mut younger), (2, &mut resumed)] {
        let sender = senders.lock().expect("no panic").remove(which);
        sender.send(Ok(Frame::data(Bytes::from_static(MESSAGE)))).await.expect("it goes on");
        let first = stream.body_mut().frame().await.expect("a frame").expect("no error");
        assert_eq!(first.into_data().expect("data"), MESSAGE);
    }
}

/// An object that reads what streams in to its end, says so, and answers when it is told to.
fn imports(read: &Arc<Notify>, told: &Arc<Notify>) -> Object {
    let (read, told) = (read.clone(), told.clone());
    let import = service_fn(move |request: Request<Body>| {
        let (read, told) = (read.clone(), told.clone());
        async move {
            let mut request = request.into_body();
            while request.frame().await.is_some() {
                read.notify_one();
            }
            read.notify_one();
            told.notified().await;
            Ok::<_, Infallible>(Response::new(Body::full(Bytes::from_static(MESSAGE))))
        }
    });
    Object::default().and_service("shop.v1.Shop", import)
}

#[tokio::test]
async fn a_call_whose_request_was_streamed_and_read_is_cut_no_more_than_one_that_was_no_stream() {
    let (read, told) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let node = node(imports(&read, &told));
    let import = || {
        let (sender, receiver) = mpsc::channel::<Result<Frame<Bytes>, Status>>(4);
        let body = Body::new(StreamBody::new(ReceiverStream::new(receiver)));
        let request = Request::post("/shop.v1.Shop/Import").body(body).expect("a request");
        (sender, tokio::spawn(node.clone().oneshot(request)))
    };
    let message = || Ok(Frame::data(Bytes::from_static(MESSAGE)));
    let (says_more, cut) = import();
    says_more.send(message()).await.expect("it is read");
    read.notified().await;
    let (says_all, answered) = import();
    says_all.send(message()).await.expect("it is read");
    read.notified().await;
    drop(says_all);
    read.notified().await;

    node.gate().shut();
    node.gate().cut_streams();
    let Ok(response) = cut.await.expect("no panic");
    assert_eq!(status(&response).code(), Code::Unavailable, "its caller may say more for as long as it likes");
    settle().await;
    assert_eq!((node.gate().inside(), node.gate().ended_streams().cut), (1, 1));
    told.notify_one();
    let Ok(response) = answered.await.expect("no panic");
    assert_eq!(response.into_body().collect().await.expect("a body").to_bytes(), MESSAGE);
    timeout(Duration::from_secs(5), node.gate().is_empty()).await.expect("nobody is inside");
}
