//! A model of a node: what is on its disk, what it does, and the real core of its agent.
//!
//! It lives as `state/phase.rs` and `state/recovery.rs` say: what was quiescing when it crashed goes back to serving, what was
//! being made is made anew, at most three times, and what has switched goes on.

use std::collections::{BTreeMap, BTreeSet};

use straddle::control::v1_0_0 as wire;
use straddle::control::v1_0_0::{Phase, Way};
use straddle::node::agent::core::AgentCore;

use super::census::Counting;
use super::clock::Clock;
use super::doors::Front;
use super::protocol::Fleet;

/// A move, as it is journaled.
#[derive(Clone, Debug)]
pub(crate) struct Move {
    pub(crate) permit: u64,
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) back: bool,
    pub(crate) way: Way,
    pub(crate) phase: Phase,
    pub(crate) attempts: u32,
    /// It waits for its word, and callers are served.
    pub(crate) prepared: bool,
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each says one thing of a node")]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) zone: String,
    pub(crate) ways: Vec<Way>,
    pub(crate) clock: Clock,
    /// What it showed when the program began: an agent's own clock begins then.
    pub(crate) began: u64,
    pub(crate) counting: Counting,
    // What is on its disk.
    pub(crate) version: usize,
    pub(crate) back: Option<usize>,
    pub(crate) journal: Option<Move>,
    pub(crate) last_permit: u64,
    pub(crate) failure: Option<String>,
    pub(crate) learned: BTreeSet<usize>,
    pub(crate) admission: u64,
    /// What is written down of retired versions, as a real node writes it; and what it was told then.
    pub(crate) kept: Option<String>,
    pub(crate) told: Option<wire::Retiring>,
    /// The versions that its program was built with, and can run.
    pub(crate) program: (usize, usize),
    // Its process.
    pub(crate) agent: Option<AgentCore>,
    pub(crate) front: Option<Front>,
    /// Another one whenever the process starts.
    pub(crate) instance: u64,
    pub(crate) stream: Option<u64>,
    /// It was let serve.
    pub(crate) serve: bool,
    pub(crate) held: bool,
    pub(crate) drained: bool,
    /// When it last answered callers; while it does, now.
    pub(crate) served_at: u64,
    pub(crate) calls: BTreeMap<(usize, usize, usize), wire::Calls>,
    // What will befall it.
    pub(crate) fails: u32,
    /// It never comes back.
    pub(crate) dead: bool,
    /// Agents remember their admission over a restart of the program.
    pub(crate) keeps_admission: bool,
    /// What it is to learn does not come by itself: it has to ask.
    pub(crate) unpushed: bool,
    /// Its program does what it can before it asks for a permit.
    pub(crate) gets_ready: bool,
    /// The version that callers will find when it first comes; for those that are older than the fleet.
    pub(crate) ticks: u64,
    pub(crate) next_tick: Option<u64>,
}

impl Node {
    pub(crate) fn is_up(&self) -> bool {
        self.agent.is_some()
    }

    /// The time on its agent's clock.
    pub(crate) fn now(&self, time: u64) -> u64 {
        self.clock.monotonic(time) - self.began
    }

    pub(crate) fn phase(&self) -> Phase {
        match &self.journal {
            None => Phase::Serving,
            Some(one) if one.prepared => Phase::Permitted,
            Some(one) => one.phase,
        }
    }

    /// Whether it really answers callers.
    pub(crate) fn answers(&self) -> bool {
        let phase = matches!(self.phase(), Phase::Serving | Phase::Learned | Phase::Permitted | Phase::Finalizing);
        self.is_up() && self.serve && !self.drained && phase
    }

    pub(crate) fn hello(&self, fleet: &Fleet, protocol: &str) -> wire::Hello {
        wire::Hello {
            node: self.name.clone(),
            protocol: protocol.to_owned(),
            address: format!("{}:7000", self.name),
            labels: [("zone".to_owned(), self.zone.clone())].into(),
            runs: (self.program.0..=self.program.1).map(|version| fleet.name(version)).collect(),
            ways: self.ways.iter().map(|way| i32::from(*way)).collect(),
            instance: format!("{}-{}", self.name, self.instance),
            admission: if self.keeps_admission { self.admission } else { 0 },
            knows: self.knows(fleet),
            report: Some(self.report(fleet)),
        }
    }

    pub(crate) fn knows_version(&self, version: usize) -> bool {
        (self.program.0..=self.program.1).contains(&version) || self.learned.contains(&version)
    }

    pub(crate) fn knows(&self, fleet: &Fleet) -> Vec<wire::KnownVersion> {
        let built = self.program.0..=self.program.1;
        let known: BTreeSet<usize> = built.clone().chain(self.learned.iter().copied()).collect();
        let known = known.into_iter().map(|version| wire::KnownVersion {
            version: fleet.name(version),
            schema: fleet.protocol.versions()[version].digest().to_owned(),
            learned: !built.contains(&version),
        });
        known.collect()
    }

    pub(crate) fn report(&self, fleet: &Fleet) -> wire::Report {
        let moves = self.journal.as_ref();
        let mut report = wire::Report {
            version: fleet.name(self.version),
            moving_to: moves.filter(|one| !one.prepared).map(|one| fleet.name(one.to)).unwrap_or_default(),
            moving_back: moves.is_some_and(|one| one.back),
            back: self.back.map(|back| fleet.name(back)).unwrap_or_default(),
            next: if self.version < self.last_runnable() { fleet.name(self.version + 1) } else { String::new() },
            serving: self.answers(),
            drained: self.drained,
            held: self.held.then(|| "month-end".to_owned()),
            failure: self.failure.clone(),
            permit: moves.map_or(self.last_permit, |one| one.permit),
            prepared: moves.filter(|one| one.prepared).map(|one| fleet.name(one.to)).unwrap_or_default(),
            retiring: self.front.as_ref().and_then(|front| front.doors.report()),
            ..wire::Report::default()
        };
        report.set_phase(self.phase());
        report
    }

    /// A supervised program is replaced by one that can run the next version.
    fn last_runnable(&self) -> usize {
        if self.ways.contains(&Way::Restart) { usize::MAX } else { self.program.1 }
    }

    pub(crate) fn take_calls(&mut self) -> Vec<wire::Calls> {
        std::mem::take(&mut self.calls).into_values().collect()
    }

    /// What its program finds on the disk when it starts.
    pub(crate) fn recover(&mut self) {
        let Some(one) = &mut self.journal else { return };
        let undo = match one.phase {
            // Whoever could give the word has lost the node; callers had only waited.
            _ if one.prepared => true,
            Phase::Permitted | Phase::Quiescing => true,
            Phase::Transforming | Phase::Reversing => {
                one.attempts += 1;
                one.attempts > 3
            }
            _ => false,
        };
        if undo {
            self.last_permit = one.permit;
            self.failure = Some("the program ended while calls were held back".to_owned());
            self.journal = None;
        }
    }
}
