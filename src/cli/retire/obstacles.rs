//! What stands in the way of retiring a version, for people: what is not known first, then who calls what.

use std::fmt::Write;

use crate::cli::arguments::RetireArguments;
use crate::cli::inspect::printable;
use crate::cli::operator::table::{lines, table};
use crate::cli::operator::time;
use crate::control::v1_0_0::{CensusCaller, RetireObstacle, RetireResponse};

/// All of it in paragraphs, an empty line before each.
pub(super) fn listed(response: &RetireResponse) -> String {
    let (called, unknown): (Vec<_>, Vec<_>) = response.obstacles.iter().partition(|obstacle| is_called(obstacle));
    let mut text = String::new();
    if !unknown.is_empty() {
        let rows: Vec<_> = unknown.iter().map(|obstacle| [obstacle.rule.clone(), obstacle.what.clone()]).collect();
        text.push_str("\nnot known\n");
        text.push_str(&lines(&rows, "  "));
    }
    if !called.is_empty() {
        let rows: Vec<_> = called.into_iter().flat_map(callers).collect();
        text.push_str("\ncalled\n");
        text.push_str(&table(["VERSION", "METHOD", "CALLER", "CALLS", "LAST"], &rows, "  "));
    }
    if response.more > 0 {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\nand {} more", response.more);
    }
    text
}

/// What to do, a line each.
pub(super) fn advice(arguments: &RetireArguments, obstacles: &[RetireObstacle]) -> String {
    let RetireArguments { protocol, version, .. } = arguments;
    let is = |rules: &[&str]| obstacles.iter().any(|obstacle| rules.contains(&obstacle.rule.as_str()));
    let mut advice = Vec::new();
    if is(&["called"]) {
        let more = format!("`straddle callers {protocol}` tells more of them");
        advice.push(format!("  move these callers to a newer version; {more}"));
    }
    if is(&["young", "gap"]) {
        advice.push("  wait until all that is not known is older than --guard".to_owned());
    }
    if is(&["away", "late", "recent", "silent"]) {
        let gone = format!("those that are gone for good: `straddle nodes forget {protocol} NODE`");
        advice.push(format!("  see to the nodes that tell nothing, as `straddle nodes {protocol}` shows them; {gone}"));
    }
    if is(&["unpublished"]) {
        advice.push("  publish what nodes serve, so that its calls are counted: `straddle publish`".to_owned());
    }
    advice.push(format!("  or retire it all the same: `straddle retire {protocol} {version} --force`"));
    printable(&advice.join("\n"))
}

/// Whether it is a method that was called.
fn is_called(obstacle: &RetireObstacle) -> bool {
    obstacle.rule == "called" && !obstacle.method.is_empty()
}

/// A row for each caller that is known, or one for all.
fn callers(obstacle: &RetireObstacle) -> Vec<[String; 5]> {
    let label = if obstacle.unlabelled { ", no label" } else { "" };
    let row = |caller: &str, calls: String, last: u64| {
        let version = format!("{}{label}", obstacle.version);
        [version, obstacle.method.clone(), caller.to_owned(), calls, time::at(last)]
    };
    if obstacle.callers.is_empty() {
        return vec![row("not known", String::new(), obstacle.last_seen)];
    }
    let of = |caller: &CensusCaller| {
        let more = if caller.error > 0 { format!(" +{}", caller.error) } else { String::new() };
        row(&caller.caller, format!("{}{more}", caller.calls), caller.last_seen)
    };
    obstacle.callers.iter().map(of).collect()
}
