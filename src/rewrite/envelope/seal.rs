//! Envelopes of one version and type, many of them: what they have in common is made once, so that a record costs no more
//! than a copy.

use std::ops::Range;

use prost::Message;
use prost::encoding::{decode_varint, encode_varint};

use super::{EnvelopeError, declares, generated};
use crate::protocol::Protocol;

/// The tag of the field `message`: number 4, bytes.
const MESSAGE: u8 = 4 << 3 | 2;

/// Writes envelopes of one version and type, and knows them again. They do not say the schema's digest: who keeps many of
/// them in one place says it once.
#[derive(Clone, Debug)]
pub(crate) struct Seal {
    /// All that comes before the message.
    before: Vec<u8>,
}

impl Seal {
    /// Of the version at index `version`.
    ///
    /// # Errors
    /// When that version declares no message `message_type`.
    pub(crate) fn new(protocol: &Protocol, version: usize, message_type: &str) -> Result<Self, EnvelopeError> {
        let schema = &protocol.versions()[version];
        declares(protocol, schema, message_type)?;
        let empty = generated::Envelope {
            protocol: protocol.name().to_owned(),
            version: schema.version().to_string(),
            r#type: message_type.to_owned(),
            ..generated::Envelope::default()
        };
        Ok(Self { before: empty.encode_to_vec() })
    }

    /// Writes the envelope of a message behind what is in `into`: the same bytes as [`Envelope`](super::Envelope) writes.
    pub(crate) fn seal<'p>(&self, parts: impl Iterator<Item = &'p [u8]> + Clone, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.before);
        let length: usize = parts.clone().map(<[u8]>::len).sum();
        if length > 0 {
            into.push(MESSAGE);
            encode_varint(length as u64, into);
            parts.for_each(|part| into.extend_from_slice(part));
        }
    }

    /// Where in an envelope the message is; nothing where it is another envelope than this writes.
    pub(crate) fn open(&self, envelope: &[u8]) -> Option<Range<usize>> {
        let mut rest = envelope.strip_prefix(&*self.before)?;
        if rest.is_empty() {
            return Some(envelope.len()..envelope.len());
        }
        rest = rest.strip_prefix(&[MESSAGE])?;
        let length = decode_varint(&mut rest).ok()?;
        (length == rest.len() as u64).then(|| envelope.len() - rest.len()..envelope.len())
    }
}

#[cfg(all(test, feature = "compile"))]
mod tests {
    use super::*;
    use crate::rewrite::Envelope;

    fn inventory() -> Protocol {
        Protocol::load(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/inventory")).expect("the inventory")
    }

    #[test]
    fn it_writes_and_reads_what_an_envelope_is() {
        let protocol = inventory();
        let seal = Seal::new(&protocol, 0, "inventory.v1.Item").expect("a type of 1.0.0");
        for length in [0, 1, 127, 128, 300, 20_000] {
            let message = vec![7; length];
            let (first, second) = message.split_at(length / 3);
            let mut sealed = b"before".to_vec();
            seal.seal([first, second].into_iter(), &mut sealed);
            let sealed = &sealed[b"before".len()..];
            let envelope = Envelope::decode(sealed.to_vec()).expect("an envelope");
            assert_eq!((envelope.protocol(), envelope.message_type()), ("inventory", "inventory.v1.Item"));
            assert_eq!((envelope.version().to_string().as_str(), envelope.schema()), ("1.0.0", None));
            assert_eq!(envelope.message(), &message);
            assert_eq!(envelope.encode_to_vec(), sealed);
            assert_eq!(seal.open(sealed).map(|range| &sealed[range]), Some(&*message));
        }
    }

    #[test]
    fn it_leaves_other_envelopes_to_others() {
        let protocol = inventory();
        let seal = |version, message| Seal::new(&protocol, version, message).expect("a type");
        let own = seal(0, "inventory.v1.Item");
        let mut sealed = Vec::new();
        own.seal([&b"message"[..]].into_iter(), &mut sealed);
        for other in [seal(1, "inventory.v1.Item"), seal(0, "inventory.v1.Box"), seal(2, "inventory.v2.Item")] {
            assert_eq!(other.open(&sealed), None);
        }
        for cut in 0..sealed.len() {
            let whole = cut == own.before.len();
            assert_eq!(own.open(&sealed[..cut]).is_some(), whole, "{cut}");
        }
        // A field behind the message may be a second message, which would be the one that counts.
        sealed.extend_from_slice(&[MESSAGE, 0]);
        assert_eq!(own.open(&sealed), None);
    }
}
