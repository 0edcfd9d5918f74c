//! What an agent does with what it is told, a line a case.

mod ready;
mod telling;

use super::*;
use crate::control::v1_0_0::{Phase, Way};
use crate::control::v1_0_0::{from_agent, to_agent};

const SECOND: u64 = 1_000_000;

type Change = fn(&mut wire::Permit);

/// An agent in a small world: its node is what the world says.
struct World {
    agent: AgentCore,
    now: u64,
}

fn node(version: &str, back: &str, next: &str) -> wire::Report {
    let (version, back, next) = (version.to_owned(), back.to_owned(), next.to_owned());
    wire::Report { version, back, next, phase: Phase::Serving.into(), ..Default::default() }
}

fn known(version: &str) -> wire::KnownVersion {
    wire::KnownVersion { version: version.to_owned(), schema: format!("schema of {version}"), learned: false }
}

fn goal(version: &str) -> wire::Goal {
    wire::Goal { upgrade: 7, version: version.to_owned(), way: Way::Soft.into(), ..Default::default() }
}

fn final_up_to(version: &str, goal: wire::Goal) -> wire::Goal {
    wire::Goal { final_up_to: version.to_owned(), ..goal }
}

impl World {
    /// Of a node that runs 1.1.0 and can go to 2.0.0.
    fn new() -> Self {
        Self::of(node("1.1.0", "", "2.0.0"))
    }

    fn of(report: wire::Report) -> Self {
        let hello = wire::Hello {
            node: "a-1".to_owned(),
            knows: vec![known("1.1.0"), known("2.0.0")],
            ways: vec![Way::Soft.into(), Way::Barrier.into()],
            report: Some(report),
            ..Default::default()
        };
        Self { agent: AgentCore::new(hello), now: 100 * SECOND }
    }

    fn input(&mut self, input: Input) -> Vec<String> {
        self.agent.handle(input, self.now);
        self.agent.take().iter().map(told).collect()
    }

    fn say(&mut self, message: to_agent::Message) -> Vec<String> {
        self.input(Input::Said(wire::ToAgent { message: Some(message) }))
    }

    /// Connected and welcome.
    fn attending(mut self) -> Self {
        self.input(Input::Connected);
        self.welcome(true);
        self
    }

    fn welcome(&mut self, serve: bool) -> Vec<String> {
        let why = if serve { "" } else { "it was away" }.to_owned();
        let every = 5 * SECOND;
        let welcome =
            wire::Welcome { admission: 3, report_every_microseconds: every, serve, why, ..Default::default() };
        self.say(to_agent::Message::Welcome(welcome))
    }

    fn goal(&mut self, goal: wire::Goal) -> Vec<String> {
        self.say(to_agent::Message::Goal(goal))
    }

    /// A permit for what was asked for by this request.
    fn permit(&mut self, change: impl FnOnce(&mut wire::Permit)) -> Vec<String> {
        let mut permit = wire::Permit {
            permit: 40,
            request: 1,
            upgrade: 7,
            from: "1.1.0".to_owned(),
            to: "2.0.0".to_owned(),
            within_microseconds: 30 * SECOND,
            way: Way::Soft.into(),
            ..Default::default()
        };
        change(&mut permit);
        self.say(to_agent::Message::Permit(permit))
    }

    fn is(&mut self, report: wire::Report) -> Vec<String> {
        self.input(Input::Node(Box::new(report)))
    }

    fn after(&mut self, seconds: u64) -> Vec<String> {
        self.now += seconds * SECOND;
        self.input(Input::Tick)
    }

    fn learned(&mut self, digest: &str, result: Result<&[&str], &str>) -> Vec<String> {
        let result = result.map(|knows| knows.iter().map(|version| known(version)).collect()).map_err(str::to_owned);
        self.input(Input::Learned { digest: digest.to_owned(), result })
    }

    fn unknown(&mut self, label: &str) -> Vec<String> {
        self.input(Input::Unknown(label.to_owned()))
    }

