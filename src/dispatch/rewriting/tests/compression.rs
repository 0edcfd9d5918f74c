//! Compressed messages, both ways.

use super::refusals::node_that_answers;
use super::*;

fn all() -> Vec<&'static str> {
    let mut encodings = encodings();
    std::iter::from_fn(|| encodings.pop())
        .map(|encoding| if encoding.to_string() == "gzip" { "gzip" } else { "zstd" })
        .collect()
}

fn deflated(encoding: &str, message: &[u8]) -> Vec<u8> {
    let headers = HeaderMap::from_iter([(ENCODING.clone(), encoding.parse().unwrap())]);
    let encoding = Encoding::of(&headers).unwrap().unwrap();
    wire(1, &encoding.deflate(&[Bytes::copy_from_slice(message)]).unwrap())
}

#[tokio::test]
async fn compressed_requests_are_decompressed_and_plain_ones_among_them_are_not() {
    let large = "a large text ".repeat(100);
    for encoding in all() {
        for kind in KINDS {
            let node = Node::of(kind);
            let mut frames = vec![deflated(encoding, &large.encode_to_vec())];
            if matches!(kind, Kind::ClientStreaming | Kind::Streaming) {
                frames.push(framed("plain"));
            }
            let many = frames.len() > 1;
            let seen = node.call(request(&[("grpc-encoding", encoding)], frames)).await;
            assert_eq!(seen.status.code(), Code::Ok, "{kind:?}, {encoding}: {seen:?}");
            assert_eq!(node.saw()[0], large.clone() + ">");
            assert_eq!(node.saw().get(1).map(String::as_str), many.then_some("plain>"));
            let headers = node.echo.headers.lock().unwrap().clone();
            assert!(!headers.contains_key("grpc-encoding"), "the object reads plain messages");
        }
    }
}

#[tokio::test]
async fn large_answers_are_compressed_where_the_caller_takes_it() {
    let large = "a large text ".repeat(100);
    for encoding in all() {
        for kind in KINDS {
            let node = Node::of(kind);
            let headers = [("grpc-accept-encoding", &*format!("identity, br, {encoding}"))];
            let seen = node.call(request(&headers, vec![framed(&large)])).await;
            assert_eq!(seen.headers["grpc-encoding"], encoding, "{kind:?}");
            assert_eq!((&seen.texts[..], &seen.compressed[..]), (&[format!("<{large}>")][..], &[true][..]), "{kind:?}");
            let headers = node.echo.headers.lock().unwrap().clone();
            assert!(!headers.contains_key("grpc-accept-encoding"), "the object is asked for plain messages");
        }
        let node = Node::of(Kind::ServerStreaming);
        let texts = format!("small,{large}");
        let seen = node.call(request(&[("grpc-accept-encoding", encoding)], vec![framed(&texts)])).await;
        assert_eq!(seen.compressed, [false, true], "{encoding}");
    }
    let seen = Node::of(Kind::Unary).call(request(&[], vec![framed(&large)])).await;
    assert_eq!((seen.headers.get("grpc-encoding"), &seen.compressed[..]), (None, &[false][..]));
}

#[tokio::test]
async fn an_object_that_compresses_all_the_same_is_understood() {
    let text = "compressed by itself ".repeat(10);
    let answer = deflated("gzip", &text.encode_to_vec());
    let node = node_that_answers(answer, &[("grpc-encoding", "gzip"), ("content-length", "17")]);
    let seen = node.texts(&["one"]).await;
    assert_eq!(seen.texts, [format!("<{text}")]);
    assert!(!seen.headers.contains_key("grpc-encoding"));
    assert!(!seen.headers.contains_key("content-length"));
}

#[tokio::test]
async fn an_encoding_that_nobody_reads_is_unimplemented_and_says_what_is() {
    for kind in KINDS {
        let node = Node::of(kind);
        let seen = node.call(request(&[("grpc-encoding", "br")], vec![framed("one")])).await;
        assert_eq!(seen.status.code(), Code::Unimplemented, "{kind:?}");
        let taken = seen.headers["grpc-accept-encoding"].to_str().unwrap();
        assert!(taken.starts_with("gzip,") && taken.ends_with(",identity"), "{taken}");
        assert!(node.saw().is_empty());
    }
}

#[tokio::test]
async fn a_compressed_message_of_a_call_that_names_no_encoding_is_an_error() {
    for kind in KINDS {
        let seen = Node::of(kind).call(request(&[], vec![wire(1, b"what?")])).await;
        assert_eq!(seen.status.code(), Code::Internal, "{kind:?}");
        let seen = Node::of(kind).call(request(&[("grpc-encoding", "gzip")], vec![wire(1, b"what?")])).await;
        assert_eq!(seen.status.code(), Code::Internal, "{kind:?}");
        assert!(seen.status.message().contains("is no gzip"), "{seen:?}");
    }
}

#[tokio::test]
async fn a_bomb_goes_off_nowhere() {
    let bomb = vec![0; (1 << 20) + 1];
    for encoding in all() {
        let deflated = deflated(encoding, &bomb);
        let node = Node::with(Kind::Unary, |_, rewrites| rewrites.limit = 1 << 20);
        let seen = node.call(request(&[("grpc-encoding", encoding)], vec![deflated])).await;
        assert_eq!(seen.status.code(), Code::ResourceExhausted, "{encoding}: {seen:?}");
        assert!(seen.status.message().contains("1048576 bytes once it is decompressed"), "{seen:?}");
        assert!(node.saw().is_empty());
    }
}

#[tokio::test]
async fn untouched_directions_stay_compressed() {
    let large = "a large text ".repeat(100);
    let node = Node::with(Kind::Unary, |_, rewrites| (rewrites.request, rewrites.response) = (None, None));
    let headers = [("grpc-encoding", "gzip"), ("grpc-accept-encoding", "gzip")];
    let seen = node.call(request(&headers, vec![deflated("gzip", &large.encode_to_vec())])).await;
    assert_eq!((&seen.texts[..], &seen.compressed[..]), (&[large][..], &[true][..]));
    assert_eq!(node.echo.headers.lock().unwrap()["grpc-encoding"], "gzip", "the object decompresses by itself");
}
