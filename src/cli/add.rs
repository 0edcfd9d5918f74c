//! `straddle add`: the working protos become a version of a protocol, with a draft of its step.
//!
//! ```text
//!   protos ──copy──> a hidden folder beside ──compile, draft, load──> rename to FOLDER/VERSION
//! ```
//!
//! What is there under its name is whole: a version comes into being by one rename, and until then nothing is seen of it.

mod bump;
mod place;
mod snapshot;
mod told;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tempfile::TempDir;

use self::bump::Bump;
use self::place::Place;
use super::arguments::AddArguments;
use super::{BadArguments, Outcome};
use crate::check::lock::{self, Which};
use crate::check::{Verdict, judge, report};
use crate::draft::{Draft, draft};
use crate::protocol::{Places, Protocol, Schema};
use crate::tree::Tree;
use crate::version::Version;

/// What was added.
struct Added {
    protocol: Protocol,
    version: Version,
    /// The folder of the version.
    folder: PathBuf,
    files: Vec<String>,
    /// The step from the version before; none for the first.
    step: Option<Drafted>,
    /// What was recorded in the lock.
    recorded: Vec<String>,
}

/// A step that was drafted.
struct Drafted {
    draft: Draft,
    bump: Bump,
    /// How much `straddle check` finds open: by differences, of which one decision may settle several.
    open: usize,
}

pub(super) fn run(arguments: &AddArguments) -> Outcome {
    let place = Place::find(arguments.protocol.as_deref(), arguments.name.as_deref())?;
    if let Some(protocol) = &place.protocol {
        refuse_version(protocol, &arguments.version)?;
    }
    let tree = arguments.from.open().map_err(|error| BadArguments(error.to_string()))?;
    let there = place.folder.exists();
    let staging = staging(arguments, &place)?;
    let mut added = match stage(arguments, &place, &tree, staging.path()) {
        Ok(added) => added,
        Err(error) => {
            drop(staging);
            if !there {
                // It was made for the version alone; where it holds anything by now, it stays.
                let _ = fs::remove_dir(&place.folder);
            }
            return Err(error);
        }
    };
    if !arguments.dry_run {
        added.recorded = keep(&place, staging, &added)?;
    }
    if arguments.json {
        told::json(arguments, &added)?;
    } else {
        told::text(arguments, &added)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Copies, compiles and drafts.
fn stage(
    arguments: &AddArguments,
    place: &Place,
    tree: &Tree,
    staging: &Path,
) -> Result<Added, Box<dyn std::error::Error>> {
    let staged = staging.join(arguments.version.to_string());
    let from = arguments.from.to_string();
    let named = |text: &str| tree.name_as_given(&text.replace(&staged.display().to_string(), &from));
    let files = snapshot::take(tree.folder(), &staged, &place.folder).map_err(|error| named(&error))?;
    add(arguments, place, (staging, &staged), files).map_err(|error| {
        // What does not compile lies in the working protos.
        if error.is::<BadArguments>() { error } else { named(&error.to_string()).into() }
    })
}

/// What keeps a version from being added, whatever its protos are.
fn refuse_version(protocol: &Protocol, version: &Version) -> Result<(), BadArguments> {
    let versions = || protocol.versions().iter().map(Schema::version);
    let name = protocol.name();
    if versions().any(|known| known == version) {
        return Err(BadArguments(format!(
            "{name} has a version {version} already; a published version does not change\n  help: give the protos a new version"
        )));
    }
    if let Some(twin) = versions().find(|known| known.same_schema(version)) {
        return Err(BadArguments(format!(
            "{version} and {twin}, which {name} has, differ in the patch number only, and labels do not count it\n  \
             help: a patch release changes no schema; take the next minor or major number"
        )));
    }
    if let Some(newest) = versions().max().filter(|newest| *newest > version) {
        return Err(BadArguments(format!(
            "{version} is older than {newest}, the newest version of {name}\n  \
             help: a version is added at the end; give the protos a version after {newest}"
        )));
    }
    Ok(())
}

/// A folder that nobody looks into, where one rename leads to the place of the version.
fn staging(arguments: &AddArguments, place: &Place) -> Result<TempDir, String> {
    let mut prefix = tempfile::Builder::new();
    let prefix = prefix.prefix(".straddle-add-");
    let made = if arguments.dry_run {
        prefix.tempdir()
    } else {
        fs::create_dir_all(&place.folder).and_then(|()| prefix.tempdir_in(&place.folder))
    };
    // Faults name files by the folder that they were given.
    made.map_err(|error| format!("{}: nothing can be written there: {error}", place.folder.display()))
}

fn add(
    arguments: &AddArguments,
    place: &Place,
    (staging, staged): (&Path, &Path),
    files: Vec<String>,
) -> Result<Added, Box<dyn std::error::Error>> {
    let version = arguments.version.clone();
    let folder = place.folder.join(version.to_string());
    let Some(before) = &place.protocol else {
        fs::write(staging.join("protocol.toml"), place.manifest())?;
        let protocol = Protocol::load(staging)?;
        return Ok(Added { protocol, version, folder, files, step: None, recorded: Vec::new() });
    };
    let grown = before.with_version(&version, staged)?;
    let step = grown.steps().len() - 1;
    let (older, newer) = (&grown.versions()[step], &grown.versions()[step + 1]);
    if older.digest() == newer.digest() {
        return Err(Box::new(BadArguments(format!(
            "{} declares just what {} does: nothing that callers can see changed\n  \
             help: a release that changes no schema needs no version of its own",
            arguments.from,
            older.version()
        ))));
    }
    let draft = draft(&grown, step)?;
    fs::write(staged.join("step.toml"), draft.text())?;
    // From the disk, as everybody will read it.
    let protocol = before.with_version(&version, staged)?;
    let bump = Bump::of(before, (&version, staged))?;
    let open = open(&protocol, &place.folder, step);
    let step = Some(Drafted { draft, bump, open });
    Ok(Added { protocol, version, folder, files, step, recorded: Vec::new() })
}

/// What `straddle check` counts as open in a step.
fn open(protocol: &Protocol, folder: &Path, step: usize) -> usize {
    let report = report::of_steps(protocol, &Places::default(), folder, step, &report::Scope::default());
    let elements = report.steps.iter().flat_map(|step| judge::together(&step.findings));
    elements.filter(|element| matches!(element.finding.verdict, Some(Verdict::Open { .. }))).count()
}

/// Brings what was staged to its place, and tells what was recorded in the lock.
fn keep(place: &Place, staging: TempDir, added: &Added) -> Result<Vec<String>, String> {
    let failed = |path: &Path, error: &std::io::Error| format!("{}: cannot be written: {error}", path.display());
    if place.protocol.is_none() {
        let manifest = place.folder.join("protocol.toml");
        if !manifest.exists() {
            let staged = staging.path().join("protocol.toml");
            fs::rename(staged, &manifest).map_err(|error| failed(&manifest, &error))?;
        }
    }
    let staged = staging.path().join(added.version.to_string());
    fs::rename(staged, &added.folder).map_err(|error| failed(&added.folder, &error))?;
    // What is left of it is empty, or the manifest of a protocol that had one.
    drop(staging);
    // The versions before are published: a newer one builds on them.
    if place.protocol.is_none() {
        return Ok(Vec::new());
    }
    lock::record(&place.folder, &added.protocol, Which::Missing).map_err(|error| error.to_string())
}
