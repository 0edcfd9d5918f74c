//! What a transform function, or a reverse one, works on.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::checkpoint::{self, Checkpoint};
use super::losses::Losses;
use crate::protocol::Protocol;
use crate::state::{Files, Progress, RefusedRecord};
use crate::version::Version;

/// The states of one version, as folders that nobody has open.
#[derive(Clone, Debug)]
pub struct States {
    version: Version,
    folder: PathBuf,
    object: PathBuf,
}

impl States {
    pub(super) fn new(version: Version, folder: PathBuf) -> Self {
        let object = folder.join("object");
        Self { version, folder, object }
    }

    /// The version of the current object.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The state of the current object; the folder is there.
    #[must_use]
    pub fn object(&self) -> &Path {
        &self.object
    }

    /// The state of the past simulation object that implements `version`; among those that are to be made, the folder is
    /// there, among those that there are, only where there was such an object.
    #[must_use]
    pub fn past(&self, version: &str) -> PathBuf {
        self.folder.join("past").join(version)
    }

    /// The state of the future simulation object that implements `version`; otherwise as [`past`](Self::past).
    #[must_use]
    pub fn future(&self, version: &str) -> PathBuf {
        self.folder.join("future").join(version)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// A transform, or its reverse, under way.
///
/// The states of [`from`](Self::from) are not to be changed: they are what the node goes back to when anything fails. What
/// the function makes belongs into the folders of [`to`](Self::to). A transform of v to w is given v's object and the future
/// simulation object of w; it makes w's object, and what the past simulation object of v needs; the reverse the other way
/// round. The states of all other simulation objects are there already in `to`, as they were.
///
/// What it makes need not be synced: the node does so before it goes on.
///
/// When the program ends in between, the function is called again: with empty folders, but where it has said
/// [`checkpoint`](Self::checkpoint), with what it has made so far and that checkpoint.
pub struct Transforming {
    pub(super) protocol: Protocol,
    pub(super) from: States,
    pub(super) to: States,
    pub(super) progress: Progress,
    pub(super) files: Arc<dyn Files>,
    pub(super) resumed: Option<Bytes>,
    pub(super) losses: Mutex<Losses>,
}

impl Transforming {
    /// The protocol.
    #[must_use]
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// What there is.
    #[must_use]
    pub fn from(&self) -> &States {
        &self.from
    }

    /// What is to be made.
    #[must_use]
    pub fn to(&self) -> &States {
        &self.to
    }

    /// To tell how far it has come, for whoever waits; a function that runs long looks here whether it is to stop.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Makes durable what the function has made, and remembers `checkpoint` with it: where to go on from. Files that it
    /// still has open have to be flushed before. Takes as long as syncing all of it does.
    ///
    /// # Errors
    /// When the file system fails.
    pub fn checkpoint(&self, checkpoint: &[u8]) -> io::Result<()> {
        let mut losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        losses.make_durable()?;
        let checkpoint = Checkpoint { lost: losses.count(), said: checkpoint.to_vec() };
        self.files.sync_tree(self.to.folder())?;
        checkpoint::write(&*self.files, self.to.folder(), &checkpoint)
    }

    /// What was remembered last, by the attempt that a crash has ended.
    #[must_use]
    pub fn resumed(&self) -> Option<Bytes> {
        self.resumed.clone()
    }

    /// Says that something cannot be carried over, with why. Whether it is done without is not for the function to say: it
    /// goes on to the end, so that all of it is listed at once; then the node goes back, unless whoever has called for a
    /// rollback has accepted the loss, which is exported first.
    pub fn lose(&self, lost: RefusedRecord) {
        self.losses.lock().unwrap_or_else(PoisonError::into_inner).add(lost);
    }
}

impl fmt::Debug for Transforming {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Transforming").field("from", &self.from).field("to", &self.to).finish_non_exhaustive()
    }
}
