//! What all formats show: findings with their places as the user named them.

use std::path::Path;

use crate::check::judge::{Finding, Judged, Level, Spot, together};
use crate::check::report::Report;
use crate::check::{Category, Verdict, paths};
use crate::protocol::plan::Direction;
use crate::tree::Tree;

/// A report, and how to name what it speaks of.
pub(super) struct View<'a> {
    pub(super) report: Report,
    against: Option<&'a Tree>,
}

/// A place as it is shown.
pub(super) struct Shown<'s> {
    /// The file as the user would name it.
    pub(super) file: String,
    /// Whether it lies in the working copy, where annotations can stand.
    pub(super) in_working_copy: bool,
    pub(super) spot: &'s Spot,
}

impl<'a> View<'a> {
    pub(super) fn new(report: Report, against: Option<&'a Tree>) -> Self {
        Self { report, against }
    }

    /// A text whose paths are those that the user gave.
    pub(super) fn named(&self, text: &str) -> String {
        self.against.map_or_else(|| text.to_owned(), |against| against.name_as_given(text))
    }

    pub(super) fn path(&self, path: &Path) -> String {
        let clean = paths::shown(path);
        let named = self.named(&clean);
        // A tree on disk is named by the text of its folder, which was cleaned away.
        if named == clean { named } else { named.replace("//", "/") }
    }

    pub(super) fn shown<'s>(&self, finding: &'s Finding) -> Option<Shown<'s>> {
        let spot = finding.place.as_ref()?;
        let file = self.path(&spot.file);
        Some(Shown { in_working_copy: !file.starts_with("git:"), file, spot })
    }

    /// Where a verdict is said.
    pub(super) fn said_at(&self, verdict: &Verdict) -> Option<String> {
        match verdict {
            Verdict::Bridged { at: Some((file, line)), .. } => Some(format!("{}:{line}", self.path(file))),
            _ => None,
        }
    }

    /// What readers see, a line each side.
    pub(super) fn effects(&self, finding: &Finding) -> Vec<String> {
        let effect = &finding.effect;
        let sides =
            [("an old reader of new bytes", &effect.old_reader), ("a new reader of old bytes", &effect.new_reader)];
        let told = sides.into_iter().filter(|(_, sees)| !sees.is_empty());
        told.map(|(who, sees)| format!("{who}: {}", self.named(sees))).collect()
    }

    /// What becomes of it, and what to do, a line each thing.
    pub(super) fn outcome(&self, finding: &Finding) -> Vec<String> {
        let verdict = finding.verdict.iter().map(|verdict| self.verdict(verdict));
        let notes = finding.notes.iter().map(|note| format!("note: {}", self.named(note)));
        let advice = finding.advice.iter().map(|advice| format!("help: {}", self.named(advice)));
        let directions = [("up", &finding.may_refuse.up), ("down", &finding.may_refuse.down)];
        let refused = directions.into_iter().filter(|(_, whys)| !whys.is_empty()).map(|(way, whys)| {
            let whys: Vec<String> = whys.iter().map(|why| self.named(why)).collect();
            format!("refuses a value on its way {way} where {}", whys.join(", or where "))
        });
        verdict.chain(refused).chain(notes).chain(advice).collect()
    }

    fn verdict(&self, verdict: &Verdict) -> String {
        let told = match verdict {
            Verdict::Compatible => "compatible: it needs no rule".to_owned(),
            Verdict::Bridged { by, at } => {
                let short = at.as_ref().map(|(_, line)| format!("step.toml:{line}"));
                match (self.said_at(verdict), short) {
                    // The first line that is named is told with its whole path.
                    (Some(full), Some(short)) if by.contains(&short) => {
                        format!("bridged by {}", by.replacen(&short, &full, 1))
                    }
                    (Some(full), _) => format!("bridged by {by}; said at {full}"),
                    (None, _) => format!("bridged by {by}"),
                }
            }
            Verdict::Refused { reason } => format!("refused: {reason}"),
            Verdict::Open { advice } => format!("OPEN: {advice}"),
        };
        self.named(&told)
    }
}

/// A verdict in one word.
pub(super) fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Compatible => "compatible",
        Verdict::Bridged { .. } => "bridged",
        Verdict::Refused { .. } => "refused",
        Verdict::Open { .. } => "open",
    }
}

pub(super) fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

pub(super) fn category(category: Category) -> &'static str {
    match category {
        Category::Wire => "WIRE",
        Category::WireJson => "WIRE_JSON",
        Category::Package => "PACKAGE",
        Category::File => "FILE",
        Category::Straddle => "STRADDLE",
    }
}

pub(super) fn categories(finding: &Finding) -> Vec<&'static str> {
    finding.rule.categories.iter().copied().map(category).collect()
}

/// How many fields of a step refuse some of their values, by the way that they go.
pub(super) fn refused_by_value(step: &Judged) -> String {
    let count = |direction| step.refusing.iter().filter(|one| one.direction == direction).count();
    match (count(Direction::Up), count(Direction::Down)) {
        (0, 0) => "none refused by value".to_owned(),
        (up, down) => format!("refused by value: {up} up, {down} down"),
    }
}

/// How many findings of a step have which verdict: compatible, bridged, refused, open.
/// What is told as one counts once, and what only says that something came does not count.
pub(super) fn counts(findings: &[Finding]) -> [usize; 4] {
    let mut counts = [0; 4];
    let judged = together(findings).into_iter().filter(|element| !element.finding.is_addition());
    for verdict in judged.filter_map(|element| element.finding.verdict.as_ref()) {
        counts[match verdict {
            Verdict::Compatible => 0,
            Verdict::Bridged { .. } => 1,
            Verdict::Refused { .. } => 2,
            Verdict::Open { .. } => 3,
        }] += 1;
    }
    counts
}
