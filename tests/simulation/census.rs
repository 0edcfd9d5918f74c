//! Who really called what: what nodes have counted, batch by batch, and what a coordinator makes of it.
//!
//! Nodes count calls as long as their programs run. What a program has not told when it ends nobody learns; what it has told counts
//! once, and what does not count lies in a gap.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use straddle::control::v1_0_0 as wire;
use straddle::control::v1_0_0::CallerKind;
use straddle::coordinator::record::{self, keys};
use straddle::node::agent::core::Input;

use super::protocol::{Fleet, NAME};
use super::world::{Event, World};

/// Who calls, and by what it is known.
const CALLERS: [(&str, CallerKind); 4] = [
    ("billing", CallerKind::Named),
    ("night job", CallerKind::Named),
    ("cart", CallerKind::Named),
    ("10.0.0.7 curl", CallerKind::Address),
];

/// A caller's version, whether it carries no label, and the method.
pub(crate) type Called = (usize, bool, usize);

/// Calls: begun, answered, failed, refused.
type Counts = [u64; 4];

/// A call, as its node has counted it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) at: u64,
    pub(crate) called: Called,
    pub(crate) node: usize,
    /// What the leader's watch showed, or the last one's.
    pub(crate) watched: u64,
    /// The program, and the batch that tells it.
    pub(crate) batch: (u64, u64),
}

/// What a node's program has counted since its last batch, or tells in one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counting {
    rows: BTreeMap<Called, (Counts, u64)>,
    callers: BTreeMap<(Called, usize), (u64, u64)>,
    /// When it began.
    from: u64,
    until: u64,
    /// Of the newest batch.
    number: u64,
}

/// What really is.
#[derive(Debug, Default)]
pub(crate) struct Census {
    /// Batches by node, program and number.
    batches: BTreeMap<(usize, u64, u64), Counting>,
    /// Those that are written: each counts once.
    pub(crate) taken: BTreeSet<(usize, u64, u64)>,
    /// What was written of a node last.
    kept: BTreeMap<usize, wire::CensusNode>,
    /// All of it that was written, as it was looked at last.
    seen: BTreeMap<Bytes, Bytes>,
    /// Up to when a node's calls are told, or lie in gaps.
    pub(crate) told_until: BTreeMap<usize, u64>,
    /// All calls of what is written, of versions that were published.
    rows: BTreeMap<Called, Counts>,
    callers: BTreeMap<(Called, usize), u64>,
    pub(crate) calls: Vec<Call>,
    pub(crate) watched: u64,
}

impl Counting {
    pub(crate) fn begins(time: u64) -> Self {
        Self { from: time, ..Self::default() }
    }

    /// What is told of it: some rows wait for the next batch.
    fn take(&mut self, whole: bool, now: u64) -> Self {
        let number = self.number + 1;
        let mut rest = Self { number, from: if whole { now } else { self.from }, ..Self::default() };
        if !whole {
            rest.rows = self.rows.split_off(&self.rows.keys().nth(1).copied().unwrap_or_default());
            let (left, told) = std::mem::take(&mut self.callers)
                .into_iter()
                .partition(|((called, _), _)| rest.rows.contains_key(called));
            (rest.callers, self.callers) = (left, told);
        }
        let mut batch = std::mem::replace(self, rest);
        (batch.number, batch.until) = (number, if whole { now } else { batch.from });
        batch
    }
}

impl World {
    /// Somebody looks at the leader's watch.
    pub(crate) fn watch(&mut self) {
        let request =
            wire::ListCallersRequest { protocol: NAME.to_owned(), method: "none".to_owned(), ..Default::default() };
        let leader = self.leader();
        let callers = leader.and_then(|leader| leader.core.callers(&request, leader.clock.now(self.time)).ok());
        self.census.watched = callers.map_or(self.census.watched, |callers| callers.watched);
    }

    /// A node has answered a call, or refused it.
    pub(crate) fn count(&mut self, node: usize, (caller, method): (usize, usize), answer: usize) {
        let unlabelled = self.dice.u8(0..4) == 0;
        let key = (caller, unlabelled, method);
        let (time, who) = (self.time, self.dice.usize(0..CALLERS.len()));
        let one = &mut self.nodes[node];
        let first = !one.counting.rows.contains_key(&key);
        let (counts, last) = one.counting.rows.entry(key).or_default();
        counts[0] += 1;
        counts[answer] += 1;
        *last = time;
        let calls = one.counting.callers.entry((key, who)).or_default();
        *calls = (calls.0 + 1, time);
        let batch = (one.instance, one.counting.number + 1);
        let watched = self.census.watched;
        self.census.calls.push(Call { at: time, called: key, node, watched, batch });
        if first && self.dice.u8(0..4) == 0 {
            self.agent(node, Input::CalledFirst);
        }
    }

