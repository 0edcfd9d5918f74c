//! Who calls what is told in batches without a gap, each of them until it was taken.

use super::*;
use crate::node::agent::core::TELL_EVERY;

/// A batch in a line: its number, its time, and what is in it.
pub(super) fn told(census: &wire::Census) -> String {
    let seconds = |ago: u64| ago / SECOND;
    let (from, until) = (seconds(census.from_ago_microseconds), seconds(census.until_ago_microseconds));
    let rows = census
        .methods
        .iter()
        .map(|called| format!(" {} {} {} s ago", called.method, called.begun, seconds(called.last_ago_microseconds)));
    let callers = census
        .callers
        .iter()
        .map(|calls| format!(" {} {} {} s ago", calls.caller, calls.calls, seconds(calls.last_ago_microseconds)));
    let last = if census.last { " last" } else { "" };
    let rows: String = rows.chain(callers).collect();
    format!("census {} {from}..{until} s ago{rows}{last}", census.number)
}

/// A method, called so often, the last time so many seconds ago, by one caller.
fn called(method: &str, begun: u64, ago: u64) -> wire::Census {
    let (version, method, last_ago_microseconds) = ("1.0.0".to_owned(), method.to_owned(), ago * SECOND);
    let row = wire::CalledMethod {
        version: version.clone(),
        method: method.clone(),
        begun,
        last_ago_microseconds,
        ..Default::default()
    };
    let caller = "billing".to_owned();
    let calls = wire::CallerCalls { caller, calls: begun, last_ago_microseconds, ..Default::default() };
    wire::Census { methods: vec![row], callers: vec![calls], ..Default::default() }
}

/// Counts since 40 seconds before it attends.
fn world() -> World {
    let mut world = World::new();
    world.agent = world.agent.counting(TELL_EVERY);
    world.now = 40 * SECOND;
    world
}

impl World {
    fn counted(&mut self, census: wire::Census) -> Vec<String> {
        self.input(Input::Counted { census: Box::new(census), whole: true, left: false })
    }

