//! The part `fleet`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::fleet::{Row, Times, Upgrade};

const MEANING: &str = "`straddle coordinator` on a core of its own, with a database on disk, and its nodes in another process on \
another core: the real agents, each with a connection of its own, their moves of 100 ms a script. The processor is user and \
system time of the coordinator's process over wall time, 100 % being one core; memory is its resident set. From a turn to the \
permit: from when there is a place for one more node to go (the upgrade was asked for, or another node has said that it has \
come) until the next one has its permit, as the nodes' process sees it.";

const MEBIBYTE: u64 = 1 << 20;

pub(super) fn table(row: &Row) -> String {
    let mut text = format!("{MEANING}\n\n| | |\n|---|---:|\n");
    let mut line = |what: &str, value: String| writeln!(text, "| {what} | {value} |").expect("a string takes all");
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let mebibytes = |bytes: u64| format!("{} MiB", bytes / MEBIBYTE);
    let every = row.report_every.as_secs_f64();
    line("nodes, connections", format!("{}, {}", row.nodes, row.connections));
    line("a report", format!("each {every} s, {} groups of calls, {} bytes", row.report.0, row.report.1));
    line("all have come within", format!("{:.1} s", row.registered.as_secs_f64()));
    line("processor while they report", percent(row.steady.share()));
    line("memory while they report", mebibytes(row.steady.memory));
    let scrapes = &row.scrapes;
    let of = format!("of {} lines, {:.1} KiB: {}", scrapes.lines, scrapes.kibibytes(), times(&scrapes.times));
    line("a page of its numbers", of);
    line("memory at most", mebibytes(row.most_memory));
    for upgrade in [&row.rolling, &row.wave] {
        let Upgrade { at_once, permits, turn_to_permit, ask_to_permit, .. } = upgrade;
        let took = upgrade.took.as_secs_f64();
        line(&format!("upgrade, {at_once} at once"), format!("{permits} permits in {took:.1} s"));
        line("its processor", percent(upgrade.cost.share()));
        line("from a turn to the permit", times(turn_to_permit));
        line("from the first asking to the permit", times(ask_to_permit));
    }
    line("all have finalized within", format!("{:.1} s", row.finalized.as_secs_f64()));
    text
}

fn times(times: &Times) -> String {
    let Times { median, p99, longest } = times;
    format!("{median:.0} ms, p99 {p99:.0} ms, longest {longest:.0} ms")
}

pub(super) fn json(row: &Row) -> Value {
    json!({
        "meaning": MEANING,
        "nodes": row.nodes,
        "connections": row.connections,
        "coordinator_core": row.cores.0,
        "nodes_core": row.cores.1,
        "report_every_seconds": row.report_every.as_secs_f64(),
        "calls_groups_in_a_report": row.report.0,
        "report_bytes": row.report.1,
        "registered_seconds": row.registered.as_secs_f64(),
        "registering_cpu_seconds": row.registering.cpu.as_secs_f64(),
        "window_seconds": row.steady.time.as_secs_f64(),
        "reports": row.reports,
        "cpu_percent": row.steady.share() * 100.0,
        "nodes_cpu_percent": row.world_share * 100.0,
        "memory_bytes": row.steady.memory,
        "most_memory_bytes": row.most_memory,
        "page_of_numbers": row.scrapes.json(),
        "broken_streams": row.lost,
        "finalized_seconds": row.finalized.as_secs_f64(),
        "upgrades": [upgrade(&row.rolling), upgrade(&row.wave)],
    })
}

fn upgrade(upgrade: &Upgrade) -> Value {
    json!({
        "at_once": upgrade.at_once,
        "permits": upgrade.permits,
        "seconds": upgrade.took.as_secs_f64(),
        "cpu_percent": upgrade.cost.share() * 100.0,
        "memory_bytes": upgrade.cost.memory,
        "turn_to_permit": upgrade.turn_to_permit.json(),
        "ask_to_permit": upgrade.ask_to_permit.json(),
    })
}
