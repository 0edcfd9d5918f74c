//! Folders that a command reads: on disk, or as a git repository held them at some revision.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use tempfile::TempDir;

/// Where a folder lies: `DIR`, or `git:REVISION:PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A folder on disk.
    Folder(PathBuf),
    /// What the repository around the current directory holds.
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
            _ => Err(TreeError {
                what: format!("`{text}` is no place in a git repository"),
                advice: "write git:REVISION:PATH, such as git:v1.4.0:protos".to_owned(),
            }),
        }
    }
}

impl Location {
    /// Makes the folder readable; what git holds is unpacked into a folder that goes away with the [`Tree`].
    ///
    /// # Errors
    /// When there is no such folder, revision or path, or what git holds is beyond the limits.
    pub fn open(&self) -> Result<Tree, TreeError> {
        match self {
            Self::Folder(folder) => {
                Ok(Tree { folder: folder.clone(), shown: folder.display().to_string(), _unpacked: None })
            }
            Self::Git { revision, path } => Err(TreeError {
                what: format!("git:{revision}:{path} cannot be read yet"),
                advice: "name a folder on disk".to_owned(),
            }),
        }
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
