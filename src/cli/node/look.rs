//! What speaks against a move by how the node is doing, before it is told anything: then it is not even drained.

use crate::cli::arguments::{NodeFinalizeArguments, NodeRollbackArguments, NodeUpgradeArguments};
use crate::node::admin::Reason;
use crate::node::admin::wire::{NodeStatus, Phase};
use crate::version::Version;

use super::Failure;

/// A reason of this program: the node would do it.
const ATTENDS: &str = "ATTENDS";
/// What to do about a way that there is not.
const NO_WAY: &str = "`straddle node status` says where the node can go";

pub(super) fn upgrade(status: &NodeStatus, arguments: &NodeUpgradeArguments) -> Result<(), Failure> {
    let to = &arguments.to;
    // Another program of the same version is nothing to a coordinator.
    by_its_coordinator(status, arguments.anyway || is_anew(status, to), &format!("start {} {to}", status.protocol))?;
    if arguments.first.drain {
        is_free(status)?;
        has_way_to(status, to)?;
    }
    Ok(())
}

pub(super) fn rollback(status: &NodeStatus, arguments: &NodeRollbackArguments) -> Result<(), Failure> {
    by_its_coordinator(status, arguments.anyway || arguments.dry_run, "rollback")?;
    if arguments.first.drain {
        is_free(status)?;
        if status.back.is_empty() {
            let what = "there is no way back: the last upgrade is final, or there was none".to_owned();
            return Err(Failure::beforehand(Reason::NoWay.name(), what, NO_WAY.to_owned()));
        }
    }
    Ok(())
}

pub(super) fn finalize(status: &NodeStatus, arguments: &NodeFinalizeArguments) -> Result<(), Failure> {
    by_its_coordinator(status, arguments.anyway, "finalize")
}

/// A node that attends a coordinator is moved by that.
pub(in crate::cli) fn by_its_coordinator(status: &NodeStatus, anyway: bool, command: &str) -> Result<(), Failure> {
    let Some(attends) = status.attends.as_ref().filter(|_| !anyway) else { return Ok(()) };
    let at = &attends.coordinator;
    let name = if attends.node.is_empty() { String::new() } else { format!(" as {}", attends.node) };
    let what = format!(
        "this node attends the coordinator at {at}{name}, which tells it when to move, and does not know of this"
    );
    let advice = format!(
        "have the coordinator do it: `straddle upgrade {command} --coordinator {at}`; --anyway does it here alone, and the \
         coordinator then may take the node to where the others are"
    );
    Err(Failure::beforehand(ATTENDS, what, advice))
}

/// Nothing is under way that would have the move refused.
fn is_free(status: &NodeStatus) -> Result<(), Failure> {
    let refused =
        |reason: Reason, what: String, advice: &str| Err(Failure::beforehand(reason.name(), what, advice.to_owned()));
    if let Some(why) = &status.held {
        let advice = "try again later; `straddle node status` says when the application has changed its mind";
        return refused(Reason::Held, format!("the application holds the upgrade back: {why}"), advice);
    }
    let moves = status.under_way.as_ref().filter(|_| status.phase() != Phase::Learned);
    if let Some(way) = moves {
        let advice = "watch it with `straddle node status --watch`, and try again when it is over";
        return refused(Reason::Busy, format!("a move to {} is under way", way.to), advice);
    }
    Ok(())
}

/// Whether it is a newer release of the same version that is wanted, which a supervisor may have.
fn is_anew(status: &NodeStatus, to: &Version) -> bool {
    status.program.is_some() && status.version.parse().ok().as_ref() == Some(to)
}

fn has_way_to(status: &NodeStatus, to: &Version) -> Result<(), Failure> {
    let next: Option<Version> = status.next.parse().ok();
    let what = match next {
        _ if is_anew(status, to) => return Ok(()),
        _ if !status.back.is_empty() => format!(
            "the node runs {}, and can still go back to {}: finalize that first, or take it back",
            status.version, status.back
        ),
        Some(next) if next == *to => return Ok(()),
        Some(next) => format!("the node runs {}, and goes from there to {next}, not to {to}", status.version),
        None => format!("the node runs {}, and goes from there to no other version", status.version),
    };
    Err(Failure::beforehand(Reason::NoWay.name(), what, NO_WAY.to_owned()))
}
