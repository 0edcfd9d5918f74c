//! Types change: widths, signs, units, times, numbers of enums, text.
#![allow(clippy::needless_pass_by_value, reason = "tests and peers say things plainly")]

use super::base;

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Order {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(string, tag = "2")]
    pub(crate) customer: String,
    #[prost(message, optional, tag = "3")]
    pub(crate) shipping: Option<Address>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) lines: Vec<Line>,
    #[prost(sint64, tag = "5")]
    pub(crate) total: i64,
    #[prost(int32, tag = "6")]
    pub(crate) status: i32,
    #[prost(string, tag = "7")]
    pub(crate) note: String,
    #[prost(message, optional, tag = "8")]
    pub(crate) created: Option<prost_types::Timestamp>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Address {
    #[prost(string, tag = "1")]
    pub(crate) street: String,
    #[prost(string, tag = "2")]
    pub(crate) city: String,
    #[prost(string, tag = "3")]
    pub(crate) postcode: String,
    #[prost(string, tag = "4")]
    pub(crate) country: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Line {
    #[prost(string, tag = "1")]
    pub(crate) sku: String,
    #[prost(int64, tag = "2")]
    pub(crate) quantity: i64,
    #[prost(sint64, tag = "3")]
    pub(crate) price: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Flat {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) title: String,
    #[prost(string, tag = "3")]
    pub(crate) region: String,
    #[prost(string, tag = "4")]
    pub(crate) owner: String,
    #[prost(sint64, tag = "5")]
    pub(crate) width: i64,
    #[prost(int32, tag = "6")]
    pub(crate) height: i32,
    #[prost(int32, tag = "7")]
    pub(crate) depth: i32,
    #[prost(int64, tag = "8")]
    pub(crate) size: i64,
    #[prost(int64, tag = "9")]
    pub(crate) offset: i64,
    #[prost(uint32, tag = "10")]
    pub(crate) count: u32,
    #[prost(string, tag = "11")]
    pub(crate) total: String,
    #[prost(bool, tag = "12")]
    pub(crate) active: bool,
    #[prost(bool, tag = "13")]
    pub(crate) hidden: bool,
    #[prost(float, tag = "14")]
    pub(crate) weight: f32,
    #[prost(double, tag = "15")]
    pub(crate) price: f64,
    #[prost(int32, tag = "16")]
    pub(crate) status: i32,
    #[prost(message, optional, tag = "17")]
    pub(crate) created: Option<prost_types::Timestamp>,
    #[prost(message, optional, tag = "18")]
    pub(crate) updated: Option<prost_types::Timestamp>,
    #[prost(bytes = "bytes", tag = "19")]
    pub(crate) token: bytes::Bytes,
    #[prost(string, tag = "20")]
    pub(crate) note: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Blob {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) content: bytes::Bytes,
    #[prost(string, tag = "3")]
    pub(crate) kind: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Many {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, repeated, tag = "2")]
    pub(crate) entries: Vec<Entry>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Entry {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(sint64, tag = "2")]
    pub(crate) value: i64,
    #[prost(int64, tag = "3")]
    pub(crate) kind: i64,
}

impl From<base::Order> for Order {
    fn from(old: base::Order) -> Self {
        Self {
            id: old.id,
            customer: old.customer,
            shipping: old.shipping.map(Into::into),
            lines: old.lines.into_iter().map(Into::into).collect(),
            total: old.total * 10,
            status: status(old.status),
            note: old.note,
            created: time(old.created, 1),
        }
    }
}

impl From<base::Address> for Address {
    fn from(old: base::Address) -> Self {
        Self { street: old.street, city: old.city, postcode: old.postcode, country: old.country }
    }
}

impl From<base::Line> for Line {
    fn from(old: base::Line) -> Self {
        Self { sku: old.sku, quantity: old.quantity.into(), price: old.price }
    }
}

impl From<base::Flat> for Flat {
    fn from(old: base::Flat) -> Self {
        Self {
            name: old.name,
            title: old.title,
            region: old.region,
            owner: old.owner,
            width: old.width.into(),
            height: old.height,
            depth: old.depth,
            size: old.size,
            offset: old.offset,
            count: old.count,
            total: text(old.total),
            active: old.active,
            hidden: old.hidden,
            weight: single(old.weight),
            price: old.price,
            status: status(old.status),
            created: time(old.created, 1),
            updated: time(old.updated, 1000),
            token: old.token,
            note: old.note,
        }
    }
}

impl From<base::Blob> for Blob {
    fn from(old: base::Blob) -> Self {
        Self { name: old.name, content: old.content, kind: text(old.kind) }
    }
}

impl From<base::Many> for Many {
    fn from(old: base::Many) -> Self {
        Self { name: old.name, entries: old.entries.into_iter().map(Into::into).collect() }
    }
}

impl From<base::Entry> for Entry {
    fn from(old: base::Entry) -> Self {
        Self { key: old.key, value: old.value, kind: old.kind.into() }
    }
}

/// A value was put in at 1.
fn status(old: i32) -> i32 {
    assert!((0..=3).contains(&old), "no status: {old}");
    if old == 0 { 0 } else { old + 1 }
}

fn time(count: i64, a_second: i64) -> Option<prost_types::Timestamp> {
    let nanos = (count % a_second) * (1_000_000_000 / a_second);
    let nanos = i32::try_from(nanos).expect("less than a second");
    (count != 0).then_some(prost_types::Timestamp { seconds: count / a_second, nanos })
}

/// Zero is absent on both sides.
fn text(number: impl ToString + Default + PartialEq) -> String {
    if number == Default::default() { String::new() } else { number.to_string() }
}

#[allow(clippy::cast_possible_truncation, clippy::float_cmp, reason = "it is checked to be exact")]
fn single(number: f64) -> f32 {
    assert!(f64::from(number as f32) == number, "no float: {number}");
    number as f32
}
