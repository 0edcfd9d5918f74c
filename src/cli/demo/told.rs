//! What the demo tells while it runs, and at its end.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use tokio::time::Instant;

use super::crew::Failed;
use super::tally::Tally;
use crate::cli::arguments::DemoArguments;

/// Tells how it goes; nobody has to listen, and the exit code does not depend on it.
pub(super) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints the report, and writes it as JSON where that is wanted.
pub(super) fn finish(arguments: &DemoArguments, good: bool, text: &str, json: &Value) -> Result<ExitCode, Failed> {
    match writeln!(io::stdout(), "{text}") {
        // Whoever reads has seen enough; what came of the run stands all the same.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written?,
    }
    if let Some(file) = &arguments.json {
        let text = serde_json::to_string_pretty(json)? + "\n";
        std::fs::write(file, text).map_err(|error| format!("{} cannot be written: {error}", file.display()))?;
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A bar on a terminal, a line now and then elsewhere.
pub(super) async fn show_progress(tally: Arc<Tally>, end: Instant) {
    const LINE_EVERY: u64 = 5;
    let begun = Instant::now();
    let total = end.saturating_duration_since(begun).as_secs();
    let bar = if io::stderr().is_terminal() { ProgressBar::new(total) } else { ProgressBar::hidden() };
    // The template is a constant; if it did not parse, the default bar would do.
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} s  {msg}") {
        bar.set_style(style);
    }
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        let seconds = begun.elapsed().as_secs();
        let (calls, bad) = tally.so_far();
        bar.set_position(seconds.min(total));
        bar.set_message(format!("{calls} calls, {bad} failed or wrong"));
        if bar.is_hidden() && seconds > 0 && seconds.is_multiple_of(LINE_EVERY) {
            say(&format!("{seconds} s: {calls} calls, {bad} failed or wrong"));
        }
    }
}
