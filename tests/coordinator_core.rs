//! The coordinator's core: an input and the time go in, writes and what is said come out.
#![cfg(feature = "cli")]

#[path = "coordinator/bench.rs"]
mod bench;
#[path = "coordinator/bounds.rs"]
mod bounds;
#[path = "coordinator/clocks.rs"]
mod clocks;
#[path = "coordinator/counting.rs"]
mod counting;
#[path = "coordinator/fallen.rs"]
mod fallen;
#[path = "support/folder.rs"]
mod folder;
#[path = "coordinator/live.rs"]
mod live;
#[path = "coordinator/names.rs"]
mod names;
#[path = "coordinator/remembering.rs"]
mod remembering;
#[path = "coordinator/retiring.rs"]
mod retiring;
#[path = "coordinator/telling.rs"]
mod telling;
#[path = "coordinator/way_back.rs"]
mod way_back;
#[path = "coordinator/written.rs"]
mod written;

use bench::{Bench, SECOND};
use straddle::bundle::Bundle;
use straddle::control::v1_0_0 as wire;
use straddle::control::v1_0_0::UpgradeState;
use straddle::coordinator::core::{Answer, Ask, Core, Denied, Now, Publication, Settings, Which};
use straddle::coordinator::database::LARGEST_VALUE;
use straddle::coordinator::record::{self, keys};

fn start(to: &str, schedule: &str) -> wire::StartUpgradeRequest {
    wire::StartUpgradeRequest {
        protocol: "shop".to_owned(),
        to: to.to_owned(),
        schedule: schedule.to_owned(),
        seed: 1,
        ..wire::StartUpgradeRequest::default()
    }
}

fn reason(answer: Result<Answer, Denied>) -> &'static str {
    answer.map(|answer| panic!("{answer:?}")).unwrap_err().reason.name()
}

const FREE: &str = "[rolling]\nat_once = \"100%\"\n[limits]\nminimum_serving = 0\n[gates]\nstandard = false\n";

#[test]
fn a_published_version_is_kept_for_good_and_never_changes() {
    let mut bench = Bench::new();
    bench.publish(0);
    bench.publish(1);
    let versions: Vec<String> = bench.core.versions(None).versions.iter().map(|one| one.version.clone()).collect();
    assert_eq!(versions, ["1.0.0", "2.0.0", "3.0.0"]);
    // The same again is no news.
    let known = bench.core.protocol("shop");
    let again = Publication::new(bench.bundles[1].clone(), known.clone()).expect("it is the same");
    assert!(matches!(bench.ask(Ask::Publish(again)), Ok(Answer::Published(one)) if one.added.is_empty()));
    // Put together with what is not the newest: once more, please.
    let stale = Publication::new(bench.bundles[0].clone(), None).expect("it stands alone");
    assert!(matches!(bench.ask(Ask::Publish(stale)), Ok(Answer::Published(_))));
    // The same name with another schema.
    let other = bench::protocol("string other = 2;");
    let step = Bundle::of_step(&other, other.versions()[0].version(), other.versions()[1].version()).expect("a step");
    assert_eq!(Publication::new(step, known).unwrap_err().reason.name(), "IMMUTABLE");
}

#[test]
fn a_bundle_that_does_not_adjoin_is_refused() {
    let mut other = Bench::new();
    other.publish(0);
    let gap = bench::four();
    let gap = Bundle::of_step(&gap, gap.versions()[2].version(), gap.versions()[3].version()).expect("a step");
    assert_eq!(Publication::new(gap, other.core.protocol("shop")).unwrap_err().reason.name(), "BUNDLE_CONFLICT");
}

