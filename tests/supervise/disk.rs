//! A disk on which files are put into their places as a test says.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;

use straddle::state::{Disk, Files, Held};

/// Who puts a journal into its place, by calling what it is given, or does not.
pub(crate) type Place = dyn Fn(&dyn Fn() -> io::Result<()>) -> io::Result<()> + Send + Sync;

/// A disk that has each word of the supervisor's journal put into its place like that.
pub(crate) struct Placing(pub(crate) Box<Place>);

impl fmt::Debug for Placing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Placing")
    }
}

impl Files for Placing {
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let place = || Disk.rename(from, to);
        if to.ends_with("JOURNAL") { (self.0)(&place) } else { place() }
    }

    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        Disk.read(file)
    }

    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        Disk.write(file, bytes)
    }

    fn append(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        Disk.append(file, bytes)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        Disk.create_folder(folder)
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        Disk.remove_folder(folder)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        Disk.list(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        Disk.sync_folder(folder)
    }

    fn sync_tree(&self, folder: &Path) -> io::Result<()> {
        Disk.sync_tree(folder)
    }

    fn copy_tree(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.copy_tree(from, to)
    }

    fn size(&self, folder: &Path) -> io::Result<u64> {
        Disk.size(folder)
    }

    fn free_space(&self, folder: &Path) -> io::Result<Option<u64>> {
        Disk.free_space(folder)
    }

    fn lock(&self, file: &Path) -> io::Result<Held> {
        Disk.lock(file)
    }
}
