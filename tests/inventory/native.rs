//! The objects of 1.1.0 and 2.0.0: what every version has.

use std::sync::Arc;
use std::time::Duration;

use straddle::inventory::generated::v1_1_0 as v1;
use straddle::inventory::generated::v2_0_0::{self as v2, ItemStatus};
use straddle::inventory::{OpenError, objects};
use tokio_stream::StreamExt;
use tonic::Code;

use crate::support::*;

const HOUR: Duration = Duration::from_secs(60 * 60);

fn put(item: v1::Item, request_id: &str) -> v1::PutItemRequest {
    v1::PutItemRequest { item: Some(item), request_id: request_id.into() }
}

fn get(sku: &str) -> v1::GetItemRequest {
    v1::GetItemRequest { sku: sku.into() }
}

fn reserve(sku: &str, quantity: i64, request_id: &str) -> v1::ReserveRequest {
    v1::ReserveRequest { sku: sku.into(), quantity, request_id: request_id.into() }
}

fn release(reservation_id: &str, request_id: &str) -> v1::ReleaseRequest {
    v1::ReleaseRequest { reservation_id: reservation_id.into(), request_id: request_id.into() }
}

#[tokio::test]
async fn what_was_put_is_read_back_with_its_revision_and_time() {
    let (directory, clock) = (directory(), clock());
    let mut client = Client1::new(node1(directory.path(), &clock));
    let mut item = item1("anvil", 5);
    item.attributes = [("weight".to_owned(), "50 kg".to_owned())].into();
    item.packaging = Some(v1::item::Packaging::Pallet(v1::Pallet { layers: 2, boxes_per_layer: 8 }));
    item.suppliers =
        vec![v1::Supplier { name: "Acme".into(), offers: vec![v1::Offer { minimum_quantity: 10, price: 17.5 }] }];
    // The node does not believe these.
    (item.revision, item.updated) = (99, 99);
    let answer = client.put_item(put(item.clone(), "1")).await.unwrap().into_inner().item.unwrap();
    (item.revision, item.updated) = (1, 1_700_000_000);
    assert_eq!(answer, item);
    assert_eq!(client.get_item(get("anvil")).await.unwrap().into_inner(), item);
    assert_error(client.get_item(get("spoon")).await, Code::NotFound, "spoon");
}

#[tokio::test]
async fn a_put_replaces_all_of_the_item() {
    let (directory, clock) = (directory(), clock());
    let mut client = Client1::new(node1(directory.path(), &clock));
    let full = v1::Item { tags: vec!["heavy".into()], location: "A-7".into(), ..item1("anvil", 5) };
    client.put_item(put(full, "1")).await.unwrap();
    client.put_item(put(item1("anvil", 3), "2")).await.unwrap();
    let item = client.get_item(get("anvil")).await.unwrap().into_inner();
    assert_eq!(item, v1::Item { revision: 2, updated: 1_700_000_000, ..item1("anvil", 3) });
}

#[tokio::test]
async fn a_retry_changes_nothing_and_is_answered_as_the_first_time() {
    let (directory, clock) = (directory(), clock());
    let mut client = Client1::new(node1(directory.path(), &clock));
    // Maps come in any order; with this many entries, two encodings of them hardly ever agree by chance.
    let attributes = |range: std::ops::Range<i32>| range.map(|n| (format!("key {n}"), n.to_string()));
    let item = v1::Item { attributes: attributes(0..64).collect(), ..item1("anvil", 5) };
    let first = client.put_item(put(item.clone(), "same")).await.unwrap().into_inner();
    client.put_item(put(item1("anvil", 1), "other")).await.unwrap();
    clock.advance(23 * HOUR);
    let again = v1::Item { attributes: attributes(0..64).rev().collect(), revision: 7, ..item };
    assert_eq!(client.put_item(put(again, "same")).await.unwrap().into_inner(), first);
    assert_eq!(client.get_item(get("anvil")).await.unwrap().into_inner().stock, 1);

    assert_error(client.put_item(put(item1("anvil", 6), "same")).await, Code::InvalidArgument, "request_id");
    assert_error(client.reserve(reserve("anvil", 1, "same")).await, Code::InvalidArgument, "request_id");
    clock.advance(HOUR);
    client.put_item(put(item1("anvil", 6), "same")).await.unwrap();
    assert_eq!(client.get_item(get("anvil")).await.unwrap().into_inner().stock, 6);
}

