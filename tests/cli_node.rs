//! `straddle node`, as a person or a script meets it.
#![cfg(feature = "cli")]

#[path = "cli_node/ends.rs"]
mod ends;
#[path = "node_life/faulty.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod faulty;
#[path = "support/folder.rs"]
mod folder;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;
#[path = "learn/shop.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod shop;

use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Request;
use http_body::Frame;
use http_body_util::StreamBody;
use program::{Conversation, Run, straddle};
use serde_json::{Value, json};
use shop::{echo, folder_of, key, signed, unsigned};
use straddle::node::{Node, NodeStatus, Opening, Transforming, Upgrade};
use straddle::retiring::{Brownout, Notice, Retiring};
use straddle::state::RefusedRecord;
use straddle::wire::Body;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tower::ServiceExt;

/// A node of the shop from 1.0.0 on, with its admin service, in this process.
struct Shop {
    runtime: Runtime,
    _state: TempDir,
    place: TempDir,
    address: String,
    /// What the transform function waits for, if it waits.
    go_on: Sender<()>,
    begun: Receiver<()>,
    held: Arc<Mutex<Option<String>>>,
    node: Node,
}

/// What the functions of its upgrade do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    Nothing,
    /// The transform function waits until it may go on.
    Waiting,
    /// The transform function fails.
    Failing,
    /// The reverse function loses three records.
    Losing,
}

impl Shop {
    fn start(doing: Doing) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let (state, place) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let (go_on, may_go_on) = channel();
        let (begins, begun) = channel();
        let held = Arc::new(Mutex::new(None));
        let node = runtime.block_on(node(state.path(), doing, begins, may_go_on, held.clone()));
        let address = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
            let serving = node.serve_admin(listener, std::future::pending()).expect("a server");
            let address = serving.local_addr().to_string();
            tokio::spawn(serving);
            address
        });
        Self { runtime, _state: state, place, address, go_on, begun, held, node }
    }

    fn path(&self, name: &str) -> String {
        self.place.path().join(name).display().to_string()
    }

    /// `straddle node COMMAND ADDRESS …`.
    fn told(&self, command: &str, more: &[&str]) -> Run {
        straddle(&[&["node", command, &self.address], more].concat())
    }

    fn status(&self) -> Value {
        self.told("status", &["--json"]).ended(0, &[]).value()
    }

    /// A call that is inside until the other side of its body is dropped.
    fn call(&self) -> tokio::sync::mpsc::Sender<Result<Frame<Bytes>, Status>> {
        let (rest, body) = tokio::sync::mpsc::channel(1);
        let body = Body::new(StreamBody::new(ReceiverStream::new(body)));
        let request = Request::post("/shop.v1.Shop/Get").header("straddle-version", "1.0.0").body(body);
        let (service, node) = (self.node.service(), self.node.clone());
        self.runtime.spawn(service.oneshot(request.expect("a request")));
        while node.status().calls.0 == 0 {
            std::thread::yield_now();
        }
        rest
    }

    /// The last line of what it is told as JSON.
    fn json(&self, code: i32, command: &str, more: &[&str]) -> Value {
        let run = self.told(command, &[more, &["--json"]].concat()).ended(code, &[]);
        run.lines().pop().expect("a line")
    }
}

async fn node(
    state: &Path,
    doing: Doing,
    begins: Sender<()>,
    may_go_on: Receiver<()>,
    held: Arc<Mutex<Option<String>>>,
) -> Node {
    let may_go_on = Mutex::new(may_go_on);
    let transform = move |_: &Transforming| match doing {
        Doing::Failing => Err("the disk hums"),
        Doing::Waiting => {
            begins.send(()).map_err(|_| "nobody listens")?;
            may_go_on.lock().unwrap().recv().map_err(|_| "nobody lets it go on")
        }
        _ => Ok(()),
    };
    let reverse = move |transforming: &Transforming| {
        let keys: &[&str] = if doing == Doing::Losing { &["anvil", "\u{7}bell", "crate"] } else { &[] };
        for key in keys {
            let (key, value) = (key.as_bytes().to_vec().into(), "…".into());
            let (table, why, message) = ("items".into(), "has no word for it".into(), Some("shop.v2.M".to_owned()));
            transforming.lose(RefusedRecord { table, key, value, message, why, ..RefusedRecord::default() });
        }
        Ok::<_, &str>(())
    };
    let upgrade = Upgrade::to("2.0.0")
        .object(|_: &Opening| echo("shop.v2.Shop"))
        .transform(transform)
        .reverse(reverse)
        .hold(move || held.lock().unwrap().clone());
    let builder = Node::builder(folder_of(&["1.0.0", "2.0.0"])).object("1.0.0", |_: &Opening| echo("shop.v1.Shop"));
    let started = builder.upgrade(upgrade).state(state).trust(key().public()).start().await;
    started.unwrap_or_else(|error| panic!("{error}"))
}

fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing from\n{text}");
    }
}

#[test]
fn a_node_goes_on_back_on_again_and_for_good() {
    let shop = Shop::start(Doing::Nothing);
    let status = shop.told("status", &[]).ended(0, &[]);
    says(&status.out, &["shop 1.0.0, serving", "serves    1.0.0, 2.0.0", "next      2.0.0", "back      none"]);
    let upgraded = shop.told("upgrade", &["2.0.0"]).ended(0, &[]);
    says(
        &upgraded.out,
        &["1.0.0 -> 2.0.0, new calls waited", "0 cut", &format!("straddle node rollback {}", shop.address)],
    );
    says(
        &shop.told("status", &[]).out,
        &["shop 2.0.0, serving", "back      1.0.0", "active    1.0.0", "last      1.0.0"],
    );
    says(&shop.told("rollback", &["--dry-run"]).ended(0, &[]).out, &["nothing would be lost"]);
    assert_eq!(shop.status()["version"], "2.0.0", "a dry run changes nothing");
    says(&shop.told("rollback", &[]).ended(0, &[]).out, &["2.0.0 -> 1.0.0"]);
    says(&shop.told("status", &[]).out, &["back      none: no upgrade waits to be finalized"]);
    let again = shop.told("upgrade", &["2.0.0"]).ended(0, &[]);
    assert!(
        !again.err.lines().any(|line| line.ends_with(" 0")),
        "work that is not counted has no number:\n{}",
        again.err
    );
    shop.told("upgrade", &["2.0.0"]).ended(1, &["failed: NO_WAY", "the node runs 2.0.0 already", "serves as before"]);
    says(&shop.told("finalize", &[]).ended(0, &[]).out, &["2.0.0 is final"]);
    shop.told("rollback", &[]).ended(1, &["failed: NO_WAY", "it was finalized", "serves as before", "what next"]);
    let status = shop.status();
    assert_eq!((&status["active"], &status["back"], &status["next"]), (&json!("2.0.0"), &Value::Null, &Value::Null));
}

#[test]
fn scripts_are_told_of_moves_in_json_the_result_last() {
    let shop = Shop::start(Doing::Nothing);
    let run = shop.told("upgrade", &["2.0.0", "--json"]).ended(0, &[]);
    let lines = run.lines();
    let (done, before) = lines.split_last().expect("lines");
    assert!(before.iter().all(|line| line["status"]["protocol"] == "shop"), "{before:?}");
    let moved = &done["done"]["moved"];
    assert_eq!(
        (&moved["from"], &moved["to"], &done["done"]["version"]),
        (&json!("1.0.0"), &json!("2.0.0"), &json!("2.0.0"))
    );
    assert!(moved["pause_microseconds"].as_u64().is_some_and(|pause| pause > 0), "{moved}");
    let status = shop.status();
    assert_eq!(status["calls"], json!({ "running": 0, "waiting": 0 }));
    assert_eq!(status["last"], *moved);
    let error = &shop.json(1, "upgrade", &["3.0.0"])["error"];
    assert_eq!((&error["reason"], &error["node"]), (&json!("NO_WAY"), &json!("as before")));
    assert!(error["advice"].as_str().is_some_and(|advice| !advice.is_empty()), "{error}");
    assert_eq!(shop.json(0, "finalize", &[])["done"]["moved"], Value::Null);
}

#[test]
fn a_failure_says_what_where_it_stopped_and_what_is_safe() {
    let shop = Shop::start(Doing::Failing);
    let failed = shop.told("upgrade", &["2.0.0"]).ended(1, &["failed: MOVE_FAILED", "the disk hums"]);
    says(&failed.err, &["stopped while transforming", "node          serves as before", "mend the cause"]);
    let status = shop.status();
    assert_eq!((&status["version"], &status["phase"]), (&json!("1.0.0"), &json!("serving")));
    says(status["failure"].as_str().expect("a failure"), &["the disk hums"]);
}

