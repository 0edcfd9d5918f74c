//! What refusals say of the call: the versions, the method, and whether it may have run.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use folder::folder;
use http::{Request, Response};
use straddle::Protocol;
use straddle::dispatch::{Dispatch, Object};
use straddle::node::Node;
use straddle::refusal::{Reason, Refusal};
use straddle::simulation::Adjacent;
use straddle::wire::Body;
use tonic::{Code, Status};
use tower::{ServiceExt, service_fn};

const PROTO: &str = r#"
syntax = "proto3";
package shop.v1;
message M { string text = 1; }
service Shop {
  rpc Get(M) returns (M) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc Fix(M) returns (M) { option idempotency_level = IDEMPOTENT; }
  rpc Put(M) returns (M);
}
"#;

/// Three versions with the same methods; what is called `Put` is simulated in both older ones.
fn protocol() -> Protocol {
    let step = |from: &str| format!("from = \"{from}\"\n[past]\ncode = [\"shop.v1.Shop.Put\"]\n");
    let (second, third) = (step("1.0.0"), step("2.0.0"));
    let files = [
        ("protocol.toml", "name = \"shop\"\n"),
        ("1.0.0/shop.proto", PROTO),
        ("2.0.0/shop.proto", PROTO),
        ("2.0.0/step.toml", second.as_str()),
        ("3.0.0/shop.proto", PROTO),
        ("3.0.0/step.toml", third.as_str()),
    ];
    Protocol::load(folder(&files).path()).unwrap_or_else(|error| panic!("{error}"))
}

fn object<F, A>(answer: F) -> Object
where
    F: Fn(Request<Body>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response<Body>> + Send + 'static,
{
    let service = service_fn(move |request| {
        let answered = answer(request);
        async move { Ok::<_, Infallible>(answered.await) }
    });
    Object::default().and_service("shop.v1.Shop", service)
}

async fn beneath(adjacent: Adjacent, method: &str) -> Response<Body> {
    let request = Request::post(format!("/shop.v1.Shop/{method}")).body(tonic::body::Body::empty());
    let Ok(response) = adjacent.oneshot(request.expect("a request")).await;
    response
}

fn refused() -> Response<Body> {
    Status::from(Refusal::lossy("text", "too long")).into_http()
}

fn done() -> Response<Body> {
    Response::new(Body::empty())
}

/// A simulation object that calls `method` beneath, and refuses whatever comes of it.
fn refusing_after(method: &'static str) -> impl Fn(Adjacent) -> Object {
    move |adjacent| {
        object(move |_| {
            let adjacent = adjacent.clone();
            async move {
                beneath(adjacent, method).await;
                refused()
            }
        })
    }
}

fn passing_on(adjacent: Adjacent) -> Object {
    object(move |_| beneath(adjacent.clone(), "Put"))
}

fn node(current: Object, second: impl Fn(Adjacent) -> Object + Send + 'static) -> Dispatch {
    let node = Node::builder(protocol()).object("3.0.0", current).past("2.0.0", second).past("1.0.0", passing_on);
    node.build().unwrap_or_else(|error| panic!("{error}")).service()
}

async fn refusal(node: &Dispatch, caller: &str) -> (Code, Refusal) {
    let request = Request::post("/shop.v1.Shop/Put").header("straddle-version", caller).body(Body::empty());
    let Ok(response) = node.clone().oneshot(request.expect("a request")).await;
    let status = Status::from_header_map(response.headers()).expect("a status in the headers");
    (status.code(), Refusal::from_status(&status).unwrap_or_else(|| panic!("no refusal: {status:?}")))
}

#[tokio::test]
async fn what_ran_is_told_at_any_depth() {
    for (method, ran) in [("Get", false), ("Fix", true), ("Put", true)] {
        let node = node(object(|_| async { done() }), refusing_after(method));
        for caller in ["1.0.0", "2.0.0"] {
            let (code, refusal) = refusal(&node, caller).await;
            let due = if ran { Code::Internal } else { Code::FailedPrecondition };
            assert_eq!((code, refusal.ran()), (due, ran), "{method} beneath 2.0.0, called by {caller}");
            assert_eq!((refusal.path(), refusal.caller_version()), (Some("text"), Some(caller)));
            assert_eq!(refusal.node_version(), Some("3.0.0"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_beneath_that_was_dropped_may_have_run() {
    let impatient = |adjacent: Adjacent| {
        object(move |_| {
            let call = beneath(adjacent.clone(), "Put");
            async move {
                let answer = tokio::time::timeout(Duration::from_millis(10), call).await;
                assert!(answer.is_err(), "the object beneath does not answer");
                refused()
            }
        })
    };
    let node = node(object(|_| std::future::pending()), impatient);
    assert!(refusal(&node, "2.0.0").await.1.ran());
    assert!(refusal(&node, "1.0.0").await.1.ran());
}

#[tokio::test]
async fn a_refusal_of_what_the_object_called_elsewhere_came_after_it_ran() {
    let elsewhere = node(object(|_| async { refused() }), passing_on);
    let current = object(move |_| {
        let elsewhere = elsewhere.clone();
        async move {
            let request = Request::post("/shop.v1.Shop/Put").header("straddle-version", "9.0.0").body(Body::empty());
            let Ok(response) = elsewhere.oneshot(request.expect("a request")).await;
            response
        }
    });
    let (code, refusal) = refusal(&node(current, passing_on), "3.0.0").await;
    assert_eq!((code, refusal.reason(), refusal.ran()), (Code::Internal, Reason::UnknownVersion, true));
}
