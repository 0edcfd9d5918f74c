//! Callers and nodes of 1.1.0 and 2.0.0, which rules relate.

use straddle::inventory::generated::v1_1_0 as v1;
use straddle::inventory::generated::v2_0_0::{self as v2, ItemStatus};
use straddle::refusal::Reason;
use tempfile::TempDir;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use crate::support::*;

/// A node that runs 2.0.0, a caller of it, and a caller of 1.1.0.
fn past() -> (TempDir, Client2<Labelled>, Client1<Labelled>) {
    let directory = directory();
    let node = within(&node("2.0.0", directory.path(), &clock()));
    (directory, v2::inventory_client(node.clone()), v1::inventory_client(node))
}

/// A node that runs 1.1.0, a caller of it, and a caller of 2.0.0.
fn future() -> (TempDir, Client1<Labelled>, Client2<Labelled>) {
    let directory = directory();
    let node = within(&node("1.1.0", directory.path(), &clock()));
    (directory, v1::inventory_client(node.clone()), v2::inventory_client(node))
}

fn full1(sku: &str) -> v1::Item {
    v1::Item {
        location: "A-7-top".into(),
        description: "Falls from the sky".into(),
        tags: vec!["heavy".into()],
        attributes: [("weight".to_owned(), "50 kg".to_owned())].into(),
        packaging: Some(v1::item::Packaging::Box(v1::Box { length_mm: 1, width_mm: 2, height_mm: 3 })),
        suppliers: vec![v1::Supplier {
            name: "Acme".into(),
            offers: vec![
                v1::Offer { minimum_quantity: 1, price: 18.25 },
                v1::Offer { minimum_quantity: 10, price: 0.1 },
            ],
        }],
        ..item1(sku, 5)
    }
}

fn full2(sku: &str) -> v2::Item {
    v2::Item {
        location: Some(v2::Location { aisle: "A".into(), bin: "7-top".into() }),
        status: ItemStatus::Active.into(),
        description: "Falls from the sky".into(),
        tags: vec!["heavy".into()],
        attributes: [("weight".to_owned(), "50 kg".to_owned())].into(),
        packaging: Some(v2::item::Packaging::Box(v2::Box { length_mm: 1, width_mm: 2, height_mm: 3 })),
        suppliers: vec![v2::Supplier {
            name: "Acme".into(),
            offers: vec![
                v2::Offer { minimum_quantity: 1, price: Some(usd(18, 250_000_000)) },
                v2::Offer { minimum_quantity: 10, price: Some(usd(0, 100_000_000)) },
            ],
        }],
        ..item2(sku, 5)
    }
}

fn seconds(seconds: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds, nanos: 0 }
}

fn put(item: v1::Item, request_id: &str) -> v1::PutItemRequest {
    v1::PutItemRequest { item: Some(item), request_id: request_id.into() }
}

fn upsert(item: v2::Item, request_id: &str) -> v2::UpsertItemRequest {
    v2::UpsertItemRequest { item: Some(item), request_id: request_id.into() }
}

fn get1(sku: &str) -> v1::GetItemRequest {
    v1::GetItemRequest { sku: sku.into() }
}

fn get2(sku: &str) -> v2::GetItemRequest {
    v2::GetItemRequest { sku: sku.into() }
}

#[tokio::test]
async fn both_versions_see_the_same_item_on_a_node_that_runs_the_new_one() {
    let (_directory, mut new, mut old) = past();
    let item = old.put_item(put(full1("anvil"), "1")).await.unwrap().into_inner().item.unwrap();
    assert_eq!(item, v1::Item { revision: 1, updated: 1_700_000_000, ..full1("anvil") });
    assert_eq!(old.get_item(get1("anvil")).await.unwrap().into_inner(), item);
    let item = new.get_item(get2("anvil")).await.unwrap().into_inner();
    assert_eq!(item, v2::Item { revision: 1, updated: Some(seconds(1_700_000_000)), ..full2("anvil") });
}

#[tokio::test]
async fn both_versions_see_the_same_item_on_a_node_that_runs_the_old_one() {
    let (_directory, mut old, mut new) = future();
    let item = new.upsert_item(upsert(full2("anvil"), "1")).await.unwrap().into_inner().item.unwrap();
    assert_eq!(item, v2::Item { revision: 1, updated: Some(seconds(1_700_000_000)), ..full2("anvil") });
    assert_eq!(new.get_item(get2("anvil")).await.unwrap().into_inner(), item);
    let item = old.get_item(get1("anvil")).await.unwrap().into_inner();
    assert_eq!(item, v1::Item { revision: 1, updated: 1_700_000_000, ..full1("anvil") });
}