    fn taken(&mut self, number: u64) -> Vec<String> {
        self.say(to_agent::Message::CensusTaken(wire::CensusTaken { number }))
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn the_first_batch_is_told_at_once_and_the_next_ones_follow_without_a_gap() {
    let mut world = world();
    world.input(Input::Connected);
    assert_eq!(world.welcome(true), ["serve", "count"]);
    assert_eq!(world.counted(wire::Census::default()), ["census 1 40..0 s ago"]);
    assert_eq!(world.after(4), NOTHING, "one is under way at a time");
    assert_eq!(world.taken(1), NOTHING);
    assert_eq!(world.after(25), ["report 1.1.0"]);
    assert_eq!(world.agent.next_tick(world.now), Some(SECOND));
    assert_eq!(world.after(1), ["count"]);
    world.now += SECOND;
    assert_eq!(world.input(Input::Tick), NOTHING, "it was asked for");
    let census = called("Get", 3, 2);
    assert_eq!(world.counted(census), ["census 2 31..0 s ago Get 3 2 s ago billing 3 2 s ago"]);
    assert_eq!(world.taken(2), NOTHING);
}

#[test]
fn batches_come_as_often_as_the_node_is_told_to() {
    let mut world = World::new();
    world.agent = world.agent.counting(2 * SECOND);
    world.input(Input::Connected);
    world.welcome(true);
    world.counted(wire::Census::default());
    world.taken(1);
    assert_eq!(world.agent.next_tick(world.now), Some(2 * SECOND));
    assert_eq!(world.after(1), NOTHING);
    assert_eq!(world.after(1), ["count"]);
    assert_eq!(world.counted(called("Get", 1, 0)), ["census 2 2..0 s ago Get 1 0 s ago billing 1 0 s ago"]);
}

#[test]
fn a_batch_is_said_again_as_it_was_until_it_is_taken() {
    let mut world = world();
    world.input(Input::Connected);
    world.welcome(true);
    world.counted(called("Get", 3, 2));
    for later in [0, 100, 1000] {
        world.now += later * SECOND;
        world.input(Input::Lost(None));
        world.input(Input::Connected);
        let said = world.welcome(true);
        let ago = [0, 100, 1100][[0, 100, 1000].iter().position(|one| *one == later).unwrap()];
        let (from, last) = (40 + ago, 2 + ago);
        let census = format!("census 1 {from}..{ago} s ago Get 3 {last} s ago billing 3 {last} s ago");
        assert!(said.contains(&census), "{census}: {said:?}");
        assert!(!world.welcome(true).iter().any(|said| said.starts_with("census")), "once a stream");
    }
    assert_eq!(world.taken(1), ["count"], "more than 30 seconds are to be told");
    assert_eq!(world.counted(called("Get", 1, 0)), ["census 2 1100..0 s ago Get 1 0 s ago billing 1 0 s ago"]);
    assert_eq!(world.taken(1), NOTHING, "that was the one before");
    world.input(Input::Lost(None));
    world.input(Input::Connected);
    assert!(world.welcome(true).iter().any(|said| said.starts_with("census 2 ")));
    world.taken(7);
    world.input(Input::Lost(None));
    world.input(Input::Connected);
    assert!(!world.welcome(true).iter().any(|said| said.starts_with("census")), "taken with those before it");
}

#[test]
fn a_batch_waits_for_the_nodes_turn_on_each_stream_but_for_the_last_one() {
    let mut world = world();
    let welcome = || {
        to_agent::Message::Welcome(wire::Welcome {
            serve: true,
            report_every_microseconds: 60 * SECOND,
            census_after_microseconds: 7 * SECOND,
            ..Default::default()
        })
    };
    world.input(Input::Connected);
    assert_eq!(world.say(welcome()), ["serve"]);
    assert_eq!(world.agent.next_tick(world.now), Some(7 * SECOND));
    assert_eq!(world.after(6), NOTHING);
    assert_eq!(world.input(Input::CalledFirst), NOTHING, "not even then");
    assert_eq!(world.after(1), ["count"]);
    assert_eq!(world.counted(called("Get", 3, 2)), ["census 1 47..0 s ago Get 3 2 s ago billing 3 2 s ago"]);
    world.input(Input::Lost(None));
    world.input(Input::Connected);
    assert!(!world.say(welcome()).iter().any(|said| said.starts_with("census")));
    assert_eq!(world.after(7), ["census 1 54..7 s ago Get 3 9 s ago billing 3 9 s ago"]);
    world.input(Input::Lost(None));
    world.input(Input::Connected);
    world.say(welcome());
    let last = wire::Census { last: true, ..called("Get", 1, 0) };
    let expected = [
        "census 1 54..7 s ago Get 3 9 s ago billing 3 9 s ago",
        "census 2 7..0 s ago Get 1 0 s ago billing 1 0 s ago last",
    ];
    assert_eq!(world.counted(last), expected, "the one before it is said first");
}

#[test]
fn while_callers_are_left_to_be_told_batches_come_sooner() {
    let mut world = world();
    world.input(Input::Connected);
    world.welcome(true);
    let left = |census| Input::Counted { census: Box::new(census), whole: true, left: true };
    world.input(left(called("Get", 3, 2)));
    world.taken(1);
    assert_eq!(world.agent.next_tick(world.now), Some(TELL_EVERY / 8));
    world.input(Input::Tick);
    world.now += TELL_EVERY / 8;
    assert_eq!(world.input(Input::Tick), ["count"]);
}

#[test]
fn what_is_called_for_the_first_time_is_told_at_once() {
    let mut world = world();
    world.input(Input::Connected);
    world.welcome(true);
    world.counted(wire::Census::default());
    world.now += SECOND;
    assert_eq!(world.input(Input::CalledFirst), NOTHING, "the one before is not taken yet");
    assert_eq!(world.taken(1), ["count"]);
    world.counted(called("Get", 1, 0));
    world.taken(2);
    assert_eq!(world.input(Input::CalledFirst), ["count"]);
}

#[test]
fn what_finds_no_room_comes_before_the_time_that_it_belongs_to_is_over() {
    let mut world = world();
    world.input(Input::Connected);
    world.welcome(true);
    let part = |census| Input::Counted { census: Box::new(census), whole: false, left: false };
    assert_eq!(world.input(part(called("Get", 1, 5))), ["census 1 40..40 s ago Get 1 5 s ago billing 1 5 s ago"]);
    world.now += 3 * SECOND;
    assert_eq!(world.taken(1), ["count"]);
    let rest = called("Put", 1, 3);
    assert_eq!(world.counted(rest), ["census 2 43..0 s ago Put 1 3 s ago billing 1 3 s ago"]);
}

#[test]
fn the_last_one_is_said_whatever_is_under_way() {
    let mut world = world();
    let last = || wire::Census { last: true, ..called("Get", 1, 0) };
    assert_eq!(world.counted(last()), NOTHING, "nobody is there");
    let mut world = self::world();
    world.input(Input::Connected);
    world.welcome(true);
    world.counted(wire::Census::default());
    world.now += 2 * SECOND;
    assert_eq!(world.counted(last()), ["census 2 2..0 s ago Get 1 0 s ago billing 1 0 s ago last"]);
}

#[test]
fn who_counts_nothing_tells_nothing() {
    let mut world = World::new().attending();
    assert_eq!(world.input(Input::CalledFirst), NOTHING);
    assert_eq!(world.counted(called("Get", 1, 0)), NOTHING);
    assert_eq!(world.after(100), ["report 1.1.0"]);
}
