//! `straddle coordinator` and the commands that ask it, as a person or a script meets them.
#![cfg(all(feature = "cli", unix))]

#[path = "coordinator/agent.rs"]
mod agent;
#[path = "coordinator/attending.rs"]
mod attending;
#[path = "coordinator/checking.rs"]
mod checking;
#[path = "coordinator/loss.rs"]
mod loss;
#[path = "coordinator/named.rs"]
mod named;
#[path = "support/ports.rs"]
mod ports;
#[path = "coordinator/process.rs"]
mod process;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;

use std::fs;
use std::path::Path;

use agent::{Agent, Moves};
use ports::Port;
use process::Coordinator;
use program::{Conversation, straddle};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// A coordinator that takes unsigned bundles, and its folder.
fn coordinator() -> (Coordinator, tempfile::TempDir) {
    let data = tempfile::tempdir().expect("a folder");
    (Coordinator::start(data.path(), &["--allow-unsigned"]), data)
}

/// Three nodes at 1.1.0.
fn three(runtime: &Runtime, at: &Coordinator) -> [Agent; 3] {
    let nodes =
        ["node-a", "node-b", "node-c"].map(|node| Agent::come(runtime, &at.address, node, "1.1.0", Moves::Done));
    at.until(&["nodes", "--json"], |run| run.value()["nodes"].as_array().is_some_and(|nodes| nodes.len() == 3));
    nodes
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a kind").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

#[test]
fn it_listens_on_loopback_alone() {
    let data = tempfile::tempdir().expect("a folder");
    let data = data.path().to_str().expect("a path");
    for address in ["0.0.0.0:0", "[::]:0"] {
        let run = straddle(&["coordinator", "--listen", address, "--data", data]);
        run.ended(1, &["is no loopback address", "help: listen on 127.0.0.1"]);
    }
    let nowhere = ["cannot listen on nowhere", "help: name an address of this machine and a port with --listen"];
    straddle(&["coordinator", "--listen", "nowhere", "--data", data]).ended(1, &nowhere);
    let held = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let held = held.local_addr().map(|address| (held, address.to_string())).expect("an address");
    let taken = ["listens there: stop it, or name another address with --", "port 0 takes a free one"];
    straddle(&["coordinator", "--listen", &held.1, "--data", data]).ended(1, &taken);
    let example = ["serve-example", "--version", "2.0.0", "--listen", "127.0.0.1:0", "--admin", &held.1];
    straddle(&example).ended(1, &taken);
    straddle(&["coordinator"]).ended(2, &["--data"]);
}

#[test]
fn two_coordinators_never_have_one_folder() {
    let (_first, data) = coordinator();
    let second = straddle(&["coordinator", "--listen", "127.0.0.1:0", "--data", data.path().to_str().expect("a path")]);
    second.ended(1, &["help:"]);
}

#[test]
fn commands_tell_when_there_is_no_coordinator() {
    let nobody = Port::free();
    let free = nobody.address();
    for command in [&["nodes"][..], &["upgrade", "status"], &["versions"], &["events"], &["plan", "inventory", "2.0.0"]]
    {
        let run = straddle(&[command, &["--coordinator", &free, "--wait", "100ms", "--json"]].concat());
        let run = run.ended(2, &["no coordinator can be reached", "help: start one with `straddle coordinator`"]);
        assert_eq!(run.value()["error"]["reached"], false);
    }
}

#[test]
fn what_is_no_coordinator_is_told_apart() {
    let node = program::Node::start("1.1.0");
    straddle(&["nodes", "--coordinator", &node.address]).ended(2, &["this is no coordinator"]);
}

#[test]
fn the_environment_says_where_the_coordinator_is() {
    let (at, _data) = coordinator();
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_straddle"))
        .args(["versions"])
        .env("STRADDLE_COORDINATOR", format!("http://{}", at.address))
        .output()
        .expect("a run");
    assert!(run.status.success());
    assert!(String::from_utf8_lossy(&run.stdout).contains("nothing was published"));
}

#[test]
fn a_version_that_was_published_never_changes() {
    let (at, _data) = coordinator();
    let published = at.asked(&["publish", "schemas/inventory", "--up-to", "2.0.0", "--json"]).ended(0, &[]).value();
    assert_eq!(published["published"]["added"], json!(["1.0.0", "1.1.0", "2.0.0"]));
    let versions = at.asked(&["versions", "--json"]).ended(0, &[]).value();
    let listed: Vec<&Value> =
        versions["versions"].as_array().expect("a list").iter().map(|one| &one["version"]).collect();
    assert_eq!(listed, ["1.0.0", "1.1.0", "2.0.0"]);
    assert_eq!(versions["versions"][2]["after"], "1.1.0");
    assert!(versions["versions"][0]["after"].is_null());
    let again = at.asked(&["publish", "schemas/inventory", "--up-to", "2.0.0"]).ended(0, &[]);
    assert!(again.out.contains("all of it was published before"), "{}", again.out);

    let other = tempfile::tempdir().expect("a folder");
    let folder = other.path().join("inventory");
    copy(Path::new("schemas/inventory"), &folder);
    let proto = folder.join("2.0.0/inventory.proto");
    let text = fs::read_to_string(&proto).expect("a proto");
    fs::write(&proto, text.replace("message Item {", "message Item {\n  string added_later = 999;")).expect("a proto");
    let folder = folder.to_str().expect("a path");
    let run = at
        .asked(&["publish", folder, "--up-to", "2.0.0", "--allow-open", "--json"])
        .ended(1, &["IMMUTABLE", "2.0.0", "help:"]);
    assert_eq!(run.value()["error"]["reason"], "IMMUTABLE");

    // The next one goes on from there, as a step alone.
    let step = other.path().join("3.0.0.bundle");
    let step = step.to_str().expect("a path");
    straddle(&["bundle", "schemas/inventory", "--step", "2.0.0..3.0.0", "-o", step]).ended(0, &[]);
    let run = at.asked(&["publish", step]).ended(0, &[]);
    assert!(run.out.starts_with("inventory 3.0.0 is published\n"), "{}", run.out);
    at.says(&["published"]);
}

#[test]
fn a_bundle_that_does_not_adjoin_is_refused() {
    let (at, _data) = coordinator();
    at.publish("1.1.0");
    let folder = tempfile::tempdir().expect("a folder");
    let step = folder.path().join("3.0.0.bundle");
    let step = step.to_str().expect("a path");
    straddle(&["bundle", "schemas/inventory", "--step", "2.0.0..3.0.0", "-o", step]).ended(0, &[]);
    at.asked(&["publish", step]).ended(1, &["BUNDLE_CONFLICT", "help:"]);
    let cut = folder.path().join("cut.bundle");
    fs::write(&cut, &fs::read(step).expect("a bundle")[..100]).expect("a file");
    at.asked(&["publish", cut.to_str().expect("a path")]).ended(2, &["cut.bundle"]);
    at.asked(&["publish", "nowhere"]).ended(2, &["nowhere"]);
    at.asked(&["publish", "schemas/inventory", "--up-to", "9.0.0"]).ended(2, &["has no 9.0.0", "1.0.0, 1.1.0"]);
}

#[test]
fn only_bundles_of_trusted_keys_are_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).to_str().expect("a path").to_owned();
    for key in ["ours", "theirs"] {
        straddle(&["keygen", &place(key)]).ended(0, &[]);
    }
    let at = Coordinator::start(&folder.path().join("data"), &["--trust", &place("ours.pub")]);
    let publish = |more: &[&str]| at.asked(&[&["publish", "schemas/inventory"], more].concat());
    publish(&[]).ended(1, &["BUNDLE_UNTRUSTED", "help: sign it", "--key"]);
    publish(&["--key", &place("theirs")]).ended(1, &["BUNDLE_UNTRUSTED"]);
    publish(&["--key", &place("ours")]).ended(0, &[]);
    let none = Coordinator::start(&folder.path().join("other"), &[]);
    none.says(&["no key is trusted"]);
    none.asked(&["publish", "schemas/inventory"]).ended(1, &["BUNDLE_UNTRUSTED", "--allow-unsigned"]);
}

