//! What the program logs, and where: lines on standard error, for operators.

use std::io::{self, IsTerminal};

use tracing_subscriber::filter::LevelFilter;

use super::BadArguments;

/// The environment variable that says how much is logged.
const VARIABLE: &str = "STRADDLE_LOG";

/// Logs what is at least as grave as `STRADDLE_LOG` says; warnings and errors without it.
pub(super) fn start() -> Result<(), Box<dyn std::error::Error>> {
    let level = match std::env::var(VARIABLE) {
        Ok(text) => text
            .parse()
            .map_err(|_| BadArguments(format!("{VARIABLE} is {text:?}: say off, error, warn, info, debug or trace")))?,
        Err(_) => LevelFilter::WARN,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
    Ok(())
}
