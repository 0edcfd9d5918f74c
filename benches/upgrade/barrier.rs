//! Nodes that switch at one word: how far apart, and what their callers feel. All nodes are in one process, on loopback; what
//! calls them is this one; `straddle barrier` is a process of its own, as for an operator.

pub(crate) mod cluster;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use self::cluster::Cluster;
use crate::options::Options;
use crate::pause::{Call, Load, state};
use crate::records::{scratch, text};

/// Items of each node: few, for what is measured is no copying.
const ITEMS: usize = 100;
/// Calls a second, of each node.
const RATE: u32 = 10;
/// What belongs to the move, behind its end.
const AFTER: Duration = Duration::from_secs(1);

/// Nodes that have switched.
pub(crate) struct Row {
    pub(crate) nodes: usize,
    /// From the first node that said that it has switched to the last, as the tool tells it.
    pub(crate) window: Duration,
    /// The longest time that new calls waited at a node, as it told.
    pub(crate) pause: Duration,
    /// From the first request to the decision.
    pub(crate) prepared: Duration,
    pub(crate) stragglers: u64,
    /// From before it began to a second behind its end.
    pub(crate) calls: Vec<Call>,
}

pub(crate) fn rows(options: &Options) -> Result<Vec<Row>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(text)?;
    let mut rows = Vec::new();
    for _ in 0..options.rounds {
        eprintln!("{} nodes switch at one word", options.nodes);
        let folder = scratch(options)?;
        rows.push(runtime.block_on(row(options.nodes, options.before, folder.path()))?);
    }
    Ok(rows)
}

async fn row(count: usize, before: Duration, folder: &Path) -> Result<Row, String> {
    let first = folder.join("first");
    state::make(&first, ITEMS).await?;
    for number in 0..count {
        state::copy(&first, &folder.join(number.to_string())).map_err(text)?;
    }
    let mut cluster = Cluster::start(count, folder)?;
    let (mut loads, mut admins) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let [callers, admin] = cluster.next().await?;
        loads.push(Load::begin(&callers, RATE, ITEMS).await?);
        admins.push(admin);
    }
    tokio::time::sleep(before).await;
    let told = tool(&admins, &folder.join("record.json")).await?;
    tokio::time::sleep(AFTER).await;
    let mut calls = Vec::new();
    for load in loads {
        calls.extend(load.end().await?);
    }
    cluster.stop().await?;
    let micros = |value: &Value| value.as_u64().map(Duration::from_micros).ok_or(format!("no time, but {value}"));
    let (decided, done) = (said(&told, "decided")?, said(&told, "done")?);
    Ok(Row {
        nodes: count,
        window: micros(&done["window_microseconds"])?,
        pause: micros(&done["longest_pause_microseconds"])?,
        prepared: micros(&decided["after_microseconds"])?,
        stragglers: done["stragglers"].as_u64().unwrap_or(u64::MAX),
        calls,
    })
}

/// What `straddle barrier` says, a JSON object a line.
async fn tool(admins: &[String], record: &Path) -> Result<Vec<Value>, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_straddle"));
    command.arg("barrier").args(admins).args(["--to", "2.0.0", "--json", "--record"]).arg(record);
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.map_err(text)?;
    if !output.status.success() {
        return Err(format!("straddle barrier: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).map_err(text)).collect()
}

fn said<'v>(told: &'v [Value], what: &str) -> Result<&'v Value, String> {
    told.iter().find_map(|line| line.get(what)).ok_or_else(|| format!("straddle barrier says no `{what}`"))
}
