//! What a supervisor's program is told by way of the supervisor, and what it tells.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use straddle::inventory::generated::v2_0_0 as v2;
use straddle::transport::Channel;
use tokio::runtime::Runtime;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::page::{ask, numbers};
use crate::place::{Place, Supervised};
use crate::program::{Conversation, straddle};

/// What a caller of 3.1.0 is told.
fn called_with_3_1_0(supervised: &Supervised) -> crate::program::Run {
    straddle(&["call", &supervised.callers, "inventory@3.1.0", "ListItems", "{}"])
}

/// A bundle of the step to a version that no program of these was built with, and the key that it is signed with.
fn bundle(place: &Place) -> (String, String) {
    let (newer, key, bundle) = (place.path("newer"), place.text("release.key"), place.text("3.1.0.bundle"));
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/inventory");
    for version in ["", "1.0.0", "1.1.0", "2.0.0", "3.0.0"] {
        fs::create_dir_all(newer.join(version)).unwrap();
        for entry in fs::read_dir(schemas.join(version)).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), newer.join(version).join(entry.file_name())).unwrap();
            }
        }
    }
    fs::create_dir(newer.join("3.1.0")).unwrap();
    fs::copy(newer.join("3.0.0/inventory.proto"), newer.join("3.1.0/inventory.proto")).unwrap();
    let _ = fs::remove_file(newer.join("straddle.lock"));
    straddle(&["keygen", &key]).ended(0, &[]);
    let newer = newer.display().to_string();
    straddle(&["bundle", &newer, "--step", "3.0.0..3.1.0", "--sign", &key, "-o", &bundle]).ended(0, &[]);
    (bundle, format!("{key}.pub"))
}

#[test]
fn a_bundle_reaches_the_program_which_says_what_it_learns_of_it_and_so_does_the_next_one() {
    let place = Place::new();
    let (bundle, key) = bundle(&place);
    place.release("1.1.0", "1.1.0", &format!("--trust {key}"));
    place.release("2.0.0", "1.1.0,2.0.0", &format!("--trust {key}"));
    let mut supervised = place.supervise(&["--release", "1.1.0"]);
    supervised.serves("1.1.0");
    called_with_3_1_0(&supervised).ended(1, &["UNKNOWN_VERSION"]);
    let learned = supervised.node("learn", &[&bundle, "--json"]).ended(0, &[]).value()["learned"].clone();
    assert_eq!((&learned["added"], &learned["kept"]), (&json!(["3.1.0"]), &json!(true)), "{learned}");
    called_with_3_1_0(&supervised).ended(0, &["label 3.1.0, node 1.1.0"]);
    // It is kept with the state.
    supervised.node("upgrade", &["2.0.0"]).ended(0, &[]);
    called_with_3_1_0(&supervised).ended(0, &["label 3.1.0, node 2.0.0"]);
    let again = supervised.node("learn", &[&bundle]).ended(0, &[]);
    assert!(again.out.contains("the node knew all of it already"), "{}", again.out);
}

#[test]
fn why_a_program_does_not_learn_a_bundle_is_told_as_it_says_it() {
    let place = Place::new();
    let (bundle, _) = bundle(&place);
    let mut supervised = place.supervise(&[]);
    supervised.serves("1.1.0");
    let refused = supervised.node("learn", &[&bundle, "--json"]).ended(1, &[]).value();
    assert_eq!(refused["error"]["reason"], "BUNDLE_UNTRUSTED", "{refused}");
    called_with_3_1_0(&supervised).ended(1, &["UNKNOWN_VERSION"]);
}

/// What health says to those who ask where callers come.
fn health(supervised: &Supervised) -> ServingStatus {
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let mut client = HealthClient::new(Channel::owner(&supervised.callers).build().unwrap());
        client.check(HealthCheckRequest::default()).await.unwrap().get_ref().status()
    })
}

#[test]
fn a_program_is_drained_and_resumed_and_the_next_one_is_in_service() {
    let place = Place::with_two();
    let mut supervised = place.supervise(&["--release", "1.1.0"]);
    supervised.serves("1.1.0");
    let drained = |supervised: &Supervised| (supervised.status()["drained"].clone(), health(supervised));
    let (in_service, out_of_it) = ((json!(false), ServingStatus::Serving), (json!(true), ServingStatus::NotServing));
    assert_eq!(drained(&supervised), in_service);
    let done = supervised.node("drain", &["--json"]).ended(0, &[]).lines().pop().unwrap();
    assert_eq!(done["done"], json!({ "drained": true, "calls_left": 0 }));
    assert_eq!(drained(&supervised), out_of_it);
    supervised.node("resume", &[]).ended(0, &[]);
    assert_eq!(drained(&supervised), in_service);

    supervised.node("drain", &[]).ended(0, &[]);
    let process = supervised.process();
    let upgraded = supervised.node("upgrade", &["2.0.0", "--drain", "--json"]).ended(0, &["the node is in service"]);
    assert_eq!(upgraded.lines().pop().unwrap()["done"]["drained"], json!(false));
    assert_ne!(supervised.process(), process);
    assert_eq!(drained(&supervised), in_service, "who had drained it asked another program to");
}

