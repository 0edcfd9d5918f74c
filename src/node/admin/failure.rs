//! What went wrong, as the admin service tells it: a status with `google.rpc.ErrorInfo`.

use std::collections::HashMap;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::node::{LearnError, MoveError};
use crate::refusal::{DOMAIN, shortened};

/// Metadata: whether the node serves as it did before.
pub(crate) const SAFE: &str = "safe";
/// Metadata: what to do next.
pub(crate) const ADVICE: &str = "advice";

/// Why the node did not do what it was told. `node.proto` says what each of them means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    NoState,
    Busy,
    NoWay,
    Held,
    RecordsRefused,
    NoSpace,
    MoveFailed,
    TooLate,
    Stuck,
    BundleUnreadable,
    BundleUntrusted,
    BundleConflict,
    NotKept,
}

impl Reason {
    #[cfg(test)]
    const ALL: [Self; 13] = [
        Self::NoState,
        Self::Busy,
        Self::NoWay,
        Self::Held,
        Self::RecordsRefused,
        Self::NoSpace,
        Self::MoveFailed,
        Self::TooLate,
        Self::Stuck,
        Self::BundleUnreadable,
        Self::BundleUntrusted,
        Self::BundleConflict,
        Self::NotKept,
    ];

    /// As `google.rpc.ErrorInfo` spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NoState => "NO_STATE",
            Self::Busy => "BUSY",
            Self::NoWay => "NO_WAY",
            Self::Held => "HELD",
            Self::RecordsRefused => "RECORDS_REFUSED",
            Self::NoSpace => "NO_SPACE",
            Self::MoveFailed => "MOVE_FAILED",
            Self::TooLate => "TOO_LATE",
            Self::Stuck => "STUCK",
            Self::BundleUnreadable => "BUNDLE_UNREADABLE",
            Self::BundleUntrusted => "BUNDLE_UNTRUSTED",
            Self::BundleConflict => "BUNDLE_CONFLICT",
            Self::NotKept => "NOT_KEPT",
        }
    }

    fn code(self) -> Code {
        match self {
            Self::NoState
            | Self::NoWay
            | Self::Held
            | Self::NoSpace
            | Self::RecordsRefused
            | Self::TooLate
            | Self::BundleConflict => Code::FailedPrecondition,
            Self::Busy | Self::MoveFailed => Code::Aborted,
            Self::Stuck | Self::NotKept => Code::Internal,
            Self::BundleUnreadable => Code::InvalidArgument,
            Self::BundleUntrusted => Code::PermissionDenied,
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::NoState => "start another program in its place; this one was built to stay at its version",
            Self::Busy => "watch it with `straddle node status --watch`, and try again when it is over",
            Self::NoWay => "`straddle node status` says where the node can go next",
            Self::Held => "try again later; `straddle node status` says when the application has changed its mind",
            Self::RecordsRefused => {
                "change these records through a caller, or say in the step what is to become of them; a rollback also \
                 goes on without them with --accept-loss, which writes them to a file first"
            }
            Self::NoSpace => "make room on the disk of the node's state, and try again",
            Self::MoveFailed => "callers are served as before: mend the cause, and try again",
            Self::TooLate => "prepare the node again, or upgrade it by itself with `straddle node upgrade`",
            Self::Stuck => {
                "start the program again: from its journal it finishes the move or undoes it, and no acknowledged write \
                 is lost"
            }
            Self::BundleUnreadable => "fetch the bundle once more, or write it anew with `straddle bundle`",
            Self::BundleUntrusted => {
                "sign the bundle with `straddle bundle --sign`, or start the program with the signer's public key among \
                 those that it trusts"
            }
            Self::BundleConflict => "nothing was learned; `straddle inspect` shows what the bundle holds",
            Self::NotKept => "mend the node's state folder, and try again",
        }
    }
}

