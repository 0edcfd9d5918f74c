//! All releases beside each other.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::{Kind, ReleaseError, io as failed, list};
use super::{MANIFEST, Release};
use crate::version::Version;

/// The place of the version in a pattern.
pub(in crate::supervise) const PLACE: &str = "{version}";

/// Where releases lie: a pattern such as `./releases/{version}/server`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Releases {
    /// What the folders of the releases lie in.
    folder: PathBuf,
    /// Each release's program, from its folder on.
    program: PathBuf,
}

impl Releases {
    /// Reads a pattern: one folder of the path is `{version}`, which is the release's; what follows is the program.
    ///
    /// # Errors
    /// When it has no such folder, or more than one, or no program behind it.
    pub fn parse(pattern: &str) -> Result<Self, ReleaseError> {
        let wrong = |what| Kind::Pattern { pattern: pattern.to_owned(), what };
        let parts: Vec<_> = Path::new(pattern).components().collect();
        let is_place = |part: &std::path::Component<'_>| part.as_os_str() == PLACE;
        let Some(place) = parts.iter().position(is_place) else {
            return Err(wrong("no folder of the program's path is {version}").into());
        };
        let program: PathBuf = parts[place + 1..].iter().collect();
        if program.as_os_str().is_empty() || program.to_string_lossy().contains(PLACE) {
            return Err(wrong("the program's path goes on behind {version}, which stands there once").into());
        }
        let folder: PathBuf = parts[..place].iter().collect();
        let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
        Ok(Self { folder, program })
    }

    /// A release.
    ///
    /// # Errors
    /// When there is none of this version, its manifest cannot be read, or is about another program than the pattern.
    pub fn find(&self, version: &Version) -> Result<Release, ReleaseError> {
        let folder = self.folder.join(version.to_string());
        if !folder.is_dir() {
            let (folder, others) = (self.folder.clone(), self.versions()?);
            return Err(Kind::NoRelease { folder, version: version.clone(), others }.into());
        }
        let release = Release::open(folder)?;
        let said: PathBuf = Path::new(&release.manifest.program).components().collect();
        if said != self.program {
            let (file, program) = (release.folder.join(MANIFEST), self.program.display());
            let what = format!("it is about {:?}, and not about {program}", release.manifest.program);
            return Err(Kind::Manifest { file, what }.into());
        }
        Ok(release)
    }

    /// The newest release that can run each of these versions as current. Its program is not looked at.
    ///
    /// # Errors
    /// When there is none, naming those that there are with what they can run, and those whose manifests cannot be read.
    pub fn newest_that_runs(&self, versions: &[&Version]) -> Result<(Version, Release), ReleaseError> {
        let (mut others, mut unread) = (Vec::new(), Vec::new());
        for name in self.versions()?.into_iter().rev() {
            match self.find(&name) {
                Ok(release) if versions.iter().all(|version| release.manifest.runs.contains(version)) => {
                    return Ok((name, release));
                }
                Ok(release) => others.push(format!("{name} runs {}", list(&release.manifest.runs))),
                Err(error) => unread.push(error.to_string()),
            }
        }
        let wanted = versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
        Err(Kind::NoneRuns { folder: self.folder.clone(), wanted, others, unread }.into())
    }

    /// The newest release.
    ///
    /// # Errors
    /// When there is none, or its manifest cannot be read.
    pub fn newest(&self) -> Result<(Version, Release), ReleaseError> {
        let newest = self.versions()?.pop().ok_or_else(|| Kind::None(self.folder.clone()))?;
        let release = self.find(&newest)?;
        Ok((newest, release))
    }

    /// The releases that are there, the oldest first: folders that have a version's name and hold a manifest.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn versions(&self) -> Result<Vec<Version>, ReleaseError> {
        Ok(self
            .folders()?
            .into_iter()
            .filter(|name| self.folder.join(name.to_string()).join(MANIFEST).exists())
            .collect())
    }

    pub(super) fn folder(&self) -> &PathBuf {
        &self.folder
    }

    /// All that has a version's name, the oldest first: what lacks a manifest may have been forgotten.
    pub(super) fn folders(&self) -> Result<Vec<Version>, ReleaseError> {
        let cannot = failed(&self.folder, "listing the releases");
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(&cannot)? {
            let entry = entry.map_err(&cannot)?;
            found.extend(entry.file_name().to_str().and_then(|name| name.parse::<Version>().ok()));
        }
        found.sort();
        Ok(found)
    }
}
