//! The core as its driver sees it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::census;
use super::fleet::Fleet;
use super::outbox::Outbox;
use super::rounds::Others;
use super::upgrade::Running;
use super::watch::{IDLE, UPGRADING, Watch};
use super::{Answer, Ask, Denied, Effects, Input, Now, Reason, Request, Session, Settings, load, operate, status};
use crate::control::v1_0_0 as wire;
use crate::control::v1_0_0::from_agent::Message;
use crate::coordinator::database::{LARGEST_VALUE, MOST_OPERATIONS};
use crate::coordinator::micros;
use crate::protocol::Protocol;

/// What the coordinator knows, and decides. See [`core`](super) for how it is driven.
pub struct Core {
    fleets: BTreeMap<String, Fleet>,
    /// Whose stream it is: protocol and node.
    sessions: BTreeMap<Session, (String, String)>,
    outbox: Outbox,
    /// When nodes have to be heard again, with protocol and node. Those that are awaited are here once.
    deadlines: BTreeSet<(u64, String, String)>,
    watch: Watch,
}

/// What is gathered of several inputs at most, so that one transaction holds it beside the leader's key and the counters: with room for
/// services whose records have grown since they were measured.
const RECORDS_AT_ONCE: usize = MOST_OPERATIONS - 2;
const BYTES_AT_ONCE: usize = LARGEST_VALUE / 2;
/// As many records as anything but a batch of the census, that an agent says, is taken to change.
const FEW_RECORDS: usize = 64;

