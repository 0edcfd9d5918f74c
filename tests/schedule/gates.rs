//! Gates: what they say of numbers, of too few of them, and of what is none.

use std::time::Duration;

use straddle::coordinator::schedule::{self, Gate, GateVerdict, Verdict};
use straddle::coordinator::view::{CallsView, View};

use crate::fleet::{Is, SECOND, START, after, calls, node, view};

/// What a gate of this condition says of a fleet, so many seconds after the upgrade began.
fn judge(condition: &str, view: &View, seconds: u64) -> GateVerdict {
    let toml = format!("[[gate]]\nname = 'g'\nholds = \"{condition}\"");
    let scheduling = schedule::parse(&toml).unwrap_or_else(|error| panic!("{}", error.shown(&toml)));
    scheduling.gates.verdicts(view, after(seconds)).remove(0)
}

/// `a` has come, and answered so; `b` has not.
fn upgraded(of_a: CallsView) -> View {
    let mut view = view([node("a").came(1).calls("1.0.0", of_a), node("b").calls("1.0.0", calls(1000, 1, 5))]);
    view.baseline.insert("1.0.0".to_owned(), calls(9_990, 10, 5));
    view
}

fn verdict(condition: &str, view: &View) -> Verdict {
    judge(condition, view, 9).verdict
}

#[test]
fn errors_that_are_new_fail_and_those_that_were_there_do_not() {
    let gate = "errors <= baseline.errors + 0.01";
    assert_eq!(verdict(gate, &upgraded(calls(990, 10, 5))), Verdict::Holds);
    assert_eq!(verdict(gate, &upgraded(calls(950, 50, 5))), Verdict::Fails);
    let mut ill = upgraded(calls(800, 200, 5));
    ill.baseline.insert("1.0.0".to_owned(), calls(700, 300, 5));
    assert_eq!(verdict(gate, &ill), Verdict::Holds);
}

#[test]
fn a_verdict_tells_the_numbers() {
    let judged = judge("errors <= baseline.errors + 0.01", &upgraded(calls(950, 50, 5)), 9);
    assert_eq!(judged.what, "errors is 0.05, baseline.errors is 0.001 (1000 calls of all callers)");
    assert_eq!((judged.name.as_str(), judged.expression.as_str()), ("g", "errors <= baseline.errors + 0.01"));
}

#[test]
fn a_caller_version_that_breaks_is_not_lost_among_the_others() {
    let mut view = upgraded(calls(100_000, 0, 5));
    view.nodes[0] = view.nodes[0].clone().calls("0.9.0", calls(0, 60, 5));
    let judged = judge("errors <= baseline.errors + 0.01", &view, 9);
    assert_eq!(judged.verdict, Verdict::Fails);
    assert_eq!(judged.what, "errors is 1, baseline.errors is 0.001 (60 calls of callers of 0.9.0)");
}

#[test]
fn a_caller_version_with_few_calls_is_judged_with_all_others_only() {
    let mut view = upgraded(calls(100_000, 0, 5));
    view.nodes[0] = view.nodes[0].clone().calls("0.9.0", calls(0, 49, 5));
    assert_eq!(verdict("errors <= baseline.errors + 0.01", &view), Verdict::Holds);
}

#[test]
fn a_caller_version_is_compared_with_its_own_baseline() {
    let mut view = upgraded(calls(1000, 0, 5));
    view.nodes[0] = view.nodes[0].clone().calls("0.9.0", calls(50, 50, 5));
    view.baseline.insert("0.9.0".to_owned(), calls(40, 60, 5));
    assert_eq!(verdict("errors <= baseline.errors + 0.05", &view), Verdict::Holds);
}

#[test]
fn times_are_compared_in_milliseconds() {
    let view = upgraded(calls(1000, 0, 100));
    assert_eq!(verdict("p99 <= baseline.p99 * 2.0 + 50.0", &view), Verdict::Fails);
    assert_eq!(verdict("p50 > 60.0 && p50 < 140.0 && p99 < 140.0", &view), Verdict::Holds);
}

#[test]
fn with_too_few_calls_a_gate_waits_and_then_does_not_hold_the_upgrade_up() {
    let view = upgraded(calls(0, 49, 5));
    let judged = judge("errors <= 0.01", &view, 100);
    assert_eq!(judged.verdict, Verdict::Waits);
    assert_eq!(judged.what, "49 calls of all callers by upgraded nodes are too few to tell: it takes 50");
    assert_eq!(judged.until, Some((START + 121) * SECOND));
    let judged = judge("errors <= 0.01", &view, 121);
    assert_eq!(judged.verdict, Verdict::Holds);
    assert!(judged.what.ends_with("too few to tell: it takes 50; not waited for any longer"), "{}", judged.what);
}

