//! Versions that are retired at any moment, with short guard times: what the guard promises is held against all calls that nodes
//! have really counted.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use straddle::control::v1_0_0 as wire;
use straddle::coordinator::core::Ask;
use straddle::coordinator::record::{self, keys};
use straddle::node::agent::core::Input;

use super::census::Call;
use super::clock::SECOND;
use super::life::FAULTS;
use super::protocol::NAME;
use super::world::{Event, Fault, World};

/// On the watch a node is late after 90 seconds; with clocks that do not agree, and what a crash loses of the watch.
const LATE: u64 = 120 * SECOND;
/// When nothing fails any more, nodes do what they are told within so long: who has failed for long waits for five minutes.
const SETTLES_WITHIN: u64 = 600 * SECOND;
/// When the simulation begins, in seconds since 1970.
const START: u64 = 1_767_225_600;

/// What the operator does about old versions.
#[derive(Debug, Default)]
pub(crate) struct Retirement {
    /// Callers of these versions have been moved.
    pub(crate) left: BTreeSet<usize>,
    /// What is asked for: up to which version, the guard time, and whether by force.
    asked: Option<(usize, u64, bool)>,
    /// What was answered last, unless nobody knows what has become of what was asked for since.
    kept: Option<wire::Retiring>,
    /// Nobody asks for anything any more; since when.
    rests_since: Option<u64>,
    /// An object was called after it was closed.
    pub(crate) late: Arc<AtomicBool>,
    /// The operator does not ask whether anybody calls.
    pub(crate) by_force: bool,
    /// What nodes do wrong.
    pub(crate) broken: Option<Broken>,
}

/// What a node does wrong, so that somebody has to notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Its programs do not find what was written down.
    Forgets,
    /// It says that it is in force, and it is not.
    Lies,
    /// Brown-outs that are taken back stay.
    Clings,
    /// It goes by a clock that is half a minute ahead.
    Clock,
    /// It closes objects while calls are inside.
    Closes,
    /// One of them is never told anything.
    Untold,
}

/// Does something about old versions, now and then.
pub(crate) fn look(world: &mut World) {
    callers_leave(world);
    let Some(stored) = world.leader().map(|_| stored(world)) else { return };
    let retiring = stored.retiring.unwrap_or_default();
    if let Some(kept) = world.retirement.kept.replace(retiring.clone()).filter(|kept| *kept != retiring) {
        return world.checks.fail("retired", &format!("{kept:?} was answered, and {retiring:?} is kept"));
    }
    if world.retirement.rests_since.is_some() {
        return;
    }
    let retired = retiring.retired_up_to;
    let protocol = NAME.to_owned();
    let ask = match world.dice.u8(0..40) {
        0 if !retired.is_empty() => Ask::Unretire(wire::UnretireRequest { protocol, anyway: true }),
        1 | 2 => Ask::Announce(wire::AnnounceRequest { protocol, notice: Some(notice(world)) }),
        3 => {
            // All of it is taken back.
            let version = world.fleet.name(world.dice.usize(0..3));
            let notice = wire::Notice { version, ..wire::Notice::default() };
            Ask::Announce(wire::AnnounceRequest { protocol, notice: Some(notice) })
        }
        4..12 => {
            let (version, guard) = (world.dice.usize(0..3), world.dice.u64(10..150) * SECOND);
            let force = world.retirement.by_force || world.dice.u8(0..60) == 0;
            if !retired.is_empty() && world.fleet.index(&retired) >= version {
                return;
            }
            world.retirement.asked = Some((version, guard, force));
            Ask::Retire(wire::RetireRequest {
                protocol,
                version: world.fleet.name(version),
                guard_microseconds: Some(guard),
                force,
                ..wire::RetireRequest::default()
            })
        }
        _ => return,
    };
    // Until it is answered nobody knows what is kept.
    world.retirement.kept = None;
    world.ask(ask);
}

/// Of either version, often with brown-outs, which may begin later.
fn notice(world: &mut World) -> wire::Notice {
    let (version, every) = (world.dice.usize(0..3), world.dice.u64(60..300));
    let from = if world.dice.bool() { 0 } else { START + world.dice.u64(0..900) };
    let brownout = wire::Brownout { seconds: world.dice.u64(1..60), every_seconds: every, from };
    let (version, brownout) = (world.fleet.name(version), Some(brownout).filter(|_| world.dice.u8(0..6) > 0));
    wire::Notice { version, sunset: 2_000_000_000, brownout, ..wire::Notice::default() }
}

/// Callers of old versions are moved to newer ones; one or the other was forgotten.
fn callers_leave(world: &mut World) {
    let newest = world.operator.callers.iter().copied().max().unwrap_or(0);
    for caller in world.operator.callers.clone().into_iter().filter(|caller| *caller < newest) {
        match world.dice.u8(0..60) {
            0..8 => drop(world.retirement.left.insert(caller)),
            8 => drop(world.retirement.left.remove(&caller)),
            _ => {}
        }
    }
}

fn stored(world: &World) -> wire::StoredRetiring {
    let value = world.store.entries.get(&keys::retiring(NAME));
    value.map(|value| record::open(value.clone()).expect("a record")).unwrap_or_default()
}

/// Whether nobody counts on a version's callers any more.
pub(crate) fn is_retired(world: &World, version: usize) -> bool {
    let retired = stored(world).retiring.unwrap_or_default().retired_up_to;
    !retired.is_empty() && version <= world.fleet.index(&retired)
}

