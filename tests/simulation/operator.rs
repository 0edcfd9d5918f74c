//! The operator: a plan that the seed makes, and what somebody does who looks at the status every few seconds.

use straddle::control::v1_0_0 as wire;
use straddle::control::v1_0_0::{UpgradeState, Way};
use straddle::coordinator::core::{Answer, Ask, Denied, Publication, Which};

use super::clock::SECOND;
use super::life::FAULTS;
use super::protocol::{Fleet, NAME};
use super::world::World;

/// An upgrade to be made.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) to: usize,
    pub(crate) schedule: &'static Schedule,
    /// Taken back when so many of a hundred nodes are there; none: finalized.
    pub(crate) back_at: Option<u64>,
    pub(crate) pause: bool,
    /// Calls fail at the new version.
    pub(crate) faulty: bool,
}

/// A schedule, and what it promises.
#[derive(Debug)]
pub(crate) struct Schedule {
    pub(crate) text: &'static str,
    pub(crate) least: usize,
    pub(crate) by_zone: bool,
    pub(crate) versions: Option<usize>,
    pub(crate) together: bool,
    /// For how long the first node has to prove itself, in microseconds.
    pub(crate) bake: u64,
}

const fn schedule(text: &'static str, least: usize) -> Schedule {
    Schedule { text, least, by_zone: false, versions: None, together: false, bake: 0 }
}

pub(crate) const SCHEDULES: [Schedule; 8] = [
    schedule("", 1),
    schedule(
        "on_failed_gate = \"roll-back\"\n[rolling]\nat_once = 2\n[gates]\nminimum_calls = 5\npatience = \"20s\"\n",
        1,
    ),
    Schedule {
        bake: 20 * SECOND,
        ..schedule("[canary]\nstages = [1]\nbake = \"20s\"\n[gates]\nminimum_calls = 5\npatience = \"20s\"\n", 1)
    },
    schedule("[rolling]\nat_once = \"100%\"\n[limits]\nminimum_serving = 2\n[gates]\nstandard = false\n", 2),
    Schedule {
        by_zone: true,
        ..schedule(
            "[rolling]\nat_once = \"100%\"\n[limits]\nminimum_serving = 1\nserving_by = \"zone\"\n[gates]\nstandard = false\n",
            1,
        )
    },
    schedule("[domains]\nlabel = \"zone\"\n[rolling]\nat_once = 3\n[gates]\nstandard = false\n", 1),
    Schedule {
        versions: Some(2),
        ..schedule("[rolling]\nat_once = \"100%\"\n[limits]\nversions = 2\n[gates]\nstandard = false\n", 1)
    },
    Schedule { together: true, ..schedule("together = true\n[gates]\nstandard = false\n", 0) },
];

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each says one thing of what it does")]
pub(crate) struct Operator {
    /// The version at which the fleet begins.
    pub(crate) first: usize,
    pub(crate) items: Vec<Item>,
    item: usize,
    started: bool,
    paused: bool,
    looks: u64,
    /// When the state that is seen was seen first.
    pub(crate) callers: Vec<usize>,
    /// The version at which calls fail.
    pub(crate) faulty: Option<usize>,
    pub(crate) asked: u64,
    pub(crate) done: bool,
    pub(crate) last_denied: Option<Denied>,
    /// Nodes that were forgotten, and when.
    pub(crate) forgotten: Vec<(usize, u64)>,
    pub(crate) ended: Vec<(u64, UpgradeState)>,
    /// It says that nothing has to bake, whatever its schedules promise.
    pub(crate) impatient: bool,
}

impl Operator {
    pub(crate) fn new(fleet: &Fleet, random: &mut fastrand::Rng) -> Self {
        let first = random.usize(0..2);
        let (mut at, mut items) = (first, Vec::new());
        let count = random.usize(1..4);
        while items.len() < count && at + 1 < fleet.versions() {
            let item = |back_at, random: &mut fastrand::Rng| Item {
                to: at + 1,
                schedule: &SCHEDULES[random.usize(0..SCHEDULES.len())],
                back_at,
                pause: random.u8(0..4) == 0,
                faulty: random.u8(0..4) == 0,
            };
            // Most plans take something back.
            if random.u8(0..10) < 7 {
                let back_at = Some(random.u64(0..=100));
                items.push(item(back_at, random));
            }
            items.push(item(None, random));
            at += 1;
        }
        Self {
            first,
            items,
            item: 0,
            started: false,
            paused: false,
            looks: 0,
            callers: vec![first],
            faulty: None,
            asked: 0,
            done: false,
            last_denied: None,
            forgotten: Vec::new(),
            ended: Vec::new(),
            impatient: false,
        }
    }

