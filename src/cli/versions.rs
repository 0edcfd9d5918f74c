//! `straddle versions`: what was published.

use std::process::ExitCode;

use super::Outcome;
use super::arguments::VersionsArguments;
use super::node::{line, say};
use super::operator::table::table;
use super::operator::{self, Operator, json, time};
use crate::control::v1_0_0::{ListVersionsRequest, ListVersionsResponse, PublishedVersion};

/// Digits of a digest that people compare.
const DIGITS: usize = 12;

pub(super) fn run(arguments: &VersionsArguments) -> Outcome {
    operator::ask(&arguments.at, |operator| tell(operator, arguments))
}

async fn tell(mut operator: Operator, arguments: &VersionsArguments) -> Outcome {
    let request = operator.request(ListVersionsRequest { protocol: arguments.protocol.clone().unwrap_or_default() });
    let listed = match operator.client.list_versions(request).await {
        Ok(listed) => listed.into_inner(),
        Err(status) => return operator.failed(&status),
    };
    if operator.json {
        let versions = listed.versions.iter().map(|version| json::version(version, is_active(&listed, version)));
        line(&serde_json::json!({ "versions": versions.collect::<Vec<_>>() }))?;
    } else if listed.versions.is_empty() {
        say("nothing was published; `straddle publish` does it")?;
    } else {
        let row = |version: &PublishedVersion| {
            let active = if is_active(&listed, version) { "active" } else { "" };
            [
                version.protocol.clone(),
                version.version.clone(),
                short(&version.schema),
                short(&version.bundle),
                time::at(version.at),
                version.by.clone(),
                active.to_owned(),
            ]
        };
        let rows: Vec<_> = listed.versions.iter().map(row).collect();
        say(table(["PROTOCOL", "VERSION", "SCHEMA", "BUNDLE", "PUBLISHED", "BY", ""], &rows, "").trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether it is the newest version whose behaviour is active everywhere.
fn is_active(listed: &ListVersionsResponse, version: &PublishedVersion) -> bool {
    listed.active.iter().any(|active| active.protocol == version.protocol && active.version == version.version)
}

fn short(digest: &str) -> String {
    digest.chars().take(DIGITS).collect()
}
