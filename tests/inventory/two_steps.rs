//! Callers two steps away from what the node runs: rules before a simulation object, and behind one.

use std::time::Duration;

use straddle::inventory::generated::v3_0_0::{self as v3, HoldState};
use straddle::inventory::generated::{v1_1_0 as v1, v2_0_0 as v2};
use tokio_stream::StreamExt;
use tonic::Code;

use crate::support::*;

#[tokio::test]
async fn a_caller_of_1_1_0_is_served_by_a_node_that_runs_3_0_0() {
    let (directory, clock) = (directory(), clock());
    let node = within(&node("3.0.0", directory.path(), &clock));
    let (mut old, mut new) = (v1::inventory_client(node.clone()), v3::inventory_client(node));

    let put = v1::PutItemRequest { item: Some(item1("anvil", 5)), request_id: "1".into() };
    old.put_item(put).await.unwrap();
    let reserve = v1::ReserveRequest { sku: "anvil".into(), quantity: 4, request_id: "2".into() };
    let reservation = old.reserve(reserve.clone()).await.unwrap().into_inner();
    clock.advance(Duration::from_secs(3600));
    assert_eq!(old.reserve(reserve).await.unwrap().into_inner(), reservation);

    // The new caller sees what the old one did, and the other way round.
    let id = reservation.reservation_id;
    let get = v3::GetReservationRequest { reservation_id: id.clone() };
    assert_eq!(new.get_reservation(get).await.unwrap().into_inner().state(), HoldState::Confirmed);
    let adjust = v3::AdjustStockRequest { sku: "anvil".into(), delta: 2, request_id: "3".into() };
    assert_eq!(new.adjust_stock(adjust).await.unwrap().into_inner().stock, 3);
    old.release(v1::ReleaseRequest { reservation_id: id, request_id: "4".into() }).await.unwrap();
    let watch = v1::WatchItemsRequest { after_revision: 0 };
    let event = old.watch_items(watch).await.unwrap().into_inner().next().await.unwrap().unwrap();
    assert_eq!((event.revision, event.item.unwrap().stock), (4, 7));
}

#[tokio::test]
async fn a_caller_of_3_0_0_is_served_by_a_node_that_runs_1_1_0() {
    let (directory, clock) = (directory(), clock());
    let node = within(&node("1.1.0", directory.path(), &clock));
    let mut new = v3::inventory_client(node.clone());
    let mut between = v2::inventory_client(node.clone());
    let mut old = v1::inventory_client(node);

    let price = Some(v3::Money { currency_code: "USD".into(), units: 19, nanos: 990_000_000 });
    let item = Some(v3::Item { price, ..item3("anvil", 5) });
    new.upsert_item(v3::UpsertItemRequest { item, request_id: "1".into() }).await.unwrap();
    let get = v1::GetItemRequest { sku: "anvil".into() };
    let expected = v1::Item { revision: 1, updated: 1_700_000_000, ..item1("anvil", 5) };
    assert_eq!(old.get_item(get.clone()).await.unwrap().into_inner(), expected);

    let reserve = |quantity, request_id: &str| v3::ReserveRequest {
        sku: "anvil".into(),
        quantity,
        request_id: request_id.into(),
        ..Default::default()
    };
    let kept = new.reserve(reserve(2, "2")).await.unwrap().into_inner().reservation_id;
    let lost = new.reserve(reserve(3, "3")).await.unwrap().into_inner().reservation_id;
    assert_error(new.reserve(reserve(1, "4")).await, Code::FailedPrecondition, "too little");
    let confirm =
        |id: &str, request_id: &str| v3::ConfirmRequest { reservation_id: id.into(), request_id: request_id.into() };
    new.confirm(confirm(&kept, "5")).await.unwrap();
    clock.advance(Duration::from_secs(300));
    assert_error(new.confirm(confirm(&lost, "6")).await, Code::FailedPrecondition, "expired");
    let mut events = old.watch_items(v1::WatchItemsRequest { after_revision: 3 }).await.unwrap().into_inner();
    assert_eq!(soon(events.next()).await.unwrap().unwrap().item.unwrap().stock, 3);
    new.release(v3::ReleaseRequest { reservation_id: kept, request_id: "7".into() }).await.unwrap();
    assert_eq!(old.get_item(get).await.unwrap().into_inner().stock, 5);

    // In between, a caller of 2.0.0 has nothing to do with the holds of 3.0.0.
    let release = v2::ReleaseRequest { reservation_id: lost.clone(), request_id: "8".into() };
    assert_error(between.release(release).await, Code::NotFound, &lost);
}