#[tokio::test]
async fn a_retry_is_known_after_the_node_was_opened_again() {
    let (directory, clock) = (directory(), clock());
    let mut client = Client1::new(node1(directory.path(), &clock));
    client.put_item(put(item1("anvil", 5), "1")).await.unwrap();
    let reserved = client.reserve(reserve("anvil", 2, "2")).await.unwrap().into_inner();
    drop(client);
    let mut client = Client1::new(node1(directory.path(), &clock));
    assert_eq!(client.reserve(reserve("anvil", 2, "2")).await.unwrap().into_inner(), reserved);
    assert_eq!(client.get_item(get("anvil")).await.unwrap().into_inner().stock, 3);
}

#[tokio::test]
async fn a_write_that_failed_is_not_remembered() {
    let (directory, clock) = (directory(), clock());
    let mut client = Client1::new(node1(directory.path(), &clock));
    client.put_item(put(item1("anvil", 1), "1")).await.unwrap();
    assert_error(client.reserve(reserve("anvil", 2, "2")).await, Code::FailedPrecondition, "too little");
    client.put_item(put(item1("anvil", 2), "3")).await.unwrap();
    client.reserve(reserve("anvil", 2, "2")).await.unwrap();
    assert_eq!(client.get_item(get("anvil")).await.unwrap().into_inner().stock, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn retries_at_the_same_time_take_stock_once() {
    let (directory, clock) = (directory(), clock());
    let mut client = Client1::new(node1(directory.path(), &clock));
    client.put_item(put(item1("anvil", 100), "1")).await.unwrap();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let mut client = client.clone();
        calls.spawn(async move { client.reserve(reserve("anvil", 3, "2")).await.unwrap().into_inner() });
    }
    let answers = calls.join_all().await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(client.get_item(get("anvil")).await.unwrap().into_inner().stock, 97);
}

#[tokio::test]
async fn what_breaks_a_limit_is_named() {
    let (directory, clock) = (directory(), clock());
    let mut client = Client1::new(node1(directory.path(), &clock));
    let supplier = |minimum_quantity, price| v1::Supplier {
        name: "Acme".into(),
        offers: vec![v1::Offer { minimum_quantity: 1, price: 1.0 }, v1::Offer { minimum_quantity, price }],
    };
    let good = item1("anvil", 1);
    let wrong = [
        ("item.sku", v1::Item { sku: String::new(), ..good.clone() }),
        ("item.sku", v1::Item { sku: "x".repeat(65), ..good.clone() }),
        ("item.sku", v1::Item { sku: "a\nb".into(), ..good.clone() }),
        ("item.name", v1::Item { name: String::new(), ..good.clone() }),
        ("item.price", v1::Item { price: -1.0, ..good.clone() }),
        ("item.price", v1::Item { price: f64::NAN, ..good.clone() }),
        ("item.price", v1::Item { price: f64::INFINITY, ..good.clone() }),
        ("item.stock", v1::Item { stock: -1, ..good.clone() }),
        ("item.location", v1::Item { location: "x".repeat(65), ..good.clone() }),
        ("item.description", v1::Item { description: "x".repeat(4097), ..good.clone() }),
        ("item.tags", v1::Item { tags: vec!["x".into(); 33], ..good.clone() }),
        ("item.tags[1]", v1::Item { tags: vec!["x".into(); 2], ..good.clone() }),
        (
            "item.attributes",
            v1::Item { attributes: (0..65).map(|n| (n.to_string(), "x".into())).collect(), ..good.clone() },
        ),
        ("item.attributes[\"k\"]", v1::Item { attributes: [("k".into(), "x".repeat(1025))].into(), ..good.clone() }),
        (
            "item.suppliers[0].offers[1].minimum_quantity",
            v1::Item { suppliers: vec![supplier(0, 1.0)], ..good.clone() },
        ),
        ("item.suppliers[0].offers[1].price", v1::Item { suppliers: vec![supplier(1, -1.0)], ..good.clone() }),
        (
            "item.box.width_mm",
            v1::Item {
                packaging: Some(v1::item::Packaging::Box(v1::Box { width_mm: -1, ..Default::default() })),
                ..good.clone()
            },
        ),
    ];
    for (path, item) in wrong {
        assert_error(client.put_item(put(item, "1")).await, Code::InvalidArgument, path);
    }
    for request_id in [String::new(), "x".repeat(129)] {
        assert_error(client.put_item(put(good.clone(), &request_id)).await, Code::InvalidArgument, "request_id");
    }
    let nothing = v1::PutItemRequest { item: None, request_id: "1".into() };
    assert_error(client.put_item(nothing).await, Code::InvalidArgument, "item");
    assert_error(client.reserve(reserve("anvil", 0, "1")).await, Code::InvalidArgument, "quantity");
    client.put_item(put(good, "1")).await.unwrap();
}

#[tokio::test]
async fn a_list_is_in_order_and_has_just_what_begins_with_the_prefix() {
    let (directory, clock) = (directory(), clock());
    let mut client = Client1::new(node1(directory.path(), &clock));
    import(&mut client, (0..200).map(|n| item1(&format!("b{n:03}"), n)).collect()).await;
    client.put_item(put(item1("a", 1), "1")).await.unwrap();
    client.put_item(put(item1("c", 1), "2")).await.unwrap();
    let list = async |client: &mut Client1<_>, prefix: &str| {
        let items = client.list_items(v1::ListItemsRequest { sku_prefix: prefix.into() }).await.unwrap().into_inner();
        items.map(|item| item.unwrap().sku).collect::<Vec<_>>().await
    };
    let bs: Vec<_> = (0..200).map(|n| format!("b{n:03}")).collect();
    assert_eq!(list(&mut client, "b").await, bs);
    assert_eq!(list(&mut client, "b19").await, bs[190..]);
    assert_eq!(list(&mut client, "d").await, Vec::<String>::new());
    assert_eq!(list(&mut client, "").await.len(), 202);
}

#[tokio::test]
async fn a_watch_goes_on_without_a_gap_and_tells_nothing_twice() {
    let (directory, clock) = (directory(), clock());
    let mut client = Client1::new(node1(directory.path(), &clock));
    import(&mut client, (0..150).map(|n| item1(&format!("{n:03}"), n)).collect()).await;
    client.put_item(put(item1("000", 7), "again")).await.unwrap();

    let request = v1::WatchItemsRequest { after_revision: 0 };
    let mut events = client.watch_items(request).await.unwrap().into_inner();
    let mut seen = Vec::new();
    // The first item was written again, so it comes last, and once.
    for _ in 0..150 {
        let event = events.next().await.unwrap().unwrap();
        assert_eq!(event.item.as_ref().map(|item| item.revision), Some(event.revision));
        seen.push((event.revision, event.item.unwrap().sku));
    }
    let expected: Vec<_> = (2..=150).map(|n| (n, format!("{:03}", n - 1))).chain([(151, "000".into())]).collect();
    assert_eq!(seen, expected);

    // Now it waits for what is written.
    let writer = tokio::spawn({
        let mut client = client.clone();
        async move { client.put_item(put(item1("new", 1), "new")).await.unwrap() }
    });
    assert_eq!(events.next().await.unwrap().unwrap().revision, 152);
    writer.await.unwrap();

    let request = v1::WatchItemsRequest { after_revision: 150 };
    let events = client.watch_items(request).await.unwrap().into_inner();
    let revisions: Vec<_> = events.take(2).map(|event| event.unwrap().revision).collect().await;
    assert_eq!(revisions, [151, 152]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_watch_misses_no_write_that_is_made_while_it_reads() {
    let (directory, clock) = (directory(), clock());
    let mut client = Client1::new(node1(directory.path(), &clock));
    let mut events = client.watch_items(v1::WatchItemsRequest::default()).await.unwrap().into_inner();
    let writer = tokio::spawn({
        let mut client = client.clone();
        async move {
            for n in 0..100 {
                client.put_item(put(item1(&n.to_string(), n), &n.to_string())).await.unwrap();
            }
        }
    });
    for revision in 1..=100 {
        assert_eq!(events.next().await.unwrap().unwrap().revision, revision);
    }
    writer.await.unwrap();
}

#[tokio::test]
async fn a_watch_ends_with_its_object() {
    let (directory, clock) = (directory(), clock());
    let mut client = Client1::new(node1(directory.path(), &clock));
    client.put_item(put(item1("anvil", 1), "1")).await.unwrap();
    let mut events = client.watch_items(v1::WatchItemsRequest::default()).await.unwrap().into_inner();
    events.next().await.unwrap().unwrap();
    drop(client);
    assert_error(events.next().await.unwrap(), Code::Unavailable, "after revision 1");
    // Nothing of it is left: the store can be opened again.
    node1(directory.path(), &clock);
}

#[tokio::test]
async fn an_import_puts_everything_or_nothing() {
    let (directory, clock) = (directory(), clock());
    let mut client = Client1::new(node1(directory.path(), &clock));
    let message = |request_id: &str, item| v1::ImportItemsRequest { request_id: request_id.into(), item };
    let first = message("i", Some(item1("a", 1)));
    let wrong = [
        (vec![message("", Some(item1("a", 1)))], "request_id"),
        (vec![], "request_id"),
        (vec![first.clone(), message("i", Some(item1("b", 1)))], "request_id"),
        (vec![first.clone(), message("", None)], "item"),
        (vec![first.clone(), message("", Some(item1("", 1)))], "item.sku"),
        (vec![first.clone(), message("", Some(item1("a", 2)))], "twice"),
    ];
    for (messages, says) in wrong {
        assert_error(client.import_items(tokio_stream::iter(messages)).await, Code::InvalidArgument, says);
        assert_error(client.get_item(get("a")).await, Code::NotFound, "a");
    }

    let messages = [message("i", None), message("", Some(item1("a", 1))), message("", Some(item1("b", 2)))];
    let answer = client.import_items(tokio_stream::iter(messages.clone())).await.unwrap().into_inner();
    assert_eq!(answer, v1::ImportItemsResponse { count: 2, revision: 2 });
    client.put_item(put(item1("a", 9), "1")).await.unwrap();
    let again = client.import_items(tokio_stream::iter(messages)).await.unwrap().into_inner();
    assert_eq!(again, answer);
    assert_eq!(client.get_item(get("a")).await.unwrap().into_inner().stock, 9);
}

#[tokio::test]
async fn an_import_is_bounded() {
    let (directory, clock) = (directory(), clock());
    let mut client = Client1::new(node1(directory.path(), &clock));
    let messages = |count: usize, description: String| {
        (0..count).map(move |n| v1::ImportItemsRequest {
            request_id: if n == 0 { "i".into() } else { String::new() },
            item: Some(v1::Item { description: description.clone(), ..item1(&n.to_string(), 1) }),
        })
    };
    let many = tokio_stream::iter(messages(10_001, String::new()));
    assert_error(client.import_items(many).await, Code::ResourceExhausted, "10000 items");
    let large = tokio_stream::iter(messages(4_200, "x".repeat(4096)));
    assert_error(client.import_items(large).await, Code::ResourceExhausted, "16777216 bytes");
    assert_error(client.get_item(get("0")).await, Code::NotFound, "0");
}

#[tokio::test]
async fn an_import_whose_caller_goes_away_puts_nothing() {
    let (directory, clock) = (directory(), clock());
    let mut client = Client1::new(node1(directory.path(), &clock));
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let call = tokio::spawn({
        let mut client = client.clone();
        async move { client.import_items(tokio_stream::wrappers::ReceiverStream::new(receiver)).await }
    });
    let message = v1::ImportItemsRequest { request_id: "i".into(), item: Some(item1("a", 1)) };
    sender.send(message.clone()).await.unwrap();
    sender.send(v1::ImportItemsRequest { request_id: String::new(), item: Some(item1("b", 1)) }).await.unwrap();
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    assert!(sender.is_closed());
    assert_error(client.get_item(get("a")).await, Code::NotFound, "a");
    // And its id is free.
    client.import_items(tokio_stream::once(message)).await.unwrap();
}

#[tokio::test]
async fn a_lookup_answers_each_sku_before_the_next_is_asked() {
    let (directory, clock) = (directory(), clock());
    let mut client = Client1::new(node1(directory.path(), &clock));
    client.put_item(put(item1("anvil", 5), "1")).await.unwrap();
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let requests = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let mut answers = client.lookup_items(requests).await.unwrap().into_inner();
    for sku in ["spoon", "anvil", "spoon"] {
        sender.send(v1::LookupItemsRequest { sku: sku.into() }).await.unwrap();
        match answers.next().await.unwrap().unwrap().result.unwrap() {
            v1::lookup_items_response::Result::Item(item) => assert_eq!((sku, item.sku), ("anvil", "anvil".into())),
            v1::lookup_items_response::Result::MissingSku(missing) => assert_eq!((sku, &*missing), ("spoon", "spoon")),
        }
    }
    drop(sender);
    assert!(answers.next().await.is_none());
}

#[tokio::test]
async fn stock_never_falls_below_zero() {
    let (directory, clock) = (directory(), clock());
    let mut client = Client1::new(node1(directory.path(), &clock));
    client.put_item(put(item1("anvil", 5), "1")).await.unwrap();
    let adjust =
        |delta, request_id: &str| v1::AdjustStockRequest { sku: "anvil".into(), delta, request_id: request_id.into() };
    assert_eq!(client.adjust_stock(adjust(-5, "2")).await.unwrap().into_inner().stock, 0);
    assert_error(client.adjust_stock(adjust(-1, "3")).await, Code::FailedPrecondition, "too little");
    assert_error(client.adjust_stock(adjust(0, "3")).await, Code::InvalidArgument, "delta");
    let most = client.adjust_stock(adjust(1_000_000_000_000, "4")).await.unwrap().into_inner();
    assert_eq!((most.stock, most.revision), (1_000_000_000_000, 3));
    assert_error(client.adjust_stock(adjust(1, "5")).await, Code::FailedPrecondition, "above");
}

#[tokio::test]
async fn a_reservation_is_given_back_once() {
    let (directory, clock) = (directory(), clock());
    let mut client = Client1::new(node1(directory.path(), &clock));
    client.put_item(put(item1("anvil", 5), "1")).await.unwrap();
    let reservation = client.reserve(reserve("anvil", 4, "2")).await.unwrap().into_inner();
    assert_eq!((&*reservation.sku, reservation.quantity), ("anvil", 4));
    let id = &*reservation.reservation_id;
    for request_id in ["3", "3", "4"] {
        client.release(release(id, request_id)).await.unwrap();
        assert_eq!(client.get_item(get("anvil")).await.unwrap().into_inner().stock, 5);
    }
    assert_error(client.release(release("nothing", "5")).await, Code::NotFound, "nothing");
    // A day later it is forgotten.
    clock.advance(24 * HOUR);
    assert_error(client.release(release(id, "6")).await, Code::NotFound, id);
}

#[tokio::test]
async fn a_status_that_is_left_open_stays_and_a_discontinued_item_is_not_reserved() {
    let (directory, clock) = (directory(), clock());
    let mut client = Client2::new(node2(directory.path(), &clock));
    let mut upserts = 0;
    let mut upsert = async |client: &mut Client2<_>, status: ItemStatus| {
        upserts += 1;
        let item = Some(v2::Item { status: status.into(), ..item2("anvil", 5) });
        let request = v2::UpsertItemRequest { item, request_id: format!("u{upserts}") };
        client.upsert_item(request).await.unwrap().into_inner().item.unwrap().status()
    };
    let reserve =
        |request_id: &str| v2::ReserveRequest { sku: "anvil".into(), quantity: 1, request_id: request_id.into() };
    assert_eq!(upsert(&mut client, ItemStatus::Unspecified).await, ItemStatus::Active);
    let kept = client.reserve(reserve("r1")).await.unwrap().into_inner();
    assert_eq!(upsert(&mut client, ItemStatus::Discontinued).await, ItemStatus::Discontinued);
    assert_eq!(upsert(&mut client, ItemStatus::Unspecified).await, ItemStatus::Discontinued);
    assert_error(client.reserve(reserve("r2")).await, Code::FailedPrecondition, "discontinued");
    let release = v2::ReleaseRequest { reservation_id: kept.reservation_id, request_id: "r3".into() };
    client.release(release).await.unwrap();
    assert_eq!(upsert(&mut client, ItemStatus::Active).await, ItemStatus::Active);
    client.reserve(reserve("r4")).await.unwrap();
}

#[tokio::test]
async fn what_2_0_0_cannot_mean_is_invalid() {
    let (directory, clock) = (directory(), clock());
    let mut client = Client2::new(node2(directory.path(), &clock));
    let money =
        |currency_code: &str, units, nanos| Some(v2::Money { currency_code: currency_code.into(), units, nanos });
    let location = v2::Location { aisle: "x".repeat(32), bin: "y".repeat(33) };
    let wrong = [
        ("item.price.currency_code", v2::Item { price: money("dollars", 1, 0), ..item2("a", 1) }),
        ("item.price.units", v2::Item { price: money("USD", -1, 0), ..item2("a", 1) }),
        ("item.price.nanos", v2::Item { price: money("USD", 1, -1), ..item2("a", 1) }),
        ("item.price.nanos", v2::Item { price: money("USD", 1_000_000_000_000, 1), ..item2("a", 1) }),
        ("item.location", v2::Item { location: Some(location), ..item2("a", 1) }),
        ("item.status", v2::Item { status: 7, ..item2("a", 1) }),
    ];
    for (path, item) in wrong {
        let request = v2::UpsertItemRequest { item: Some(item), request_id: "1".into() };
        assert_error(client.upsert_item(request).await, Code::InvalidArgument, path);
    }
    // What is left open is stored as what it means.
    let item = v2::Item { price: None, location: Some(v2::Location::default()), ..item2("a", 1) };
    let request = v2::UpsertItemRequest { item: Some(item), request_id: "1".into() };
    let item = client.upsert_item(request).await.unwrap().into_inner().item.unwrap();
    assert_eq!((item.price, item.location), (Some(usd(0, 0)), None));
}

#[tokio::test]
async fn a_store_opens_once_and_for_its_own_version_only() {
    let (directory, clock) = (directory(), clock());
    let open = node1(directory.path(), &clock);
    let twice = objects::v1_1_0::Object::open(directory.path(), Arc::new(clock.clone())).unwrap_err();
    let OpenError::Records { path, source } = &twice else { panic!("{twice}") };
    assert!(path.starts_with(directory.path()) && source.is_open_elsewhere(), "{twice}");
    drop(open);
    let other = objects::v2_0_0::Object::open(directory.path(), Arc::new(clock.clone())).unwrap_err();
    assert!(matches!(&other, OpenError::Records { source, .. } if source.is_mismatch()), "{other}");
    assert!(other.to_string().contains("1.1.0") && other.to_string().contains("2.0.0"), "{other}");
    node1(directory.path(), &clock);

    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let nowhere = objects::v1_1_0::Object::open(file.join("state"), Arc::new(clock)).unwrap_err();
    assert!(matches!(nowhere, OpenError::Directory { .. }), "{nowhere}");
}

async fn import(client: &mut Client1<Server1<objects::v1_1_0::Object>>, items: Vec<v1::Item>) {
    let first = v1::ImportItemsRequest { request_id: "import".into(), item: None };
    let rest = items.into_iter().map(|item| v1::ImportItemsRequest { request_id: String::new(), item: Some(item) });
    client.import_items(tokio_stream::iter(std::iter::once(first).chain(rest).collect::<Vec<_>>())).await.unwrap();
}
