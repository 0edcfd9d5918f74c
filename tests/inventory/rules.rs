//! The rules between 1.1.0 and 2.0.0 against the conversions that a person wrote: random items, both ways, for every use;
//! and random calls, of nodes that rewrite and of simulation objects.

mod random;

use std::fmt::Debug;

use fastrand::Rng;
use prost::Message;
use straddle::inventory::generated::{protocol, v1_1_0 as v1, v2_0_0 as v2};
use straddle::inventory::steps::Channel;
use straddle::protocol::plan::Use;
use straddle::refusal::Refusal;
use straddle::rewrite::{Limits, Rewrite, RewriteError};
use tokio_stream::StreamExt;
use tonic::Status;

use crate::oracle::convert::{Within, item_to_v1, item_to_v2};
use crate::oracle::{future::Future, past::Past};
use crate::support::*;

const ROUNDS: usize = 3_000;
const CALLS: usize = 150;

/// What came of an item: it, or the path that is refused.
type Outcome<I> = Result<I, String>;

#[test]
fn items_of_1_1_0_become_what_a_person_would_make_of_them() {
    for used in Use::ALL {
        agree(1, 2, "inventory.v1.Item", used, random::item1, |item| {
            let item = item_to_v2(item.clone(), place(used)).map_err(|status| path(&status))?;
            Ok(without_zero_prices(item))
        });
    }
}

#[test]
fn items_of_2_0_0_become_what_a_person_would_make_of_them() {
    for used in Use::ALL {
        agree(2, 1, "inventory.v2.Item", used, random::item2, |item| {
            // Nobody wrote code for stored items; what they say is not lost.
            if used == Use::Stored && item.status() == v2::ItemStatus::Discontinued {
                return Err("status".to_owned());
            }
            item_to_v1(item.clone(), place(used)).map_err(|status| path(&status))
        });
    }
}

#[test]
fn amounts_that_a_person_refused_are_converted_too() {
    let item = |units, nanos| v2::Item { price: Some(usd(units, nanos)), ..item2("a", 1) };
    let down = Rewrite::new(&protocol(), 2, 1, "inventory.v2.Item", Use::Request).unwrap();
    let up = Rewrite::new(&protocol(), 1, 2, "inventory.v1.Item", Use::Request).unwrap();
    for (units, nanos, dollars) in [(-1, -500_000_000, -1.5), (0, -1, -1e-9), (-7, 0, -7.0)] {
        let old: v1::Item = rewritten(&down, &item(units, nanos)).unwrap();
        assert_eq!(old.price.to_bits(), f64::to_bits(dollars));
        let new: v2::Item = rewritten(&up, &old).unwrap();
        assert_eq!(new.price, Some(usd(units, nanos)));
    }
    let nothing = v2::Item { price: Some(v2::Money::default()), ..item2("a", 1) };
    assert_eq!(rewritten::<_, v1::Item>(&down, &nothing).unwrap().price.to_bits(), 0);
}

/// Holds the rules against `person` for random items.
fn agree<A, B>(
    from: usize,
    to: usize,
    message: &str,
    used: Use,
    item: fn(&mut Rng) -> A,
    person: impl Fn(&A) -> Outcome<B>,
) where
    A: Message + Debug,
    B: Message + Default + PartialEq + Debug,
{
    let rewrite = Rewrite::new(&protocol(), from, to, message, used).unwrap();
    let (seed, mut random) = seeded();
    let (mut converted, mut refused) = (0, 0);
    for _ in 0..ROUNDS {
        let item = item(&mut random);
        match (rewritten::<A, B>(&rewrite, &item), person(&item)) {
            (Ok(rewritten), Ok(expected)) => {
                assert_eq!(rewritten, expected, "seed {seed}, {used:?}: {item:?}");
                converted += 1;
            }
            // A person said which field of a response, and not which part.
            (Err(rules), Err(person)) if rules == person || rules.starts_with(&format!("{person}.")) => refused += 1,
            (rules, person) => panic!("seed {seed}, {used:?}: {rules:?} is not {person:?} of {item:?}"),
        }
    }
    assert!(converted > ROUNDS / 3 && refused > ROUNDS / 30, "{converted} converted, {refused} refused");
}

fn rewritten<A: Message, B: Message + Default>(rewrite: &Rewrite, item: &A) -> Outcome<B> {
    match rewrite.apply(&item.encode_to_vec().into(), &Limits::default()) {
        Ok(rewritten) => Ok(B::decode(rewritten.into_bytes()).unwrap()),
        Err(RewriteError::Refused(refusal)) => Err(refusal.path().unwrap_or_default().to_owned()),
        Err(error) => panic!("{error}"),
    }
}

