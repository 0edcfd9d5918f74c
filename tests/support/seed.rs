//! Where randomness of a test starts, and how much of it there is.

/// The seed of a run: `STRADDLE_SEED`, or `usual`; printed so that a run can be had again.
pub(crate) fn seed_or(usual: u64) -> u64 {
    let given = std::env::var("STRADDLE_SEED").ok();
    let seed = given.map_or(usual, |seed| seed.parse().expect("STRADDLE_SEED is a number"));
    println!("STRADDLE_SEED={seed}");
    seed
}

/// How many rounds: `STRADDLE_ROUNDS`, or `usual`.
pub(crate) fn rounds(usual: usize) -> usize {
    let given = std::env::var("STRADDLE_ROUNDS").ok();
    given.map_or(usual, |rounds| rounds.parse().expect("STRADDLE_ROUNDS is a number"))
}