#[test]
fn a_node_goes_by_a_permit_and_the_upgrade_comes_to_its_end() {
    let mut bench = Bench::new();
    bench.publish(0);
    bench.hello(1, "a", "1.0.0");
    assert!(bench.told(1).iter().any(|said| matches!(said, wire::to_agent::Message::Welcome(one) if one.serve)));
    let number = bench.start(start("2.0.0", FREE)).expect("it starts");
    assert_eq!(bench.goal(1).version, "2.0.0");
    bench.request(1, 7, number, "1.0.0", "2.0.0");
    let permit = bench.permit(1).expect("a permit");
    assert_eq!((permit.request, permit.from.as_str(), permit.to.as_str(), permit.back), (7, "1.0.0", "2.0.0", false));
    bench.ended(1, permit.permit, "2.0.0", None);
    bench.report(1, wire::Report { back: "1.0.0".to_owned(), ..bench::report("2.0.0") });
    assert_eq!(bench.state(number), UpgradeState::Complete);
    bench.ask(Ask::Finalize(wire::FinalizeUpgradeRequest { number })).expect("it is complete");
    assert_eq!(bench.goal(1).final_up_to, "2.0.0");
    assert_eq!(bench.goal(1).active, "2.0.0");
    bench.report(1, bench::report("2.0.0"));
    assert_eq!(bench.state(number), UpgradeState::Finalized);
    let late = bench.ask(Ask::RollBack(wire::RollBackUpgradeRequest { number, ..Default::default() }));
    assert_eq!(reason(late), "TOO_LATE");
}

#[test]
fn time_frees_no_permit_and_holds_up_the_others() {
    let mut bench = Bench::new();
    bench.publish(0);
    (1..=3).for_each(|node| bench.hello(node, &format!("node-{node}"), "1.0.0"));
    let number = bench.start(start("2.0.0", "[gates]\nstandard = false\n[rolling]\nat_once = 2\n")).expect("it starts");
    bench.request(1, 1, number, "1.0.0", "2.0.0");
    let permit = bench.permit(1).expect("a permit");
    bench.close(1);
    for _ in 0..50 {
        bench.pass(5 * SECOND);
        bench.report(2, bench::report("1.0.0"));
        bench.report(3, bench::report("1.0.0"));
    }
    bench.request(2, 1, number, "1.0.0", "2.0.0");
    assert!(bench.permit(2).is_none());
    let status = bench.status(number);
    assert_eq!((status.moving, status.away), (1, 1));
    assert_eq!(status.waits_for[0].rule, "outstanding-permit", "{:#?}", status.waits_for);
    assert!(status.advice.contains("straddle nodes forget shop node-1"), "{}", status.advice);
    // A Hello alone may be an old one.
    let permit_of_first = |bench: &Bench| bench.status(number).nodes[0].permit;
    bench.hello(4, "node-1", "1.0.0");
    assert_eq!(permit_of_first(&bench), permit.permit);
    bench.report(4, bench::report("1.0.0"));
    assert_eq!(permit_of_first(&bench), 0);
    let other = bench.permit(2).expect("a permit");
    assert!(other.permit > permit.permit);
}

#[test]
fn a_report_that_crosses_a_permit_does_not_free_it() {
    let mut bench = Bench::new();
    bench.publish(0);
    bench.hello(1, "a", "1.0.0");
    let number = bench.start(start("2.0.0", FREE)).expect("it starts");
    bench.request(1, 1, number, "1.0.0", "2.0.0");
    let permit = bench.permit(1).expect("a permit");
    bench.report(1, wire::Report { held: Some("no".to_owned()), ..bench::report("1.0.0") });
    assert_eq!(bench.status(number).moving, 1);
    bench.report(1, wire::Report { permit: permit.permit, ..bench::report("1.0.0") });
    assert_eq!(bench.status(number).moving, 0);
}

