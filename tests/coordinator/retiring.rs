//! Retiring versions, as the core decides on it.

use straddle::control::v1_0_0 as wire;
use straddle::control::v1_0_0::from_agent::Message;
use straddle::coordinator::core::{Answer, Ask, Denied};

use super::bench::{self, Bench, SECOND};
use super::{FREE, reason, start};

const DAY: u64 = 24 * 3600 * SECOND;

/// A node at 2.0.0 that cannot go back.
fn hello(bench: &mut Bench, session: u64, node: &str, instance: &str) {
    let hello = wire::Hello { instance: instance.to_owned(), ..bench::hello(node, 0, bench::report("2.0.0")) };
    bench.say_hello(session, hello);
}

/// A batch of the last `of` microseconds; `ago` is when 1.0.0 was called last, by a caller without a label.
fn tell(bench: &mut Bench, session: u64, number: u64, of: u64, ago: Option<u64>) {
    let method = ago.map(|ago| wire::CalledMethod {
        version: "1.0.0".to_owned(),
        method: "shop.v1.Shop.Get".to_owned(),
        unlabelled: true,
        begun: 3,
        answered: 3,
        last_ago_microseconds: ago,
        ..wire::CalledMethod::default()
    });
    let caller = ago.map(|ago| wire::CallerCalls {
        caller: "10.0.0.7 grpc-go/1.62.1".to_owned(),
        kind: wire::CallerKind::Address.into(),
        calls: 3,
        last_ago_microseconds: ago,
        ..wire::CallerCalls::default()
    });
    let census = wire::Census {
        number,
        from_ago_microseconds: of,
        methods: method.into_iter().collect(),
        callers: caller.into_iter().collect(),
        ..wire::Census::default()
    };
    bench.say(session, Message::Census(census));
}

/// Two nodes that have told their calls for twenty days.
fn fleet() -> Bench {
    let mut bench = Bench::new();
    bench.publish(0);
    bench.publish(1);
    bench.pass(DAY);
    for (session, node) in [(1, "a"), (2, "b")] {
        hello(&mut bench, session, node, "one");
        tell(&mut bench, session, 1, 0, None);
    }
    bench.pass(20 * DAY);
    bench
}

fn told(bench: &mut Bench, number: u64, ago: Option<u64>) {
    tell(bench, 1, number, 20 * DAY, ago);
    tell(bench, 2, number, 20 * DAY, None);
}

fn request() -> wire::RetireRequest {
    of("1.0.0")
}

fn of(version: &str) -> wire::RetireRequest {
    wire::RetireRequest { protocol: "shop".to_owned(), version: version.to_owned(), ..wire::RetireRequest::default() }
}

fn retire(bench: &mut Bench, request: wire::RetireRequest) -> Result<wire::RetireResponse, Denied> {
    match bench.ask(Ask::Retire(request))? {
        Answer::Retired(response) => Ok(*response),
        other => panic!("{other:?}"),
    }
}

/// The rules of what stands in the way of retiring 1.0.0, of which nothing may come.
fn in_the_way(bench: &mut Bench, guard: u64) -> Vec<String> {
    let request = wire::RetireRequest { guard_microseconds: Some(guard), dry_run: true, ..request() };
    let response = retire(bench, request).expect("it is told");
    assert!(!response.retired);
    response.obstacles.into_iter().map(|obstacle| obstacle.rule).collect()
}

fn unretire(bench: &mut Bench, anyway: bool) -> Result<Answer, Denied> {
    bench.ask(Ask::Unretire(wire::UnretireRequest { protocol: "shop".to_owned(), anyway }))
}

fn announce(bench: &mut Bench, notice: wire::Notice) -> Result<Vec<wire::Notice>, Denied> {
    let request = wire::AnnounceRequest { protocol: "shop".to_owned(), notice: Some(notice) };
    match bench.ask(Ask::Announce(request))? {
        Answer::Retiring(stored) => Ok(stored.retiring.expect("it is there").notices),
        other => panic!("{other:?}"),
    }
}

