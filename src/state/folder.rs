//! The folder of a node's state, as the program that owns it uses it.

mod at_rest;
mod switch;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bundles;
use super::epoch::Epoch;
use super::error::{Kind, StateError};
use super::files::{Disk, Files};
use super::journal::{Journal, Lasts};
use super::lost;
use super::ownership::Ownership;
use super::phase::{Event, Phase};
use super::pointer;
use super::recovery::{self, Mending, Recovery};
use super::retiring::Retired;
use super::status::{Accepted, Move, Status, Way};
use crate::bundle::Bundle;
use crate::retiring::reaches;
use crate::version::Version;

const CURRENT: &str = "CURRENT";
const ACTIVE: &str = "ACTIVE";
const RETIRING: &str = "RETIRING";
const TRASH: &str = "trash-";
const ADVICE: &str = "restore the state folder as a whole from a copy; its files belong together";

/// A node's state on disk, owned by this program for as long as this lives.
///
/// Each method that moves on writes down the phase before it does what the phase is about. Where writing fails, what
/// reached the disk is unknown: the method may be called again, or [`fail`](Self::fail) where the phase has it; after an
/// error of [`release`](Self::release) only another `release` or opening the state anew helps, because callers may be
/// answered by then.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let root = dir.path();
/// use straddle::Version;
/// use straddle::state::{Recovery, StateFolder};
///
/// let (mut state, recovery) = StateFolder::open(root, &Version::new(1, 1, 0))?;
/// assert_eq!(recovery, Recovery::Serve);
///
/// state.learn(&Version::new(2, 0, 0))?;
/// state.permit()?;
/// state.quiesce()?;
/// let made = state.transform()?;              // the folder of the epoch that is to be made
/// std::fs::write(made.join("object/data"), "…")?;
/// state.switch()?;
/// state.release()?;                           // once it was verified
/// assert_eq!(state.current().version(), &Version::new(2, 0, 0));
/// # Ok(()) }
/// ```
pub struct StateFolder {
    root: PathBuf,
    files: Arc<dyn Files>,
    ownership: Ownership,
    journal: Journal,
    status: Status,
    current: Epoch,
    /// Whether a move of the pointer may have reached the disk without our knowing.
    pointing: bool,
    /// Whether a release may have reached the disk without our knowing.
    releasing: bool,
    /// Whether phases are passed that are written down with one that comes after them.
    passing: bool,
    /// The epoch whose folder this program has made ahead of time: its number is new, and the folder is durable.
    made: Option<Epoch>,
    /// The epoch that lies beside the pointer, durably, to be put in its place.
    laid: Option<Epoch>,
}

impl StateFolder {
    /// Takes the state over, and mends what a crash left; a state that was not there is made, at version `first`.
    ///
    /// # Errors
    /// When another program owns it, when what lies there contradicts itself, or when the file system fails.
    pub fn open(root: impl Into<PathBuf>, first: &Version) -> Result<(Self, Recovery), StateError> {
        Self::open_on(Arc::new(Disk), root, first)
    }

