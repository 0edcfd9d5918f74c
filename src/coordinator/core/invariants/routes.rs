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
use crate::coordinator::core::live::{Callers, When};
use crate::coordinator::schedule::in_words;
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

/// A method that callers of a version would lose.
struct Lost {
    version: usize,
    method: usize,
    when: When,
    lack: Lack,
}

/// Who calls, in one round.
pub(in crate::coordinator::core) struct Proof {
    callers: Callers,
    /// For how long a call that nodes report counts, in microseconds.
    kept: u64,
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
        Self { callers: fleet.live_callers(watched, kept), kept, accepted, proved: BTreeMap::new() }
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
        self.callers.entry(index).or_default().extend(called.map(|(place, _)| (place, When::Lately)));
        self.proved.clear();
    }

    pub(in crate::coordinator::core) fn keeps(&mut self, fleet: &Fleet, node: &Node, step: &Step) -> Option<Waits> {
        let protocol = fleet.protocol.as_ref()?;
        let (now, then) = (class(fleet, node, &step.from)?, class(fleet, node, &step.to)?);
        if let Some(proved) = self.proved.get(&(now, then)) {
            return proved.clone();
        }
        let lost = self.lost(protocol, &fleet.routes, now, then);
        let waits = (!lost.is_empty()).then(|| self.told(protocol, &lost, step));
        self.proved.insert((now, then), waits.clone());
        waits
    }

    /// What a class of nodes would not answer any more.
    fn lost(&self, protocol: &Protocol, routes: &Routes, now: Class, then: Class) -> Vec<Lost> {
        let (before, after) = (routes.refused(protocol, now), routes.refused(protocol, then));
        let mut lost = Vec::new();
        for (version, methods) in &self.callers {
            for (method, lack) in &after[*version] {
                if let Some(when) = methods.get(method)
                    && !before[*version].contains_key(method)
                    && !self.accepted.contains(&name(protocol, *version, *method))
                {
                    lost.push(Lost { version: *version, method: *method, when: *when, lack: lack.clone() });
                }
            }
        }
        lost
    }

    fn told(&self, protocol: &Protocol, lost: &[Lost], step: &Step) -> Waits {
        const SHOWN: usize = 3;
        let version = |index: usize| protocol.versions()[index].version();
        let shown = &lost[..lost.len().min(SHOWN)];
        let sentence = |one: &Lost| {
            let why = match one.lack {
                Lack::Refused(older, newer) => {
                    format!("the step between {} and {} refuses it", version(older), version(newer))
                }
                Lack::Program(program) => format!("it takes a program that was built with {}", version(program)),
            };
            // Without a number that counts on: whoever waits is told again when it changes.
            let rare = match one.when {
                When::Lately => String::new(),
                When::Before => format!(", though nobody has called it for {}", in_words(self.kept)),
            };
            let method = protocol.versions()[one.version].methods()[one.method].full_name();
            let (caller, to) = (version(one.version), &step.to);
            format!("callers of {caller} would lose {method} at nodes that run {to}: {why}{rare}")
        };
        let sentences: Vec<String> = shown.iter().map(sentence).collect();
        let more = lost.len() - shown.len();
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let accept = |one: &Lost| format!("--accept \"{}\"", name(protocol, one.version, one.method));
        let names: Vec<String> = shown.iter().map(accept).collect();
        let program = lost.iter().find_map(|one| match one.lack {
            Lack::Program(program) => {
                Some(format!("start nodes with a program that was built with {}; or ", version(program)))
            }
            Lack::Refused(..) => None,
        });
        let who = shown.first().map_or_else(String::new, |one| {
            format!("see who calls it with `straddle callers {} --version {}`, ", protocol.name(), version(one.version))
        });
        let advice = format!(
            "{}{who}bridge it in the step, or accept it by name: {}",
            program.unwrap_or_default(),
            names.join(" ")
        );
        Waits::new("routes", format!("{}{more}", sentences.join("; ")), advice)
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