fn last_event(bench: &Bench) -> (String, String) {
    let event = bench.events.last().expect("an event");
    (event.kind.clone(), event.why.clone())
}

#[test]
fn a_version_that_nobody_has_called_for_the_guard_time_is_retired_and_nodes_are_told() {
    let mut bench = fleet();
    told(&mut bench, 2, None);
    assert_eq!(bench.goal(1).retiring, None, "nodes keep what they have");
    let response = retire(&mut bench, wire::RetireRequest { grace_seconds: 60, ..request() }).expect("it goes");
    assert!(response.retired && response.obstacles.is_empty(), "{response:?}");
    let retiring = bench.goal(2).retiring.expect("it is said");
    assert_eq!((retiring.retired_up_to.as_str(), retiring.grace_seconds), ("1.0.0", 60));
    assert_eq!(last_event(&bench), ("retired".to_owned(), "nobody has called it for 14d".to_owned()));
    // Again, and over a restart, it is so already.
    bench.restart();
    assert!(retire(&mut bench, request()).expect("it is").retired);
    hello(&mut bench, 3, "a", "two");
    assert_eq!(bench.goal(3).retiring.expect("it is said").retired_up_to, "1.0.0");
    assert_eq!(bench.core.versions(None).retiring.len(), 1);
}

#[test]
fn what_was_called_just_now_counts_for_whoever_waits_until_it_is_told() {
    let mut bench = fleet();
    told(&mut bench, 2, None);
    bench.pass(3 * SECOND);
    let asked = retire(&mut bench, wire::RetireRequest { dry_run: true, ..request() }).expect("it is told");
    assert!(asked.obstacles.is_empty() && asked.asked > 0, "{asked:?}");
    let again = wire::RetireRequest { told_up_to: asked.asked, ..request() };
    let rules = |bench: &mut Bench| -> Vec<(String, String)> {
        let obstacles = retire(bench, again.clone()).expect("it is told").obstacles;
        obstacles.into_iter().map(|one| (one.rule, one.what)).collect()
    };
    let recent = |what: &str| vec![("recent".to_owned(), what.to_owned())];
    assert_eq!(rules(&mut bench), recent("a, b have not told what was called up to now"));
    bench.pass(SECOND);
    tell(&mut bench, 2, 3, 4 * SECOND, None);
    assert_eq!(rules(&mut bench), recent("a has not told what was called up to now"));
    // It was called a second before it was asked for.
    tell(&mut bench, 1, 3, 4 * SECOND, Some(2 * SECOND));
    let [(rule, _)] = rules(&mut bench).try_into().expect("one");
    assert_eq!(rule, "called");
    assert!(bench.goal(1).retiring.is_none());
    let response =
        retire(&mut bench, wire::RetireRequest { guard_microseconds: Some(0), ..again }).expect("it is told");
    assert!(response.retired, "nothing else is in the way: {response:?}");
}

#[test]
fn a_node_that_has_crashed_a_moment_ago_is_in_the_way_until_it_has_told_or_is_forgotten() {
    let mut bench = fleet();
    told(&mut bench, 2, None);
    bench.close(1);
    assert_eq!(in_the_way(&mut bench, DAY), ["away"]);
    hello(&mut bench, 3, "a", "two");
    assert_eq!(in_the_way(&mut bench, DAY), ["silent"], "another program, which has told nothing yet");
    tell(&mut bench, 3, 1, 0, None);
    assert_eq!(in_the_way(&mut bench, DAY), ["gap"], "the first one's last calls are not known");
}