#[test]
fn a_forgotten_node_is_fenced_until_it_is_admitted_anew() {
    let mut bench = Bench::new();
    bench.publish(0);
    bench.hello(1, "a", "1.0.0");
    let admission = bench.admission(1);
    let forget = wire::ForgetNodeRequest { protocol: "shop".to_owned(), node: "a".to_owned(), anyway: false };
    assert_eq!(reason(bench.ask(Ask::Forget(forget.clone()))), "HEARD");
    bench.ask(Ask::Forget(wire::ForgetNodeRequest { anyway: true, ..forget })).expect("it is there");
    assert_eq!(bench.ended.get(&1), Some(&"FENCED"));
    bench.hello_with(2, "a", "1.0.0", admission);
    assert_eq!(bench.ended.get(&2), Some(&"FENCED"));
    bench.hello_with(3, "a", "1.0.0", 0);
    assert!(bench.admission(3) > admission);
}

#[test]
fn a_method_that_is_called_and_would_be_refused_holds_the_node_until_it_is_accepted_by_name() {
    let mut bench = Bench::new();
    bench.publish(0);
    bench.publish(1);
    bench.hello(1, "a", "2.0.0");
    bench.calls(1, "2.0.0", "shop.v1.Shop.Legacy");
    let plan = bench.core.plan(&start("3.0.0", FREE), bench.now).expect("a plan");
    assert!(plan.blockers.iter().any(|blocker| blocker.rule == "routes" && blocker.blocks), "{plan:#?}");
    let number = bench.start(start("3.0.0", FREE)).expect("it starts");
    bench.request(1, 1, number, "2.0.0", "3.0.0");
    assert!(bench.permit(1).is_none());
    let blocker = bench.status(number).waits_for.remove(0);
    assert_eq!(blocker.rule, "routes");
    assert!(
        blocker.what.contains("callers of 2.0.0 would lose shop.v1.Shop.Legacy at nodes that run 3.0.0"),
        "{}",
        blocker.what
    );
    assert!(blocker.advice.contains("--accept \"2.0.0 shop.v1.Shop.Legacy\""), "{}", blocker.advice);
    let accept = vec!["2.0.0 shop.v1.Shop.Legacy".to_owned()];
    bench.ask(Ask::Resume(wire::ResumeUpgradeRequest { number, accept })).expect("it goes on");
    assert!(bench.permit(1).is_some());
}

#[test]
fn a_coordinator_that_begins_again_goes_on_where_the_other_was() {
    let mut bench = Bench::new();
    bench.publish(0);
    bench.hello(1, "a", "1.0.0");
    let number = bench.start(start("2.0.0", FREE)).expect("it starts");
    bench.request(1, 1, number, "1.0.0", "2.0.0");
    let permit = bench.permit(1).expect("a permit");
    bench.restart();
    assert_eq!(bench.state(number), UpgradeState::Running);
    assert_eq!(bench.status(number).moving, 1);
    bench.hello(2, "a", "1.0.0");
    assert!(
        bench.told(2).iter().any(|said| matches!(said, wire::to_agent::Message::Goal(goal) if goal.version == "2.0.0"))
    );
    bench.report(2, wire::Report { permit: permit.permit, back: "1.0.0".to_owned(), ..bench::report("2.0.0") });
    assert_eq!(bench.state(number), UpgradeState::Complete);
}

#[test]
fn a_node_that_is_behind_serves_only_when_it_has_come_to_the_others() {
    let mut bench = Bench::new();
    bench.publish(0);
    bench.publish(1);
    bench.hello(1, "a", "1.0.0");
    let number = bench.start(start("2.0.0", FREE)).expect("it starts");
    bench.request(1, 1, number, "1.0.0", "2.0.0");
    let permit = bench.permit(1).expect("a permit").permit;
    bench.ended(1, permit, "2.0.0", None);
    bench.report(1, bench::report("2.0.0"));
    bench.ask(Ask::Finalize(wire::FinalizeUpgradeRequest { number })).expect("it is complete");
    bench.pass(SECOND);
    assert_eq!(bench.state(number), UpgradeState::Finalized);
    bench.hello_idle(2, "late", "1.0.0");
    let refused = |said: &wire::to_agent::Message| matches!(said, wire::to_agent::Message::Welcome(one) if !one.serve && one.why.contains("the others are at 2.0.0"));
    assert!(bench.told(2).iter().any(refused), "{:#?}", bench.told(2));
    bench.request(2, 1, 0, "1.0.0", "2.0.0");
    let permit = bench.permit(2).expect("a permit").permit;
    bench.ended(2, permit, "2.0.0", None);
    let serves = |said: &wire::to_agent::Message| matches!(said, wire::to_agent::Message::Welcome(one) if one.serve);
    assert!(bench.told(2).iter().any(serves));
}

