//! Records of the upgrade database, in envelopes of the coordinator's own protocol: so a database outlives the versions of
//! the coordinator that wrote it.

pub mod keys;

use std::sync::LazyLock;

use bytes::Bytes;
use prost::{Message, Name};

use crate::control::{protocol, v1_0_0};
use crate::rewrite::{Envelope, EnvelopeError, Opener};

/// The version in which this program writes records.
const WRITTEN: &str = v1_0_0::LABEL.version;

/// Keeps the rewrites from older versions.
static OPENER: LazyLock<Opener> = LazyLock::new(|| protocol().opener());

/// The value of a record.
pub fn seal<M: Message + Name>(record: &M) -> Bytes {
    match Envelope::seal_message(OPENER.protocol(), WRITTEN, record) {
        Ok(envelope) => envelope.encode_to_vec().into(),
        // The type is generated from this very version of the protocol.
        Err(error) => unreachable!("{error}"),
    }
}

/// The record of a value, whichever version wrote it.
///
/// # Errors
/// When it is no envelope, of another type, or of a version that this program does not know.
pub fn open<M: Message + Name + Default>(value: impl Into<Bytes>) -> Result<M, EnvelopeError> {
    OPENER.open(Envelope::decode(value)?)?.into_version(WRITTEN)?.message()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_and_not_as_another() {
        let counters = v1_0_0::Counters { upgrade: 1, permit: 2, admission: 3, event: 4, watched: 5 };
        let value = seal(&counters);
        assert_eq!(open::<v1_0_0::Counters>(value.clone()).unwrap(), counters);
        assert!(open::<v1_0_0::Leader>(value).is_err());
        assert!(open::<v1_0_0::Counters>(&b"\xff"[..]).is_err());
    }
}