#[test]
fn a_call_within_the_guard_time_is_in_the_way_and_named() {
    let mut bench = fleet();
    told(&mut bench, 2, Some(3 * DAY));
    let response = retire(&mut bench, request()).expect("it is told");
    assert!(!response.retired && bench.goal(1).retiring.is_none());
    let [obstacle] = response.obstacles.as_slice() else { panic!("{response:?}") };
    assert_eq!(obstacle.what, "1.0.0 shop.v1.Shop.Get without a label is called by 10.0.0.7 grpc-go/1.62.1",);
    assert_eq!((obstacle.rule.as_str(), obstacle.callers[0].calls), ("called", 3));
    assert_eq!(obstacle.last_seen, bench.now.wall - 3 * DAY);
    assert_eq!(in_the_way(&mut bench, 2 * DAY), [] as [&str; 0]);
    assert_eq!(in_the_way(&mut bench, 3 * DAY), ["called"]);
}

#[test]
fn by_force_it_is_retired_with_an_event_that_says_what_breaks() {
    let mut bench = fleet();
    told(&mut bench, 2, Some(DAY));
    let response = retire(&mut bench, wire::RetireRequest { force: true, ..request() }).expect("it goes");
    assert!(response.retired && response.obstacles.len() == 1);
    let (kind, why) = last_event(&bench);
    assert_eq!(kind, "retired");
    assert!(why.starts_with("by force, although: 1.0.0 shop.v1.Shop.Get without a label is called by 10"), "{why}");
}

#[test]
fn a_caller_that_goes_on_is_in_the_way_of_a_guard_that_is_shorter_than_the_time_between_two_batches() {
    let mut bench = fleet();
    told(&mut bench, 2, Some(0));
    bench.pass(25 * SECOND);
    assert_eq!(in_the_way(&mut bench, 5 * SECOND), ["called"]);
}

#[test]
fn what_is_not_known_is_in_the_way() {
    let mut bench = Bench::new();
    bench.publish(0);
    bench.publish(1);
    bench.pass(DAY);
    hello(&mut bench, 1, "a", "one");
    assert_eq!(in_the_way(&mut bench, DAY), ["young", "silent"]);
    tell(&mut bench, 1, 1, 0, None);
    assert_eq!(in_the_way(&mut bench, DAY), ["young"]);
    bench.pass(2 * DAY);
    assert_eq!(in_the_way(&mut bench, DAY), ["young", "late"], "nobody knows more than a moment of it");
    tell(&mut bench, 1, 2, 2 * DAY, None);
    assert_eq!(in_the_way(&mut bench, DAY), [] as [&str; 0]);
    // It starts again without having told its last calls.
    bench.close(1);
    bench.pass(60 * SECOND);
    hello(&mut bench, 2, "a", "two");
    assert_eq!(in_the_way(&mut bench, DAY), ["silent"]);
    tell(&mut bench, 2, 1, 0, None);
    assert_eq!(in_the_way(&mut bench, DAY), ["gap"]);
    bench.pass(DAY);
    tell(&mut bench, 2, 2, DAY, None);
    assert_eq!(in_the_way(&mut bench, DAY - SECOND), [] as [&str; 0], "the gap is older than the guard time");
}

#[test]
fn a_version_that_was_published_within_the_guard_time_is_in_the_way_of_itself() {
    let mut bench = Bench::new();
    bench.publish(0);
    bench.pass(DAY);
    hello(&mut bench, 1, "a", "one");
    tell(&mut bench, 1, 1, 0, None);
    bench.pass(20 * DAY);
    tell(&mut bench, 1, 2, 20 * DAY, None);
    let rules = |bench: &mut Bench, guard| {
        let request = wire::RetireRequest { guard_microseconds: Some(guard), dry_run: true, ..of("2.0.0") };
        let response = retire(bench, request).expect("it is told");
        response.obstacles.into_iter().map(|obstacle| obstacle.rule).collect::<Vec<_>>()
    };
    bench.publish(1);
    bench.report(1, bench::report("3.0.0"));
    assert_eq!(rules(&mut bench, 14 * DAY), [] as [&str; 0]);
    let request = |guard| wire::RetireRequest { guard_microseconds: Some(guard), dry_run: true, ..of("3.0.0") };
    bench.publish(2);
    bench.report(1, bench::report("4.0.0"));
    let young = retire(&mut bench, request(14 * DAY)).expect("it is told");
    assert_eq!(young.obstacles.len(), 1, "{young:?}");
    assert_eq!(young.obstacles[0].rule, "young", "{young:?}");
    bench.pass(3 * DAY);
    tell(&mut bench, 1, 3, 3 * DAY, None);
    assert!(retire(&mut bench, request(2 * DAY)).expect("it is told").obstacles.is_empty());
}