/// The coordinator has answered.
pub(crate) fn answered(world: &mut World, response: &wire::RetireResponse) {
    let Some((version, guard, force)) = world.retirement.asked.take() else { return };
    if !response.retired {
        return world.store.happened("not retired");
    }
    world.note(|| format!("{version} is retired, guard {guard}, by force {force}"));
    if force {
        return;
    }
    world.store.happened("retired");
    if let Some(call) = stands_in_the_way(world, version, guard) {
        let why = format!("version {version} is retired with a guard of {guard}, and there was {call:?}");
        world.checks.fail("retire-guard", &why);
    }
}

/// A call within the guard time that has to keep a version from being retired: it is known, or it should be by now.
fn stands_in_the_way(world: &World, version: usize, guard: u64) -> Option<Call> {
    // Clocks differ by four in a hundred at most.
    let since = world.time.saturating_sub(guard / 100 * 95) + SECOND;
    let census = &world.census;
    let within = census.calls.iter().rev().take_while(|call| call.at > since && since < world.time);
    let stands = |call: &&Call| {
        let told_until = census.told_until.get(&call.node).copied().unwrap_or(0);
        let known = census.taken.contains(&(call.node, call.batch.0, call.batch.1));
        let forgotten = world.operator.forgotten.iter().any(|(node, time)| *node == call.node && *time <= call.at);
        let late = call.watched + LATE < census.watched && !forgotten;
        call.called.0 <= version && (known || late || call.at < told_until)
    };
    within.into_iter().find(stands).cloned()
}

/// Whether each node has in force what is kept, now that all is healed and nobody asks for anything.
pub(crate) fn rests(world: &mut World, nodes: &[wire::NodeDescription]) -> bool {
    let since = *world.retirement.rests_since.get_or_insert(world.time);
    let Some(why) = differs(world, nodes) else { return true };
    if world.time > since + SETTLES_WITHIN {
        world.checks.fail("retired-at-last", &why);
    }
    false
}

/// How a node differs from what is kept; or what the coordinator has heard of it.
fn differs(world: &World, nodes: &[wire::NodeDescription]) -> Option<String> {
    let kept = stored(world).retiring.unwrap_or_default();
    for described in nodes {
        let stored = described.node.clone().unwrap_or_default();
        let Some(node) = world.nodes.iter().find(|node| node.name == stored.node) else { continue };
        if stored.forgotten || node.dead {
            continue;
        }
        let has = node.front.as_ref().and_then(|front| front.doors.report()).unwrap_or_default();
        let heard = described.retiring.clone().unwrap_or_default();
        let written = node.told.clone().unwrap_or_default();
        for (what, retiring) in
            [("has written down", Some(written)), ("does", has.retiring), ("has told of", heard.retiring)]
        {
            if retiring.clone().unwrap_or_default() != kept {
                return Some(format!("{} {what} {retiring:?}, and {kept:?} is kept", node.name));
            }
        }
        if let Some(refused) = has.refused {
            return Some(format!("{}: {refused}", node.name));
        }
    }
    None
}

impl World {
    /// Nodes do something wrong, and end more often.
    pub(crate) fn with_broken_nodes(&mut self, broken: Broken) {
        self.retirement.broken = Some(broken);
        if broken == Broken::Closes {
            self.retirement.by_force = true;
            // Only the last step has an object behind it that can be retired.
            self.operator.go_far(self.fleet);
        }
        for _ in 0..12 {
            let node = self.dice.usize(0..self.nodes.len());
            let at = self.dice.u64(60 * SECOND..FAULTS);
            self.at(at, Event::Fault(Fault::CrashNode(node, SECOND)));
        }
    }

    /// A node writes down what is retired, and puts it in force; or it cannot, or its program ends in between.
    pub(crate) fn retired(&mut self, node: usize, instance: u64, retiring: wire::Retiring) {
        if self.nodes[node].instance != instance || !self.nodes[node].is_up() {
            return;
        }
        let (fails, broken) = (self.retirement.rests_since.is_none(), self.retirement.broken);
        if fails && self.dice.u8(0..8) == 0 {
            self.agent(node, Input::Retired(Err("as the seed says".to_owned())));
            return self.report(node);
        }
        let one = &self.nodes[node];
        let Some(front) = &one.front else { return };
        let mut does = retiring.clone();
        if let Some(before) = one.told.as_ref().filter(|_| broken == Some(Broken::Clings) && does.notices.is_empty()) {
            does.notices.clone_from(&before.notices);
        }
        let settled = front.doors.settle(Some(&does), (one.version, one.back)).expect("what a coordinator says");
        let settled = settled.expect("what was told");
        self.write_down(node, &settled, &retiring);
        if fails && self.dice.u8(0..16) == 0 {
            self.note(|| format!("node {node} ends when it has written down {retiring:?}"));
            self.store.happened("ended in between");
            self.crash_node(node);
            return self.after(SECOND, Event::StartNode(node));
        }
        self.note(|| format!("node {node} does {retiring:?}"));
        if broken == Some(Broken::Lies) {
            if let Some(front) = &mut self.nodes[node].front {
                front.lie(self.fleet, retiring);
            }
        } else {
            self.put_in_force(node, settled, retiring);
        }
        self.agent(node, Input::Retired(Ok(())));
        self.report(node);
    }

    pub(crate) fn retires(&mut self, node: usize, retiring: wire::Retiring) {
        // Now and then its disk is slow.
        let most = if self.dice.u8(0..4) == 0 { 20 * SECOND } else { 2 * SECOND };
        let (instance, wait) = (self.nodes[node].instance, self.dice.u64(1_000..most));
        self.after(wait, Event::Retired { node, instance, retiring });
    }
}
