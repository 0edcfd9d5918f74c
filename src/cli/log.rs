//! What the program logs, and where: lines on standard error, for operators.

use std::io::{self, IsTerminal};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::BadArguments;

/// The environment variable that says how much is logged.
const VARIABLE: &str = "STRADDLE_LOG";
/// The environment variable that says how a line is written.
const FORMAT: &str = "STRADDLE_LOG_FORMAT";
/// Where Straddle's own lines and spans come from.
const OWN: &str = "straddle";
/// What is logged where nothing is said of it, and of other crates also where a level is: their lines would drown ours.
const QUIET: LevelFilter = LevelFilter::WARN;

/// Logs what is at least as grave as `STRADDLE_LOG` says; warnings and errors without it. A line is text, or one JSON
/// object where `STRADDLE_LOG_FORMAT` says so. Spans of a service that runs for long are exported as well, where the
/// environment says where to; what is given back has to live for as long.
pub(super) fn start(service: Option<&str>) -> Result<Exporting, Box<dyn std::error::Error>> {
    let text = said(VARIABLE)?.unwrap_or_default();
    let wanted = wanted(&text).ok_or_else(|| {
        let help = "say off, error, warn, info, debug or trace; and of other crates, by name, as debug,h2=debug";
        BadArguments(format!("{VARIABLE} is {text:?}: {help}"))
    })?;
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
    Ok(Exporting::start(tracing_subscriber::registry().with(lines.with_filter(wanted)), service))
}

/// What is logged: a level is that of Straddle itself, and `TARGET=LEVEL` that of whatever is called so.
fn wanted(text: &str) -> Option<Targets> {
    // An empty text would be a level to its own parser.
    let level = |text: &str| Some(text.trim()).filter(|text| !text.is_empty())?.parse::<LevelFilter>().ok();
    let mut wanted = Targets::new().with_default(QUIET).with_target(OWN, QUIET);
    for part in text.split(',').filter(|part| !part.trim().is_empty()) {
        wanted = match part.split_once('=') {
            Some((target, of)) => wanted.with_target(target.trim(), level(of)?),
            None => wanted.with_default(level(part)?.min(QUIET)).with_target(OWN, level(part)?),
        };
    }
    Some(wanted)
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

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn other_crates_are_quiet_unless_they_are_named() {
        let [warn, info, debug] = [Level::WARN, Level::INFO, Level::DEBUG];
        for (text, logged, not) in [
            ("", vec![("straddle", warn), ("h2", warn)], vec![("straddle::call", info), ("h2", info)]),
            ("debug", vec![("straddle::call", debug), ("hyper", warn)], vec![("h2::codec", info), ("redb", debug)]),
            ("h2=debug", vec![("h2::codec", debug), ("straddle", warn)], vec![("straddle", info), ("hyper", debug)]),
            ("info, h2=debug,", vec![("straddle", info), ("h2", debug)], vec![("straddle", debug), ("tower", info)]),
            ("warn,straddle::call=debug", vec![("straddle::call", debug)], vec![("straddle::node", info)]),
            ("off", vec![], vec![("straddle", Level::ERROR), ("h2", Level::ERROR)]),
        ] {
            let wanted = wanted(text).expect(text);
            for (of, expected) in [(logged, true), (not, false)] {
                for (target, level) in of {
                    assert_eq!(wanted.would_enable(target, &level), expected, "{text}: {target} {level}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_level_is_told() {
        for text in ["loud", "h2", "h2=loud", "debug,h2="] {
            assert!(wanted(text).is_none(), "{text}");
        }
    }
}
