//! The proof of routes: no move after which a method that somebody calls has no route to the node any more.
//!
//! A route depends on three things: who calls (a version and a method), what the node runs, and the program that it runs: a
//! hop of code ends at a simulation object, which only a program has that was built with its version; rules need no more than
//! the bundle, and where a node cannot learn one, clients follow the rules on their own side.
//!
//! Nodes of one version and of programs built alike are one class, and what a class cannot answer is computed once. So the proof
//! of a permit is a look at two classes: now, and as it would be. What has no route now has none to lose; and what an upgrade has
//! accepted by name may be lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::coordinator::core::fleet::{Fleet, Node, Waits};
use crate::coordinator::core::goals::Step;
use crate::dispatch::{End, Walk};
use crate::protocol::Protocol;
use crate::version::Version;

/// Places in the protocol: what nodes run, and the oldest and newest version that their program was built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::coordinator::core) struct Class {
    runs: usize,
    first: usize,
    last: usize,
}

/// What is known of classes, kept until the protocol changes.
#[derive(Default)]
pub(in crate::coordinator::core) struct Routes(Mutex<BTreeMap<Class, Arc<Refused>>>);

/// By caller version, the methods that a class refuses, and why.
type Refused = Vec<BTreeMap<usize, Lack>>;

/// Why there is no route.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Lack {
    /// The step between these versions refuses the method.
    Refused(usize, usize),
    /// Code answers, which a program with this version has.
    Program(usize),
}

impl Routes {
    pub(in crate::coordinator::core) fn clear(&mut self) {
        *self = Self::default();
    }

    fn refused(&self, protocol: &Protocol, class: Class) -> Arc<Refused> {
        // Nothing is done under the lock that could leave half of a map.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(class).or_insert_with(|| Arc::new(class.refused(protocol))).clone()
    }
}

impl Class {
    /// What such nodes refuse.
    fn refused(self, protocol: &Protocol) -> Refused {
        let lack = |version: usize, method: usize| {
            let walk = Walk::new(protocol, version, method, self.runs);
            match walk.end {
                End::Native => None,
                End::Simulated if (self.first..=self.last).contains(&walk.version) => None,
                End::Simulated => Some(Lack::Program(walk.program(self.runs))),
                End::Refused(_) if walk.version < self.runs => Some(Lack::Refused(walk.version, walk.version + 1)),
                End::Refused(_) => Some(Lack::Refused(walk.version.saturating_sub(1), walk.version)),
            }
        };
        let methods = |version: usize| 0..protocol.versions()[version].methods().len();
        (0..protocol.versions().len())
            .map(|version| methods(version).filter_map(|method| Some((method, lack(version, method)?))).collect())
            .collect()
    }
}

/// Who calls, in one round.
pub(in crate::coordinator::core) struct Proof {
    /// Places of versions and their methods.
    callers: Vec<(usize, BTreeSet<usize>)>,
    accepted: BTreeSet<String>,
    /// By what a node is, and what it would be.
    proved: BTreeMap<(Class, Class), Option<Waits>>,
}

impl Proof {
    pub(super) fn new(fleet: &Fleet, watched: u64, kept: u64) -> Self {
        // What was accepted once stays so: those that come later lose no more than the others have.
        let ended = fleet.ended.values().flat_map(|upgrade| upgrade.accepted.iter().cloned());
        let running = fleet.upgrade.iter().flat_map(|running| running.accepted.iter().cloned());
        let accepted = ended.chain(running).collect();
        let Some(protocol) = &fleet.protocol else {
            return Self { callers: Vec::new(), accepted, proved: BTreeMap::new() };
        };
        let place = |(version, methods): (Version, BTreeSet<String>)| {
            let index = protocol.index_of(&version)?;
            let declared = protocol.versions()[index].methods().iter().enumerate();
            let called = declared.filter(|(_, method)| methods.contains(method.full_name())).map(|(place, _)| place);
            Some((index, called.collect()))
        };
        let callers = fleet.live_callers(watched, kept).into_iter().filter_map(place).collect();
        Self { callers, accepted, proved: BTreeMap::new() }
    }

