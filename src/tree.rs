//! Folders that a command reads: on disk, or as a git repository held them at some revision.
//!
//! Of git only the objects are read, with the `git` program and its plumbing: nothing is checked out, so no hook, no
//! filter and no attribute takes part, and what is in the working tree does not count. Only files that matter to a
//! protocol are unpacked: `.proto`, `.binpb`, `protocol.toml`, `step.toml` and `straddle.lock`.

mod git;
pub(crate) mod import;
pub(crate) mod listing;
pub(crate) mod objects;
pub(crate) mod selection;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tempfile::TempDir;

/// Where a folder lies: `DIR`, or `git:REVISION:PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A folder on disk.
    Folder(PathBuf),
    /// What a repository holds: the one around the current directory, or that `GIT_DIR` names, as for git itself.
    Git {
        /// A revision, as `git rev-parse` takes it: a tag, a branch, a commit.
        revision: String,
        /// The path within the repository, seen from the current directory where it starts with `./`, else from the
        /// repository's root; empty for all of it.
        path: String,
    },
}

/// A folder that can be read, for as long as this lives.
#[derive(Debug)]
pub struct Tree {
    folder: PathBuf,
    /// How to name it to people.
    shown: String,
    _unpacked: Option<TempDir>,
}

/// Why a folder cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("{what}\n  help: {advice}")]
pub struct TreeError {
    what: String,
    advice: String,
}

impl FromStr for Location {
    type Err = TreeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(rest) = text.strip_prefix("git:") else { return Ok(Self::Folder(text.into())) };
        match rest.split_once(':') {
            Some((revision, path)) if !revision.is_empty() && !revision.starts_with('-') => {
                Ok(Self::Git { revision: revision.to_owned(), path: path.to_owned() })
            }
            _ => Err(TreeError::new(
                format!("`{text}` is no place in a git repository"),
                "write git:REVISION:PATH, such as git:v1.4.0:protos",
            )),
        }
    }
}

impl Location {
    /// Makes the folder readable; what git holds is unpacked into a folder that goes away with the [`Tree`].
    ///
    /// # Errors
    /// When there is no such folder, revision or path, or what git holds is beyond the limits.
    pub fn open(&self) -> Result<Tree, TreeError> {
        self.open_from(Path::new("."))
    }

    /// As [`open`](Self::open), with another directory in the place of the current one.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_from(&self, directory: &Path) -> Result<Tree, TreeError> {
        let named = |folder: &Path| directory.join(folder);
        match self {
            Self::Folder(folder) if named(folder).is_dir() => {
                Ok(Tree { folder: named(folder), shown: folder.display().to_string(), _unpacked: None })
            }
            Self::Folder(folder) => Err(TreeError::new(
                format!("{} is no folder that can be read", folder.display()),
                "name the folder that holds the protos, or git:REVISION:PATH",
            )),
            Self::Git { revision, path } => {
                let files = import::files(directory, revision, path).map_err(|error| error.about(self))?;
                let unpacked = import::unpack(&files).map_err(|error| error.about(self))?;
                // Faults name files by their real path, which a temporary folder behind a link does not have.
                let folder = unpacked.path().canonicalize().unwrap_or_else(|_| unpacked.path().to_owned());
                Ok(Tree { folder, shown: self.to_string(), _unpacked: Some(unpacked) })
            }
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(formatter, "{}", folder.display()),
            Self::Git { revision, path } => write!(formatter, "git:{revision}:{path}"),
        }
    }
}

impl TreeError {
    fn new(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what: what.into(), advice: advice.into() }
    }

    fn about(self, location: &Location) -> Self {
        Self { what: format!("{location}: {}", self.what), advice: self.advice }
    }
}

impl Tree {
    /// The folder on disk.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// `text` with the folder named as the user named it; for errors that speak of files in it.
    #[must_use]
    pub fn name_as_given(&self, text: &str) -> String {
        text.replace(&self.folder.display().to_string(), &self.shown)
    }
}

impl From<listing::Malformed> for TreeError {
    fn from(error: listing::Malformed) -> Self {
        Self::new(error.to_string(), "check that the repository is whole: git fsck; and report it if it is")
    }
}

/// Bytes of a name, for people: on one line, and not too long.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let short: String = text.chars().take(200).flat_map(char::escape_debug).collect();
    if text.chars().nth(200).is_some() { format!("{short}…") } else { short }
}
