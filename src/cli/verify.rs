//! `straddle verify`: a protocol's rules, tried on generated messages.
//!
//! ```text
//!   protocol -> verify::Verify (all ways, on all cores) -> verify::Report -> text or JSON, and files of counterexamples
//! ```

mod files;
mod json;
mod progress;
mod text;

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use self::progress::Progress;
use super::arguments::VerifyArguments;
use super::convert::names;
use super::{BadArguments, Outcome};
use crate::protocol::Protocol;
use crate::verify::{Report, Verify};

/// What a shell gives to a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

pub(super) fn run(arguments: &VerifyArguments) -> Outcome {
    let protocol = names::protocol(&arguments.folder)?;
    let verify = wanted(arguments, &protocol)?;
    let progress = Progress::start()?;
    eprintln!("seed {}; Ctrl-C ends with what was found so far", verify.seed);
    let report = progress::without_backtraces(|| verify.run(&protocol, &progress));
    progress.end();
    let mut out = io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&json::told(&protocol, &verify, &report))?)?;
    } else {
        let colours = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        out.write_all(text::told(&protocol, arguments, &verify, &report, colours).as_bytes())?;
    }
    out.flush()?;
    if let Some(place) = &arguments.counterexamples {
        files::write(place, &protocol, &report.counterexamples)?;
    }
    Ok(code(&protocol, &report))
}

fn wanted(arguments: &VerifyArguments, protocol: &Protocol) -> Result<Verify, BadArguments> {
    let between = arguments
        .step
        .as_ref()
        .map(|step| {
            let from = protocol.require(&step.from).map_err(BadArguments)?;
            let to = protocol.require(&step.to).map_err(BadArguments)?;
            if from == to {
                return Err(BadArguments(format!("{} and {} are one version: there is no step", step.from, step.to)));
            }
            Ok((from, to))
        })
        .transpose()?;
    let named = arguments.message.as_ref().map(|message| named(protocol, between, message)).transpose()?;
    Ok(Verify {
        between,
        named,
        messages: arguments.messages.get(),
        seed: arguments.seed.unwrap_or_else(|| fastrand::u64(..)),
        words: crate::verify::words(protocol),
    })
}

/// The full names that a message goes by in the versions that are looked at.
fn named(protocol: &Protocol, between: Option<(usize, usize)>, wanted: &str) -> Result<BTreeSet<String>, BadArguments> {
    let (oldest, newest) = match between {
        Some((one, other)) => (one.min(other), one.max(other)),
        None => (0, protocol.versions().len() - 1),
    };
    let mut named = BTreeSet::new();
    let mut fault = String::new();
    for schema in &protocol.versions()[oldest..=newest] {
        match names::message(schema, wanted) {
            Ok(message) => {
                named.insert(message.full_name().to_owned());
            }
            Err(why) => fault = why,
        }
    }
    if named.is_empty() { Err(BadArguments(fault)) } else { Ok(named) }
}

fn code(protocol: &Protocol, report: &Report) -> ExitCode {
    if !report.counterexamples.is_empty() {
        return ExitCode::FAILURE;
    }
    if report.stopped {
        return ExitCode::from(INTERRUPTED);
    }
    // Nothing found is no news where nothing was tried.
    let is_tried = report.tried.iter().any(|tried| tried.generated > 0);
    if is_tried || protocol.steps().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
