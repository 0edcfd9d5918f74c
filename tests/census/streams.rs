//! Calls in many orders, also in such as nobody would make but to do harm.

const CALLS: u64 = 20_000;

/// By name: the keys that are called, one after the other.
pub(crate) fn streams() -> Vec<(&'static str, Vec<u64>)> {
    let mut random = fastrand::Rng::with_seed(4711);
    let mut skewed = || {
        // Half of all calls are the first one's, half of the rest the second one's, and so on; with a long tail.
        let halves = u64::from(random.u64(..).leading_zeros());
        if random.u8(..) < 64 { 1_000 + random.u64(..5_000) } else { halves }
    };
    let skewed = (0..CALLS).map(|_| skewed()).collect();
    let uniform = (0..CALLS).map(|_| random.u64(..3_000)).collect();
    vec![
        ("one", vec![1; 1000]),
        ("few", (0..CALLS).map(|call| call % 7).collect()),
        ("uniform", uniform),
        ("skewed", skewed),
        ("never the same", (0..CALLS).collect()),
        ("in turns, a few more than there are places", (0..CALLS).map(|call| call % 101).collect()),
        ("in turns, twice", (0..CALLS).map(|call| call / 2 % 1_001).collect()),
        // Who was there first is gone when it is called again.
        (
            "back and forth",
            (0..CALLS).map(|call| if call / 200 % 2 == 0 { call % 200 } else { 200 - call % 200 }).collect(),
        ),
        // Each is called as often as it takes to lie above the floor, and never again.
        ("just above the floor", rising()),
        ("a crowd, then one", (0..CALLS).map(|call| if call < CALLS / 2 { call } else { 1 }).collect()),
        ("one, then a crowd", (0..CALLS).map(|call| if call < CALLS / 2 { 1 } else { call }).collect()),
        ("one hidden in a crowd", (0..CALLS).map(|call| if call % 50 == 0 { 1 } else { 10 + call }).collect()),
    ]
}

fn rising() -> Vec<u64> {
    let mut stream = Vec::new();
    for key in 0.. {
        let times = 1 + stream.len() / 500;
        stream.extend(std::iter::repeat_n(key, times));
        if stream.len() > 20_000 {
            break;
        }
    }
    stream
}