    /// All of its schedules limit how many versions run at once.
    pub(crate) fn mind_skew(&mut self) {
        let limited = SCHEDULES.iter().find(|schedule| schedule.versions.is_some());
        for (item, schedule) in self.items.iter_mut().zip(limited.into_iter().cycle()) {
            item.schedule = schedule;
        }
    }

    /// It goes to the newest version, with nothing in between.
    pub(crate) fn go_far(&mut self, fleet: &Fleet) {
        let item = |to| Item { to, schedule: &SCHEDULES[0], back_at: None, pause: false, faulty: false };
        self.items = (self.first + 1..fleet.versions()).map(item).collect();
    }

    /// What it does now.
    pub(crate) fn current(&self) -> Option<&Item> {
        self.items.get(self.item.min(self.items.len().saturating_sub(1)))
    }

    /// The plan, for whoever has to understand a failure.
    pub(crate) fn told(&self, fleet: &Fleet) -> String {
        let told = |item: &Item| {
            let end = item.back_at.map_or("finalize".to_owned(), |at| format!("back at {at}%"));
            let more =
                format!("{}{}", if item.pause { ", pause" } else { "" }, if item.faulty { ", faulty" } else { "" });
            format!("to {} by {:?}: {end}{more}", fleet.name(item.to), item.schedule.text.replace('\n', " "))
        };
        self.items.iter().map(told).collect::<Vec<_>>().join("\n  ")
    }

    /// What it waits for, when it does not come to its end.
    pub(crate) fn stuck(&self, world: &World) -> String {
        let status = world.leader().map(|leader| {
            let now = leader.clock.now(world.time);
            leader.core.upgrades(Which::Last(None), now).into_iter().next()
        });
        let nodes: Vec<String> = world
            .nodes
            .iter()
            .map(|node| {
                format!(
                    "{} at {} back {:?} {:?} up {} serve {} ways {:?} program {:?} failure {:?} stream {:?}",
                    node.name,
                    node.version,
                    node.back,
                    node.phase(),
                    node.is_up(),
                    node.serve,
                    node.ways,
                    node.program,
                    node.failure,
                    node.stream
                )
            })
            .collect();
        format!(
            "item {} of {} does not end; denied {:?};\n{status:#?}\n{}",
            self.item,
            self.items.len(),
            self.last_denied,
            nodes.join("\n")
        )
    }
}

/// What the coordinator answered.
pub(crate) fn answered(world: &mut World, _request: u64, answer: Result<Answer, Denied>) {
    match answer {
        Ok(Answer::Upgrade(status)) => {
            let told = status.upgrade.unwrap_or_default();
            let kept = world.upgrade().unwrap_or_default();
            // What was told may have gone on since, in the same commit.
            if kept.number < told.number || (kept.number == told.number && kept.changed < told.changed) {
                world
                    .checks
                    .fail("write-before-speak", &format!("an operator was told {told:?}, and {kept:?} is kept"));
            }
        }
        Ok(Answer::Retired(response)) => super::retirement::answered(world, &response),
        Ok(_) => {}
        Err(denied) => {
            world.note(|| format!("denied: {denied:?}"));
            world.operator.last_denied = Some(denied);
        }
    }
}