    fn found(&mut self, version: &str, bundles: &[&str]) -> Vec<String> {
        let bundles = bundles.iter().map(|&bundle| bundle.to_owned()).collect();
        self.input(Input::Found { version: version.to_owned(), bundles })
    }
}

/// An output in a line.
fn told(output: &Output) -> String {
    let report = |report: &wire::Report| {
        let moving =
            if report.moving_to.is_empty() { String::new() } else { format!(" moving to {}", report.moving_to) };
        let permit = if report.permit == 0 { String::new() } else { format!(" permit {}", report.permit) };
        format!("{}{moving}{permit}", report.version)
    };
    match output {
        Output::Say(said) => match said.message.as_ref().unwrap() {
            from_agent::Message::Hello(hello) => {
                format!("hello {} {}", hello.admission, report(hello.report.as_ref().unwrap()))
            }
            from_agent::Message::Report(told) => format!("report {}", report(told)),
            from_agent::Message::PermitRequest(request) => {
                format!("request {} {}..{}", request.number, request.from, request.to)
            }
            from_agent::Message::Ended(ended) => {
                let failure = ended.failure.as_ref().map_or("well", |failure| &failure.reason);
                format!("ended {} {failure} {}", ended.permit, ended.version)
            }
            from_agent::Message::Census(census) => telling::told(census),
        },
        Output::GetReady(step) => format!("get ready for {}{}", step.to, if step.back { ", back" } else { "" }),
        Output::StandDown => "stand down".to_owned(),
        Output::Begin { permit, begin_by } => format!("begin {} by {}", permit.permit, begin_by / SECOND),
        Output::Word { permit, switch } => format!("word {permit} {switch}"),
        Output::Learn(digest) => format!("learn {digest}"),
        Output::Find(version) => format!("find {version}"),
        Output::Finalize => "finalize".to_owned(),
        Output::Retire(retiring) => format!("retire {}", retiring.retired_up_to),
        Output::Serve(Ok(())) => "serve".to_owned(),
        Output::Serve(Err(why)) => format!("do not serve: {why}"),
        Output::Activate(version) => format!("activate {version}"),
        Output::Count => "count".to_owned(),
    }
}

#[test]
fn it_says_hello_first_and_serves_when_it_is_let() {
    let mut world = World::new();
    assert_eq!(world.agent.next_tick(world.now), None);
    assert_eq!(world.input(Input::Connected), ["hello 0 1.1.0"]);
    assert_eq!(world.is(node("2.0.0", "1.1.0", "")), [] as [&str; 0], "nothing before Welcome");
    assert_eq!(world.welcome(true), ["serve", "report 2.0.0"], "what has changed since Hello is said");
    assert_eq!(world.welcome(true), [] as [&str; 0]);
}

#[test]
fn it_reports_changes_at_once_and_all_else_when_it_is_time() {
    let mut world = World::new().attending();
    let calls = |calls_running| wire::Report { calls_running, ..node("1.1.0", "", "2.0.0") };
    assert_eq!(world.is(calls(5)), [] as [&str; 0], "a count is no change");
    assert_eq!(world.agent.next_tick(world.now), Some(5 * SECOND));
    assert_eq!(world.after(5), ["report 1.1.0"]);
    assert_eq!(world.is(wire::Report { drained: true, ..calls(5) }), ["report 1.1.0"]);
}

#[test]
fn calls_are_reported_once_and_kept_while_nobody_hears_of_them() {
    let mut world = World::new().attending();
    let calls = |answered| {
        let (version, method) = ("1.0.0".to_owned(), "shop.v1.Shop.Get".to_owned());
        let calls = wire::Calls { version, method, answered, latency: vec![0, answered], ..Default::default() };
        Input::Node(Box::new(wire::Report { calls: vec![calls], ..node("1.1.0", "", "2.0.0") }))
    };
    world.input(calls(2));
    world.input(Input::Lost(None));
    world.input(calls(3));
    world.now += 9 * SECOND;
    world.input(Input::Connected);
    world.welcome(true);
    world.now += 5 * SECOND;
    let said = |world: &mut World| {
        world.agent.handle(Input::Tick, world.now);
        let outputs = world.agent.take();
        let Some(Output::Say(wire::FromAgent { message: Some(from_agent::Message::Report(report)) })) = outputs.first()
        else {
            panic!("{outputs:?}")
        };
        (
            report.calls.iter().map(|calls| (calls.answered, calls.latency.clone())).collect::<Vec<_>>(),
            report.over_microseconds,
        )
    };
    assert_eq!(said(&mut world), (vec![(5, vec![0, 5])], world.now));
    world.now += 5 * SECOND;
    assert_eq!(said(&mut world), (vec![], 5 * SECOND));
}

