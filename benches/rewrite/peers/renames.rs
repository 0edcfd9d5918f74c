//! Names and numbers change, nothing else.
#![allow(clippy::struct_field_names, reason = "tests and peers say things plainly")]

use super::base;

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Order {
    #[prost(string, tag = "3")]
    pub(crate) order_id: String,
    #[prost(string, tag = "1")]
    pub(crate) buyer: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) address: Option<Address>,
    #[prost(message, repeated, tag = "8")]
    pub(crate) positions: Vec<Line>,
    #[prost(int64, tag = "4")]
    pub(crate) amount: i64,
    #[prost(int32, tag = "5")]
    pub(crate) state: i32,
    #[prost(string, tag = "6")]
    pub(crate) remark: String,
    #[prost(int64, tag = "7")]
    pub(crate) placed: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Address {
    #[prost(string, tag = "4")]
    pub(crate) road: String,
    #[prost(string, tag = "3")]
    pub(crate) town: String,
    #[prost(string, tag = "2")]
    pub(crate) zip: String,
    #[prost(string, tag = "1")]
    pub(crate) land: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Line {
    #[prost(string, tag = "2")]
    pub(crate) article: String,
    #[prost(int32, tag = "3")]
    pub(crate) pieces: i32,
    #[prost(int64, tag = "1")]
    pub(crate) cents: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Flat {
    #[prost(string, tag = "20")]
    pub(crate) name_now: String,
    #[prost(string, tag = "19")]
    pub(crate) title_now: String,
    #[prost(string, tag = "18")]
    pub(crate) region_now: String,
    #[prost(string, tag = "17")]
    pub(crate) owner_now: String,
    #[prost(int32, tag = "16")]
    pub(crate) width_now: i32,
    #[prost(int32, tag = "15")]
    pub(crate) height_now: i32,
    #[prost(int32, tag = "14")]
    pub(crate) depth_now: i32,
    #[prost(int64, tag = "13")]
    pub(crate) size_now: i64,
    #[prost(int64, tag = "12")]
    pub(crate) offset_now: i64,
    #[prost(uint32, tag = "11")]
    pub(crate) count_now: u32,
    #[prost(uint64, tag = "10")]
    pub(crate) total_now: u64,
    #[prost(bool, tag = "9")]
    pub(crate) active_now: bool,
    #[prost(bool, tag = "8")]
    pub(crate) hidden_now: bool,
    #[prost(double, tag = "7")]
    pub(crate) weight_now: f64,
    #[prost(double, tag = "6")]
    pub(crate) price_now: f64,
    #[prost(int32, tag = "5")]
    pub(crate) status_now: i32,
    #[prost(int64, tag = "4")]
    pub(crate) created_now: i64,
    #[prost(int64, tag = "3")]
    pub(crate) updated_now: i64,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) token_now: bytes::Bytes,
    #[prost(string, tag = "1")]
    pub(crate) note_now: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Blob {
    #[prost(string, tag = "3")]
    pub(crate) title: String,
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) data: bytes::Bytes,
    #[prost(int32, tag = "2")]
    pub(crate) sort: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Many {
    #[prost(string, tag = "2")]
    pub(crate) title: String,
    #[prost(message, repeated, tag = "1")]
    pub(crate) rows: Vec<Entry>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Entry {
    #[prost(string, tag = "3")]
    pub(crate) label: String,
    #[prost(int64, tag = "1")]
    pub(crate) amount: i64,
    #[prost(int32, tag = "2")]
    pub(crate) sort: i32,
}

impl From<base::Order> for Order {
    fn from(old: base::Order) -> Self {
        Self {
            order_id: old.id,
            buyer: old.customer,
            address: old.shipping.map(Into::into),
            positions: old.lines.into_iter().map(Into::into).collect(),
            amount: old.total,
            state: old.status,
            remark: old.note,
            placed: old.created,
        }
    }
}

impl From<base::Address> for Address {
    fn from(old: base::Address) -> Self {
        Self { road: old.street, town: old.city, zip: old.postcode, land: old.country }
    }
}

impl From<base::Line> for Line {
    fn from(old: base::Line) -> Self {
        Self { article: old.sku, pieces: old.quantity, cents: old.price }
    }
}

impl From<base::Flat> for Flat {
    fn from(old: base::Flat) -> Self {
        Self {
            name_now: old.name,
            title_now: old.title,
            region_now: old.region,
            owner_now: old.owner,
            width_now: old.width,
            height_now: old.height,
            depth_now: old.depth,
            size_now: old.size,
            offset_now: old.offset,
            count_now: old.count,
            total_now: old.total,
            active_now: old.active,
            hidden_now: old.hidden,
            weight_now: old.weight,
            price_now: old.price,
            status_now: old.status,
            created_now: old.created,
            updated_now: old.updated,
            token_now: old.token,
            note_now: old.note,
        }
    }
}

impl From<base::Blob> for Blob {
    fn from(old: base::Blob) -> Self {
        Self { title: old.name, data: old.content, sort: old.kind }
    }
}

impl From<base::Many> for Many {
    fn from(old: base::Many) -> Self {
        Self { title: old.name, rows: old.entries.into_iter().map(Into::into).collect() }
    }
}

impl From<base::Entry> for Entry {
    fn from(old: base::Entry) -> Self {
        Self { label: old.key, amount: old.value, sort: old.kind }
    }
}
