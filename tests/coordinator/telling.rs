//! What operators are told, and when.

use straddle::control::v1_0_0 as wire;
use straddle::coordinator::core::Ask;

use crate::bench::{self, Bench, SECOND};
use crate::{FREE, start};

#[test]
fn an_upgrade_rests_for_a_program_that_is_not_there_once_it_would_have_been_seen() {
    let mut bench = Bench::new();
    bench.publish(0);
    let runs = vec!["1.0.0".to_owned()];
    let old = |ways: &[wire::Way]| wire::Hello {
        runs: runs.clone(),
        ways: ways.iter().map(|way| i32::from(*way)).collect(),
        ..bench::hello("a", 0, bench::report("1.0.0"))
    };
    for (session, ways) in [(1, vec![wire::Way::Soft]), (2, vec![wire::Way::Soft, wire::Way::Restart])] {
        bench.say_hello(session, wire::Hello { node: format!("a-{session}"), ..old(&ways) });
    }
    let plan = bench.core.plan(&start("2.0.0", FREE), bench.now).expect("a plan");
    let mut lacking: Vec<_> =
        plan.blockers.iter().map(|blocker| (blocker.rule.as_str(), blocker.nodes.concat(), blocker.blocks)).collect();
    lacking.sort_unstable();
    assert_eq!(lacking, [("program", "a-1".to_owned(), true), ("program", "a-2".to_owned(), true)], "{plan:#?}");
    let number = bench.start(start("2.0.0", FREE)).expect("it starts");
    let pass = |bench: &mut Bench, seconds: u64| {
        for _ in 0..seconds {
            bench.pass(SECOND);
            (1..=2).for_each(|session| bench.report(session, bench::report("1.0.0")));
        }
    };
    pass(&mut bench, 10);
    let status = bench.status(number);
    assert!(status.waits_for.iter().all(|blocker| blocker.rule == "program" && blocker.blocks), "{status:#?}");
    assert!(!status.rests, "a release may just have been put there");
    pass(&mut bench, 10);
    assert!(bench.status(number).rests);
    // It is there.
    let next = wire::Report { next: "2.0.0".to_owned(), ..bench::report("1.0.0") };
    bench.report(2, next);
    assert!(!bench.status(number).rests);
}

#[test]
fn a_canary_of_more_nodes_than_there_are_is_told_before_and_while_it_goes() {
    let mut bench = Bench::new();
    bench.publish(0);
    (1..=3).for_each(|node| bench.hello(node, &format!("node-{node}"), "1.0.0"));
    let canary = |stage: &str| format!("[gates]\nstandard = false\n[canary]\nstages = [{stage}]\n");
    let told = |bench: &Bench, stage: &str| {
        let plan = bench.core.plan(&start("2.0.0", &canary(stage)), bench.now).expect("a plan");
        plan.blockers.into_iter().map(|blocker| (blocker.what, blocker.blocks)).collect::<Vec<_>>()
    };
    let doubt = "the canary's first stage is 5, and there are 3 nodes: all go in it, and none comes after it";
    assert_eq!(told(&bench, "5"), [(doubt.to_owned(), false)]);
    assert_eq!(told(&bench, "2"), []);
    let number = bench.start(start("2.0.0", &canary("5"))).expect("it starts");
    assert_eq!(bench.status(number).warnings, [doubt]);
}

#[test]
fn an_upgrade_that_has_ended_says_which_nodes_are_elsewhere_by_now() {
    let mut bench = Bench::new();
    bench.publish(0);
    (1..=2).for_each(|node| bench.hello(node, &format!("node-{node}"), "1.0.0"));
    let number = bench.start(start("2.0.0", FREE)).expect("it starts");
    bench.ask(Ask::RollBack(wire::RollBackUpgradeRequest { number, ..Default::default() })).expect("it goes back");
    bench.pass(SECOND);
    assert_eq!(bench.state(number), wire::UpgradeState::RolledBack);
    assert_eq!(bench.status(number).warnings, [] as [String; 0]);
    bench.report(2, bench::report("2.0.0"));
    let status = bench.status(number);
    assert_eq!((status.there, status.total), (2, 2), "as it was then");
    assert_eq!(status.warnings, ["node-2 runs 2.0.0 by now, and not 1.0.0"]);
}

#[test]
fn what_accepting_a_loss_is_for_is_told_with_who_accepts_it() {
    let mut bench = Bench::new();
    bench.publish(0);
    bench.hello(1, "a", "1.0.0");
    let number = bench.start(start("2.0.0", FREE)).expect("it starts");
    bench.request(1, 1, number, "1.0.0", "2.0.0");
    let permit = bench.permit(1).expect("a permit").permit;
    bench.ended(1, permit, "2.0.0", None);
    let at_2 = || wire::Report { back: "1.0.0".to_owned(), ..bench::report("2.0.0") };
    bench.report(1, at_2());
    let back = |accept_loss: bool, why: &str| {
        let why = why.to_owned();
        Ask::RollBack(wire::RollBackUpgradeRequest { number, why, accept_loss, ..Default::default() })
    };
    bench.ask(back(false, "orders are slow")).expect("it goes back");
    bench.request(1, 2, number, "2.0.0", "1.0.0");
    let failure = wire::Failure {
        reason: "RECORDS_REFUSED".to_owned(),
        what: "items \"e\": euros".to_owned(),
        ..Default::default()
    };
    let permit = bench.permit(1).expect("a permit").permit;
    bench.ended(1, permit, "2.0.0", Some(failure));
    bench.report(1, at_2());
    let advice = bench.status(number).advice;
    assert!(advice.contains(&format!("straddle upgrade rollback {number} --accept-loss")), "{advice}");

    bench.ask(back(true, "a trial")).expect("it goes back");
    let told = |bench: &Bench, kind: &str| {
        let event =
            bench.events.iter().rfind(|event| event.kind == kind).unwrap_or_else(|| panic!("{:#?}", bench.events));
        (event.who.clone(), event.what.clone(), event.why.clone())
    };
    let (who, _, why) = told(&bench, "loss-accepted");
    assert_eq!((who.as_str(), why.as_str()), ("ada", "a trial"));
    bench.request(1, 3, number, "2.0.0", "1.0.0");
    let permit = bench.permit(1).expect("a permit").permit;
    bench.ended(1, permit, "1.0.0", None);
    let given_up = Some(wire::GivenUp { permit, records: 2, file: "/state/lost/1".to_owned() });
    let lost = wire::Report { given_up: given_up.clone(), ..bench::report("1.0.0") };
    bench.report(1, lost.clone());
    let (_, what, why) = told(&bench, "given-up");
    assert_eq!(what, "a has gone back without 2 records");
    assert!(why.contains("/state/lost/1"), "{why}");
    // It is told once, also when it is said again, and stays known when the program forgets it.
    bench.report(1, wire::Report { held: Some("no".to_owned()), ..lost });
    bench.restart();
    bench.hello(2, "a", "1.0.0");
    assert_eq!(bench.events.iter().filter(|event| event.kind == "given-up").count(), 1);
    let nodes = bench.core.nodes(&wire::ListNodesRequest::default(), bench.now).nodes;
    assert_eq!(nodes[0].node.clone().expect("a node").given_up, given_up);
}
