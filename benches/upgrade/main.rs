//! `cargo bench --bench upgrade`: what it costs to take a state from one version to the next.
//!
//! - `records`: records that the rules carry over, against a transform function written by hand: prost decoding, a
//!   conversion on typed messages, prost encoding, and the same batches into a redb file of its own. Both run in turns, so
//!   that a slow moment hits both; figures are medians of the rounds. Before anything is timed, both have to come to the
//!   same messages.
//! - `memory`: what a process of its own needs above what it had before, at most.
//! - `pause`: what callers of a node feel while it moves to the next version.
//! - `gap`: how long nobody is answered, way by way, beside nginx's replacement of its program and a plain server that is
//!   stopped and started.
//! - `barrier`: nodes that switch at one word: how far apart, and what their callers feel.
#![allow(missing_docs, reason = "a program, not an interface")]

mod barrier;
mod gap;
mod options;
mod pause;
mod records;
mod report;

use std::process::ExitCode;

use options::Options;

fn main() -> ExitCode {
    let outcome = match Options::from_args(std::env::args().skip(1)) {
        Ok(None) => {
            println!("{}", options::HELP);
            Ok(())
        }
        Ok(Some(Options { child: Some(child), .. })) => records::memory::child(&child),
        Ok(Some(Options { node: Some(node), .. })) => pause::node::run(&node),
        Ok(Some(Options { plain: Some(address), .. })) => gap::run_plain(&address),
        Ok(Some(Options { cluster: Some(cluster), .. })) => barrier::cluster::run(&cluster),
        Ok(Some(options)) => measure(&options),
        Err(message) => Err(message),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("upgrade: {message}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> Result<(), String> {
    let mut measured = report::Measured::default();
    if options.measures("records") {
        measured.records = records::rows(options)?;
    }
    if options.measures("memory") {
        measured.memory = records::memory::rows(options)?;
    }
    if options.measures("pause") {
        measured.pause = pause::rows(options)?;
    }
    if options.measures("gap") {
        measured.gap = gap::rows(options)?;
    }
    if options.measures("barrier") {
        measured.barrier = barrier::rows(options)?;
    }
    report::write_json(options, &measured)?;
    print!("{}", report::tables(&measured));
    eprintln!("written to {}", options.json.display());
    Ok(())
}
