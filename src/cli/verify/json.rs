//! The report, for scripts.

use serde_json::{Value, json};

use crate::protocol::Protocol;
use crate::verify::{Because, Report, Tried, Verify, direction_name, use_name};

pub(super) fn told(protocol: &Protocol, verify: &Verify, report: &Report) -> Value {
    let version = |index: usize| protocol.versions()[index].version().to_string();
    json!({
        "protocol": protocol.name(),
        "seed": report.seed,
        "messages": verify.messages,
        "stopped": report.stopped,
        "ways": report.tried.iter().map(|tried| way(protocol, tried)).collect::<Vec<_>>(),
        "not_tried": report.not_tried.iter().map(|call| json!({
            "method": call.method,
            "caller": version(call.caller),
            "node": version(call.node),
            "because": because(call.because),
        })).collect::<Vec<_>>(),
        "open": report.open.iter().map(|open| json!({
            "message": open.subject.message(),
            "from": version(open.subject.from),
            "to": version(open.subject.to),
            "use": use_name(open.subject.used),
            "what": open.what,
        })).collect::<Vec<_>>(),
        "counterexamples": report.counterexamples.iter().map(|found| found.json(protocol)).collect::<Vec<_>>(),
    })
}

fn way(protocol: &Protocol, tried: &Tried) -> Value {
    let version = |index: usize| protocol.versions()[index].version().to_string();
    let subject = &tried.subject;
    let (before, after) = tried.median_bytes().unzip();
    json!({
        "message": subject.message(),
        "target": subject.target(),
        "from": version(subject.from),
        "to": version(subject.to),
        "direction": direction_name(subject.direction()),
        "use": use_name(subject.used),
        "generated": tried.generated,
        "accepted": tried.accepted,
        "refused": tried.refused,
        "failed": tried.failed,
        "unreadable": tried.unreadable,
        "refusals": tried.refusals.iter().map(|((reason, path), count)| json!({
            "reason": reason, "path": path, "count": count,
        })).collect::<Vec<_>>(),
        "came_back": tried.came_back,
        "refused_back": tried.refused_back,
        "declared_differences": tried.declared.iter().map(|((field, reason), count)| json!({
            "field": field, "why": reason.why.told(), "line": reason.line, "count": count,
        })).collect::<Vec<_>>(),
        "dropped": tried.dropped(),
        "passes_as_it_is": tried.is_identity,
        "median_nanoseconds": tried.median_nanoseconds(),
        "median_bytes_before": before,
        "median_bytes_after": after,
    })
}

fn because(because: Because) -> &'static str {
    match because {
        Because::Code => "code",
        Because::Refused => "refused",
        Because::Open => "open",
        Because::Same => "same",
    }
}