#[tokio::test]
async fn a_request_that_the_old_version_cannot_express_is_refused_before_it_runs() {
    let (_directory, mut old, mut new) = future();
    let euros = v2::Money { currency_code: "EUR".into(), units: 1, nanos: 0 };
    let offer = v2::Offer { minimum_quantity: 1, price: Some(euros.clone()) };
    let supplier = v2::Supplier { name: "Acme".into(), offers: vec![offer] };
    let location = |aisle: &str, bin: &str| Some(v2::Location { aisle: aisle.into(), bin: bin.into() });
    let lossy = [
        ("item.price.currency_code", v2::Item { price: Some(euros), ..item2("a", 1) }),
        ("item.price", v2::Item { price: Some(usd(123_456_789_012, 123_456_789)), ..item2("a", 1) }),
        ("item.suppliers[0].offers[0].price.currency_code", v2::Item { suppliers: vec![supplier], ..item2("a", 1) }),
        ("item.location.aisle", v2::Item { location: location("A-7", "x"), ..item2("a", 1) }),
        ("item.location", v2::Item { location: location(&"x".repeat(32), &"y".repeat(32)), ..item2("a", 1) }),
        ("item.status", v2::Item { status: ItemStatus::Discontinued.into(), ..item2("a", 1) }),
        ("item.status", v2::Item { status: 7, ..item2("a", 1) }),
        ("item.price.nanos", v2::Item { price: Some(usd(1, -1)), ..item2("a", 1) }),
    ];
    for (path, item) in lossy {
        let outcome = new.upsert_item(upsert(item, "1")).await;
        assert_refusal(outcome, Reason::Lossy, Some(path), false);
    }
    assert_error(old.get_item(get1("a")).await, Code::NotFound, "a");
    // What both versions call invalid is not called lossy: the node says so.
    let invalid = v2::Item { stock: -1, ..item2("a", 1) };
    assert_error(new.upsert_item(upsert(invalid, "1")).await, Code::InvalidArgument, "item.stock");
    // What is left open is what it would be at 2.0.0; no price is one of no dollars.
    for price in [None, Some(usd(0, 0)), Some(v2::Money::default())] {
        // The same request to the node, which answers the later ones as it did the first.
        let open = v2::Item { price, location: Some(v2::Location::default()), ..item2("a", 1) };
        let item = new.upsert_item(upsert(open, "open")).await.unwrap().into_inner().item.unwrap();
        assert_eq!((item.status(), item.price, item.location), (ItemStatus::Active, None, None));
    }
}

#[tokio::test]
async fn a_request_that_the_new_version_cannot_express_is_refused_before_it_runs() {
    let (_directory, mut new, mut old) = past();
    let offer = v1::Offer { minimum_quantity: 1, price: 0.000_000_000_1 };
    let supplier = v1::Supplier { name: "Acme".into(), offers: vec![offer] };
    let lossy = [
        ("item.price", v1::Item { price: 0.123_456_789_1, ..item1("a", 1) }),
        ("item.suppliers[0].offers[0].price", v1::Item { suppliers: vec![supplier], ..item1("a", 1) }),
        ("item.location", v1::Item { location: "A-".into(), ..item1("a", 1) }),
        ("item.price", v1::Item { price: f64::NAN, ..item1("a", 1) }),
    ];
    for (path, item) in lossy {
        assert_refusal(old.put_item(put(item, "1")).await, Reason::Lossy, Some(path), false);
    }
    let invalid = v1::Item { price: -1.0, ..item1("a", 1) };
    assert_error(old.put_item(put(invalid, "1")).await, Code::InvalidArgument, "item.price");
    assert_error(new.get_item(get2("a")).await, Code::NotFound, "a");
}