/// The simulation found it: nobody could let the node go again, since there was no upgrade to resume.
#[test]
fn a_node_that_could_not_be_brought_to_the_others_is_tried_again_after_a_while() {
    let mut bench = Bench::new();
    bench.publish(0);
    bench.hello(1, "a", "1.0.0");
    let number = bench.start(start("2.0.0", FREE)).expect("it starts");
    bench.request(1, 1, number, "1.0.0", "2.0.0");
    let permit = bench.permit(1).expect("a permit").permit;
    bench.ended(1, permit, "2.0.0", None);
    bench.report(1, bench::report("2.0.0"));
    bench.ask(Ask::Finalize(wire::FinalizeUpgradeRequest { number })).expect("it is complete");
    bench.pass(SECOND);
    assert_eq!(bench.state(number), UpgradeState::Finalized);
    bench.hello_idle(2, "late", "1.0.0");
    let failure = wire::Failure { reason: "MOVE_FAILED".to_owned(), what: "no space".to_owned(), ..Default::default() };
    let mut waited = Vec::new();
    let (mut last, mut permitted) = (0, bench.now.monotonic);
    while waited.len() < 7 {
        bench.report(2, wire::Report { serving: false, ..bench::report("1.0.0") });
        bench.request(2, bench.now.monotonic, 0, "1.0.0", "2.0.0");
        if let Some(permit) = bench.permit(2).filter(|permit| permit.permit != last) {
            last = permit.permit;
            waited.push((bench.now.monotonic - permitted) / SECOND);
            permitted = bench.now.monotonic;
            bench.ended(2, permit.permit, "1.0.0", Some(failure.clone()));
        }
        bench.pass(SECOND);
    }
    assert_eq!(waited, [0, 30, 60, 120, 240, 480, 600]);
}

#[test]
fn what_cannot_be_asked_for_is_denied_with_its_reason() {
    let mut bench = Bench::new();
    let mut deny = |request: wire::StartUpgradeRequest| reason(bench.ask(Ask::Start(request)));
    assert_eq!(deny(start("2.0.0", "")), "NO_SUCH_PROTOCOL");
    bench.publish(0);
    let mut deny = |request: wire::StartUpgradeRequest| reason(bench.ask(Ask::Start(request)));
    assert_eq!(deny(start("9.0.0", "")), "NO_SUCH_VERSION");
    assert_eq!(deny(start("1.0.0", "")), "NO_WAY");
    assert_eq!(deny(start("2.0.0", "[roling]")), "INVALID_SCHEDULE");
    assert_eq!(
        deny(wire::StartUpgradeRequest { accept: vec!["2.0.0 No".to_owned()], ..start("2.0.0", "") }),
        "NO_SUCH_VERSION"
    );
    bench.hello(1, "a", "1.0.0");
    bench.start(start("2.0.0", "")).expect("it starts");
    assert_eq!(reason(bench.ask(Ask::Start(start("2.0.0", "")))), "UNDER_WAY");
    assert_eq!(reason(bench.ask(Ask::Finalize(wire::FinalizeUpgradeRequest { number: 1 }))), "BLOCKED");
    assert_eq!(
        reason(bench.ask(Ask::Pause(wire::PauseUpgradeRequest { number: 9, ..Default::default() }))),
        "NO_SUCH_UPGRADE"
    );
}

