//! Everybody who calls the nodes: workers, watchers, and who waits for a hold to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::caller::{Caller, Speaker, Version};
use super::expiry;
use super::item::Item;
use super::masking::Masking;
use super::model::{CONTESTED, CONTESTED_STOCK, Cells, EUROS, Model};
use super::standing::Met;
use super::straggler::Straggler;
use super::tally::Tally;
use super::watcher::Watcher;
use super::worker::Worker;
use crate::inventory::generated::{v1_0_0, v1_1_0, v2_0_0, v3_0_0};
use crate::transport::Channel;

pub(super) type Failed = Box<dyn std::error::Error + Send + Sync>;

/// How much longer than the run a watcher's node may be away.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long callers wait between calls when nobody measures them.
const LEISURE: Duration = Duration::from_millis(200);
/// What the caller without a label calls itself, for there are no others of its kind.
pub(super) const TILL: &str = "till/1.0";

/// A node that is called.
#[derive(Clone, Debug)]
pub(super) struct Called {
    pub(super) name: &'static str,
    pub(super) begins_at: &'static str,
    /// Whether it will go from version to version.
    pub(super) moves: bool,
    pub(super) address: String,
}

/// All callers of all nodes.
pub(super) struct Crew {
    pub(super) tally: Arc<Tally>,
    nodes: Vec<(Called, Arc<Model>)>,
    seed: u64,
    watchers: JoinSet<()>,
    /// Tells watchers the last revision of their node.
    ends: Vec<watch::Sender<Option<u64>>>,
    shifts: Vec<Shift>,
    /// Until when they work at least.
    end: Instant,
}

/// The workers of one version, one on each node.
struct Shift {
    version: Version,
    workers: JoinSet<Worker>,
    over: Arc<AtomicBool>,
}

impl Crew {
    /// Puts in what callers find, and begins to watch. `time` is how long the run takes, about.
    pub(super) async fn gather(nodes: Vec<Called>, cells: Cells, seed: u64, time: Duration) -> Result<Self, Failed> {
        let nodes: Vec<(Called, Arc<Model>)> =
            nodes.into_iter().map(|node| (node.clone(), Arc::new(Model::of(&node, cells)))).collect();
        let tally = Arc::new(Tally::default());
        let (mut watchers, mut ends, mut expiries) = (JoinSet::new(), Vec::new(), JoinSet::new());
        for (node, model) in &nodes {
            prepare(node, model).await?;
            let (caller, _) = caller(node, model, Version::Fourth, &tally)?;
            expiries.spawn(expiry::check(caller, model.cell(&Met::default()), tally.clone()));
            let (end, last) = watch::channel(None);
            for version in [Version::Third, Version::Fourth] {
                let (caller, met) = self::caller(node, model, version, &tally)?;
                let (tally, last, patience) = (tally.clone(), last.clone(), time + PATIENCE);
                watchers.spawn(Watcher { version, caller, met, model: model.clone(), tally, patience, last }.run());
            }
            ends.push(end);
        }
        let crew = Self { tally, nodes, seed, watchers, ends, shifts: Vec::new(), end: Instant::now() };
        crew.everything_once("first").await?;
        expiries.join_all().await;
        Ok(crew)
    }

    /// Everybody does everything once on each node: each method is then answered in each version. `when` is another one
    /// each time.
    pub(super) async fn everything_once(&self, when: &str) -> Result<(), Failed> {
        let mut once = JoinSet::new();
        for (node, model) in &self.nodes {
            for version in Version::ALL {
                once.spawn(worker(node, model, &self.tally, version, when, self.seed)?.everything_once());
            }
        }
        once.join_all().await;
        Ok(())
    }

    /// Everybody works until `end`, and longer on nodes that have yet to go somewhere.
    pub(super) fn work(&mut self, end: Instant) -> Result<(), Failed> {
        self.end = end;
        Version::ALL.into_iter().try_for_each(|version| self.begin(version, "work"))
    }

    /// Whoever has worked in one version does so in another one from now on, and is not heard in the first any more.
    pub(super) async fn move_on(&mut self, from: Version, to: Version) -> Result<(), Failed> {
        for shift in self.shifts.extract_if(.., |shift| shift.version == from) {
            shift.over.store(true, Ordering::Relaxed);
            shift.workers.join_all().await;
        }
        self.begin(to, &format!("after-{from}"))
    }

    /// Some who were not moved call each node in these versions until it refuses them; what each is told to be served.
    pub(super) async fn stragglers(&self, versions: [Version; 2]) -> Result<Vec<String>, Failed> {
        let mut told = Vec::new();
        for (node, model) in &self.nodes {
            for version in versions {
                let (caller, met) = caller(node, model, version, &self.tally)?;
                let straggler = Straggler { version, caller, cell: model.cell(&met) };
                told.push(straggler.until_refused(&self.tally).await?);
            }
        }
        Ok(told)
    }

