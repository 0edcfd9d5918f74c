//! A coordinator of a large fleet: `straddle coordinator` on a core of its own, over a database on disk, and in another process, on
//! another core, all its nodes. What agents decide is the real thing, and each has a connection of its own; what their nodes do is
//! a script.

mod agent;
mod cost;
mod figures;
mod processes;
mod scrape;
pub(crate) mod script;
mod world;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::cost::Cost;
pub(crate) use self::figures::Times;
use self::processes::{Coordinator, World, core};
use self::scrape::Scrapes;
pub(crate) use self::world::run as run_world;
use crate::options::Options;

/// What was measured.
pub(crate) struct Row {
    pub(crate) nodes: usize,
    pub(crate) connections: usize,
    /// The cores of the coordinator and of the nodes; none where they were not kept there.
    pub(crate) cores: (Option<usize>, Option<usize>),
    pub(crate) report_every: Duration,
    /// Groups of calls in a report, and its bytes on the wire.
    pub(crate) report: (u64, u64),
    /// From when the first node came until all were admitted.
    pub(crate) registered: Duration,
    pub(crate) registering: Cost,
    /// While all report and nothing else happens.
    pub(crate) steady: Cost,
    pub(crate) reports: u64,
    /// Its numbers are asked for, while all report.
    pub(crate) scrapes: Scrapes,
    /// The processor time of the nodes' process meanwhile, as a share of the time: near 1 it would be the bottleneck.
    pub(crate) world_share: f64,
    pub(crate) rolling: Upgrade,
    pub(crate) wave: Upgrade,
    pub(crate) finalized: Duration,
    /// Streams that broke.
    pub(crate) lost: u64,
    pub(crate) most_memory: u64,
}

/// An upgrade of all nodes.
pub(crate) struct Upgrade {
    pub(crate) at_once: String,
    pub(crate) permits: u64,
    /// From when it was asked for until all nodes had come.
    pub(crate) took: Duration,
    pub(crate) cost: Cost,
    /// From when the node's turn was there, because it was asked for or because another one had come, until it had its permit.
    pub(crate) turn_to_permit: Times,
    /// From when the node asked for the first time until it had its permit.
    pub(crate) ask_to_permit: Times,
}

pub(crate) fn row(options: &Options) -> Result<Row, String> {
    let (nodes, window) = (options.fleet, options.window);
    let folder = tempfile::Builder::new().prefix("coordinator-").tempdir_in(folder(options)?).map_err(text)?;
    let cores = (core(0), core(1));
    let coordinator = Coordinator::start(folder.path(), options, cores.0)?;
    let mut world = World::start(&coordinator.address, options, cores.1)?;

    eprintln!("fleet: {nodes} nodes come");
    let registered = coordinator.cost()?;
    let came = world.expect("registered")?;
    let registering = coordinator.cost()?.since(&registered);

    eprintln!("fleet: all report for {} s", window.as_secs());
    // What registering has left behind is done with.
    world.ask("wait", &json!(options.report_every.as_secs_f64() * 2.0))?;
    let (before, begun) = (world.ask("reports", &Value::Null)?, coordinator.cost()?);
    std::thread::sleep(window);
    let (after, steady) = (world.ask("reports", &Value::Null)?, coordinator.cost()?.since(&begun));
    let percent = steady.share() * 100.0;
    eprintln!("fleet: {percent:.1} % of a core, {} MiB", steady.memory >> 20);
    let more = |name: &str| number(&after, name) - number(&before, name);
    let world_share = more("cpu_seconds") / steady.time.as_secs_f64();
    let reports = whole(more("reports"));
    let scrapes = Scrapes::of(&coordinator.address)?;

    let at_once = options.at_once.to_string();
    let rolling = upgrade(&coordinator, &mut world, "2.0.0", &at_once)?;
    eprintln!("fleet: the upgrade is finalized");
    let finalized = seconds(&world.ask("finalize", &Value::Null)?, "seconds");
    let wave = upgrade(&coordinator, &mut world, "3.0.0", "100%")?;
    let told = world.ask("reports", &Value::Null)?;
    let most_memory = coordinator.cost()?.most_memory;
    coordinator.stop()?;
    Ok(Row {
        nodes,
        connections: nodes,
        cores,
        report_every: options.report_every,
        report: (whole(number(&told, "groups")), whole(number(&told, "report_bytes"))),
        registered: seconds(&came, "seconds"),
        registering,
        steady,
        reports,
        scrapes,
        world_share,
        rolling,
        wave,
        finalized,
        lost: whole(number(&told, "lost")),
        most_memory,
    })
}

fn upgrade(coordinator: &Coordinator, world: &mut World, to: &str, at_once: &str) -> Result<Upgrade, String> {
    eprintln!("fleet: all go to {to}, {at_once} at once");
    let schedule = format!(
        "[rolling]\nat_once = '{at_once}'\n[gates]\nstandard = false\n[[gate]]\nname = 'any'\nholds = 'errors <= 1.0 && upgraded >= 0.0'\n"
    );
    let (before, begun) = (coordinator.cost()?, Instant::now());
    let done = world.ask("upgrade", &json!({ "to": to, "schedule": schedule, "at_once": at_once }))?;
    Ok(Upgrade {
        at_once: at_once.to_owned(),
        permits: whole(number(&done, "permits")),
        took: begun.elapsed(),
        cost: coordinator.cost()?.since(&before),
        turn_to_permit: Times::of_json(&done["turn_to_permit"]),
        ask_to_permit: Times::of_json(&done["ask_to_permit"]),
    })
}

/// Where databases are made: on a disk, as in production.
fn folder(options: &Options) -> Result<std::path::PathBuf, String> {
    let folder = options.json.parent().unwrap_or(std::path::Path::new(".")).to_owned();
    std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    Ok(folder)
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or_default()
}

fn seconds(value: &Value, name: &str) -> Duration {
    Duration::from_secs_f64(number(value, name).max(0.0))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts, as numbers of JSON")]
fn whole(number: f64) -> u64 {
    number.max(0.0) as u64
}

pub(crate) fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
