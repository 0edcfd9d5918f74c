//! What is refused, and what the caller is told of it.

use super::*;
use crate::refusal::Reason;

#[tokio::test]
async fn a_refused_request_is_told_with_versions_and_method_and_nothing_has_run() {
    for kind in KINDS {
        let node = Node::of(kind);
        let seen = node.texts(&["refuse request"]).await;
        let refusal = seen.refusal();
        assert_eq!(seen.status.code(), Code::FailedPrecondition, "{kind:?}");
        assert_eq!((refusal.reason(), refusal.path(), refusal.ran()), (Reason::Lossy, Some("text"), false));
        assert_eq!(refusal.caller_version(), Some("1.0.0"));
        assert_eq!(refusal.node_version(), Some("2.0.0"));
        assert_eq!(refusal.method(), Some("/p.Echo/Echo"));
        assert_eq!(seen.headers["straddle-version"], "1.0.0");
        assert!(node.saw().is_empty(), "{kind:?}");
    }
}

#[tokio::test]
async fn messages_before_a_refused_one_that_the_object_has_not_seen_it_does_not_see() {
    for kind in [Kind::ClientStreaming, Kind::Streaming] {
        let node = Node::of(kind);
        let seen = node.texts(&["one", "refuse request"]).await;
        assert!(!seen.refusal().ran(), "{kind:?}: {seen:?}");
        assert!(node.saw().is_empty(), "{kind:?}");
    }
}

#[tokio::test]
async fn a_stream_that_is_refused_after_a_message_went_through_has_begun() {
    for changes in [true, false] {
        let node = Node::with(Kind::Streaming, |_, rewrites| rewrites.changes = changes);
        let (sender, request) = slow_request();
        let mut body = node.begin(request).await.into_body();
        sender.send(framed("one")).unwrap();
        assert!(body.frame().await.unwrap().unwrap().is_data());
        sender.send(framed("refuse request")).unwrap();
        let trailers = body.frame().await.unwrap().unwrap().into_trailers().unwrap();
        let status = Status::from_header_map(&trailers).unwrap();
        let refusal = Refusal::from_status(&status).unwrap();
        assert_eq!(refusal.ran(), changes);
        assert_eq!(status.code(), if changes { Code::Internal } else { Code::FailedPrecondition });
        assert_eq!(refusal.method(), Some("/p.Echo/Echo"));
        assert!(body.frame().await.is_none());
    }
}

#[tokio::test]
async fn an_object_cannot_answer_without_a_message_that_was_refused() {
    for kind in [Kind::ClientStreaming, Kind::Streaming] {
        let node = Node::with(kind, |echo, _| echo.forgiving = true);
        let (sender, request) = slow_request();
        sender.send(framed("one")).unwrap();
        let call = tokio::spawn({
            let call = node.begin(request);
            async { seen(call.await).await }
        });
        while node.saw().is_empty() {
            tokio::task::yield_now().await;
        }
        sender.send(framed("refuse request")).unwrap();
        let seen = call.await.unwrap();
        assert_eq!(seen.refusal().path(), Some("text"), "{kind:?}: {seen:?}");
        assert_eq!(node.saw(), ["one>"]);
    }
}

#[tokio::test]
async fn a_refused_response_is_internal_and_says_that_the_call_may_have_run() {
    for kind in KINDS {
        let node = Node::of(kind);
        let seen = node.texts(&["refuse response"]).await;
        assert_eq!(seen.status.code(), Code::Internal, "{kind:?}: {seen:?}");
        assert!(seen.refusal().ran());
        assert_eq!(seen.refusal().method(), Some("/p.Echo/Echo"));
        assert_eq!(seen.refusal().caller_version(), Some("1.0.0"));
        assert_eq!(node.saw(), ["refuse response>"]);
    }
}

#[tokio::test]
async fn a_refused_response_of_a_method_that_changes_nothing_has_not_run() {
    for kind in KINDS {
        let node = Node::with(kind, |_, rewrites| rewrites.changes = false);
        let seen = node.texts(&["refuse response"]).await;
        assert_eq!(seen.status.code(), Code::FailedPrecondition, "{kind:?}: {seen:?}");
        assert!(!seen.refusal().ran());
    }
}