    /// As [`open`](Self::open), on other files than those of this machine.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(
        files: Arc<dyn Files>,
        root: impl Into<PathBuf>,
        first: &Version,
    ) -> Result<(Self, Recovery), StateError> {
        let root = root.into();
        files.create_folder(&root).map_err(StateError::io(&root, "making the folder"))?;
        let ownership = Ownership::take(files.clone(), &root)?;
        let (journal, status) = Journal::open(&*files, &root)?;
        let current = match pointer::read(&*files, &root, CURRENT, ADVICE)? {
            Some(current) => current,
            None if status.is_none() => begin(&*files, &root, first)?,
            None => return Err(StateError::damaged(&root.join(CURRENT), "is missing", ADVICE)),
        };
        let status = status.unwrap_or_else(|| Status {
            phase: Phase::Serving,
            epoch: current.clone(),
            under_way: None,
            kept: None,
            prepared: None,
            highest: current.number(),
            failure: None,
            permit: 0,
        });
        let (mending, recovery) = recovery::decide(&status, &current, &root)?;
        let (pointing, releasing, passing, made, laid) = Default::default();
        let mut state =
            Self { root, files, ownership, journal, status, current, pointing, releasing, passing, made, laid };
        state.expect_epochs()?;
        state.mend(mending)?;
        state.sweep()?;
        Ok((state, recovery))
    }

    /// What the node is doing.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// The current epoch.
    #[must_use]
    pub fn current(&self) -> &Epoch {
        &self.current
    }

    /// The folder of an epoch.
    #[must_use]
    pub fn folder_of(&self, epoch: &Epoch) -> PathBuf {
        self.root.join(epoch.to_string())
    }

    /// The fencing number: how often the state has had an owner, this one included.
    #[must_use]
    pub fn owner(&self) -> u64 {
        self.ownership.number()
    }

    /// Keeps a bundle that the node has learned, for as long as there is a state; it is durable when this returns.
    ///
    /// # Errors
    /// When another program has taken the state over, or the file system fails.
    pub fn keep(&self, bundle: &Bundle) -> Result<(), StateError> {
        self.ownership.still_holds(&self.root)?;
        bundles::keep(&*self.files, &self.root, bundle)
    }

    /// The bundles that the node has learned, each with its file.
    ///
    /// # Errors
    /// When one of them is damaged, or the file system fails.
    pub fn bundles(&self) -> Result<Vec<(PathBuf, Bundle)>, StateError> {
        bundles::kept(&*self.files, &self.root)
    }

    /// Keeps that this version's behaviour is active, as a coordinator has said; it is durable when this returns. What was active
    /// stays so: an older version changes nothing.
    ///
    /// # Errors
    /// When another program has taken the state over, or the file system fails.
    pub fn keep_active(&self, version: &Version) -> Result<(), StateError> {
        if self.active()?.is_some_and(|active| active >= *version) {
            return Ok(());
        }
        self.ownership.still_holds(&self.root)?;
        pointer::replace(&*self.files, &self.root, ACTIVE, format!("{version}\n").as_bytes())
    }

    /// The newest version whose behaviour is active, as far as a coordinator has said so to whoever had this state.
    ///
    /// # Errors
    /// When it is damaged, or the file system fails.
    pub fn active(&self) -> Result<Option<Version>, StateError> {
        pointer::read(&*self.files, &self.root, ACTIVE, ADVICE)
    }

    /// Keeps what is retired; it is durable when this returns.
    ///
    /// # Errors
    /// When another program has taken the state over, or the file system fails.
    pub(crate) fn keep_retired(&self, retired: &Retired) -> Result<(), StateError> {
        self.ownership.still_holds(&self.root)?;
        let line = retired
            .line()
            .map_err(|error| StateError::io(&self.root.join(RETIRING), "putting it into words")(error.into()))?;
        pointer::replace(&*self.files, &self.root, RETIRING, &line)
    }

    /// What is retired, as the node was told.
    ///
    /// # Errors
    /// When it is damaged, or the file system fails.
    pub(crate) fn retired(&self) -> Result<Option<Retired>, StateError> {
        pointer::read(&*self.files, &self.root, RETIRING, ADVICE)
    }

    /// Removes the states of past simulation objects up to this version from the current epoch, durably. Nobody may have them open.
    ///
    /// # Errors
    /// When another program has taken the state over, or the file system fails; what is left then goes with the next call.
    pub(crate) fn sweep_past(&self, up_to: &Version) -> Result<(), StateError> {
        let past = self.folder_of(&self.current).join("past");
        let io = |doing| StateError::io(&past, doing);
        let names = self.files.list(&past).map_err(io("looking through it"))?.into_iter();
        let is_swept = |name: &std::ffi::OsString| {
            name.to_str().and_then(|name| name.parse().ok()).is_some_and(|version| reaches(up_to, &version))
        };
        let swept: Vec<_> = names.filter(is_swept).collect();
        if swept.is_empty() {
            return Ok(());
        }
        self.ownership.still_holds(&self.root)?;
        for name in swept {
            let folder = past.join(name);
            self.files.remove_folder(&folder).map_err(StateError::io(&folder, "removing it"))?;
        }
        self.files.sync_folder(&past).map_err(io("making it durable"))
    }

    /// Makes a new, empty file for what a move from the current epoch gives up; that it is there is durable.
    ///
    /// # Errors
    /// When the file system fails.
    pub fn place_for_lost(&self) -> Result<PathBuf, StateError> {
        lost::place(&*self.files, &self.root, &self.current)
    }

    /// Takes note of an upgrade.
    ///
    /// # Errors
    /// In any phase but serving, and when the version is not a newer one.
    pub fn learn(&mut self, to: &Version) -> Result<(), StateError> {
        let phase = self.status.phase.after(Event::Learn)?;
        self.expect_newer(to)?;
        let under_way = Some(Move::new(to.clone(), Way::On));
        self.enter(Status { phase, under_way, prepared: None, failure: None, ..self.status.clone() })
    }

    /// Takes note of an upgrade for which a coordinator's permit is to come, so that what it takes can be
    /// [`prepare`](Self::prepare)d. It is forgotten when the state is opened anew; [`permit_under`](Self::permit_under) goes on
    /// from here with what was prepared. Called again, it changes nothing.
    ///
    /// # Errors
    /// As [`learn`](Self::learn).
    pub fn learn_ahead(&mut self, to: &Version) -> Result<(), StateError> {
        if self.is_learned_ahead(to) {
            return Ok(());
        }
        let phase = self.status.phase.after(Event::Learn)?;
        self.expect_newer(to)?;
        let under_way = Some(Move { under_permit: true, ..Move::new(to.clone(), Way::On) });
        self.enter(Status { phase, under_way, prepared: None, ..self.status.clone() })
    }

    /// Whether an upgrade waits for a coordinator's permit, by [`learn_ahead`](Self::learn_ahead).
    #[must_use]
    pub fn is_learned_ahead(&self, to: &Version) -> bool {
        let ahead = |under_way: &Move| under_way.under_permit && under_way.way == Way::On && under_way.to == *to;
        self.status.phase == Phase::Learned && self.status.under_way.as_ref().is_some_and(ahead)
    }

    /// Takes note of an upgrade, and permits it for when somebody gives the word: as [`learn`](Self::learn) and
    /// [`permit`](Self::permit), but it is forgotten when the state is opened anew, and what the last move failed of is told
    /// until this one begins.
    ///
    /// # Errors
    /// As [`learn`](Self::learn).
    pub fn permit_on_word(&mut self, to: &Version) -> Result<(), StateError> {
        self.permit_for_now(Move { on_word: true, ..Move::new(to.clone(), Way::On) }, self.status.permit)
    }

    /// Takes note of an upgrade, and permits it under a coordinator's permit of this number, maybe for when somebody gives the
    /// word: as [`permit_on_word`](Self::permit_on_word), or from [`learn_ahead`](Self::learn_ahead) on. The number stays in the
    /// [status](Self::status).
    ///
    /// # Errors
    /// As [`learn`](Self::learn).
    pub fn permit_under(&mut self, permit: u64, to: &Version, on_word: bool) -> Result<(), StateError> {
        self.permit_for_now(Move { on_word, under_permit: true, ..Move::new(to.clone(), Way::On) }, permit)
    }

    /// Permits what is forgotten when the state is opened anew.
    fn permit_for_now(&mut self, under_way: Move, permit: u64) -> Result<(), StateError> {
        if under_way.under_permit && self.is_learned_ahead(&under_way.to) {
            // What was prepared stays.
            self.enter(Status { under_way: Some(under_way), permit, ..self.status.clone() })?;
            return self.permit();
        }
        // It is noted already when an error came between.
        if self.status.under_way.as_ref() != Some(&under_way) || self.status.permit != permit {
            let phase = self.status.phase.after(Event::Learn)?;
            self.expect_newer(&under_way.to)?;
            let under_way = Some(under_way);
            self.enter(Status { phase, under_way, prepared: None, permit, ..self.status.clone() })?;
        }
        self.permit()
    }

    /// Drops the upgrade that was learned.
    ///
    /// # Errors
    /// When none is known, or it has begun.
    pub fn forget(&mut self) -> Result<(), StateError> {
        let phase = self.status.phase.after(Event::Forget)?;
        self.enter(Status { phase, under_way: None, prepared: None, ..self.status.clone() })?;
        self.tidy();
        Ok(())
    }

    /// Lets the upgrade that was learned begin.
    ///
    /// # Errors
    /// When none is known.
    pub fn permit(&mut self) -> Result<(), StateError> {
        self.step(Event::Permit)
    }

    /// The folder of the epoch that the next move makes, ahead of time, while callers are answered: for an upgrade that was
    /// learned or permitted, or for the way back. Another call, also after a crash, gives the same folder; what is in it is not looked
    /// at, and goes away with [`forget`](Self::forget), [`abandon`](Self::abandon) or a move that fails. What was prepared
    /// for a way back is gone when the state is opened anew.
    ///
    /// # Errors
    /// In any phase but learned, permitted and serving, and when that leads to no move.
    pub fn prepare(&mut self) -> Result<PathBuf, StateError> {
        let to = match (self.status.phase, &self.status.under_way, &self.status.kept) {
            (Phase::Learned | Phase::Permitted, Some(under_way), _) => under_way.to.clone(),
            (Phase::Serving, _, Some(kept)) => kept.version().clone(),
            (phase, _, _) => {
                let what = format!("a node that is {phase} has no move ahead of it to prepare for");
                return Err(Kind::Refused(what).into());
            }
        };
        let (prepared, is_new) = if let Some(prepared) = self.status.prepared.clone() {
            (prepared, false)
        } else {
            let highest = self.status.highest + 1;
            let prepared = Epoch::new(highest, to);
            self.enter(Status { prepared: Some(prepared.clone()), highest, ..self.status.clone() })?;
            (prepared, true)
        };
        let folder = self.folder_of(&prepared);
        // Nobody waits for the syncs that this takes.
        make_epoch(&folder, |part| self.files.create_folder(part))?;
        if is_new {
            self.made = Some(prepared.clone());
        }
        self.lay(&prepared)?;
        Ok(folder)
    }

    /// Gives up what was [`prepare`](Self::prepare)d for a way back.
    ///
    /// # Errors
    /// When the file system fails.
    pub fn abandon(&mut self) -> Result<(), StateError> {
        if self.status.phase == Phase::Serving && self.status.prepared.is_some() {
            self.enter(Status { prepared: None, ..self.status.clone() })?;
            self.tidy();
        }
        Ok(())
    }

    /// Begins the upgrade that was permitted: callers are held back from here on.
    ///
    /// # Errors
    /// When none is permitted, or the upgrade before was not finalized.
    pub fn quiesce(&mut self) -> Result<(), StateError> {
        let phase = self.status.phase.after(Event::Quiesce)?;
        if let Some(kept) = &self.status.kept {
            let what = format!(
                "there is still a way back to {}: finalize that upgrade first, or roll it back",
                kept.version()
            );
            return Err(Kind::Refused(what).into());
        }
        let under_way = self.status.under_way.clone().map(|under_way| Move { on_word: false, ..under_way });
        self.enter(Status { phase, under_way, failure: None, ..self.status.clone() })
    }

    /// Begins to go back to the version before: callers are held back from here on.
    ///
    /// # Errors
    /// When another move has begun, or there is no way back.
    pub fn rollback(&mut self) -> Result<(), StateError> {
        self.go_back(false, None, None)
    }

    /// As [`rollback`](Self::rollback), under a coordinator's permit of this number; with consent, as
    /// [`rollback_accepting`](Self::rollback_accepting).
    ///
    /// # Errors
    /// As there.
    pub fn rollback_under(&mut self, permit: u64, accepted: Option<Accepted>) -> Result<(), StateError> {
        self.go_back(false, accepted, Some(permit))
    }

    /// As [`rollback`](Self::rollback), and what cannot be carried back is given up: the consent is written down with the
    /// move, so that it holds after a crash, too.
    ///
    /// # Errors
    /// As [`rollback`](Self::rollback), and where the file's name is not UTF-8.
    pub fn rollback_accepting(&mut self, accepted: Accepted) -> Result<(), StateError> {
        self.go_back(false, Some(accepted), None)
    }

    /// As [`rollback`](Self::rollback), to see what would be lost: it ends with [`take_back`](Self::take_back), also after a
    /// crash.
    ///
    /// # Errors
    /// As [`rollback`](Self::rollback).
    pub fn rollback_dry(&mut self) -> Result<(), StateError> {
        self.go_back(true, None, None)
    }

    fn go_back(&mut self, dry_run: bool, accepted: Option<Accepted>, permit: Option<u64>) -> Result<(), StateError> {
        let phase = self.status.phase.after(Event::Rollback)?;
        let Some(kept) = &self.status.kept else {
            let what =
                format!("there is no way back from {}: it was finalized, or is the first version here", self.current);
            return Err(Kind::Refused(what).into());
        };
        let under_permit = permit.is_some();
        let under_way = Some(Move { under_permit, dry_run, accepted, ..Move::new(kept.version().clone(), Way::Back) });
        let permit = permit.unwrap_or(self.status.permit);
        self.enter(Status { phase, under_way, failure: None, permit, ..self.status.clone() })
    }

    /// Begins to make the new version's epoch, or goes on with it after a crash: the folder that it is made in.
    ///
    /// # Errors
    /// When callers are not held back for an upgrade.
    pub fn transform(&mut self) -> Result<PathBuf, StateError> {
        self.make(Way::On)
    }

    /// Begins to make the older version's epoch, or goes on with it after a crash: the folder that it is made in.
    ///
    /// # Errors
    /// When callers are not held back for a rollback.
    pub fn reverse(&mut self) -> Result<PathBuf, StateError> {
        self.make(Way::Back)
    }

    /// Ends the move: callers are answered by the object of the new current epoch. The epoch before is kept after an
    /// upgrade; after a rollback there is nothing to go back to.
    ///
    /// # Errors
    /// When nothing was verified. After an error of the file system only another `release` goes on from here.
    pub fn release(&mut self) -> Result<(), StateError> {
        let phase = self.status.phase.after(Event::Release)?;
        let on = self.status.under_way.as_ref().is_some_and(|under_way| under_way.way == Way::On);
        let kept = on.then(|| self.status.epoch.clone());
        let (epoch, under_way) = (self.current.clone(), None);
        self.releasing = true;
        self.enter(Status { phase, epoch, under_way, kept, ..self.status.clone() })?;
        self.releasing = false;
        self.tidy();
        Ok(())
    }

    /// Undoes the move: what was made is removed, and what was current before is current.
    ///
    /// # Errors
    /// In a phase in which callers are answered.
    pub fn fail(&mut self, why: impl Into<String>) -> Result<(), StateError> {
        self.undo(Some(why.into()))
    }

    /// As [`fail`](Self::fail), of a move that nobody wanted to come to its end: nothing has failed.
    ///
    /// # Errors
    /// In a phase in which callers are answered.
    pub fn take_back(&mut self) -> Result<(), StateError> {
        self.undo(None)
    }

    fn undo(&mut self, failure: Option<String>) -> Result<(), StateError> {
        let phase = self.status.phase.after(Event::Fail)?;
        if self.releasing {
            let what = "callers may be answered by what is released: release again, or open the state anew";
            return Err(Kind::Refused(what.to_owned()).into());
        }
        if self.pointing || self.current != self.status.epoch {
            if self.journal.is_loose() {
                // A pointer that has moved back says that it had failed only to whoever finds that it was tried.
                self.enter(self.status.clone())?;
            }
            self.point_at(&self.status.epoch.clone())?;
        }
        self.enter(Status { phase, under_way: None, prepared: None, failure, ..self.status.clone() })?;
        self.tidy();
        Ok(())
    }

    /// Gives up the way back, and removes the epoch that was kept for it.
    ///
    /// # Errors
    /// When a move is under way, or nothing was kept.
    pub fn finalize(&mut self) -> Result<(), StateError> {
        // The phase is there already when an error came between.
        if self.status.phase != Phase::Finalizing {
            let phase = self.status.phase.after(Event::Finalize)?;
            if self.status.kept.is_none() {
                let what = format!("{} is finalized, or is the first version here", self.current);
                return Err(Kind::Refused(what).into());
            }
            self.enter(Status { phase, prepared: None, ..self.status.clone() })?;
        }
        self.free()?;
        self.tidy();
        Ok(())
    }

    fn expect_newer(&self, to: &Version) -> Result<(), StateError> {
        if to > self.current.version() {
            return Ok(());
        }
        let what = format!("{to} is not newer than {}, which this node runs", self.current.version());
        Err(Kind::Refused(what).into())
    }

    fn step(&mut self, event: Event) -> Result<(), StateError> {
        let phase = self.status.phase.after(event)?;
        self.enter(Status { phase, ..self.status.clone() })
    }

    /// Writes down what begins now.
    fn enter(&mut self, status: Status) -> Result<(), StateError> {
        self.enter_lasting(status, Lasts::Now)
    }

    fn enter_lasting(&mut self, status: Status, lasts: Lasts) -> Result<(), StateError> {
        if !self.passing {
            self.ownership.still_holds(&self.root)?;
            self.journal.write(&*self.files, &self.root, self.ownership.number(), &status, lasts)?;
        }
        self.status = status;
        Ok(())
    }

    fn make(&mut self, way: Way) -> Result<PathBuf, StateError> {
        self.enter_making(way)?;
        self.make_target()
    }

    /// The folder of the epoch that is made, as it begins. It is durable once [`switch`](Self::switch) has made it so.
    fn make_target(&self) -> Result<PathBuf, StateError> {
        let folder = self.folder_of(&self.target()?);
        make_epoch(&folder, |part| self.files.make_folder(part))?;
        Ok(folder)
    }

    fn enter_making(&mut self, way: Way) -> Result<(), StateError> {
        let (event, making) = match way {
            Way::On => (Event::Transform, Phase::Transforming),
            Way::Back => (Event::Reverse, Phase::Reversing),
        };
        // The phase is there already when a crash, or an error below, came between.
        let phase = if self.status.phase == making { making } else { self.status.phase.after(event)? };
        let Some(under_way) = self.status.under_way.clone().filter(|under_way| under_way.way == way) else {
            return Err(Kind::Refused(format!("what has begun is no move to {event} for")).into());
        };
        let prepared = self.status.prepared.clone().filter(|prepared| *prepared.version() == under_way.to);
        let there = under_way.target.clone().or(prepared);
        let highest = if there.is_some() { self.status.highest } else { self.status.highest + 1 };
        let target = there.unwrap_or_else(|| Epoch::new(highest, under_way.to.clone()));
        let attempts = under_way.attempts + 1;
        let under_way = Some(Move { target: Some(target), attempts, ..under_way });
        self.enter(Status { phase, under_way, prepared: None, highest, ..self.status.clone() })
    }

    fn target(&self) -> Result<Epoch, StateError> {
        let target = self.status.under_way.as_ref().and_then(|under_way| under_way.target.clone());
        target.ok_or_else(|| {
            let what = format!("says {} without an epoch that is made", self.status.phase);
            StateError::damaged(&self.root.join("JOURNAL"), what, ADVICE)
        })
    }

    fn free(&mut self) -> Result<(), StateError> {
        let phase = self.status.phase.after(Event::Freed)?;
        if let Some(kept) = self.status.kept.clone() {
            self.remove(&kept)?;
        }
        self.enter(Status { phase, kept: None, ..self.status.clone() })
    }

    fn mend(&mut self, mending: Mending) -> Result<(), StateError> {
        let (node, phase, from) = (self.root.display(), self.status.phase, self.status.epoch.version());
        let to = self.status.under_way.as_ref().map(|under_way| under_way.to.to_string());
        match mending {
            Mending::Undo(why) => {
                tracing::warn!(%node, %from, to, %phase, why, "undoes the move in which the program before has ended");
            }
            Mending::TakeBack => {
                tracing::warn!(%node, %from, to, %phase, "ends the dry run in which the program before has ended");
            }
            Mending::Free => {
                tracing::warn!(%node, version = %from, %phase, "ends the finalizing in which the program before has ended");
            }
            Mending::Forget => {
                tracing::warn!(%node, %from, to, %phase, "forgets the upgrade that waited for a word when the program before ended");
            }
            Mending::None | Mending::Abandon | Mending::Switch => {}
        }
        match mending {
            Mending::None => Ok(()),
            Mending::Abandon => self.abandon(),
            Mending::Forget => self.forget(),
            Mending::Undo(why) => self.fail(why),
            Mending::TakeBack => self.take_back(),
            Mending::Switch => self.finish_switch(),
            Mending::Free => self.free(),
        }
    }

    /// The epochs that must be there: the current one, the one before a move, the one that is kept.
    fn expect_epochs(&self) -> Result<(), StateError> {
        let there = self.epochs()?;
        let freeing = self.status.phase == Phase::Finalizing;
        let kept = self.status.kept.iter().filter(|_| !freeing);
        for epoch in [&self.current, &self.status.epoch].into_iter().chain(kept) {
            if !there.contains(epoch) {
                return Err(StateError::damaged(&self.folder_of(epoch), "is missing", ADVICE));
            }
        }
        Ok(())
    }

    fn epochs(&self) -> Result<Vec<Epoch>, StateError> {
        let names = self.files.list(&self.root).map_err(StateError::io(&self.root, "listing it"))?;
        Ok(names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect())
    }

    /// Sweeps after a move. The move has ended, whatever comes of it; what stays is swept when the state is opened next.
    fn tidy(&mut self) {
        if let Err(error) = self.sweep() {
            tracing::warn!(%error, "an epoch that nothing leads to any more could not be removed");
        }
    }

    /// Removes what nothing leads to any more. Names that are not ours stay.
    fn sweep(&mut self) -> Result<(), StateError> {
        let target = self.status.under_way.as_ref().and_then(|under_way| under_way.target.as_ref());
        let needed: Vec<&Epoch> = [&self.current, &self.status.epoch]
            .into_iter()
            .chain(&self.status.kept)
            .chain(&self.status.prepared)
            .chain(target)
            .collect();
        for epoch in self.epochs()? {
            // A higher number than there ever was is none of ours.
            if !needed.contains(&&epoch) && epoch.number() <= self.status.highest {
                self.remove(&epoch)?;
            }
        }
        let names = self.files.list(&self.root).map_err(StateError::io(&self.root, "listing it"))?;
        for name in names.iter().filter_map(|name| name.to_str()) {
            if name.strip_prefix(TRASH).is_some_and(|epoch| epoch.parse::<Epoch>().is_ok()) {
                let folder = self.root.join(name);
                self.files.remove_folder(&folder).map_err(StateError::io(&folder, "removing it"))?;
            }
        }
        self.clear_beside(&names)
    }

    /// Takes an epoch out of sight before its parts go, so that no half of one is ever found.
    fn remove(&self, epoch: &Epoch) -> Result<(), StateError> {
        let (folder, trash) = (self.folder_of(epoch), self.root.join(format!("{TRASH}{epoch}")));
        match self.files.rename(&folder, &trash) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            renamed => renamed.map_err(StateError::io(&folder, "putting it aside"))?,
        }
        self.files.sync_folder(&self.root).map_err(StateError::io(&self.root, "making it durable"))?;
        match self.files.remove_folder(&trash) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(StateError::io(&trash, "removing it")),
        }
    }
}

