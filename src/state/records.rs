//! State that is messages: kept record by record, and carried from version to version by the protocol's rules.
//!
//! A [`Records`] is one redb file, `records.redb`, in a folder of the state. Its tables map keys to values; both are bytes,
//! and keys are in the order of their bytes. What a table's values are, its [`Layout`] says: messages of one type, which
//! are stored in envelopes and so say their version themselves, or bytes that mean the same in every version.
//!
//! ```no_run
//! # fn example(protocol: &straddle::Protocol, folder: &std::path::Path) -> Result<(), straddle::state::RecordsError> {
//! use straddle::state::{Layout, Records, RecordsError};
//!
//! let layout = Layout::new().messages("items", "inventory.v2.Item").carried("revisions");
//! let records = Records::open(folder, protocol, &"2.0.0".parse().unwrap(), &layout)?;
//! records.write(|writing| writing.insert("items", b"anvil", b"\x0a\x05anvil"))?;     // an Item of 2.0.0, encoded
//! let item = records.read()?.get("items", b"anvil")?;
//! # Ok(()) }
//! ```
//!
//! # From version to version
//!
//! [`Carry`] takes what is in one folder to another one, for another version: at once while callers wait
//! ([`Mode::Eager`]), ahead of time while the old object serves ([`Mode::Online`]), or later while the new one serves
//! ([`Mode::Lazy`]). The folder that it comes from is never changed, but for the note of what an online copy has yet to
//! catch up with.

use std::ops::Bound;
use std::path::Path;

use bytes::Bytes;

use super::progress::Progress;
use crate::protocol::Protocol;
use crate::version::Version;

/// The tables of a [`Records`], and what their values are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {}

impl Layout {
    /// No tables.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A table of messages of `message_type`, a full name in the version that the records are opened for.
    #[must_use]
    pub fn messages(self, table: &str, message_type: &str) -> Self {
        todo!("{table} {message_type}")
    }

    /// A table of bytes that mean the same in every version.
    #[must_use]
    pub fn carried(self, table: &str) -> Self {
        todo!("{table}")
    }

    /// A table that is not carried over: the transform function sees to it.
    #[must_use]
    pub fn left(self, table: &str) -> Self {
        todo!("{table}")
    }
}

/// When records are carried over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// All while callers wait.
    #[default]
    Eager,
    /// Before, while the old object serves; callers wait for what was written last.
    Online,
    /// Afterwards, while the new object serves, and each when it is touched. The next upgrade waits for the end of it.
    Lazy,
}

/// Records on disk, open. All clones are one.
#[derive(Clone, Debug)]
pub struct Records {}

/// Why something could not be done to records.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RecordsError(String);

impl Records {
    /// Opens the records in `folder`, which are made when they are not there.
    ///
    /// # Errors
    /// When they are those of another version or layout, are open already, or the file system fails.
    pub fn open(folder: &Path, protocol: &Protocol, version: &Version, layout: &Layout) -> Result<Self, RecordsError> {
        todo!("{folder:?} {protocol:?} {version} {layout:?}")
    }

    /// What is there now; writes that come later are not seen through it.
    ///
    /// # Errors
    /// When they are closed, or the file system fails.
    pub fn read(&self) -> Result<Reading, RecordsError> {
        todo!()
    }

    /// Does `work` in one transaction, which is on disk when this returns. When `work` fails, nothing has changed.
    /// Blocks: call it where blocking is allowed.
    ///
    /// # Errors
    /// What `work` says, or why it could not be written.
    pub fn write<T, E: From<RecordsError>>(
        &self,
        work: impl FnOnce(&mut Writing<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        todo!("{}", std::any::type_name_of_val(&work))
    }

    /// Whether all records are here: false while a lazy carrying-over is under way.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        todo!()
    }

    /// Brings the rest of a lazy carrying-over here, little by little so that writes do not wait long. Blocks until the end,
    /// or until `progress` is asked to stop; whatever stops it, the next call goes on from there.
    ///
    /// # Errors
    /// When a record refuses after all, or the file system fails.
    pub fn fill(&self, progress: &Progress) -> Result<(), RecordsError> {
        todo!("{progress:?}")
    }

    /// Closes the file once running reads and writes have ended; what comes later is an error. Blocks.
    pub fn close(&self) {
        todo!()
    }
}

