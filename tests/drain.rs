//! Nodes that are taken out of service: callers that look go elsewhere, whoever calls all the same is answered.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;
#[path = "node_life/shop.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod shop;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, StreamBody};
use shop::{add, bring_3, list, plain, protocol, to_2};
use straddle::Version;
use straddle::dispatch::{Dispatch, Object};
use straddle::node::{Node, Opening};
use straddle::transport::{Channel, Served};
use straddle::wire::Body;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tonic::Status;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower::{ServiceExt, service_fn};

/// Longer than any test.
const EVER: Duration = Duration::from_secs(24 * 60 * 60);

fn two() -> Version {
    "2.0.0".parse().unwrap()
}

async fn living(folder: &Path) -> Node {
    let node = Node::builder(protocol()).object("1.0.0", |opening: &Opening| plain("shop.v1.Shop", opening));
    node.upgrade(to_2()).upgrade(bring_3()).state(folder).start().await.unwrap_or_else(|error| panic!("{error}"))
}

/// A node that callers connect to.
struct Running {
    node: Node,
    address: String,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Served>,
}

async fn serve(node: Node) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = node.serve(listener, async move { drop(stopped.await) }).expect("a server");
    let address = serving.local_addr().to_string();
    Running { node, address, stop, served: tokio::spawn(serving) }
}

/// A health that is watched.
struct Watched(tonic::Streaming<HealthCheckResponse>);

impl Watched {
    async fn of(running: &Running, service: &str) -> Self {
        let mut client = HealthClient::new(Channel::owner(&running.address).build().expect("a channel"));
        let request = HealthCheckRequest { service: service.to_owned() };
        Self(client.watch(request).await.expect("a stream").into_inner())
    }

    async fn next(&mut self) -> ServingStatus {
        self.0.message().await.expect("no error").expect("a status").status()
    }
}

#[tokio::test]
async fn the_health_of_a_drained_node_sends_callers_elsewhere_until_it_is_back_in_service() {
    let folder = tempfile::tempdir().unwrap();
    let running = serve(living(folder.path()).await).await;
    let mut watched = Vec::new();
    for service in ["", "shop.v1.Shop", "shop.v3.Shop"] {
        watched.push(Watched::of(&running, service).await);
    }
    // Watching is a call, but none of the node's own.
    for told in &mut watched {
        assert_eq!(told.next().await, ServingStatus::Serving);
    }
    assert_eq!(running.node.drain(EVER).await, 0);
    assert!(running.node.status().drained);
    for told in &mut watched {
        assert_eq!(told.next().await, ServingStatus::NotServing);
    }
    // Whoever comes is told the same, and answered all the same.
    assert_eq!(Watched::of(&running, "").await.next().await, ServingStatus::NotServing);
    add(&running.node.service(), 1, "all the same", false).await.unwrap();
    running.node.upgrade(&two()).await.unwrap();
    assert!(running.node.status().drained, "it stays so over moves");
    running.node.resume();
    for told in &mut watched {
        assert_eq!(told.next().await, ServingStatus::Serving);
    }
    assert!(!running.node.status().drained);
    assert_eq!(list(&running.node.service(), 2).await.unwrap(), ["all the same"]);
    running.node.drain(EVER).await;
    drop(watched);
    running.stop.send(()).expect("a server");
    running.served.await.expect("no panic");
    assert!(!living(folder.path()).await.status().drained, "it is soft state");
}

/// An object whose calls wait until they may go on, and whose streams never end.
fn waiting(entered: &Arc<Notify>, go_on: &Arc<Notify>) -> Object {
    let (entered, go_on) = (entered.clone(), go_on.clone());
    let answer = service_fn(move |request: Request<Body>| {
        let (entered, go_on) = (entered.clone(), go_on.clone());
        async move {
            entered.notify_one();
            if request.uri().path().ends_with("/Watch") {
                let first = http_body::Frame::data(Bytes::from_static(b"\0\0\0\0\0"));
                let stream =
                    tokio_stream::StreamExt::chain(tokio_stream::once(Ok::<_, Status>(first)), tokio_stream::pending());
                return Ok::<_, std::convert::Infallible>(Response::new(Body::new(StreamBody::new(stream))));
            }
            go_on.notified().await;
            Ok(Response::new(Body::full(Bytes::from_static(b"\0\0\0\0\0"))))
        }
    });
    Object::default().and_service("shop.v2.Shop", answer)
}

/// A simulation object that nobody calls.
fn nothing() -> Object {
    Object::default().and_service("shop.v3.Shop", service_fn(|_| std::future::pending::<Result<Response<Body>, _>>()))
}

