//! The coordinator and its agents in a simulated world: a network that delays, repeats and breaks, processes that crash, clocks
//! that do not agree; many plans, each made of a seed and the same whenever it is run.
//!
//! ```console
//! $ STRADDLE_SEED=17 cargo test --test simulation -- --nocapture     # one seed, with all that happens in it
//! $ STRADDLE_SEEDS=10000 cargo test --test simulation                # so many
//! ```
#![cfg(feature = "cli")]

mod census;
mod checks;
mod clock;
mod coordinators;
mod database;
mod doors;
#[path = "../support/folder.rs"]
mod folder;
mod learning;
mod life;
mod node;
mod operator;
mod protocol;
mod retirement;
mod world;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use straddle::coordinator::core::Invariants;

use clock::SECOND;
use protocol::Fleet;
use retirement::Broken;
use world::World;

/// What happens in a usual run, so that it is not left out by chance.
const HAPPENS: [&str; 14] = [
    "found",
    "got ready",
    "stopped",
    "retired",
    "not retired",
    "told of retirement by the disk",
    "browned out",
    "browned out by the disk",
    "went on to its end",
    "objects went",
    "killed",
    "unknown and not written",
    "unknown and written",
    "without power",
];
/// Seeds of a usual run.
const SEEDS: u64 = 50;
/// Seeds among which each invariant that is turned off is noticed.
const NOTICED_WITHIN: u64 = 400;
/// When faults have ended, and some time beyond it, all plans have to be at their end.
const UNTIL: u64 = 4 * 60 * 60 * SECOND;

static FLEET: LazyLock<Fleet> = LazyLock::new(Fleet::new);

/// Runs a seed; how it failed, with all that happened.
fn run(seed: u64, invariants: Invariants) -> Result<World, (String, World)> {
    run_prepared(seed, invariants, |_| {})
}

