//! Releases on disk: a folder a release, with the program and a manifest that says what the program is and can run.
//!
//! ```text
//! releases/
//!   2.0.0/
//!     manifest.toml
//!     server          the program, wherever the manifest says, within the folder
//! ```
//!
//! The manifest:
//!
//! ```toml
//! program = "server"                # the program's file, from the release's folder on
//! sha256 = "9f86d0…"                # of the file, 64 hexadecimal digits
//! protocol = "inventory"            # the protocol's name; may be absent
//! runs = ["1.1.0", "2.0.0"]         # the versions that the program can run as current, the oldest first
//! ```

#[cfg(target_os = "linux")]
mod choice;
mod error;
mod folder;
mod releases;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

#[cfg(target_os = "linux")]
pub(super) use self::choice::{Choice, Next, PassedOver, Verified};
pub use self::error::ReleaseError;
use self::error::{Kind, io as failed};
pub(super) use self::releases::PLACE;
pub use self::releases::Releases;
use crate::version::Version;

/// The manifest's file.
const MANIFEST: &str = "manifest.toml";
/// No manifest is longer, in bytes: another file was named so.
const LONGEST: u64 = 64 << 10;

/// What a release says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Manifest {
    /// The program's file, from the release's folder on, with `/` between folders.
    pub program: String,
    /// The SHA-256 digest of the file, 64 hexadecimal digits in lower case.
    pub sha256: String,
    /// The name of the protocol that it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// The versions that it can run as current, the oldest first.
    pub runs: Vec<Version>,
}

/// A release: its folder, and its manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    folder: PathBuf,
    manifest: Manifest,
}

impl Release {
    /// Reads the manifest in a release's folder. Whether the program fits it is seen by [`verify`](Self::verify).
    ///
    /// # Errors
    /// When there is no manifest, it is none, or names no version or a file beyond the folder.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, ReleaseError> {
        let folder = folder.into();
        let file = folder.join(MANIFEST);
        let mut text = String::new();
        let read = File::open(&file).and_then(|open| open.take(LONGEST + 1).read_to_string(&mut text));
        match read {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Kind::NoManifest(file).into()),
            read => read.map_err(failed(&file, "reading it"))?,
        };
        let damaged = |what: String| Kind::Manifest { file: file.clone(), what };
        if text.len() as u64 > LONGEST {
            return Err(damaged(format!("it has more than {LONGEST} bytes")).into());
        }
        let mut manifest: Manifest = toml::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        manifest.check().map_err(damaged)?;
        manifest.runs.sort();
        Ok(Self { folder, manifest })
    }

    /// Writes the manifest of a release whose program lies in its folder already. The file appears whole or not at all.
    ///
    /// # Errors
    /// When the program is not there, lies beyond the folder, cannot be executed, or there is a manifest and `replace` is
    /// not set.
    pub fn write(
        folder: impl Into<PathBuf>,
        program: &str,
        protocol: Option<&str>,
        runs: &[Version],
        replace: bool,
    ) -> Result<Self, ReleaseError> {
        let (folder, mut runs) = (folder.into(), runs.to_vec());
        runs.sort();
        let file = folder.join(MANIFEST);
        let sha256 = "0".repeat(64);
        let mut manifest =
            Manifest { program: program.to_owned(), sha256, protocol: protocol.map(str::to_owned), runs };
        manifest.check().map_err(|what| Kind::Manifest { file: file.clone(), what })?;
        let (_, digest) = folder::read(&folder, program)?;
        manifest.sha256 = digest;
        let cannot = failed(&file, "writing it");
        let text = toml_of(&manifest);
        let mut beside = tempfile::Builder::new();
        beside.prefix(".manifest-");
        #[cfg(unix)]
        beside.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
        let mut beside = beside.tempfile_in(&folder).map_err(&cannot)?;
        beside.write_all(text.as_bytes()).and_then(|()| beside.as_file().sync_all()).map_err(&cannot)?;
        let placed = if replace { beside.persist(&file) } else { beside.persist_noclobber(&file) };
        match placed {
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(Kind::There(file).into()),
            placed => placed.map(|_| Self { folder, manifest }).map_err(|error| cannot(error.error)),
        }
    }

    /// The program, opened, once its bytes are known to be those of the manifest. What is executed through this file is
    /// what was verified, whatever becomes of its name.
    ///
    /// # Errors
    /// When it is not there, lies beyond the release's folder, cannot be executed, or has another digest.
    pub fn verify(&self) -> Result<File, ReleaseError> {
        let (mut open, digest) = folder::read(&self.folder, &self.manifest.program)?;
        if digest != self.manifest.sha256 {
            let (file, expected) = (self.program(), self.manifest.sha256.clone());
            return Err(Kind::Digest { file, expected, found: digest }.into());
        }
        open.rewind().map_err(failed(&self.program(), "reading it"))?;
        Ok(open)
    }

    /// Whether the program can run a version as current.
    ///
    /// # Errors
    /// When it cannot, saying what it can.
    pub fn expect(&self, version: &Version) -> Result<(), ReleaseError> {
        if self.manifest.runs.contains(version) {
            return Ok(());
        }
        let file = self.folder.join(MANIFEST);
        Err(Kind::CannotRun { file, version: version.clone(), runs: self.manifest.runs.clone() }.into())
    }

    /// The newest version that its program can run as current.
    #[must_use]
    pub fn newest(&self) -> &Version {
        // A manifest that names none is refused.
        &self.manifest.runs[self.manifest.runs.len() - 1]
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The program's file.
    #[must_use]
    pub fn program(&self) -> PathBuf {
        self.folder.join(&self.manifest.program)
    }
}

impl Manifest {
    fn check(&self) -> Result<(), String> {
        if self.runs.is_empty() {
            return Err("`runs` names no version: a program that can run none is of no use".to_owned());
        }
        if self.sha256.len() != 64 || !self.sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(format!("`sha256` is {:?}: 64 hexadecimal digits in lower case are wanted", self.sha256));
        }
        folder::within(&self.program)
    }
}

/// As a person would write it.
fn toml_of(manifest: &Manifest) -> String {
    // Names, digests and versions need no more escaping than this.
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let runs: Vec<String> = manifest.runs.iter().map(|version| quoted(&version.to_string())).collect();
    let protocol =
        manifest.protocol.as_deref().map(|name| format!("protocol = {}\n", quoted(name))).unwrap_or_default();
    let (program, sha256) = (quoted(&manifest.program), quoted(&manifest.sha256));
    format!("program = {program}\nsha256 = {sha256}\n{protocol}runs = [{}]\n", runs.join(", "))
}

fn digest(file: &mut File) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(file, &mut hasher)?;
    Ok(hasher.finalize().iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hexadecimal).collect())
}

fn hexadecimal(digit: u8) -> char {
    char::from(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 })
}
