//! `straddle completions`: what a shell completes commands with.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::CommandFactory;

use super::Outcome;
use super::arguments::{Arguments, CompletionsArguments};

pub(super) fn run(arguments: &CompletionsArguments) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "straddle", &mut script);
    let mut out = io::stdout().lock();
    out.write_all(&script)?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