    /// A node says what it has counted; sometimes it does not find room for all of it.
    pub(crate) fn tell(&mut self, node: usize, last: bool) {
        let whole = last || self.nodes[node].counting.rows.len() < 3 || self.dice.u8(0..8) > 0;
        let (time, instance) = (self.time, self.nodes[node].instance);
        let batch = self.nodes[node].counting.take(whole, time);
        let left: Vec<Called> = self.nodes[node].counting.rows.keys().copied().collect();
        let number = batch.number;
        for call in self.census.calls.iter_mut().rev() {
            if call.at < batch.from {
                break;
            }
            if !whole && call.node == node && call.batch == (instance, number) && left.contains(&call.called) {
                call.batch.1 += 1;
            }
        }
        let said = wire::Census { last, ..said(self, node, &batch) };
        self.census.batches.insert((node, instance, number), batch);
        self.agent(node, Input::Counted { census: Box::new(said), whole, left: false });
    }

    /// A node's program ends, tells the last of it, and is started again.
    pub(crate) fn stop_node(&mut self, node: usize, time: u64) {
        if !self.nodes[node].is_up() {
            return;
        }
        self.nodes[node].serve = false;
        self.tell(node, true);
        self.store.happened("stopped");
        self.crash_node(node);
        self.after(time, Event::StartNode(node));
    }
}

fn said(world: &World, node: usize, batch: &Counting) -> wire::Census {
    let clock = world.nodes[node].clock;
    let ago = |time: u64| clock.monotonic(world.time) - clock.monotonic(time);
    let (fleet, name) = (world.fleet, |(version, _, method): Called| world.fleet.method(version, method).to_owned());
    let methods = batch.rows.iter().map(|(called, (counts, last))| wire::CalledMethod {
        version: fleet.name(called.0),
        unlabelled: called.1,
        method: name(*called),
        begun: counts[0],
        answered: counts[1],
        failed: counts[2],
        refused: counts[3],
        last_ago_microseconds: ago(*last),
        ..wire::CalledMethod::default()
    });
    let callers = batch.callers.iter().map(|((called, who), (calls, last))| wire::CallerCalls {
        caller: CALLERS[*who].0.to_owned(),
        kind: CALLERS[*who].1.into(),
        called: u32::try_from(batch.rows.keys().position(|row| row == called).expect("it is told")).expect("a few"),
        calls: *calls,
        last_ago_microseconds: ago(*last),
        ..wire::CallerCalls::default()
    });
    wire::Census { methods: methods.collect(), callers: callers.collect(), ..wire::Census::default() }
}

/// What is kept is what nodes have counted: each batch once, and what is missing in gaps.
pub(crate) fn holds(world: &mut World) {
    let written = [keys::CENSUS, keys::CENSUS_NODES].into_iter().flat_map(|prefix| {
        let all = world.store.entries.range(Bytes::from_static(prefix.as_bytes())..);
        all.take_while(move |(key, _)| key.starts_with(prefix.as_bytes()))
    });
    let written: BTreeMap<Bytes, Bytes> = written.map(|(key, value)| (key.clone(), value.clone())).collect();
    if written == world.census.seen {
        return;
    }
    world.census.seen = written;
    for node in 0..world.nodes.len() {
        let key = keys::census_node(NAME, &world.nodes[node].name);
        let Some(value) = world.store.entries.get(&key) else { continue };
        let kept: wire::CensusNode = record::open(value.clone()).expect("a record");
        let before = world.census.kept.insert(node, kept.clone());
        let new = |before: &wire::CensusNode| (&before.instance, before.number) != (&kept.instance, kept.number);
        if before.as_ref().is_none_or(new) {
            takes(world, node, before.as_ref(), &kept);
        }
    }
    if let Some(why) = differs(world) {
        world.checks.fail("census", &why);
    }
}

