//! How the values of a table lie in the file, and how they come out of it.
//!
//! A message lies there in its envelope, other bytes behind one byte of their own; so no value is ever empty. An empty one
//! says that the key was removed, where a base beneath may still have it.

use bytes::Bytes;

use super::error::RecordsError;
use super::layout::Kind;
use crate::protocol::Protocol;
use crate::protocol::plan::Use;
use crate::refusal::Refusal;
use crate::rewrite::{Envelope, EnvelopeError, Limits, Opener, Rewrite, RewriteError, Rewritten, Seal};
use crate::version::Version;

/// What stands in the place of a value whose key was removed.
pub(super) const REMOVED: &[u8] = b"";
/// What stands before bytes that are no message.
const PLAIN: u8 = b'=';

/// The values of one table, in one version.
#[derive(Debug)]
pub(super) enum Values {
    Plain,
    Messages(Messages),
}

#[derive(Debug)]
pub(super) struct Messages {
    opener: Opener,
    message_type: String,
    version: String,
    seal: Seal,
    /// From other versions, as far as files beneath have them.
    ways: Vec<(Seal, Rewrite)>,
}

/// Why a value does not come out.
#[derive(Debug)]
pub(super) enum Failure {
    /// This version cannot express it.
    Refused(String),
    /// It is not what was written.
    Damaged(String),
}

/// A value in the version that is wanted, before it is put together.
enum Found {
    Whole(Bytes),
    Rewritten(Rewritten),
}

impl Values {
    /// Of the version at index `version`.
    ///
    /// # Errors
    /// When the version does not declare the type.
    pub(super) fn new(protocol: &Protocol, version: usize, kind: &Kind) -> Result<Self, RecordsError> {
        let Kind::Messages(message_type) = kind else { return Ok(Self::Plain) };
        let seal = Seal::new(protocol, version, message_type).map_err(|error| {
            RecordsError::wrong(error.to_string(), "name a message of that version's protos in the layout, in full")
        })?;
        Ok(Self::Messages(Messages {
            opener: protocol.opener(),
            message_type: message_type.clone(),
            version: protocol.versions()[version].version().to_string(),
            seal,
            ways: Vec::new(),
        }))
    }

    /// Makes ready for values of a file of the version at index `from`, on the way to the version at index `to`.
    ///
    /// # Errors
    /// Says why those values cannot become these.
    pub(super) fn expect(&mut self, protocol: &Protocol, from: usize, to: usize, kind: &Kind) -> Result<(), String> {
        match (self, kind) {
            (Self::Plain, Kind::Carried | Kind::Left) => Ok(()),
            (Self::Plain, Kind::Messages(theirs)) => Err(format!("they were messages {theirs}, and are to be bytes")),
            (Self::Messages(messages), Kind::Carried | Kind::Left) => {
                Err(format!("they were bytes, and are to be messages {}", messages.message_type))
            }
            (Self::Messages(messages), Kind::Messages(theirs)) => messages.expect(protocol, from, to, theirs),
        }
    }

    /// Writes a value of the version as it lies in the file; `into` is emptied before.
    pub(super) fn put(&self, value: &[u8], into: &mut Vec<u8>) {
        into.clear();
        match self {
            Self::Plain => {
                into.push(PLAIN);
                into.extend_from_slice(value);
            }
            Self::Messages(messages) => messages.seal.seal(std::iter::once(value), into),
        }
    }

    /// A value as it lies in a file, in the version.
    pub(super) fn take(&self, stored: Bytes) -> Result<Bytes, Failure> {
        match self {
            Self::Plain => plain(&stored),
            Self::Messages(messages) => match messages.find(stored)? {
                Found::Whole(message) => Ok(message),
                Found::Rewritten(message) => Ok(message.into_bytes()),
            },
        }
    }

