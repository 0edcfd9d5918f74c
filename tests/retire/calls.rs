//! What calls are told, of a node without a state.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use straddle::dispatch::{Dispatch, Object};
use straddle::node::Node;
use straddle::refusal::Reason;
use straddle::retiring::{Brownout, Notice, Retiring};
use straddle::simulation::Adjacent;
use straddle::wire::Body;
use tokio::sync::Notify;
use tower::{ServiceExt, service_fn};

use crate::shop::protocol;
use crate::{Bent, assert_retired, refusal, up_to, version};

/// Answers with an empty message.
fn answers(service: &'static str) -> Object {
    let answer =
        |_| async { Ok::<_, std::convert::Infallible>(Response::new(Body::full(Bytes::from_static(b"\0\0\0\0\0")))) };
    Object::default().and_service(service, service_fn(answer))
}

/// Passes each call on.
fn past(adjacent: Adjacent) -> Object {
    let pass_on = move |request: Request<Body>| {
        let (adjacent, method) = (adjacent.clone(), request.uri().path().rsplit('/').next().unwrap().to_owned());
        async move {
            let message = http_body_util::Full::new(Bytes::from_static(b"\0\0\0\0\0"));
            let request = Request::post(format!("/shop.v3.Shop/{method}")).body(tonic::body::Body::new(message));
            adjacent.oneshot(request.unwrap()).await
        }
    };
    Object::default().and_service("shop.v2.Shop", service_fn(pass_on))
}

/// A node of 3.0.0, whose callers of 1.0.0 and 2.0.0 go through a past object.
fn node(clock: &Bent) -> Node {
    let builder = Node::builder(protocol()).object("3.0.0", answers("shop.v3.Shop")).past("2.0.0", past);
    builder.wall_clock(Arc::new(clock.clone())).build().unwrap_or_else(|error| panic!("{error}"))
}

/// Calls in a version, or without a label.
async fn call(node: &Dispatch, major: u32, method: &str, labelled: bool) -> Response<Body> {
    let mut request = Request::post(format!("/shop.v{major}.Shop/{method}"));
    if labelled {
        request = request.header("straddle-version", format!("{major}.0.0"));
    }
    let body = Body::full(Bytes::from_static(b"\0\0\0\0\0"));
    let Ok(response) = node.clone().oneshot(request.body(body).expect("a request")).await;
    response
}

fn status(response: &Response<Body>) -> tonic::Status {
    tonic::Status::from_header_map(response.headers()).expect("a status")
}

fn is_answered(response: &Response<Body>) -> bool {
    !response.headers().contains_key("grpc-status")
}

#[tokio::test]
async fn callers_of_retired_versions_are_told_labelled_or_not_until_it_is_taken_back() {
    let node = node(&Bent::default());
    let service = node.service();
    node.retire(up_to("1.0.0")).await.unwrap();
    let labelled = call(&service, 1, "List", true).await;
    assert_retired(&status(&labelled), "2.0.0..=3.0.0");
    assert_eq!(labelled.headers()["straddle-version"], "1.0.0");
    assert_eq!(refusal(&labelled).method(), Some("/shop.v1.Shop/List"));
    let unlabelled = call(&service, 1, "List", false).await;
    assert_retired(&status(&unlabelled), "2.0.0..=3.0.0");
    assert!(status(&unlabelled).message().contains("carries no label and is taken for"), "{unlabelled:?}");
    assert!(is_answered(&call(&service, 2, "List", true).await), "newer versions are served");
    assert_eq!(node.status().served, [version("2.0.0"), version("3.0.0")]);
    // A version that nobody knows is told what is served.
    let unknown = Request::post("/shop.v9.Shop/List").header("straddle-version", "9.0.0").body(Body::empty()).unwrap();
    let Ok(unknown) = service.clone().oneshot(unknown).await;
    assert_eq!(refusal(&unknown).served(), Some("2.0.0..=3.0.0"));

    node.retire(Retiring::default()).await.unwrap();
    assert!(is_answered(&call(&service, 1, "List", true).await));
    assert_eq!(node.status().served.len(), 3);
}

#[tokio::test]
async fn the_version_that_a_node_runs_is_not_retired() {
    let node = node(&Bent::default());
    node.retire(up_to("3.0.0")).await.unwrap();
    let retired = node.status().retired.expect("it was told");
    assert_eq!(retired.in_force, up_to("2.0.0"));
    assert!(retired.refused.is_some_and(|why| why.contains("the node runs 3.0.0")));
    assert_retired(&status(&call(&node.service(), 2, "List", true).await), "3.0.0..=3.0.0");
    assert!(is_answered(&call(&node.service(), 3, "List", true).await));
    let invalid = up_to("1.0.0").keep_state_for(Duration::MAX);
    node.retire(invalid).await.unwrap_err();
    assert_eq!(node.status().retired.expect("as before").in_force, up_to("2.0.0"));
}

