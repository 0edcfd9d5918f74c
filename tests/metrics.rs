//! The numbers of a node as Prometheus reads them, and what `examples/monitoring` makes of them.
#![cfg(feature = "cli")]
#![expect(clippy::float_cmp, reason = "these numbers are whole, or come from the same text")]

#[path = "support/folder.rs"]
mod folder;
#[path = "metrics/monitoring.rs"]
mod monitoring;
#[path = "support/page.rs"]
mod page;
#[path = "learn/shop.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod shop;

use std::collections::BTreeMap;

use page::{ask, numbers};
use shop::{Seen, call, echo, folder_of, object};
use straddle::node::{Builder, Node};
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

const GET: &str = "/shop.v2.Shop/Get";
const MESSAGE: &[u8] = b"\x0a\x01a";

/// A node of 2.0.0 that callers of 1.0.0 are served by through rules, and the address of its admin service.
async fn serve() -> (Node, String) {
    administered(Node::builder(folder_of(&["1.0.0", "2.0.0"])).object("2.0.0", object(&Seen::default()))).await
}

async fn administered(builder: Builder) -> (Node, String) {
    let node = builder.build().unwrap_or_else(|error| panic!("{error}"));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let serving = node.serve_admin(listener, std::future::pending()).expect("a server");
    let address = serving.local_addr().to_string();
    tokio::spawn(serving);
    (node, address)
}

async fn scrape(address: &str) -> String {
    let address = address.to_owned();
    let (head, body) = spawn_blocking(move || ask(&address, "GET", "/metrics")).await.expect("no panic");
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    assert!(head.contains("cache-control: no-store"), "{head}");
    body
}

fn named(numbers: &BTreeMap<String, f64>, name: &str, labels: &str) -> f64 {
    let name = if labels.is_empty() { name.to_owned() } else { format!("{name}{{{labels}}}") };
    *numbers.get(&name).unwrap_or_else(|| panic!("{name} is missing from {numbers:#?}"))
}

