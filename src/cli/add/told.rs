//! What was added, for people and for scripts.

use std::io::{self, Write};

use serde_json::json;

use super::{Added, Drafted};
use crate::check::lock;
use crate::cli::arguments::AddArguments;
use crate::protocol::Schema;

/// How many open points are shown; the draft has them all.
const SHOWN: usize = 10;

impl Added {
    fn schema(&self) -> &Schema {
        // The newest version is the one that was added.
        &self.protocol.versions()[self.protocol.versions().len() - 1]
    }
}

pub(super) fn text(arguments: &AddArguments, added: &Added) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let (version, folder) = (&added.version, added.folder.display());
    let done = if arguments.dry_run { "would add" } else { "added" };
    let files = added.files.len();
    let plural = if files == 1 { "" } else { "s" };
    writeln!(
        out,
        "{done} {} {version} in {folder}: {files} file{plural} of {}",
        added.protocol.name(),
        arguments.from
    )?;
    writeln!(out, "schema {}", added.schema().digest())?;
    let Some(Drafted { draft, bump, open }) = &added.step else {
        writeln!(out, "the first version; there is nothing to step from")?;
        return out.flush();
    };
    writeln!(out, "{}", bump.told(version))?;
    // The version's folder lies in the protocol's.
    let protocol = added.folder.parent().unwrap_or(&added.folder).display();
    if !added.recorded.is_empty() {
        writeln!(out, "recorded in {protocol}/{}: {}", lock::FILE, added.recorded.join("; "))?;
    }
    if arguments.dry_run {
        writeln!(out, "\n{}", draft.text())?;
        return out.flush();
    }
    let (guesses, points) = (draft.guesses().len(), draft.open());
    let plural = if guesses == 1 { "guess" } else { "guesses" };
    // Check counts differences, and one decision may settle several of them, or none by itself.
    let decisions = match points.len() {
        count if count == *open => String::new(),
        1 => ", for 1 decision".to_owned(),
        count => format!(", for {count} decisions"),
    };
    writeln!(out, "\n{folder}/step.toml is a draft: {guesses} {plural}, {open} open{decisions}")?;
    for point in points.iter().take(SHOWN) {
        writeln!(out, "  open  {}: {}", point.element(), point.what())?;
    }
    if points.len() > SHOWN {
        writeln!(out, "  and {} more, listed at its top", points.len() - SHOWN)?;
    }
    let first = if points.is_empty() { "read the draft" } else { "read the draft, decide what is open" };
    writeln!(out, "\nnext: {first}, and run straddle check {protocol}")?;
    out.flush()
}

pub(super) fn json(arguments: &AddArguments, added: &Added) -> Result<(), Box<dyn std::error::Error>> {
    let step = added.step.as_ref().map(|Drafted { draft, bump, open }| {
        json!({
            "from": added.protocol.steps().last().map(|step| step.from().to_string()),
            "file": added.folder.join("step.toml"),
            "text": draft.text(),
            "guesses": draft.guesses(),
            "undecided": draft.undecided(),
            "open": draft.open().iter().map(|point| json!({
                "element": point.element(),
                "what": point.what(),
                "methods": point.methods(),
            })).collect::<Vec<_>>(),
            "open_in_check": open,
            "breaking": bump.breaking,
            "declared_breaking": bump.declared_breaking,
        })
    });
    let value = json!({
        "protocol": added.protocol.name(),
        "version": added.version.to_string(),
        "folder": added.folder,
        "from": arguments.from.to_string(),
        "files": added.files,
        "schema": added.schema().digest(),
        "written": !arguments.dry_run,
        "recorded": added.recorded,
        "step": step,
    });
    let mut out = io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string_pretty(&value)?)?;
    Ok(out.flush()?)
}