#[tokio::test]
async fn a_response_that_the_old_version_cannot_express_is_refused_after_it_ran() {
    let (_directory, mut new, mut old) = past();
    let euros = v2::Money { currency_code: "EUR".into(), units: 1, nanos: 0 };
    new.upsert_item(upsert(item2("a", 1), "1")).await.unwrap();
    new.upsert_item(upsert(v2::Item { price: Some(euros), ..item2("b", 1) }, "2")).await.unwrap();
    new.upsert_item(upsert(item2("c", 1), "3")).await.unwrap();

    // Paths are those of the answer, as the node's version has it. What only reads can be called again.
    let path = Some("price.currency_code");
    assert_refusal(old.get_item(get1("b")).await, Reason::Lossy, path, false);
    let adjust = v1::AdjustStockRequest { sku: "b".into(), delta: 1, request_id: "4".into() };
    assert_refusal(old.adjust_stock(adjust).await, Reason::Lossy, path, true);
    assert_eq!(new.get_item(get2("b")).await.unwrap().into_inner().stock, 2);

    let mut items = old.list_items(v1::ListItemsRequest::default()).await.unwrap().into_inner();
    assert_eq!(items.next().await.unwrap().unwrap().sku, "a");
    assert_refusal(items.next().await.unwrap(), Reason::Lossy, path, false);
    assert!(items.next().await.is_none());

    let mut events = old.watch_items(v1::WatchItemsRequest::default()).await.unwrap().into_inner();
    assert_eq!(events.next().await.unwrap().unwrap().revision, 1);
    assert_eq!(events.next().await.unwrap().unwrap().revision, 3);
    assert_refusal(events.next().await.unwrap(), Reason::Lossy, Some("item.price.currency_code"), false);
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_response_that_the_new_version_cannot_express_is_refused_after_it_ran() {
    let (_directory, mut old, mut new) = future();
    old.put_item(put(v1::Item { price: 0.123_456_789_1, ..item1("a", 1) }, "1")).await.unwrap();
    assert_refusal(new.get_item(get2("a")).await, Reason::Lossy, Some("price"), false);
    let sku = tokio_stream::once(v2::LookupItemsRequest { sku: "a".into() });
    let mut answers = new.lookup_items(sku).await.unwrap().into_inner();
    assert_refusal(answers.next().await.unwrap(), Reason::Lossy, Some("item.price"), false);
    assert!(answers.next().await.is_none());
}

#[tokio::test]
async fn a_discontinued_item_stays_so_when_an_old_caller_writes_back_what_it_read() {
    let (_directory, mut new, mut old) = past();
    new.upsert_item(upsert(v2::Item { status: ItemStatus::Discontinued.into(), ..item2("a", 1) }, "1")).await.unwrap();
    let mut item = old.get_item(get1("a")).await.unwrap().into_inner();
    item.name = "Another".into();
    old.put_item(put(item, "2")).await.unwrap();
    let item = new.get_item(get2("a")).await.unwrap().into_inner();
    assert_eq!((&*item.name, item.status()), ("Another", ItemStatus::Discontinued));
    let reserve = v1::ReserveRequest { sku: "a".into(), quantity: 1, request_id: "3".into() };
    assert_error(old.reserve(reserve).await, Code::FailedPrecondition, "discontinued");
}

#[tokio::test]
async fn stock_is_adjusted_reserved_and_released_across_the_step_exactly_once() {
    let (_directory, _, mut old) = past();
    old.put_item(put(item1("a", 5), "1")).await.unwrap();
    let adjust = v1::AdjustStockRequest { sku: "a".into(), delta: 3, request_id: "2".into() };
    let reserve = v1::ReserveRequest { sku: "a".into(), quantity: 4, request_id: "3".into() };
    for _ in 0..2 {
        assert_eq!(old.adjust_stock(adjust.clone()).await.unwrap().into_inner().stock, 8);
    }
    let reserved = old.reserve(reserve.clone()).await.unwrap().into_inner();
    assert_eq!(old.reserve(reserve).await.unwrap().into_inner(), reserved);
    assert_eq!(old.get_item(get1("a")).await.unwrap().into_inner().stock, 4);
    let release = v1::ReleaseRequest { reservation_id: reserved.reservation_id, request_id: "4".into() };
    for _ in 0..2 {
        old.release(release.clone()).await.unwrap();
    }
    assert_eq!(old.get_item(get1("a")).await.unwrap().into_inner().stock, 8);

    let (_directory, mut old, mut new) = future();
    new.upsert_item(upsert(item2("a", 5), "1")).await.unwrap();
    let adjust = v2::AdjustStockRequest { sku: "a".into(), delta: 3, request_id: "2".into() };
    let reserve = v2::ReserveRequest { sku: "a".into(), quantity: 4, request_id: "3".into() };
    for _ in 0..2 {
        assert_eq!(new.adjust_stock(adjust.clone()).await.unwrap().into_inner().stock, 8);
    }
    let reserved = new.reserve(reserve.clone()).await.unwrap().into_inner();
    assert_eq!(new.reserve(reserve).await.unwrap().into_inner(), reserved);
    // Reservations have the same names in both versions.
    let release = v1::ReleaseRequest { reservation_id: reserved.reservation_id, request_id: "4".into() };
    old.release(release).await.unwrap();
    assert_eq!(new.get_item(get2("a")).await.unwrap().into_inner().stock, 8);
}

#[tokio::test]
async fn an_import_is_converted_as_it_comes_and_is_all_or_nothing_there_too() {
    let (_directory, mut new, mut old) = past();
    let message = |request_id: &str, item| v1::ImportItemsRequest { request_id: request_id.into(), item: Some(item) };
    // One that cannot be expressed stops the import at once, though the caller has more to say.
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    sender.send(message("i", item1("a", 1))).await.unwrap();
    sender.send(message("", v1::Item { location: "A-".into(), ..item1("b", 1) })).await.unwrap();
    let outcome = old.import_items(ReceiverStream::new(receiver)).await;
    assert_refusal(outcome, Reason::Lossy, Some("item.location"), false);
    drop(sender);
    assert_error(new.get_item(get2("a")).await, Code::NotFound, "a");

    let messages = vec![message("i", item1("a", 1)), message("", full1("b"))];
    for _ in 0..2 {
        let answer = old.import_items(tokio_stream::iter(messages.clone())).await.unwrap().into_inner();
        assert_eq!(answer, v1::ImportItemsResponse { count: 2, revision: 2 });
    }
    assert_eq!(new.get_item(get2("b")).await.unwrap().into_inner().location, full2("b").location);

    let (_directory, mut old, mut new) = future();
    let message = |request_id: &str, item| v2::ImportItemsRequest { request_id: request_id.into(), item: Some(item) };
    let lossy = v2::Item { status: ItemStatus::Discontinued.into(), ..item2("b", 1) };
    let messages = vec![message("i", item2("a", 1)), message("", lossy)];
    let outcome = new.import_items(tokio_stream::iter(messages)).await;
    assert_refusal(outcome, Reason::Lossy, Some("item.status"), false);
    assert_error(old.get_item(get1("a")).await, Code::NotFound, "a");
    new.import_items(tokio_stream::once(message("i", full2("b")))).await.unwrap();
    assert_eq!(old.get_item(get1("b")).await.unwrap().into_inner().suppliers, full1("b").suppliers);
}

#[tokio::test]
async fn an_import_whose_caller_goes_away_puts_nothing_there_either() {
    let (_directory, mut new, old) = past();
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let call = tokio::spawn({
        let mut old = old.clone();
        async move { old.import_items(ReceiverStream::new(receiver)).await }
    });
    let message = v1::ImportItemsRequest { request_id: "i".into(), item: Some(item1("a", 1)) };
    sender.send(message).await.unwrap();
    sender.send(v1::ImportItemsRequest { request_id: String::new(), item: Some(item1("b", 1)) }).await.unwrap();
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    assert!(sender.is_closed());
    assert_error(new.get_item(get2("a")).await, Code::NotFound, "a");
}

#[tokio::test]
async fn lists_and_lookups_are_converted_item_by_item() {
    let (_directory, _, mut old) = past();
    old.put_item(put(full1("a"), "1")).await.unwrap();
    old.put_item(put(item1("b", 1), "2")).await.unwrap();
    let items = old.list_items(v1::ListItemsRequest::default()).await.unwrap().into_inner();
    let items: Vec<_> = items.map(|item| item.unwrap()).collect().await;
    assert_eq!(items[0], v1::Item { revision: 1, updated: 1_700_000_000, ..full1("a") });
    assert_eq!(items.len(), 2);

    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let mut answers = old.lookup_items(ReceiverStream::new(receiver)).await.unwrap().into_inner();
    for (sku, expected) in [
        ("c", v1::lookup_items_response::Result::MissingSku("c".into())),
        ("a", v1::lookup_items_response::Result::Item(items[0].clone())),
    ] {
        sender.send(v1::LookupItemsRequest { sku: sku.into() }).await.unwrap();
        assert_eq!(answers.next().await.unwrap().unwrap().result, Some(expected));
    }
    drop(sender);
    assert!(answers.next().await.is_none());
}

#[tokio::test]
async fn a_watch_goes_on_across_the_step_without_a_gap() {
    let (_directory, mut old, mut new) = future();
    old.put_item(put(full1("a"), "1")).await.unwrap();
    old.put_item(put(item1("b", 1), "2")).await.unwrap();
    let request = v2::WatchItemsRequest { after_revision: 1 };
    let mut events = new.watch_items(request).await.unwrap().into_inner();
    assert_eq!(events.next().await.unwrap().unwrap().item.unwrap().sku, "b");
    old.put_item(put(full1("a"), "3")).await.unwrap();
    let event = events.next().await.unwrap().unwrap();
    assert_eq!(event.revision, 3);
    assert_eq!(event.item.unwrap(), v2::Item { revision: 3, updated: Some(seconds(1_700_000_000)), ..full2("a") });
}