    /// As if these methods were accepted, for plans.
    pub(in crate::coordinator::core) fn accept(&mut self, accepted: impl IntoIterator<Item = String>) {
        self.accepted.extend(accepted);
        self.proved.clear();
    }

    /// As if these versions were called, for plans.
    pub(in crate::coordinator::core) fn declare(&mut self, fleet: &Fleet, version: &Version, methods: &[String]) {
        let Some(protocol) = &fleet.protocol else { return };
        let Some(index) = protocol.index_of(version) else { return };
        let all = protocol.versions()[index].methods().iter().enumerate();
        let called =
            all.filter(|(_, method)| methods.is_empty() || methods.iter().any(|one| one == method.full_name()));
        self.callers.push((index, called.map(|(place, _)| place).collect()));
        self.proved.clear();
    }

    pub(in crate::coordinator::core) fn keeps(&mut self, fleet: &Fleet, node: &Node, step: &Step) -> Option<Waits> {
        let protocol = fleet.protocol.as_ref()?;
        let (now, then) = (class(fleet, node, &step.from)?, class(fleet, node, &step.to)?);
        if let Some(proved) = self.proved.get(&(now, then)) {
            return proved.clone();
        }
        let lost = self.lost(protocol, &fleet.routes, now, then);
        let waits = (!lost.is_empty()).then(|| told(protocol, &lost, step));
        self.proved.insert((now, then), waits.clone());
        waits
    }

    /// What a class of nodes would not answer any more, as caller version, method and reason.
    fn lost(&self, protocol: &Protocol, routes: &Routes, now: Class, then: Class) -> Vec<(usize, usize, Lack)> {
        let (before, after) = (routes.refused(protocol, now), routes.refused(protocol, then));
        let mut lost = Vec::new();
        for (version, methods) in &self.callers {
            for (method, lack) in &after[*version] {
                if methods.contains(method)
                    && !before[*version].contains_key(method)
                    && !self.accepted.contains(&name(protocol, *version, *method))
                {
                    lost.push((*version, *method, lack.clone()));
                }
            }
        }
        lost
    }
}

/// What a node would be at a version. A program that cannot run it is replaced by one that can, built with what is between.
fn class(fleet: &Fleet, node: &Node, version: &Version) -> Option<Class> {
    let runs = fleet.index(version)?;
    let built = node.built().and_then(|(first, last)| Some((fleet.index(&first)?, fleet.index(&last)?)));
    let (first, last) = built.unwrap_or((runs, runs));
    Some(Class { runs, first: first.min(runs), last: last.max(runs) })
}

/// A method as upgrades accept it.
fn name(protocol: &Protocol, version: usize, method: usize) -> String {
    let schema = &protocol.versions()[version];
    format!("{} {}", schema.version(), schema.methods()[method].full_name())
}

fn told(protocol: &Protocol, lost: &[(usize, usize, Lack)], step: &Step) -> Waits {
    const SHOWN: usize = 3;
    let version = |index: usize| protocol.versions()[index].version();
    let shown: Vec<String> = lost
        .iter()
        .take(SHOWN)
        .map(|(caller, method, lack)| {
            let why = match lack {
                Lack::Refused(older, newer) => {
                    format!("the step between {} and {} refuses it", version(*older), version(*newer))
                }
                Lack::Program(program) => format!("it takes a program that was built with {}", version(*program)),
            };
            let method = protocol.versions()[*caller].methods()[*method].full_name();
            format!("callers of {} would lose {method} at nodes that run {}: {why}", version(*caller), step.to)
        })
        .collect();
    let more = lost.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let names: Vec<String> = lost
        .iter()
        .take(SHOWN)
        .map(|(caller, method, _)| format!("--accept \"{}\"", name(protocol, *caller, *method)))
        .collect();
    let program = lost.iter().find_map(|(_, _, lack)| match lack {
        Lack::Program(program) => {
            Some(format!("start nodes with a program that was built with {}; or ", version(*program)))
        }
        Lack::Refused(..) => None,
    });
    let advice = format!(
        "{}bridge it in the step, wait until nobody calls it, or accept it by name: {}",
        program.unwrap_or_default(),
        names.join(" ")
    );
    Waits::new("routes", format!("{}{more}", shown.join("; ")), advice)
}
