//! The admin service of a node, as clients in any language meet it: by `proto/straddle/v1/node.proto` alone.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;
#[path = "learn/shop.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod shop;
/// What the proto says, generated.
#[allow(
    dead_code,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "written by the generators of prost and tonic, which do not know our lints"
)]
#[rustfmt::skip]
#[path = "../src/node/admin/generated/straddle.v1.rs"]
mod wire;

use std::net::SocketAddr;

use shop::{Seen, folder_of, key, object, signed, unsigned};
use straddle::bundle;
use straddle::node::Node;
use straddle::transport::{Channel, Served};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use wire::move_update::Update;
use wire::node_client::NodeClient;
use wire::{
    AbortRequest, DrainRequest, LearnRequest, Phase, PrepareRequest, ResumeRequest, StatusRequest, UpgradeRequest,
    WatchRequest,
};

/// A node that is served to those who look after it.
struct Running {
    node: Node,
    client: NodeClient<Channel>,
    stop: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<Served>,
}

async fn serve() -> Running {
    let builder = Node::builder(folder_of(&["2.0.0"])).object("2.0.0", object(&Seen::default()));
    let node = builder.trust(key().public()).build().unwrap_or_else(|error| panic!("{error}"));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = node.serve_admin(listener, async move { drop(stopped.await) }).expect("a server");
    let address: SocketAddr = serving.local_addr();
    let client = NodeClient::new(Channel::owner(address.to_string()).build().expect("a channel"));
    Running { node, client, stop, served: tokio::spawn(serving) }
}

fn parts(file: &[u8], size: usize) -> Vec<LearnRequest> {
    file.chunks(size).map(|part| LearnRequest { part: part.to_vec().into() }).collect()
}

/// The reason, and whether the node is as before.
fn told(status: &Status) -> (String, String) {
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
    assert_eq!(info.domain, "straddle");
    assert!(info.metadata.get("advice").is_some_and(|advice| !advice.is_empty()), "{status:?}");
    (info.reason, info.metadata.get("safe").cloned().unwrap_or_default())
}

#[tokio::test]
async fn the_status_says_what_a_node_runs_serves_and_can_do() {
    let mut served = serve().await;
    let status = served.client.status(StatusRequest {}).await.expect("a status").into_inner();
    assert_eq!((status.protocol.as_str(), status.version.as_str(), status.active.as_str()), ("shop", "2.0.0", "2.0.0"));
    assert_eq!((status.served, status.learned), (vec!["2.0.0".to_owned()], vec![]));
    assert_eq!((status.next.as_str(), status.back.as_str()), ("", ""));
    assert_eq!(status.phase, i32::from(Phase::Serving));
}

