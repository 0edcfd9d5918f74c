//! Who owns a state: the holder of its lock, with the highest fencing number.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::error::{Kind, StateError};
use super::files::{Files, Held};
use super::pointer;

const LOCK: &str = "LOCK";
const FENCE: &str = "FENCE";
const ADVICE: &str = "restore it from a copy of the state, or write a number that is higher than any before";

/// The right to write into a state folder.
pub(super) struct Ownership {
    files: Arc<dyn Files>,
    number: u64,
    _held: Held,
}

impl Ownership {
    /// Takes the lock and raises the number. `seen` is the highest number that the journal tells of.
    pub(super) fn take(files: Arc<dyn Files>, folder: &Path) -> Result<Self, StateError> {
        let lock = folder.join(LOCK);
        let held = files.lock(&lock).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => Kind::Owned(folder.to_owned()).into(),
            _ => StateError::io(&lock, "taking the lock")(error),
        })?;
        let before: u64 = pointer::read(&*files, folder, FENCE, ADVICE)?.unwrap_or(0);
        let number = before.checked_add(1).ok_or_else(|| {
            StateError::damaged(&folder.join(FENCE), "holds the highest number that there is", ADVICE)
        })?;
        pointer::replace(&*files, folder, FENCE, format!("{number}\n").as_bytes())?;
        Ok(Self { files, number, _held: held })
    }

    /// The fencing number: how often the state has had an owner, this one included.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Looks whether nobody has taken the state over.
    ///
    /// The lock alone does not tell on file systems that forget locks.
    pub(super) fn still_holds(&self, folder: &Path) -> Result<(), StateError> {
        match pointer::read::<u64>(&*self.files, folder, FENCE, ADVICE)? {
            Some(number) if number == self.number => Ok(()),
            other => {
                let theirs = other.unwrap_or(0);
                Err(Kind::TakenOver { file: folder.join(FENCE), ours: self.number, theirs }.into())
            }
        }
    }
}
