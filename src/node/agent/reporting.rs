//! How the node is doing, as the coordinator is told.

use std::collections::BTreeMap;

use super::counting;
use super::supervised::Seen;
use super::{Coordinated, Node, lock};
use crate::control::v1_0_0 as wire;
use crate::control::v1_0_0::Way;
use crate::dispatch::{Called, Counted, Counts};
use crate::node::{Kind, NodeStatus};
use crate::state::{self, Phase};
use crate::version::Version;

/// Who the node is.
pub(super) fn hello(node: &Node, coordinated: &Coordinated, address: &str) -> wire::Hello {
    let status = node.status();
    let (runs, mut ways) = match &node.0 {
        Kind::Resting(resting) => (vec![resting.version.clone()], Vec::new()),
        Kind::Living(life) => (life.can_run(), vec![Way::Soft, Way::Drain, Way::Barrier]),
    };
    if coordinated.supervisor.is_some() {
        ways.push(Way::Restart);
    }
    wire::Hello {
        node: coordinated.name_at(address),
        protocol: status.protocol,
        address: coordinated.address.clone().unwrap_or_else(|| address.to_owned()),
        labels: coordinated.labels.clone().into_iter().collect(),
        runs: runs.iter().map(Version::to_string).collect(),
        ways: ways.into_iter().map(Way::into).collect(),
        instance: status.instance,
        admission: lock(&node.agency().admission).unwrap_or_default(),
        knows: knows(node),
        report: Some(report(node, coordinated, Seen::default(), &node.dispatch().counted())),
    }
}

/// The versions that the node knows.
pub(super) fn knows(node: &Node) -> Vec<wire::KnownVersion> {
    let (protocol, learned) = (node.protocol(), node.status().learned);
    let versions = protocol.versions().iter();
    versions
        .map(|schema| wire::KnownVersion {
            version: schema.version().to_string(),
            schema: schema.digest().to_owned(),
            learned: learned.contains(schema.version()),
        })
        .collect()
}

/// How it is doing right now, with what was counted of calls so far, and what its supervisor says.
pub(super) fn report(node: &Node, coordinated: &Coordinated, supervisor: Seen, counted: &[Counted]) -> wire::Report {
    let status = node.status();
    let serving =
        status.unadmitted.is_none() && status.phase.answers_callers() && !status.drained && status.stuck.is_none();
    let NodeStatus { version, back, next, drained, held, failure, stuck, filling, active, retired, .. } = status;
    // The program before may have gone under a permit that nobody has told the end of.
    let before = node.agency().before.get().map(|before| before.permit);
    let told = |version: Option<Version>| version.map(|version| version.to_string()).unwrap_or_default();
    // One that waits for its permit does not move yet.
    let (moving_to, way) = status.under_way.filter(|_| status.phase != Phase::Learned).unzip();
    wire::Report {
        version: version.to_string(),
        phase: phase(status.phase).into(),
        moving_to: told(moving_to),
        moving_back: way == Some(state::Way::Back),
        back: told(back),
        unusable: supervisor.unusable.filter(|_| next.is_none() && supervisor.next.is_none()),
        next: told(next.or(supervisor.next)),
        serving,
        drained,
        held,
        failure: failure.or(supervisor.failure),
        stuck,
        permit: status.permit.max(before).unwrap_or_default(),
        prepared: status.prepared.map(|prepared| prepared.name).unwrap_or_default(),
        filling: filling.map(|(done, total)| wire::Filling { done, total }),
        calls: lock(&node.agency().told).news(counted),
        calls_running: status.calls.0 as u64,
        values: coordinated.values.as_ref().map(|values| values().into_iter().collect()).unwrap_or_default(),
        active: active.to_string(),
        given_up: lock(&node.agency().given_up).clone(),
        retiring: retired.as_ref().map(super::retiring::in_force),
        ..wire::Report::default()
    }
}

/// The calls that were told of. Counts only grow, so what is told next is what they have grown by.
#[derive(Debug, Default)]
pub(super) struct Told(BTreeMap<Called, Counts>);

impl Told {
    /// What has ended since this was asked last.
    fn news(&mut self, counted: &[Counted]) -> Vec<wire::Calls> {
        let news = counted.iter().filter_map(|Counted { called, counts }| {
            let told = self.0.entry(called.clone()).or_default();
            if told == counts {
                return None;
            }
            let calls = calls(called, &counts.since(told));
            told.clone_from(counts);
            (calls.answered + calls.failed + calls.refused > 0).then_some(calls)
        });
        news.collect()
    }
}

fn calls(called: &Called, counts: &Counts) -> wire::Calls {
    wire::Calls {
        version: called.version.to_string(),
        unlabelled: called.unlabelled,
        method: counting::name(&called.method),
        node_version: called.node.to_string(),
        answered: counts.answered,
        failed: counts.failed,
        refused: counts.refusals(),
        latency: counts.latency.to_vec(),
    }
}

fn phase(phase: Phase) -> wire::Phase {
    match phase {
        Phase::Serving => wire::Phase::Serving,
        Phase::Learned => wire::Phase::Learned,
        Phase::Permitted => wire::Phase::Permitted,
        Phase::Quiescing => wire::Phase::Quiescing,
        Phase::Transforming => wire::Phase::Transforming,
        Phase::Reversing => wire::Phase::Reversing,
        Phase::Switching => wire::Phase::Switching,
        Phase::Verifying => wire::Phase::Verifying,
        Phase::Finalizing => wire::Phase::Finalizing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(answered: u64, running: u64) -> Vec<Counted> {
        let version = |text: &str| text.parse().unwrap();
        let called =
            Called { version: version("1.0.0"), unlabelled: true, method: "/p.S/M".into(), node: version("2.0.0") };
        let mut counts = Counts { begun: answered + running, answered, ..Counts::default() };
        counts.latency[3] = answered;
        vec![Counted { called, counts }]
    }

    #[test]
    fn each_call_is_told_once_and_one_that_runs_when_it_ends() {
        let mut told = Told::default();
        let mut news = |answered, running| {
            let calls = told.news(&counted(answered, running));
            calls.into_iter().map(|calls| (calls.method.clone(), calls.answered, calls.latency[3])).collect::<Vec<_>>()
        };
        assert_eq!(news(0, 1), []);
        assert_eq!(news(2, 1), [("p.S.M".to_owned(), 2, 2)]);
        assert_eq!(news(2, 3), []);
        assert_eq!(news(5, 0), [("p.S.M".to_owned(), 3, 3)]);
        assert_eq!(news(5, 0), []);
    }
}
