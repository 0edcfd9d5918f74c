//! How the node is doing, as the coordinator is told.

use super::counting;
use super::supervised::Seen;
use super::{Coordinated, Node, lock};
use crate::control::v1_0_0 as wire;
use crate::control::v1_0_0::Way;
use crate::dispatch::Counted;
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
        // What was called before is counted with the next report.
        report: Some(report(node, coordinated, Seen::default(), &[])),
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

/// How it is doing right now, with these calls, and what its supervisor says.
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
        calls: counted.iter().map(calls).collect(),
        calls_running: status.calls.0 as u64,
        values: coordinated.values.as_ref().map(|values| values().into_iter().collect()).unwrap_or_default(),
        active: active.to_string(),
        given_up: lock(&node.agency().given_up).clone(),
        retiring: retired.as_ref().map(super::retiring::in_force),
        ..wire::Report::default()
    }
}

fn calls(counted: &Counted) -> wire::Calls {
    wire::Calls {
        version: counted.version.to_string(),
        unlabelled: counted.unlabelled,
        method: counting::name(&counted.method),
        node_version: counted.node.to_string(),
        answered: counted.answered,
        failed: counted.failed,
        refused: counted.refused,
        latency: counted.latency.to_vec(),
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
