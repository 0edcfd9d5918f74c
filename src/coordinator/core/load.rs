//! From what is kept to a core that goes on.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::{Message, Name};

use super::api::LoadError;
use super::census::Census;
use super::fleet::{Fleet, Node, Permitted};
use super::upgrade::Running;
use super::{Now, Settings, states};
use crate::bundle::Bundle;
use crate::control::v1_0_0 as wire;
use crate::coordinator::record::{self, keys};
use crate::protocol::Protocol;

/// What was read.
#[derive(Default)]
pub(super) struct Loaded {
    pub(super) counters: wire::Counters,
    pub(super) fleets: BTreeMap<String, Fleet>,
    /// The latest that the watch is known to have shown.
    pub(super) watched: u64,
}

/// Records by what they are of, until all are there.
#[derive(Default)]
struct Kept {
    counters: wire::Counters,
    versions: Vec<(String, wire::PublishedVersion)>,
    /// Keys are in the order in which bundles were published.
    bundles: BTreeMap<String, wire::StoredBundle>,
    parts: BTreeMap<String, Bytes>,
    nodes: Vec<wire::StoredNode>,
    upgrades: BTreeMap<u64, (String, wire::StoredUpgrade)>,
    permits: Vec<wire::StoredPermit>,
    callers: Vec<wire::SeenCaller>,
    census: Vec<wire::CensusOfService>,
    census_floors: Vec<wire::CensusFloor>,
    census_nodes: Vec<wire::CensusNode>,
    retiring: Vec<wire::StoredRetiring>,
    active: Vec<wire::ActiveVersion>,
    last_event: u64,
}

pub(super) fn load(
    entries: impl IntoIterator<Item = (Bytes, Bytes)>,
    now: Now,
    settings: &Settings,
) -> Result<Loaded, LoadError> {
    let mut kept = Kept::default();
    for (key, value) in entries {
        kept.take(&key, value)?;
    }
    let mut counters = kept.counters;
    counters.event = counters.event.max(kept.last_event);
    let mut loaded = Loaded { counters, fleets: BTreeMap::new(), watched: kept.watched() };
    for (key, bundle) in &kept.bundles {
        let name = key.strip_prefix(keys::BUNDLES).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        loaded.fleet(name).add(key, bundle, &kept.parts)?;
    }
    for (key, version) in kept.versions {
        let parsed = version.version.parse();
        let parsed = parsed.map_err(|error| damaged(&key, format!("it names no version: {error}")))?;
        loaded.fleet(&version.protocol).published.insert(parsed, version);
    }
    for active in kept.active {
        let fleet = loaded.fleet(&active.protocol);
        fleet.active = fleet.canonical(&active.version);
    }
    for stored in kept.nodes {
        let fleet = loaded.fleet(&stored.protocol);
        let node = Node::new(stored, fleet);
        fleet.nodes.insert(node.name().to_owned(), Box::new(node));
    }
    for seen in kept.callers {
        let fleet = loaded.fleet(&seen.protocol);
        if let Some(version) = fleet.canonical(&seen.version) {
            fleet.callers.insert((version, seen.method.clone()), seen);
        }
    }
    for service in kept.census {
        let fleet = loaded.fleet(&service.protocol);
        if let Some(version) = fleet.canonical(&service.version) {
            fleet.census.restore_service(version, &service);
        }
    }
    for floor in kept.census_floors {
        loaded.fleet(&floor.protocol).census.restore_floor(floor.floor);
    }
    for node in kept.census_nodes {
        loaded.fleet(&node.protocol).census.restore_node(node);
    }
    for retiring in kept.retiring {
        let fleet = loaded.fleet(&retiring.protocol);
        fleet.retiring = Some(retiring);
    }
    for (key, upgrade) in kept.upgrades.into_values() {
        loaded.upgrade(&key, upgrade, settings)?;
    }
    for stored in kept.permits {
        let fleet = loaded.fleet(&stored.protocol);
        if let Some(node) = fleet.nodes.get_mut(&stored.node) {
            node.permit = Some(Permitted { stored, since: now.monotonic, session: None });
        }
    }
    for fleet in loaded.fleets.values_mut() {
        fleet.touch(None);
    }
    Ok(loaded)
}

impl Kept {
    fn watched(&self) -> u64 {
        let nodes = self.nodes.iter().map(|node| node.moved_watched);
        let upgrades = self.upgrades.values().map(|(_, upgrade)| upgrade.started_watched);
        let callers = self.callers.iter().map(|caller| caller.last_seen_watched);
        let census = Census::watched(&self.census, &self.census_nodes);
        nodes.chain(upgrades).chain(callers).chain([census]).fold(self.counters.watched, u64::max)
    }

