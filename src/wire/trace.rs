//! The trace that a call is in, as its headers say it (W3C Trace Context).

use http::HeaderMap;
use http::header::HeaderName;

/// Whose spans they are, as filters name it.
pub(crate) const CALLS: &str = "straddle::call";
/// The trace that a call belongs to, and what its vendors say of it (W3C Trace Context).
pub(crate) static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// What a valid `traceparent` says.
pub(crate) struct TraceParent<'a> {
    pub(crate) trace: &'a str,
    #[cfg_attr(not(feature = "otlp"), expect(dead_code, reason = "without the feature nobody goes on with it"))]
    pub(crate) span: &'a str,
    pub(crate) flags: &'a str,
}

impl<'a> TraceParent<'a> {
    pub(crate) fn of(headers: &'a HeaderMap) -> Option<Self> {
        let text = headers.get(&TRACEPARENT)?.to_str().ok()?;
        let (version, rest) = text.split_once('-')?;
        let (trace, rest) = rest.split_once('-')?;
        let (span, flags) = rest.split_once('-')?;
        // Later versions may say more after it.
        let flags = match flags.split_once('-') {
            Some((flags, _)) if version != "00" => flags,
            _ => flags,
        };
        let is =
            |text: &str, long| text.len() == long && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let said = |text: &str| text.bytes().any(|byte| byte != b'0');
        let valid = is(version, 2) && version != "ff" && is(trace, 32) && said(trace) && is(span, 16) && said(span);
        (valid && is(flags, 2)).then_some(Self { trace, span, flags })
    }

    /// Whoever has begun the trace records it: the lowest bit of the flags.
    pub(crate) fn is_sampled(&self) -> bool {
        let flags = self.flags.as_bytes().last();
        flags.is_some_and(|digit| matches!(digit, b'1' | b'3' | b'5' | b'7' | b'9' | b'b' | b'd' | b'f'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_standard_allows_is_told_as_a_trace() {
        let id = |text: &'static str| {
            let headers = HeaderMap::from_iter([(TRACEPARENT.clone(), http::HeaderValue::from_static(text))]);
            TraceParent::of(&headers).map(|parent| parent.trace.to_owned())
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
}
