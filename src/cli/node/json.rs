//! What a node tells, for scripts.

use serde_json::{Value, json};

use super::status::is_down;
use crate::node::admin::wire::{
    Attends, Brownout, LearnResponse, Moved, NodeStatus, Notice, Phase, Prepared, Program, RefusedRecord, Retired, Work,
};
use crate::node::losses;

pub(in crate::cli) fn status(status: &NodeStatus) -> Value {
    json!({
        "protocol": status.protocol,
        "version": status.version,
        "phase": if is_down(status) { "down".to_owned() } else { phase(status.phase) },
        "served": status.served,
        "learned": status.learned,
        "next": some(&status.next),
        "back": some(&status.back),
        "active": status.active,
        "under_way": status.under_way.as_ref().map(|way| json!({ "to": way.to, "back": way.back })),
        "progress": status.progress.as_ref().map(work),
        "filling": status.filling.as_ref().map(work),
        "held": status.held,
        "failure": status.failure,
        "calls": { "running": status.calls_running, "waiting": status.calls_waiting },
        "stuck": status.stuck,
        "drained": status.drained,
        "prepared": status.prepared.as_ref().map(prepared),
        "instance": some(&status.instance),
        "last": status.last.as_ref().map(moved),
        "program": status.program.as_ref().map(program),
        "attends": status.attends.as_ref().map(attends),
        "retired": status.retired.as_ref().map(retired),
    })
}

fn attends(attends: &Attends) -> Value {
    json!({ "coordinator": attends.coordinator, "node": some(&attends.node) })
}

/// What is retired, and announced; times in seconds since 1970.
fn retired(retired: &Retired) -> Value {
    let time = |seconds: u64| Some(seconds).filter(|seconds| *seconds != 0);
    let brownout = |brownout: &Brownout| json!({ "seconds": brownout.seconds, "every_seconds": brownout.every_seconds, "from": brownout.from });
    let notice = |notice: &Notice| {
        json!({
            "version": notice.version,
            "deprecated_since": time(notice.deprecated_since),
            "sunset": time(notice.sunset),
            "brownout": notice.brownout.as_ref().map(brownout),
        })
    };
    json!({
        "up_to": some(&retired.up_to),
        "notices": retired.notices.iter().map(notice).collect::<Vec<_>>(),
        "refused": retired.refused,
        "swept_up_to": some(&retired.swept_up_to),
    })
}

/// What a supervisor knows.
fn program(program: &Program) -> Value {
    json!({
        "release": program.release,
        "process": Some(program.process).filter(|process| *process != 0),
        "crashes": program.crashes,
        "restarts_in_microseconds": program.restarts_in_microseconds,
        "last_good": some(&program.last_good),
        "failure": program.failure,
        "doing": some(&program.doing),
        "next_release": some(&program.next_release),
        "passed_over": program.passed_over,
        "given_up_in_microseconds": program.given_up_in_microseconds,
    })
}

pub(in crate::cli) fn prepared(prepared: &Prepared) -> Value {
    json!({ "to": prepared.to, "name": prepared.name, "left_microseconds": prepared.left_microseconds })
}

pub(in crate::cli) fn moved(moved: &Moved) -> Value {
    json!({
        "from": moved.from,
        "to": moved.to,
        "pause_microseconds": moved.pause_microseconds,
        "streams_drained": moved.streams_drained,
        "streams_cut": moved.streams_cut,
        "lost": moved.lost,
    })
}

pub(in crate::cli) fn refused(record: &RefusedRecord) -> Value {
    let kind = (some(&record.version), some(&record.r#type));
    losses::record(&record.table, &record.key, &record.value, kind, &record.why)
}

pub(super) fn learned(learned: &LearnResponse) -> Value {
    let needs = learned
        .needs_program
        .iter()
        .map(|lacking| json!({ "version": lacking.version, "method": lacking.method, "program": lacking.program }));
    json!({
        "digest": learned.digest,
        "added": learned.added,
        "kept": learned.kept,
        "needs_program": needs.collect::<Vec<_>>(),
    })
}

/// The phase in lower case; one that this program does not know by its number.
pub(super) fn phase(phase: i32) -> String {
    match Phase::try_from(phase) {
        Ok(known) => known.as_str_name().trim_start_matches("PHASE_").to_lowercase(),
        Err(_) => format!("phase {phase}"),
    }
}

fn work(work: &Work) -> Value {
    json!({ "what": work.what, "done": work.done, "total": work.total })
}

/// Nothing for an empty text.
fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
