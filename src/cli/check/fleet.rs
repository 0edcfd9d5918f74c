//! `straddle check --against-fleet`: what a coordinator knows of a fleet, as a check takes it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::check::judge::fleet::{Called, Caller, Fleet, Node, Published};
use crate::cli::arguments::CoordinatorAddress;
use crate::cli::callers::is_late;
use crate::cli::inspect::printable;
use crate::cli::operator::Operator;
use crate::cli::operator::failure::Failure;
use crate::cli::operator::time::at as time_of;
use crate::control::v1_0_0 as wire;
use crate::version::Version;

/// Most callers of a method that are named.
const CALLERS: usize = 10;
/// The most methods of a service that the census keeps apart: of so many, others may not have found room.
const ROWS: usize = 4_000;
/// A node may say Hello a moment before it begins to count, or after: in microseconds.
const UNNOTICED: u64 = 60_000_000;

/// What helps where the fleet is not told.
const HELP: &str = "say with --against-fleet where the fleet's coordinator is, and see that it runs; without it, the folder is checked \
                    by itself";

/// All that a coordinator tells of a protocol.
struct Told {
    versions: wire::ListVersionsResponse,
    nodes: Vec<wire::NodeDescription>,
    callers: wire::ListCallersResponse,
}

/// Asks the coordinator for the fleet of a protocol.
///
/// # Errors
/// What went wrong, with what to do.
pub(super) fn ask(at: &CoordinatorAddress, protocol: &str, within: Duration) -> Result<Fleet, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no coordinator can be asked: {error}"))?;
    let (by, told) = runtime.block_on(tell(at, protocol))?;
    Ok(fleet(&by, &told, within))
}

async fn tell(at: &CoordinatorAddress, protocol: &str) -> Result<(String, Told), String> {
    let told = |failure: &Failure| format!("{}\n  help: {HELP}", failure.what());
    let connected = Operator::connect(at).await.map_err(|error| error.0)?;
    let mut operator = connected.map_err(|failure| told(&failure))?;
    let address = operator.address.clone();
    let failed = |status: tonic::Status| told(&Failure::of(&address, &status));
    let request = operator.request(wire::ListVersionsRequest::default());
    let mut versions = operator.client.list_versions(request).await.map_err(failed)?.into_inner();
    let mut others: Vec<String> = versions.versions.iter().map(|version| version.protocol.clone()).collect();
    versions.versions.retain(|version| version.protocol == protocol);
    versions.retiring.retain(|retiring| retiring.protocol == protocol);
    if versions.versions.is_empty() {
        others.dedup();
        let knows = if others.is_empty() {
            "nothing was published there".to_owned()
        } else {
            format!("it has {}", others.join(", "))
        };
        return Err(printable(&format!(
            "the coordinator at {address} has no protocol {protocol}: {knows}\n  help: {HELP}"
        )));
    }
    let request = operator.request(wire::ListNodesRequest { protocol: protocol.to_owned(), ..Default::default() });
    let nodes = operator.client.list_nodes(request).await.map_err(failed)?.into_inner().nodes;
    let request = operator.request(wire::ListCallersRequest { protocol: protocol.to_owned(), ..Default::default() });
    let callers = operator.client.list_callers(request).await.map_err(failed)?.into_inner();
    Ok((address.clone(), Told { versions, nodes, callers }))
}

fn fleet(by: &str, told: &Told, within: Duration) -> Fleet {
    let callers = &told.callers;
    let ago = |time: u64| Duration::from_micros(callers.at.saturating_sub(time));
    let published = told.versions.versions.iter().filter_map(|version| {
        let published = Published { schema: version.schema.clone(), since: ago(version.at) };
        Some((version.version.parse().ok()?, published))
    });
    let published: BTreeMap<Version, Published> = published.collect();
    let range = |versions: &[String]| {
        let versions = versions.iter().filter_map(|version| version.parse::<Version>().ok());
        let versions: BTreeSet<Version> = versions.collect();
        Some((versions.first()?.clone(), versions.last()?.clone()))
    };
    let node = |(told, node): (&wire::NodeDescription, &wire::StoredNode)| {
        let (built, knows) = (range(&node.runs), range(&told.knows));
        Some(Node { name: printable(&node.node), version: node.version.parse().ok()?, built, knows })
    };
    let mut retiring = told.versions.retiring.iter().filter_map(|one| one.retiring.as_ref());
    Fleet {
        by: printable(by),
        uncounted: uncounted(told, &published),
        published,
        retired: retiring.find_map(|one| one.retired_up_to.parse().ok()),
        nodes: there(told).filter_map(node).collect(),
        calls: calls(callers),
        within,
        counted_for: callers.since_watched.map(|since| Duration::from_micros(callers.watched.saturating_sub(since))),
        unknown: unknown(told, within),
    }
}