#[test]
fn a_version_that_a_node_serves_and_nobody_has_published_is_in_the_way() {
    let mut bench = Bench::new();
    bench.publish(1);
    bench.pass(DAY);
    hello(&mut bench, 1, "a", "one");
    bench.report(1, bench::report("3.0.0"));
    tell(&mut bench, 1, 1, 0, Some(0));
    bench.pass(20 * DAY);
    tell(&mut bench, 1, 2, 20 * DAY, Some(DAY));
    let response = retire(&mut bench, of("2.0.0")).expect("it is told");
    let told: Vec<&str> = response.obstacles.iter().map(|obstacle| obstacle.what.as_str()).collect();
    assert_eq!(told, ["a serves 1.0.0, which nobody has published: its calls are not counted"]);
}

#[test]
fn a_node_that_has_told_its_last_calls_is_not_in_the_way_and_one_that_was_there_uncounted_is() {
    let mut bench = fleet();
    told(&mut bench, 2, None);
    bench.say(1, Message::Census(wire::Census { number: 3, last: true, ..wire::Census::default() }));
    bench.close(1);
    bench.pass(DAY);
    tell(&mut bench, 2, 3, DAY, None);
    assert_eq!(in_the_way(&mut bench, 14 * DAY), [] as [&str; 0]);
    // A new one has nothing to tell of the time before it was there ...
    hello(&mut bench, 3, "c", "one");
    tell(&mut bench, 3, 1, 0, None);
    assert_eq!(in_the_way(&mut bench, 14 * DAY), [] as [&str; 0]);
    // ... but one that was there, of a program that does not count, has.
    bench.hello(4, "d", "2.0.0");
    bench.close(4);
    bench.pass(600 * SECOND);
    hello(&mut bench, 5, "d", "one");
    tell(&mut bench, 5, 1, 0, None);
    tell(&mut bench, 2, 4, 600 * SECOND, None);
    tell(&mut bench, 3, 2, 600 * SECOND, None);
    assert_eq!(in_the_way(&mut bench, 14 * DAY), ["gap"]);
}

#[test]
fn no_node_may_run_it_or_be_taken_back_to_it() {
    let mut bench = fleet();
    told(&mut bench, 2, None);
    assert_eq!(
        reason(bench.ask(Ask::Retire(wire::RetireRequest { version: "2.0.0".to_owned(), ..request() }))),
        "BLOCKED"
    );
    assert_eq!(
        reason(bench.ask(Ask::Retire(wire::RetireRequest { version: "9.0.0".to_owned(), ..request() }))),
        "NO_SUCH_VERSION"
    );
    bench.report(1, wire::Report { back: "1.0.0".to_owned(), ..bench::report("2.0.0") });
    let denied = retire(&mut bench, wire::RetireRequest { force: true, ..request() }).unwrap_err();
    assert_eq!((denied.reason.name(), denied.what.as_str()), ("BLOCKED", "a could still go back to 1.0.0"));
    bench.report(1, bench::report("2.0.0"));
    assert!(retire(&mut bench, request()).expect("it goes").retired);
}

