//! Bundles that this crate did not write.

use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet};
use sha2::{Digest, Sha256};

/// What the body of a bundle is on the wire, written down here once more: it must never change.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Body {
    #[prost(string, repeated, tag = "1")]
    pub(crate) requires: Vec<String>,
    #[prost(string, tag = "2")]
    pub(crate) protocol: String,
    #[prost(message, optional, tag = "3")]
    pub(crate) step: Option<Step>,
    #[prost(message, optional, tag = "4")]
    pub(crate) whole: Option<Whole>,
    #[prost(message, repeated, tag = "5")]
    pub(crate) resume: Vec<Resume>,
    /// What a later writer may add.
    #[prost(string, optional, tag = "77")]
    pub(crate) later: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Resume {
    #[prost(string, tag = "1")]
    pub(crate) method: String,
    #[prost(string, tag = "2")]
    pub(crate) from: String,
    #[prost(string, tag = "3")]
    pub(crate) into: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Step {
    #[prost(message, optional, tag = "1")]
    pub(crate) from: Option<Bundled>,
    #[prost(message, optional, tag = "2")]
    pub(crate) to: Option<Bundled>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Whole {
    #[prost(string, tag = "1")]
    pub(crate) unlabelled: String,
    #[prost(message, repeated, tag = "2")]
    pub(crate) versions: Vec<Bundled>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Bundled {
    #[prost(string, tag = "1")]
    pub(crate) version: String,
    #[prost(string, tag = "2")]
    pub(crate) schema: String,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) descriptor_set: Vec<u8>,
    #[prost(string, optional, tag = "4")]
    pub(crate) step: Option<String>,
    #[prost(string, optional, tag = "77")]
    pub(crate) later: Option<String>,
}

/// An unsigned bundle with this body, whatever it says.
pub(crate) fn framed(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("a body that 32 bits can tell of");
    let mut file = [b"straddle bundle\n\0\0\0\x01", &length.to_be_bytes()[..], body].concat();
    let digest = Sha256::digest(&file);
    file.extend(digest);
    file.push(0);
    file
}

/// The digest of the schema of [`small`].
pub(crate) const SMALL: &str = "4e9f09f9bf499ba42bc81366a80530d9";

/// A protocol of one version, with one message.
pub(crate) fn small() -> Body {
    let version = Bundled {
        version: "1.0.0".to_owned(),
        schema: SMALL.to_owned(),
        descriptor_set: FileDescriptorSet { file: vec![file()] }.encode_to_vec(),
        ..Bundled::default()
    };
    let whole = Whole { unlabelled: String::new(), versions: vec![version] };
    Body { protocol: "small".to_owned(), whole: Some(whole), ..Body::default() }
}

/// The proto of [`small`].
pub(crate) fn file() -> FileDescriptorProto {
    let message =
        DescriptorProto { name: Some("Item".to_owned()), field: vec![field("sku", 1)], ..DescriptorProto::default() };
    FileDescriptorProto {
        name: Some("small.proto".to_owned()),
        package: Some("small.v1".to_owned()),
        syntax: Some("proto3".to_owned()),
        message_type: vec![message],
        ..FileDescriptorProto::default()
    }
}

pub(crate) fn field(name: &str, number: i32) -> FieldDescriptorProto {
    FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        r#type: Some(Type::String.into()),
        label: Some(Label::Optional.into()),
        json_name: Some(name.to_owned()),
        ..FieldDescriptorProto::default()
    }
}

/// A protocol with a method that changes in every way: two versions, and what nobody decided between them.
pub(crate) const SHOP_SERVICE: &[(&str, &str)] = &[
    ("protocol.toml", "name = \"shop\"\n"),
    (
        "1.0.0/shop.proto",
        "syntax = \"proto3\"; package shop; service Shop { rpc Buy(Order) returns (Order); }
         message Order { string sku = 1; }",
    ),
];
