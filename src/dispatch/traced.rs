//! The spans of calls, for whoever subscribes to them; where nobody does, nothing is made.
//!
//! What a span says is in *Traces* in ARCHITECTURE.md.

use std::time::Instant;

use http::HeaderMap;
use http::header::HeaderName;
use tracing::field::Empty;
use tracing::level_filters::LevelFilter;
use tracing::{Span, debug_span};

use super::route::Route;
use super::sampling::Sampling;
use super::table::{Table, VERSION};
use super::tally::Outcome;

/// Whose spans they are, as filters name it.
const TARGET: &str = "straddle::call";
/// The trace that a call belongs to, and what its vendors say of it (W3C Trace Context).
pub(crate) static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// So many characters are told of what a caller may choose at will.
const MOST: usize = 200;

/// A call that somebody wants to see. One that is dropped before its end has lost its caller.
#[derive(Debug)]
pub(crate) struct Traced {
    span: Span,
    outcome: Outcome,
}

impl Traced {
    /// A call from outside that has a route; it came at this time where it has waited.
    pub(super) fn outside(
        sampling: Sampling,
        route: &Route,
        headers: &HeaderMap,
        came: Option<Instant>,
    ) -> Option<Box<Self>> {
        if !is_wanted() || !sampling.takes(headers) {
            return None;
        }
        Self::of(debug_span!(
            target: TARGET,
            "call",
            protocol = route.stamp.protocol,
            method = &*route.method,
            caller_version = route.stamp.caller_text(),
            node_version = route.stamp.node_text(),
            route = route.course.name,
            rules = route.course.rules,
            code_version = route.course.code.as_ref().map(tracing::field::display),
            unlabelled = !headers.contains_key(&VERSION),
            waited_ms = came.map(|came| u64::try_from(came.elapsed().as_millis()).unwrap_or(u64::MAX)),
            trace_id = Trace::of(headers).map(|trace| trace.id),
            outcome = Empty,
            reason = Empty,
        ))
    }

    /// A call that a simulation object makes: beneath the one that it answers, if it answers one.
    pub(super) fn beneath(
        sampling: impl FnOnce() -> Sampling,
        route: &Route,
        headers: &HeaderMap,
    ) -> Option<Box<Self>> {
        if !is_wanted() || !sampling().takes_beneath(headers) {
            return None;
        }
        Self::of(debug_span!(
            target: TARGET,
            "beneath",
            protocol = route.stamp.protocol,
            method = &*route.method,
            caller_version = route.stamp.caller_text(),
            node_version = route.stamp.node_text(),
            route = route.course.name,
            rules = route.course.rules,
            code_version = route.course.code.as_ref().map(tracing::field::display),
            trace_id = Trace::of(headers).map(|trace| trace.id),
            outcome = Empty,
            reason = Empty,
        ))
    }

    /// A call from outside that has no route; its version is what its label says.
    pub(super) fn unrouted(sampling: Sampling, table: &Table, path: &str, headers: &HeaderMap, outcome: Outcome) {
        if !is_wanted() || !sampling.takes(headers) {
            return;
        }
        let traced = Self::of(debug_span!(
            target: TARGET,
            "call",
            protocol = table.protocol(),
            method = cut(path),
            caller_version = headers.get(&VERSION).and_then(|label| label.to_str().ok()).map(cut),
            node_version = %table.node(),
            route = "refused",
            unlabelled = !headers.contains_key(&VERSION),
            trace_id = Trace::of(headers).map(|trace| trace.id),
            outcome = Empty,
            reason = Empty,
        ));
        if let Some(traced) = traced {
            traced.end(outcome);
        }
    }

    /// A call from outside that finds no table: no version can be told.
    pub(super) fn kept_out(sampling: Sampling, path: &str, headers: &HeaderMap) {
        if !is_wanted() || !sampling.takes(headers) {
            return;
        }
        let traced = Self::of(debug_span!(
            target: TARGET,
            "call",
            method = cut(path),
            caller_version = headers.get(&VERSION).and_then(|label| label.to_str().ok()).map(cut),
            route = "none",
            unlabelled = !headers.contains_key(&VERSION),
            trace_id = Trace::of(headers).map(|trace| trace.id),
            outcome = Empty,
            reason = Empty,
        ));
        if let Some(traced) = traced {
            traced.end(Outcome::Failed);
        }
    }

    pub(super) fn enter(&self) -> tracing::span::Entered<'_> {
        self.span.enter()
    }

    pub(super) fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }

    fn of(span: Span) -> Option<Box<Self>> {
        (!span.is_disabled()).then(|| Box::new(Self { span, outcome: Outcome::Gone }))
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        let name = match self.outcome {
            Outcome::Answered => "answered",
            Outcome::Failed => "failed",
            Outcome::Refused(_) => "refused",
            Outcome::Gone => "gone",
        };
        self.span.record("outcome", name);
        if let Outcome::Refused(reason) = self.outcome {
            self.span.record("reason", reason.name());
        }
    }
}

/// What a valid `traceparent` says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trace<'a> {
    id: &'a str,
    flags: &'a str,
}

impl<'a> Trace<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Option<Self> {
        let text = headers.get(&TRACEPARENT)?.to_str().ok()?;
        let (version, rest) = text.split_once('-')?;
        let (id, rest) = rest.split_once('-')?;
        let (parent, flags) = rest.split_once('-')?;
        // Later versions may say more after it.
        let flags = match flags.split_once('-') {
            Some((flags, _)) if version != "00" => flags,
            _ => flags,
        };
        let is =
            |text: &str, long| text.len() == long && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let said = |text: &str| text.bytes().any(|byte| byte != b'0');
        let valid = is(version, 2) && version != "ff" && is(id, 32) && said(id) && is(parent, 16) && said(parent);
        (valid && is(flags, 2)).then_some(Self { id, flags })
    }

    /// Whoever has begun the trace records it: the lowest bit of the flags.
    pub(super) fn is_sampled(self) -> bool {
        self.flags
            .as_bytes()
            .last()
            .is_some_and(|digit| matches!(digit, b'1' | b'3' | b'5' | b'7' | b'9' | b'b' | b'd' | b'f'))
    }
}

/// Whether somebody may take spans of calls: one comparison where nobody does.
fn is_wanted() -> bool {
    LevelFilter::current() >= LevelFilter::DEBUG
}

fn cut(text: &str) -> &str {
    text.char_indices().nth(MOST).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_standard_allows_is_told_as_a_trace() {
        let id = |text: &'static str| {
            let headers = HeaderMap::from_iter([(TRACEPARENT.clone(), http::HeaderValue::from_static(text))]);
            Trace::of(&headers).map(|trace| trace.id.to_owned())
        };
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(id("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").as_deref(), Some(trace));
        assert_eq!(id("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more").as_deref(), Some(trace));
        for wrong in [
            "00-1-2-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "",
        ] {
            assert_eq!(id(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_a_caller_chooses_is_cut() {
        assert_eq!(cut(&"ä".repeat(MOST + 1)), "ä".repeat(MOST));
        assert_eq!(cut("short"), "short");
    }
}
