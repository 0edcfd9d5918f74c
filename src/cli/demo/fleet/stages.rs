//! What the fleet goes through, stage by stage.

mod retirement;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::super::crew::{Crew, Failed};
use super::super::told::say;
use super::cluster::{AWAY, FAULTY, Fleet, KILLED};
use super::operator::{Operator, is};
use crate::control::v1_0_0::{UpgradeState, UpgradeStatus};
use crate::node::admin::wire::node_client::NodeClient;
use crate::node::admin::wire::{Phase, WatchRequest};
use crate::transport::Channel;

/// How long to stay with what was reached, for those who want to watch.
const WATCHED: Duration = Duration::from_secs(6);
/// How long a canary is looked at: one node is away meanwhile, and its callers do not wait for ever.
const BAKES: &str = "2s";
const BAKES_SLOWLY: &str = "4s";
/// One zone after the other; not while disks fail.
const ZONES: &str = "[domains]\nlabel = \"zone\"\n\n[rolling]\nat_once = 2\n\n[limits]\nminimum_serving = 1\n\n[[gate]]\n\
                     name = \"disks\"\nholds = \"values['disk_errors'].max <= 3.0\"\n";
const PATIENCE: Duration = Duration::from_secs(60);

/// A stage that was reached.
#[derive(Clone, Debug)]
pub(super) struct Reached {
    name: &'static str,
    what: String,
    took: Duration,
    calls: u64,
}

impl Reached {
    pub(super) fn text(&self) -> String {
        format!("{:<22} {:>7.1} s {:>8} calls  {}", self.name, self.took.as_secs_f64(), self.calls, self.what)
    }

    pub(super) fn json(&self) -> Value {
        let took = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX);
        json!({ "stage": self.name, "what": self.what, "took_ms": took, "calls": self.calls })
    }
}

/// The stages as they are gone through, with all that they need.
pub(super) struct Stages<'a> {
    fleet: &'a mut Fleet,
    crew: &'a mut Crew,
    operator: Operator,
    begun: Instant,
    calls: u64,
    /// Whether somebody wants to watch.
    slow: bool,
    pub(super) reached: Vec<Reached>,
}

impl<'a> Stages<'a> {
    pub(super) fn new(fleet: &'a mut Fleet, crew: &'a mut Crew, slow: bool) -> Result<Self, Failed> {
        let operator = Operator::of(&fleet.coordinator.address)?;
        let calls = crew.tally.so_far().0;
        Ok(Self { fleet, crew, operator, begun: Instant::now(), calls, slow, reached: Vec::new() })
    }

    /// Goes through all of them. An error is one that was not reached, and why.
    pub(super) async fn run(&mut self) -> Result<(), Failed> {
        self.publish_2_0_0().await?;
        let second = self.canary().await?;
        self.coordinator_is_killed(second).await?;
        self.node_comes_back(second).await?;
        self.is_complete("2.0.0", second).await?;
        let third = self.first_zone().await?;
        self.gate_fails(third).await?;
        let third = self.forward_again().await?;
        self.is_complete("3.0.0", third).await?;
        self.oldest_is_retired().await
    }

    fn reached(&mut self, name: &'static str, what: String) {
        let (took, calls) = (self.begun.elapsed(), self.crew.tally.so_far().0);
        let reached = Reached { name, what, took, calls: calls - self.calls };
        say(&reached.text());
        (self.begun, self.calls) = (Instant::now(), calls);
        self.reached.push(reached);
    }

    /// As [`reached`](Self::reached), where nothing is under way but calls: there is time to look.
    async fn rests(&mut self, name: &'static str, what: String) {
        self.reached(name, what);
        if self.slow {
            tokio::time::sleep(WATCHED).await;
            (self.begun, self.calls) = (Instant::now(), self.crew.tally.so_far().0);
        }
    }

    /// First one node, for a while, then all others, two at a time.
    fn canary_schedule(&self) -> String {
        let bake = if self.slow { BAKES_SLOWLY } else { BAKES };
        format!("[canary]\nstages = [1]\nbake = \"{bake}\"\n\n[rolling]\nat_once = 2\n\n[gates]\nstandard = false\n")
    }

    /// From here on every node may be at this version, too.
    fn may_come_to(&self, version: &'static str) {
        self.crew.models().for_each(|model| model.standing.may_come_to(version));
    }

    fn is_at(&self, version: &'static str) {
        self.crew.models().for_each(|model| model.standing.is_at(version));
    }

    async fn publish_2_0_0(&mut self) -> Result<(), Failed> {
        self.operator.nodes_serve(self.fleet.nodes.len()).await?;
        self.operator.publish("1.0.0", "1.1.0").await?;
        let added = self.operator.publish("1.1.0", "2.0.0").await?;
        if added != ["2.0.0"] {
            return Err(format!("2.0.0 should be new, and {added:?} is").into());
        }
        let plan = self.operator.plan("2.0.0", &self.canary_schedule()).await?;
        if let Some(blocker) = plan.blockers.iter().find(|blocker| blocker.blocks) {
            return Err(format!("the plan is blocked: {}", blocker.what).into());
        }
        self.rests("2.0.0 is published", format!("{} stages are planned", plan.stages.len())).await;
        Ok(())
    }

