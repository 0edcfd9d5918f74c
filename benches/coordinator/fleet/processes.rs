//! The two processes, each on a core of its own.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde_json::Value;

use super::cost::Cost;
use super::text;
use crate::options::Options;

/// A core for the first or second process; none where there are too few.
pub(super) fn core(number: usize) -> Option<usize> {
    let allowed = sched_getaffinity(None).ok()?;
    // The last one first, since the first core has more of the system's own work.
    let all: Vec<usize> = (0..CpuSet::MAX_CPU).rev().filter(|core| allowed.is_set(*core)).collect();
    if all.len() > 1 { all.get(number).copied() } else { None }
}

/// Starts a process that stays on this core.
fn start(command: &mut Command, core: Option<usize>) -> Result<Child, String> {
    let before = sched_getaffinity(None).map_err(text)?;
    if let Some(core) = core {
        let mut one = CpuSet::new();
        one.set(core);
        // It inherits what holds for this thread.
        sched_setaffinity(None, &one).map_err(text)?;
    }
    let child = command.spawn();
    sched_setaffinity(None, &before).map_err(text)?;
    child.map_err(|error| format!("cannot start {}: {error}", command.get_program().to_string_lossy()))
}

/// `straddle coordinator`.
pub(super) struct Coordinator {
    child: Child,
    pub(super) address: String,
}

impl Coordinator {
    pub(super) fn start(folder: &Path, options: &Options, core: Option<usize>) -> Result<Self, String> {
        let events = File::create(folder.join("events.txt")).map_err(text)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_straddle"));
        command.args(["coordinator", "--listen", "127.0.0.1:0", "--allow-unsigned", "--until-stdin-ends"]);
        command.arg("--report-every").arg(format!("{}ms", options.report_every.as_millis()));
        command.arg("--most-agents").arg(options.fleet.to_string());
        command.arg("--data").arg(folder.join("data"));
        let child = start(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(events), core)?;
        let mut own = Self { child, address: String::new() };
        let mut line = String::new();
        let output = own.child.stdout.take().ok_or("no output")?;
        BufReader::new(output).read_line(&mut line).map_err(text)?;
        line.split_whitespace().next_back().ok_or("the coordinator did not start")?.clone_into(&mut own.address);
        Ok(own)
    }

    pub(super) fn cost(&self) -> Result<Cost, String> {
        Cost::of(self.child.id())
    }

    pub(super) fn stop(mut self) -> Result<(), String> {
        drop(self.child.stdin.take());
        let status = self.child.wait().map_err(text)?;
        if status.success() { Ok(()) } else { Err(format!("the coordinator ended with {status}")) }
    }
}

impl Drop for Coordinator {
    fn drop(&mut self) {
        // It has ended already, where all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This program again, as all the nodes.
pub(super) struct World {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl World {
    pub(super) fn start(address: &str, options: &Options, core: Option<usize>) -> Result<Self, String> {
        let mut command = Command::new(std::env::current_exe().map_err(text)?);
        command.args(["--world", address, "--fleet", &options.fleet.to_string()]);
        let mut child = start(command.stdin(Stdio::piped()).stdout(Stdio::piped()), core)?;
        let input = child.stdin.take().ok_or("no input")?;
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        Ok(Self { child, input, output })
    }

    /// Has something done, and waits until it is.
    pub(super) fn ask(&mut self, what: &str, with: &Value) -> Result<Value, String> {
        writeln!(self.input, "{what} {with}").map_err(text)?;
        self.expect(what)
    }

    /// What stands after this word in the next line.
    pub(super) fn expect(&mut self, word: &str) -> Result<Value, String> {
        let mut line = String::new();
        self.output.read_line(&mut line).map_err(text)?;
        let rest = line.strip_prefix(word).ok_or_else(|| format!("the nodes said {line:?} in place of {word}"))?;
        serde_json::from_str(rest).map_err(text)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
