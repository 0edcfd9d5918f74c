//! Programs of ours that are replaced under `straddle supervise`, as an operator asks it to.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::node::{ITEMS, read_item};
use super::probe::{Felt, watch};
use crate::options::Options;
use crate::pause::state;
use crate::records::{scratch, text};

const STRADDLE: &str = env!("CARGO_BIN_EXE_straddle");

/// By a program that runs the version that there is.
pub(super) async fn same_version(options: &Options) -> Result<Felt, String> {
    replaced(options, ["1.1.1", "1.1.0"], "1.1.0").await
}

/// By a program that takes the state to the next version, lazily.
pub(super) async fn next_version(options: &Options) -> Result<Felt, String> {
    replaced(options, ["2.0.0", "1.1.0,2.0.0"], "2.0.0").await
}

async fn replaced(options: &Options, [release, runs]: [&str; 2], to: &str) -> Result<Felt, String> {
    let scratch = scratch(options)?;
    let folder = fs::canonicalize(scratch.path()).map_err(text)?;
    make(&folder, "1.1.0", "1.1.0").await?;
    make(&folder, release, runs).await?;
    state::make(&folder.join("state/node"), ITEMS).await?;
    let supervisor = Supervisor::start(&folder).await?;
    let replace = ["node", "upgrade", &supervisor.admin, to];
    let felt = watch(read_item(&supervisor.callers)?, straddle(&replace)).await?;
    supervisor.stop().await?;
    Ok(felt)
}

/// A release of the inventory.
async fn make(folder: &Path, release: &str, runs: &str) -> Result<(), String> {
    let folder = folder.join("releases").join(release);
    fs::create_dir_all(&folder).map_err(text)?;
    let program = folder.join("server");
    let script = format!("#!/bin/sh\nexec {STRADDLE} serve-node --carry lazy --runs {runs}\n");
    fs::write(&program, script).map_err(text)?;
    fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).map_err(text)?;
    let folder = folder.display().to_string();
    straddle(&["release", &folder, "--program", "server", "--runs", runs, "--protocol", "inventory"]).await
}

/// Runs our program to its end.
pub(super) async fn straddle(arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new(STRADDLE);
    let output = command.args(arguments).stdin(Stdio::null()).kill_on_drop(true).output().await.map_err(text)?;
    let told = || format!("straddle {}: {}\n{}", arguments.join(" "), output.status, text_of(&output.stderr));
    if output.status.success() { Ok(()) } else { Err(told()) }
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A supervisor whose program serves. It ends with this.
struct Supervisor {
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    callers: String,
    admin: String,
}

impl Supervisor {
    /// Starts the release 1.1.0 of the folder.
    async fn start(folder: &Path) -> Result<Self, String> {
        let mut command = Command::new(STRADDLE);
        command.args(["supervise", "--json", "--until-stdin-ends", "--release", "1.1.0", "--listen", "127.0.0.1:0"]);
        command.arg("--state").arg(folder.join("state")).arg("--").arg(folder.join("releases/{version}/server"));
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().map_err(text)?;
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let (Some(input), Some(output)) = (input, output) else { return Err("there are no pipes".to_owned()) };
        let (callers, admin) = Default::default();
        let mut supervisor = Self { process, input, output: BufReader::new(output).lines(), callers, admin };
        let listening = supervisor.hear("listening").await?;
        let address = |name: &str| listening[name].as_str().unwrap_or_default().to_owned();
        (supervisor.callers, supervisor.admin) = (address("callers"), address("admin"));
        supervisor.hear("ready").await?;
        Ok(supervisor)
    }

    /// Waits until this happens.
    async fn hear(&mut self, event: &str) -> Result<Value, String> {
        while let Some(line) = self.output.next_line().await.map_err(text)? {
            let news: Value = serde_json::from_str(&line).map_err(text)?;
            if news["event"] == event {
                return Ok(news);
            }
        }
        Err(format!("the supervisor ended before `{event}`"))
    }

    async fn stop(mut self) -> Result<(), String> {
        // It stops its program then.
        drop(self.input);
        let status = self.process.wait().await.map_err(text)?;
        if status.success() { Ok(()) } else { Err(format!("the supervisor ended with {status}")) }
    }
}