    async fn canary(&mut self) -> Result<u64, Failed> {
        // It misses the upgrade, and nobody knows when it will be back.
        self.fleet.nodes[AWAY].kill().await?;
        self.may_come_to("2.0.0");
        let number = self.operator.start("2.0.0", &self.canary_schedule()).await?;
        let status = self.operator.until(number, "the canary at 2.0.0", |status| status.there >= 1).await?;
        let canary = at(&status, "2.0.0");
        if canary.len() != 1 {
            return Err(format!("one node should have come first, and {canary:?} have").into());
        }
        self.reached("canary", format!("{} came first, and bakes for a while; {} is away", canary[0], self.away()));
        Ok(number)
    }

    async fn coordinator_is_killed(&mut self, number: u64) -> Result<(), Failed> {
        self.fleet.coordinator.kill_and_start().await?;
        let all_but_one = self.fleet.nodes.len() as u64 - 1;
        self.operator.until(number, "all but one at 2.0.0", |status| status.there >= all_but_one).await?;
        let told = "the coordinator was killed and started again, and goes on".to_owned();
        self.reached("rolling", told);
        Ok(())
    }

    async fn node_comes_back(&mut self, number: u64) -> Result<(), Failed> {
        let status = self.operator.status(number).await?;
        if status.there + 1 != self.fleet.nodes.len() as u64 || is(UpgradeState::Complete)(&status) {
            return Err(format!("the upgrade should wait for {}: {status:?}", self.away()).into());
        }
        self.fleet.nodes[AWAY].start_again().await?;
        self.operator.until(number, "all nodes at 2.0.0", is(UpgradeState::Complete)).await?;
        self.reached("back again", format!("{} was away, and is brought up to the others", self.away()));
        Ok(())
    }

    async fn is_complete(&mut self, version: &'static str, number: u64) -> Result<(), Failed> {
        self.is_at(version);
        self.crew.everything_once(version).await?;
        self.operator.finalize(number).await?;
        self.operator.until(number, "the end", is(UpgradeState::Finalized)).await?;
        self.rests("finalized", format!("every node runs {version}, and none goes back")).await;
        Ok(())
    }

    async fn first_zone(&mut self) -> Result<u64, Failed> {
        self.operator.publish("2.0.0", "3.0.0").await?;
        self.may_come_to("3.0.0");
        let number = self.operator.start("3.0.0", ZONES).await?;
        let status = self.operator.until(number, "the first zone at 3.0.0", |status| status.there >= 2).await?;
        self.reached("3.0.0, zone by zone", format!("{} came first", at(&status, "3.0.0").join(" and ")));
        Ok(number)
    }

    async fn gate_fails(&mut self, number: u64) -> Result<(), Failed> {
        let faulty = &self.fleet.nodes[FAULTY];
        faulty.report_disk_errors(7)?;
        let status = self.operator.until(number, "the way back", is(UpgradeState::RolledBack)).await?;
        let why = status.upgrade.map(|upgrade| upgrade.why).unwrap_or_default();
        if !why.contains("disks") {
            return Err(format!("it should have gone back because of the gate `disks`, and went because: {why}").into());
        }
        self.fleet.nodes[FAULTY].report_disk_errors(0)?;
        self.is_at("2.0.0");
        self.crew.everything_once("back").await?;
        self.rests("rolled back", format!("by itself: {why}")).await;
        Ok(())
    }

    async fn forward_again(&mut self) -> Result<u64, Failed> {
        self.may_come_to("3.0.0");
        let number = self.operator.start("3.0.0", ZONES).await?;
        self.killed_in_transform().await?;
        self.operator.until(number, "all nodes at 3.0.0", is(UpgradeState::Complete)).await?;
        let killed = self.fleet.nodes[KILLED].place.name;
        self.reached("forward again", format!("{killed} was killed while it transformed its state, and went on"));
        Ok(number)
    }

    /// Kills a node as soon as it transforms its state, and starts it again.
    async fn killed_in_transform(&mut self) -> Result<(), Failed> {
        let node = &mut self.fleet.nodes[KILLED];
        let mut client = NodeClient::new(Channel::owner(&node.admin).user_agent("straddle-demo").build()?);
        let mut changes = client.watch(WatchRequest {}).await?.into_inner();
        let end = Instant::now() + PATIENCE;
        loop {
            let status = timeout_at(end, changes.message()).await??.ok_or("the node stopped telling")?;
            if status.phase() == Phase::Transforming {
                break;
            }
            if status.version == "3.0.0" {
                return Err("the node was not seen while it transformed its state".into());
            }
        }
        node.kill().await?;
        Ok(node.start_again().await?)
    }

    fn away(&self) -> &'static str {
        self.fleet.nodes[AWAY].place.name
    }
}

fn at(status: &UpgradeStatus, version: &str) -> Vec<String> {
    status.nodes.iter().filter(|node| node.version == version).map(|node| node.node.clone()).collect()
}
