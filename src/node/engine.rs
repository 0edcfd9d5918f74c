//! What keeps a node with a state alive: its folder, the objects that stand, and what is told of it.

mod back;
mod copies;
mod cross;
mod filling;
mod hand_over;
mod held;
mod moves;
mod prepare;
mod reach;
mod ready;
mod retired;
mod start;
mod under;

use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, interval};

use self::copies::Copy;
use self::filling::Filling;
use self::held::Closing;
use self::prepare::Preparations;
pub(super) use self::prepare::Preparing;
use self::ready::Readiness;
pub(super) use self::ready::Wanted;
use self::retired::Retirement;
pub(super) use self::start::{Beginning, Starting, start};
pub(super) use self::under::Under;
use super::agent::Agency;
use super::chain::Chain;
use super::draining;
use super::front::Fronts;
use super::learn::Learning;
use super::life::{MoveError, Moved, NodeStatus};
use super::limits::Limits;
use super::standing::{Ahead, Standing};
use crate::bundle::Bundle;
use crate::dispatch::Dispatch;
use crate::protocol::Protocol;
use crate::state::{Carry, Epoch, Files, HeldRecords, Phase, Progress, StateError, StateFolder, Status, Way};
use crate::transport::IntakeHandle;
use crate::version::Version;

/// How often whoever watches is told of progress.
const TICK: Duration = Duration::from_millis(100);
/// How often what must be written is tried, before the node gives up.
const TRIES: usize = 3;

/// A node with a state folder.
pub(super) struct Life {
    chain: Arc<Chain>,
    learning: Learning,
    fronts: Fronts,
    agency: Agency,
    instance: String,
    protocol: RwLock<Protocol>,
    dispatch: Dispatch,
    /// Of the servers that bring callers.
    intake: IntakeHandle,
    handed_over: watch::Sender<bool>,
    files: Arc<dyn Files>,
    limits: Limits,
    root: PathBuf,
    /// None once the node has stopped.
    state: Arc<Mutex<Option<StateFolder>>>,
    /// What the table leads to; none while the objects change, and when that has failed for good.
    standing: tokio::sync::Mutex<Option<Standing>>,
    /// What was compiled for routes that are to come.
    compiled: Mutex<Option<Ahead>>,
    filling: Mutex<Option<Filling>>,
    copies: Mutex<Vec<Copy>>,
    /// What the objects before have left open.
    held: Mutex<Vec<HeldRecords>>,
    closing: Mutex<Option<Closing>>,
    told: Mutex<Told>,
    status: watch::Sender<NodeStatus>,
    busy: Mutex<Option<String>>,
    freed: Notify,
    preparations: Mutex<Preparations>,
    readiness: Mutex<Readiness>,
    retirement: Retirement,
}

/// What is known without looking at the disk.
struct Told {
    journaled: Status,
    current: Epoch,
    progress: Option<(String, Progress)>,
    filling: Option<Progress>,
    failure: Option<String>,
    stuck: Option<String>,
    last: Option<Moved>,
    drained: bool,
    /// When the phase began, as far as this program knows.
    since: Instant,
}

impl Told {
    /// The version whose objects answer callers: another one from the moment on in which a move is released, as the journal
    /// has it. Whoever sees the one sees the other.
    fn runs(&self) -> &Version {
        self.journaled.epoch.version()
    }
}

/// The right to change the node, one at a time.
struct Busy(Arc<Life>);

impl Drop for Busy {
    fn drop(&mut self) {
        *lock(&self.0.busy) = None;
        self.0.freed.notify_waiters();
    }
}

impl Life {
    /// The version that the node runs.
    pub(super) fn version(&self) -> Version {
        lock(&self.told).runs().clone()
    }

