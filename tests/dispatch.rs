//! The way of a call inside a node, with plain tower services as objects.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;

use std::convert::Infallible;
use std::future::Future;
use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use folder::folder;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use straddle::Protocol;
use straddle::dispatch::{Dispatch, Object};
use straddle::node::Node;
use straddle::refusal::{Reason, Refusal};
use straddle::simulation::{Adjacent, Observe, ObservedCall};
use straddle::wire::Body;
use tokio::sync::oneshot;
use tonic::{Code, Status};
use tower::{ServiceExt, service_fn};

const PROTO: &str = r#"
syntax = "proto3";
package shop.v1;
message M { string text = 1; }
service Shop {
  rpc Get(M) returns (M) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc Put(M) returns (M);
  rpc Watch(M) returns (stream M);
  rpc Hard(M) returns (M);
}
"#;

const STEP: &str = r#"
from = "1.0.0"
[rename.methods]
"shop.v1.Shop.Put" = "shop.v1.Shop.Upsert"
[past]
code = ["shop.v1.Shop.Get", "shop.v1.Shop.Watch"]
[[past.refuse]]
method = "shop.v1.Shop.Hard"
reason = "2.0.0 does this at night"
advice = "call Easy"
"#;

/// 1.0.0, 2.0.0 with Put renamed to Upsert and with Get and Watch simulated, and 3.0.0 in a package of its own.
fn protocol() -> Protocol {
    let second = PROTO.replace("rpc Put(", "rpc Upsert(").replace("rpc Hard(", "rpc Easy(");
    let third = PROTO.replace("shop.v1", "shop.v3");
    let files = [
        ("protocol.toml", "name = \"shop\"\n"),
        ("1.0.0/shop.proto", PROTO),
        ("2.0.0/shop.proto", second.as_str()),
        ("2.0.0/step.toml", STEP),
        ("3.0.0/shop.proto", third.as_str()),
    ];
    Protocol::load(folder(&files).path()).unwrap_or_else(|error| panic!("{error}"))
}

