//! The demo's nodes: processes of their own, each on a free port.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

/// The versions that nodes run, oldest first.
pub(super) const NODES: [&str; 3] = ["1.1.0", "2.0.0", "3.0.0"];

/// How long a node may take to start, and to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// Nodes that stop when this is dropped, whatever happens to us: each ends when its standard input does.
pub(super) struct Cluster {
    nodes: Vec<Node>,
    /// States and logs.
    folder: TempDir,
}

/// A node that can be called.
pub(super) struct Reached {
    pub(super) version: &'static str,
    pub(super) address: String,
}

/// One node and its process.
pub(super) struct Node {
    pub(super) reached: Reached,
    process: Child,
    /// The node serves until this is closed.
    lifeline: Option<ChildStdin>,
    log: PathBuf,
}

impl Cluster {
    pub(super) async fn start() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("straddle-demo-").tempdir()?;
        let mut nodes = Vec::new();
        for version in NODES {
            nodes.push(Node::start(version, folder.path()).await?);
        }
        Ok(Self { nodes, folder })
    }

    pub(super) fn reached(&self) -> impl Iterator<Item = &Reached> {
        self.nodes.iter().map(|node| &node.reached)
    }

    /// Stops the nodes as an operator would; an error when one did not stop well.
    pub(super) async fn stop(mut self) -> io::Result<()> {
        for node in &mut self.nodes {
            node.stop().await?;
        }
        self.folder.close()
    }
}

impl Node {
    async fn start(version: &'static str, folder: &Path) -> io::Result<Self> {
        let log = folder.join(format!("{version}.log"));
        let mut process = Command::new(std::env::current_exe()?)
            .args(["serve-example", "--listen", "127.0.0.1:0", "--until-stdin-ends", "--version", version, "--state"])
            .arg(folder.join(version))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log)?)
            .kill_on_drop(true)
            .spawn()?;
        let lifeline = process.stdin.take();
        let Some(output) = process.stdout.take() else {
            return Err(io::Error::other("a node's output was not piped"));
        };
        let mut lines = BufReader::new(output).lines();
        let first = tokio::time::timeout(PATIENCE, lines.next_line()).await.map_err(|_| {
            io::Error::new(io::ErrorKind::TimedOut, format!("the node {version} did not start within {PATIENCE:?}"))
        })??;
        let Some(address) = first.as_deref().and_then(|line| line.rsplit(' ').next()) else {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            return Err(io::Error::other(format!("the node {version} did not start: {}", said.trim())));
        };
        let reached = Reached { version, address: address.to_owned() };
        Ok(Self { reached, process, lifeline, log })
    }

    async fn stop(&mut self) -> io::Result<()> {
        drop(self.lifeline.take());
        let ended = tokio::time::timeout(PATIENCE, self.process.wait()).await;
        let failed = |what: String| {
            let said = std::fs::read_to_string(&self.log).unwrap_or_default();
            Err(io::Error::other(format!("the node {} {what}: {}", self.reached.version, said.trim())))
        };
        match ended {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => failed(format!("ended with {status}")),
            Ok(Err(error)) => Err(error),
            Err(_) => failed(format!("did not stop within {PATIENCE:?}")),
        }
    }
}
