//! Nodes of the inventory that go from version to version, and what is left of what callers did before.

mod broken;
mod model;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use straddle::Version;
use straddle::inventory::clock::{Clock, ManualClock};
use straddle::inventory::generated::{v1_1_0 as v1, v2_0_0 as v2, v3_0_0 as v3};
use straddle::inventory::{inventory_node, inventory_node_from};
use straddle::node::{MoveError, Node, Rollback};
use straddle::refusal::Reason;
use straddle::state::Mode;

use crate::support::{Labelled, assert_refusal, clock, directory, item1, item2, usd, within};

type Client1 = crate::support::Client1<Labelled>;
type Client2 = crate::support::Client2<Labelled>;
type Client3 = crate::support::Client3<Labelled>;

/// Callers of three versions of one node.
struct Callers {
    first: Client1,
    second: Client2,
    third: Client3,
}

impl Callers {
    fn of(node: &Node) -> Self {
        Self {
            first: v1::inventory_client(within(node)),
            second: v2::inventory_client(within(node)),
            third: v3::inventory_client(within(node)),
        }
    }
}

async fn start(state: &Path, clock: &ManualClock) -> Node {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    inventory_node(state, &clock).start().await.unwrap_or_else(|error| panic!("{error}"))
}

async fn start_from(version: &str, state: &Path, clock: &ManualClock, mode: Mode) -> Node {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    inventory_node_from(version, state, &clock, mode).unwrap().start().await.unwrap_or_else(|error| panic!("{error}"))
}

async fn upgrade(node: &Node, to: &str) {
    node.upgrade(&version(to)).await.unwrap_or_else(|error| panic!("to {to}: {error}"));
    assert_eq!(node.version(), version(to));
}

