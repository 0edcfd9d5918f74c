//! An upgrade as it goes on: a bar on a terminal, lines elsewhere, JSON for scripts.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Status};

use super::doing::{NOT_IN_TIME, Wish, code, number, rests};
use super::text;
use crate::cli::Outcome;
use crate::cli::inspect::printable;
use crate::cli::node::{line, say, say_aside};
use crate::cli::operator::{Operator, json, table, words};
use crate::control::v1_0_0::{Blocker, NodeInUpgrade, UpgradeStatus, WatchUpgradeRequest};

/// How long a coordinator that went away is waited for, and between two tries.
const PATIENCE: Duration = Duration::from_secs(60);
const TRIES_EACH: Duration = Duration::from_millis(500);

/// Follows an upgrade until nothing happens any more by itself, also over restarts of the coordinator; no longer than it may take.
pub(super) async fn run(
    mut operator: Operator,
    first: &UpgradeStatus,
    wish: Wish,
    within: Option<Duration>,
) -> Outcome {
    let mut progress = Progress::new(operator.json, first);
    let mut last = first.clone();
    progress.show(&last)?;
    let followed = follow(&mut operator, &mut progress, &mut last);
    let followed = match within {
        None => followed.await?,
        Some(within) => match timeout(within, followed).await {
            Ok(followed) => followed?,
            Err(_) => Followed::NotInTime,
        },
    };
    progress.end();
    if let Followed::Lost(status) = &followed {
        return operator.failed(status);
    }
    if !operator.json {
        say(text::status(&last).trim_end())?;
    }
    if let Followed::NotInTime = followed {
        say_aside("the time to follow it is over; the upgrade itself goes on as before");
        return Ok(ExitCode::from(NOT_IN_TIME));
    }
    Ok(code(&last, wish))
}

/// How following ended.
enum Followed {
    /// Nothing happens any more by itself.
    ToRest,
    /// The coordinator is gone, or does not know of it.
    Lost(Status),
    NotInTime,
}

async fn follow(operator: &mut Operator, progress: &mut Progress, last: &mut UpgradeStatus) -> io::Result<Followed> {
    let number = number(last);
    let mut gone: Option<(Instant, Status)> = None;
    // What was asked for is in what came first; so what comes is of after it.
    while !rests(last) {
        let request = operator.following(WatchUpgradeRequest { number });
        let ended = match operator.client.watch_upgrade(request).await {
            Ok(updates) => {
                let mut updates = updates.into_inner();
                loop {
                    match updates.message().await {
                        Ok(Some(status)) => {
                            gone = None;
                            *last = status;
                            progress.show(last)?;
                            if rests(last) {
                                break None;
                            }
                        }
                        Ok(None) => break Some(Status::unavailable("the coordinator stopped telling")),
                        Err(status) => break Some(status),
                    }
                }
            }
            Err(status) => Some(status),
        };
        if let Some(status) = ended {
            let since = gone.as_ref().map_or_else(Instant::now, |(since, _)| *since);
            if !may_come_back(&status) || since.elapsed() > PATIENCE {
                return Ok(Followed::Lost(status));
            }
            if gone.is_none() {
                progress.aside("the coordinator cannot be reached; calls go on without it, and it is tried again");
            }
            gone = Some((since, status));
            sleep(TRIES_EACH).await;
        }
    }
    Ok(Followed::ToRest)
}

fn may_come_back(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Cancelled | Code::Unknown | Code::DeadlineExceeded)
}

struct Progress {
    form: Form,
    /// Of each node, what was told of it last.
    nodes: Vec<Seen>,
    /// The state, and how many nodes were there, as they were told last.
    arrived: Option<(i32, u64)>,
}

/// A node as it was told.
#[derive(Clone, PartialEq, Eq)]
struct Seen {
    name: String,
    version: String,
    doing: String,
}

enum Form {
    Bar(ProgressBar),
    /// The last line.
    Lines(String),
    Json,
}

/// Letters of what is waited for; all of it is told when the watching ends.
const LONGEST: usize = 100;
/// Of larger fleets, only counts are told, and so many times on the way.
const NODES: usize = 50;
const TIMES: u64 = 20;

impl Progress {
    fn new(json: bool, first: &UpgradeStatus) -> Self {
        let form = match json {
            true => Form::Json,
            false if io::stderr().is_terminal() => {
                let bar = bar(first, ProgressDrawTarget::stderr());
                bar.enable_steady_tick(Duration::from_millis(100));
                Form::Bar(bar)
            }
            false => Form::Lines(String::new()),
        };
        Self { form, nodes: Vec::new(), arrived: None }
    }

