//! The file with what a rollback has given up.

use std::path::{Path, PathBuf};

use crate::cli::BadArguments;
use crate::cli::whole_file::{self, Beside, Readers};

/// A file that is in its place when it is whole.
pub(super) struct File {
    place: PathBuf,
    beside: Beside,
    /// Where the node has it.
    at_node: Option<String>,
}

impl File {
    /// Makes sure that it can be written, before anything is given up.
    pub(super) fn begin(place: &Path) -> Result<Self, BadArguments> {
        if std::fs::symlink_metadata(place).is_ok() {
            return Err(BadArguments(format!("{} is there already: name a new file", place.display())));
        }
        let beside = whole_file::begin(place, Readers::Owner).map_err(BadArguments)?;
        Ok(Self { place: place.to_owned(), beside, at_node: None })
    }

    /// Writes the next part.
    pub(super) fn write(&mut self, part: &[u8], at_node: String) -> Result<(), String> {
        self.at_node = Some(at_node);
        self.beside.write(part)
    }

    /// Where the node has what has come so far.
    pub(super) fn at_node(&self) -> Option<&str> {
        self.at_node.as_deref()
    }

    /// Puts it into its place, and says where it is, here and at the node; nothing when nothing came.
    pub(super) fn end(self) -> Result<Option<(PathBuf, String)>, String> {
        let Some(at_node) = self.at_node else { return Ok(None) };
        self.beside.place(false)?;
        Ok(Some((self.place, at_node)))
    }
}
