//! Published versions have to stay what they were.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::image;
use crate::check::Side;
use crate::check::compare::{self, Options};
use crate::check::judge::{Finding, Level, Spot, own};
use crate::check::lock::{self, Lock, Locked};
use crate::protocol::{Places, Protocol, Schema, schema_files};
use crate::version::Version;

/// What versions were, by the word of a lock or of another state of the protocol.
pub(super) struct Published {
    pub(super) locked: BTreeMap<Version, Locked>,
    /// Who says so, for people.
    pub(super) by: String,
    /// The lock that says so, and its lines.
    pub(super) lock: Option<(PathBuf, BTreeMap<Version, usize>)>,
}

/// Holds a protocol against its lock.
pub(super) fn against_lock(protocol: &Protocol, folder: &Path, lock: Option<&Lock>) -> Vec<Finding> {
    let Some(lock) = lock else {
        let what = format!("there is no {}: nothing notices when a published version changes", lock::FILE);
        let mut finding = Finding::new(&own::VERSION_NOT_LOCKED, Level::Note, protocol.name(), what);
        finding.advice = Some(update(folder));
        return vec![finding];
    };
    let published = Published {
        locked: lock.versions.iter().map(|(version, (_, locked))| (version.clone(), locked.clone())).collect(),
        by: crate::check::paths::shown(&lock.file),
        lock: Some((
            lock.file.clone(),
            lock.versions.iter().map(|(version, (line, _))| (version.clone(), *line)).collect(),
        )),
    };
    let mut findings = published.findings(protocol, folder);
    let unknown: Vec<String> = protocol
        .versions()
        .iter()
        .map(Schema::version)
        .filter(|version| !lock.versions.contains_key(version))
        .map(ToString::to_string)
        .collect();
    if !unknown.is_empty() {
        let (is, it) = if unknown.len() == 1 { ("is", "it is") } else { ("are", "they are") };
        let what = format!("{} {is} not in {}, so nothing notices when {it} changed", unknown.join(", "), lock::FILE);
        let mut finding = Finding::new(&own::VERSION_NOT_LOCKED, Level::Note, unknown.join(", "), what);
        finding.advice = Some(format!("once {it} published: {}", update(folder)));
        findings.push(finding);
    }
    let open = lock.versions.iter().filter(|(_, (_, locked))| locked.is_open());
    let now = lock::published(protocol);
    let decided = open.filter(|(version, _)| now.get(*version).is_some_and(|is| !is.is_open()));
    for (version, (line, _)) in decided {
        let what = format!(
            "the step of {version} had open points when {} was written, and has none any more: nothing notices when it changes",
            lock::FILE
        );
        let mut finding = Finding::new(&own::VERSION_NOT_LOCKED, Level::Note, version.to_string(), what);
        finding.advice = Some(format!("once it is published: {}", update(folder)));
        finding.place = Some(Spot { file: lock.file.clone(), line: Some(*line), column: 1, end: None });
        findings.push(finding);
    }
    findings
}

fn update(folder: &Path) -> String {
    format!("straddle check {} --update-lock", crate::check::paths::shown(folder))
}

impl Published {
    /// What is not as it was.
    pub(super) fn findings(&self, protocol: &Protocol, folder: &Path) -> Vec<Finding> {
        let now = lock::current(protocol);
        let mut findings = Vec::new();
        for (version, was) in &self.locked {
            let Some(is) = now.get(version) else {
                findings.push(self.gone(version, folder));
                continue;
            };
            if was.schema != is.schema {
                findings.push(self.changed(version, was, is, protocol, folder));
            }
            // A step that had open points was not published.
            if was.step != is.step && !was.is_open() {
                findings.push(self.step_changed(version, protocol, folder));
            }
        }
        findings
    }

    fn gone(&self, version: &Version, folder: &Path) -> Finding {
        let what = format!("{version} is in {}, and the protocol has it no more", self.by);
        let mut finding = Finding::new(&own::VERSION_GONE, Level::Error, version.to_string(), what);
        let take_back = if self.lock.is_some() {
            format!("; if nobody has it, {} forgets it", update(folder))
        } else {
            String::new()
        };
        finding.advice =
            Some(format!("restore its folder: callers and stored data of {version} may be around{take_back}"));
        finding.place = self.in_lock(version);
        finding
    }

