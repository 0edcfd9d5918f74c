//! Spans that are exported over OTLP, as a collector gets them.
#![cfg(all(feature = "cli", feature = "otlp"))]

#[path = "otlp/collector.rs"]
mod collector;
#[path = "otlp/exporting.rs"]
mod exporting;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;

use http::uri::PathAndQuery;
use tonic::Request;
use tonic::client::Grpc;
use tonic::transport::Endpoint;
use tonic_prost::ProstCodec;

use collector::{Collector, Span, Value, Way};
use exporting::Exporting;
use program::straddle;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
/// As OTLP numbers them.
const INTERNAL: i32 = 1;
const SERVER: i32 = 2;
const ERROR: i32 = 2;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A call that no node knows a route for.
#[tokio::main(flavor = "current_thread")]
async fn call_of_an_unknown_version(address: &str, traceparent: &str) {
    let channel = Endpoint::from_shared(format!("http://{address}")).expect("an address").connect().await;
    let mut client = Grpc::new(channel.expect("a node"));
    let mut request = Request::new(());
    request.metadata_mut().insert("straddle-version", "9.0.0".parse().expect("text"));
    request.metadata_mut().insert("traceparent", traceparent.parse().expect("text"));
    client.ready().await.expect("a connection");
    let path = PathAndQuery::from_static("/inventory.v9.Inventory/GetItem");
    let answer = client.unary::<(), (), _>(request, path, ProstCodec::default()).await;
    answer.expect_err("nobody declares it");
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let mut found = spans.iter().filter(|span| span.name == name);
    let span = found.next().unwrap_or_else(|| panic!("{name} is missing from {spans:#?}"));
    assert!(found.next().is_none(), "{name} is there twice");
    span
}

