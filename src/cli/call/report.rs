//! What a script gets of a call: its parts as JSON.

use std::collections::BTreeMap;

use prost_reflect::{DynamicMessage, SerializeOptions};
use serde::{Serialize, Serializer};
use tonic::metadata::MetadataMap;

use super::status::{RefusalReport, StatusReport};
use crate::version::Version;

/// A message in proto3's JSON.
pub(super) struct Json<'a> {
    pub(super) message: &'a DynamicMessage,
    pub(super) options: &'a SerializeOptions,
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.message.serialize_with_options(serializer, self.options)
    }
}

/// What a script gets: all of it at once, or a part a line.
#[derive(Default, Serialize)]
pub(super) struct Report<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) versions: Option<Versions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response: Option<Json<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) headers: Option<Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trailers: Option<Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<StatusReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<RefusalReport>,
    /// Why this side ended the call, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<&'static str>,
}

/// The versions of a call: its label, and what the node says.
#[derive(Serialize)]
pub(super) struct Versions {
    pub(super) label: Option<String>,
    pub(super) version: Option<String>,
    pub(super) node: Option<String>,
    pub(super) schema: Option<String>,
}

/// Metadata by name; a name may have several values, and a binary one is in base64.
pub(super) type Metadata = BTreeMap<String, Vec<String>>;

pub(super) fn map(metadata: &MetadataMap) -> Metadata {
    let mut map = Metadata::new();
    for (name, value) in metadata.as_ref() {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        map.entry(name.as_str().to_owned()).or_default().push(value);
    }
    map
}

impl Versions {
    pub(super) fn new(label: Option<&Version>, headers: &MetadataMap) -> Self {
        Self {
            label: label.map(ToString::to_string),
            version: text(headers, "straddle-version"),
            node: text(headers, "straddle-node"),
            schema: text(headers, "straddle-schema"),
        }
    }
}

pub(super) fn text(metadata: &MetadataMap, name: &str) -> Option<String> {
    metadata.get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned)
}
