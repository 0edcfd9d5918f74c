//! A gRPC status, told in full.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::refusal::Refusal;

/// What refusals say, in the order in which people ask; what else there may be comes after.
const ORDER: [(&str, &str); 9] = [
    ("path", "path"),
    ("advice", "advice"),
    ("protocol", "protocol"),
    ("caller_version", "caller version"),
    ("node_version", "node version"),
    ("served", "served"),
    ("method", "method"),
    ("beneath", "beneath"),
    ("ran", "ran"),
];

/// A status for scripts.
#[derive(Debug, Serialize)]
pub(super) struct StatusReport {
    code: i32,
    name: &'static str,
    message: String,
}

/// A refusal for scripts: its reason, its message, and all that it says beside.
#[derive(Debug, Serialize)]
pub(super) struct RefusalReport {
    reason: &'static str,
    message: String,
    #[serde(flatten)]
    details: BTreeMap<String, String>,
    ran: bool,
}

pub(super) fn report(status: &Status) -> (StatusReport, Option<RefusalReport>) {
    let refusal = Refusal::from_status(status).map(|refusal| {
        let mut details = details(status);
        details.remove("ran");
        let (reason, message) = (refusal.reason().name(), refusal.message().to_owned());
        RefusalReport { reason, message, details, ran: refusal.ran() }
    });
    let (code, name) = (status.code() as i32, name(status.code()));
    (StatusReport { code, name, message: status.message().to_owned() }, refusal)
}

/// A status for people: one line, and for a refusal one more for each thing that it says.
pub(super) fn text(status: &Status) -> String {
    let code = name(status.code());
    let refusal = Refusal::from_status(status);
    let mut text = match &refusal {
        Some(refusal) => format!("refused: {} ({code})", refusal.reason()),
        None if status.message().is_empty() => format!("failed: {code}"),
        None => format!("failed: {code}: {}", status.message()),
    };
    let mut line = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {name:<16}{}", value.replace('\n', "\n                  "));
    };
    if refusal.is_some() {
        line("message", status.message());
    }
    let mut details = details(status);
    for (key, name) in ORDER {
        if let Some(value) = details.remove(key) {
            let value = if key == "ran" { ran(&value) } else { &value };
            line(name, value);
        }
    }
    for (key, value) in details {
        line(&key, &value);
    }
    text
}

fn ran(value: &str) -> &str {
    if value == "true" { "the call may have run" } else { "the call has not run" }
}

/// What `google.rpc.ErrorInfo` says, whoever wrote it.
fn details(status: &Status) -> BTreeMap<String, String> {
    status.get_details_error_info().map(|info| info.metadata.into_iter().collect()).unwrap_or_default()
}

fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
