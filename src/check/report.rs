//! A whole check: what is compared with what, and all that is found.

mod published;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::published::Published;
use super::compare::{self, Options};
use super::judge::{self, Finding, Judged, Level, Pair, own};
use super::lock::{self, LockError, Which};

use super::{Category, Image};
use crate::protocol::{Declared, Places, Protocol, ProtocolError, Source};
use crate::tree::{Tree, TreeError};
use crate::version::Version;

/// All that a check found.
pub(crate) struct Report {
    /// The protocol's name; none where two plain folders were compared.
    pub(crate) protocol: Option<String>,
    /// What the versions are called, oldest first.
    pub(crate) versions: Vec<String>,
    /// The steps between them that were looked at.
    pub(crate) steps: Vec<Judged>,
    /// What is about no step.
    pub(crate) findings: Vec<Finding>,
    /// A file to show findings at that have no place of their own.
    pub(crate) anchor: PathBuf,
    /// The fleet that it was held against, if it was.
    pub(crate) fleet: Option<judge::fleet::Judged>,
}

/// What to look at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    /// Only differences of one of these categories; empty for all.
    pub(crate) categories: Vec<Category>,
}

/// Tells of the fleet of a protocol, by its name, where its versions are to be held against one.
pub(crate) type AskFleet<'a> = &'a dyn Fn(&str) -> Result<Option<judge::fleet::Fleet>, CheckError>;

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error("{0}")]
    Other(String),
}

/// Where versions come from that have no folder of a protocol.
const WORKING: &str = "the working protos";

/// Whether a folder is that of a protocol.
pub(crate) fn is_protocol(folder: &Path) -> bool {
    folder.join("protocol.toml").is_file()
}

/// Checks all steps of the protocol in `folder`, and its versions against its lock, which takes them in as they are where
/// `record` says so, and against a fleet. What that changed in the lock is returned, too.
///
/// # Errors
/// When the protocol or its lock cannot be read, the lock cannot be written, or the fleet is not known.
pub(crate) fn of_protocol(
    folder: &Path,
    scope: &Scope,
    record: bool,
    ask: AskFleet<'_>,
) -> Result<(Report, Vec<String>), CheckError> {
    let mut places = Places::default();
    let protocol = places.load(folder)?;
    let fleet = ask(protocol.name())?;
    let recorded = if record { lock::record(folder, &protocol, Which::All)? } else { Vec::new() };
    let mut report = of_steps(&protocol, &places, folder, 0, scope);
    let lock = lock::read(folder)?;
    report.findings.extend(published::against_lock(&protocol, folder, lock.as_ref()));
    report.hold_against(&protocol, fleet);
    Ok((report, recorded))
}

/// Checks what `folder` changed since `against`: each is a protocol or a plain folder of protos. A protocol is held against a
/// fleet as well.
///
/// # Errors
/// When one of the two cannot be read, or the fleet is not known.
pub(crate) fn of_change(folder: &Path, against: &Tree, scope: &Scope, ask: AskFleet<'_>) -> Result<Report, CheckError> {
    let old_folder = against.folder();
    for folder in [folder, old_folder] {
        if !folder.is_dir() {
            let what = against.name_as_given(&folder.display().to_string());
            return Err(CheckError::Other(format!(
                "{what} is no folder\n  help: name a folder of protos, or one of a protocol"
            )));
        }
    }
    let mut places = Places::default();
    match (is_protocol(folder), is_protocol(old_folder)) {
        (true, true) => of_protocols(folder, against, scope, places, ask),
        (false, true) => {
            let protocol = places.load(old_folder)?;
            let last = protocol.versions().len() - 1;
            let newest = protocol.versions()[last].version().clone();
            let next = Version::new(newest.major(), newest.minor() + 1, 0);
            let working = places.source_of_folder(&next, folder)?;
            let sources = protocol.sources().iter().cloned().chain([working]).collect();
            let joined =
                Protocol::assemble(protocol.name().to_owned(), Declared::default(), sources, folder.to_owned())?;
            let name = Some(protocol.name().to_owned());
            Ok(ad_hoc(joined, &places, last, (newest.to_string(), WORKING.to_owned()), name, scope))
        }
        (true, false) => {
            let protocol = places.load(folder)?;
            let fleet = ask(protocol.name())?;
            let newest = protocol.sources()[protocol.versions().len() - 1].clone();
            let names = (given(against), newest.version.to_string());
            let old = places.source_of_folder(&Version::new(1, 0, 0), old_folder)?;
            let name = Some(protocol.name().to_owned());
            let mut report = ad_hoc(two(old, newest, folder)?, &places, 0, names, name, scope);
            report.hold_against(&protocol, fleet);
            Ok(report)
        }
        (false, false) => {
            let names = (given(against), super::paths::shown(folder));
            let old = places.source_of_folder(&Version::new(1, 0, 0), old_folder)?;
            let new = places.source_of_folder(&Version::new(1, 1, 0), folder)?;
            Ok(ad_hoc(two(old, new, folder)?, &places, 0, names, None, scope))
        }
    }
}