    fn take(&mut self, key: &Bytes, value: Bytes) -> Result<(), LoadError> {
        let Ok(key) = std::str::from_utf8(key) else {
            return Err(damaged(&String::from_utf8_lossy(key), "the key is no text".to_owned()));
        };
        match key {
            keys::COUNTERS => self.counters = open(key, value)?,
            keys::LEADER => {}
            _ if key.starts_with(keys::EVENTS) => {
                let number = key.rsplit('/').next().and_then(|number| number.parse().ok());
                self.last_event = self.last_event.max(number.unwrap_or(0));
            }
            _ if key.starts_with(keys::VERSIONS) => self.versions.push((key.to_owned(), open(key, value)?)),
            _ if key.starts_with(keys::BUNDLES) => {
                self.bundles.insert(key.to_owned(), open(key, value)?);
            }
            _ if key.starts_with(keys::PARTS) => {
                self.parts.insert(key.to_owned(), open::<wire::StoredBundlePart>(key, value)?.part);
            }
            _ if key.starts_with(keys::NODES) => self.nodes.push(open(key, value)?),
            _ if key.starts_with(keys::UPGRADES) => {
                let upgrade: wire::StoredUpgrade = open(key, value)?;
                self.upgrades.insert(upgrade.number, (key.to_owned(), upgrade));
            }
            _ if key.starts_with(keys::PERMITS) => self.permits.push(open(key, value)?),
            _ if key.starts_with(keys::CALLERS) => self.callers.push(open(key, value)?),
            _ if key.starts_with(keys::CENSUS) => self.census.push(open(key, value)?),
            _ if key.starts_with(keys::CENSUS_FLOORS) => self.census_floors.push(open(key, value)?),
            _ if key.starts_with(keys::CENSUS_NODES) => self.census_nodes.push(open(key, value)?),
            _ if key.starts_with(keys::RETIRING) => self.retiring.push(open(key, value)?),
            _ if key.starts_with(keys::ACTIVE) => self.active.push(open(key, value)?),
            _ => return Err(damaged(key, "nothing is kept there by this program".to_owned())),
        }
        Ok(())
    }
}

impl Loaded {
    fn fleet(&mut self, name: &str) -> &mut Fleet {
        self.fleets.entry(name.to_owned()).or_insert_with(|| Fleet::new(name))
    }

    fn upgrade(&mut self, key: &str, upgrade: wire::StoredUpgrade, settings: &Settings) -> Result<(), LoadError> {
        let fleet = self.fleet(&upgrade.protocol);
        if states::is_end(upgrade.state()) {
            fleet.ended.insert(upgrade.number, upgrade);
            return Ok(());
        }
        if let Some(other) = &fleet.upgrade {
            let what = format!("upgrade {} of {} has not ended either", other.number(), fleet.name);
            return Err(damaged(key, what));
        }
        let version = |text: &str| {
            let version = fleet.canonical(text).filter(|version| fleet.index(version).is_some());
            version.ok_or_else(|| damaged(key, format!("{text} was not published")))
        };
        let (from, to) = (version(&upgrade.from)?, version(&upgrade.to)?);
        let running = Running::new(upgrade, from, to, settings).map_err(|error| LoadError {
            key: key.to_owned(),
            what: format!("its schedule cannot be used by this program: {error}"),
            advice: "start a coordinator that has the scheduling functions that it names".to_owned(),
        })?;
        fleet.upgrade = Some(running);
        Ok(())
    }
}

impl Fleet {
    /// A bundle that was published before.
    fn add(
        &mut self,
        key: &str,
        stored: &wire::StoredBundle,
        parts: &BTreeMap<String, Bytes>,
    ) -> Result<(), LoadError> {
        let mut file = Vec::new();
        for number in 0..stored.parts {
            let part = keys::part(&stored.digest, number);
            let part = std::str::from_utf8(&part).ok().and_then(|part| parts.get(part));
            let part = part.ok_or_else(|| damaged(key, format!("part {number} of the bundle is missing")))?;
            file.extend_from_slice(part);
        }
        let unreadable = |error: crate::bundle::BundleError| damaged(key, error.to_string());
        let bundle = Bundle::read(file).map_err(unreadable)?;
        if bundle.digest() != stored.digest {
            return Err(damaged(key, format!("the bundle in its parts is {}, not {}", bundle.digest(), stored.digest)));
        }
        let protocol: Protocol = match &self.protocol {
            Some(known) => known.with_bundle(&bundle).map_err(unreadable)?,
            None => bundle.protocol().map_err(unreadable)?,
        };
        let versions = bundle.versions().iter().map(|version| version.version().clone()).collect();
        self.bundles.push((stored.clone(), versions));
        self.protocol = Some(protocol);
        Ok(())
    }
}

fn open<M: Message + Name + Default>(key: &str, value: Bytes) -> Result<M, LoadError> {
    record::open(value).map_err(|error| damaged(key, error.to_string()))
}

fn damaged(key: &str, what: String) -> LoadError {
    LoadError {
        key: key.to_owned(),
        what,
        advice: "start the coordinator that wrote it, or a newer one; or restore the data folder from a copy"
            .to_owned(),
    }
}
