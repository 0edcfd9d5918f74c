//! 1.0.0 of every protocol here, as prost has it.

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
    #[prost(int64, tag = "5")]
    pub(crate) total: i64,
    #[prost(int32, tag = "6")]
    pub(crate) status: i32,
    #[prost(string, tag = "7")]
    pub(crate) note: String,
    #[prost(int64, tag = "8")]
    pub(crate) created: i64,
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
    #[prost(int32, tag = "2")]
    pub(crate) quantity: i32,
    #[prost(int64, tag = "3")]
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
    #[prost(int32, tag = "5")]
    pub(crate) width: i32,
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
    #[prost(int64, tag = "17")]
    pub(crate) created: i64,
    #[prost(int64, tag = "18")]
    pub(crate) updated: i64,
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
    #[prost(int32, tag = "3")]
    pub(crate) kind: i32,
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
    #[prost(int64, tag = "2")]
    pub(crate) value: i64,
    #[prost(int32, tag = "3")]
    pub(crate) kind: i32,
}
