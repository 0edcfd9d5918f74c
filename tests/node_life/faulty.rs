//! The files of this machine, but one operation on them fails, or is the last one.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use straddle::state::{Disk, Files, Held};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Error,
    ErrorAfter,
    ErrorTorn,
    Crash,
    CrashAfter,
    CrashTorn,
}

pub(crate) const FAULTS: [Fault; 6] =
    [Fault::Error, Fault::CrashAfter, Fault::ErrorTorn, Fault::Crash, Fault::ErrorAfter, Fault::CrashTorn];

#[derive(Debug)]
pub(crate) struct Faulty {
    fault: Mutex<Option<(usize, Fault)>>,
    operations: AtomicUsize,
    failed: AtomicBool,
    dead: AtomicBool,
    /// As much room as there is, or as it is told.
    free: Mutex<Option<u64>>,
}

impl Faulty {
    pub(crate) fn new(fault: Option<(usize, Fault)>) -> Self {
        Self {
            fault: Mutex::new(fault),
            operations: AtomicUsize::new(0),
            failed: AtomicBool::new(false),
            dead: AtomicBool::new(false),
            free: Mutex::default(),
        }
    }

    /// After so many more operations.
    pub(crate) fn fails_in(&self, after: usize, fault: Fault) {
        *self.fault.lock().unwrap() = Some((self.operations() + after, fault));
    }

    /// From here on the disk has so much room left, or as much as it has.
    #[allow(dead_code, reason = "not all tests that share this use it")]
    pub(crate) fn has_free(&self, bytes: Option<u64>) {
        *self.free.lock().unwrap() = bytes;
    }

    /// Whether something has gone wrong.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    pub(crate) fn operations(&self) -> usize {
        self.operations.load(Ordering::SeqCst)
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// Does an operation, whole or half or not at all.
    fn act(&self, whole: impl FnOnce() -> io::Result<()>, half: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let error = || Err(io::Error::other("the disk said no"));
        if self.is_dead() {
            return error();
        }
        let number = self.operations.fetch_add(1, Ordering::SeqCst);
        let fault = self.fault.lock().unwrap().filter(|(at, _)| *at == number);
        let Some((_, fault)) = fault else { return whole() };
        self.failed.store(true, Ordering::SeqCst);
        if matches!(fault, Fault::Crash | Fault::CrashAfter | Fault::CrashTorn) {
            self.dead.store(true, Ordering::SeqCst);
        }
        match fault {
            Fault::Error | Fault::Crash => {}
            Fault::ErrorAfter | Fault::CrashAfter => whole()?,
            Fault::ErrorTorn | Fault::CrashTorn => half()?,
        }
        error()
    }
}

impl Files for Faulty {
    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        Disk.read(file)
    }

    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        self.act(|| Disk.write(file, bytes), || Disk.write(file, &bytes[..bytes.len() / 2]))
    }

    fn append(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        self.act(|| Disk.append(file, bytes), || Disk.append(file, &bytes[..bytes.len() / 2]))
    }

    fn append_loosely(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        self.act(|| Disk.append_loosely(file, bytes), || Disk.append_loosely(file, &bytes[..bytes.len() / 2]))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.act(|| Disk.rename(from, to), || Ok(()))
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.act(|| Disk.create_folder(folder), || Ok(()))
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        self.act(|| Disk.make_folder(folder), || Ok(()))
    }

    fn remove_file(&self, file: &Path) -> io::Result<()> {
        self.act(|| Disk.remove_file(file), || Ok(()))
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        let half = || match Disk.list(folder)?.first() {
            Some(first) => Disk.remove_folder(&folder.join(first)).or(Ok(())),
            None => Ok(()),
        };
        self.act(|| Disk.remove_folder(folder), half)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        Disk.list(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.act(|| Disk.sync_folder(folder), || Ok(()))
    }

    fn sync_tree(&self, folder: &Path) -> io::Result<()> {
        self.act(|| Disk.sync_tree(folder), || Ok(()))
    }

    fn copy_tree(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.act(|| Disk.copy_tree(from, to), || Disk.create_folder(to))
    }

    fn size(&self, folder: &Path) -> io::Result<u64> {
        Disk.size(folder)
    }

    fn free_space(&self, folder: &Path) -> io::Result<Option<u64>> {
        match *self.free.lock().unwrap() {
            Some(free) => Ok(Some(free)),
            None => Disk.free_space(folder),
        }
    }

    fn lock(&self, file: &Path) -> io::Result<Held> {
        Disk.lock(file)
    }
}
