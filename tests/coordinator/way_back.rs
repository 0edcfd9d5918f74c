//! Upgrades that have nothing to do, and those that no way leads back from.

use straddle::control::v1_0_0 as wire;
use straddle::control::v1_0_0::UpgradeState;
use straddle::coordinator::core::{Answer, Ask, Denied};

use crate::bench::{self, Bench, SECOND};
use crate::{FREE, reason, start};

fn denied(answer: Result<Answer, Denied>) -> Denied {
    answer.map(|answer| panic!("{answer:?}")).unwrap_err()
}

fn roll_back(bench: &mut Bench, number: u64) -> Result<Answer, Denied> {
    bench.ask(Ask::RollBack(wire::RollBackUpgradeRequest { number, ..Default::default() }))
}

fn finalize(bench: &mut Bench, number: u64) {
    bench.ask(Ask::Finalize(wire::FinalizeUpgradeRequest { number })).expect("it is complete");
}

/// A node comes to 2.0.0, with a way back or without one.
fn moves(bench: &mut Bench, session: u64, number: u64, back: &str) {
    bench.request(session, 1, number, "1.0.0", "2.0.0");
    let permit = bench.permit(session).expect("a permit").permit;
    bench.ended(session, permit, "2.0.0", None);
    bench.report(session, wire::Report { back: back.to_owned(), permit, ..bench::report("2.0.0") });
}

fn fleet(nodes: u64, version: &str) -> Bench {
    let mut bench = Bench::new();
    bench.publish(0);
    (1..=nodes).for_each(|node| bench.hello(node, &format!("node-{node}"), version));
    bench
}

#[test]
fn an_upgrade_to_a_version_that_is_final_is_denied_and_says_which_one_is_next() {
    let mut bench = fleet(2, "1.0.0");
    let number = bench.start(start("2.0.0", FREE)).expect("it starts");
    (1..=2).for_each(|node| moves(&mut bench, node, number, "1.0.0"));
    finalize(&mut bench, number);
    (1..=2).for_each(|node| bench.report(node, bench::report("2.0.0")));
    assert_eq!(bench.state(number), UpgradeState::Finalized);
    for _ in 0..2 {
        let again = denied(bench.ask(Ask::Start(start("2.0.0", FREE))));
        assert_eq!(again.reason.name(), "NO_WAY");
        assert_eq!(again.what, "2.0.0 is final at all nodes of shop already: there is nothing to upgrade");
        assert!(again.advice.contains("newer than 2.0.0"), "{}", again.advice);
        assert!(bench.core.plan(&start("2.0.0", FREE), bench.now).is_err(), "nor is it planned");
        bench.restart();
        (1..=2).for_each(|node| bench.hello(node, &format!("node-{node}"), "2.0.0"));
    }
    bench.publish(1);
    let advice = denied(bench.ask(Ask::Start(start("2.0.0", FREE)))).advice;
    assert_eq!(advice, "straddle upgrade start shop 3.0.0");
    bench.start(start("3.0.0", FREE)).expect("the next one starts");
}

#[test]
fn a_fleet_that_began_at_a_version_can_only_finalize_it() {
    let mut bench = fleet(3, "2.0.0");
    let number = bench.start(start("2.0.0", FREE)).expect("nothing has said that it is final");
    assert_eq!(bench.state(number), UpgradeState::Complete);
    let advice = bench.status(number).advice;
    assert!(advice.contains("finalize") && !advice.contains("rollback"), "{advice}");
    let back = denied(roll_back(&mut bench, number));
    assert_eq!(back.reason.name(), "TOO_LATE");
    assert!(back.what.contains("node-1, node-2, node-3"), "{}", back.what);
    assert!(back.advice.contains("straddle upgrade finalize 1"), "{}", back.advice);
    assert_eq!(bench.state(number), UpgradeState::Complete);
    finalize(&mut bench, number);
    bench.pass(SECOND);
    assert_eq!(bench.state(number), UpgradeState::Finalized);
    assert_eq!(bench.goal(1).active, "2.0.0");
}

