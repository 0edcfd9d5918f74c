//! A disk in memory that fails, and loses its power, when it is told to: for tests and simulations, which are the same for
//! the same seed.

mod backend;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use self::backend::Backend;

/// What is written is kept, lost or torn in pieces of so many bytes, as disks do.
const SECTOR: usize = 512;

/// A disk in memory. Clones are the same disk.
///
/// Its file is the real one: [`Store`](super::Store) puts redb on it. Only that making it is all or nothing is taken for
/// granted, which a folder does by giving the file its name last.
#[derive(Clone, Default)]
pub struct Disk(Arc<Mutex<State>>);

/// What goes wrong with a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The next writes, syncs and changes of length fail, until [`mend`](Disk::mend); nothing else is lost.
    Fails,
    /// As the next write fails, its first bytes are written.
    Tears,
    /// The program dies: nothing more is done by those who have the disk open.
    Dies,
    /// Nothing fails, but syncs do nothing. No store survives that; it shows that a test would find what is lost.
    Lies,
}

#[derive(Default)]
struct State {
    /// What whoever reads finds.
    seen: Vec<u8>,
    /// What a loss of power leaves in any case.
    durable: Vec<u8>,
    /// What happens to it that may be lost.
    unsynced: Vec<Operation>,
    /// Whether it has been made; until then there is none.
    made: bool,
    /// Who opened it before the last crash is not served any more.
    generation: u64,
    /// Somebody has it open.
    open: bool,
    operations: u64,
    fault: Option<(u64, Fault)>,
    failing: bool,
}

#[derive(Clone)]
enum Operation {
    Write(u64, Vec<u8>),
    Length(u64),
}

impl Disk {
    /// One with nothing on it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many writes, syncs and changes of length there were so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// After so many more operations, something goes wrong.
    pub fn fail_after(&self, operations: u64, fault: Fault) {
        let mut state = self.state();
        state.fault = Some((state.operations + operations, fault));
    }

    /// Whether something has gone wrong, and not been mended.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.state().failing
    }

    /// The disk works again, or does not begin to fail.
    pub fn mend(&self) {
        let mut state = self.state();
        state.fault = None;
        state.failing = false;
    }

    /// The program dies, as by `kill -9`: what it has written is there. Whoever had the disk open cannot use it any more.
    pub fn kill(&self) {
        let mut state = self.state();
        state.generation += 1;
        state.open = false;
        state.fault = None;
        state.failing = false;
        if !state.made {
            *state = State { generation: state.generation, operations: state.operations, ..State::default() };
        }
    }

    /// The power goes: of what was not synced each sector is there or not, whatever the order it was written in.
    pub fn lose_power(&self, seed: u64) {
        let mut random = fastrand::Rng::with_seed(seed);
        // Nothing, all, or some of it.
        let kept = [0.0, 0.1, 0.5, 0.9, 1.0][random.usize(..5)];
        {
            let mut state = self.state();
            let mut left = std::mem::take(&mut state.durable);
            for operation in std::mem::take(&mut state.unsynced) {
                match operation {
                    Operation::Length(length) if random.f64() < kept => resize(&mut left, length),
                    Operation::Length(_) => {}
                    Operation::Write(offset, data) => {
                        let mut at = offset;
                        for piece in pieces(offset, &data) {
                            if random.f64() < kept {
                                write(&mut left, at, piece);
                            }
                            at += piece.len() as u64;
                        }
                    }
                }
            }
            state.seen.clone_from(&left);
            state.durable = left;
        }
        self.kill();
    }

    /// Flips a bit of what is stored, as it happens to old disks; not where there is nothing. Says which byte.
    #[must_use]
    pub fn spoil(&self, seed: u64) -> usize {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut state = self.state();
        let State { seen, durable, .. } = &mut *state;
        let written: Vec<usize> = (0..seen.len()).filter(|at| seen[*at] != 0).collect();
        let byte = random.choice(written).unwrap_or_default();
        let bit = 1 << random.u8(..8);
        for image in [seen, durable] {
            if let Some(byte) = image.get_mut(byte) {
                *byte ^= bit;
            }
        }
        byte
    }

    /// Opens what is on it; what is not there yet is made.
    pub(super) fn open(
        &self,
        open: impl Fn(Backend) -> Result<redb::Database, redb::DatabaseError>,
        make: impl Fn(&redb::Database) -> Result<(), redb::Error>,
    ) -> Result<redb::Database, redb::Error> {
        let (generation, is_there) = {
            let mut state = self.state();
            if !state.made {
                (state.seen, state.durable, state.unsynced) = Default::default();
            }
            (state.generation, state.made)
        };
        let database = open(Backend::new(self.clone(), generation))?;
        if !is_there {
            make(&database)?;
            self.state().made = true;
        }
        Ok(database)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Disk").field("length", &self.state().seen.len()).finish_non_exhaustive()
    }
}

/// The data, divided where sectors end.
fn pieces(offset: u64, data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let within = usize::try_from(offset % SECTOR as u64).unwrap_or(0);
    let (first, rest) = data.split_at(data.len().min(SECTOR - within));
    std::iter::once(first).chain(rest.chunks(SECTOR)).filter(|piece| !piece.is_empty())
}

fn resize(image: &mut Vec<u8>, length: u64) {
    // It is in memory, so its length fits.
    image.resize(usize::try_from(length).unwrap_or(usize::MAX), 0);
}

/// Writes behind the end make the file longer.
fn write(image: &mut Vec<u8>, offset: u64, data: &[u8]) {
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    let end = offset.saturating_add(data.len());
    if image.len() < end {
        image.resize(end, 0);
    }
    image[offset..end].copy_from_slice(data);
}
