//! Envelopes: messages that carry their label outside of RPC, through queues, logs and files.
//!
//! An envelope is the message `straddle.v1.Envelope` of `proto/straddle/v1/envelope.proto`, which says all that writers
//! and readers in other languages have to know:
//!
//! | number | field | what it holds |
//! |---|---|---|
//! | 1 | `protocol` | the protocol's name |
//! | 2 | `version` | the version that the message is written in; the label of calls |
//! | 3 | `type` | the full name of the message's type in that version |
//! | 4 | `message` | the message, as protobuf |
//! | 5 | `schema` | the digest of that version's schema; may be empty |
//!
//! It may grow, but what is there stays. Unknown fields are passed over.
//!
//! ```
//! # #[cfg(feature = "cli")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use straddle::inventory::generated::{protocol, v1_0_0, v1_1_0};
//! use straddle::rewrite::Envelope;
//!
//! // The writer speaks 1.0.0 ...
//! let item = v1_0_0::Item { sku: "anvil".into(), stock: 7, ..Default::default() };
//! let bytes = Envelope::seal_message(&protocol(), v1_0_0::LABEL.version, &item)?.encode_to_vec();
//!
//! // ... and a reader, years later, 1.1.0. It keeps the opener, which keeps what it has compiled.
//! let opener = protocol().opener();
//! let converted = opener.open(Envelope::decode(bytes)?)?.into_version(v1_1_0::LABEL.version)?;
//! let item: v1_1_0::Item = converted.message()?;
//! assert_eq!(item.stock, 7);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "cli"))]
//! # fn main() {}
//! ```

mod error;
mod opener;
mod seal;

use bytes::Bytes;
use prost::{Message, Name};

pub use self::error::EnvelopeError;
pub use self::opener::{Converted, Opened, Opener};
pub(crate) use self::seal::Seal;
use super::generated;
use crate::protocol::{Protocol, Schema};
use crate::version::Version;

/// A message with its label: the protocol, the version and the type that it is written in. Cheap to clone.
///
/// One that was [decoded](Self::decode) has the form of an envelope, no more: what it says of itself is checked when a
/// protocol [opens](Protocol::open) it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    protocol: String,
    version: Version,
    message_type: String,
    /// Empty where the writer did not say it.
    schema: String,
    message: Bytes,
}

/// Most bytes of each name, so that errors and logs stay short.
const LONGEST_PROTOCOL: usize = 256;
const LONGEST_TYPE: usize = 1024;
const LONGEST_SCHEMA: usize = 128;

impl Envelope {
    /// Puts the bytes of a message into an envelope.
    ///
    /// Versions are compared without their patch number, and written as the protocol declares them. The bytes are not
    /// looked at.
    ///
    /// # Errors
    /// When `protocol` has no such version, or that version declares no message `message_type`.
    pub fn seal(
        protocol: &Protocol,
        version: &str,
        message_type: &str,
        message: impl Into<Bytes>,
    ) -> Result<Self, EnvelopeError> {
        let index = require(protocol, version)?;
        let schema = &protocol.versions()[index];
        declares(protocol, schema, message_type)?;
        Ok(Self::sealed(protocol, schema, message_type, message.into()))
    }

    /// Puts a generated message into an envelope; its code says the name of its type, as that of `straddle::codegen` does.
    ///
    /// `version` is that of the module that the message is of: `v1_1_0::LABEL.version`. A message of the same name out of
    /// another version's module would be sealed as what it is not, so take both from one module.
    ///
    /// # Errors
    /// As [`seal`](Self::seal).
    pub fn seal_message<M: Message + Name>(
        protocol: &Protocol,
        version: &str,
        message: &M,
    ) -> Result<Self, EnvelopeError> {
        Self::seal(protocol, version, &M::full_name(), message.encode_to_vec())
    }

    /// For those who know that the version declares the type.
    fn sealed(protocol: &Protocol, schema: &Schema, message_type: &str, message: Bytes) -> Self {
        Self {
            protocol: protocol.name().to_owned(),
            version: schema.version().clone(),
            message_type: message_type.to_owned(),
            schema: schema.digest().to_owned(),
            message,
        }
    }

    /// Reads an envelope. The message within is a slice of `bytes`, and is not looked at.
    ///
    /// # Errors
    /// When the bytes are no `straddle.v1.Envelope`: no protobuf, a name that is required is missing, or one is longer
    /// than the proto says.
    pub fn decode(bytes: impl Into<Bytes>) -> Result<Self, EnvelopeError> {
        let wire = generated::Envelope::decode(bytes.into())
            .map_err(|error| EnvelopeError::malformed(format!("it is no protobuf of its type: {error}")))?;
        for (field, value, longest, required) in [
            ("protocol", &wire.protocol, LONGEST_PROTOCOL, true),
            ("type", &wire.r#type, LONGEST_TYPE, true),
            ("schema", &wire.schema, LONGEST_SCHEMA, false),
        ] {
            if required && value.is_empty() {
                return Err(EnvelopeError::malformed(format!("its `{field}` is empty")));
            }
            if value.len() > longest {
                let what = format!("its `{field}` has {} bytes, and may have {longest}", value.len());
                return Err(EnvelopeError::malformed(what));
            }
        }
        let version = Version::from_label(wire.version.as_bytes())
            .map_err(|error| EnvelopeError::malformed(format!("its `version`: {error}")))?;
        let generated::Envelope { protocol, r#type: message_type, schema, message, version: _ } = wire;
        Ok(Self { protocol, version, message_type, schema, message })
    }

    /// Writes the envelope, as [`decode`](Self::decode) reads it.
    #[must_use]
    pub fn encode_to_vec(&self) -> Vec<u8> {
        generated::Envelope {
            protocol: self.protocol.clone(),
            version: self.version.to_string(),
            r#type: self.message_type.clone(),
            message: self.message.clone(),
            schema: self.schema.clone(),
        }
        .encode_to_vec()
    }

    /// The name of the protocol.
    #[must_use]
    pub fn protocol(&self) -> &str {
        &self.protocol
    }

    /// The version that the message is written in.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The full name of the message's type in that version.
    #[must_use]
    pub fn message_type(&self) -> &str {
        &self.message_type
    }

    /// The digest of that version's schema, where the writer said it.
    #[must_use]
    pub fn schema(&self) -> Option<&str> {
        Some(self.schema.as_str()).filter(|schema| !schema.is_empty())
    }

    /// The message, in the version that it was written in.
    #[must_use]
    pub fn message(&self) -> &Bytes {
        &self.message
    }
}

/// The index of the version that `text` names.
fn require(protocol: &Protocol, text: &str) -> Result<usize, EnvelopeError> {
    let version = text.parse::<Version>().map_err(|error| EnvelopeError::Version { what: error.to_string() })?;
    protocol.require(&version).map_err(|what| EnvelopeError::Version { what })
}

/// Whether the version declares the type.
fn declares(protocol: &Protocol, schema: &Schema, message_type: &str) -> Result<(), EnvelopeError> {
    match schema.pool().get_message_by_name(message_type) {
        Some(_) => Ok(()),
        None => Err(EnvelopeError::unknown_type(protocol, schema, message_type)),
    }
}
