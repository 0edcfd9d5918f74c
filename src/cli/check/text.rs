//! A check for people: grouped by message, the worst first.

use std::fmt::{self, Write};

use super::view::{View, category, counts, level};
use crate::check::Verdict;
use crate::check::judge::{Change, Element, Finding, Judged, Level, together};
use crate::cli::snippet::{Paint, Snippets, Style};
use crate::protocol::plan::Direction;

pub(super) fn of(view: &View<'_>, style: Style) -> Result<String, fmt::Error> {
    let mut writer = Writer { view, style, snippets: Snippets::default(), text: String::new() };
    let report = &view.report;
    match &report.protocol {
        Some(name) => writeln!(writer.text, "protocol {name}: {}", report.versions.join(", "))?,
        None => {
            writeln!(writer.text, "{} against {}", view.named(&report.versions[1]), view.named(&report.versions[0]))?;
        }
    }
    for finding in &report.findings {
        writer.text.push('\n');
        writer.headed(finding)?;
    }
    for step in &report.steps {
        writer.step(step)?;
    }
    writer.total()?;
    Ok(writer.text)
}

/// Faults of files that cannot be read.
pub(super) fn faults(view: &View<'_>, style: Style) -> Result<String, fmt::Error> {
    let mut writer = Writer { view, style, snippets: Snippets::default(), text: String::new() };
    for finding in &view.report.findings {
        writer.headed(finding)?;
    }
    Ok(writer.text)
}

struct Writer<'v> {
    view: &'v View<'v>,
    style: Style,
    snippets: Snippets,
    text: String,
}

