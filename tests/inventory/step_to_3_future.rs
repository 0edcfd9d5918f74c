//! The future simulation object of 3.0.0: holds, made of final reservations.

use std::sync::Arc;
use std::time::Duration;

use straddle::inventory::clock::{Clock, ManualClock};
use straddle::inventory::generated::v2_0_0 as v2;
use straddle::inventory::generated::v3_0_0::{self as v3, HoldState};
use straddle::inventory::objects::v2_0_0::Object;
use straddle::inventory::steps::v3_0_0::Future;
use straddle::refusal::Reason;
use tempfile::TempDir;
use tokio_stream::StreamExt;
use tonic::{Code, Status};

use crate::support::*;

type Cable = Wire<Server2<Object>>;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A node that runs 2.0.0 and has 5 anvils, a caller of it, and a caller of 3.0.0 whose simulation object
/// hangs on a wire.
struct Rig {
    _directory: TempDir,
    state: TempDir,
    clock: ManualClock,
    wire: Cable,
    old: Client2<Server2<Object>>,
    new: Option<Client3<Server3<Future<Cable>>>>,
}

impl Rig {
    async fn new() -> Self {
        let (directory, state, clock) = (directory(), directory(), clock());
        let node = node2(directory.path(), &clock);
        let wire = Wire::to(node.clone());
        let mut old = Client2::new(node);
        let put = v2::UpsertItemRequest { item: Some(item2("anvil", 5)), request_id: "put".into() };
        old.upsert_item(put).await.unwrap();
        let mut rig = Self { _directory: directory, state, clock, wire, old, new: None };
        rig.restart().await;
        rig
    }

    /// Drops the simulation object, as a crash would, and opens it again.
    async fn restart(&mut self) {
        self.new = None;
        loop {
            let client = Client2::new(self.wire.clone());
            match Future::open(self.state.path(), Arc::new(self.clock.clone()), client) {
                Ok(future) => return self.new = Some(Client3::new(Server3::new(future))),
                // What ran in the background is being dropped.
                Err(error) => assert!(error.to_string().contains("has these records open"), "{error}"),
            }
            tokio::task::yield_now().await;
        }
    }

    fn new_client(&mut self) -> &mut Client3<Server3<Future<Cable>>> {
        self.new.as_mut().unwrap()
    }

    async fn reserve(&mut self, quantity: i64, request_id: &str) -> Result<v3::Reservation, Status> {
        let request = reserve(quantity, request_id);
        Ok(self.new_client().reserve(request).await?.into_inner())
    }

    async fn confirm(&mut self, id: &str, request_id: &str) -> Result<HoldState, Status> {
        let request = v3::ConfirmRequest { reservation_id: id.into(), request_id: request_id.into() };
        Ok(self.new_client().confirm(request).await?.into_inner().state())
    }

    async fn cancel(&mut self, id: &str, request_id: &str) -> Result<HoldState, Status> {
        let request = v3::CancelRequest { reservation_id: id.into(), request_id: request_id.into() };
        Ok(self.new_client().cancel(request).await?.into_inner().state())
    }

    async fn release(&mut self, id: &str, request_id: &str) -> Result<(), Status> {
        let request = v3::ReleaseRequest { reservation_id: id.into(), request_id: request_id.into() };
        self.new_client().release(request).await.map(drop)
    }

    async fn state(&mut self, id: &str) -> Result<HoldState, Status> {
        let request = v3::GetReservationRequest { reservation_id: id.into() };
        Ok(self.new_client().get_reservation(request).await?.into_inner().state())
    }

    async fn stock(&mut self) -> i64 {
        self.old.get_item(v2::GetItemRequest { sku: "anvil".into() }).await.unwrap().into_inner().stock
    }

    /// Lets time go by until the stock is so.
    async fn until_stock(&mut self, stock: i64) {
        soon(async {
            while self.stock().await != stock {
                self.clock.advance(SECOND);
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
            }
        })
        .await;
    }

