//! The report, for people.

mod found;
mod table;

use std::fmt::Write as _;

use crate::cli::arguments::VerifyArguments;
use crate::protocol::Protocol;
use crate::verify::{Because, Report, Tried, Verify, tally};

/// How many methods are named where calls are not tried.
const METHODS: usize = 12;

/// What the report is written with.
struct Page<'a> {
    protocol: &'a Protocol,
    arguments: &'a VerifyArguments,
    text: String,
    colours: bool,
}

pub(super) fn told(
    protocol: &Protocol,
    arguments: &VerifyArguments,
    verify: &Verify,
    report: &Report,
    colours: bool,
) -> String {
    let mut page = Page { protocol, arguments, text: String::new(), colours };
    page.line(&format!(
        "verify {}: seed {}, {} messages for each message, use and pair of versions",
        protocol.name(),
        report.seed,
        verify.messages
    ));
    for tried in report.tried.chunk_by(|one, other| way(one) == way(other)) {
        page.way(tried);
    }
    page.not_tried(report);
    for counterexample in &report.counterexamples {
        page.counterexample(counterexample);
    }
    page.sum(report);
    page.text
}

fn way(tried: &Tried) -> (usize, usize) {
    (tried.subject.from, tried.subject.to)
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn version(&self, index: usize) -> String {
        self.protocol.versions()[index].version().to_string()
    }

    /// The text in a colour of ANSI, on a terminal.
    fn coloured(&self, colour: u8, text: &str) -> String {
        if self.colours { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn not_tried(&mut self, report: &Report) {
        let all = tally(&report.not_tried);
        if !all.is_empty() {
            self.line("\nnot tried");
        }
        for (because, (calls, methods)) in all {
            let what = match because {
                Because::Code => "calls that code answers; try that with tests of its own",
                Because::Refused => "calls that a step refuses",
                Because::Open => "calls that a step leaves open; `straddle check` says where",
                Because::Same => "calls whose messages pass as they are",
            };
            self.line(&format!("  {calls} {what}"));
            if because != Because::Same {
                for method in methods.iter().take(METHODS) {
                    self.line(&format!("    {method}"));
                }
                if methods.len() > METHODS {
                    self.line(&format!("    and {} more; --json names them", methods.len() - METHODS));
                }
            }
        }
        if !report.open.is_empty() {
            let what = "messages on their ways have no rewrite; `straddle check` says where the step leaves them open";
            self.line(&format!("  {} {what}", report.open.len()));
            for open in report.open.iter().take(METHODS) {
                self.line(&format!("    {}: {}", open.subject.message(), open.what));
            }
            if report.open.len() > METHODS {
                self.line(&format!("    and {} more; --json names them", report.open.len() - METHODS));
            }
        }
    }

    fn sum(&mut self, report: &Report) {
        let sum = |count: fn(&Tried) -> usize| report.tried.iter().map(count).sum::<usize>();
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n{} messages on {} ways: {} came through, {} were refused",
            sum(|tried| tried.generated),
            report.tried.len(),
            sum(|tried| tried.accepted),
            sum(|tried| tried.refused),
        );
        if sum(|tried| tried.unreadable) > 0 {
            let _ = write!(text, ", {} were no messages", sum(|tried| tried.unreadable));
        }
        if report.stopped {
            text.push_str("; stopped before all was tried");
        }
        self.line(&text);
        let found = match report.counterexamples.len() {
            0 if report.tried.is_empty() => self.coloured(33, "nothing was tried"),
            0 => self.coloured(32, "no counterexample"),
            1 => self.coloured(31, "1 counterexample"),
            more => self.coloured(31, &format!("{more} counterexamples")),
        };
        self.line(&found);
    }
}