/// Which upgrades are asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which<'a> {
    /// This one.
    Number(u64),
    /// The last one of each protocol, or of this one, the newest first.
    Last(Option<&'a str>),
    /// All, or all of this protocol, the newest first.
    All(Option<&'a str>),
}

/// What is kept cannot be gone on with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the upgrade database cannot be used: at {key}: {what}\n  help: {advice}")]
pub struct LoadError {
    /// The key.
    pub key: String,
    /// What is wrong with it.
    pub what: String,
    /// What to do.
    pub advice: String,
}

impl Core {
    /// Goes on from what is kept: all entries, in any order; those of events and of the leader may be left out.
    ///
    /// # Errors
    /// Names the entry that cannot be read.
    pub fn load(
        entries: impl IntoIterator<Item = (Bytes, Bytes)>,
        now: Now,
        settings: Settings,
    ) -> Result<Self, LoadError> {
        let loaded = load::load(entries, now, &settings)?;
        let watch = Watch::new(loaded.watched, now);
        let mut core = Self {
            fleets: loaded.fleets,
            sessions: BTreeMap::new(),
            outbox: Outbox::new(settings, loaded.counters),
            deadlines: BTreeSet::new(),
            watch,
        };
        let due = now.monotonic.saturating_add(micros(core.outbox.settings.away_after));
        for fleet in core.fleets.values_mut() {
            for node in fleet.nodes.values_mut().filter(|node| !node.stored.forgotten) {
                core.deadlines.insert((due, fleet.name.clone(), node.stored.node.clone()));
                node.awaited = true;
            }
        }
        Ok(core)
    }

    /// Takes an input; what comes of it is gathered until it is [taken](Self::take).
    pub fn handle(&mut self, input: Input, now: Now) {
        let now = self.look(now);
        match input {
            Input::Said(session, said) => match said.message {
                Some(Message::Hello(hello)) => self.hello(session, &hello, now),
                Some(message) => self.said(session, message, now),
                // Something newer than this coordinator.
                None => {}
            },
            Input::Closed(session) => {
                if let Some((protocol, node)) = self.sessions.remove(&session)
                    && let Some(fleet) = self.fleets.get_mut(&protocol)
                {
                    fleet.closed(&node, session);
                }
            }
            Input::Asked(request, by, ask) => self.asked(request, &by, *ask, now),
        }
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.outbox.settings
    }

    pub(super) fn fleets(&self) -> impl Iterator<Item = &Fleet> {
        self.fleets.values()
    }

    fn hello(&mut self, session: Session, hello: &wire::Hello, now: Now) {
        if self.sessions.contains_key(&session) {
            self.outbox.end(session, Reason::Invalid, "Hello is said once on a stream");
            return;
        }
        if let Some(what) = super::nodes::fault(hello) {
            self.outbox.end(session, Reason::Invalid, what);
            return;
        }
        let place = (hello.protocol.clone(), hello.node.clone());
        let fleet = self.fleets.entry(place.0.clone()).or_insert_with(|| Fleet::new(&place.0));
        let node = fleet.nodes.get(&place.1);
        let awaited = node.is_some_and(|node| node.awaited);
        let before = node.and_then(|node| node.live.as_ref()).map(|live| live.session);
        if !fleet.hello(session, hello, now, &mut self.outbox) {
            return;
        }
        if let Some(before) = before {
            self.sessions.remove(&before);
        }
        self.sessions.insert(session, place.clone());
        if !awaited {
            self.await_next(place.0, place.1, now);
        }
    }

    /// The node is to be heard again in time.
    fn await_next(&mut self, protocol: String, node: String, now: Now) {
        let due = now.monotonic.saturating_add(micros(self.outbox.settings.away_after));
        self.deadlines.insert((due, protocol, node));
    }

    fn said(&mut self, session: Session, message: Message, now: Now) {
        let Some((protocol, node)) = self.sessions.get(&session).cloned() else {
            self.outbox.end(session, Reason::Invalid, "Hello has to come first");
            return;
        };
        let Some(fleet) = self.fleets.get_mut(&protocol) else { return };
        match message {
            Message::Report(report) => {
                if fleet.reported(&node, report, now, false, &mut self.outbox) {
                    self.await_next(protocol, node, now);
                }
            }
            Message::PermitRequest(request) => fleet.asked(&node, request, now, &mut self.outbox),
            Message::Ended(ended) => fleet.ended(&node, ended, now, &mut self.outbox),
            Message::Census(census) => fleet.counted_calls(&node, &census, now, &mut self.outbox),
            Message::Hello(_) => {}
        }
    }

    fn asked(&mut self, request: Request, by: &str, ask: Ask, now: Now) {
        let answer = self.answer(by, ask, now);
        self.outbox.answer(request, answer);
    }

    fn answer(&mut self, by: &str, ask: Ask, now: Now) -> Result<Answer, Denied> {
        ask.is_within_size()?;
        let outbox = &mut self.outbox;
        match ask {
            Ask::Publish(publication) => {
                let name = publication.bundle.name().to_owned();
                let fleet = self.fleets.entry(name.clone()).or_insert_with(|| Fleet::new(name));
                Ok(fleet.publish(publication, by, now, outbox))
            }
            Ask::Start(request) => {
                let fleet = self.fleets.get_mut(&request.protocol);
                let fleet = fleet.ok_or_else(|| operate::no_protocol(&request.protocol))?;
                let number = fleet.start(&request, by, now, outbox)?;
                self.upgrade_answer(number, now)
            }
            Ask::Pause(request) => {
                self.on(request.number, now, |fleet, outbox| fleet.pause(&request.why, by, now, outbox))
            }
            Ask::Resume(request) => {
                self.on(request.number, now, |fleet, outbox| fleet.resume(&request.accept, by, now, outbox))
            }
            Ask::RollBack(request) => {
                self.on(request.number, now, |fleet, outbox| fleet.roll_back(&request, by, now, outbox))
            }
            Ask::Finalize(request) => self.on(request.number, now, |fleet, outbox| fleet.finalize(by, now, outbox)),
            Ask::ChangeLimits(request) => {
                self.on(request.number, now, |fleet, outbox| fleet.change_limits(&request, by, now, outbox))
            }
            Ask::LetGo(request) => {
                self.on(request.number, now, |fleet, outbox| fleet.let_go(&request.nodes, by, now, outbox))
            }
            Ask::Retire(request) => {
                let fleet = self.fleets.get_mut(&request.protocol);
                let fleet = fleet.ok_or_else(|| operate::no_protocol(&request.protocol))?;
                fleet.retire(&request, by, now, outbox).map(|response| Answer::Retired(Box::new(response)))
            }
            Ask::Unretire(request) => {
                let fleet = self.fleets.get_mut(&request.protocol);
                let fleet = fleet.ok_or_else(|| operate::no_protocol(&request.protocol))?;
                fleet.unretire(&request, by, now, outbox).map(Answer::Retiring)
            }
            Ask::Announce(request) => {
                let fleet = self.fleets.get_mut(&request.protocol);
                let fleet = fleet.ok_or_else(|| operate::no_protocol(&request.protocol))?;
                fleet.announce(&request.notice.unwrap_or_default(), by, now, outbox).map(Answer::Retiring)
            }
            Ask::Forget(request) => {
                let fleet = self.fleets.get_mut(&request.protocol);
                let fleet = fleet.ok_or_else(|| operate::no_protocol(&request.protocol))?;
                fleet.may_forget(&request, now, outbox)?;
                let session =
                    fleet.nodes.get(&request.node).and_then(|node| node.live.as_ref()).map(|live| live.session);
                fleet.forget(&request.node, by, now, outbox);
                if let Some(session) = session {
                    self.sessions.remove(&session);
                }
                Ok(Answer::Done)
            }
        }
    }

    /// Does something to the upgrade of this number. What is asked of one that has ended and is so already is no error.
    fn on(
        &mut self,
        number: u64,
        now: Now,
        what: impl FnOnce(&mut Fleet, &mut Outbox) -> Result<(), Denied>,
    ) -> Result<Answer, Denied> {
        let name = self.upgrade_of(number)?;
        let Some(fleet) = self.fleets.get_mut(&name) else { return Err(no_upgrade(number)) };
        if fleet.upgrade.as_ref().map(Running::number) != Some(number) {
            let state = fleet.ended.get(&number).map(wire::StoredUpgrade::state).unwrap_or_default();
            return Err(Denied {
                reason: Reason::TooLate,
                what: format!("upgrade {number} is {}", super::states::word(state)),
                advice: match state {
                    wire::UpgradeState::Finalized => {
                        "it is at its end: what is bad in it has to be mended in a newer version".to_owned()
                    }
                    _ => format!("begin anew: straddle upgrade start {name} VERSION"),
                },
            });
        }
        what(fleet, &mut self.outbox)?;
        self.upgrade_answer(number, now)
    }

    /// The protocol whose upgrade has this number.
    fn upgrade_of(&self, number: u64) -> Result<String, Denied> {
        let has = |fleet: &&Fleet| {
            fleet.upgrade.as_ref().map(Running::number) == Some(number) || fleet.ended.contains_key(&number)
        };
        self.fleets.values().find(has).map(|fleet| fleet.name.clone()).ok_or_else(|| no_upgrade(number))
    }

    fn upgrade_answer(&self, number: u64, now: Now) -> Result<Answer, Denied> {
        let status = self.upgrades(Which::Number(number), now).pop().ok_or_else(|| no_upgrade(number))?;
        Ok(Answer::Upgrade(Box::new(status)))
    }

    /// The time as the core goes by it.
    fn look(&mut self, now: Now) -> Now {
        let now = self.watch.at(now);
        self.outbox.watched(now);
        now
    }

    /// Decides what time, or what was handled before, has made due.
    pub fn tick(&mut self, now: Now) {
        let now = self.look(now);
        let upgrading = self.fleets.values().any(|fleet| fleet.upgrade.is_some());
        self.outbox.keep_watch(if upgrading { UPGRADING } else { IDLE });
        while let Some((due, protocol, node)) = self.deadlines.pop_first() {
            if due > now.monotonic {
                self.deadlines.insert((due, protocol, node));
                break;
            }
            let next = self.fleets.get_mut(&protocol).and_then(|fleet| fleet.missed(&node, now, &mut self.outbox));
            if let Some(next) = next {
                self.deadlines.insert((next, protocol, node));
            }
        }
        let due = |fleet: &Fleet| fleet.round_due().is_some_and(|due| due <= now.monotonic);
        if !self.fleets.values().any(due) {
            return;
        }
        let others = Others::of(self.fleets.values());
        for fleet in self.fleets.values_mut().filter(|fleet| due(fleet)) {
            fleet.round(&others, now, &mut self.outbox);
        }
    }

    /// What has come of all since the last time. Writes are in an order in which each prefix of them is harmless.
    pub fn take(&mut self) -> Effects {
        for fleet in self.fleets.values_mut() {
            fleet.census.settle(&fleet.name, &mut self.outbox);
        }
        self.outbox.take()
    }

    /// Whether an input may be handled before what has come of others is [taken](Self::take), so that all of it can be written at
    /// once.
    #[must_use]
    pub fn has_room_for(&self, input: &Input) -> bool {
        let more = match input {
            Input::Said(_, wire::FromAgent { message: Some(Message::Census(census)) }) => census::records(census),
            Input::Said(..) | Input::Closed(_) => FEW_RECORDS,
            // These may change anything.
            Input::Asked(..) => return self.outbox.is_empty() && self.unsettled() == (0, 0),
        };
        let ((records, bytes), (written, written_bytes)) = (self.unsettled(), self.outbox.size());
        records + written + more <= RECORDS_AT_ONCE && bytes + written_bytes <= BYTES_AT_ONCE
    }

    fn unsettled(&self) -> (usize, usize) {
        let each = self.fleets.values().map(|fleet| fleet.census.unsettled());
        each.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }

    /// In how many microseconds at the latest [`tick`](Self::tick) is to be called again.
    #[must_use]
    pub fn next_tick(&self, now: Now) -> u64 {
        let rounds = self.fleets.values().filter_map(Fleet::round_due);
        let deadline = self.deadlines.first().map(|(due, _, _)| *due);
        let next = rounds.chain(deadline).min();
        next.map_or(micros(self.outbox.settings.report_every), |next| next.saturating_sub(now.monotonic))
    }

    /// Whether there is what somebody asks about by name; an empty name and 0 ask about all. A protocol is there when something of
    /// it was published, or a node of it has come.
    ///
    /// # Errors
    /// Says which of them is not there.
    pub fn has(&self, protocol: &str, upgrade: u64, node: &str) -> Result<(), Denied> {
        if !protocol.is_empty() && !self.fleets.contains_key(protocol) {
            return Err(operate::no_protocol(protocol));
        }
        if upgrade != 0 {
            self.upgrade_of(upgrade)?;
        }
        let mut fleets = self.fleets.values().filter(|fleet| protocol.is_empty() || fleet.name == protocol);
        if !node.is_empty() && !fleets.any(|fleet| fleet.nodes.contains_key(node)) {
            return Err(super::nodes::no_node(protocol, node));
        }
        Ok(())
    }

    /// What was published, of one protocol or of all.
    #[must_use]
    pub fn versions(&self, protocol: Option<&str>) -> wire::ListVersionsResponse {
        let mut response = wire::ListVersionsResponse::default();
        for fleet in self.fleets.values().filter(|fleet| protocol.is_none_or(|name| name == fleet.name)) {
            response.versions.extend(fleet.published.values().cloned());
            response.retiring.extend(fleet.retiring.clone());
            response.active.extend(
                fleet
                    .active
                    .as_ref()
                    .map(|version| wire::ActiveVersion { protocol: fleet.name.clone(), version: version.to_string() }),
            );
        }
        response
    }

    /// How upgrades are doing; none where there is none.
    #[must_use]
    pub fn upgrades(&self, which: Which<'_>, now: Now) -> Vec<wire::UpgradeStatus> {
        let now = self.watch.at(now);
        let mut found: Vec<wire::UpgradeStatus> = Vec::new();
        for fleet in self.fleets.values() {
            let wanted = match which {
                Which::Number(_) => true,
                Which::Last(name) | Which::All(name) => name.is_none_or(|name| name == fleet.name),
            };
            if !wanted {
                continue;
            }
            let number = |number: u64| !matches!(which, Which::Number(wanted) if wanted != number);
            let running = fleet.upgrade.as_ref().filter(|running| number(running.number()));
            let running = running.and_then(|_| fleet.status(now, &self.outbox.settings));
            let all = running.is_none() || matches!(which, Which::All(_));
            found.extend(running);
            if all {
                let ended = fleet.ended.values().rev().filter(|stored| number(stored.number));
                let most = if matches!(which, Which::Last(_)) { 1 } else { usize::MAX };
                let last = fleet.ended.keys().next_back().filter(|_| fleet.upgrade.is_none()).copied();
                found.extend(ended.take(most).map(|stored| wire::UpgradeStatus {
                    warnings: if last == Some(stored.number) { fleet.since(stored, now) } else { Vec::new() },
                    ..status::ended(stored)
                }));
            }
        }
        found.sort_by_key(|status| std::cmp::Reverse(status.upgrade.as_ref().map_or(0, |upgrade| upgrade.number)));
        found
    }

    /// The nodes: of all protocols or one, all or one of that name.
    #[must_use]
    pub fn nodes(&self, request: &wire::ListNodesRequest, now: Now) -> wire::ListNodesResponse {
        let now = self.watch.at(now);
        let fleets = self.fleets.values();
        let fleets = fleets.filter(|fleet| request.protocol.is_empty() || request.protocol == fleet.name);
        let name = Some(request.node.as_str()).filter(|name| !name.is_empty());
        let nodes = fleets.flat_map(|fleet| fleet.describe(name, now, &self.outbox.settings));
        wire::ListNodesResponse { nodes: nodes.collect() }
    }

    /// Who calls what, of one protocol.
    ///
    /// # Errors
    /// When there is no such protocol or version.
    pub fn callers(&self, request: &wire::ListCallersRequest, now: Now) -> Result<wire::ListCallersResponse, Denied> {
        let now = self.watch.at(now);
        let fleet = self.fleets.get(&request.protocol).ok_or_else(|| operate::no_protocol(&request.protocol))?;
        fleet.list_callers(request, now, &self.outbox.settings)
    }

    /// The numbers of all fleets, as Prometheus reads them.
    #[must_use]
    pub fn numbers(&self, now: Now) -> String {
        self.measured(self.watch.at(now))
    }

    /// What would happen if this upgrade were started now.
    ///
    /// # Errors
    /// As starting it would be denied.
    pub fn plan(&self, request: &wire::StartUpgradeRequest, now: Now) -> Result<wire::PlanResponse, Denied> {
        let now = self.watch.at(now);
        let fleet = self.fleets.get(&request.protocol).ok_or_else(|| operate::no_protocol(&request.protocol))?;
        fleet.plan(request, &Others::of(self.fleets.values()), now, &self.outbox.settings)
    }

    /// What leads to a version that a node does not know: the bundles that it lacks, none when nobody has published it.
    #[must_use]
    pub fn find(&self, request: &wire::FindRequest) -> wire::FindResponse {
        let Some(fleet) = self.fleets.get(&request.protocol) else { return wire::FindResponse::default() };
        let published = fleet.canonical(&request.version).is_some_and(|version| fleet.index(&version).is_some());
        if !published {
            return wire::FindResponse::default();
        }
        let knows: Vec<_> = request.knows.iter().filter_map(|known| fleet.canonical(&known.version)).collect();
        wire::FindResponse { bundles: fleet.lacking(&knows) }
    }

    /// A protocol as it was published, and of how many bundles it is made: what a [`Publication`](super::Publication) is put
    /// together with.
    #[must_use]
    pub fn protocol(&self, name: &str) -> Option<(Protocol, usize)> {
        let fleet = self.fleets.get(name)?;
        Some((fleet.protocol.clone()?, fleet.bundles.len()))
    }

    /// The bundle of this digest, where it was published.
    #[must_use]
    pub fn bundle(&self, digest: &str) -> Option<wire::StoredBundle> {
        let mut bundles = self.fleets.values().flat_map(|fleet| &fleet.bundles);
        bundles.find(|(bundle, _)| bundle.digest == digest).map(|(bundle, _)| bundle.clone())
    }
}

fn no_upgrade(number: u64) -> Denied {
    Denied {
        reason: Reason::NoSuchUpgrade,
        what: format!("there is no upgrade {number}"),
        advice: "straddle upgrade status --all lists them".to_owned(),
    }
}
