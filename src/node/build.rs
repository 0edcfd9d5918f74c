//! Putting a node together.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::agent::{Agency, Coordinated};
use super::chain::{Chain, Declared, unused};
use super::engine::{self, Beginning, Starting};
use super::goal::{Goal, Kind, NotStarted};
use super::learn::Trust;
use super::limits::Limits;
use super::resting::Resting;
use super::standing::Standing;
use super::upgrade::{OpenObject, Upgrade};
use tokio::sync::watch;

use crate::bundle::PublicKey;
use crate::dispatch::{Dispatch, Missing, Object, Objects, Sampling, Table};
use crate::node::Node;
use crate::protocol::Protocol;
use crate::retiring::{SystemClock, WallClock};
use crate::simulation::{Adjacent, Observe, observed};
use crate::state::version_of;
use crate::state::{Disk, Files, Layout};
use crate::version::Version;

type Simulate = Box<dyn FnOnce(Adjacent) -> Result<Object, String> + Send>;

/// What makes a simulation object: the object itself, or, where it has state to open, a result.
pub trait Simulation {
    /// The object, or why there is none.
    ///
    /// # Errors
    /// When it could not be opened.
    fn into_object(self) -> Result<Object, String>;
}

impl Simulation for Object {
    fn into_object(self) -> Result<Object, String> {
        Ok(self)
    }
}

impl<E: fmt::Display> Simulation for Result<Object, E> {
    fn into_object(self) -> Result<Object, String> {
        self.map_err(|error| error.to_string())
    }
}

/// A current object, or what opens one: a function of an [`Opening`](super::Opening), as a node with a state needs it.
pub trait Current {
    #[doc(hidden)]
    fn given(self) -> Given;
}

/// What was given as current object.
#[doc(hidden)]
pub struct Given(Either);

enum Either {
    Object(Object),
    Opens(OpenObject),
}

impl Current for Object {
    fn given(self) -> Given {
        Given(Either::Object(self))
    }
}

impl<S: Simulation, F: Fn(&super::Opening) -> S + Send + Sync + 'static> Current for F {
    fn given(self) -> Given {
        Given(Either::Opens(Arc::new(move |opening| self(opening).into_object())))
    }
}

/// Builds a [`Node`]; see there for an example.
#[must_use = "a builder does nothing before `build`"]
pub struct Builder {
    protocol: Protocol,
    current: Vec<(String, Object)>,
    past: Vec<(String, Simulate)>,
    future: Vec<(String, Simulate)>,
    observers: Vec<Arc<dyn Observe>>,
    oldest: Option<String>,
    opens: Vec<(String, OpenObject)>,
    records: Option<Layout>,
    upgrades: Vec<Upgrade>,
    state: Option<PathBuf>,
    run_at: Option<String>,
    back_to: Option<String>,
    wait: Option<Duration>,
    files: Arc<dyn Files>,
    clock: Arc<dyn WallClock>,
    limits: Limits,
    sampling: Sampling,
    trust: Trust,
    coordinated: Option<Coordinated>,
}

