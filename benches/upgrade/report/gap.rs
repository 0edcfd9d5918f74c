//! How long nobody was answered.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::gap::{Felt, Row};

pub(super) const MEANING: &str = "Four callers that call all the time while what answers them is replaced, medians and, in \
brackets, the worst of the rounds: the longest time in which none was answered, before and meanwhile, in ms; connections \
that nobody accepted; calls that were told that they were not begun, and made again; calls that failed.";

fn milliseconds(row: &Row, of: impl Fn(&Felt) -> std::time::Duration) -> (f64, f64) {
    let all: Vec<f64> = row.felt.iter().map(|felt| of(felt).as_secs_f64() * 1e3).collect();
    (super::median(all.iter().copied()), all.iter().copied().fold(0.0, f64::max))
}

fn sum(row: &Row, of: impl Fn(&Felt) -> usize) -> usize {
    row.felt.iter().map(of).sum()
}

pub(super) fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{MEANING}\n\n| way | gap before | gap | refused connections | not begun | failed | answered |\n\
         |---|---:|---:|---:|---:|---:|---:|\n"
    );
    for row in rows {
        if let Some(why) = &row.skipped {
            writeln!(text, "| {} | SKIPPED: {why} | | | | | |", row.way).expect("a string takes all");
            continue;
        }
        let (before, _) = milliseconds(row, |felt| felt.gap_before);
        let (gap, worst) = milliseconds(row, |felt| felt.gap);
        writeln!(
            text,
            "| {} | {before:.1} | {gap:.1} ({worst:.1}) | {} | {} | {} | {} |",
            row.way,
            sum(row, |felt| felt.refused),
            sum(row, |felt| felt.not_begun),
            sum(row, |felt| felt.failed),
            sum(row, |felt| felt.answered),
        )
        .expect("a string takes all");
        if let Some(failure) = row.felt.iter().find_map(|felt| felt.failure.as_ref()) {
            writeln!(text, "\n{}: {failure}\n", row.way).expect("a string takes all");
        }
    }
    text
}

pub(super) fn json(row: &Row) -> Value {
    let rounds: Vec<Value> = row
        .felt
        .iter()
        .map(|felt| {
            json!({
                "gap_before_ms": felt.gap_before.as_secs_f64() * 1e3,
                "gap_ms": felt.gap.as_secs_f64() * 1e3,
                "refused_connections": felt.refused,
                "not_begun_calls": felt.not_begun,
                "failed_calls": felt.failed,
                "failure": felt.failure,
                "answered_calls": felt.answered,
            })
        })
        .collect();
    json!({ "way": row.way, "rounds": rounds, "skipped": row.skipped })
}