#[test]
fn it_asks_with_each_report_for_as_long_as_it_wants_to_go() {
    let mut world = World::new().attending();
    assert_eq!(world.goal(goal("2.0.0")), ["request 1 1.1.0..2.0.0"]);
    assert_eq!(world.goal(goal("2.0.0")), [] as [&str; 0], "the same again");
    assert_eq!(world.after(5), ["report 1.1.0", "request 2 1.1.0..2.0.0"]);
    assert_eq!(world.goal(wire::Goal { paused: true, ..goal("2.0.0") }), [] as [&str; 0]);
    assert_eq!(world.after(5), ["report 1.1.0"]);
    assert_eq!(world.goal(goal("2.0.0")), ["request 3 1.1.0..2.0.0"]);
    assert_eq!(world.input(Input::Lost(None)), [] as [&str; 0]);
    assert_eq!(world.after(5), [] as [&str; 0]);
    assert_eq!(world.input(Input::Connected), ["hello 3 1.1.0"]);
    world.welcome(true);
    assert_eq!(world.goal(goal("2.0.0")), ["request 1 1.1.0..2.0.0"], "requests are counted anew");
}

#[test]
fn it_asks_for_one_step_at_a_time_and_only_for_those_that_it_could_take() {
    for (report, wanted, asks) in [
        (node("1.1.0", "", "2.0.0"), "3.0.0", "request 1 1.1.0..2.0.0"),
        (node("2.0.0", "", "3.0.0"), "3.0.0", "request 1 2.0.0..3.0.0"),
        (node("2.0.0", "1.1.0", "3.0.0"), "1.1.0", "request 1 2.0.0..1.1.0"),
        // Not before it is finalized.
        (node("2.0.0", "1.1.0", "3.0.0"), "3.0.0", ""),
        // Nothing can take it there.
        (node("2.0.0", "", ""), "3.0.0", ""),
        (node("2.0.0", "", "3.0.0"), "1.1.0", ""),
        (node("3.0.0", "2.0.0", ""), "2.5.0", ""),
        // Nothing to do, or nothing that anybody knows.
        (node("2.0.0", "1.1.0", "3.0.0"), "2.0.0", ""),
        (node("2.0.0", "1.1.0", "3.0.0"), "", ""),
        (node("2.0.0", "", "3.0.0"), "nonsense", ""),
        // It moves, is stuck, or prepared already.
        (wire::Report { moving_to: "2.0.0".to_owned(), ..node("1.1.0", "", "2.0.0") }, "2.0.0", ""),
        (wire::Report { phase: Phase::Finalizing.into(), ..node("1.1.0", "", "2.0.0") }, "2.0.0", ""),
        (wire::Report { stuck: Some("why".to_owned()), ..node("1.1.0", "", "2.0.0") }, "2.0.0", ""),
        (wire::Report { prepared: "p".to_owned(), ..node("1.1.0", "", "2.0.0") }, "2.0.0", ""),
    ] {
        let said = World::of(report.clone()).attending().goal(goal(wanted));
        assert_eq!(said.join(", "), asks, "{report:?} to {wanted}");
    }
}

