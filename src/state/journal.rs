//! The journal: what a node is doing, written down before it does it.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::StateError;
use super::files::Files;
use super::phase::Phase;
use super::pointer;
use super::status::Status;

const JOURNAL: &str = "JOURNAL";
/// The journal is shortened to its last entry when it has grown beyond this many bytes.
const LONG: usize = 64 * 1024;

/// One line.
#[derive(Serialize, Deserialize)]
struct Entry {
    /// The fencing number of the owner that wrote it.
    owner: u64,
    #[serde(flatten)]
    status: Status,
}

pub(super) struct Journal {
    /// The whole lines that it has.
    lines: Vec<u8>,
    /// Whether what lies on disk may have more than these lines at its end.
    torn: bool,
    /// Whether the last line may go when the machine does.
    loose: bool,
}

/// When an entry is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lasts {
    /// When it is written.
    Now,
    /// With the next one. A program that ends leaves it; when the machine goes down, it may not be there.
    WithNext,
}

impl Journal {
    /// Reads the journal, and the status that it ends with.
    pub(super) fn open(files: &dyn Files, folder: &Path) -> Result<(Self, Option<Status>), StateError> {
        let file = folder.join(JOURNAL);
        let bytes = match files.read(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(StateError::io(&file, "reading it"))?,
        };
        let mut journal = Self { lines: Vec::new(), torn: false, loose: false };
        let mut last: Option<Entry> = None;
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate().peekable();
        let count = bytes.split_inclusive(|byte| *byte == b'\n').count();
        while let Some((index, line)) = lines.next() {
            let read = read_line(line);
            let Some(entry) = read else {
                if lines.peek().is_none() {
                    // The write was cut off: nobody went on from there.
                    journal.torn = true;
                    break;
                }
                // An entry that was to last with the next one: both were written by one sync, which may have written the
                // later first. What comes last says it all, if it is whole; else nobody went on from either.
                let after_switch = last.as_ref().is_some_and(|last| last.status.phase == Phase::Switching);
                if after_switch && !journal.torn && index + 2 == count {
                    journal.torn = true;
                    continue;
                }
                let what = format!("line {} does not fit its checksum", index + 1);
                let advice = "do not edit it; restore the state from a copy, or ask for help with this file";
                return Err(StateError::damaged(&file, what, advice));
            };
            if last.as_ref().is_some_and(|last| last.owner > entry.owner) {
                let what = format!("line {} was written by owner {}, after a later one", index + 1, entry.owner);
                let advice = "two programs wrote into one state; stop both, and restore the state from a copy";
                return Err(StateError::damaged(&file, what, advice));
            }
            last = Some(entry);
            journal.lines.extend_from_slice(line);
        }
        // Nobody knows whether it was synced before the program that wrote it was gone.
        journal.loose = last.as_ref().is_some_and(|last| last.status.phase == Phase::Verifying);
        Ok((journal, last.map(|entry| entry.status)))
    }

    /// Whether the last entry is durable only with the next one.
    pub(super) fn is_loose(&self) -> bool {
        self.loose
    }

    /// Writes an entry.
    pub(super) fn write(
        &mut self,
        files: &dyn Files,
        folder: &Path,
        owner: u64,
        status: &Status,
        lasts: Lasts,
    ) -> Result<(), StateError> {
        let file = folder.join(JOURNAL);
        let line = line_of(&Entry { owner, status: status.clone() })
            .map_err(|error| StateError::io(&file, "putting an entry into words")(error.into()))?;
        if self.torn || self.lines.is_empty() || self.lines.len() > LONG {
            // The last entry says it all.
            pointer::replace(files, folder, JOURNAL, &line).inspect_err(|_| self.torn = true)?;
            *self = Self { lines: line, torn: false, loose: false };
            return Ok(());
        }
        // How much of it is there after an error is unknown.
        let written = match lasts {
            Lasts::Now => files.append(&file, &line),
            Lasts::WithNext => files.append_loosely(&file, &line),
        };
        written.inspect_err(|_| self.torn = true).map_err(StateError::io(&file, "writing an entry"))?;
        self.loose = lasts == Lasts::WithNext;
        self.lines.extend_from_slice(&line);
        Ok(())
    }
}

fn line_of(entry: &Entry) -> Result<Vec<u8>, serde_json::Error> {
    let text = serde_json::to_string(entry)?;
    Ok(format!("{:08x} {text}\n", crc32fast::hash(text.as_bytes())).into_bytes())
}

fn read_line(line: &[u8]) -> Option<Entry> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (sum, text) = line.split_once(' ')?;
    let fits = sum.len() == 8 && u32::from_str_radix(sum, 16).ok()? == crc32fast::hash(text.as_bytes());
    fits.then(|| serde_json::from_str(text).ok())?
}
