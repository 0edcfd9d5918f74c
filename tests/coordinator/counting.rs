//! The census, as the core makes it of what nodes tell.

use straddle::control::v1_0_0 as wire;
use straddle::control::v1_0_0::{from_agent, to_agent};
use straddle::coordinator::core::Ask;

use super::bench::{self, Bench, SECOND};

const GET: &str = "shop.v1.Shop.Get";

/// A batch of the last ten seconds with so many calls by `billing`.
pub(crate) fn batch(number: u64, calls: u64) -> wire::Census {
    let method = wire::CalledMethod {
        version: "1.0.0".to_owned(),
        method: GET.to_owned(),
        begun: calls,
        answered: calls,
        last_ago_microseconds: SECOND,
        ..wire::CalledMethod::default()
    };
    let caller = wire::CallerCalls {
        caller: "billing".to_owned(),
        kind: wire::CallerKind::Named.into(),
        calls,
        last_ago_microseconds: SECOND,
        ..wire::CallerCalls::default()
    };
    wire::Census {
        number,
        from_ago_microseconds: 10 * SECOND,
        methods: vec![method],
        callers: vec![caller],
        ..wire::Census::default()
    }
}

pub(crate) fn hello(bench: &mut Bench, session: u64, node: &str, instance: &str) {
    let hello = wire::Hello { instance: instance.to_owned(), ..bench::hello(node, 0, bench::report("1.0.0")) };
    bench.say_hello(session, hello);
}

pub(crate) fn tell(bench: &mut Bench, session: u64, census: wire::Census) {
    bench.say(session, from_agent::Message::Census(census));
}

fn taken(bench: &Bench, session: u64) -> Vec<u64> {
    let taken = |said: &to_agent::Message| match said {
        to_agent::Message::CensusTaken(taken) => Some(taken.number),
        _ => None,
    };
    bench.told(session).iter().filter_map(taken).collect()
}

fn asked(bench: &Bench, request: &wire::ListCallersRequest) -> wire::ListCallersResponse {
    let request = wire::ListCallersRequest { protocol: "shop".to_owned(), ..request.clone() };
    bench.core.callers(&request, bench.now).expect("they are told")
}

pub(crate) fn all(bench: &Bench) -> wire::ListCallersResponse {
    asked(bench, &wire::ListCallersRequest::default())
}

/// Calls of all methods, and those that are told of callers.
pub(crate) fn calls(bench: &Bench) -> (u64, u64) {
    let services = all(bench).services;
    let rows = services.iter().flat_map(|service| &service.rows).map(|row| row.begun);
    (rows.sum(), services.iter().flat_map(|service| &service.callers).map(|caller| caller.calls).sum())
}

pub(crate) fn node(bench: &Bench, name: &str) -> wire::CensusNode {
    all(bench).nodes.into_iter().find(|node| node.node == name).expect("it has told something")
}

pub(crate) fn fleet() -> Bench {
    let mut bench = Bench::new();
    bench.publish(0);
    bench.pass(1000 * SECOND);
    bench
}

#[test]
fn a_batch_counts_once_however_often_it_is_told_and_whoever_crashes() {
    let mut bench = fleet();
    hello(&mut bench, 1, "a", "one");
    tell(&mut bench, 1, batch(1, 5));
    assert_eq!(taken(&bench, 1), [1]);
    tell(&mut bench, 1, batch(1, 5));
    assert_eq!((taken(&bench, 1), calls(&bench)), (vec![1, 1], (5, 5)));
    bench.restart();
    hello(&mut bench, 2, "a", "one");
    tell(&mut bench, 2, batch(1, 5));
    tell(&mut bench, 2, batch(2, 7));
    assert_eq!((taken(&bench, 2), calls(&bench)), (vec![1, 2], (12, 12)));
    hello(&mut bench, 3, "b", "other");
    tell(&mut bench, 3, batch(1, 100));
    assert_eq!(calls(&bench), (112, 112));
    assert!(all(&bench).nodes.iter().all(|node| node.gaps.is_empty()));
}

#[test]
fn it_is_the_same_after_a_restart() {
    let mut bench = fleet();
    hello(&mut bench, 1, "a", "one");
    tell(&mut bench, 1, wire::Census { callers_error: 3, ..batch(1, 5) });
    let before = all(&bench);
    assert_eq!(before.services[0].callers_floor, 3);
    bench.restart();
    let after = all(&bench);
    assert_eq!((before.services, before.nodes), (after.services, after.nodes));
}

#[test]
fn a_program_that_ends_without_a_last_batch_leaves_a_gap_and_one_that_tells_it_none() {
    let mut bench = fleet();
    hello(&mut bench, 1, "a", "one");
    tell(&mut bench, 1, batch(1, 5));
    let known = node(&bench, "a").until_watched;
    bench.pass(60 * SECOND);
    hello(&mut bench, 2, "a", "two");
    tell(&mut bench, 2, wire::Census { last: true, ..batch(1, 5) });
    let crashed = node(&bench, "a");
    let gaps: Vec<(u64, u64)> = crashed.gaps.iter().map(|gap| (gap.from_watched, gap.until_watched)).collect();
    assert_eq!(gaps, [(known, known + 50 * SECOND)], "up to when the next program began to count");
    assert_eq!(crashed.gaps[0].why, "its program ended without telling its last calls");
    bench.pass(60 * SECOND);
    hello(&mut bench, 3, "a", "three");
    tell(&mut bench, 3, batch(1, 5));
    assert_eq!(node(&bench, "a").gaps.len(), 1, "it answered nobody in between");
    tell(&mut bench, 3, batch(3, 5));
    assert_eq!(node(&bench, "a").gaps[1].why, "what it has told in between is lost");
}