impl Builder {
    pub(super) fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            current: Vec::new(),
            past: Vec::new(),
            future: Vec::new(),
            observers: Vec::new(),
            oldest: None,
            opens: Vec::new(),
            records: None,
            upgrades: Vec::new(),
            state: None,
            run_at: None,
            back_to: None,
            wait: None,
            files: Arc::new(Disk),
            clock: Arc::new(SystemClock),
            limits: Limits::default(),
            sampling: Sampling::ALL,
            trust: Trust::default(),
            coordinated: None,
        }
    }

    /// The current object: it implements `version`, which is the one that the node runs.
    ///
    /// A node with a [`state`](Self::state) is given what opens the object: `|opening: &Opening| …`.
    pub fn object(mut self, version: &str, object: impl Current) -> Self {
        match object.given().0 {
            Either::Object(object) => self.current.push((version.to_owned(), object)),
            Either::Opens(open) => self.opens.push((version.to_owned(), open)),
        }
        self
    }

    /// The past simulation object that implements `version` by calling the next newer version.
    ///
    /// Needed for each older version whose step to the next one has methods that it declares as code for the past side.
    pub fn past<S>(mut self, version: &str, simulate: impl FnOnce(Adjacent) -> S + Send + 'static) -> Self
    where
        S: Simulation,
    {
        self.past.push((version.to_owned(), Box::new(|adjacent| simulate(adjacent).into_object())));
        self
    }

    /// The future simulation object that implements `version` by calling the next older version.
    ///
    /// Needed for each newer version whose step from the one before has methods that it declares as code for the
    /// future side.
    pub fn future<S>(mut self, version: &str, simulate: impl FnOnce(Adjacent) -> S + Send + 'static) -> Self
    where
        S: Simulation,
    {
        self.future.push((version.to_owned(), Box::new(|adjacent| simulate(adjacent).into_object())));
        self
    }

    /// The state of the first object is records of this layout: so that upgrades with
    /// [`records`](super::Upgrade::records) have something to carry back to.
    pub fn records(mut self, layout: Layout) -> Self {
        self.records = Some(layout);
        self
    }

    /// Adds an upgrade, from the version of the object, or of the upgrade that was added before. Needs a
    /// [`state`](Self::state).
    ///
    /// One without an object brings the simulation objects of its step, also of steps to the first object's version and
    /// before.
    pub fn upgrade(mut self, upgrade: Upgrade) -> Self {
        self.upgrades.push(upgrade);
        self
    }

    /// Keeps the node's state in this folder, so that it can upgrade; such a node is made by [`start`](Self::start), and runs
    /// the version that the folder says, at first that of the object.
    pub fn state(mut self, folder: impl Into<PathBuf>) -> Self {
        self.state = Some(folder.into());
        self
    }

    /// Runs this version from the first call on: an older state is moved up to it before the node [`start`](Self::start)s to
    /// answer anybody, with all that belongs to an upgrade, and is back at its version when that fails
    /// ([`BuildError::went_back`]). What is left of a move that leads elsewhere is undone. A state that is newer already keeps
    /// the node from starting: only the newer program can take it back.
    ///
    /// Over several versions it goes one by one, and finalizes those in between, since nobody was answered there.
    pub fn run_at(mut self, version: &str) -> Self {
        self.run_at = Some(version.to_owned());
        self
    }

    /// Takes a newer state back to this version, as a rollback does that accepts no loss; nobody is to be served.
    pub(super) fn back_to(mut self, version: &str) -> Self {
        self.back_to = Some(version.to_owned());
        self
    }

    /// How long to wait for another program to let the state go. Without it [`start`](Self::start) fails at once when another
    /// one owns it. Nothing else is done meanwhile, and whoever drops the start waits no more.
    pub fn wait_for_state(mut self, limit: Duration) -> Self {
        self.wait = Some(limit);
        self
    }

    /// How long streams that are inside when a move begins may go on before they are cut; other callers do not wait
    /// meanwhile. Default: 10 seconds. Streams whose callers resume them go on to the end of it and are not waited for.
    pub fn stream_limit(mut self, limit: Duration) -> Self {
        self.limits.streams = limit;
        self
    }

    /// How long younger streams may go on, while other callers wait already. Default: 1 second. A call of which only the request
    /// streams is as any other once all of that was read: the [limit of calls](Self::call_limit) is its own.
    pub fn stream_grace(mut self, grace: Duration) -> Self {
        self.limits.grace = grace;
        self
    }

    /// How long running calls may take, while other callers wait already, before the move is given up. Default: 30 seconds;
    /// never less than the grace of streams.
    pub fn call_limit(mut self, limit: Duration) -> Self {
        self.limits.calls = limit;
        self
    }

    /// How long an object's work in the background may take to end by itself. Default: 10 seconds. It is then dropped, and
    /// when it cannot be dropped within as long again, the move is given up.
    pub fn background_limit(mut self, limit: Duration) -> Self {
        self.limits.background = limit;
        self
    }

    /// How long leases may be held once calls and background work have ended, before the move is given up. Default: 10
    /// seconds.
    pub fn lease_limit(mut self, limit: Duration) -> Self {
        self.limits.leases = limit;
        self
    }

    /// How long verifying a new object may take, before the node goes back. Default: 30 seconds.
    pub fn verify_limit(mut self, limit: Duration) -> Self {
        self.limits.verify = limit;
        self
    }

    /// Which calls have a span, where somebody takes those of calls. Default: [all](Sampling::ALL).
    pub fn trace_calls(mut self, sampling: Sampling) -> Self {
        self.sampling = sampling;
        self
    }

    /// Lets the node [learn](super::Node::learn) bundles that this key has signed; may be said of several. A node that trusts no
    /// key learns nothing: whoever can have it learn a bundle decides what callers are told.
    pub fn trust(mut self, key: PublicKey) -> Self {
        self.trust.keys.push(key);
        self
    }

    /// Lets the node learn bundles whoever has made them. **Whoever can reach its coordinator then decides what callers are
    /// told**: for tests, and for clusters that nobody else reaches.
    pub fn allow_unsigned_bundles(mut self) -> Self {
        self.trust.unsigned = true;
        self
    }

    /// Has the node attend the coordinator at this address, as `http://127.0.0.1:7300`, from when it is
    /// [served](super::Node::serve) on, under the name of its machine and the port of its callers: see
    /// [`coordinated`](Self::coordinated).
    pub fn coordinator(self, address: &str) -> Self {
        self.coordinated(Coordinated::by(address))
    }

    /// Has the node attend a coordinator: it tells how it is doing, learns the versions that are published, and moves when it is
    /// let. **It answers nobody until it has been admitted**, because it may have been away during an upgrade; once it serves
    /// it goes on, also when the coordinator is gone. What is wrong with what is said here is told when the node is built.
    pub fn coordinated(mut self, coordinated: Coordinated) -> Self {
        self.coordinated = Some(coordinated);
        self
    }

    /// The coordinator that was said before, or none, for a program that is told another one.
    pub(super) fn take_coordinated(&mut self) -> Option<Coordinated> {
        self.coordinated.take()
    }

    /// Other files than those of this machine, for tests of what happens when they fail.
    #[doc(hidden)]
    pub fn files(mut self, files: Arc<dyn Files>) -> Self {
        self.files = files;
        self
    }

    /// Another wall clock than that of this machine, for tests of brown-outs and of what waits for a date.
    #[doc(hidden)]
    pub fn wall_clock(mut self, clock: Arc<dyn WallClock>) -> Self {
        self.clock = clock;
        self
    }

    /// Starts a node with a state: goes on with what a crash has left, opens the objects, compiles the routes.
    ///
    /// An upgrade that was permitted before the program ended begins by itself.
    ///
    /// # Errors
    /// Names all that is missing or does not fit, at once, for every version that the node may come to; or says why the
    /// state cannot be opened.
    pub async fn start(self) -> Result<Node, BuildError> {
        Self::start_checked(self.checked()?).await
    }

    pub(super) async fn start_checked(beginning: Beginning) -> Result<Node, BuildError> {
        let life = engine::start(beginning).await?;
        Ok(Node::living(life))
    }

    /// All that can be found out without the state.
    pub(super) fn checked(self) -> Result<Beginning, BuildError> {
        let mut faults = Vec::new();
        if !self.current.is_empty() {
            faults.push("object(…) was given an object: a node with a state needs |opening: &Opening| …".to_owned());
        }
        for (side, objects) in [("past", &self.past), ("future", &self.future)] {
            for (version, _) in objects {
                faults.push(format!(
                    "{side}(\"{version}\"): in a node with a state, simulation objects belong to an Upgrade"
                ));
            }
        }
        if self.state.is_none() {
            faults.push(
                "there is no state folder: give one with state(…), or build() a node that stays as it is".to_owned(),
            );
        }
        let declared = Declared {
            objects: self.opens,
            records: self.records,
            upgrades: self.upgrades,
            observers: self.observers,
            oldest: self.oldest,
        };
        // An object of the wrong kind is not missing.
        let wrong = !self.current.is_empty();
        let chain = Chain::new(&self.protocol, declared).map_err(|missing| {
            faults
                .extend(missing.into_iter().filter(|fault| !(wrong && fault.starts_with("there is no first object"))));
        });
        faults.extend(self.coordinated.as_ref().and_then(Coordinated::fault));
        let goal = match (&self.run_at, &self.back_to) {
            (Some(version), _) => goal("run_at", version, chain.as_ref().ok(), Goal::RunAt, &mut faults),
            (None, Some(version)) => goal("back_to", version, chain.as_ref().ok(), Goal::BackTo, &mut faults),
            (None, None) => Goal::AsItIs,
        };
        let (Ok(chain), Some(root), true) = (chain, self.state, faults.is_empty()) else {
            return Err(BuildError::unfit(faults));
        };
        let version = match &goal {
            Goal::RunAt(version) | Goal::BackTo(version) => Some(version.clone()),
            // Whoever has the state may still move it, or nobody can read it: that is looked at when it is opened.
            Goal::AsItIs => version_of(&*self.files, &root).ok().flatten(),
        };
        let compiled = version.and_then(|version| Standing::ahead(&chain, &self.protocol, &version, None));
        Ok(Beginning {
            chain,
            compiled,
            protocol: self.protocol,
            files: self.files,
            limits: self.limits,
            sampling: self.sampling,
            root,
            trust: self.trust,
            agency: Agency::new(self.coordinated),
            goal,
            wait: self.wait,
            clock: self.clock,
            starting: watch::Sender::new(Starting::Waits),
        })
    }

    /// Lets an observer see the calls that reach the current object, in call order.
    pub fn observe(mut self, observer: impl Observe) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Serves no version older than this one: their callers are told `RETIRED`. Without it all versions are served.
    pub fn oldest_served(mut self, version: &str) -> Self {
        self.oldest = Some(version.to_owned());
        self
    }

    /// Compiles the routes.
    ///
    /// # Errors
    /// Names all that is missing or does not fit, at once.
    pub fn build(mut self) -> Result<Node, BuildError> {
        let mut faults = Vec::new();
        if self.state.is_some() || !self.opens.is_empty() || !self.upgrades.is_empty() {
            faults.push("a node with a state, or with upgrades, is made by start().await".to_owned());
            return Err(BuildError::unfit(faults));
        }
        let node = self.node(&mut faults);
        let oldest =
            self.oldest.take().and_then(|version| self.index(&version, "oldest_served", &mut faults)).unwrap_or(0);
        let Some(node) = node else {
            for (side, objects) in [("past", &self.past), ("future", &self.future)] {
                for (version, _) in objects {
                    self.index(version, side, &mut faults);
                }
            }
            return Err(BuildError::unfit(faults));
        };
        if oldest > node {
            faults
                .push("oldest_served is newer than the version that the node runs: serve at least that one".to_owned());
        }
        faults.extend(self.coordinated.as_ref().and_then(Coordinated::fault));
        let dispatch = Dispatch::new();
        dispatch.sample(self.sampling);
        let mut unopened = Vec::new();
        let mut at: Vec<Option<Object>> = vec![None; self.protocol.versions().len()];
        for (_, object) in std::mem::take(&mut self.current) {
            at[node] = Some(observed(object, &self.observers, &self.protocol.versions()[node]));
        }
        for (past, objects) in [(true, std::mem::take(&mut self.past)), (false, std::mem::take(&mut self.future))] {
            let side = if past { "past" } else { "future" };
            for (version, simulate) in objects {
                let Some(index) = self.index(&version, side, &mut faults) else { continue };
                if at[index].is_some() {
                    faults.push(format!("{side}(\"{version}\"): that version has an object already"));
                    continue;
                }
                if past != (index < node) {
                    let runs = self.protocol.versions()[node].version();
                    faults.push(format!("{side}(\"{version}\"): this is no {side} version of a node that runs {runs}"));
                    continue;
                }
                // The step of a past version is the one to the next, that of a future version the one to itself.
                if let Some(why) = unused(&self.protocol, if past { index + 1 } else { index }, past) {
                    faults.push(format!("{side}(\"{version}\"): {why}"));
                    continue;
                }
                let adjacent = if past { index + 1 } else { index - 1 };
                let adjacent = self.protocol.versions()[adjacent].version().clone();
                match simulate(Adjacent::new(dispatch.within(adjacent))) {
                    Ok(object) => at[index] = Some(object),
                    Err(why) => {
                        faults.push(format!("{side}(\"{version}\"): {why}"));
                        // Its services are not what is missing.
                        unopened.push(index);
                    }
                }
            }
        }
        let built = 0..self.protocol.versions().len();
        match Table::new(&self.protocol, &Objects { node, oldest, at: &at, built }) {
            Ok(table) if faults.is_empty() => dispatch.install(table),
            Ok(_) => {}
            Err(missing) => {
                let missing = missing.into_iter().filter(|missing| !unopened.contains(&missing.version));
                let mut methods: BTreeMap<(usize, String), Vec<String>> = BTreeMap::new();
                for Missing { version, service, method } in missing {
                    methods.entry((version, service)).or_default().push(method);
                }
                faults.extend(
                    methods
                        .iter()
                        .map(|((version, service), methods)| self.tell(*version, node, service, &methods.join(", "))),
                );
            }
        }
        if !faults.is_empty() {
            return Err(BuildError::unfit(faults));
        }
        let version = self.protocol.versions()[node].version().clone();
        let agency = Agency::new(self.coordinated);
        let patience = (self.limits.streams, self.clock);
        Ok(Node::resting(Resting::new(self.protocol, version, dispatch, (oldest, at), self.trust, agency, patience)))
    }

    fn node(&self, faults: &mut Vec<String>) -> Option<usize> {
        match self.current.as_slice() {
            [(version, _)] => self.index(version, "object", faults),
            [] => {
                faults.push("there is no current object: give one with object(version, …)".to_owned());
                None
            }
            several => {
                faults.push(format!("{} current objects were given: a node runs one version", several.len()));
                None
            }
        }
    }

    fn index(&self, version: &str, call: &str, faults: &mut Vec<String>) -> Option<usize> {
        let parsed = version.parse::<Version>().map_err(|error| error.to_string());
        let found = parsed.and_then(|parsed| self.protocol.require(&parsed));
        found.map_err(|why| faults.push(format!("{call}(\"{version}\"): {why}"))).ok()
    }

    fn tell(&self, version: usize, node: usize, service: &str, methods: &str) -> String {
        let side = version.cmp(&node);
        let version = self.protocol.versions()[version].version();
        match side {
            Ordering::Equal => format!("the object of {version} lacks the service {service} (for {methods})"),
            Ordering::Less => format!(
                "code in the step from {version} to the next version: give past(\"{version}\", …) with {service}, for \
                 {methods}; or leave older versions out with oldest_served"
            ),
            Ordering::Greater => {
                format!("code in the step to {version}: give future(\"{version}\", …) with {service}, for {methods}")
            }
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Builder").field("protocol", &self.protocol.name()).finish_non_exhaustive()
    }
}

/// The version that the program was told, if it is one that it can run.
fn goal(
    call: &str,
    version: &str,
    chain: Option<&Chain>,
    of: impl Fn(Version) -> Goal,
    faults: &mut Vec<String>,
) -> Goal {
    let version = version.parse::<Version>().map_err(|error| faults.push(format!("{call}(\"{version}\"): {error}")));
    let (Ok(version), Some(chain)) = (version, chain) else { return Goal::AsItIs };
    if chain.link(&version).is_none() {
        faults.push(format!("this program cannot run {version}: it can run {}", chain.told()));
    }
    of(version)
}

/// Why a node could not be built: everything that is missing, at once.
#[derive(thiserror::Error)]
#[error("the node cannot be built:\n  {}", .faults.join("\n  "))]
pub struct BuildError {
    faults: Vec<String>,
    kind: Kind,
}

impl From<NotStarted> for BuildError {
    fn from(not: NotStarted) -> Self {
        Self { faults: vec![not.why], kind: not.kind }
    }
}

/// As its display: a program that ends in it shows nothing else.
impl fmt::Debug for BuildError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl BuildError {
    fn unfit(faults: Vec<String>) -> Self {
        Self { faults, kind: Kind::Unfit }
    }

    /// Whether the program cannot do what it was told, however often it is started: something is missing in it, or the state
    /// is of a version that it cannot run.
    #[must_use]
    pub fn is_unfit(&self) -> bool {
        self.kind == Kind::Unfit
    }

    /// The version that the state is of, whole, after it was not moved to the one that the node was to
    /// [run at](Builder::run_at): a program that can run that version can go on with it.
    #[must_use]
    pub fn went_back(&self) -> Option<&Version> {
        match &self.kind {
            Kind::WentBack(version) => Some(version),
            _ => None,
        }
    }

    /// What is missing or does not fit, at least one.
    #[must_use]
    pub fn faults(&self) -> &[String] {
        &self.faults
    }
}
