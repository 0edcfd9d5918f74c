//! What an object is opened with.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub use super::background::{Background, Stopping};
use crate::protocol::Protocol;
use crate::state::{Layout, Lease, Leases, Records, RecordsError};
use crate::version::Version;

/// What an object, current or simulation, is opened with; a node opens it anew after each upgrade.
///
/// All clones are one.
#[derive(Clone)]
pub struct Opening(Arc<Inner>);

struct Inner {
    version: Version,
    protocol: Protocol,
    folder: PathBuf,
    background: Background,
    leases: Leases,
    records: Mutex<Vec<Records>>,
}

impl Opening {
    pub(super) fn new(version: Version, protocol: Protocol, folder: PathBuf) -> Self {
        let (background, leases, records) = (Background::new(), Leases::default(), Mutex::default());
        Self(Arc::new(Inner { version, protocol, folder, background, leases, records }))
    }

    /// The version that the object implements.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.0.version
    }

    /// The protocol, with what the node has learned since it was built.
    #[must_use]
    pub fn protocol(&self) -> &Protocol {
        &self.0.protocol
    }

    /// The folder of the object's state; it is there. Another epoch has another one.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// Opens the records in [`folder`](Self::folder). The node closes them itself when callers are held back, and knows them
    /// for [`Upgrade::records`](super::Upgrade::records).
    ///
    /// # Errors
    /// As [`Records::open`].
    pub fn records(&self, layout: &Layout) -> Result<Records, RecordsError> {
        let records = Records::open(self.folder(), self.protocol(), self.version(), layout)?;
        self.0.records.lock().unwrap_or_else(PoisonError::into_inner).push(records.clone());
        Ok(records)
    }

    /// Says that the folder is in use until what is returned is dropped: for states that are not [`records`](Self::records).
    /// The node changes nothing before; the object has to drop it when it is dropped itself, or its background work ends.
    #[must_use]
    pub fn lease(&self) -> Lease {
        self.0.leases.lease()
    }

    /// Where the object starts its work in the background.
    #[must_use]
    pub fn background(&self) -> &Background {
        &self.0.background
    }

    /// Whether the two are one.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn leases(&self) -> &Leases {
        &self.0.leases
    }

    pub(super) fn opened_records(&self) -> Vec<Records> {
        self.0.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Opening")
            .field("version", self.version())
            .field("folder", &self.folder())
            .finish_non_exhaustive()
    }
}