#[test]
fn a_permit_counts_for_what_was_asked_and_for_its_time_from_the_request() {
    let cases: [(&str, u64, Change); 9] = [
        ("begin 40 by 130", 0, |_| {}),
        ("begin 40 by 130", 29, |_| {}),
        ("ended 40 EXPIRED 1.1.0", 30, |_| {}),
        ("begin 40 by 101", 0, |permit| permit.within_microseconds = SECOND),
        ("ended 40 NOT_PERMITTED 1.1.0", 0, |permit| permit.request = 2),
        ("ended 40 NOT_PERMITTED 1.1.0", 0, |permit| permit.upgrade = 8),
        ("ended 40 NOT_PERMITTED 1.1.0", 0, |permit| permit.to = "3.0.0".to_owned()),
        ("ended 40 NOT_PERMITTED 1.1.0", 0, |permit| permit.back = true),
        ("ended 40 NOT_PERMITTED 1.1.0", 0, |permit| permit.way = Way::Restart.into()),
    ];
    for (expected, late, change) in cases {
        let mut world = World::new().attending();
        world.goal(goal("2.0.0"));
        world.now += late * SECOND;
        assert_eq!(world.permit(change)[0], expected);
    }
}

#[test]
fn a_later_request_makes_a_permit_for_an_earlier_one_no_longer() {
    let mut world = World::new().attending();
    world.goal(goal("2.0.0"));
    world.after(20);
    assert_eq!(world.permit(|_| {})[0], "begin 40 by 130");
    assert_eq!(world.permit(|permit| (permit.permit, permit.request) = (41, 2))[0], "ended 41 NOT_PERMITTED 1.1.0");
}

#[test]
fn a_permit_of_another_stream_and_one_that_is_not_wanted_any_more_are_worth_nothing() {
    let mut world = World::new().attending();
    world.goal(goal("2.0.0"));
    world.input(Input::Lost(None));
    world.input(Input::Connected);
    world.welcome(true);
    assert_eq!(world.permit(|_| {}), ["ended 40 NOT_PERMITTED 1.1.0"]);

    let mut world = World::new().attending();
    world.goal(goal("2.0.0"));
    world.goal(wire::Goal { paused: true, ..goal("2.0.0") });
    assert_eq!(world.permit(|_| {}), ["ended 40 NOT_PERMITTED 1.1.0"]);
}

#[test]
fn it_shows_that_it_moves_from_the_permit_on_until_the_move_has_ended() {
    let mut world = World::new().attending();
    world.goal(goal("2.0.0"));
    assert_eq!(world.permit(|_| {}), ["begin 40 by 130", "report 1.1.0 moving to 2.0.0 permit 40"]);
    assert_eq!(world.permit(|_| {}), [] as [&str; 0], "a double");
    assert_eq!(world.is(node("1.1.0", "", "2.0.0")), [] as [&str; 0], "it has not begun yet");
    world.input(Input::Lost(None));
    assert_eq!(world.input(Input::Connected), ["hello 3 1.1.0 moving to 2.0.0 permit 40"]);
    world.welcome(true);
    assert_eq!(world.goal(goal("2.0.0")), [] as [&str; 0], "it does not ask while it moves");
    let ended = Input::MoveEnded { permit: 40, failure: None, pause: 5 };
    assert_eq!(world.input(ended), ["ended 40 well 2.0.0"], "how it is the node is yet to say");
    assert_eq!(world.after(5), [] as [&str; 0]);
    assert_eq!(world.is(node("2.0.0", "1.1.0", "3.0.0")), ["report 2.0.0 permit 40"]);
    assert_eq!(world.permit(|_| {}), ["ended 40 well 2.0.0"], "a double, late");
    world.input(Input::Lost(None));
    assert_eq!(world.input(Input::Connected), ["hello 3 2.0.0 permit 40"]);
    assert_eq!(world.welcome(true), ["ended 40 well 2.0.0"], "it may have been lost with the stream");
}

#[test]
fn a_move_that_failed_is_told_and_begins_again_with_a_new_permit_only() {
    let mut world = World::new().attending();
    world.goal(goal("2.0.0"));
    world.permit(|_| {});
    let failure = Some(wire::Failure { reason: "MOVE_FAILED".to_owned(), ..Default::default() });
    assert_eq!(world.input(Input::MoveEnded { permit: 40, failure, pause: 5 }), ["ended 40 MOVE_FAILED 1.1.0"]);
    let failed = wire::Report { failure: Some("no".to_owned()), ..node("1.1.0", "", "2.0.0") };
    assert_eq!(world.is(failed), ["report 1.1.0 permit 40", "request 2 1.1.0..2.0.0"]);
    assert_eq!(world.permit(|permit| permit.permit = 41), ["ended 41 NOT_PERMITTED 1.1.0"], "the old question");
    assert_eq!(world.permit(|permit| (permit.permit, permit.request) = (42, 2))[0], "begin 42 by 130");
}

