//! A node's status and moves as messages of the admin service.

use tokio::time::Instant;

use super::wire;
use crate::node::{Learned, Moved, Node, NodeStatus, Prepared, RetiredStatus};
use crate::retiring::Notice;
use crate::state::{Phase, RefusedRecord, Way};
use crate::version::Version;

/// The largest key or value of a refused record that is sent along.
const LARGEST: usize = 1 << 20;

pub(super) fn status(node: &Node) -> wire::NodeStatus {
    let status = &node.status();
    let version = |version: &Option<Version>| version.as_ref().map(ToString::to_string).unwrap_or_default();
    let versions = |versions: &[Version]| versions.iter().map(ToString::to_string).collect();
    let (running, waiting) = status.calls;
    wire::NodeStatus {
        protocol: status.protocol.clone(),
        version: status.version.to_string(),
        served: versions(&status.served),
        next: version(&status.next),
        back: version(&status.back),
        active: status.active.to_string(),
        phase: phase(status.phase).into(),
        under_way: status
            .under_way
            .as_ref()
            .map(|(to, way)| wire::Move { to: to.to_string(), back: *way == Way::Back }),
        progress: progress(status),
        filling: status.filling.map(|(done, total)| wire::Work { what: "records".to_owned(), done, total }),
        held: status.held.clone(),
        failure: status.failure.clone(),
        calls_running: running as u64,
        calls_waiting: waiting as u64,
        last: status.last.as_ref().map(moved),
        learned: versions(&status.learned),
        stuck: status.stuck.clone(),
        drained: status.drained,
        prepared: status.prepared.as_ref().map(prepared),
        instance: status.instance.clone(),
        program: None,
        attends: node.agency().attends_as().map(|(coordinator, node)| wire::Attends { coordinator, node }),
        retired: status.retired.as_ref().map(retired),
    }
}

fn retired(status: &RetiredStatus) -> wire::Retired {
    let text = |version: &Option<Version>| version.as_ref().map(ToString::to_string).unwrap_or_default();
    let notice = |notice: &Notice| wire::Notice {
        version: notice.version.to_string(),
        deprecated_since: notice.deprecated_since.unwrap_or_default(),
        sunset: notice.sunset.unwrap_or_default(),
        brownout: notice.brownout.map(|brownout| wire::Brownout {
            seconds: brownout.seconds,
            every_seconds: brownout.every_seconds,
            from: brownout.from,
        }),
    };
    wire::Retired {
        up_to: text(&status.in_force.retired_up_to),
        notices: status.in_force.notices.iter().map(notice).collect(),
        refused: status.refused.clone(),
        swept_up_to: text(&status.swept_up_to),
    }
}

/// How far a move has come; of a node at rest why it answers nobody yet.
fn progress(status: &NodeStatus) -> Option<wire::Work> {
    let unadmitted = || Some((format!("answers nobody yet: {}", status.unadmitted.as_ref()?), 0, 0));
    let (what, done, total) = status.progress.clone().or_else(unadmitted)?;
    Some(wire::Work { what, done, total })
}

pub(super) fn prepared(prepared: &Prepared) -> wire::Prepared {
    let left = prepared.until.saturating_duration_since(Instant::now());
    wire::Prepared {
        to: prepared.to.to_string(),
        name: prepared.name.clone(),
        left_microseconds: u64::try_from(left.as_micros()).unwrap_or(u64::MAX),
    }
}

pub(super) fn moved(moved: &Moved) -> wire::Moved {
    wire::Moved {
        from: moved.from.to_string(),
        to: moved.to.to_string(),
        pause_microseconds: u64::try_from(moved.pause.as_micros()).unwrap_or(u64::MAX),
        streams_drained: moved.streams_drained as u64,
        streams_cut: moved.streams_cut as u64,
        lost: moved.lost,
    }
}

pub(super) fn refused(record: RefusedRecord) -> wire::RefusedRecord {
    let RefusedRecord { table, key, value, version, message, why } = record;
    let version = version.map(|version| version.to_string()).unwrap_or_default();
    let short = |bytes: bytes::Bytes| if bytes.len() > LARGEST { bytes::Bytes::new() } else { bytes };
    wire::RefusedRecord {
        table,
        key: short(key),
        value: short(value),
        why,
        version,
        r#type: message.unwrap_or_default(),
    }
}

pub(super) fn learned(learned: Learned) -> wire::LearnResponse {
    let needs_program = learned.needs_program.into_iter().map(|lacking| wire::NeedsProgram {
        version: lacking.version.to_string(),
        method: lacking.method,
        program: lacking.program.to_string(),
    });
    wire::LearnResponse {
        digest: learned.digest,
        added: learned.added.iter().map(ToString::to_string).collect(),
        kept: learned.kept,
        needs_program: needs_program.collect(),
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