#[test]
fn an_entry_that_cannot_be_read_is_named() {
    let bytes = bytes::Bytes::from_static(b"\xff\xff");
    let load = |key: &str, value: bytes::Bytes| {
        let now = Now::new(0, 0);
        Core::load([(bytes::Bytes::from(key.to_owned()), value)], now, Settings::default())
            .err()
            .expect("it is damaged")
    };
    assert_eq!(load(keys::COUNTERS, bytes.clone()).key, keys::COUNTERS);
    assert_eq!(load("straddle/nodes/shop/a", bytes).key, "straddle/nodes/shop/a");
    assert_eq!(load("straddle/else", record::seal(&wire::Counters::default())).key, "straddle/else");
    assert_eq!(load("straddle/nodes/shop/a", record::seal(&wire::Counters::default())).key, "straddle/nodes/shop/a");
}

#[test]
fn a_report_that_says_nothing_new_is_not_written() {
    let mut bench = Bench::new();
    bench.publish(0);
    bench.hello(1, "a", "1.0.0");
    bench.report(1, bench::report("1.0.0"));
    let before = bench.written;
    for _ in 0..10 {
        bench.pass(5 * SECOND);
        bench.report(1, bench::report("1.0.0"));
    }
    assert_eq!(bench.written, before);
    assert!(bench.core.upgrades(Which::Last(None), bench.now).is_empty());
}

#[test]
fn a_hello_beyond_its_limits_ends_the_stream() {
    let mut bench = Bench::new();
    let hello = || bench::hello("a", 0, bench::report("1.0.0"));
    let long = || "x".repeat(3 << 20);
    let version = format!("1.0.0-{}", long());
    let beyond = [
        wire::Hello { address: long(), ..hello() },
        wire::Hello { instance: long(), ..hello() },
        wire::Hello { ways: vec![1; 17], ..hello() },
        wire::Hello { labels: [("zone".to_owned(), long())].into(), ..hello() },
        wire::Hello { runs: vec![version.clone()], ..hello() },
        wire::Hello { report: Some(bench::report(&version)), ..hello() },
        wire::Hello { knows: vec![wire::KnownVersion { schema: long(), ..hello().knows[0].clone() }], ..hello() },
    ];
    for (session, hello) in (1..).zip(beyond) {
        bench.say_hello(session, hello);
        assert_eq!(bench.ended.get(&session), Some(&"INVALID"), "{session}");
    }
    assert_eq!(bench.written, 0);
    bench.say_hello(99, wire::Hello { address: "x".repeat(256), ways: vec![1; 16], ..hello() });
    assert!(!bench.ended.contains_key(&99));
}

#[test]
fn what_a_node_or_an_operator_says_at_length_is_kept_within_what_a_store_takes() {
    let mut bench = Bench::new();
    let long = "x".repeat(3 << 20);
    bench.publish(0);
    bench.hello(1, "a", "1.0.0");
    bench.report(1, wire::Report { stuck: Some(long.clone()), back: long.clone(), ..bench::report("1.0.0") });
    let node = bench.core.nodes(&wire::ListNodesRequest::default(), bench.now).nodes.remove(0).node.expect("a node");
    assert!(node.stuck.expect("it is stuck").starts_with("xxx"));
    assert!(bench.largest() < LARGEST_VALUE, "{}", bench.largest());
    // Callers of more versions than there are, before an upgrade begins: its baseline is of some of them.
    let calls = |at: usize| {
        let version = format!("1.0.0-{at}{}", "x".repeat(100));
        wire::Calls { version, answered: 1, latency: vec![u64::MAX; 32], ..wire::Calls::default() }
    };
    for session in 2..12 {
        bench.hello(session, &format!("node-{session}"), "1.0.0");
        let first = usize::try_from(session).expect("a number") * 5000;
        bench.report(
            session,
            wire::Report { calls: (first..first + 5000).map(calls).collect(), ..bench::report("1.0.0") },
        );
    }
    let methods = |bytes: usize| wire::DeclaredCaller { version: "1.0.0".to_owned(), methods: vec!["x".repeat(bytes)] };
    let declared = |bytes: usize| wire::StartUpgradeRequest { callers: vec![methods(bytes)], ..start("2.0.0", FREE) };
    let plan = bench.core.plan(&declared(513 << 10), bench.now).expect_err("it is too large");
    assert_eq!(plan.reason.name(), "INVALID");
    assert!(plan.what.contains("may have 524288"), "{}", plan.what);
    assert_eq!(reason(bench.ask(Ask::Start(declared(3 << 20)))), "INVALID");
    let number = bench.start(declared(511 << 10)).expect("it starts");
    let why = "y".repeat(500 << 10);
    bench.ask(Ask::Pause(wire::PauseUpgradeRequest { number, why })).expect("it is paused");
    let why = bench.status(number).upgrade.expect("an upgrade").why;
    assert!(why.len() < 1100 && why.starts_with("yyy"), "{}", why.len());
    let (why, accept) = (long.clone(), Vec::new());
    let back = wire::RollBackUpgradeRequest { number, why, accept, ..Default::default() };
    assert_eq!(reason(bench.ask(Ask::RollBack(back))), "INVALID");
    assert!(bench.largest() < LARGEST_VALUE, "{}", bench.largest());
}