/// Looks at the status, and does what the plan, or trouble, asks for.
pub(crate) fn look(world: &mut World) {
    world.operator.looks += 1;
    callers_come(world);
    let Some(leader) = world.leader() else { return };
    let now = leader.clock.now(world.time);
    let status = leader.core.upgrades(Which::Last(Some(NAME)), now).into_iter().next();
    let nodes = leader.core.nodes(&wire::ListNodesRequest::default(), now).nodes;
    forget(world, &nodes);
    if nodes.is_empty() {
        return;
    }
    let Some(item) = world.operator.items.get(world.operator.item).cloned() else {
        return end(world, &nodes);
    };
    let Some(status) = status else { return start(world, &item) };
    let upgrade = status.upgrade.clone().unwrap_or_default();
    let number = upgrade.number;
    match upgrade.state() {
        UpgradeState::RolledBack | UpgradeState::Finalized if !world.operator.started => start(world, &item),
        state @ (UpgradeState::RolledBack | UpgradeState::Finalized) => {
            world.operator.faulty = None;
            world.operator.started = false;
            world.operator.ended.push((number, state));
            let as_meant = item.back_at.is_some() == (state == UpgradeState::RolledBack);
            if as_meant {
                world.operator.item += 1;
            } else {
                // A gate has taken it back: again, without what was wrong.
                let at = world.operator.item;
                world.operator.items[at].faulty = false;
            }
        }
        UpgradeState::Running => {
            let there = status.there * 100 / status.total.max(1);
            if item.back_at.is_some_and(|at| there >= at && at < 100) {
                return roll_back(world, number, Vec::new());
            }
            // One has come that cannot go with the others: another schedule will do.
            if status.waits_for.iter().any(|blocker| blocker.what.contains("(BARRIER)")) {
                return roll_back(world, number, Vec::new());
            }
            if item.pause && !world.operator.paused && status.there > 0 {
                world.operator.paused = true;
                return world.ask(Ask::Pause(wire::PauseUpgradeRequest { number, why: "a look".to_owned() }));
            }
            help(world, &status, false);
        }
        UpgradeState::Paused if item.faulty && upgrade.why.contains("gate") => roll_back(world, number, Vec::new()),
        UpgradeState::Paused => {
            if world.operator.looks.is_multiple_of(3) {
                world.ask(Ask::Resume(wire::ResumeUpgradeRequest { number, accept: Vec::new() }));
            }
        }
        UpgradeState::Complete if item.back_at.is_some() => roll_back(world, number, Vec::new()),
        UpgradeState::Complete => world.ask(Ask::Finalize(wire::FinalizeUpgradeRequest { number })),
        UpgradeState::RollingBack => help(world, &status, true),
        UpgradeState::Finalizing | UpgradeState::Unspecified => help(world, &status, false),
    }
}

fn roll_back(world: &mut World, number: u64, accept: Vec<String>) {
    let request = wire::RollBackUpgradeRequest { number, why: "planned".to_owned(), accept_loss: false, accept };
    world.ask(Ask::RollBack(request));
}

fn start(world: &mut World, item: &Item) {
    let leader = world.leader().expect("it was just there");
    let known = leader.core.protocol(NAME);
    let published = known.as_ref().map_or(0, |(protocol, _)| protocol.versions().len());
    let newest = world.fleet.name(item.to);
    let has = known
        .as_ref()
        .is_some_and(|(protocol, _)| protocol.versions().iter().any(|schema| schema.version().to_string() == newest));
    if !has {
        // The chain begins with the first step.
        let bundle = world.fleet.bundles[published.saturating_sub(1)].clone();
        let publication = Publication::new(bundle, known).expect("the bundle adjoins");
        return world.ask(Ask::Publish(publication));
    }
    let mut schedule = item.schedule.text.to_owned();
    if world.operator.impatient {
        schedule =
            schedule.replace("bake = \"20s\"", "bake = \"5s\"").replace("patience = \"20s\"", "patience = \"5s\"");
    }
    let request = wire::StartUpgradeRequest {
        protocol: NAME.to_owned(),
        to: newest,
        schedule,
        ..wire::StartUpgradeRequest::default()
    };
    let barrier = world.nodes.iter().all(|node| node.ways.contains(&Way::Barrier));
    if item.schedule.together && !barrier {
        let at = world.operator.item;
        world.operator.items[at].schedule = &SCHEDULES[0];
        return;
    }
    let plan = world.leader().map(|leader| leader.core.plan(&request, leader.clock.now(world.time)));
    let before = world.upgrade().map_or(0, |upgrade| upgrade.number);
    if plan.is_some_and(|plan| plan.is_err()) && !world.operator.looks.is_multiple_of(4) {
        return;
    }
    world.ask(Ask::Start(request));
    if world.upgrade().is_some_and(|upgrade| upgrade.number > before) {
        world.operator.started = true;
        world.operator.paused = false;
        world.operator.faulty = item.faulty.then_some(item.to);
    }
}