#[test]
fn an_upgrade_from_it_is_in_the_way_until_it_is_finalized() {
    let mut bench = fleet();
    let number = bench.start(start("2.0.0", FREE)).expect("it starts");
    told(&mut bench, 2, None);
    assert_eq!(reason(bench.ask(Ask::Retire(request()))), "BLOCKED");
    bench.ask(Ask::Finalize(wire::FinalizeUpgradeRequest { number })).expect("it is complete");
    assert!(retire(&mut bench, request()).expect("it goes").retired);
}

#[test]
fn it_is_taken_back_while_nodes_have_the_state_of_its_simulation_objects() {
    let mut bench = fleet();
    told(&mut bench, 2, None);
    retire(&mut bench, request()).expect("it goes");
    unretire(&mut bench, false).expect("it comes back");
    assert_eq!(bench.goal(1).retiring.expect("it is said").retired_up_to, "");
    assert_eq!(last_event(&bench).0, "unretired");
    retire(&mut bench, request()).expect("it goes");
    let retiring = Some(wire::RetiringInForce { swept_up_to: "1.0.0".to_owned(), ..Default::default() });
    bench.report(1, wire::Report { retiring, ..bench::report("2.0.0") });
    assert_eq!(reason(unretire(&mut bench, false)), "TOO_LATE");
    unretire(&mut bench, true).expect("it comes back, without");
}

#[test]
fn what_is_announced_replaces_what_was_and_goes_when_the_version_does() {
    let mut bench = fleet();
    told(&mut bench, 2, None);
    let notice =
        |version: &str, sunset| wire::Notice { version: version.to_owned(), sunset, ..wire::Notice::default() };
    assert_eq!(announce(&mut bench, notice("2.0.0", 5)).expect("it is").len(), 1);
    assert_eq!(announce(&mut bench, notice("1.0.0", 7)).expect("it is").len(), 2);
    let notices = announce(&mut bench, notice("1.0.0", 9)).expect("it is");
    let told: Vec<(&str, u64)> = notices.iter().map(|one| (one.version.as_str(), one.sunset)).collect();
    assert_eq!(told, [("1.0.0", 9), ("2.0.0", 5)], "the oldest first");
    assert_eq!(bench.goal(1).retiring.expect("it is said").notices, notices);
    let brownout = Some(wire::Brownout { seconds: 60, every_seconds: 60, from: 0 });
    let all_the_time = wire::Notice { brownout, ..notice("1.0.0", 0) };
    assert_eq!(announce(&mut bench, all_the_time).unwrap_err().reason.name(), "INVALID");
    assert_eq!(bench.goal(1).retiring.expect("it is said").notices, notices, "nothing was changed");
    assert_eq!(announce(&mut bench, notice("9.0.0", 1)).unwrap_err().reason.name(), "NO_SUCH_VERSION");
    retire(&mut bench, request()).expect("it goes");
    assert_eq!(bench.goal(1).retiring.expect("it is said").notices.len(), 1);
    assert_eq!(announce(&mut bench, notice("1.0.0", 1)).unwrap_err().reason.name(), "INVALID");
    assert_eq!(announce(&mut bench, notice("2.0.0", 0)).expect("it is").len(), 0);
}

#[test]
fn what_a_node_would_refuse_is_not_announced() {
    let mut bench = fleet();
    told(&mut bench, 2, None);
    let year_10000 = 253_402_300_800;
    let none = || wire::Notice { version: "1.0.0".to_owned(), ..wire::Notice::default() };
    let brownout = |seconds, every_seconds, from| wire::Notice {
        brownout: Some(wire::Brownout { seconds, every_seconds, from }),
        ..none()
    };
    for (notice, why) in [
        (wire::Notice { deprecated_since: year_10000, ..none() }, "year 10000"),
        (wire::Notice { sunset: year_10000, ..none() }, "year 10000"),
        (brownout(1, 5, year_10000), "year 10000"),
        (brownout(0, 5, 1), "at least a second"),
        (brownout(5, 5, 1), "a time without"),
        (brownout(1, 31_536_001, 1), "31536000"),
    ] {
        let denied = announce(&mut bench, notice).unwrap_err();
        assert!(denied.reason.name() == "INVALID" && denied.what.contains(why), "{denied:?}");
    }
    assert_eq!(bench.goal(1).retiring.unwrap_or_default(), wire::Retiring::default());
    let last =
        wire::Notice { deprecated_since: year_10000 - 1, sunset: year_10000 - 1, ..brownout(1, 5, year_10000 - 1) };
    assert_eq!(announce(&mut bench, last.clone()).expect("it is"), [last]);
    let forever = wire::RetireRequest { grace_seconds: 315_360_001, ..request() };
    assert_eq!(retire(&mut bench, forever).unwrap_err().reason.name(), "INVALID");
}