#[test]
fn how_many_calls_it_takes_and_how_long_they_are_waited_for_is_said() {
    let toml = "[gates]\nminimum_calls = 10\npatience = '5s'\n[[gate]]\nholds = 'errors <= 0.5'";
    let gates = schedule::parse(toml).expect("a schedule").gates;
    let verdicts = |view: &View, seconds| gates.verdicts(view, after(seconds)).remove(0).verdict;
    assert_eq!(verdicts(&upgraded(calls(1, 9, 5)), 2), Verdict::Fails);
    assert_eq!(verdicts(&upgraded(calls(0, 9, 5)), 5), Verdict::Waits);
    assert_eq!(verdicts(&upgraded(calls(0, 9, 5)), 6), Verdict::Holds);
}

#[test]
fn with_no_minimum_at_all_it_takes_one_call() {
    let toml = "[gates]\nminimum_calls = 0\n[[gate]]\nholds = 'errors <= 0.5'";
    let gates = schedule::parse(toml).expect("a schedule").gates;
    assert_eq!(gates.verdicts(&upgraded(calls(0, 0, 5)), after(2))[0].verdict, Verdict::Waits);
}

#[test]
fn without_a_baseline_errors_are_compared_with_none_and_times_are_not_judged() {
    let mut view = upgraded(calls(950, 50, 500));
    view.baseline.clear();
    let judged = judge("errors <= baseline.errors + 0.01", &view, 9);
    assert_eq!(judged.verdict, Verdict::Fails);
    assert!(judged.what.contains("without a baseline"), "{}", judged.what);
    let judged = judge("p99 <= baseline.p99 * 2.0", &view, 9);
    assert_eq!(judged.verdict, Verdict::Holds);
    assert!(judged.what.starts_with("not judged: too few calls"), "{}", judged.what);
}

#[test]
fn the_rest_of_the_nodes_is_what_has_not_come() {
    let view = upgraded(calls(950, 50, 5));
    assert_eq!(verdict("errors <= rest.errors + 0.01", &view), Verdict::Fails);
    assert_eq!(verdict("rest.calls == 1001.0 && rest.errors > 0.0", &view), Verdict::Holds);
}

#[test]
fn values_are_told_by_name_of_upgraded_nodes_and_of_the_rest() {
    let view = view([
        node("a").came(1).value("queue", 5.0).value("disk", 1.0),
        node("b").came(2).value("queue", 15.0),
        node("c").value("queue", 100.0),
    ]);
    let all = "values['queue'].sum == 20.0 && values['queue'].min == 5.0 && values['queue'].max == 15.0 \
               && values['queue'].mean == 10.0 && values['queue'].nodes == 2.0 && values['disk'].nodes == 1.0 \
               && rest.values['queue'].max == 100.0";
    assert_eq!(verdict(all, &view), Verdict::Holds);
    let judged = judge("values['queue'].max < 10.0", &view, 9);
    assert_eq!(judged.verdict, Verdict::Fails);
    assert_eq!(judged.what, "values['queue'] has sum 20, min 5, max 15 of 2 nodes");
}

#[test]
fn a_value_that_nobody_reports_makes_a_gate_wait() {
    let judged = judge("values['queue'].max < 10.0", &upgraded(calls(1, 0, 5)), 9999);
    assert_eq!(judged.verdict, Verdict::Waits);
    assert!(judged.what.contains("there is no key `queue`"), "{}", judged.what);
}

#[test]
fn what_may_be_missing_can_be_asked_for() {
    assert_eq!(
        verdict("!('queue' in values) || values['queue'].max < 10.0", &upgraded(calls(1, 0, 5))),
        Verdict::Holds
    );
}

#[test]
fn a_value_that_is_no_number_makes_a_gate_wait_and_says_whose_it_is() {
    for none in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let view = view([node("a").came(1).value("queue", 1.0), node("b").came(1).value("queue", none)]);
        for condition in ["values['queue'].max < 10.0", "values['queue'].max > 10.0", "!(values['queue'].min < 10.0)"] {
            let judged = judge(condition, &view, 9);
            assert_eq!(judged.verdict, Verdict::Waits, "{condition}");
            assert!(judged.what.ends_with("b reports `queue` as no number"), "{}", judged.what);
        }
    }
}

