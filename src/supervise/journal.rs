//! What the supervisor writes down, and who it is.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::SuperviseError;
use super::machine::{Id, Launch, Record};
use super::process;
use crate::state::{Files, read_pointer, replace_pointer};
use crate::version::Version;

const JOURNAL: &str = "JOURNAL";
const LOCK: &str = "LOCK";
const NOTIFY: &str = "notify";
const ADVICE: &str = "do not edit it; when it is lost, remove it: with --release the supervisor begins anew, at the version of the state";

/// All of the journal: one line of JSON, replaced as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Written {
    pub(super) supervisor: Supervisor,
    #[serde(flatten)]
    pub(super) record: Record,
    /// Those that were started, and were not seen to end.
    pub(super) programs: Vec<Program>,
}

/// Who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Supervisor {
    pub(super) process: u32,
    /// Where its admin service is.
    pub(super) admin: String,
    /// Where callers come.
    pub(super) callers: String,
}

/// A program that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Program {
    pub(super) id: Id,
    pub(super) launch: Launch,
    #[serde(flatten)]
    pub(super) name: process::Name,
    /// Where its admin service is.
    pub(super) admin: Option<String>,
    /// The version that it accepts callers at.
    pub(super) ready: Option<Version>,
    /// How long it may say nothing, once it has said that it is alive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) watchdog: Option<Duration>,
}

impl FromStr for Written {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text)
    }
}

/// The supervisor's own folder, with its lock.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    files: Arc<dyn Files>,
    #[expect(dead_code, reason = "it is held for as long as this lives")]
    lock: File,
}

impl Folder {
    /// Takes the folder, which is made if it is not there.
    pub(super) fn take(state: &Path, files: Arc<dyn Files>) -> Result<Self, SuperviseError> {
        let folder = state.join("supervisor");
        let made = files.create_folder(&folder.join(NOTIFY));
        made.map_err(SuperviseError::io(&folder, "making the folder"))?;
        let file = folder.join(LOCK);
        let open = OpenOptions::new().write(true).create(true).truncate(false).open(&file);
        let lock = open.map_err(SuperviseError::io(&file, "opening the lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: folder, files, lock }),
            Err(TryLockError::WouldBlock) => {
                let owner = read(&*files, &folder).ok().flatten().map(|written| written.supervisor);
                let owner = owner.map(|owner| (owner.process, owner.admin));
                Err(SuperviseError::owned(state, owner))
            }
            Err(TryLockError::Error(error)) => Err(SuperviseError::io(&folder.join(LOCK), "taking the lock")(error)),
        }
    }

    /// What was written last, if anything was.
    pub(super) fn read(&self) -> Result<Option<Written>, SuperviseError> {
        read(&*self.files, &self.path)
    }

    /// Replaces what was written.
    pub(super) fn write(&self, written: &Written) -> Result<(), SuperviseError> {
        let text = serde_json::to_string(written).map_err(|error| {
            SuperviseError::io(&self.path.join(JOURNAL), "putting it into words")(io::Error::from(error))
        })?;
        Ok(replace_pointer(&*self.files, &self.path, JOURNAL, format!("{text}\n").as_bytes())?)
    }

    /// Where a program says how it is doing.
    pub(super) fn notify(&self, id: Id) -> PathBuf {
        self.path.join(NOTIFY).join(id.to_string())
    }
}

fn read(files: &dyn Files, folder: &Path) -> Result<Option<Written>, SuperviseError> {
    Ok(read_pointer(files, folder, JOURNAL, ADVICE)?)
}
