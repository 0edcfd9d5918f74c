//! What became of messages between two versions.

use std::collections::BTreeMap;

use super::Page;
use crate::verify::{Reason, Tried, direction_name, median, use_name};

/// How many messages are listed for one way.
const ROWS: usize = 40;
/// How many refusals, and how many fields that differ, are listed for one way.
const LISTED: usize = 8;

/// One message, in all its uses.
#[derive(Default)]
struct Row {
    uses: Vec<&'static str>,
    generated: usize,
    accepted: usize,
    refused: usize,
    failed: usize,
    dropped: usize,
    nanoseconds: Vec<u64>,
    before: Vec<usize>,
    after: Vec<usize>,
    is_identity: bool,
}

impl Page<'_> {
    /// All messages between two versions.
    pub(super) fn way(&mut self, tried: &[Tried]) {
        let Some(first) = tried.first() else { return };
        let (from, to) = (self.version(first.subject.from), self.version(first.subject.to));
        self.line(&format!("\n{from} -> {to} ({})", direction_name(first.subject.direction())));
        if !first.subject.is_one_step() {
            return self.at_once(tried);
        }
        let (touched, as_they_are): (Vec<_>, Vec<_>) = rows(tried).into_iter().partition(|(_, row)| !row.is_identity);
        if !touched.is_empty() {
            self.table(touched);
        }
        if !as_they_are.is_empty() {
            let count: usize = as_they_are.iter().map(|(_, row)| row.generated).sum();
            self.line(&format!("  {} more pass as they are ({count} tried)", as_they_are.len()));
        }
        self.refusals(tried);
        self.declared(tried);
    }

    /// Versions further apart: what crosses each step stands there.
    fn at_once(&mut self, tried: &[Tried]) {
        let sum = |count: fn(&Tried) -> usize| tried.iter().map(count).sum::<usize>();
        let touched: Vec<&Tried> = tried.iter().filter(|each| !each.is_identity).collect();
        let nanoseconds: Vec<u64> = touched.iter().flat_map(|each| &each.nanoseconds).copied().collect();
        let median = median(&nanoseconds).map_or(String::new(), |nanoseconds| format!(", {nanoseconds} ns"));
        self.line(&format!(
            "  {} messages made of {} types and uses, {} of which pass as they are: {} through, {} refused, {} failed{median}",
            sum(|each| each.generated),
            tried.len(),
            tried.len() - touched.len(),
            sum(|each| each.accepted),
            sum(|each| each.refused),
            sum(|each| each.failed),
        ));
    }

    fn table(&mut self, mut rows: Vec<(&str, Row)>) {
        let all = rows.len();
        // Where there are too many, those that say most stay.
        if all > ROWS {
            rows.sort_by_key(|(name, row)| (std::cmp::Reverse((row.failed, row.refused)), *name));
            rows.truncate(ROWS);
        }
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default().clamp(7, 60);
        self.line(&format!(
            "  {:width$}  {:>7} {:>8} {:>8} {:>8} {:>7} {:>8}  {:>13}  used as",
            "message", "made", "through", "refused", "dropped", "failed", "ns", "bytes"
        ));
        for (name, row) in rows {
            let number = |number: Option<u64>| number.map_or("-".to_owned(), |number| number.to_string());
            let bytes = match (median(&row.before), median(&row.after)) {
                (Some(before), Some(after)) => format!("{before} -> {after}"),
                _ => "-".to_owned(),
            };
            self.line(&format!(
                "  {name:width$}  {:>7} {:>8} {:>8} {:>8} {:>7} {:>8}  {bytes:>13}  {}",
                row.generated,
                row.accepted,
                row.refused,
                row.dropped,
                row.failed,
                number(median(&row.nanoseconds)),
                row.uses.join(", ")
            ));
        }
        if all > ROWS {
            self.line(&format!("  and {} more; --json lists them", all - ROWS));
        }
    }

    fn refusals(&mut self, tried: &[Tried]) {
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        for each in tried {
            for ((reason, path), count) in &each.refusals {
                let dot = if path.is_empty() { "" } else { "." };
                *found.entry(format!("{reason} {}{dot}{path}", each.subject.message())).or_default() += count;
            }
        }
        self.list("refused most", found, 0);
    }

    fn declared(&mut self, tried: &[Tried]) {
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        for ((field, Reason { why, line }), count) in tried.iter().flat_map(|each| &each.declared) {
            let line = line.map(|line| format!(" (step.toml:{line})")).unwrap_or_default();
            *found.entry(format!("{field}: {}{line}", why.told())).or_default() += count;
        }
        let returned: usize = tried.iter().map(|each| each.came_back).sum();
        let refused: usize = tried.iter().map(|each| each.refused_back).sum();
        if returned + refused > 0 {
            self.line(&format!("  and back: {returned} came back, {refused} were refused"));
        }
        self.list("came back otherwise, as the rules say", found, 2);
    }

    fn list(&mut self, title: &str, found: BTreeMap<String, usize>, indent: usize) {
        if found.is_empty() {
            return;
        }
        let indent = " ".repeat(indent);
        let mut found: Vec<(String, usize)> = found.into_iter().collect();
        found.sort_by_key(|(what, count)| (std::cmp::Reverse(*count), what.clone()));
        self.line(&format!("  {indent}{title}:"));
        for (what, count) in found.iter().take(LISTED) {
            self.line(&format!("  {indent}{count:>7}  {what}"));
        }
        if found.len() > LISTED {
            self.line(&format!("  {indent}         and {} more; --json lists them", found.len() - LISTED));
        }
    }
}

fn rows(tried: &[Tried]) -> BTreeMap<&str, Row> {
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    for each in tried {
        let row = rows.entry(each.subject.message()).or_insert_with(|| Row { is_identity: true, ..Row::default() });
        row.uses.push(use_name(each.subject.used));
        row.generated += each.generated;
        row.accepted += each.accepted;
        row.refused += each.refused;
        row.failed += each.failed;
        row.dropped += each.dropped();
        row.nanoseconds.extend(&each.nanoseconds);
        row.before.extend(each.bytes.iter().map(|(before, _)| before));
        row.after.extend(each.bytes.iter().map(|(_, after)| after));
        row.is_identity &= each.is_identity;
    }
    rows
}
