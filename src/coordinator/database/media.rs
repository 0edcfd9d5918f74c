//! Where a database lies, and how it is opened there.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use redb::Builder;

use super::disk::Disk;
use super::{OpenError, layout};

/// The file of the database, in the coordinator's data folder.
pub const FILE: &str = "database.redb";
/// What it is called until it says what it is.
const NEW: &str = "database.redb.new";
/// Who has it open holds a lock of this file, and has written its process number into it.
const LOCK: &str = "database.lock";

/// What redb keeps in memory of the file, in bytes.
const CACHE: usize = 8 * 1024 * 1024;

/// Where a database lies.
#[derive(Debug)]
pub(super) enum Media {
    /// In a folder.
    Folder {
        file: PathBuf,
        /// Held as long as we have it open.
        _lock: File,
    },
    /// On a disk that is none.
    Simulated(Disk),
}

impl Media {
    /// Takes the folder's database for us alone; makes it, if it is not there and that is wanted.
    pub(super) fn folder(folder: &Path, create: bool) -> Result<Self, OpenError> {
        let file = folder.join(FILE);
        let there = file.try_exists().map_err(OpenError::io(&file, "looking whether it is there"))?;
        if !there && !create {
            return Err(OpenError::absent(&file));
        }
        fs::create_dir_all(folder).map_err(OpenError::io(folder, "making the folder"))?;
        let lock = lock(folder, &file)?;
        // Only now nobody else makes it.
        if !file.try_exists().map_err(OpenError::io(&file, "looking whether it is there"))? {
            make(folder, &file)?;
        }
        Ok(Self::Folder { file, _lock: lock })
    }

    /// What errors call it.
    pub(super) fn name(&self) -> &Path {
        match self {
            Self::Folder { file, .. } => file,
            Self::Simulated(_) => Path::new("the simulated disk"),
        }
    }

    /// Opens it; what a crash has left is mended by redb.
    pub(super) fn open(&self) -> Result<redb::Database, OpenError> {
        let file = self.name();
        let opened = match self {
            Self::Folder { file, .. } => builder().open(file).map_err(redb::Error::from),
            Self::Simulated(disk) => disk.open(|backend| builder().create_with_backend(backend), layout::make),
        };
        let database = opened.map_err(OpenError::store(file, "opening the file"))?;
        layout::check(&database, file)?;
        Ok(database)
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE);
    builder
}

fn lock(folder: &Path, file: &Path) -> Result<File, OpenError> {
    let path = folder.join(LOCK);
    let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut lock = open.map_err(OpenError::io(&path, "opening the lock"))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(OpenError::elsewhere(file, holder(&mut lock))),
        Err(TryLockError::Error(error)) => return Err(OpenError::io(&path, "taking the lock")(error)),
    }
    let tell = |lock: &mut File| {
        lock.set_len(0)?;
        lock.rewind()?;
        writeln!(lock, "{}", std::process::id())
    };
    tell(&mut lock).map_err(OpenError::io(&path, "writing into the lock"))?;
    Ok(lock)
}

/// The process that says that it holds the lock.
fn holder(lock: &mut File) -> Option<u32> {
    let mut told = String::new();
    lock.take(20).read_to_string(&mut told).ok()?;
    told.trim().parse().ok()
}

/// Makes the file; when the program ends in between, it is as if it had not begun.
fn make(folder: &Path, file: &Path) -> Result<(), OpenError> {
    let new = folder.join(NEW);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(OpenError::io(&new, "removing what is half made")(error));
        }
        _ => {}
    }
    let database = builder().create(&new).map_err(OpenError::store(&new, "making the file"))?;
    layout::make(&database).map_err(OpenError::store(&new, "making the file"))?;
    drop(database);
    fs::rename(&new, file).map_err(OpenError::io(file, "giving the file its name"))?;
    sync(folder)?;
    // The folder's own name may be as new.
    match folder.parent() {
        Some(parent) if parent != Path::new("") => sync(parent),
        _ => sync(Path::new(".")),
    }
}

/// Makes durable which files are in a folder.
fn sync(folder: &Path) -> Result<(), OpenError> {
    File::open(folder).and_then(|open| open.sync_all()).map_err(OpenError::io(folder, "syncing the folder"))
}
