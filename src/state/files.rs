//! What the state asks of a file system, so that tests can stand in for a bad one.

use std::ffi::OsString;
use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::sparse;

/// A file system, or something that behaves like a bad one.
///
/// What a call has written into a file is durable when the call returns. What happens to the names in a folder is
/// durable once [`sync_folder`](Self::sync_folder) has returned for it.
pub trait Files: Debug + Send + Sync {
    /// All of a file.
    fn read(&self, file: &Path) -> io::Result<Vec<u8>>;

    /// Makes a file, or empties the one that is there, and writes all of it.
    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Writes at the end of a file, which is made if it is not there.
    fn append(&self, file: &Path, bytes: &[u8]) -> io::Result<()>;

    /// As [`append`](Self::append), but not durable yet: it is once a later append to the file is. What is not overridden is
    /// durable at once.
    fn append_loosely(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        self.append(file, bytes)
    }

    /// Gives a file or folder another name in the same folder; a file that has the name goes away.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes a folder, and those that lead to it; that they are there is durable when the call returns.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// As [`create_folder`](Self::create_folder), but not durable yet: for what [`sync_tree`](Self::sync_tree) makes durable
    /// with all that is in it. What is not overridden is durable at once.
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        self.create_folder(folder)
    }

    /// Removes a file. What is not overridden leaves it there.
    fn remove_file(&self, file: &Path) -> io::Result<()> {
        let _ = file;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Removes a folder with all that is in it.
    fn remove_folder(&self, folder: &Path) -> io::Result<()>;

    /// The names in a folder.
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>>;

    /// Makes durable which names are in a folder.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Makes durable all that is in a folder, however deep.
    fn sync_tree(&self, folder: &Path) -> io::Result<()>;

    /// Copies a folder with all that is in it, however deep, to a place where nothing is yet. It is not durable yet.
    ///
    /// # Errors
    /// Also at what is neither a file nor a folder.
    fn copy_tree(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// How many bytes the files in a folder have, however deep.
    fn size(&self, folder: &Path) -> io::Result<u64>;

    /// How many bytes can still be written where the folder lies; none where nobody can tell.
    fn free_space(&self, folder: &Path) -> io::Result<Option<u64>>;

    /// Takes an exclusive lock, which goes away with what is returned, at the latest with the process.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when somebody else holds it.
    fn lock(&self, file: &Path) -> io::Result<Held>;
}

/// A lock that is held for as long as this lives.
pub type Held = Box<dyn Send + Sync>;

/// The file system of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        fs::read(file)
    }

    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut open = File::create(file)?;
        open.write_all(bytes)?;
        open.sync_all()
    }

    fn append(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut open = OpenOptions::new().append(true).create(true).open(file)?;
        open.write_all(bytes)?;
        open.sync_all()
    }

    fn append_loosely(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        OpenOptions::new().append(true).create(true).open(file)?.write_all(bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        self.create_folder(parent)?;
        match fs::create_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
        self.sync_folder(parent)
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)
    }

    fn remove_file(&self, file: &Path) -> io::Result<()> {
        fs::remove_file(file)
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        fs::remove_dir_all(folder)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        // Elsewhere folders cannot be opened, and renames are journaled by the file system itself.
        if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
    }

    fn sync_tree(&self, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.sync_tree(&entry.path())?;
            } else if kind.is_file() {
                File::open(entry.path())?.sync_all()?;
            }
        }
        self.sync_folder(folder)
    }

    fn copy_tree(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.make_folder(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
            if kind.is_dir() {
                self.copy_tree(&entry.path(), &target)?;
            } else if kind.is_file() {
                sparse::copy(&entry.path(), &target)?;
            } else {
                let what = format!("{} is neither a file nor a folder, and is not copied", entry.path().display());
                return Err(io::Error::other(what));
            }
        }
        Ok(())
    }

    fn size(&self, folder: &Path) -> io::Result<u64> {
        let mut size = 0;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            size += if entry.file_type()?.is_dir() { self.size(&entry.path())? } else { entry.metadata()?.len() };
        }
        Ok(size)
    }

    fn free_space(&self, folder: &Path) -> io::Result<Option<u64>> {
        free_space(folder)
    }

    fn lock(&self, file: &Path) -> io::Result<Held> {
        // Never truncated: whoever waits for the lock must not touch what its owner has.
        let open = OpenOptions::new().write(true).create(true).truncate(false).open(file)?;
        open.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => io::ErrorKind::WouldBlock.into(),
            fs::TryLockError::Error(error) => error,
        })?;
        Ok(Box::new(open))
    }
}

#[cfg(unix)]
fn free_space(folder: &Path) -> io::Result<Option<u64>> {
    let told = rustix::fs::statvfs(folder)?;
    Ok(Some(told.f_bavail.saturating_mul(told.f_frsize)))
}

#[cfg(not(unix))]
fn free_space(_: &Path) -> io::Result<Option<u64>> {
    Ok(None)
}
