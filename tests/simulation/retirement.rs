//! Versions that are retired at any moment, with short guard times: what the guard promises is held against all calls that nodes
//! have really counted.

use std::collections::BTreeSet;

use straddle::control::v1_0_0 as wire;
use straddle::coordinator::core::Ask;
use straddle::coordinator::record::{self, keys};
use straddle::node::agent::core::Input;

use super::census::Call;
use super::clock::SECOND;
use super::protocol::NAME;
use super::world::{Event, World};

/// On the watch a node is late after 90 seconds; with clocks that do not agree, and what a crash loses of the watch.
const LATE: u64 = 120 * SECOND;

/// What the operator does about old versions.
#[derive(Debug, Default)]
pub(crate) struct Retirement {
    /// Callers of these versions have been moved.
    pub(crate) left: BTreeSet<usize>,
    /// What is asked for: up to which version, the guard time, and whether by force.
    asked: Option<(usize, u64, bool)>,
    /// What was answered last, unless nobody knows what has become of what was asked for since.
    kept: Option<String>,
}

/// Does something about old versions, now and then.
pub(crate) fn look(world: &mut World) {
    callers_leave(world);
    let Some(stored) = world.leader().map(|_| stored(world)) else { return };
    let retired = stored.retiring.unwrap_or_default().retired_up_to;
    if let Some(kept) = world.retirement.kept.replace(retired.clone()).filter(|kept| *kept != retired) {
        return world.checks.fail("retired", &format!("{kept:?} was answered, and {retired:?} is kept"));
    }
    let protocol = NAME.to_owned();
    let ask = match world.dice.u8(0..40) {
        0 if !retired.is_empty() => Ask::Unretire(wire::UnretireRequest { protocol, anyway: true }),
        1 => Ask::Announce(wire::AnnounceRequest { protocol, notice: Some(notice(world)) }),
        2..12 => {
            let (version, guard) = (world.dice.usize(0..2), world.dice.u64(10..150) * SECOND);
            let force = world.dice.u8(0..60) == 0;
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

fn notice(world: &mut World) -> wire::Notice {
    let every = world.dice.u64(60..600);
    let brownout = wire::Brownout { seconds: world.dice.u64(1..60), every_seconds: every, from: 0 };
    wire::Notice { version: world.fleet.name(1), brownout: Some(brownout), ..wire::Notice::default() }
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

impl World {
    /// A node has written down what is retired; or could not.
    pub(crate) fn retired(&mut self, node: usize, instance: u64, retiring: wire::Retiring) {
        if self.nodes[node].instance != instance || !self.nodes[node].is_up() {
            return;
        }
        let fails = self.dice.u8(0..8) == 0;
        if !fails {
            self.nodes[node].told = Some(retiring);
        }
        let result = if fails { Err("as the seed says".to_owned()) } else { Ok(()) };
        self.agent(node, Input::Retired(result));
        self.report(node);
    }

    pub(crate) fn retires(&mut self, node: usize, retiring: wire::Retiring) {
        let (instance, wait) = (self.nodes[node].instance, self.dice.u64(1_000..2_000_000));
        self.after(wait, Event::Retired { node, instance, retiring });
    }

    /// Whether a node refuses callers of a version because it is retired: not the one that it runs, or could go back to.
    pub(crate) fn refuses(&self, node: usize, caller: usize) -> bool {
        let one = &self.nodes[node];
        let told = one.told.as_ref().map_or("", |told| &told.retired_up_to);
        !told.is_empty() && caller <= self.fleet.index(told) && caller < one.back.unwrap_or(one.version)
    }
}
