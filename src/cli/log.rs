//! What the program logs, and where: lines on standard error, for operators.

use std::io::{self, IsTerminal};

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use super::BadArguments;

/// The environment variable that says how much is logged.
const VARIABLE: &str = "STRADDLE_LOG";
/// The environment variable that says how a line is written.
const FORMAT: &str = "STRADDLE_LOG_FORMAT";

/// Logs what is at least as grave as `STRADDLE_LOG` says; warnings and errors without it. A line is text, or one JSON
/// object where `STRADDLE_LOG_FORMAT` says so.
pub(super) fn start() -> Result<(), Box<dyn std::error::Error>> {
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
    let lines = tracing_subscriber::fmt().with_max_level(level).with_span_events(FmtSpan::CLOSE);
    if json {
        lines.json().flatten_event(true).with_writer(io::stderr).init();
    } else {
        lines.with_ansi(io::stderr().is_terminal()).with_writer(io::stderr).init();
    }
    Ok(())
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
