//! The object of 3.0.0: holds.

use std::time::{Duration, SystemTime};

use straddle::inventory::clock::{Clock, ManualClock};
use straddle::inventory::generated::v3_0_0::{self as v3, HoldState};
use straddle::inventory::objects::v3_0_0::Object;
use tempfile::TempDir;
use tokio_stream::StreamExt;
use tonic::{Code, Status};

use crate::support::*;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A node that runs 3.0.0 and has 5 anvils.
struct Rig {
    clock: ManualClock,
    directory: TempDir,
    client: Client3<Server3<Object>>,
}

impl Rig {
    async fn new() -> Self {
        let (directory, clock) = (directory(), clock());
        let mut client = Client3::new(node3(directory.path(), &clock));
        let put = v3::UpsertItemRequest { item: Some(item3("anvil", 5)), request_id: "put".into() };
        client.upsert_item(put).await.unwrap();
        Self { clock, directory, client }
    }

    async fn reserve(
        &mut self,
        quantity: i64,
        request_id: &str,
        hold_for: Duration,
    ) -> Result<v3::Reservation, Status> {
        let hold_for = Some(hold_for.try_into().unwrap());
        let request = v3::ReserveRequest { hold_for, ..reserve(quantity, request_id) };
        Ok(self.client.reserve(request).await?.into_inner())
    }

    async fn confirm(&mut self, id: &str, request_id: &str) -> Result<HoldState, Status> {
        let request = v3::ConfirmRequest { reservation_id: id.into(), request_id: request_id.into() };
        Ok(self.client.confirm(request).await?.into_inner().state())
    }

    async fn cancel(&mut self, id: &str, request_id: &str) -> Result<HoldState, Status> {
        let request = v3::CancelRequest { reservation_id: id.into(), request_id: request_id.into() };
        Ok(self.client.cancel(request).await?.into_inner().state())
    }

    async fn release(&mut self, id: &str, request_id: &str) -> Result<(), Status> {
        let request = v3::ReleaseRequest { reservation_id: id.into(), request_id: request_id.into() };
        self.client.release(request).await.map(drop)
    }

    async fn state(&mut self, id: &str) -> Result<HoldState, Status> {
        let request = v3::GetReservationRequest { reservation_id: id.into() };
        Ok(self.client.get_reservation(request).await?.into_inner().state())
    }

    async fn stock(&mut self) -> i64 {
        self.client.get_item(v3::GetItemRequest { sku: "anvil".into() }).await.unwrap().into_inner().stock
    }

    /// Waits until the stock is so.
    async fn until_stock(&mut self, stock: i64) {
        let request = v3::WatchItemsRequest { after_revision: 0 };
        let mut events = self.client.watch_items(request).await.unwrap().into_inner();
        soon(async { while events.next().await.unwrap().unwrap().item.unwrap().stock != stock {} }).await;
    }
}

fn reserve(quantity: i64, request_id: &str) -> v3::ReserveRequest {
    v3::ReserveRequest { sku: "anvil".into(), quantity, request_id: request_id.into(), ..Default::default() }
}

fn expires(reservation: &v3::Reservation) -> SystemTime {
    reservation.expire_time.unwrap().try_into().unwrap()
}

#[tokio::test]
async fn a_hold_that_is_confirmed_stays() {
    let mut rig = Rig::new().await;
    let hold = rig.reserve(4, "1", SECOND).await.unwrap();
    assert_eq!((hold.state(), expires(&hold)), (HoldState::Held, rig.clock.now() + SECOND));
    assert_eq!((rig.stock().await, rig.state(&hold.reservation_id).await.unwrap()), (1, HoldState::Held));
    // To the last moment.
    rig.clock.advance(Duration::from_nanos(999_999_999));
    assert_eq!(rig.confirm(&hold.reservation_id, "2").await.unwrap(), HoldState::Confirmed);
    rig.clock.advance(HOUR);
    for request_id in ["2", "3"] {
        assert_eq!(rig.confirm(&hold.reservation_id, request_id).await.unwrap(), HoldState::Confirmed);
    }
    assert_eq!((rig.stock().await, rig.state(&hold.reservation_id).await.unwrap()), (1, HoldState::Confirmed));
    assert_error(rig.cancel(&hold.reservation_id, "4").await, Code::FailedPrecondition, "confirmed");
}