    /// From how a value lies in a file of any version to how it lies in one of this version; `into` is emptied before.
    pub(super) fn carry(&self, stored: Bytes, into: &mut Vec<u8>) -> Result<(), Failure> {
        into.clear();
        match self {
            Self::Plain => into.extend_from_slice(&stored),
            Self::Messages(messages) => match messages.find(stored)? {
                Found::Whole(message) => messages.seal.seal(std::iter::once(&*message), into),
                Found::Rewritten(message) => messages.seal.seal(message.parts().iter().map(|part| &**part), into),
            },
        }
        Ok(())
    }
}

/// What a value is in the version that it was written in, without envelope: for those who are told of it.
pub(super) struct Written {
    pub(super) value: Bytes,
    /// Of messages, as their envelope says.
    pub(super) version: Option<Version>,
    pub(super) message: Option<String>,
}

impl Written {
    pub(super) fn of(stored: Bytes) -> Self {
        let plain = |value| Self { value, version: None, message: None };
        if stored.first() == Some(&PLAIN) {
            return plain(stored.slice(1..));
        }
        let Ok(envelope) = Envelope::decode(stored.clone()) else { return plain(stored) };
        let (version, message) = (envelope.version().clone(), envelope.message_type().to_owned());
        Self { value: envelope.message().clone(), version: Some(version), message: Some(message) }
    }
}

impl Messages {
    fn expect(&mut self, protocol: &Protocol, from: usize, to: usize, theirs: &str) -> Result<(), String> {
        if from == to && theirs == self.message_type {
            return Ok(());
        }
        let seal = Seal::new(protocol, from, theirs).map_err(|error| error.to_string())?;
        let rewrite = Rewrite::new(protocol, from, to, theirs, Use::Stored).map_err(|error| error.to_string())?;
        if rewrite.target() != self.message_type {
            let (target, version) = (rewrite.target(), &self.version);
            return Err(format!("{theirs} becomes {target} in {version}, not {}", self.message_type));
        }
        self.ways.push((seal, rewrite));
        Ok(())
    }

    fn find(&self, stored: Bytes) -> Result<Found, Failure> {
        if let Some(range) = self.seal.open(&stored) {
            return Ok(Found::Whole(stored.slice(range)));
        }
        for (seal, rewrite) in &self.ways {
            if let Some(range) = seal.open(&stored) {
                let rewritten = rewrite.apply(&stored.slice(range), &Limits::default());
                return rewritten.map(Found::Rewritten).map_err(failure);
            }
        }
        self.open(stored).map(Found::Whole)
    }

    /// An envelope that somebody else has written.
    fn open(&self, stored: Bytes) -> Result<Bytes, Failure> {
        let damaged = |error: EnvelopeError| Failure::Damaged(error.to_string());
        let opened = self.opener.open(Envelope::decode(stored).map_err(damaged)?).map_err(damaged)?;
        let converted = opened.into_version(&self.version).map_err(|error| match error {
            EnvelopeError::Refused(refusal) => Failure::Refused(words(&refusal)),
            EnvelopeError::TooMuch { .. } | EnvelopeError::NoRewrite(_) => Failure::Refused(error.to_string()),
            error => damaged(error),
        })?;
        if converted.message_type() == self.message_type {
            return Ok(converted.bytes().clone());
        }
        let (theirs, ours) = (converted.message_type(), &self.message_type);
        Err(Failure::Damaged(format!("it is a message {theirs}, and {ours} is what the table holds")))
    }
}

fn plain(stored: &Bytes) -> Result<Bytes, Failure> {
    match stored.first() {
        Some(&PLAIN) => Ok(stored.slice(1..)),
        _ => Err(Failure::Damaged("its value is none that was written here".to_owned())),
    }
}

/// Where it is, what it is, what to do.
fn words(refusal: &Refusal) -> String {
    let place = refusal.path().map_or_else(String::new, |path| format!("{path}: "));
    let advice = refusal.advised().map_or_else(String::new, |advice| format!(" ({advice})"));
    format!("{place}{}{advice}", refusal.message())
}

fn failure(error: RewriteError) -> Failure {
    match error {
        RewriteError::Refused(refusal) => Failure::Refused(words(&refusal)),
        RewriteError::Malformed { .. } => Failure::Damaged(error.to_string()),
        error => Failure::Refused(error.to_string()),
    }
}
