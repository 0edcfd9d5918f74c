//! What went wrong, for people, for scripts, and as an exit code.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;

use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::cli::inspect::printable;
use crate::node::admin::{ADVICE, Reason, SAFE};
use crate::refusal::DOMAIN;

/// Why it was not done.
#[derive(Debug)]
pub(in crate::cli) struct Failure {
    kind: Kind,
    /// As the node names it; nothing where the node did not.
    reason: Option<String>,
    message: String,
    advice: String,
    /// What else the node says.
    details: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The node serves as it did before.
    Refused,
    /// It cannot be reached, or was lost sight of.
    Unreachable,
    /// It answers no callers.
    Stuck,
}

impl Failure {
    pub(in crate::cli) fn unreachable(address: &str, status: &Status) -> Self {
        Self {
            kind: Kind::Unreachable,
            reason: None,
            message: format!("no node can be reached at {address}: {}", status.message()),
            advice: "name the address of its admin service, which it prints when it starts; nothing was done"
                .to_owned(),
            details: BTreeMap::new(),
        }
    }

    /// Of what the node is not even asked for; it goes on as before.
    pub(super) fn beforehand(reason: &str, message: String, advice: String) -> Self {
        Self { kind: Kind::Refused, reason: Some(reason.to_owned()), message, advice, details: BTreeMap::new() }
    }

    /// Of a call that the node has got; `moving` when it may have begun to move.
    pub(in crate::cli) fn of(address: &str, status: &Status, moving: bool) -> Self {
        if let Some(info) = status.get_details_error_info().filter(|info| info.domain == DOMAIN) {
            let mut details: BTreeMap<String, String> = info.metadata.into_iter().collect();
            let safe = details.remove(SAFE).is_some_and(|safe| safe == "true");
            let advice = details.remove(ADVICE).unwrap_or_default();
            let stuck = !safe || info.reason == Reason::Stuck.name();
            let kind = if stuck { Kind::Stuck } else { Kind::Refused };
            return Self { kind, reason: Some(info.reason), message: status.message().to_owned(), advice, details };
        }
        let (kind, advice) = match status.code() {
            Code::Unimplemented => (
                Kind::Unreachable,
                "this is no admin service: callers have another address; nothing was done".to_owned(),
            ),
            Code::InvalidArgument | Code::ResourceExhausted => (Kind::Refused, "nothing was done".to_owned()),
            _ if moving => (
                Kind::Unreachable,
                format!(
                    "the move goes on at the node, or from its journal when its program is started again: see that it runs, \
                     and look with `straddle node status {address}`"
                ),
            ),
            _ => {
                let advice = format!("see that its program runs, and look with `straddle node status {address}`");
                (Kind::Unreachable, advice)
            }
        };
        let said = if status.message().is_empty() { status.code().description() } else { status.message() };
        let lost = kind == Kind::Unreachable && status.code() != Code::Unimplemented;
        let message = match (lost, moving) {
            (false, _) => said.to_owned(),
            (true, true) => format!(
                "the node was lost sight of in the middle of the move: its program has ended, or the connection has ({said})"
            ),
            (true, false) => {
                format!("the node was lost sight of: its program has ended, or the connection has ({said})")
            }
        };
        Self { kind, reason: None, message, advice, details: BTreeMap::new() }
    }

    /// How many there are of what is listed in part.
    pub(super) fn count(&self) -> Option<u64> {
        self.details.get("count")?.parse().ok()
    }

    /// Whether the node serves as it did before.
    pub(in crate::cli) fn is_as_before(&self) -> bool {
        self.kind == Kind::Refused
    }

    /// What went wrong, on one line.
    pub(in crate::cli) fn short(&self) -> String {
        let reason = self.reason.as_ref().map(|reason| format!("{reason}: ")).unwrap_or_default();
        printable(&format!("{reason}{}", self.message)).replace('\n', " ")
    }

    pub(super) fn code(&self) -> ExitCode {
        match self.kind {
            Kind::Refused => ExitCode::FAILURE,
            Kind::Unreachable => ExitCode::from(2),
            Kind::Stuck => ExitCode::from(3),
        }
    }

    pub(in crate::cli) fn json(&self) -> Value {
        json!({
            "reason": self.reason,
            "message": self.message,
            "node": self.kind.name(),
            "advice": self.advice,
            "details": self.details,
        })
    }

    /// What, where it stopped, what the node does, and what is safe to do next.
    pub(in crate::cli) fn text(&self) -> String {
        let mut text =
            self.reason.as_ref().map_or("failed".to_owned(), |reason| format!("failed: {}", printable(reason)));
        let mut line = |name: &str, value: &str| {
            let value = printable(value).replace('\n', "\n                ");
            // Writing to a string cannot fail.
            let _ = write!(text, "\n  {name:<14}{value}");
        };
        line("what", &self.message);
        for (name, value) in &self.details {
            line(if name == "phase" { "stopped while" } else { name }, value);
        }
        line("node", self.kind.told());
        line("what next", &self.advice);
        text
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Refused => "as before",
            Self::Unreachable => "unknown",
            Self::Stuck => "stuck",
        }
    }

    fn told(self) -> &'static str {
        match self {
            Self::Refused => "serves as before",
            Self::Unreachable => "not known from here",
            Self::Stuck => "answers no callers",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic_types::ErrorDetails;

    use super::*;

    fn told(reason: &str, safe: &str) -> Status {
        let metadata = HashMap::from([(SAFE.to_owned(), safe.to_owned()), (ADVICE.to_owned(), "do this".to_owned())]);
        let details = ErrorDetails::with_error_info(reason, DOMAIN, metadata);
        Status::with_error_details(Code::Internal, "what", details)
    }

    #[test]
    fn the_exit_code_says_what_has_become_of_the_node() {
        let cases = [
            (told("HELD", "true"), Kind::Refused),
            (told("SOMETHING_NEW", "true"), Kind::Refused),
            (told("SOMETHING_NEW", "false"), Kind::Stuck),
            (told("STUCK", "false"), Kind::Stuck),
            (Status::unavailable("gone"), Kind::Unreachable),
            (Status::unknown("h2 protocol error"), Kind::Unreachable),
            (Status::unimplemented("no version declares that"), Kind::Unreachable),
            (Status::invalid_argument("`to` is no version"), Kind::Refused),
        ];
        for (status, expected) in cases {
            let failure = Failure::of("here", &status, true);
            assert_eq!(failure.kind, expected, "{status:?}");
            assert!(!failure.advice.is_empty(), "{status:?}");
        }
    }

    #[test]
    fn whoever_loses_sight_of_a_move_is_told_that_it_goes_on() {
        let text = Failure::of("127.0.0.1:7", &Status::unavailable("gone"), true).text();
        for part in
            ["lost sight of", "(gone)", "the move goes on", "straddle node status 127.0.0.1:7", "not known from here"]
        {
            assert!(text.contains(part), "{part:?} is missing from\n{text}");
        }
        let nothing_began = Failure::of("127.0.0.1:7", &Status::unavailable("gone"), false).text();
        assert!(!nothing_began.contains("the move goes on"), "{nothing_began}");
    }
}
