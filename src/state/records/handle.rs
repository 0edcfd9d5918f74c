//! Records, open: what authors hold.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::watch;

use super::error::RecordsError;
use super::held::Held;
use super::layout::Layout;
use super::reading::Reading;
use super::store::{Ended, Store};
use super::writing::Writing;
use super::{file, fill};
use crate::protocol::Protocol;
use crate::state::progress::Progress;
use crate::version::Version;

/// Records on disk, open. All clones are one; the file closes when the last one goes, or at [`close`](Self::close).
#[derive(Clone)]
pub struct Records(Arc<Inner>);

/// Records that this does not keep open: for whatever lives long and reads only now and then.
#[derive(Clone)]
pub struct WeakRecords(Weak<Inner>);

/// Bytes of memory for mending a copy.
const MENDING: usize = 1 << 20;

/// Tells whether records were written since they were copied, also once they are closed.
#[derive(Clone, Debug)]
pub(crate) struct Unchanged {
    written: Arc<AtomicU64>,
    then: u64,
}

impl Unchanged {
    pub(crate) fn holds(&self) -> bool {
        self.written.load(Ordering::Acquire) == self.then
    }
}

struct Inner {
    file: PathBuf,
    /// Nothing once they are closed.
    open: Mutex<Option<Open>>,
    ended: Ended,
}

struct Open {
    store: Arc<Store>,
    written: watch::Sender<()>,
}

impl Records {
    /// Opens the records in `folder`, which are made when they are not there. Tables that the layout has more than the file
    /// has are made, too.
    ///
    /// # Errors
    /// When they are those of another version or layout, are half made or open already, or the file system fails.
    pub fn open(folder: &Path, protocol: &Protocol, version: &Version, layout: &Layout) -> Result<Self, RecordsError> {
        let version = protocol
            .require(version)
            .map_err(|what| RecordsError::wrong(what, "open them in a version that the protocol has"))?;
        let store = Store::open(folder, protocol, version, layout)?;
        let ended = store.ended();
        let open = Open { store, written: watch::Sender::new(()) };
        Ok(Self(Arc::new(Inner { file: file::path(folder), open: Mutex::new(Some(open)), ended })))
    }

    /// What is there now; writes that come later are not seen through it.
    ///
    /// # Errors
    /// When they are closed, or the file system fails.
    pub fn read(&self) -> Result<Reading, RecordsError> {
        Reading::new(self.store()?)
    }

    /// Does `work` in one transaction, which is on disk when this returns. When `work` fails, nothing has changed. Blocks,
    /// while others write among other things: call it where blocking is allowed, and not within another write.
    ///
    /// # Errors
    /// What `work` says, or why it could not be written.
    pub fn write<T, E: From<RecordsError>>(&self, work: impl FnOnce(&mut Writing<'_>) -> Result<T, E>) -> Result<T, E> {
        let (done, wrote) = self.store()?.write(work)?;
        if wrote && let Some(open) = &*self.0.open() {
            open.written.send_replace(());
        }
        Ok(done)
    }

    /// Changes after each write, and ends when the records are closed. It does not keep them open.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<()> {
        match &*self.0.open() {
            Some(open) => open.written.subscribe(),
            // One that has ended.
            None => watch::Sender::new(()).subscribe(),
        }
    }

    /// These records, without keeping them open.
    #[must_use]
    pub fn downgrade(&self) -> WeakRecords {
        WeakRecords(Arc::downgrade(&self.0))
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.0.file
    }

    /// Whether all records are here: false while a lazy carrying-over is under way.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.store().is_ok_and(|store| store.base().is_none())
    }

    /// Brings the rest of a lazy carrying-over here, little by little so that writes do not wait long. Blocks until the end,
    /// or until `progress` is asked to stop, which is no error; whatever stops it, the next call goes on from there. See
    /// [`is_whole`](Self::is_whole).
    ///
    /// # Errors
    /// When a record refuses after all, the records are closed, or the file system fails.
    pub fn fill(&self, progress: &Progress) -> Result<(), RecordsError> {
        fill::fill(self, progress)?;
        fill::sweep(self, progress)
    }

    /// Closes the file once running reads and writes have ended; what comes later is an error. Blocks; whoever has a
    /// [`Reading`] of these records at hand drops it before.
    pub fn close(&self) {
        drop(self.0.open().take());
        self.0.ended.wait();
    }

    /// As [`close`](Self::close), but for closing the file: it stays open for whoever reads it beneath another one. Nothing where
    /// they were closed before.
    pub(crate) fn hold(&self) -> Option<Held> {
        let open = self.0.open().take();
        let file = open.as_ref().map(|open| open.store.open_file());
        drop(open);
        self.0.ended.wait();
        file.map(Held::new)
    }

    /// Has `copy` copy the file while nobody writes.
    ///
    /// # Errors
    /// When they are closed, or the file system fails.
    pub(crate) fn copy(&self, copy: impl FnOnce() -> io::Result<()>) -> Result<Unchanged, RecordsError> {
        let store = self.store()?;
        Ok(Unchanged { written: store.written(), then: store.copy(copy)? })
    }

    /// Mends and closes the file of a copy, so that whoever opens it next does not have to.
    ///
    /// # Errors
    /// When it is not one, or the file system fails.
    pub(crate) fn mend_copy(folder: &Path) -> Result<(), RecordsError> {
        file::open(&file::path(folder), MENDING).map(drop)
    }

    pub(super) fn store(&self) -> Result<Arc<Store>, RecordsError> {
        let store = self.0.open().as_ref().map(|open| open.store.clone());
        store.ok_or_else(|| RecordsError::closed(&self.0.file))
    }
}

impl WeakRecords {
    /// The records, if somebody has them open.
    #[must_use]
    pub fn upgrade(&self) -> Option<Records> {
        self.0.upgrade().filter(|inner| inner.open().is_some()).map(Records)
    }
}

impl Inner {
    /// Nothing can be half done where a panic poisons the lock.
    fn open(&self) -> std::sync::MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Records").field(&self.0.file).finish()
    }
}

impl fmt::Debug for WeakRecords {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WeakRecords")
    }
}
