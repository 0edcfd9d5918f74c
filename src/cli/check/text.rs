//! A check for people: grouped by message, the worst first.

mod alike;
mod sums;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use self::alike::grouped;
use super::view::{View, category, level};
use crate::check::Verdict;
use crate::check::judge::{Element, Finding, Judged, Level, fleet, together};
use crate::cli::snippet::{Paint, Snippets, Style};
use crate::version::Version;

/// How much to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// What is of this level or worse, and the sums.
    Quiet(Level),
    Usual,
    /// What was added, too.
    All,
}

impl Detail {
    fn shows(self, finding: &Finding) -> bool {
        match self {
            Self::Quiet(least) => finding.level <= least,
            Self::Usual | Self::All => true,
        }
    }
}

pub(super) fn of(view: &View<'_>, detail: Detail, style: Style) -> Result<String, fmt::Error> {
    let mut writer = Writer { view, detail, style, snippets: Snippets::default(), text: String::new() };
    let report = &view.report;
    match &report.protocol {
        Some(name) => writeln!(writer.text, "protocol {name}: {}", report.versions.join(", "))?,
        None => {
            writeln!(writer.text, "{} against {}", view.named(&report.versions[1]), view.named(&report.versions[0]))?;
        }
    }
    if let Some(judged) = &report.fleet {
        writeln!(writer.text, "{}", fleet(judged))?;
    }
    for finding in report.findings.iter().filter(|finding| detail.shows(finding)) {
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
    let detail = Detail::Usual;
    let mut writer = Writer { view, detail, style, snippets: Snippets::default(), text: String::new() };
    for finding in &view.report.findings {
        writer.headed(finding)?;
    }
    Ok(writer.text)
}

struct Writer<'v> {
    view: &'v View<'v>,
    detail: Detail,
    style: Style,
    snippets: Snippets,
    text: String,
}

impl Writer<'_> {
    fn step(&mut self, step: &Judged) -> fmt::Result {
        let (from, to) = (self.view.named(&step.names.0), self.view.named(&step.names.1));
        let heading = self.style.paint(Paint::Bold, &format!("step {from} -> {to}"));
        writeln!(self.text, "\n{heading}")?;
        let mut elements = together(&step.findings);
        elements.retain(|element| !element.finding.is_addition());
        elements.retain(|element| self.detail.shows(element.finding));
        let mut group = None;
        for alike in grouped(elements) {
            let finding = alike[0].finding;
            if group != Some(&finding.group) {
                group = Some(&finding.group);
                let name = self.style.paint(Paint::Bold, &finding.group);
                writeln!(self.text, "\n  {name}")?;
            }
            match alike.as_slice() {
                [element] => self.element(element)?,
                several => self.several(several)?,
            }
        }
        self.sums(step)
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

    /// What is said of several elements of one group, of which the same is to be said.
    fn several(&mut self, elements: &[Element<'_>]) -> fmt::Result {
        let first = elements[0].finding;
        let (word, paint) = word(first);
        let word = self.style.paint(paint, word);
        writeln!(self.text, "    {word} {} of {}", elements.len(), first.group)?;
        self.snippet(first, "      ")?;
        for element in elements.iter().take(LISTED) {
            let name = element.finding.element.strip_prefix(&first.group).unwrap_or(&element.finding.element);
            let what: Vec<&str> = element.told.iter().map(|told| told.what.as_str()).collect();
            let what = self.view.named(&what.join("; "));
            writeln!(self.text, "      - {}: {what}", name.trim_start_matches('.'))?;
        }
        if elements.len() > LISTED {
            writeln!(self.text, "      - and {} more (--format json tells each)", elements.len() - LISTED)?;
        }
        let (mut ids, mut categories) = (Vec::new(), BTreeSet::new());
        for told in elements.iter().flat_map(|element| &element.told) {
            ids.extend(told.rules.iter().map(|rule| rule.id).filter(|id| !ids.contains(id)).collect::<Vec<_>>());
            categories.extend(told.categories());
        }
        let categories = categories.into_iter().map(category).collect::<Vec<_>>().join(", ");
        writeln!(self.text, "      {} ({categories})", ids.join(", "))?;
        for line in self.view.effects(elements[0].told[0].finding) {
            writeln!(self.text, "      {line}")?;
        }
        if elements.iter().any(|element| element.told[0].finding.effect != elements[0].told[0].finding.effect) {
            let name = first.element.rsplit('.').next().unwrap_or(&first.element);
            writeln!(self.text, "      (as with {name}, so with the others)")?;
        }
        let mut told: Vec<String> = Vec::new();
        for line in elements.iter().flat_map(|element| self.view.outcome(element.finding)) {
            if !told.contains(&line) {
                told.push(line);
            }
        }
        self.lines(&told, "      ")
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
        let is_whole_file = finding.verdict.is_some() && (shown.spot.line, shown.spot.end) == (Some(1), None);
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
        self.lines(&self.view.outcome(finding), indent)
    }

    fn lines(&mut self, lines: &[String], indent: &str) -> fmt::Result {
        for line in lines {
            writeln!(self.text, "{indent}{}", line.replace('\n', &format!("\n{indent}  ")))?;
        }
        Ok(())
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

/// The fleet that it was held against, in a line.
fn fleet(judged: &fleet::Judged) -> String {
    let fleet = &judged.fleet;
    let mut run: BTreeMap<&Version, usize> = BTreeMap::new();
    for node in &fleet.nodes {
        *run.entry(&node.version).or_default() += 1;
    }
    let nodes =
        run.iter().map(|(version, nodes)| format!("{nodes} node{} at {version}", if *nodes == 1 { "" } else { "s" }));
    let nodes: Vec<String> = nodes.collect();
    let nodes = if nodes.is_empty() { "no nodes".to_owned() } else { nodes.join(", ") };
    let lately = fleet.calls.iter().filter(|called| called.ago <= fleet.within);
    let versions: BTreeSet<&Version> = lately.clone().map(|called| &called.version).collect();
    let (methods, within) = (lately.count(), fleet::lasted(fleet.within));
    let calls = match fleet.counted_for {
        None => "no calls are counted yet".to_owned(),
        Some(counted) => {
            let (method, version) = (if methods == 1 { "" } else { "s" }, if versions.len() == 1 { "" } else { "s" });
            let counted = fleet::lasted(counted);
            format!(
                "{methods} method{method} of {} version{version} called in {within}, of calls that are counted for {counted}",
                versions.len()
            )
        }
    };
    let judged: Vec<String> = judged.proposed.iter().map(ToString::to_string).collect();
    format!("fleet of {}: {nodes}; {calls}; judged: {}", fleet.by, judged.join(", "))
}

/// How many elements are listed that are told together.
const LISTED: usize = 12;

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
