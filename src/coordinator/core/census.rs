//! The census: who called what, over all nodes of a protocol, and of which time that is known.
//!
//! Nodes tell it in batches. Each is merged and written in one transaction with its number, and only then its node hears that it is
//! taken; until then it says it again. So each batch counts once, whoever crashes. What is decided on goes by the watch: how long ago
//! a node says that something was, on its own monotonic clock, is never shorter on the watch.
//!
//! Batches that are handled together change the same few services. So the record of a service is written once for all of them, when
//! what they come to is taken.

pub(super) mod coverage;
mod service;

use std::collections::{BTreeMap, BTreeSet};

use self::coverage::{Heard, Place};
pub(super) use self::service::Service;
use super::fleet::Fleet;
use super::outbox::Outbox;
use super::{Denied, Now, Settings};
use crate::census::{CALLERS_AT_A_TIME, METHODS_AT_A_TIME};
use crate::control::v1_0_0 as wire;
use crate::control::v1_0_0::to_agent::Message;
use crate::coordinator::micros;
use crate::coordinator::record::keys;
use crate::protocol::Protocol;
use crate::version::Version;

/// What a batch changes besides the services of its methods: the record of its node, and the floor.
const BESIDES: usize = 2;
/// How long one node's turn to tell takes, and within which time each has one, in microseconds.
const TURN: u64 = 2_000;
const LATEST_TURN: u64 = 30_000_000;

/// A version and a service of it, as `package.Service`.
type Of = (Version, String);

/// What is known of one protocol's calls.
#[derive(Default)]
pub(super) struct Census {
    services: BTreeMap<Of, Service>,
    /// What nodes have forgotten of callers: any one may have called any service so often besides.
    floor: u64,
    /// What was changed since it was written.
    changed: BTreeSet<Of>,
    floor_changed: bool,
    /// By node.
    nodes: BTreeMap<String, wire::CensusNode>,
    /// When the next node may tell, on the monotonic clock.
    turn: u64,
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

    /// Goes on with what was kept.
    pub(super) fn restore_floor(&mut self, floor: u64) {
        self.floor = floor;
    }

    /// All that was called: by version and service, in their order.
    pub(super) fn services(&self) -> impl Iterator<Item = (&Of, &Service)> {
        self.services.iter()
    }

    /// The record of one of them, as of now.
    pub(super) fn kept(&self, protocol: &str, (version, name): &Of, service: &Service) -> wire::CensusOfService {
        service.kept(protocol, version, name, self.floor)
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

    /// Writes what was changed, before all else: a batch that counts in part is told again, and one that is left out never is.
    pub(super) fn settle(&mut self, protocol: &str, outbox: &mut Outbox) {
        if std::mem::take(&mut self.floor_changed) {
            let floor = wire::CensusFloor { protocol: protocol.to_owned(), floor: self.floor };
            outbox.put_first(keys::census_floor(protocol), &floor);
        }
        for of in std::mem::take(&mut self.changed) {
            let Some(service) = self.services.get_mut(&of) else { continue };
            let kept = service.kept(protocol, &of.0, &of.1, self.floor);
            service.wrote(&kept);
            outbox.put_first(keys::census_of_service(protocol, &kept.version, &of.1), &kept);
        }
    }

    /// How many records are to be written, and about how many bytes.
    pub(super) fn unsettled(&self) -> (usize, usize) {
        let bytes = self.changed.iter().filter_map(|of| self.services.get(of)).map(Service::bytes).sum();
        (self.changed.len() + usize::from(self.floor_changed), bytes)
    }

    /// When, from now on, a node whose stream begins is to tell: of a large fleet not all at once.
    pub(super) fn next_turn(&mut self, now: Now) -> u64 {
        let turn = self.turn.max(now.monotonic);
        self.turn = turn.saturating_add(TURN);
        (turn - now.monotonic) % LATEST_TURN
    }
}

/// At most how many records a batch changes.
pub(super) fn records(said: &wire::Census) -> usize {
    said.methods.len().min(METHODS_AT_A_TIME) + BESIDES
}

/// What a batch says of one service.
#[derive(Default)]
struct Part<'a> {
    methods: Vec<(&'a str, &'a wire::CalledMethod)>,
    callers: Vec<service::Calls<'a>>,
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
            self.merge(said, now);
            outbox.put(keys::census_node(&self.name, name), &node);
            self.census.nodes.insert(name.to_owned(), node);
        }
        outbox.tell(session, Message::CensusTaken(wire::CensusTaken { number: said.number }));
    }

    /// Adds a batch's counts to those of the services that they are of.
    fn merge(&mut self, said: &wire::Census, now: Now) {
        let Some(protocol) = &self.protocol else { return };
        let methods = &said.methods[..said.methods.len().min(METHODS_AT_A_TIME)];
        let called: Vec<_> = methods.iter().map(|one| place_of(protocol, one)).collect();
        let mut parts: BTreeMap<(&Version, &str), Part<'_>> = BTreeMap::new();
        for (of, one) in called.iter().zip(methods) {
            let Some((version, service, method)) = *of else { continue };
            parts.entry((version, service)).or_default().methods.push((method, one));
        }
        for calls in said.callers.iter().take(CALLERS_AT_A_TIME) {
            let at = usize::try_from(calls.called).unwrap_or(usize::MAX);
            let Some(&Some((version, service, method))) = called.get(at) else { continue };
            let calls = service::Calls { method, unlabelled: methods[at].unlabelled, said: calls };
            parts.entry((version, service)).or_default().callers.push(calls);
        }
        let census = &mut self.census;
        let before = census.floor;
        census.floor = before.saturating_add(said.callers_error);
        census.floor_changed |= said.callers_error > 0;
        for ((version, name), part) in parts {
            let of = (version.clone(), name.to_owned());
            // What was forgotten before something of it was called was of others.
            let service = census.services.entry(of.clone()).or_insert_with(|| Service::new(before));
            for (method, one) in part.methods {
                service.add(method, one, now);
            }
            service.add_callers(before, said.callers_error, part.callers, now);
            census.changed.insert(of);
        }
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
        settings: &Settings,
    ) -> Result<wire::ListCallersResponse, Denied> {
        let version = match request.version.as_str() {
            "" => None,
            text => Some(self.published_version(text)?),
        };
        let census = &self.census;
        let wanted = |((of, _), _): &(&Of, &Service)| version.as_ref().is_none_or(|version| version == of);
        let kept = |(of, service)| service::filtered(census.kept(&self.name, of, service), request, now);
        let told = |node: &&super::fleet::Node| !census.nodes.contains_key(node.name());
        Ok(wire::ListCallersResponse {
            services: census.services().filter(wanted).map(kept).filter(|kept| !kept.rows.is_empty()).collect(),
            nodes: census.nodes.values().cloned().collect(),
            silent: self.counted().filter(told).map(|node| node.name().to_owned()).collect(),
            watched: now.watched,
            at: now.wall,
            since_watched: census.nodes.values().map(|node| node.from_watched).min(),
            report_every_microseconds: micros(settings.report_every),
        })
    }
}

/// Version, service and method of what was called, as they were published: so strangers cannot fill the database.
fn place_of<'a>(protocol: &'a Protocol, one: &'a wire::CalledMethod) -> Option<(&'a Version, &'a str, &'a str)> {
    let schema = protocol.schema(&one.version.parse().ok()?)?;
    let (service, method) = one.method.rsplit_once('.')?;
    schema.method(&format!("/{service}/{method}"))?;
    Some((schema.version(), service, method))
}