    fn changed(&self, version: &Version, was: &Locked, is: &Locked, protocol: &Protocol, folder: &Path) -> Finding {
        let what = format!(
            "the schema of {version} changed after it was published: its digest was {}, is {} ({} says so)",
            was.schema, is.schema, self.by
        );
        let mut finding = Finding::new(&own::VERSION_CHANGED, Level::Error, version.to_string(), what);
        let take_back = if self.lock.is_some() {
            format!("; if {version} was never published, {}", update(folder))
        } else {
            String::new()
        };
        finding.advice =
            Some(format!("restore the protos of {version}, and make the change in a new version{take_back}"));
        finding.effect.old_reader =
            format!("whoever has the published {version} reads the new bytes under its label, by the old schema");
        finding.effect.new_reader = format!(
            "a node with the changed {version} turns callers with the published one away: one label, two digests"
        );
        let source = protocol.index_of(version).map(|index| &protocol.sources()[index]);
        // A digest does not say what changed: of several files it may be any.
        let only = source.and_then(|source| only_schema(&source.origin));
        finding.place = match only {
            Some(file) => Some(Spot { file, line: None, column: 1, end: None }),
            None => self.in_lock(version),
        };
        finding
    }

    fn step_changed(&self, version: &Version, protocol: &Protocol, folder: &Path) -> Finding {
        let what =
            format!("the step.toml of {version} is another one than when it was published ({} says so)", self.by);
        let mut finding = Finding::new(&own::STEP_CHANGED, Level::Warning, version.to_string(), what);
        let record = if self.lock.is_some() { format!(", and record it: {}", update(folder)) } else { String::new() };
        finding.advice = Some(format!(
            "nodes that have the older rules answer as before until they are built anew: make sure that this is meant{record}"
        ));
        let step = protocol.index_of(version).and_then(|index| protocol.sources()[index].step.as_ref());
        finding.place = step
            .map(|(file, _)| Spot { file: file.clone(), line: None, column: 1, end: None })
            .or_else(|| self.in_lock(version));
        finding
    }

    fn in_lock(&self, version: &Version) -> Option<Spot> {
        let (file, lines) = self.lock.as_ref()?;
        Some(Spot { file: file.clone(), line: Some(*lines.get(version)?), column: 1, end: None })
    }
}

/// Where a published version first differs from what it was, where both are there to see.
pub(super) fn first_change(finding: &Finding, (before, now): (&Protocol, &Protocol), places: &Places) -> Option<Spot> {
    let of = |protocol: &Protocol| {
        protocol.sources().iter().position(|source| source.version.to_string() == finding.element)
    };
    let (was, is) = (of(before)?, of(now)?);
    if finding.rule.id == own::STEP_CHANGED.id {
        let step = |protocol: &Protocol, index: usize| protocol.sources()[index].step.clone();
        let ((_, was), (file, is)) = (step(before, was)?, step(now, is)?);
        let mut was = was.lines();
        let line = is.lines().position(|line| was.next() != Some(line)).map(|position| position + 1);
        return Some(Spot { file, line, column: 1, end: None });
    }
    if finding.rule.id != own::VERSION_CHANGED.id {
        return None;
    }
    let (was, is) = (image(before, was, places), image(now, is, places));
    let (found, added) = compare::compare_with_additions(&was, &is, &Options::default(), &own::ADDITION);
    let places = found.iter().chain(&added).filter_map(|difference| difference.place.as_ref());
    let first =
        places.filter(|place| place.side == Side::New).min_by_key(|place| (&place.file, place.line, place.column));
    first.map(|place| Spot {
        file: is.root().join(&place.file),
        line: Some(place.line),
        column: place.column,
        end: place.end,
    })
}

/// The schema of a version that consists of one file.
fn only_schema(root: &Path) -> Option<PathBuf> {
    match schema_files(root).ok()?.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    }
}
