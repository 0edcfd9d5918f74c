//! The census: who called what, over all nodes of a protocol, and of which time that is known.
//!
//! Nodes tell it in batches. Each is merged and written in one transaction with its number, and only then its node hears that it is
//! taken; until then it says it again. So each batch counts once, whoever crashes. What is decided on goes by the watch: how long ago
//! a node says that something was, on its own monotonic clock, is never shorter on the watch.

pub(super) mod coverage;
mod service;

use std::collections::{BTreeMap, BTreeSet};

use self::coverage::{Heard, Place};
pub(super) use self::service::Service;
use super::fleet::Fleet;
use super::outbox::Outbox;
use super::{Denied, Now};
use crate::control::v1_0_0 as wire;
use crate::control::v1_0_0::to_agent::Message;
use crate::coordinator::record::keys;
use crate::version::Version;

/// The most entries of a batch's lists that are looked at; as `agent.proto` says.
const MOST_METHODS: usize = 20_000;
const MOST_CALLERS: usize = 2_000;

/// What is known of one protocol's calls.
#[derive(Default)]
pub(super) struct Census {
    /// By version and service, as `package.Service`.
    services: BTreeMap<(Version, String), Service>,
    /// By node.
    nodes: BTreeMap<String, wire::CensusNode>,
}

impl Census {
    /// Goes on with what was kept.
    pub(super) fn restore_service(&mut self, version: Version, kept: &wire::CensusOfService) {
        self.services.insert((version, kept.service.clone()), Service::restored(kept));
    }

    /// Goes on with what was kept.
    pub(super) fn restore_node(&mut self, kept: wire::CensusNode) {
        self.nodes.insert(kept.node.clone(), kept);
    }

    /// All that was called: by version and service, in their order.
    pub(super) fn services(&self) -> impl Iterator<Item = (&(Version, String), &Service)> {
        self.services.iter()
    }

    /// The nodes that have told anything, also those that are gone.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &wire::CensusNode> {
        self.nodes.values()
    }

    /// One of them.
    pub(super) fn node(&self, name: &str) -> Option<&wire::CensusNode> {
        self.nodes.get(name)
    }

    /// The latest time on the watch that it knows of.
    pub(super) fn watched(services: &[wire::CensusOfService], nodes: &[wire::CensusNode]) -> u64 {
        let rows = services.iter().flat_map(|service| &service.rows).map(|row| row.last_seen_watched);
        rows.chain(nodes.iter().map(|node| node.until_watched)).max().unwrap_or_default()
    }
}

impl Fleet {
    /// A node tells a batch.
    pub(super) fn counted_calls(&mut self, name: &str, said: &wire::Census, now: Now, outbox: &mut Outbox) {
        let live = self.nodes.get_mut(name).and_then(|node| node.live.as_mut());
        // Without an instance nobody could tell two programs' batches apart.
        let Some(live) = live.filter(|live| !live.instance.is_empty() && said.number > 0) else { return };
        let heard = Heard { begun: live.begun, taken: live.taken };
        live.taken = Some((said.number, now.watched));
        let (session, instance) = (live.session, live.instance.clone());
        let kept = self.census.nodes.get(name);
        let on = outbox.settings.invariants;
        let place = match Place::of(kept, &instance, said.number) {
            Place::Taken if !on.census_once => Place::Next,
            Place::Behind(_) if !on.census_gaps => Place::Next,
            place => place,
        };
        if place != Place::Taken {
            let mut node = kept.cloned().unwrap_or_else(|| coverage::unknown(&self.name, name));
            coverage::advance(&mut node, &place, &instance, said, heard, now);
            self.merge(said, now, outbox);
            outbox.put(keys::census_node(&self.name, name), &node);
            self.census.nodes.insert(name.to_owned(), node);
        }
        outbox.tell(session, Message::CensusTaken(wire::CensusTaken { number: said.number }));
    }

    /// Adds a batch's counts to those of the services that they are of.
    fn merge(&mut self, said: &wire::Census, now: Now, outbox: &mut Outbox) {
        let mut touched: BTreeSet<(Version, String)> = BTreeSet::new();
        for one in said.methods.iter().take(MOST_METHODS) {
            let Some((place, method)) = self.place_of(&one.version, &one.method) else { continue };
            self.census.services.entry(place.clone()).or_default().add(method, one, now);
            touched.insert(place);
        }
        let mut callers: BTreeMap<(Version, String), Vec<(&str, &wire::CallerCalls)>> = BTreeMap::new();
        for one in said.callers.iter().take(MOST_CALLERS) {
            let Some((place, method)) = self.place_of(&one.version, &one.method) else { continue };
            callers.entry(place).or_default().push((method, one));
        }
        // Whatever was forgotten may have been of any service.
        if said.callers_error > 0 {
            touched.extend(self.census.services.keys().cloned());
        }
        touched.extend(callers.keys().cloned());
        for place in touched {
            let service = self.census.services.entry(place.clone()).or_default();
            let own = callers.remove(&place).unwrap_or_default();
            service.add_callers(said.callers_error, own, now);
            let (version, name) = &place;
            let key = keys::census_of_service(&self.name, &version.to_string(), name);
            outbox.put(key, &service.kept(&self.name, version, name));
        }
    }

    /// Version, service and method of what was called, under the names that were published: so strangers cannot fill the database.
    fn place_of<'a>(&self, version: &str, method: &'a str) -> Option<((Version, String), &'a str)> {
        let schema = self.protocol.as_ref()?.schema(&version.parse().ok()?)?;
        let (service, name) = method.rsplit_once('.')?;
        let place = (schema.version().clone(), service.to_owned());
        let known = self.census.services.get(&place).is_some_and(|service| service.knows(name));
        (known || schema.methods().iter().any(|declared| declared.full_name() == method)).then_some((place, name))
    }

    /// Nothing more is awaited of a node, and what it did since it was heard last nobody knows.
    pub(super) fn census_forgets(&mut self, name: &str, now: Now, outbox: &mut Outbox) {
        let Some(node) = self.census.nodes.get_mut(name) else { return };
        coverage::forget(node, now);
        outbox.put(keys::census_node(&self.name, name), node);
    }

    /// Who calls what.
    pub(super) fn list_callers(
        &self,
        request: &wire::ListCallersRequest,
        now: Now,
    ) -> Result<wire::ListCallersResponse, Denied> {
        let version = match request.version.as_str() {
            "" => None,
            text => Some(self.published_version(text)?),
        };
        let wanted = |(of, _): &&(Version, String)| version.as_ref().is_none_or(|version| version == of);
        let services = self.census.services.keys().filter(wanted).filter_map(|place| {
            let kept = self.census.services.get(place)?.kept(&self.name, &place.0, &place.1);
            Some(service::filtered(kept, request, now)).filter(|kept| !kept.rows.is_empty())
        });
        let told = |node: &&super::fleet::Node| !self.census.nodes.contains_key(node.name());
        Ok(wire::ListCallersResponse {
            services: services.collect(),
            nodes: self.census.nodes.values().cloned().collect(),
            silent: self.counted().filter(told).map(|node| node.name().to_owned()).collect(),
            watched: now.watched,
            at: now.wall,
            since_watched: self.census.nodes.values().map(|node| node.from_watched).min(),
        })
    }
}
