//! What has to hold at each moment, of what really is: nodes, their clocks and programs, and what is kept; not of what a coordinator
//! believes. None of it uses the coordinator's own code.

use std::collections::BTreeSet;

use straddle::control::v1_0_0 as wire;
use straddle::control::v1_0_0::{UpgradeState, from_agent, to_agent};
use straddle::coordinator::record::{self, keys};

use super::clock::SECOND;
use super::protocol::NAME;
use super::world::World;

/// A node that has answered nobody for so long, on its own account, has been seen to by the coordinator.
const SEEN_TO: u64 = 75 * SECOND;
/// A node that hears the coordinator has learned a version that was published within so long, if nothing keeps it from that.
const LEARNED_WITHIN: u64 = 70 * SECOND;
/// A label that nobody could tell anything of is asked for again after a minute; and for so long answers are waited for.
const ASKED_AGAIN_AFTER: u64 = 80 * SECOND;
/// Most questions for versions within a time of the node's own, in microseconds: two windows of eight may lie in it.
const QUESTIONS: (usize, u64) = (16, 10 * SECOND);

#[derive(Debug, Default)]
pub(crate) struct Checks {
    pub(crate) violation: Option<String>,
}

impl Checks {
    pub(crate) fn fail(&mut self, what: &str, why: &str) {
        self.violation.get_or_insert_with(|| format!("{what}: {why}"));
    }
}

/// Whether a node is one of the fleet: admitted, and not forgotten.
fn counts(world: &World, node: usize) -> bool {
    let stored = world.store.node(NAME, &world.nodes[node].name);
    stored.is_some_and(|stored| !stored.forgotten)
}

/// A node begins to hold callers back: enough others of its group go on.
pub(crate) fn quiesces(world: &mut World, node: usize) {
    let schedule = world.upgrade().and_then(|upgrade| {
        let ended = matches!(upgrade.state(), UpgradeState::RolledBack | UpgradeState::Finalized);
        world.operator.current().filter(|_| !ended).map(|item| item.schedule)
    });
    let (least, by_zone) = schedule.map_or((1, false), |schedule| (schedule.least, schedule.by_zone));
    if schedule.is_some_and(|schedule| schedule.together)
        || !world.nodes[node].serve
        || world.nodes[node].drained
        || !counts(world, node)
    {
        return;
    }
    let zone = &world.nodes[node].zone;
    let group: Vec<usize> = (0..world.nodes.len())
        .filter(|other| counts(world, *other) && (!by_zone || world.nodes[*other].zone == *zone))
        .collect();
    // A moment ago somebody may have been forgotten who counted then.
    let lately =
        |other: &usize| world.operator.forgotten.iter().any(|(one, time)| one == other && world.time < time + SEEN_TO);
    let out = |other: &&usize| {
        let one = &world.nodes[**other];
        let moves = one.journal.is_some() && !one.answers();
        let gone = !one.answers() && world.time > one.served_at + SEEN_TO;
        **other == node || ((moves || gone) && !lately(other))
    };
    let serving = group.len() - group.iter().filter(out).count();
    let least = least.min(group.len()).min(if least == 1 && group.len() < 2 { 0 } else { usize::MAX });
    if serving < least {
        let why =
            format!("node {node} quiesces, and {serving} of {} others serve where {least} have to", group.len() - 1);
        world.checks.fail("minimum-serving", &why);
    }
}

/// A node gives up its way back: nobody can want it any more.
pub(crate) fn finalizes(world: &mut World, node: usize) {
    let at = world.nodes[node].version;
    let up_to = world.upgrade().map(|upgrade| {
        let finalized = matches!(upgrade.state(), UpgradeState::Finalizing | UpgradeState::Finalized);
        world.fleet.index(if finalized { &upgrade.to } else { &upgrade.from })
    });
    if world.nodes[node].back.is_some() && up_to.is_none_or(|up_to| at > up_to) {
        let why = format!("node {node} cannot go back from version {at} any more, and all is final up to {up_to:?}");
        world.checks.fail("finality", &why);
    }
}

/// A node asks what leads to a version: not too often.
pub(crate) fn asks(world: &mut World, node: usize) {
    let now = world.nodes[node].clock.monotonic(world.time);
    let questions = world.questions.entry(node).or_default();
    questions.retain(|asked| asked + QUESTIONS.1 > now);
    questions.push(now);
    let count = questions.len();
    if count > QUESTIONS.0 {
        world.checks.fail("questions", &format!("node {node} asks for versions {count} times in ten seconds"));
    }
}

/// A node fetches a bundle: one that was published.
pub(crate) fn learns(world: &mut World, node: usize, digest: &str) {
    if !world.store.has_bundle(digest) {
        world.checks.fail("learning", &format!("node {node} fetches {digest}, which nobody has published"));
    }
}

/// Something keeps a node from learning, which tries again after a time.
pub(crate) fn trouble(world: &mut World, node: usize, long: u64) {
    let time = world.time;
    world.troubles.entry(node).or_default().push((time, long + ASKED_AGAIN_AFTER));
}

