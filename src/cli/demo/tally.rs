//! What came of the calls, for each caller on each node.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::caller::Version;
use super::ways::{Made, heading};

/// How many faults of a cell are told in words.
const TOLD: usize = 3;

/// What came of a call, held against what the auditor knows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    /// Answered, and rightly: an error that had to come is an answer too.
    Answered,
    /// Refused, as it had to be for this pair of versions, because of the field at this path.
    Refused(String),
    /// Not answered, or refused without need.
    Failed(String),
    /// Answered wrongly: the worst.
    Wrong(String),
}

/// One caller on one node.
#[derive(Debug, Default)]
struct Cell {
    calls: u64,
    /// How many were refused, by the path of the field that the other version cannot express.
    refused: BTreeMap<String, u64>,
    failed: u64,
    wrong: u64,
    /// Microseconds of each answered call.
    latencies: Vec<u32>,
    answered: BTreeMap<&'static str, u64>,
    faults: Vec<String>,
}

/// All cells, by caller and node.
#[derive(Debug, Default)]
pub(super) struct Tally {
    cells: Mutex<BTreeMap<(Version, &'static str), Cell>>,
    /// How often somebody has asked again whose node was away.
    masked: AtomicU64,
}

impl Tally {
    pub(super) fn count(
        &self,
        caller: Version,
        node: &'static str,
        method: &'static str,
        took: Duration,
        verdict: &Verdict,
    ) {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = cells.entry((caller, node)).or_default();
        cell.calls += 1;
        match verdict {
            Verdict::Answered => {
                *cell.answered.entry(method).or_default() += 1;
                cell.latencies.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
            }
            Verdict::Refused(path) => *cell.refused.entry(path.clone()).or_default() += 1,
            Verdict::Failed(why) => {
                cell.failed += 1;
                cell.fault(method, "failed", why);
            }
            Verdict::Wrong(why) => {
                cell.wrong += 1;
                cell.fault(method, "wrong", why);
            }
        }
    }

    /// Calls so far, and those that failed or were wrong.
    pub(super) fn so_far(&self) -> (u64, u64) {
        let cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        cells.values().fold((0, 0), |(calls, bad), cell| (calls + cell.calls, bad + cell.failed + cell.wrong))
    }

