//! `straddle publish`: a protocol's versions for all nodes that need them.

use std::path::Path;
use std::process::ExitCode;

use bytes::Bytes;
use tokio_stream::iter;

use super::arguments::PublishArguments;
use super::bundle::refuse_open;
use super::inspect::{self, printable};
use super::node::{line, say};
use super::operator::{self, Operator};
use super::{BadArguments, Outcome, keygen};
use crate::bundle::Bundle;
use crate::control::v1_0_0::{PublishRequest, PublishResponse};
use crate::protocol::Protocol;
use crate::tree::Location;

/// Bytes that are sent at once.
const PART: usize = 256 << 10;

pub(super) fn run(arguments: &PublishArguments) -> Outcome {
    let key = arguments.key.as_deref().map(keygen::secret_key).transpose()?;
    let file = Path::new(&arguments.what);
    let bundle = if file.is_file() { of_file(file, arguments)? } else { of_folder(arguments)? };
    let bundle = match &key {
        Some(key) => bundle.signed(key),
        None => bundle,
    };
    operator::ask(&arguments.at, |operator| publish(operator, bundle))
}

fn of_file(file: &Path, arguments: &PublishArguments) -> Result<Bundle, BadArguments> {
    if arguments.up_to.is_some() {
        return Err(BadArguments(
            "--up-to is for a protocol's folder: of a bundle all versions are published".to_owned(),
        ));
    }
    let read = Bundle::read(inspect::read(file)?);
    read.map_err(|error| BadArguments(format!("{}: {}", file.display(), printable(&error.to_string()))))
}

fn of_folder(arguments: &PublishArguments) -> Result<Bundle, Box<dyn std::error::Error>> {
    let location: Location =
        arguments.what.parse().map_err(|error: crate::tree::TreeError| BadArguments(error.to_string()))?;
    let tree = location.open().map_err(|error| BadArguments(error.to_string()))?;
    // Faults name files by the folder that they were read from.
    let protocol =
        Protocol::load(tree.folder()).map_err(|error| BadArguments(tree.name_as_given(&error.to_string())))?;
    let newest = match &arguments.up_to {
        None => protocol.versions().len() - 1,
        Some(version) => protocol.index_of(version).ok_or_else(|| {
            let versions: Vec<String> = protocol.versions().iter().map(|schema| schema.version().to_string()).collect();
            BadArguments(format!("{} has no {version}; it has {}", protocol.name(), versions.join(", ")))
        })?,
    };
    refuse_open(&protocol, |step| step < newest, arguments.allow_open)?;
    Ok(Bundle::of_versions_up_to(&protocol, newest)?)
}

async fn publish(mut operator: Operator, bundle: Bundle) -> Outcome {
    let file: Bytes = bundle.to_bytes();
    let parts: Vec<PublishRequest> = (0..file.len())
        .step_by(PART)
        .map(|from| PublishRequest { part: file.slice(from..file.len().min(from + PART)) })
        .collect();
    let request = operator.request(iter(parts));
    let published = match operator.client.publish(request).await {
        Ok(published) => published.into_inner(),
        Err(status) => return operator.failed(&status),
    };
    if operator.json {
        let PublishResponse { digest, protocol, added } = &published;
        line(&serde_json::json!({ "published": { "digest": digest, "protocol": protocol, "added": added } }))?;
    } else {
        say(&text(&published))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(published: &PublishResponse) -> String {
    let PublishResponse { digest, protocol, added } = published;
    match added.as_slice() {
        [] => format!("all of it was published before: {protocol} is as it was"),
        [one] => format!("{protocol} {one} is published\n  bundle  {digest}"),
        several => format!("{protocol} {} are published\n  bundle  {digest}", several.join(", ")),
    }
}