/// A node does not know a version that others speak: not for ever.
pub(crate) fn unknown(world: &mut World, node: usize, version: usize) {
    let one = &world.nodes[node];
    if one.stream.is_none() || world.is_partitioned(node) || world.leader().is_none() {
        world.unknown_since.remove(&(node, version));
        return;
    }
    let (since, last) = world.unknown_since.entry((node, version)).or_insert((world.time, world.time));
    if world.time > *last + 10 * SECOND {
        // Nobody has named it for a while, so nobody has asked.
        *since = world.time;
    }
    *last = world.time;
    let troubles = world.troubles.get(&node).into_iter().flatten();
    let troubles: u64 = troubles.filter(|(time, _)| time + ASKED_AGAIN_AFTER > *since).map(|(_, long)| long).sum();
    if world.time > *since + LEARNED_WITHIN + troubles {
        let why = format!("node {node} has heard of version {version} for long, and does not know it");
        world.checks.fail("learning", &why);
    }
}

/// A node comes to another version: not one too many.
pub(crate) fn switches(world: &mut World, node: usize, to: usize) {
    let time = world.time;
    if let Some(upgrade) = world.upgrade().filter(|upgrade| world.fleet.name(to) == upgrade.to) {
        world.first_there.entry(upgrade.number).or_insert((node, time));
    }
    if !world.nodes[node].serve {
        // It is brought to where the others are, and answers nobody until then.
        return;
    }
    let running = world.upgrade().is_some_and(|upgrade| {
        !matches!(upgrade.state(), UpgradeState::RolledBack | UpgradeState::Finalized | UpgradeState::Finalizing)
    });
    let Some(most) = world.operator.current().and_then(|item| item.schedule.versions).filter(|_| running) else {
        return;
    };
    // Who comes, or comes anew, while this node moves already brings its version by itself.
    let permitted = world.out.get(&node).map_or(0, |(_, _, time)| *time);
    let came = |other: usize| {
        // It is being brought to the others just now.
        let comes = world.out.contains_key(&other);
        let late = comes || world.came_at.get(&other).is_none_or(|time| *time > permitted);
        !world.nodes[other].serve && (late || world.operator.forgotten.iter().any(|(one, _)| *one == other))
    };
    let versions = |except: Option<usize>| -> BTreeSet<usize> {
        let all =
            (0..world.nodes.len()).filter(|other| Some(*other) != except && counts(world, *other) && !came(*other));
        all.map(|other| world.nodes[other].version).collect()
    };
    let (before, mut after) = (versions(None), versions(Some(node)));
    after.insert(to);
    if after.len() > most && !before.contains(&to) {
        let why = format!("node {node} comes to {to}, and {after:?} run where {most} versions may");
        world.checks.fail("skew", &why);
    }
}

/// Something is said to an agent.
pub(crate) fn told(world: &mut World, number: u64, said: &wire::ToAgent) {
    let Some(stream) = world.streams.get(&number) else { return };
    let (node, admission) = (stream.node, stream.hello_admission);
    let reported = stream.reported.clone().unwrap_or_default();
    match &said.message {
        Some(to_agent::Message::Permit(permit)) => permitted(world, node, permit),
        Some(to_agent::Message::Welcome(welcome)) => welcomed(world, node, admission, &reported, welcome),
        Some(to_agent::Message::CensusTaken(taken)) => super::census::taken(world, number, taken.number),
        _ => {}
    }
}

/// A coordinator hears a node: whether its permit is over.
pub(crate) fn heard(world: &mut World, number: u64, said: &wire::FromAgent) {
    let Some(stream) = world.streams.get(&number) else { return };
    let node = stream.node;
    world.heard_at.insert(node, world.time);
    world.came_at.entry(node).or_insert(world.time);
    let Some((permit, on, _)) = world.out.get(&node).copied() else { return };
    let over = match &said.message {
        Some(from_agent::Message::Ended(ended)) => ended.permit == permit,
        Some(from_agent::Message::Report(report)) => {
            let still = report.moving_to.is_empty() && report.prepared.is_empty();
            still && (report.permit == permit || number != on)
        }
        _ => false,
    };
    if over {
        world.out.remove(&node);
    }
}

/// Whether somebody was permitted long ago, and has not been heard for long.
fn overdue(world: &World) -> Option<usize> {
    let long = |time: u64| world.time > time + 50 * SECOND;
    let unheard = |node: usize| world.heard_at.get(&node).is_none_or(|heard| world.time > heard + 30 * SECOND);
    let out = world.out.iter().filter(|(node, (_, _, time))| long(*time) && unheard(**node));
    out.map(|(node, _)| *node).find(|node| counts(world, *node))
}

