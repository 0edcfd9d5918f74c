//! The messages that are measured.

use bytes::Bytes;
use prost::Message;

use crate::peers::base::{Address, Blob, Entry, Flat, Line, Many, Order};

/// Bytes of the large field.
const LARGE: usize = 1 << 20;
const ELEMENTS: i64 = 10_000;

/// A message of 1.0.0, by its name.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) bytes: Bytes,
}

pub(crate) fn all() -> [Sample; 4] {
    [
        Sample { name: "Order", bytes: order().encode_to_vec().into() },
        Sample { name: "Flat", bytes: flat().encode_to_vec().into() },
        Sample { name: "Blob", bytes: blob().encode_to_vec().into() },
        Sample { name: "Many", bytes: many().encode_to_vec().into() },
    ]
}

fn order() -> Order {
    let line = |sku: &str, quantity, price| Line { sku: sku.to_owned(), quantity, price };
    Order {
        id: "o-2026-11-0001734".to_owned(),
        customer: "Ada Lovelace".to_owned(),
        shipping: Some(Address {
            street: "12 St James's Square".to_owned(),
            city: "London".to_owned(),
            postcode: "SW1Y 4JH".to_owned(),
            country: "GB".to_owned(),
        }),
        lines: vec![line("screw-4x40", 250, 12), line("plank-oak-2m", 3, 4_599), line("hinge-brass", 8, 349)],
        total: 19_589,
        status: 2,
        note: "leave it with the neighbours, please".to_owned(),
        created: 1_795_000_000,
    }
}

fn flat() -> Flat {
    Flat {
        name: "gearbox".to_owned(),
        title: "Gearbox, six speeds".to_owned(),
        region: "eu-central".to_owned(),
        owner: "drivetrain".to_owned(),
        width: 320,
        height: 210,
        depth: 450,
        size: 30_240_000,
        offset: -17,
        count: 3,
        total: 1_234_567_890_123,
        active: true,
        hidden: true,
        weight: 41.5,
        price: 1_899.99,
        status: 1,
        created: 1_700_000_000,
        updated: 1_790_000_000_123,
        token: Bytes::from_static(b"\x00\x01\xfe\xff0123456789abcdef"),
        note: "serviced in May".to_owned(),
    }
}

fn blob() -> Blob {
    let content: Vec<u8> = (0..LARGE).map(|index| u8::try_from(index % 251).expect("below 251")).collect();
    Blob { name: "picture".to_owned(), content: content.into(), kind: 7 }
}

fn many() -> Many {
    let entry = |index: i64| Entry {
        key: format!("key-{index}"),
        value: index * 1_000,
        kind: i32::try_from(index % 7).expect("below 7"),
    };
    Many { name: "all".to_owned(), entries: (1..=ELEMENTS).map(entry).collect() }
}
