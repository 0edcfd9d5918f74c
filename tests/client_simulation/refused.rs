//! What a caller cannot simulate, and what is none of its business.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Request, Response};
use prost::Message as _;
use prost_types::Any;
use straddle::dispatch::Object;
use straddle::inventory::generated::{v1_1_0, v2_0_0, v3_0_0};
use straddle::refusal::{Reason, Refusal};
use straddle::transport::Labelled;
use straddle::wire::Body;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt, pb};
use tower::service_fn;

use crate::nodes::{OLD, channel, get, item, node, object, serve_seen, upsert};
use crate::serving::serve;

fn refusal(status: &Status) -> Refusal {
    Refusal::from_status(status).unwrap_or_else(|| panic!("no refusal: {status:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_behind_code_is_refused_by_the_node_and_told_what_would_help() {
    let folder = tempfile::tempdir().expect("a folder");
    let (served, seen) = serve_seen(&node(OLD, object(folder.path()))).await;
    let mut client = v3_0_0::inventory_client(channel(&served));
    let reserve = || v3_0_0::ReserveRequest { sku: "anvil".into(), quantity: 1, ..Default::default() };
    for before in [true, false] {
        let status = client.reserve(reserve()).await.expect_err("a refusal");
        let refusal = refusal(&status);
        assert_eq!(
            (refusal.reason(), status.code(), refusal.ran()),
            (Reason::UnknownVersion, Code::Unimplemented, false)
        );
        let said = [refusal.caller_version(), refusal.node_version(), refusal.method(), refusal.served()];
        let method = "/inventory.v2.Inventory/Reserve";
        assert_eq!(said, [Some("3.0.0"), Some("1.1.0"), Some(method), Some("1.0.0..=1.1.0")]);
        let why = "code answers inventory.v2.Inventory.Reserve between 2.0.0 and 3.0.0";
        assert!(refusal.message().contains("does not know 3.0.0") && refusal.message().contains(why), "{refusal}");
        assert_eq!(refusal.program(), Some("3.0.0"));
        assert!(refusal.advised().is_some_and(|advice| advice.contains("built with 3.0.0")), "{refusal}");
        assert!(!status.metadata().contains_key("straddle-simulated"));
        assert_eq!(seen.labels(), ["3.0.0"], "it is sent once");
        // What is known of the node's labels makes no difference, and is not forgotten for it.
        if before {
            client.get_item(v3_0_0::GetItemRequest { sku: "none".into() }).await.expect_err("no item");
            assert_eq!(seen.labels(), ["3.0.0", "1.1.0"]);
        } else {
            client.get_item(v3_0_0::GetItemRequest { sku: "none".into() }).await.expect_err("no item");
            assert_eq!(seen.labels(), ["1.1.0"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_lossy_never_reaches_the_node() {
    let folder = tempfile::tempdir().expect("a folder");
    let (served, seen) = serve_seen(&node(OLD, object(folder.path()))).await;
    let mut client = v2_0_0::inventory_client(channel(&served));
    client.get_item(get("none")).await.expect_err("no item");
    seen.take();
    let yen = v2_0_0::Item { price: Some(crate::nodes::money("JPY", 5)), ..item("yen") };
    let status = client.upsert_item(upsert(yen, "1")).await.expect_err("a refusal");
    let refusal = refusal(&status);
    assert_eq!((refusal.reason(), status.code(), refusal.ran()), (Reason::Lossy, Code::FailedPrecondition, false));
    assert_eq!(refusal.path(), Some("item.price.currency_code"));
    let said = [refusal.protocol(), refusal.caller_version(), refusal.node_version(), refusal.method()];
    let method = "/inventory.v2.Inventory/UpsertItem";
    assert_eq!(said, [Some("inventory"), Some("2.0.0"), Some("1.1.0"), Some(method)]);
    assert_eq!(status.metadata().get("straddle-simulated").expect("it says so"), "1.1.0");
    assert!(seen.take().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_was_not_given_the_steps_is_refused_as_ever() {
    let folder = tempfile::tempdir().expect("a folder");
    let (served, seen) = serve_seen(&node(OLD, object(folder.path()))).await;
    let labelled = Labelled::new(channel(&served), &v2_0_0::LABEL);
    let mut client = v2_0_0::inventory_client::InventoryClient::new(labelled);
    let status = client.get_item(get("anvil")).await.expect_err("a refusal");
    assert_eq!((refusal(&status).reason(), status.code()), (Reason::UnknownVersion, Code::Unimplemented));
    assert_eq!(seen.labels(), ["2.0.0"]);
}

/// An object of 1.1.0 that implements one method, which fails with a detail of the protocol.
struct Failing;

#[tonic::async_trait]
impl v1_1_0::inventory_server::Inventory for Failing {
    async fn get_item(
        &self,
        _: tonic::Request<v1_1_0::GetItemRequest>,
    ) -> Result<tonic::Response<v1_1_0::Item>, Status> {
        let item = v1_1_0::Item { sku: "anvil".into(), price: 2.5, ..Default::default() };
        let any = |name: &str, value| Any { type_url: format!("type.googleapis.com/{name}"), value };
        let told = pb::Status {
            code: Code::Aborted as i32,
            message: "as it was told".into(),
            details: vec![any("inventory.v1.Item", item.encode_to_vec()), any("elsewhere.Thing", vec![8, 1])],
        };
        Err(Status::with_details(Code::Aborted, "as it was told", told.encode_to_vec().into()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_of_the_application_keep_their_details_in_the_callers_version() {
    let object = Object::of(v1_1_0::inventory_server::InventoryServer::new(Failing));
    let (served, seen) = serve_seen(&node(OLD, object)).await;
    let mut client = v2_0_0::inventory_client(channel(&served));
    let status = client.get_item(get("anvil")).await.expect_err("it fails");
    assert_eq!((status.code(), status.message()), (Code::Aborted, "as it was told"));
    let details = pb::Status::decode(status.details()).expect("details").details;
    let urls: Vec<&str> = details.iter().map(|detail| detail.type_url.as_str()).collect();
    assert_eq!(urls, ["type.googleapis.com/inventory.v2.Item", "type.googleapis.com/elsewhere.Thing"]);
    let item = v2_0_0::Item::decode(&*details[0].value).expect("an item");
    let price = v2_0_0::Money { currency_code: "USD".into(), units: 2, nanos: 500_000_000 };
    assert_eq!((item.sku.as_str(), item.price), ("anvil", Some(price)));
    seen.take();

    // A method that the object does not implement is UNIMPLEMENTED as well, and nothing else.
    let status = client.list_items(v2_0_0::ListItemsRequest::default()).await.expect_err("it is not there");
    assert_eq!((status.code(), Refusal::from_status(&status)), (Code::Unimplemented, None));
    assert!(status.message().contains("does not implement `list_items`"), "{status:?}");
    assert_eq!(seen.labels(), ["1.1.0"], "it is not sent again");
}

/// Answers each call with this status; counts the calls.
async fn telling(status: Status) -> (crate::serving::Served, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let served = serve(service_fn(move |_: Request<Body>| {
        counted.fetch_add(1, Ordering::SeqCst);
        let response: Response<Body> = status.clone().into_http();
        async move { Ok::<_, std::convert::Infallible>(response) }
    }));
    (served.await, count)
}

fn unknown(code: Code, changes: &[(&str, &str)]) -> Status {
    let told = [
        ("protocol", "inventory"),
        ("caller_version", "2.0.0"),
        ("node_version", "1.1.0"),
        ("served", "1.0.0..=1.1.0"),
        ("method", "/inventory.v2.Inventory/GetItem"),
        ("ran", "false"),
    ];
    let mut told: HashMap<String, String> = told.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    told.extend(changes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    Status::with_error_details(code, "not known", ErrorDetails::with_error_info("UNKNOWN_VERSION", "straddle", told))
}

async fn get_at(served: &crate::serving::Served) -> Status {
    let mut client = v2_0_0::inventory_client(channel(served));
    client.get_item(get("anvil")).await.expect_err("a status")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_refusal_of_this_very_call_that_has_not_run_is_acted_upon() {
    let cases = [
        ("it may have run", unknown(Code::Internal, &[("ran", "true")])),
        ("it may have run, whatever its code", unknown(Code::Unimplemented, &[("ran", "true")])),
        ("another method", unknown(Code::Unimplemented, &[("method", "/inventory.v2.Inventory/Reserve")])),
        ("another label", unknown(Code::Unimplemented, &[("caller_version", "2.1.0")])),
        ("the application's own", Status::unimplemented("not yet")),
    ];
    for (what, status) in cases {
        let (served, count) = telling(status.clone()).await;
        let told = get_at(&served).await;
        assert_eq!((told.code(), told.message()), (status.code(), status.message()), "{what}");
        assert_eq!(count.load(Ordering::SeqCst), 1, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_contradicts_itself_is_not_asked_without_end() {
    // It knows none of the versions that it says it serves. 1.1.0 has the same refusal; the method is as the caller named it.
    let (served, count) = telling(unknown(Code::Unimplemented, &[])).await;
    let told = refusal(&get_at(&served).await);
    assert_eq!(told.reason(), Reason::UnknownVersion);
    assert_eq!(count.load(Ordering::SeqCst), 3, "in 2.0.0, 1.1.0 and 1.0.0");
    for (served, why) in [("5.0.0..=6.0.0", "no version before its own"), ("nonsense", "no version before its own")] {
        let (node, count) =
            telling(unknown(Code::Unimplemented, &[("served", served), ("node_version", "5.0.0")])).await;
        let told = refusal(&get_at(&node).await);
        assert!(told.message().contains(why), "{told}");
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
    let (node, count) = telling(unknown(Code::Unimplemented, &[("protocol", "shop")])).await;
    assert!(refusal(&get_at(&node).await).message().contains("no steps of shop"));
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_grpc_is_told_as_it_would_be_without_rewriting() {
    let served = serve(service_fn(|request: Request<Body>| {
        let response = if request.headers()["straddle-version"] == "2.0.0" {
            unknown(Code::Unimplemented, &[]).into_http()
        } else {
            let page = Body::full("<html>nobody is here</html>".into());
            Response::builder().status(503).header("content-type", "text/html").body(page).expect("a response")
        };
        async move { Ok::<_, std::convert::Infallible>(response) }
    }));
    let status = get_at(&served.await).await;
    assert_eq!((status.code(), Refusal::from_status(&status)), (Code::Unavailable, None));
    assert!(status.message().contains("503"), "{status:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_of_other_make_passes_the_refusal_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let (served, _) = serve_seen(&node(OLD, object(folder.path()))).await;
    let theirs = tonic::transport::Endpoint::from_shared(format!("http://{}", served.address)).expect("a URI");
    let mut client = v2_0_0::inventory_client(theirs.connect_lazy());
    let status = client.get_item(get("anvil")).await.expect_err("a refusal");
    assert_eq!(refusal(&status).reason(), Reason::UnknownVersion);
}
