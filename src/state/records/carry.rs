//! The way of records from one folder to another, in another version.

mod ahead;
mod copy;
mod finish;
mod refused;
mod source;
mod target;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::error::RecordsError;
use super::file;
use super::handle::Records;
use super::layout::{Kind, Layout};
use super::origin::{Origin, line_up};
use super::values::Values;
use crate::protocol::Protocol;
use crate::protocol::plan::{Direction, Use};
use crate::rewrite::Rewrite;
use crate::state::progress::Progress;
use crate::version::Version;

/// When records are carried over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// All while callers wait.
    #[default]
    Eager,
    /// Before, while the old object serves; callers wait for what was written last.
    Online,
    /// Afterwards, while the new object serves, and each when it is touched. The next upgrade waits for the end of it.
    Lazy,
}

/// A record that the other version cannot express.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefusedRecord {
    /// Its table.
    pub table: String,
    /// Its key.
    pub key: Bytes,
    /// Its value in the version that it comes from, without envelope.
    pub value: Bytes,
    /// The version that the value is of. A transform function need not say it: it is the one that it comes from.
    pub version: Option<Version>,
    /// The full name of the value's message in that version, where it is a message.
    pub message: Option<String>,
    /// Why, with the path to the field.
    pub why: String,
}

/// The way of records from one folder to another, in another version. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Carry(Arc<Plan>);

#[derive(Debug)]
struct Plan {
    protocol: Protocol,
    /// The indexes of the versions.
    from: usize,
    to: usize,
    layout: Layout,
    mode: Mode,
}

impl Carry {
    /// Records of `from` to records of `to`, laid out as `layout` says; on or back.
    ///
    /// # Errors
    /// When the protocol has no such version, `layout` names messages that `to` does not have, or the steps leave open what
    /// becomes of them.
    pub fn new(
        protocol: &Protocol,
        from: &Version,
        to: &Version,
        layout: &Layout,
        mode: Mode,
    ) -> Result<Self, RecordsError> {
        let require = |version| {
            let index = protocol.require(version);
            index.map_err(|what| RecordsError::wrong(what, "carry records between versions that the protocol has"))
        };
        let (from, to) = (require(from)?, require(to)?);
        if let Some(fault) = layout.fault() {
            return Err(RecordsError::wrong(fault, "give the layout other tables"));
        }
        line_up(protocol, to, layout.tables(), &[])?;
        for table in layout.tables() {
            if let Kind::Messages(message) = &table.kind {
                relate(protocol, from, to, message).map_err(|what| {
                    let what = format!("the messages of the table {:?} cannot be carried over: {what}", table.name);
                    RecordsError::wrong(what, "say in step.toml what becomes of them, or that the table is `left`")
                })?;
            }
        }
        Ok(Self(Arc::new(Plan { protocol: protocol.clone(), from, to, layout: layout.clone(), mode })))
    }

    /// When records are carried over.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.0.mode
    }

    /// How many bytes of disk carrying `source` over may take, in a folder of its own: what the file has now, and room for
    /// what the other version says at more length.
    ///
    /// # Errors
    /// When the file system fails.
    pub fn needs(&self, source: &Path) -> Result<u64, RecordsError> {
        let file = file::path(source);
        let length = std::fs::metadata(&file).map_err(RecordsError::io(&file, "looking at its size"))?.len();
        Ok(length.saturating_add(length / 2).saturating_add(8 << 20))
    }

    /// The records that refuse, while `source` serves: at most `most` of them, and how many there are in all.
    ///
    /// # Errors
    /// When the file system fails, or `progress` was asked to stop.
    pub fn refused(
        &self,
        source: &Records,
        most: usize,
        progress: &Progress,
    ) -> Result<(Vec<RefusedRecord>, u64), RecordsError> {
        refused::refused(&self.0, source, most, progress)
    }

    /// [`Mode::Online`]: copies into the folder `target` while `source` serves, notes what is written meanwhile, and catches
    /// up until little is left. Goes on where a crash has stopped it. [`Mode::Lazy`]: makes the note of where the records are.
    /// [`Mode::Eager`]: there is nothing to do ahead.
    ///
    /// # Errors
    /// When a record refuses, or the file system fails.
    pub fn ahead(&self, source: &Records, target: &Path, progress: &Progress) -> Result<(), RecordsError> {
        match self.0.mode {
            Mode::Online => ahead::ahead(&self.0, source, target, progress),
            Mode::Lazy => finish::note_ahead(&self.0, source, target),
            Mode::Eager => Ok(()),
        }
    }

    /// Ends what [`ahead`](Self::ahead) has begun and nobody will finish: writes of `source` are no longer noted.
    ///
    /// # Errors
    /// When the file system fails.
    pub fn abandon(source: &Records) -> Result<(), RecordsError> {
        ahead::abandon(&*source.store()?)
    }

    /// Makes the records in the folder `target` those of the folder `source`, which nobody has open: all of them, the rest of
    /// them, or, [`Mode::Lazy`], a note of where they are. May be called again after a crash. A record that refuses goes to
    /// `lost`, which says whether to go on without it.
    ///
    /// # Errors
    /// When a record refuses and `lost` does not go on, or the file system fails.
    pub fn finish(
        &self,
        source: &Path,
        target: &Path,
        progress: &Progress,
        lost: &mut dyn FnMut(RefusedRecord) -> bool,
    ) -> Result<(), RecordsError> {
        finish::finish(&self.0, source, target, progress, lost)
    }
}

impl Plan {
    /// The values of the target's tables, ready for those of these files, the upper one first.
    fn values(&self, origins: &[Origin]) -> Result<Vec<Values>, RecordsError> {
        if let Some(origin) = origins.first().filter(|origin| origin.version != self.from) {
            let version = |index: usize| self.protocol.versions()[index].version();
            let what = format!("it holds records of {}, not of {}", version(origin.version), version(self.from));
            return Err(RecordsError::mismatch(&origin.file, what, "carry over the records of the version before"));
        }
        line_up(&self.protocol, self.to, self.layout.tables(), origins)
    }
}

/// Whether the messages that become these can be rewritten. Those that nothing becomes are new: their table begins empty.
fn relate(protocol: &Protocol, from: usize, to: usize, message: &str) -> Result<(), String> {
    let Some(theirs) = counterpart(protocol, to, from, message) else { return Ok(()) };
    let rewrite = Rewrite::new(protocol, from, to, &theirs, Use::Stored).map_err(|error| error.to_string())?;
    if rewrite.target() == message {
        return Ok(());
    }
    Err(format!("{message} was {theirs}, but {theirs} becomes {}", rewrite.target()))
}

/// The name of a message of the version at index `at` in the version at index `to`.
fn counterpart(protocol: &Protocol, mut at: usize, to: usize, message: &str) -> Option<String> {
    let mut message = message.to_owned();
    while at != to {
        let (step, next, direction) =
            if at < to { (at, at + 1, Direction::Up) } else { (at - 1, at - 1, Direction::Down) };
        message = protocol.steps()[step].plans(direction).counterpart(&message)?.to_owned();
        at = next;
    }
    Some(message)
}
