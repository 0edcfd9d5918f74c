//! `straddle.lock`: what the versions of a protocol were when they were published.
//!
//! A published version never changes: somebody has its schema. So its digest is kept beside the protocol, in version
//! control with it, and every check holds the version against it.
//!
//! ```toml
//! # Written by `straddle check --update-lock`. ...
//! [versions]
//! "1.0.0" = { schema = "0b4c..." }
//! "2.0.0" = { schema = "9f31...", step = "77aa..." }
//! "3.0.0" = { schema = "c0de...", step = "open" }
//! ```
//!
//! Protos are published by whoever releases them, and a step by whoever decides it: a step with open points is a draft,
//! which has to change. So the schema of such a version is recorded, and its step is not until nothing in it is open.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use toml::Spanned;

use crate::protocol::plan::{Direction, Use};
use crate::protocol::{Cause, Hop, Protocol, Step};
use crate::version::Version;

/// The file, in the protocol's folder.
pub(crate) const FILE: &str = "straddle.lock";
/// What stands for a step that has open points.
const OPEN: &str = "open";
/// A lock holds a line a version.
const LARGEST: u64 = 1 << 20;
const HEAD: &str = "# What the versions of this protocol were when they were published: a digest of the schema, and one of step.toml.\n\
                    # Written by `straddle check --update-lock`; keep it in version control, and let no one edit it.\n\n[versions]\n";

/// The versions as they were recorded.
#[derive(Debug, Default)]
pub(crate) struct Lock {
    pub(crate) file: PathBuf,
    /// With the line of each.
    pub(crate) versions: BTreeMap<Version, (usize, Locked)>,
}

/// A version as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Locked {
    /// The digest of its schema.
    pub(crate) schema: String,
    /// The digest of its `step.toml`, where it has one; or that it was open.
    pub(crate) step: Option<String>,
}

impl Locked {
    /// Whether the step had open points when it was recorded, so that it was not published.
    pub(crate) fn is_open(&self) -> bool {
        self.step.as_deref() == Some(OPEN)
    }
}

/// Why a lock cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {what}\n  help: {advice}", file.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
pub(crate) struct LockError {
    pub(crate) file: PathBuf,
    pub(crate) line: Option<usize>,
    pub(crate) what: String,
    pub(crate) advice: String,
}

/// Which versions to record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// All of them.
    All,
    /// Those that are not recorded yet, but for the newest, which is not published yet. What is recorded stays as it is.
    /// For who adds a version.
    Missing,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LockFile {
    #[serde(default)]
    versions: BTreeMap<Spanned<String>, Locked>,
}

/// Reads the lock of a protocol; none where there is no such file.
///
/// # Errors
/// When the file cannot be read, or is none that this program wrote.
pub(crate) fn read(folder: &Path) -> Result<Option<Lock>, LockError> {
    let file = folder.join(FILE);
    let advice = "restore it from version control, or write it anew with `straddle check --update-lock`";
    let fault = |line, what: String| LockError { file: file.clone(), line, what, advice: advice.to_owned() };
    match fs::metadata(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Ok(known) if known.len() > LARGEST => return Err(fault(None, format!("is larger than {LARGEST} bytes"))),
        _ => {}
    }
    let text = fs::read_to_string(&file).map_err(|error| fault(None, format!("cannot be read: {error}")))?;
    let line_of = |offset: usize| text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
    let read: LockFile = toml::from_str(&text).map_err(|error| {
        let what = error.message().lines().collect::<Vec<_>>().join(" ");
        fault(error.span().map(|span| line_of(span.start)), what)
    })?;
    let mut versions = BTreeMap::new();
    for (name, locked) in read.versions {
        let line = line_of(name.span().start);
        let version =
            name.get_ref().parse().map_err(|error: crate::VersionError| fault(Some(line), error.to_string()))?;
        versions.insert(version, (line, locked));
    }
    Ok(Some(Lock { file, versions }))
}

