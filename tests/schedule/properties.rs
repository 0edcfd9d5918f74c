//! What has to be so of any fleet and any schedule: fleets and schedules are made by chance, upgraded in a small world, and
//! watched. A case that fails is cut down by halves, and told with its seed.
//!
//! `STRADDLE_SCHEDULE_SEED=N` runs one case, `STRADDLE_SCHEDULE_CASES=N` so many.

use std::collections::{BTreeMap, BTreeSet};

use straddle::coordinator::schedule;
use straddle::coordinator::view::{NodeView, View};

use crate::fleet::{Is, SECOND, START, Said, ask_schedule, clock, new, node, old, view};

/// `SplitMix64`.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// A fleet, a schedule, and what happens.
#[derive(Clone, Debug)]
struct Case {
    seed: u64,
    /// Zone and role of each node.
    nodes: Vec<(u8, u8)>,
    parts: Vec<Part>,
    /// It is taken back after so many turns.
    back_after: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Rolling(u64, bool),
    Canary(Vec<u64>, u64),
    /// Stages of one node in each domain; there has to be a part of domains.
    CanaryInside(u64),
    Domains(u64),
    Roles,
    Random(u64),
    Window,
    Idle,
}

impl Case {
    fn of(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let count = match chance.below(4) {
            0 => chance.below(4) + 1,
            1 => chance.below(12) + 1,
            _ => chance.below(60) + 1,
        };
        let zones = chance.below(4) + 1;
        let nodes = (0..count)
            .map(|_| (chance.below(zones).try_into().unwrap_or(0), chance.below(3).try_into().unwrap_or(0)))
            .collect();
        let mut parts = Vec::new();
        if !chance.one_in(4) {
            let share = chance.one_in(2);
            parts.push(Part::Rolling(chance.below(if share { 100 } else { 8 }) + 1, share));
        }
        if chance.one_in(2) {
            let mut stages: BTreeSet<u64> = (0..=chance.below(3)).map(|_| chance.below(100) + 1).collect();
            stages.remove(&100);
            stages.insert(1);
            parts.push(Part::Canary(stages.into_iter().collect(), chance.below(1200)));
        }
        if parts.iter().all(|part| !matches!(part, Part::Canary(..))) && chance.one_in(4) {
            parts.push(Part::CanaryInside(chance.below(300)));
        } else if chance.one_in(2) {
            parts.push(Part::Domains(if chance.one_in(2) { 0 } else { chance.below(600) }));
        }
        if chance.one_in(3) {
            parts.push(Part::Roles);
        }
        if chance.one_in(3) {
            parts.push(Part::Random(if chance.one_in(2) { 0 } else { chance.below(120) }));
        }
        if chance.one_in(4) {
            parts.push(Part::Window);
        }
        if chance.one_in(4) {
            parts.push(Part::Idle);
        }
        let back_after = chance.one_in(3).then(|| chance.below(60));
        Self { seed, nodes, parts, back_after }
    }

    fn toml(&self) -> String {
        let mut above = String::new();
        let mut tables = String::new();
        for part in &self.parts {
            match part {
                Part::Rolling(nodes, false) => push(&mut tables, &format!("[rolling]\nat_once = {nodes}\n")),
                Part::Rolling(percent, true) => push(&mut tables, &format!("[rolling]\nat_once = '{percent}%'\n")),
                Part::Canary(stages, bake) => {
                    let stages: Vec<String> = stages.iter().map(|stage| format!("'{stage}%'")).collect();
                    push(&mut tables, &format!("[canary]\nstages = [{}]\nbake = '{bake}s'\n", stages.join(", ")));
                }
                Part::CanaryInside(bake) => {
                    push(
                        &mut tables,
                        &format!("[domains]\n[canary]\nstages = [1]\nbake = '{bake}s'\nin_each_domain = true\n"),
                    );
                }
                Part::Domains(bake) => push(&mut tables, &format!("[domains]\nbake = '{bake}s'\norder = ['z2']\n")),
                Part::Roles => tables += "[roles]\norder = ['r1', 'r0']\n",
                Part::Random(jitter) => push(&mut tables, &format!("[random]\njitter = '{jitter}s'\n")),
                Part::Window => above += "window = ['02:30-03:00 Europe/Berlin', 'Sat 13:00-23:00 UTC']\n",
                Part::Idle => tables += "[idle]\nbelow = 5\n",
            }
        }
        above + &tables
    }

    fn fleet(&self) -> View {
        let of = |(at, (zone, role)): (usize, &(u8, u8))| {
            node(&format!("n{at:03}")).labelled("zone", &format!("z{zone}")).labelled("role", &format!("r{role}"))
        };
        view(self.nodes.iter().enumerate().map(of))
    }

