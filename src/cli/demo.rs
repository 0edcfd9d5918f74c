//! `straddle demo`: callers of every version against nodes of every version, and an auditor.
//!
//! Nodes run as processes of their own. Each owns its items; nothing is replicated. Callers of 1.0.0 to 3.0.0, one of them
//! without a label, call each of them at once, while the nodes go from version to version: by their coordinator's word
//! ([`fleet`]), or each in a way of its own ([`ways`]). The auditor knows what each answer has to be, whoever wrote and
//! whoever reads, and whatever the node is by then.

mod caller;
mod check;
mod crew;
mod expiry;
mod fleet;
mod item;
mod masking;
mod model;
mod process;
#[cfg(test)]
mod square;
mod standing;
mod tally;
mod told;
mod watcher;
mod ways;
mod worker;

use std::process::ExitCode;

use self::told::say;
use super::Outcome;
use super::arguments::DemoArguments;

/// What a shell gives to a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

pub(super) fn run(arguments: &DemoArguments) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..));
    runtime.block_on(async {
        let demo = async {
            if arguments.ways { ways::demo(arguments, seed).await } else { fleet::demo(arguments, seed).await }
        };
        tokio::select! {
            outcome = demo => outcome.map_err(|error| -> Box<dyn std::error::Error> { error }),
            // What is dropped with the other branch takes the nodes along.
            _ = tokio::signal::ctrl_c() => {
                say("interrupted: the nodes are stopped");
                Ok(ExitCode::from(INTERRUPTED))
            }
        }
    })
}
