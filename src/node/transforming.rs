//! What a transform function, or a reverse one, works on.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::protocol::Protocol;
use crate::state::{Progress, RefusedRecord};
use crate::version::Version;

/// The states of one version, as folders that nobody has open.
#[derive(Clone, Debug)]
pub struct States {}

impl States {
    /// The version of the current object.
    #[must_use]
    pub fn version(&self) -> &Version {
        todo!()
    }

    /// The state of the current object.
    #[must_use]
    pub fn object(&self) -> &Path {
        todo!()
    }

    /// The state of the past simulation object that implements `version`; made when it is not there.
    #[must_use]
    pub fn past(&self, version: &str) -> PathBuf {
        todo!("{version}")
    }

    /// The state of the future simulation object that implements `version`; made when it is not there.
    #[must_use]
    pub fn future(&self, version: &str) -> PathBuf {
        todo!("{version}")
    }
}

/// A transform, or its reverse, under way.
///
/// The states of [`from`](Self::from) are not to be changed: they are what the node goes back to when anything fails. What
/// the function makes belongs into the folders of [`to`](Self::to). A transform of v to w is given v's object and the future
/// simulation object of w; it makes w's object, and what the past simulation object of v needs; the reverse the other way
/// round. The states of all other simulation objects are there already in `to`, as they were.
///
/// When the program ends in between, the function is called again: with empty folders, but where it has said
/// [`checkpoint`](Self::checkpoint), with what it has made so far and that checkpoint.
#[derive(Clone, Debug)]
pub struct Transforming {}

impl Transforming {
    /// The protocol.
    #[must_use]
    pub fn protocol(&self) -> &Protocol {
        todo!()
    }

    /// What there is.
    #[must_use]
    pub fn from(&self) -> &States {
        todo!()
    }

    /// What is to be made.
    #[must_use]
    pub fn to(&self) -> &States {
        todo!()
    }

    /// To tell how far it has come, for whoever waits; a function that runs long looks here whether it is to stop.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        todo!()
    }

    /// Makes durable what the function has made, and remembers `checkpoint` with it: where to go on from.
    ///
    /// # Errors
    /// When the file system fails.
    pub fn checkpoint(&self, checkpoint: &[u8]) -> std::io::Result<()> {
        todo!("{checkpoint:?}")
    }

    /// What was remembered last, by the attempt that a crash has ended.
    #[must_use]
    pub fn resumed(&self) -> Option<Bytes> {
        todo!()
    }

    /// Says that something cannot be carried over, with why. Whether it is done without is not for the function to say: it
    /// goes on to the end, so that all of it is listed at once; then the node goes back, unless whoever has called for a
    /// rollback has accepted the loss, which is exported first.
    pub fn lose(&self, lost: RefusedRecord) {
        todo!("{lost:?}")
    }
}