fn permitted(world: &mut World, node: usize, permit: &wire::Permit) {
    let name = world.nodes[node].name.clone();
    let kept = world.store.permit(NAME, &name).map(|kept| kept.permit);
    if kept != Some(permit.permit) {
        return world
            .checks
            .fail("write-before-speak", &format!("permit {} is said, and {kept:?} is kept", permit.permit));
    }
    let (from, to) = (world.fleet.index(&permit.from), world.fleet.index(&permit.to));
    if from.abs_diff(to) != 1 {
        return world.checks.fail("steps", &format!("permit {} leads from {from} to {to}", permit.permit));
    }
    if let Some(other) = overdue(world).filter(|other| *other != node && !permit.back) {
        let why = format!("node {node} is permitted to go on, and node {other} has not come back");
        return world.checks.fail("outstanding-permits", &why);
    }
    if bakes(world, permit) {
        let why = format!("node {node} is permitted to go on while the first one still bakes");
        return world.checks.fail("bake", &why);
    }
    let one = &world.nodes[node];
    if let Some(moves) = one.journal.as_ref().filter(|moves| moves.permit != permit.permit) {
        let why = format!("node {node} is permitted {} while it moves under {}", permit.permit, moves.permit);
        return world.checks.fail("outstanding-permits", &why);
    }
    if one.is_up() && !one.serve {
        // Nobody is answered by it, so nobody loses anything.
        return;
    }
    let upgrade = world.upgrade().unwrap_or_default();
    let accepted: Vec<String> = accepted(world);
    let program = (one.program.0, one.program.1.max(to));
    for (caller, method) in callers(world) {
        let lost =
            world.fleet.routed(caller, method, from, one.program) && !world.fleet.routed(caller, method, to, program);
        let name = format!("{} {}", world.fleet.name(caller), world.fleet.method(caller, method));
        if lost && !accepted.contains(&name) {
            let why = format!(
                "node {node} goes from {from} to {to} in upgrade {}, and {name} loses its route",
                upgrade.number
            );
            return world.checks.fail("routes", &why);
        }
    }
}

/// Whether a permit is one of an upgrade whose first node has not proved itself for long enough, by a clock that is right.
fn bakes(world: &World, permit: &wire::Permit) -> bool {
    let Some(upgrade) = world.upgrade().filter(|upgrade| upgrade.number == permit.upgrade) else { return false };
    let bake = world.operator.current().map_or(0, |item| item.schedule.bake);
    let first = world.first_there.get(&upgrade.number);
    // Clocks of coordinators may be fast by two in a hundred.
    let early = first.is_some_and(|(_, time)| world.time < time + bake / 100 * 97);
    early && !permit.back && permit.from == upgrade.from && permit.to == upgrade.to
}

/// What any upgrade has accepted.
fn accepted(world: &World) -> Vec<String> {
    let prefix = keys::UPGRADES.as_bytes();
    let upgrades = world.store.entries.iter().filter(|(key, _)| key.starts_with(prefix));
    upgrades
        .flat_map(|(_, value)| record::open::<wire::StoredUpgrade>(value.clone()).expect("a record").accepted)
        .collect()
}

/// Who calls, as it is kept: by nodes' reports, and by the census.
fn callers(world: &World) -> Vec<(usize, usize)> {
    let records = |prefix: &'static str| {
        let prefix = format!("{prefix}{NAME}/");
        world.store.entries.iter().filter(move |(key, _)| key.starts_with(prefix.as_bytes())).map(|(_, value)| value)
    };
    let seen = records(keys::CALLERS).map(|value| {
        let seen: wire::SeenCaller = record::open(value.clone()).expect("a record");
        (seen.version, seen.method)
    });
    let counted = records(keys::CENSUS).flat_map(|value| {
        let kept: wire::CensusOfService = record::open(value.clone()).expect("a record");
        let row = |row: wire::CensusRow| (kept.version.clone(), format!("{}.{}", kept.service, row.method));
        kept.rows.into_iter().map(row).collect::<Vec<_>>()
    });
    let places = seen.chain(counted).filter_map(|(version, method)| {
        let version = world.fleet.index(&version);
        let methods = world.fleet.protocol.versions()[version].methods();
        Some((version, methods.iter().position(|one| one.full_name() == method)?))
    });
    places.filter(|(version, _)| !super::retirement::is_retired(world, *version)).collect()
}

fn welcomed(world: &mut World, node: usize, admission: u64, reported: &wire::Report, welcome: &wire::Welcome) {
    let stored = world.store.node(NAME, &world.nodes[node].name).unwrap_or_default();
    if stored.admission != welcome.admission || (admission != 0 && admission != welcome.admission) {
        let why = format!(
            "node {node} said {admission}, is welcomed with {}, and {} is kept",
            welcome.admission, stored.admission
        );
        return world.checks.fail("fence", &why);
    }
    let Some(upgrade) = world.upgrade().filter(|_| welcome.serve && !reported.serving) else { return };
    let (from, to) = (&upgrade.from, &upgrade.to);
    let allowed: Vec<&String> = match upgrade.state() {
        UpgradeState::Finalizing | UpgradeState::Finalized => vec![to],
        UpgradeState::RolledBack => vec![from],
        _ => vec![from, to],
    };
    // What was reported since, by Ended, is what the coordinator goes by.
    if !allowed.contains(&&reported.version) && !allowed.contains(&&stored.version) {
        let why = format!("node {node} is to serve at {}, and the others are at {allowed:?}", reported.version);
        world.checks.fail("catching-up", &why);
    }
}