/// A tree as the user named it.
fn given(tree: &Tree) -> String {
    let folder = tree.folder().display().to_string();
    let named = tree.name_as_given(&folder);
    if named == folder { super::paths::shown(tree.folder()) } else { named }
}

/// Two folders as the two versions of a protocol without a step between them.
fn two(old: Source, new: Source, folder: &Path) -> Result<Protocol, ProtocolError> {
    let old = Source { version: Version::new(1, 0, 0), step: None, ..old };
    let new = Source { version: Version::new(1, 1, 0), step: None, ..new };
    Protocol::assemble("compared".to_owned(), Declared::default(), vec![old, new], folder.to_owned())
}

/// One step of versions that are in no protocol's folder, so that nothing says what goes by another name: what seems to is
/// taken for it, and told.
fn ad_hoc(
    protocol: Protocol,
    places: &Places,
    index: usize,
    names: (String, String),
    name: Option<String>,
    scope: &Scope,
) -> Report {
    let (protocol, guessed) = with_moved_packages(protocol, index);
    let old = image(&protocol, index, places);
    let new = image(&protocol, index + 1, places);
    let anchor = protocol.sources()[index + 1].origin.clone();
    let versions = vec![names.0.clone(), names.1.clone()];
    let pair = Pair { protocol: &protocol, index, old: &old, new: &new, names, guessed, step_file: None };
    Report { protocol: name, versions, steps: vec![judged(&pair, scope)], findings: Vec::new(), anchor, fleet: None }
}

/// The protocol with a step that renames the packages that seem to have moved. Where such a step says more than can be, as
/// when names of two packages meet, nothing is taken for anything.
fn with_moved_packages(protocol: Protocol, index: usize) -> (Protocol, Vec<(String, String)>) {
    let (old, new) = (&protocol.versions()[index], &protocol.versions()[index + 1]);
    let moved = super::moved::packages(old, new);
    if moved.is_empty() {
        return (protocol, moved);
    }
    let lines: Vec<String> = moved.iter().map(|(old, new)| format!("\"{old}\" = \"{new}\"")).collect();
    let text = format!("from = \"{}\"\n[rename.packages]\n{}\n", old.version(), lines.join("\n"));
    match protocol.with_step(index, &text) {
        Ok(renamed) => (renamed, moved),
        Err(_) => (protocol, Vec::new()),
    }
}

/// Two states of one protocol: what was published has to be there as it was, and what came since is checked.
fn of_protocols(
    folder: &Path,
    against: &Tree,
    scope: &Scope,
    mut places: Places,
    ask: AskFleet<'_>,
) -> Result<Report, CheckError> {
    let before = places.load(against.folder())?;
    let now = places.load(folder)?;
    if before.name() != now.name() {
        let given = given(against);
        return Err(CheckError::Other(format!(
            "{} holds the protocol {}, and {given} the protocol {}\n  help: compare two states of one protocol",
            folder.display(),
            now.name(),
            before.name()
        )));
    }
    let fleet = ask(now.name())?;
    let newest = before.versions()[before.versions().len() - 1].version();
    // Steps to versions that came since; what was there before was checked then.
    let since = now.versions().iter().take_while(|schema| schema.version() <= newest).count().saturating_sub(1);
    let mut report = of_steps(&now, &places, folder, since, scope);
    let given = given(against);
    let published = Published { locked: lock::published(&before), by: given.clone(), lock: None };
    let mut changed = published.findings(&now, folder);
    for finding in &mut changed {
        let place = published::first_change(finding, (&before, &now), &places);
        finding.place = place.or(finding.place.take());
    }
    report.findings.extend(changed);
    if let Some(index) = now.index_of(newest)
        && now.versions()[index].digest() != before.versions()[before.versions().len() - 1].digest()
    {
        // What changed in the version that should not have changed at all.
        let names = (format!("{newest} in {given}"), format!("{newest} in {}", super::paths::shown(folder)));
        let last = before.sources()[before.versions().len() - 1].clone();
        let pair = two(last, now.sources()[index].clone(), folder)?;
        report.steps.extend(ad_hoc(pair, &places, 0, names, None, scope).steps);
    }
    report.hold_against(&now, fleet);
    Ok(report)
}

