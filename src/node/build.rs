//! Putting a node together.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use crate::dispatch::{Dispatch, Missing, Object, Objects, Table};
use crate::node::Node;
use crate::protocol::{Hop, Protocol};
use crate::simulation::{Adjacent, Observe, observed};
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
    fn fixed(self) -> Option<Object>;
}

impl Current for Object {
    fn fixed(self) -> Option<Object> {
        Some(self)
    }
}

impl<S: Simulation, F: Fn(&super::Opening) -> S + Send + Sync + 'static> Current for F {
    fn fixed(self) -> Option<Object> {
        None
    }
}

/// Builds a [`Node`]; see there for an example.
#[must_use = "a builder does nothing before `build`"]
pub struct Builder {
    protocol: Protocol,
    current: Vec<(String, Object)>,
    past: Vec<(String, Simulate)>,
    future: Vec<(String, Simulate)>,
    observers: Vec<std::sync::Arc<dyn Observe>>,
    oldest: Option<String>,
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
        }
    }

    /// The current object: it implements `version`, which is the one that the node runs.
    ///
    /// A node with a [`state`](Self::state) is given what opens the object: `|opening: &Opening| …`.
    pub fn object(mut self, version: &str, object: impl Current) -> Self {
        if let Some(object) = object.fixed() {
            self.current.push((version.to_owned(), object));
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

    /// Adds an upgrade, from the version of the object, or of the upgrade that was added before. Needs a
    /// [`state`](Self::state).
    pub fn upgrade(self, upgrade: super::Upgrade) -> Self {
        let _ = upgrade;
        self
    }

    /// Keeps the node's state in this folder, so that it can upgrade; such a node is made by [`start`](Self::start), and runs
    /// the version that the folder says, at first that of the object.
    pub fn state(self, folder: impl Into<std::path::PathBuf>) -> Self {
        let _ = folder.into();
        self
    }

    /// Starts a node with a state: goes on with what a crash has left, opens the objects, compiles the routes.
    ///
    /// # Errors
    /// Names all that is missing or does not fit, at once; or says why the state cannot be opened.
    pub async fn start(self) -> Result<Node, BuildError> {
        todo!()
    }

    /// Lets an observer see the calls that reach the current object, in call order.
    pub fn observe(mut self, observer: impl Observe) -> Self {
        self.observers.push(std::sync::Arc::new(observer));
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
        let node = self.node(&mut faults);
        let oldest =
            self.oldest.take().and_then(|version| self.index(&version, "oldest_served", &mut faults)).unwrap_or(0);
        let Some(node) = node else {
            for (side, objects) in [("past", &self.past), ("future", &self.future)] {
                for (version, _) in objects {
                    self.index(version, side, &mut faults);
                }
            }
            return Err(BuildError { faults });
        };
        if oldest > node {
            faults
                .push("oldest_served is newer than the version that the node runs: serve at least that one".to_owned());
        }
        let dispatch = Dispatch::new();
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
                if let Some(why) = self.unused(index, past) {
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
            return Err(BuildError { faults });
        }
        let version = self.protocol.versions()[node].version().clone();
        Ok(Node { protocol: self.protocol, version, dispatch })
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

    /// Why no call would ever reach a simulation object: most likely, its step has been forgotten.
    fn unused(&self, index: usize, past: bool) -> Option<String> {
        let (step, hops) = if past {
            let step = &self.protocol.steps()[index];
            (step, step.past())
        } else {
            let step = &self.protocol.steps()[index - 1];
            (step, step.future())
        };
        let used = hops.iter().any(|hop| matches!(hop, Hop::Code { .. }));
        (!used).then(|| {
            let side = if past { "past" } else { "future" };
            format!(
                "the step from {} to {} declares no code for it, so no call would reach it: list its methods under \
                 [{side}] in step.toml, or leave it out",
                step.from(),
                step.to()
            )
        })
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

/// Why a node could not be built: everything that is missing, at once.
#[derive(thiserror::Error)]
#[error("the node cannot be built:\n  {}", .faults.join("\n  "))]
pub struct BuildError {
    faults: Vec<String>,
}

/// As its display: a program that ends in it shows nothing else.
impl fmt::Debug for BuildError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl BuildError {
    /// What is missing or does not fit, at least one.
    #[must_use]
    pub fn faults(&self) -> &[String] {
        &self.faults
    }
}
