//! Which release a move leads to.

use tonic::Status;

use crate::node::admin::{Reason, failure};
use crate::supervise::machine::{Move, Run};
use crate::supervise::release::{Release, ReleaseError, Releases};
use crate::version::Version;

/// The newest release that can take the state from where it is to a version.
///
/// # Errors
/// When there is none, it is not what its manifest says, or there are versions in between.
pub(super) fn upgrade(releases: &Releases, from: &Run, to: Version) -> Result<Move, Status> {
    if to < from.version {
        return Err(no_way(&format!(
            "the node runs {}, which is newer than {to}: a rollback leads back",
            from.version
        )));
    }
    let both = if to == from.version { vec![&to] } else { vec![&from.version, &to] };
    let (name, release) = releases.newest_that_runs(&both).map_err(|error| no_way(&error.to_string()))?;
    if to == from.version && name <= from.release {
        return Err(no_way(&format!("the node runs {to} already, and no release is newer than {}", from.release)));
    }
    let between = release.manifest().runs.iter().find(|version| **version > from.version && **version < to);
    if let Some(between) = between {
        return Err(no_way(&format!("{between} comes before {to}: upgrade to that first")));
    }
    verify(&release)?;
    Ok(Move { from: from.clone(), to: Run { release: name, version: to }, back: false, accept_loss: false })
}

/// The release that the last upgrade came from, or else the newest that can run the version before.
///
/// # Errors
/// When there is none, or it is not what its manifest says.
pub(super) fn rollback(
    releases: &Releases,
    from: &Run,
    before: Option<&Run>,
    to: Version,
    accept_loss: bool,
) -> Result<Move, Status> {
    let known = before.filter(|before| before.version == to && before.release != from.release);
    let known = known.and_then(|before| Some((before.release.clone(), releases.find(&before.release).ok()?)));
    let known = known.filter(|(_, release)| release.expect(&to).is_ok() && release.verify().is_ok());
    let (name, release) = match known {
        Some(known) => known,
        None => releases.newest_that_runs(&[&to]).map_err(|error| no_way(&error.to_string()))?,
    };
    verify(&release)?;
    Ok(Move { from: from.clone(), to: Run { release: name, version: to }, back: true, accept_loss })
}

fn verify(release: &Release) -> Result<(), Status> {
    let broken =
        |error: ReleaseError| failure(Reason::MoveFailed, &error.to_string(), &[("phase", "permitted".to_owned())]);
    release.verify().map(drop).map_err(broken)
}

fn no_way(what: &str) -> Status {
    failure(Reason::NoWay, what, &[])
}
