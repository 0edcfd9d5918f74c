use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderValue};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

use crate::wire::{CALLS, TRACEPARENT, TRACESTATE, TraceParent};

const ABOVE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// What has been exported.
#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        batch.iter_mut().for_each(super::shape::shape);
        self.0.lock().unwrap().append(&mut batch);
        Ok(())
    }
}

/// A call with these headers, where spans are exported, or not: the headers that whoever answers sees, and the spans.
fn called(headers: &[(&'static str, &str)], sampler: Option<Sampler>) -> (HeaderMap, Vec<SpanData>) {
    let kept = Kept::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(kept.clone());
    let provider = provider.with_sampler(sampler.clone().unwrap_or(Sampler::AlwaysOn)).build();
    let layer = sampler.map(|_| super::layer(provider.tracer("tests")));
    let subscriber = tracing_subscriber::registry().with(layer).with(LevelFilter::DEBUG);
    let mut seen = HeaderMap::new();
    for (name, value) in headers {
        seen.append(*name, HeaderValue::from_str(value).unwrap());
    }
    tracing::subscriber::with_default(subscriber, || {
        let span = tracing::debug_span!(target: CALLS, "call", method = "/p.S/Get", route = "same");
        super::join(&span, &mut seen, true);
    });
    let spans = kept.0.lock().unwrap().clone();
    (seen, spans)
}

#[test]
fn whoever_answers_finds_the_exported_span_in_the_trace_of_the_caller() {
    let (seen, spans) =
        called(&[("traceparent", ABOVE), ("tracestate", "a=1"), ("tracestate", "b=2")], Some(Sampler::AlwaysOn));
    let [span] = &spans[..] else { panic!("{spans:#?}") };
    let (named, above) = (TraceParent::of(&seen).unwrap(), "00f067aa0ba902b7");
    assert_eq!((named.trace, named.flags), ("4bf92f3577b34da6a3ce929d0e0e4736", "01"));
    assert_eq!(named.span, span.span_context.span_id().to_string());
    assert_eq!((span.parent_span_id.to_string().as_str(), span.parent_span_is_remote), (above, true));
    assert_eq!(span.span_context.trace_id().to_string(), named.trace);
    assert_eq!(seen.get_all(&TRACESTATE).iter().collect::<Vec<_>>(), ["a=1,b=2"]);
    assert_eq!(span.name, "p.S/Get");
}

#[test]
fn a_trace_begins_where_there_is_none_to_go_on_with() {
    for headers in [&[][..], &[("traceparent", "none"), ("tracestate", "a=1")]] {
        let (seen, spans) = called(headers, Some(Sampler::AlwaysOn));
        let named = TraceParent::of(&seen).unwrap();
        assert_eq!(named.trace, spans[0].span_context.trace_id().to_string());
        assert_eq!(spans[0].parent_span_id, opentelemetry::SpanId::INVALID);
        assert!(!seen.contains_key(&TRACESTATE), "it was said of a trace that nobody goes on with");
    }
}

#[test]
fn what_is_not_recorded_is_handed_on_as_such() {
    let (seen, spans) = called(&[("traceparent", ABOVE)], Some(Sampler::AlwaysOff));
    let named = TraceParent::of(&seen).unwrap();
    assert_eq!((named.trace, named.flags, spans.len()), ("4bf92f3577b34da6a3ce929d0e0e4736", "00", 0));
}

#[test]
fn headers_stay_as_they_are_where_nobody_exports() {
    let (seen, spans) = called(&[("traceparent", ABOVE), ("tracestate", "a=1")], None);
    assert_eq!(
        (&seen[&TRACEPARENT], &seen[&TRACESTATE], spans.len()),
        (&ABOVE.parse().unwrap(), &"a=1".parse().unwrap(), 0)
    );
}
