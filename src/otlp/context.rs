//! The trace that a call is in (W3C Trace Context): that of its caller, and that of whoever answers it.

use http::{HeaderMap, HeaderValue};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::wire::{TRACEPARENT, TRACESTATE, TraceParent};

/// What a trace's vendors say of it is left out when it is longer than this.
const MOST: usize = 8192;

/// The span goes on with the trace that these headers name, if they do; from now on they name the span itself. Where nobody
/// exports it they stay as they are. They come from outside, or from within this program. Gives the id of a trace that begins
/// here.
pub(crate) fn join(span: &Span, headers: &mut HeaderMap, outside: bool) -> Option<String> {
    let above = above(headers, outside);
    let begins = above.is_none();
    set_parent(span, above)?;
    let own = span.context().span().span_context().clone();
    if !own.is_valid() {
        return None;
    }
    let named = format!("00-{}-{}-{:02x}", own.trace_id(), own.span_id(), own.trace_flags() & TraceFlags::SAMPLED);
    headers.insert(&TRACEPARENT, HeaderValue::try_from(named).ok()?);
    match HeaderValue::try_from(own.trace_state().header()) {
        Ok(state) if !state.is_empty() => headers.insert(&TRACESTATE, state),
        _ => headers.remove(&TRACESTATE),
    };
    begins.then(|| own.trace_id().to_string())
}

/// The span goes on with the trace that these headers from outside name; nobody answers its call.
pub(crate) fn follow(span: &Span, headers: &HeaderMap) {
    set_parent(span, above(headers, true));
}

/// Nothing, where nobody exports the span.
fn set_parent(span: &Span, above: Option<SpanContext>) -> Option<()> {
    // A span without one above it may still be within another one of this program.
    let Some(above) = above else { return Some(()) };
    span.set_parent(Context::new().with_remote_span_context(above)).ok()
}

/// Where the caller is in its trace.
fn above(headers: &HeaderMap, outside: bool) -> Option<SpanContext> {
    let parent = TraceParent::of(headers)?;
    let (trace, span) = (TraceId::from_hex(parent.trace).ok()?, SpanId::from_hex(parent.span).ok()?);
    let flags = TraceFlags::new(u8::from_str_radix(parent.flags, 16).ok()?);
    Some(SpanContext::new(trace, span, flags, outside, state(headers)))
}

/// What cannot be read of it is left out, as the standard has it.
fn state(headers: &HeaderMap) -> TraceState {
    let said: Vec<&str> = headers.get_all(&TRACESTATE).iter().filter_map(|value| value.to_str().ok()).collect();
    let said = said.join(",");
    if said.len() > MOST { TraceState::NONE } else { said.parse().unwrap_or_default() }
}
