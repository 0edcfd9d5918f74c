//! The demo's nodes: processes of their own, each on a free port.

mod supervised;

use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::super::process::Running;

/// How long streams may go on that begin just before a move. Lists and lookups end by themselves, how soon is the machine's; so
/// one that is cut has hung.
const GRACE: &str = "10s";

/// How a node goes from version to version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli::demo) enum Way {
    /// Within its program.
    Soft,
    /// Its supervisor replaces its program.
    Restart,
    /// It is taken out of service first.
    Drain,
    /// It switches with others, at one word.
    Barrier,
    /// Not at all.
    Stays,
}

/// A node, as it is meant to be.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli::demo) struct Place {
    pub(in crate::cli::demo) name: &'static str,
    /// The version that it begins at.
    pub(in crate::cli::demo) begins_at: &'static str,
    pub(in crate::cli::demo) way: Way,
}

/// All nodes.
pub(in crate::cli::demo) const NODES: [Place; 7] = [
    Place { name: "soft", begins_at: "1.1.0", way: Way::Soft },
    Place { name: "restart", begins_at: "1.1.0", way: Way::Restart },
    Place { name: "drain", begins_at: "2.0.0", way: Way::Drain },
    Place { name: "barrier-1", begins_at: "2.0.0", way: Way::Barrier },
    Place { name: "barrier-2", begins_at: "2.0.0", way: Way::Barrier },
    Place { name: "barrier-3", begins_at: "2.0.0", way: Way::Barrier },
    Place { name: "stays", begins_at: "3.0.0", way: Way::Stays },
];

/// A node that can be called.
#[derive(Clone, Debug)]
pub(in crate::cli::demo) struct Reached {
    pub(in crate::cli::demo) place: Place,
    pub(in crate::cli::demo) address: String,
    /// Where it is told what to do.
    pub(in crate::cli::demo) admin: String,
}

/// Nodes that stop when this is dropped, whatever happens to us: each ends when its standard input does.
pub(in crate::cli::demo) struct Cluster {
    pub(in crate::cli::demo) nodes: Vec<Node>,
    /// States and logs.
    folder: TempDir,
}

/// One node and its process.
pub(in crate::cli::demo) struct Node {
    pub(in crate::cli::demo) reached: Reached,
    running: Running,
    folder: PathBuf,
}

impl Cluster {
    pub(in crate::cli::demo) async fn start() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("straddle-demo-").tempdir()?;
        let mut nodes = Vec::new();
        // Elsewhere nobody supervises.
        for place in NODES.into_iter().filter(|place| cfg!(target_os = "linux") || place.way != Way::Restart) {
            nodes.push(Node::start(place, folder.path()).await?);
        }
        Ok(Self { nodes, folder })
    }

    pub(in crate::cli::demo) fn reached(&self) -> impl Iterator<Item = &Reached> {
        self.nodes.iter().map(|node| &node.reached)
    }

    /// Stops the nodes as an operator would; an error when one did not stop well.
    pub(in crate::cli::demo) async fn stop(mut self) -> io::Result<()> {
        for node in &mut self.nodes {
            node.running.stop().await?;
        }
        self.folder.close()
    }
}

impl Node {
    async fn start(place: Place, folder: &Path) -> io::Result<Self> {
        let anywhere = || "127.0.0.1:0".to_owned();
        let (reached, folder) = (Reached { place, address: anywhere(), admin: anywhere() }, folder.to_owned());
        if place.way == Way::Restart {
            supervised::release(&folder, "1.1.0", "1.1.0", false)?;
            supervised::release(&folder, "2.0.0", "1.1.0,2.0.0", true)?;
            let (running, [address, admin]) = supervised::start(&folder).await?;
            return Ok(Self { reached: Reached { place, address, admin }, running, folder });
        }
        // So that there is time to kill it in the middle.
        Self::run(reached, folder, place.way == Way::Soft).await
    }

    /// Kills the node as nothing else can be: it does not even notice.
    pub(in crate::cli::demo) async fn kill(&mut self) -> io::Result<()> {
        self.running.kill().await
    }

    /// Starts the node again, with the same state and at the same addresses.
    pub(in crate::cli::demo) async fn restart(&mut self) -> io::Result<()> {
        *self = Self::run(self.reached.clone(), self.folder.clone(), false).await?;
        Ok(())
    }

    /// Puts the releases in place that are not broken.
    pub(in crate::cli::demo) fn repair_releases(&self) -> io::Result<()> {
        supervised::release(&self.folder, "2.0.1", "1.1.0,2.0.0", false)?;
        supervised::release(&self.folder, "3.0.0", "2.0.0,3.0.0", false)
    }

    async fn run(reached: Reached, folder: PathBuf, slowly: bool) -> io::Result<Self> {
        let Reached { place, address, admin } = reached;
        let state = folder.join(place.name);
        let mut arguments =
            ["serve-example", "--until-stdin-ends", "--version", place.begins_at].map(String::from).to_vec();
        arguments
            .extend(["--stream-grace", GRACE, "--listen", &address, "--admin", &admin, "--state"].map(String::from));
        arguments.push(state.display().to_string());
        if slowly {
            arguments.extend(["--transform-for", "2s"].map(String::from));
        }
        let mut running = Running::start(place.name, &folder, &arguments, false)?;
        let (address, admin) = (running.address().await?, running.address().await?);
        Ok(Self { reached: Reached { place, address, admin }, running, folder })
    }
}
