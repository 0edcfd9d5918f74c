//! What the census takes, however many nodes tell it and whatever they say: places, records, and turns.

use straddle::control::v1_0_0 as wire;
use straddle::control::v1_0_0::{from_agent, to_agent};
use straddle::coordinator::core::{Input, Session};
use straddle::coordinator::database::Write;

use super::bench::{Bench, SECOND};
use super::counting::{all, batch, calls, fleet, hello, node, tell};

/// A batch in which each of these callers has called once.
fn by(number: u64, callers: impl Iterator<Item = String>) -> wire::Census {
    let one = batch(number, 1);
    let caller = |caller| wire::CallerCalls { caller, ..one.callers[0].clone() };
    wire::Census { callers: callers.map(caller).collect(), ..one }
}

fn said(session: u64, census: wire::Census) -> Input {
    Input::Said(Session(session), wire::FromAgent { message: Some(from_agent::Message::Census(census)) })
}

fn keys(writes: &[Write]) -> Vec<String> {
    writes.iter().map(|write| String::from_utf8(write.key().to_vec()).expect("text")).collect()
}

#[test]
fn callers_have_a_bounded_number_of_places_and_names_of_a_bounded_length() {
    let mut bench = fleet();
    hello(&mut bench, 1, "a", "one");
    for number in 0..10 {
        tell(&mut bench, 1, by(number + 1, (0..48).map(|caller| format!("caller {number} {caller}"))));
        let service = &all(&bench).services[0];
        assert!(service.callers.len() <= 256);
        // Whoever has no place has called no more often than that.
        assert!(service.callers.len() == 48 * (usize::try_from(number).expect("few") + 1) || service.callers_floor > 0);
    }
    let mut bench = fleet();
    hello(&mut bench, 1, "a", "one");
    tell(&mut bench, 1, by(1, ["x".repeat(128), "y".repeat(129)].into_iter()));
    assert_eq!(all(&bench).services[0].callers.iter().map(|one| one.caller.len()).collect::<Vec<_>>(), [128]);
}

#[test]
fn what_a_batch_says_beyond_the_limits_is_not_looked_at() {
    let mut bench = fleet();
    hello(&mut bench, 1, "a", "one");
    tell(&mut bench, 1, by(1, (0..200).map(|caller| format!("caller {caller}"))));
    assert_eq!((all(&bench).services[0].callers.len(), calls(&bench)), (48, (1, 48)));
    let mut long = batch(2, 1);
    long.methods = vec![long.methods[0].clone(); 121];
    long.methods[120].method = "shop.v1.Shop.Legacy".to_owned();
    tell(&mut bench, 1, long);
    let rows: Vec<_> = all(&bench).services[0].rows.iter().map(|row| (row.method.clone(), row.begun)).collect();
    assert_eq!(rows, [("Get".to_owned(), 121)]);
}

#[test]
fn gaps_of_a_node_are_bounded_and_none_is_lost() {
    let mut bench = fleet();
    for program in 0..40 {
        hello(&mut bench, program + 1, "a", &format!("program {program}"));
        tell(&mut bench, program + 1, batch(1, 1));
        bench.pass(60 * SECOND);
    }
    let node = node(&bench, "a");
    assert_eq!(node.gaps.len(), 32);
    assert!(node.gaps[0].why.starts_with("several times"), "{}", node.gaps[0].why);
    assert!(node.gaps[0].until_watched - node.gaps[0].from_watched > 7 * 40 * SECOND, "it has all of the first ones");
}

#[test]
fn what_many_nodes_tell_of_a_service_is_written_once_with_the_numbers_of_their_batches() {
    let mut bench = fleet();
    for session in 1..=50 {
        hello(&mut bench, session, &format!("node-{session:02}"), "one");
    }
    for session in 1..=50 {
        let input = said(session, batch(1, 2));
        assert!(bench.core.has_room_for(&input));
        bench.core.handle(input, bench.now);
    }
    let effects = bench.core.take();
    let keys = keys(&effects.writes);
    assert_eq!(keys[0], "straddle/census/shop/1.0.0/shop.v1.Shop", "counts stand before what says that they are taken");
    assert!(keys.len() == 51 && keys[1..].iter().all(|key| key.starts_with("straddle/census-nodes/shop/node-")));
    assert_eq!(effects.outputs.len(), 50);
    assert_eq!(calls(&bench), (100, 100));
}

