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
mod straggler;
mod tally;
mod told;
mod watcher;
mod ways;
mod worker;

use std::process::ExitCode;

use self::fleet::Keeping;
use self::told::say;
use super::Outcome;
use super::arguments::DemoArguments;

/// What a shell gives to a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

pub(super) fn run(arguments: &DemoArguments) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..));
    runtime.block_on(async {
        // Then Ctrl-C is the end that was waited for.
        let keeps = Keeping::default();
        let demo = async {
            if arguments.ways { ways::demo(arguments, seed).await } else { fleet::demo(arguments, seed, &keeps).await }
        };
        tokio::select! {
            outcome = demo => outcome.map_err(|error| -> Box<dyn std::error::Error> { error }),
            // What is dropped with the other branch takes the nodes along.
            () = interrupted(&keeps) => {
                say("interrupted: the nodes are stopped");
                Ok(ExitCode::from(INTERRUPTED))
            }
        }
    })
}

/// Waits for the Ctrl-C that stops all at once.
async fn interrupted(keeps: &Keeping) {
    // The first one while all is kept ends that; the next one does not wait for the nodes to stop.
    while tokio::signal::ctrl_c().await.is_ok() && keeps.end() {}
}
