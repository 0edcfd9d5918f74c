//! What can be wrong with an envelope.

use crate::protocol::{Protocol, Schema, nearest};
use crate::refusal::Refusal;
use crate::rewrite::{NoRewrite, RewriteError};

/// Why a message is not put into an envelope, or not had out of it. Says what to do.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// The bytes are no envelope, or what is in it is no message of its type.
    #[error("malformed envelope: {what}; look at what wrote it: straddle.v1.Envelope is wanted")]
    Malformed {
        /// What is wrong.
        what: String,
    },
    /// The message within is no protobuf of the type that the envelope says, or not of the Rust type that is wanted.
    #[error("the message is no such {message}: {what}; look at what wrote it, and at the type that it is read as")]
    Message {
        /// The full name of the type.
        message: String,
        /// What is wrong.
        what: String,
    },
    /// It belongs to another protocol.
    #[error("the envelope is of the protocol {envelope:?}, not of {protocol:?}; open it with that protocol")]
    Protocol {
        /// The name that the envelope says.
        envelope: String,
        /// The name of the protocol that was to open it.
        protocol: String,
    },
    /// The protocol has no such version.
    #[error("{what}; a newer program may know it, whose schemas have the version's folder")]
    Version {
        /// Which version is meant, and which there are.
        what: String,
    },
    /// The writer had another schema under the same version.
    #[error(
        "the envelope's {version} has the schema {envelope}, and {version} has {protocol} here; a published version does \
         not change: find out which of the two is right, and give the other one a version of its own"
    )]
    Schema {
        /// The version.
        version: String,
        /// The digest that the envelope says.
        envelope: String,
        /// The digest that the protocol has.
        protocol: String,
    },
    /// The version does not declare the message.
    #[error("{protocol} {version} declares no message `{message}`{advice}")]
    Type {
        /// The protocol.
        protocol: String,
        /// The version.
        version: String,
        /// The message's full name.
        message: String,
        /// What may have been meant; begins with what parts it from the sentence before.
        advice: String,
    },
    /// The steps on the way do not say what becomes of the message.
    #[error("{0}; say in that step's step.toml what becomes of it")]
    NoRewrite(#[from] NoRewrite),
    /// It holds what the wanted version cannot express, or a step refuses it.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// It takes more than [`Limits`](crate::rewrite::Limits) allow.
    #[error("{what}; raise the limit with `limits` if such a message is to be expected")]
    TooMuch {
        /// Which limit, and what it is.
        what: String,
    },
}

impl EnvelopeError {
    /// The refusal, where a message is refused by the steps on the way.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    pub(super) fn malformed(what: impl Into<String>) -> Self {
        Self::Malformed { what: what.into() }
    }

    pub(super) fn unknown_type(protocol: &Protocol, schema: &Schema, message: &str) -> Self {
        let names: Vec<String> = schema.pool().all_messages().map(|known| known.full_name().to_owned()).collect();
        let advice = match nearest(message, names.iter().map(String::as_str)) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => "; name a message of its protos in full, as package.Message".to_owned(),
        };
        Self::Type {
            protocol: protocol.name().to_owned(),
            version: schema.version().to_string(),
            message: message.to_owned(),
            advice,
        }
    }
}

impl From<RewriteError> for EnvelopeError {
    fn from(error: RewriteError) -> Self {
        match error {
            RewriteError::Refused(refusal) => Self::Refused(refusal),
            RewriteError::Malformed { message, offset, what } => {
                Self::Message { message, what: format!("{what}, at byte {offset}") }
            }
            RewriteError::TooMuch { what } => Self::TooMuch { what },
        }
    }
}