#[test]
fn the_word_is_passed_on_once_and_a_late_one_is_answered() {
    let says = |permit, switch| to_agent::Message::Word(wire::Word { permit, switch });
    let mut world = World::new().attending();
    world.goal(goal("2.0.0"));
    assert_eq!(world.permit(|permit| permit.way = Way::Barrier.into())[0], "begin 40 by 130");
    assert_eq!(world.say(says(39, true)), ["ended 39 NO_WORD 1.1.0"]);
    assert_eq!(world.say(says(40, true)), ["word 40 true"]);
    assert_eq!(world.say(says(40, true)), [] as [&str; 0]);
    assert_eq!(world.say(says(40, false)), [] as [&str; 0]);
    world.input(Input::MoveEnded { permit: 40, failure: None, pause: 5 });
    assert_eq!(world.say(says(40, true)), ["ended 40 well 2.0.0"]);
}

#[test]
fn a_node_that_is_fenced_takes_its_preparation_back_and_asks_to_be_admitted_anew() {
    let mut world = World::new().attending();
    world.goal(goal("2.0.0"));
    world.permit(|permit| permit.way = Way::Barrier.into());
    assert_eq!(world.input(Input::Lost(Some("REPLACED".to_owned()))), [] as [&str; 0]);
    assert_eq!(world.input(Input::Connected), ["hello 3 1.1.0 moving to 2.0.0 permit 40"]);
    let forgotten = "do not serve: the coordinator has forgotten this node, and has to admit it anew";
    assert_eq!(world.input(Input::Lost(Some("FENCED".to_owned()))), ["word 40 false", forgotten]);
    assert_eq!(world.input(Input::Connected), ["hello 0 1.1.0 moving to 2.0.0 permit 40"]);
    assert_eq!(world.welcome(false), ["do not serve: it was away"]);
    assert_eq!(world.welcome(true), ["serve"]);
    world.input(Input::Lost(None));
    world.input(Input::Connected);
    assert_eq!(world.welcome(false), [] as [&str; 0], "it serves on");
}

#[test]
fn a_node_that_was_away_serves_when_it_has_come_to_its_version_or_says_why_not() {
    let mut world = World::new();
    world.input(Input::Connected);
    assert_eq!(world.welcome(false), ["do not serve: it was away"]);
    // 2.0.0 is active everywhere: nobody goes back behind it.
    let wanted = wire::Goal { active: "2.0.0".to_owned(), ..goal("3.0.0") };
    assert_eq!(world.goal(wanted), ["activate 2.0.0", "request 1 1.1.0..2.0.0"]);
    world.permit(|_| {});
    world.input(Input::MoveEnded { permit: 40, failure: None, pause: 5 });
    assert_eq!(world.is(node("2.0.0", "1.1.0", "3.0.0")), ["finalize", "report 2.0.0 permit 40"]);
    world.input(Input::Finalized(Ok(())));
    let step = world.is(node("2.0.0", "", "3.0.0"));
    assert_eq!(step, ["report 2.0.0 permit 40", "request 2 2.0.0..3.0.0"]);
    world.permit(|permit| {
        (permit.permit, permit.request) = (41, 2);
        (permit.from, permit.to) = ("2.0.0".to_owned(), "3.0.0".to_owned());
    });
    world.input(Input::MoveEnded { permit: 41, failure: None, pause: 5 });
    assert_eq!(world.is(node("3.0.0", "2.0.0", "")), ["serve", "report 3.0.0 permit 41"]);
}