#[test]
fn a_node_that_is_away_and_comes_back_with_all_that_it_counted_leaves_no_gap() {
    let mut bench = fleet();
    hello(&mut bench, 1, "a", "one");
    tell(&mut bench, 1, batch(1, 5));
    bench.close(1);
    bench.pass(3600 * SECOND);
    hello(&mut bench, 2, "a", "one");
    tell(&mut bench, 2, wire::Census { from_ago_microseconds: 3600 * SECOND, ..batch(2, 9) });
    let node = node(&bench, "a");
    assert_eq!((node.gaps.len(), node.until_watched - node.from_watched), (0, 3610 * SECOND));
    assert_eq!(calls(&bench), (14, 14));
}

#[test]
fn what_a_node_that_is_forgotten_did_since_is_a_gap() {
    let mut bench = fleet();
    hello(&mut bench, 1, "a", "one");
    tell(&mut bench, 1, batch(1, 5));
    bench.close(1);
    bench.pass(100 * SECOND);
    let forget =
        |node: &str| wire::ForgetNodeRequest { protocol: "shop".to_owned(), node: node.to_owned(), anyway: true };
    bench.ask(Ask::Forget(forget("a"))).expect("it is gone");
    let forgotten = node(&bench, "a");
    let gap = &forgotten.gaps[0];
    assert!(forgotten.forgotten && gap.until_watched - gap.from_watched == 100 * SECOND, "{gap:?}");
    // Of one that has told its last calls nothing is missing.
    hello(&mut bench, 2, "b", "one");
    tell(&mut bench, 2, wire::Census { last: true, ..batch(1, 5) });
    bench.pass(100 * SECOND);
    bench.ask(Ask::Forget(forget("b"))).expect("it is gone");
    assert!(node(&bench, "b").gaps.is_empty());
}

#[test]
fn only_what_was_published_is_counted_and_only_of_who_says_which_program_it_is() {
    let mut bench = fleet();
    hello(&mut bench, 1, "a", "one");
    let mut strange = batch(1, 5);
    let method = |version: &str, method: &str| wire::CalledMethod {
        version: version.to_owned(),
        method: method.to_owned(),
        begun: 1,
        ..wire::CalledMethod::default()
    };
    strange.methods =
        vec![method("9.0.0", GET), method("1.0.0", "shop.v1.Shop.Nothing"), method("1.0.0", "x"), method("one", GET)];
    let by = |called: u32| wire::CallerCalls { called, ..strange.callers[0].clone() };
    strange.callers = vec![by(0), by(1), by(4), by(u32::MAX)];
    tell(&mut bench, 1, strange);
    assert_eq!((taken(&bench, 1), all(&bench).services.len()), (vec![1], 0));
    hello(&mut bench, 2, "b", "");
    tell(&mut bench, 2, batch(1, 5));
    assert_eq!((taken(&bench, 2), calls(&bench)), (vec![], (0, 0)));
    assert_eq!(all(&bench).silent, ["b"]);
}

#[test]
fn a_call_is_never_taken_for_older_than_it_is() {
    let mut bench = fleet();
    hello(&mut bench, 1, "a", "one");
    tell(&mut bench, 1, batch(1, 5));
    let row = |bench: &Bench| all(bench).services[0].rows[0].clone();
    let now = all(&bench).watched;
    assert_eq!(row(&bench).last_seen_watched, now - SECOND);
    // Older than the watch itself.
    let mut old = batch(2, 1);
    old.methods[0].last_ago_microseconds = u64::MAX;
    tell(&mut bench, 1, old);
    assert_eq!((row(&bench).last_seen_watched, row(&bench).begun), (now - SECOND, 6));
}

#[test]
fn it_is_asked_by_version_method_caller_label_and_time() {
    let mut bench = fleet();
    hello(&mut bench, 1, "a", "one");
    tell(&mut bench, 1, batch(1, 5));
    let mut other = batch(2, 3);
    other.methods[0].unlabelled = true;
    other.callers[0].caller = "10.0.0.7 grpc-go".to_owned();
    bench.pass(600 * SECOND);
    tell(&mut bench, 1, other);
    let rows = |request: &wire::ListCallersRequest| {
        let services = asked(&bench, request).services;
        let rows = services.iter().flat_map(|service| &service.rows).map(|row| row.begun).collect::<Vec<_>>();
        let callers = services.iter().flat_map(|service| &service.callers).map(|caller| caller.calls);
        (rows, callers.collect::<Vec<_>>())
    };
    let request = wire::ListCallersRequest::default;
    assert_eq!(rows(&request()), (vec![5, 3], vec![5, 3]));
    assert_eq!(rows(&wire::ListCallersRequest { unlabelled: true, ..request() }), (vec![3], vec![3]));
    assert_eq!(rows(&wire::ListCallersRequest { caller: "bill".to_owned(), ..request() }), (vec![5], vec![5]));
    assert_eq!(rows(&wire::ListCallersRequest { method: "Get".to_owned(), ..request() }), (vec![5, 3], vec![5, 3]));
    assert_eq!(rows(&wire::ListCallersRequest { method: "et".to_owned(), ..request() }), (vec![], vec![]));
    let within_microseconds = 300 * SECOND;
    assert_eq!(rows(&wire::ListCallersRequest { within_microseconds, ..request() }), (vec![3], vec![3]));
    let version = |version: &str| wire::ListCallersRequest {
        protocol: "shop".to_owned(),
        version: version.to_owned(),
        ..wire::ListCallersRequest::default()
    };
    assert_eq!(rows(&version("2.0.0")), (vec![], vec![]));
    let denied = bench.core.callers(&version("9.0.0"), bench.now).unwrap_err();
    assert_eq!(denied.reason.name(), "NO_SUCH_VERSION");
}
