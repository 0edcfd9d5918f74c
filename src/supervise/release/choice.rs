//! Which release is taken: the newest one that can run what is wanted, and is what its manifest says.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::error::{Kind, ReleaseError, list};
use super::{Release, Releases};
use crate::version::Version;

/// A release that was chosen.
#[derive(Debug)]
pub(in crate::supervise) struct Choice {
    pub(in crate::supervise) name: Version,
    pub(in crate::supervise) release: Release,
    /// Newer ones that might have done as well, the newest first.
    pub(in crate::supervise) passed_over: Vec<PassedOver>,
}

/// A release that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::supervise) struct PassedOver {
    pub(in crate::supervise) release: Version,
    /// Which file, what is wrong with it, and what to do.
    pub(in crate::supervise) why: String,
}

impl PassedOver {
    fn new(release: Version, error: &ReleaseError) -> Self {
        Self { release, why: error.to_string().replace("\n  help: ", ": ") }
    }

    /// On one line.
    pub(in crate::supervise) fn told(&self) -> String {
        format!("release {}: {}", self.release, self.why)
    }
}

/// Where an upgrade would lead next.
#[derive(Debug, Default)]
pub(in crate::supervise) struct Next {
    pub(in crate::supervise) version: Option<Version>,
    /// The release that it takes, where that is not the one that runs.
    pub(in crate::supervise) release: Option<Version>,
    pub(in crate::supervise) passed_over: Vec<PassedOver>,
}

/// Which programs are what their manifests say: each file is read again only when it has changed.
#[derive(Clone, Debug, Default)]
pub(in crate::supervise) struct Verified(Arc<Mutex<BTreeMap<PathBuf, Found>>>);

/// A file as it was, and what is wrong with it.
type Found = (Stamp, Option<String>);

/// What changes when somebody changes the file, or the manifest: the digest there, the size, the inode, and when it was changed.
type Stamp = (String, u64, u64, (i64, i64), u32);

impl Verified {
    fn verify(&self, release: &Release) -> Result<(), ReleaseError> {
        let program = release.program();
        let stamp = std::fs::metadata(&program).ok().map(|metadata| stamp(release, &metadata));
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = known().get(&program).filter(|(before, _)| Some(before) == stamp.as_ref()) {
            return found.clone().map_or(Ok(()), |why| Err(Kind::Found(why).into()));
        }
        let found = release.verify().map(drop);
        if let Some(stamp) = stamp {
            known().insert(program, (stamp, found.as_ref().err().map(ToString::to_string)));
        }
        found
    }
}

fn stamp(release: &Release, metadata: &Metadata) -> Stamp {
    let changed = (metadata.ctime(), metadata.ctime_nsec());
    (release.manifest().sha256.clone(), metadata.len(), metadata.ino(), changed, metadata.mode())
}

impl Releases {
    /// The newest good release that can run each of these versions as current.
    ///
    /// # Errors
    /// When there is none: why the newest that could is not good; or else naming those that there are with what they can run, and
    /// those that cannot be read.
    pub(in crate::supervise) fn choose(
        &self,
        versions: &[&Version],
        verified: &Verified,
    ) -> Result<Choice, ReleaseError> {
        let (mut others, mut unread, mut passed_over, mut broken) = (Vec::new(), Vec::new(), Vec::new(), None);
        for name in self.folders()?.into_iter().rev() {
            match self.find(&name) {
                Ok(release) if versions.iter().all(|version| release.manifest.runs.contains(version)) => {
                    match verified.verify(&release) {
                        Ok(()) => return Ok(Choice { name, release, passed_over }),
                        Err(error) => {
                            passed_over.push(PassedOver::new(name, &error));
                            broken.get_or_insert(error);
                        }
                    }
                }
                Ok(release) => others.push(format!("{name} runs {}", list(&release.manifest.runs))),
                Err(error) => {
                    passed_over.push(PassedOver::new(name, &error));
                    unread.push(error.to_string());
                    // Any would have done.
                    if versions.is_empty() {
                        broken.get_or_insert(error);
                    }
                }
            }
        }
        if broken.is_none() && versions.is_empty() {
            return Err(Kind::None(self.folder().clone()).into());
        }
        let wanted = versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
        Err(broken.unwrap_or_else(|| Kind::NoneRuns { folder: self.folder().clone(), wanted, others, unread }.into()))
    }

    /// The version that an upgrade leads to next from one release at a version, and the release that it takes: the newest good
    /// one. `own` is the version that the program itself can go to.
    pub(in crate::supervise) fn next(
        &self,
        release: &Version,
        from: &Version,
        own: Option<&Version>,
        verified: &Verified,
    ) -> Next {
        let mut next = Next { version: own.cloned(), ..Next::default() };
        // Of the newest release that runs this version alone; it is taken where nothing leads on.
        let mut same = None;
        for name in self.folders().unwrap_or_default().into_iter().rev() {
            let newer = name > *release;
            if !newer && own.is_some() {
                break;
            }
            let found = match self.find(&name) {
                Ok(found) => found,
                Err(error) => {
                    next.passed_over.extend(newer.then(|| PassedOver::new(name, &error)));
                    continue;
                }
            };
            let runs = &found.manifest.runs;
            let to = match own {
                Some(own) => runs.iter().find(|version| *version == own),
                None => runs.iter().filter(|version| *version > from).min(),
            };
            if !runs.contains(from) || to.is_none() && (!newer || same.is_some()) {
                continue;
            }
            match (verified.verify(&found), to) {
                (Ok(()), Some(to)) => {
                    next.version = Some(to.clone());
                    next.release = (name != *release).then_some(name);
                    return next;
                }
                (Ok(()), None) => same = Some(name),
                (Err(error), _) => next.passed_over.push(PassedOver::new(name, &error)),
            }
        }
        if next.version.is_none() {
            next.release = same;
        }
        next
    }
}