#[test]
fn why_a_node_could_not_learn_a_bundle_is_told() {
    let mut bench = Bench::new();
    bench.publish(0);
    let unlearned =
        |bench: &Bench| bench.core.nodes(&wire::ListNodesRequest::default(), bench.now).nodes[0].unlearned.clone();
    let why = Some("nobody whom it trusts has signed it".to_owned());
    let report = wire::Report { unlearned: why.clone(), ..bench::report("1.0.0") };
    let mut hello = bench::hello("a", 0, report);
    hello.knows.truncate(1);
    bench.say_hello(1, hello);
    assert_eq!(unlearned(&bench), why);
    let number = bench.start(start("2.0.0", FREE)).expect("it starts");
    let waits = bench.status(number).waits_for.remove(0);
    assert_eq!(waits.rule, "learning");
    assert!(waits.what.contains("has not learned 2.0.0 yet: nobody whom it trusts"), "{}", waits.what);
    assert!(bench.status(number).advice.contains("tries again by itself"), "{}", bench.status(number).advice);
    bench.report(1, bench::report("1.0.0"));
    assert_eq!(unlearned(&bench), None);
}

#[test]
fn an_upgrade_that_has_ended_tells_how_by_whom_and_why() {
    let mut bench = Bench::new();
    bench.publish(0);
    (1..=3).for_each(|node| bench.hello(node, &format!("node-{node}"), "1.0.0"));
    let number = bench.start(start("2.0.0", FREE)).expect("it starts");
    bench.request(1, 1, number, "1.0.0", "2.0.0");
    let permit = bench.permit(1).expect("a permit").permit;
    bench.ended(1, permit, "2.0.0", None);
    let there = |back: &str| wire::Report { back: back.to_owned(), ..bench::report("2.0.0") };
    bench.report(1, there("1.0.0"));
    let why = "orders are slow".to_owned();
    bench.ask(Ask::RollBack(wire::RollBackUpgradeRequest { number, why, ..Default::default() })).expect("it goes back");
    bench.request(1, 2, number, "2.0.0", "1.0.0");
    let permit = bench.permit(1).expect("a permit").permit;
    bench.ended(1, permit, "1.0.0", None);
    bench.report(1, bench::report("1.0.0"));
    bench.restart();
    let status = bench.status(number);
    assert_eq!((status.there, status.total), (3, 3));
    let upgrade = status.upgrade.expect("an upgrade");
    assert_eq!(upgrade.state(), UpgradeState::RolledBack);
    assert_eq!((upgrade.why.as_str(), upgrade.changed_by.as_str()), ("orders are slow", "ada"));
    assert_eq!(upgrade.taken_back_at, Some(wire::NodeCount { there: 1, total: 3, away: 0 }));
    assert_eq!(upgrade.ended_at, Some(wire::NodeCount { there: 3, total: 3, away: 0 }));
}

