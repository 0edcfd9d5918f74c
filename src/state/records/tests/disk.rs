//! A disk that stops to work at some moment, as it does for a program that is killed, or loses its power.

use std::cell::RefCell;
use std::fs::OpenOptions;
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::Mutex;

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

thread_local! {
    static CRASH: RefCell<Option<Crash>> = const { RefCell::new(None) };
}

#[derive(Clone, Copy)]
struct Crash {
    /// How many operations are still done.
    left: u64,
    /// Whether one more was asked for.
    failed: bool,
    /// Whether what was not synced is lost.
    power: bool,
}

/// From here on the disk does so many operations of this thread, and no more. With `power` what was not synced by then is
/// lost.
pub(in super::super) fn crash_after(operations: u64, power: bool) {
    CRASH.set(Some(Crash { left: operations, failed: false, power }));
}

/// Whether it has failed.
pub(in super::super) fn failed() -> bool {
    CRASH.with_borrow(|crash| crash.is_some_and(|crash| crash.failed))
}

/// The disk works again.
pub(in super::super) fn mend() {
    CRASH.set(None);
}

#[derive(Debug)]
pub(in super::super) struct Disk {
    file: FileBackend,
    /// What was there before each write that is not synced.
    unsynced: Mutex<Vec<(u64, Vec<u8>)>>,
}

impl Disk {
    pub(in super::super) fn open(path: &Path, create: bool) -> Result<Self, redb::DatabaseError> {
        let file = OpenOptions::new().read(true).write(true).create(create).truncate(false).open(path)?;
        Ok(Self { file: FileBackend::new(file)?, unsynced: Mutex::default() })
    }

    /// One operation more, if the disk still works.
    fn operation(&self) -> io::Result<()> {
        let power = CRASH.with_borrow_mut(|crash| match crash {
            None => Ok(()),
            Some(crash) if crash.left > 0 => {
                crash.left -= 1;
                Ok(())
            }
            Some(crash) => {
                crash.failed = true;
                Err(crash.power)
            }
        });
        let Err(power) = power else { return Ok(()) };
        let lost = std::mem::take(&mut *self.unsynced.lock().expect("no panic"));
        for (offset, before) in lost.into_iter().rev().filter(|_| power) {
            let length = self.file.len()?;
            if offset + before.len() as u64 <= length {
                self.file.write(offset, &before)?;
            }
        }
        Err(io::Error::other("the disk is gone"))
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.operation()?;
        self.file.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.operation()?;
        // What a disk would do is done here; what lies beneath need not be one.
        self.unsynced.lock().expect("no panic").clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.operation()?;
        let mut before = vec![0; data.len()];
        self.file.read(offset, &mut before)?;
        self.unsynced.lock().expect("no panic").push((offset, before));
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }
}
