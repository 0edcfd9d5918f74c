//! One line.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::FORMAT;
use crate::protocol::Protocol;
use crate::rewrite::Envelope;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    #[serde(rename = "straddle-database")]
    pub(super) format: u32,
    pub(super) revision: u64,
    pub(super) entries: u64,
}

impl Head {
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        /// Only that, so that other formats are told as what they are.
        #[derive(Deserialize)]
        struct Format {
            #[serde(rename = "straddle-database")]
            format: u32,
        }
        let format: Format =
            serde_json::from_str(line).map_err(|error| format!("this is no export of an upgrade database: {error}"))?;
        if format.format != FORMAT {
            return Err(format!("its format is {}, and this program knows {FORMAT}", format.format));
        }
        let head: Self = serde_json::from_str(line).map_err(|error| error.to_string())?;
        // Two less than there are numbers: the import and what comes after it have higher ones.
        if head.revision >= u64::MAX / 2 {
            return Err(format!("there is no revision {}", head.revision));
        }
        Ok(head)
    }
}

/// A line for a key.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_base64: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    message_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

impl Line {
    pub(super) fn of(key: &[u8], value: &[u8], protocol: &Protocol) -> Self {
        let mut line = in_words(value, protocol)
            .unwrap_or_else(|| Self { base64: Some(STANDARD.encode(value)), ..Self::default() });
        match std::str::from_utf8(key) {
            Ok(text) => line.key = Some(text.to_owned()),
            Err(_) => line.key_base64 = Some(STANDARD.encode(key)),
        }
        line
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// The key and the value.
    pub(super) fn entry(self, protocol: &Protocol) -> Result<(Bytes, Bytes), String> {
        let key = match (self.key, self.key_base64) {
            (Some(key), None) => key.into_bytes(),
            (None, Some(bytes)) => bytes_of("key_base64", &bytes)?,
            _ => return Err("one of `key` and `key_base64` has to be there".to_owned()),
        };
        let value = match (self.base64, self.message_type, self.version, self.record) {
            (Some(bytes), None, None, None) => bytes_of("base64", &bytes)?,
            (None, Some(message_type), Some(version), Some(record)) => {
                sealed(&message_type, &version, record, protocol)?
            }
            _ => return Err("either `base64` has to be there, or all of `type`, `version` and `record`".to_owned()),
        };
        Ok((key.into(), value.into()))
    }
}

/// A record in its own words, if the same can be made of them again.
fn in_words(value: &[u8], protocol: &Protocol) -> Option<Line> {
    let envelope = Envelope::decode(value.to_vec()).ok()?;
    let version = envelope.version().to_string();
    // Also what the envelope itself says, to the byte: its form may grow.
    let again = Envelope::seal(protocol, &version, envelope.message_type(), envelope.message().clone()).ok()?;
    if again != envelope || again.encode_to_vec() != value {
        return None;
    }
    let descriptor = descriptor(protocol, envelope.message_type(), &version).ok()?;
    let message = DynamicMessage::decode(descriptor.clone(), envelope.message().clone()).ok()?;
    let record = serde_json::to_value(&message).ok()?;
    // What this version does not know is not in the words.
    let again = DynamicMessage::deserialize(descriptor, record.clone()).ok()?;
    let message_type = Some(envelope.message_type().to_owned());
    (again == message).then(|| Line { message_type, version: Some(version), record: Some(record), ..Line::default() })
}

fn sealed(message_type: &str, version: &str, record: Value, protocol: &Protocol) -> Result<Vec<u8>, String> {
    let descriptor = descriptor(protocol, message_type, version)?;
    let message = DynamicMessage::deserialize(descriptor, record)
        .map_err(|error| format!("the record does not fit {message_type} of {version}: {error}"))?;
    let sealed = Envelope::seal(protocol, version, message_type, message.encode_to_vec());
    Ok(sealed.map_err(|error| error.to_string())?.encode_to_vec())
}

fn descriptor(protocol: &Protocol, message_type: &str, version: &str) -> Result<MessageDescriptor, String> {
    let parsed = version.parse().map_err(|error| format!("the version {version:?}: {error}"))?;
    let index = protocol.require(&parsed)?;
    let message = protocol.versions()[index].pool().get_message_by_name(message_type);
    message.ok_or_else(|| format!("{version} of {} has no message {message_type:?}", protocol.name()))
}

fn bytes_of(field: &str, text: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(text).map_err(|error| format!("`{field}` is no base64: {error}"))
}
