//! `straddle demo`: a coordinator moves a fleet under callers of every version, and takes it back when a gate fails.
//!
//! Six nodes in three zones begin at 1.1.0. To 2.0.0 they go by a canary and then two at a time; the coordinator is killed
//! amid that, and one node is away. To 3.0.0 they go zone by zone; a fault trips a gate, the upgrade rolls back by itself,
//! and goes forward again, with a node killed while it transforms its state.

mod cluster;
mod operator;
mod stages;

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use self::cluster::{BEGINS_AT, Fleet};
use self::stages::Stages;
use super::crew::{Called, Crew, Failed};
use super::model::Cells;
use super::told::{finish, say, show_progress};
use crate::cli::arguments::DemoArguments;

/// The versions that nodes have.
const VERSIONS: [&str; 3] = ["1.1.0", "2.0.0", "3.0.0"];

pub(super) async fn demo(arguments: &DemoArguments, seed: u64) -> Result<ExitCode, Failed> {
    let mut fleet = Fleet::start().await?;
    say(&format!("the coordinator listens on {}", fleet.coordinator.address));
    for node in &fleet.nodes {
        say(&format!("node {}, at {BEGINS_AT}, listens on {}", node.place.name, node.address));
    }
    let least = Duration::from_secs(arguments.seconds);
    say(&format!(
        "callers of every version call each for {} s at least, while nodes move (seed {seed})",
        arguments.seconds
    ));
    let called = fleet.nodes.iter().map(|node| Called {
        name: node.place.name,
        begins_at: BEGINS_AT,
        moves: true,
        address: node.address.clone(),
    });
    let mut crew = Crew::gather(called.collect(), Cells::Versions, seed, least + Duration::from_secs(120)).await?;
    let end = Instant::now() + least;
    crew.work(end)?;
    let progress = tokio::spawn(show_progress(crew.tally.clone(), end));
    let mut stages = Stages::new(&mut fleet, &crew)?;
    let outcome = stages.run().await;
    let reached = stages.reached;
    crew.settle();
    let tally = crew.audit(|| {
        progress.abort();
        say("the auditor reads everything once more, in every version");
    });
    let tally = tally.await?;
    fleet.stop().await?;
    let report = tally.into_report(&VERSIONS, Vec::new());
    let mut text = report.text();
    for stage in &reached {
        text.push('\n');
        text.push_str(&stage.text());
    }
    let failure = outcome.err().map(|error| error.to_string());
    if let Some(failure) = &failure {
        text.push_str("\nnot reached: ");
        text.push_str(failure);
    }
    let mut json = report.json();
    json["stages"] = reached.iter().map(stages::Reached::json).collect::<Value>();
    json["not_reached"] = json!(failure);
    json["seconds"] = arguments.seconds.into();
    json["seed"] = seed.into();
    let good = report.is_good() && failure.is_none();
    json["good"] = good.into();
    finish(arguments, good, &text, &json)
}