async fn back(node: &Node) {
    node.rollback(Rollback::default()).await.unwrap_or_else(|error| panic!("back: {error}"));
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

/// The folder of the epoch that the state is in.
fn epoch(state: &Path) -> PathBuf {
    state.join(std::fs::read_to_string(state.join("CURRENT")).unwrap().trim())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_over_an_upgrade_is_answered_as_before_and_another_request_is_still_another() {
    for mode in [Mode::Eager, Mode::Online, Mode::Lazy] {
        let (state, clock) = (directory(), clock());
        let node = start_from("1.1.0", state.path(), &clock, mode).await;
        let mut callers = Callers::of(&node);
        let first = v1::Item { location: "x-1".into(), ..item1("put a", 5) };
        let put = v1::PutItemRequest { item: Some(first.clone()), request_id: "put a".into() };
        callers.first.put_item(put.clone()).await.unwrap();
        // What 2.0.0 says of a status is lost on the way down.
        let item = v2::Item { status: v2::ItemStatus::Active.into(), ..item2("c", 5) };
        let upsert = v2::UpsertItemRequest { item: Some(item), request_id: "put c".into() };
        let upserted = callers.second.upsert_item(upsert.clone()).await.unwrap().into_inner();
        let adjust = v1::AdjustStockRequest { sku: "put a".into(), delta: 3, request_id: "adjust".into() };
        let adjusted = callers.first.adjust_stock(adjust.clone()).await.unwrap().into_inner();
        let reserve = v1::ReserveRequest { sku: "put a".into(), quantity: 2, request_id: "reserve".into() };
        let reserved = callers.first.reserve(reserve.clone()).await.unwrap().into_inner();
        let import = |stock| {
            let first = v1::ImportItemsRequest { request_id: "import".into(), item: Some(item1("d", stock)) };
            tokio_stream::iter([first])
        };
        let imported = callers.first.import_items(import(5)).await.unwrap().into_inner();

        for to in ["1.1.0", "2.0.0", "3.0.0"] {
            if to != "1.1.0" {
                upgrade(&node, to).await;
                node.finalize().await.unwrap();
            }
            let place = format!("{mode:?} at {to}");
            let answer = callers.first.put_item(put.clone()).await.unwrap_or_else(|status| panic!("{place}: {status}"));
            assert_eq!(answer.into_inner().item.unwrap().stock, 5, "{place}: not what became of it since");
            let other = v1::Item { stock: 6, ..first.clone() };
            let other = v1::PutItemRequest { item: Some(other), request_id: "put a".into() };
            let status = callers.first.put_item(other).await.expect_err("another request");
            assert!(status.message().contains("belongs to another request"), "{place}: {status}");
            let answer = callers.second.upsert_item(upsert.clone()).await;
            assert_eq!(answer.unwrap_or_else(|status| panic!("{place}: {status}")).into_inner(), upserted, "{place}");
            assert_eq!(callers.first.adjust_stock(adjust.clone()).await.unwrap().into_inner(), adjusted, "{place}");
            let again =
                callers.first.reserve(reserve.clone()).await.unwrap_or_else(|status| panic!("{place}: {status}"));
            assert_eq!(again.into_inner(), reserved, "{place}");
            assert_eq!(callers.first.import_items(import(5)).await.unwrap().into_inner(), imported, "{place}");
            callers.first.import_items(import(6)).await.expect_err("another import");
            let item = callers.first.get_item(v1::GetItemRequest { sku: "put a".into() }).await.unwrap().into_inner();
            assert_eq!(item.stock, 6, "{place}: five and three, less two");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_goes_on_at_the_next_version_whether_its_object_was_copied_after_it_or_before() {
    for (mode, late) in [(Mode::Lazy, true), (Mode::Lazy, false), (Mode::Online, true), (Mode::Online, false)] {
        let (state, clock) = (directory(), clock());
        let node = start_from("1.1.0", state.path(), &clock, mode).await;
        let mut callers = Callers::of(&node);
        let put = v1::PutItemRequest { item: Some(item1("a", 10)), request_id: "put".into() };
        callers.first.put_item(put).await.unwrap();
        let reserve = |name: &str| v3::ReserveRequest {
            sku: "a".into(),
            quantity: 1,
            request_id: name.into(),
            ..v3::ReserveRequest::default()
        };
        let mut held = vec![callers.third.reserve(reserve("before")).await.unwrap().into_inner()];
        let within = std::time::Duration::from_secs(60);
        let prepared = node.prepare(&version("2.0.0"), within).await.unwrap_or_else(|error| panic!("{error}"));
        let copied = state.path().join("0002-2.0.0/future/3.0.0/records.redb");
        assert!(copied.exists(), "{mode:?}: copied while callers are served");
        if late {
            held.push(callers.third.reserve(reserve("after")).await.unwrap().into_inner());
        }
        node.switch(&prepared.name).await.unwrap_or_else(|error| panic!("{error}"));
        for held in held {
            let get = v3::GetReservationRequest { reservation_id: held.reservation_id.clone() };
            let found = callers.third.get_reservation(get).await;
            let found = found.unwrap_or_else(|status| panic!("{mode:?}, late: {late}: {status}"));
            assert_eq!(found.into_inner(), held, "{mode:?}, late: {late}");
        }
        // And what was left open is out of the way.
        back(&node).await;
        upgrade(&node, "2.0.0").await;
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_1_1_0_cannot_express_keeps_a_node_from_going_back_and_is_named() {
    let (state, clock) = (directory(), clock());
    let node = start(state.path(), &clock).await;
    let mut callers = Callers::of(&node);
    upgrade(&node, "2.0.0").await;
    let price = Some(v2::Money { currency_code: "EUR".into(), units: 7, nanos: 0 });
    let upsert = v2::UpsertItemRequest { item: Some(v2::Item { price, ..item2("a", 5) }), request_id: "euros".into() };
    callers.second.upsert_item(upsert.clone()).await.unwrap();
    let adjust = v2::AdjustStockRequest { sku: "a".into(), delta: 1, request_id: "adjust".into() };
    callers.second.adjust_stock(adjust.clone()).await.unwrap();

    let Err(MoveError::Refused { records, count }) = node.rollback(Rollback::default()).await else {
        panic!("euros are nothing that 1.1.0 knows")
    };
    assert_eq!((count, records[0].table.as_str(), &*records[0].key), (1, "items", b"a".as_slice()));
    assert!(records[0].why.contains("USD"), "{}", records[0].why);

    // Once the item has another price, only an answer of the last 24 hours has euros; that is no reason to stay.
    let upsert = v2::UpsertItemRequest {
        item: Some(v2::Item { price: Some(usd(7, 0)), ..item2("a", 9) }),
        request_id: "dollars".into(),
    };
    callers.second.upsert_item(upsert).await.unwrap();
    back(&node).await;
    assert_eq!(node.version(), version("1.1.0"));
    // It is not done again, and says that it has been done.
    assert_refusal(callers.second.adjust_stock(adjust).await, Reason::Lossy, Some("price.currency_code"), true);
    let item = callers.first.get_item(v1::GetItemRequest { sku: "a".into() }).await.unwrap().into_inner();
    assert_eq!(item.stock, 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_goes_on_at_its_version_whatever_version_a_new_one_would_begin_at() {
    let clock = clock();
    for begun in ["1.1.0", "2.0.0", "3.0.0"] {
        let state = directory();
        drop(start_from(begun, state.path(), &clock, Mode::Online).await);
        for asked in ["1.1.0", "2.0.0", "3.0.0"] {
            let node = start_from(asked, state.path(), &clock, Mode::Online).await;
            assert_eq!(node.version(), version(begun), "begun at {begun}, started as {asked}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_past_object_remembers_no_more_than_the_object_does() {
    let (state, clock) = (directory(), clock());
    let node = start_from("2.0.0", state.path(), &clock, Mode::Eager).await;
    upgrade(&node, "3.0.0").await;
    let mut callers = Callers::of(&node);
    let put = v2::UpsertItemRequest { item: Some(item2("a", 1_000)), request_id: "put".into() };
    callers.second.upsert_item(put).await.unwrap();
    let mut kept = Vec::new();
    let mut released = Vec::new();
    for number in 0..30 {
        let reserve = v2::ReserveRequest { sku: "a".into(), quantity: 1, request_id: format!("reserve {number}") };
        let id = callers.second.reserve(reserve).await.unwrap().into_inner().reservation_id;
        if number % 3 == 0 { kept.push(id) } else { released.push(id) }
    }
    for id in &released {
        let release = v2::ReleaseRequest { reservation_id: id.clone(), request_id: format!("release {id}") };
        callers.second.release(release).await.unwrap();
    }
    // The object remembers what has ended for a day.
    clock.advance(std::time::Duration::from_secs(25 * 60 * 60));
    for id in &released {
        let get = v3::GetReservationRequest { reservation_id: id.clone() };
        crate::support::soon(async {
            while callers.third.get_reservation(get.clone()).await.is_ok() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    for number in 30..70 {
        let reserve = v2::ReserveRequest { sku: "a".into(), quantity: 1, request_id: format!("reserve {number}") };
        kept.push(callers.second.reserve(reserve).await.unwrap().into_inner().reservation_id);
    }
    drop(callers);
    node.stop().await;
    let remembered = {
        let folder = epoch(state.path()).join("past/2.0.0");
        let layout = straddle::state::Layout::new().carried("own");
        let protocol = straddle::inventory::generated::protocol();
        let records = straddle::state::Records::open(&folder, &protocol, &version("2.0.0"), &layout).unwrap();
        let reading = records.read().unwrap();
        let range = reading.range("own", std::ops::Bound::Unbounded, std::ops::Bound::Unbounded).unwrap();
        range.map(|entry| String::from_utf8(entry.unwrap().0.to_vec()).unwrap()).collect::<Vec<_>>()
    };
    kept.sort();
    assert_eq!(remembered, kept, "sorted by id");
    // What is left are final reservations of 2.0.0 again.
    let node = start_from("2.0.0", state.path(), &clock, Mode::Eager).await;
    back(&node).await;
    let mut callers = Callers::of(&node);
    let release = v2::ReleaseRequest { reservation_id: kept[0].clone(), request_id: "release at last".into() };
    callers.second.release(release).await.unwrap();
    let item = callers.second.get_item(v2::GetItemRequest { sku: "a".into() }).await.unwrap().into_inner();
    assert_eq!(item.stock, 1_000 - 49);
}
