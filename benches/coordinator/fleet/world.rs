//! The process of all the nodes. It does what it is told by lines on standard input, and answers each with one on standard output.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use straddle::bundle::Bundle;
use straddle::control::v1_0_0::operators_client::OperatorsClient;
use straddle::control::v1_0_0::{
    FinalizeUpgradeRequest, ListUpgradesRequest, PublishRequest, StartUpgradeRequest, WatchUpgradeRequest,
    operators_client,
};
use straddle::inventory::generated::protocol;
use straddle::transport::{Channel, Labelled};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tonic::Request;

use super::agent::{self, Shared};
use super::figures::Times;
use super::text;

/// How often it is looked whether all nodes have come.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// When nothing has changed for so long, nothing will.
const STALLED: Duration = Duration::from_secs(120);
/// Largest message from the coordinator: the status of an upgrade names all nodes.
const LARGEST: usize = 64 << 20;

/// All nodes, at the coordinator of this address.
pub(crate) fn run(address: &str, nodes: usize) -> Result<(), String> {
    raise_open_files(nodes as u64 + 100);
    let (lines, told) = mpsc::channel(8);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if lines.blocking_send(line).is_err() {
                return;
            }
        }
        // Whoever started this process has gone.
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(text)?;
    runtime.block_on(async { World::start(address, nodes).await?.obey(told).await })
}

struct World {
    shared: Arc<Shared>,
    operator: OperatorsClient<Labelled<Channel>>,
    nodes: usize,
    upgrade: u64,
}

impl World {
    /// Publishes the inventory's versions, has all nodes come at once, and says when they were admitted.
    async fn start(address: &str, nodes: usize) -> Result<Self, String> {
        let channel = Channel::owner(address).build().map_err(text)?;
        let mut operator = operators_client(channel).max_decoding_message_size(LARGEST);
        let part = Bundle::of_protocol(&protocol()).map_err(text)?.to_bytes();
        operator.publish(tokio_stream::iter([PublishRequest { part }])).await.map_err(text)?;
        let shared = Arc::new(Shared::default());
        let begun = Instant::now();
        for number in 0..nodes {
            tokio::spawn(agent::run(address.to_owned(), number, shared.clone()));
        }
        let own = Self { shared, operator, nodes, upgrade: 0 };
        own.until("nodes were admitted", |shared| shared.tally().admitted).await?;
        tell("registered", &json!({ "seconds": begun.elapsed().as_secs_f64() }))?;
        Ok(own)
    }

    async fn obey(mut self, mut told: mpsc::Receiver<String>) -> Result<(), String> {
        while let Some(line) = told.recv().await {
            let (what, with) = line.split_once(' ').ok_or("a line without what it is about")?;
            let with: Value = serde_json::from_str(with).map_err(text)?;
            let answer = match what {
                "wait" => {
                    sleep(Duration::from_secs_f64(with.as_f64().unwrap_or_default())).await;
                    Value::Null
                }
                "reports" => self.reports(),
                "upgrade" => self.upgrade(&with).await?,
                "finalize" => self.finalize().await?,
                _ => return Err(format!("nobody knows how to {what}")),
            };
            tell(what, &answer)?;
        }
        Ok(())
    }

    fn reports(&self) -> Value {
        let tally = self.shared.tally();
        let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let used = Duration::new(used.tv_sec.unsigned_abs(), u32::try_from(used.tv_nsec).unwrap_or_default());
        json!({
            "reports": tally.reports,
            "lost": tally.lost,
            "groups": tally.groups,
            "report_bytes": tally.report_bytes,
            "cpu_seconds": used.as_secs_f64(),
        })
    }

