//! From a state folder to a node that serves.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::cross::Stop;
use super::{Life, Retirement, Told};
use crate::dispatch::{Dispatch, Sampling};
use crate::node::agent::{Agency, Succession};
use crate::node::chain::Chain;
use crate::node::front::Fronts;
use crate::node::goal::{Goal, NotStarted};
use crate::node::learn::{self, Learning, Trust};
use crate::node::life::{NodeStatus, counted};
use crate::node::limits::Limits;
use crate::node::standing::Ahead;
use crate::protocol::Protocol;
use crate::retiring::WallClock;
use crate::state::{Files, Mode, Move, Phase, Recovery, StateError, StateFolder, Way};
use crate::transport::IntakeHandle;
use crate::version::Version;

/// What a node with a state begins with.
pub(in crate::node) struct Beginning {
    pub(in crate::node) chain: Chain,
    pub(in crate::node) protocol: Protocol,
    pub(in crate::node) files: Arc<dyn Files>,
    pub(in crate::node) limits: Limits,
    pub(in crate::node) sampling: Sampling,
    pub(in crate::node) root: PathBuf,
    pub(in crate::node) trust: Trust,
    pub(in crate::node) agency: Agency,
    pub(in crate::node) goal: Goal,
    /// What was compiled for the version that is most likely to be run.
    pub(in crate::node) compiled: Option<Ahead>,
    pub(in crate::node) clock: Arc<dyn WallClock>,
    /// How long to wait for the state; without it not at all.
    pub(in crate::node) wait: Option<Duration>,
    /// Tells how it goes.
    pub(in crate::node) starting: watch::Sender<Starting>,
}

/// How far a node is that starts.
#[derive(Clone)]
pub(in crate::node) enum Starting {
    /// It waits for the state.
    Waits,
    /// It has the state, and comes to its version.
    Moves(Arc<Life>),
}

/// How often a state is asked for that another program owns. What its callers wait is this much longer at most.
const LOOK: Duration = Duration::from_millis(1);

/// Opens the state, goes on with what a crash has left, opens the objects, and comes to the version that is wanted.
///
/// # Errors
/// When the state cannot be opened, is of a version that the program cannot run, its objects cannot be opened, or it could not
/// be moved to where it is wanted.
pub(in crate::node) async fn start(beginning: Beginning) -> Result<Arc<Life>, NotStarted> {
    let (state, recovery) = own(&beginning).await?;
    let Beginning {
        chain,
        protocol,
        files,
        limits,
        sampling,
        root,
        trust,
        agency,
        goal,
        compiled,
        wait: _,
        clock,
        starting,
    } = beginning;
    let trusted = trust.clone();
    let (notes, place) = (files.clone(), root.clone());
    let restored = spawn_blocking(move || {
        let before = Succession::find(&*notes, &place);
        let bundles = state.bundles().map_err(|error| cannot(&error))?;
        let active = state.active().map_err(|error| cannot(&error))?;
        let retired = state.retired().map_err(|error| cannot(&error))?;
        Ok::<_, String>((learn::restore(protocol, bundles, &trusted)?, active, retired, before, state))
    });
    let (protocol, active, retired, before, state) = restored.await.map_err(|error| error.to_string())??;
    let (status, current) = (state.status().clone(), state.current().clone());
    let told = Told {
        journaled: status,
        current,
        progress: None,
        filling: None,
        failure: None,
        stuck: None,
        last: None,
        drained: false,
        since: Instant::now(),
    };
    if let Some(active) = active {
        agency.activate(active);
    }
    let dispatch = Dispatch::new();
    dispatch.sample(sampling);
    agency.hold(&dispatch, before);
    let unwatched = NodeStatus::resting(&protocol, told.runs());
    let life = Arc::new(Life {
        chain: Arc::new(chain),
        learning: Learning::new(trust),
        fronts: Fronts::new(agency.lets_serve()),
        agency,
        instance: unwatched.instance.clone(),
        protocol: RwLock::new(protocol),
        dispatch,
        intake: IntakeHandle::new(),
        handed_over: watch::Sender::new(false),
        files,
        limits,
        root,
        state: Arc::new(Mutex::new(Some(state))),
        standing: tokio::sync::Mutex::default(),
        compiled: Mutex::new(compiled),
        filling: Mutex::default(),
        copies: Mutex::default(),
        held: Mutex::default(),
        closing: Mutex::default(),
        told: Mutex::new(told),
        status: watch::Sender::new(unwatched),
        busy: Mutex::default(),
        freed: Notify::new(),
        preparations: Mutex::default(),
        readiness: Mutex::default(),
        retirement: Retirement::new(retired, clock),
    });
    life.retire_as_before();
    starting.send_replace(Starting::Moves(life.clone()));
    let come = life.come_to(recovery, &goal).await;
    super::lock(&life.told).progress = None;
    life.publish();
    if come.is_err() {
        // Another program may want the state right now.
        life.stop().await;
    } else {
        life.keep_retired();
    }
    come.map(|()| life)
}

