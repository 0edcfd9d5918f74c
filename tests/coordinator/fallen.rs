//! Nodes that fall back to an older version by themselves.

use straddle::control::v1_0_0 as wire;
use straddle::control::v1_0_0::UpgradeState;
use straddle::coordinator::core::Ask;

use crate::bench::{self, Bench, SECOND};
use crate::start;

const ONE: &str = "[rolling]\nat_once = 1\n[limits]\nminimum_serving = 0\n[gates]\nstandard = false\n";

/// Two nodes, of which the first has come to 2.0.0, and the upgrade.
fn one_has_come() -> (Bench, u64) {
    let mut bench = Bench::new();
    bench.publish(0);
    bench.hello(1, "a", "1.0.0");
    bench.hello(2, "b", "1.0.0");
    let number = bench.start(start("2.0.0", ONE)).expect("it starts");
    moves(&mut bench, 1, number);
    (bench, number)
}

fn moves(bench: &mut Bench, session: u64, number: u64) {
    bench.request(session, 1, number, "1.0.0", "2.0.0");
    let permit = bench.permit(session).expect("a permit");
    bench.ended(session, permit.permit, "2.0.0", None);
    bench.report(session, wire::Report { back: "1.0.0".to_owned(), ..bench::report("2.0.0") });
}

/// As its program says that was there before, with what its supervisor saw of the newer one.
fn fallen() -> wire::Report {
    wire::Report { failure: Some("it was ended by signal 6".to_owned()), ..bench::report("1.0.0") }
}

fn failure(bench: &Bench, number: u64) -> Option<String> {
    bench.status(number).nodes[0].failure.clone()
}

fn resume(bench: &mut Bench, number: u64) {
    bench.ask(Ask::Resume(wire::ResumeUpgradeRequest { number, ..Default::default() })).expect("it resumes");
}

#[test]
fn a_node_that_falls_back_has_failed_and_holds_up_the_others_until_somebody_resumes() {
    let (mut bench, number) = one_has_come();
    bench.close(1);
    bench.hello_again(3, "a", "", fallen());
    assert_eq!(failure(&bench, number), None, "a Hello may be an old one");
    bench.report(3, fallen());
    let told = failure(&bench, number).expect("it has failed");
    assert_eq!(told, "it ran 2.0.0, and is back at 1.0.0 by itself: it was ended by signal 6");
    let event = bench.events.iter().find(|event| event.kind == "move-failed").expect("an event");
    assert_eq!((event.node.as_str(), event.why.as_str()), ("a", "it was ended by signal 6"));
    for session in [3, 2] {
        bench.request(session, 2, number, "1.0.0", "2.0.0");
        assert!(bench.permit(session).is_none(), "{session}");
    }
    bench.pass(3600 * SECOND);
    bench.report(3, fallen());
    bench.report(2, bench::report("1.0.0"));
    assert!(bench.permit(3).is_none() && bench.permit(2).is_none(), "time mends nothing");
    let status = bench.status(number);
    assert_eq!((status.failed, status.waits_for[0].rule.as_str()), (1, "failed"), "{:#?}", status.waits_for);
    assert!(status.advice.contains("resume"), "{}", status.advice);
    resume(&mut bench, number);
    moves(&mut bench, 3, number);
    assert_eq!(failure(&bench, number), None);
}

#[test]
fn a_request_shows_that_a_node_has_fallen_back_as_well_as_a_report() {
    let (mut bench, number) = one_has_come();
    bench.hello_again(3, "a", "", fallen());
    bench.request(3, 2, number, "1.0.0", "2.0.0");
    assert!(bench.permit(3).is_none());
    assert!(failure(&bench, number).is_some());
}

#[test]
fn an_old_hello_of_a_node_that_has_moved_is_no_failure() {
    let (mut bench, number) = one_has_come();
    bench.hello(3, "a", "1.0.0");
    bench.hello(4, "a", "2.0.0");
    bench.report(4, bench::report("2.0.0"));
    assert_eq!(failure(&bench, number), None);
}

#[test]
fn a_coordinator_that_begins_again_knows_what_a_node_had_come_to() {
    for hears_of_it in [false, true] {
        let (mut bench, number) = one_has_come();
        if hears_of_it {
            bench.hello_again(3, "a", "", fallen());
        }
        bench.restart();
        bench.hello_again(4, "a", "", fallen());
        bench.report(4, fallen());
        assert!(failure(&bench, number).is_some(), "{hears_of_it}");
        bench.restart();
        assert!(failure(&bench, number).is_some(), "it is written down");
    }
}