    /// Notes that a caller asks again, because its node was away.
    pub(super) fn masked(&self) {
        self.masked.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn into_report(self, nodes: &[&'static str], moves: Vec<Made>) -> Report {
        let masked = self.masked.into_inner();
        let mut cells = self.cells.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut rows = Vec::new();
        for caller in Version::ALL {
            for node in nodes {
                let mut cell = cells.remove(&(caller, *node)).unwrap_or_default();
                cell.latencies.sort_unstable();
                let unanswered =
                    caller.methods().into_iter().filter(|method| !cell.answered.contains_key(method)).collect();
                rows.push(Row { caller, node, unanswered, p50: cell.quantile(50), p99: cell.quantile(99), cell });
            }
        }
        Report { rows, moves, masked }
    }
}

impl Cell {
    fn fault(&mut self, method: &str, kind: &str, why: &str) {
        if self.faults.len() < TOLD {
            self.faults.push(format!("{method} {kind}: {why}"));
        }
    }

    fn all_refused(&self) -> u64 {
        self.refused.values().sum()
    }

    /// The latency that so many of a hundred calls stayed below; they are sorted.
    fn quantile(&self, hundredths: usize) -> u32 {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get(last * hundredths / 100).copied().unwrap_or(0)
    }
}

/// The cells, finished.
#[derive(Debug)]
pub(super) struct Report {
    rows: Vec<Row>,
    moves: Vec<Made>,
    masked: u64,
}

#[derive(Debug)]
struct Row {
    caller: Version,
    node: &'static str,
    cell: Cell,
    /// Methods of the caller's version that were never answered, though nothing declares them refused.
    unanswered: Vec<&'static str>,
    p50: u32,
    p99: u32,
}

impl Report {
    /// Whether every call came to what it should, and every method was really answered in every cell.
    pub(super) fn is_good(&self) -> bool {
        self.rows.iter().all(|row| row.cell.failed == 0 && row.cell.wrong == 0 && row.unanswered.is_empty())
    }

    pub(super) fn text(&self) -> String {
        let mut lines = vec![format!(
            "{:<11} {:<9} {:>8} {:>8} {:>7} {:>6} {:>8} {:>8}  methods",
            "caller", "node", "calls", "refused", "failed", "wrong", "p50", "p99"
        )];
        for row in &self.rows {
            let cell = &row.cell;
            lines.push(format!(
                "{:<11} {:<9} {:>8} {:>8} {:>7} {:>6} {:>8} {:>8}  {} of {} answered",
                row.caller,
                row.node,
                cell.calls,
                cell.all_refused(),
                cell.failed,
                cell.wrong,
                milliseconds(row.p50),
                milliseconds(row.p99),
                row.caller.methods().len() - row.unanswered.len(),
                row.caller.methods().len(),
            ));
        }
        for row in &self.rows {
            let place = format!("{} on {}", row.caller, row.node);
            lines.extend(row.cell.faults.iter().map(|fault| format!("  {place}: {fault}")));
            lines.extend(row.unanswered.iter().map(|method| format!("  {place}: {method} was never answered")));
        }
        let sum = |of: fn(&Cell) -> u64| self.rows.iter().map(|row| of(&row.cell)).sum::<u64>();
        lines.push(format!(
            "{} calls, {} refused as declared, {} failed, {} wrong",
            sum(|cell| cell.calls),
            sum(Cell::all_refused),
            sum(|cell| cell.failed),
            sum(|cell| cell.wrong)
        ));
        let mut paths: BTreeMap<&str, u64> = BTreeMap::new();
        for (path, count) in self.rows.iter().flat_map(|row| &row.cell.refused) {
            *paths.entry(path).or_default() += count;
        }
        if !paths.is_empty() {
            let told: Vec<String> = paths.iter().map(|(path, count)| format!("{count} for {path}")).collect();
            lines.push(format!("refused: {}", told.join(", ")));
        }
        if !self.moves.is_empty() {
            lines.push(String::new());
            lines.push(heading());
            lines.extend(self.moves.iter().map(Made::text));
            lines.push(format!("{} moves; callers have asked again {} times", self.moves.len(), self.masked));
        }
        lines.join("\n")
    }

    pub(super) fn json(&self) -> Value {
        let cells: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "caller": row.caller.to_string(),
                    "node": row.node,
                    "calls": row.cell.calls,
                    "refused": row.cell.all_refused(),
                    "refused_for": row.cell.refused,
                    "failed": row.cell.failed,
                    "wrong": row.cell.wrong,
                    "p50_us": row.p50,
                    "p99_us": row.p99,
                    "answered": row.cell.answered,
                    "unanswered": row.unanswered,
                    "faults": row.cell.faults,
                })
            })
            .collect();
        let moves: Vec<Value> = self.moves.iter().map(Made::json).collect();
        json!({ "good": self.is_good(), "cells": cells, "moves": moves, "asked_again": self.masked })
    }
}

fn milliseconds(microseconds: u32) -> String {
    format!("{:.1} ms", f64::from(microseconds) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(except: Option<&str>) -> Tally {
        let tally = Tally::default();
        for caller in Version::ALL {
            for method in caller.methods().into_iter().filter(|method| Some(*method) != except) {
                tally.count(caller, "2.0.0", method, Duration::from_millis(1), &Verdict::Answered);
            }
        }
        tally
    }

    #[test]
    fn a_run_is_good_only_when_each_method_was_answered_in_each_cell() {
        assert!(full(None).into_report(&["2.0.0"], Vec::new()).is_good());
        let report = full(Some("Cancel")).into_report(&["2.0.0"], Vec::new());
        assert!(!report.is_good());
        assert!(report.text().contains("3.0.0 on 2.0.0: Cancel was never answered"), "{}", report.text());
        assert!(!full(None).into_report(&["2.0.0", "3.0.0"], Vec::new()).is_good(), "a node that nobody called");
    }

    #[test]
    fn a_failed_or_wrong_call_spoils_a_run_and_a_declared_refusal_does_not() {
        for (verdict, good) in [
            (Verdict::Refused("item.status".to_owned()), true),
            (Verdict::Failed("gone".to_owned()), false),
            (Verdict::Wrong("odd".to_owned()), false),
        ] {
            let tally = full(None);
            tally.count(Version::First, "2.0.0", "GetItem", Duration::ZERO, &verdict);
            assert_eq!(tally.into_report(&["2.0.0"], Vec::new()).is_good(), good, "{verdict:?}");
        }
    }
}
