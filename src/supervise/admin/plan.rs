//! Which release a move leads to.

use tonic::Status;

use crate::node::admin::{Reason, failure};
use crate::supervise::machine::{Move, Run};
use crate::supervise::release::{Choice, PassedOver, ReleaseError, Releases, Verified};
use crate::version::Version;

/// A move, and the releases that were passed over for it.
pub(super) type Planned = Result<(Move, Vec<PassedOver>), Status>;

/// The newest good release that can take the state from where it is to a version, or the one that is wanted; without a version another
/// release runs the one that runs.
///
/// # Errors
/// When there is none, it is not what its manifest says, or there are versions in between.
pub(super) fn upgrade(
    releases: &Releases,
    verified: &Verified,
    from: &Run,
    to: Option<Version>,
    wanted: Option<Version>,
) -> Planned {
    let to = to.unwrap_or_else(|| from.version.clone());
    if to < from.version {
        return Err(no_way(&format!(
            "the node runs {}, which is newer than {to}: a rollback leads back",
            from.version
        )));
    }
    let both = if to == from.version { vec![&to] } else { vec![&from.version, &to] };
    let is_wanted = wanted.is_some();
    let choice = match wanted {
        Some(name) => named(releases, name, &both),
        None => releases.choose(&both, verified),
    };
    let choice = choice.map_err(|error| none(&error))?;
    if to == from.version && is_wanted && choice.name == from.release {
        return Err(no_way(&format!("the node runs release {} already", choice.name)));
    }
    if to == from.version && !is_wanted && choice.name <= from.release {
        let over: Vec<String> =
            choice.passed_over.iter().map(|one| format!("\n{} is passed over", one.told())).collect();
        let what = format!("the node runs {to} already, and no good release is newer than {}", from.release);
        return Err(no_way(&format!("{what}{}", over.concat())));
    }
    let between =
        choice.release.manifest().runs.iter().find(|version| **version > from.version && **version < to).cloned();
    if let Some(between) = between {
        return Err(no_way(&format!("{between} comes before {to}: upgrade to that first")));
    }
    let to = Run { release: choice.name, version: to };
    Ok((Move { from: from.clone(), to, back: false, accept_loss: false }, choice.passed_over))
}

/// A release, if it can run each of these versions and is what its manifest says.
fn named(releases: &Releases, name: Version, versions: &[&Version]) -> Result<Choice, ReleaseError> {
    let release = releases.find(&name)?;
    versions.iter().try_for_each(|version| release.expect(version))?;
    release.verify()?;
    Ok(Choice { name, release, passed_over: Vec::new() })
}

/// The release that the last upgrade came from, or else the newest good one that can run the version before.
///
/// # Errors
/// When there is none, or it is not what its manifest says.
pub(super) fn rollback(
    releases: &Releases,
    verified: &Verified,
    from: &Run,
    before: Option<&Run>,
    to: Version,
    accept_loss: bool,
) -> Planned {
    let known = before.filter(|before| before.version == to && before.release != from.release);
    let known = known.and_then(|before| Some((before.release.clone(), releases.find(&before.release).ok()?)));
    let known = known.filter(|(_, release)| release.expect(&to).is_ok() && release.verify().is_ok());
    let (name, passed_over) = if let Some((name, _)) = known {
        (name, Vec::new())
    } else {
        let choice = releases.choose(&[&to], verified).map_err(|error| none(&error))?;
        (choice.name, choice.passed_over)
    };
    let to = Run { release: name, version: to };
    Ok((Move { from: from.clone(), to, back: true, accept_loss }, passed_over))
}

/// No release can be taken.
fn none(error: &ReleaseError) -> Status {
    if error.is_broken() {
        return failure(Reason::MoveFailed, &error.to_string(), &[("phase", "permitted".to_owned())]);
    }
    no_way(&error.to_string())
}

fn no_way(what: &str) -> Status {
    failure(Reason::NoWay, what, &[])
}
