//! The switch: the pointer moves from one epoch to another.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::{CURRENT, Epoch, Event, Lasts, StateError, StateFolder, Status};
use crate::state::pointer;

impl StateFolder {
    /// Makes the epoch that was made the current one. What was written into its folder is made durable first.
    ///
    /// # Errors
    /// When none was made.
    pub fn switch(&mut self) -> Result<(), StateError> {
        self.switch_after(Self::sync_all_of)
    }

    /// The same for whoever knows what is not durable yet: of the folder that [`prepare`](Self::prepare) gave ahead of time, all
    /// but what is at or below these paths has been made durable since. Of a folder that this program has not prepared as a new
    /// one nobody knows, and all of it is made durable.
    ///
    /// # Errors
    /// As [`switch`](Self::switch).
    pub fn switch_made(&mut self, loose: &[PathBuf]) -> Result<(), StateError> {
        self.switch_after(|state, folder| {
            if state.made.is_none() || state.made != state.target().ok() {
                return state.sync_all_of(folder);
            }
            loose
                .iter()
                .try_for_each(|path| state.files.sync_tree(path).map_err(StateError::io(path, "making it durable")))
        })
    }

    fn switch_after(&mut self, sync: impl FnOnce(&Self, &Path) -> Result<(), StateError>) -> Result<(), StateError> {
        let phase = self.status.phase.after(Event::Switch)?;
        let folder = self.folder_of(&self.target()?);
        sync(self, &folder)?;
        self.enter(Status { phase, ..self.status.clone() })?;
        self.finish_switch()
    }

    fn sync_all_of(&self, folder: &Path) -> Result<(), StateError> {
        self.files.sync_tree(folder).map_err(StateError::io(folder, "making it durable"))?;
        self.files.sync_folder(&self.root).map_err(StateError::io(&self.root, "making it durable"))
    }

    /// Moves the pointer, and says so. A machine that goes down may forget that it was said: it is at the switch then, and the
    /// pointer at the target, which leads to the same ([`recovery`](crate::state::recovery)).
    pub(super) fn finish_switch(&mut self) -> Result<(), StateError> {
        let target = self.target()?;
        if self.pointing || self.current != target {
            self.point_at(&target)?;
        }
        let phase = self.status.phase.after(Event::Verify)?;
        self.enter_lasting(Status { phase, ..self.status.clone() }, Lasts::WithNext)
    }

    /// Lays an epoch beside the pointer, so that nobody has to wait for that when it moves there.
    pub(super) fn lay(&mut self, epoch: &Epoch) -> Result<(), StateError> {
        if self.laid.as_ref() != Some(epoch) {
            self.laid = None;
            pointer::lay_beside(&*self.files, &self.root, CURRENT, format!("{epoch}\n").as_bytes())?;
            self.laid = Some(epoch.clone());
        }
        Ok(())
    }

    /// Takes away what lies beside the pointer, where it leads to nothing that is to come.
    pub(super) fn clear_beside(&mut self, names: &[OsString]) -> Result<(), StateError> {
        let target = self.status.under_way.as_ref().and_then(|under_way| under_way.target.as_ref());
        let needed = self.laid.is_some() && (self.laid == self.status.prepared || self.laid.as_ref() == target);
        let beside = pointer::beside(&self.root, CURRENT);
        if needed || !names.iter().any(|name| Some(&**name) == beside.file_name()) {
            return Ok(());
        }
        self.laid = None;
        match self.files.remove_file(&beside) {
            // It is in nobody's way.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
            removed => removed.map_err(StateError::io(&beside, "removing it")),
        }
    }

    pub(super) fn point_at(&mut self, epoch: &Epoch) -> Result<(), StateError> {
        self.ownership.still_holds(&self.root)?;
        self.lay(epoch)?;
        self.pointing = true;
        // Whatever becomes of it, it does not lie there any more.
        self.laid = None;
        pointer::put(&*self.files, &self.root, CURRENT)?;
        self.current = epoch.clone();
        self.pointing = false;
        Ok(())
    }
}
