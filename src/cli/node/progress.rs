//! How far a move has come: a bar on a terminal, lines elsewhere, JSON for scripts.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};

use super::{json, line, status};
use crate::cli::inspect::printable;
use crate::node::admin::wire::NodeStatus;

pub(super) struct Progress {
    form: Form,
}

enum Form {
    Bar(ProgressBar),
    /// The last line.
    Lines(String),
    Json,
}

/// Parts of the work after each of which there is a line.
const LINES: u64 = 10;

impl Progress {
    pub(super) fn new(json: bool) -> Self {
        Self {
            form: match json {
                true => Form::Json,
                false if io::stderr().is_terminal() => Form::Bar(bar()),
                false => Form::Lines(String::new()),
            },
        }
    }

    pub(super) fn show(&mut self, status: &NodeStatus) -> io::Result<()> {
        match &mut self.form {
            Form::Json => line(&serde_json::json!({ "status": json::status(status) })),
            Form::Bar(bar) => {
                let (done, total) = status.progress.as_ref().map_or((0, 0), |work| (work.done, work.total));
                bar.set_length(total);
                bar.set_position(done);
                bar.set_message(printable(&status::doing(status)));
                Ok(())
            }
            Form::Lines(last) => {
                let told = printable(&status::doing(&coarse(status)));
                if *last != told {
                    writeln!(io::stderr(), "{told}")?;
                    *last = told;
                }
                Ok(())
            }
        }
    }

    pub(super) fn end(&self) {
        if let Form::Bar(bar) = &self.form {
            bar.finish_and_clear();
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    // The template is a constant; if it did not parse, the default bar would do.
    if let Ok(style) = ProgressStyle::with_template("{spinner} {bar:40} {elapsed}  {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    bar
}

/// The same, as if work were done in a few large parts.
fn coarse(status: &NodeStatus) -> NodeStatus {
    let mut coarse = status.clone();
    if let Some(work) = &mut coarse.progress {
        let part = (work.total / LINES).max(1);
        work.done = if work.done >= work.total { work.done } else { work.done / part * part };
    }
    coarse
}