impl fmt::Debug for StateFolder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StateFolder")
            .field("root", &self.root)
            .field("current", &self.current)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// The version that a state is at, for those who do not own it; none where there is no state. Between two versions it is
/// one of both.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn version_of(files: &dyn Files, root: &Path) -> Result<Option<Version>, StateError> {
    let current: Option<Epoch> = pointer::read(files, root, CURRENT, ADVICE)?;
    Ok(current.map(|epoch| epoch.version().clone()))
}

/// The first epoch of a state that was not there.
fn begin(files: &dyn Files, root: &Path, first: &Version) -> Result<Epoch, StateError> {
    let epoch = Epoch::new(1, first.clone());
    let names = files.list(root).map_err(StateError::io(root, "listing it"))?;
    let others = names.iter().filter_map(|name| name.to_str()?.parse::<Epoch>().ok()).find(|other| *other != epoch);
    if let Some(other) = others {
        // Somebody's data, and nothing says whether it counts.
        let what = format!("is missing, but there is the epoch {other}");
        return Err(StateError::damaged(&root.join(CURRENT), what, ADVICE));
    }
    make_epoch(&root.join(epoch.to_string()), |part| files.create_folder(part))?;
    pointer::replace(files, root, CURRENT, format!("{epoch}\n").as_bytes())?;
    Ok(epoch)
}

fn make_epoch(folder: &Path, make: impl Fn(&Path) -> io::Result<()>) -> Result<(), StateError> {
    for part in ["object", "past", "future"] {
        let part = folder.join(part);
        make(&part).map_err(StateError::io(&part, "making the folder"))?;
    }
    Ok(())
}
