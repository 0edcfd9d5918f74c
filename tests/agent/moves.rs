//! Moves under permits.

use straddle::control::v1_0_0 as wire;
use straddle::control::v1_0_0::{Phase, Way, to_agent};
use straddle::inventory::generated::{v1_1_0, v2_0_0};
use straddle::node::Node;

use crate::coordinator::{Coordinator, goal};
use crate::nodes::{ServedNode, inventory};
use crate::version;

struct World {
    coordinator: Coordinator,
    node: ServedNode,
    state: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let mut coordinator = Coordinator::start().await;
        let state = tempfile::tempdir().unwrap();
        let node = ServedNode::serve(inventory(&coordinator, state.path()).await).await;
        coordinator.hello().await;
        coordinator.welcome(true);
        Self { coordinator, node, state }
    }

    fn node(&self) -> &Node {
        &self.node.node
    }

    fn word(&self, permit: u64, switch: bool) {
        self.coordinator.say(to_agent::Message::Word(wire::Word { permit, switch }));
    }
}

fn reason(ended: &wire::Ended) -> &str {
    ended.failure.as_ref().map_or("", |failure| &failure.reason)
}

#[tokio::test]
async fn a_node_goes_there_and_back_and_there_for_good_under_permits() {
    let mut world = World::new().await;
    world.coordinator.goal(goal("2.0.0"));
    world.coordinator.permit(40, |_| {}).await;
    let ended = world.coordinator.ended(40).await;
    assert_eq!((reason(&ended), ended.version.as_str()), ("", "2.0.0"));
    assert!(ended.pause_microseconds > 0);
    let report = world.coordinator.report(|report| report.version == "2.0.0").await;
    assert_eq!((report.permit, report.back.as_str(), report.moving_to.as_str()), (40, "1.1.0", ""));
    assert_eq!(world.node().status().permit, Some(40), "it is in the journal");

    world.coordinator.goal(goal("1.1.0"));
    assert!(world.coordinator.permit(41, |_| {}).await.to == "1.1.0");
    assert_eq!(world.coordinator.ended(41).await.version, "1.1.0");

    world.coordinator.goal(wire::Goal { final_up_to: "2.0.0".to_owned(), ..goal("2.0.0") });
    world.coordinator.permit(42, |_| {}).await;
    world.coordinator.report(|report| report.version == "2.0.0" && report.back.is_empty()).await;
    assert_eq!(world.node().status().back, None);
    world.node.stop().await;
}

#[tokio::test]
async fn a_permit_that_is_over_or_was_not_asked_for_does_nothing() {
    let mut world = World::new().await;
    world.coordinator.goal(goal("2.0.0"));
    world.coordinator.permit(40, |permit| permit.within_microseconds = 1).await;
    assert_eq!(reason(&world.coordinator.ended(40).await), "EXPIRED");
    world.coordinator.permit(41, |permit| permit.request += 1000).await;
    assert_eq!(reason(&world.coordinator.ended(41).await), "NOT_PERMITTED");
    assert_eq!((world.node().version(), world.node().status().permit), (version("1.1.0"), None));
    world.node.stop().await;
}

#[tokio::test]
async fn a_permit_whose_time_is_over_while_streams_end_does_nothing_and_another_one_moves_the_node() {
    let mut world = World::new().await;
    let mut client = v1_1_0::inventory_client(world.node.channel());
    // It is told to go on by itself once the gate is shut, and until then there is time for it.
    let stream = client.watch_items(v1_1_0::WatchItemsRequest::default()).await.expect("a stream");
    world.coordinator.goal(goal("2.0.0"));
    // The stream has 10 seconds.
    let held = hold(&world).await;
    world.coordinator.permit(40, |permit| permit.within_microseconds = 500_000).await;
    let ended = world.coordinator.ended(40).await;
    assert_eq!((reason(&ended), ended.version.as_str()), ("EXPIRED", "1.1.0"));
    drop((stream, held));
    world.coordinator.permit(41, |_| {}).await;
    assert_eq!(reason(&world.coordinator.ended(41).await), "");
    assert_eq!(world.node().version(), version("2.0.0"));
    world.node.stop().await;
}

