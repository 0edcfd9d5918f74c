//! `cargo bench --bench coordinator`: what a coordinator of a large fleet takes.
//!
//! - `decision`: one round of a schedule over all nodes, and what the gates say, on one core.
//! - `core`: all that the coordinator decides, as `decision`, and what surrounds it.
//! - `fleet`: a coordinator with all its nodes, over connections and with a database: processor, memory, and how long permits
//!   take to their nodes.
#![allow(missing_docs, reason = "a program, not an interface")]

mod core;
mod decision;
mod fleet;
mod machine;
mod options;
mod report;
mod stopwatch;

use std::process::ExitCode;

use options::Options;

fn main() -> ExitCode {
    let outcome = match Options::from_args(std::env::args().skip(1)) {
        Ok(None) => {
            println!("{}", options::HELP);
            Ok(())
        }
        Ok(Some(Options { world: Some(address), fleet, .. })) => fleet::run_world(&address, fleet),
        Ok(Some(options)) => measure(&options),
        Err(message) => Err(message),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("coordinator: {message}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> Result<(), String> {
    let mut measured = report::Measured::default();
    if options.measures("decision") {
        measured.decision = decision::rows(options)?;
    }
    if options.measures("core") {
        measured.core = core::rows(options)?;
    }
    if options.measures("fleet") {
        measured.fleet = Some(fleet::row(options)?);
    }
    report::write_json(options, &measured)?;
    print!("{}", report::tables(&measured));
    eprintln!("written to {}", options.json.display());
    Ok(())
}
