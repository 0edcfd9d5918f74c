//! The states of simulation objects that go on in the next epoch: copied while callers are served, where it can be known whether
//! the copies are still good once nobody is.
//!
//! It can of an object whose folder holds its records and nothing else: each write to those is counted. All others are copied
//! when callers are held back, and large ones too: nobody writes while a copy is taken.

use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;

use super::{Life, lock};
use crate::node::chain::Plan;
use crate::node::making::{make_folders, stays};
use crate::node::opening::Opening;
use crate::state::{Files, Records, Unchanged};

/// Bytes of records that are copied ahead of time.
const MOST: u64 = 8 << 20;

/// A copy that was made ahead of time.
pub(super) struct Copy {
    /// What the object was opened with whose state was copied.
    of: Opening,
    unchanged: Unchanged,
    /// Where it lies, durably.
    to: PathBuf,
}

impl Copy {
    /// Whether it is one of this file.
    fn is_of(&self, file: &Path) -> bool {
        only_records(&self.of).is_some_and(|records| records.file() == file)
    }

    /// Whether it says what there is, where nobody writes that any more.
    fn is_good(&self, files: &dyn Files) -> bool {
        let is_all = |records: Records| {
            keeps_nothing_else(&self.of, &records, files) && lies_alone(records.file(), &self.to, files)
        };
        self.unchanged.holds() && only_records(&self.of).is_some_and(is_all)
    }
}

impl Life {
    /// Copies what goes on as it is, and has changed since it was copied.
    pub(super) async fn copy_ahead(&self, plan: &Plan, to: PathBuf) -> Result<(), String> {
        let simulated: Vec<Opening> = {
            let standing = self.standing.lock().await;
            standing.as_ref().map(|standing| standing.simulated().cloned().collect()).unwrap_or_default()
        };
        let (plan, protocol, files) = (plan.clone(), self.protocol(), self.files.clone());
        let before = std::mem::take(&mut *lock(&self.copies));
        let copied = spawn_blocking(move || {
            let folders = make_folders(&plan, &protocol, &*files, &to);
            folders.map_err(|error| format!("making the folders of simulation objects: {error}"))?;
            Ok::<_, String>(copies(&plan, &*files, &simulated, &before, &to))
        });
        *lock(&self.copies) = copied.await.map_err(|error| error.to_string())??;
        Ok(())
    }

    /// The folders of copies in an epoch that are still good, now that nobody writes. Files of objects of which there is none are closed: they
    /// are copied now.
    pub(super) async fn good_copies(&self, to: PathBuf) -> Vec<PathBuf> {
        let (files, copies) = (self.files.clone(), std::mem::take(&mut *lock(&self.copies)));
        let is_good = move |copy: &Copy| copy.to.starts_with(&to) && copy.is_good(&*files);
        let looked = spawn_blocking(move || copies.into_iter().filter(is_good).collect());
        // Whatever has become of them, all can be copied again.
        let good: Vec<Copy> = looked.await.unwrap_or_default();
        let object = self.folder_of(&lock(&self.told).current.clone()).join("object");
        self.hold_only(|file| file.starts_with(&object) || good.iter().any(|copy| copy.is_of(file))).await;
        good.into_iter().map(|copy| copy.to).collect()
    }
}

/// Copies what has changed since `before`.
fn copies(plan: &Plan, files: &dyn Files, simulated: &[Opening], before: &[Copy], to: &Path) -> Vec<Copy> {
    let mut copies = Vec::new();
    for opening in simulated {
        let (Some((side, name)), Some(records)) = (place(opening.folder()), only_records(opening)) else { continue };
        let is_small = files.size(opening.folder()).is_ok_and(|size| size <= MOST);
        if !is_small || !stays(plan, side, opening.version()) || !keeps_nothing_else(opening, &records, files) {
            continue;
        }
        let to = to.join(side).join(name);
        let same = before.iter().find(|copy| copy.to == to && copy.of.is(opening) && copy.unchanged.holds());
        let unchanged = match same {
            Some(copy) => copy.unchanged.clone(),
            None => match copy(files, opening.folder(), &records, &to) {
                Ok(unchanged) => unchanged,
                Err(error) => {
                    tracing::warn!(side, name, error, "a state could not be copied ahead; it is when callers wait");
                    continue;
                }
            },
        };
        copies.push(Copy { of: opening.clone(), unchanged, to });
    }
    copies
}

/// Copies the folder of an object that may be written meanwhile; it is durable when this returns.
fn copy(files: &dyn Files, from: &Path, records: &Records, to: &Path) -> Result<Unchanged, String> {
    let copied = records.copy(|| {
        match files.remove_folder(to) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        files.copy_tree(from, to)
    });
    let unchanged = copied.map_err(|error| error.to_string())?;
    Records::mend_copy(to).map_err(|error| error.to_string())?;
    files.sync_tree(to).map_err(|error| error.to_string())?;
    let side = to.parent().unwrap_or(to);
    files.sync_folder(side).map_err(|error| error.to_string())?;
    Ok(unchanged)
}

/// The side and the name of a simulation object's folder in its epoch.
fn place(folder: &Path) -> Option<(&'static str, &str)> {
    let side = folder.parent()?.file_name()?.to_str()?;
    let side = ["past", "future"].into_iter().find(|known| *known == side)?;
    Some((side, folder.file_name()?.to_str()?))
}

/// The records of an object that has opened them once.
fn only_records(opening: &Opening) -> Option<Records> {
    let mut records = opening.opened_records().into_iter();
    records.next().filter(|_| records.next().is_none())
}

/// Whether all that an object keeps is in these records.
fn keeps_nothing_else(opening: &Opening, records: &Records, files: &dyn Files) -> bool {
    records.file().parent() == Some(opening.folder()) && lies_alone(records.file(), opening.folder(), files)
}

/// Whether nothing lies in a folder but a file of this name.
fn lies_alone(file: &Path, folder: &Path, files: &dyn Files) -> bool {
    files.list(folder).is_ok_and(|names| names.iter().map(|name| &**name).eq(file.file_name()))
}
