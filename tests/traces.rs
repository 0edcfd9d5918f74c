//! What the program logs of calls and of moves, as an operator's tools read it: a JSON object a line.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod folder;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use program::straddle;
use serde_json::{Value, json};
use straddle::Protocol;
use straddle::dispatch::{Object, Sampling};
use straddle::node::{Builder, Node};
use straddle::retiring::{Brownout, Notice, Retiring};
use straddle::wire::Body;
use tower::{ServiceExt, service_fn};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// What the example says to people, which is no log.
const SAID: [&str; 3] = ["its state goes away with it", "stopping when the running calls", "stopped: "];
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A program that logs in JSON; its standard input is its life.
struct Logging {
    child: Child,
    out: BufReader<ChildStdout>,
    address: String,
}

impl Logging {
    /// Starts it, and waits until it says where it listens.
    fn start(level: &str, arguments: &[&str]) -> Self {
        let mut child = command(level, "json", arguments).spawn().expect("the program");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut this = Self { child, out, address: String::new() };
        this.address = this.next_address();
        this
    }

    fn call(&self, arguments: &[&str]) -> program::Run {
        straddle(&[&["call", self.address.as_str()][..], arguments].concat())
    }

    /// The address that it says in its next line.
    fn next_address(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("a line");
        line.rsplit(' ').next().unwrap_or_default().trim().to_owned()
    }