#[test]
fn it_finalizes_what_the_goal_says_and_tries_again_less_and_less_often() {
    for (goal, finalizes) in [
        (final_up_to("2.0.0", goal("2.0.0")), true),
        (final_up_to("3.0.0", goal("3.0.0")), true),
        (final_up_to("2.0.0", goal("")), true),
        // Said while the node was at the version before.
        (final_up_to("1.1.0", goal("2.0.0")), false),
        (wire::Goal { active: "2.0.0".to_owned(), ..goal("2.0.0") }, true),
        (wire::Goal { active: "1.1.0".to_owned(), ..goal("2.0.0") }, false),
        (final_up_to("2.0.0", goal("1.1.0")), false),
        (goal("2.0.0"), false),
    ] {
        let mut world = World::of(node("2.0.0", "1.1.0", "3.0.0")).attending();
        let said = world.goal(goal.clone());
        assert_eq!(said.iter().any(|said| said == "finalize"), finalizes, "{goal:?}");
    }
    let mut world = World::of(node("2.0.0", "1.1.0", "")).attending();
    world.goal(final_up_to("2.0.0", goal("2.0.0")));
    for wait in [1, 2, 4] {
        world.input(Input::Finalized(Err("no".to_owned())));
        assert_eq!(world.is(node("2.0.0", "1.1.0", "")), [] as [&str; 0]);
        world.now += wait * SECOND - 1;
        let early = world.input(Input::Tick);
        assert!(!early.contains(&"finalize".to_owned()), "{early:?}");
        world.now += 1;
        assert!(world.input(Input::Tick).contains(&"finalize".to_owned()));
    }
}

#[test]
fn bundles_are_learned_in_their_order_and_a_failure_is_tried_again_later() {
    let mut world = World::new().attending();
    let bundles = vec!["one".to_owned(), "two".to_owned()];
    assert_eq!(world.goal(wire::Goal { bundles: bundles.clone(), ..goal("") }), ["learn one"]);
    assert_eq!(world.goal(wire::Goal { bundles, ..goal("") }), [] as [&str; 0], "it is on its way");
    assert_eq!(world.learned("one", Err("not signed")), ["report 1.1.0"], "what follows needs it");
    assert_eq!(world.agent.next_tick(world.now), Some(SECOND));
    assert_eq!(world.after(1), ["learn one"]);
    let learned = world.learned("one", Ok(&["1.1.0", "2.0.0", "3.0.0"]));
    assert_eq!(learned, ["learn two", "report 1.1.0"]);
    world.learned("two", Ok(&["1.1.0", "2.0.0", "3.0.0", "4.0.0"]));
    assert_eq!(world.unknown("4.0.0"), [] as [&str; 0]);
}

#[test]
fn what_could_not_be_learned_is_told_until_it_is_not_to_be_learned_any_more() {
    let mut world = World::new().attending();
    let bundles =
        |digests: &[&str]| wire::Goal { bundles: digests.iter().map(ToString::to_string).collect(), ..goal("") };
    world.goal(bundles(&["one", "two"]));
    world.learned("one", Err("not signed"));
    assert_eq!(world.agent.told().unlearned.as_deref(), Some("not signed"));
    world.goal(bundles(&["one"]));
    assert!(world.agent.told().unlearned.is_some(), "it is still to be learned");
    world.goal(bundles(&["two"]));
    assert_eq!(world.agent.told().unlearned, None);
}

#[test]
fn a_label_that_is_not_known_is_asked_for_fetched_and_else_remembered() {
    let mut world = World::new().attending();
    assert_eq!(world.unknown("3.0.0"), ["find 3.0.0"]);
    assert!(world.agent.is_learning("3.0.9"));
    assert_eq!(world.unknown("3.0.7"), [] as [&str; 0], "the same, but for its patch number");
    assert_eq!(world.found("3.0.0", &["one"]), ["learn one"]);
    assert!(world.agent.is_learning("3.0.0"));
    world.learned("one", Ok(&["1.1.0", "2.0.0", "3.0.0"]));
    assert!(!world.agent.is_learning("3.0.0"));
    assert_eq!(world.unknown("3.0.0"), [] as [&str; 0]);

    assert_eq!(world.unknown("9.0.0"), ["find 9.0.0"]);
    world.found("9.0.0", &[]);
    assert!(!world.agent.is_learning("9.0.0"));
    assert_eq!(world.unknown("9.0.0"), [] as [&str; 0]);
    world.after(60);
    assert_eq!(world.unknown("9.0.0"), ["find 9.0.0"], "somebody may have published it since");
    world.after(10);
    assert!(!world.agent.is_learning("9.0.0"), "no answer is an answer");
}

