//! The embedded store: everything that [`Database`](super::Database) asks for, done at once on the thread that asks.
//!
//! [`Embedded`](super::Embedded) is in front of it.

mod leases;
mod reading;
mod replacing;
mod trouble;
mod writing;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use redb::ReadableDatabase;

use self::leases::Leases;
use self::reading::Reading;
use self::trouble::Trouble;
use super::limits::check_key;
use super::media::Media;
use super::{
    Changes, Clock, Committed, DatabaseError, Disk, Entry, Keys, Lease, Monotonic, OpenError, Page, Query, Revision,
    Transaction,
};

pub(super) use self::replacing::NotReplaced;

/// How a database is opened.
#[derive(Clone)]
pub struct Options {
    /// Whether it is made when it is not there.
    pub create: bool,
    /// How many revisions are remembered for those who watch; older ones are forgotten as new ones come.
    pub history: u64,
    /// What leases are counted on.
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Self {
        Self { create: true, history: 10_000, clock: Arc::new(Monotonic::default()) }
    }
}

/// An upgrade database in a file of its own, opened by this program alone.
///
/// Each call does all of its work, reading and writing the file, before it returns. When the file cannot be read or written,
/// it is closed, and the next call opens it anew.
#[derive(Debug)]
pub struct Store {
    media: Media,
    /// None: to be opened anew.
    database: RwLock<Option<redb::Database>>,
    leases: Mutex<Leases>,
    history: u64,
}

impl Store {
    /// Opens the database in a coordinator's data folder.
    ///
    /// # Errors
    /// Says which file, and why: another program has it open, it is not there and not to be made, a newer program has made
    /// it, it is something else, it is damaged, or the file system fails.
    pub fn open(folder: &Path, options: &Options) -> Result<Self, OpenError> {
        Self::of(Media::folder(folder, options.create)?, options)
    }

