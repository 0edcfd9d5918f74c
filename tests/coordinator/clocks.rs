//! What takes a while is counted in time that a coordinator has watched: whatever a wall clock does, everything happens when it
//! would have happened.

use straddle::control::v1_0_0 as wire;
use straddle::control::v1_0_0::UpgradeState;
use straddle::coordinator::core::Now;

use crate::bench::{self, Bench, SECOND};
use crate::start;

const HOUR: u64 = 3_600 * SECOND;
/// How much of its watch a coordinator may lose when it dies while an upgrade is under way.
const LOST: u64 = 10 * SECOND;
const CANARY: &str = "[canary]\nstages = [1]\nbake = '60s'\n[rolling]\nat_once = '100%'\n[limits]\nminimum_serving = 0\n\
                      [gates]\nstandard = false\n";

/// Schedules in which something takes its time, and none of it depends on the hours of a day.
const SLOW: [&str; 5] = [
    // The gates have too few calls to judge, and wait for more.
    "",
    "[canary]\nstages = [1, '50%']\nbake = '40s'\n[rolling]\nat_once = 2\n[gates]\npatience = '30s'\n",
    "[domains]\nlabel = 'zone'\nbake = '50s'\n[rolling]\nat_once = 3\n[gates]\nstandard = false\n",
    "[random]\njitter = '45s'\n[rolling]\nat_once = 2\n[gates]\nstandard = false\n",
    "[canary]\nstages = [1]\nbake = '2m'\n[random]\njitter = '20s'\n[gates]\npatience = '70s'\n",
];

/// A fleet that is upgraded, and coordinators that die, second by second.
struct World {
    bench: Bench,
    /// Seconds since it began.
    second: u64,
    nodes: Vec<One>,
    number: u64,
    /// Who was permitted when.
    went: Vec<(u64, usize)>,
}

/// A node.
#[derive(Clone, Copy)]
struct One {
    session: u64,
    upgraded: bool,
    /// The permit under which it moves, and the second at which that ends.
    moves: Option<(u64, u64)>,
}

impl One {
    fn version(self) -> &'static str {
        if self.upgraded { "2.0.0" } else { "1.0.0" }
    }
}

impl World {
    fn new(nodes: u64, schedule: &str) -> Self {
        let mut bench = Bench::new();
        bench.publish(0);
        let nodes: Vec<One> = (1..=nodes).map(|session| One { session, upgraded: false, moves: None }).collect();
        for One { session, .. } in &nodes {
            bench.hello_in(*session, &name(*session), "1.0.0", zone(*session));
        }
        let number = bench.start(start("2.0.0", schedule)).expect("it starts");
        Self { bench, second: 0, nodes, number, went: Vec::new() }
    }

    /// A second passes, in which the clock on the wall is set by so much.
    fn pass(&mut self, jump: i64) {
        self.second += 1;
        let now = self.bench.now;
        self.bench.set(Now::new(now.monotonic + SECOND, now.wall.saturating_add(SECOND).saturating_add_signed(jump)));
        for node in 0..self.nodes.len() {
            self.live(node);
        }
    }

    fn live(&mut self, node: usize) {
        let one = self.nodes[node];
        let session = one.session;
        if let Some((permit, until)) = one.moves {
            if until <= self.second {
                self.nodes[node] = One { upgraded: true, moves: None, ..one };
                self.bench.ended(session, permit, "2.0.0", None);
            }
            return;
        }
        self.bench.report(session, bench::report(one.version()));
        if one.upgraded {
            return;
        }
        self.bench.request(session, self.second, self.number, "1.0.0", "2.0.0");
        for (node, one) in self.nodes.iter_mut().enumerate().filter(|(_, one)| !one.upgraded && one.moves.is_none()) {
            if let Some(permit) = self.bench.permit(one.session) {
                one.moves = Some((permit.permit, self.second + 2));
                self.went.push((self.second, node));
            }
        }
    }

    /// The coordinator dies; another one begins on another machine, with clocks of its own. Nodes that move go on with it.
    fn restart(&mut self, now: Now) {
        self.bench.now = now;
        self.bench.restart();
        for one in &mut self.nodes {
            one.session += 1_000;
            let moving_to = if one.moves.is_some() { "2.0.0" } else { "" }.to_owned();
            let permit = one.moves.map_or(0, |(permit, _)| permit);
            let report = wire::Report { moving_to, permit, ..bench::report(one.version()) };
            self.bench.hello_again(one.session, &name(one.session), zone(one.session), report);
        }
    }

    fn is_complete(&self) -> bool {
        self.bench.state(self.number) == UpgradeState::Complete
    }
}

fn name(session: u64) -> String {
    format!("node-{}", session % 1_000)
}

fn zone(session: u64) -> &'static str {
    ["a", "b"][usize::try_from(session % 2).expect("one or none")]
}

