//! Making the epoch of one version from that of another, while nobody has either open.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::chain::Plan;
use super::checkpoint;
use super::losses::Losses;
use super::transforming::{States, Transforming};
use crate::protocol::Protocol;
use crate::state::{Accepted, Carry, Files, Progress, RefusedRecord, Way};
use crate::version::Version;

/// What is to be made of what.
pub(super) struct Making {
    pub(super) plan: Plan,
    pub(super) protocol: Protocol,
    pub(super) files: Arc<dyn Files>,
    /// The folder of the epoch that there is, and of the one that is made.
    pub(super) from: PathBuf,
    pub(super) to: PathBuf,
    /// Counts from 1; there is more than one when the program has ended in between.
    pub(super) attempt: u32,
    pub(super) progress: Progress,
    /// The consent to losses, if they are accepted.
    pub(super) accepted: Option<Accepted>,
    /// The folders of simulation objects that lie in `to` already as they are to be, durably.
    pub(super) copied: Vec<PathBuf>,
}

/// An epoch that was made.
#[derive(Debug)]
pub(super) struct Made {
    /// How much was lost with consent.
    pub(super) lost: u64,
    /// What is not durable yet of a folder that was there ahead of time; nothing where that may be all of it.
    pub(super) loose: Option<Vec<PathBuf>>,
}

/// Why an epoch was not made.
#[derive(Debug)]
pub(super) enum NotMade {
    /// What cannot be carried over, and nobody has accepted the loss of.
    Lossy { first: Vec<RefusedRecord>, count: u64 },
    /// Anything else.
    Failed(String),
}

impl Making {
    /// Makes it. Blocks.
    pub(super) fn make(self) -> Result<Made, NotMade> {
        let failed = |doing: &'static str| move |error: io::Error| NotMade::Failed(format!("{doing}: {error}"));
        let checkpoint = checkpoint::read(&*self.files, &self.to).map_err(failed("reading the checkpoint"))?;
        let before = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.lost);
        let opened = Losses::new(
            &*self.files,
            before,
            self.accepted.as_ref().map(|accepted| (accepted, self.attempt)),
            &self.plan.from,
        );
        let losses = opened.map_err(failed("opening the file that losses are written to"))?;
        let mut loose = None;
        let losses = if checkpoint.is_some() {
            // All that comes before the function was done then.
            losses
        } else {
            let made = self.prepare().map_err(failed("copying the states of simulation objects"))?;
            // Records are durable once they are carried over; what a function does nobody knows.
            loose = Some(made).filter(|_| self.attempt == 1 && self.plan.function.is_none());
            self.carry(losses)?
        };
        let mut losses = self.call(checkpoint.map(|checkpoint| checkpoint.said.into()), losses)?;
        if losses.count() > 0 && !losses.accepted() {
            return Err(NotMade::Lossy { first: losses.first().to_vec(), count: losses.count() });
        }
        losses.make_durable().map_err(failed("writing down what is lost"))?;
        checkpoint::remove(&*self.files, &self.to).map_err(failed("removing the checkpoint"))?;
        Ok(Made { lost: losses.count(), loose })
    }

    /// Removes what is not to be there, and copies the states that stay; says what of that is not durable.
    fn prepare(&self) -> io::Result<Vec<PathBuf>> {
        // Records go on where they were; a function that has said no checkpoint begins anew.
        if self.attempt > 1 && self.plan.function.is_some() {
            empty(&*self.files, &self.to.join("object"))?;
        }
        let mut loose = Vec::new();
        for side in ["past", "future"] {
            let (from, to) = (self.from.join(side), self.to.join(side));
            let staying = staying(&self.plan, &*self.files, &from, side)?;
            let anew = made_anew(&self.plan, &self.protocol, side);
            let (mut there, mut changed) = (Vec::new(), false);
            for name in self.files.list(&to)? {
                let folder = to.join(&name);
                let is = |names: &[String]| names.iter().any(|known| *known.as_str() == *name);
                let is_copy = is(&staying) && self.copied.contains(&folder);
                if is_copy || is(&anew) && is_empty(&*self.files, &folder)? {
                    there.push(name);
                } else {
                    self.files.remove_folder(&folder)?;
                    changed = true;
                }
            }
            let is_missing = |name: &&String| !there.iter().any(|there| *there == ***name);
            for name in staying.iter().filter(is_missing) {
                self.files.copy_tree(&from.join(name), &to.join(name))?;
                changed = true;
            }
            for name in anew.iter().filter(is_missing) {
                self.files.make_folder(&to.join(name))?;
                changed = true;
            }
            if changed {
                loose.push(to);
            }
        }
        Ok(loose)
    }

    fn carry(&self, mut losses: Losses) -> Result<Losses, NotMade> {
        let Some(carry) = carry(&self.plan, &self.protocol).map_err(NotMade::Failed)? else { return Ok(losses) };
        let (from, to) = (self.from.join("object"), self.to.join("object"));
        let finished = carry.finish(&from, &to, &self.progress, &mut |lost| {
            losses.add(lost);
            // To the end, so that all of it is listed at once.
            true
        });
        finished.map_err(|error| NotMade::Failed(format!("carrying the records over: {error}")))?;
        Ok(losses)
    }

    fn call(&self, resumed: Option<bytes::Bytes>, losses: Losses) -> Result<Losses, NotMade> {
        let Some(function) = &self.plan.function else { return Ok(losses) };
        // What a checkpoint goes on from has to last as long as the checkpoint.
        let lasting = self.files.sync_tree(&self.to).and_then(|()| match self.to.parent() {
            Some(root) => self.files.sync_folder(root),
            None => Ok(()),
        });
        lasting.map_err(|error| NotMade::Failed(format!("making the folders of the state durable: {error}")))?;
        let transforming = Transforming {
            protocol: self.protocol.clone(),
            from: States::new(self.plan.from.clone(), self.from.clone()),
            to: States::new(self.plan.to.clone(), self.to.clone()),
            progress: self.progress.clone(),
            files: self.files.clone(),
            resumed,
            losses: Mutex::new(losses),
        };
        let name = if self.plan.way == Way::On { "transform" } else { "reverse" };
        match catch_unwind(AssertUnwindSafe(|| function(&transforming))) {
            Ok(Ok(())) => Ok(transforming.losses.into_inner().unwrap_or_else(PoisonError::into_inner)),
            Ok(Err(why)) => Err(NotMade::Failed(format!("the {name} function says: {why}"))),
            Err(panic) => Err(NotMade::Failed(format!("the {name} function panicked: {}", said(&*panic)))),
        }
    }
}

