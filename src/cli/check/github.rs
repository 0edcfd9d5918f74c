//! A check as annotations of GitHub Actions.
//!
//! The form is that of workflow commands (GitHub Docs, *Workflow commands for GitHub Actions*); what has to be escaped is
//! what `@actions/core` escapes.

use std::fmt::{self, Write};

use super::view::{View, counts, refused_by_value, word};
use crate::check::Verdict;
use crate::check::judge::{Element, Level, together};

pub(super) fn of(view: &View<'_>) -> Result<String, fmt::Error> {
    let mut text = String::new();
    // What needs no rule is no reviewer's business, and GitHub shows ten annotations of a kind.
    let shown =
        |element: &Element<'_>| element.finding.verdict != Some(Verdict::Compatible) && !element.finding.is_addition();
    let mut all = together(&view.report.findings);
    all.extend(view.report.steps.iter().flat_map(|step| together(&step.findings)));
    all.retain(shown);
    all.sort_by_key(|element| element.finding.weight());
    for element in all {
        writeln!(text, "{}", annotation(view, &element))?;
    }
    for step in &view.report.steps {
        let [compatible, bridged, refused, open] = counts(&step.findings);
        writeln!(
            text,
            "{} -> {}: {compatible} compatible, {bridged} bridged, {refused} refused, {open} open; {}",
            view.named(&step.names.0),
            view.named(&step.names.1),
            refused_by_value(step)
        )?;
    }
    Ok(text)
}

/// A check that could not be made.
pub(super) fn of_error(told: &str) -> String {
    format!("::error title={}::{}\n", property("straddle check"), data(told))
}

fn annotation(view: &View<'_>, element: &Element<'_>) -> String {
    let finding = element.finding;
    let command = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "notice",
    };
    let mut properties = Vec::new();
    if let Some(shown) = view.shown(finding).filter(|shown| shown.in_working_copy) {
        properties.push(format!("file={}", property(&shown.file)));
        properties.extend(shown.spot.line.map(|line| format!("line={line}")));
        if shown.spot.column > 1 {
            properties.push(format!("col={}", shown.spot.column));
            // GitHub's last column is the last character's.
            properties.extend(shown.spot.end.map(|end| format!("endColumn={}", end.saturating_sub(1))));
        }
    }
    let word = finding.verdict.as_ref().map_or(finding.rule.id, word);
    let step = finding.step.as_ref().map(|(from, to)| format!(" ({} -> {})", view.named(from), view.named(to)));
    let title = format!("{word}: {}{}", finding.element, step.unwrap_or_default());
    properties.push(format!("title={}", property(&title)));
    let mut lines = Vec::new();
    for told in &element.told {
        lines.push(format!("{}: {}", finding.element, view.named(&told.what)));
        lines.extend(view.effects(told.finding));
    }
    lines.extend(view.outcome(finding));
    lines.push(element.ids());
    format!("::{command} {}::{}", properties.join(","), data(&lines.join("\n")))
}

/// The message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_command_or_a_property_is_escaped() {
        for (text, as_data, as_property) in [
            ("100% of it\r\nnext", "100%25 of it%0D%0Anext", "100%25 of it%0D%0Anext"),
            ("a: b, c", "a: b, c", "a%3A b%2C c"),
            ("::error::x", "::error::x", "%3A%3Aerror%3A%3Ax"),
            ("%0A", "%250A", "%250A"),
        ] {
            assert_eq!(data(text), as_data);
            assert_eq!(property(text), as_property);
        }
    }
}
