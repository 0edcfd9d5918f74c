//! What comes through, in every kind of method.

use std::time::Duration;

use http_body::Body as _;

use super::*;

#[tokio::test]
async fn every_kind_of_method_is_rewritten_both_ways() {
    let expected: [(&[&str], &[&str], &[&str]); 4] = [
        (&["one"], &["one>"], &["<one>"]),
        (&["one,two"], &["one,two>"], &["<one", "<two>"]),
        (&["one", "two"], &["one>", "two>"], &["<one>,two>"]),
        (&["one", "", "three"], &["one>", ">", "three>"], &["<one>", "<>", "<three>"]),
    ];
    for (kind, (sent, saw, answered)) in KINDS.into_iter().zip(expected) {
        let node = Node::of(kind);
        let seen = node.texts(sent).await;
        assert_eq!(seen.status.code(), Code::Ok, "{kind:?}: {seen:?}");
        assert_eq!(node.saw(), saw, "{kind:?}");
        assert_eq!(seen.texts, answered, "{kind:?}");
        assert_eq!(seen.headers["straddle-version"], "1.0.0");
    }
}

#[tokio::test]
async fn messages_are_rewritten_however_frames_cut_them() {
    let stream = ["one", "", "three", "a longer one"].map(framed).concat();
    for kind in [Kind::ClientStreaming, Kind::Streaming] {
        for first in 0..stream.len() {
            for second in [first, first + 1, (first + 7).min(stream.len())] {
                let cut =
                    [&stream[..first], &stream[first..second.min(stream.len())], &stream[second.min(stream.len())..]];
                let node = Node::of(kind);
                let seen = node.call(request(&[], cut.map(<[u8]>::to_vec).to_vec())).await;
                assert_eq!(node.saw(), ["one>", ">", "three>", "a longer one>"], "{kind:?}: {first}, {second}");
                assert_eq!(seen.status.code(), Code::Ok);
            }
        }
    }
    for kind in KINDS {
        let node = Node::of(kind);
        let bytes = framed("by the byte").into_iter().map(|byte| vec![byte]).collect();
        assert_eq!(node.call(request(&[], bytes)).await.texts, ["<by the byte>"], "{kind:?}");
    }
}

#[tokio::test]
async fn a_request_that_breaks_off_within_a_message_is_an_error() {
    for kind in KINDS {
        let mut message = framed("this is all");
        message.truncate(9);
        let seen = Node::of(kind).call(request(&[], vec![message])).await;
        assert_eq!(seen.status.code(), Code::Internal, "{kind:?}: {seen:?}");
    }
}

#[tokio::test]
async fn messages_that_are_ready_share_a_frame() {
    let node = Node::of(Kind::Streaming);
    let frames = (0..1000).map(|number| framed(&number.to_string())).collect();
    let seen = node.call(request(&[], frames)).await;
    assert_eq!(seen.texts.len(), 1000);
    assert!(seen.frames <= 40, "{} frames", seen.frames);
    let node = Node::of(Kind::ServerStreaming);
    let seen = node.texts(&[&vec!["word"; 10_000].join(",")]).await;
    assert_eq!(seen.texts.len(), 10_000);
    assert!(seen.frames <= 10, "{} frames", seen.frames);
}

#[tokio::test]
async fn a_stream_s_messages_go_through_as_they_come() {
    let node = Node::of(Kind::Streaming);
    let (sender, request) = slow_request();
    let mut body = node.begin(request).await.into_body();
    for text in ["one", "two"] {
        sender.send(framed(text)).unwrap();
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(frame, framed(&format!("<{text}>")));
    }
    drop(sender);
    assert!(body.frame().await.unwrap().unwrap().is_trailers());
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn a_direction_without_a_rewrite_passes_as_it_is() {
    let node = Node::with(Kind::Unary, |_, rewrites| rewrites.request = None);
    assert_eq!(node.texts(&["one"]).await.texts, ["<one"]);
    assert_eq!(node.saw(), ["one"]);
    let node = Node::with(Kind::Streaming, |_, rewrites| rewrites.response = None);
    assert_eq!(node.texts(&["one", "two"]).await.texts, ["one>", "two>"]);
    let node = Node::with(Kind::Streaming, |_, rewrites| (rewrites.request, rewrites.response) = (None, None));
    let frames = vec![framed("one"), framed("two")];
    assert_eq!(node.call(request(&[], frames)).await.texts, ["one", "two"]);
}

#[tokio::test]
async fn an_error_of_the_object_is_told_as_it_is() {
    for kind in KINDS {
        let seen = Node::of(kind).texts(&["fail"]).await;
        assert_eq!((seen.status.code(), seen.status.message()), (Code::NotFound, "as it was told"), "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_a_call_that_is_rewritten() {
    for kind in [Kind::ClientStreaming, Kind::Streaming] {
        let node = Node::of(kind);
        let (sender, mut request) = slow_request();
        request.headers_mut().insert("grpc-timeout", "50m".parse().unwrap());
        sender.send(framed("one")).unwrap();
        let begun = tokio::time::Instant::now();
        let seen = node.call(request).await;
        assert_eq!(seen.status.code(), Code::DeadlineExceeded, "{kind:?}");
        assert!(begun.elapsed() < Duration::from_millis(60));
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_the_object_s_call_with_it() {
    for kind in [Kind::ClientStreaming, Kind::Streaming] {
        let mut alive = None;
        let node = Node::with(kind, |echo, _| alive = Some(Arc::downgrade(&echo.alive)));
        let calls = || alive.as_ref().map_or(0, std::sync::Weak::strong_count);
        let (sender, request) = slow_request();
        let mut call = node.begin(request);
        sender.send(framed("one")).unwrap();
        let mut body = None;
        while node.saw().is_empty() {
            let polled = std::future::poll_fn(|waking| {
                Poll::Ready(match &mut body {
                    None => {
                        Pin::new(&mut call).poll(waking).map(|response| body = Some(response.into_body())).is_ready()
                    }
                    Some(body) => Pin::new(body).poll_frame(waking).is_ready(),
                })
            });
            polled.await;
        }
        assert!(calls() > 1, "{kind:?}: the call is on its way");
        drop((call, body));
        assert_eq!(calls(), 1, "{kind:?}: only the object itself is left");
        assert!(sender.is_closed(), "{kind:?}: nobody reads the request");
    }
}
