//! Programs that attend: one that never heard of a version, and one that is killed.

use std::path::Path;

use straddle::bundle::Bundle;
use straddle::control::v1_0_0 as wire;
use straddle::control::v1_0_0::Phase;
use straddle::inventory::generated::{protocol, v2_0_0, v3_0_0};
use straddle::refusal::{Reason, Refusal};
use straddle::transport::{Channel, Labelled};

use crate::coordinator::{Coordinator, goal};
use crate::program::Conversation;
use crate::shop::key;
use crate::version;

/// The example's program; and where it listens.
fn example(coordinator: &Coordinator, state: &Path, more: &[&str]) -> (Conversation, Channel) {
    let state = state.display().to_string();
    let always = ["serve-example", "--listen", "127.0.0.1:0", "--until-stdin-ends", "--state", &state];
    let coordinated = ["--coordinator", &coordinator.url, "--node", "a-1", "--label", "zone=a"];
    let mut program = Conversation::begin(&[&always[..], &coordinated[..], more].concat());
    let line = program.hear();
    let address = line.trim().rsplit(' ').next().expect("an address").to_owned();
    program.hear();
    (program, Channel::owner(address).build().expect("a channel"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_node_whose_program_never_heard_of_a_version_serves_its_callers_without_a_restart() {
    let mut coordinator = Coordinator::start().await;
    let folder = tempfile::tempdir().unwrap();
    let trusted = folder.path().join("key.pem");
    std::fs::write(&trusted, key().public().to_pem().unwrap()).unwrap();
    let trusted = trusted.display().to_string();
    let (program, channel) = example(
        &coordinator,
        &folder.path().join("state"),
        &["--version", "1.1.0", "--knows-up-to", "1.1.0", "--trust", &trusted],
    );
    let hello = coordinator.hello().await;
    assert_eq!((hello.labels["zone"].as_str(), hello.knows.len()), ("a", 2));
    assert_eq!(hello.runs, ["1.1.0"]);
    coordinator.welcome(true);

    let item = v2_0_0::Item {
        sku: "anvil".into(),
        name: "Anvil".into(),
        price: Some(v2_0_0::Money { currency_code: "USD".into(), units: 49, nanos: 0 }),
        ..Default::default()
    };
    let put = v2_0_0::UpsertItemRequest { item: Some(item), request_id: "1".into() };
    // A client that does not stand in for the node by itself.
    let mut plain = v2_0_0::inventory_client::InventoryClient::new(Labelled::new(channel.clone(), &v2_0_0::LABEL));
    let unknown = plain.upsert_item(put.clone()).await.unwrap_err();
    assert_eq!(Refusal::from_status(&unknown).expect("a refusal").reason(), Reason::UnknownVersion);

    let step = |from: &str, to: &str| {
        let bundle = Bundle::of_step(&protocol(), &version(from), &version(to)).expect("a bundle");
        coordinator.publish(bundle.signed(&key()).to_bytes())
    };
    let bundles = vec![step("1.1.0", "2.0.0"), step("2.0.0", "3.0.0")];
    coordinator.goal(wire::Goal { bundles, ..goal("") });
    let report = coordinator.report(|report| report.learned.len() == 2).await;
    assert_eq!(report.version, "1.1.0", "it runs what it ran");

    plain.upsert_item(put).await.expect("it is put");
    let get = v3_0_0::GetItemRequest { sku: "anvil".into() };
    let mut newest = v3_0_0::inventory_client(channel);
    let item = newest.get_item(get).await.expect("an item").into_inner();
    assert_eq!(item.price.expect("a price").units, 49);
    let reserve = newest.reserve(v3_0_0::ReserveRequest::default()).await.unwrap_err();
    let refusal = Refusal::from_status(&reserve).expect("a refusal");
    assert_eq!(refusal.reason(), Reason::Disallowed);
    assert!(refusal.message().contains("3.0.0"), "{refusal}");
    assert!(refusal.advised().is_some_and(|advice| advice.contains("program")), "{refusal}");
    drop(program);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_killed_in_its_transform_goes_on_by_itself_and_names_its_permit() {
    let mut coordinator = Coordinator::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (program, _) = example(&coordinator, folder.path(), &["--version", "2.0.0", "--transform-for", "60s"]);
    coordinator.hello().await;
    coordinator.welcome(true);
    coordinator.goal(goal("3.0.0"));
    coordinator.permit(40, |_| {}).await;
    coordinator.report(|report| report.phase() == Phase::Transforming).await;
    program.signal("-KILL");
    drop(program);

    let (program, _) = example(&coordinator, folder.path(), &["--version", "2.0.0"]);
    let hello = coordinator.hello().await;
    let report = hello.report.expect("a report");
    assert_eq!((report.version.as_str(), report.permit, report.moving_to.as_str()), ("3.0.0", 40, ""));
    assert_eq!((report.back.as_str(), report.serving), ("2.0.0", false), "nobody has admitted it yet");
    coordinator.welcome(false);
    coordinator.goal(goal("3.0.0"));
    assert!(coordinator.report(|report| report.serving).await.version == "3.0.0", "it is where it is to be");
    drop(program);
}