/// A status that says all of it. What bundles and steps say themselves is kept short: trailers are bounded.
pub(crate) fn status(reason: Reason, what: &str, more: &[(&str, String)]) -> Status {
    let safe = reason != Reason::Stuck;
    let mut metadata: HashMap<String, String> =
        more.iter().map(|(key, value)| ((*key).to_owned(), shortened(value))).collect();
    metadata.insert(SAFE.to_owned(), safe.to_string());
    metadata.entry(ADVICE.to_owned()).or_insert_with(|| reason.advice().to_owned());
    let details = ErrorDetails::with_error_info(reason.name(), DOMAIN, metadata);
    Status::with_error_details(reason.code(), shortened(what), details)
}

/// Why a node did not move, and what to do, as an agent tells it.
pub(in crate::node) fn in_words(error: &MoveError) -> (&'static str, &'static str) {
    let reason = match error {
        MoveError::NoState => Reason::NoState,
        MoveError::Busy { .. } => Reason::Busy,
        MoveError::NoWay { .. } => Reason::NoWay,
        MoveError::Held { .. } => Reason::Held,
        MoveError::Refused { .. } => Reason::RecordsRefused,
        MoveError::NoSpace { .. } => Reason::NoSpace,
        MoveError::Failed { .. } => Reason::MoveFailed,
        MoveError::Stuck { .. } => Reason::Stuck,
        MoveError::Expired { .. } => {
            return ("EXPIRED", "give it more time, or let it begin when less has to be copied");
        }
        MoveError::TooLate { .. } => return ("NO_WORD", ""),
    };
    (reason.name(), reason.advice())
}

pub(super) fn of_move(error: &MoveError) -> Status {
    let what = error.to_string();
    match error {
        MoveError::NoState => status(Reason::NoState, &what, &[]),
        MoveError::Busy { .. } => status(Reason::Busy, &what, &[]),
        MoveError::NoWay { .. } => status(Reason::NoWay, &what, &[]),
        MoveError::Held { why } => status(Reason::Held, &what, &[("why", why.clone())]),
        MoveError::Refused { count, .. } => status(Reason::RecordsRefused, &what, &[("count", count.to_string())]),
        MoveError::TooLate { .. } | MoveError::Expired { .. } => status(Reason::TooLate, &what, &[]),
        MoveError::NoSpace { .. } => status(Reason::NoSpace, &what, &[]),
        MoveError::Failed { phase, version, .. } => {
            status(Reason::MoveFailed, &what, &[("phase", phase.to_string()), ("version", version.to_string())])
        }
        MoveError::Stuck { phase, .. } => status(Reason::Stuck, &what, &[("phase", phase.to_string())]),
    }
}

pub(super) fn of_learning(error: &LearnError) -> Status {
    let text = error.to_string();
    let reason = match error {
        LearnError::Unreadable(_) => Reason::BundleUnreadable,
        LearnError::Untrusted(_) | LearnError::NobodyTrusted => Reason::BundleUntrusted,
        LearnError::Conflict(_) => Reason::BundleConflict,
        LearnError::NotKept(_) | LearnError::Stopped(_) => Reason::NotKept,
    };
    // Bundles say themselves what to do.
    match text.split_once("\n  help: ") {
        Some((what, advice)) => status(reason, what, &[(ADVICE, advice.to_owned())]),
        None => status(reason, &text, &[]),
    }
}

/// A bundle that was not sent as one: too long, or too slowly.
pub(super) fn unreadable(what: &str) -> Status {
    status(Reason::BundleUnreadable, what, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_stands_in_the_proto_with_its_code() {
        let proto = include_str!("../../../proto/straddle/v1/node.proto");
        for reason in Reason::ALL {
            let status = status(reason, "what", &[]);
            let code = format!("{:?}", status.code()).to_uppercase();
            let told = proto.lines().any(|line| {
                let mut words = line.trim_start_matches("//").split_whitespace();
                words.next() == Some(reason.name()) && words.next().is_some_and(|word| word.replace('_', "") == code)
            });
            assert!(told, "{} {code} is not in node.proto", reason.name());
        }
    }

    #[test]
    fn texts_are_short_enough_for_trailers() {
        let long = "ü".repeat(100_000);
        let status = status(Reason::Held, &long, &[("why", long.clone())]);
        assert_eq!(status.message(), shortened(&long));
        assert!(status.details().len() < 8192, "{}", status.details().len());
    }
}
