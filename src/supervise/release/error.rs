//! What can be wrong with a release.

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

use crate::version::Version;

/// Why a release cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ReleaseError(#[from] Kind);

#[derive(Debug, thiserror::Error)]
pub(super) enum Kind {
    #[error("{}: there is no such manifest\n  help: write it with `straddle release`", .0.display())]
    NoManifest(PathBuf),
    #[error("{}: {what}\n  help: write it anew with `straddle release --force`", .file.display())]
    Manifest { file: PathBuf, what: String },
    #[error("{}: there is a manifest already\n  help: replace it with --force, if the release is not in use", .0.display())]
    There(PathBuf),
    #[error("{}: the release has no such program\n  help: put it there, or name it with --program", .0.display())]
    NoProgram(PathBuf),
    #[error("{}: it lies beyond the release's folder\n  help: a release holds its own program; copy it there", .0.display())]
    Beyond(PathBuf),
    #[error("{}: it is no file that can be executed\n  help: chmod +x it", .0.display())]
    NotExecutable(PathBuf),
    #[error(
        "{}: its SHA-256 digest is {found}, and the manifest says {expected}\n  \
         help: the file was changed or not copied whole; copy the release anew", .file.display()
    )]
    Digest { file: PathBuf, expected: String, found: String },
    #[error(
        "{}: the program cannot run {version}: it can run {}\n  help: choose another release", .file.display(), list(.runs)
    )]
    CannotRun { file: PathBuf, version: Version, runs: Vec<Version> },
    #[error("{}: there is no release {version}: there {}\n  help: put it there, or choose another one", .folder.display(), there(.others))]
    NoRelease { folder: PathBuf, version: Version, others: Vec<Version> },
    #[error(
        "{}: no release can run {wanted}{}{}\n  help: put one there whose manifest lists {wanted}", .folder.display(),
        if .others.is_empty() { String::new() } else { format!(": {}", .others.join("; ")) },
        not_read(.unread)
    )]
    NoneRuns { folder: PathBuf, wanted: String, others: Vec<String>, unread: Vec<String> },
    #[error("{}: there is no release\n  help: put one there, with a manifest by `straddle release`", .0.display())]
    None(PathBuf),
    #[error("{pattern}: {what}\n  help: write it as ./releases/{{version}}/server")]
    Pattern { pattern: String, what: &'static str },
    /// As it was found before.
    #[cfg(target_os = "linux")]
    #[error("{0}")]
    Found(String),
    #[error("{}: {doing}: {error}", .file.display())]
    Io { file: PathBuf, doing: &'static str, error: io::Error },
}

#[cfg(target_os = "linux")]
impl ReleaseError {
    /// Whether there is a release, and its program is not what its manifest says.
    pub(in crate::supervise) fn is_broken(&self) -> bool {
        use Kind::{Beyond, Digest, Found, Io, NoProgram, NotExecutable};
        matches!(self.0, NoProgram(_) | Beyond(_) | NotExecutable(_) | Digest { .. } | Found(_) | Io { .. })
    }
}

pub(super) fn io(file: &Path, doing: &'static str) -> impl Fn(io::Error) -> ReleaseError + use<> {
    let file = file.to_owned();
    move |error| Kind::Io { file: file.clone(), doing, error }.into()
}

pub(super) fn list(versions: &[Version]) -> String {
    versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn there(others: &[Version]) -> String {
    if others.is_empty() { "is none".to_owned() } else { format!("are {}", list(others)) }
}

fn not_read(unread: &[String]) -> String {
    unread.iter().fold(String::new(), |mut text, error| {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  not read: {}", error.lines().next().unwrap_or_default());
        text
    })
}