fn labels(version: &str, method: &str) -> String {
    format!(r#"protocol="shop",caller_version="{version}",unlabelled="false",served_version="2.0.0",method="{method}""#)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_told_by_both_versions_method_and_outcome() {
    let (node, address) = serve().await;
    for _ in 0..3 {
        call(&node, GET, "2.0.0", MESSAGE).await.expect("an answer");
    }
    call(&node, "/shop.v1.Shop/Get", "1.0.0", MESSAGE).await.expect("an answer through rules");
    call(&node, GET, "1.0.0", MESSAGE).await.expect_err("1.0.0 does not declare it");
    let first = numbers(&scrape(&address).await);
    let calls = |numbers: &BTreeMap<String, f64>, version, method, outcome| {
        named(numbers, "straddle_calls_total", &format!(r#"{},outcome="{outcome}""#, labels(version, method)))
    };
    assert_eq!(calls(&first, "2.0.0", "shop.v2.Shop/Get", "answered"), 3.0);
    assert_eq!(calls(&first, "2.0.0", "shop.v2.Shop/Get", "failed"), 0.0);
    assert_eq!(calls(&first, "1.0.0", "shop.v1.Shop/Get", "answered"), 1.0);
    assert_eq!(calls(&first, "other", "other", "refused"), 1.0);
    let refusals = format!(r#"{},reason="LABEL_MISMATCH""#, labels("other", "other"));
    assert_eq!(named(&first, "straddle_refusals_total", &refusals), 1.0);
    assert_eq!(named(&first, "straddle_calls_running", &labels("2.0.0", "shop.v2.Shop/Get")), 0.0);
    let took = |suffix: &str, le: &str| {
        let labels = format!("{}{le}", labels("2.0.0", "shop.v2.Shop/Get"));
        named(&first, &format!("straddle_call_duration_seconds_{suffix}"), &labels)
    };
    assert_eq!((took("count", ""), took("bucket", r#",le="+Inf""#)), (3.0, 3.0));
    assert!(took("bucket", r#",le="0.000128""#) <= took("bucket", r#",le="0.000512""#));
    assert!(took("sum", "") > 0.0 && took("sum", "") < 60.0);
    assert_eq!(named(&first, "straddle_node_phase", r#"phase="serving""#), 1.0);
    assert_eq!(named(&first, "straddle_node_phase", r#"phase="quiescing""#), 0.0);
    assert_eq!(named(&first, "straddle_node_condition", r#"condition="drained""#), 0.0);
    let info = r#"protocol="shop",version="2.0.0",active_version="2.0.0""#;
    assert_eq!(named(&first, "straddle_node_version_info", info), 1.0);
    assert!(named(&first, "straddle_start_time_seconds", "") > 1.7e9);
    // Counts go on where they were: reading them takes nothing away.
    call(&node, GET, "2.0.0", MESSAGE).await.expect("an answer");
    let second = numbers(&scrape(&address).await);
    assert_eq!(calls(&second, "2.0.0", "shop.v2.Shop/Get", "answered"), 4.0);
    assert_eq!(first.len(), second.len());
    monitoring::promtool_takes(&node.metrics());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_rewriting_costs_is_told_by_both_versions_and_direction() {
    let protocol = folder_of(&["1.0.0", "2.0.0", "3.0.0"]);
    let (node, address) = administered(Node::builder(protocol).object("3.0.0", echo("shop.v3.Shop"))).await;
    // Of 5 bytes: text and cents, which have another number in 3.0.0.
    let message = b"\x0a\x01a\x10\x05";
    for _ in 0..3 {
        call(&node, GET, "2.0.0", message).await.expect("an answer through rules");
    }
    call(&node, "/shop.v1.Shop/Get", "1.0.0", message).await.expect("an answer through rules");
    call(&node, "/shop.v3.Shop/Get", "3.0.0", message).await.expect("an answer");
    call(&node, GET, "2.0.0", b"\x0a\x7f").await.expect_err("it ends too soon");
    let numbers = numbers(&scrape(&address).await);
    let of = |version: &str, direction: &str| {
        let labels =
            format!(r#"protocol="shop",caller_version="{version}",served_version="3.0.0",direction="{direction}""#);
        assert!(named(&numbers, "straddle_rewrite_seconds_total", &labels) > 0.0);
        (
            named(&numbers, "straddle_rewrite_messages_total", &labels),
            named(&numbers, "straddle_rewrite_bytes_total", &labels),
        )
    };
    assert_eq!((of("2.0.0", "request"), of("2.0.0", "response")), ((4.0, 17.0), (3.0, 15.0)));
    assert_eq!((of("1.0.0", "request"), of("1.0.0", "response")), ((1.0, 5.0), (1.0, 5.0)));
    let rewritten = numbers.keys().filter(|name| name.starts_with("straddle_rewrite_")).count();
    assert_eq!(rewritten, 12, "nothing was rewritten between other versions");
    monitoring::promtool_takes(&node.metrics());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_cannot_make_the_page_grow() {
    let (node, address) = serve().await;
    call(&node, GET, "2.0.0", MESSAGE).await.expect("an answer");
    let before = numbers(&scrape(&address).await);
    for number in 0..3_000 {
        call(&node, &format!("/shop.v2.Shop/No{number}"), "2.0.0", MESSAGE).await.expect_err("nobody declares it");
        call(&node, GET, &format!("9.{number}.0"), MESSAGE).await.expect_err("nobody knows it");
        call(&node, GET, &format!("no {number}"), MESSAGE).await.expect_err("it is no version");
    }
    let after = numbers(&scrape(&address).await);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    let other = |more: &str| format!("{},{more}", labels("other", "other"));
    assert_eq!(named(&after, "straddle_calls_total", &other(r#"outcome="refused""#)), 6_000.0);
    assert_eq!(named(&after, "straddle_calls_total", &other(r#"outcome="undeclared""#)), 3_000.0);
    assert_eq!(named(&after, "straddle_refusals_total", &other(r#"reason="UNKNOWN_VERSION""#)), 3_000.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_get_and_head_are_answered_and_callers_find_no_numbers_at_their_own_port() {
    let (node, address) = serve().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let serving = node.serve(listener, std::future::pending()).expect("a server");
    let callers = serving.local_addr().to_string();
    tokio::spawn(serving);
    for (address, method, status) in
        [(&address, "HEAD", "200"), (&address, "POST", "405"), (&callers, "GET", "404"), (&callers, "POST", "405")]
    {
        let (asked, method) = (address.clone(), method);
        let (head, body) = spawn_blocking(move || ask(&asked, method, "/metrics")).await.expect("no panic");
        assert!(head.starts_with(&format!("http/1.1 {status} ")), "{method} {head}");
        assert!(!body.contains("straddle_"), "{method}: {body}");
    }
}
