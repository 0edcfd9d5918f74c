//! Random work on records of several versions, with crashes at any moment, against a model.

pub(super) mod disk;
mod items;
mod world;

use world::World;

/// From which seed on, and how many worlds.
fn seeds() -> impl Iterator<Item = u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let first = number("STRADDLE_SEED").unwrap_or(1);
    first..first + number("STRADDLE_ROUNDS").unwrap_or(16)
}

#[test]
fn whatever_is_done_and_wherever_it_crashes_the_records_are_those_of_the_model() {
    let mut seen = world::Seen::default();
    for seed in seeds() {
        println!("seed {seed}");
        let mut world = World::new(seed);
        for _ in 0..40 {
            world.step();
            world.check();
        }
        seen.add(&world.seen);
    }
    println!("{seen:?}");
    // A run that does not come to these tells nothing.
    if std::env::var_os("STRADDLE_ROUNDS").is_none() {
        seen.is_enough();
    }
}
