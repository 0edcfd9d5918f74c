//! `straddle barrier`, as a person or a script meets it, and what becomes of it when it or a node is killed.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;
#[path = "learn/shop.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod shop;

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use program::{Conversation, Run, straddle};
use serde_json::{Value, json};
use shop::{echo, folder_of};
use straddle::node::{Node, Opening, Upgrade};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// A node of the shop from 1.0.0 on, with its admin service, in this process.
struct Shop {
    /// None while its program is not there.
    runtime: Option<Runtime>,
    state: TempDir,
    address: String,
    held: Arc<Mutex<Option<String>>>,
}

impl Shop {
    fn start() -> Self {
        let (state, held) = (tempfile::tempdir().expect("a folder"), Arc::default());
        let mut shop = Self { runtime: None, state, address: "127.0.0.1:0".to_owned(), held };
        shop.start_again();
        shop
    }

    /// Starts its program, at the address that it had.
    fn start_again(&mut self) {
        let runtime = Runtime::new().expect("a runtime");
        let held = self.held.clone();
        let upgrade = Upgrade::to("2.0.0").object(|_: &Opening| echo("shop.v2.Shop")).stateless();
        let upgrade = upgrade.hold(move || held.lock().unwrap().clone());
        let builder = Node::builder(folder_of(&["1.0.0", "2.0.0"])).object("1.0.0", |_: &Opening| echo("shop.v1.Shop"));
        let node = builder.upgrade(upgrade).state(self.state.path());
        self.address = runtime.block_on(async {
            let node = node.start().await.unwrap_or_else(|error| panic!("{error}"));
            let listener = TcpListener::bind(&self.address).await.expect("a listener");
            let serving = node.serve_admin(listener, std::future::pending()).expect("a server");
            let address = serving.local_addr().to_string();
            tokio::spawn(serving);
            address
        });
        self.runtime = Some(runtime);
    }

    /// Ends its program without ceremony.
    fn kill(&mut self) {
        drop(self.runtime.take());
    }

    fn status(&self) -> Value {
        straddle(&["node", "status", &self.address, "--json"]).ended(0, &[]).value()
    }

    /// What it is about: the version that it runs, its phase, and whether it is prepared.
    fn is_at(&self, version: &str, prepared: bool) {
        let status = self.status();
        assert_eq!((&status["version"], status["prepared"].is_object()), (&json!(version), prepared), "{status}");
        assert_eq!(status["phase"], if prepared { "permitted" } else { "serving" }, "{status}");
    }

    fn epochs(&self) -> usize {
        fs::read_dir(self.state.path()).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count()
    }
}

fn shops<const COUNT: usize>() -> [Shop; COUNT] {
    std::array::from_fn(|_| Shop::start())
}

/// A place for the record.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn record(&self) -> PathBuf {
        self.0.path().join("record.json")
    }

    fn name(&self) -> String {
        self.record().display().to_string()
    }

    /// `straddle barrier …`, to 2.0.0.
    fn arguments<'a>(&self, addresses: &[&'a str], more: &[&'a str]) -> Vec<String> {
        let record = self.name();
        let all = [&["barrier"], addresses, &["--to", "2.0.0", "--record", &record], more].concat();
        all.iter().map(|text| (*text).to_owned()).collect()
    }

    fn run(&self, addresses: &[&str], more: &[&str]) -> Run {
        let arguments = self.arguments(addresses, more);
        straddle(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn resume(&self, more: &[&str]) -> Run {
        straddle(&[&["barrier", "--resume", &self.name()], more].concat())
    }

    fn stage(&self) -> Value {
        let record: Value = serde_json::from_slice(&fs::read(self.record()).expect("a record")).expect("JSON");
        record["stage"].clone()
    }
}

/// A run that waits before its decision, and before the word.
struct Stepwise(Conversation);

impl Stepwise {
    fn begin(place: &Place, addresses: &[&str], more: &[&str]) -> Self {
        let arguments = place.arguments(addresses, &[&["--json", "--stepwise"], more].concat());
        Self(Conversation::begin(&arguments.iter().map(String::as_str).collect::<Vec<_>>()))
    }

    /// Goes on to where it waits.
    fn until(&mut self, waits: &str) -> Vec<Value> {
        let mut heard = Vec::new();
        loop {
            let line: Value = serde_json::from_str(&self.0.hear()).expect("JSON");
            if line["waits"] == waits {
                return heard;
            }
            heard.push(line);
        }
    }

    fn go_on(&mut self) {
        self.0.say("");
    }

    /// How it ends: the last line, and the code.
    fn ended(mut self, code: i32) -> Value {
        let mut last = Value::Null;
        loop {
            let line = self.0.hear();
            if line.is_empty() {
                break;
            }
            last = serde_json::from_str(&line).expect("JSON");
        }
        assert_eq!(self.0.end(), Some(code), "{last}");
        last
    }
}

fn all_at(shops: &[Shop], version: &str, prepared: bool) {
    for shop in shops {
        shop.is_at(version, prepared);
    }
}

fn addresses(shops: &[Shop]) -> Vec<&str> {
    shops.iter().map(|shop| shop.address.as_str()).collect()
}

fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing from\n{text}");
    }
}

