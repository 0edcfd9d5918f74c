//! The states of simulation objects that go on in the next epoch: copied while callers are served, where it can be known whether
//! the copies are still good once nobody is.
//!
//! It can of an object whose folder holds its records and nothing else: each write to those is counted. All others are copied
//! when callers are held back, and large ones too: nobody writes while a copy is taken.
//!
//! It can of the objects of retired versions, too: nobody has them open, and each time that some are opened again is counted. So their
//! states, large or small, cost callers nothing for as long as they are kept.

use std::io;
use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;

use super::{Life, lock};
use crate::node::chain::Plan;
use crate::node::making::{make_folders, stays};
use crate::node::opening::Opening;
use crate::retiring::reaches;
use crate::state::{Files, Records, Unchanged};
use crate::version::Version;

/// Bytes of records that are copied ahead of time.
const MOST: u64 = 8 << 20;

/// A copy that was made ahead of time.
pub(super) struct Copy {
    of: Of,
    /// Where it lies, durably.
    to: PathBuf,
}

/// What was copied.
enum Of {
    /// The records of an object, by what it was opened with.
    Records(Opening, Unchanged),
    /// The state of a retired one, in this folder; and how often such objects had been opened again by then.
    Retired(PathBuf, u64),
}

impl Copy {
    /// Whether it is one of this file.
    fn is_of(&self, file: &Path) -> bool {
        match &self.of {
            Of::Records(opening, _) => only_records(opening).is_some_and(|records| records.file() == file),
            Of::Retired(..) => false,
        }
    }

    /// Whether it says what there is, where nobody writes that any more.
    fn is_good(&self, files: &dyn Files, opened_again: u64) -> bool {
        match &self.of {
            Of::Records(opening, unchanged) => {
                let is_all = |records: Records| {
                    keeps_nothing_else(opening, &records, files) && lies_alone(records.file(), &self.to, files)
                };
                unchanged.holds() && only_records(opening).is_some_and(is_all)
            }
            Of::Retired(_, times) => *times == opened_again,
        }
    }
}

impl Life {
    /// Copies what goes on as it is, and has changed since it was copied.
    pub(super) async fn copy_ahead(&self, plan: &Plan, to: PathBuf) -> Result<(), String> {
        let simulated: Vec<Opening> = {
            let standing = self.standing.lock().await;
            standing.as_ref().map(|standing| standing.simulated().cloned().collect()).unwrap_or_default()
        };
        let retired = self.retired_states().await?;
        let (plan, protocol, files) = (plan.clone(), self.protocol(), self.files.clone());
        let before = std::mem::take(&mut *lock(&self.copies));
        let copied = spawn_blocking(move || {
            let folders = make_folders(&plan, &protocol, &*files, &to);
            folders.map_err(|error| format!("making the folders of simulation objects: {error}"))?;
            let mut copies = copies(&plan, &*files, &simulated, &before, &to);
            copies.extend(copies_of_retired(&plan, &*files, &retired, &before, &to));
            Ok::<_, String>(copies)
        });
        *lock(&self.copies) = copied.await.map_err(|error| error.to_string())??;
        Ok(())
    }

    /// The folders of retired objects that are closed, and how often such objects were opened again so far.
    pub(super) async fn retired_states(&self) -> Result<(Vec<(Version, PathBuf)>, u64), String> {
        let (files, past) = (self.files.clone(), self.folder_of(&lock(&self.told).current.clone()).join("past"));
        let (up_to, times) = {
            // Objects are opened again under this lock.
            let standing = self.standing.lock().await;
            let up_to = standing.as_ref().and_then(|standing| standing.retired_up_to().cloned());
            (up_to.filter(|_| self.nothing_lingers().is_ok()), self.opened_again())
        };
        let Some(up_to) = up_to else { return Ok((Vec::new(), times)) };
        let listed = spawn_blocking(move || {
            let names = files.list(&past)?.into_iter();
            let version = |name: &std::ffi::OsString| name.to_str()?.parse::<Version>().ok();
            let known = names.filter_map(|name| Some((version(&name)?, past.join(&name))));
            Ok::<_, io::Error>(known.filter(|(version, _)| reaches(&up_to, version)).collect())
        });
        let listed = listed.await.map_err(|error| error.to_string())?;
        Ok((listed.map_err(|error| format!("looking for the states of retired objects: {error}"))?, times))
    }

    /// The folders of copies in an epoch that are still good, now that nobody writes. Files of objects of which there is none are closed: they
    /// are copied now.
    pub(super) async fn good_copies(&self, to: PathBuf) -> Vec<PathBuf> {
        let (files, copies) = (self.files.clone(), std::mem::take(&mut *lock(&self.copies)));
        let times = self.opened_again();
        let is_good = move |copy: &Copy| copy.to.starts_with(&to) && copy.is_good(&*files, times);
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
        let same = before.iter().filter(|copy| copy.to == to).find_map(|copy| match &copy.of {
            Of::Records(of, unchanged) if of.is(opening) && unchanged.holds() => Some(unchanged.clone()),
            _ => None,
        });
        let unchanged = match same {
            Some(unchanged) => unchanged,
            None => match copy(files, opening.folder(), &records, &to) {
                Ok(unchanged) => unchanged,
                Err(error) => {
                    tracing::warn!(side, name, error, "a state could not be copied ahead; it is when callers wait");
                    continue;
                }
            },
        };
        copies.push(Copy { of: Of::Records(opening.clone(), unchanged), to });
    }
    copies
}

/// Copies the states of retired objects that go on, and were not copied yet.
fn copies_of_retired(
    plan: &Plan,
    files: &dyn Files,
    (retired, times): &(Vec<(Version, PathBuf)>, u64),
    before: &[Copy],
    to: &Path,
) -> Vec<Copy> {
    let mut copies = Vec::new();
    for (version, from) in retired.iter().filter(|(version, _)| stays(plan, "past", version)) {
        let to = to.join("past").join(from.file_name().unwrap_or_default());
        let is_same =
            |copy: &Copy| copy.to == to && matches!(&copy.of, Of::Retired(of, since) if of == from && since == times);
        if !before.iter().any(is_same)
            && let Err(error) = copy_folder(files, from, &to).and_then(|()| make_durable(files, &to))
        {
            tracing::warn!(%version, %error, "the state of a retired object could not be copied ahead; it is when callers wait");
            continue;
        }
        copies.push(Copy { of: Of::Retired(from.clone(), *times), to });
    }
    copies
}

/// Copies the folder of an object that may be written meanwhile; it is durable when this returns.
fn copy(files: &dyn Files, from: &Path, records: &Records, to: &Path) -> Result<Unchanged, String> {
    let unchanged = records.copy(|| copy_folder(files, from, to)).map_err(|error| error.to_string())?;
    Records::mend_copy(to).map_err(|error| error.to_string())?;
    make_durable(files, to).map_err(|error| error.to_string())?;
    Ok(unchanged)
}

fn copy_folder(files: &dyn Files, from: &Path, to: &Path) -> io::Result<()> {
    match files.remove_folder(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    files.copy_tree(from, to)
}

fn make_durable(files: &dyn Files, folder: &Path) -> io::Result<()> {
    files.sync_tree(folder)?;
    files.sync_folder(folder.parent().unwrap_or(folder))
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