#[test]
fn a_division_by_zero_makes_a_gate_wait() {
    let view = upgraded(calls(1000, 0, 5));
    for condition in [
        "errors / errors < 2.0",
        "!(errors / errors < 2.0)",
        "1.0 / errors > 2.0",
        "-(1.0 / errors) < 2.0",
        "double('NaN') < 2.0",
        "[1.0].exists(x, x / errors > 2.0)",
        "1e308 * 1e308 * rate > 1.0",
    ] {
        let judged = judge(condition, &view, 9);
        assert_eq!(judged.verdict, Verdict::Waits, "{condition}: {}", judged.what);
        assert!(judged.what.contains("division by zero"), "{}", judged.what);
    }
}

#[test]
fn how_far_the_upgrade_is_can_be_asked_for() {
    let view = view([node("a").came(1), node("b"), node("c"), node("d")]);
    assert_eq!(verdict("upgraded == 0.25 && nodes == 4.0", &view), Verdict::Holds);
}

#[test]
fn a_gate_can_be_for_one_caller_version() {
    let mut view = upgraded(calls(500, 500, 5));
    view.nodes[0] = view.nodes[0].clone().calls("2.0.0", calls(1000, 0, 5));
    assert_eq!(verdict("caller != '2.0.0' || errors == 0.0", &view), Verdict::Holds);
    assert_eq!(verdict("caller != '1.0.0' || errors == 0.0", &view), Verdict::Fails);
}

#[test]
fn all_hold_before_a_node_has_come_and_on_the_way_back() {
    let none = view([node("a"), node("b")]);
    assert_eq!(judge("errors < 0.0", &none, 9).what, "no node has come to the new version yet");
    assert_eq!(verdict("errors < 0.0", &none), Verdict::Holds);
    let mut back = upgraded(calls(0, 1000, 5));
    back.back = true;
    assert_eq!(verdict("errors < 0.5", &back), Verdict::Holds);
}

#[test]
fn counts_at_their_ends_are_numbers() {
    let most = CallsView {
        answered: u64::MAX,
        failed: u64::MAX,
        refused: u64::MAX,
        latency: vec![u64::MAX; 3],
        over: Duration::from_nanos(1),
    };
    let view = upgraded(most);
    assert_eq!(verdict("errors >= 0.0 && p99 >= 0.0 && rate >= 0.0 && refused >= 0.0", &view), Verdict::Holds);
}

#[test]
fn the_standard_gates_are_there_where_none_is_written_and_can_be_left_out() {
    let names = |toml: &str| {
        let gates = schedule::parse(toml).unwrap_or_else(|error| panic!("{error}")).gates;
        gates.names().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names(""), ["errors", "latency"]);
    assert_eq!(names("[gates]\nstandard = false"), [""; 0]);
    assert_eq!(names("[[gate]]\nholds = 'errors < 0.5'"), ["gate-1"]);
    assert_eq!(names("[gates]\nstandard = true\n[[gate]]\nholds = 'errors < 0.5'"), ["errors", "latency", "gate-3"]);
}

#[test]
fn the_standard_gates_are_those_that_are_documented() {
    let gates = schedule::parse("").expect("a schedule").gates;
    let documented = include_str!("../../src/coordinator/schedule/gate.rs");
    for gate in gates.all() {
        assert!(documented.contains(&format!("//! - `{}`: `{}`", gate.name(), gate.expression())), "{}", gate.name());
    }
    assert_eq!(gates.all().len(), 2);
}

#[test]
fn what_is_no_gate_is_told_with_its_place() {
    for (condition, what, advice, offset) in [
        ("erors < 0.1", "there is no `erors`", "did you mean `errors`?", Some(0)),
        ("errors < baseline.erors", "Baseline has no field `erors`", "did you mean `errors`?", Some(18)),
        ("errors", "the gate is no condition", "compare something, as in `errors <= baseline.errors + 0.01`", Some(0)),
        (
            "errors * 2 < 1.0",
            "`*` takes no double and int",
            "write constants as `2.0`, or convert with `double(…)`",
            Some(7),
        ),
        ("queue > 1.0", "there is no `queue`", "the variables are", Some(0)),
    ] {
        let error = Gate::new("g", condition).expect_err(condition);
        assert!(error.what.contains(what), "{condition}: {}", error.what);
        assert!(error.advice.contains(advice), "{condition}: {}", error.advice);
        assert_eq!(error.offset, offset, "{condition}");
    }
}