#[test]
fn all_nodes_switch_and_it_is_told_how_far_apart() {
    let (shops, place) = (shops::<3>(), Place::new());
    let run = place.run(&addresses(&shops), &[]).ended(0, &["prepared, 3 of 3", "the decision is in"]);
    says(&run.out, &["3 of 3 nodes have switched, 1.0.0 -> 2.0.0", "window", "from the first node that said `done`"]);
    all_at(&shops, "2.0.0", false);
    assert!(!place.record().exists(), "nobody has to go on with it");
    place.resume(&[]).ended(2, &["cannot be read"]);
}

#[cfg(unix)]
#[test]
fn two_runs_have_no_record_in_common_and_no_decision_is_overwritten() {
    let (shops, place) = (shops::<2>(), Place::new());
    let mut run = Stepwise::begin(&place, &addresses(&shops), &[]);
    for waits in ["decision", "word"] {
        run.until(waits);
        let at_work = ["another `straddle barrier` is at work on", &place.name(), "wait until it has ended"];
        place.resume(&[]).ended(2, &at_work);
        place.run(&addresses(&shops), &[]).ended(2, &at_work);
        all_at(&shops, "1.0.0", true);
        if waits == "decision" {
            run.go_on();
        }
    }
    drop(run);
    place.run(&addresses(&shops), &[]).ended(2, &["is there already", "--resume"]);
    says(&place.resume(&[]).ended(0, &[]).out, &["2 of 2 nodes have switched"]);
    assert!(!place.record().exists());
}

#[test]
fn scripts_are_told_in_json_and_nothing_is_decided_before_all_are_prepared() {
    let (shops, place) = (shops::<2>(), Place::new());
    let lines = place.run(&addresses(&shops), &["--json"]).ended(0, &[]).lines();
    let position = |what: &str| lines.iter().position(|line| line.get(what).is_some()).expect(what);
    let prepared: Vec<&Value> = lines.iter().filter_map(|line| line.get("prepared")).collect();
    assert_eq!(prepared.len(), 2);
    assert!(prepared.iter().all(|prepared| prepared["name"].as_str().is_some_and(|name| name.len() == 32)));
    let last_prepared = lines.iter().rposition(|line| line.get("prepared").is_some()).expect("prepared");
    assert!(last_prepared < position("decided") && position("decided") < position("switched"));
    let done = &lines.last().expect("lines")["done"];
    assert_eq!((&done["from"], &done["to"], &done["stragglers"]), (&json!("1.0.0"), &json!("2.0.0"), &json!(0)));
    assert_eq!(done["record"], Value::Null);
    assert!(done["window_microseconds"].is_u64() && done["longest_pause_microseconds"].is_u64(), "{done}");
    for (node, shop) in done["nodes"].as_array().expect("nodes").iter().zip(&shops) {
        assert_eq!((&node["address"], &node["switched"]["moved"]["to"]), (&json!(shop.address), &json!("2.0.0")));
    }
}

#[test]
fn when_one_cannot_be_prepared_all_go_back_and_it_is_told_which_and_why() {
    let (shops, place) = (shops::<3>(), Place::new());
    *shops[1].held.lock().unwrap() = Some("it is Friday".to_owned());
    let run = place.run(&addresses(&shops), &[]).ended(1, &["aborted before the word", "HELD", "it is Friday"]);
    says(&run.err, &[&shops[1].address, "nothing has changed: all nodes are as before"]);
    for shop in &shops {
        shop.is_at("1.0.0", false);
        assert_eq!(shop.epochs(), 1);
    }
    assert!(!place.record().exists(), "nothing is left to be gone on with");
    *shops[1].held.lock().unwrap() = None;
    let held = &place.run(&addresses(&shops), &["--json"]).ended(0, &[]).lines();
    assert_eq!(held.last().expect("lines")["done"]["stragglers"], 0);
}