fn place(used: Use) -> Within {
    if used == Use::Request { Within::Request } else { Within::Itself }
}

/// The path from the item on.
fn path(status: &Status) -> String {
    let refusal = Refusal::from_status(status).expect("a refusal");
    let path = refusal.path().unwrap_or_default();
    path.strip_prefix("item.").unwrap_or(path).to_owned()
}

/// No price is one of no dollars, which a person wrote out.
fn without_zero_prices(mut item: v2::Item) -> v2::Item {
    let offers = item.suppliers.iter_mut().flat_map(|supplier| &mut supplier.offers).map(|offer| &mut offer.price);
    for price in offers.chain([&mut item.price]) {
        if *price == Some(usd(0, 0)) {
            *price = None;
        }
    }
    item
}

/// Printed, so that a failure can be had again.
fn seeded() -> (u64, Rng) {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    (seed, Rng::with_seed(seed))
}

#[tokio::test]
async fn callers_of_1_1_0_are_answered_as_by_a_simulation_object() {
    let (directories, clock, (seed, _)) = ([directory(), directory()], clock(), seeded());
    let rewriting = v1::inventory_client(within(&node("2.0.0", directories[0].path(), &clock)));
    let simulating = Client1::new(Server1::new(Past::new(Client2::new(node2(directories[1].path(), &clock)))));
    assert_eq!(calls1(rewriting, seed).await, calls1(simulating, seed).await);
}

#[tokio::test]
async fn callers_of_2_0_0_are_answered_as_by_a_simulation_object() {
    let (directories, clock, (seed, _)) = ([directory(), directory()], clock(), seeded());
    let rewriting = v2::inventory_client(within(&node("1.1.0", directories[0].path(), &clock)));
    let simulating = Client2::new(Server2::new(Future::new(Client1::new(node1(directories[1].path(), &clock)))));
    assert_eq!(calls2(rewriting, seed).await, calls2(simulating, seed).await);
}

/// Random calls of one version, and what came of each.
macro_rules! calls {
    ($name:ident, $client:ident, $version:ident, $put:ident, $put_request:ident, $item:path, $same:path) => {
        async fn $name<S: Channel>(mut client: $client<S>, seed: u64) -> Vec<String> {
            let mut random = Rng::with_seed(seed);
            let mut told = vec![format!("seed {seed}")];
            for call in 0..CALLS {
                let sku = random.u8(..6).to_string();
                // Some are said again, and some are said of something else.
                let request_id = random.usize(call / 2..=call).to_string() + &"x".repeat(random.usize(..2));
                told.push(match random.u8(..6) {
                    0..=2 => {
                        let item = Some($version::Item { sku, ..$item(&mut random) });
                        let answer = client.$put($version::$put_request { item, request_id }).await;
                        said(answer.map(|answer| answer.into_inner().item.map($same)))
                    }
                    3 => said(
                        client.get_item($version::GetItemRequest { sku }).await.map(|item| $same(item.into_inner())),
                    ),
                    4 => {
                        let request = $version::AdjustStockRequest { sku, delta: random.i64(-5..5), request_id };
                        said(client.adjust_stock(request).await.map(|item| $same(item.into_inner())))
                    }
                    _ => {
                        let request = $version::ReserveRequest { sku, quantity: random.i64(..5).max(-1), request_id };
                        let answer = client.reserve(request).await;
                        // Each node gives its own ids.
                        said(answer.map(|answer| $version::Reservation {
                            reservation_id: String::new(),
                            ..answer.into_inner()
                        }))
                    }
                });
            }
            let mut items = client.list_items($version::ListItemsRequest::default()).await.unwrap().into_inner();
            while let Some(item) = items.next().await {
                told.push(said(item.map($same)));
            }
            told
        }
    };
}

calls!(calls1, Client1, v1, put_item, PutItemRequest, random::item1, std::convert::identity);
calls!(calls2, Client2, v2, upsert_item, UpsertItemRequest, random::item2, without_zero_prices);

/// An answer, or the error of it: refusals differ in their words.
fn said<T: Debug>(answer: Result<T, Status>) -> String {
    match answer {
        Ok(answer) => format!("{answer:?}"),
        Err(status) => match Refusal::from_status(&status) {
            Some(refusal) => format!("refused: {:?}", refusal.reason()),
            None => format!("{:?}: {}", status.code(), status.message()),
        },
    }
}
