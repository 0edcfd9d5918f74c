//! Streams of a version that is retired.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, StreamBody};
use straddle::dispatch::{Dispatch, Object};
use straddle::node::Node;
use straddle::refusal::{Reason, Refusal};
use straddle::retiring::Retiring;
use straddle::wire::Body;
use tonic::{Code, Status};
use tower::{ServiceExt, service_fn};

use crate::shop::protocol;
use crate::up_to;

/// A node of 2.0.0 whose streams say one message and never end.
fn node(patience: Duration) -> Node {
    let watch = service_fn(|_: Request<Body>| async {
        let first = http_body::Frame::data(Bytes::from_static(b"\0\0\0\0\0"));
        let stream =
            tokio_stream::StreamExt::chain(tokio_stream::once(Ok::<_, Status>(first)), tokio_stream::pending());
        Ok::<_, Infallible>(Response::new(Body::new(StreamBody::new(stream))))
    });
    let nothing = service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, _>>());
    let builder = Node::builder(protocol()).object("2.0.0", Object::default().and_service("shop.v2.Shop", watch));
    let builder = builder.future("3.0.0", move |_| Object::default().and_service("shop.v3.Shop", nothing));
    builder.stream_limit(patience).build().unwrap_or_else(|error| panic!("{error}"))
}

/// A stream whose first message was read.
async fn watch(node: &Dispatch, major: u32, resumable: bool) -> Body {
    let request =
        Request::post(format!("/shop.v{major}.Shop/Watch")).header("straddle-version", format!("{major}.0.0"));
    let request = if resumable { request.header("straddle-resume", "1") } else { request };
    let request = request.body(Body::full(Bytes::from_static(b"\0\0\0\0\0"))).expect("a request");
    let Ok(response) = node.clone().oneshot(request).await;
    let mut body = response.into_body();
    assert!(body.frame().await.expect("a message").expect("no error").is_data());
    body
}

async fn end(body: &mut Body) -> Status {
    let trailers = body.frame().await.expect("trailers").expect("no error").into_trailers().expect("trailers");
    assert!(!trailers.contains_key("straddle-resume"), "nobody goes on with it");
    Status::from_header_map(&trailers).expect("a status")
}

#[tokio::test(start_paused = true)]
async fn streams_of_a_retired_version_have_their_time_and_end_as_retired() {
    let patience = Duration::from_secs(10);
    let node = node(patience);
    let service = node.service();
    let begun = tokio::time::Instant::now();
    let mut retired = [watch(&service, 1, true).await, watch(&service, 1, false).await];
    let mut served = watch(&service, 2, true).await;
    node.retire(up_to("1.0.0")).await.unwrap();
    for stream in &mut retired {
        let status = end(stream).await;
        let refusal = Refusal::from_status(&status).expect("a refusal");
        // It has changed nothing.
        assert_eq!(
            (refusal.reason(), refusal.ran(), status.code()),
            (Reason::Retired, false, Code::FailedPrecondition)
        );
        assert_eq!((refusal.served(), refusal.method()), (Some("2.0.0..=3.0.0"), Some("/shop.v1.Shop/Watch")));
    }
    assert!(begun.elapsed() >= patience, "they had their time");
    let more = tokio::time::timeout(Duration::from_secs(60), served.frame()).await;
    assert!(more.is_err(), "streams of other versions go on: {more:?}");
}

#[tokio::test(start_paused = true)]
async fn streams_go_on_when_it_is_taken_back_in_time() {
    let node = node(Duration::from_secs(10));
    let mut stream = watch(&node.service(), 1, false).await;
    node.retire(up_to("1.0.0")).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_secs(9), stream.frame()).await.is_err());
    node.retire(Retiring::default()).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_secs(60), stream.frame()).await.is_err(), "it goes on");
}
