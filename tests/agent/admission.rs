//! Who may serve, and that it goes on.

use http::Request;
use straddle::control::v1_0_0 as wire;
use straddle::inventory::generated::v1_1_0;
use straddle::transport::Channel;
use straddle::wire::{Body, NotBegun};
use tokio::net::TcpListener;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::ServiceExt;

use crate::OLD;
use crate::coordinator::{Coordinator, Heard, goal};
use crate::nodes::{ServedNode, built, by, inventory, inventory_of, shop};
use crate::shop::call;

async fn healthy(node: &ServedNode) -> bool {
    let mut client = HealthClient::new(node.channel());
    let status = client.check(HealthCheckRequest::default()).await.expect("an answer").into_inner().status();
    status == tonic_health::pb::health_check_response::ServingStatus::Serving
}

async fn list(channel: Channel) -> Result<(), tonic::Status> {
    let mut client = v1_1_0::inventory_client(channel);
    client.list_items(v1_1_0::ListItemsRequest::default()).await.map(drop)
}

#[tokio::test]
async fn a_node_says_who_it_is_and_answers_nobody_before_it_is_admitted() {
    let mut coordinator = Coordinator::start().await;
    let state = tempfile::tempdir().unwrap();
    let node = ServedNode::serve(inventory(&coordinator, state.path()).await).await;
    let hello = coordinator.hello().await;
    assert_eq!((hello.node.as_str(), hello.protocol.as_str(), hello.admission), ("a-1", "inventory", 0));
    assert_eq!((hello.address, hello.labels["zone"].as_str()), (node.address.clone(), "a"));
    assert_eq!(hello.runs, ["1.1.0", "2.0.0", "3.0.0"]);
    let knows: Vec<(&str, bool)> = hello.knows.iter().map(|known| (known.version.as_str(), known.learned)).collect();
    assert_eq!(knows, [("1.0.0", false), ("1.1.0", false), ("2.0.0", false), ("3.0.0", false)]);
    assert_eq!(hello.ways, [wire::Way::Soft, wire::Way::Drain, wire::Way::Barrier].map(i32::from));
    let report = hello.report.expect("a report");
    assert_eq!((report.version.as_str(), report.next.as_str(), report.serving), ("1.1.0", "2.0.0", false));

    let Ok(response) = node.node.service().oneshot(Request::post("/x.Y/Z").body(Body::empty()).unwrap()).await;
    assert!(NotBegun::marks(&response), "whoever calls is to call elsewhere, or again");
    assert!(!healthy(&node).await);
    let waiting = tokio::spawn(list(node.channel()));
    coordinator.welcome(true);
    waiting.await.expect("no panic").expect("an answer, once it is admitted");
    assert!(coordinator.report(|report| report.serving).await.moving_to.is_empty());
    assert!(healthy(&node).await);
    node.stop().await;
    coordinator.until(|heard| matches!(heard, Heard::Ended).then_some(())).await;
}

#[tokio::test]
async fn a_node_that_serves_goes_on_without_its_coordinator_and_comes_back_to_it() {
    let mut coordinator = Coordinator::start().await;
    let address = coordinator.url.trim_start_matches("http://").to_owned();
    let node = ServedNode::serve(built(shop(&coordinator))).await;
    assert!(coordinator.hello().await.ways.is_empty(), "a node without a state stays where it is");
    coordinator.welcome(true);
    coordinator.report(|report| report.serving).await;
    coordinator.stop().await;
    for _ in 0..3 {
        assert_eq!(call(&node.node, "/shop.v2.Shop/Get", "2.0.0", OLD).await.expect("an answer"), OLD);
    }
    let mut coordinator = Coordinator::start_on(TcpListener::bind(address).await.expect("the same port"));
    let hello = coordinator.hello().await;
    assert_eq!(hello.admission, 3, "it was admitted before");
    assert!(hello.report.expect("a report").serving);
    coordinator.welcome(false);
    let report = coordinator.report(|report| !report.calls.is_empty()).await;
    assert!(report.serving, "it goes on");
    assert_eq!(report.calls[0].answered, 3, "what nobody heard is told later");
    node.stop().await;
}

#[tokio::test]
async fn a_node_that_was_forgotten_stops_and_is_admitted_anew() {
    let mut coordinator = Coordinator::start().await;
    let node = ServedNode::serve(built(shop(&coordinator))).await;
    coordinator.hello().await;
    coordinator.welcome(true);
    coordinator.report(|report| report.serving).await;
    coordinator.end(Code::FailedPrecondition, "FENCED");
    let hello = coordinator.hello().await;
    assert_eq!((hello.admission, hello.report.expect("a report").serving), (0, false));
    assert_eq!(call(&node.node, "/shop.v2.Shop/Get", "2.0.0", OLD).await.unwrap_err().code(), Code::Unavailable);
    coordinator.welcome(true);
    coordinator.report(|report| report.serving).await;
    call(&node.node, "/shop.v2.Shop/Get", "2.0.0", OLD).await.expect("an answer");
    node.stop().await;
}

#[tokio::test]
async fn a_node_that_was_away_is_brought_up_step_by_step_before_it_serves() {
    let mut coordinator = Coordinator::start().await;
    let state = tempfile::tempdir().unwrap();
    let node = ServedNode::serve(inventory(&coordinator, state.path()).await).await;
    coordinator.hello().await;
    coordinator.welcome(false);
    // Nobody can go back behind 2.0.0 any more.
    coordinator.goal(wire::Goal { active: "2.0.0".to_owned(), ..goal("3.0.0") });
    let request = coordinator.permit(40, |_| {}).await;
    assert_eq!((request.from.as_str(), request.to.as_str()), ("1.1.0", "2.0.0"));
    assert_eq!(coordinator.ended(40).await.failure, None);
    // That it was finalized is in between.
    let report = coordinator.report(|report| report.version == "2.0.0" && report.back.is_empty()).await;
    assert!(!report.serving, "not yet");
    assert!(node.node.active("inventory", "2.0.0") && !node.node.active("inventory", "3.0.0"));
    let request = coordinator.permit(41, |_| {}).await;
    assert_eq!((request.from.as_str(), request.to.as_str()), ("2.0.0", "3.0.0"));
    let report = coordinator.report(|report| report.serving).await;
    assert_eq!((report.version.as_str(), report.back.as_str()), ("3.0.0", "2.0.0"));
    list(node.channel()).await.expect("an answer");
    node.stop().await;
}

#[tokio::test]
async fn a_node_that_may_not_serve_says_why_and_one_that_nobody_admits_can_be_told_to_serve_all_the_same() {
    let mut coordinator = Coordinator::start().await;
    let node = ServedNode::serve(built(shop(&coordinator))).await;
    coordinator.hello().await;
    coordinator.welcome(false);
    coordinator.goal(goal("3.0.0"));
    coordinator.report(|_| true).await;
    let refused = call(&node.node, "/shop.v2.Shop/Get", "2.0.0", OLD).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (Code::Unavailable, "it was away"));
    assert_eq!(node.node.watch().borrow().unadmitted.as_deref(), Some("it was away"));
    node.stop().await;

    let gone = Coordinator::start().await;
    let state = tempfile::tempdir().unwrap();
    let coordinated = by(&gone).serve_unadmitted_after(std::time::Duration::ZERO);
    gone.stop().await;
    let node = ServedNode::serve(inventory_of(coordinated, state.path()).await).await;
    list(node.channel()).await.expect("an answer");
    node.stop().await;
}
