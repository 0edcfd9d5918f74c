//! The last lines of a step: what can be lost, what is refused, what came, and the sums.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::super::view::{counts, refused_by_value};
use super::{Detail, Writer};
use crate::check::Verdict;
use crate::check::judge::{Change, Finding, Judged};
use crate::cli::snippet::Paint;
use crate::protocol::plan::Direction;

impl Writer<'_> {
    pub(super) fn sums(&mut self, step: &Judged) -> fmt::Result {
        if !matches!(self.detail, Detail::Quiet(_)) {
            self.losses(step)?;
            self.refusing(step)?;
        }
        if self.detail == Detail::All {
            self.additions(step)?;
        }
        self.summary(step)
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
            "\n  {from} -> {to}: {compatible} compatible, {bridged} bridged, {refused} refused, {open}; {losses}; {}; {bump}",
            refused_by_value(step)
        )?;
        let additions = step.findings.iter().filter(|finding| finding.is_addition()).count();
        if additions > 0 && self.detail != Detail::All {
            let what = if additions == 1 { "addition" } else { "additions" };
            writeln!(self.text, "  {additions} {what} (--all shows {})", if additions == 1 { "it" } else { "them" })?;
        }
        Ok(())
    }

    /// What has a counterpart, but not each of its values.
    fn refusing(&mut self, step: &Judged) -> fmt::Result {
        if step.refusing.is_empty() {
            return Ok(());
        }
        writeln!(self.text, "\n  {}", self.style.paint(Paint::Bold, "what is refused by its value"))?;
        for one in &step.refusing {
            let way = if one.direction == Direction::Up { "up" } else { "down" };
            let whys: Vec<String> = one.whys.iter().map(|why| self.view.named(why)).collect();
            let uses: Vec<&str> = one.uses.iter().copied().collect();
            let line = one.line.map(|line| format!("; step.toml:{line}")).unwrap_or_default();
            writeln!(self.text, "    {way:<5}{}: {} ({}{line})", one.element, whys.join("; "), uses.join(", "))?;
        }
        Ok(())
    }

    /// What came, a line a message; only their number where nobody asked.
    fn additions(&mut self, step: &Judged) -> fmt::Result {
        let mut groups: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for finding in step.findings.iter().filter(|finding| finding.is_addition()) {
            groups.entry(&finding.group).or_default().push(finding);
        }
        if groups.is_empty() {
            return Ok(());
        }
        writeln!(self.text, "\n  {}", self.style.paint(Paint::Bold, "what is new"))?;
        for (group, findings) in groups {
            let told: Vec<String> = findings
                .iter()
                .map(|finding| match &finding.verdict {
                    Some(Verdict::Bridged { by, .. }) => format!("{} ({by})", finding.what),
                    _ => finding.what.clone(),
                })
                .collect();
            writeln!(self.text, "    {group}: {}", self.view.named(&told.join("; ")))?;
        }
        Ok(())
    }
}
