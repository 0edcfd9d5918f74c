//! Spans of calls, exported over OTLP.
//!
//! The standard environment variables say where to, and how: `OTEL_EXPORTER_OTLP_ENDPOINT` or
//! `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, and what the OpenTelemetry SDK reads besides, as `OTEL_SERVICE_NAME` and
//! `OTEL_TRACES_SAMPLER`. Without an endpoint nothing is exported, and nothing is made. What a span says is in *Traces* in
//! ARCHITECTURE.md.

mod collector;
mod context;
mod exporter;
mod shape;
#[cfg(test)]
mod tests;

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use opentelemetry::Key;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;

use self::collector::Collector;
pub(crate) use self::context::{follow, join};
use crate::wire::CALLS;

/// Whose words they are, as filters name it.
const TARGET: &str = "straddle::otlp";
/// The variables of which one says where spans go.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
/// So long, in milliseconds, the end of a program waits for the last spans to be taken.
const LAST: &str = "OTEL_BSP_EXPORT_TIMEOUT";
/// So long where nobody says otherwise: whoever comes after the program may wait for its end.
const LAST_DEFAULT: Duration = Duration::from_secs(1);
const SERVICE_NAME: Key = Key::from_static_str("service.name");

/// Exports spans for as long as it lives. Dropped, it hands over the last ones, if there is a collector to take them.
///
/// Neither calls nor the program's end wait for a collector that cannot be reached: what it does not take is lost, and is told
/// once, as a warning of the target `straddle::otlp`, until it takes some again.
///
/// ```no_run
/// use straddle::otlp::Otlp;
/// use tracing_subscriber::layer::SubscriberExt;
/// use tracing_subscriber::util::SubscriberInitExt;
///
/// # fn main() -> Result<(), straddle::otlp::Error> {
/// let otlp = Otlp::from_env("shop")?;
/// tracing_subscriber::registry().with(otlp.as_ref().map(|otlp| otlp.layer())).init();
/// // … the program's work …
/// # Ok(())
/// # }
/// ```
pub struct Otlp {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    collector: Collector,
    last: Duration,
}

/// Why spans cannot be exported, although somebody wants them to be.
#[derive(Debug, thiserror::Error)]
#[error("spans are not exported: {0}")]
pub struct Error(String);

impl Otlp {
    /// What the environment asks for; nothing where it names no endpoint, or says `OTEL_SDK_DISABLED=true` or
    /// `OTEL_TRACES_EXPORTER=none`. The service goes by this name where the environment gives it no other one.
    ///
    /// # Errors
    /// What the environment says cannot be done, as an endpoint of `https`: there is no TLS here.
    pub fn from_env(service: &str) -> Result<Option<Self>, Error> {
        let Some((name, endpoint)) = endpoint() else { return Ok(None) };
        // It is not shown: there may be a password in it.
        if endpoint.to_string_lossy().to_ascii_lowercase().starts_with("https:") {
            let help = "there is no TLS here; a collector beside this program can be called by http, and go on with it";
            return Err(Error(format!("{name} says https: {help}")));
        }
        let (collector, exporter) = Collector::from_env().map_err(Error)?;
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource(service)).build();
        let tracer = provider.tracer("straddle");
        let last = env::var(LAST).ok().and_then(|said| said.parse().ok()).map_or(LAST_DEFAULT, Duration::from_millis);
        Ok(Some(Self { provider, tracer, collector, last }))
    }

    /// What a subscriber needs to have its spans exported: those of calls, and what the program itself says at the level INFO
    /// or above. The span of a call goes on with the trace that its caller is in, and whoever answers the call finds that span
    /// in its `traceparent`.
    #[must_use]
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        layer(self.tracer.clone())
    }
}

impl fmt::Debug for Otlp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Otlp").finish_non_exhaustive()
    }
}

impl Drop for Otlp {
    fn drop(&mut self) {
        // One that has not taken the spans before takes no last ones; nobody is to wait for that.
        let wait = if self.collector.takes() { self.last } else { Duration::ZERO };
        if self.provider.shutdown_with_timeout(wait).is_err() {
            tracing::debug!(target: TARGET, "the last spans were not taken in time");
        }
    }
}

fn layer<S>(tracer: SdkTracer) -> impl Layer<S> + Send + Sync
where
    S: tracing::Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    // A call is entered each time that it is polled: nothing is to be done then.
    let layer = tracing_opentelemetry::layer()
        .with_context_activation(false)
        .with_tracked_inactivity(false)
        .with_location(false)
        .with_threads(false);
    let filter = Targets::new().with_default(LevelFilter::INFO).with_target(CALLS, LevelFilter::DEBUG);
    layer.with_tracer(tracer).with_filter(filter)
}

/// Where spans go, with the variable that says so; nothing, where they are not wanted.
fn endpoint() -> Option<(&'static str, OsString)> {
    let said = |name: &str| env::var_os(name).filter(|said| !said.is_empty());
    let disabled = said("OTEL_SDK_DISABLED").is_some_and(|said| said.eq_ignore_ascii_case("true"));
    let is_otlp = |exporter: &str| exporter.trim().eq_ignore_ascii_case("otlp");
    let others = said("OTEL_TRACES_EXPORTER").is_some_and(|said| !said.to_string_lossy().split(',').any(is_otlp));
    let mut named = ENDPOINTS.into_iter().filter_map(|name| Some((name, said(name)?)));
    if disabled || others { None } else { named.next() }
}

/// What the environment says of the program. The SDK makes up a name where none is given.
fn resource(service: &str) -> Resource {
    let said = Resource::builder().build();
    let unnamed = said.get(&SERVICE_NAME).is_none_or(|name| name.as_str().starts_with("unknown_service"));
    if unnamed { Resource::builder().with_service_name(service.to_owned()).build() } else { said }
}
