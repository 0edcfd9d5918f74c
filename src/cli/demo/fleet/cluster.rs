//! The fleet: a coordinator and six nodes in three zones, each a process of its own.

use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::super::process::Running;

/// A node, as it is meant to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) name: &'static str,
    zone: &'static str,
    /// It transforms its state slowly, so that there is time to kill it in the middle.
    slow: bool,
}

/// The version that all begin at.
pub(super) const BEGINS_AT: &str = "1.1.0";

/// The node in which a fault is put.
pub(super) const FAULTY: usize = 0;
/// The node that is killed while it transforms.
pub(super) const KILLED: usize = 2;
/// The node that is away for a while.
pub(super) const AWAY: usize = 5;

const PLACES: [Place; 6] = [
    Place { name: "a-1", zone: "a", slow: false },
    Place { name: "a-2", zone: "a", slow: false },
    Place { name: "b-1", zone: "b", slow: true },
    Place { name: "b-2", zone: "b", slow: false },
    Place { name: "c-1", zone: "c", slow: false },
    Place { name: "c-2", zone: "c", slow: false },
];

const TRANSFORM_FOR: &str = "1500ms";
const REPORT_EVERY: &str = "250ms";
/// So that it is known soon that nobody calls a version any more.
const TELL_CALLS_EVERY: &str = "1s";

/// Processes that stop when this is dropped, whatever happens to us: each ends when its standard input does.
pub(super) struct Fleet {
    pub(super) coordinator: Coordinator,
    pub(super) nodes: Vec<Node>,
    /// States, logs, the upgrade database.
    folder: TempDir,
}

pub(super) struct Coordinator {
    pub(super) address: String,
    folder: PathBuf,
    running: Running,
}

pub(super) struct Node {
    pub(super) place: Place,
    pub(super) address: String,
    pub(super) admin: String,
    coordinator: String,
    folder: PathBuf,
    running: Running,
}

impl Fleet {
    pub(super) async fn start() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("straddle-demo-").tempdir()?;
        let coordinator = Coordinator::start(folder.path().to_owned(), "127.0.0.1:0").await?;
        let mut nodes = Vec::new();
        for place in PLACES {
            let anywhere = ["127.0.0.1:0", "127.0.0.1:0"];
            nodes.push(Node::start(place, folder.path(), &coordinator.address, anywhere).await?);
        }
        Ok(Self { coordinator, nodes, folder })
    }

    /// Stops all as an operator would; an error when one did not stop well.
    pub(super) async fn stop(mut self) -> io::Result<()> {
        for node in &mut self.nodes {
            node.running.stop().await?;
        }
        self.coordinator.running.stop().await?;
        self.folder.close()
    }
}

impl Coordinator {
    async fn start(folder: PathBuf, address: &str) -> io::Result<Self> {
        let mut arguments = ["coordinator", "--until-stdin-ends", "--allow-unsigned", "--report-every", REPORT_EVERY]
            .map(String::from)
            .to_vec();
        arguments.extend(["--listen", address, "--data"].map(String::from));
        arguments.push(folder.join("coordinator").display().to_string());
        let mut running = Running::start("coordinator", &folder, &arguments, false)?;
        let address = running.address().await?;
        Ok(Self { address, folder, running })
    }

    /// Kills it as nothing else can be, and starts it again.
    pub(super) async fn kill_and_start(&mut self) -> io::Result<()> {
        self.running.kill().await?;
        *self = Self::start(self.folder.clone(), &self.address).await?;
        Ok(())
    }
}

impl Node {
    async fn start(place: Place, folder: &Path, coordinator: &str, [address, admin]: [&str; 2]) -> io::Result<Self> {
        let mut arguments = ["serve-example", "--until-stdin-ends", "--version", BEGINS_AT].map(String::from).to_vec();
        arguments.extend(["--listen", address, "--admin", admin].map(String::from));
        arguments.extend(["--state".to_owned(), folder.join(place.name).display().to_string()]);
        arguments.extend(["--values".to_owned(), values(folder, place).display().to_string()]);
        arguments.extend(["--coordinator", coordinator, "--node", place.name, "--label"].map(String::from));
        arguments.push(format!("zone={}", place.zone));
        arguments.extend(["--tell-calls-every", TELL_CALLS_EVERY].map(String::from));
        if place.slow {
            arguments.extend(["--transform-for", TRANSFORM_FOR].map(String::from));
        }
        let mut running = Running::start(place.name, folder, &arguments, false)?;
        let (address, admin) = (running.address().await?, running.address().await?);
        Ok(Self { place, address, admin, coordinator: coordinator.to_owned(), folder: folder.to_owned(), running })
    }

    /// Kills the node as nothing else can be: it does not even notice.
    pub(super) async fn kill(&mut self) -> io::Result<()> {
        self.running.kill().await
    }

    /// Starts it again, with the same state and at the same addresses.
    pub(super) async fn start_again(&mut self) -> io::Result<()> {
        let addresses = [self.address.as_str(), self.admin.as_str()];
        *self = Self::start(self.place, &self.folder, &self.coordinator, addresses).await?;
        Ok(())
    }

    /// Has it report this many errors of its disk from now on.
    pub(super) fn report_disk_errors(&self, count: u32) -> io::Result<()> {
        // Read while it is written it would be no JSON: it is put in place as a whole.
        let (file, new) = (values(&self.folder, self.place), self.folder.join("values.new"));
        std::fs::write(&new, format!("{{\"disk_errors\": {count}}}\n"))?;
        std::fs::rename(new, file)
    }
}

fn values(folder: &Path, place: Place) -> PathBuf {
    folder.join(format!("{}-values.json", place.name))
}
