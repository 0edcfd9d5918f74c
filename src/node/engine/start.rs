//! From a state folder to a node that serves.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, RwLock};

use tokio::sync::{Notify, watch};
use tokio::task::spawn_blocking;

use super::cross::Stop;
use super::{Life, Told};
use crate::bundle::PublicKey;
use crate::dispatch::Dispatch;
use crate::node::chain::Chain;
use crate::node::learn::{self, Learning};
use crate::node::life::{NodeStatus, counted};
use crate::node::limits::Limits;
use crate::protocol::Protocol;
use crate::state::{Files, Mode, Move, Phase, Recovery, StateFolder, Way};
use crate::version::Version;

/// What a node with a state begins with.
pub(in crate::node) struct Beginning {
    pub(in crate::node) chain: Chain,
    pub(in crate::node) protocol: Protocol,
    pub(in crate::node) files: Arc<dyn Files>,
    pub(in crate::node) limits: Limits,
    pub(in crate::node) root: PathBuf,
    pub(in crate::node) trusted: Vec<PublicKey>,
}

/// Opens the state, goes on with what a crash has left, and opens the objects.
///
/// # Errors
/// When the state cannot be opened, is of a version that the program cannot run, or its objects cannot be opened.
pub(in crate::node) async fn start(beginning: Beginning) -> Result<Arc<Life>, String> {
    let Beginning { chain, protocol, files, limits, root, trusted } = beginning;
    let Some(first) = chain.links.first().map(|link| link.version.clone()) else {
        return Err("there is no object: nothing can run".to_owned());
    };
    let (opening, folder) = (files.clone(), root.clone());
    let keys = trusted.clone();
    let opened = spawn_blocking(move || {
        let cannot = |error| format!("the state cannot be opened: {error}");
        let (state, recovery) = StateFolder::open_on(opening, folder, &first).map_err(cannot)?;
        let protocol = learn::restore(protocol, state.bundles().map_err(cannot)?, &keys)?;
        Ok::<_, String>((state, recovery, protocol))
    });
    let (state, recovery, protocol) = opened.await.map_err(|error| error.to_string())??;
    let (status, current) = (state.status().clone(), state.current().clone());
    let told = Told {
        runs: status.epoch.version().clone(),
        journaled: status,
        current,
        progress: None,
        filling: None,
        failure: None,
        stuck: None,
        last: None,
    };
    let unwatched = NodeStatus::resting(&protocol, &told.runs);
    let life = Arc::new(Life {
        chain: Arc::new(chain),
        learning: Learning::new(trusted),
        protocol: RwLock::new(protocol),
        dispatch: Dispatch::new(),
        files,
        limits,
        root,
        state: Arc::new(Mutex::new(Some(state))),
        standing: tokio::sync::Mutex::default(),
        filling: Mutex::default(),
        told: Mutex::new(told),
        status: watch::Sender::new(unwatched),
        busy: Mutex::default(),
        freed: Notify::new(),
    });
    life.recover(recovery).await?;
    super::lock(&life.told).progress = None;
    life.publish();
    life.fill().await;
    life.go_on_by_itself().await;
    Ok(life)
}

