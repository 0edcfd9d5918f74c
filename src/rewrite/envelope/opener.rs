//! Opening envelopes, and taking their messages to the version that the reader speaks.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;

use super::{Envelope, EnvelopeError, declares, require};
use crate::protocol::Protocol;
use crate::protocol::plan::Use;
use crate::rewrite::{Limits, NoRewrite, Rewrite};
use crate::version::Version;

/// Opens the envelopes of a protocol, and keeps the rewrites that it has compiled: what a reader of a queue holds on to.
///
/// Cheap to clone; clones share what is kept. It keeps at most 1,024 rewrites and then begins anew.
#[derive(Clone, Debug)]
pub struct Opener(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    protocol: Protocol,
    rewrites: RwLock<Rewrites>,
}

/// From a version's index to another's, for a use.
type Way = (usize, usize, Use);

/// What is kept: by the versions and the use, then by the message, so that it is looked up without a copy of the name.
#[derive(Debug, Default)]
struct Rewrites(HashMap<Way, HashMap<String, Result<Rewrite, NoRewrite>>>);

/// Most rewrites that an opener keeps. A reader needs one for each type and version that is still in its queue.
const KEPT: usize = 1024;

impl Protocol {
    /// What opens many envelopes of this protocol.
    #[must_use]
    pub fn opener(&self) -> Opener {
        Opener(Arc::new(Inner { protocol: self.clone(), rewrites: RwLock::default() }))
    }

    /// Opens one envelope. Each that is opened so compiles a rewrite of its own; for many take an
    /// [`opener`](Self::opener).
    ///
    /// # Errors
    /// As [`Opener::open`].
    pub fn open(&self, envelope: Envelope) -> Result<Opened, EnvelopeError> {
        self.opener().open(envelope)
    }
}

impl Opener {
    /// Checks what an envelope says of itself.
    ///
    /// # Errors
    /// When it is of another protocol, of a version that this one does not have, of another schema under that version's
    /// name, or of a type that the version does not declare.
    pub fn open(&self, envelope: Envelope) -> Result<Opened, EnvelopeError> {
        let protocol = &self.0.protocol;
        if envelope.protocol() != protocol.name() {
            return Err(EnvelopeError::Protocol {
                envelope: envelope.protocol().to_owned(),
                protocol: protocol.name().to_owned(),
            });
        }
        let index = protocol.require(envelope.version()).map_err(|what| EnvelopeError::Version { what })?;
        let schema = &protocol.versions()[index];
        if let Some(digest) = envelope.schema().filter(|digest| *digest != schema.digest()) {
            return Err(EnvelopeError::Schema {
                version: schema.version().to_string(),
                envelope: digest.to_owned(),
                protocol: schema.digest().to_owned(),
            });
        }
        declares(protocol, schema, envelope.message_type())?;
        Ok(Opened { opener: self.clone(), envelope, index, used: Use::Stored, limits: Limits::default() })
    }

    /// The protocol whose envelopes it opens.
    #[must_use]
    pub fn protocol(&self) -> &Protocol {
        &self.0.protocol
    }

    /// The rewrite for messages of a type that the version at index `from` declares, so that strangers cannot fill the
    /// opener with names of their own. That there is none is kept, too: to find out costs as much.
    fn rewrite(&self, from: usize, to: usize, message: &str, used: Use) -> Result<Rewrite, NoRewrite> {
        let way = (from, to, used);
        // Whoever panicked while holding the lock left a whole map: entries are made outside of it.
        let kept = self.0.rewrites.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(rewrite) = kept.0.get(&way).and_then(|messages| messages.get(message)) {
            return rewrite.clone();
        }
        drop(kept);
        let rewrite = Rewrite::new(&self.0.protocol, from, to, message, used);
        let mut kept = self.0.rewrites.write().unwrap_or_else(PoisonError::into_inner);
        kept.keep(way, message, rewrite.clone(), KEPT);
        rewrite
    }
}

