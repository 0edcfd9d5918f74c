//! A hold that nobody confirms: on every node it ends in time, and its stock comes back.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tonic::Code;

use super::caller::{Caller, Hold, Terms, Version};
use super::check::{answered, expect, fails};
use super::item::Item;
use super::tally::{Tally, Verdict};

const SKU: &str = "expiring";
const STOCK: i64 = 5;
const TAKEN: i64 = 2;
const HOLD_FOR: Duration = Duration::from_millis(500);
/// How long expiry may take beyond that.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(50);

pub(super) async fn check(mut caller: Box<dyn Caller>, cell: &'static str, tally: Arc<Tally>) {
    let count = |method, begun: Instant, verdict: &Verdict| {
        tally.count(Version::Fourth, cell, method, begun.elapsed(), verdict);
    };
    let item = Item { sku: SKU.to_owned(), name: "Expiring".to_owned(), stock: STOCK, ..Item::default() };
    let begun = Instant::now();
    let (verdict, put) = answered(caller.put(&item, "expiring-put").await, |_| Ok(()));
    count("UpsertItem", begun, &verdict);
    let begun = Instant::now();
    let terms = Terms { hold_for: Some(HOLD_FOR), if_revision: None };
    let (verdict, reserved) = answered(caller.reserve(SKU, TAKEN, "expiring-reserve", terms).await, |_| Ok(()));
    count("Reserve", begun, &verdict);
    let (Some(_), Some(reserved)) = (put, reserved) else { return };

    let since = Instant::now();
    loop {
        let begun = Instant::now();
        let (verdict, heard) = answered(caller.reservation(&reserved.id).await, |heard| {
            let may_be =
                matches!(heard.state, Some(Hold::Held | Hold::Expired)) && since.elapsed() < HOLD_FOR + PATIENCE;
            expect(may_be, || format!("a hold that nobody confirmed is {:?}", heard.state))
        });
        count("GetReservation", begun, &verdict);
        match heard {
            Some(heard) if heard.state == Some(Hold::Held) && verdict == Verdict::Answered => {
                tokio::time::sleep(PAUSE).await;
            }
            Some(_) => break,
            None => return,
        }
    }
    let begun = Instant::now();
    let verdict = fails(caller.confirm(&reserved.id, "expiring-confirm").await, Code::FailedPrecondition);
    count("Confirm", begun, &verdict);

    let since = Instant::now();
    loop {
        let begun = Instant::now();
        let (verdict, heard) = answered(caller.get(SKU).await, |heard| {
            let may_be = heard.stock == STOCK || (heard.stock == STOCK - TAKEN && since.elapsed() < PATIENCE);
            expect(may_be, || format!("after a hold has expired there are {} of {STOCK}", heard.stock))
        });
        count("GetItem", begun, &verdict);
        match heard {
            Some(heard) if heard.stock == STOCK - TAKEN && verdict == Verdict::Answered => {
                tokio::time::sleep(PAUSE).await;
            }
            _ => return,
        }
    }
}
