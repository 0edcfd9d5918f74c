//! `straddle demo`: callers of every version against nodes of every version, and an auditor.
//!
//! Three nodes run as processes of their own, at 1.1.0, 2.0.0 and 3.0.0. Each owns its items; nothing is replicated.
//! Callers of 1.0.0 to 3.0.0, one of them without a label, call each of them at once. The auditor knows what each
//! answer has to be, whoever wrote and whoever reads.

mod caller;
mod check;
mod cluster;
mod expiry;
mod item;
mod model;
#[cfg(test)]
mod square;
mod tally;
mod worker;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::caller::{Caller, Speaker, Version};
use self::cluster::{Cluster, NODES, Reached};
use self::item::Item;
use self::model::{CONTESTED, CONTESTED_STOCK, EUROS, Model};
use self::tally::{Report, Tally};
use self::worker::Worker;
use super::Outcome;
use super::arguments::DemoArguments;
use crate::inventory::generated::{v1_0_0, v1_1_0, v2_0_0, v3_0_0};
use crate::transport::Channel;

/// What a shell gives to a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

pub(super) fn run(arguments: &DemoArguments) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            outcome = demo(arguments) => outcome,
            // What is dropped with the other branch takes the nodes along.
            _ = tokio::signal::ctrl_c() => {
                say("interrupted: the nodes are stopped");
                Ok(ExitCode::from(INTERRUPTED))
            }
        }
    })
}

async fn demo(arguments: &DemoArguments) -> Outcome {
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..));
    let cluster = Cluster::start().await?;
    for node in cluster.reached() {
        say(&format!("node {} listens on {}", node.version, node.address));
    }
    say(&format!("callers of every version call each for {} s (seed {seed})", arguments.seconds));
    let end = Instant::now() + Duration::from_secs(arguments.seconds);
    let tally = Arc::new(Tally::default());
    let mut workers = JoinSet::new();
    let mut expiries = JoinSet::new();
    for node in cluster.reached() {
        let model = Arc::new(Model::new(node.version));
        prepare(node, &model).await?;
        for version in Version::ALL {
            let worker = worker(node, version, &model, &tally, seed)?;
            workers.spawn(worker.run(end));
        }
        expiries.spawn(expiry::check(caller(node, Version::Fourth)?, node.version, tally.clone()));
    }
    let progress = tokio::spawn(show_progress(tally.clone(), end));
    let workers = workers.join_all().await;
    expiries.join_all().await;
    progress.abort();
    // The bar is gone when its task is; whether it was aborted or had ended is all one.
    let _ = progress.await;
    say("the auditor reads everything once more, in every version");
    let mut audits = JoinSet::new();
    for worker in workers {
        audits.spawn(worker.audit());
    }
    audits.join_all().await;
    cluster.stop().await?;
    let tally = Arc::into_inner(tally).ok_or("a caller is still at work")?;
    finish(arguments, &tally.into_report(&NODES), seed)
}

/// Tells how it goes; nobody has to listen, and the exit code does not depend on it.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn finish(arguments: &DemoArguments, report: &Report, seed: u64) -> Outcome {
    match writeln!(io::stdout(), "{}", report.text()) {
        // Whoever reads has seen enough; what came of the run stands all the same.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written?,
    }
    if let Some(file) = &arguments.json {
        let mut shown = report.json();
        shown["seconds"] = arguments.seconds.into();
        shown["seed"] = seed.into();
        let text = serde_json::to_string_pretty(&shown)? + "\n";
        std::fs::write(file, text).map_err(|error| format!("{} cannot be written: {error}", file.display()))?;
    }
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Puts in what all callers find there.
async fn prepare(node: &Reached, model: &Model) -> Result<(), Box<dyn std::error::Error>> {
    let mut caller = caller(node, Version::Third)?;
    if model.has_statuses() {
        caller.put_in_euros(EUROS, "prepare-euros").await?;
    }
    let contested =
        Item { sku: CONTESTED.to_owned(), name: "Contested".to_owned(), stock: CONTESTED_STOCK, ..Item::default() };
    model.saw(caller.put(&contested, "prepare-contested").await?.revision);
    Ok(())
}

fn worker(
    node: &Reached,
    version: Version,
    model: &Arc<Model>,
    tally: &Arc<Tally>,
    seed: u64,
) -> Result<Worker, Box<dyn std::error::Error>> {
    let name = format!("{version}-on-{}", node.version);
    // Each worker has its own numbers, the same in each run of the same seed.
    let own = name.bytes().fold(seed, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    Ok(Worker {
        version,
        caller: caller(node, version)?,
        model: model.clone(),
        tally: tally.clone(),
        random: fastrand::Rng::with_seed(own),
        name,
        requests: 0,
    })
}

fn caller(node: &Reached, version: Version) -> Result<Box<dyn Caller>, Box<dyn std::error::Error>> {
    let channel = Channel::owner(&node.address).user_agent("straddle-demo").build()?;
    let (number, node) = (version.number(), node.version);
    Ok(match version {
        Version::Unlabelled => {
            let client = v1_0_0::inventory_client::InventoryClient::new(channel);
            Box::new(Speaker { client, version: number, node })
        }
        Version::First => Box::new(Speaker { client: v1_0_0::inventory_client(channel), version: number, node }),
        Version::Second => Box::new(Speaker { client: v1_1_0::inventory_client(channel), version: number, node }),
        Version::Third => Box::new(Speaker { client: v2_0_0::inventory_client(channel), version: number, node }),
        Version::Fourth => Box::new(Speaker { client: v3_0_0::inventory_client(channel), version: number, node }),
    })
}

/// A bar on a terminal, a line now and then elsewhere.
async fn show_progress(tally: Arc<Tally>, end: Instant) {
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
            let _ = writeln!(io::stderr(), "{seconds} s: {calls} calls, {bad} failed or wrong");
        }
    }
}