    pub(super) fn protocol(&self) -> Protocol {
        self.protocol.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn learning(&self) -> &Learning {
        &self.learning
    }

    pub(super) fn fronts(&self) -> &Fronts {
        &self.fronts
    }

    /// Takes the node out of service: how many calls are left inside when nobody is, or the time is over.
    pub(super) async fn drain(&self, wait: Duration) -> usize {
        lock(&self.told).drained = true;
        draining::drain(self.dispatch.gate(), &self.fronts);
        self.publish();
        draining::emptied(self.dispatch.gate(), self.status.subscribe(), wait, || self.publish()).await
    }

    /// Takes the node back into service.
    pub(super) fn resume(&self) {
        draining::resume(self.dispatch.gate(), &self.fronts);
        lock(&self.told).drained = false;
        self.publish();
    }

    /// Writes down what was learned; it is durable then.
    pub(super) async fn keep(&self, bundle: Bundle) -> Result<(), String> {
        self.on_state(move |state| state.keep(&bundle)).await
    }

    /// Writes down that this version's behaviour is active; it is durable then.
    pub(super) async fn keep_active(&self, version: Version) -> Result<(), String> {
        self.on_state(move |state| state.keep_active(&version)).await
    }

    /// Makes a new, empty file for what a rollback gives up.
    pub(super) async fn place_for_lost(&self) -> Result<PathBuf, MoveError> {
        let placed = self.on_state(|state| state.place_for_lost()).await;
        placed.map_err(|why| MoveError::Failed { phase: self.phase(), why, version: self.version() })
    }

    /// What answers calls, and keeps the node alive.
    pub(super) fn service(self: &Arc<Self>) -> Dispatch {
        self.dispatch.keeping(self.clone())
    }

    /// The newest version that the node cannot go back behind.
    pub(super) fn active(&self) -> Version {
        self.agency.active(&self.protocol()).unwrap_or_else(|| whole_behind(&lock(&self.told).journaled))
    }

    pub(super) fn agency(&self) -> &Agency {
        &self.agency
    }

    pub(super) fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    /// The versions that the program can run, the oldest first.
    pub(super) fn can_run(&self) -> Vec<Version> {
        self.chain.links.iter().map(|link| link.version.clone()).collect()
    }

    /// Tells those who watch what the node itself has not seen happen.
    pub(super) fn tell(&self) {
        self.publish();
    }

    pub(super) fn watch(&self) -> watch::Receiver<NodeStatus> {
        self.status.subscribe()
    }

    /// How the node is doing right now.
    pub(super) fn status(&self) -> NodeStatus {
        // The author's code runs here: it may ask the node something, so nothing is locked.
        let held = self.chain.neighbour(&self.version(), Way::On).and_then(|next| next.upgrade.as_ref()?.held());
        let (prepared, retired) = (self.prepared(), self.retirement.status());
        let told = lock(&self.told);
        let (journaled, runs) = (&told.journaled, told.runs());
        let protocol = self.protocol();
        let served = protocol.versions().iter().map(|schema| schema.version().clone());
        let oldest = self.chain.oldest.clone();
        let is_served = |version: &Version| {
            oldest.as_ref().is_none_or(|oldest| version >= oldest)
                && !retired.as_ref().is_some_and(|retired| retired.in_force.retires(version))
        };
        let next = self.chain.neighbour(runs, Way::On);
        let failure = told.failure.clone().or_else(|| journaled.failure.clone());
        let progress = told.progress.as_ref();
        let filling = told.filling.as_ref();
        let gate = self.dispatch.gate();
        NodeStatus {
            protocol: protocol.name().to_owned(),
            version: runs.clone(),
            served: served.filter(is_served).collect(),
            learned: self.chain.built.learned(&protocol),
            next: next.map(|next| next.version.clone()),
            back: journaled.kept.as_ref().map(|kept| kept.version().clone()),
            active: self.agency.active(&protocol).unwrap_or_else(|| whole_behind(journaled)),
            phase: journaled.phase,
            under_way: journaled.under_way.as_ref().map(|under_way| (under_way.to.clone(), under_way.way)),
            progress: progress.map(|(what, progress)| (what.clone(), progress.done(), progress.total())),
            filling: filling.map(|filling| (filling.done(), filling.total())),
            held,
            failure,
            calls: (gate.inside(), gate.waiting()),
            last: told.last.clone(),
            stuck: told.stuck.clone(),
            unadmitted: self.dispatch.kept_away(),
            drained: told.drained,
            prepared,
            permit: Some(journaled.permit).filter(|permit| *permit > 0),
            retired: retired.clone(),
            instance: self.instance.clone(),
        }
    }

    /// Tells those who watch, if there is news.
    fn publish(&self) {
        let status = self.status();
        self.status.send_if_modified(|told| {
            let news = *told != status;
            if news {
                *told = status;
            }
            news
        });
    }

    fn phase(&self) -> Phase {
        lock(&self.told).journaled.phase
    }

    /// Puts the routes to what stands in place, in the protocol of this moment.
    async fn install(&self, standing: Standing) -> Result<(), String> {
        let mut slot = self.standing.lock().await;
        let ahead = lock(&self.compiled).take();
        let table = standing.table(&self.chain, &self.protocol(), ahead);
        // Even what has no routes has to be closed.
        let standing = slot.insert(standing);
        tracing::debug!(version = %standing.version(), "the objects stand");
        self.dispatch.install(table?);
        Ok(())
    }

    /// Serves another protocol, which has all versions of the one before.
    pub(super) async fn extend(&self, protocol: Protocol) -> Result<(), String> {
        let slot = self.standing.lock().await;
        let table = slot.as_ref().map(|standing| standing.table(&self.chain, &protocol, None)).transpose()?;
        *self.protocol.write().unwrap_or_else(PoisonError::into_inner) = protocol;
        if let Some(table) = table {
            self.dispatch.install(table);
        }
        drop(slot);
        self.publish();
        Ok(())
    }

    /// Compiles what the routes of a version take, while nobody waits for it.
    async fn compile(&self, version: &Version) {
        let (chain, protocol, version) = (self.chain.clone(), self.protocol(), version.clone());
        let retired = self.retirement.up_to();
        // What fails here fails again where it is needed, and is told there.
        let ahead = spawn_blocking(move || Standing::ahead(&chain, &protocol, &version, retired.as_ref()));
        if let Ok(ahead) = ahead.await {
            *lock(&self.compiled) = ahead;
        }
    }

    /// Opens the objects of the current epoch.
    async fn open(&self) -> Result<(), String> {
        let (chain, protocol, dispatch, files) =
            (self.chain.clone(), self.protocol(), self.dispatch.clone(), self.files.clone());
        let (epoch, version) = {
            let told = lock(&self.told);
            (self.folder_of(&told.current), told.current.version().clone())
        };
        self.opens_again();
        let retired = self.retirement.up_to();
        let opened = spawn_blocking(move || {
            Standing::open(&chain, &protocol, &dispatch, &files, &epoch, &version, retired.as_ref())
        });
        let standing = opened.await.map_err(|error| match error.try_into_panic() {
            Ok(panic) => format!("what opens the objects panicked: {}", super::making::said(&*panic)),
            Err(error) => error.to_string(),
        })??;
        if lock(&self.told).journaled.prepared.is_none() {
            // Whatever was copied ahead of time is gone: writes need not be noted for it any more.
            let records = standing.all_records();
            let ended = spawn_blocking(move || records.iter().try_for_each(Carry::abandon)).await;
            ended.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        }
        self.install(standing).await
    }

    fn folder_of(&self, epoch: &Epoch) -> PathBuf {
        self.root.join(epoch.to_string())
    }

    /// Does something to the state folder, where blocking is allowed, and tells what has become of it.
    async fn on_state<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut StateFolder) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, String> {
        let state = self.state.clone();
        let done = spawn_blocking(move || {
            let mut state = lock(&state);
            let state = state.as_mut().ok_or("the node has stopped")?;
            let done = act(state).map_err(|error| error.to_string());
            Ok::<_, String>((done, state.status().clone(), state.current().clone()))
        });
        let (done, status, current) = done.await.map_err(|error| error.to_string())??;
        self.note(status, current);
        done
    }