    /// Smaller cases, the smallest first.
    fn halves(&self) -> Vec<Self> {
        let mut smaller = Vec::new();
        let (nodes, parts) = (self.nodes.len(), self.parts.len());
        for range in [0..nodes / 2, nodes / 2..nodes, 0..nodes.saturating_sub(1)] {
            if !range.is_empty() && range.len() < nodes {
                smaller.push(Self { nodes: self.nodes[range].to_vec(), ..self.clone() });
            }
        }
        for range in [0..parts / 2, parts / 2..parts, 0..parts.saturating_sub(1), 1.min(parts)..parts] {
            if range.len() < parts {
                smaller.push(Self { parts: self.parts[range].to_vec(), ..self.clone() });
            }
        }
        if self.back_after.is_some() {
            smaller.push(Self { back_after: None, ..self.clone() });
        }
        smaller
    }

    /// Runs the upgrade to its end.
    fn check(&self) -> Result<(), String> {
        let toml = self.toml();
        let scheduling = schedule::parse(&toml).map_err(|error| error.to_string())?;
        let mut world = World {
            case: self,
            view: self.fleet(),
            now: START * SECOND,
            chance: Chance(!self.seed),
            baked: BTreeMap::new(),
            gone: 0,
        };
        for turn in 0..100_000 {
            if self.back_after == Some(turn) {
                world.turn_back();
            }
            let clock = clock(world.now);
            let said = ask_schedule(&*scheduling.schedule, &world.view, clock, self.seed);
            pure(&said, &ask_schedule(&*scheduling.schedule, &world.other_order(), clock, self.seed))?;
            world.follow(&said)?;
            if world.view.nodes.iter().all(|node| !node.moving && world.view.is_there(node) && node.serving) {
                return Ok(());
            }
            world.live(&said)?;
        }
        Err("it does not come to an end".to_owned())
    }
}

struct World<'a> {
    case: &'a Case,
    view: View,
    now: u64,
    chance: Chance,
    /// When each stage of the canary was reached, by how many nodes.
    baked: BTreeMap<usize, u64>,
    gone: usize,
}