fn run_prepared(seed: u64, invariants: Invariants, prepare: fn(&mut World)) -> Result<World, (String, World)> {
    let mut world = World::new(&FLEET, seed, invariants);
    prepare(&mut world);
    match world.run(UNTIL) {
        Ok(()) => Ok(world),
        Err(why) => Err((why, world)),
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

fn told(why: &str, world: &World) -> String {
    let last = world.trace.len().saturating_sub(150);
    let plan = world.operator.told(world.fleet);
    let nodes = world.nodes.len();
    format!(
        "STRADDLE_SEED={} {why}\nplan, of {nodes} nodes from {}:\n  {plan}\n{}",
        world.seed,
        world.fleet.name(world.operator.first),
        world.trace[last..].join("\n")
    )
}

#[test]
fn every_plan_keeps_what_has_to_hold_and_comes_to_its_end() {
    if let Some(seed) = number("STRADDLE_SEED") {
        match run(seed, Invariants::default()) {
            Ok(world) => println!("{}", told("is fine", &world)),
            Err((why, world)) => panic!("{}", told(&why, &world)),
        }
        return;
    }
    let seeds = number("STRADDLE_SEEDS").unwrap_or(SEEDS);
    let first = number("STRADDLE_FIRST_SEED").unwrap_or(0);
    let (mut back, mut ended, mut events) = (0, 0, 0);
    let mut failed: Vec<(String, World)> = Vec::new();
    let mut tally: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in first..first + seeds {
        if failed.len() >= 10 {
            break;
        }
        match run(seed, Invariants::default()) {
            Ok(world) => {
                let rolled_back = straddle::control::v1_0_0::UpgradeState::RolledBack;
                back += u64::from(world.operator.ended.iter().any(|(_, state)| *state == rolled_back));
                ended += world.operator.ended.len();
                events += world.handled;
                world.store.tally.iter().for_each(|(what, times)| *tally.entry(what).or_default() += times);
            }
            Err((why, world)) => failed.push((why, world)),
        }
    }
    if let Some((why, world)) = failed.first() {
        let all: Vec<String> = failed.iter().map(|(why, world)| format!("{}: {:.80}", world.seed, why)).collect();
        panic!("{}\n{} of {seeds} seeds fail:\n{}", told(why, world), failed.len(), all.join("\n"));
    }
    println!("{seeds} seeds: {ended} upgrades came to their end, {back} plans took something back, {events} events");
    println!("{tally:?}");
    assert!((first, seeds) != (0, SEEDS) || HAPPENS.iter().all(|what| tally.contains_key(what)), "{tally:?}");
    assert!(seeds < 20 || back * 2 > seeds, "only {back} of {seeds} plans took something back");
}

#[test]
fn a_seed_is_the_same_each_time() {
    let trace = |seed| match run(seed, Invariants::default()) {
        Ok(world) | Err((_, world)) => world.trace,
    };
    for seed in 0..6 {
        assert_eq!(trace(seed), trace(seed), "seed {seed}");
    }
}

/// The first seed that notices, by the check that has to.
fn noticed(invariants: Invariants, by: &[&str]) {
    noticed_prepared(invariants, by, |_| {});
}

fn noticed_prepared(invariants: Invariants, by: &[&str], prepare: fn(&mut World)) {
    let mut others = Vec::new();
    for seed in 0..NOTICED_WITHIN {
        if let Err((why, _)) = run_prepared(seed, invariants, prepare) {
            if by.iter().any(|by| why.starts_with(by)) {
                println!("seed {seed}: {why}");
                return;
            }
            others.push((seed, why));
        }
    }
    panic!("no seed below {NOTICED_WITHIN} notices by {by:?}; others: {others:?}");
}

#[test]
fn without_minimum_serving_somebody_notices() {
    noticed(Invariants { minimum_serving: false, ..Invariants::default() }, &["minimum-serving"]);
}

#[test]
fn without_the_limit_of_skew_somebody_notices() {
    // Plans that limit it, in fleets to which nodes come that are behind.
    noticed_prepared(Invariants { skew: false, ..Invariants::default() }, &["skew"], World::mind_skew);
}

#[test]
fn without_the_proof_of_routes_somebody_notices() {
    noticed(Invariants { routes: false, ..Invariants::default() }, &["routes"]);
}

#[test]
fn without_outstanding_permits_somebody_notices() {
    let by = ["outstanding-permits", "minimum-serving"];
    noticed(Invariants { outstanding_permits: false, ..Invariants::default() }, &by);
}

#[test]
fn without_bringing_nodes_up_before_they_serve_somebody_notices() {
    noticed(Invariants { catching_up: false, ..Invariants::default() }, &["catching-up"]);
}

#[test]
fn without_answers_to_what_nodes_ask_for_somebody_notices_what_they_do_not_learn() {
    noticed_prepared(Invariants::default(), &["learning"], |world| world.deaf = true);
}

#[test]
fn without_a_bake_somebody_notices() {
    noticed_prepared(Invariants::default(), &["bake"], |world| world.operator.impatient = true);
}

#[test]
fn without_syncs_somebody_notices_what_is_lost() {
    noticed_prepared(Invariants::default(), &["durability"], |world| world.store.lies = true);
}

#[test]
fn without_the_fence_somebody_notices() {
    noticed(Invariants { fence: false, ..Invariants::default() }, &["fence"]);
}

#[test]
fn with_batches_of_the_census_that_count_twice_somebody_notices() {
    noticed(Invariants { census_once: false, ..Invariants::default() }, &["census: "]);
}

#[test]
fn without_gaps_in_the_census_somebody_notices() {
    noticed(Invariants { census_gaps: false, ..Invariants::default() }, &["census-gap"]);
}

#[test]
fn without_the_guard_time_somebody_notices() {
    noticed(Invariants { retire_guard: false, ..Invariants::default() }, &["retire-guard"]);
}

#[test]
fn with_goals_that_finalize_too_much_somebody_notices() {
    noticed_prepared(Invariants::default(), &["finality"], |world| world.hasty = true);
}

/// The first seed that notices what nodes do wrong.
macro_rules! noticed_where_nodes {
    ($($name:ident: $broken:ident, $by:expr;)*) => {$(
        #[test]
        fn $name() {
            noticed_prepared(Invariants::default(), &$by, |world| {
                world.with_broken_nodes(Broken::$broken);
            });
        }
    )*};
}

noticed_where_nodes! {
    with_nodes_that_forget_what_is_retired_somebody_notices: Forgets, ["brown-out", "retired-calls"];
    with_nodes_that_only_say_that_it_is_in_force_somebody_notices: Lies, ["brown-out", "retired-calls"];
    with_brownouts_that_are_not_taken_back_somebody_notices: Clings, ["brown-out"];
    with_brownouts_by_another_clock_somebody_notices: Clock, ["brown-out"];
    with_objects_that_are_closed_under_calls_somebody_notices: Closes, ["retire-race"];
    with_a_node_that_is_never_told_somebody_notices: Untold, ["retired-at-last"];
}