#[tokio::test]
async fn whoever_calls_in_a_version_under_notice_is_told_also_with_a_refusal() {
    let node = node(&Bent::default());
    let notice = Notice::of(version("2.0.0")).deprecated_since(1_790_000_000).sunset(1_800_000_000);
    node.retire(up_to("1.0.0").notice(notice)).await.unwrap();
    let service = node.service();
    for (method, answered) in [("List", true), ("Watch", false)] {
        let response = call(&service, 2, method, true).await;
        assert_eq!(is_answered(&response), answered);
        assert_eq!(response.headers()["deprecation"], "@1790000000");
        assert_eq!(response.headers()["sunset"], "Fri, 15 Jan 2027 08:00:00 GMT");
    }
    for major in [1, 3] {
        let response = call(&service, major, "List", true).await;
        assert!(!response.headers().contains_key("deprecation") && !response.headers().contains_key("sunset"));
    }
}

#[tokio::test]
async fn a_brownout_refuses_by_the_clock_and_says_until_when() {
    let clock = Bent::at(999);
    let node = node(&clock);
    let brownout = Brownout { seconds: 60, every_seconds: 3_600, from: 1_000 };
    let notice = Notice::of(version("2.0.0")).sunset(784_111_777).brownout(brownout);
    node.retire(Retiring::default().notice(notice)).await.unwrap();
    let service = node.service();
    for (now, until) in [(999, None), (1_000, Some(1_060)), (1_059, Some(1_060)), (1_060, None), (4_600, Some(4_660))] {
        clock.set(now);
        for (major, labelled) in [(1, true), (1, false), (2, true)] {
            let response = call(&service, major, "List", labelled).await;
            let Some(until) = until else {
                assert!(is_answered(&response), "{now}: {response:?}");
                continue;
            };
            let (refusal, status) = (refusal(&response), status(&response));
            assert_eq!((refusal.reason(), refusal.ran()), (Reason::Retired, false));
            assert_eq!((refusal.brownout_until(), refusal.served()), (Some(until), Some("1.0.0..=3.0.0")));
            assert_eq!(status.code(), tonic::Code::FailedPrecondition);
            assert!(status.message().contains("a brown-out") && status.message().contains("06 Nov 1994"), "{status}");
            assert!(refusal.advised().is_some_and(|advice| advice.contains("move the caller")), "{refusal}");
            assert_eq!(response.headers()["sunset"], "Sun, 06 Nov 1994 08:49:37 GMT");
        }
        assert!(
            is_answered(&call(&service, 3, "List", true).await),
            "nobody is refused in the version that the node runs"
        );
    }
    assert!(!is_answered(&call(&service, 2, "List", true).await));
    node.retire(Retiring::default()).await.unwrap();
    assert!(is_answered(&call(&service, 2, "List", true).await), "it is taken back at once");
}