impl Life {
    /// Comes to a version that serves.
    async fn recover(self: &Arc<Self>, recovery: Recovery) -> Result<(), String> {
        let (from, under_way, phase) = {
            let told = super::lock(&self.told);
            (told.runs.clone(), told.journaled.under_way.clone(), told.journaled.phase)
        };
        let to = under_way.as_ref().map(|under_way| under_way.to.to_string());
        let recovered = match recovery {
            Recovery::Serve => None,
            Recovery::Make(way) => Some(self.make_again(way).await),
            Recovery::Verify => Some(self.try_again().await),
        };
        match recovered {
            Some(Ok(lost)) => {
                let node = self.root.display();
                let accepted = under_way.and_then(|under_way| under_way.accepted).filter(|_| lost > 0);
                let file = accepted.map(|accepted| accepted.file.display().to_string());
                let lost = (lost > 0).then_some(lost);
                tracing::warn!(
                    %node, %from, to, %phase, lost, file,
                    "the move in which the program before has ended was brought to its end"
                );
                return Ok(());
            }
            Some(Err(Stop::Unreleased { why })) => {
                return Err(format!("whether the move has ended could not be written down: {why}; start again"));
            }
            Some(Err(stop)) => {
                let why = match stop {
                    Stop::Failed { why, .. } => why,
                    Stop::Lossy { count, .. } => format!("{} cannot be carried over", counted(count, "record")),
                    Stop::Dry { .. } | Stop::Unreleased { .. } => String::new(),
                };
                self.runs(&super::lock(&self.told).journaled.epoch.version().clone())?;
                if let Err(error) = self.close("the node goes back to the version before").await {
                    tracing::warn!(%error, "objects that are given up could not be closed");
                }
                let node = self.root.display();
                tracing::warn!(
                    %node, %from, to, %phase, why,
                    "the move in which the program before has ended is undone"
                );
                self.fail(why).await?;
            }
            None => {}
        }
        let version = super::lock(&self.told).current.version().clone();
        self.runs(&version)?;
        self.open().await
    }

    /// Whether the program can run a version at all.
    fn runs(&self, version: &Version) -> Result<(), String> {
        if self.chain.link(version).is_some() {
            return Ok(());
        }
        let newer = self.chain.links.last().is_some_and(|last| last.version < *version);
        Err(format!(
            "the state is of {version}, and this program can run {}: start {} one",
            self.chain.told(),
            if newer { "a newer" } else { "an older" }
        ))
    }

    /// Makes the epoch that the crash has left unfinished.
    async fn make_again(self: &Arc<Self>, way: Way) -> Result<u64, Stop> {
        let (from, under_way) = {
            let told = super::lock(&self.told);
            (told.journaled.epoch.version().clone(), told.journaled.under_way.clone())
        };
        let Some(Move { to, accepted, .. }) = under_way else {
            return Err(self.failed("nothing says where the move leads"));
        };
        let mut plan = self.chain.plan(&from, &to, way).map_err(|why| self.failed(why))?;
        if let Some((_, mode)) = plan.records.as_mut().filter(|_| accepted.is_some()) {
            // What is given up has to be known before callers go on.
            *mode = Mode::Eager;
        }
        let lost = self.make(&plan, accepted).await?;
        self.on_state(StateFolder::switch).await.map_err(|why| self.failed(why))?;
        self.try_out().await?;
        Ok(lost)
    }

    /// Tries the epoch that was made before the crash.
    async fn try_again(self: &Arc<Self>) -> Result<u64, Stop> {
        let version = super::lock(&self.told).current.version().clone();
        self.runs(&version).map_err(|why| self.failed(why))?;
        self.try_out().await?;
        Ok(0)
    }

    /// An upgrade that was permitted before the program ended begins.
    async fn go_on_by_itself(self: &Arc<Self>) {
        let (phase, to) = {
            let told = super::lock(&self.told);
            (told.journaled.phase, told.journaled.under_way.as_ref().map(|under_way| under_way.to.clone()))
        };
        let (Phase::Learned | Phase::Permitted, Some(to)) = (phase, to) else { return };
        if self.chain.plan(&self.version(), &to, Way::On).is_err() {
            tracing::warn!(%to, "an upgrade was begun that this program knows nothing of; it is forgotten");
            if let Err(error) = self.forget().await {
                tracing::warn!(%error, "that could not be written down");
            }
            return;
        }
        if phase == Phase::Permitted {
            let (life, from) = (self.clone(), self.version());
            tokio::spawn(async move {
                let (upgraded, node) = (life.upgrade(&to).await, life.root.display());
                match upgraded {
                    Ok(_) => tracing::warn!(
                        %node, %from, %to, %phase,
                        "the upgrade that was permitted before the program ended was brought to its end"
                    ),
                    Err(error) => tracing::warn!(
                        %node, %from, %to, %phase, %error,
                        "the upgrade that was permitted before the program ended did not come to its end"
                    ),
                }
            });
        }
    }
}