#[tokio::test]
async fn a_node_without_a_state_refuses_to_move_and_is_as_before() {
    let mut served = serve().await;
    let request = UpgradeRequest { to: "3.0.0".to_owned(), ..Default::default() };
    let mut updates = served.client.upgrade(request).await.expect("a stream").into_inner();
    let refused = loop {
        match updates.message().await {
            Ok(update) => assert!(update.is_some(), "the stream ended without a result"),
            Err(status) => break status,
        }
    };
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(told(&refused), ("NO_STATE".to_owned(), "true".to_owned()));
    let nonsense = served
        .client
        .upgrade(UpgradeRequest { to: "newest".to_owned(), ..Default::default() })
        .await
        .expect_err("no version");
    assert_eq!(nonsense.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_node_without_a_state_is_drained_and_cannot_be_prepared() {
    let mut served = serve().await;
    let mut updates = served.client.drain(DrainRequest::default()).await.expect("a stream").into_inner();
    let mut last = None;
    let done = loop {
        match updates.message().await.expect("no error").expect("it ends with `done`").update {
            Some(Update::Status(status)) => last = Some(status),
            Some(Update::Done(done)) => break done,
            other => panic!("{other:?}"),
        }
    };
    let last = last.expect("a status comes before");
    assert_eq!((last.drained, last.calls_running, done.moved, done.version.as_str()), (true, 0, None, "2.0.0"));
    assert_eq!(last.instance.len(), 32);
    served.client.resume(ResumeRequest {}).await.expect("it is back");
    assert!(!served.client.status(StatusRequest {}).await.expect("a status").get_ref().drained);

    let prepare = |to: &str, within_microseconds| PrepareRequest { to: to.to_owned(), within_microseconds };
    let day = 24 * 60 * 60 * 1_000_000;
    for request in [prepare("3.0.0", 0), prepare("3.0.0", day + 1), prepare("newest", 1)] {
        let error = served.client.prepare(request.clone()).await.expect_err("nonsense");
        assert_eq!(error.code(), Code::InvalidArgument, "{request:?}");
    }
    let mut updates = served.client.prepare(prepare("3.0.0", day)).await.expect("a stream").into_inner();
    let refused = loop {
        match updates.message().await {
            Ok(update) => assert!(update.is_some(), "the stream ended without a result"),
            Err(status) => break status,
        }
    };
    assert_eq!(told(&refused), ("NO_STATE".to_owned(), "true".to_owned()));
    served.client.abort(AbortRequest { name: "mine".to_owned() }).await.expect("nothing to take back is no error");
}

#[tokio::test]
async fn a_bundle_comes_in_parts_of_any_size_and_whoever_watches_sees_what_it_brings() {
    let mut served = serve().await;
    let mut changes = served.client.watch(WatchRequest {}).await.expect("a stream").into_inner();
    let first = changes.message().await.expect("no error").expect("a status");
    assert_eq!(first.served, ["2.0.0"]);
    let requests = tokio_stream::iter(parts(&signed("2.0.0", "3.0.0"), 7));
    let learned = served.client.learn(requests).await.expect("3.0.0").into_inner();
    assert_eq!((learned.added, learned.kept), (vec!["3.0.0".to_owned()], false));
    assert_eq!(learned.needs_program.len(), 1);
    let then = changes.message().await.expect("no error").expect("a status");
    assert_eq!((then.served, then.learned), (vec!["2.0.0".to_owned(), "3.0.0".to_owned()], vec!["3.0.0".to_owned()]));
}

#[tokio::test]
async fn bundles_that_are_hostile_are_refused_and_the_node_goes_on() {
    let mut served = serve().await;
    let too_long = vec![b'x'; bundle::LARGEST + 1];
    let cases = [
        ("nothing", vec![], "BUNDLE_UNREADABLE", Code::InvalidArgument),
        ("no bundle", b"hello".to_vec(), "BUNDLE_UNREADABLE", Code::InvalidArgument),
        ("too long", too_long, "BUNDLE_UNREADABLE", Code::InvalidArgument),
        ("unsigned", unsigned("2.0.0", "3.0.0").to_vec(), "BUNDLE_UNTRUSTED", Code::PermissionDenied),
        ("does not adjoin", signed("3.0.0", "4.0.0").to_vec(), "BUNDLE_CONFLICT", Code::FailedPrecondition),
    ];
    for (name, file, reason, code) in cases {
        let error = served.client.learn(tokio_stream::iter(parts(&file, 1 << 20))).await.expect_err(name);
        assert_eq!((told(&error), error.code()), ((reason.to_owned(), "true".to_owned()), code), "{name}: {error}");
    }
    let too_large = vec![LearnRequest { part: vec![0; 5 << 20].into() }];
    let error = served.client.learn(tokio_stream::iter(too_large)).await.expect_err("a message of 5 MiB");
    assert!(matches!(error.code(), Code::ResourceExhausted | Code::OutOfRange), "{error:?}");
    assert_eq!(served.node.protocol().versions().len(), 1);
}

#[tokio::test]
async fn those_who_send_slowly_do_not_fill_the_nodes_memory() {
    let served = serve().await;
    let (mut calls, mut senders) = (JoinSet::new(), Vec::new());
    for _ in 0..3 {
        let (sender, receiver) = mpsc::channel::<LearnRequest>(1);
        let mut client = served.client.clone();
        calls.spawn(async move { client.learn(ReceiverStream::new(receiver)).await });
        senders.push(sender);
    }
    // Two of them are waited for.
    let refused = calls.join_next().await.expect("a call").expect("no panic").expect_err("no place");
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
    drop(senders);
    while let Some(ended) = calls.join_next().await {
        let error = ended.expect("no panic").expect_err("no bundle");
        assert_eq!(told(&error).0, "BUNDLE_UNREADABLE");
    }
    let mut client = served.client.clone();
    client.learn(tokio_stream::iter(parts(&signed("2.0.0", "3.0.0"), 1 << 20))).await.expect("its turn");
}

#[tokio::test]
async fn whoever_watches_is_told_when_the_service_stops_and_does_not_hold_it_up() {
    let mut served = serve().await;
    let mut changes = served.client.watch(WatchRequest {}).await.expect("a stream").into_inner();
    changes.message().await.expect("no error").expect("a status");
    served.stop.send(()).expect("a server");
    let ended = loop {
        match changes.message().await {
            Ok(change) => assert!(change.is_some(), "the stream ended without a word"),
            Err(status) => break status,
        }
    };
    assert_eq!(ended.code(), Code::Unavailable);
    drop((changes, served.client));
    let Served { cut, .. } = served.served.await.expect("no panic");
    assert_eq!(cut, 0);
}

#[tokio::test]
async fn an_address_that_others_reach_is_refused_unless_it_is_asked_for() {
    let served = serve().await;
    let listener = || async { TcpListener::bind("0.0.0.0:0").await.expect("a listener") };
    let error = served.node.serve_admin(listener().await, async {}).expect_err("everybody could move the node");
    assert!(error.to_string().contains("is no loopback address"), "{error}");
    assert!(served.node.serve_admin_beyond_loopback(listener().await, async {}).is_ok());
}
