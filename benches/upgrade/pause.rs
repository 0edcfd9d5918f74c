//! What callers feel of a soft upgrade: calls at a fixed rate, whatever becomes of those before, while a node moves from
//! 1.1.0 to 2.0.0. The node is a process of its own; so is what calls it.

mod load;
pub(crate) mod node;
pub(crate) mod state;

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

pub(crate) use self::load::{Call, Load};
use crate::options::Options;
use crate::records::{scratch, text};

/// How long the node is called before anything is measured: caches fill.
const WARM: Duration = Duration::from_secs(2);
/// What belongs to the move, behind its end.
const AFTER: Duration = Duration::from_secs(1);

/// A move.
pub(crate) struct Row {
    pub(crate) mode: &'static str,
    pub(crate) items: usize,
    /// Calls that were begun before the move, from its start to a second after its end, and from there to the end of what
    /// a lazy move leaves to be done.
    pub(crate) before: Vec<Call>,
    pub(crate) during: Vec<Call>,
    pub(crate) filling: Vec<Call>,
    /// As the node tells it.
    pub(crate) pause: Duration,
    pub(crate) took: Duration,
    /// Until all records were there.
    pub(crate) filled: Duration,
    /// Of the node, when the move began, and at most until the end, in bytes.
    pub(crate) idle: u64,
    pub(crate) peak: u64,
}

pub(crate) fn rows(options: &Options) -> Result<Vec<Row>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(text)?;
    let mut rows = Vec::new();
    for items in &options.records {
        let folder = scratch(options)?;
        eprintln!("a node with {items} items");
        let first = folder.path().join("first");
        runtime.block_on(state::make(&first, *items))?;
        for (mode, _) in options.modes() {
            eprintln!("a node with {items} items is upgraded, {mode}");
            let state = folder.path().join(mode);
            state::copy(&first, &state).map_err(text)?;
            rows.push(runtime.block_on(row(options, mode, *items, &state))?);
            std::fs::remove_dir_all(&state).map_err(text)?;
        }
    }
    Ok(rows)
}

async fn row(options: &Options, mode: &'static str, items: usize, state: &Path) -> Result<Row, String> {
    let mut node = Node::start(mode, state)?;
    let [address] = node.hear("ready").await?;
    let load = Load::begin(&address, options.rate, items).await?;
    tokio::time::sleep(WARM).await;
    let begun = Instant::now();
    tokio::time::sleep(options.before).await;
    let upgrade = Instant::now();
    node.tell("upgrade").await?;
    let [pause, took, idle] = node.hear("moved").await?;
    let moved = Instant::now() + AFTER;
    tokio::time::sleep(AFTER).await;
    let [filled, peak] = node.hear("filled").await?;
    let end = Instant::now().max(moved);
    let calls = load.end().await?;
    node.stop().await?;
    let within = |from: Instant, to: Instant| {
        calls.iter().filter(|call| (from..to).contains(&call.intended)).cloned().collect::<Vec<_>>()
    };
    Ok(Row {
        mode,
        items,
        before: within(begun, upgrade),
        during: within(upgrade, moved),
        filling: within(moved, end),
        pause: micros(&pause)?,
        took: micros(&took)?,
        filled: micros(&filled)?,
        idle: idle.parse().map_err(text)?,
        peak: peak.parse().map_err(text)?,
    })
}

fn micros(text: &str) -> Result<Duration, String> {
    text.parse().map(Duration::from_micros).map_err(crate::records::text)
}

/// The process of a node. It ends with this.
pub(crate) struct Node {
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Node {
    pub(crate) fn start(mode: &str, state: &Path) -> Result<Self, String> {
        Self::run(&["--node".as_ref(), mode.as_ref(), state.as_ref()])
    }

    /// This program with arguments that make it something else.
    pub(crate) fn run(arguments: &[&OsStr]) -> Result<Self, String> {
        let this = std::env::current_exe().map_err(text)?;
        let mut command = Command::new(this);
        command.args(arguments);
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().map_err(text)?;
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let (Some(input), Some(output)) = (input, output) else { return Err("there are no pipes".to_owned()) };
        Ok(Self { process, input, output: BufReader::new(output).lines() })
    }

    pub(crate) async fn tell(&mut self, what: &str) -> Result<(), String> {
        self.input.write_all(format!("{what}\n").as_bytes()).await.map_err(text)
    }

    /// What the node says behind `what`.
    pub(crate) async fn hear<const N: usize>(&mut self, what: &str) -> Result<[String; N], String> {
        let line = self.output.next_line().await.map_err(text)?.unwrap_or_default();
        let mut words = line.split_whitespace().map(str::to_owned);
        let said = words.next().is_some_and(|said| said == what);
        let words: Vec<String> = words.collect();
        words.try_into().ok().filter(|_| said).ok_or_else(|| format!("the node says {line:?} instead of {what}"))
    }

    pub(crate) async fn stop(mut self) -> Result<(), String> {
        drop(self.input);
        let status = self.process.wait().await.map_err(text)?;
        if status.success() { Ok(()) } else { Err(format!("the node ended with {status}")) }
    }
}