#[test]
fn a_rollback_is_denied_while_no_node_that_has_gone_has_a_way_back() {
    let one = "[rolling]\nat_once = 1\n[limits]\nminimum_serving = 0\n[gates]\nstandard = false\n";
    let mut bench = fleet(3, "1.0.0");
    let number = bench.start(start("2.0.0", one)).expect("it starts");
    moves(&mut bench, 1, number, "");
    let back = denied(roll_back(&mut bench, number));
    assert_eq!(back.what, "no node that runs 2.0.0 has a way back to 1.0.0: node-1 came without one, or gave it up");
    assert!(back.advice.contains("straddle upgrade pause 1"), "{}", back.advice);
    // Another one has a way back: what can go back does, and the first one is named.
    moves(&mut bench, 2, number, "1.0.0");
    roll_back(&mut bench, number).expect("one of them can go back");
    assert_eq!(bench.state(number), UpgradeState::RollingBack);
    let waits = bench.status(number).waits_for;
    assert!(waits.iter().any(|one| one.what.contains("node-1 cannot be taken back")), "{waits:#?}");
}

#[test]
fn a_rollback_before_anybody_has_gone_and_one_of_nodes_that_go_by_hand_are_taken() {
    let mut bench = fleet(2, "1.0.0");
    let number = bench.start(start("2.0.0", FREE)).expect("it starts");
    roll_back(&mut bench, number).expect("nobody has gone");
    assert_eq!(bench.state(number), UpgradeState::RolledBack);

    let mut bench = fleet(0, "");
    let by_hand = wire::Hello { ways: Vec::new(), ..bench::hello("a", 0, bench::report("2.0.0")) };
    bench.say_hello(1, by_hand);
    let number = bench.start(start("2.0.0", FREE)).expect("it starts");
    roll_back(&mut bench, number).expect("somebody starts the older program");
    bench.report(1, bench::report("1.0.0"));
    assert_eq!(bench.state(number), UpgradeState::RolledBack);
    assert_eq!(bench.events.last().expect("an event").what, "all nodes of shop run 1.0.0 again");
}

#[test]
fn the_event_of_a_rollback_does_not_speak_for_nodes_that_were_forgotten() {
    let mut bench = fleet(2, "1.0.0");
    let number = bench.start(start("2.0.0", FREE)).expect("it starts");
    moves(&mut bench, 1, number, "");
    moves(&mut bench, 2, number, "1.0.0");
    roll_back(&mut bench, number).expect("one of them can go back");
    bench.request(2, 2, number, "2.0.0", "1.0.0");
    let permit = bench.permit(2).expect("a permit").permit;
    bench.ended(2, permit, "1.0.0", None);
    bench.report(2, wire::Report { permit, ..bench::report("1.0.0") });
    assert_eq!(bench.state(number), UpgradeState::RollingBack, "node-1 is not back");
    let (protocol, node) = ("shop".to_owned(), "node-1".to_owned());
    bench.ask(Ask::Forget(wire::ForgetNodeRequest { protocol, node, anyway: true })).expect("it is there");
    assert_eq!(bench.state(number), UpgradeState::RolledBack);
    let told = bench.events.iter().find(|event| event.kind == "rolled-back").expect("an event");
    assert_eq!(told.what, "all nodes of shop run 1.0.0 again, but for 1 at 2.0.0 that were forgotten");
}

#[test]
fn a_failed_gate_pauses_what_cannot_be_taken_back() {
    let gate = "on_failed_gate = \"roll-back\"\n[rolling]\nat_once = 1\n[limits]\nminimum_serving = 0\n\
                [[gate]]\nname = \"faults\"\nholds = \"values['faults'].max < 1.0\"\n";
    for (back, state) in [("", UpgradeState::Paused), ("1.0.0", UpgradeState::RollingBack)] {
        let mut bench = fleet(2, "1.0.0");
        let faults = |faults: f64, report: wire::Report| wire::Report {
            values: [("faults".to_owned(), faults)].into(),
            ..report
        };
        (1..=2).for_each(|node| bench.report(node, faults(0.0, bench::report("1.0.0"))));
        let number = bench.start(start("2.0.0", gate)).expect("it starts");
        moves(&mut bench, 1, number, back);
        bench.report(1, faults(3.0, wire::Report { back: back.to_owned(), ..bench::report("2.0.0") }));
        for _ in 0..5 {
            bench.pass(SECOND);
        }
        assert_eq!(bench.state(number), state, "{:#?}", bench.status(number));
        let failed = bench.events.iter().find(|event| event.kind == "gate-failed").expect("an event");
        assert_eq!(failed.what.contains("it is paused, not taken back"), back.is_empty(), "{}", failed.what);
        if back.is_empty() {
            assert_eq!(reason(roll_back(&mut bench, number)), "TOO_LATE");
        }
    }
}
