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

/// The version that the node begins at which is killed in the middle of a move.
pub(super) const KILLED: &str = "2.0.0";

/// How long a node may take to start, and to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// Nodes that stop when this is dropped, whatever happens to us: each ends when its standard input does.
pub(super) struct Cluster {
    pub(super) nodes: Vec<Node>,
    /// States and logs.
    folder: TempDir,
}

/// A node that can be called.
#[derive(Clone)]
pub(super) struct Reached {
    /// The version that it begins at.
    pub(super) version: &'static str,
    pub(super) address: String,
    /// Where it is told what to do.
    pub(super) admin: String,
}

/// One node and its process.
pub(super) struct Node {
    pub(super) reached: Reached,
    process: Child,
    /// The node serves until this is closed.
    lifeline: Option<ChildStdin>,
    folder: PathBuf,
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
        let reached = Reached { version, address: "127.0.0.1:0".to_owned(), admin: "127.0.0.1:0".to_owned() };
        // So that there is time to kill it in the middle.
        Self::run(reached, folder.to_owned(), version == KILLED).await
    }

    /// Kills the node as nothing else can be: it does not even notice.
    pub(super) async fn kill(&mut self) -> io::Result<()> {
        self.process.kill().await
    }

    /// Starts the node again, with the same state and at the same addresses.
    pub(super) async fn restart(&mut self) -> io::Result<()> {
        *self = Self::run(self.reached.clone(), self.folder.clone(), false).await?;
        Ok(())
    }

    async fn run(reached: Reached, folder: PathBuf, slowly: bool) -> io::Result<Self> {
        let version = reached.version;
        let log = std::fs::File::options().create(true).append(true).open(log(&folder, version))?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["serve-example", "--until-stdin-ends", "--version", version])
            .args(["--listen", &reached.address, "--admin", &reached.admin, "--state"])
            .arg(folder.join(version))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true);
        if slowly {
            command.args(["--transform-for", "2s"]);
        }
        let mut process = command.spawn()?;
        let lifeline = process.stdin.take();
        let Some(output) = process.stdout.take() else {
            return Err(io::Error::other("a node's output was not piped"));
        };
        let mut lines = BufReader::new(output).lines();
        let mut addresses = Vec::new();
        for _ in 0..2 {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.map_err(|_| {
                io::Error::new(io::ErrorKind::TimedOut, format!("the node {version} did not start within {PATIENCE:?}"))
            })??;
            let Some(address) = line.as_deref().and_then(|line| line.rsplit(' ').next()) else {
                let said = said(&folder, version);
                return Err(io::Error::other(format!("the node {version} did not start: {said}")));
            };
            addresses.push(address.to_owned());
        }
        let [address, admin] = <[String; 2]>::try_from(addresses).unwrap_or_default();
        Ok(Self { reached: Reached { version, address, admin }, process, lifeline, folder })
    }

    async fn stop(&mut self) -> io::Result<()> {
        drop(self.lifeline.take());
        let ended = tokio::time::timeout(PATIENCE, self.process.wait()).await;
        let failed = |what: String| {
            let version = self.reached.version;
            Err(io::Error::other(format!("the node {version} {what}: {}", said(&self.folder, version))))
        };
        match ended {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => failed(format!("ended with {status}")),
            Ok(Err(error)) => Err(error),
            Err(_) => failed(format!("did not stop within {PATIENCE:?}")),
        }
    }
}

fn log(folder: &Path, version: &str) -> PathBuf {
    folder.join(format!("{version}.log"))
}

fn said(folder: &Path, version: &str) -> String {
    std::fs::read_to_string(log(folder, version)).unwrap_or_default().trim().to_owned()
}