    /// Waits until what is done in the background has come so far.
    async fn until_seen(&mut self, methods: &[&str]) {
        soon(async {
            while self.wire.seen() != methods {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

fn reserve(quantity: i64, request_id: &str) -> v3::ReserveRequest {
    let hold_for = Some(prost_types::Duration { seconds: 60, nanos: 0 });
    v3::ReserveRequest { sku: "anvil".into(), quantity, request_id: request_id.into(), hold_for, if_revision: None }
}

#[tokio::test]
async fn a_hold_takes_its_stock_at_once_and_keeps_it_when_it_is_confirmed() {
    let mut rig = Rig::new().await;
    let hold = rig.reserve(4, "1").await.unwrap();
    let expires = (rig.clock.now() + 60 * SECOND).into();
    let expected = v3::Reservation {
        reservation_id: hold.reservation_id.clone(),
        sku: "anvil".into(),
        quantity: 4,
        expire_time: Some(expires),
        state: HoldState::Held.into(),
    };
    assert_eq!((&hold, rig.stock().await), (&expected, 1));
    assert_eq!(rig.reserve(4, "1").await.unwrap(), expected);
    rig.clock.advance(Duration::new(59, 999_999_999));
    assert_eq!(rig.state(&hold.reservation_id).await.unwrap(), HoldState::Held);
    for request_id in ["2", "2", "3"] {
        assert_eq!(rig.confirm(&hold.reservation_id, request_id).await.unwrap(), HoldState::Confirmed);
    }
    rig.clock.advance(HOUR);
    rig.restart().await;
    assert_eq!(rig.state(&hold.reservation_id).await.unwrap(), HoldState::Confirmed);
    assert_eq!(rig.stock().await, 1);
    assert_error(rig.cancel(&hold.reservation_id, "4").await, Code::FailedPrecondition, "confirmed");
    // 2.0.0 was asked once.
    assert_eq!(rig.wire.seen(), ["Reserve"]);
}

#[tokio::test]
async fn a_hold_that_expired_is_never_confirmed_and_gives_back() {
    let mut rig = Rig::new().await;
    let hold = rig.reserve(4, "1").await.unwrap();
    rig.clock.advance(60 * SECOND);
    assert_error(rig.confirm(&hold.reservation_id, "2").await, Code::FailedPrecondition, "expired");
    rig.until_seen(&["Reserve", "Release"]).await;
    rig.until_stock(5).await;
    assert_error(rig.confirm(&hold.reservation_id, "3").await, Code::FailedPrecondition, "expired");
    assert_error(rig.cancel(&hold.reservation_id, "4").await, Code::FailedPrecondition, "expired");
    assert_error(rig.release(&hold.reservation_id, "5").await, Code::FailedPrecondition, "expired");
    assert_eq!(rig.state(&hold.reservation_id).await.unwrap(), HoldState::Expired);
    assert_eq!((rig.reserve(4, "1").await.unwrap(), rig.stock().await), (hold, 5));
}

#[tokio::test]
async fn a_hold_is_cancelled_or_released_once() {
    let mut rig = Rig::new().await;
    let hold = rig.reserve(4, "1").await.unwrap().reservation_id;
    assert_error(rig.release(&hold, "2").await, Code::FailedPrecondition, "held");
    for request_id in ["3", "3", "4"] {
        assert_eq!(rig.cancel(&hold, request_id).await.unwrap(), HoldState::Cancelled);
        assert_eq!(rig.stock().await, 5);
    }
    assert_error(rig.confirm(&hold, "5").await, Code::FailedPrecondition, "cancelled");

    let hold = rig.reserve(3, "6").await.unwrap().reservation_id;
    rig.confirm(&hold, "7").await.unwrap();
    for request_id in ["8", "8", "9"] {
        rig.release(&hold, request_id).await.unwrap();
        assert_eq!((rig.stock().await, rig.state(&hold).await.unwrap()), (5, HoldState::Released));
    }
    assert_eq!(rig.wire.seen(), ["Reserve", "Release", "Reserve", "Release"]);
    // A day later it is forgotten.
    rig.clock.advance(24 * HOUR);
    soon(async {
        while rig.state(&hold).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_error(rig.state(&hold).await, Code::NotFound, &hold);
}

#[tokio::test]
async fn what_2_0_0_denies_is_denied_and_leaves_no_trace() {
    let mut rig = Rig::new().await;
    assert_error(rig.reserve(6, "1").await, Code::FailedPrecondition, "too little");
    let more = v2::AdjustStockRequest { sku: "anvil".into(), delta: 1, request_id: "more".into() };
    rig.old.adjust_stock(more).await.unwrap();
    // It was not remembered, so the id may even come with another request.
    rig.reserve(5, "1").await.unwrap();
    rig.clock.advance(HOUR);
    rig.until_stock(6).await;
    let missing = v3::ReserveRequest { sku: "spoon".into(), ..reserve(1, "2") };
    assert_error(rig.new_client().reserve(missing).await, Code::NotFound, "spoon");
    assert_error(rig.reserve(0, "3").await, Code::InvalidArgument, "quantity");
    assert_eq!(rig.stock().await, 6);
}

#[tokio::test]
async fn a_denied_retry_leaves_open_whether_the_first_try_took_anything() {
    let mut rig = Rig::new().await;
    rig.wire.cut("Reserve", Lose::Request);
    assert_error(rig.reserve(4, "1").await, Code::Unavailable, "cut");
    let less = v2::AdjustStockRequest { sku: "anvil".into(), delta: -3, request_id: "less".into() };
    rig.old.adjust_stock(less).await.unwrap();
    assert_error(rig.reserve(4, "1").await, Code::FailedPrecondition, "too little");
    assert_error(rig.reserve(2, "1").await, Code::InvalidArgument, "request_id");
    // When it would have expired, 2.0.0 is asked a last time.
    rig.clock.advance(60 * SECOND);
    rig.until_seen(&["Reserve", "Reserve", "Reserve"]).await;
    soon(async {
        while rig.reserve(2, "1").await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(rig.stock().await, 0);
}

#[tokio::test]
async fn an_id_of_one_request_is_not_good_for_another() {
    let mut rig = Rig::new().await;
    // Not while it is under way ...
    rig.wire.cut("Reserve", Lose::Answer);
    assert_error(rig.reserve(2, "1").await, Code::Unavailable, "cut");
    assert_error(rig.reserve(3, "1").await, Code::InvalidArgument, "request_id");
    // ... and not when it was answered.
    let hold = rig.reserve(2, "1").await.unwrap().reservation_id;
    assert_error(rig.reserve(3, "1").await, Code::InvalidArgument, "request_id");
    assert_error(rig.confirm(&hold, "1").await, Code::InvalidArgument, "request_id");
    assert_error(rig.cancel(&hold, "1").await, Code::InvalidArgument, "request_id");
    assert_eq!((rig.stock().await, rig.state(&hold).await.unwrap()), (3, HoldState::Held));
}

#[tokio::test]
async fn what_2_0_0_cannot_do_is_refused() {
    let mut rig = Rig::new().await;
    let request = v3::ReserveRequest { if_revision: Some(1), ..reserve(1, "1") };
    let outcome = rig.new_client().reserve(request).await;
    assert_refusal(outcome, Reason::Lossy, Some("if_revision"), false);
    assert_eq!((rig.wire.seen().len(), rig.stock().await), (0, 5));

    // A reservation of 2.0.0's own may exist or not: nobody can tell.
    let request = v2::ReserveRequest { sku: "anvil".into(), quantity: 2, request_id: "2".into() };
    let id = rig.old.reserve(request).await.unwrap().into_inner().reservation_id;
    assert_refusal(rig.confirm(&id, "3").await, Reason::Disallowed, None, false);
    assert_refusal(rig.cancel(&id, "4").await, Reason::Disallowed, None, false);
    assert_refusal(rig.state(&id).await, Reason::Disallowed, None, false);
    // But it can be released.
    rig.release(&id, "5").await.unwrap();
    assert_eq!(rig.stock().await, 5);
    // Of its own holds the simulation object knows what there is not.
    assert_error(rig.state("hold-0").await, Code::NotFound, "hold-0");
    assert_error(rig.confirm("hold-0", "6").await, Code::NotFound, "hold-0");
    assert_error(rig.release("hold-0", "7").await, Code::NotFound, "hold-0");
}

#[tokio::test]
async fn callers_of_2_0_0_cannot_release_the_stock_beneath_a_hold() {
    let mut rig = Rig::new().await;
    let hold = rig.reserve(4, "1").await.unwrap().reservation_id;
    let release = v2::ReleaseRequest { reservation_id: hold.clone(), request_id: "2".into() };
    assert_error(rig.old.release(release).await, Code::NotFound, &hold);
    assert_eq!((rig.confirm(&hold, "3").await.unwrap(), rig.stock().await), (HoldState::Confirmed, 1));
}

#[tokio::test]
async fn a_retry_after_a_crash_in_the_middle_of_reserve_is_the_same_hold() {
    for lose in [Lose::Request, Lose::Answer] {
        let mut rig = Rig::new().await;
        rig.wire.cut("Reserve", lose);
        let expires = rig.clock.now() + 60 * SECOND;
        assert_error(rig.reserve(4, "1").await, Code::Unavailable, "cut");
        rig.restart().await;
        rig.clock.advance(59 * SECOND);
        let hold = rig.reserve(4, "1").await.unwrap();
        assert_eq!(hold.expire_time, Some(expires.into()), "{lose:?}");
        assert_eq!(rig.confirm(&hold.reservation_id, "2").await.unwrap(), HoldState::Confirmed, "{lose:?}");
        assert_eq!(rig.stock().await, 1, "{lose:?}");
    }
}

#[tokio::test]
async fn a_reserve_that_is_never_retried_gives_back_what_it_may_have_taken() {
    for lose in [Lose::Request, Lose::Answer] {
        let mut rig = Rig::new().await;
        rig.wire.cut("Reserve", lose);
        assert_error(rig.reserve(4, "1").await, Code::Unavailable, "cut");
        rig.restart().await;
        rig.clock.advance(60 * SECOND);
        // It asks 2.0.0 what became of the reservation, and releases it.
        rig.until_seen(&["Reserve", "Reserve", "Release"]).await;
        rig.until_stock(5).await;
        // A later retry is a new hold.
        rig.reserve(5, "2").await.unwrap();
        assert_eq!(rig.stock().await, 0, "{lose:?}");
    }
}

#[tokio::test]
async fn a_retry_after_the_unfinished_hold_has_expired_is_a_new_hold() {
    for lose in [Lose::Request, Lose::Answer] {
        let mut rig = Rig::new().await;
        rig.wire.cut("Reserve", lose);
        assert_error(rig.reserve(4, "1").await, Code::Unavailable, "cut");
        rig.clock.advance(60 * SECOND);
        let hold = rig.reserve(4, "1").await.unwrap();
        assert_eq!(hold.expire_time, Some((rig.clock.now() + 60 * SECOND).into()));
        assert_eq!(rig.confirm(&hold.reservation_id, "2").await.unwrap(), HoldState::Confirmed);
        assert_eq!(rig.stock().await, 1, "{lose:?}");
    }
}

#[tokio::test]
async fn a_cancel_that_broke_off_is_not_undone() {
    for (lose, retried) in [(Lose::Request, true), (Lose::Answer, true), (Lose::Request, false), (Lose::Answer, false)]
    {
        let mut rig = Rig::new().await;
        let hold = rig.reserve(4, "1").await.unwrap().reservation_id;
        rig.wire.cut("Release", lose);
        assert_error(rig.cancel(&hold, "2").await, Code::Unavailable, "cut");
        rig.restart().await;
        // Whether or not the stock is back already, it is not a hold any more.
        assert_error(rig.confirm(&hold, "3").await, Code::FailedPrecondition, "cancelled");
        if retried {
            assert_eq!(rig.cancel(&hold, "2").await.unwrap(), HoldState::Cancelled);
            assert_eq!(rig.stock().await, 5, "{lose:?}");
        }
        // The background finishes it by itself.
        rig.until_stock(5).await;
        assert_eq!(rig.cancel(&hold, "2").await.unwrap(), HoldState::Cancelled);
        assert_eq!((rig.state(&hold).await.unwrap(), rig.stock().await), (HoldState::Cancelled, 5));
    }
}

#[tokio::test]
async fn a_release_that_broke_off_is_finished() {
    for lose in [Lose::Request, Lose::Answer] {
        let mut rig = Rig::new().await;
        let hold = rig.reserve(4, "1").await.unwrap().reservation_id;
        rig.confirm(&hold, "2").await.unwrap();
        rig.wire.cut("Release", lose);
        assert_error(rig.release(&hold, "3").await, Code::Unavailable, "cut");
        rig.restart().await;
        rig.until_stock(5).await;
        rig.release(&hold, "3").await.unwrap();
        assert_eq!((rig.state(&hold).await.unwrap(), rig.stock().await), (HoldState::Released, 5));
    }
}

#[tokio::test]
async fn an_expiry_that_broke_off_is_tried_again() {
    for lose in [Lose::Request, Lose::Answer] {
        for crash in [false, true] {
            let mut rig = Rig::new().await;
            let hold = rig.reserve(4, "1").await.unwrap().reservation_id;
            rig.wire.cut("Release", lose);
            rig.clock.advance(60 * SECOND);
            rig.until_seen(&["Reserve", "Release"]).await;
            if crash {
                rig.restart().await;
            }
            assert_error(rig.confirm(&hold, "2").await, Code::FailedPrecondition, "expired");
            rig.until_stock(5).await;
            soon(async {
                while rig.wire.seen().len() < 3 {
                    rig.clock.advance(SECOND);
                    tokio::task::yield_now().await;
                }
            })
            .await;
            assert_eq!((rig.state(&hold).await.unwrap(), rig.stock().await), (HoldState::Expired, 5));
        }
    }
}

#[tokio::test]
async fn holds_that_expired_while_the_node_was_down_give_back_when_it_is_up() {
    let mut rig = Rig::new().await;
    for n in 0..4 {
        rig.reserve(1, &n.to_string()).await.unwrap();
    }
    rig.new = None;
    rig.clock.advance(HOUR);
    tokio::task::yield_now().await;
    assert_eq!(rig.stock().await, 1);
    rig.restart().await;
    rig.until_stock(5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn retries_at_the_same_time_are_one_hold() {
    let mut rig = Rig::new().await;
    rig.wire.cut("Reserve", Lose::Answer);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let mut client = rig.new_client().clone();
        calls.spawn(async move { client.reserve(reserve(2, "1")).await.map(tonic::Response::into_inner) });
    }
    let answers = calls.join_all().await;
    let holds: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
    assert_eq!(holds.len(), 15);
    assert!(holds.iter().all(|hold| *hold == holds[0]));
    assert_eq!(rig.stock().await, 3);
}

#[tokio::test]
async fn the_background_ends_with_its_object() {
    let mut rig = Rig::new().await;
    rig.reserve(4, "1").await.unwrap();
    let mut events = rig.old.watch_items(v2::WatchItemsRequest { after_revision: 2 }).await.unwrap().into_inner();
    rig.new = None;
    rig.clock.advance(HOUR);
    let put = v2::UpsertItemRequest { item: Some(item2("spoon", 1)), request_id: "2".into() };
    rig.old.upsert_item(put).await.unwrap();
    // Nobody gave the stock back before.
    assert_eq!(events.next().await.unwrap().unwrap().item.unwrap().sku, "spoon");
    assert_eq!((rig.wire.seen().len(), rig.stock().await), (1, 1));
}