/// A clock that is set now and then, by seconds or by years.
fn jumps(random: &mut fastrand::Rng) -> i64 {
    if random.u8(0..10) > 0 {
        return 0;
    }
    let largest = [5, 3_600, 86_400 * 30, 86_400 * 365 * 20][random.usize(0..4)];
    random.i64(-largest..=largest) * 1_000_000
}

/// Who went when, with a coordinator that dies at some of the seconds, and with this clock on the wall.
fn went(seed: u64, jump: fn(&mut fastrand::Rng) -> i64) -> Vec<(u64, usize)> {
    let mut random = fastrand::Rng::with_seed(seed);
    let schedule = SLOW[random.usize(0..SLOW.len())];
    let mut world = World::new(random.u64(2..7), schedule);
    let dies: Vec<u64> = (0..random.usize(0..4)).map(|_| random.u64(1..300)).collect();
    let mut clock = fastrand::Rng::with_seed(!seed);
    while !world.is_complete() {
        assert!(world.second < 3_000, "seed {seed}: {schedule:?} does not come to its end; so far {:?}", world.went);
        world.pass(jump(&mut clock));
        if dies.contains(&world.second) {
            let wall = world.bench.now.wall.saturating_add_signed(jump(&mut clock));
            world.restart(Now::new(random.u64(0..HOUR), wall));
        }
    }
    world.went
}

#[test]
fn whatever_the_clock_on_the_wall_does_the_same_nodes_go_at_the_same_times() {
    for seed in 0..40 {
        let (right, wrong) = (went(seed, |_| 0), went(seed, jumps));
        assert!(right.len() > 1, "seed {seed}");
        assert_eq!(right, wrong, "seed {seed}");
    }
}

/// The first node goes at once, and the others when it has baked.
fn baked(between: impl Fn(&mut World)) -> u64 {
    let mut world = World::new(3, CANARY);
    while world.went.is_empty() {
        world.pass(0);
    }
    for _ in 0..30 {
        world.pass(0);
    }
    between(&mut world);
    while world.went.len() < 2 {
        assert!(world.second < 1_000, "nobody else goes");
        world.pass(0);
    }
    world.went[1].0 - world.went[0].0
}

#[test]
fn a_bake_goes_on_after_a_time_without_a_coordinator_which_does_not_count() {
    let as_ever = baked(|_| {});
    // Two seconds of its move, and a minute.
    assert!((62..=64).contains(&as_ever), "{as_ever}");
    for downtime in [0, 20, 86_400 * 3] {
        let restarted = baked(|world| {
            let wall = world.bench.now.wall + downtime * SECOND;
            world.restart(Now::new(7 * HOUR, wall));
        });
        let most = as_ever + LOST / SECOND + 1;
        assert!((as_ever..=most).contains(&restarted), "{restarted} after {downtime} s, and {as_ever} without");
    }
}

/// The simulation found it: a plan stood still for as long as the clock had jumped.
#[test]
fn a_gate_that_waits_for_calls_waits_no_longer_when_the_clock_is_set_back() {
    let mut world = World::new(2, "");
    while world.went.is_empty() {
        world.pass(0);
    }
    world.pass(0);
    world.pass(-6_718 * 1_000_000);
    while world.went.len() < 2 {
        assert!(world.second < 1_000, "nobody else goes");
        world.pass(0);
    }
    // Two seconds of the first one's move, and the patience of the standard gates.
    let later = world.went[1].0 - world.went[0].0;
    assert!((122..=124).contains(&later), "{later}");
}

#[test]
fn a_clock_that_is_set_ahead_forgets_no_caller() {
    let mut bench = Bench::new();
    (0..2).for_each(|step| bench.publish(step));
    bench.hello(1, "a", "2.0.0");
    bench.calls(1, "2.0.0", "shop.v1.Shop.Legacy");
    let free = "[limits]\nminimum_serving = 0\n[gates]\nstandard = false\n";
    let number = bench.start(start("3.0.0", free)).expect("it starts");
    let waits = |bench: &mut Bench| {
        bench.report(1, bench::report("2.0.0"));
        bench.request(1, bench.now.monotonic, number, "2.0.0", "3.0.0");
        bench.status(number).waits_for.first().map(|blocker| blocker.rule.clone())
    };
    assert_eq!(waits(&mut bench).as_deref(), Some("routes"));
    let now = bench.now;
    bench.set(Now::new(now.monotonic + SECOND, now.wall + 365 * 24 * HOUR));
    assert_eq!(waits(&mut bench).as_deref(), Some("routes"));
    // A week later nobody has called it, and somebody was there to see that.
    bench.set(Now::new(now.monotonic + 169 * HOUR, now.wall));
    waits(&mut bench);
    assert!(bench.permit(1).is_some(), "{:#?}", bench.status(number).waits_for);
}
