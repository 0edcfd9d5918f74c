//! `straddle check --against-fleet`: a coordinator, a node, and calls that are really made.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::attending::Attends;
use crate::process::Coordinator;
use crate::program::{Run, straddle};
use crate::{coordinator, copy};

/// The inventory, as somebody works on it.
fn working() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    copy(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/inventory")), folder.path());
    folder
}

fn check(folder: &TempDir, at: &str, more: &[&str]) -> Run {
    let folder = folder.path().to_str().expect("a path");
    straddle(&[&["check", folder, "--against-fleet", at], more].concat())
}

fn of_rule<'v>(checked: &'v Value, rule: &str) -> Vec<&'v Value> {
    checked["findings"].as_array().expect("a list").iter().filter(|finding| finding["rule"] == rule).collect()
}

/// A node at 1.1.0 that `billing` has asked for its items, which the coordinator knows.
fn fleet() -> (Coordinator, TempDir, Attends) {
    let (at, data) = coordinator();
    at.publish("1.1.0");
    let node = Attends::start(&at, "one");
    at.until(&["nodes"], |run| run.out.contains("one") && run.out.contains("serving"));
    for _ in 0..2 {
        let call = ["call", &node.callers, "inventory@1.1.0", "ListItems", "--caller", "billing"];
        straddle(&call).ended(0, &[]);
    }
    let known = |run: &Run| run.value()["callers"][0]["calls"] == 2;
    at.until(&["callers", "inventory", "--json"], known);
    (at, data, node)
}

#[test]
fn a_version_that_refuses_what_a_fleet_really_calls_fails_its_check() {
    let (at, _data, _node) = fleet();
    let folder = working();
    // As it is nothing is refused; what can get lost on the way is told.
    let run = check(&folder, &at.address, &[]).ended(0, &[]);
    let fleet = format!("fleet of {}: 1 node at 1.1.0; 1 method of 1 version called in 30 days", at.address);
    assert!(run.out.contains(&fleet) && run.out.contains("judged: 2.0.0, 3.0.0"), "{}", run.out);
    assert!(run.out.contains("warning[FLEET_CALL_LOSSY]: calls of inventory.v1.Inventory.ListItems"), "{}", run.out);
    check(&folder, &at.address, &["--fail-on", "warning"]).ended(1, &[]);

    let refuse = "\n[[past.refuse]]\nmethod = \"inventory.v1.Inventory.ListItems\"\nreason = \"lists are gone\"\n";
    let refuse = [refuse, &refuse.replace("ListItems", "WatchItems")].concat();
    let step = folder.path().join("2.0.0/step.toml");
    fs::write(&step, fs::read_to_string(&step).expect("a step") + &refuse).expect("it is written");
    straddle(&["check", folder.path().to_str().expect("a path")]).ended(0, &[]);
    let run = check(&folder, &at.address, &["--quiet"]).ended(1, &[]);
    for part in [
        "error[FLEET_CALL_REFUSED]: callers of 1.1.0 would lose inventory.v1.Inventory.ListItems at 2.0.0",
        "refuses it: lists are gone",
        "2 calls since they are counted, the last one",
        "by billing (2)",
        "--accept 1.1.0:inventory.v1.Inventory.ListItems",
        "1 error",
    ] {
        assert!(run.out.contains(part), "{part}: {}", run.out);
    }

    let json = check(&folder, &at.address, &["--format", "json"]).ended(1, &[]).value();
    let refused = of_rule(&json, "FLEET_CALL_REFUSED");
    let [refused] = refused.as_slice() else { panic!("one: {refused:?}") };
    assert_eq!((&refused["level"], &refused["step"]["to"]), (&"error".into(), &"2.0.0".into()));
    assert!(refused["file"].as_str().is_some_and(|file| file.ends_with("2.0.0/step.toml")) && refused["line"].is_u64());
    let fleet = &json["fleet"];
    assert_eq!(fleet["proposed"], serde_json::json!(["2.0.0", "3.0.0"]));
    assert_eq!((&fleet["nodes"][0]["node"], &fleet["nodes"][0]["version"]), (&"one".into(), &"1.1.0".into()));
    let call = &fleet["calls"][0];
    assert_eq!((&call["calls"], &call["at"][0]["route"]), (&2.into(), &"refused".into()));
    assert_eq!(call["callers"][0]["caller"], "billing");
    // Nobody calls it, as far as is known; and one node serves versions whose calls nobody counts.
    let unused = of_rule(&json, "FLEET_REFUSAL_UNUSED");
    assert!(
        unused.iter().any(|one| one["what"].as_str().is_some_and(|what| what.contains("WatchItems"))),
        "{unused:?}"
    );
    assert!(unused.iter().all(|one| one["level"] == "warning"), "{unused:?}");
    assert!(fleet["counted_seconds"].is_u64() && fleet["calls_within_seconds"] == 30 * 86_400, "{fleet}");

    let sarif = check(&folder, &at.address, &["--format", "sarif"]).ended(1, &[]).value();
    let results = sarif["runs"][0]["results"].as_array().expect("a list");
    let refused = results.iter().find(|result| result["ruleId"] == "FLEET_CALL_REFUSED").expect("it is told");
    assert_eq!(refused["level"], "error");
    check(&folder, &at.address, &["--format", "github"]).ended(1, &[]);
    let run = check(&folder, &at.address, &["--format", "github"]);
    assert!(run.out.contains("::error file=") && run.out.contains("FLEET_CALL_REFUSED"), "{}", run.out);

    // What is told by both is told once each, and a call of before the time that was asked for is a warning.
    let before = check(&folder, &at.address, &["--calls-within", "1ms", "--format", "json"]).ended(0, &[]).value();
    assert_eq!(of_rule(&before, "FLEET_CALL_REFUSED")[0]["level"], "warning");
}

