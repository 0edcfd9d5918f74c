//! Holds that a crash has left half done, on a node that is upgraded next.

use std::sync::Arc;
use std::time::Duration;

use straddle::inventory::generated::{v2_0_0 as v2, v3_0_0 as v3};
use straddle::inventory::steps::v3_0_0::Future;
use tonic::Code;
use v3::HoldState;

use super::{Callers, back, epoch, start_from, upgrade};
use crate::support::{Client2, Client3, Lose, Server3, Wire, assert_error, clock, directory, item2, node2};
use straddle::state::Mode;

type Case = (&'static str, Option<(&'static str, Lose)>, i64, Option<HoldState>);

/// Which call to 2.0.0 was lost on the way, in doing what; how much stock is taken after the upgrade; what became of it.
const CASES: [Case; 9] = [
    ("reserve", Some(("Reserve", Lose::Request)), 0, None),
    ("reserve", Some(("Reserve", Lose::Answer)), 2, Some(HoldState::Held)),
    ("reserve", None, 2, Some(HoldState::Held)),
    ("confirm", None, 2, Some(HoldState::Confirmed)),
    ("cancel", Some(("Release", Lose::Request)), 0, Some(HoldState::Cancelled)),
    ("cancel", Some(("Release", Lose::Answer)), 0, Some(HoldState::Cancelled)),
    ("cancel", None, 0, Some(HoldState::Cancelled)),
    ("release", Some(("Release", Lose::Request)), 0, Some(HoldState::Released)),
    ("release", Some(("Release", Lose::Answer)), 0, Some(HoldState::Released)),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_crash_left_half_done_is_decided_by_what_2_0_0_has_done() {
    for (doing, lost, taken, state) in CASES {
        let place = format!("{doing}, lost: {lost:?}");
        let (folder, clock) = (directory(), clock());
        drop(start_from("2.0.0", folder.path(), &clock, Mode::Online).await);
        let states = epoch(folder.path());
        // The same objects, with a wire between them that can be cut.
        let wire = Wire::to(node2(&states.join("object"), &clock));
        let mut old = Client2::new(wire.clone());
        let put = v2::UpsertItemRequest { item: Some(item2("anvil", 5)), request_id: "put".into() };
        old.upsert_item(put).await.unwrap();
        let future = Future::open(states.join("future").join("3.0.0"), Arc::new(clock.clone()), old.clone()).unwrap();
        let mut new = Client3::new(Server3::new(future));
        let cut = |at: &str| {
            if let Some((method, lose)) = lost.filter(|_| doing == at) {
                wire.cut(method, lose);
            }
        };
        let hold_for = Some(prost_types::Duration { seconds: 300, nanos: 0 });
        let reserve = v3::ReserveRequest {
            sku: "anvil".into(),
            quantity: 2,
            request_id: "reserve".into(),
            hold_for,
            if_revision: None,
        };
        cut("reserve");
        let reserved = new.reserve(reserve.clone()).await.map(tonic::Response::into_inner);
        assert_eq!(reserved.is_err(), doing == "reserve" && lost.is_some(), "{place}");
        let id = reserved.as_ref().map(|reserved| reserved.reservation_id.clone()).unwrap_or_default();
        if matches!(doing, "confirm" | "release") {
            new.confirm(v3::ConfirmRequest { reservation_id: id.clone(), request_id: "confirm".into() }).await.unwrap();
        }
        let cancel = v3::CancelRequest { reservation_id: id.clone(), request_id: "cancel".into() };
        let release = v3::ReleaseRequest { reservation_id: id.clone(), request_id: "release".into() };
        cut(doing);
        match doing {
            "cancel" => assert_eq!(new.cancel(cancel.clone()).await.is_err(), lost.is_some(), "{place}"),
            "release" => assert_eq!(new.release(release.clone()).await.is_err(), lost.is_some(), "{place}"),
            _ => {}
        }
        drop((new, old, wire));

        let node = start_again(folder.path(), &clock).await;
        let mut callers = Callers::of(&node);
        for step in ["3.0.0", "2.0.0", "3.0.0"] {
            if step == "2.0.0" {
                back(&node).await;
            } else {
                upgrade(&node, step).await;
            }
            let place = format!("{place}, at {step}");
            assert_eq!(stock(&mut callers).await, 5 - taken, "{place}");
            if let (Some(state), false) = (state, id.is_empty()) {
                let request = v3::GetReservationRequest { reservation_id: id.clone() };
                assert_eq!(
                    callers.third.get_reservation(request).await.unwrap().into_inner().state(),
                    state,
                    "{place}"
                );
            }
        }
        // Whoever was not answered asks again.
        match (doing, state) {
            ("reserve", None) => {
                callers.third.reserve(reserve).await.unwrap();
                assert_eq!(stock(&mut callers).await, 3, "{place}: it is taken now");
            }
            ("reserve" | "confirm", _) => {
                let again = callers.third.reserve(reserve).await.unwrap().into_inner();
                assert_eq!(again.state(), HoldState::Held, "{place}");
                assert!(id.is_empty() || again.reservation_id == id, "{place}");
                assert_eq!(stock(&mut callers).await, 3, "{place}: it is taken once");
            }
            ("cancel", _) => {
                assert_eq!(callers.third.cancel(cancel).await.unwrap().into_inner().state(), HoldState::Cancelled);
            }
            _ => {
                callers.third.release(release).await.unwrap();
            }
        }
        let gone = v3::ReleaseRequest { reservation_id: "nothing".into(), request_id: "nothing".into() };
        assert_error(callers.third.release(gone).await, Code::NotFound, "nothing");
    }
}

/// A node over a state whose objects were open in this process; what ran in their background may hold it a moment longer.
async fn start_again(
    folder: &std::path::Path,
    clock: &straddle::inventory::clock::ManualClock,
) -> straddle::node::Node {
    let clock: Arc<dyn straddle::inventory::clock::Clock> = Arc::new(clock.clone());
    let end = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        match straddle::inventory::inventory_node(folder, &clock).start().await {
            Ok(node) => return node,
            Err(error) => assert!(
                error.to_string().contains("has these records open") && tokio::time::Instant::now() < end,
                "{error}"
            ),
        }
        tokio::task::yield_now().await;
    }
}

async fn stock(callers: &mut Callers) -> i64 {
    callers.second.get_item(v2::GetItemRequest { sku: "anvil".into() }).await.unwrap().into_inner().stock
}
