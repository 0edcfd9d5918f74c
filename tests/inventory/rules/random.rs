//! Random items of both versions, of which some hold one thing that is odd.
#![allow(clippy::assigning_clones, reason = "tests and peers say things plainly")]

use fastrand::Rng;
use straddle::inventory::generated::{v1_1_0 as v1, v2_0_0 as v2};

use crate::support::usd;

/// One item in so many is odd.
const ODD: u8 = 3;

pub(crate) fn item1(random: &mut Rng) -> v1::Item {
    let offers = |random: &mut Rng| {
        let offer = |_| v1::Offer { minimum_quantity: random.i32(1..), price: price1(random) };
        (0..2).map(offer).collect()
    };
    let mut item = v1::Item {
        sku: text(random, 1, 64),
        name: text(random, 1, 256),
        price: price1(random),
        stock: random.i64(0..=1_000_000_000_000),
        location: random.choice(["", "A", "A-7", "A-7-x", "-7", "ß-ß", "--"]).unwrap_or_default().to_owned(),
        updated: if random.bool() { 0 } else { random.i64(-62_135_596_800..=253_402_300_799) },
        revision: random.u64(..),
        attributes: [(text(random, 1, 64), text(random, 0, 1024))].into(),
        packaging: random.bool().then_some(v1::item::Packaging::Pallet(v1::Pallet { layers: 2, boxes_per_layer: 3 })),
        suppliers: Vec::new(),
        description: text(random, 0, 4096),
        tags: vec![text(random, 1, 64)],
    };
    if random.bool() {
        item.suppliers = vec![v1::Supplier { name: text(random, 1, 256), offers: offers(random) }];
    }
    // The location "--" would be joined to itself, as an aisle without a name and a bin "-".
    match random.u8(..ODD * 6) {
        0 => item.price = *random.choice(&[1e-10, 0.1 + 0.2, 1.0 / 3.0, f64::NAN, f64::INFINITY, 1e300]).unwrap(),
        1 => item.location = random.choice(["A-", "-", "A-7-"]).unwrap_or_default().to_owned(),
        2 => item.updated = *random.choice(&[i64::MAX, i64::MIN, 253_402_300_800]).unwrap(),
        3 => item.suppliers.extend([v1::Supplier {
            name: "odd".into(),
            offers: vec![v1::Offer { minimum_quantity: 1, price: 1e-12 }],
        }]),
        4 => item.location = "x".repeat(200),
        5 => item.stock = -1,
        _ => {}
    }
    item
}

pub(crate) fn item2(random: &mut Rng) -> v2::Item {
    let offers = |random: &mut Rng| {
        let offer = |_| v2::Offer { minimum_quantity: random.i32(1..), price: price2(random) };
        (0..2).map(offer).collect()
    };
    let mut item = v2::Item {
        sku: text(random, 1, 64),
        name: text(random, 1, 256),
        description: text(random, 0, 4096),
        tags: vec![text(random, 1, 64)],
        status: random.i32(0..=1),
        price: price2(random),
        stock: random.i64(0..=1_000_000_000_000),
        location: random.bool().then(|| {
            let aisle = *random.choice(&["", "A", "ß"]).unwrap();
            v2::Location { aisle: aisle.to_owned(), bin: text(random, 0, 40) }
        }),
        packaging: random.bool().then_some(v2::item::Packaging::Box(v2::Box {
            length_mm: random.i32(0..),
            width_mm: 0,
            height_mm: 9,
        })),
        suppliers: Vec::new(),
        attributes: [(text(random, 1, 64), text(random, 0, 1024))].into(),
        updated: random.bool().then(|| prost_types::Timestamp {
            seconds: random.i64(-62_135_596_800..=253_402_300_799),
            nanos: random.i32(0..1_000_000_000),
        }),
        revision: random.u64(..),
    };
    if random.bool() {
        item.suppliers = vec![v2::Supplier { name: text(random, 1, 256), offers: offers(random) }];
    }
    let money = |code: &str, units, nanos| Some(v2::Money { currency_code: code.to_owned(), units, nanos });
    match random.u8(..ODD * 8) {
        0 => item.price = money("EUR", random.i64(0..3), 0),
        1 => item.price = money("", 1, 0),
        2 => item.price = Some(usd(123_456_789_012, 123_456_789)),
        3 => item.price = Some(usd(random.i64(1..9), -1)),
        4 => item.status = 2,
        5 => item.status = *random.choice(&[3, -1, i32::MAX, i32::MIN]).unwrap(),
        6 => item.location = Some(v2::Location { aisle: "A-7".into(), bin: text(random, 0, 9) }),
        7 => item.location = Some(v2::Location { aisle: "x".repeat(random.usize(30..40)), bin: "y".repeat(29) }),
        _ => {}
    }
    item
}

pub(crate) fn text(random: &mut Rng, least: usize, most: usize) -> String {
    let letters = ["a", "-", "7", "ß", " "];
    let mut text = String::new();
    let length = random.usize(least..=most);
    while text.len() < length {
        text += letters[random.usize(..letters.len())];
    }
    if text.len() > most { "x".repeat(length) } else { text }
}

fn price1(random: &mut Rng) -> f64 {
    match random.u8(..8) {
        0 => 0.0,
        1 => (random.f64() * 1e12).floor(),
        2 => f64::from(random.u32(..)) / 1e9,
        _ => f64::from(random.u32(..)) / 100.0,
    }
}

fn price2(random: &mut Rng) -> Option<v2::Money> {
    match random.u8(..8) {
        0 => None,
        1 => Some(usd(random.i64(0..1_000_000), random.i32(0..1_000_000_000))),
        2 => Some(usd(0, 0)),
        _ => Some(usd(i64::from(random.i32(0..)), random.i32(0..100) * 10_000_000)),
    }
}
