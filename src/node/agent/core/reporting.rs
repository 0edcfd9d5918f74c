//! What is reported, and when.

use std::collections::BTreeMap;

use super::AgentCore;
use crate::control::v1_0_0 as wire;
use crate::control::v1_0_0::Phase;

/// Most groups of calls that are kept for the next report; what is over is counted without its method.
const GROUPS: usize = 8192;
/// Most labels that are named in a report.
const LABELS: usize = 64;

/// The node as it was reported, and as it is.
#[derive(Debug)]
pub(super) struct Reporting {
    /// Without what is counted.
    node: wire::Report,
    /// Why a bundle was not learned.
    unlearned: Option<String>,
    /// Something has ended, and the node has not said yet how it is.
    outdated: bool,
    /// What was said last on this stream, without what is counted.
    said: Option<wire::Report>,
    said_at: u64,
    /// What Hello said that the node knows.
    knew: Vec<wire::KnownVersion>,
    /// A report has just been said.
    asks_along: bool,
    calls: BTreeMap<Group, wire::Calls>,
    unknown: BTreeMap<String, u64>,
    /// From when on they were counted.
    counted_from: u64,
}

/// Version, whether it carried no label, method, the node's version.
type Group = (String, bool, String, String);

impl Reporting {
    pub(super) fn new(mut node: wire::Report) -> Self {
        let calls = std::mem::take(&mut node.calls);
        let mut reporting = Self {
            node,
            unlearned: None,
            outdated: false,
            said: None,
            said_at: 0,
            knew: Vec::new(),
            asks_along: false,
            calls: BTreeMap::new(),
            unknown: BTreeMap::new(),
            counted_from: 0,
        };
        reporting.count(calls);
        reporting
    }

    pub(super) fn unlearned(&self) -> Option<String> {
        self.unlearned.clone()
    }

    /// How the node is.
    pub(super) fn node(&self) -> &wire::Report {
        &self.node
    }

    /// Whether the node has said how it is since something ended.
    pub(super) fn is_fresh(&self) -> bool {
        !self.outdated
    }

    pub(super) fn outdate(&mut self) {
        self.outdated = true;
    }

    /// The node has said how it is.
    pub(super) fn note(&mut self, mut report: wire::Report) {
        let (calls, unknown) = (std::mem::take(&mut report.calls), std::mem::take(&mut report.unknown));
        self.count(calls);
        for label in &unknown {
            self.count_label(&label.version, label.calls);
        }
        self.node = report;
        self.outdated = false;
    }

    /// A move is over.
    pub(super) fn moved(&mut self, permit: &wire::Permit, there: bool) {
        let node = &mut self.node;
        node.set_phase(Phase::Serving);
        node.moving_to.clear();
        node.prepared.clear();
        node.moving_back = false;
        if there {
            node.version.clone_from(&permit.to);
            node.back = if permit.back { String::new() } else { permit.from.clone() };
            node.next.clear();
        }
        self.outdated = true;
    }

    /// Why a bundle was not learned, or that there is none any more of which this is so.
    pub(super) fn not_learned(&mut self, why: Option<String>) {
        self.unlearned = why;
    }

    pub(super) fn greeted(&mut self, report: &wire::Report, knows: Vec<wire::KnownVersion>, now: u64) {
        self.said = Some(steady(report));
        self.said_at = now;
        self.knew = knows;
    }

    /// When the next report is due, while it is known how the node is.
    pub(super) fn due(&self, every: u64) -> Option<u64> {
        (!self.outdated).then(|| self.said_at.saturating_add(every))
    }

    /// Whether a report was said just now.
    pub(super) fn asks_along(&mut self) -> bool {
        std::mem::take(&mut self.asks_along)
    }

    pub(super) fn count_label(&mut self, version: &str, calls: u64) {
        if let Some(counted) = self.unknown.get_mut(version) {
            *counted = counted.saturating_add(calls);
        } else if self.unknown.len() < LABELS {
            self.unknown.insert(version.to_owned(), calls);
        }
    }

    fn count(&mut self, calls: Vec<wire::Calls>) {
        for mut calls in calls {
            let group =
                |method: &str| (calls.version.clone(), calls.unlabelled, method.to_owned(), calls.node_version.clone());
            let mut key = group(&calls.method);
            if self.calls.len() >= GROUPS && !self.calls.contains_key(&key) {
                key = group("");
                calls.method.clear();
            }
            match self.calls.get_mut(&key) {
                Some(counted) => add(counted, &calls),
                None => drop(self.calls.insert(key, calls)),
            }
        }
    }
}

impl AgentCore {
    /// Reports when something has changed, and when it is time.
    pub(super) fn report(&mut self, now: u64) {
        let Some(due) = self.reporting.due(self.report_every()) else { return };
        let mut report = self.told();
        report.learned = self.learned_since_hello();
        let steady = steady(&report);
        let reporting = &mut self.reporting;
        if due > now && reporting.said.as_ref() == Some(&steady) {
            return;
        }
        report.calls = std::mem::take(&mut reporting.calls).into_values().collect();
        let unknown = std::mem::take(&mut reporting.unknown).into_iter();
        report.unknown = unknown.map(|(version, calls)| wire::UnknownLabel { version, calls }).collect();
        report.over_microseconds = now.saturating_sub(reporting.counted_from);
        reporting.counted_from = now;
        (reporting.said, reporting.said_at, reporting.asks_along) = (Some(steady), now, true);
        self.say(wire::from_agent::Message::Report(report));
    }

    fn learned_since_hello(&self) -> Vec<wire::KnownVersion> {
        let knows = self.hello.knows.iter();
        knows.filter(|known| !self.reporting.knew.contains(known)).cloned().collect()
    }
}

/// A report without what changes all the time.
fn steady(report: &wire::Report) -> wire::Report {
    wire::Report {
        calls: Vec::new(),
        unknown: Vec::new(),
        calls_running: 0,
        over_microseconds: 0,
        values: std::collections::HashMap::new(),
        filling: report.filling.as_ref().map(|_| wire::Filling::default()),
        ..report.clone()
    }
}

fn add(counted: &mut wire::Calls, calls: &wire::Calls) {
    counted.answered = counted.answered.saturating_add(calls.answered);
    counted.failed = counted.failed.saturating_add(calls.failed);
    counted.refused = counted.refused.saturating_add(calls.refused);
    if counted.latency.len() < calls.latency.len() {
        counted.latency.resize(calls.latency.len(), 0);
    }
    for (counted, more) in counted.latency.iter_mut().zip(&calls.latency) {
        *counted = counted.saturating_add(*more);
    }
}
