//! `straddle demo --ways`: nodes that move each in a way of its own, told what to do one by one.
//!
//! Seven nodes, at 1.1.0, 2.0.0 and 3.0.0. All but one go to 3.0.0, back to 2.0.0 and to 3.0.0 again: one within its
//! program, one whose program a supervisor replaces, one that is drained before, three at one word. One is killed on its
//! way, and started again; one release is broken, and falls back.

mod cluster;
mod moves;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use self::cluster::{Cluster, Way};
pub(super) use self::moves::{Made, heading};
use self::moves::{Moving, steps};
use super::crew::{Called, Crew, Failed};
use super::model::{Cells, Model};
use super::told::{finish, say, show_progress};
use crate::cli::arguments::DemoArguments;

pub(super) async fn demo(arguments: &DemoArguments, seed: u64) -> Result<ExitCode, Failed> {
    let seconds = arguments.seconds;
    let mut cluster = Cluster::start().await?;
    let names: Vec<&str> = cluster.reached().map(|node| node.place.name).collect();
    for node in cluster.reached() {
        say(&format!("node {}, at {}, listens on {}", node.place.name, node.place.begins_at, node.address));
    }
    say(&format!("callers of every version call each for {seconds} s, while nodes move (seed {seed})"));
    let time = Duration::from_secs(seconds);
    let called = cluster.reached().map(|node| Called {
        name: node.place.name,
        begins_at: node.place.begins_at,
        moves: !steps(node.place.way).is_empty(),
        address: node.address.clone(),
    });
    let mut crew = Crew::gather(called.collect(), Cells::Nodes, seed, time).await?;
    let end = Instant::now() + time;
    crew.work(end)?;
    let progress = tokio::spawn(show_progress(crew.tally.clone(), end));
    let models: Vec<Arc<Model>> = crew.models().cloned().collect();
    let moved = move_all(&mut cluster, &models, time).await;
    let tally = crew.audit(|| {
        progress.abort();
        say("the auditor reads everything once more, in every version");
    });
    let tally = tally.await?;
    let moved = moved?;
    cluster.stop().await?;
    let report = tally.into_report(&names, moved);
    let mut json = report.json();
    json["seconds"] = seconds.into();
    json["seed"] = seed.into();
    finish(arguments, report.is_good(), &report.text(), &json)
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