#[test]
fn a_collector_gets_each_call_with_both_versions_and_route_in_the_trace_of_its_caller() {
    let collector = Collector::start(Way::Grpc);
    let node = Exporting::node(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_SERVICE_NAME", "shop"),
    ]);
    let trace = format!("traceparent: 00-{TRACE}-{PARENT}-01");
    let item = r#"{"item":{"sku":"a","name":"Apple","stock":7},"requestId":"a"}"#;
    node.call(&["inventory@1.0.0", "PutItem", item, "-H", &trace, "-H", "tracestate: a=1,b=2"]).ended(0, &[]);
    let reserve = r#"{"sku":"a","quantity":1,"requestId":"b"}"#;
    node.call(&["inventory@1.0.0", "Reserve", reserve, "-H", &trace]).ended(0, &[]);
    node.call(&["inventory@3.0.0", "GetItem", r#"{"sku":"a"}"#, "-H", "traceparent: none"]).ended(0, &[]);
    assert_eq!(node.end().iter().filter(|line| line.contains("straddle::otlp")).count(), 0);
    let exports = collector.all();
    assert!(exports.iter().all(|(_, export)| export.service() == "shop"));
    let spans = exports.into_iter().flat_map(|(_, export)| export.resources);
    let spans: Vec<Span> = spans.flat_map(|resource| resource.scopes).flat_map(|scope| scope.spans).collect();

    let put = named(&spans, "inventory.v1.Inventory/PutItem");
    assert_eq!((hex(&put.trace_id), hex(&put.parent_span_id)), (TRACE.to_owned(), PARENT.to_owned()));
    assert_eq!((put.kind, put.trace_state.as_str()), (SERVER, "a=1,b=2"));
    assert!(put.start <= put.end && put.start > 1_700_000_000_000_000_000);
    for (key, value) in [
        ("rpc.system.name", "grpc"),
        ("rpc.method", "inventory.v1.Inventory/PutItem"),
        ("straddle.protocol", "inventory"),
        ("straddle.caller_version", "1.0.0"),
        ("straddle.node_version", "3.0.0"),
        ("straddle.route", "rules"),
        ("straddle.outcome", "answered"),
    ] {
        assert_eq!(put.text(key), value, "{key}");
    }
    assert_eq!(put.value("straddle.rules"), Some(&Value::Number(1)));
    assert_eq!(put.value("straddle.unlabelled"), Some(&Value::Truth(false)));
    let keys = put.attributes.iter().map(|attribute| attribute.key.as_str());
    assert!(keys.clone().all(|key| key.starts_with("rpc.") || key.starts_with("straddle.")), "{put:#?}");

    // What code of 2.0.0 answers with is called in 3.0.0, beneath.
    let reserve = named(&spans, "inventory.v1.Inventory/Reserve");
    assert_eq!((hex(&reserve.parent_span_id), reserve.text("straddle.route")), (PARENT.to_owned(), "code"));
    assert_eq!(reserve.text("straddle.code_version"), "2.0.0");
    let beneath: Vec<&Span> = spans.iter().filter(|span| span.kind == INTERNAL).collect();
    assert!(!beneath.is_empty());
    for span in beneath {
        assert_eq!((&span.trace_id, &span.parent_span_id), (&reserve.trace_id, &reserve.span_id), "{span:#?}");
        assert!(span.name.starts_with("inventory.v2.") && span.start >= reserve.start, "{span:#?}");
    }

    // No trace that anybody could go on with: one begins.
    let get = named(&spans, "inventory.v2.Inventory/GetItem");
    assert!(get.parent_span_id.is_empty() && hex(&get.trace_id) != TRACE && get.trace_id.len() == 16);
}

#[test]
fn http_is_the_way_where_nobody_says_another_and_what_is_refused_says_why() {
    let collector = Collector::start(Way::Http);
    let node = Exporting::node(&[
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &format!("{}/v1/traces", collector.endpoint)),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-token=secret"),
    ]);
    let trace = format!("00-{TRACE}-{PARENT}-01");
    let header = format!("traceparent: {trace}");
    node.call(&["inventory@3.0.0", "GetItem", r#"{"sku":"nothing"}"#, "-H", &header]).ended(1, &[]);
    call_of_an_unknown_version(&node.address, &trace);
    node.end();
    let exports = collector.all();
    let (headers, export) = exports.first().expect("an export");
    assert_eq!(
        (&headers["x-token"], &headers["content-encoding"]),
        (&"secret".parse().unwrap(), &"gzip".parse().unwrap())
    );
    assert_eq!(export.service(), "straddle-node");
    let spans = exports.iter().flat_map(|(_, export)| &export.resources).flat_map(|resource| &resource.scopes);
    let spans: Vec<Span> = spans.flat_map(|scope| scope.spans.clone()).collect();
    let failed = named(&spans, "inventory.v2.Inventory/GetItem");
    // Not to have it is no error of the service.
    assert_eq!((failed.text("straddle.outcome"), failed.status.clone().unwrap_or_default().code), ("failed", 0));
    let refused = named(&spans, "call");
    assert_eq!(refused.text("straddle.reason"), "UNKNOWN_VERSION");
    let status = refused.status.clone().expect("a status");
    assert_eq!((status.code, status.message.as_str()), (ERROR, "UNKNOWN_VERSION"));
    assert_eq!((hex(&refused.trace_id), hex(&refused.parent_span_id)), (TRACE.to_owned(), PARENT.to_owned()));
}

#[test]
fn nothing_is_exported_of_what_nobody_wants_to_see() {
    for more in [
        &[("OTEL_SDK_DISABLED", "true")][..],
        &[("OTEL_TRACES_EXPORTER", "none")],
        &[("OTEL_TRACES_SAMPLER", "always_off")],
        &[("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0")],
    ] {
        let collector = Collector::start(Way::Http);
        let node = Exporting::node(&[&[("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint.as_str())], more].concat());
        node.list();
        node.end();
        assert_eq!(collector.all(), [], "{more:?}");
    }
    // The caller says whether the trace is recorded.
    let collector = Collector::start(Way::Http);
    let node = Exporting::node(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint)]);
    for flags in ["00", "01"] {
        let trace = format!("traceparent: 00-{TRACE}-{PARENT}-{flags}");
        let sku = format!(r#"{{"sku":"{flags}"}}"#);
        node.call(&["inventory@3.0.0", "GetItem", &sku, "-H", &trace]).ended(1, &[]);
    }
    node.end();
    assert_eq!(collector.spans("inventory").iter().filter(|span| hex(&span.trace_id) == TRACE).count(), 1);
}

#[test]
fn a_coordinator_exports_what_it_is_asked() {
    let (collector, data) = (Collector::start(Way::Http), tempfile::tempdir().expect("a folder"));
    let data = data.path().display().to_string();
    let arguments = ["coordinator", "--listen", "127.0.0.1:0", "--data", &data, "--allow-unsigned"];
    let coordinator = Exporting::start(&arguments, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint)]);
    straddle(&["versions", "--coordinator", &coordinator.address]).ended(0, &[]);
    coordinator.end();
    let exports = collector.all();
    assert!(exports.iter().all(|(_, export)| export.service() == "straddle-coordinator"));
    let mut spans = exports.iter().flat_map(|(_, export)| &export.resources).flat_map(|resource| &resource.scopes);
    assert!(spans.any(|scope| scope.spans.iter().any(|span| span.text("straddle.protocol") == "straddle")));
}

#[test]
fn a_collector_that_takes_nothing_is_told_once_and_again_when_it_does() {
    let collector = Collector::start(Way::Http);
    collector.refuse(true);
    let node = Exporting::node(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint.as_str()),
        // A batch a call.
        ("OTEL_BSP_SCHEDULE_DELAY", "1"),
    ]);
    for _ in 0..3 {
        node.list();
        collector.next();
    }
    let told = node.logs("the collector takes no spans");
    assert!(told.contains("WARN") && told.contains("straddle::otlp") && told.contains("400"), "{told}");
    collector.refuse(false);
    node.list();
    let again = node.logs("takes spans again");
    assert!(again.contains("INFO"), "{again}");
    collector.refuse(true);
    node.list();
    node.logs("the collector takes no spans");
    assert!(node.end().iter().all(|line| !line.contains("straddle::otlp")));
}

#[test]
fn calls_and_the_end_wait_for_no_collector() {
    // It takes connections, and never says a word; and there is an hour to wait for it.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
    let endpoint = format!("http://{}", silent.local_addr().expect("an address"));
    for protocol in ["grpc", "http/protobuf"] {
        let node = Exporting::node(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "3600000"),
            ("OTEL_BSP_EXPORT_TIMEOUT", ""),
            ("OTEL_BSP_SCHEDULE_DELAY", "1"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "2"),
        ]);
        // More than are kept for it.
        for _ in 0..6 {
            node.list();
        }
        node.end();
    }
}

#[test]
fn what_cannot_be_done_is_told_and_calls_are_served() {
    for (endpoint, protocol) in
        [("https://127.0.0.1:4317", "grpc"), ("https://127.0.0.1:4318", "http/protobuf"), ("not an address", "grpc")]
    {
        let node =
            Exporting::node(&[("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)]);
        node.logs("spans are not exported: ");
        node.list();
        node.end();
    }
}
