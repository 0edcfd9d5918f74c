//! `cargo bench --bench rewrite`: what it costs to turn a message of one version into one of another, against (a) prost
//! decoding, a conversion written by hand on typed messages, and prost encoding, (b) the same over prost-reflect's dynamic
//! messages, and (c) a copy of the bytes.
//!
//! All candidates of a row run in turns on one thread, so that a slow moment hits them all; figures are medians of the
//! rounds. Before anything is timed, all of them have to come to the same message.
//!
//! A kind of change is a folder under `schemas/` with two versions, and a file under `peers/`. Chains of ten hops go
//! there and back, and end at the changed version.
#![allow(missing_docs, reason = "a program, not an interface")]

mod chain;
mod dynamic;
mod messages;
mod options;
mod peers;
mod report;
mod run;

use std::process::ExitCode;

fn main() -> ExitCode {
    let outcome = match options::Options::from_args(std::env::args().skip(1)) {
        Ok(None) => {
            println!("{}", options::HELP);
            Ok(())
        }
        Ok(Some(options)) => measure(&options),
        Err(message) => Err(message),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("rewrite: {message}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &options::Options) -> Result<(), String> {
    let rows = run::all(options)?;
    report::write_json(options, &rows)?;
    print!("{}", report::table(&rows));
    eprintln!("written to {}", options.json.display());
    Ok(())
}