#[test]
fn an_application_that_holds_an_upgrade_back_is_asked_first() {
    let shop = Shop::start(Doing::Nothing);
    *shop.held.lock().unwrap() = Some("it is Friday".to_owned());
    shop.told("upgrade", &["2.0.0"]).ended(1, &["failed: HELD", "it is Friday", "try again later"]);
    says(&shop.told("status", &[]).out, &["held      it is Friday"]);
    *shop.held.lock().unwrap() = None;
    shop.told("upgrade", &["2.0.0"]).ended(0, &[]);
}

#[test]
fn a_node_is_drained_and_taken_back_and_it_is_told_how_many_are_left() {
    let shop = Shop::start(Doing::Nothing);
    says(
        &shop.told("drain", &[]).ended(0, &[]).out,
        &["the node is drained: nobody is inside", "straddle node resume"],
    );
    assert_eq!(shop.status()["drained"], true);
    says(&shop.told("status", &[]).out, &["shop 1.0.0, serving, drained"]);
    says(&shop.told("resume", &[]).ended(0, &[]).out, &["the node is in service"]);
    assert_eq!(shop.status()["drained"], false);
    assert_eq!(shop.json(0, "drain", &[])["done"], json!({ "drained": true, "calls_left": 0 }));
    assert_eq!(shop.json(0, "resume", &[])["done"], json!({ "drained": false }));
    let inside = shop.call();
    says(&shop.told("drain", &["--within", "1ms"]).ended(1, &[]).out, &["1 call is left inside after 1ms"]);
    assert_eq!(shop.json(1, "drain", &["--within", "1ms"])["done"]["calls_left"], 1);
    let waiting = Conversation::begin(&["node", "drain", &shop.address, "--json"]);
    drop(inside);
    assert_eq!(waiting.end(), Some(0));
}

#[test]
fn a_node_that_moves_drained_is_back_in_service_when_it_has_moved_or_gone_back() {
    let waiting = Shop::start(Doing::Waiting);
    let upgrading = Conversation::begin(&["node", "upgrade", &waiting.address, "2.0.0", "--drain"]);
    waiting.begun.recv().expect("the transform begins");
    assert_eq!((&waiting.status()["phase"], &waiting.status()["drained"]), (&json!("transforming"), &json!(true)));
    waiting.go_on.send(()).expect("the transform waits");
    assert_eq!(upgrading.end(), Some(0));
    assert_eq!((&waiting.status()["version"], &waiting.status()["drained"]), (&json!("2.0.0"), &json!(false)));

    let shop = Shop::start(Doing::Nothing);
    shop.told("upgrade", &["2.0.0", "--drain"]).ended(0, &["the node is in service"]);
    let done = &shop.json(0, "rollback", &["--drain", "--within", "1s"])["done"];
    assert_eq!((&done["version"], &done["drained"]), (&json!("1.0.0"), &json!(false)));
    assert_eq!(shop.status()["drained"], false);
    // One that somebody has drained before is left to them.
    shop.told("drain", &[]).ended(0, &[]);
    shop.told("upgrade", &["2.0.0", "--drain"]).ended(0, &["was drained before, and stays so", "straddle node resume"]);
    assert_eq!(shop.status()["drained"], true);

    let failing = Shop::start(Doing::Failing);
    failing.told("upgrade", &["2.0.0", "--drain"]).ended(1, &["failed: MOVE_FAILED", "the node is in service"]);
    assert_eq!(failing.status()["drained"], false);
    failing.told("upgrade", &["2.0.0", "--within", "1s"]).ended(2, &["--drain"]);
    // What cannot go is not drained for that.
    for (directive, more) in [("upgrade", vec!["9.0.0", "--drain"]), ("rollback", vec!["--drain"])] {
        let run = failing.told(directive, &more).ended(1, &["failed: NO_WAY", "serves as before"]);
        assert!(!run.err.contains("in service"), "{}", run.err);
    }

    let waiting = Shop::start(Doing::Waiting);
    let watching = Conversation::begin(&["node", "upgrade", &waiting.address, "2.0.0", "--drain", "--json"]);
    waiting.begun.recv().expect("the transform begins");
    let ended = watching.interrupt();
    assert_eq!(ended.status.code(), Some(130));
    says(&String::from_utf8_lossy(&ended.stderr), &["the move goes on", "the node stays drained"]);
    waiting.go_on.send(()).expect("the transform waits");
}

