//! Nodes that have switched at one word.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::pause::milliseconds;
use crate::barrier::Row;

pub(super) const MEANING: &str = "Nodes in one process on loopback that go from 1.1.0 to 2.0.0 at one word, lazily, each under \
10 calls a second from another process: the window from the first node that says that it has switched to the last, as \
`straddle barrier` tells it; the longest pause of a node, as it told; until all are prepared; and the longest call, from when \
it should have begun, all in ms.";

pub(super) fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{MEANING}\n\n| nodes | window | longest pause | prepared | longest call | calls | failed | stragglers |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|\n"
    );
    for row in rows {
        writeln!(
            text,
            "| {} | {:.1} | {:.1} | {:.0} | {:.1} | {} | {} | {} |",
            row.nodes,
            milliseconds(row.window),
            milliseconds(row.pause),
            milliseconds(row.prepared),
            longest(row),
            row.calls.len(),
            failures(row).count(),
            row.stragglers,
        )
        .expect("a string takes all");
        if let Some(failure) = failures(row).next() {
            writeln!(text, "\n{failure}\n").expect("a string takes all");
        }
    }
    text
}

pub(super) fn json(row: &Row) -> Value {
    json!({
        "nodes": row.nodes,
        "window_ms": milliseconds(row.window),
        "longest_pause_ms": milliseconds(row.pause),
        "prepared_ms": milliseconds(row.prepared),
        "longest_call_ms": longest(row),
        "calls": row.calls.len(),
        "failed_calls": failures(row).count(),
        "stragglers": row.stragglers,
    })
}

fn longest(row: &Row) -> f64 {
    row.calls.iter().map(|call| call.latency).max().map_or(0.0, milliseconds)
}

fn failures(row: &Row) -> impl Iterator<Item = &String> {
    row.calls.iter().filter_map(|call| call.failure.as_ref())
}
