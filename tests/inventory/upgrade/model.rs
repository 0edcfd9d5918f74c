//! Random reservations, by callers of every version, on a node that goes there and back, against a model.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use straddle::inventory::clock::Clock;
use straddle::inventory::generated::{v1_1_0 as v1, v2_0_0 as v2, v3_0_0 as v3};
use straddle::node::Node;
use v3::HoldState;

use super::{Callers, back, start, upgrade};
use crate::support::{clock, directory, item2, soon};

const SKUS: [&str; 3] = ["anvil", "bolt", "crate"];
const STOCK: i64 = 1_000;
const ROUNDS: usize = 60;

/// A request that was answered, and what.
#[derive(Clone, Debug)]
enum Answered {
    First(v1::ReserveRequest, v1::Reservation),
    Second(v2::ReserveRequest, v2::Reservation),
    Third(v3::ReserveRequest, v3::Reservation),
    Confirmed(v3::ConfirmRequest, v3::Reservation),
    Cancelled(v3::CancelRequest, v3::Reservation),
    /// By a caller of 2.0.0, or else of 3.0.0.
    Released(bool, v2::ReleaseRequest),
}

#[derive(Clone, Debug)]
struct Reserved {
    sku: &'static str,
    quantity: i64,
    state: HoldState,
    expires: Option<SystemTime>,
    /// Made by a caller of 3.0.0, who alone is sure to reach it.
    third: bool,
}

struct Model {
    random: fastrand::Rng,
    stock: BTreeMap<&'static str, i64>,
    reserved: BTreeMap<String, Reserved>,
    answered: Vec<Answered>,
    requests: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reservations_survive_every_move_to_the_piece() {
    for seed in [1, 2, 3] {
        println!("seed {seed}");
        let (state, clock) = (directory(), clock());
        let node = start(state.path(), &clock).await;
        let mut callers = Callers::of(&node);
        let mut model = Model {
            random: fastrand::Rng::with_seed(seed),
            stock: SKUS.map(|sku| (sku, STOCK)).into(),
            reserved: BTreeMap::new(),
            answered: Vec::new(),
            requests: 0,
        };
        for sku in SKUS {
            let put = v2::UpsertItemRequest { item: Some(item2(sku, STOCK)), request_id: format!("put {sku}") };
            callers.second.upsert_item(put).await.unwrap();
        }
        model.round(&mut callers, &clock).await;
        for step in ["2.0.0", "3.0.0", "back", "3.0.0", "back", "3.0.0"] {
            if step == "back" {
                back(&node).await;
            } else {
                upgrade(&node, step).await;
            }
            model.check(&mut callers, &clock, &node, step).await;
            if step == "2.0.0" {
                node.finalize().await.unwrap();
            }
            model.round(&mut callers, &clock).await;
            model.check(&mut callers, &clock, &node, step).await;
        }
    }
}

impl Model {
    async fn round(&mut self, callers: &mut Callers, clock: &straddle::inventory::clock::ManualClock) {
        for _ in 0..ROUNDS {
            match self.random.u8(0..12) {
                0..=5 => self.reserve(callers, clock.now()).await,
                6 | 7 => self.confirm(callers, clock.now()).await,
                8 => self.cancel(callers, clock.now()).await,
                9 | 10 => self.release(callers).await,
                _ => clock.advance(Duration::from_secs(self.random.u64(1..90))),
            }
            self.expire(clock.now());
        }
    }

    fn request(&mut self) -> String {
        self.requests += 1;
        format!("request {}", self.requests)
    }

    async fn reserve(&mut self, callers: &mut Callers, now: SystemTime) {
        let sku = SKUS[self.random.usize(..SKUS.len())];
        let quantity = self.random.i64(1..5);
        let request_id = self.request();
        let (id, expires, third) = match self.random.u8(0..4) {
            0 => {
                let request = v1::ReserveRequest { sku: sku.into(), quantity, request_id };
                let answer = callers.first.reserve(request.clone()).await.unwrap().into_inner();
                self.answered.push(Answered::First(request, answer.clone()));
                (answer.reservation_id, None, false)
            }
            1 => {
                let request = v2::ReserveRequest { sku: sku.into(), quantity, request_id };
                let answer = callers.second.reserve(request.clone()).await.unwrap().into_inner();
                self.answered.push(Answered::Second(request, answer.clone()));
                (answer.reservation_id, None, false)
            }
            _ => {
                let seconds = self.random.i64(60..900);
                let hold_for = Some(prost_types::Duration { seconds, nanos: 0 });
                let request = v3::ReserveRequest { sku: sku.into(), quantity, request_id, hold_for, if_revision: None };
                let answer = callers.third.reserve(request.clone()).await.unwrap().into_inner();
                self.answered.push(Answered::Third(request, answer.clone()));
                (answer.reservation_id, Some(now + Duration::from_secs(seconds.unsigned_abs())), true)
            }
        };
        let state = if third { HoldState::Held } else { HoldState::Confirmed };
        *self.stock.get_mut(sku).unwrap() -= quantity;
        let before = self.reserved.insert(id, Reserved { sku, quantity, state, expires, third });
        assert!(before.is_none(), "an id came twice");
    }

    async fn confirm(&mut self, callers: &mut Callers, now: SystemTime) {
        let Some(id) = self.some(|reserved| reserved.state == HoldState::Held, now) else { return };
        let request = v3::ConfirmRequest { reservation_id: id.clone(), request_id: self.request() };
        let answer = callers.third.confirm(request.clone()).await.unwrap().into_inner();
        assert_eq!(answer.state(), HoldState::Confirmed);
        self.answered.push(Answered::Confirmed(request, answer));
        self.reserved.get_mut(&id).unwrap().state = HoldState::Confirmed;
    }

