//! What a bundle says of itself, before its steps are looked at.

use std::fmt::Write as _;

use serde_json::Value;

use crate::bundle::{Bundle, Kind, PublicKey};
use crate::protocol::resume::Resume;

/// What a bundle says of itself.
pub(in crate::cli) fn text(bundle: &Bundle, size: usize) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    writeln!(text, "bundle     {}", named(bundle))?;
    writeln!(text, "size       {size} bytes")?;
    writeln!(text, "digest     {}", bundle.digest())?;
    for version in bundle.versions() {
        let step = version.step().map(|step| format!(", step.toml of {}", step.len())).unwrap_or_default();
        let schema = version.schema_digest();
        let descriptors = version.descriptor_set().len();
        writeln!(
            text,
            "version    {:<14} {schema}  descriptors of {descriptors} bytes{step}",
            version.version().to_string()
        )?;
    }
    if let Some(unlabelled) = bundle.unlabelled() {
        writeln!(text, "unlabelled {unlabelled}")?;
    }
    for entry in bundle.resume() {
        writeln!(text, "resume     {}: {} into {}", entry.method(), entry.from(), entry.into())?;
    }
    Ok(text)
}

/// The same for scripts.
pub(in crate::cli) fn json(bundle: &Bundle, size: usize) -> Value {
    let versions: Vec<Value> = bundle
        .versions()
        .iter()
        .map(|version| {
            serde_json::json!({
                "version": version.version().to_string(),
                "schema": version.schema_digest(),
                "descriptor_bytes": version.descriptor_set().len(),
                "step_bytes": version.step().map(str::len),
            })
        })
        .collect();
    let entry =
        |entry: &Resume| serde_json::json!({ "method": entry.method(), "from": entry.from(), "into": entry.into() });
    let resume: Vec<Value> = bundle.resume().iter().map(entry).collect();
    serde_json::json!({
        "kind": kind(bundle),
        "protocol": bundle.name(),
        "unlabelled": bundle.unlabelled().map(ToString::to_string),
        "bytes": size,
        "digest": bundle.digest(),
        "signer": bundle.signer().map(PublicKey::fingerprint),
        "versions": versions,
        "resume": resume,
    })
}

/// What the bundle is of, in words.
fn named(bundle: &Bundle) -> String {
    let (name, versions) = (bundle.name(), bundle.versions());
    match (bundle.kind(), versions) {
        (Kind::Step, [from, to]) => format!("{name}: the step from {} to {}", from.version(), to.version()),
        (_, [only]) => format!("{name}: the whole protocol, of one version, {}", only.version()),
        (_, all) => format!("{name}: the whole protocol, of {} versions", all.len()),
    }
}

/// The same in a word.
fn kind(bundle: &Bundle) -> &'static str {
    match bundle.kind() {
        Kind::Step => "step",
        Kind::Protocol => "protocol",
    }
}