/// A batch is written.
fn takes(world: &mut World, node: usize, before: Option<&wire::CensusNode>, kept: &wire::CensusNode) {
    let instance: u64 = kept.instance.rsplit('-').next().and_then(|text| text.parse().ok()).expect("a number");
    let key = (node, instance, kept.number);
    let Some(batch) = world.census.batches.get(&key).cloned() else {
        return world.checks.fail("census", &format!("node {node} has told no batch {key:?}"));
    };
    if !world.census.taken.insert(key) {
        return world.checks.fail("census", &format!("batch {key:?} is written again"));
    }
    let prefix = format!("{}{NAME}/", keys::VERSIONS);
    let published = world.store.entries.keys().filter(|key| key.starts_with(prefix.as_bytes())).count();
    for (called, (counts, _)) in batch.rows.iter().filter(|(called, _)| called.0 < published) {
        let all = world.census.rows.entry(*called).or_default();
        all.iter_mut().zip(counts).for_each(|(all, more)| *all += more);
    }
    for (called, (calls, _)) in batch.callers.iter().filter(|((called, _), _)| called.0 < published) {
        *world.census.callers.entry(*called).or_default() += calls;
    }
    let told_until = world.census.told_until.insert(node, batch.until).unwrap_or(0);
    // Calls that were counted in between, and that nobody will learn.
    let taken = &world.census.taken;
    let is_lost = |call: &&Call| {
        let (program, number) = call.batch;
        let over = (program, number) < (instance, kept.number);
        call.node == node && over && call.at > told_until && !taken.contains(&(node, program, number))
    };
    let later = world.census.calls.iter().rev().take_while(|call| call.at > told_until);
    let Some(lost) = later.into_iter().find(is_lost) else { return };
    // What was before the first batch of a node is not said to be known.
    let Some(before) = before else { return };
    let since = before.until_watched;
    let gap = kept.gaps.last().filter(|gap| gap.from_watched <= since && gap.until_watched >= since);
    let covered = gap.is_some_and(|gap| !before.gaps.contains(gap));
    if !covered {
        let why = format!("node {node} lost calls at {} of {:?}, and {:?} tells of no gap", lost.at, lost.batch, kept);
        world.checks.fail("census-gap", &why);
    }
}

/// Where rows and callers that are kept are not those of all batches that are written.
fn differs(world: &World) -> Option<String> {
    let prefix = format!("{}{NAME}/", keys::CENSUS);
    let (mut rows, mut callers) = (BTreeMap::new(), BTreeMap::new());
    for (_, value) in world.store.entries.iter().filter(|(key, _)| key.starts_with(prefix.as_bytes())) {
        let kept: wire::CensusOfService = record::open(value.clone()).expect("a record");
        let version = world.fleet.index(&kept.version);
        let method = |method: &str| method_of(world.fleet, version, &format!("{}.{method}", kept.service));
        for row in &kept.rows {
            let counts = [row.begun, row.answered, row.failed, row.refused];
            rows.insert((version, row.unlabelled, method(&row.method)), counts);
        }
        for caller in &kept.callers {
            let who = CALLERS.iter().position(|(name, kind)| *name == caller.caller && *kind == caller.kind())?;
            callers.insert(((version, caller.unlabelled, method(&caller.method)), who), caller.calls + caller.error);
        }
    }
    if rows != world.census.rows {
        return Some(format!("rows are {rows:?}, and nodes have counted {:?}", world.census.rows));
    }
    (callers != world.census.callers)
        .then(|| format!("callers are {callers:?}, and nodes have counted {:?}", world.census.callers))
}

fn method_of(fleet: &Fleet, version: usize, method: &str) -> usize {
    let methods = fleet.protocol.versions()[version].methods();
    methods.iter().position(|one| one.full_name() == method).expect("a method")
}

/// A node hears that a batch is taken: it is written.
pub(crate) fn taken(world: &mut World, number: u64, taken: u64) {
    let Some(stream) = world.streams.get(&number) else { return };
    let (node, instance) = (stream.node, stream.instance);
    let key = keys::census_node(NAME, &world.nodes[node].name);
    let kept: wire::CensusNode =
        world.store.entries.get(&key).map(|value| record::open(value.clone()).expect("a record")).unwrap_or_default();
    let program = format!("{}-{instance}", world.nodes[node].name);
    if kept.instance == program && kept.number < taken {
        let why = format!("node {node} hears that batch {taken} is taken, and {} is kept", kept.number);
        world.checks.fail("write-before-speak", &why);
    }
}
