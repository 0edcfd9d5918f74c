//! How a running node comes to know versions.

use std::sync::Arc;

use straddle::refusal::Reason;
use straddle::transport::Channel;
use tonic::Code;

use crate::coordinator::{Coordinator, Heard, goal};
use crate::nodes::{ServedNode, built, shop};
use crate::shop::{call, refusal, signed, unsigned};
use crate::{NEW, OLD};
use straddle::control::v1_0_0 as wire;

const GET: &str = "/shop.v3.Shop/Get";

async fn attending() -> (Coordinator, ServedNode) {
    let mut coordinator = Coordinator::start().await;
    let node = ServedNode::serve(built(shop(&coordinator))).await;
    coordinator.hello().await;
    coordinator.welcome(true);
    coordinator.report(|report| report.serving).await;
    (coordinator, node)
}

#[tokio::test]
async fn what_the_goal_names_is_fetched_and_learned_in_its_order() {
    let (mut coordinator, node) = attending().await;
    let bundles = vec![coordinator.publish(signed("2.0.0", "3.0.0")), coordinator.publish(signed("3.0.0", "4.0.0"))];
    coordinator.goal(wire::Goal { bundles, ..goal("") });
    let report = coordinator.report(|report| report.learned.len() == 2).await;
    let learned: Vec<(&str, bool)> = report.learned.iter().map(|known| (&*known.version, known.learned)).collect();
    assert_eq!(learned, [("3.0.0", true), ("4.0.0", true)]);
    assert_eq!(call(&node.node, "/shop.v4.Shop/Get", "4.0.0", NEW).await.expect("an answer"), NEW);
    // After a new Hello it says all that it knows.
    coordinator.end(Code::Aborted, "GONE");
    assert_eq!(coordinator.hello().await.knows.len(), 3);
    node.stop().await;
}

#[tokio::test]
async fn a_bundle_that_nobody_has_signed_is_refused_with_the_reason_unless_that_is_allowed() {
    let (mut coordinator, node) = attending().await;
    let digest = coordinator.publish(unsigned("2.0.0", "3.0.0"));
    coordinator.goal(wire::Goal { bundles: vec![digest], ..goal("") });
    let report = coordinator.report(|report| report.unlearned.is_some()).await;
    let why = report.unlearned.expect("a reason");
    assert!(why.contains("nobody has signed") || why.contains("signed"), "{why}");
    assert!(report.learned.is_empty());
    node.stop().await;

    let mut coordinator = Coordinator::start().await;
    let node = ServedNode::serve(built(shop(&coordinator).allow_unsigned_bundles())).await;
    coordinator.hello().await;
    coordinator.welcome(true);
    let digest = coordinator.publish(unsigned("2.0.0", "3.0.0"));
    coordinator.goal(wire::Goal { bundles: vec![digest], ..goal("") });
    coordinator.report(|report| report.learned.len() == 1).await;
    assert_eq!(call(&node.node, GET, "3.0.0", NEW).await.expect("an answer"), NEW);
    node.stop().await;
}

#[tokio::test]
async fn a_call_of_a_version_that_was_published_is_told_to_come_again_and_served_then() {
    let (mut coordinator, node) = attending().await;
    let digest = coordinator.publish(signed("2.0.0", "3.0.0"));
    coordinator.leads("3.0.0", &[&digest]);
    let unknown = call(&node.node, GET, "3.0.0", NEW).await.unwrap_err();
    assert_eq!((refusal(&unknown).reason(), unknown.code()), (Reason::UnknownVersion, Code::Unavailable));
    assert_eq!(unknown.metadata().get("straddle-node").expect("what it runs"), "2.0.0");
    let report = coordinator.report(|report| report.learned.len() == 1).await;
    assert_eq!(call(&node.node, GET, "3.0.0", NEW).await.expect("an answer"), NEW);
    assert!(report.unknown.len() <= 1);
    let disallowed = call(&node.node, "/shop.v3.Shop/Count", "3.0.0", NEW).await.unwrap_err();
    assert_eq!(refusal(&disallowed).reason(), Reason::Disallowed);
    node.stop().await;
}

#[tokio::test]
async fn a_label_that_nobody_has_published_is_asked_for_once_and_told_to_be_unknown() {
    let (mut coordinator, node) = attending().await;
    call(&node.node, GET, "9.0.0", NEW).await.unwrap_err();
    let found = coordinator.until(|heard| if let Heard::Find(version) = heard { Some(version.clone()) } else { None });
    assert_eq!(found.await, "9.0.0");
    // Once it has heard that nobody knows it.
    loop {
        let unknown = call(&node.node, GET, "9.0.0", NEW).await.unwrap_err();
        assert_eq!(refusal(&unknown).reason(), Reason::UnknownVersion);
        if unknown.code() == Code::Unimplemented {
            break;
        }
        assert_eq!(unknown.code(), Code::Unavailable);
        tokio::task::yield_now().await;
    }
    // Many others are not all asked for.
    for number in 100..1100 {
        call(&node.node, GET, &format!("{number}.0.0"), NEW).await.unwrap_err();
    }
    call(&node.node, "/shop.v2.Shop/Get", "2.0.0", OLD).await.expect("an answer");
    let mut asked = 0;
    let mut told = std::collections::BTreeMap::new();
    while told.len() < 64 {
        match coordinator.hear().await {
            Heard::Find(_) => asked += 1,
            Heard::Said(wire::from_agent::Message::Report(report)) => {
                told.extend(report.unknown.into_iter().map(|unknown| (unknown.version, unknown.calls)));
            }
            _ => {}
        }
    }
    assert!(asked <= 7, "{asked} in 10 seconds, and one before");
    node.stop().await;
}

#[tokio::test]
async fn a_peer_that_runs_a_newer_version_brings_its_name_and_the_coordinator_the_bundle() {
    let (mut coordinator, node) = attending().await;
    let digest = coordinator.publish(signed("2.0.0", "3.0.0"));
    coordinator.leads("3.0.0", &[&digest]);
    // A peer, of which just what it says counts.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = tower::service_fn(|_: http::Request<straddle::wire::Body>| async {
        let mut response = http::Response::new(straddle::wire::Body::empty());
        response.headers_mut().insert("grpc-status", "5".parse().unwrap());
        response.headers_mut().insert("straddle-node", "3.0.0".parse().unwrap());
        Ok::<_, std::convert::Infallible>(response)
    });
    let serving = straddle::transport::Server::builder().serve(listener, peer, std::future::pending()).unwrap();
    let address = serving.local_addr().to_string();
    let serving = tokio::spawn(serving);
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (hearing, noting) = (node.node.clone(), told.clone());
    let heard = move |version: &str| {
        noting.lock().unwrap().push(version.to_owned());
        hearing.heard_of(version);
    };
    let channel = Channel::owner(address).node_versions(heard).build().unwrap();
    for _ in 0..3 {
        let request = http::Request::post("/shop.v2.Shop/Get").body(straddle::wire::Body::empty()).unwrap();
        let Ok(_) = tower::ServiceExt::oneshot(channel.clone(), request).await;
    }
    coordinator.report(|report| report.learned.len() == 1).await;
    assert_eq!(*told.lock().unwrap(), ["3.0.0"], "once");
    assert_eq!(call(&node.node, GET, "3.0.0", NEW).await.expect("an answer"), NEW);
    serving.abort();
    node.stop().await;
}
