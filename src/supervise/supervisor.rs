//! A supervisor as it is put together, and how it begins.

use std::ffi::OsString;
use std::fmt;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::driver::{Driver, Place};
use super::error::SuperviseError;
use super::machine::{Limits, Record, Run, Stage};
use super::news::News;
use super::release::{Choice, PassedOver, Releases, Verified};
use super::sockets::{self, Sockets};
use super::{inherit, journal, process};
use crate::state::{Disk, Files, version_of};
use crate::version::Version;

/// Who is told of what happens.
pub(super) type Listener = Arc<dyn Fn(&News) + Send + Sync>;

/// How long a program from before may take to be gone that was killed a moment ago.
const LEAVES: Duration = Duration::from_secs(2);

/// A supervisor: what it runs, and how patient it is.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use straddle::supervise::{Listen, Releases, Supervisor};
///
/// let releases = Releases::parse("./releases/{version}/server")?;
/// let supervisor = Supervisor::new("/var/lib/shop", releases).arguments(["--verbose"]);
/// let (orders, receiver) = tokio::sync::mpsc::channel(1);
/// let callers = Listen::On("0.0.0.0:7000".to_owned());
/// let running = supervisor.begin(callers, Listen::On("127.0.0.1:7001".to_owned())).await?;
/// let ended = running.run(receiver).await;
/// # drop((ended, orders)); Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "a supervisor does nothing before `begin`"]
pub struct Supervisor {
    state: PathBuf,
    pub(super) releases: Releases,
    pub(super) arguments: Vec<OsString>,
    pub(super) environment: Vec<(String, String)>,
    release: Option<Version>,
    limits: Limits,
    seed: Option<u64>,
    pub(super) watchdog: Option<Duration>,
    pub(super) helper: PathBuf,
    files: Arc<dyn Files>,
    listener: Listener,
}

/// Where a socket comes from.
#[derive(Debug)]
pub enum Listen {
    /// One is made, for this address: `127.0.0.1:7000`; port 0 takes a free one.
    On(String),
    /// One that was passed by systemd, or by the supervisor's own process before.
    Inherited(TcpListener),
}

/// What a supervisor is told to do, other than over its admin service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Stops its programs, and ends.
    Stop,
    /// Lets its programs go on, and ends as soon as no move is under way, so that another process takes its sockets over.
    Anew,
}

/// How a supervisor has ended.
#[derive(Debug)]
pub enum Ended {
    /// Its programs have ended.
    Stopped,
    /// Its program goes on. Whoever goes on for the supervisor gets these sockets.
    Anew {
        /// Where callers come.
        callers: TcpListener,
        /// Where the admin service was.
        admin: TcpListener,
    },
}

/// A supervisor that has its state and its sockets.
pub struct Running(Driver);

impl Supervisor {
    /// A supervisor that keeps its state, and that of the node, in a folder.
    pub fn new(state: impl Into<PathBuf>, releases: Releases) -> Self {
        let limits = Limits {
            ready: Duration::from_secs(60),
            stop: Duration::from_secs(60),
            crashes: 3,
            window: Duration::from_secs(60),
            first_wait: Duration::from_millis(100),
            longest_wait: Duration::from_secs(30),
        };
        Self {
            state: state.into(),
            releases,
            arguments: Vec::new(),
            environment: Vec::new(),
            release: None,
            limits,
            seed: None,
            watchdog: Some(Duration::from_secs(60)),
            helper: process::this_program().to_owned(),
            files: Arc::new(Disk),
            listener: Arc::new(|_| {}),
        }
    }