/// What was there at one time.
#[derive(Debug)]
pub struct Reading {}

impl Reading {
    /// The value of a key.
    ///
    /// # Errors
    /// When there is no such table, a record cannot be brought to this version, or the file system fails.
    pub fn get(&self, table: &str, key: &[u8]) -> Result<Option<Bytes>, RecordsError> {
        todo!("{table} {key:?}")
    }

    /// Keys and values from `from` to `to`, in the order of their keys.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn range(
        &self,
        table: &str,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<impl Iterator<Item = Result<(Bytes, Bytes), RecordsError>>, RecordsError> {
        let _ = (table, from, to);
        Ok(std::iter::empty())
    }
}

/// One transaction under way; it sees what it has written.
#[derive(Debug)]
pub struct Writing<'a> {
    _of: std::marker::PhantomData<&'a ()>,
}

impl Writing<'_> {
    /// As [`Reading::get`].
    ///
    /// # Errors
    /// As there.
    pub fn get(&self, table: &str, key: &[u8]) -> Result<Option<Bytes>, RecordsError> {
        todo!("{table} {key:?}")
    }

    /// As [`Reading::range`].
    ///
    /// # Errors
    /// As there.
    pub fn range(
        &self,
        table: &str,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<impl Iterator<Item = Result<(Bytes, Bytes), RecordsError>>, RecordsError> {
        let _ = (table, from, to);
        Ok(std::iter::empty())
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    /// When there is no such table, or the file system fails.
    pub fn insert(&mut self, table: &str, key: &[u8], value: &[u8]) -> Result<(), RecordsError> {
        todo!("{table} {key:?} {value:?}")
    }

    /// Removes a key, if it is there.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub fn remove(&mut self, table: &str, key: &[u8]) -> Result<(), RecordsError> {
        todo!("{table} {key:?}")
    }
}

/// A record that the other version cannot express.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRecord {
    /// Its table.
    pub table: String,
    /// Its key.
    pub key: Bytes,
    /// Its value in the version that it comes from, without envelope.
    pub value: Bytes,
    /// Why, with the path to the field.
    pub why: String,
}

/// The way of records from one folder to another, in another version.
#[derive(Clone, Debug)]
pub struct Carry {}

impl Carry {
    /// Records of `from` to records of `to`, laid out as `layout` says; on or back.
    ///
    /// # Errors
    /// When `layout` names what `to` does not have.
    pub fn new(
        protocol: &Protocol,
        from: &Version,
        to: &Version,
        layout: &Layout,
        mode: Mode,
    ) -> Result<Self, RecordsError> {
        todo!("{protocol:?} {from} {to} {layout:?} {mode:?}")
    }

    /// The records that refuse, while `source` serves: at most `most` of them, and how many there are in all.
    ///
    /// # Errors
    /// When the file system fails, or `progress` was asked to stop.
    pub fn refused(
        &self,
        source: &Records,
        most: usize,
        progress: &Progress,
    ) -> Result<(Vec<RefusedRecord>, u64), RecordsError> {
        todo!("{source:?} {most} {progress:?}")
    }

    /// [`Mode::Online`]: copies into the folder `target` while `source` serves, notes what is written meanwhile, and catches
    /// up until little is left. Goes on where a crash has stopped it. In other modes there is nothing to do ahead.
    ///
    /// # Errors
    /// When a record refuses, or the file system fails.
    pub fn ahead(&self, source: &Records, target: &Path, progress: &Progress) -> Result<(), RecordsError> {
        todo!("{source:?} {target:?} {progress:?}")
    }

    /// Makes the records in the folder `target` those of the folder `source`, which nobody has open: all of them, the rest of
    /// them, or, [`Mode::Lazy`], a note of where they are. May be called again after a crash. A record that refuses goes to
    /// `lost`, which says whether to go on without it.
    ///
    /// # Errors
    /// When a record refuses and `lost` does not go on, or the file system fails.
    pub fn finish(
        &self,
        source: &Path,
        target: &Path,
        progress: &Progress,
        lost: &mut dyn FnMut(RefusedRecord) -> bool,
    ) -> Result<(), RecordsError> {
        let _ = lost;
        todo!("{source:?} {target:?} {progress:?}")
    }
}
