//! `straddle call`, as a person or a script meets it.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;
#[path = "support/older.rs"]
mod older;
#[path = "support/ports.rs"]
mod ports;
#[path = "support/program.rs"]
mod program;

use ports::Port;
use program::{Conversation, Node, straddle};
use serde_json::json;
use std::sync::{Arc, Mutex};
use straddle::dispatch::Object;
use straddle::inventory::clock::{Clock, SystemClock};
use straddle::inventory::generated::v1_1_0;
use straddle::inventory::objects;
use straddle::transport::Server;
use tower::ServiceExt;

const SCHEMAS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas");

fn put(node: &Node, sku: &str) {
    let item = json!({ "item": { "sku": sku, "name": "Apple", "price": 1.25, "stock": 7 }, "requestId": sku });
    node.call(&["inventory@1.0.0", "PutItem", &item.to_string()]).ended(0, &[]);
}

#[test]
fn each_version_reads_what_another_wrote_by_the_schema_that_the_node_shows() {
    let node = Node::start("2.0.0");
    put(&node, "a");
    for (version, price) in [
        ("1.0.0", json!(1.25)),
        ("1.1.0", json!(1.25)),
        ("2.0.0", json!({ "currencyCode": "USD", "units": "1", "nanos": 250_000_000 })),
        ("3.0.0", json!({ "currencyCode": "USD", "units": "1", "nanos": 250_000_000 })),
    ] {
        let run = node.call(&[&format!("inventory@{version}"), "GetItem", r#"{"sku":"a"}"#]);
        let run = run.ended(0, &[&format!("label {version}, node 2.0.0, schema ")]);
        assert_eq!(run.value()["price"], price, "{version}");
        assert_eq!(run.out.lines().count(), 1, "one line where it is no terminal");
    }
}

#[test]
fn the_schema_may_come_from_the_protocols_folder_or_the_one_above() {
    let node = Node::start("3.0.0");
    put(&node, "a");
    for folder in [SCHEMAS.to_owned(), format!("{SCHEMAS}/inventory")] {
        for protocol in ["inventory@1.0.0", "inventory"] {
            let run = node.call(&[protocol, "GetItem", r#"{"sku":"a"}"#, "--schemas", &folder]).ended(0, &[]);
            assert_eq!(run.value()["stock"], "7");
        }
    }
    node.call(&["shop@1.0.0", "Buy", "--schemas", SCHEMAS]).ended(2, &["no protocol shop", "inventory"]);
    node.call(&["inventory@9.0.0", "GetItem", "--schemas", SCHEMAS]).ended(2, &["no version 9.0.0", "3.0.0"]);
}

#[test]
fn a_schema_on_disk_that_is_not_the_nodes_is_refused() {
    let node = Node::start("2.0.0");
    let changed = folder::folder(&[
        ("protocol.toml", "name = \"inventory\"\n"),
        (
            "1.0.0/inventory.proto",
            "syntax = \"proto3\";\npackage inventory.v1;\nmessage M { string id = 1; }\n\
             service Inventory { rpc GetItem(M) returns (M); }\n",
        ),
    ]);
    let changed = changed.path().to_string_lossy().into_owned();
    let run = node.call(&["inventory@1.0.0", "GetItem", "--schemas", &changed]);
    run.ended(1, &["refused: LABEL_MISMATCH (INVALID_ARGUMENT)", "immutable"]);
}

#[test]
fn a_method_goes_by_its_name_with_or_without_its_service() {
    let node = Node::start("1.1.0");
    put(&node, "a");
    for method in [
        "GetItem",
        "Inventory/GetItem",
        "Inventory.GetItem",
        "inventory.v1.Inventory/GetItem",
        "inventory.v1.Inventory.GetItem",
        "/inventory.v1.Inventory/GetItem",
    ] {
        node.call(&["inventory@1.0.0", method, r#"{"sku":"a"}"#]).ended(0, &[]);
    }
    let run = node.call(&["inventory@1.0.0", "GetItm"]);
    run.ended(2, &["1.0.0 declares no method `GetItm`", "did you mean `GetItem`?", "WatchItems"]);
}

#[test]
fn responses_stream_a_line_each_up_to_the_limit() {
    let node = Node::start("2.0.0");
    for sku in ["a", "b", "c"] {
        put(&node, sku);
    }
    let listed = node.call(&["inventory@1.0.0", "ListItems"]).ended(0, &[]);
    assert_eq!(listed.lines().iter().map(|item| item["sku"].clone()).collect::<Vec<_>>(), ["a", "b", "c"]);
    let watched = node.call(&["inventory@3.0.0", "WatchItems", "--limit", "2"]).ended(0, &["stopped after 2"]);
    assert_eq!(watched.lines().len(), 2);
}

#[test]
fn requests_stream_a_line_each_from_standard_input_a_file_or_the_arguments() {
    let node = Node::start("2.0.0");
    let lines = |id: &str| format!("{{\"requestId\":\"{id}\"}}\n\n{{\"item\":{{\"sku\":\"{id}\",\"name\":\"n\"}}}}\n");
    let run = node.call_reading(&["inventory@1.1.0", "ImportItems"], &lines("one")).ended(0, &[]);
    assert_eq!(run.value()["count"], "1");
    node.call_reading(&["inventory@1.1.0", "ImportItems", "-"], &lines("two")).ended(0, &[]);
    node.call(&["inventory@1.1.0", "ImportItems", &lines("three")]).ended(0, &[]);
    let folder = folder::folder(&[("items.jsonl", &lines("four"))]);
    let file = format!("@{}", folder.path().join("items.jsonl").display());
    node.call(&["inventory@1.1.0", "ImportItems", &file]).ended(0, &[]);
    assert_eq!(node.call(&["inventory@1.1.0", "ListItems"]).lines().len(), 4);
}

#[test]
fn a_bad_line_cancels_the_call_instead_of_ending_its_requests() {
    let node = Node::start("2.0.0");
    let lines = "{\"requestId\":\"r\",\"item\":{\"sku\":\"a\",\"name\":\"n\"}}\n{\"item\":{\"nam\":1}}\n";
    let run = node.call_reading(&["inventory@2.0.0", "ImportItems"], lines);
    run.ended(2, &["line 2 of standard input", "item.nam", "did you mean `name`?", "the call was cancelled"]);
    assert_eq!(node.call(&["inventory@2.0.0", "ListItems"]).ended(0, &[]).out, "");
}

#[test]
fn both_sides_stream_as_they_go() {
    let node = Node::start("2.0.0");
    put(&node, "a");
    let mut call = Conversation::begin(&["call", &node.address, "inventory@1.0.0", "LookupItems"]);
    call.say(r#"{"sku":"b"}"#);
    assert!(call.hear().contains(r#"{"missingSku":"b"}"#));
    call.say(r#"{"sku":"a"}"#);
    assert!(call.hear().contains("Apple"));
    assert_eq!(call.end(), Some(0));
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_a_stream_cleanly() {
    let node = Node::start("2.0.0");
    put(&node, "a");
    let mut call = Conversation::begin(&["call", &node.address, "inventory@1.0.0", "WatchItems"]);
    assert!(call.hear().contains("Apple"));
    let ended = call.interrupt();
    assert_eq!(ended.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("interrupted after 1 response"));
}

#[test]
fn a_refusal_is_told_in_full() {
    let node = Node::start("1.1.0");
    let item = r#"{"item":{"sku":"a","name":"n","price":{"currencyCode":"EUR","units":"1"}},"requestId":"r"}"#;
    let run = node.call(&["inventory@2.0.0", "UpsertItem", item]);
    let run = run.ended(
        1,
        &[
            "refused: LOSSY (FAILED_PRECONDITION)",
            "item.price.currency_code",
            "caller version  2.0.0",
            "node version    1.1.0",
            "/inventory.v2.Inventory/UpsertItem",
            "the call has not run",
        ],
    );
    assert_eq!(run.out, "");
    let told = node.call(&["inventory@2.0.0", "UpsertItem", item, "--json"]).ended(1, &[]).value();
    assert_eq!(told["refusal"]["reason"], "LOSSY");
    assert_eq!(told["refusal"]["path"], "item.price.currency_code");
    assert_eq!(told["refusal"]["ran"], false);
    assert_eq!(told["status"]["name"], "FAILED_PRECONDITION");
    assert_eq!(told["versions"]["node"], "1.1.0");
}

#[test]
fn a_label_that_the_node_does_not_know_is_refused_with_those_that_it_does() {
    let node = Node::start("2.0.0");
    let run = node.call(&["inventory@9.0.0", "GetItem"]);
    run.ended(1, &["refused: UNKNOWN_VERSION", "9.0.0", "1.0.0, 1.1.0, 2.0.0, 3.0.0"]);
}

#[test]
fn an_error_of_the_object_is_told_with_its_code() {
    let node = Node::start("3.0.0");
    let run = node.call(&["inventory@1.0.0", "GetItem", r#"{"sku":"z"}"#]);
    run.ended(1, &["label 1.0.0, node 3.0.0", "failed: NOT_FOUND: there is no item"]);
    node.call(&["inventory@1.0.0", "WatchItems", "--timeout", "50ms"]).ended(1, &["failed: DEADLINE_EXCEEDED"]);
}

#[test]
fn a_unary_call_is_one_object_for_scripts() {
    let node = Node::start("2.0.0");
    put(&node, "a");
    let told = node.call(&["inventory@1.1.0", "GetItem", r#"{"sku":"a"}"#, "--json"]).ended(0, &[]).value();
    assert_eq!(told["versions"]["label"], "1.1.0");
    assert_eq!(told["versions"]["version"], "1.1.0");
    assert_eq!(told["versions"]["node"], "2.0.0");
    assert!(told["versions"]["schema"].is_string());
    assert_eq!(told["response"]["name"], "Apple");
    assert_eq!(told["headers"]["straddle-node"], json!(["2.0.0"]));
    assert!(told["trailers"].is_object());
    assert_eq!(told["status"], json!({ "code": 0, "name": "OK", "message": "" }));
}

#[test]
fn a_stream_is_an_object_a_line_for_scripts() {
    let node = Node::start("2.0.0");
    put(&node, "a");
    let lines = node.call(&["inventory", "ListItems", "--json"]).ended(0, &[]).lines();
    let [first, response, last] = lines.as_slice() else { panic!("three lines: {lines:?}") };
    assert_eq!((&first["versions"]["label"], &first["versions"]["version"]), (&json!(null), &json!("1.0.0")));
    assert_eq!(response["response"]["sku"], "a");
    assert_eq!(last["status"]["code"], 0);
    let limited = node.call(&["inventory@1.0.0", "WatchItems", "--json", "--limit", "1"]).ended(0, &[]).lines();
    assert_eq!(limited.last(), Some(&json!({ "ended": "limit" })));
}

#[test]
fn fields_that_the_version_does_not_declare_are_told_of() {
    let node = Node::start("1.1.0");
    let item = r#"{"item":{"sku":"a","name":"n","tags":["new"]},"requestId":"r"}"#;
    node.call(&["inventory@1.1.0", "PutItem", item]).ended(0, &[]);
    node.call(&["inventory@1.0.0", "GetItem", r#"{"sku":"a"}"#]).ended(0, &["does not declare them: fields 13"]);
    node.call(&["inventory@1.0.0", "WatchItems", "--limit", "1"]).ended(0, &["fields item.13"]);
}

#[test]
fn data_that_do_not_fit_are_told_by_field_position_and_message() {
    let node = Node::start("2.0.0");
    for (data, said) in [
        (r#"{"sku":5}"#, &["inventory.v1.GetItemRequest at sku (column 8)", "expected a string"][..]),
        (r#"{"skus":"a"}"#, &["unrecognized field name 'skus'", "did you mean `sku`?"]),
        (r#"{"sku":"a""#, &["no JSON at column 10", "inventory.v1.GetItemRequest"]),
        ("@/no/such/file", &["/no/such/file cannot be read"]),
    ] {
        node.call(&["inventory@1.0.0", "GetItem", data]).ended(2, said);
    }
}

#[test]
fn a_node_that_cannot_be_reached_is_told_of_soon_with_what_to_try() {
    let nobody = Port::free();
    let address = nobody.address();
    for schemas in [&[][..], &["--schemas", SCHEMAS]] {
        let run = straddle(&[&["call", &address, "inventory@1.0.0", "GetItem", "--wait", "100ms"], schemas].concat());
        run.ended(1, &["failed: UNAVAILABLE", &address, "has not run", "check that a node is up"]);
    }
    straddle(&["call", "nowhere", "inventory@1.0.0", "GetItem"]).ended(2, &["`nowhere` is no address"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_reflection_is_called_with_schemas() {
    let state = tempfile::tempdir().expect("a folder");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let node = straddle::inventory::open_node("2.0.0", state.path(), &clock).expect("a node");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let serving = Server::builder().serve(listener, node.service(), std::future::pending()).expect("a server");
    let address = serving.local_addr().to_string();
    let server = tokio::spawn(serving);
    let calls = tokio::task::spawn_blocking(move || {
        let run = straddle(&["call", &address, "inventory@1.0.0", "ListItems"]);
        run.ended(1, &["failed: UNIMPLEMENTED", "has no reflection", "--schemas"]);
        straddle(&["call", &address, "inventory@1.0.0", "ListItems", "--schemas", SCHEMAS]).ended(0, &["node 2.0.0"]);
    });
    calls.await.expect("both calls");
    server.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_does_not_know_the_version_is_called_in_an_older_one_with_schemas() {
    let state = tempfile::tempdir().expect("a folder");
    let object = objects::v1_1_0::Object::open(state.path(), Arc::new(SystemClock)).expect("an object");
    let object = Object::of(v1_1_0::inventory_server::InventoryServer::new(object));
    let node = straddle::node::Node::builder(older::inventory_of(&["1.0.0", "1.1.0"])).object("1.1.0", object);
    let node = node.build().unwrap_or_else(|error| panic!("{error}"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let serving = Server::builder().serve(listener, node.service(), std::future::pending()).expect("a server");
    let address = serving.local_addr().to_string();
    let server = tokio::spawn(serving);
    let calls = tokio::task::spawn_blocking(move || {
        let call = |arguments: &[&str]| straddle(&[&["call", &address, "--schemas", SCHEMAS], arguments].concat());
        let item = r#"{"item":{"sku":"a","name":"A","price":{"currencyCode":"USD","units":"7"}},"requestId":"1"}"#;
        let run = call(&["inventory@2.0.0", "UpsertItem", item]);
        let run = run.ended(0, &["label 2.0.0, node 1.1.0, schema ", ", simulated here in 1.1.0"]);
        assert_eq!(run.value()["item"]["price"]["units"], "7");
        let run = call(&["inventory@3.0.0", "GetItem", r#"{"sku":"a"}"#, "--json"]).ended(0, &[]);
        assert_eq!(run.value()["headers"]["straddle-simulated"], json!(["1.1.0"]));
        let run = call(&["inventory@3.0.0", "Reserve", r#"{"sku":"a","quantity":"1"}"#]);
        run.ended(1, &["UNKNOWN_VERSION", "code answers inventory.v2.Inventory.Reserve", "built with 3.0.0"]);
    });
    calls.await.expect("all calls");
    server.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_calls_may_say_a_name() {
    let state = tempfile::tempdir().expect("a folder");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let node = straddle::inventory::open_node("2.0.0", state.path(), &clock).expect("a node");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    let service = node.service().map_request(move |request: http::Request<straddle::wire::Body>| {
        let name = request.headers().get(&straddle::dispatch::CALLER).map(|name| name.to_str().unwrap().to_owned());
        noted.lock().unwrap().push(name);
        request
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let serving = Server::builder().serve(listener, service, std::future::pending()).expect("a server");
    let address = serving.local_addr().to_string();
    let server = tokio::spawn(serving);
    let calls = tokio::task::spawn_blocking(move || {
        let list = ["call", &address, "inventory@1.0.0", "ListItems", "--schemas", SCHEMAS];
        straddle(&list).ended(0, &[]);
        straddle(&[&list[..], &["--caller", "billing"]].concat()).ended(0, &[]);
        straddle(&[&list[..], &["-H", "straddle-caller: billing"]].concat()).ended(2, &["--caller"]);
        for name in ["", "b\u{fc}ro", " billing", &"n".repeat(129)] {
            straddle(&[&list[..], &["--caller", name]].concat()).ended(2, &["1 to 128 printable ASCII characters"]);
        }
    });
    calls.await.expect("all calls");
    assert_eq!(*seen.lock().unwrap(), [None, Some("billing".to_owned())]);
    server.abort();
}

#[test]
fn arguments_that_are_bad_are_told_so() {
    for arguments in [
        &["inventory@1.0", "GetItem"][..],
        &["inventory@1.0.0"],
        &["inventory@1.0.0", "GetItem", "--timeout", "5"],
        &["inventory@1.0.0", "GetItem", "-H", "no colon"],
        &["inventory@1.0.0", "GetItem", "-H", "straddle-version: 1.0.0"],
        &["inventory@1.0.0", "GetItem", "--pretty", "--compact"],
    ] {
        straddle(&[&["call", "127.0.0.1:1"], arguments].concat()).ended(2, &["error: "]);
    }
}

#[test]
fn methods_are_listed_with_their_kinds_and_described_with_their_messages() {
    let node = Node::start("3.0.0");
    let listed = node.call(&["inventory@1.0.0", "--list"]).ended(0, &[]);
    assert_eq!(listed.out.lines().count(), 8);
    assert!(listed.out.contains("LookupItems  bidirectional streaming"), "{}", listed.out);
    let listed = node.call(&["inventory@3.0.0", "--list", "--json"]).ended(0, &[]).value();
    assert_eq!(listed.as_array().map(Vec::len), Some(12));
    let described = node.call(&["inventory@2.0.0", "--describe", "GetItem"]).ended(0, &[]);
    assert!(described.out.contains("string sku = 1;"), "{}", described.out);
    assert!(described.out.contains("map<string, string> attributes = 12;"), "{}", described.out);
}

#[test]
fn defaults_are_printed_when_they_are_asked_for() {
    let node = Node::start("2.0.0");
    put(&node, "a");
    let get = ["inventory@2.0.0", "GetItem", r#"{"sku":"a"}"#];
    assert!(!node.call(&get).out.contains("description"));
    let all = node.call(&[&get[..], &["--emit-defaults", "--pretty"]].concat()).ended(0, &[]);
    assert!(all.out.contains("  \"description\": \"\",\n"), "{}", all.out);
}