#[test]
fn a_label_whose_bundle_is_not_learned_is_unknown() {
    let mut world = World::new().attending();
    world.unknown("3.0.0");
    world.found("3.0.0", &["one"]);
    world.learned("one", Err("not signed"));
    assert!(!world.agent.is_learning("3.0.0"));
    assert_eq!(world.unknown("3.0.0"), [] as [&str; 0]);
}

#[test]
fn whatever_callers_say_takes_few_questions_and_little_memory() {
    let mut world = World::new().attending();
    let mut asked = 0;
    for number in 0..100_000 {
        asked += world.unknown(&format!("{}.0.0", number + 10)).len();
    }
    assert_eq!(asked, 8);
    for label in ["", "nonsense", "1.1.0", "1.1.7", "2.0.0"] {
        assert_eq!(world.unknown(label), [] as [&str; 0], "{label:?}");
    }
    world.now += 10 * SECOND;
    assert_eq!(world.unknown("9.0.0")[0], "find 9.0.0");
    world.input(Input::Lost(None));
    assert_eq!(world.unknown("8.0.0"), [] as [&str; 0], "there is nobody to ask");
    assert!(!world.agent.is_learning("9.0.0"));
}

#[test]
fn what_is_active_never_goes_back() {
    let mut world = World::new().attending();
    let active = |active: &str| wire::Goal { active: active.to_owned(), ..goal("") };
    assert_eq!(world.goal(active("2.0.0")), ["activate 2.0.0"]);
    assert_eq!(world.goal(active("1.1.0")), [] as [&str; 0]);
    assert_eq!(world.goal(active("2.0.0")), [] as [&str; 0]);
    assert_eq!(world.goal(active("10.0.0")), ["activate 10.0.0"]);
}

#[test]
fn the_node_retires_what_is_wanted_once_and_again_when_it_has_failed() {
    let mut world = World::new().attending();
    let retiring = |up_to: &str| {
        let retiring = wire::Retiring { retired_up_to: up_to.to_owned(), ..Default::default() };
        wire::Goal { retiring: Some(retiring), ..goal("") }
    };
    assert_eq!(world.goal(retiring("1.0.0")), ["retire 1.0.0"]);
    assert_eq!(world.goal(retiring("1.1.0")), [] as [&str; 0], "it is at the one before");
    assert_eq!(world.input(Input::Retired(Ok(()))), ["retire 1.1.0"]);
    assert_eq!(world.input(Input::Retired(Err("the disk is full".to_owned()))), [] as [&str; 0]);
    let report = wire::Report { ..node("1.1.0", "", "2.0.0") };
    world.agent.handle(Input::Node(Box::new(report.clone())), world.now);
    let said = world.agent.take();
    let [Output::Say(wire::FromAgent { message: Some(from_agent::Message::Report(told)) })] = said.as_slice() else {
        panic!("{said:?}")
    };
    let refused = told.retiring.as_ref().and_then(|retiring| retiring.refused.clone());
    assert_eq!(refused.as_deref(), Some("the disk is full"));
    assert_eq!(world.agent.next_tick(world.now), Some(SECOND));
    assert_eq!(world.after(1), ["retire 1.1.0"]);
    world.input(Input::Retired(Ok(())));
    world.is(report);
    world.after(60);
    assert_eq!(world.goal(retiring("1.1.0")), [] as [&str; 0], "it does that already");
    // Nothing is said of it: it stays.
    assert_eq!(world.goal(goal("")), [] as [&str; 0]);
    assert_eq!(world.goal(retiring("")), ["retire "]);
}