#[test]
fn a_fleet_is_planned_moved_and_finalized() {
    let runtime = Runtime::new().expect("a runtime");
    let (at, _data) = coordinator();
    at.publish("3.0.0");
    let nodes = three(&runtime, &at);
    let shown = at.asked(&["nodes"]).ended(0, &[]).out;
    assert!(shown.contains("NODE") && shown.contains("node-b") && shown.contains("zone=b"), "{shown}");
    let described = at.asked(&["nodes", "--json"]).value();
    assert_eq!(described["nodes"][0]["labels"], json!({ "zone": "a" }));
    assert_eq!(described["nodes"][0]["runs"], json!(["1.1.0", "2.0.0", "3.0.0"]));

    let none = at.asked(&["upgrade", "status"]).ended(0, &[]);
    assert!(none.out.contains("no upgrade yet"), "{}", none.out);
    let plan = at.asked(&["plan", "inventory", "2.0.0", "--no-gates", "--json"]).ended(0, &[]).value();
    assert_eq!((&plan["from"], &plan["to"]), (&json!("1.1.0"), &json!("2.0.0")));
    assert!(plan["stages"].as_array().is_some_and(|stages| !stages.is_empty()), "{plan}");
    assert!(at.asked(&["plan", "inventory", "2.0.0"]).ended(0, &[]).out.contains("node-a"));

    let run = at
        .asked(&["upgrade", "start", "inventory", "2.0.0", "--no-gates", "--watch"])
        .ended(0, &["complete: 3 of 3 nodes"]);
    assert!(run.out.contains("upgrade 1 of inventory, 1.1.0 -> 2.0.0: complete"), "{}", run.out);
    for node in &nodes {
        assert_eq!(node.script(|script| script.version.clone()), "2.0.0");
    }
    let status = at.asked(&["upgrade", "status", "--json"]).ended(0, &[]).value();
    assert_eq!(status["state"], "complete");
    assert_eq!(status["nodes"]["there"], 3);
    assert_eq!(status["nodes"]["each"].as_array().map(Vec::len), Some(3));

    at.asked(&["upgrade", "start", "inventory", "3.0.0"]).ended(1, &["UNDER_WAY", "help:"]);
    let run = at.asked(&["upgrade", "finalize", "--watch"]).ended(0, &[]);
    assert!(run.out.contains("finalized"), "{}", run.out);
    at.asked(&["upgrade", "rollback"]).ended(1, &["TOO_LATE", "help:"]);
    at.says(&["finalized"]);

    let events = at.asked(&["events", "--json"]).ended(0, &[]).lines();
    let kinds: Vec<&str> = events.iter().filter_map(|event| event["kind"].as_str()).collect();
    for kind in ["published", "upgrade-started", "permitted", "moved"] {
        assert!(kinds.contains(&kind), "{kind} is not among {kinds:?}");
    }
    let numbers: Vec<u64> = events.iter().filter_map(|event| event["number"].as_u64()).collect();
    assert!(numbers.is_sorted() && numbers.len() == events.len());
    let newest = at.asked(&["events", "--newest", "2", "--json"]).lines();
    assert_eq!(newest, events[events.len() - 2..]);
    let of_node = at.asked(&["events", "--node", "node-a", "--newest", "1", "--json"]).lines();
    assert_eq!(of_node.len(), 1);
    assert_eq!(of_node[0]["node"], "node-a");
}