#[tokio::test]
async fn a_call_that_came_before_its_version_went_is_answered_whole() {
    let (entered, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (came, may) = (entered.clone(), go_on.clone());
    let object = service_fn(move |_: Request<Body>| {
        let (came, may) = (came.clone(), may.clone());
        async move {
            came.notify_one();
            may.notified().await;
            Ok::<_, std::convert::Infallible>(Response::new(Body::full(Bytes::from_static(b"\0\0\0\0\0"))))
        }
    });
    let object = Object::default().and_service("shop.v3.Shop", object);
    let node = Node::builder(protocol()).object("3.0.0", object).past("2.0.0", past).build().unwrap();
    let service = node.service();
    let inside = tokio::spawn(async move { call(&service, 1, "List", true).await });
    entered.notified().await;
    node.retire(up_to("2.0.0")).await.unwrap();
    assert_retired(&status(&call(&node.service(), 1, "List", true).await), "3.0.0..=3.0.0");
    go_on.notify_one();
    assert!(is_answered(&inside.await.unwrap()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_come_as_a_version_goes_and_comes_are_answered_or_told() {
    let node = node(&Bent::default());
    let (stop, answered, told) =
        (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..2)
        .map(|_| {
            let (service, stop) = (node.service(), stop.clone());
            let (answered, told) = (answered.clone(), told.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let response = call(&service, 1, "List", true).await;
                    if is_answered(&response) {
                        answered.fetch_add(1, Ordering::Relaxed);
                    } else {
                        assert_eq!(refusal(&response).reason(), Reason::Retired);
                        told.fetch_add(1, Ordering::Relaxed);
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    while answered.load(Ordering::Relaxed) < 500 || told.load(Ordering::Relaxed) < 500 {
        for retiring in [up_to("1.0.0"), up_to("2.0.0"), Retiring::default()] {
            node.retire(retiring).await.unwrap();
            tokio::task::yield_now().await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
}

/// The same node, and whether its past object is still there.
fn watched(clock: &Bent) -> (Node, Weak<()>) {
    let there = Arc::new(());
    let (seen, there) = (Arc::downgrade(&there), std::sync::Mutex::new(Some(there)));
    let past = move |adjacent| {
        let there = there.lock().unwrap().take().expect("an object is made once");
        let nobody = service_fn(move |_: Request<Body>| {
            let _there = there.clone();
            std::future::pending::<Result<Response<Body>, std::convert::Infallible>>()
        });
        past(adjacent).and_service("shop.Counted", nobody)
    };
    let builder = Node::builder(protocol()).object("3.0.0", answers("shop.v3.Shop")).past("2.0.0", past);
    (builder.wall_clock(Arc::new(clock.clone())).build().unwrap(), seen)
}

#[tokio::test(start_paused = true)]
async fn objects_go_when_the_grace_is_over_and_not_before() {
    let clock = Bent::at(1_000);
    let (node, past) = watched(&clock);
    let seconds = |seconds| tokio::time::sleep(Duration::from_secs(seconds));
    let retiring = || up_to("2.0.0").keep_state_for(Duration::from_secs(3_600));
    node.retire(retiring()).await.unwrap();
    // The clock jumps: the program has to have run for the grace all the same.
    clock.set(1_000_000);
    seconds(3_500).await;
    node.retire(Retiring::default()).await.unwrap();
    assert!(is_answered(&call(&node.service(), 1, "List", true).await), "within the grace it is taken back");
    // Its time begins anew.
    node.retire(retiring()).await.unwrap();
    seconds(3_500).await;
    assert!(past.upgrade().is_some() && node.status().retired.unwrap().swept_up_to.is_none());
    seconds(200).await;
    assert!(past.upgrade().is_some(), "its date has not come");
    clock.set(1_003_600);
    seconds(3_700).await;
    assert!(past.upgrade().is_none(), "it has gone");
    assert_eq!(node.status().retired.unwrap().swept_up_to, Some(version("2.0.0")));
    for major in [1, 2] {
        assert_retired(&status(&call(&node.service(), major, "List", true).await), "3.0.0..=3.0.0");
    }
    assert!(is_answered(&call(&node.service(), 3, "List", true).await));
    // What has no object is not served again by this program, and it says so.
    node.retire(up_to("1.0.0")).await.unwrap();
    let retired = node.status().retired.unwrap();
    assert_eq!(retired.in_force.retired_up_to, Some(version("2.0.0")));
    assert!(retired.refused.is_some_and(|why| why.contains("start the program again")));
    assert_retired(&status(&call(&node.service(), 2, "List", true).await), "3.0.0..=3.0.0");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_older_goes_and_a_newer_one_comes_back() {
    let clock = Bent::at(1_000);
    let (node, past) = watched(&clock);
    let grace = |version| up_to(version).keep_state_for(Duration::from_secs(100));
    node.retire(grace("1.0.0")).await.unwrap();
    clock.set(1_090);
    tokio::time::sleep(Duration::from_secs(90)).await;
    node.retire(grace("2.0.0")).await.unwrap();
    clock.set(1_110);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(node.status().retired.unwrap().swept_up_to, Some(version("1.0.0")));
    assert!(past.upgrade().is_some());
    node.retire(grace("1.0.0")).await.unwrap();
    assert!(is_answered(&call(&node.service(), 2, "List", true).await));
    assert_retired(&status(&call(&node.service(), 1, "List", true).await), "2.0.0..=3.0.0");
}

#[tokio::test(start_paused = true)]
async fn an_object_whose_calls_go_on_stays_for_as_long_as_they_do() {
    let (clock, go_on) = (Bent::at(1_000), Arc::new(Notify::new()));
    let may = go_on.clone();
    let (there, seen) = {
        let there = Arc::new(());
        (std::sync::Mutex::new(Some(there.clone())), Arc::downgrade(&there))
    };
    let past = move |_: Adjacent| {
        let (may, there) = (may.clone(), there.lock().unwrap().take());
        let waits = service_fn(move |_: Request<Body>| {
            let (may, there) = (may.clone(), there.clone());
            async move {
                may.notified().await;
                drop(there);
                Ok::<_, std::convert::Infallible>(Response::new(Body::full(Bytes::from_static(b"\0\0\0\0\0"))))
            }
        });
        Object::default().and_service("shop.v2.Shop", waits)
    };
    let builder = Node::builder(protocol()).object("3.0.0", answers("shop.v3.Shop")).past("2.0.0", past);
    let node = builder.wall_clock(Arc::new(clock.clone())).build().unwrap();
    let service = node.service();
    let inside = tokio::spawn(async move { call(&service, 2, "List", true).await });
    tokio::task::yield_now().await;
    node.retire(up_to("2.0.0").keep_state_for(Duration::from_secs(10))).await.unwrap();
    clock.set(1_100);
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert!(node.status().retired.unwrap().swept_up_to.is_none(), "a call is inside");
    go_on.notify_one();
    assert!(is_answered(&inside.await.unwrap()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(node.status().retired.unwrap().swept_up_to, Some(version("2.0.0")));
    assert!(seen.upgrade().is_none());
}
