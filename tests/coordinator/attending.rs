//! Nodes of the example that attend a coordinator, each a process with a state of its own.

use tempfile::TempDir;

use crate::coordinator;
use crate::process::Coordinator;
use crate::program::{Conversation, straddle};

/// A node; it is killed when this is dropped.
pub(crate) struct Attends {
    process: Conversation,
    pub(crate) callers: String,
    pub(crate) admin: String,
    pub(crate) state: TempDir,
}

impl Attends {
    /// A node of this name, at 1.1.0.
    pub(crate) fn start(at: &Coordinator, name: &str) -> Self {
        let state = tempfile::tempdir().expect("a folder");
        let folder = state.path().to_str().expect("a path");
        let addresses = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--coordinator", &at.address];
        let node = ["--node", name, "--state", folder, "--version", "1.1.0", "--until-stdin-ends"];
        let mut process = Conversation::begin(&[&["serve-example"], &addresses[..], &node].concat());
        let mut address = || process.hear().trim().rsplit(' ').next().expect("an address").to_owned();
        let (callers, admin) = (address(), address());
        Self { process, callers, admin, state }
    }

    fn told(&self, directive: &str, more: &[&str]) -> crate::program::Run {
        straddle(&[&["node", directive, &self.admin], more].concat())
    }
}

#[test]
fn a_node_that_attends_a_coordinator_is_moved_by_hand_only_where_that_is_said() {
    let (at, _data) = coordinator();
    at.publish("2.0.0");
    let node = Attends::start(&at, "one");
    at.until(&["nodes"], |run| run.out.contains("one") && run.out.contains("serving"));
    let shown = node.told("status", &[]).ended(0, &[]).out;
    assert!(shown.contains("attends") && shown.contains(&at.address) && shown.contains("as one"), "{shown}");
    let start = format!("straddle upgrade start inventory 2.0.0 --coordinator {}", at.address);
    let run = node.told("upgrade", &["2.0.0", "--drain", "--json"]);
    let run = run.ended(1, &["failed: ATTENDS", &start, "--anyway", "serves as before"]);
    assert_eq!(run.value()["error"]["reason"], "ATTENDS");
    for (directive, command) in [("rollback", "straddle upgrade rollback"), ("finalize", "straddle upgrade finalize")] {
        node.told(directive, &[]).ended(1, &["failed: ATTENDS", command, &at.address]);
    }
    node.told("rollback", &["--dry-run"]).ended(1, &["failed: NO_WAY"]);
    node.told("upgrade", &["2.0.0", "--anyway"]).ended(0, &[]);
    let shown = node.told("status", &[]).ended(0, &[]).out;
    assert!(shown.contains("next      3.0.0, once 2.0.0 is finalized"), "{shown}");
    node.told("rollback", &["--anyway"]).ended(0, &[]);
}

#[test]
fn a_node_that_is_asked_to_stop_leaves_without_a_warning() {
    let (at, _data) = coordinator();
    at.publish("2.0.0");
    let node = Attends::start(&at, "one");
    at.until(&["nodes"], |run| run.out.contains("one") && run.out.contains("serving"));
    let ended = node.process.ended_by("-TERM");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && said.contains("stopped: ") && !said.contains("WARN"), "{said}");
    at.until(&["nodes"], |run| run.out.contains("away"));
}

#[test]
fn a_call_at_the_address_of_an_admin_service_says_so() {
    let (at, _data) = coordinator();
    at.publish("2.0.0");
    let node = Attends::start(&at, "one");
    for (labelled, code) in [("inventory@1.1.0", 1), ("inventory", 2)] {
        let run = straddle(&["call", &node.admin, labelled, "ListItems"]);
        run.ended(code, &["this is the address of a node's admin service", "straddle node"]);
    }
}

#[test]
fn a_barrier_leaves_nodes_alone_that_attend_a_coordinator() {
    let (at, data) = coordinator();
    at.publish("2.0.0");
    let node = Attends::start(&at, "one");
    at.until(&["nodes"], |run| run.out.contains("one") && run.out.contains("serving"));
    let record = data.path().join("barrier.json");
    let barrier = ["barrier", &node.admin, "--to", "2.0.0", "--record", record.to_str().expect("a path")];
    straddle(&barrier).ended(1, &["ATTENDS", "attends the coordinator"]);
    straddle(&[&barrier[..], &["--anyway"]].concat()).ended(0, &[]);
}

#[test]
fn a_second_node_of_one_name_answers_nobody_and_is_warned_of() {
    let (at, _data) = coordinator();
    at.publish("2.0.0");
    let first = Attends::start(&at, "one");
    at.until(&["nodes"], |run| run.out.contains("one") && run.out.contains("serving"));
    let second = Attends::start(&at, "one");
    let warned = at.until(&["nodes"], |run| run.out.contains("warning: one attends from"));
    assert!(warned.out.contains(&first.callers) && warned.out.contains(&second.callers), "{}", warned.out);
    at.says(&["name-contested", "one"]);
    let unadmitted = second.told("status", &[]).ended(0, &[]).out;
    assert!(unadmitted.contains("answers nobody yet: another program attends"), "{unadmitted}");
    at.asked(&["upgrade", "start", "inventory", "2.0.0", "--no-gates", "--watch"]).ended(0, &["1 of 1 nodes at 2.0.0"]);
    let status = at.asked(&["upgrade", "status"]).ended(0, &[]).out;
    assert!(status.contains("warning    one attends from"), "{status}");
    // Once the first one has ended, the name is free.
    drop(first);
    at.until(&["nodes", "--json"], |run| run.value()["nodes"][0]["address"] == second.callers.as_str());
}
