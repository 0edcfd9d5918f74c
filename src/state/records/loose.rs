//! A new file that is synced once, when all of it is there, and not with each part that it begins with. Until then it has a
//! name by which nobody looks for it.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use redb::StorageBackend;
use redb::backends::FileBackend;

#[derive(Debug)]
pub(super) struct Loose(FileBackend);

impl Loose {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let file: File = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        FileBackend::new(file).map(Self).map_err(io::Error::other)
    }
}

impl StorageBackend for Loose {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }
}