/// More than is passed on at once.
const ITEMS: usize = 600;

/// Writes so many imports of items that 1.1.0 has no price for, each of at least 4 KiB.
fn write_prices_in_yen(supervised: &Supervised, imports: usize) {
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let mut client = v2::inventory_client(Channel::owner(&supervised.callers).build().unwrap());
        for import in 0..imports {
            let items = (0..ITEMS).map(|number| v2::ImportItemsRequest {
                request_id: if number == 0 { format!("import {import}") } else { String::new() },
                item: Some(v2::Item {
                    sku: format!("item-{import}-{number}"),
                    name: format!("item {number}"),
                    description: "x".repeat(4096),
                    price: Some(v2::Money { currency_code: "JPY".to_owned(), units: 500, nanos: 0 }),
                    ..Default::default()
                }),
            });
            client.import_items(tokio_stream::iter(items.collect::<Vec<_>>())).await.unwrap();
        }
    });
}

#[test]
fn all_that_a_rollback_gives_up_comes_to_whoever_asked_before_the_end_does() {
    let place = Place::with_two();
    let mut supervised = place.supervise(&["--release", "1.1.0"]);
    supervised.serves("1.1.0");
    supervised.node("upgrade", &["2.0.0"]).ended(0, &[]);
    write_prices_in_yen(&supervised, 1);
    let told = supervised.node("rollback", &["--json"]).ended(1, &["RECORDS_REFUSED"]).lines();
    assert!(told.iter().filter(|line| line.get("refused").is_some()).count() > 10, "{} lines", told.len());
    assert_eq!(supervised.rests(), json!("2.0.0"), "it serves on");

    let lost = place.text("lost.jsonl");
    let done = supervised.node("rollback", &["--accept-loss", &lost, "--json"]).ended(0, &[]).lines().pop().unwrap();
    let done = &done["done"];
    assert_eq!((&done["version"], &done["moved"]["lost"]), (&json!("1.1.0"), &json!(ITEMS)), "{done}");
    let text = fs::read_to_string(&lost).unwrap();
    let keys: Vec<Value> =
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["key"].clone()).collect();
    assert_eq!(keys.len(), ITEMS);
    assert!(text.len() > 3 << 20, "{} bytes: too few to tell anything", text.len());
    let at_node = fs::read_to_string(done["lost"]["at_node"].as_str().unwrap()).unwrap();
    assert!(text == at_node, "the same as at the node");
    assert_eq!(supervised.status()["program"]["release"], json!("1.1.0"));
}

#[test]
fn what_a_rollback_gives_up_is_counted_although_the_new_program_is_ready_before_it_was_all_told() {
    let place = Place::with_two();
    let mut supervised = place.supervise(&["--release", "1.1.0"]);
    supervised.serves("1.1.0");
    supervised.node("upgrade", &["2.0.0"]).ended(0, &[]);
    supervised.serves("2.0.0");
    // More than finds room on the way to whoever does not read.
    let imports = 6;
    write_prices_in_yen(&supervised, imports);
    let lost = place.text("lost.jsonl");
    let mut asks = Conversation::begin(&["node", "rollback", &supervised.admin, "--accept-loss", &lost, "--json"]);
    assert!(asks.hear().contains("status"), "it has begun");
    asks.signal("-STOP");
    supervised.hears("moved");
    asks.signal("-CONT");
    let done = loop {
        let line = asks.hear();
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        if !told["done"].is_null() {
            break told["done"].clone();
        }
    };
    assert_eq!((&done["version"], &done["moved"]["lost"]), (&json!("1.1.0"), &json!(imports * ITEMS)), "{done}");
    assert!(done["moved"]["pause_microseconds"].as_u64().is_some_and(|pause| pause > 0), "{done}");
    assert_eq!(fs::read_to_string(&lost).unwrap().lines().count(), imports * ITEMS);
}

#[test]
fn the_numbers_of_a_program_are_told_with_those_of_its_supervisor_whichever_program_there_is() {
    let place = Place::new();
    place.release("1.1.0", "1.1.0", "");
    place.release("2.0.0", "1.1.0,2.0.0", "");
    let mut supervised = place.supervise(&["--release", "1.1.0"]);
    for version in ["1.1.0", "2.0.0"] {
        supervised.serves(version);
        straddle(&["call", &supervised.callers, "inventory@1.1.0", "ListItems", "{}"]).ended(0, &[]);
        let (head, body) = ask(&supervised.admin, "GET", "/metrics");
        assert!(head.starts_with("http/1.1 200 "), "{head}");
        let numbers = numbers(&body);
        assert_eq!(numbers.get("straddle_supervisor_program_up"), Some(&1.0), "{body}");
        let calls = format!(
            r#"straddle_calls_total{{protocol="inventory",caller_version="1.1.0",unlabelled="false",served_version="{version}",method="inventory.v1.Inventory/ListItems",outcome="answered"}}"#
        );
        assert!(numbers.get(&calls).is_some_and(|calls| *calls >= 1.0), "{calls} in {body}");
        if version == "1.1.0" {
            supervised.node("upgrade", &["2.0.0"]).ended(0, &[]);
        }
    }
}
