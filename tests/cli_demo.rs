//! `straddle demo` as its user runs it: it ends well, and it leaves nothing behind.
#![cfg(all(feature = "cli", unix))]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a shell gives to a program that Ctrl-C has ended.
const INTERRUPTED: i32 = 130;
const PATIENCE: Duration = Duration::from_secs(30);
/// Where nobody supervises, the node is missing whose program is replaced.
const NODES: usize = if cfg!(target_os = "linux") { 7 } else { 6 };
/// A coordinator and six nodes.
const FLEET: usize = 7;
/// What the fleet goes through.
const STAGES: [&str; 13] = [
    "2.0.0 is published",
    "canary",
    "rolling",
    "back again",
    "finalized",
    "3.0.0, zone by zone",
    "rolled back",
    "forward again",
    "finalized",
    "retire is refused",
    "its callers move",
    "1.0.0 is retired",
    "stragglers",
];

fn demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_straddle"));
    command.arg("demo").args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A demo that is at work, and the addresses of its processes.
fn started(arguments: &[&str], processes: usize) -> (Child, Vec<SocketAddr>) {
    let mut demo = demo(&[&["--seconds", "600"], arguments].concat()).spawn().expect("the program");
    let lines = BufReader::new(demo.stderr.take().expect("its messages")).lines();
    let mut nodes = Vec::new();
    for line in lines {
        let line = line.expect("a message");
        match line.split_once(" listens on ") {
            Some((_, address)) => nodes.push(address.parse().expect("an address")),
            None if line.starts_with("callers of every version") => break,
            None => panic!("{line}"),
        }
    }
    assert_eq!(nodes.len(), processes);
    (demo, nodes)
}

fn signal(name: &str, process: &Child) {
    let sent = Command::new("kill").args([name, &process.id().to_string()]).status().expect("kill");
    assert!(sent.success());
}

