//! What a rollback would lose, and has lost.

use serde_json::json;

use crate::attending::Attends;
use crate::coordinator;
use crate::program::straddle;

#[test]
fn what_a_rollback_would_lose_is_named_and_what_it_has_lost_is_found_again() {
    let (at, _data) = coordinator();
    at.publish("2.0.0");
    let node = Attends::start(&at, "one");
    at.until(&["nodes"], |run| run.out.contains("one") && run.out.contains("serving"));
    at.asked(&["upgrade", "start", "inventory", "2.0.0", "--no-gates", "--watch"]).ended(0, &[]);
    let item =
        r#"{"item":{"sku":"in-euros","name":"Etui","price":{"currencyCode":"EUR","units":"3"}},"request_id":"2"}"#;
    straddle(&["call", &node.callers, "inventory@2.0.0", "UpsertItem", item]).ended(0, &[]);

    let run = at.asked(&["upgrade", "rollback", "--watch"]).ended(5, &[]);
    assert!(run.out.contains("items \"in-euros\": price.currency_code"), "{}", run.out);
    assert!(run.out.contains("straddle upgrade rollback 1 --accept-loss"), "{}", run.out);
    at.asked(&["upgrade", "rollback", "--why", "once more", "--watch"]).ended(5, &[]);
    let why = ["--accept-loss", "--why", "nobody pays in euros"];
    at.asked(&[&["upgrade", "rollback"], &why[..], &["--watch"]].concat()).ended(0, &[]);

    let events = at.asked(&["events", "--upgrade", "1", "--json"]).lines();
    let event = |kind: &str| events.iter().find(|event| event["kind"] == kind).unwrap_or_else(|| panic!("{events:?}"));
    assert_eq!(event("tried-again")["why"], "once more");
    assert_eq!(event("loss-accepted")["why"], "nobody pays in euros");
    assert_eq!(event("given-up")["what"], "one has gone back without 1 record");
    let node_of = at.asked(&["nodes", "--json"]).value()["nodes"][0].clone();
    let file = node_of["given_up"]["file"].as_str().expect("a file").to_owned();
    assert_eq!(node_of["given_up"]["records"], 1);
    assert!(event("given-up")["why"].as_str().is_some_and(|why| why.contains(&file)), "{events:?}");
    let lost: serde_json::Value =
        serde_json::from_str(std::fs::read_to_string(&file).expect("the file").trim()).expect("a line");
    assert_eq!(lost["key"], json!("in-euros"));
    assert!(file.starts_with(node.state.path().to_str().expect("a path")), "{file}");
}
