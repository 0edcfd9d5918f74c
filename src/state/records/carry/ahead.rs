//! The part that callers do not wait for: a copy while they read and write.

use std::path::Path;

use redb::ReadableTable;

use super::Plan;
use super::copy::Copy;
use super::source::{Change, Source};
use super::target::{Found, Target, look};
use crate::state::progress::Progress;
use crate::state::records::cursor::Cursor;
use crate::state::records::error::RecordsError;
use crate::state::records::file::{self, CHANGES, META, note};
use crate::state::records::handle::Records;
use crate::state::records::store::Store;

/// So few changes are left to those who wait.
const SMALL: u64 = if cfg!(test) { 2 } else { 256 };

/// See [`Carry::ahead`](super::Carry::ahead).
pub(super) fn ahead(plan: &Plan, source: &Records, folder: &Path, progress: &Progress) -> Result<(), RecordsError> {
    let live = Source::Live(source);
    let values = plan.values(&live.origins()?)?;
    let Some((target, cursor)) = begin(plan, &*source.store()?, folder)? else { return Ok(()) };
    let mut copy = Copy {
        plan,
        source: &live,
        target: &target,
        values: &values,
        progress,
        lost: &mut |_| false,
        resumable: true,
        buffer: Vec::new(),
    };
    copy.all(cursor)?;
    let mut before = u64::MAX;
    loop {
        let left = live.changed()?;
        if left <= SMALL || left >= before {
            break;
        }
        before = left;
        // What was caught up with is forgotten at once, so it has to last.
        copy.rest(true, |changes| {
            let store = source.store()?;
            // Where this is lost in a crash, they are caught up with once more.
            store.work(false, |transaction| forget(&store, transaction, changes))
        })?;
    }
    target.close()
}

/// See [`Carry::abandon`](super::Carry::abandon).
pub(super) fn abandon(store: &Store) -> Result<(), RecordsError> {
    if noting(store)?.is_none() {
        return Ok(());
    }
    store.work(true, |transaction| {
        let failed = |error| RecordsError::store::<redb::Error>(store.file(), "ending the notes of writes")(error);
        transaction
            .open_table(META)
            .map_err(|error| failed(error.into()))?
            .remove(note::NOTING)
            .map_err(|error| failed(error.into()))?;
        transaction.delete_table(CHANGES).map_err(|error| failed(error.into()))?;
        transaction.open_table(CHANGES).map_err(|error| failed(error.into()))?;
        Ok(())
    })
}

/// The target, and how far it is; nothing where it is whole.
fn begin(plan: &Plan, source: &Store, folder: &Path) -> Result<Option<(Target, Cursor)>, RecordsError> {
    match look(plan, folder)? {
        Found::Whole => return Ok(None),
        Found::Half(name) if noting(source)?.is_some_and(|noting| noting == name) => {
            return Target::open(plan, folder).map(Some);
        }
        Found::Half(_) | Found::Nothing => {}
    }
    // From here on writes are noted; what was written before is in every read transaction that comes.
    abandon(source)?;
    let name = fastrand::u128(..).to_be_bytes();
    source.work(true, |transaction| {
        let failed = |error| RecordsError::store::<redb::Error>(source.file(), "noting writes")(error);
        let mut meta = transaction.open_table(META).map_err(|error| failed(error.into()))?;
        meta.insert(note::NOTING, &name[..]).map_err(|error| failed(error.into()))?;
        Ok(())
    })?;
    Ok(Some((Target::create(plan, folder, &name)?, Cursor::default())))
}

fn noting(store: &Store) -> Result<Option<Vec<u8>>, RecordsError> {
    let transaction = store.begin_read()?;
    let meta = transaction.open_table(META).map_err(RecordsError::store(store.file(), "reading"))?;
    file::noted(store.file(), &meta, note::NOTING)
}

/// Forgets what was caught up with, but for what was written once more since.
fn forget(store: &Store, transaction: &redb::WriteTransaction, changes: &[Change]) -> Result<(), RecordsError> {
    let failed = |error| RecordsError::store::<redb::Error>(store.file(), "noting writes")(error);
    let mut open = transaction.open_table(CHANGES).map_err(|error| failed(error.into()))?;
    for change in changes {
        let key = (&*change.name, &*change.key);
        let found = open.get(key).map_err(|error| failed(error.into()))?;
        let same = found.is_some_and(|number| number.value() == change.number);
        if same {
            open.remove(key).map_err(|error| failed(error.into()))?;
        }
    }
    Ok(())
}
