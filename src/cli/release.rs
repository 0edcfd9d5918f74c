//! `straddle release`: the manifest of a release.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::json;

use super::Outcome;
use super::arguments::ReleaseArguments;
use crate::supervise::Release;
use crate::version::Version;

pub(super) fn run(arguments: &ReleaseArguments) -> Outcome {
    let ReleaseArguments { folder, program, runs, protocol, force, json } = arguments;
    let release = Release::write(folder, program, protocol.as_deref(), runs, *force)?;
    let manifest = release.manifest();
    let name = folder.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<Version>().ok());
    let mut out = io::stdout().lock();
    if *json {
        writeln!(
            out,
            "{}",
            json!({
                "release": name,
                "folder": folder,
                "program": manifest.program,
                "sha256": manifest.sha256,
                "protocol": manifest.protocol,
                "runs": manifest.runs,
            })
        )?;
    } else {
        let runs: Vec<String> = manifest.runs.iter().map(ToString::to_string).collect();
        writeln!(out, "{} can run {}\nsha256 {}", release.program().display(), runs.join(", "), manifest.sha256)?;
    }
    if name.is_none() {
        writeln!(
            io::stderr(),
            "warning: {} is named after no version; `straddle supervise` finds releases by their folders' names",
            folder.display()
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