#[test]
fn no_more_is_gathered_than_one_transaction_holds_whatever_comes_next() {
    let mut bench = fleet();
    for session in 1..=200 {
        hello(&mut bench, session, &format!("node-{session:03}"), "one");
    }
    let mut gathered = 0;
    for session in 1..=200 {
        let mut long = batch(1, 2);
        long.methods = vec![long.methods[0].clone(); 60];
        let input = said(session, long);
        if !bench.core.has_room_for(&input) {
            assert!(bench.core.take().writes.len() <= 127);
            gathered += 1;
        }
        bench.core.handle(input, bench.now);
    }
    assert_eq!(gathered, 3, "of the 126 records 62 are kept for what a batch may change at most");
    // Operators may change anything.
    let ask = wire::PauseUpgradeRequest::default();
    let asked = Input::Asked(
        straddle::coordinator::core::Request(1),
        "me".to_owned(),
        Box::new(straddle::coordinator::core::Ask::Pause(ask)),
    );
    assert!(!bench.core.has_room_for(&asked));
    bench.core.take();
    assert!(bench.core.has_room_for(&asked));
}

#[test]
fn what_was_forgotten_of_callers_counts_for_every_service_before_and_after_a_restart() {
    let begun = || {
        let mut bench = fleet();
        hello(&mut bench, 1, "a", "one");
        tell(&mut bench, 1, batch(1, 5));
        let mut other = batch(2, 7);
        other.methods[0].version = "2.0.0".to_owned();
        other.callers_error = 3;
        (bench, other)
    };
    let (mut bench, other) = begun();
    bench.core.handle(said(1, other), bench.now);
    let writes = bench.core.take().writes;
    let expected =
        ["straddle/census-floors/shop", "straddle/census/shop/2.0.0/shop.v1.Shop", "straddle/census-nodes/shop/a"];
    assert_eq!(keys(&writes), expected, "the other service is not written");

    let (mut bench, other) = begun();
    tell(&mut bench, 1, other);
    let bounds = |bench: &Bench| {
        let services = all(bench).services;
        let one = |service: &wire::CensusOfService| {
            let caller = &service.callers[0];
            (service.version.clone(), service.callers_floor, caller.calls, caller.error)
        };
        services.iter().map(one).collect::<Vec<_>>()
    };
    // Nobody can have called more often than there were calls: `billing` has made all five.
    let expected = [("1.0.0".to_owned(), 3, 5, 0), ("2.0.0".to_owned(), 3, 7, 0)];
    assert_eq!(bounds(&bench), expected);
    bench.restart();
    assert_eq!(bounds(&bench), expected);
    hello(&mut bench, 2, "a", "one");
    let mut again = by(3, std::iter::once("cart".to_owned()));
    again.methods[0].begun = 100;
    tell(&mut bench, 2, again);
    let (_, floor, calls, error) = &bounds(&bench)[0];
    assert_eq!((*floor, *calls, *error), (3, 5, 3), "of the hundred it may have made three");
}

#[test]
fn nodes_that_come_together_tell_one_after_the_other() {
    let mut bench = fleet();
    for session in 1..=3 {
        hello(&mut bench, session, &format!("node-{session}"), "one");
    }
    let after = |bench: &Bench, session: u64| {
        let welcome = bench.told(session).iter().find_map(|said| match said {
            to_agent::Message::Welcome(welcome) => Some(welcome.census_after_microseconds),
            _ => None,
        });
        welcome.expect("it is welcome")
    };
    assert_eq!([1, 2, 3].map(|session| after(&bench, session)), [0, 2_000, 4_000]);
    bench.pass(SECOND);
    hello(&mut bench, 4, "node-4", "one");
    assert_eq!(after(&bench, 4), 0);
}