#[test]
fn a_plan_runs_the_upgrade_forward_and_says_at_which_stage_it_would_hold() {
    let mut bench = Bench::new();
    bench.publish(0);
    for (session, (node, zone)) in (1..).zip([("a-1", "a"), ("a-2", "a"), ("b-1", "b"), ("b-2", "b")]) {
        let labels = [("zone".to_owned(), zone.to_owned())].into();
        bench.say_hello(session, wire::Hello { labels, ..bench::hello(node, 0, bench::report("1.0.0")) });
    }
    let zones = "[gates]\nstandard = false\n[domains]\n[limits]\nminimum_serving = 1\nserving_by = \"zone\"\n";
    let blocks = |bench: &Bench, schedule: &str| {
        let blockers = bench.core.plan(&start("2.0.0", schedule), bench.now).expect("a plan").blockers;
        let blocks = blockers.into_iter().filter(|blocker| blocker.blocks);
        blocks.map(|blocker| (blocker.rule, blocker.stage, blocker.nodes)).collect::<Vec<_>>()
    };
    assert_eq!(blocks(&bench, zones), []);
    // Once b-2 is away, b-1 is the last one of its zone that serves; nothing keeps those before it.
    bench.close(4);
    assert_eq!(blocks(&bench, zones), [("minimum-serving".to_owned(), 2, vec!["b-1".to_owned()])]);
}

#[test]
fn an_upgrade_rests_when_nothing_happens_before_somebody_mends_what_it_waits_for() {
    let mut bench = Bench::new();
    bench.publish(0);
    (1..=2).for_each(|node| bench.hello(node, &format!("node-{node}"), "1.0.0"));
    let number = bench.start(start("2.0.0", FREE)).expect("it starts");
    assert!(!bench.status(number).rests, "they have not asked yet");
    for node in 1..=2 {
        bench.request(node, 1, number, "1.0.0", "2.0.0");
        let permit = bench.permit(node).expect("a permit").permit;
        bench.ended(node, permit, "2.0.0", None);
        bench.report(node, wire::Report { back: "1.0.0".to_owned(), ..bench::report("2.0.0") });
    }
    let back = |bench: &mut Bench| {
        let request = wire::RollBackUpgradeRequest { number, ..Default::default() };
        match bench.ask(Ask::RollBack(request)).expect("it goes back") {
            Answer::Upgrade(status) => *status,
            other => panic!("{other:?}"),
        }
    };
    back(&mut bench);
    bench.request(1, 2, number, "2.0.0", "1.0.0");
    let permit = bench.permit(1).expect("a permit").permit;
    let failure = wire::Failure { reason: "MOVE_FAILED".to_owned(), what: "no room".to_owned(), ..Default::default() };
    bench.ended(1, permit, "2.0.0", Some(failure));
    bench.report(1, wire::Report { back: "1.0.0".to_owned(), ..bench::report("2.0.0") });
    assert!(!bench.status(number).rests, "the other one may ask at any moment");
    bench.close(2);
    bench.pass(SECOND);
    assert!(!bench.status(number).rests, "it may come back");
    // Without a way back no time helps.
    bench.hello(3, "node-2", "2.0.0");
    bench.pass(SECOND);
    assert!(bench.status(number).rests, "{:#?}", bench.status(number));
    let numbers = bench.core.numbers(bench.now);
    assert!(numbers.contains("straddle_upgrade_rests{protocol=\"shop\"} 1\n"), "{numbers}");
    assert!(!back(&mut bench).rests, "it may try again");
}