    fn begin(&mut self, version: Version, when: &str) -> Result<(), Failed> {
        let (mut workers, over) = (JoinSet::new(), Arc::new(AtomicBool::new(false)));
        for (node, model) in &self.nodes {
            let worker = worker(node, model, &self.tally, version, when, self.seed)?;
            workers.spawn(worker.run(self.end, over.clone()));
        }
        self.shifts.push(Shift { version, workers, over });
        Ok(())
    }

    /// Whom they call.
    pub(super) fn nodes(&self) -> Vec<(Called, Arc<Model>)> {
        self.nodes.clone()
    }

    /// Callers of all versions that are still served go on at leisure, until this is dropped.
    pub(super) fn at_leisure(nodes: &[(Called, Arc<Model>)], seed: u64) -> Result<JoinSet<()>, Failed> {
        let (tally, mut workers) = (Arc::new(Tally::default()), JoinSet::new());
        for (node, model) in nodes {
            for version in [Version::Second, Version::Third, Version::Fourth] {
                workers.spawn(worker(node, model, &tally, version, "leisure", seed)?.run_at_leisure(LEISURE));
            }
        }
        Ok(workers)
    }

    pub(super) fn models(&self) -> impl Iterator<Item = &Arc<Model>> {
        self.nodes.iter().map(|(_, model)| model)
    }

    /// Nobody has to go anywhere any more.
    pub(super) fn settle(&self) {
        self.models().for_each(|model| model.moving.store(false, Ordering::Relaxed));
    }

    /// Waits until the workers have done; then everything is read once more, and what watchers saw is held against it.
    pub(super) async fn audit(mut self, told: impl FnOnce()) -> Result<Tally, Failed> {
        let mut workers = Vec::new();
        for shift in std::mem::take(&mut self.shifts) {
            workers.extend(shift.workers.join_all().await);
        }
        told();
        let mut audits = JoinSet::new();
        for worker in workers {
            audits.spawn(worker.audit());
        }
        audits.join_all().await;
        for ((node, model), end) in self.nodes.iter().zip(&self.ends) {
            let (mut caller, _) = caller(node, model, Version::Fourth, &self.tally)?;
            let listed = caller.list("").await?;
            // Whoever is gone by now has said why.
            end.send_replace(Some(listed.iter().map(|item| item.revision).max().unwrap_or(0)));
        }
        std::mem::take(&mut self.watchers).join_all().await;
        Ok(Arc::into_inner(self.tally).ok_or("a caller is still at work")?)
    }
}

/// A worker; `when` is another one each time.
pub(super) fn worker(
    node: &Called,
    model: &Arc<Model>,
    tally: &Arc<Tally>,
    version: Version,
    when: &str,
    seed: u64,
) -> Result<Worker, Failed> {
    let name = format!("{version}-on-{}-{when}", node.name);
    // Each worker has its own numbers, the same in each run of the same seed.
    let own = name.bytes().fold(seed, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let (caller, met) = caller(node, model, version, tally)?;
    let (model, tally) = (model.clone(), tally.clone());
    Ok(Worker { version, caller, met, model, tally, random: fastrand::Rng::with_seed(own), name, requests: 0 })
}

/// Puts in what all callers find there.
pub(super) async fn prepare(node: &Called, model: &Model) -> Result<(), Failed> {
    let mut caller = speaker(node, model, Version::Third, Met::default())?;
    if node.begins_at != "1.1.0" {
        caller.put_in_euros(EUROS, "prepare-euros").await?;
        model.has_euros.store(true, Ordering::Relaxed);
    }
    let contested =
        Item { sku: CONTESTED.to_owned(), name: "Contested".to_owned(), stock: CONTESTED_STOCK, ..Item::default() };
    model.saw(caller.put(&contested, "prepare-contested").await?.revision);
    Ok(())
}

/// A caller that asks again when its node is away, and the version that it has met last.
fn caller(
    node: &Called,
    model: &Model,
    version: Version,
    tally: &Arc<Tally>,
) -> Result<(Box<dyn Caller>, Met), Failed> {
    let met = Met::default();
    let speaker = speaker(node, model, version, met.clone())?;
    Ok((Box::new(Masking::of(speaker, tally.clone(), met.clone())), met))
}

pub(super) fn speaker(node: &Called, model: &Model, version: Version, met: Met) -> Result<Box<dyn Caller>, Failed> {
    let channel = Channel::owner(&node.address);
    let channel = match version {
        Version::Unlabelled => channel.user_agent(TILL),
        _ => channel.user_agent("straddle-demo").caller(format!("demo-{}", version.number())),
    };
    let channel = channel.build()?;
    let (number, node) = (version.number(), model.standing.clone());
    Ok(match version {
        Version::Unlabelled => {
            Box::new(Speaker::new(v1_0_0::inventory_client::InventoryClient::new(channel), number, node, met))
        }
        Version::First => Box::new(Speaker::new(v1_0_0::inventory_client(channel), number, node, met)),
        Version::Second => Box::new(Speaker::new(v1_1_0::inventory_client(channel), number, node, met)),
        Version::Third => Box::new(Speaker::new(v2_0_0::inventory_client(channel), number, node, met)),
        Version::Fourth => Box::new(Speaker::new(v3_0_0::inventory_client(channel), number, node, met)),
    })
}
