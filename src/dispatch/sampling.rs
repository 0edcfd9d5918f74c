//! Which calls are told to whoever takes the spans of calls.

use http::HeaderMap;

use crate::wire::TraceParent;

/// Which calls have a span, where a subscriber takes those of the target `straddle::call`.
///
/// A span costs about as much as a fifth of a small call, whoever takes it. A cluster that traces some of its calls decides that
/// where a trace begins, and says it in `traceparent` (W3C Trace Context, *trace-flags*): what was decided there holds here.
///
/// ```
/// # use straddle::node::Builder;
/// use straddle::dispatch::Sampling;
///
/// # fn traced(builder: Builder) -> Builder {
/// // The traces that others have begun, and one call of a hundred that nobody has asked to trace or not to.
/// builder.trace_calls(Sampling::by_caller(0.01))
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// What comes without a valid `traceparent` has a span where a random number is below this, of 2³² numbers.
    below: u64,
    /// A valid `traceparent` decides.
    by_caller: bool,
}

impl Sampling {
    /// All calls: the default.
    pub const ALL: Self = Self { below: 1 << 32, by_caller: false };

    /// The calls that their `traceparent` says are sampled, and this share of those that carry none: 0 for none of them, 1 for all.
    /// What is not between these is taken for the nearer one.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 2³²")]
    pub fn by_caller(share: f64) -> Self {
        let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        Self { below: (share * 4_294_967_296.0) as u64, by_caller: true }
    }

    /// Whether a call from outside is told.
    pub(super) fn takes(self, headers: &HeaderMap) -> bool {
        if !self.by_caller {
            return true;
        }
        match TraceParent::of(headers) {
            Some(trace) => trace.is_sampled(),
            None => u64::from(fastrand::u32(..)) < self.below,
        }
    }

    /// Whether a call is told that a simulation object makes; it is within the span of the one that it answers, if that has one.
    pub(super) fn takes_beneath(self, headers: &HeaderMap) -> bool {
        if !self.by_caller {
            return true;
        }
        let within = || !tracing::Span::current().is_disabled();
        TraceParent::of(headers).map_or_else(within, |trace| trace.is_sampled())
    }
}

impl Default for Sampling {
    fn default() -> Self {
        Self::ALL
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::wire::TRACEPARENT;

    fn headers(traceparent: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(TRACEPARENT.clone(), HeaderValue::from_static(traceparent))])
    }

    #[test]
    fn what_the_caller_has_decided_holds() {
        let [yes, no] =
            ["01", "00"].map(|flags| format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}"));
        let [yes, no] = [yes, no].map(|text| headers(text.leak()));
        for share in [0.0, 1.0] {
            let sampling = Sampling::by_caller(share);
            assert!(sampling.takes(&yes) && !sampling.takes(&no));
            assert!(sampling.takes_beneath(&yes) && !sampling.takes_beneath(&no));
        }
        assert!(Sampling::ALL.takes(&no) && Sampling::ALL.takes_beneath(&no));
    }

    #[cfg(feature = "cli")]
    #[test]
    fn a_call_that_says_nothing_is_taken_within_a_span_that_is() {
        let none = HeaderMap::new();
        let sampling = Sampling::by_caller(0.0);
        tracing::subscriber::with_default(tracing_subscriber::registry(), || {
            assert!(!sampling.takes_beneath(&none));
            let _within = tracing::debug_span!("call").entered();
            assert!(sampling.takes_beneath(&none) && !sampling.takes(&none));
        });
    }

    #[test]
    fn of_the_others_a_share_is_taken() {
        let (none, invalid) = (HeaderMap::new(), headers("00-no-trace-01"));
        let all = |share: f64| {
            let sampling = Sampling::by_caller(share);
            let taken = |headers: &HeaderMap| (0..100_000).filter(|_| sampling.takes(headers)).count();
            [taken(&none), taken(&invalid)]
        };
        fastrand::seed(7);
        assert_eq!(all(0.0), [0, 0]);
        assert_eq!(all(1.0), [100_000; 2]);
        assert_eq!([all(-1.0), all(f64::NAN), all(2.0)], [[0, 0], [0, 0], [100_000; 2]]);
        for taken in all(0.01) {
            // Six standard deviations of 31.5 about 1,000.
            assert!((811..1189).contains(&taken), "{taken}");
        }
    }
}
