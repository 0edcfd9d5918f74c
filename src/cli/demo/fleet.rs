//! `straddle demo`: a coordinator moves a fleet under callers of every version, and takes it back when a gate fails.
//!
//! Six nodes in three zones begin at 1.1.0. To 2.0.0 they go by a canary and then two at a time; the coordinator is killed
//! amid that, and one node is away. To 3.0.0 they go zone by zone; a fault trips a gate, the upgrade rolls back by itself,
//! and goes forward again, with a node killed while it transforms its state. In the end 1.0.0 is retired: not before its last
//! caller, who says nothing of versions, has moved.

mod cluster;
mod keeping;
mod operator;
mod stages;

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use self::cluster::{BEGINS_AT, Fleet};
pub(super) use self::keeping::Keeping;
use self::stages::{Reached, Stages};
use super::crew::{Called, Crew, Failed};
use super::model::Cells;
use super::tally::Tally;
use super::told::{finish, say, show_progress};
use crate::cli::arguments::DemoArguments;

/// The versions that nodes have.
const VERSIONS: [&str; 3] = ["1.1.0", "2.0.0", "3.0.0"];

/// How much longer than what is wanted the run may take, about.
const LONGEST: Duration = Duration::from_secs(360);

pub(super) async fn demo(arguments: &DemoArguments, seed: u64, keeps: &Keeping) -> Result<ExitCode, Failed> {
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
    let mut crew = Crew::gather(called.collect(), Cells::Versions, seed, least + LONGEST).await?;
    let end = Instant::now() + least;
    crew.work(end)?;
    let progress = tokio::spawn(show_progress(crew.tally.clone(), end));
    let mut stages = Stages::new(&mut fleet, &mut crew, arguments.slow)?;
    let outcome = stages.run().await;
    let reached = stages.reached;
    crew.settle();
    let called = crew.nodes();
    let tally = crew.audit(|| {
        progress.abort();
        say("the auditor reads everything once more, in every version");
    });
    let tally = tally.await?;
    if !arguments.keep {
        fleet.stop().await?;
        return told(arguments, seed, tally, &reached, outcome);
    }
    let code = told(arguments, seed, tally, &reached, outcome)?;
    keeps.until_its_end(&fleet, &called, seed).await?;
    fleet.stop().await?;
    Ok(code)
}

/// Tells what came of it.
fn told(
    arguments: &DemoArguments,
    seed: u64,
    tally: Tally,
    reached: &[Reached],
    outcome: Result<(), Failed>,
) -> Result<ExitCode, Failed> {
    let report = tally.into_report(&VERSIONS, Vec::new());
    let mut text = report.text();
    for stage in reached {
        text.push('\n');
        text.push_str(&stage.text());
    }
    let failure = outcome.err().map(|error| error.to_string());
    if let Some(failure) = &failure {
        text.push_str("\nnot reached: ");
        text.push_str(failure);
    }
    let mut json = report.json();
    json["stages"] = reached.iter().map(Reached::json).collect::<Value>();
    json["not_reached"] = json!(failure);
    json["seconds"] = arguments.seconds.into();
    json["seed"] = seed.into();
    let good = report.is_good() && failure.is_none();
    json["good"] = good.into();
    finish(arguments, good, &text, &json)
}