/// Records versions of a protocol as they are now; of all of them, it forgets those that the protocol has no more. Tells which entries changed.
///
/// # Errors
/// When the lock cannot be read or written.
pub(crate) fn record(folder: &Path, protocol: &Protocol, which: Which) -> Result<Vec<String>, LockError> {
    let before: BTreeMap<Version, Locked> = match read(folder) {
        Ok(lock) => {
            lock.unwrap_or_default().versions.into_iter().map(|(version, (_, locked))| (version, locked)).collect()
        }
        // Who records everything anew needs nothing of what was there.
        Err(_) if which == Which::All => BTreeMap::new(),
        Err(error) => return Err(error),
    };
    let mut now = published(protocol);
    if which == Which::Missing {
        now.pop_last();
        for (version, known) in &before {
            let decided = now.get(version).filter(|is| known.is_open() && !is.is_open()).map(|is| is.step.clone());
            let step = decided.unwrap_or_else(|| known.step.clone());
            now.insert(version.clone(), Locked { schema: known.schema.clone(), step });
        }
    }
    let changed = changes(&before, &now);
    let file = folder.join(FILE);
    let text = written(&now);
    if fs::read_to_string(&file).is_ok_and(|known| known == text) {
        return Ok(changed);
    }
    write(&file, &text).map_err(|error| LockError {
        file,
        line: None,
        what: format!("cannot be written: {error}"),
        advice: "check that the protocol's folder may be written to".to_owned(),
    })?;
    Ok(changed)
}

/// All versions as they are now.
pub(crate) fn current(protocol: &Protocol) -> BTreeMap<Version, Locked> {
    let schemas = protocol.versions().iter().zip(protocol.sources());
    let lock = |(schema, source): (&crate::protocol::Schema, &crate::protocol::Source)| {
        let step = source.step.as_ref().map(|(_, text)| digest(text));
        (schema.version().clone(), Locked { schema: schema.digest().to_owned(), step })
    };
    schemas.map(lock).collect()
}

/// All versions as they are recorded: a step with open points is not published, whatever it says.
pub(crate) fn published(protocol: &Protocol) -> BTreeMap<Version, Locked> {
    let mut all = current(protocol);
    for step in protocol.steps().iter().filter(|step| is_open(step)) {
        if let Some(locked) = all.get_mut(step.to())
            && locked.step.is_some()
        {
            locked.step = Some(OPEN.to_owned());
        }
    }
    all
}

fn is_open(step: &Step) -> bool {
    let mut hops = step.past().iter().chain(step.future());
    let mut plans =
        [Direction::Up, Direction::Down].into_iter().flat_map(|way| Use::ALL.map(|used| step.plans(way).iter(used)));
    hops.any(|hop| matches!(hop, Hop::Refused(Cause::Open(_))))
        || plans.any(|mut plans| plans.any(|plan| !plan.open.is_empty()))
}

/// Line ends differ between checkouts of one file.
fn digest(text: &str) -> String {
    let hash = Sha256::digest(text.replace("\r\n", "\n"));
    hash[..16].iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn changes(before: &BTreeMap<Version, Locked>, now: &BTreeMap<Version, Locked>) -> Vec<String> {
    let mut told = Vec::new();
    for (version, locked) in now {
        match before.get(version) {
            None if locked.is_open() => {
                told.push(format!("{version} is recorded, but for its step, which has open points"));
            }
            None => told.push(format!("{version} is recorded")),
            Some(known) if known.schema != locked.schema => {
                told.push(format!("{version} has another schema than before"));
            }
            Some(known) if known.is_open() && !locked.is_open() => {
                told.push(format!("the step of {version} is recorded: nothing in it is open any more"));
            }
            Some(known) if known.step != locked.step => {
                told.push(format!("{version} has another step.toml than before"));
            }
            Some(_) => {}
        }
    }
    let gone = before.keys().filter(|version| !now.contains_key(*version));
    told.extend(gone.map(|version| format!("{version} is forgotten: the protocol has it no more")));
    told
}

fn written(versions: &BTreeMap<Version, Locked>) -> String {
    let mut text = HEAD.to_owned();
    for (version, Locked { schema, step }) in versions {
        let step = step.as_ref().map(|step| format!(", step = \"{step}\"")).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\"{version}\" = {{ schema = \"{schema}\"{step} }}");
    }
    text
}