/// Does what the status says would help.
fn help(world: &mut World, status: &wire::UpgradeStatus, back: bool) {
    let number = status.upgrade.as_ref().map_or(0, |upgrade| upgrade.number);
    for blocker in status.waits_for.clone() {
        let accept: Vec<String> = blocker
            .advice
            .split("--accept \"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next().map(str::to_owned))
            .collect();
        let again = match blocker.rule.as_str() {
            "routes" => !accept.is_empty(),
            "minimum-serving" if blocker.advice.contains("out of service") => {
                take_out(world, &blocker.nodes[0]);
                false
            }
            "failed" => world.operator.looks.is_multiple_of(5),
            "program" => {
                for name in &blocker.nodes {
                    replace_program(world, name);
                }
                false
            }
            _ => false,
        };
        if again && back {
            return roll_back(world, number, accept);
        }
        if again {
            return world.ask(Ask::Resume(wire::ResumeUpgradeRequest { number, accept }));
        }
    }
}

/// A node is taken out of service for a minute: it is not missed when it goes.
fn take_out(world: &mut World, name: &str) {
    let Some(node) = world.nodes.iter().position(|node| node.name == name) else { return };
    if world.nodes[node].answers() {
        world.nodes[node].drained = true;
        world.report(node);
        world.after(60 * SECOND, super::world::Event::EndDrain(node));
    }
}

/// A program that is too old is replaced.
fn replace_program(world: &mut World, name: &str) {
    let newest = world.fleet.versions() - 1;
    let Some(node) = world.nodes.iter().position(|node| node.name == name) else { return };
    if world.nodes[node].is_up() && world.nodes[node].journal.is_none() && world.nodes[node].program.1 < newest {
        world.crash_node(node);
        world.nodes[node].program.1 = newest;
        world.after(2 * SECOND, super::world::Event::StartNode(node));
    }
}

/// Nodes that are gone are forgotten; now and then one that only seems so.
fn forget(world: &mut World, nodes: &[wire::NodeDescription]) {
    for node in nodes {
        let stored = node.node.clone().unwrap_or_default();
        let Some(index) = world.nodes.iter().position(|one| one.name == stored.node) else { continue };
        let gone = world.nodes[index].dead;
        let seems = !node.connected && world.time < FAULTS && world.random.u8(0..60) == 0;
        if !node.connected && !stored.forgotten && (gone || seems) {
            let (protocol, node) = (NAME.to_owned(), stored.node);
            world.operator.forgotten.push((index, world.time));
            world.out.remove(&index);
            world.first_there.retain(|_, (first, _)| *first != index);
            world.note(|| format!("the operator forgets {node}"));
            world.ask(Ask::Forget(wire::ForgetNodeRequest { protocol, node, anyway: true }));
        }
    }
}

/// Callers of newer versions come once somebody answers them.
fn callers_come(world: &mut World) {
    let mut newest = world.nodes.iter().filter(|node| node.is_up()).map(|node| node.version).max().unwrap_or(0);
    // Some have a program that is ahead of all nodes.
    if let Some(leader) = world.leader().filter(|_| world.operator.looks.is_multiple_of(7)) {
        newest = leader.core.protocol(NAME).map_or(newest, |(protocol, _)| protocol.versions().len() - 1);
    }
    let missing = (world.operator.first..=newest).find(|version| !world.operator.callers.contains(version));
    if let Some(version) = missing
        && world.random.u8(0..6) == 0
    {
        world.operator.callers.push(version);
    }
}

/// All upgrades are over; what was away has to come to where the others are.
fn end(world: &mut World, nodes: &[wire::NodeDescription]) {
    // Who retires by force has time for it when the last version runs everywhere.
    if world.time < if world.retirement.by_force { 3 * FAULTS } else { FAULTS } {
        return;
    }
    let Some(upgrade) = world.upgrade() else {
        world.operator.done = true;
        return;
    };
    let at = if upgrade.state() == UpgradeState::Finalized { &upgrade.to } else { &upgrade.from };
    let there = |node: &wire::NodeDescription| {
        let stored = node.node.as_ref();
        stored.is_some_and(|stored| stored.forgotten || (stored.version == *at && node.serving))
    };
    let all_there = nodes.iter().all(there);
    if all_there && super::retirement::rests(world, nodes) {
        world.operator.done = true;
    }
    for node in nodes.iter().filter(|node| !there(node)) {
        let name = node.node.as_ref().map(|node| node.node.clone()).unwrap_or_default();
        replace_program(world, &name);
    }
}
