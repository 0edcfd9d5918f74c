//! The spans of calls, for whoever subscribes to them; where nobody does, nothing is made.
//!
//! What a span says is in *Traces* in ARCHITECTURE.md.

use std::time::Instant;

use http::HeaderMap;
use tracing::field::Empty;
use tracing::level_filters::LevelFilter;
use tracing::{Span, debug_span};

use super::route::Route;
use super::sampling::Sampling;
use super::table::{Table, VERSION};
use super::tally::Outcome;
use crate::wire::{CALLS, TraceParent};

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
    ///
    /// Whoever answers it finds the span in its headers, where spans are exported.
    pub(super) fn outside(
        sampling: Sampling,
        route: &Route,
        headers: &mut HeaderMap,
        came: Option<Instant>,
    ) -> Option<Box<Self>> {
        if !is_wanted() || !sampling.takes(headers) {
            return None;
        }
        let traced = Self::of(debug_span!(
            target: CALLS,
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
            trace_id = trace_id(headers),
            outcome = Empty,
            reason = Empty,
        ));
        traced.inspect(|traced| traced.join(headers, true))
    }

    /// A call that a simulation object makes: beneath the one that it answers, if it answers one. For its headers as well.
    pub(super) fn beneath(
        sampling: impl FnOnce() -> Sampling,
        route: &Route,
        headers: &mut HeaderMap,
    ) -> Option<Box<Self>> {
        if !is_wanted() || !sampling().takes_beneath(headers) {
            return None;
        }
        let traced = Self::of(debug_span!(
            target: CALLS,
            "beneath",
            protocol = route.stamp.protocol,
            method = &*route.method,
            caller_version = route.stamp.caller_text(),
            node_version = route.stamp.node_text(),
            route = route.course.name,
            rules = route.course.rules,
            code_version = route.course.code.as_ref().map(tracing::field::display),
            trace_id = trace_id(headers),
            outcome = Empty,
            reason = Empty,
        ));
        traced.inspect(|traced| traced.join(headers, false))
    }

    /// A call from outside that has no route; its version is what its label says.
    pub(super) fn unrouted(sampling: Sampling, table: &Table, path: &str, headers: &HeaderMap, outcome: Outcome) {
        if !is_wanted() || !sampling.takes(headers) {
            return;
        }
        let traced = Self::of(debug_span!(
            target: CALLS,
            "call",
            protocol = table.protocol(),
            method = cut(path),
            caller_version = headers.get(&VERSION).and_then(|label| label.to_str().ok()).map(cut),
            node_version = %table.node(),
            route = "refused",
            unlabelled = !headers.contains_key(&VERSION),
            trace_id = trace_id(headers),
            outcome = Empty,
            reason = Empty,
        ));
        if let Some(traced) = traced {
            traced.follow(headers);
            traced.end(outcome);
        }
    }

    /// A call from outside that finds no table: no version can be told.
    pub(super) fn kept_out(sampling: Sampling, path: &str, headers: &HeaderMap) {
        if !is_wanted() || !sampling.takes(headers) {
            return;
        }
        let traced = Self::of(debug_span!(
            target: CALLS,
            "call",
            method = cut(path),
            caller_version = headers.get(&VERSION).and_then(|label| label.to_str().ok()).map(cut),
            route = "none",
            unlabelled = !headers.contains_key(&VERSION),
            trace_id = trace_id(headers),
            outcome = Empty,
            reason = Empty,
        ));
        if let Some(traced) = traced {
            traced.follow(headers);
            traced.end(Outcome::Failed);
        }
    }

    pub(super) fn enter(&self) -> tracing::span::Entered<'_> {
        self.span.enter()
    }

    pub(super) fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }

    /// Makes the span part of its caller's trace, where it is exported, and tells whoever answers of it.
    #[cfg(feature = "otlp")]
    fn join(&self, headers: &mut HeaderMap, outside: bool) {
        if let Some(begun) = crate::otlp::join(&self.span, headers, outside) {
            self.span.record("trace_id", begun);
        }
    }

    #[cfg(not(feature = "otlp"))]
    #[expect(clippy::unused_self, reason = "without the feature nothing is exported")]
    fn join(&self, _: &mut HeaderMap, _: bool) {}

    /// Makes the span part of its caller's trace, where it is exported.
    #[cfg(feature = "otlp")]
    fn follow(&self, headers: &HeaderMap) {
        crate::otlp::follow(&self.span, headers);
    }

    #[cfg(not(feature = "otlp"))]
    #[expect(clippy::unused_self, reason = "without the feature nothing is exported")]
    fn follow(&self, _: &HeaderMap) {}

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

/// Whether somebody may take spans of calls: one comparison where nobody does.
fn is_wanted() -> bool {
    LevelFilter::current() >= LevelFilter::DEBUG
}

/// The id of the trace, if `traceparent` is one.
fn trace_id(headers: &HeaderMap) -> Option<&str> {
    TraceParent::of(headers).map(|parent| parent.trace)
}

fn cut(text: &str) -> &str {
    text.char_indices().nth(MOST).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_caller_chooses_is_cut() {
        assert_eq!(cut(&"ä".repeat(MOST + 1)), "ä".repeat(MOST));
        assert_eq!(cut("short"), "short");
    }
}