/// Takes the state over, once nobody else owns it.
async fn own(beginning: &Beginning) -> Result<(StateFolder, Recovery), NotStarted> {
    let Some(first) = beginning.chain.links.first().map(|link| link.version.clone()) else {
        return Err(NotStarted::unfit("there is no object: nothing can run"));
    };
    let begun = Instant::now();
    let mut told = false;
    loop {
        let (files, root, first) = (beginning.files.clone(), beginning.root.clone(), first.clone());
        let opened = spawn_blocking(move || StateFolder::open_on(files, root, &first));
        let error = match opened.await.map_err(|error| error.to_string())? {
            Ok(opened) => return Ok(opened),
            Err(error) => error,
        };
        let (node, waited) = (beginning.root.display(), begun.elapsed());
        match beginning.wait {
            Some(wait) if error.is_owned_elsewhere() && waited < wait => {
                if !told {
                    tracing::info!(%node, limit = ?wait, "waiting for another program to let the state go");
                    told = true;
                }
                sleep(LOOK).await;
            }
            Some(wait) if error.is_owned_elsewhere() => {
                return Err(NotStarted::from(format!("{}; it was waited for {} s", cannot(&error), wait.as_secs())));
            }
            _ => return Err(NotStarted::from(cannot(&error))),
        }
    }
}

fn cannot(error: &StateError) -> String {
    format!("the state cannot be opened: {error}")
}

impl Life {
    /// Comes to where the program is to be.
    async fn come_to(self: &Arc<Self>, recovery: Recovery, goal: &Goal) -> Result<(), NotStarted> {
        let failed = self.recover(recovery, goal).await?;
        match failed {
            Some(why) if !goal.is_met_by(&self.version()) => return Err(NotStarted::went_back(self.version(), why)),
            _ => self.reach(goal).await?,
        }
        // Where it has moved, or has gone on with a move, they stand; whoever only takes the state back needs none.
        if !matches!(goal, Goal::BackTo(_)) && self.standing.lock().await.is_none() {
            self.open().await?;
        }
        self.fill().await;
        if *goal == Goal::AsItIs {
            self.go_on_by_itself().await;
        }
        Ok(())
    }

    /// Comes to a version that is whole; why the move failed that a crash had left.
    async fn recover(self: &Arc<Self>, recovery: Recovery, goal: &Goal) -> Result<Option<String>, NotStarted> {
        let (from, under_way, phase) = {
            let told = super::lock(&self.told);
            (told.runs().clone(), told.journaled.under_way.clone(), told.journaled.phase)
        };
        let to = under_way.as_ref().map(|under_way| under_way.to.to_string());
        let unwanted = under_way.clone().filter(|left| !goal.wants(left.way, &left.to));
        let recovered = match (recovery, unwanted) {
            (Recovery::Serve, _) => None,
            (_, Some(left)) => {
                Some(Err(self.failed(format!("the program ended on the way to {}, which is not wanted now", left.to))))
            }
            (Recovery::Make(way), None) => Some(self.make_again(way).await),
            (Recovery::Verify, None) => Some(self.try_again().await),
        };
        let mut failed = None;
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
                return Ok(None);
            }
            Some(Err(Stop::Unreleased { why })) => {
                let why = format!("whether the move has ended could not be written down: {why}; start again");
                return Err(NotStarted::from(why));
            }
            Some(Err(stop)) => {
                let why = match stop {
                    Stop::Failed { why, .. } => why,
                    Stop::Lossy { count, .. } => format!("{} cannot be carried over", counted(count, "record")),
                    Stop::Dry { .. } | Stop::Unreleased { .. } => String::new(),
                };
                self.runs(&super::lock(&self.told).journaled.epoch.version().clone(), goal)?;
                if let Err(error) = self.close("the node goes back to the version before").await {
                    tracing::warn!(%error, "objects that are given up could not be closed");
                }
                let node = self.root.display();
                tracing::warn!(
                    %node, %from, to, %phase, why,
                    "the move in which the program before has ended is undone"
                );
                self.fail(why.clone()).await?;
                failed = Some(why);
            }
            None => {}
        }
        let version = super::lock(&self.told).current.version().clone();
        self.runs(&version, goal)?;
        Ok(failed)
    }

    /// Whether the program can run a version at all, and is to.
    fn runs(&self, version: &Version, goal: &Goal) -> Result<(), NotStarted> {
        match goal {
            Goal::RunAt(goal) if version > goal => {
                return Err(NotStarted::unfit(format!(
                    "the state is of {version}, and the program was told to run {goal}: the newer program has to go back first"
                )));
            }
            _ if self.chain.link(version).is_some() => return Ok(()),
            _ => {}
        }
        let newer = self.chain.links.last().is_some_and(|last| last.version < *version);
        Err(NotStarted::unfit(format!(
            "the state is of {version}, and this program can run {}: start {} one",
            self.chain.told(),
            if newer { "a newer" } else { "an older" }
        )))
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
        let made = self.make(&plan, accepted).await?;
        let lost = made.lost;
        self.switch_to(made).await?;
        self.try_out().await?;
        Ok(lost)
    }

    /// Tries the epoch that was made before the crash.
    async fn try_again(self: &Arc<Self>) -> Result<u64, Stop> {
        let version = super::lock(&self.told).current.version().clone();
        self.runs(&version, &Goal::AsItIs).map_err(|not| self.failed(not.why))?;
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