    /// Opens the database on a simulated disk; it is made when it is not there.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn on_disk(disk: &Disk, options: &Options) -> Result<Self, OpenError> {
        Self::of(Media::Simulated(disk.clone()), options)
    }

    fn of(media: Media, options: &Options) -> Result<Self, OpenError> {
        let leases = Mutex::new(Leases::new(options.clock.clone()));
        let store = Self { media, database: RwLock::new(None), leases, history: options.history.max(1) };
        store.open_anew()?;
        Ok(store)
    }

    /// The newest revision.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn newest(&self) -> Result<Revision, DatabaseError> {
        self.read(|reading| Ok(Revision(reading.numbers()?.revision)))
    }

    /// See [`Database::get`](super::Database::get).
    ///
    /// # Errors
    /// As there.
    pub fn get(&self, key: &[u8]) -> Result<Option<Entry>, DatabaseError> {
        check_key(key)?;
        self.read(|reading| reading.get(key))
    }

    /// See [`Database::range`](super::Database::range).
    ///
    /// # Errors
    /// As there.
    pub fn range(&self, query: &Query) -> Result<Page, DatabaseError> {
        self.read(|reading| reading.range(query))
    }

    /// Changes of a range of keys, from those of revision `from` on: as many as one answer holds, and the revision to go on
    /// with.
    ///
    /// # Errors
    /// As [`Database::watch`](super::Database::watch).
    pub fn changes(&self, keys: &Keys, from: Revision) -> Result<(Vec<Changes>, Revision), DatabaseError> {
        self.read(|reading| reading.changes(keys, from))
    }

    /// Commits these transactions one after the other, and makes them durable together; each has a revision of its own, and
    /// comparisons see what those before it did.
    pub fn commit(&self, transactions: &[Transaction]) -> Vec<Result<Committed, DatabaseError>> {
        let committed = self.write(|writing| {
            let now = self.leases().now();
            let mut outcomes = Vec::with_capacity(transactions.len());
            for transaction in transactions {
                let alive = |lease| self.leases().is_alive(lease, now);
                outcomes.push(match writing.commit(transaction, alive) {
                    Err(Trouble::Told(error)) => Err(error),
                    outcome => Ok(outcome?),
                });
            }
            Ok(outcomes)
        });
        committed.unwrap_or_else(|error| transactions.iter().map(|_| Err(error.clone())).collect())
    }

    /// See [`Database::grant`](super::Database::grant).
    ///
    /// # Errors
    /// As there.
    pub fn grant(&self, time: Duration) -> Result<Lease, DatabaseError> {
        if time.is_zero() {
            return Err(DatabaseError::invalid("a lease has no time"));
        }
        let lease = self.write(|writing| writing.grant(time))?;
        self.leases().add(lease, time);
        Ok(lease)
    }

    /// See [`Database::keep_alive`](super::Database::keep_alive).
    ///
    /// # Errors
    /// As there.
    pub fn keep_alive(&self, lease: Lease) -> Result<(), DatabaseError> {
        self.leases().keep_alive(lease)
    }

    /// See [`Database::revoke`](super::Database::revoke).
    ///
    /// # Errors
    /// As there.
    pub fn revoke(&self, lease: Lease) -> Result<(), DatabaseError> {
        self.write(|writing| writing.revoke(lease))?;
        self.leases().remove(lease);
        Ok(())
    }

    /// Ends the leases whose time is over, each at a revision of its own. How long it is until the next one, if there is any.
    ///
    /// # Errors
    /// When the file cannot be written; they are ended the next time.
    pub fn expire(&self) -> Result<Option<Duration>, DatabaseError> {
        let due = self.leases().due();
        if !due.is_empty() {
            self.write(|writing| due.iter().try_for_each(|lease| writing.revoke(*lease)))?;
            for lease in due {
                self.leases().remove(lease);
            }
        }
        Ok(self.leases().next())
    }

    /// See [`Database::compact`](super::Database::compact).
    ///
    /// # Errors
    /// As there.
    pub fn compact(&self, before: Revision) -> Result<(), DatabaseError> {
        self.write(|writing| writing.compact(before))
    }

    fn read<T>(&self, work: impl FnOnce(&Reading) -> Result<T, Trouble>) -> Result<T, DatabaseError> {
        self.with(|database| work(&Reading::new(database.begin_read()?)?))
    }

    fn write<T>(&self, work: impl FnOnce(&mut writing::Writing<'_>) -> Result<T, Trouble>) -> Result<T, DatabaseError> {
        self.with(|database| writing::write(database, self.history, work))
    }

    fn with<T>(&self, work: impl FnOnce(&redb::Database) -> Result<T, Trouble>) -> Result<T, DatabaseError> {
        let mut opened = self.database.read().unwrap_or_else(PoisonError::into_inner);
        if opened.is_none() {
            drop(opened);
            self.open_anew().map_err(|error| {
                let what = error.to_string();
                if error.is_damage() { DatabaseError::damaged(what) } else { DatabaseError::unavailable(what) }
            })?;
            opened = self.database.read().unwrap_or_else(PoisonError::into_inner);
        }
        let Some(database) = &*opened else {
            return Err(DatabaseError::unavailable(format!(
                "{}: it fails again and again",
                self.media.name().display()
            )));
        };
        // Of a file that somebody has spoiled, redb may find out by a panic.
        let done = catch_unwind(AssertUnwindSafe(|| work(database))).unwrap_or(Err(Trouble::Panic));
        drop(opened);
        done.map_err(|trouble| {
            if trouble.needs_opening() {
                *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
            }
            trouble.told(self.media.name())
        })
    }

    /// Opens the file, unless somebody else did so meanwhile.
    fn open_anew(&self) -> Result<(), OpenError> {
        let mut opened = self.database.write().unwrap_or_else(PoisonError::into_inner);
        if opened.is_some() {
            return Ok(());
        }
        let file = self.media.name();
        let open = || {
            let database = self.media.open()?;
            let leases = database.begin_read().map_err(Trouble::from);
            let leases = leases.and_then(|transaction| Reading::new(transaction)?.leases());
            Ok((database, leases.map_err(|trouble| OpenError::damaged(file, trouble.told(file).to_string()))?))
        };
        let panicked = |_| Err(OpenError::damaged(file, "reading it came to no end"));
        let (database, leases) = catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(panicked)?;
        self.leases().replace(leases);
        *opened = Some(database);
        Ok(())
    }

    fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
