//! The past simulation object of 3.0.0: final reservations, made of holds.

use std::time::Duration;

use straddle::inventory::clock::ManualClock;
use straddle::inventory::generated::v2_0_0 as v2;
use straddle::inventory::generated::v3_0_0::{self as v3, HoldState};
use straddle::inventory::objects::v3_0_0::Object;
use straddle::inventory::steps::v3_0_0::Past;
use tempfile::TempDir;
use tokio_stream::StreamExt;
use tonic::{Code, Status};

use crate::support::*;

type Cable = Wire<Server3<Object>>;

/// A node that runs 3.0.0 and has 5 anvils, a caller of it, and a caller of 2.0.0 whose simulation object
/// hangs on a wire.
struct Rig {
    _directory: TempDir,
    clock: ManualClock,
    wire: Cable,
    new: Client3<Server3<Object>>,
    old: Client2<Server2<Past<Cable>>>,
}

impl Rig {
    async fn new() -> Self {
        let (directory, clock) = (directory(), clock());
        let node = node3(directory.path(), &clock);
        let wire = Wire::to(node.clone());
        let old = Client2::new(Server2::new(Past::new(Client3::new(wire.clone()))));
        let mut new = Client3::new(node);
        let put = v3::UpsertItemRequest { item: Some(item3("anvil", 5)), request_id: "put".into() };
        new.upsert_item(put).await.unwrap();
        Self { _directory: directory, clock, wire, new, old }
    }

    async fn reserve(&mut self, quantity: i64, request_id: &str) -> Result<v2::Reservation, Status> {
        let request = v2::ReserveRequest { sku: "anvil".into(), quantity, request_id: request_id.into() };
        Ok(self.old.reserve(request).await?.into_inner())
    }

    async fn state(&mut self, id: &str) -> HoldState {
        let request = v3::GetReservationRequest { reservation_id: id.into() };
        self.new.get_reservation(request).await.unwrap().into_inner().state()
    }

    async fn stock(&mut self) -> i64 {
        self.new.get_item(v3::GetItemRequest { sku: "anvil".into() }).await.unwrap().into_inner().stock
    }

    async fn until_stock(&mut self, stock: i64) {
        let request = v3::WatchItemsRequest { after_revision: 0 };
        let mut events = self.new.watch_items(request).await.unwrap().into_inner();
        soon(async { while events.next().await.unwrap().unwrap().item.unwrap().stock != stock {} }).await;
    }
}

#[tokio::test]
async fn a_reservation_of_an_old_caller_is_final_and_can_be_released() {
    let mut rig = Rig::new().await;
    let reservation = rig.reserve(4, "1").await.unwrap();
    let id = reservation.reservation_id.clone();
    let expected = v2::Reservation { reservation_id: id.clone(), sku: "anvil".into(), quantity: 4 };
    assert_eq!((reservation, rig.state(&id).await), (expected.clone(), HoldState::Confirmed));
    rig.clock.advance(Duration::from_secs(3600));
    assert_eq!((rig.reserve(4, "1").await.unwrap(), rig.stock().await), (expected, 1));
    // Release is the same in both versions, so an old caller's reaches the object itself.
    rig.new.release(v3::ReleaseRequest { reservation_id: id, request_id: "2".into() }).await.unwrap();
    assert_eq!(rig.stock().await, 5);
}

#[tokio::test]
async fn what_3_0_0_denies_is_denied() {
    let mut rig = Rig::new().await;
    assert_error(rig.reserve(6, "1").await, Code::FailedPrecondition, "too little");
    assert_error(rig.reserve(0, "1").await, Code::InvalidArgument, "quantity");
    assert_error(rig.reserve(1, "").await, Code::InvalidArgument, "request_id");
    // Nothing is taken for a request whose derived ids would be too long.
    assert_error(rig.reserve(1, &"x".repeat(119)).await, Code::InvalidArgument, "request_id");
    assert_eq!((rig.wire.seen(), rig.stock().await), (vec!["Reserve".into(), "Reserve".into()], 5));
    rig.reserve(1, &"x".repeat(118)).await.unwrap();
}

#[tokio::test]
async fn a_retry_goes_on_wherever_the_call_broke_off() {
    for (method, lose) in
        [("Reserve", Lose::Request), ("Reserve", Lose::Answer), ("Confirm", Lose::Request), ("Confirm", Lose::Answer)]
    {
        let mut rig = Rig::new().await;
        rig.wire.cut(method, lose);
        assert_error(rig.reserve(4, "1").await, Code::Unavailable, "cut");
        let reservation = rig.reserve(4, "1").await.unwrap();
        assert_eq!(rig.state(&reservation.reservation_id).await, HoldState::Confirmed, "{method} {lose:?}");
        assert_eq!(rig.stock().await, 1, "{method} {lose:?}");
    }
}

#[tokio::test]
async fn without_a_retry_the_stock_goes_back_by_itself() {
    let mut rig = Rig::new().await;
    rig.wire.cut("Confirm", Lose::Request);
    assert_error(rig.reserve(4, "1").await, Code::Unavailable, "cut");
    assert_eq!(rig.stock().await, 1);
    rig.clock.advance(Duration::from_secs(60));
    rig.until_stock(5).await;
}

#[tokio::test]
async fn a_retry_after_the_hold_expired_takes_another() {
    let mut rig = Rig::new().await;
    for _ in 0..2 {
        rig.wire.cut("Confirm", Lose::Request);
        assert_error(rig.reserve(4, "1").await, Code::Unavailable, "cut");
        rig.clock.advance(Duration::from_secs(60));
        rig.until_stock(5).await;
    }
    let reservation = rig.reserve(4, "1").await.unwrap();
    assert_eq!(rig.state(&reservation.reservation_id).await, HoldState::Confirmed);
    for _ in 0..2 {
        assert_eq!((rig.reserve(4, "1").await.unwrap(), rig.stock().await), (reservation.clone(), 1));
    }
}