fn resting(entered: &Arc<Notify>, go_on: &Arc<Notify>) -> Node {
    let node = Node::builder(protocol()).object("2.0.0", waiting(entered, go_on)).future("3.0.0", |_| nothing());
    let node = node.build();
    node.unwrap_or_else(|error| panic!("{error}"))
}

async fn call(service: Dispatch, method: &str, resumable: bool) -> Response<Body> {
    let request = Request::post(format!("/shop.v2.Shop/{method}")).header("straddle-version", "2.0.0");
    let request = if resumable { request.header("straddle-resume", "1") } else { request };
    let Ok(response) = service.oneshot(request.body(Body::empty()).expect("a request")).await;
    response
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_calls_inside_as_long_as_it_is_told_or_until_the_node_is_back() {
    let (entered, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let node = resting(&entered, &go_on);
    // A call is inside until its answer has been read, or dropped.
    let to_the_end = |node: &Node| {
        let service = node.service();
        tokio::spawn(async move { drop(call(service, "Add", false).await) })
    };
    let calls = [(); 2].map(|()| to_the_end(&node));
    entered.notified().await;
    entered.notified().await;
    assert_eq!(node.drain(Duration::from_secs(5)).await, 2, "they are left when the time is over");
    let again = tokio::spawn({
        let node = node.clone();
        async move { node.drain(EVER).await }
    });
    let mut status = node.watch();
    status.wait_for(|status| status.drained && status.calls.0 == 2).await.expect("it is told how many are inside");
    go_on.notify_waiters();
    assert_eq!(again.await.unwrap(), 0, "it ends when the last one leaves");
    for call in calls {
        call.await.unwrap();
    }
    let late = to_the_end(&node);
    entered.notified().await;
    let draining = tokio::spawn({
        let node = node.clone();
        async move { node.drain(EVER).await }
    });
    tokio::task::yield_now().await;
    node.resume();
    assert_eq!(draining.await.unwrap(), 1, "nobody waits for a node that is back in service");
    go_on.notify_waiters();
    late.await.unwrap();
}

#[tokio::test]
async fn streams_whose_callers_go_on_with_them_end_and_others_do_not() {
    let (entered, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let node = resting(&entered, &go_on);
    let mut goes_on = call(node.service(), "Watch", true).await.into_body();
    let mut stays = call(node.service(), "Watch", false).await.into_body();
    for body in [&mut goes_on, &mut stays] {
        assert!(body.frame().await.expect("a frame").expect("no error").is_data());
    }
    assert_eq!(node.drain(Duration::from_millis(1)).await, 1);
    let trailers = goes_on.frame().await.expect("a frame").expect("no error").into_trailers().expect("trailers");
    assert_eq!(
        (&trailers["straddle-resume"], &trailers["grpc-status"]),
        (&"drain".parse().unwrap(), &"14".parse().unwrap())
    );
    // One that comes all the same is answered.
    let mut late = call(node.service(), "Watch", true).await.into_body();
    assert!(late.frame().await.expect("a frame").expect("no error").is_data());
    drop((stays, late));
    assert_eq!(node.drain(EVER).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_of_two_nodes_do_not_notice_that_one_after_the_other_is_drained_and_moves() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut nodes = Vec::new();
    for folder in &folders {
        nodes.push(serve(living(folder.path()).await).await);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let channel = Channel::any(nodes.iter().map(|running| running.address.clone())).build().expect("a channel");
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (channel, stop) = (channel.clone(), stop.clone());
            tokio::spawn(async move {
                let mut calls = 0;
                while !stop.load(Ordering::Relaxed) {
                    listed(channel.clone()).await.expect("a list");
                    calls += 1;
                }
                calls
            })
        })
        .collect();
    for running in &nodes {
        running.node.drain(Duration::from_secs(30)).await;
        running.node.upgrade(&two()).await.unwrap();
        running.node.resume();
    }
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        assert!(caller.await.unwrap() > 0);
    }
}

/// A call over a connection.
async fn listed(channel: Channel) -> Result<(), Status> {
    let request = Request::post("/shop.v1.Shop/List").header("straddle-version", "1.0.0");
    let request = request.header("content-type", "application/grpc").header("te", "trailers");
    let request = request.body(Body::full(Bytes::from_static(b"\0\0\0\0\0"))).expect("a request");
    let Ok(response) = channel.oneshot(request).await;
    if let Some(status) = Status::from_header_map(response.headers()).filter(|it| it.code() != tonic::Code::Ok) {
        return Err(status);
    }
    let answered = response.into_body().collect().await?;
    match answered.trailers().and_then(Status::from_header_map).filter(|it| it.code() != tonic::Code::Ok) {
        Some(status) => Err(status),
        None => Ok(()),
    }
}
