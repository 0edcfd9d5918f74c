//! What is done before a permit is asked for.

use super::*;

/// An agent of a node that has something to do before it asks.
fn getting_ready() -> World {
    let World { agent, now } = World::new();
    World { agent: agent.getting_ready(), now }.attending()
}

#[test]
fn a_node_asks_only_when_it_is_ready_and_catches_up_with_each_report() {
    let mut world = getting_ready();
    assert_eq!(world.goal(goal("2.0.0")), ["get ready for 2.0.0"]);
    let learned = || wire::Report { phase: Phase::Learned.into(), ..node("1.1.0", "", "2.0.0") };
    assert_eq!(world.is(learned()), ["report 1.1.0"]);
    assert_eq!(world.after(5), ["report 1.1.0"], "it is at it");
    assert_eq!(world.input(Input::Ready(Ok(()))), ["request 1 1.1.0..2.0.0"]);
    assert_eq!(world.after(5), ["report 1.1.0", "get ready for 2.0.0", "request 2 1.1.0..2.0.0"]);
    // It catches up, and is ready all the same.
    assert_eq!(world.after(5), ["report 1.1.0", "request 3 1.1.0..2.0.0"]);
    assert_eq!(world.input(Input::Ready(Ok(()))), [] as [&str; 0]);
    assert_eq!(
        world.permit(|permit| permit.request = 3),
        ["begin 40 by 145", "report 1.1.0 moving to 2.0.0 permit 40"]
    );
}

#[test]
fn a_node_that_cannot_get_ready_asks_all_the_same_and_tries_again_less_and_less_often() {
    let mut world = getting_ready();
    world.goal(goal("2.0.0"));
    let failed = || Input::Ready(Err("no room".to_owned()));
    assert_eq!(world.input(failed()), ["request 1 1.1.0..2.0.0"]);
    assert_eq!(world.after(5), ["report 1.1.0", "get ready for 2.0.0", "request 2 1.1.0..2.0.0"]);
    assert_eq!(world.input(failed()), [] as [&str; 0]);
    assert_eq!(world.after(5), ["report 1.1.0", "request 3 1.1.0..2.0.0"]);
    assert_eq!(world.after(5), ["report 1.1.0", "get ready for 2.0.0", "request 4 1.1.0..2.0.0"]);
    // Whether the application lets it go is for the coordinator to know; what is not let need not be made.
    let held = wire::Report { held: Some("busy".to_owned()), ..node("1.1.0", "", "2.0.0") };
    let mut world = World { agent: World::of(held).agent.getting_ready(), now: 0 }.attending();
    assert_eq!(world.goal(goal("2.0.0")), ["request 1 1.1.0..2.0.0"]);
}

#[test]
fn what_was_made_ready_goes_away_when_the_node_is_to_stay_and_not_while_it_is_paused_or_alone() {
    let mut world = getting_ready();
    world.goal(goal("2.0.0"));
    world.input(Input::Ready(Ok(())));
    assert_eq!(world.goal(wire::Goal { paused: true, ..goal("2.0.0") }), [] as [&str; 0]);
    world.input(Input::Lost(None));
    world.input(Input::Connected);
    world.welcome(true);
    assert_eq!(world.goal(goal("2.0.0")), ["request 1 1.1.0..2.0.0"], "it is ready still");
    assert_eq!(world.goal(goal("1.1.0")), ["stand down"]);
    assert_eq!(world.goal(goal("2.0.0")), ["get ready for 2.0.0"]);
    assert_eq!(world.goal(goal("1.1.0")), [] as [&str; 0], "once it is over");
    assert_eq!(world.input(Input::Ready(Ok(()))), ["stand down"]);
}