#[test]
fn a_node_that_falls_back_before_its_coordinator_has_heard_that_its_move_is_over_has_failed_too() {
    let mut bench = Bench::new();
    bench.publish(0);
    bench.hello(1, "a", "1.0.0");
    let number = bench.start(start("2.0.0", ONE)).expect("it starts");
    bench.request(1, 1, number, "1.0.0", "2.0.0");
    bench.permit(1).expect("a permit");
    bench.hello(2, "a", "2.0.0");
    bench.hello_again(3, "a", "", fallen());
    bench.report(3, fallen());
    assert!(failure(&bench, number).is_some());
}

#[test]
fn an_upgrade_that_was_complete_waits_for_whoever_has_fallen_back() {
    let (mut bench, number) = one_has_come();
    moves(&mut bench, 2, number);
    assert_eq!(bench.state(number), UpgradeState::Complete);
    bench.hello_again(3, "a", "", fallen());
    bench.report(3, fallen());
    assert_eq!(bench.state(number), UpgradeState::Running);
    bench.request(3, 2, number, "1.0.0", "2.0.0");
    assert!(bench.permit(3).is_none());
    resume(&mut bench, number);
    moves(&mut bench, 3, number);
    assert_eq!(bench.state(number), UpgradeState::Complete);
}

#[test]
fn a_node_whose_state_was_put_back_by_hand_waits_for_an_operator_as_well() {
    let (mut bench, number) = one_has_come();
    bench.hello(3, "a", "1.0.0");
    bench.report(3, bench::report("1.0.0"));
    let told = failure(&bench, number).expect("it has failed");
    assert!(told.ends_with("it does not say why"), "{told}");
    let go = wire::LetGoRequest { number, nodes: vec!["a".to_owned()] };
    bench.ask(Ask::LetGo(go)).expect("it may go");
    moves(&mut bench, 3, number);
}

#[test]
fn a_node_that_is_to_go_back_fails_nothing_by_doing_so() {
    let (mut bench, number) = one_has_come();
    bench.ask(Ask::RollBack(wire::RollBackUpgradeRequest { number, ..Default::default() })).expect("it goes back");
    bench.hello_again(3, "a", "", fallen());
    bench.report(3, fallen());
    assert_eq!(bench.state(number), UpgradeState::RolledBack);
    assert!(!bench.events.iter().any(|event| event.kind == "move-failed"));
}

#[test]
fn a_node_that_was_behind_all_along_is_brought_on_unless_it_keeps_falling_back() {
    let (mut bench, number) = one_has_come();
    moves(&mut bench, 2, number);
    bench.ask(Ask::Finalize(wire::FinalizeUpgradeRequest { number })).expect("it is complete");
    bench.report(1, bench::report("2.0.0"));
    bench.report(2, bench::report("2.0.0"));
    assert_eq!(bench.state(number), UpgradeState::Finalized);
    // An older state was put in its place, and it says nothing of a failure.
    bench.hello_again(3, "a", "", bench::report("1.0.0"));
    bench.report(3, bench::report("1.0.0"));
    let told = bench.goal(3);
    assert_eq!(told.version, "2.0.0");
    moves(&mut bench, 3, 0);
    bench.hello_again(4, "a", "", fallen());
    bench.report(4, fallen());
    bench.request(4, 1, 0, "1.0.0", "2.0.0");
    assert!(bench.permit(4).is_none());
    bench.pass(31 * SECOND);
    bench.report(2, bench::report("2.0.0"));
    bench.report(4, fallen());
    assert!(bench.permit(4).is_some(), "it is tried again by itself");
}

/// Whose program is being replaced is not heard either.
#[test]
fn nobody_is_told_to_forget_a_node_while_its_program_is_replaced() {
    let mut bench = Bench::new();
    bench.publish(0);
    let ways = vec![wire::Way::Soft.into(), wire::Way::Restart.into()];
    bench.say_hello(1, wire::Hello { ways, ..bench::hello("a", 0, bench::report("1.0.0")) });
    bench.hello(2, "b", "1.0.0");
    let number = bench.start(start("2.0.0", ONE)).expect("it starts");
    bench.request(1, 1, number, "1.0.0", "2.0.0");
    bench.permit(1).expect("a permit");
    bench.close(1);
    let status = bench.status(number);
    let of_a = |status: &wire::UpgradeStatus| {
        status.waits_for.iter().find(|blocker| blocker.nodes == ["a"]).cloned().expect("it is waited for")
    };
    assert!(of_a(&status).what.contains("callers wait until the new one is ready"), "{:#?}", status.waits_for);
    assert!(status.advice.contains("straddle node abort") && !status.advice.contains("forget"), "{}", status.advice);
    bench.pass(300 * SECOND);
    bench.report(2, bench::report("1.0.0"));
    let status = bench.status(number);
    assert_eq!(of_a(&status).rule, "outstanding-permit");
    assert!(status.advice.contains("straddle nodes forget shop a"), "{}", status.advice);
}