#[test]
fn ctrl_c_ends_the_watching_and_not_the_move() {
    let shop = Shop::start(Doing::Waiting);
    let watching = Conversation::begin(&["node", "upgrade", &shop.address, "2.0.0", "--json"]);
    shop.begun.recv().expect("the transform begins");
    shop.told("upgrade", &["2.0.0"]).ended(1, &["failed: BUSY"]);
    let ended = watching.interrupt();
    assert_eq!(ended.status.code(), Some(130));
    says(&String::from_utf8_lossy(&ended.stderr), &["stopped watching; the move goes on"]);
    assert_eq!(shop.status()["phase"], "transforming");
    assert_eq!(shop.status()["under_way"], json!({ "to": "2.0.0", "back": false }));
    let mut watch = Conversation::begin(&["node", "status", &shop.address, "--watch", "--json"]);
    shop.go_on.send(()).expect("the transform waits");
    let arrived = |line: &str| {
        let status: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        status["version"] == "2.0.0" && status["phase"] == "serving"
    };
    while !arrived(&watch.hear()) {}
    assert_eq!(watch.interrupt().status.code(), Some(0));
}

#[test]
fn what_a_rollback_would_lose_is_listed_and_given_up_only_into_a_file() {
    let shop = Shop::start(Doing::Losing);
    shop.told("upgrade", &["2.0.0"]).ended(0, &[]);
    let refused =
        shop.told("rollback", &[]).ended(1, &["failed: RECORDS_REFUSED", "items \"anvil\": has no word for it"]);
    says(&refused.err, &["count         3", "--accept-loss"]);
    assert!(!refused.err.contains('\u{7}'), "keys may be anything: {:?}", refused.err);
    assert_eq!(shop.status()["version"], "2.0.0");
    let lines = shop.told("rollback", &["--json"]).ended(1, &[]).lines();
    let keys: Vec<&Value> = lines.iter().filter_map(|line| line.get("refused")).map(|record| &record["key"]).collect();
    assert_eq!(keys, [&json!("anvil"), &json!("\u{7}bell"), &json!("crate")]);
    let kinds: Vec<_> = lines.iter().filter_map(|line| line.get("refused")).collect();
    assert!(kinds.iter().all(|record| (&record["version"], &record["type"]) == (&json!("2.0.0"), &json!("shop.v2.M"))));

    let there = shop.path("there");
    fs::write(&there, "precious").expect("a file");
    shop.told("rollback", &["--accept-loss", &there]).ended(2, &["is there already"]);
    shop.told("rollback", &["--accept-loss", &shop.path("no/such/folder")]).ended(2, &["cannot be written"]);
    assert_eq!(shop.status()["version"], "2.0.0", "nothing is given up that cannot be written down");

    let lost = shop.path("lost.jsonl");
    let done = shop.json(0, "rollback", &["--accept-loss", &lost]);
    assert_eq!((&done["done"]["version"], &done["done"]["moved"]["lost"]), (&json!("1.0.0"), &json!(3)));
    let written = fs::read_to_string(&lost).expect("what was lost");
    let written_keys = written.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["key"].clone());
    assert_eq!(written_keys.collect::<Vec<_>>(), keys.into_iter().cloned().collect::<Vec<_>>(), "named as in the list");
    let first: Value = serde_json::from_str(written.lines().next().expect("a line")).expect("JSON");
    assert_eq!(&first, kinds[0], "and told as in the list");
    let at_node = done["done"]["lost"]["at_node"].as_str().expect("the node's own copy");
    assert_eq!(fs::read_to_string(at_node).expect("it is there"), written);
}

