//! What went wrong, as the coordinator tells it: a status with `google.rpc.ErrorInfo`.

use std::collections::HashMap;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::coordinator::core::{Denied, Reason};
use crate::coordinator::driver::Other;
use crate::refusal::{DOMAIN, shortened};

/// Metadata: what to do next.
pub(crate) const ADVICE: &str = "advice";
/// Metadata of `NOT_LEADER`: the address of the coordinator that leads; empty when nobody knows.
pub(crate) const LEADER: &str = "leader";

/// Why something that an operator wants is not done.
pub(in crate::coordinator) fn denied(denied: &Denied) -> Status {
    status(denied.reason, &denied.what, &[(ADVICE, &denied.advice)])
}

/// As `operator.proto` has them.
fn code(reason: Reason) -> Code {
    match reason {
        Reason::NoSuchProtocol
        | Reason::NoSuchVersion
        | Reason::NoSuchNode
        | Reason::NoSuchUpgrade
        | Reason::NoSuchBundle => Code::NotFound,
        Reason::Immutable | Reason::NameTaken => Code::AlreadyExists,
        Reason::BundleUnreadable | Reason::InvalidSchedule | Reason::Invalid => Code::InvalidArgument,
        Reason::BundleUntrusted => Code::PermissionDenied,
        Reason::BundleConflict
        | Reason::UnderWay
        | Reason::TooLate
        | Reason::NoWay
        | Reason::Blocked
        | Reason::Heard
        | Reason::Fenced => Code::FailedPrecondition,
        Reason::Replaced | Reason::Slow => Code::Aborted,
        Reason::TooMany => Code::ResourceExhausted,
        Reason::NotLeader | Reason::NotKnown | Reason::Stopping | Reason::Database => Code::Unavailable,
    }
}

/// There is no such upgrade.
pub(in crate::coordinator) fn no_such_upgrade(number: u64) -> Status {
    let what = format!("there is no upgrade {number}");
    status(Reason::NoSuchUpgrade, &what, &[(ADVICE, "`straddle upgrade status --all` lists them")])
}

/// There is no such bundle.
pub(in crate::coordinator) fn no_such_bundle(digest: &str) -> Status {
    let what = format!("no bundle {digest} was published");
    status(Reason::NoSuchBundle, &what, &[(ADVICE, "ask what leads to the version anew")])
}

/// Why a stream of an agent has ended, as the core says it.
pub(in crate::coordinator) fn ended(reason: Reason, what: &str) -> Status {
    let advice = match reason {
        Reason::Fenced => "say Hello again, as a node that was never admitted",
        Reason::NameTaken => {
            "give each node a name of its own; one whose program has ended is free for the next one at once"
        }
        Reason::Replaced => "nothing, where the node's program has begun anew; else give each node a name of its own",
        Reason::Invalid => "this is a fault of the agent's program",
        _ => "look at what the coordinator tells of it with `straddle events`",
    };
    status(reason, what, &[(ADVICE, advice)])
}

/// An agent does not read what it is told.
pub(in crate::coordinator) fn slow() -> Status {
    let advice = "say Hello again: all is told anew";
    status(Reason::Slow, "too much waits to be read on this stream", &[(ADVICE, advice)])
}

/// The coordinator ends.
pub(in crate::coordinator) fn stopping() -> Status {
    let advice = "try again: calls between nodes go on, and what was agreed on is kept";
    status(Reason::Stopping, "the coordinator stops, or begins anew", &[(ADVICE, advice)])
}

/// Another coordinator writes the database, or none yet.
pub(in crate::coordinator) fn not_leader(other: Option<&Other>) -> Status {
    let (what, leader) = match other {
        Some(other) if other.address.is_empty() => (format!("{} leads, and not this coordinator", other.name), ""),
        Some(other) => {
            (format!("{} leads, at {}, and not this coordinator", other.name, other.address), &*other.address)
        }
        None => ("this coordinator does not lead yet".to_owned(), ""),
    };
    let advice = "ask the one that leads, or try again in some seconds";
    status(Reason::NotLeader, &what, &[(ADVICE, advice), (LEADER, leader)])
}

/// Whether something was done is not known.
pub(in crate::coordinator) fn not_known(why: &str) -> Status {
    let what = format!("whether this was done is not known: {why}");
    status(Reason::NotKnown, &what, &[(ADVICE, "look before you ask for it again")])
}

/// More than the coordinator takes at once.
pub(in crate::coordinator) fn too_many(what: &str) -> Status {
    status(Reason::TooMany, what, &[(ADVICE, "try again later")])
}

/// The upgrade database does not give what is in it.
pub(in crate::coordinator) fn unreadable(error: &dyn std::fmt::Display) -> Status {
    let what = format!("the upgrade database: {error}");
    status(Reason::Database, &what, &[(ADVICE, "see the coordinator's log")])
}

fn status(reason: Reason, what: &str, more: &[(&str, &str)]) -> Status {
    let metadata: HashMap<String, String> =
        more.iter().map(|(key, value)| ((*key).to_owned(), shortened(*value))).collect();
    Status::with_error_details(
        code(reason),
        shortened(what),
        ErrorDetails::with_error_info(reason.name(), DOMAIN, metadata),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_stands_in_the_proto_with_its_code() {
        let proto = include_str!("../../../schemas/straddle/1.0.0/operator.proto");
        for reason in Reason::ALL {
            let code = format!("{:?}", code(reason)).to_uppercase();
            let told = proto.lines().any(|line| {
                let mut words = line.trim_start_matches("//").split_whitespace();
                words.next() == Some(reason.name()) && words.next().is_some_and(|word| word.replace('_', "") == code)
            });
            assert!(told, "{} {code} is not in operator.proto", reason.name());
        }
    }
}