#[test]
fn an_upgrade_is_paused_resumed_and_taken_back() {
    let runtime = Runtime::new().expect("a runtime");
    let (at, _data) = coordinator();
    at.publish("2.0.0");
    let nodes = three(&runtime, &at);
    nodes[0].script(|script| script.moves = Moves::Hang);
    at.asked(&["upgrade", "start", "inventory", "2.0.0", "--no-gates"]).ended(0, &[]);
    let moving = at.until(&["upgrade", "status", "--json"], |run| run.value()["nodes"]["moving"] == 1);
    assert_eq!(moving.code, Some(3));
    let run = at.asked(&["upgrade", "pause", "--why", "it is late"]).ended(0, &[]);
    assert!(run.out.contains("paused") && run.out.contains("it is late"), "{}", run.out);
    at.asked(&["upgrade", "status"]).ended(4, &[]);
    at.asked(&["upgrade", "status", "1", "--watch"]).ended(4, &[]);
    at.asked(&["upgrade", "resume", "1"]).ended(0, &[]);
    at.asked(&["upgrade", "status", "7"]).ended(1, &["NO_SUCH_UPGRADE"]);

    // The node that hangs is forgotten; so the others go.
    let [hangs, others @ ..] = nodes;
    drop(hangs);
    at.until(&["nodes", "forget", "inventory", "node-a"], |run| run.code == Some(0));
    at.asked(&["nodes", "forget", "inventory", "node-x"]).ended(1, &["NO_SUCH_NODE"]);
    at.until(&["upgrade", "status", "--json"], |run| run.value()["state"] == "complete");
    let run = at.asked(&["upgrade", "rollback", "--why", "orders are slow", "--watch", "--json"]).ended(0, &[]);
    assert_eq!(run.lines().last().expect("a line")["state"], "rolled-back");
    for node in &others {
        assert_eq!(node.script(|script| script.version.clone()), "1.1.0");
    }
    at.asked(&["upgrade", "status"]).ended(0, &[]);
    let all = at.asked(&["upgrade", "status", "--all", "--json"]).ended(0, &[]).value();
    assert_eq!(all["upgrades"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_move_that_failed_is_told_with_what_to_do() {
    let runtime = Runtime::new().expect("a runtime");
    let (at, _data) = coordinator();
    at.publish("2.0.0");
    let nodes = three(&runtime, &at);
    for node in &nodes {
        node.script(|script| script.moves = Moves::Fail);
    }
    let run = at.asked(&["upgrade", "start", "inventory", "2.0.0", "--no-gates"]).ended(0, &[]);
    assert!(run.out.contains("upgrade 1"), "{}", run.out);
    let failed = at.until(&["upgrade", "status"], |run| run.code == Some(5) || run.code == Some(4));
    assert!(failed.out.contains("failed on purpose"), "{}", failed.out);
    for node in &nodes {
        node.script(|script| script.moves = Moves::Done);
    }
    at.asked(&["upgrade", "resume", "--watch"]).ended(0, &[]);
}

#[test]
fn a_coordinator_that_is_killed_goes_on_where_it_was() {
    let runtime = Runtime::new().expect("a runtime");
    let (port, data) = (Port::free(), tempfile::tempdir().expect("a folder"));
    let at = Coordinator::start_on(&port.address(), data.path(), &["--allow-unsigned"]);
    at.publish("2.0.0");
    // The first one is alone, so that nobody else's turn comes before its own.
    let hangs = Agent::come(&runtime, &at.address, "node-b", "1.1.0", Moves::Hang);
    at.until(&["nodes"], |run| run.out.contains("node-b"));
    at.asked(&["upgrade", "start", "inventory", "2.0.0", "--no-gates"]).ended(0, &[]);
    at.until(&["upgrade", "status", "--json"], |run| run.value()["nodes"]["moving"] == 1);
    let [a, c] = ["node-a", "node-c"].map(|node| Agent::come(&runtime, &at.address, node, "1.1.0", Moves::Done));
    let moving = |run: &program::Run| {
        let nodes = &run.value()["nodes"];
        let connected = nodes["each"].as_array().is_some_and(|each| each.iter().all(|node| node["connected"] == true));
        nodes["total"] == 3 && nodes["moving"] == 1 && nodes["waiting"] == 2 && connected
    };
    at.until(&["upgrade", "status", "--json"], moving);
    let watching = Conversation::begin(&["upgrade", "status", "--watch", "--json", "--coordinator", &at.address]);
    let permits = |at: &Coordinator| {
        let events = at.asked(&["events", "--json"]).lines();
        let permitted = events.iter().filter(|event| event["kind"] == "permitted");
        permitted.map(|event| event["node"].as_str().expect("a node").to_owned()).collect::<Vec<_>>()
    };
    let before = permits(&at);
    assert_eq!(before, ["node-b"]);
    at.kill();

    let at = Coordinator::start_on(&port.address(), data.path(), &["--allow-unsigned"]);
    at.until(&["upgrade", "status", "--json"], moving);
    assert_eq!(permits(&at), before, "the node that moves holds the others up");
    // What hangs ends: its program is killed, and started again at its old version.
    drop(hangs);
    let again = Agent::come(&runtime, &at.address, "node-b", "1.1.0", Moves::Done);
    at.until(&["upgrade", "status", "--json"], |run| run.value()["state"] == "complete");
    assert_eq!(watching.end(), Some(0), "who watches sees it to its end");
    for node in [&a, &again, &c] {
        assert_eq!(node.script(|script| script.version.clone()), "2.0.0");
    }
}

#[test]
fn a_forgotten_node_is_fenced_until_it_is_admitted_anew() {
    let runtime = Runtime::new().expect("a runtime");
    let (at, _data) = coordinator();
    at.publish("2.0.0");
    let [a, _b, _c] = three(&runtime, &at);
    at.asked(&["nodes", "forget", "inventory", "node-a"]).ended(1, &["HEARD", "was heard", "ago", "--anyway"]);
    at.asked(&["nodes", "forget", "inventory", "node-a", "--anyway", "--json"]).ended(0, &[]);
    at.says(&["node-a", "forg"]);
    let fenced = || a.script(|script| script.ends.iter().any(|end| end == "FENCED"));
    at.until(&["nodes", "--json"], |run| {
        let nodes = run.value();
        let nodes = nodes["nodes"].as_array().cloned().unwrap_or_default();
        fenced() && nodes.iter().any(|node| node["node"] == "node-a" && node["forgotten"] == false)
    });
}

#[test]
fn events_are_followed_as_they_come() {
    let (at, _data) = coordinator();
    let mut following = Conversation::begin(&["events", "--follow", "--json", "--coordinator", &at.address]);
    at.publish("1.1.0");
    let event: Value = serde_json::from_str(&following.hear()).expect("JSON");
    assert_eq!(event["number"], 1);
    at.signal("-TERM");
    assert_eq!(at.ended(), Some(0));
    assert_eq!(following.end(), Some(2), "the coordinator has stopped");
}

#[test]
fn it_stops_at_once_when_it_is_told_twice() {
    let runtime = Runtime::new().expect("a runtime");
    let (at, _data) = coordinator();
    at.publish("1.1.0");
    let _nodes = three(&runtime, &at);
    at.signal("-TERM");
    at.signal("-TERM");
    assert_eq!(at.ended(), Some(0));
}

#[test]
fn shells_are_told_what_to_complete() {
    for (shell, part) in [("bash", "complete -F"), ("zsh", "#compdef straddle"), ("fish", "complete -c straddle")] {
        let script = straddle(&["completions", shell]).ended(0, &[]).out;
        assert!(script.contains(part) && script.contains("rollback"), "{shell}");
    }
    straddle(&["completions", "tcsh"]).ended(2, &[]);
}

#[test]
fn help_says_which_command_is_for_one_node_and_which_for_all() {
    let all = straddle(&["upgrade", "--help"]).ended(0, &[]).out;
    assert!(all.contains("straddle node upgrade") && all.contains("Exit codes"), "{all}");
    let one = straddle(&["node", "upgrade", "--help"]).ended(0, &[]).out;
    assert!(one.contains("straddle upgrade"), "{one}");
}

#[test]
fn a_failed_gate_takes_the_upgrade_back_by_itself() {
    let runtime = Runtime::new().expect("a runtime");
    let (at, _data) = coordinator();
    at.publish("2.0.0");
    let nodes = three(&runtime, &at);
    for node in &nodes {
        node.script(|script| script.faults = 3.0);
    }
    let start =
        ["upgrade", "start", "inventory", "2.0.0", "--gate", "values['faults'].max < 1.0", "--minimum-calls", "1"];
    at.asked(&[&start[..], &["--on-failed-gate", "roll-back"]].concat()).ended(0, &[]);
    let back = at.until(&["upgrade", "status", "--json"], |run| run.value()["state"] == "rolled-back");
    assert_eq!(back.code, Some(5));
    let events = at.asked(&["events", "--upgrade", "1", "--json"]).lines();
    let gate = events.iter().find(|event| event["kind"] == "rolling-back").unwrap_or_else(|| panic!("{events:?}"));
    assert!(gate.to_string().contains("gate"), "{gate}");
    for node in &nodes {
        assert_eq!(node.script(|script| script.version.clone()), "1.1.0");
    }
    let told = at.asked(&["upgrade", "status"]).ended(5, &[]).out;
    assert!(told.contains("rolled-back"), "{told}");
}

#[test]
fn nodes_go_by_name_where_the_schedule_is_manual() {
    let runtime = Runtime::new().expect("a runtime");
    let (at, _data) = coordinator();
    at.publish("2.0.0");
    let nodes = three(&runtime, &at);
    at.asked(&["upgrade", "start", "inventory", "2.0.0", "--manual", "--no-gates"]).ended(0, &[]);
    at.asked(&["upgrade", "let-go", "1", "node-b"]).ended(0, &[]);
    at.until(&["upgrade", "status", "--json"], |run| run.value()["nodes"]["there"] == 1);
    let versions = nodes.each_ref().map(|node| node.script(|script| script.version.clone()));
    assert_eq!(versions, ["1.1.0", "2.0.0", "1.1.0"]);
    at.asked(&["upgrade", "let-go", "1", "node-x"]).ended(1, &["node-x"]);
    at.asked(&["upgrade", "start", "inventory", "2.0.0", "--schedule", "nowhere.toml"]).ended(2, &["nowhere.toml"]);
}

#[test]
fn watching_ends_where_only_somebody_can_mend_it_and_when_its_time_is_over() {
    let runtime = Runtime::new().expect("a runtime");
    let (at, _data) = coordinator();
    at.publish("2.0.0");
    let nodes = three(&runtime, &at);
    for node in &nodes {
        node.script(|script| script.moves = Moves::Fail);
    }
    let run = at.asked(&["upgrade", "start", "inventory", "2.0.0", "--no-gates", "--watch"]).ended(5, &[]);
    assert!(run.out.contains("failed on purpose") && run.out.contains("straddle upgrade resume 1"), "{}", run.out);
    for node in &nodes {
        node.script(|script| script.moves = Moves::Done);
    }
    at.asked(&["upgrade", "resume", "--watch"]).ended(0, &[]);
    // A node that is away can come back at any time, so it is waited for.
    let [away, _others @ ..] = nodes;
    drop(away);
    at.until(&["nodes", "--json"], |run| run.value()["nodes"][0]["connected"] == false);
    let rollback = ["upgrade", "rollback", "--watch", "--timeout", "1s"];
    let run = at.asked(&rollback).ended(7, &["the time to follow it is over"]);
    assert!(run.out.contains("rolling-back") && run.out.contains("away: node-a"), "{}", run.out);
    at.asked(&["upgrade", "status", "--timeout", "1s"]).ended(2, &["--watch"]);
}

#[test]
fn limits_are_changed_while_an_upgrade_is_under_way() {
    let runtime = Runtime::new().expect("a runtime");
    let (at, _data) = coordinator();
    at.publish("2.0.0");
    let _nodes = three(&runtime, &at);
    at.asked(&["upgrade", "start", "inventory", "2.0.0", "--no-gates", "--minimum-serving", "3"]).ended(0, &[]);
    at.until(&["upgrade", "status", "--json"], |run| run.value()["waits_for"][0]["rule"] == "minimum-serving");
    at.asked(&["upgrade", "limits"]).ended(2, &["--minimum-serving"]);
    let why = ["--minimum-serving", "2", "--why", "nobody could go", "--watch"];
    at.asked(&[&["upgrade", "limits"], &why[..]].concat()).ended(0, &[]);
    let status = at.asked(&["upgrade", "status", "--json"]).ended(0, &[]).value();
    assert_eq!(status["changed_limits"]["minimum_serving"], "2");
    let events = at.asked(&["events", "--upgrade", "1", "--json"]).lines();
    let changed = events.iter().find(|event| event["kind"] == "limits-changed").expect("an event");
    assert_eq!(
        (&changed["what"], &changed["why"]),
        (&json!("from now on 2 nodes go on serving"), &json!("nobody could go"))
    );
}