/// In one go: whoever reads the lock meanwhile reads the old one or the new one.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let folder = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new = tempfile::Builder::new().prefix(".straddle").tempfile_in(folder)?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        new.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    new.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protocol(folder: &Path, versions: &[(&str, &str)]) -> Protocol {
        fs::write(folder.join("protocol.toml"), "name = \"shop\"").unwrap();
        for (version, field) in versions {
            let own = folder.join(version);
            fs::create_dir_all(&own).unwrap();
            fs::write(
                own.join("a.proto"),
                format!("syntax = \"proto3\"; package a; message M {{ string {field} = 1; }}"),
            )
            .unwrap();
        }
        Protocol::load(folder).unwrap()
    }

    #[test]
    fn what_is_recorded_is_read_again_in_the_order_of_versions() {
        let folder = tempfile::tempdir().unwrap();
        let shop = protocol(folder.path(), &[("1.0.0", "a"), ("1.10.0", "a"), ("1.9.0", "a")]);
        assert!(read(folder.path()).unwrap().is_none());
        let changed = record(folder.path(), &shop, Which::All).unwrap();
        assert_eq!(changed, ["1.0.0 is recorded", "1.9.0 is recorded", "1.10.0 is recorded"]);
        let lock = read(folder.path()).unwrap().unwrap();
        let lines: Vec<(String, usize)> =
            lock.versions.iter().map(|(version, (line, _))| (version.to_string(), *line)).collect();
        assert_eq!(lines, [("1.0.0".to_owned(), 5), ("1.9.0".to_owned(), 6), ("1.10.0".to_owned(), 7)]);
        assert!(record(folder.path(), &shop, Which::All).unwrap().is_empty());
    }

    #[test]
    fn what_is_missing_is_recorded_but_for_the_newest_and_what_is_recorded_stays() {
        let folder = tempfile::tempdir().unwrap();
        let shop = protocol(folder.path(), &[("1.0.0", "a"), ("1.1.0", "a")]);
        assert_eq!(record(folder.path(), &shop, Which::Missing).unwrap(), ["1.0.0 is recorded"]);
        // Somebody changed what was published: to record that unasked would hide it from every check.
        let shop = protocol(folder.path(), &[("1.0.0", "b"), ("1.1.0", "a"), ("1.2.0", "a")]);
        assert_eq!(record(folder.path(), &shop, Which::Missing).unwrap(), ["1.1.0 is recorded"]);
        let told = record(folder.path(), &shop, Which::All).unwrap();
        assert_eq!(told, ["1.0.0 has another schema than before", "1.2.0 is recorded"]);
    }

    #[test]
    fn a_step_with_open_points_is_recorded_once_it_has_none() {
        let folder = tempfile::tempdir().unwrap();
        // `a` may have become `b`: that is open.
        let files = [("1.0.0", "a"), ("2.0.0", "b"), ("3.0.0", "b")];
        fs::create_dir_all(folder.path().join("2.0.0")).unwrap();
        let step = |rest: &str| fs::write(folder.path().join("2.0.0/step.toml"), format!("from = \"1.0.0\"\n{rest}"));
        step("").unwrap();
        let told = record(folder.path(), &protocol(folder.path(), &files), Which::Missing).unwrap();
        assert_eq!(told, ["1.0.0 is recorded", "2.0.0 is recorded, but for its step, which has open points"]);
        let recorded = || read(folder.path()).unwrap().unwrap().versions[&"2.0.0".parse().unwrap()].1.clone();
        assert!(recorded().is_open());
        step("[messages.\"a.M\"]\nrules = [{ old = \"a\", new = \"b\" }]\n").unwrap();
        let told = record(folder.path(), &protocol(folder.path(), &files), Which::Missing).unwrap();
        assert_eq!(told, ["the step of 2.0.0 is recorded: nothing in it is open any more"]);
        assert!(!recorded().is_open());
    }

    #[test]
    fn a_lock_that_nobody_wrote_is_told_with_its_line() {
        for (text, line, part) in [
            ("[versions]\n\"1.0\" = { schema = \"a\" }\n", Some(2), "1.0"),
            ("[versions]\n\"1.0.0\" = { scheme = \"a\" }\n", Some(2), "scheme"),
            ("<<<<<<< ours\n", Some(1), ""),
        ] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(FILE), text).unwrap();
            let error = read(folder.path()).unwrap_err();
            assert_eq!(error.line, line, "{error}");
            assert!(error.what.contains(part), "{error}");
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), vec![b' '; (LARGEST + 1).try_into().unwrap()]).unwrap();
        assert!(read(folder.path()).unwrap_err().what.contains("larger"));
    }
}