#[test]
fn what_held_nodes_before_is_not_told_of_an_upgrade_that_was_changed() {
    let begun = |schedule: &str| {
        let mut bench = Bench::new();
        bench.publish(0);
        (1..=3).for_each(|node| bench.hello(node, &format!("node-{node}"), "1.0.0"));
        let number = bench.start(start("2.0.0", schedule)).expect("it starts");
        (bench, number)
    };
    let has = |status: &wire::UpgradeStatus, rule: &str| status.waits_for.iter().any(|one| one.rule == rule);
    let answered = |bench: &mut Bench, ask: Ask| match bench.ask(ask) {
        Ok(Answer::Upgrade(status)) => *status,
        other => panic!("{other:?}"),
    };

    let (mut bench, number) = begun(FREE);
    answered(&mut bench, Ask::Pause(wire::PauseUpgradeRequest { number, ..Default::default() }));
    bench.request(1, 1, number, "1.0.0", "2.0.0");
    assert!(has(&bench.status(number), "paused"));
    let resumed = answered(&mut bench, Ask::Resume(wire::ResumeUpgradeRequest { number, ..Default::default() }));
    assert!(!has(&resumed, "paused") && resumed.advice.is_empty(), "{resumed:#?}");
    assert!(bench.permit(1).is_some());

    let (mut bench, number) = begun("[gates]\nstandard = false\n[limits]\nminimum_serving = \"100%\"\n");
    bench.request(1, 1, number, "1.0.0", "2.0.0");
    assert!(has(&bench.status(number), "minimum-serving"));
    let limits = Some(wire::ChangedLimits { minimum_serving: Some("0".to_owned()), ..Default::default() });
    let changed = wire::ChangeLimitsRequest { number, limits, ..Default::default() };
    let changed = answered(&mut bench, Ask::ChangeLimits(changed));
    assert!(!has(&changed, "minimum-serving"), "{changed:#?}");
    assert!(bench.permit(1).is_some());
}

#[test]
fn limits_of_a_running_upgrade_are_changed_with_an_event_and_stay_so() {
    let mut bench = Bench::new();
    bench.publish(0);
    (1..=2).for_each(|node| bench.hello(node, &format!("node-{node}"), "1.0.0"));
    let all = "[gates]\nstandard = false\n[limits]\nminimum_serving = \"100%\"\n";
    let number = bench.start(start("2.0.0", all)).expect("it starts");
    bench.request(1, 1, number, "1.0.0", "2.0.0");
    assert!(bench.permit(1).is_none());
    assert_eq!(bench.status(number).waits_for[0].rule, "minimum-serving");
    let change = |limits: wire::ChangedLimits| {
        Ask::ChangeLimits(wire::ChangeLimitsRequest { number, limits: Some(limits), why: "it never goes".to_owned() })
    };
    let least = |least: &str| wire::ChangedLimits { minimum_serving: Some(least.to_owned()), ..Default::default() };
    assert_eq!(reason(bench.ask(change(least("most")))), "INVALID");
    assert!(bench.permit(1).is_none());
    let versions = |most| wire::ChangedLimits { versions: Some(most), ..Default::default() };
    assert_eq!(reason(bench.ask(change(versions(1)))), "INVALID");
    bench.ask(change(versions(2))).expect("it is changed");
    bench.ask(change(least("50%"))).expect("it is changed");
    let event = bench.events.iter().rfind(|event| event.kind == "limits-changed").expect("an event");
    assert_eq!((event.who.as_str(), event.why.as_str()), ("ada", "it never goes"));
    assert_eq!(event.what, "from now on 50% nodes go on serving, at most 2 versions run at once");
    let permit = bench.permit(1).expect("a permit").permit;
    bench.ended(1, permit, "2.0.0", None);
    bench.report(1, wire::Report { back: "1.0.0".to_owned(), ..bench::report("2.0.0") });
    bench.restart();
    bench.hello(3, "node-1", "2.0.0");
    bench.hello(4, "node-2", "1.0.0");
    bench.request(4, 1, number, "1.0.0", "2.0.0");
    assert!(bench.permit(4).is_some(), "they are kept");
    let limits = bench.status(number).upgrade.expect("an upgrade").limits;
    assert_eq!(limits, Some(wire::ChangedLimits { versions: Some(2), ..least("50%") }));
}