    async fn upgrade(&mut self, with: &Value) -> Result<Value, String> {
        let word = |name: &str| with[name].as_str().unwrap_or_default().to_owned();
        self.shared.tally().begin();
        let begun = self.shared.now();
        let request = StartUpgradeRequest {
            protocol: protocol().name().to_owned(),
            to: word("to"),
            schedule: word("schedule"),
            ..StartUpgradeRequest::default()
        };
        let started = self.operator.start_upgrade(request).await.map_err(text)?.into_inner();
        self.upgrade = started.upgrade.map(|upgrade| upgrade.number).ok_or("an upgrade without a number")?;
        if let Err(stalled) = self.until("nodes have come", |shared| shared.tally().came.len()).await {
            return Err(format!("{stalled}; the coordinator says: {}", self.waits_for().await?));
        }
        let tally = self.shared.tally();
        let at_once = word("at_once").parse().unwrap_or(self.nodes);
        Ok(json!({
            "permits": tally.permits.len(),
            "turn_to_permit": Times::of(turns(&tally.permits, &tally.came, begun, at_once)).json(),
            "ask_to_permit": Times::of(tally.permits.iter().map(|(asked, at)| between(*asked, *at)).collect()).json(),
        }))
    }

    async fn finalize(&mut self) -> Result<Value, String> {
        let begun = Instant::now();
        self.shared.tally().finalized = 0;
        let request = FinalizeUpgradeRequest { number: self.upgrade };
        // Complete is what the coordinator has seen, and nodes have only just said that they have come.
        while let Err(status) = self.operator.finalize_upgrade(request).await {
            if begun.elapsed() > Duration::from_secs(30) {
                return Err(status.to_string());
            }
            sleep(LOOK_EVERY * 10).await;
        }
        self.until("nodes have finalized", |shared| shared.tally().finalized).await?;
        let seconds = begun.elapsed().as_secs_f64();
        // The upgrade comes to its end when the coordinator has heard all of them.
        let mut request = Request::new(WatchUpgradeRequest { number: self.upgrade });
        request.set_timeout(STALLED);
        let mut watched = self.operator.watch_upgrade(request).await.map_err(text)?.into_inner();
        while watched.message().await.map_err(text)?.is_some() {}
        Ok(json!({ "seconds": seconds }))
    }

    /// What the upgrade waits for.
    async fn waits_for(&mut self) -> Result<String, String> {
        let request = ListUpgradesRequest { number: self.upgrade, ..ListUpgradesRequest::default() };
        let listed = self.operator.list_upgrades(request).await.map_err(text)?.into_inner();
        let waits = listed.upgrades.into_iter().flat_map(|status| status.waits_for);
        let waits: Vec<String> = waits.take(3).map(|blocker| format!("{} ({})", blocker.what, blocker.rule)).collect();
        Ok(waits.join("; "))
    }

    /// Waits until all nodes are counted, and says how far that is.
    async fn until(&self, what: &str, count: impl Fn(&Shared) -> usize) -> Result<(), String> {
        let (mut told, mut before, mut changed) = (Instant::now(), 0, Instant::now());
        loop {
            let now = count(&self.shared);
            if now >= self.nodes {
                return Ok(());
            }
            if now > before {
                (before, changed) = (now, Instant::now());
            }
            if changed.elapsed() > STALLED {
                return Err(format!("only {now} of {} {what}, and no more for {} s", self.nodes, STALLED.as_secs()));
            }
            if told.elapsed() > Duration::from_secs(2) {
                eprintln!("fleet: {now} of {} {what}", self.nodes);
                told = Instant::now();
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

/// How long permits took from when there was a place for them: for the first ones that was when the upgrade was asked for, for each
/// other one when another node had come.
fn turns(permits: &[(u64, u64)], came: &[u64], begun: u64, at_once: usize) -> Vec<Duration> {
    let sorted = |times: &mut dyn Iterator<Item = u64>| {
        let mut times: Vec<u64> = times.collect();
        times.sort_unstable();
        times
    };
    let (permits, came) = (sorted(&mut permits.iter().map(|(_, at)| *at)), sorted(&mut came.iter().copied()));
    let places = std::iter::repeat_n(begun, at_once).chain(came);
    places.zip(permits).map(|(place, permit)| between(place, permit)).collect()
}

fn between(from: u64, to: u64) -> Duration {
    Duration::from_micros(to.saturating_sub(from))
}

fn tell(what: &str, answer: &Value) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{what} {answer}").and_then(|()| out.flush()).map_err(text)
}

/// Each connection is an open file.
fn raise_open_files(wanted: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let current = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    if limit.current.is_some_and(|now| now < wanted) {
        // Agents that find no file say so.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum: limit.maximum });
    }
}