    /// Ends it; all that it has logged.
    fn lines(mut self) -> Vec<Value> {
        drop(self.child.stdin.take());
        let text = std::io::read_to_string(self.child.stderr.take().expect("a pipe")).expect("its log");
        let logged = text.lines().filter(|line| !SAID.iter().any(|said| line.starts_with(said)));
        logged.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(level: &str, format: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_straddle"));
    command.args(arguments).env("STRADDLE_LOG", level).env("STRADDLE_LOG_FORMAT", format);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The spans of this name that have closed, each with the names of those around it.
fn spans<'a>(lines: &'a [Value], name: &str) -> Vec<&'a Value> {
    let closed = lines.iter().filter(|line| line["target"] == "straddle::call" && line["message"] == "close");
    closed.filter(|line| line["span"]["name"] == name).collect()
}

/// These fields of a span.
fn of<const N: usize>(span: &Value, names: [&str; N]) -> [Value; N] {
    names.map(|name| span["span"][name].clone())
}

#[test]
fn each_call_is_one_span_that_says_where_it_went_and_calls_beneath_are_spans_of_the_same_trace() {
    let node = Logging::start(
        "debug",
        &["serve-example", "--version", "3.0.0", "--listen", "127.0.0.1:0", "--until-stdin-ends"],
    );
    let trace = format!("traceparent: 00-{TRACE}-00f067aa0ba902b7-01");
    let item = json!({ "item": { "sku": "a", "name": "Apple", "stock": 7 }, "requestId": "a" }).to_string();
    node.call(&["inventory@1.0.0", "PutItem", &item, "-H", &trace]).ended(0, &[]);
    node.call(&["inventory@1.0.0", "Reserve", r#"{"sku":"a","quantity":1,"requestId":"b"}"#, "-H", &trace])
        .ended(0, &[]);
    node.call(&["inventory@3.0.0", "GetItem", r#"{"sku":"a"}"#]).ended(0, &[]);
    node.call(&["inventory@3.0.0", "GetItem", r#"{"sku":"nothing"}"#, "-H", "traceparent: none"]).ended(1, &[]);
    node.call(&["inventory@3.0.0", "ListItems"]).ended(0, &[]);
    let lines = node.lines();
    let told: Vec<_> = spans(&lines, "call")
        .into_iter()
        .filter(|span| span["span"]["protocol"] == "inventory")
        .map(|span| {
            let method = span["span"]["method"].as_str().expect("a method").rsplit('/').next().expect("a name");
            let [caller, node, route, rules, code, unlabelled, outcome] =
                of(span, ["caller_version", "node_version", "route", "rules", "code_version", "unlabelled", "outcome"]);
            assert_eq!((node, unlabelled), (json!("3.0.0"), json!(false)));
            json!([method, caller, route, rules, code, span["span"]["trace_id"], outcome])
        })
        .collect();
    assert_eq!(
        told,
        [
            json!(["PutItem", "1.0.0", "rules", 1, null, TRACE, "answered"]),
            json!(["Reserve", "1.0.0", "code", 0, "2.0.0", TRACE, "answered"]),
            json!(["GetItem", "3.0.0", "same", 0, null, null, "answered"]),
            json!(["GetItem", "3.0.0", "same", 0, null, null, "failed"]),
            json!(["ListItems", "3.0.0", "same", 0, null, null, "answered"]),
        ]
    );
    let beneath = spans(&lines, "beneath");
    assert!(!beneath.is_empty(), "the reservation of 1.0.0 is made by what 3.0.0 has");
    for span in beneath {
        assert_eq!(of(span, ["caller_version", "route", "trace_id"]), [json!("3.0.0"), json!("same"), json!(TRACE)]);
        let around = span["spans"].as_array().expect("the spans around it");
        assert!(around.iter().any(|around| around["name"] == "call" && around["trace_id"] == TRACE), "{span}");
    }
}

#[test]
fn what_rules_refuse_says_why_and_a_caller_without_a_label_is_one() {
    let node = Logging::start(
        "debug",
        &["serve-example", "--version", "1.1.0", "--listen", "127.0.0.1:0", "--until-stdin-ends"],
    );
    let item = json!({ "item": { "sku": "e", "name": "Etui", "price": { "currencyCode": "EUR", "units": "3" } } });
    node.call(&["inventory@2.0.0", "UpsertItem", &item.to_string()]).ended(1, &["LOSSY"]);
    let schemas = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas");
    node.call(&["inventory", "inventory.v1.Inventory/ListItems", "--schemas", schemas]).ended(0, &[]);
    let lines = node.lines();
    let told: Vec<_> = spans(&lines, "call")
        .into_iter()
        .filter(|span| span["span"]["protocol"] == "inventory")
        .map(|span| json!(of(span, ["caller_version", "unlabelled", "route", "outcome", "reason"])))
        .collect();
    let refused = json!(["2.0.0", false, "rules", "refused", "LOSSY"]);
    let unlabelled = json!(["1.0.0", true, "same", "answered", null]);
    assert_eq!(told, [refused, unlabelled]);
}

#[tokio::test]
async fn calls_that_no_route_takes_are_spans_too() {
    let (node, (log, logging)) = (shop(), logging());
    node.retire(Retiring::up_to("1.0.0".parse().expect("a version"))).await.expect("what can be retired");
    for (path, label) in [("/p.S/Get", "9.0.0"), ("/p.S/Get", "1.0.0"), ("/p.S/None", "1.2.0"), ("/p.S/Get", "1.1.0")] {
        let request =
            http::Request::post(path).header("straddle-version", label).body(Body::empty()).expect("a request");
        let Ok(_) = node.service().oneshot(request).await;
    }
    drop(logging);
    let lines = log.lines();
    let told: Vec<_> = spans(&lines, "call")
        .into_iter()
        .map(|span| json!(of(span, ["method", "caller_version", "node_version", "route", "outcome", "reason"])))
        .collect();
    assert_eq!(
        told,
        [
            json!(["/p.S/Get", "9.0.0", "1.2.0", "refused", "refused", "UNKNOWN_VERSION"]),
            json!(["/p.S/Get", "1.0.0", "1.2.0", "refused", "refused", "RETIRED"]),
            json!(["/p.S/None", "1.2.0", "1.2.0", "refused", "failed", null]),
            json!(["/p.S/Get", "1.1.0", "1.2.0", "same", "answered", null]),
        ]
    );
}

#[tokio::test]
async fn a_node_that_samples_goes_by_what_the_caller_has_decided() {
    let node = shop_with(|builder| builder.trace_calls(Sampling::by_caller(0.0)));
    let (log, logging) = logging();
    for (path, label, flags) in [
        ("/p.S/Get", "1.1.0", Some("01")),
        ("/p.S/Get", "1.1.0", Some("00")),
        ("/p.S/Get", "1.1.0", None),
        ("/p.S/None", "9.0.0", Some("00")),
        ("/p.S/None", "9.0.0", Some("03")),
    ] {
        let mut request = http::Request::post(path).header("straddle-version", label);
        if let Some(flags) = flags {
            request = request.header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-{flags}"));
        }
        let Ok(_) = node.service().oneshot(request.body(Body::empty()).expect("a request")).await;
    }
    drop(logging);
    let lines = log.lines();
    let told: Vec<_> =
        spans(&lines, "call").into_iter().map(|span| json!(of(span, ["method", "trace_id", "outcome"]))).collect();
    assert_eq!(told, [json!(["/p.S/Get", TRACE, "answered"]), json!(["/p.S/None", TRACE, "refused"])]);
}

#[test]
fn nothing_is_traced_where_nobody_asked_for_it() {
    let node = Logging::start(
        "info",
        &["serve-example", "--version", "2.0.0", "--listen", "127.0.0.1:0", "--until-stdin-ends"],
    );
    node.call(&["inventory@1.0.0", "GetItem", r#"{"sku":"a"}"#]).ended(1, &[]);
    assert_eq!(spans(&node.lines(), "call"), [&Value::Null; 0]);
}

#[test]
fn lines_of_other_crates_are_told_only_where_they_are_named() {
    for (said, told) in [("debug", false), ("debug,h2=debug", true), ("h2=debug", true)] {
        let node = Logging::start(
            said,
            &["serve-example", "--version", "2.0.0", "--listen", "127.0.0.1:0", "--until-stdin-ends"],
        );
        node.call(&["inventory@1.0.0", "ListItems"]).ended(0, &[]);
        let lines = node.lines();
        let other =
            lines.iter().filter_map(|line| line["target"].as_str()).filter(|from| !from.starts_with("straddle"));
        let other: std::collections::BTreeSet<&str> = other.collect();
        assert!(other.iter().all(|from| from.starts_with("h2")) && other.is_empty() != told, "{said}: {other:?}");
        assert_eq!(spans(&lines, "call").is_empty(), said == "h2=debug", "{said}");
    }
}

#[test]
fn a_move_is_a_line_a_phase() {
    let state = tempfile::tempdir().expect("a folder");
    let folder = state.path().join("node").display().to_string();
    let arguments = ["--version", "1.1.0", "--state", &folder, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    let mut node = Logging::start("info", &[&["serve-example", "--until-stdin-ends"], &arguments[..]].concat());
    let admin = node.next_address();
    straddle(&["node", "upgrade", &admin, "2.0.0"]).ended(0, &[]);
    let lines = node.lines();
    let phases: Vec<&Value> = lines.iter().filter(|line| line["message"] == "the node's phase changed").collect();
    for line in &phases {
        assert_eq!((&line["level"], &line["node"], &line["state"]), (&json!("INFO"), &json!(folder), &json!(folder)));
        assert_eq!((&line["to"], &line["way"]), (&json!("2.0.0"), &json!("on")), "{line}");
        assert!(line["lasted_ms"].is_u64() && line["timestamp"].is_string() && line["why"].is_null(), "{line}");
    }
    let passed: Vec<[&str; 3]> =
        phases.iter().map(|line| ["from", "was", "phase"].map(|name| line[name].as_str().expect("text"))).collect();
    assert!(passed.windows(2).all(|two| two[0][2] == two[1][1]), "each goes on where the last one ended: {passed:?}");
    let (first, last) = (passed.first().expect("a phase"), passed.last().expect("a phase"));
    assert_eq!((first[0], first[1], last[2]), ("1.1.0", "serving", "serving"), "{passed:?}");
}

/// What is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("the log").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().expect("the log").clone()).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

/// Logs what happens on this thread until the guard is dropped.
fn logging() -> (Log, tracing::subscriber::DefaultGuard) {
    let log = Log::default();
    let writer = log.clone();
    let lines = tracing_subscriber::fmt().json().flatten_event(true).with_span_events(FmtSpan::CLOSE);
    let subscriber = lines.with_max_level(LevelFilter::DEBUG).with_writer(move || writer.clone()).finish();
    (log, tracing::subscriber::set_default(subscriber))
}

/// A node of three versions that are the same.
fn shop() -> Node {
    shop_with(|builder| builder)
}

fn shop_with(more: impl FnOnce(Builder) -> Builder) -> Node {
    const PROTO: &str = "syntax = \"proto3\"; package p; message M {} service S { rpc Get(M) returns (M); }";
    let files = [
        ("protocol.toml", "name = \"shop\"\n"),
        ("1.0.0/p.proto", PROTO),
        ("1.1.0/p.proto", PROTO),
        ("1.2.0/p.proto", PROTO),
    ];
    let protocol = Protocol::load(folder::folder(&files).path()).unwrap_or_else(|error| panic!("{error}"));
    let answer = service_fn(|_| async { Ok::<_, std::convert::Infallible>(http::Response::new(Body::empty())) });
    let node = Node::builder(protocol).object("1.2.0", Object::default().and_service("p.S", answer));
    more(node).build().unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn what_is_retired_and_announced_is_told_when_it_takes_force() {
    let (node, (log, logging)) = (shop(), logging());
    let version = |text: &str| text.parse().expect("a version");
    let brownout = Brownout { seconds: 300, every_seconds: 3600, from: 1_790_000_000 };
    let notice = Notice::of(version("1.1.0")).sunset(1_800_000_000).brownout(brownout);
    for retiring in [
        Retiring::default().notice(notice.clone()),
        Retiring::up_to(version("1.0.0")).notice(notice),
        // Once more, which changes nothing, and takes all back.
        Retiring::up_to(version("1.1.0")),
        Retiring::up_to(version("1.1.0")),
        Retiring::default(),
    ] {
        node.retire(retiring).await.expect("what can be retired");
    }
    drop(logging);
    let told: Vec<Value> = log
        .lines()
        .iter()
        .filter(|line| line["level"] == "INFO")
        .map(|line| json!([line["node"], line["message"], line["up_to"], line["before"], line["announced"]]))
        .collect();
    let announced = "up to 1.1.0, to be retired Fri, 15 Jan 2027 08:00:00 GMT, browned out for 300 s each 3600 s from \
                     Mon, 21 Sep 2026 14:13:20 GMT on";
    assert_eq!(
        told,
        [
            json!(["shop", "what is announced has changed", null, null, announced]),
            json!(["shop", "versions are retired", "1.0.0", null, null]),
            json!(["shop", "versions are retired", "1.1.0", "1.0.0", null]),
            json!(["shop", "what is announced has changed", null, null, ""]),
            json!(["shop", "retired versions are served again", null, "1.1.0", null]),
        ]
    );
}

#[test]
fn a_format_that_there_is_not_is_an_error() {
    for (level, format, said) in [
        ("info", "yaml", "STRADDLE_LOG_FORMAT is \"yaml\": say text or json"),
        ("loud", "json", "STRADDLE_LOG is \"loud\""),
        ("debug,h2", "json", "STRADDLE_LOG is \"debug,h2\""),
    ] {
        let ended = command(level, format, &["versions"]).output().expect("the program");
        assert_eq!(ended.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&ended.stderr).contains(said), "{ended:?}");
    }
}
