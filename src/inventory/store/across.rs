//! What was stored in one version and is wanted in another: answers, and what requests asked for.

use bytes::Bytes;
use tonic::Status;

use super::database::corrupt;
use crate::protocol::Protocol;
use crate::protocol::plan::Use;
use crate::refusal::Refusal;
use crate::rewrite::{Envelope, EnvelopeError, Opener};

/// The way from the version of one object to all others, and back. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Across {
    opener: Opener,
    version: String,
}

impl Across {
    pub(super) fn new(protocol: &Protocol, version: &str) -> Self {
        Self { opener: protocol.opener(), version: version.to_owned() }
    }

    /// The version of the object.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// A part of a request of this version, as another version has it; nothing where that one cannot say it.
    pub(super) fn request_in(&self, version: &str, message_type: &str, message: Vec<u8>) -> Option<Bytes> {
        self.rewrite(&self.version, version, message_type, message.into(), Use::Request).ok()
    }

    /// An answer of another version, as this one has it.
    ///
    /// # Errors
    /// A refusal that says that the call has run, where this version cannot say what it was answered.
    pub(super) fn answer_from(&self, version: &str, message_type: &str, message: Bytes) -> Result<Bytes, Status> {
        self.rewrite(version, &self.version, message_type, message, Use::Response).map_err(|error| {
            let Some(refusal) = error.refusal() else { return corrupt(&error.to_string()) };
            let path = refusal.path().unwrap_or_default();
            let why =
                format!("it was answered by {version} before the node changed its version: {}", refusal.message());
            Refusal::lossy(path, why).after_run().into()
        })
    }

    fn rewrite(
        &self,
        from: &str,
        to: &str,
        message_type: &str,
        message: Bytes,
        used: Use,
    ) -> Result<Bytes, EnvelopeError> {
        let envelope = Envelope::seal(self.opener.protocol(), from, message_type, message)?;
        Ok(self.opener.open(envelope)?.as_use(used).into_version(to)?.bytes().clone())
    }
}
