//! `straddle versions`: what was published.

use std::process::ExitCode;

use super::Outcome;
use super::arguments::VersionsArguments;
use super::node::{line, say};
use super::operator::table::table;
use super::operator::{self, Operator, json, time};
use super::retire;
use crate::control::v1_0_0::{ListVersionsRequest, ListVersionsResponse, PublishedVersion};
use crate::version::Version;

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
        let retiring: Vec<_> = listed.retiring.iter().map(retire::retiring).collect();
        line(&serde_json::json!({ "versions": versions.collect::<Vec<_>>(), "retiring": retiring }))?;
    } else if listed.versions.is_empty() {
        say("nothing was published; `straddle publish` does it")?;
    } else {
        let row = |version: &PublishedVersion| {
            let standing = standing(&listed, version);
            [
                version.protocol.clone(),
                version.version.clone(),
                short(&version.schema),
                short(&version.bundle),
                time::at(version.at),
                version.by.clone(),
                standing.to_owned(),
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

/// What is to be known of a version, in a word.
fn standing(listed: &ListVersionsResponse, version: &PublishedVersion) -> &'static str {
    let own = listed.retiring.iter().find(|stored| stored.protocol == version.protocol);
    let retiring = own.and_then(|stored| stored.retiring.as_ref());
    let is_up_to = |last: &str| {
        let parsed = |text: &str| text.parse::<Version>().ok();
        parsed(&version.version).zip(parsed(last)).is_some_and(|(version, last)| version <= last)
    };
    match retiring {
        _ if is_active(listed, version) => "active",
        Some(retiring) if is_up_to(&retiring.retired_up_to) => "retired",
        Some(retiring) if retiring.notices.iter().any(|notice| is_up_to(&notice.version)) => "deprecated",
        _ => "",
    }
}

fn short(digest: &str) -> String {
    digest.chars().take(DIGITS).collect()
}