#[test]
fn numbers_say_how_old_the_census_is_and_who_does_not_tell() {
    let mut bench = Bench::new();
    bench.publish(0);
    bench.publish(1);
    hello(&mut bench, 1, "a", "one");
    hello(&mut bench, 2, "b", "one");
    let census = |bench: &Bench| {
        let numbers = bench.core.numbers(bench.now);
        let of = |name: &str| {
            let line = numbers.lines().find_map(|line| line.strip_prefix(&format!("straddle_census_{name} ")));
            line.map(str::to_owned)
        };
        let nodes = ["in_time", "late", "silent"].map(|state| {
            of(&format!(r#"nodes{{protocol="shop",state="{state}"}}"#))
                .expect("a number")
                .parse::<u64>()
                .expect("whole")
        });
        (nodes, of(r#"age_seconds{protocol="shop"}"#))
    };
    let age = |seconds: &str| Some(seconds.to_owned());
    assert_eq!(census(&bench), ([0, 0, 2], None), "nobody has told anything");
    tell(&mut bench, 1, 1, 0, None);
    assert_eq!(census(&bench), ([1, 0, 1], age("0")));
    tell(&mut bench, 2, 1, 0, None);
    bench.pass(60 * SECOND);
    tell(&mut bench, 2, 2, 60 * SECOND, None);
    assert_eq!(census(&bench), ([2, 0, 0], age("60")), "the oldest counts");
    bench.pass(31 * SECOND);
    assert_eq!(census(&bench), ([1, 1, 0], age("91")));
    tell(&mut bench, 1, 2, 91 * SECOND, None);
    assert_eq!(census(&bench), ([2, 0, 0], age("31")));
    hello(&mut bench, 3, "b", "another");
    assert_eq!(census(&bench).0, [1, 0, 1], "its program was started again");
}

#[test]
fn callers_of_what_is_retired_do_not_hold_an_upgrade_up() {
    let mut bench = fleet();
    bench.calls(1, "2.0.0", "shop.v1.Shop.Legacy");
    bench.report(1, {
        let calls = wire::Calls {
            version: "1.0.0".to_owned(),
            method: "shop.v1.Shop.Legacy".to_owned(),
            node_version: "2.0.0".to_owned(),
            answered: 1,
            ..wire::Calls::default()
        };
        wire::Report { calls: vec![calls], ..bench::report("2.0.0") }
    });
    let blocking = |bench: &Bench| {
        let plan = bench.core.plan(&start("3.0.0", FREE), bench.now).expect("a plan");
        plan.blockers
            .into_iter()
            .filter(|blocker| blocker.rule == "routes")
            .map(|blocker| blocker.what)
            .collect::<Vec<_>>()
    };
    let before = blocking(&bench);
    assert!(before.iter().any(|what| what.contains("callers of 1.0.0")), "{before:?}");
    told(&mut bench, 2, None);
    retire(&mut bench, wire::RetireRequest { force: true, ..request() }).expect("it goes");
    let after = blocking(&bench);
    assert!(!after.is_empty() && !after.iter().any(|what| what.contains("callers of 1.0.0")), "{after:?}");
}