#[test]
fn nodes_that_do_not_belong_together_are_told_before_anything_begins() {
    let (mut shops, place) = (shops::<3>(), Place::new());
    let [a, b, c] = [0, 1, 2].map(|place: usize| shops[place].address.clone());
    place.run(&[&a, &b, &a], &[]).ended(2, &[&a, "is named twice"]);
    let port = a.rsplit(':').next().expect("a port");
    place.run(&[&a, &b, &format!("localhost:{port}")], &[]).ended(2, &["are the same node"]);
    place.run(&[&a, "nowhere"], &[]).ended(2, &["is no address"]);
    straddle(&["node", "upgrade", &c, "2.0.0"]).ended(0, &[]);
    place.run(&[&a, &b, &c], &[]).ended(2, &["run different versions", &format!("2.0.0 ({c})")]);
    place.run(&[&c], &[]).ended(2, &["all nodes run 2.0.0 already"]);
    shops[2].kill();
    let unreachable = place.run(&[&a, &b, &c], &["--wait", "10ms"]);
    unreachable.ended(1, &["nothing was begun", "not all nodes can be reached", &c]);
    assert!(!place.record().exists());
    all_at(&shops[..2], "1.0.0", false);
    straddle(&["barrier", "--to", "2.0.0"]).ended(2, &["ADDRESS"]);
    straddle(&["barrier", &a]).ended(2, &["--to"]);
    straddle(&["barrier", &a, "--to", "2.0.0", "--within", "25h"]).ended(2, &["24h at most"]);
    fs::write(place.record(), "{}").expect("a file");
    place.resume(&[]).ended(2, &["is no record of `straddle barrier`"]);
}

#[test]
fn a_node_that_is_lost_before_the_word_takes_all_back() {
    let (mut shops, place) = (shops::<3>(), Place::new());
    let mut run = Stepwise::begin(&place, &addresses(&shops), &[]);
    run.until("decision");
    all_at(&shops[..2], "1.0.0", true);
    assert_eq!(place.stage(), "preparing");
    shops[2].kill();
    run.go_on();
    let aborted = run.ended(1)["aborted"].clone();
    assert_eq!(aborted["nodes"][0]["address"], shops[2].address, "{aborted}");
    assert_eq!(aborted["not_known"][0]["address"], shops[2].address, "{aborted}");
    for shop in &shops[..2] {
        shop.is_at("1.0.0", false);
        assert_eq!(shop.epochs(), 1);
    }
    shops[2].start_again();
    shops[2].is_at("1.0.0", false);
}

#[test]
fn a_node_that_is_lost_after_the_decision_is_listed_and_brought_over_later() {
    let (mut shops, place) = (shops::<3>(), Place::new());
    let mut run = Stepwise::begin(&place, &addresses(&shops), &["--retry", "1ms"]);
    run.until("decision");
    run.go_on();
    run.until("word");
    assert_eq!(place.stage(), "decided");
    shops[2].kill();
    run.go_on();
    let done = run.ended(3)["done"].clone();
    assert_eq!((&done["stragglers"], &done["record"]), (&json!(1), &json!(place.name())), "{done}");
    assert!(done["nodes"][2]["straggler"]["why"].is_string(), "{done}");
    all_at(&shops[..2], "2.0.0", false);
    let still = place.resume(&["--retry", "1ms"]);
    says(&still.ended(3, &["is left at 1.0.0, and goes on under simulation", "--resume"]).out, &["2 of 3 nodes"]);
    shops[2].start_again();
    shops[2].is_at("1.0.0", false);
    says(&place.resume(&[]).ended(0, &[]).out, &["3 of 3 nodes have switched"]);
    all_at(&shops, "2.0.0", false);
    assert!(!place.record().exists());
}

