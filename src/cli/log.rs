//! What the program logs, and where: lines on standard error, for operators.

use std::io::{self, IsTerminal};

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::BadArguments;

/// The environment variable that says how much is logged.
const VARIABLE: &str = "STRADDLE_LOG";
/// The environment variable that says how a line is written.
const FORMAT: &str = "STRADDLE_LOG_FORMAT";

/// Logs what is at least as grave as `STRADDLE_LOG` says; warnings and errors without it. A line is text, or one JSON
/// object where `STRADDLE_LOG_FORMAT` says so. Spans of a service that runs for long are exported as well, where the
/// environment says where to; what is given back has to live for as long.
pub(super) fn start(service: Option<&str>) -> Result<Exporting, Box<dyn std::error::Error>> {
    let level = match said(VARIABLE)? {
        Some(text) => text
            .parse()
            .map_err(|_| BadArguments(format!("{VARIABLE} is {text:?}: say off, error, warn, info, debug or trace")))?,
        None => LevelFilter::WARN,
    };
    let json = match said(FORMAT)?.as_deref() {
        None | Some("text") => false,
        Some("json") => true,
        Some(other) => Err(BadArguments(format!("{FORMAT} is {other:?}: say text or json")))?,
    };
    // A call is a span; what became of it is known when it closes.
    let lines = fmt::layer().with_span_events(FmtSpan::CLOSE).with_writer(io::stderr);
    let lines = if json {
        lines.json().flatten_event(true).boxed()
    } else {
        lines.with_ansi(io::stderr().is_terminal()).boxed()
    };
    Ok(Exporting::start(tracing_subscriber::registry().with(lines.with_filter(level)), service))
}

/// The variable's text, where it is set.
fn said(variable: &str) -> Result<Option<String>, BadArguments> {
    match std::env::var(variable) {
        Ok(text) => Ok(Some(text)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(text)) => {
            Err(BadArguments(format!("{variable} is {}: that is no text", text.display())))
        }
    }
}

/// Spans are exported while it lives.
pub(super) struct Exporting {
    #[cfg(feature = "otlp")]
    _otlp: Option<crate::otlp::Otlp>,
}

impl Exporting {
    #[cfg(feature = "otlp")]
    fn start<S>(lines: S, service: Option<&str>) -> Self
    where
        S: tracing::Subscriber + for<'span> tracing_subscriber::registry::LookupSpan<'span> + Send + Sync,
    {
        match service.map(crate::otlp::Otlp::from_env) {
            Some(Ok(Some(otlp))) => {
                lines.with(otlp.layer()).init();
                Self { _otlp: Some(otlp) }
            }
            // Whoever calls is served all the same.
            Some(Err(error)) => {
                lines.init();
                tracing::warn!("{error}");
                Self { _otlp: None }
            }
            Some(Ok(None)) | None => {
                lines.init();
                Self { _otlp: None }
            }
        }
    }

    #[cfg(not(feature = "otlp"))]
    fn start(lines: impl SubscriberInitExt, _: Option<&str>) -> Self {
        lines.init();
        Self {}
    }
}
