//! The disk, as redb uses it.

use std::io;
use std::ops::Bound;

use redb::{BackendError, StorageBackend};

use super::{Disk, Fault, Operation, State, resize, write};

/// The disk, opened by somebody.
#[derive(Debug)]
pub(in super::super) struct Backend {
    disk: Disk,
    generation: u64,
}

impl Backend {
    pub(super) fn new(disk: Disk, generation: u64) -> Self {
        Self { disk, generation }
    }

    /// Does something, if whoever opened this lives.
    fn alive<T>(&self, does: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.disk.state();
        if state.generation != self.generation {
            return Err(io::Error::other("the program has died"));
        }
        does(&mut state)
    }

    /// One operation that changes what is there; when it fails, `torn` has happened.
    fn changes(&self, torn: impl FnOnce(&mut State), does: impl FnOnce(&mut State)) -> io::Result<()> {
        self.alive(|state| {
            if let Some((at, fault)) = state.fault
                && state.operations >= at
                && fault != Fault::Lies
            {
                if !state.failing && fault == Fault::Tears {
                    torn(state);
                }
                state.failing = true;
                if fault == Fault::Dies {
                    state.generation += 1;
                    state.open = false;
                }
                return Err(io::Error::other("the disk fails"));
            }
            state.operations += 1;
            does(state);
            Ok(())
        })
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.alive(|state| Ok(state.seen.len() as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.alive(|state| {
            let start = usize::try_from(offset).map_err(io::Error::other)?;
            let found = state.seen.get(start..start.saturating_add(out.len()));
            out.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.changes(
            |_| {},
            |state| {
                resize(&mut state.seen, length);
                state.unsynced.push(Operation::Length(length));
            },
        )
    }

    fn sync_data(&self) -> io::Result<()> {
        self.changes(
            |_| {},
            |state| {
                if matches!(state.fault, Some((at, Fault::Lies)) if state.operations > at) {
                    return;
                }
                for operation in std::mem::take(&mut state.unsynced) {
                    match operation {
                        Operation::Length(length) => resize(&mut state.durable, length),
                        Operation::Write(offset, data) => write(&mut state.durable, offset, &data),
                    }
                }
            },
        )
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let put = |state: &mut State, data: &[u8]| {
            write(&mut state.seen, offset, data);
            state.unsynced.push(Operation::Write(offset, data.to_vec()));
        };
        self.changes(|state| put(state, &data[..data.len() / 2]), |state| put(state, data))
    }

    fn close(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        if state.generation == self.generation {
            state.open = false;
        }
        Ok(())
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        if (start, end) != (Bound::Unbounded, Bound::Unbounded) {
            return Err(BackendError::Unsupported);
        }
        let taken = self.alive(|state| Ok(!std::mem::replace(&mut state.open, true)));
        taken.map_err(BackendError::Io)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        if (start, end) != (Bound::Unbounded, Bound::Unbounded) {
            return Err(BackendError::Unsupported);
        }
        self.close().map_err(BackendError::Io)
    }
}
