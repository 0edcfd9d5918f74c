//! Messages that do not come through.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::cli::BadArguments;
use crate::refusal::Refusal;
use crate::rewrite::RewriteError;

/// What the program ends with when messages were refused, and nothing else was wrong.
pub(super) const REFUSED: u8 = 3;

/// Why there is no message to write.
#[derive(Debug)]
pub(super) enum Failure {
    /// The other version cannot express it, or a step refuses it.
    Refused(Box<Refusal>),
    /// Anything else.
    Other(Box<dyn std::error::Error>),
}

impl Failure {
    pub(super) fn bad(what: impl Into<String>) -> Self {
        Self::Other(what.into().into())
    }
}

impl From<RewriteError> for Failure {
    fn from(error: RewriteError) -> Self {
        match error {
            RewriteError::Refused(refusal) => Self::Refused(refusal),
            other => Self::bad(other.to_string()),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Other(error.into())
    }
}

impl From<BadArguments> for Failure {
    fn from(error: BadArguments) -> Self {
        Self::Other(error.into())
    }
}

impl From<Box<dyn std::error::Error>> for Failure {
    fn from(error: Box<dyn std::error::Error>) -> Self {
        Self::Other(error)
    }
}

/// A refusal for people, a line each thing that it says; as `straddle call` tells of one.
pub(super) fn text(refusal: &Refusal) -> String {
    let mut text = format!("refused: {}", refusal.reason());
    for (name, value) in [("message", Some(refusal.message())), ("path", refusal.path()), ("advice", refusal.advised())]
    {
        if let Some(value) = value {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n  {name:<16}{}", value.replace('\n', "\n                  "));
        }
    }
    text
}

/// A refusal for scripts.
pub(super) fn json(refusal: &Refusal) -> Value {
    let mut told = json!({ "reason": refusal.reason().name(), "why": refusal.message() });
    for (name, value) in [("path", refusal.path()), ("advice", refusal.advised())] {
        if let Some(value) = value {
            told[name] = value.into();
        }
    }
    told
}