#[tokio::test]
async fn a_hold_that_expired_is_never_confirmed_and_its_stock_comes_back_by_itself() {
    let mut rig = Rig::new().await;
    let hold = rig.reserve(4, "1", SECOND).await.unwrap();
    rig.clock.advance(SECOND);
    // The background has had no chance to write it down yet.
    assert_error(rig.confirm(&hold.reservation_id, "2").await, Code::FailedPrecondition, "expired");
    assert_eq!(rig.state(&hold.reservation_id).await.unwrap(), HoldState::Expired);
    rig.until_stock(5).await;
    assert_error(rig.confirm(&hold.reservation_id, "3").await, Code::FailedPrecondition, "expired");
    assert_error(rig.cancel(&hold.reservation_id, "4").await, Code::FailedPrecondition, "expired");
    assert_error(rig.release(&hold.reservation_id, "5").await, Code::FailedPrecondition, "expired");
    // A retry is answered as the first time, and takes nothing.
    assert_eq!(rig.reserve(4, "1", SECOND).await.unwrap(), hold);
    assert_eq!(rig.stock().await, 5);
}

#[tokio::test]
async fn the_stock_of_an_expired_hold_can_be_reserved_at_once() {
    let mut rig = Rig::new().await;
    rig.reserve(3, "1", SECOND).await.unwrap();
    rig.reserve(2, "2", 2 * SECOND).await.unwrap();
    assert_error(rig.reserve(4, "3", SECOND).await, Code::FailedPrecondition, "too little");
    rig.clock.advance(2 * SECOND);
    rig.reserve(4, "3", SECOND).await.unwrap();
}

#[tokio::test]
async fn a_hold_that_is_cancelled_gives_back() {
    let mut rig = Rig::new().await;
    let hold = rig.reserve(4, "1", SECOND).await.unwrap();
    assert_error(rig.release(&hold.reservation_id, "2").await, Code::FailedPrecondition, "held");
    for request_id in ["3", "3", "4"] {
        assert_eq!(rig.cancel(&hold.reservation_id, request_id).await.unwrap(), HoldState::Cancelled);
        assert_eq!(rig.stock().await, 5);
    }
    assert_error(rig.confirm(&hold.reservation_id, "5").await, Code::FailedPrecondition, "cancelled");
    assert_eq!(rig.state(&hold.reservation_id).await.unwrap(), HoldState::Cancelled);
}

#[tokio::test]
async fn a_confirmed_hold_is_released_once_and_then_forgotten() {
    let mut rig = Rig::new().await;
    let hold = rig.reserve(4, "1", SECOND).await.unwrap();
    rig.confirm(&hold.reservation_id, "2").await.unwrap();
    for request_id in ["3", "3", "4"] {
        rig.release(&hold.reservation_id, request_id).await.unwrap();
        assert_eq!(rig.stock().await, 5);
    }
    assert_eq!(rig.state(&hold.reservation_id).await.unwrap(), HoldState::Released);
    rig.clock.advance(24 * HOUR);
    soon(async {
        while rig.state(&hold.reservation_id).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_error(rig.state(&hold.reservation_id).await, Code::NotFound, &hold.reservation_id);
}

#[tokio::test]
async fn holds_that_expired_while_the_node_was_down_are_ended_when_it_is_back() {
    let mut rig = Rig::new().await;
    for n in 0..4 {
        rig.reserve(1, &n.to_string(), SECOND).await.unwrap();
    }
    let Rig { clock, directory, client } = rig;
    drop(client);
    clock.advance(HOUR);
    let client = Client3::new(node3(directory.path(), &clock));
    Rig { clock, directory, client }.until_stock(5).await;
}

#[tokio::test]
async fn a_hold_can_depend_on_the_items_revision() {
    let mut rig = Rig::new().await;
    let request = |revision, request_id| v3::ReserveRequest { if_revision: Some(revision), ..reserve(1, request_id) };
    assert_error(rig.client.reserve(request(0, "1")).await, Code::Aborted, "revision 1");
    let hold = rig.client.reserve(request(1, "2")).await.unwrap().into_inner();
    assert_eq!(expires(&hold), rig.clock.now() + 300 * SECOND);
    assert_error(rig.client.reserve(request(1, "3")).await, Code::Aborted, "revision 2");
    // The retry of what was done is still that, though the revision has moved on.
    assert_eq!(rig.client.reserve(request(1, "2")).await.unwrap().into_inner(), hold);
}

#[tokio::test]
async fn a_hold_lasts_no_longer_than_an_hour() {
    let mut rig = Rig::new().await;
    for (seconds, nanos) in [(0, 0), (-1, 0), (3600, 1)] {
        let hold_for = Some(prost_types::Duration { seconds, nanos });
        let request = v3::ReserveRequest { hold_for, ..reserve(1, "1") };
        assert_error(rig.client.reserve(request).await, Code::InvalidArgument, "hold_for");
    }
    rig.reserve(1, "1", HOUR).await.unwrap();
}
