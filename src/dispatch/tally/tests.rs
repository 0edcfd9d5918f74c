use std::convert::Infallible;
use std::future::Future as _;
use std::task::{Context, Waker};

use http::{HeaderValue, Request};
use http_body_util::BodyExt as _;
use tower_service::Service as _;

use super::super::answer::Object;
use super::super::sampling::Sampling;
use super::super::service::Dispatch;
use super::super::table::{Objects, Table, VERSION};
use super::super::traced::Traced;
use super::*;
use crate::protocol::Protocol;
use crate::refusal::Refusal;

const GET: &str = "/inventory.v1.Inventory/GetItem";
const WATCH: &str = "/inventory.v1.Inventory/WatchItems";

#[test]
fn refusals_are_no_failures_and_neither_are_streams_that_go_on() {
    let told = |status: Status| {
        let (parts, ()) = status.into_http::<()>().into_parts();
        parts.headers
    };
    for (headers, outcome) in [
        (HeaderMap::new(), Outcome::Answered),
        (told(Status::ok("")), Outcome::Answered),
        (told(Status::not_found("no")), Outcome::Failed),
        (told(Status::unavailable("no")), Outcome::Failed),
        (told(outcome::drained()), Outcome::Answered),
        (told(outcome::cut()), Outcome::Failed),
        (told(Refusal::disallowed("no").into()), Outcome::Refused(Reason::Disallowed)),
        (told(Refusal::lossy("item", "no").after_run().into()), Outcome::Refused(Reason::Lossy)),
    ] {
        assert_eq!(of(&headers), outcome, "{headers:?}");
    }
}