/// A stream whose caller does not go on with it: it is waited for.
async fn hold(world: &World) -> impl Sized + use<> {
    let channel = tonic::transport::Channel::from_shared(format!("http://{}", world.node.address)).expect("an address");
    let channel = channel.connect().await.expect("a connection");
    let mut client = v1_1_0::inventory_client::InventoryClient::new(channel);
    client.watch_items(v1_1_0::WatchItemsRequest::default()).await.expect("a stream")
}

/// The files of records of the epochs that there are.
fn copies(world: &World) -> usize {
    let epochs = std::fs::read_dir(world.state.path()).unwrap().map(|entry| entry.unwrap().path());
    epochs.filter(|epoch| std::fs::read_dir(epoch.join("object")).is_ok_and(|files| files.count() > 0)).count()
}

#[tokio::test]
async fn records_are_copied_before_a_permit_is_asked_for_and_kept_up_to_date_until_it_comes() {
    let mut world = World::new().await;
    let mut client = v1_1_0::inventory_client(world.node.channel());
    let item = |sku: &str| {
        let item = v1_1_0::Item { sku: sku.into(), name: "Anvil".into(), price: 1.0, ..Default::default() };
        v1_1_0::PutItemRequest { item: Some(item), request_id: sku.into() }
    };
    client.put_item(item("before")).await.expect("it is put");
    assert_eq!(copies(&world), 1);
    world.coordinator.goal(goal("2.0.0"));
    world.coordinator.request().await;
    let status = world.node().status();
    assert_eq!((status.phase, status.permit), (straddle::state::Phase::Learned, None), "nobody has permitted anything");
    assert_eq!(copies(&world), 2, "the copy is there when it asks");
    let report = world.coordinator.report(|report| report.phase() == Phase::Learned).await;
    assert_eq!((report.moving_to.as_str(), report.serving), ("", true), "it does not move yet");
    client.put_item(item("after")).await.expect("it is put");

    // It is to stay after all, and then to go.
    world.coordinator.goal(goal("1.1.0"));
    world.coordinator.report(|report| report.phase() == Phase::Serving).await;
    assert_eq!(copies(&world), 1, "what nobody wants is gone");
    world.coordinator.goal(goal("2.0.0"));
    world.coordinator.request().await;
    client.put_item(item("last")).await.expect("it is put");
    world.coordinator.permit(40, |_| {}).await;
    assert_eq!(reason(&world.coordinator.ended(40).await), "");
    let mut client = v2_0_0::inventory_client(world.node.channel());
    for sku in ["before", "after", "last"] {
        client.get_item(v2_0_0::GetItemRequest { sku: sku.into() }).await.expect(sku);
    }
    // And back, with what has come since.
    let price = Some(v2_0_0::Money { currency_code: "USD".into(), units: 1, nanos: 0 });
    let new = v2_0_0::Item { sku: "new".into(), name: "Anvil".into(), price, ..Default::default() };
    client.upsert_item(v2_0_0::UpsertItemRequest { item: Some(new), request_id: "new".into() }).await.expect("put");
    world.coordinator.goal(goal("1.1.0"));
    world.coordinator.request().await;
    assert_eq!(copies(&world), 3, "1.1.0 as it was, 2.0.0, and 1.1.0 as it will be");
    world.coordinator.permit(41, |_| {}).await;
    assert_eq!(reason(&world.coordinator.ended(41).await), "");
    let mut client = v1_1_0::inventory_client(world.node.channel());
    client.get_item(v1_1_0::GetItemRequest { sku: "new".into() }).await.expect("it is there");
    world.node.stop().await;
}

#[tokio::test]
async fn what_was_made_ahead_of_a_permit_keeps_nobody_from_moving_the_node() {
    let mut world = World::new().await;
    world.coordinator.goal(goal("2.0.0"));
    world.coordinator.request().await;
    world.coordinator.goal(wire::Goal { paused: true, ..goal("2.0.0") });
    // It may be catching up just now, which yields.
    world.node().upgrade(&version("2.0.0")).await.expect("it moves");
    assert_eq!(world.node().version(), version("2.0.0"));
    world.node.stop().await;
}

#[tokio::test]
async fn a_node_that_drains_first_comes_back_into_service() {
    let mut world = World::new().await;
    world.coordinator.goal(goal("2.0.0"));
    world.coordinator.permit(40, |permit| permit.way = Way::Drain.into()).await;
    world.coordinator.report(|report| report.drained).await;
    assert_eq!(reason(&world.coordinator.ended(40).await), "");
    let report = world.coordinator.report(|report| report.version == "2.0.0" && report.serving).await;
    assert!(!report.drained);
    world.node.stop().await;
}

