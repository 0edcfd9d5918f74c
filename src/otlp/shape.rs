//! Spans of calls as other tools read them: by OpenTelemetry's conventions where there are some, as `straddle.…` elsewhere.

use opentelemetry::trace::{SpanKind, Status};
use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

use crate::wire::CALLS;

/// Our fields, and the attributes that they become. What is missing is told otherwise.
const ATTRIBUTES: [(&str, &str); 11] = [
    ("protocol", "straddle.protocol"),
    ("caller_version", "straddle.caller_version"),
    ("node_version", "straddle.node_version"),
    ("route", "straddle.route"),
    ("rules", "straddle.rules"),
    ("code_version", "straddle.code_version"),
    ("unlabelled", "straddle.unlabelled"),
    ("waited_ms", "straddle.waited_ms"),
    ("outcome", "straddle.outcome"),
    ("reason", "straddle.reason"),
    ("method", "rpc.method"),
];

/// Does nothing to spans that are not ours.
pub(super) fn shape(span: &mut SpanData) {
    if text(span, "target") != Some(CALLS) {
        return;
    }
    span.span_kind = if span.name == "beneath" { SpanKind::Internal } else { SpanKind::Server };
    if let Some(reason) = text(span, "reason") {
        span.status = Status::error(reason.to_owned());
    }
    let declared = text(span, "route").is_some_and(|route| matches!(route, "same" | "rules" | "code"));
    for attribute in &mut span.attributes {
        let Value::String(said) = &attribute.value else { continue };
        attribute.value = match attribute.key.as_str() {
            "method" => said.as_str().trim_start_matches('/').to_owned().into(),
            // On their way here, numbers without a sign have become text.
            "rules" | "waited_ms" => said.as_str().parse::<i64>().map_or_else(|_| said.clone().into(), Value::I64),
            _ => continue,
        };
    }
    // Callers choose the paths that nobody declares: as names they would have no end.
    if declared && let Some(method) = text(span, "method") {
        span.name = method.to_owned().into();
    }
    span.attributes.retain_mut(|attribute| {
        let known = ATTRIBUTES.iter().find(|(field, _)| *field == attribute.key.as_str());
        if let Some((_, name)) = known {
            attribute.key = Key::from_static_str(name);
        }
        known.is_some()
    });
    span.attributes.push(KeyValue::new("rpc.system.name", "grpc"));
}

fn text<'a>(span: &'a SpanData, field: &str) -> Option<&'a str> {
    span.attributes.iter().find_map(|attribute| match &attribute.value {
        Value::String(text) if attribute.key.as_str() == field => Some(text.as_str()),
        _ => None,
    })
}