impl Writer<'_> {
    fn step(&mut self, step: &Judged) -> fmt::Result {
        let (from, to) = (self.view.named(&step.names.0), self.view.named(&step.names.1));
        let heading = self.style.paint(Paint::Bold, &format!("step {from} -> {to}"));
        writeln!(self.text, "\n{heading}")?;
        let mut group = None;
        for element in together(&step.findings) {
            let finding = element.finding;
            if group != Some(&finding.group) {
                group = Some(&finding.group);
                let name = self.style.paint(Paint::Bold, &finding.group);
                writeln!(self.text, "\n  {name}")?;
            }
            self.element(&element)?;
        }
        self.losses(step)?;
        self.summary(step)
    }

    /// What is said of one element, under its group.
    fn element(&mut self, element: &Element<'_>) -> fmt::Result {
        let (word, paint) = word(element.finding);
        let word = self.style.paint(paint, word);
        let several = element.told.len() > 1;
        let name = &element.finding.element;
        match element.told.as_slice() {
            [told] => writeln!(self.text, "    {word} {name}: {}", self.view.named(&told.what))?,
            _ => writeln!(self.text, "    {word} {name}")?,
        }
        self.snippet(element.finding, "      ")?;
        for told in &element.told {
            let indent = if several { "        " } else { "      " };
            if several {
                writeln!(self.text, "      - {}", self.view.named(&told.what))?;
            }
            let categories = told.categories().into_iter().map(category).collect::<Vec<_>>().join(", ");
            writeln!(self.text, "{indent}{} ({categories})", told.ids())?;
            for line in self.view.effects(told.finding) {
                writeln!(self.text, "{indent}{line}")?;
            }
        }
        self.outcome(element.finding, "      ")
    }

    /// A finding that stands by itself.
    fn headed(&mut self, finding: &Finding) -> fmt::Result {
        let (_, paint) = word(finding);
        let word = self.style.paint(paint, level(finding.level));
        writeln!(self.text, "{word}[{}]: {}", finding.rule.id, self.view.named(&finding.what))?;
        self.snippet(finding, "  ")?;
        for line in self.view.effects(finding) {
            writeln!(self.text, "  {line}")?;
        }
        self.outcome(finding, "  ")
    }

    fn snippet(&mut self, finding: &Finding, indent: &str) -> fmt::Result {
        let Some(shown) = self.view.shown(finding) else { return Ok(()) };
        let named = finding.what.split('`').nth(1);
        // The first line stands for the whole file where a difference has no other place in it.
        let is_whole_file = finding.verdict.is_some() && (shown.spot.line, shown.spot.end) == (1, None);
        let snippet = if is_whole_file {
            format!("{} {}", self.style.paint(Paint::Blue, "-->"), shown.file)
        } else {
            self.snippets.of(shown.spot, &shown.file, named, self.style)
        };
        for line in snippet.lines() {
            writeln!(self.text, "{indent}{line}")?;
        }
        Ok(())
    }

    fn outcome(&mut self, finding: &Finding, indent: &str) -> fmt::Result {
        for line in self.view.outcome(finding) {
            writeln!(self.text, "{indent}{}", line.replace('\n', &format!("\n{indent}  ")))?;
        }
        Ok(())
    }

    fn losses(&mut self, step: &Judged) -> fmt::Result {
        if step.losses.is_empty() {
            return Ok(());
        }
        writeln!(self.text, "\n  {}", self.style.paint(Paint::Bold, "what can be lost, where it is set"))?;
        for lost in &step.losses {
            let way = if lost.direction == Direction::Up { "up" } else { "down" };
            writeln!(self.text, "    {way:<5}{lost}")?;
        }
        Ok(())
    }

    fn summary(&mut self, step: &Judged) -> fmt::Result {
        let [compatible, bridged, refused, open] = counts(&step.findings);
        let (from, to) = (self.view.named(&step.names.0), self.view.named(&step.names.1));
        let losses = if step.losses.len() == 1 { "1 loss".to_owned() } else { format!("{} losses", step.losses.len()) };
        let needed = step.bump.needed.name();
        let why = &step.bump.why;
        let bump = match step.bump.declared {
            None => format!("a {needed} change ({why})"),
            Some(declared) if step.bump.is_too_small() => self
                .style
                .paint(Paint::Yellow, &format!("{} by its number, but a {needed} change ({why})", declared.name())),
            Some(declared) if declared == Change::Major && step.bump.needed != Change::Major => {
                format!("free to break by its number, a {needed} change ({why})")
            }
            Some(declared) => format!("{} by its number, a {needed} change ({why})", declared.name()),
        };
        let open = if open > 0 { self.style.paint(Paint::Red, &format!("{open} OPEN")) } else { "0 open".to_owned() };
        writeln!(
            self.text,
            "\n  {from} -> {to}: {compatible} compatible, {bridged} bridged, {refused} refused, {open}; {losses}; {bump}"
        )
    }

    fn total(&mut self) -> fmt::Result {
        let report = &self.view.report;
        let of_steps =
            report.steps.iter().flat_map(|step| together(&step.findings)).map(|element| element.finding.level);
        let levels: Vec<Level> = report.findings.iter().map(|finding| finding.level).chain(of_steps).collect();
        let count = |wanted| levels.iter().filter(|level| **level == wanted).count();
        let (errors, warnings) = (count(Level::Error), count(Level::Warning));
        let plural = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let told = format!("{}, {}", plural(errors, "error"), plural(warnings, "warning"));
        let paint = if errors > 0 { Paint::Red } else { Paint::Green };
        writeln!(self.text, "\n{}", self.style.paint(paint, &told))
    }
}

/// What a finding begins with.
fn word(finding: &Finding) -> (&'static str, Paint) {
    match (&finding.verdict, finding.level) {
        (Some(Verdict::Open { .. }), _) => ("OPEN", Paint::Red),
        (Some(Verdict::Refused { .. }), _) => ("refused", Paint::Yellow),
        (Some(Verdict::Bridged { .. }), _) => ("bridged", Paint::Green),
        (Some(Verdict::Compatible), _) => ("compatible", Paint::Green),
        (None, Level::Error) => ("error", Paint::Red),
        (None, Level::Warning) => ("warning", Paint::Yellow),
        (None, Level::Note) => ("note", Paint::Green),
    }
}