/// The way of the records of a plan, where rules carry them.
pub(super) fn carry(plan: &Plan, protocol: &Protocol) -> Result<Option<Carry>, String> {
    let carry = plan.records.as_ref().map(|(layout, mode)| Carry::new(protocol, &plan.from, &plan.to, layout, *mode));
    carry.transpose().map_err(|error| format!("the records cannot be carried over: {error}"))
}

/// What there is that nobody has said how to carry over, if there is such a thing.
pub(super) fn unaccounted(plan: &Plan, files: &dyn Files, epoch: &Path) -> io::Result<Option<String>> {
    let (from, to) = (&plan.from, &plan.to);
    if plan.stateless && !is_empty(files, &epoch.join("object"))? {
        return Ok(Some(format!(
            "the object of {from} keeps something on disk, and the upgrade between {from} and {to} says stateless(): give \
             it records(…), or a transform(…)"
        )));
    }
    if plan.function.is_some() {
        return Ok(None);
    }
    for side in ["past", "future"] {
        for (name, version) in simulated(files, &epoch.join(side))? {
            let folder = epoch.join(side).join(&name);
            if is_made_anew(plan, side, &version) && !is_empty(files, &folder)? {
                let function = if plan.way == Way::On { "transform" } else { "reverse" };
                return Ok(Some(format!(
                    "the {side} simulation object of {version} keeps something on disk, and nothing takes it from {from} to \
                     {to}: give the upgrade a {function}(…)"
                )));
            }
        }
    }
    Ok(None)
}

/// Whether the state of a simulation object does not simply go on: it is folded by the function, or made by it.
fn is_made_anew(plan: &Plan, side: &str, version: &Version) -> bool {
    let (older, newer) = if plan.way == Way::On { (&plan.from, &plan.to) } else { (&plan.to, &plan.from) };
    match side {
        "past" => older <= version && version < newer,
        _ => older < version && version <= newer,
    }
}

/// The simulation objects of a side whose state the function makes, by their folders.
fn made_anew(plan: &Plan, protocol: &Protocol, of: &str) -> Vec<String> {
    let side = if plan.way == Way::On { "past" } else { "future" };
    let made = |version: &Version| side == of && is_made_anew(plan, side, version);
    let made = protocol.versions().iter().filter(|schema| made(schema.version()));
    made.map(|schema| schema.version().to_string()).collect()
}

/// The simulation objects of a side whose state goes on, by their folders.
fn staying(plan: &Plan, files: &dyn Files, folder: &Path, side: &str) -> io::Result<Vec<String>> {
    let there = simulated(files, folder)?.into_iter();
    Ok(there.filter(|(_, version)| !is_made_anew(plan, side, version)).map(|(name, _)| name).collect())
}

/// Makes the folders of simulation objects whose state the function makes, durably, ahead of time.
pub(super) fn make_folders(plan: &Plan, protocol: &Protocol, files: &dyn Files, to: &Path) -> io::Result<()> {
    for side in ["past", "future"] {
        for name in made_anew(plan, protocol, side) {
            files.create_folder(&to.join(side).join(name))?;
        }
    }
    Ok(())
}

/// Whether the state of a simulation object in a folder of an epoch goes on in the next one.
pub(super) fn stays(plan: &Plan, side: &str, version: &Version) -> bool {
    !is_made_anew(plan, side, version)
}

fn simulated(files: &dyn Files, folder: &Path) -> io::Result<Vec<(String, Version)>> {
    let names = files.list(folder)?.into_iter();
    let known = |name: std::ffi::OsString| {
        let name = name.into_string().ok()?;
        let version = name.parse().ok()?;
        Some((name, version))
    };
    Ok(names.filter_map(known).collect())
}

fn empty(files: &dyn Files, folder: &Path) -> io::Result<()> {
    if !is_empty(files, folder)? {
        files.remove_folder(folder)?;
    }
    files.make_folder(folder)
}

fn is_empty(files: &dyn Files, folder: &Path) -> io::Result<bool> {
    match files.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        listed => Ok(listed?.is_empty()),
    }
}

/// What a panic has said.
pub(super) fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "nothing".to_owned())
}