/// An object of one service that a function answers.
fn object<F, A>(service: &str, answer: F) -> Object
where
    F: Fn(Request<Body>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response<Body>> + Send + 'static,
{
    Object::default().and_service(
        service,
        service_fn(move |request| {
            let answered = answer(request);
            async move { Ok::<_, Infallible>(answered.await) }
        }),
    )
}

/// The current object of these tests: says under which path it was called.
fn current() -> Object {
    object("shop.v1.Shop", |request: Request<Body>| async move { answer(&[("x-path", request.uri().path())]) })
}

fn answer(headers: &[(&'static str, &str)]) -> Response<Body> {
    let mut response = Response::new(Body::full(Bytes::from_static(b"\0\0\0\0\0")));
    for (name, value) in headers {
        response.headers_mut().insert(*name, value.parse().expect("a header value"));
    }
    response
}

/// A simulation object that passes each call on under the same path.
fn pass_on(adjacent: Adjacent) -> Object {
    object("shop.v1.Shop", move |request: Request<Body>| {
        let adjacent = adjacent.clone();
        async move {
            let request = Request::post(request.uri().path()).body(tonic::body::Body::empty()).expect("a request");
            let Ok(response) = adjacent.oneshot(request).await;
            response
        }
    })
}

fn node() -> Dispatch {
    node_with(pass_on)
}

fn node_with(past: impl FnOnce(Adjacent) -> Object + Send + 'static) -> Dispatch {
    let node = Node::builder(protocol()).object("2.0.0", current()).past("1.0.0", past).build();
    node.unwrap_or_else(|error| panic!("{error}")).service()
}

async fn call(node: &Dispatch, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let Ok(response) = node.clone().oneshot(request.body(Body::empty()).expect("a request")).await;
    response
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

fn status(response: &Response<Body>) -> Status {
    Status::from_header_map(response.headers()).expect("a status in the headers")
}

fn refusal(response: &Response<Body>) -> Refusal {
    Refusal::from_status(&status(response)).unwrap_or_else(|| panic!("no refusal: {:?}", status(response)))
}

#[tokio::test]
async fn a_response_says_its_version_its_node_and_its_schema() {
    let node = node();
    let response = call(&node, "/shop.v1.Shop/Get", &[("straddle-version", "1.0.0")]).await;
    assert_eq!(header(&response, "straddle-version"), "1.0.0");
    assert_eq!(header(&response, "straddle-node"), "2.0.0");
    assert_eq!(header(&response, "straddle-schema"), protocol().versions()[0].digest());
    assert_eq!(header(&response, "x-path"), "/shop.v1.Shop/Get");
}

#[tokio::test]
async fn the_patch_number_of_a_label_is_ignored() {
    let response = call(&node(), "/shop.v1.Shop/Upsert", &[("straddle-version", "2.0.17")]).await;
    assert_eq!(header(&response, "straddle-version"), "2.0.0");
}

#[tokio::test]
async fn a_renamed_method_that_is_same_arrives_under_its_new_name() {
    let response = call(&node(), "/shop.v1.Shop/Put", &[("straddle-version", "1.0.0")]).await;
    assert_eq!(header(&response, "x-path"), "/shop.v1.Shop/Upsert");
    assert_eq!(header(&response, "straddle-version"), "1.0.0");
}

#[tokio::test]
async fn a_caller_without_a_label_gets_the_oldest_version_of_its_package() {
    let response = call(&node(), "/shop.v1.Shop/Put", &[]).await;
    assert_eq!(header(&response, "straddle-version"), "1.0.0");
}

#[tokio::test]
async fn a_declared_refusal_says_why_and_what_to_do_in_both_versions() {
    let response = call(&node(), "/shop.v1.Shop/Hard", &[("straddle-version", "1.0.0")]).await;
    let refusal = refusal(&response);
    assert_eq!(status(&response).code(), Code::FailedPrecondition);
    assert_eq!(refusal.reason(), Reason::Disallowed);
    assert_eq!(refusal.message(), "2.0.0 does this at night");
    assert_eq!(refusal.advised(), Some("call Easy"));
    assert_eq!(refusal.caller_version(), Some("1.0.0"));
    assert_eq!(refusal.node_version(), Some("2.0.0"));
    assert_eq!(refusal.method(), Some("/shop.v1.Shop/Hard"));
    assert!(!refusal.ran());
    assert_eq!(header(&response, "straddle-version"), "1.0.0");
}

#[tokio::test]
async fn a_method_without_a_counterpart_is_refused_by_itself() {
    let refusal = refusal(&call(&node(), "/shop.v3.Shop/Get", &[]).await);
    assert_eq!(refusal.reason(), Reason::Disallowed);
    assert!(refusal.message().contains("2.0.0 has no counterpart of shop.v3.Shop.Get"), "{refusal}");
    assert_eq!(refusal.caller_version(), Some("3.0.0"));
}

#[tokio::test]
async fn a_version_that_the_node_does_not_know_is_told_what_is_served() {
    for path in ["/shop.v1.Shop/Get", "/shop.v9.Shop/New"] {
        let response = call(&node(), path, &[("straddle-version", "9.1.0")]).await;
        let refusal = refusal(&response);
        assert_eq!((status(&response).code(), refusal.reason()), (Code::Unimplemented, Reason::UnknownVersion));
        assert_eq!(refusal.served(), Some("1.0.0..=3.0.0"));
        assert_eq!(refusal.caller_version(), Some("9.1.0"));
    }
}

#[tokio::test]
async fn a_label_that_contradicts_the_path_or_itself_is_an_invalid_argument() {
    type Mismatch<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let digest = protocol().versions()[0].digest().to_owned();
    let mismatches: [Mismatch<'_>; 7] = [
        ("/shop.v1.Shop/Put", &[("straddle-version", "2.0.0")], "1.0.0 does"),
        ("/shop.v1.Shop/Get", &[("straddle-version", "two")], "`two` is not a version"),
        ("/shop.v1.Shop/Get", &[("straddle-version", "1.0.0"), ("straddle-version", "2.0.0")], "more than one"),
        ("/shop.v1.Shop/Get", &[("straddle-version", "1.0.0"), ("straddle-schema", "0123")], "immutable"),
        ("/shop.v1.Shop/Get", &[("straddle-schema", &digest), ("straddle-schema", "0123")], "immutable"),
        ("/shop.v1.Shop/Get", &[("straddle-schema", "0123")], "immutable"),
        ("/shop.v1.Shop/Upsert", &[], "carries no label and is taken for 1.0.0, which does not declare"),
    ];
    for (path, headers, expected) in mismatches {
        let response = call(&node(), path, headers).await;
        let refusal = refusal(&response);
        assert_eq!((status(&response).code(), refusal.reason()), (Code::InvalidArgument, Reason::LabelMismatch));
        assert!(refusal.message().contains(expected), "{refusal}");
        assert_eq!(header(&response, "straddle-node"), "2.0.0");
    }
}

#[tokio::test]
async fn a_caller_with_the_same_schema_is_served() {
    let digest = protocol().versions()[0].digest().to_owned();
    let headers = [("straddle-version", "1.0.0"), ("straddle-schema", digest.as_str())];
    let response = call(&node(), "/shop.v1.Shop/Get", &headers).await;
    assert_eq!(header(&response, "x-path"), "/shop.v1.Shop/Get");
}

#[tokio::test]
async fn a_path_that_no_version_declares_is_unimplemented_and_no_refusal() {
    let response = call(&node(), "/shop.v1.Shop/Nothing", &[]).await;
    assert_eq!(header(&response, "straddle-node"), "2.0.0");
    let status = status(&response);
    assert_eq!(status.code(), Code::Unimplemented);
    assert_eq!(Refusal::from_status(&status), None);
}

#[tokio::test]
async fn a_retired_version_is_told_so_and_needs_no_object() {
    let node = Node::builder(protocol()).object("2.0.0", current()).oldest_served("2.0.0").build();
    let node = node.unwrap_or_else(|error| panic!("{error}")).service();
    let response = call(&node, "/shop.v1.Shop/Get", &[("straddle-version", "1.0.0")]).await;
    let refusal = refusal(&response);
    assert_eq!((status(&response).code(), refusal.reason()), (Code::FailedPrecondition, Reason::Retired));
    assert_eq!(refusal.served(), Some("2.0.0..=3.0.0"));
    let said = ["straddle-version", "straddle-node", "straddle-schema"].map(|name| header(&response, name));
    assert_eq!(said, ["1.0.0", "2.0.0", protocol().versions()[0].digest()]);
    let unlabelled = call(&node, "/shop.v1.Shop/Get", &[]).await;
    assert_eq!(Refusal::from_status(&status_of(&unlabelled)).map(|refusal| refusal.reason()), Some(Reason::Retired));
}

fn status_of(response: &Response<Body>) -> Status {
    status(response)
}

#[tokio::test]
async fn metadata_and_the_deadline_pass_down_and_metadata_pass_up() {
    let seen = Arc::new(Mutex::new(HeaderMap::new()));
    let saw = seen.clone();
    let current = object("shop.v1.Shop", move |request: Request<Body>| {
        *saw.lock().expect("the headers") = request.headers().clone();
        async { answer(&[("x-answer", "from the object"), ("grpc-encoding", "identity")]) }
    });
    let node = Node::builder(protocol()).object("2.0.0", current).past("1.0.0", pass_on).build().expect("a node");
    let headers = [
        ("straddle-version", "1.0.0"),
        ("traceparent", "00-1-2-01"),
        ("x-tenant", "a"),
        ("x-tenant", "b"),
        ("grpc-timeout", "5S"),
        ("user-agent", "somebody"),
    ];
    let response = call(&node.service(), "/shop.v1.Shop/Get", &headers).await;
    assert_eq!(header(&response, "x-answer"), "from the object");
    let seen = seen.lock().expect("the headers");
    assert_eq!(seen["traceparent"], "00-1-2-01");
    assert_eq!(seen.get_all("x-tenant").iter().collect::<Vec<_>>(), ["a", "b"]);
    let left = seen["grpc-timeout"].to_str().expect("text");
    assert!(left.ends_with(['u', 'n', 'm']) && left != "5S", "the time that is left, not what there was: {left}");
    assert!(!seen.contains_key("straddle-version") && !seen.contains_key("user-agent"), "these are of the first hop");
}

#[tokio::test]
async fn a_trace_goes_on_beneath_unless_the_simulation_object_begins_its_own() {
    const ABOVE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const OWN: &str = "00-aaaabbbbccccddddeeeeffff00001111-0123456789abcdef-01";
    /// What the author sets, and what goes along.
    type Case<'a> = (&'a [(&'a str, &'a str)], [Option<&'a str>; 2]);
    let cases: [Case; 4] = [
        (&[], [Some(ABOVE), Some("a=1")]),
        (&[("traceparent", OWN)], [Some(OWN), None]),
        (&[("tracestate", "b=2")], [Some(ABOVE), Some("b=2")]),
        (&[("traceparent", OWN), ("tracestate", "b=2")], [Some(OWN), Some("b=2")]),
    ];
    for (sets, seen) in cases {
        let current = object("shop.v1.Shop", |request: Request<Body>| async move {
            let said = |name: &str| request.headers().get(name).map(|value| value.to_str().expect("text").to_owned());
            let seen = [said("traceparent"), said("tracestate")].map(Option::unwrap_or_default);
            answer(&[("x-parent", &seen[0]), ("x-state", &seen[1])])
        });
        let sets = sets.to_vec();
        let past = move |adjacent: Adjacent| {
            object("shop.v1.Shop", move |request: Request<Body>| {
                let mut beneath = Request::post(request.uri().path());
                for (name, value) in &sets {
                    beneath = beneath.header(*name, *value);
                }
                let beneath = adjacent.clone().oneshot(beneath.body(tonic::body::Body::empty()).expect("a request"));
                async move {
                    let Ok(response) = beneath.await;
                    response
                }
            })
        };
        let node = Node::builder(protocol()).object("2.0.0", current).past("1.0.0", past).build().expect("a node");
        let headers = [("straddle-version", "1.0.0"), ("traceparent", ABOVE), ("tracestate", "a=1")];
        let response = call(&node.service(), "/shop.v1.Shop/Get", &headers).await;
        let told = [header(&response, "x-parent"), header(&response, "x-state")];
        assert_eq!(told, seen.map(Option::unwrap_or_default));
    }
}

#[tokio::test]
async fn a_panic_fails_its_call_alone() {
    let node = node_with(|_| object("shop.v1.Shop", |_| async { panic!("on purpose") }));
    let response = call(&node, "/shop.v1.Shop/Get", &[("straddle-version", "1.0.0")]).await;
    assert_eq!(status(&response).code(), Code::Internal);
    assert!(status(&response).message().contains("panicked"));
    let next = call(&node, "/shop.v1.Shop/Put", &[("straddle-version", "1.0.0")]).await;
    assert_eq!(header(&next, "x-path"), "/shop.v1.Shop/Upsert");
}

#[tokio::test]
async fn a_panic_in_a_stream_ends_it_with_an_error() {
    use tokio_stream::StreamExt;

    let node = node_with(|_| {
        object("shop.v1.Shop", |_| async {
            let frames = tokio_stream::iter([1, 2]).map_while(|number| {
                assert_eq!(number, 1, "on purpose");
                Some(Ok::<_, Status>(http_body::Frame::data(Bytes::from_static(b"\0\0\0\0\0"))))
            });
            Response::new(Body::new(http_body_util::StreamBody::new(frames)))
        })
    });
    let response = call(&node, "/shop.v1.Shop/Watch", &[("straddle-version", "1.0.0")]).await;
    let collected = response.into_body().collect().await.expect("frames and trailers");
    let status = Status::from_header_map(collected.trailers().expect("trailers")).expect("a status");
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(collected.to_bytes().len(), 5, "what came before the panic has arrived");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_overruns_the_deadline_is_cut_off_and_dropped() {
    let (gone, notice) = oneshot::channel::<()>();
    let gone = Arc::new(Mutex::new(Some(gone)));
    let node = node_with(move |_| {
        object("shop.v1.Shop", move |_| {
            let gone = gone.lock().expect("the notice").take();
            async move {
                let _held_until_dropped = gone;
                std::future::pending().await
            }
        })
    });
    let headers = [("straddle-version", "1.0.0"), ("grpc-timeout", "100m")];
    let before = tokio::time::Instant::now();
    let response = call(&node, "/shop.v1.Shop/Get", &headers).await;
    assert_eq!(status(&response).code(), Code::DeadlineExceeded);
    assert_eq!(before.elapsed().as_millis(), 100);
    assert!(notice.await.is_err(), "the object's future is dropped");
}

#[tokio::test]
async fn a_call_whose_deadline_has_passed_already_does_not_run() {
    let node = node_with(|_| object("shop.v1.Shop", |_| async { panic!("it was called") }));
    for timeout in ["0S", "1n"] {
        let headers = [("straddle-version", "1.0.0"), ("grpc-timeout", timeout)];
        let response = call(&node, "/shop.v1.Shop/Get", &headers).await;
        assert_eq!(status(&response).code(), Code::DeadlineExceeded, "{timeout}");
        assert!(status(&response).message().contains("has not run"), "{timeout}");
        assert_eq!(header(&response, "straddle-node"), "2.0.0");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_at_the_deadline() {
    let node = node_with(|_| {
        object("shop.v1.Shop", |_| async {
            let never =
                http_body_util::StreamBody::new(tokio_stream::pending::<Result<http_body::Frame<Bytes>, Status>>());
            Response::new(Body::new(never))
        })
    });
    let headers = [("straddle-version", "1.0.0"), ("grpc-timeout", "2S")];
    let response = call(&node, "/shop.v1.Shop/Watch", &headers).await;
    let collected = response.into_body().collect().await.expect("trailers");
    let status = Status::from_header_map(collected.trailers().expect("trailers")).expect("a status");
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn dropping_a_call_drops_what_it_called_beneath() {
    let (gone, notice) = oneshot::channel::<()>();
    let (begun, reached) = oneshot::channel::<()>();
    let once = Arc::new(Mutex::new(Some((gone, begun))));
    let current = object("shop.v1.Shop", move |_| {
        let (gone, begun) = once.lock().expect("the notice").take().expect("one call");
        async move {
            let _held_until_dropped = gone;
            let _ = begun.send(());
            std::future::pending().await
        }
    });
    let node = Node::builder(protocol()).object("2.0.0", current).past("1.0.0", pass_on).build().expect("a node");
    let service = node.service();
    let running =
        tokio::spawn(async move { call(&service, "/shop.v1.Shop/Get", &[("straddle-version", "1.0.0")]).await });
    reached.await.expect("the call reached the current object");
    running.abort();
    assert!(notice.await.is_err(), "the call beneath was dropped");
}

#[tokio::test]
async fn a_refusal_by_a_simulation_object_is_completed_with_versions_and_method() {
    let node = node_with(|_| {
        object("shop.v1.Shop", |_| async { Status::from(Refusal::lossy("text", "too long for 2.0.0")).into_http() })
    });
    let response = call(&node, "/shop.v1.Shop/Get", &[("straddle-version", "1.0.0")]).await;
    let refusal = refusal(&response);
    assert_eq!((refusal.reason(), refusal.path()), (Reason::Lossy, Some("text")));
    assert_eq!(refusal.protocol(), Some("shop"));
    assert_eq!(refusal.caller_version(), Some("1.0.0"));
    assert_eq!(refusal.node_version(), Some("2.0.0"));
    assert_eq!(refusal.method(), Some("/shop.v1.Shop/Get"));
    assert!(!refusal.ran());
}

#[tokio::test]
async fn a_refusal_after_a_call_beneath_that_may_have_run_says_so() {
    let node = node_with(|adjacent| {
        object("shop.v1.Shop", move |_| {
            let adjacent = adjacent.clone();
            async move {
                let request =
                    Request::post("/shop.v1.Shop/Upsert").body(tonic::body::Body::empty()).expect("a request");
                let Ok(_) = adjacent.oneshot(request).await;
                Status::from(Refusal::lossy("text", "cannot be said in 1.0.0")).into_http()
            }
        })
    });
    let response = call(&node, "/shop.v1.Shop/Get", &[("straddle-version", "1.0.0")]).await;
    assert!(refusal(&response).ran());
    assert_eq!(status(&response).code(), Code::Internal);
}

#[tokio::test]
async fn background_work_of_a_simulation_object_reaches_the_node_without_a_caller() {
    let (channel, given) = oneshot::channel();
    let node = Node::builder(protocol())
        .object("2.0.0", current())
        .past("1.0.0", move |adjacent| {
            channel.send(adjacent.clone()).expect("the test waits for it");
            pass_on(adjacent)
        })
        .build()
        .expect("a node");
    let adjacent = given.await.expect("the channel");
    let request = || Request::post("/shop.v1.Shop/Get").body(tonic::body::Body::empty()).expect("a request");
    let Ok(response) = adjacent.clone().oneshot(request()).await;
    assert_eq!(header(&response, "x-path"), "/shop.v1.Shop/Get");
    drop(node);
    let Ok(response) = adjacent.oneshot(request()).await;
    assert_eq!(status(&response).code(), Code::Unavailable, "the node is gone");
}

#[test]
fn all_that_a_node_lacks_is_told_at_once() {
    let error = Node::builder(protocol())
        .object("2.0.0", object("shop.v1.Other", |_| async { answer(&[]) }))
        .future("1.0.0", pass_on)
        .past("7.0.0", pass_on)
        .build()
        .expect_err("nothing fits");
    let told = error.to_string();
    for part in [
        "future(\"1.0.0\"): this is no future version of a node that runs 2.0.0",
        "past(\"7.0.0\"): shop has no version 7.0.0; it has 1.0.0, 2.0.0, 3.0.0",
        "the object of 2.0.0 lacks the service shop.v1.Shop",
        "code in the step from 1.0.0 to the next version: give past(\"1.0.0\", …) with shop.v1.Shop, for Get, Watch",
    ] {
        assert!(told.contains(part), "{part:?} is missing from\n{told}");
    }
}

#[test]
fn what_could_not_be_opened_hides_nothing_else_that_is_wrong() {
    let error = Node::builder(protocol())
        .object("2.0.0", object("shop.v1.Other", |_| async { answer(&[]) }))
        .past("1.0.0", |_| Err::<Object, _>("no space left"))
        .build()
        .expect_err("nothing fits");
    let told = error.to_string();
    assert!(told.contains("past(\"1.0.0\"): no space left") && told.contains("lacks the service"), "{told}");
    assert!(!told.contains("give past("), "it was given: {told}");
    let error = Node::builder(protocol()).past("7.0.0", pass_on).future("x", pass_on).build().expect_err("no object");
    assert_eq!(error.faults().len(), 3, "{error}");
}

#[test]
fn a_simulation_object_that_no_step_wants_is_told() {
    let error = Node::builder(protocol())
        .object("2.0.0", current())
        .past("1.0.0", pass_on)
        .future("3.0.0", pass_on)
        .build()
        .expect_err("the step to 3.0.0 declares nothing");
    let told = format!("{error:?}");
    assert!(told.contains("future(\"3.0.0\"): the step from 2.0.0 to 3.0.0 declares no code for it"), "{told}");
    assert!(told.contains("list its methods under [future] in step.toml"), "{told}");
}

/// Writes down what it sees; refuses what asks for it.
#[derive(Clone, Debug, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn write(&self, line: String) {
        self.0.lock().expect("the diary").push(line);
    }
}

impl Observe for Diary {
    fn admit(&self, call: &ObservedCall, first: Option<&Bytes>) -> Result<(), Status> {
        self.write(format!("{} {} {first:?}", call.number, call.method));
        match call.metadata.get("x-forbidden") {
            Some(_) => Err(Status::permission_denied("forbidden")),
            None => Ok(()),
        }
    }

    fn request(&self, call: &ObservedCall, message: &Bytes) {
        self.write(format!("{} went on with {message:?}", call.number));
    }

    fn response(&self, call: &ObservedCall, message: &Bytes) {
        assert!(!call.metadata.contains_key("x-panic"), "on purpose");
        self.write(format!("{} answered {message:?}", call.number));
    }

    fn end(&self, call: &ObservedCall, trailers: Option<&HeaderMap>) {
        self.write(format!(
            "{} ended, status {:?}",
            call.number,
            trailers.and_then(|trailers| trailers.get("grpc-status"))
        ));
    }
}

#[tokio::test]
async fn an_observer_sees_calls_in_the_current_version_and_may_refuse_them() {
    let diary = Diary::default();
    let echo = object("shop.v1.Shop", |request: Request<Body>| async move {
        let bytes = request.into_body().collect().await.expect("a whole request").to_bytes();
        Response::new(Body::with_trailers(
            bytes,
            HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]),
        ))
    });
    let node = Node::builder(protocol()).object("2.0.0", echo).past("1.0.0", pass_on).observe(diary.clone()).build();
    let node = node.unwrap_or_else(|error| panic!("{error}")).service();
    let request = Request::post("/shop.v1.Shop/Put").header("straddle-version", "1.0.0");
    let body = Body::full(Bytes::from_static(b"\0\0\0\0\x02hi"));
    let Ok(response) = node.clone().oneshot(request.body(body).expect("a request")).await;
    let echoed = response.into_body().collect().await.expect("an answer").to_bytes();
    assert_eq!(&echoed[..], b"\0\0\0\0\x02hi", "an observer changes nothing");
    let refused = call(&node, "/shop.v1.Shop/Upsert", &[("straddle-version", "2.0.0"), ("x-forbidden", "yes")]).await;
    assert_eq!(status(&refused).code(), Code::PermissionDenied);
    let diary = diary.0.lock().expect("the diary");
    assert_eq!(
        *diary,
        [
            "0 /shop.v1.Shop/Upsert Some(b\"hi\")",
            "0 answered b\"hi\"",
            "0 ended, status Some(\"0\")",
            "1 /shop.v1.Shop/Upsert None",
        ]
    );
}

/// Refuses everything, and writes down what it hears of the end.
struct Refusing(Diary);
impl Observe for Refusing {
    fn admit(&self, _: &ObservedCall, _: Option<&Bytes>) -> Result<(), Status> {
        Err(Status::permission_denied("never"))
    }

    fn end(&self, _: &ObservedCall, _: Option<&HeaderMap>) {
        self.0.write("ended".to_owned());
    }
}

/// A node whose current object answers with `body`, and two who watch it.
fn watched(body: fn() -> Body) -> (Dispatch, [Diary; 2]) {
    let diaries = [Diary::default(), Diary::default()];
    let node = Node::builder(protocol())
        .object("2.0.0", object("shop.v1.Shop", move |_| async move { Response::new(body()) }));
    let node = node.past("1.0.0", pass_on).observe(diaries[0].clone()).observe(diaries[1].clone()).build();
    (node.unwrap_or_else(|error| panic!("{error}")).service(), diaries)
}

fn lines(diary: &Diary) -> Vec<String> {
    diary.0.lock().expect("the diary").clone()
}

#[tokio::test]
async fn an_observer_sees_plain_messages_of_a_call_that_is_compressed_both_ways() {
    let diary = Diary::default();
    let echo = object("shop.v1.Shop", |request: Request<Body>| async move {
        for name in ["grpc-encoding", "grpc-accept-encoding"] {
            assert!(!request.headers().contains_key(name), "the object is not asked to compress what is observed");
        }
        let bytes = request.into_body().collect().await.expect("a whole request").to_bytes();
        let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]);
        Response::new(Body::with_trailers(bytes, trailers))
    });
    let node = Node::builder(protocol()).object("2.0.0", echo).past("1.0.0", pass_on).observe(diary.clone()).build();
    let node = node.unwrap_or_else(|error| panic!("{error}")).service();
    let text = "again ".repeat(500);
    let mut gzipped = Vec::new();
    flate2::bufread::GzEncoder::new(text.as_bytes(), flate2::Compression::fast()).read_to_end(&mut gzipped).unwrap();
    let message = [&[1][..], &u32::try_from(gzipped.len()).unwrap().to_be_bytes(), &gzipped].concat();
    let request = Request::post("/shop.v1.Shop/Upsert")
        .header("straddle-version", "2.0.0")
        .header("grpc-encoding", "gzip")
        .header("grpc-accept-encoding", "gzip")
        .body(Body::full(message.into()));
    let Ok(response) = node.oneshot(request.expect("a request")).await;
    assert_eq!(header(&response, "grpc-encoding"), "gzip");
    let answered = response.into_body().collect().await.expect("an answer").to_bytes();
    let mut plain = String::new();
    assert_eq!(answered[0], 1, "a compressed message");
    flate2::bufread::GzDecoder::new(&answered[5..]).read_to_string(&mut plain).unwrap();
    assert_eq!(plain, text);
    let diary = diary.0.lock().expect("the diary");
    assert_eq!(diary[..2], [format!("0 /shop.v1.Shop/Upsert Some(b{text:?})"), format!("0 answered b{text:?}")]);
}

#[tokio::test]
async fn an_observer_that_admitted_a_call_hears_of_its_end_whatever_became_of_it() {
    let began = "0 /shop.v1.Shop/Upsert None".to_owned();
    let ended = "0 ended, status None".to_owned();
    let label = ("straddle-version", "2.0.0");
    // The second of these refuses: only the first has admitted it.
    let (first, second) = (Diary::default(), Diary::default());
    let node = Node::builder(protocol()).object("2.0.0", current()).past("1.0.0", pass_on);
    let node = node.observe(first.clone()).observe(Refusing(second.clone())).build().expect("a node").service();
    call(&node, "/shop.v1.Shop/Upsert", &[label]).await;
    assert_eq!((lines(&first), lines(&second)), (vec![began.clone(), ended.clone()], vec![]));
    // A caller that goes away before there is an answer.
    let diary = Diary::default();
    let never = object("shop.v1.Shop", |_| std::future::pending());
    let node = Node::builder(protocol()).object("2.0.0", never).past("1.0.0", pass_on).observe(diary.clone()).build();
    let node = node.expect("a node").service();
    let left = tokio::time::timeout(Duration::from_millis(20), call(&node, "/shop.v1.Shop/Upsert", &[label])).await;
    assert!(left.is_err(), "the object does not answer");
    assert_eq!(lines(&diary), [began, ended]);
}

#[tokio::test]
async fn an_answer_that_observers_cannot_see_or_fail_at_ends_in_an_error_that_can_be_read() {
    let (node, diaries) = watched(|| Body::full(Bytes::from_static(b"\x01\0\0\0\x02zz")));
    let response = call(&node, "/shop.v1.Shop/Upsert", &[("straddle-version", "2.0.0")]).await;
    let trailers = response.into_body().collect().await.expect("trailers").trailers().cloned().expect("trailers");
    let status = Status::from_header_map(&trailers).expect("a status");
    assert_eq!(status.code(), Code::Internal);
    assert!(status.message().contains("uncompressed") && status.message().contains("has run"), "{status}");
    let seen = ["0 /shop.v1.Shop/Upsert None", "0 ended, status Some(\"13\")"];
    assert!(diaries.iter().all(|diary| lines(diary) == seen), "compressed bytes are not shown: {diaries:?}");

    let (node, diaries) = watched(|| Body::full(Bytes::from_static(b"\0\0\0\0\x02hi")));
    let headers = [("straddle-version", "2.0.0"), ("x-panic", "yes")];
    let response = call(&node, "/shop.v1.Shop/Upsert", &headers).await;
    let trailers = response.into_body().collect().await.expect("trailers").trailers().cloned().expect("trailers");
    assert!(Status::from_header_map(&trailers).expect("a status").message().contains("observer"));
    assert!(diaries.iter().all(|diary| lines(diary) == seen), "both hear of the end: {diaries:?}");
}

#[tokio::test]
async fn a_panic_before_there_is_a_future_fails_its_call_alone() {
    #[derive(Clone)]
    struct Hasty;
    impl tonic::server::NamedService for Hasty {
        const NAME: &'static str = "shop.v1.Shop";
    }
    impl tower::Service<Request<Body>> for Hasty {
        type Response = Response<tonic::body::Body>;
        type Error = Infallible;
        type Future = tonic::codegen::BoxFuture<Self::Response, Infallible>;
        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
            Ok(()).into()
        }
        fn call(&mut self, _: Request<Body>) -> Self::Future {
            panic!("on purpose")
        }
    }
    let node = Node::builder(protocol()).object("2.0.0", Object::of(Hasty)).past("1.0.0", pass_on).build();
    let response =
        call(&node.expect("a node").service(), "/shop.v1.Shop/Upsert", &[("straddle-version", "2.0.0")]).await;
    assert!(status(&response).message().contains("panicked"));
    assert_eq!(header(&response, "straddle-node"), "2.0.0");
}

#[tokio::test]
async fn a_unary_answer_that_never_ends_is_not_gathered() {
    let node = node_with(|_| {
        object("shop.v1.Shop", |_| async {
            let frame = || Ok::<_, Status>(http_body::Frame::data(Bytes::from_static(b"\0\0\0\0\0")));
            Response::new(Body::new(http_body_util::StreamBody::new(tokio_stream::iter(std::iter::repeat_with(frame)))))
        })
    });
    let mut response = call(&node, "/shop.v1.Shop/Get", &[("straddle-version", "1.0.0")]).await;
    for _ in 0..100 {
        assert!(response.body_mut().frame().await.expect("a frame").is_ok());
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_says_why() {
    let node = node_with(|_| {
        object("shop.v1.Shop", |_| async {
            let broken = tokio_stream::once(Err::<http_body::Frame<Bytes>, _>(Status::data_loss("torn")));
            Response::new(Body::new(http_body_util::StreamBody::new(broken)))
        })
    });
    let response = call(&node, "/shop.v1.Shop/Watch", &[("straddle-version", "1.0.0")]).await;
    let collected = response.into_body().collect().await.expect("trailers");
    let status = Status::from_header_map(collected.trailers().expect("trailers")).expect("a status");
    assert_eq!((status.code(), status.message()), (Code::DataLoss, "torn"));
}

#[tokio::test]
async fn a_stream_that_may_be_cut_short_promises_no_length() {
    let node = node_with(|_| object("shop.v1.Shop", |_| async { answer(&[]) }));
    let response = call(&node, "/shop.v1.Shop/Watch", &[("straddle-version", "1.0.0")]).await;
    assert_eq!(http_body::Body::size_hint(response.body()).exact(), None);
}

#[tokio::test]
async fn a_deadline_in_the_far_future_is_no_deadline() {
    let headers = [("straddle-version", "1.0.0"), ("grpc-timeout", "99999999H")];
    let response = tokio::time::timeout(Duration::from_secs(5), call(&node(), "/shop.v1.Shop/Get", &headers)).await;
    assert_eq!(header(&response.expect("an answer"), "x-path"), "/shop.v1.Shop/Get");
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_does_not_wait_for_its_request_which_is_read_beside_it_but_not_for_ever() {
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<_, Status>>(1);
    let frames = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let body = Body::new(http_body_util::StreamBody::new(frames));
    let request = Request::post("/shop.v1.Shop/Hard").header("straddle-version", "1.0.0").body(body);
    let begun = tokio::time::Instant::now();
    let Ok(response) = node().oneshot(request.expect("a request")).await;
    assert_eq!(refusal(&response).reason(), Reason::Disallowed);
    assert_eq!(begun.elapsed(), Duration::ZERO);
    for _ in 0..100 {
        sender.send(Ok(http_body::Frame::data(Bytes::from_static(b"late")))).await.expect("somebody reads");
    }
    tokio::time::timeout(Duration::from_secs(60), sender.closed()).await.expect("nobody reads for ever");

    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<_, Status>>(1);
    let frames = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let body = Body::new(http_body_util::StreamBody::new(frames));
    let request = Request::post("/shop.v1.Shop/Hard").header("straddle-version", "1.0.0").body(body);
    let Ok(response) = node().oneshot(request.expect("a request")).await;
    assert_eq!(refusal(&response).reason(), Reason::Disallowed);
    let mut taken = 0;
    while sender.send(Ok(http_body::Frame::data(vec![0; 64 * 1024].into()))).await.is_ok() {
        taken += 64 * 1024;
        assert!(taken < 8 * 1024 * 1024, "whatever comes is read");
    }
    assert!(taken > 4 * 1024 * 1024, "only {taken} bytes were read");
}

#[tokio::test]
async fn a_connection_outlives_any_number_of_refused_calls() {
    // h2 takes 1,024 frames of requests that were reset.
    refuse_on_one_connection(1_200, "please").await;
}

#[tokio::test]
async fn a_connection_outlives_any_number_of_refused_calls_with_large_requests() {
    // Such requests have 86 frames, and are under way all at once: one frame that comes too late in every other of them
    // is too many.
    refuse_on_one_connection(2_048, &"please ".repeat(200_000)).await;
}

/// Makes calls, 64 at once.
async fn refuse_on_one_connection(calls: usize, said: &str) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = straddle::transport::Server::builder().serve(listener, node(), std::future::pending());
    let serving = tokio::spawn(server.expect("a server"));
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{address}")).expect("an address");
    let channel = endpoint.connect().await.expect("a connection");
    let mut callers = tokio::task::JoinSet::new();
    for first in 0..64 {
        let (channel, said) = (channel.clone(), said.to_owned());
        callers.spawn(async move {
            let mut client = tonic::client::Grpc::new(channel);
            for _ in (first..calls).step_by(64) {
                client.ready().await.expect("a connection");
                let mut request = tonic::Request::new(said.clone());
                request.metadata_mut().insert("straddle-version", "1.0.0".parse().expect("a value"));
                let path = http::uri::PathAndQuery::from_static("/shop.v1.Shop/Hard");
                let codec = straddle::wire::Codec::<String, String>::default();
                let status = client.unary(request, path, codec).await.expect_err("it is refused");
                assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
            }
        });
    }
    while let Some(called) = callers.join_next().await {
        called.expect("no panic");
    }
    serving.abort();
}
