//! Items of the inventory, as far as they matter here, in the words of 1.1.0 and in those of 2.0.0 and 3.0.0.

use std::sync::LazyLock;

use prost::Message;

use crate::protocol::Protocol;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Old {
    #[prost(string, tag = "1")]
    sku: String,
    #[prost(double, tag = "3")]
    price: f64,
    #[prost(int64, tag = "4")]
    pub(super) stock: i64,
    #[prost(string, tag = "5")]
    location: String,
    #[prost(int64, tag = "6")]
    updated: i64,
    #[prost(uint64, tag = "7")]
    revision: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct New {
    #[prost(string, tag = "1")]
    sku: String,
    #[prost(int32, tag = "5")]
    status: i32,
    #[prost(message, optional, tag = "6")]
    pub(super) price: Option<Money>,
    #[prost(int64, tag = "7")]
    pub(super) stock: i64,
    #[prost(message, optional, tag = "8")]
    location: Option<Location>,
    #[prost(message, optional, tag = "13")]
    updated: Option<prost_types::Timestamp>,
    #[prost(uint64, tag = "14")]
    revision: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Money {
    #[prost(string, tag = "1")]
    pub(super) currency_code: String,
    #[prost(int64, tag = "2")]
    units: i64,
    #[prost(int32, tag = "3")]
    nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(string, tag = "1")]
    aisle: String,
    #[prost(string, tag = "2")]
    bin: String,
}

pub(super) fn protocol() -> Protocol {
    static INVENTORY: LazyLock<Protocol> = LazyLock::new(|| {
        Protocol::load(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/inventory")).expect("the inventory")
    });
    INVENTORY.clone()
}

#[allow(clippy::cast_precision_loss, reason = "the numbers here are small")]
pub(super) fn old(key: &[u8], number: i64) -> Old {
    Old {
        sku: String::from_utf8_lossy(key).into_owned(),
        price: number as f64 + 0.25,
        stock: number,
        location: "a-7".to_owned(),
        updated: 1_700_000_000 + number,
        revision: 7,
    }
}

pub(super) fn new(key: &[u8], number: i64, euro: bool) -> New {
    let currency_code = if euro { "EUR" } else { "USD" }.to_owned();
    New {
        sku: String::from_utf8_lossy(key).into_owned(),
        status: 1,
        price: Some(Money { currency_code, units: number, nanos: 250_000_000 }),
        stock: number,
        location: Some(Location { aisle: "a".to_owned(), bin: "7".to_owned() }),
        updated: Some(prost_types::Timestamp { seconds: 1_700_000_000 + number, nanos: 0 }),
        revision: 7,
    }
}