/// A node's dispatch; calls are answered, but those that go on for ever.
fn table(node: usize) -> Table {
    let answer = tower::service_fn(|request: Request<Body>| async move {
        if request.uri().path().ends_with("/WatchItems") {
            std::future::pending::<()>().await;
        }
        Ok::<_, Infallible>(Response::new(Body::answer(bytes::Bytes::from_static(&[0; 5]))))
    });
    let services = ["inventory.v1.Inventory", "inventory.v2.Inventory"];
    let object = services.into_iter().fold(Object::default(), |object, name| object.and_service(name, answer));
    let protocol = Protocol::load(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/inventory")).unwrap();
    let at = vec![Some(object); protocol.versions().len()];
    Table::new(&protocol, &Objects { node, oldest: 0, at: &at, built: 0..4 }).unwrap()
}

fn request(path: &'static str, label: Option<&'static str>) -> Request<Body> {
    let mut request = Request::post(path).body(Body::empty()).unwrap();
    let label = label.map(|label| (VERSION.clone(), HeaderValue::from_static(label)));
    request.headers_mut().extend(label);
    request
}

async fn call(dispatch: &Dispatch, path: &'static str, label: Option<&'static str>) {
    let Ok(answer) = dispatch.clone().call(request(path, label)).await;
    answer.into_body().collect().await.unwrap();
}

/// Begins a call that goes on, does something meanwhile, and lets it go.
async fn beside(dispatch: &Dispatch, does: impl AsyncFnOnce()) {
    let mut watching = Box::pin(dispatch.clone().call(request(WATCH, Some("1.1.0"))));
    assert!(watching.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    does().await;
}

fn find(counted: &[Counted], version: &str, unlabelled: bool, path: &str, node: &str) -> Counts {
    let found = counted.iter().find(|Counted { called, .. }| {
        let Called { version: caller, unlabelled: without, method, node: ran } = called;
        caller.to_string() == version && *without == unlabelled && &**method == path && ran.to_string() == node
    });
    found.unwrap_or_else(|| panic!("{version} {path} at {node} in {counted:#?}")).counts.clone()
}

#[tokio::test(start_paused = true)]
async fn counts_grow_over_tables_and_calls_outlive_theirs() {
    let dispatch = Dispatch::new();
    dispatch.count_calls();
    dispatch.install(table(1));
    call(&dispatch, GET, Some("1.1.0")).await;
    call(&dispatch, GET, None).await;
    beside(&dispatch, async || {
        dispatch.install(table(0));
        call(&dispatch, GET, Some("1.1.0")).await;
        dispatch.install(table(1));
        call(&dispatch, GET, Some("1.1.0")).await;
        let counted = dispatch.counted();
        let watched = find(&counted, "1.1.0", false, WATCH, "1.1.0");
        assert_eq!((watched.begun, watched.running(), watched.gone), (1, 1, 0));
        assert_eq!(dispatch.counted(), counted, "reading changes nothing");
    })
    .await;
    let counted = dispatch.counted();
    let at = |version, unlabelled, node| {
        let counts = find(&counted, version, unlabelled, GET, node);
        (counts.begun, counts.answered, counts.latency.iter().sum::<u64>(), counts.running())
    };
    assert_eq!(at("1.1.0", false, "1.1.0"), (2, 2, 2, 0), "of two tables");
    assert_eq!(at("1.1.0", false, "1.0.0"), (1, 1, 1, 0), "of the table in between");
    assert_eq!(at("1.0.0", true, "1.1.0"), (1, 1, 1, 0));
    let watched = find(&counted, "1.1.0", false, WATCH, "1.1.0");
    assert_eq!((watched.begun, watched.running(), watched.gone), (1, 0, 1), "its caller went away");
    assert!(watched.last.is_some());
    assert!(counted.is_sorted_by(|one, next| one.called < next.called), "one row a name, sorted: {counted:#?}");
    for _ in 0..100 {
        dispatch.install(table(1));
    }
    assert_eq!(dispatch.counted(), counted, "nothing is lost with a table, and nothing is left of one");
}

#[tokio::test]
async fn what_rewriting_costs_is_known_by_both_versions_and_outlives_tables() {
    let dispatch = Dispatch::new();
    dispatch.install(table(1));
    let newer = "/inventory.v2.Inventory/GetItem";
    call(&dispatch, newer, Some("2.0.0")).await;
    dispatch.count_calls();
    call(&dispatch, newer, Some("2.0.0")).await;
    call(&dispatch, GET, Some("1.1.0")).await;
    dispatch.install(table(0));
    call(&dispatch, newer, Some("2.0.0")).await;
    dispatch.install(table(1));
    call(&dispatch, newer, Some("2.0.0")).await;
    let costs = dispatch.rewrite_costs();
    let told = |costs: &RewriteCosts| format!("{} at {}: {}", costs.caller, costs.node, costs.costs.responses.messages);
    let told: Vec<String> = costs.iter().map(told).collect();
    assert_eq!(told, ["2.0.0 at 1.0.0: 1", "2.0.0 at 1.1.0: 2"], "from when somebody wants to know");
    for _ in 0..100 {
        dispatch.install(table(1));
    }
    assert_eq!(dispatch.rewrite_costs(), costs, "nothing is lost with a table");
}

#[tokio::test(start_paused = true)]
async fn refusals_are_counted_by_reason_and_unknown_names_take_no_room() {
    let dispatch = Dispatch::new();
    dispatch.count_calls();
    dispatch.install(table(0));
    // 1.0.0 does not declare it, and is what callers of no label are taken for.
    let newer = "/inventory.v1.Inventory/AdjustStock";
    call(&dispatch, newer, Some("1.0.0")).await;
    for number in 0..1000 {
        let path: &'static str = format!("/inventory.v1.Inventory/No{number}").leak();
        let label: &'static str = format!("77.0.{number}").leak();
        call(&dispatch, path, Some("1.0.0")).await;
        call(&dispatch, GET, Some(label)).await;
        call(&dispatch, GET, Some("no version")).await;
    }
    let unrouted = dispatch.unrouted();
    let of = |reason: Reason| unrouted.refused[reason.index()];
    assert_eq!((of(Reason::UnknownVersion), unrouted.undeclared), (1000, 1000));
    assert_eq!(of(Reason::LabelMismatch), 1001);
    assert_eq!(dispatch.counted(), []);
    // Another schema under a version that is known is a call of that version's method.
    let mut wrong = request(GET, Some("1.0.0"));
    wrong.headers_mut().insert(&super::super::table::SCHEMA, HeaderValue::from_static("other"));
    let Ok(answer) = dispatch.clone().call(wrong).await;
    drop(answer);
    let counts = find(&dispatch.counted(), "1.0.0", false, GET, "1.0.0");
    assert_eq!((counts.begun, counts.refusals(), counts.refused[Reason::LabelMismatch.index()]), (1, 1, 1));
}

#[test]
fn counting_allocates_nothing_after_the_first_call() {
    let table = table(1);
    let headers = [(VERSION.clone(), HeaderValue::from_static("1.1.0"))].into_iter().collect();
    let route = table.route(GET, &headers).unwrap();
    let count = || Counting::begin(&route.tally, false, None).end(Outcome::Answered);
    count();
    let measured = allocation_counter::measure(|| (0..1000).for_each(|_| count()));
    assert_eq!(measured.count_total, 0);
    assert_eq!(route.tally.counted().map(|counted| counted.counts.answered).collect::<Vec<_>>(), [1001]);
}

#[test]
fn a_call_that_nobody_traces_allocates_nothing_for_its_span() {
    let table = table(1);
    let mut headers = [(VERSION.clone(), HeaderValue::from_static("1.1.0"))].into_iter().collect();
    let route = table.route(GET, &headers).unwrap();
    let measured = allocation_counter::measure(|| {
        for _ in 0..1000 {
            for sampling in [Sampling::ALL, Sampling::by_caller(0.5)] {
                assert!(Traced::outside(sampling, route, &mut headers, None).is_none());
                assert!(Traced::beneath(|| sampling, route, &mut headers).is_none());
            }
        }
    });
    assert_eq!(measured.count_total, 0);
}

#[test]
fn no_call_is_lost_between_threads_and_a_reader_never_sees_more_ends_than_beginnings() {
    let table = table(1);
    let headers = [(VERSION.clone(), HeaderValue::from_static("1.1.0"))].into_iter().collect();
    let route = table.route(GET, &headers).unwrap();
    std::thread::scope(|scope| {
        let mut callers = Vec::new();
        for _ in 0..4 {
            callers.push(scope.spawn(|| {
                for number in 0..10_000 {
                    let counting = Counting::begin(&route.tally, false, None);
                    if number % 2 == 0 {
                        counting.end(Outcome::Answered);
                    }
                }
            }));
        }
        while !callers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            for Counted { counts, .. } in route.tally.counted() {
                assert!(counts.begun >= counts.answered + counts.gone, "{counts:?}");
            }
        }
    });
    let counts = route.tally.counted().next().unwrap().counts;
    assert_eq!((counts.begun, counts.answered, counts.gone, counts.running()), (40_000, 20_000, 20_000, 0));
}
