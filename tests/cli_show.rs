//! `straddle show`, as a person or a script meets it.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;

use program::straddle;
use serde_json::json;

const INVENTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/inventory");

#[test]
fn a_protocol_is_shown_with_its_versions_steps_and_the_routes_of_a_node() {
    let shown = straddle(&["show", INVENTORY, "--node", "2.0.0"]).ended(0, &[]).out;
    for part in [
        "protocol inventory, callers without a label: 1.0.0",
        "inventory.v1.Inventory (8)",
        "step 1.0.0 -> 1.1.0",
        "past: callers of 1.1.0 on a node that runs 2.0.0",
        "future: callers of 3.0.0 on a node that runs 2.0.0",
        "routes of a node that runs 2.0.0",
        "native, by rules, inventory.v2.Inventory.GetItem",
        "streams that go on where they ended",
        "inventory.v2.Inventory.WatchItems            revision -> after_revision, 2.0.0, 3.0.0",
        "native, inventory.v2.Inventory.UpsertItem",
    ] {
        assert!(shown.contains(part), "{part:?} is missing from\n{shown}");
    }
}

#[test]
fn without_a_node_no_routes_are_shown() {
    let shown = straddle(&["show", INVENTORY]).ended(0, &[]).out;
    assert!(!shown.contains("routes of a node"), "{shown}");
}

#[test]
fn scripts_get_the_same_as_json() {
    let shown = straddle(&["show", INVENTORY, "--node", "2.0.0", "--json"]).ended(0, &[]).value();
    assert_eq!(shown["protocol"], "inventory");
    assert_eq!(shown["unlabelled"], "1.0.0");
    let versions: Vec<_> = shown["versions"].as_array().expect("versions").iter().map(|one| &one["version"]).collect();
    assert_eq!(versions, ["1.0.0", "1.1.0", "2.0.0", "3.0.0"]);
    assert_eq!(shown["steps"].as_array().map(Vec::len), Some(3));
    let first = json!({
        "method": "inventory.v1.Inventory.WatchItems",
        "from": "revision",
        "into": "after_revision",
        "versions": ["1.0.0", "1.1.0"],
    });
    assert_eq!((&shown["resumable"][0], shown["resumable"].as_array().map(Vec::len)), (&first, Some(2)));
    assert_eq!(shown["node"]["runs"], "2.0.0");
    let routes = shown["node"]["routes"].as_array().expect("routes");
    let watched = routes
        .iter()
        .find(|route| route["caller"] == "3.0.0" && route["method"] == "inventory.v2.Inventory.WatchItems");
    assert_eq!(watched.map(|route| (&route["end"], &route["at"])), Some((&json!("native"), &json!("2.0.0"))));
}

#[test]
fn a_folder_that_is_no_protocols_is_told_so_with_what_to_do() {
    let nowhere = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let run = straddle(&["show", nowhere]).ended(1, &["protocol.toml: is missing", "help: ", "name another folder"]);
    assert_eq!(run.out, "");
}

#[test]
fn a_version_that_is_not_there_is_told_with_those_that_are() {
    let run = straddle(&["show", INVENTORY, "--node", "9.0.0"]);
    run.ended(1, &["inventory has no version 9.0.0", "1.0.0, 1.1.0, 2.0.0, 3.0.0"]);
    straddle(&["show", INVENTORY, "--node", "two"]).ended(2, &["`two` is not a version"]);
}

#[test]
fn losses_tell_of_their_conditions_and_routes_of_all_that_is_open() {
    let proto = |m: &str, o: &str| {
        format!(
            "syntax = \"proto3\"; package p; message M {{ {m} }} message O {{ {o} }} message N {{}}
             service S {{
               rpc Get(M) returns (N) {{ option idempotency_level = NO_SIDE_EFFECTS; }}
               rpc Find(O) returns (N) {{ option idempotency_level = NO_SIDE_EFFECTS; }}
             }}"
        )
    };
    let (old, new) =
        (proto("", "string a = 1; string b = 2;"), proto("int32 ttl = 1; int32 x = 2;", "N a = 1; N b = 2;"));
    let step =
        "from = \"1.0.0\"\n[messages.\"p.M\"]\nrules = [{ new = \"ttl\", drop = true, when = \"new.ttl == 5\" }]";
    let files = [
        ("protocol.toml", "name = \"p\""),
        ("1.0.0/p.proto", &old),
        ("2.0.0/p.proto", &new),
        ("2.0.0/step.toml", step),
    ];
    let folder = folder::folder(&files);
    let path = folder.path().to_str().expect("a path");
    let shown = straddle(&["show", path, "--node", "1.0.0"]).ended(0, &[]).out;
    for part in [
        "p.M.ttl is refused if it is set, and no rule with a condition drops it or carries it over\n",
        "p.M.x is refused if it is set\n",
        "(and 1 more)",
    ] {
        assert!(shown.contains(part), "{part:?} is missing from\n{shown}");
    }
}