    async fn cancel(&mut self, callers: &mut Callers, now: SystemTime) {
        let Some(id) = self.some(|reserved| reserved.state == HoldState::Held, now) else { return };
        let request = v3::CancelRequest { reservation_id: id.clone(), request_id: self.request() };
        let answer = callers.third.cancel(request.clone()).await.unwrap().into_inner();
        assert_eq!(answer.state(), HoldState::Cancelled);
        self.answered.push(Answered::Cancelled(request, answer));
        self.end(&id, HoldState::Cancelled);
    }

    async fn release(&mut self, callers: &mut Callers) {
        let Some(id) = self.some(|reserved| reserved.state == HoldState::Confirmed, SystemTime::UNIX_EPOCH) else {
            return;
        };
        let request = v2::ReleaseRequest { reservation_id: id.clone(), request_id: self.request() };
        let by_second = !self.reserved[&id].third && self.random.bool();
        release(callers, by_second, &request).await;
        self.answered.push(Answered::Released(by_second, request));
        self.end(&id, HoldState::Released);
    }

    fn end(&mut self, id: &str, state: HoldState) {
        let reserved = self.reserved.get_mut(id).unwrap();
        reserved.state = state;
        *self.stock.get_mut(reserved.sku).unwrap() += reserved.quantity;
    }

    fn expire(&mut self, now: SystemTime) {
        let expired = |reserved: &Reserved| {
            reserved.state == HoldState::Held && reserved.expires.is_some_and(|expires| expires <= now)
        };
        let ids: Vec<String> =
            self.reserved.iter().filter(|(_, reserved)| expired(reserved)).map(|(id, _)| id.clone()).collect();
        for id in ids {
            self.end(&id, HoldState::Expired);
        }
    }

    fn some(&mut self, which: impl Fn(&Reserved) -> bool, _now: SystemTime) -> Option<String> {
        let ids: Vec<&String> =
            self.reserved.iter().filter(|(_, reserved)| which(reserved)).map(|(id, _)| id).collect();
        (!ids.is_empty()).then(|| ids[self.random.usize(..ids.len())].clone())
    }

    /// Stock, states, and answers to retries: all is as it has to be, and the retries change nothing.
    async fn check(
        &self,
        callers: &mut Callers,
        clock: &straddle::inventory::clock::ManualClock,
        node: &Node,
        step: &str,
    ) {
        let place = format!("after {step}, at {}", node.version());
        for _ in 0..2 {
            for (sku, due) in &self.stock {
                self.stock_is(callers, sku, *due, &place).await;
            }
            for (id, reserved) in self.reserved.iter().filter(|(_, reserved)| reserved.third) {
                let request = v3::GetReservationRequest { reservation_id: id.clone() };
                let heard = callers.third.get_reservation(request).await;
                let heard = heard.unwrap_or_else(|status| panic!("{place}: {id}: {status}")).into_inner();
                let due = (reserved.state, reserved.quantity, reserved.expires.map(Into::into));
                assert_eq!((heard.state(), heard.quantity, heard.expire_time), due, "{place}: {id}");
            }
            for answered in &self.answered {
                answered.again(callers, &place).await;
            }
        }
        assert!(clock.now() < SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + 24 * 60 * 60));
    }

    /// The stock of holds that have expired comes back right after.
    async fn stock_is(&self, callers: &mut Callers, sku: &str, due: i64, place: &str) {
        let mut heard = 0;
        let wait = async {
            loop {
                let request = v2::GetItemRequest { sku: sku.into() };
                heard = callers.second.get_item(request).await.unwrap().into_inner().stock;
                if heard == due {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        let came = tokio::time::timeout(Duration::from_secs(20), wait).await;
        assert!(came.is_ok(), "{place}: there are {heard} of {sku}, where {due} were due");
        soon(async {}).await;
    }
}

impl Answered {
    async fn again(&self, callers: &mut Callers, place: &str) {
        let why = |status: tonic::Status| -> ! { panic!("{place}: {self:?}: {status}") };
        match self {
            Self::First(request, due) => {
                let heard = callers.first.reserve(request.clone()).await.unwrap_or_else(|status| why(status));
                assert_eq!(heard.into_inner(), *due, "{place}");
            }
            Self::Second(request, due) => {
                let heard = callers.second.reserve(request.clone()).await.unwrap_or_else(|status| why(status));
                assert_eq!(heard.into_inner(), *due, "{place}");
            }
            Self::Third(request, due) => {
                let heard = callers.third.reserve(request.clone()).await.unwrap_or_else(|status| why(status));
                assert_eq!(heard.into_inner(), *due, "{place}");
            }
            Self::Confirmed(request, due) => {
                let heard = callers.third.confirm(request.clone()).await.unwrap_or_else(|status| why(status));
                assert_eq!(heard.into_inner(), *due, "{place}");
            }
            Self::Cancelled(request, due) => {
                let heard = callers.third.cancel(request.clone()).await.unwrap_or_else(|status| why(status));
                assert_eq!(heard.into_inner(), *due, "{place}");
            }
            Self::Released(by_second, request) => release(callers, *by_second, request).await,
        }
    }
}

async fn release(callers: &mut Callers, by_second: bool, request: &v2::ReleaseRequest) {
    if by_second {
        callers.second.release(request.clone()).await.unwrap_or_else(|status| panic!("{request:?}: {status}"));
    } else {
        let v2::ReleaseRequest { reservation_id, request_id } = request.clone();
        let request = v3::ReleaseRequest { reservation_id, request_id };
        callers.third.release(request.clone()).await.unwrap_or_else(|status| panic!("{request:?}: {status}"));
    }
}