#[tokio::test]
async fn a_refused_message_ends_a_stream_behind_those_before_it_and_cancels_the_object_s() {
    let mut alive = None;
    let node = Node::with(Kind::ServerStreaming, |echo, _| alive = Some(Arc::downgrade(&echo.alive)));
    let response = node.begin(request(&[], vec![framed("one,two,refuse response,four")])).await;
    let mut body = response.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), [framed("<one"), framed("<two")].concat());
    let trailers = body.frame().await.unwrap().unwrap().into_trailers().unwrap();
    assert_eq!(Status::from_header_map(&trailers).unwrap().code(), Code::Internal);
    assert_eq!(alive.unwrap().strong_count(), 1, "the object's stream is gone while the caller's is still there");
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn what_is_malformed_is_the_fault_of_whoever_wrote_it() {
    for kind in KINDS {
        let node = Node::of(kind);
        let seen = node.call(request(&[], vec![wire(0, b"\x0a\x05a")])).await;
        assert_eq!(seen.status.code(), Code::InvalidArgument, "{kind:?}");
        assert_eq!(seen.status.message(), "malformed p.M at byte 7: it ends too soon");
        assert!(node.saw().is_empty());
    }
    let node = node_that_answers(wire(0, b"\x0a\x05a"), &[]);
    let seen = node.texts(&["one"]).await;
    assert_eq!(seen.status.code(), Code::Internal);
    assert!(seen.status.message().contains("at byte 7"), "{seen:?}");
}

/// A node whose object answers with these bytes and headers, whatever it is asked.
pub(super) fn node_that_answers(data: Vec<u8>, headers: &'static [(&'static str, &'static str)]) -> Node {
    struct Always(Bytes, &'static [(&'static str, &'static str)]);
    impl Answer for Always {
        fn answer(&self, request: Request<Body>) -> Answering {
            let mut response = Response::new(Body::answer(self.0.clone()));
            for (name, value) in self.1 {
                response.headers_mut().insert(*name, value.parse().unwrap());
            }
            Answering::new(async move {
                let read = request.into_body().collect().await;
                read.map_or_else(Status::into_http, |_| response)
            })
        }
    }
    let mut node = Node::of(Kind::Unary);
    let rewrites = Rewrites {
        request: Some(Arc::new(Visible::Request)),
        response: Some(Arc::new(Visible::Response)),
        details: Arc::new(Details::new(protocol(), 2, 0)),
        changes: true,
        limit: LIMIT,
        tally: None,
    };
    node.route = route(Arc::new(Always(data.into(), headers)), Kind::Unary, rewrites);
    node
}

#[tokio::test]
async fn too_much_work_and_panics_fail_that_one_call() {
    for kind in KINDS {
        for side in ["request", "response"] {
            let node = Node::of(kind);
            let seen = node.texts(&[&format!("too much {side}")]).await;
            assert_eq!(seen.status.code(), Code::ResourceExhausted, "{kind:?}, {side}");
            let seen = node.texts(&[&format!("panic {side}")]).await;
            assert_eq!(seen.status.code(), Code::Internal, "{kind:?}, {side}");
            assert_eq!(node.texts(&["next"]).await.texts, ["<next>"], "{kind:?}, {side}");
        }
    }
}

#[tokio::test]
async fn the_rest_of_a_refused_request_is_read_so_that_its_connection_lives() {
    let node = Node::of(Kind::ClientStreaming);
    let (sender, request) = slow_request();
    sender.send(framed("refuse request")).unwrap();
    let call = node.call(request);
    for _ in 0..10 {
        sender.send(framed("more")).unwrap();
    }
    drop(sender);
    let begun = std::time::Instant::now();
    assert!(!call.await.refusal().ran());
    assert!(begun.elapsed() < std::time::Duration::from_millis(40), "nothing was waited for in vain");
}
