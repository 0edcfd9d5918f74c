//! `straddle demo`: callers of every version against nodes of every version, and an auditor.
//!
//! Seven nodes run as processes of their own, at 1.1.0, 2.0.0 and 3.0.0. Each owns its items; nothing is replicated.
//! Callers of 1.0.0 to 3.0.0, one of them without a label, call each of them at once. Meanwhile all but one go to 3.0.0,
//! back to 2.0.0 and to 3.0.0 again: one within its program, one whose program a supervisor replaces, one that is drained
//! before, three at one word. One is killed on its way, and started again; one release is broken, and falls back. The auditor
//! knows what each answer has to be, whoever wrote and whoever reads, and whatever the node is by then.

mod caller;
mod check;
mod cluster;
mod expiry;
mod item;
mod masking;
mod model;
mod moves;
#[cfg(test)]
mod square;
mod standing;
mod tally;
mod watcher;
mod worker;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::caller::{Caller, Speaker, Version};
use self::cluster::{Cluster, Reached, Way};
use self::item::Item;
use self::masking::Masking;
use self::model::{CONTESTED, CONTESTED_STOCK, EUROS, Model};
use self::moves::{Made, Moving};
use self::tally::{Report, Tally};
use self::watcher::Watcher;
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
    let mut cluster = Cluster::start().await?;
    let names: Vec<&str> = cluster.reached().map(|node| node.place.name).collect();
    for node in cluster.reached() {
        say(&format!("node {}, at {}, listens on {}", node.place.name, node.place.begins_at, node.address));
    }
    say(&format!("callers of every version call each for {} s, while nodes move (seed {seed})", arguments.seconds));
    let time = Duration::from_secs(arguments.seconds);
    let tally = Arc::new(Tally::default());
    let mut workers = JoinSet::new();
    let mut expiries = JoinSet::new();
    let mut watchers = JoinSet::new();
    let mut models = Vec::new();
    let mut ends = Vec::new();
    for node in cluster.reached() {
        let model = Arc::new(Model::of(node.place));
        prepare(node, &model).await?;
        expiries.spawn(expiry::check(caller(node, &model, Version::Fourth, &tally)?, node.place.name, tally.clone()));
        let (end, last) = watch::channel(None);
        for version in [Version::Third, Version::Fourth] {
            watchers.spawn(watcher(node, version, &model, &tally, time, last.clone())?.run());
        }
        ends.push(end);
        models.push(model);
    }
    // What is done once by everybody is done before the nodes move: each method is then answered in each version.
    let mut once = JoinSet::new();
    for (node, model) in cluster.reached().zip(&models) {
        for version in Version::ALL {
            once.spawn(worker(node, version, model, &tally, seed)?.everything_once());
        }
    }
    let once = once.join_all().await;
    expiries.join_all().await;
    let end = Instant::now() + time;
    for worker in once {
        workers.spawn(worker.run(end));
    }
    let progress = tokio::spawn(show_progress(tally.clone(), end));
    let moved = move_all(&mut cluster, &models, time).await;
    let workers = workers.join_all().await;
    progress.abort();
    // The bar is gone when its task is; whether it was aborted or had ended is all one.
    let _ = progress.await;
    let moved = moved?;
    say("the auditor reads everything once more, in every version");
    let mut audits = JoinSet::new();
    for worker in workers {
        audits.spawn(worker.audit());
    }
    audits.join_all().await;
    for ((node, model), end) in cluster.reached().zip(&models).zip(&ends) {
        let listed = caller(node, model, Version::Fourth, &tally)?.list("").await?;
        // Whoever is gone by now has said why.
        end.send_replace(Some(listed.iter().map(|item| item.revision).max().unwrap_or(0)));
    }
    watchers.join_all().await;
    cluster.stop().await?;
    let tally = Arc::into_inner(tally).ok_or("a caller is still at work")?;
    finish(arguments, &tally.into_report(&names, moved), seed)
}

/// Takes the nodes through their moves, all at once.
async fn move_all(cluster: &mut Cluster, models: &[Arc<Model>], time: Duration) -> Result<Vec<Made>, String> {
    let mut groups: Vec<Vec<Moving>> = Vec::new();
    for (node, model) in std::mem::take(&mut cluster.nodes).into_iter().zip(models.iter().cloned()) {
        let together = |group: &Vec<Moving>| {
            let way = node.reached.place.way;
            way == Way::Barrier && group.iter().any(|other| other.node.reached.place.way == way)
        };
        match groups.iter().position(together) {
            Some(group) => groups[group].push(Moving { node, model }),
            None => groups.push(vec![Moving { node, model }]),
        }
    }
    let mut all = JoinSet::new();
    for (number, mut group) in groups.into_iter().enumerate() {
        all.spawn(async move {
            let made = moves::make(&mut group, time).await;
            for moving in &group {
                moving.model.moving.store(false, Ordering::Relaxed);
            }
            (number, group, made.map_err(|error| error.to_string()))
        });
    }
    let mut moved = all.join_all().await;
    moved.sort_by_key(|(number, _, _)| *number);
    let mut all_made = Ok(Vec::new());
    for (_, group, made) in moved {
        cluster.nodes.extend(group.into_iter().map(|moving| moving.node));
        all_made = all_made.and_then(|mut all: Vec<Made>| {
            all.extend(made?);
            Ok(all)
        });
    }
    all_made
}

fn watcher(
    node: &Reached,
    version: Version,
    model: &Arc<Model>,
    tally: &Arc<Tally>,
    time: Duration,
    last: watch::Receiver<Option<u64>>,
) -> Result<Watcher, Box<dyn std::error::Error>> {
    let caller = caller(node, model, version, tally)?;
    let patience = time + Duration::from_secs(60);
    Ok(Watcher { version, caller, node: node.place.name, tally: tally.clone(), patience, last })
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
    let mut caller = speaker(node, model, Version::Third)?;
    if node.place.begins_at != "1.1.0" {
        caller.put_in_euros(EUROS, "prepare-euros").await?;
        model.has_euros.store(true, Ordering::Relaxed);
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
    let name = format!("{version}-on-{}", node.place.name);
    // Each worker has its own numbers, the same in each run of the same seed.
    let own = name.bytes().fold(seed, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    Ok(Worker {
        version,
        caller: caller(node, model, version, tally)?,
        model: model.clone(),
        tally: tally.clone(),
        random: fastrand::Rng::with_seed(own),
        name,
        requests: 0,
    })
}

/// A caller that asks again when its node is away.
fn caller(
    node: &Reached,
    model: &Model,
    version: Version,
    tally: &Arc<Tally>,
) -> Result<Box<dyn Caller>, Box<dyn std::error::Error>> {
    Ok(Box::new(Masking::of(speaker(node, model, version)?, tally.clone())))
}

fn speaker(node: &Reached, model: &Model, version: Version) -> Result<Box<dyn Caller>, Box<dyn std::error::Error>> {
    let channel = Channel::owner(&node.address).user_agent("straddle-demo").build()?;
    let (number, node) = (version.number(), model.standing.clone());
    Ok(match version {
        Version::Unlabelled => {
            Box::new(Speaker::new(v1_0_0::inventory_client::InventoryClient::new(channel), number, node))
        }
        Version::First => Box::new(Speaker::new(v1_0_0::inventory_client(channel), number, node)),
        Version::Second => Box::new(Speaker::new(v1_1_0::inventory_client(channel), number, node)),
        Version::Third => Box::new(Speaker::new(v2_0_0::inventory_client(channel), number, node)),
        Version::Fourth => Box::new(Speaker::new(v3_0_0::inventory_client(channel), number, node)),
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