impl World<'_> {
    fn turn_back(&mut self) {
        self.view.back = true;
        self.gone = 0;
    }

    /// The same view, with what has no order in another one.
    fn other_order(&self) -> View {
        let mut view = self.view.clone();
        view.let_go.reverse();
        for node in &mut view.nodes {
            node.ways.reverse();
            node.phase = straddle::control::v1_0_0::Phase::Finalizing;
        }
        view.upgrade += 1;
        view
    }

    /// Lets nodes go, and holds what the schedule said against what it must not say.
    fn follow(&mut self, said: &Said) -> Result<(), String> {
        for (name, (why, until)) in &said.waits {
            if why.is_empty() || until.is_some_and(|until| until <= self.now) {
                return Err(format!("{name} waits for `{why}` until {until:?}, and it is {}", self.now));
            }
        }
        for name in &said.goes {
            self.may_go(name)?;
            let node = self.find(name).ok_or("an unknown node goes")?;
            if node.moving {
                return Err(format!("{name} goes again"));
            }
            (node.moving, node.serving) = (true, false);
            self.gone += 1;
        }
        self.view.marks.extend(said.marks.clone());
        Ok(())
    }

    fn find(&mut self, name: &str) -> Option<&mut NodeView> {
        self.view.nodes.iter_mut().find(|node| node.name == name)
    }

    /// Whether the rules of this schedule, put in other words, let a node go now.
    fn may_go(&self, name: &str) -> Result<(), String> {
        let view = &self.view;
        let node = view.nodes.iter().find(|node| node.name == name).ok_or("an unknown node goes")?;
        let settled =
            |node: &&NodeView| view.is_there(node) && !node.moving && (node.serving || node.moved < view.started);
        let all = view.nodes.len();
        let busy = view
            .nodes
            .iter()
            .filter(|node| node.moving || view.is_there(node) && !node.serving && node.moved >= view.started)
            .count();
        let rolling = self.case.parts.iter().find_map(|part| match part {
            Part::Rolling(nodes, false) => usize::try_from(*nodes).ok(),
            Part::Rolling(percent, true) => Some((all * usize::try_from(*percent).ok()? / 100).max(1)),
            _ => None,
        });
        let most = rolling.unwrap_or(1);
        if busy >= most {
            return Err(format!("{name} goes as one more than {most} at once"));
        }
        for part in &self.case.parts {
            match part {
                Part::Canary(stages, bake) if !view.back => {
                    let begun = view.nodes.iter().filter(|node| node.moving || view.is_there(node)).count();
                    for stage in stages {
                        let wanted = (all * usize::try_from(*stage).unwrap_or(0)).div_ceil(100);
                        let reached = self.baked.get(&wanted);
                        let baked = reached.is_some_and(|at| self.now >= at + bake * SECOND);
                        if begun >= wanted && !baked {
                            return Err(format!(
                                "{name} goes before the stage of {wanted} has baked since {reached:?}"
                            ));
                        }
                    }
                }
                Part::Domains(_) | Part::CanaryInside(_) => {
                    let first = matches!(part, Part::Domains(_));
                    let roles = self.case.parts.contains(&Part::Roles);
                    let rank = |node: &NodeView| {
                        let zone = match &*node.labels["zone"] {
                            "z2" if first => String::new(),
                            zone => zone.to_owned(),
                        };
                        (if roles { role(node) } else { 0 }, zone)
                    };
                    self.before(node, name, settled, rank)?;
                }
                Part::Roles => self.before(node, name, settled, role)?,
                Part::Idle if !view.back && node.running >= 5 => return Err(format!("{name} goes while calls run")),
                Part::Window if !view.back => {
                    // The other window is tested by cases.
                    let minute = self.now / SECOND / 60 % (24 * 60);
                    if !(13 * 60..23 * 60).contains(&minute) && !(30..120).contains(&minute) {
                        return Err(format!("{name} goes outside of its window, at minute {minute}"));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// All of the groups before its own have settled.
    fn before<R: Ord>(
        &self,
        node: &NodeView,
        name: &str,
        settled: impl Fn(&&NodeView) -> bool,
        rank: impl Fn(&NodeView) -> R,
    ) -> Result<(), String> {
        let own = rank(node);
        let before = |other: &&NodeView| if self.view.back { rank(other) > own } else { rank(other) < own };
        match self.view.nodes.iter().filter(before).find(|other| !settled(other)) {
            Some(other) => Err(format!("{name} goes before {}", other.name)),
            None => Ok(()),
        }
    }

    /// Time goes on, nodes come, some of them serve only later, calls come and go.
    fn live(&mut self, said: &Said) -> Result<(), String> {
        let busy = self.view.nodes.iter().any(|node| node.moving || !node.serving || node.running > 0);
        let next = said.waits.values().filter_map(|(_, until)| *until).min();
        if !busy {
            // Nothing will change but the time: it has to be told when.
            let next = next.ok_or_else(|| format!("nothing goes, and nobody says until when: {:?}", said.waits))?;
            self.now = self.now.max(next);
        }
        self.now += self.chance.below(20) * SECOND + 1;
        let target = if self.view.back { old() } else { new() };
        for at in 0..self.view.nodes.len() {
            let (comes, serves, calls) = (self.chance.one_in(3), !self.chance.one_in(4), self.chance.below(8));
            let node = &mut self.view.nodes[at];
            if node.moving && comes {
                (node.version, node.moved, node.moving, node.serving) = (target.clone(), self.now, false, serves);
            } else if !node.moving && !node.serving && serves {
                node.serving = true;
            }
            node.running = if calls < 6 { 0 } else { calls };
        }
        let settled =
            self.view.nodes.iter().filter(|node| !node.moving && node.version == new() && node.serving).count();
        if !self.view.back {
            let now = self.now;
            for count in 1..=settled {
                // When the last of them came, which may be before it served.
                let mut came: Vec<u64> = self
                    .view
                    .nodes
                    .iter()
                    .filter(|node| !node.moving && node.version == new() && node.serving)
                    .map(|node| node.moved)
                    .collect();
                came.sort_unstable();
                self.baked.entry(count).or_insert(came[count - 1].min(now));
            }
        }
        Ok(())
    }
}

fn role(node: &NodeView) -> usize {
    ["r1", "r0"].iter().position(|role| *role == &*node.labels["role"]).unwrap_or(9)
}

fn shrunk(case: Case, why: String) -> (Case, String) {
    let (mut case, mut why) = (case, why);
    while let Some((smaller, told)) =
        case.halves().into_iter().find_map(|smaller| smaller.check().err().map(|told| (smaller, told)))
    {
        (case, why) = (smaller, told);
    }
    (case, why)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn any_fleet_is_gone_through_and_no_rule_is_broken_on_the_way() {
    let one = number("STRADDLE_SCHEDULE_SEED");
    let cases = number("STRADDLE_SCHEDULE_CASES").unwrap_or(300);
    for seed in one.map_or(0..cases, |seed| seed..seed + 1) {
        let case = Case::of(seed);
        if let Err(why) = case.check() {
            let (case, why) = shrunk(case, why);
            panic!("STRADDLE_SCHEDULE_SEED={seed}: {why}\n{case:?}\n{}", case.toml());
        }
    }
}

#[test]
fn a_case_that_fails_is_cut_down() {
    let mut case = Case::of(11);
    case.nodes = vec![(0, 0); 40];
    case.parts = vec![Part::Roles, Part::Rolling(3, false), Part::Domains(0)];
    // Something that is wrong of any case with a node in it and a rolling part.
    let wrong = |case: &Case| case.parts.contains(&Part::Rolling(3, false)) && !case.nodes.is_empty();
    while let Some(smaller) = case.halves().into_iter().find(wrong) {
        case = smaller;
    }
    assert_eq!((case.nodes.len(), case.parts.len()), (1, 1));
}

fn push(text: &mut String, more: &str) {
    text.push_str(more);
}

fn pure(said: &Said, again: &Said) -> Result<(), String> {
    if said == again { Ok(()) } else { Err(format!("asked twice, it says {said:?} and {again:?}")) }
}