/// Calls by version and method, with a label and without.
fn calls(told: &wire::ListCallersResponse) -> Vec<Called> {
    let mut calls = Vec::new();
    for service in &told.services {
        let Ok(version) = service.version.parse::<Version>() else { continue };
        let mut rows: BTreeMap<&str, Vec<&wire::CensusRow>> = BTreeMap::new();
        for row in &service.rows {
            rows.entry(&row.method).or_default().push(row);
        }
        for (method, rows) in rows {
            let begun = |unlabelled: bool| {
                let rows = rows.iter().filter(|row| unlabelled == row.unlabelled || !unlabelled);
                rows.fold(0_u64, |all, row| all.saturating_add(row.begun))
            };
            let last = rows.iter().map(|row| row.last_seen_watched).max().unwrap_or_default();
            calls.push(Called {
                version: version.clone(),
                method: format!("{}.{method}", service.service),
                calls: begun(false),
                unlabelled: begun(true),
                ago: Duration::from_micros(told.watched.saturating_sub(last)),
                callers: callers(service, method),
                others: service.callers_floor,
            });
        }
    }
    calls
}

fn callers(service: &wire::CensusOfService, method: &str) -> Vec<Caller> {
    let mut all: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for one in service.callers.iter().filter(|one| one.method == method) {
        let (calls, error) = all.entry(&one.caller).or_default();
        (*calls, *error) = (calls.saturating_add(one.calls), error.saturating_add(one.error));
    }
    let caller = |(name, (calls, error)): (&str, (u64, u64))| Caller { name: printable(name), calls, error };
    let mut all: Vec<Caller> = all.into_iter().map(caller).collect();
    all.sort_by(|one, other| other.calls.cmp(&one.calls).then_with(|| one.name.cmp(&other.name)));
    all.truncate(CALLERS);
    all
}

/// What is not known of the calls of that time, in a sentence each.
fn unknown(told: &Told, within: Duration) -> Vec<String> {
    let callers = &told.callers;
    let begins = callers.watched.saturating_sub(u64::try_from(within.as_micros()).unwrap_or(u64::MAX));
    let mut unknown: Vec<String> = Vec::new();
    for node in &callers.nodes {
        for gap in node.gaps.iter().filter(|gap| gap.until_watched > begins) {
            let (from, until) = (time_of(gap.from), time_of(gap.until));
            unknown.push(format!("of {} nothing is known from {from} to {until}: {}", node.node, gap.why));
        }
        if is_late(node, callers) {
            unknown.push(format!("{} has told nothing of its calls since {}", node.node, time_of(node.until)));
        }
    }
    unknown.extend(callers.silent.iter().map(|node| format!("{node} has told nothing of its calls yet")));
    for (_, stored) in there(told) {
        let counted = callers.nodes.iter().find(|one| one.node == stored.node);
        let before = |one: &wire::CensusNode| {
            stored.first_seen > 0 && stored.first_seen.saturating_add(UNNOTICED) < one.from && one.from_watched > begins
        };
        if counted.is_some_and(before) {
            unknown.push(format!("{} was there before its calls were counted", stored.node));
        }
    }
    for service in callers.services.iter().filter(|service| service.rows.len() >= ROWS) {
        unknown.push(format!("{} {} has more methods than are counted", service.version, service.service));
    }
    unknown.into_iter().map(|one| printable(&one)).collect()
}

/// The nodes that count.
fn there(told: &Told) -> impl Iterator<Item = (&wire::NodeDescription, &wire::StoredNode)> {
    let nodes = told.nodes.iter().filter_map(|node| Some((node, node.node.as_ref()?)));
    nodes.filter(|(_, stored)| !stored.forgotten)
}

/// Versions that nodes serve and nobody has published.
fn uncounted(told: &Told, published: &BTreeMap<Version, Published>) -> Vec<(Version, String)> {
    let of_node = |(node, stored): (&wire::NodeDescription, &wire::StoredNode)| {
        let known = node.knows.iter().filter_map(|known| known.parse::<Version>().ok());
        let unpublished = known.filter(|known| !published.keys().any(|one| known.same_schema(one)));
        unpublished.map(|known| (known, printable(&stored.node))).collect::<Vec<_>>()
    };
    there(told).flat_map(of_node).collect()
}