#[test]
fn a_published_version_is_in_the_folder_as_the_coordinator_has_it() {
    let (at, _data) = coordinator();
    at.publish("3.0.0");
    let folder = working();
    fs::remove_file(folder.path().join("straddle.lock")).expect("it is there");
    let proto = folder.path().join("1.1.0/inventory.proto");
    let text = fs::read_to_string(&proto).expect("a proto") + "\nmessage Added {\n  string what = 1;\n}\n";
    fs::write(&proto, text).expect("it is written");
    let checked = check(&folder, &at.address, &["--format", "json"]).ended(1, &[]).value();
    let changed = of_rule(&checked, "VERSION_CHANGED");
    assert_eq!((changed.len(), &changed[0]["element"], &changed[0]["level"]), (1, &"1.1.0".into(), &"error".into()));
    fs::remove_dir_all(folder.path().join("3.0.0")).expect("it is there");
    let checked = check(&folder, &at.address, &["--format", "json"]).ended(1, &[]).value();
    let gone = of_rule(&checked, "VERSION_GONE");
    assert_eq!((gone.len(), &gone[0]["element"], &gone[0]["level"]), (1, &"3.0.0".into(), &"warning".into()));
}

#[test]
fn a_fleet_that_cannot_be_asked_ends_the_check_as_what_cannot_be_read_does() {
    let (at, _data) = coordinator();
    let folder = working();
    check(&folder, &at.address, &[]).ended(2, &["has no protocol inventory: nothing was published there", "help:"]);
    at.publish("1.0.0");
    fs::write(folder.path().join("protocol.toml"), "name = \"warehouse\"\n").expect("it is written");
    check(&folder, &at.address, &[]).ended(2, &["has no protocol warehouse: it has inventory"]);
    // One that listens and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = silent.local_addr().expect("an address").to_string();
    let nobody = crate::ports::Port::free();
    for address in [silent, nobody.address()] {
        let more = ["--wait", "200ms", "--format", "json"];
        let run =
            check(&folder, &address, &more).ended(2, &["no coordinator can be reached", "say with --against-fleet"]);
        let told = run.value();
        assert!(told["failed"] == true && told["error"]["message"].is_string(), "{told}");
    }
    let node = crate::program::Node::start("1.1.0");
    check(&folder, &node.address, &[]).ended(2, &["this is no coordinator"]);
    // A plain folder has no fleet, and what only a fleet needs is not said without one.
    let protos = folder.path().join("1.0.0");
    let protos = protos.to_str().expect("a path");
    let run = straddle(&["check", protos, "--against", protos, "--against-fleet", &at.address]);
    run.ended(2, &["is no folder of a protocol"]);
    straddle(&["check", "schemas/inventory", "--calls-within", "1d"]).ended(2, &["--against-fleet"]);
}
