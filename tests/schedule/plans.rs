//! What is said in advance.

use straddle::coordinator::schedule::{self, Rehearsed};
use straddle::coordinator::view::View;

use crate::fleet::{Is, after, fleet, node, view};

fn plan(toml: &str, view: &View) -> Vec<(String, Vec<String>, String)> {
    let scheduling = schedule::parse(toml).unwrap_or_else(|error| panic!("{error}"));
    let stages = schedule::rehearse(&scheduling, view, after(0), 0);
    stages.into_iter().map(|Rehearsed { what, nodes, then, .. }| (what, nodes, then)).collect()
}

fn stage(what: &str, nodes: &[&str], then: &str) -> (String, Vec<String>, String) {
    (what.to_owned(), nodes.iter().map(|node| (*node).to_owned()).collect(), then.to_owned())
}

#[test]
fn without_stages_all_go_one_after_the_other() {
    assert_eq!(plan("", &fleet(3)), [stage("one at a time", &["n00", "n01", "n02"], "")]);
}

#[test]
fn stages_are_told_with_what_is_waited_for_after_them() {
    assert_eq!(
        plan("[canary]\nstages = [1]\nbake = '10m'\n[rolling]\nat_once = '50%'", &fleet(4)),
        [
            stage("stage 1 of 2: 2 at once", &["n00"], "stage 1 of 2 bakes for another 10m"),
            stage("stage 2 of 2: 2 at once", &["n01", "n02", "n03"], ""),
        ]
    );
}

#[test]
fn domains_are_stages() {
    let of = |name: &str, zone: &str| node(name).labelled("zone", zone);
    assert_eq!(
        plan("[domains]", &view([of("a", "y"), of("b", "x"), of("c", "y")])),
        [stage("zone x: one at a time", &["b"], ""), stage("zone y: one at a time", &["a", "c"], "")]
    );
}

#[test]
fn a_window_is_waited_for() {
    let plan = plan("window = ['Mon 09:00-10:00 UTC']", &fleet(1));
    assert_eq!(plan[0].2, "it is outside `Mon 09:00-10:00 UTC`, which opens Mon 2026-11-23 09:00 UTC");
    assert_eq!(plan[1], stage("one at a time", &["n00"], ""));
}

#[test]
fn what_depends_on_others_is_taken_to_let_all_go() {
    let toml = "manual = true\n[after]\nbilling = '2.0.0'\n[idle]\nbelow = 1";
    assert_eq!(plan(toml, &fleet(2)), [stage("one at a time", &["n00", "n01"], "")]);
}

#[test]
fn a_large_fleet_is_planned() {
    let plan = plan("[canary]\nstages = [1, '10%', '50%']\nbake = '1h'", &fleet(10_000));
    assert_eq!(plan.iter().map(|stage| stage.1.len()).collect::<Vec<_>>(), [1, 999, 4000, 5000]);
}

#[test]
fn who_goes_first_among_equals_is_left_open() {
    let instead = |toml: &str, view: &View| {
        let scheduling = schedule::parse(toml).unwrap_or_else(|error| panic!("{error}"));
        let stages = schedule::rehearse(&scheduling, view, after(0), 0).into_iter();
        stages.map(|stage| stage.instead.join(" ")).collect::<Vec<_>>()
    };
    assert_eq!(instead("[canary]\nstages = [1]", &fleet(3)), ["n01 n02", ""]);
    let of = |name: &str, zone: &str| node(name).labelled("zone", zone);
    let zones = view([of("a", "y"), of("b", "x"), of("c", "y")]);
    assert_eq!(instead("[domains]", &zones), ["", ""], "whose zone comes later is not asked");
}