/// The steps of a protocol, from the version at `first` on.
pub(crate) fn of_steps(protocol: &Protocol, places: &Places, folder: &Path, first: usize, scope: &Scope) -> Report {
    let mut steps = Vec::new();
    let mut older: Option<Image> = None;
    for index in first..protocol.steps().len() {
        let old = match older.take() {
            Some(image) => image,
            None => image(protocol, index, places),
        };
        let new = image(protocol, index + 1, places);
        let step = &protocol.steps()[index];
        let declared = protocol.sources()[index + 1].step.as_ref().map(|(file, _)| file.clone());
        let undeclared = || folder.join(step.to().to_string()).join("step.toml");
        let pair = Pair {
            protocol,
            index,
            old: &old,
            new: &new,
            names: (step.from().to_string(), step.to().to_string()),
            guessed: Vec::new(),
            step_file: Some(declared.unwrap_or_else(undeclared)),
        };
        steps.push(judged(&pair, scope));
        older = Some(new);
    }
    Report {
        protocol: Some(protocol.name().to_owned()),
        versions: protocol.versions().iter().map(|schema| schema.version().to_string()).collect(),
        steps,
        findings: Vec::new(),
        anchor: folder.join("protocol.toml"),
        fleet: None,
    }
}

fn judged(pair: &Pair<'_>, scope: &Scope) -> Judged {
    let options = Options { renamed: judge::renamed(pair.protocol, pair.index) };
    let (differences, additions) = compare::compare_with_additions(pair.old, pair.new, &options, &own::ADDITION);
    let mut judged = judge::step(pair, differences, additions);
    if !scope.categories.is_empty() {
        let own = |finding: &Finding| {
            finding.rule.id != own::ADDITION.id && judge::OWN_RULES.iter().any(|rule| rule.id == finding.rule.id)
        };
        let meant = |finding: &Finding| finding.rule.categories.iter().any(|one| scope.categories.contains(one));
        judged.findings.retain(|finding| own(finding) || meant(finding));
    }
    judged
}

/// The protos of a version with their places; without places where the version is one descriptor set.
fn image(protocol: &Protocol, index: usize, places: &Places) -> Image {
    let (pool, origin) = (protocol.versions()[index].pool(), &protocol.sources()[index].origin);
    let mut files = Vec::new();
    if let Some(placed) = places.files(origin) {
        files.extend(placed.iter().filter_map(|(name, spans)| Some((pool.get_file_by_name(name)?, spans.clone()))));
    } else {
        let own = pool.files().filter(|file| !file.name().starts_with("google/protobuf/"));
        files.extend(own.map(|file| (file, Arc::default())));
    }
    Image::pooled(origin.clone(), files)
}

impl Report {
    fn hold_against(&mut self, protocol: &Protocol, fleet: Option<judge::fleet::Fleet>) {
        let Some((judged, findings)) = fleet.map(|fleet| judge::fleet::judge(protocol, fleet)) else { return };
        self.findings.extend(findings);
        self.fleet = Some(judged);
    }

    /// All findings: those about versions first, then step by step.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().chain(self.steps.iter().flat_map(|step| &step.findings))
    }

    /// The worst that was found; additions count for nothing.
    pub(crate) fn worst(&self) -> Option<Level> {
        self.all().filter(|finding| !finding.is_addition()).map(|finding| finding.level).min()
    }
}

/// What is wrong with files that cannot be read, as findings.
pub(crate) fn faults(error: &ProtocolError) -> Vec<Finding> {
    let of = |fault: &crate::protocol::Fault| {
        let file = fault.file().to_owned();
        let mut finding =
            Finding::new(&own::PROTOCOL_FAULT, Level::Error, super::paths::shown(&file), fault.what().to_owned());
        finding.advice = Some(fault.advice().to_owned());
        finding.place = Some(judge::Spot { file, line: fault.line(), column: fault.column().unwrap_or(1), end: None });
        finding
    };
    error.faults().iter().map(of).collect()
}

/// What is wrong with a lock, as a finding.
pub(crate) fn lock_fault(error: &LockError) -> Finding {
    let mut finding =
        Finding::new(&own::PROTOCOL_FAULT, Level::Error, super::paths::shown(&error.file), error.what.clone());
    finding.advice = Some(error.advice.clone());
    finding.place = Some(judge::Spot { file: error.file.clone(), line: error.line, column: 1, end: None });
    finding
}