    /// The arguments of programs; `{version}` in one stands for the release.
    pub fn arguments<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments = arguments.into_iter().map(Into::into).collect();
        self
    }

    /// A variable that programs have in their environment, beside those of the supervisor's own: `STRADDLE_ATTEND`, say.
    pub fn environment(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// The release to begin with, where nothing is written down yet. Default: the newest.
    pub fn release(mut self, release: Version) -> Self {
        self.release = Some(release);
        self
    }

    /// How long a program may take, from its start or its last word, until it is ready. Default: 60 s.
    pub fn ready_limit(mut self, limit: Duration) -> Self {
        self.limits.ready = limit;
        self
    }

    /// How long a program may take to end, once it was asked to. Default: 60 s.
    pub fn stop_limit(mut self, limit: Duration) -> Self {
        self.limits.stop = limit;
        self
    }

    /// So many crashes within the window lead back to the release before; one that has served for that long is good.
    /// Default: 3 within 60 s.
    pub fn crash_limit(mut self, crashes: usize, window: Duration) -> Self {
        (self.limits.crashes, self.limits.window) = (crashes.max(1), window);
        self
    }

    /// Waits before a program that has crashed is started again: the first, which doubles, and the longest. Default: 100 ms
    /// and 30 s.
    pub fn waits(mut self, first: Duration, longest: Duration) -> Self {
        (self.limits.first_wait, self.limits.longest_wait) = (first, longest);
        self
    }

    /// What the jitter of these waits begins with. Default: a random number.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The `straddle` program, whose `pass-sockets` starts programs. Default: the program that runs.
    pub fn helper(mut self, program: impl Into<PathBuf>) -> Self {
        self.helper = program.into();
        self
    }

    /// The file system that the journal is written to. Default: that of the machine.
    pub fn files(mut self, files: Arc<dyn Files>) -> Self {
        self.files = files;
        self
    }

    /// How long a program may say nothing while it serves: one that has said `WATCHDOG=1` once, and does not say so again within this time,
    /// hangs, and is killed and started again, as after a crash. `None` lets it. Default: 60 s.
    pub fn watchdog(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.watchdog = limit.into();
        self
    }

    /// Who is told of what happens.
    pub fn news(mut self, listener: impl Fn(&News) + Send + Sync + 'static) -> Self {
        self.listener = Arc::new(listener);
        self
    }

    /// Takes the state, the sockets, and what is left of a supervisor before.
    ///
    /// # Errors
    /// When another supervisor has the state, something there cannot be read, no release fits, or nothing can listen.
    pub async fn begin(self, callers: Listen, admin: Listen) -> Result<Running, SuperviseError> {
        let folder = journal::Folder::take(&self.state, self.files.clone())?;
        let node = self.state.join("node");
        self.files.create_folder(&node).map_err(SuperviseError::io(&node, "making the folder"))?;
        let written = folder.read()?;
        let record = match &written {
            Some(written) => written.record.clone(),
            None => self.first(&node)?,
        };
        let (inherited, callers) = sockets::inherited(callers);
        let left = inherit::from_before(written.as_ref(), inherited, self.limits.stop, &self.listener).await;
        let patience = if written.is_some() { LEAVES } else { Duration::ZERO };
        let sockets = Sockets::open(left.callers, callers, admin, patience).await?;
        let record = if left.serving.is_none() { self.as_found(record, &node) } else { record };
        let place = Place { node, folder, sockets };
        let seed = self.seed.unwrap_or_else(|| fastrand::u64(..));
        let (limits, listener) = (self.limits, self.listener.clone());
        Ok(Running(Driver::begin(self, place, record, left.serving, limits, seed, listener)?))
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// The version that the node's state is of, where no program owns it; none where that cannot be told.
    pub(super) fn found(&self, node: &std::path::Path) -> Option<Version> {
        version_of(&*self.files, node).ok().flatten()
    }

    /// The program before may have moved within itself while no supervisor heard of it. What is under way is in the state's own
    /// journal, too, and goes on as it was written down.
    fn as_found(&self, mut record: Record, node: &std::path::Path) -> Record {
        let runs = |version: &Version| {
            self.releases.find(&record.at.release).is_ok_and(|release| release.expect(version).is_ok())
        };
        if matches!(record.stage, Stage::Run)
            && let Some(version) = self.found(node).filter(|version| *version != record.at.version && runs(version))
        {
            record.before = record.at.moves(version);
        }
        record
    }

    /// What to run where nothing is written down: the version of the state that is there, or else the newest that the
    /// release can run. Nobody has asked for an upgrade.
    fn first(&self, node: &std::path::Path) -> Result<Record, SuperviseError> {
        let there = version_of(&*self.files, node)?;
        let (release, found) = match (&self.release, &there) {
            (Some(release), _) => (release.clone(), self.releases.find(release)?),
            (None, version) => {
                let versions: Vec<&Version> = version.iter().collect();
                let Choice { name, release, passed_over } = self.releases.choose(&versions, &Verified::default())?;
                for PassedOver { release, why } in passed_over {
                    (self.listener)(&News::PassedOver { release, why });
                }
                (name, release)
            }
        };
        let version = match there {
            Some(version) => version,
            None => found.newest().clone(),
        };
        found.expect(&version)?;
        found.verify()?;
        let at = Run { release, version };
        Ok(Record { at, good: None, before: None, stage: Stage::Run, failure: None })
    }
}

impl Running {
    /// Where callers come.
    #[must_use]
    pub fn callers(&self) -> std::net::SocketAddr {
        self.0.callers()
    }

    /// Where the admin service is.
    #[must_use]
    pub fn admin(&self) -> std::net::SocketAddr {
        self.0.admin()
    }

    /// Runs the release, until it is ordered not to. Dropped before that, it leaves its programs alone, as a supervisor that
    /// was killed does: another one on the same state finds them.
    pub async fn run(self, orders: mpsc::Receiver<Order>) -> Ended {
        self.0.run(orders).await
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Supervisor").field("state", &self.state).finish_non_exhaustive()
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Running").field("admin", &self.admin()).finish_non_exhaustive()
    }
}
