//! The proof of routes goes by the census, too: what was called stays called, whoever restarts.

use straddle::control::v1_0_0 as wire;
use straddle::control::v1_0_0::from_agent;
use straddle::coordinator::core::Ask;

use super::bench::{self, Bench, SECOND};
use super::{FREE, start};

const LEGACY: &str = "shop.v1.Shop.Legacy";
const DAY: u64 = 24 * 3600 * SECOND;

/// A batch of a second: calls of Legacy, or of another method, by callers of a version.
fn tell(bench: &mut Bench, session: u64, number: u64, called: Option<(&str, &str)>) {
    let method = called.map(|(version, method)| wire::CalledMethod {
        version: version.to_owned(),
        method: method.to_owned(),
        begun: 3,
        answered: 3,
        ..wire::CalledMethod::default()
    });
    let methods = method.into_iter().collect();
    let census = wire::Census { number, from_ago_microseconds: SECOND, methods, ..wire::Census::default() };
    bench.say(session, from_agent::Message::Census(census));
}

fn hello(bench: &mut Bench, session: u64) {
    let hello = wire::Hello { instance: "one".to_owned(), ..bench::hello("a", 0, bench::report("2.0.0")) };
    bench.say_hello(session, hello);
}

/// A node at 2.0.0, of which nothing is known but by the census; 3.0.0 has no Legacy any more.
fn called(version: &str) -> Bench {
    let mut bench = Bench::new();
    bench.publish(0);
    bench.publish(1);
    bench.pass(DAY);
    hello(&mut bench, 1);
    tell(&mut bench, 1, 1, Some((version, LEGACY)));
    bench
}

fn blockers(bench: &Bench) -> Vec<wire::Blocker> {
    let plan = bench.core.plan(&start("3.0.0", FREE), bench.now).expect("a plan");
    plan.blockers.into_iter().filter(|blocker| blocker.rule == "routes" && blocker.blocks).collect()
}

#[test]
fn a_method_that_only_the_census_knows_as_called_keeps_its_route_over_restarts_of_all() {
    let mut bench = called("2.0.0");
    assert_eq!(blockers(&bench).len(), 1);
    bench.restart();
    hello(&mut bench, 2);
    assert_eq!(blockers(&bench).len(), 1);
    let number = bench.start(start("3.0.0", FREE)).expect("it starts");
    bench.request(2, 1, number, "2.0.0", "3.0.0");
    assert!(bench.permit(2).is_none());
    let waits = bench.status(number).waits_for.remove(0);
    assert_eq!(waits.rule, "routes");
    assert!(waits.what.contains("callers of 2.0.0 would lose shop.v1.Shop.Legacy"), "{}", waits.what);
    assert!(waits.advice.contains("straddle callers shop --version 2.0.0"), "{}", waits.advice);
    let accept = vec![format!("2.0.0 {LEGACY}")];
    bench.ask(Ask::Resume(wire::ResumeUpgradeRequest { number, accept })).expect("it goes on");
    assert!(bench.permit(2).is_some());
}

#[test]
fn a_call_of_long_ago_counts_and_is_told_to_be_one() {
    let mut bench = called("2.0.0");
    assert!(!blockers(&bench)[0].what.contains("though"), "{:#?}", blockers(&bench));
    bench.pass(6 * DAY);
    assert!(!blockers(&bench)[0].what.contains("though"), "{:#?}", blockers(&bench));
    bench.pass(400 * DAY);
    let what = blockers(&bench).remove(0).what;
    assert!(what.ends_with("refuses it, though nobody has called it for 7d"), "{what}");
    // Called again, it is as any other.
    tell(&mut bench, 1, 2, Some(("2.0.0", LEGACY)));
    assert!(!blockers(&bench)[0].what.contains("though"), "{:#?}", blockers(&bench));
}

#[test]
fn a_call_that_the_census_learns_of_in_the_middle_of_an_upgrade_keeps_the_next_node() {
    let mut bench = Bench::new();
    bench.publish(0);
    bench.publish(1);
    hello(&mut bench, 1);
    let schedule = "manual = true\n[gates]\nstandard = false\n[limits]\nminimum_serving = 0\n";
    let number = bench.start(start("3.0.0", schedule)).expect("it starts");
    tell(&mut bench, 1, 1, Some(("2.0.0", LEGACY)));
    let nodes = vec!["a".to_owned()];
    bench.ask(Ask::LetGo(wire::LetGoRequest { number, nodes })).expect("it may go");
    bench.request(1, 1, number, "2.0.0", "3.0.0");
    assert!(bench.permit(1).is_none());
    assert_eq!(bench.status(number).waits_for[0].rule, "routes");
}

#[test]
fn what_is_retired_has_no_callers_whatever_the_census_has_counted() {
    let mut bench = called("1.0.0");
    assert_eq!(blockers(&bench).len(), 1);
    let (protocol, version) = ("shop".to_owned(), "1.0.0".to_owned());
    let retire = wire::RetireRequest { protocol: protocol.clone(), version, force: true, ..Default::default() };
    bench.ask(Ask::Retire(retire)).expect("by force");
    assert_eq!(blockers(&bench), []);
    bench.ask(Ask::Unretire(wire::UnretireRequest { protocol, anyway: false })).expect("it is served again");
    assert_eq!(blockers(&bench).len(), 1);
}

#[test]
fn a_method_that_nobody_calls_has_no_route_to_keep() {
    let bench = called("2.0.0");
    let mut other = Bench::new();
    other.publish(0);
    other.publish(1);
    hello(&mut other, 1);
    tell(&mut other, 1, 1, Some(("2.0.0", "shop.v1.Shop.Get")));
    assert_eq!((blockers(&other).len(), blockers(&bench).len()), (0, 1));
    // Accepted in a plan, it is no blocker.
    let accept = vec![format!("2.0.0 {LEGACY}")];
    let request = wire::StartUpgradeRequest { accept, ..start("3.0.0", FREE) };
    let plan = bench.core.plan(&request, bench.now).expect("a plan");
    assert!(plan.blockers.iter().all(|blocker| blocker.rule != "routes"), "{plan:#?}");
}