#[test]
fn a_word_that_a_node_refuses_as_late_becomes_an_upgrade() {
    let (shops, place) = (shops::<2>(), Place::new());
    let mut run = Stepwise::begin(&place, &addresses(&shops), &[]);
    run.until("decision");
    run.go_on();
    run.until("word");
    // As when its time is over.
    abort(&shops[0]);
    shops[0].is_at("1.0.0", false);
    run.go_on();
    let done = run.ended(0)["done"].clone();
    assert_eq!((&done["stragglers"], &done["nodes"][0]["switched"]["after_microseconds"]), (&json!(0), &Value::Null));
    assert!(done["nodes"][1]["switched"]["after_microseconds"].is_u64(), "{done}");
    all_at(&shops, "2.0.0", false);
}

/// Takes a node's preparation back, past the tool.
fn abort(shop: &Shop) {
    let name = shop.status()["prepared"]["name"].as_str().expect("a name").to_owned();
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let channel = straddle::transport::Channel::owner(shop.address.clone()).build().expect("a channel");
        let mut client = wire::node_client::NodeClient::new(channel);
        client.abort(wire::AbortRequest { name }).await.expect("it is taken back");
    });
}

/// What the proto says, generated.
#[allow(
    dead_code,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "written by the generators of prost and tonic, which do not know our lints"
)]
#[rustfmt::skip]
#[path = "../src/node/admin/generated/straddle.v1.rs"]
mod wire;

#[test]
fn a_tool_that_is_killed_before_its_decision_has_changed_nothing() {
    let (shops, place) = (shops::<2>(), Place::new());
    let mut run = Stepwise::begin(&place, &addresses(&shops), &[]);
    run.until("decision");
    drop(run);
    // Nodes wait for a word that does not come; nobody has to wait for them.
    all_at(&shops, "1.0.0", true);
    place.resume(&[]).ended(1, &["the run ended before its decision", "all nodes are as before"]);
    all_at(&shops, "1.0.0", false);
    assert!(!place.record().exists());
}

#[test]
fn a_tool_that_is_killed_between_its_decision_and_the_word_is_gone_on_with() {
    for late in [false, true] {
        let (shops, place) = (shops::<2>(), Place::new());
        let mut run = Stepwise::begin(&place, &addresses(&shops), &[]);
        run.until("decision");
        run.go_on();
        run.until("word");
        drop(run);
        all_at(&shops, "1.0.0", true);
        if late {
            abort(&shops[1]);
        }
        says(&place.resume(&[]).ended(0, &[]).out, &["2 of 2 nodes have switched"]);
        all_at(&shops, "2.0.0", false);
        assert!(!place.record().exists());
    }
}

#[test]
fn ctrl_c_before_the_decision_takes_all_back_and_after_it_nothing() {
    let (shops, place) = (shops::<2>(), Place::new());
    let mut run = Stepwise::begin(&place, &addresses(&shops), &[]);
    run.until("decision");
    let ended = run.0.interrupt();
    assert_eq!(ended.status.code(), Some(1));
    says(&String::from_utf8_lossy(&ended.stderr), &["interrupted", "all nodes are as before"]);
    all_at(&shops, "1.0.0", false);
    assert!(!place.record().exists());

    let mut run = Stepwise::begin(&place, &addresses(&shops), &[]);
    run.until("decision");
    run.go_on();
    run.until("word");
    run.0.signal("-INT");
    run.go_on();
    assert_eq!(run.ended(0)["done"]["stragglers"], 0);
    all_at(&shops, "2.0.0", false);
}

#[test]
fn the_record_lies_in_the_folder_where_one_stands_if_nothing_else_is_said() {
    let (mut shop, place) = (Shop::start(), Place::new());
    let run = |address: &str| {
        std::process::Command::new(env!("CARGO_BIN_EXE_straddle"))
            .args(["barrier", address, "--to", "2.0.0"])
            .current_dir(place.0.path())
            .output()
            .expect("the program")
    };
    let there = || fs::read_dir(place.0.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    fs::write(place.0.path().join("straddle-barrier-2.0.0.json"), "of a run before").expect("a file");
    let ended = run(&shop.address);
    assert_eq!(ended.status.code(), Some(2));
    says(&String::from_utf8_lossy(&ended.stderr), &["straddle-barrier-2.0.0.json is there already"]);
    fs::remove_file(place.0.path().join("straddle-barrier-2.0.0.json")).expect("a file");
    let ended = run(&shop.address);
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(there(), Vec::<std::ffi::OsString>::new(), "and nothing is left");
    shop.kill();
}