    fn note(&self, status: Status, current: Epoch) {
        let mut told = lock(&self.told);
        if told.journaled.phase != status.phase {
            let lasted = std::mem::replace(&mut told.since, Instant::now()).elapsed();
            self.log_phase(&told, &status, lasted);
        }
        (told.journaled, told.current) = (status, current);
        drop(told);
        self.publish();
    }

    /// One line a change, for operators.
    fn log_phase(&self, before: &Told, is: &Status, lasted: Duration) {
        let under_way = is.under_way.as_ref().or(before.journaled.under_way.as_ref());
        let (node, state) = (self.called(), self.root.display());
        let upgrade = self.agency.upgrade_under(is.permit);
        let permit = Some(is.permit).filter(|permit| *permit > 0);
        let (from, to) = (before.runs(), under_way.map(|under_way| tracing::field::display(&under_way.to)));
        let way = under_way.map(|under_way| match under_way.way {
            Way::Back if under_way.dry_run => "back, to see what would be lost",
            Way::Back => "back",
            Way::On => "on",
        });
        let (was, phase) = (before.journaled.phase, is.phase);
        let lasted_ms = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX);
        let why = is.failure.as_deref();
        tracing::info!(node, %state, upgrade, permit, %from, to, way, %was, %phase, lasted_ms, why, "the node's phase changed");
    }

    /// What the node is called in its log: as its coordinator calls it, else by its state folder.
    fn called(&self) -> String {
        let name = self.agency.attends_as().map(|(_, name)| name).filter(|name| !name.is_empty());
        name.unwrap_or_else(|| self.root.display().to_string())
    }

    /// Takes the right to change the node.
    fn busy(self: &Arc<Self>, what: String) -> Result<Busy, MoveError> {
        let mut busy = lock(&self.busy);
        if let Some(what) = busy.clone() {
            return Err(MoveError::Busy { what });
        }
        *busy = Some(what);
        Ok(Busy(self.clone()))
    }

    /// Does the work in a task of its own, to its end even if nobody waits for it.
    async fn to_the_end<T: Send + 'static>(
        &self,
        busy: Busy,
        work: impl Future<Output = Result<T, MoveError>> + Send + 'static,
    ) -> Result<T, MoveError> {
        let task = tokio::spawn(async move {
            let (mut work, mut tick) = (pin!(work), interval(TICK));
            let life = busy.0.clone();
            let done = loop {
                tokio::select! {
                    biased;
                    done = &mut work => break done,
                    _ = tick.tick() => life.publish(),
                }
            };
            lock(&life.told).progress = None;
            drop(busy);
            life.publish();
            done
        });
        let phase = self.phase();
        task.await.unwrap_or_else(|error| Err(MoveError::Stuck { phase, why: error.to_string() }))
    }

    /// Says what takes long now.
    fn working_on(&self, what: impl Into<String>) -> Progress {
        let progress = Progress::default();
        lock(&self.told).progress = Some((what.into(), progress.clone()));
        self.publish();
        progress
    }
}

/// The version behind which this node does not go back.
fn whole_behind(journaled: &Status) -> Version {
    journaled.kept.as_ref().unwrap_or(&journaled.epoch).version().clone()
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
