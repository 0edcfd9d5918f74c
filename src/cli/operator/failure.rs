//! What went wrong, for people, for scripts, and as an exit code.

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::cli::inspect::printable;
use crate::refusal::DOMAIN;

/// Metadata: what to do next.
const ADVICE: &str = "advice";

/// Why it was not done.
#[derive(Debug)]
pub(in crate::cli) struct Failure {
    /// Whether the coordinator has decided so; else it was not reached, or lost sight of.
    refused: bool,
    /// As the coordinator names it.
    reason: Option<String>,
    message: String,
    advice: String,
    /// What else it says.
    details: BTreeMap<String, String>,
}

impl Failure {
    pub(super) fn unreachable(address: &str, status: &Status) -> Self {
        Self {
            refused: false,
            reason: None,
            message: format!("no coordinator can be reached at {address}: {}", status.message()),
            advice:
                "start one with `straddle coordinator`, or say where it is with --coordinator or STRADDLE_COORDINATOR; \
                     calls between nodes go on without it"
                    .to_owned(),
            details: BTreeMap::new(),
        }
    }

    /// Of a call that the coordinator has got.
    pub(in crate::cli) fn of(address: &str, status: &Status) -> Self {
        if let Some(info) = status.get_details_error_info().filter(|info| info.domain == DOMAIN) {
            let mut details: BTreeMap<String, String> = info.metadata.into_iter().collect();
            let advice = details.remove(ADVICE).unwrap_or_default();
            let refused = status.code() != Code::Unavailable;
            return Self { refused, reason: Some(info.reason), message: status.message().to_owned(), advice, details };
        }
        let said = if status.message().is_empty() { status.code().description() } else { status.message() };
        let (refused, message, advice) = match status.code() {
            Code::Unimplemented => (
                false,
                format!("this is no coordinator at {address}: {said}"),
                "say where the coordinator is with --coordinator or STRADDLE_COORDINATOR; nothing was done",
            ),
            Code::InvalidArgument | Code::ResourceExhausted => (true, said.to_owned(), "nothing was done"),
            _ => (
                false,
                format!("the coordinator at {address} was lost sight of ({said})"),
                "see that it runs; what was asked for may have been done or not: look with `straddle upgrade status`",
            ),
        };
        Self { refused, reason: None, message, advice: advice.to_owned(), details: BTreeMap::new() }
    }

    pub(super) fn code(&self) -> ExitCode {
        if self.refused { ExitCode::FAILURE } else { ExitCode::from(2) }
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "reason": self.reason,
            "message": self.message,
            "advice": self.advice,
            "reached": self.refused || self.reason.is_some(),
            "details": self.details,
        })
    }

    /// What went wrong.
    pub(in crate::cli) fn what(&self) -> String {
        let reason = self.reason.as_ref().map(|reason| format!("{reason}: ")).unwrap_or_default();
        printable(&format!("{reason}{}", self.message))
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!("error: {}", self.what());
        if !self.advice.is_empty() {
            text.push_str("\n  help: ");
            text.push_str(&self.advice);
        }
        printable(&text)
    }
}