#[test]
fn a_node_learns_a_bundle_and_keeps_it() {
    let shop = Shop::start(Doing::Nothing);
    let file = |name: &str, bytes: &[u8]| {
        fs::write(shop.path(name), bytes).expect("a file");
        shop.path(name)
    };
    let good = file("good", &signed("2.0.0", "3.0.0"));
    let (bad, public) = (file("bad", &unsigned("2.0.0", "3.0.0")), key().public().to_pem().expect("a key"));
    let public = file("key.pub", public.as_bytes());
    shop.told("learn", &[&bad]).ended(1, &["failed: BUNDLE_UNTRUSTED", "is not signed", "serves as before"]);
    shop.told("learn", &[&bad, "--trust", &public]).ended(2, &["is not signed"]);
    shop.told("learn", &[&file("none", b"hello")]).ended(2, &["this is no bundle"]);
    let learned = shop.told("learn", &[&good, "--trust", &public]).ended(0, &[]);
    says(&learned.out, &["the node has learned 3.0.0", "kept in its state folder"]);
    says(&learned.out, &["refused  shop.v3.Shop.Count of 3.0.0: needs the program of 3.0.0"]);
    says(&shop.told("status", &[]).out, &["serves    1.0.0, 2.0.0, 3.0.0", "learned   3.0.0: from bundles"]);
    let again = &shop.json(0, "learn", &[&good])["learned"];
    assert_eq!((&again["added"], &again["kept"], &again["needs_program"]), (&json!([]), &json!(true), &json!([])));
    // The next version of the program is where it was.
    shop.told("upgrade", &["2.0.0"]).ended(0, &[]);
    assert_eq!(shop.status()["learned"], json!(["3.0.0"]));
    shop.told("upgrade", &["3.0.0"]).ended(1, &["failed: NO_WAY"]);
}

#[test]
fn what_is_no_admin_service_is_told_so() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
    let gone = listener.local_addr().expect("an address").to_string();
    drop(listener);
    straddle(&["node", "status", &gone, "--wait", "1ms"]).ended(2, &["no node can be reached at", &gone]);
    let callers = program::Node::start("2.0.0");
    straddle(&["node", "status", &callers.address]).ended(2, &["this is no admin service"]);
    straddle(&["node", "upgrade", &callers.address, "3.0.0"]).ended(2, &["nothing was done"]);
    straddle(&["node", "status", "nowhere"]).ended(2, &["is no address"]);
}

#[test]
fn the_example_has_an_admin_service_on_loopback() {
    let mut node = Conversation::begin(&[
        "serve-example",
        "--version",
        "2.0.0",
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
        "--until-stdin-ends",
    ]);
    node.hear();
    let line = node.hear();
    let address = line.trim().rsplit(' ').next().expect("an address");
    let status = straddle(&["node", "status", address, "--json"]).ended(0, &[]).value();
    assert_eq!((&status["protocol"], &status["version"]), (&json!("inventory"), &json!("2.0.0")));
    assert_eq!(node.end(), Some(0));
    let beyond = ["serve-example", "--listen", "127.0.0.1:0", "--admin", "0.0.0.0:0"];
    straddle(&beyond).ended(1, &["is no loopback address", "nobody is authenticated"]);
}

#[test]
fn the_status_says_what_is_retired_and_announced_and_why_not_all_of_it() {
    let shop = Shop::start(Doing::Nothing);
    assert_eq!(shop.status()["retired"], Value::Null);
    let brownout = Brownout { seconds: 300, every_seconds: 3_600, from: 1_795_000_000 };
    let notice = Notice::of("2.0.0".parse().unwrap()).deprecated_since(1_790_000_000).brownout(brownout);
    let retiring = Retiring::up_to("1.0.0".parse().unwrap()).notice(notice);
    shop.runtime.block_on(shop.node.retire(retiring)).unwrap();
    says(
        &shop.told("status", &[]).ended(0, &[]).out,
        &[
            "serves    1.0.0, 2.0.0",
            "retired   not all that was told: the node runs 1.0.0: 1.0.0 is retired once it runs a newer version",
            "retired   soon up to 2.0.0: deprecated since 2026-09-21T14:13:20Z, browned out for 300 s every 3600 s from",
        ],
    );
    shop.told("upgrade", &["2.0.0"]).ended(0, &[]);
    shop.told("finalize", &[]).ended(0, &[]);
    shop.runtime.block_on(async {
        let mut status = shop.node.watch();
        let is_retired = |status: &NodeStatus| status.served.len() == 1;
        status.wait_for(is_retired).await.expect("a node");
    });
    says(&shop.told("status", &[]).out, &["serves    2.0.0\n", "retired   up to 1.0.0\n"]);
    let retired = &shop.status()["retired"];
    assert_eq!((&retired["up_to"], &retired["refused"]), (&Value::from("1.0.0"), &Value::Null));
    assert_eq!(retired["notices"][0]["brownout"]["every_seconds"], 3_600);
    assert_eq!((&retired["notices"][0]["sunset"], &retired["swept_up_to"]), (&Value::Null, &Value::Null));
}
