//! `straddle bundle`: a step, or a whole protocol, as one file.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::process::ExitCode;

use super::arguments::{BundleArguments, StepName};
use super::inspect::head;
use super::whole_file::{self, Readers};
use super::{BadArguments, Outcome, crossing, keygen};
use crate::bundle::Bundle;
use crate::protocol::Protocol;

/// How many open points are told of one by one.
const TOLD: usize = 20;

pub(super) fn run(arguments: &BundleArguments) -> Outcome {
    let key = arguments.sign.as_deref().map(keygen::secret_key).transpose()?;
    let tree = arguments.folder.open()?;
    // Faults name files by the folder that they were read from.
    let protocol = Protocol::load(tree.folder()).map_err(|error| tree.name_as_given(&error.to_string()))?;
    let bundle = match &arguments.step {
        None => Bundle::of_protocol(&protocol)?,
        Some(StepName { from, to }) => Bundle::of_step(&protocol, from, to).map_err(|error| {
            let unknown = error.is_contradiction();
            if unknown { BadArguments(error.to_string()).into() } else { Box::<dyn std::error::Error>::from(error) }
        })?,
    };
    let wanted = |index: usize| match &arguments.step {
        Some(name) => protocol.steps()[index].to().same_schema(&name.to),
        None => true,
    };
    refuse_open(&protocol, wanted, arguments.allow_open)?;
    let bundle = match &key {
        Some(key) => bundle.signed(key),
        None => bundle,
    };
    let file = bundle.to_bytes();
    whole_file::write(&arguments.output, &file, Readers::AsUsual, true)?;
    let mut out = io::stdout().lock();
    if arguments.json {
        let mut told = head::json(&bundle, file.len());
        told["file"] = arguments.output.display().to_string().into();
        writeln!(out, "{}", serde_json::to_string_pretty(&told)?)?;
    } else {
        writeln!(out, "wrote {}", arguments.output.display())?;
        out.write_all(head::text(&bundle, file.len())?.as_bytes())?;
        match bundle.signer() {
            Some(signer) => writeln!(out, "signature  by {}", signer.fingerprint())?,
            None => writeln!(out, "signature  none; with --sign KEY others can tell that it is yours")?,
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// What nobody has decided is refused call by call later on, far from whoever could decide it; so it is told here, of the steps
/// of these numbers.
pub(super) fn refuse_open(protocol: &Protocol, bundled: impl Fn(usize) -> bool, allow: bool) -> Result<(), String> {
    let bundled = (0..protocol.steps().len()).filter(|step| bundled(*step));
    let open: Vec<String> = bundled.flat_map(|step| crossing::open(protocol, step)).collect();
    if open.is_empty() {
        return Ok(());
    }
    let mut told = format!("{} open in {}:", count(open.len(), "point is", "points are"), protocol.name());
    for line in open.iter().take(TOLD) {
        let _ = write!(told, "\n  {line}");
    }
    if open.len() > TOLD {
        let _ = write!(told, "\n  and {} more", open.len() - TOLD);
    }
    if allow {
        eprintln!("warning: {told}");
        return Ok(());
    }
    let advice = "decide them in step.toml (`straddle check` says how), or bundle it as it is with --allow-open";
    Err(format!("{told}\n  help: {advice}"))
}

fn count(number: usize, one: &str, several: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {several}") }
}