#[tokio::test]
async fn a_node_waits_prepared_for_the_word_and_switches_or_serves_on() {
    let mut world = World::new().await;
    let barrier = |permit: &mut wire::Permit| {
        permit.way = Way::Barrier.into();
        permit.prepared_for_microseconds = 60_000_000;
    };
    world.coordinator.goal(goal("2.0.0"));
    world.coordinator.permit(40, barrier).await;
    let report = world.coordinator.report(|report| !report.prepared.is_empty()).await;
    assert_eq!((report.permit, report.moving_to.as_str(), report.serving), (40, "2.0.0", true));
    world.word(40, false);
    assert_eq!(reason(&world.coordinator.ended(40).await), "NO_WORD");
    assert_eq!(world.node().version(), version("1.1.0"));

    world.coordinator.permit(41, barrier).await;
    world.coordinator.report(|report| !report.prepared.is_empty()).await;
    world.word(41, true);
    assert_eq!(reason(&world.coordinator.ended(41).await), "");
    assert_eq!((world.node().version(), world.node().status().permit), (version("2.0.0"), Some(41)));

    world.coordinator.goal(wire::Goal { final_up_to: "2.0.0".to_owned(), ..goal("3.0.0") });
    world.coordinator.permit(42, |permit| (barrier(permit), permit.prepared_for_microseconds = 1).0).await;
    assert_eq!(reason(&world.coordinator.ended(42).await), "NO_WORD", "its time was over");
    world.node.stop().await;
}

#[tokio::test]
async fn a_move_that_fails_is_reported_with_its_reason_and_waits_for_another_permit() {
    let mut world = World::new().await;
    world.coordinator.goal(goal("2.0.0"));
    world.coordinator.permit(40, |_| {}).await;
    assert_eq!(reason(&world.coordinator.ended(40).await), "");
    let mut client = v2_0_0::inventory_client(world.node.channel());
    // 1.1.0 knows no other money than dollars.
    let price = Some(v2_0_0::Money { currency_code: "JPY".into(), units: 100, nanos: 0 });
    let item = v2_0_0::Item { sku: "anvil".into(), name: "Anvil".into(), price, ..Default::default() };
    client
        .upsert_item(v2_0_0::UpsertItemRequest { item: Some(item), request_id: "1".into() })
        .await
        .expect("it is put");
    world.coordinator.goal(goal("1.1.0"));
    world.coordinator.permit(41, |_| {}).await;
    let ended = world.coordinator.ended(41).await;
    assert_eq!((reason(&ended), ended.version.as_str()), ("RECORDS_REFUSED", "2.0.0"), "{ended:?}");
    let report = world.coordinator.report(|report| report.permit == 41).await;
    assert_eq!((report.phase(), report.moving_to.as_str(), report.serving), (Phase::Serving, "", true));
    world.coordinator.permit(42, |permit| permit.accept_loss = true).await;
    let ended = world.coordinator.ended(42).await;
    assert_eq!((reason(&ended), ended.version.as_str()), ("", "1.1.0"));
    let lost = std::fs::read_dir(world.state.path().join("lost")).unwrap();
    let lost: Vec<u64> = lost.map(|file| file.unwrap().metadata().unwrap().len()).collect();
    assert!(matches!(lost[..], [length] if length > 0), "what was given up is written down: {lost:?}");
    world.node.stop().await;
}

#[tokio::test]
async fn what_is_active_is_so_for_ever_also_in_the_program_that_is_started_next() {
    let mut world = World::new().await;
    world.coordinator.goal(goal("2.0.0"));
    world.coordinator.permit(40, |_| {}).await;
    assert_eq!(reason(&world.coordinator.ended(40).await), "");
    assert!(!world.node().active("inventory", "2.0.0"));
    world.coordinator.goal(wire::Goal { final_up_to: "2.0.0".to_owned(), active: "2.0.0".to_owned(), ..goal("2.0.0") });
    world.coordinator.report(|report| report.active == "2.0.0").await;
    let World { coordinator, node: served, state } = world;
    let node = served.node.clone();
    served.stop().await;
    node.stop().await;
    // Nobody has told it anything.
    let node = inventory(&coordinator, state.path()).await;
    assert!(node.active("inventory", "2.0.0") && !node.active("inventory", "3.0.0"));
}
