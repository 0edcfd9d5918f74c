//! Fields move into messages and out of them.

use super::base;

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Order {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) buyer: Option<Buyer>,
    #[prost(string, tag = "3")]
    pub(crate) street: String,
    #[prost(message, repeated, tag = "4")]
    pub(crate) lines: Vec<Line>,
    #[prost(int64, tag = "5")]
    pub(crate) total: i64,
    #[prost(int32, tag = "6")]
    pub(crate) status: i32,
    #[prost(message, optional, tag = "7")]
    pub(crate) info: Option<Info>,
    #[prost(string, tag = "9")]
    pub(crate) city: String,
    #[prost(string, tag = "10")]
    pub(crate) postcode: String,
    #[prost(string, tag = "11")]
    pub(crate) country: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Buyer {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Info {
    #[prost(string, tag = "1")]
    pub(crate) note: String,
    #[prost(int64, tag = "2")]
    pub(crate) created: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Line {
    #[prost(string, tag = "1")]
    pub(crate) sku: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) price: Option<Price>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Price {
    #[prost(int32, tag = "1")]
    pub(crate) quantity: i32,
    #[prost(int64, tag = "2")]
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
    #[prost(message, optional, tag = "5")]
    pub(crate) r#box: Option<Carton>,
    #[prost(int64, tag = "8")]
    pub(crate) size: i64,
    #[prost(int64, tag = "9")]
    pub(crate) offset: i64,
    #[prost(uint32, tag = "10")]
    pub(crate) count: u32,
    #[prost(uint64, tag = "11")]
    pub(crate) total: u64,
    #[prost(bool, tag = "12")]
    pub(crate) active: bool,
    #[prost(bool, tag = "13")]
    pub(crate) hidden: bool,
    #[prost(double, tag = "14")]
    pub(crate) weight: f64,
    #[prost(double, tag = "15")]
    pub(crate) price: f64,
    #[prost(int32, tag = "16")]
    pub(crate) status: i32,
    #[prost(message, optional, tag = "17")]
    pub(crate) times: Option<Times>,
    #[prost(bytes = "bytes", tag = "19")]
    pub(crate) token: bytes::Bytes,
    #[prost(string, tag = "20")]
    pub(crate) note: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Carton {
    #[prost(int32, tag = "1")]
    pub(crate) width: i32,
    #[prost(int32, tag = "2")]
    pub(crate) height: i32,
    #[prost(int32, tag = "3")]
    pub(crate) depth: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Times {
    #[prost(int64, tag = "1")]
    pub(crate) created: i64,
    #[prost(int64, tag = "2")]
    pub(crate) updated: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Blob {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) body: Option<Body>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Body {
    #[prost(int32, tag = "1")]
    pub(crate) kind: i32,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) content: bytes::Bytes,
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
    #[prost(message, optional, tag = "1")]
    pub(crate) pair: Option<Pair>,
    #[prost(int32, tag = "3")]
    pub(crate) kind: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Pair {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(int64, tag = "2")]
    pub(crate) value: i64,
}

impl From<base::Order> for Order {
    fn from(old: base::Order) -> Self {
        let base::Address { street, city, postcode, country } = old.shipping.unwrap_or_default();
        let info = !old.note.is_empty() || old.created != 0;
        Self {
            id: old.id,
            buyer: (!old.customer.is_empty()).then_some(Buyer { name: old.customer }),
            street,
            lines: old.lines.into_iter().map(Into::into).collect(),
            total: old.total,
            status: old.status,
            info: info.then_some(Info { note: old.note, created: old.created }),
            city,
            postcode,
            country,
        }
    }
}

impl From<base::Line> for Line {
    fn from(old: base::Line) -> Self {
        let price = old.quantity != 0 || old.price != 0;
        Self { sku: old.sku, price: price.then_some(Price { quantity: old.quantity, price: old.price }) }
    }
}

impl From<base::Flat> for Flat {
    fn from(old: base::Flat) -> Self {
        let carton = old.width != 0 || old.height != 0 || old.depth != 0;
        let times = old.created != 0 || old.updated != 0;
        Self {
            name: old.name,
            title: old.title,
            region: old.region,
            owner: old.owner,
            r#box: carton.then_some(Carton { width: old.width, height: old.height, depth: old.depth }),
            size: old.size,
            offset: old.offset,
            count: old.count,
            total: old.total,
            active: old.active,
            hidden: old.hidden,
            weight: old.weight,
            price: old.price,
            status: old.status,
            times: times.then_some(Times { created: old.created, updated: old.updated }),
            token: old.token,
            note: old.note,
        }
    }
}

impl From<base::Blob> for Blob {
    fn from(old: base::Blob) -> Self {
        let body = old.kind != 0 || !old.content.is_empty();
        Self { name: old.name, body: body.then_some(Body { kind: old.kind, content: old.content }) }
    }
}

impl From<base::Many> for Many {
    fn from(old: base::Many) -> Self {
        Self { name: old.name, entries: old.entries.into_iter().map(Into::into).collect() }
    }
}

impl From<base::Entry> for Entry {
    fn from(old: base::Entry) -> Self {
        let pair = !old.key.is_empty() || old.value != 0;
        Self { pair: pair.then_some(Pair { key: old.key, value: old.value }), kind: old.kind }
    }
}