/// Nodes end on their own when whoever started them is gone; each try takes as long as a connection does.
fn wait_until_gone(nodes: &[SocketAddr]) {
    let begun = Instant::now();
    for node in nodes {
        while TcpStream::connect(node).is_ok() {
            assert!(begun.elapsed() < PATIENCE, "the node at {node} is still there");
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_fleet_goes_through_every_stage_and_every_caller_is_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("demo.json");
    let file = file.to_str().expect("a path");
    let output = demo(&["--seconds", "2", "--seed", "7", "--json", file]).output().expect("the program");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("0 failed, 0 wrong\nrefused: "), "{said}");
    let shown: serde_json::Value = serde_json::from_slice(&std::fs::read(file).expect("the table")).expect("JSON");
    assert_eq!((&shown["good"], &shown["seed"], &shown["not_reached"]), (&true.into(), &7.into(), &().into()));
    let stages: Vec<&str> =
        shown["stages"].as_array().expect("stages").iter().filter_map(|stage| stage["stage"].as_str()).collect();
    assert_eq!(stages, STAGES);
    let told = |name: &str| {
        let stage = shown["stages"].as_array().into_iter().flatten().find(|stage| stage["stage"] == name);
        stage.and_then(|stage| stage["what"].as_str()).unwrap_or_default().to_owned()
    };
    let (refused, straggler) = (told("retire is refused"), told("stragglers"));
    assert!(refused.contains("till/1.0") && refused.ends_with("methods of 1.0.0 without a label"), "{refused}");
    assert!(straggler.contains("RETIRED") && straggler.contains("1.1.0..=3.0.0"), "{straggler}");
    for caller in ["unlabelled", "1.0.0"] {
        let cell = shown["cells"].as_array().into_iter().flatten();
        let mut cell = cell.filter(|cell| cell["caller"] == caller && cell["node"] == "3.0.0");
        assert_eq!(cell.next().map(|cell| &cell["refused_for"]["RETIRED"]), Some(&serde_json::json!(6)), "{caller}");
    }
    let cells = shown["cells"].as_array().expect("cells");
    assert_eq!(cells.len(), 5 * 3, "five callers on each version");
    for cell in cells {
        assert!(cell["calls"].as_u64() > Some(0) && cell["unanswered"] == serde_json::json!([]), "{cell}");
    }
}

/// Runs a command that was printed, as a shell does that knows the coordinator.
fn tried(command: &str, coordinator: &str) -> (bool, String) {
    let words: Vec<&str> = command.split_whitespace().skip(1).map(|word| word.trim_matches('\'')).collect();
    let output = Command::new(env!("CARGO_BIN_EXE_straddle"))
        .args(words)
        .env("STRADDLE_COORDINATOR", coordinator)
        .stdin(Stdio::null())
        .output()
        .expect("the program");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn page(url: &str) -> String {
    let (address, _) = url.trim_start_matches("http://").split_once('/').expect("a path");
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream
        .write_all(format!("GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes())
        .expect("a request");
    let mut page = String::new();
    stream.read_to_string(&mut page).expect("a page");
    page
}

#[test]
fn what_is_kept_can_be_looked_at_with_the_commands_that_are_told_until_control_c() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("demo.json");
    let mut demo =
        demo(&["--seconds", "1", "--keep", "--json", file.to_str().expect("a path")]).spawn().expect("the program");
    let mut lines = BufReader::new(demo.stderr.take().expect("its messages")).lines().map(|line| line.expect("text"));
    let mut nodes: Vec<SocketAddr> = Vec::new();
    let all_go_on = lines.by_ref().any(|line| {
        if let Some((_, address)) = line.split_once(" listens on ") {
            nodes.push(address.parse().expect("an address"));
        }
        line.starts_with("all go on, ")
    });
    assert!(all_go_on, "{:?}", demo.wait());
    assert_eq!(nodes.len(), FLEET);
    // The table is there before anybody looks around.
    let shown: serde_json::Value = serde_json::from_slice(&std::fs::read(file).expect("the table")).expect("JSON");
    assert_eq!(shown["good"], true, "{shown}");
    // The last one is that of a straggler.
    let mut commands = Vec::new();
    for line in lines.by_ref() {
        commands.push(line.trim().to_owned());
        if line.contains("inventory@1.0.0") {
            break;
        }
    }
    let coordinator = commands[0].strip_prefix("export STRADDLE_COORDINATOR=").expect("it comes first").to_owned();
    let mut seen = 0;
    for command in &commands[1..] {
        if let Some(url) = command.strip_prefix("curl -s ") {
            let url = url.split_whitespace().next().expect("an address");
            assert!(page(url).contains("straddle_"), "{command}");
            continue;
        }
        if command.contains("--watch") || command.contains("unretire") {
            continue;
        }
        let (well, said) = tried(command, &coordinator);
        let expected = [
            ("nodes", true, "c-2"),
            ("upgrade status", true, "3.0.0"),
            ("events", true, "retired"),
            ("callers inventory", true, "till/1.0"),
            ("retire inventory 1.1.0", false, "demo-1.1.0"),
            ("inventory@1.1.0 GetItem", true, "Contested"),
            ("inventory@1.0.0 GetItem", false, "RETIRED"),
        ];
        let (_, succeeds, contains) =
            expected.iter().find(|(what, ..)| command.contains(what)).unwrap_or_else(|| panic!("{command}"));
        assert!(well == *succeeds && said.contains(contains), "{command}: {said}");
        seen += 1;
    }
    assert_eq!(seen, 7, "{commands:?}");
    signal("-INT", &demo);
    assert_eq!(demo.wait().expect("an end").code(), Some(0), "all was reached, and the end was waited for");
    wait_until_gone(&nodes);
}

#[test]
fn nodes_that_move_each_in_its_way_end_well_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("demo.json");
    let file = file.to_str().expect("a path");
    let output = demo(&["--ways", "--seconds", "2", "--seed", "7", "--json", file]).output().expect("the program");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("0 failed, 0 wrong\nrefused: ") && said.contains(" for if_revision"), "{said}");
    let shown: serde_json::Value = serde_json::from_slice(&std::fs::read(file).expect("the table")).expect("JSON");
    assert_eq!((&shown["good"], &shown["seed"]), (&true.into(), &7.into()));
    let cells = shown["cells"].as_array().expect("cells");
    assert_eq!(cells.len(), 5 * NODES, "five callers on each node");
    let moves = shown["moves"].as_array().expect("moves");
    let made = |node: &str| -> Vec<String> {
        let own = moves.iter().filter(|made| made["node"] == node);
        own.map(|made| format!("{} to {}", made["from"].as_str().unwrap(), made["to"].as_str().unwrap())).collect()
    };
    let there_and_back = ["2.0.0 to 3.0.0", "3.0.0 to 2.0.0", "2.0.0 to 3.0.0"];
    let from_1_1_0 = [&["1.1.0 to 2.0.0"], &there_and_back[..]].concat();
    assert_eq!(made("soft"), from_1_1_0);
    if cfg!(target_os = "linux") {
        assert_eq!(made("restart"), [&["1.1.0 to 2.0.0"], &from_1_1_0[..]].concat(), "{said}");
    }
    for node in ["drain", "barrier-1", "barrier-2", "barrier-3"] {
        assert_eq!(made(node), there_and_back, "{node}");
    }
    assert_eq!(made("stays"), [""; 0]);
    let count = |what: &str| moves.iter().filter(|made| made[what] == true || made[what].is_string()).count();
    assert_eq!((count("killed"), count("failure")), (1, NODES - 6));
    assert!(moves.iter().all(|made| made["streams_cut"].as_u64().unwrap_or(0) == 0), "{moves:?}");
    for cell in cells {
        assert!(cell["calls"].as_u64() > Some(0) && cell["unanswered"] == serde_json::json!([]), "{cell}");
    }
}

#[test]
fn control_c_ends_the_demo_and_its_nodes() {
    for (arguments, processes) in [(&[][..], FLEET), (&["--ways"], NODES)] {
        let (mut demo, nodes) = started(arguments, processes);
        signal("-INT", &demo);
        assert_eq!(demo.wait().expect("an end").code(), Some(INTERRUPTED));
        wait_until_gone(&nodes);
    }
}

#[test]
fn nodes_end_even_when_the_demo_is_killed() {
    for (arguments, processes) in [(&[][..], FLEET), (&["--ways"], NODES)] {
        let (mut demo, nodes) = started(arguments, processes);
        signal("-KILL", &demo);
        demo.wait().expect("an end");
        wait_until_gone(&nodes);
    }
}

#[test]
fn a_node_waits_for_running_calls_until_it_is_asked_again() {
    let mut node = Command::new(env!("CARGO_BIN_EXE_straddle"))
        .args(["serve-example", "--listen", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut line = String::new();
    BufReader::new(node.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    let address = line.trim().rsplit(' ').next().expect("an address").to_owned();
    let mut watch = Command::new(env!("CARGO_BIN_EXE_straddle"))
        .args(["call", &address, "inventory@2.0.0", "WatchItems"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    // The versions are told when the answer has begun.
    let mut told = BufReader::new(watch.stderr.take().expect("its messages")).lines();
    assert!(told.next().expect("a line").expect("text").contains("node 2.0.0"));
    let mut lines = BufReader::new(node.stderr.take().expect("its messages")).lines().map(|line| line.expect("text"));
    signal("-INT", &node);
    assert!(lines.any(|line| line.contains("Ctrl-C again")), "it says what it waits for");
    assert!(node.try_wait().expect("a state").is_none(), "it waits");
    signal("-INT", &node);
    assert_eq!(lines.last().as_deref(), Some("stopped: what ran was cut"));
    assert!(node.wait().expect("an end").success());
    assert!(!watch.wait().expect("an end").success(), "the watch was cut");
}

#[test]
fn a_state_of_its_own_survives_the_node() {
    let folder = tempfile::tempdir().expect("a folder");
    let serve = || {
        let mut node = Command::new(env!("CARGO_BIN_EXE_straddle"))
            .args(["serve-example", "--version", "2.0.0", "--listen", "127.0.0.1:0", "--until-stdin-ends", "--state"])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program");
        let mut line = String::new();
        BufReader::new(node.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let address = line.trim().rsplit(' ').next().expect("an address").to_owned();
        (node, address)
    };
    let call = |address: &str, method: &str, data: &str| {
        let called = Command::new(env!("CARGO_BIN_EXE_straddle"))
            .args(["call", address, "inventory@1.0.0", method, data])
            .output()
            .expect("the program");
        assert!(called.status.success(), "{}", String::from_utf8_lossy(&called.stderr));
        String::from_utf8(called.stdout).expect("JSON")
    };
    let stop = |mut node: Child| {
        drop(node.stdin.take());
        assert!(node.wait().expect("an end").success());
    };
    let (node, address) = serve();
    let item = r#"{"item":{"sku":"a","name":"Anvil","price":49.5,"stock":"3"},"request_id":"first"}"#;
    call(&address, "PutItem", item);
    stop(node);
    let (node, address) = serve();
    assert!(call(&address, "GetItem", r#"{"sku":"a"}"#).contains("\"price\":49.5"));
    stop(node);
}