    fn show(&mut self, status: &UpgradeStatus) -> io::Result<()> {
        if let Form::Json = self.form {
            return line(&json::status(status));
        }
        for told in self.changes(status) {
            self.aside(&told);
        }
        let told = printable(&short(status)).replace('\n', " ");
        let arrives = self.arrives(status);
        match &mut self.form {
            Form::Bar(bar) => {
                // The bar's own line is gone when the watching ends.
                if arrives {
                    bar.println(printable(&counted(status)));
                }
                bar.set_length(status.total);
                bar.set_position(status.there);
                bar.set_message(told);
            }
            Form::Lines(last) if *last != told => {
                writeln!(io::stderr(), "{told}")?;
                *last = told;
            }
            Form::Lines(_) | Form::Json => {}
        }
        Ok(())
    }

    /// Whether it has come to another state, or more nodes to where they are to be: in a large fleet a good part of them.
    fn arrives(&mut self, status: &UpgradeStatus) -> bool {
        let large = status.total > NODES as u64;
        let there =
            if large { (status.there * TIMES).checked_div(status.total).unwrap_or_default() } else { status.there };
        let now = (status.upgrade.as_ref().map(|upgrade| upgrade.state).unwrap_or_default(), there);
        self.arrived.replace(now).is_some_and(|before| before != now)
    }

    /// What is new of each node, a line each.
    fn changes(&mut self, status: &UpgradeStatus) -> Vec<String> {
        if status.nodes.len() > NODES {
            return Vec::new();
        }
        let now = if status.nodes.is_empty() { self.come(status) } else { status.nodes.iter().map(seen).collect() };
        let before = std::mem::replace(&mut self.nodes, now);
        if before.is_empty() {
            return Vec::new();
        }
        let new = self.nodes.iter().filter(|node| !before.contains(node));
        new.map(|Seen { name, version, doing }| format!("{name}  {version} {doing}")).collect()
    }

    /// The nodes of one that has ended, of which counts are all that is told: who has come last is known if all have.
    fn come(&self, status: &UpgradeStatus) -> Vec<Seen> {
        let target = text::target(status);
        let mut nodes = self.nodes.clone();
        for node in nodes.iter_mut().filter(|node| status.there == status.total && node.version != target) {
            (node.version, node.doing) = (target.clone(), "is there".to_owned());
        }
        nodes
    }

    fn aside(&self, told: &str) {
        let told = printable(told).replace('\n', " ");
        match &self.form {
            Form::Bar(bar) => bar.println(told),
            Form::Lines(_) | Form::Json => say_aside(&told),
        }
    }

    fn end(&self) {
        if let Form::Bar(bar) = &self.form {
            bar.finish_and_clear();
        }
    }
}

fn seen(node: &NodeInUpgrade) -> Seen {
    let doing = if node.connected { words::phase(node.phase) } else { "away".to_owned() };
    let failure = node.failure.as_ref().map(|why| format!(", failed: {}", table::short(why, LONGEST)));
    let doing = format!("{doing}{}", failure.unwrap_or_default());
    Seen { name: node.node.clone(), version: node.version.clone(), doing }
}

/// On one line: the state, how many are where, and the first thing that it waits for.
fn short(status: &UpgradeStatus) -> String {
    let what = |blocker: &Blocker| table::short(&blocker.what, LONGEST);
    let waits = status.waits_for.first().filter(|_| status.total > 0);
    let waits = waits.map(|blocker| format!("; waits for {}: {}", blocker.rule, what(blocker)));
    format!("{}{}", counted(status), waits.unwrap_or_default())
}

/// The state, and how many are where.
fn counted(status: &UpgradeStatus) -> String {
    let state = words::state(status.upgrade.as_ref().map(|upgrade| upgrade.state).unwrap_or_default());
    if status.total == 0 { state } else { format!("{state}: {}", text::counts(status)) }
}

/// A line that is drawn anew; a longer text is cut where the terminal ends.
fn bar(first: &UpgradeStatus, target: ProgressDrawTarget) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(first.total), target);
    // The template is a constant; if it did not parse, the default bar would do.
    if let Ok(style) = ProgressStyle::with_template("{spinner} {bar:24} {elapsed}  {wide_msg}") {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests;