impl Rewrites {
    /// Keeps one more; where there would be more than `most`, it is the first of the new ones.
    fn keep(&mut self, way: Way, message: &str, rewrite: Result<Rewrite, NoRewrite>, most: usize) {
        if self.len() >= most {
            self.0.clear();
        }
        self.0.entry(way).or_default().insert(message.to_owned(), rewrite);
    }

    fn len(&self) -> usize {
        self.0.values().map(HashMap::len).sum()
    }
}

/// An envelope that was opened: its protocol, version and type are known.
#[derive(Clone, Debug)]
pub struct Opened {
    opener: Opener,
    envelope: Envelope,
    /// Of the envelope's version.
    index: usize,
    used: Use,
    limits: Limits,
}

impl Opened {
    /// Takes the loss policies of another use; without this they are those of [stored](Use::Stored) data, which refuse
    /// unless the steps say otherwise.
    #[must_use]
    pub fn as_use(mut self, used: Use) -> Self {
        self.used = used;
        self
    }

    /// Sets how much the rewrite may take.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The envelope.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Takes the message to `version`; its patch number does not count. The same version passes the bytes as they are.
    ///
    /// # Errors
    /// When the protocol has no such version, a version on the way has no counterpart of the message or leaves open what
    /// becomes of it, the message is refused (it holds what a version on the way cannot express), or its bytes are not of
    /// its type or take more than the limits allow.
    pub fn into_version(self, version: &str) -> Result<Converted, EnvelopeError> {
        let protocol = self.opener.protocol();
        let target = require(protocol, version)?;
        if target == self.index {
            return Ok(Converted(self.envelope));
        }
        let message_type = self.envelope.message_type();
        let rewrite = self.opener.rewrite(self.index, target, message_type, self.used)?;
        let bytes = rewrite.apply(self.envelope.message(), &self.limits)?.into_bytes();
        let schema = &protocol.versions()[target];
        Ok(Converted(Envelope::sealed(protocol, schema, rewrite.target(), bytes)))
    }
}

/// A message in the version that its reader asked for.
#[derive(Clone, Debug)]
pub struct Converted(Envelope);

impl Converted {
    /// The version that it is in.
    #[must_use]
    pub fn version(&self) -> &Version {
        self.0.version()
    }

    /// The full name of its type in that version.
    #[must_use]
    pub fn message_type(&self) -> &str {
        self.0.message_type()
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        self.0.message()
    }

    /// The message as a generated type whose code says its name, as that of `straddle::codegen` does. The type has to be
    /// of the version that was asked for: names do not tell versions apart.
    ///
    /// # Errors
    /// When the message is of a type of another name, or the bytes are not of that type.
    pub fn message<M: prost::Message + prost::Name + Default>(&self) -> Result<M, EnvelopeError> {
        if M::full_name() != self.message_type() {
            return Err(self.other(format!("{} is wanted", M::full_name())));
        }
        self.decode()
    }

    /// The message as any generated type, which has to be the one that [`message_type`](Self::message_type) names: without
    /// its name nobody can tell.
    ///
    /// # Errors
    /// When the bytes are not of that type.
    pub fn decode<M: prost::Message + Default>(&self) -> Result<M, EnvelopeError> {
        M::decode(self.bytes().clone()).map_err(|error| self.other(error.to_string()))
    }

    fn other(&self, what: String) -> EnvelopeError {
        EnvelopeError::Message { message: format!("{} of {}", self.message_type(), self.version()), what }
    }

    /// The message in an envelope of its new version, to be passed on.
    #[must_use]
    pub fn into_envelope(self) -> Envelope {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let mut rewrites = Rewrites::default();
        let mut most = 0;
        for number in 0..100 {
            let message = format!("p.M{number}");
            let none = NoRewrite::UnknownMessage { version: "1.0.0".to_owned(), message: message.clone() };
            rewrites.keep((number % 3, 3, Use::Stored), &message, Err(none), 10);
            most = most.max(rewrites.len());
            let kept = rewrites.0.get(&(number % 3, 3, Use::Stored));
            assert!(kept.is_some_and(|messages| messages.contains_key(&message)), "{message}");
        }
        assert_eq!(most, 10);
    }
}
