//! One list of calls, over both servers.

use tonic::{Code, Status};

use crate::service::{Call, Config, KINDS, Kind, Seen, message, ours, tonics};

/// What tonic's server answers, once ours has given the same answer.
async fn both(kind: Kind, config: Config, call: &Call) -> Seen {
    let (ours, tonics) = (ours(kind, config, call.clone()).await, tonics(kind, config, call.clone()).await);
    assert_eq!(ours, tonics, "{kind:?}");
    ours
}

/// Both servers answer each kind of method with this status, and with this much of a message.
async fn all(config: Config, call: Call, code: Code, said: &str) {
    for kind in KINDS {
        let status = both(kind, config, &call).await.status();
        assert_eq!(status.code(), code, "{kind:?}: {status:?}");
        assert!(status.message().contains(said), "{kind:?}: {status:?}");
    }
}

/// As `all`, for the kinds whose request is one message.
async fn of_one(config: Config, call: Call, code: Code, said: &str) {
    for kind in [Kind::Unary, Kind::ServerStreaming] {
        let status = both(kind, config, &call).await.status();
        assert_eq!((status.code(), status.message()), (code, said), "{kind:?}");
    }
}

fn default() -> Config {
    Config::default()
}

#[tokio::test]
async fn a_message_is_answered_however_frames_cut_it() {
    let bytes = message("metadata and more");
    for size in 1..=bytes.len() {
        all(default(), Call::of(bytes.chunks(size).map(<[u8]>::to_vec)), Code::Ok, "").await;
    }
    let large = message(&"x".repeat(3 << 20));
    for size in [1 << 10, 1 << 14, 1 << 22] {
        let call = Call::of(large.chunks(size).map(<[u8]>::to_vec));
        let seen = both(Kind::Unary, default(), &call).await;
        assert!(seen.data == large, "an echo");
    }
    all(default(), Call::of([message("")]), Code::Ok, "").await;
    all(default(), Call::of([Vec::new(), message("empty frames"), Vec::new()]), Code::Ok, "").await;
}

#[tokio::test]
async fn an_error_of_the_method_is_told_with_its_details_and_metadata() {
    all(default(), Call::of([message("fail")]), Code::NotFound, "not here: 100 % sure\nä").await;
    let seen = both(Kind::Unary, default(), &Call::of([message("fail")])).await;
    assert!(seen.trailers.is_none(), "trailers only");
    assert_eq!(seen.headers["x-why"], "because");
    assert_eq!(seen.headers["content-type"], "application/grpc");
}

#[tokio::test]
async fn metadata_of_the_method_cannot_pass_for_what_grpc_says() {
    for kind in [Kind::Unary, Kind::ServerStreaming, Kind::ClientStreaming] {
        let seen = both(kind, default(), &Call::of([message("reserved")])).await;
        assert_eq!(seen.headers.get_all("x-mine").iter().count(), 2);
        assert_eq!(seen.headers.get_all("content-type").iter().collect::<Vec<_>>(), ["application/grpc"]);
        assert!(!seen.headers.contains_key("grpc-status"));
        assert_eq!(seen.status().code(), Code::Ok);
    }
}

#[tokio::test]
async fn trailers_of_a_request_are_metadata_of_it() {
    let mut call = Call::of([message("metadata")]);
    call.headers = vec![("x-a", "header"), ("x-b", "header")];
    call.trailers = Some(vec![("x-b", "trailer"), ("x-b", "again"), ("x-c", "trailer")]);
    let seen = both(Kind::Unary, default(), &call).await;
    let text = String::from_utf8_lossy(&seen.data).into_owned();
    assert!(text.contains("x-a=header x-b=trailer x-b=again x-c=trailer "), "{text}");
    both(Kind::ServerStreaming, default(), &call).await;
}

#[tokio::test]
async fn a_request_without_a_message_is_an_error() {
    of_one(default(), Call::default(), Code::Internal, "Missing request message.").await;
    of_one(default(), Call::of([Vec::new()]), Code::Internal, "Missing request message.").await;
    let trailers = Call { trailers: Some(vec![("x-a", "b")]), ..Call::default() };
    of_one(default(), trailers, Code::Internal, "Missing request message.").await;
}

#[tokio::test]
async fn a_message_that_breaks_off_is_an_error() {
    let bytes = message("cut");
    for cut in 1..bytes.len() {
        let call = Call::of([bytes[..cut].to_vec()]);
        if cut == 5 {
            // After a whole prefix, tonic finds that nothing came and not that something is missing.
            for kind in [Kind::Unary, Kind::ServerStreaming] {
                let (ours, tonics) =
                    (ours(kind, default(), call.clone()).await, tonics(kind, default(), call.clone()).await);
                assert_eq!((ours.status().code(), tonics.status().code()), (Code::Internal, Code::Internal));
            }
        } else {
            of_one(default(), call, Code::Internal, "Unexpected EOF decoding stream.").await;
        }
    }
}

#[tokio::test]
async fn messages_after_the_only_one_are_read_and_dropped() {
    let two = [message("one"), message("two")];
    for call in [Call::of(two.clone()), Call::of([two.concat()])] {
        let seen = both(Kind::Unary, default(), &call).await;
        assert_eq!(seen.data, message("one"));
        of_one(default(), call, Code::Ok, "").await;
    }
    let broken = Call::of([message("one"), message("two")[..7].to_vec()]);
    of_one(default(), broken, Code::Internal, "Unexpected EOF decoding stream.").await;
    let unreadable = Call::of([message("one"), vec![0, 0, 0, 0, 1, 0xff]]);
    all(default(), unreadable, Code::Internal, "the message cannot be read as alloc::string::String: ").await;
}

#[tokio::test]
async fn a_message_that_protobuf_cannot_read_is_an_error() {
    for bytes in [&[0xff][..], &[0x0a, 5, b'x'], &[0x0a, 1, 0xff]] {
        let prefix = [0, 0, 0, 0, u8::try_from(bytes.len()).unwrap()];
        let call = Call::of([[&prefix, bytes].concat()]);
        all(default(), call, Code::Internal, "the message cannot be read as alloc::string::String: ").await;
    }
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_at_its_prefix() {
    let limit = 4 * 1024 * 1024;
    let promise = |length: u32| Call::of([[&[0][..], &length.to_be_bytes()].concat()]);
    let said = format!("found {} bytes, the limit is: {limit} bytes", limit + 1);
    all(default(), promise(limit + 1), Code::OutOfRange, &said).await;
    all(default(), promise(u32::MAX), Code::OutOfRange, "found 4294967295 bytes").await;
    let small = Config { max_decoding: Some(10), ..default() };
    all(small, Call::of([message("12345678")]), Code::Ok, "").await;
    all(small, Call::of([message("123456789")]), Code::OutOfRange, "found 11 bytes, the limit is: 10 bytes").await;
    of_one(
        small,
        Call::of([message("1"), message("123456789")]),
        Code::OutOfRange,
        "Error, decoded message length too large: found 11 bytes, the limit is: 10 bytes",
    )
    .await;
    let generous = Config { max_decoding: Some(usize::MAX), ..default() };
    all(generous, Call::of([message(&"x".repeat(5 << 20))]), Code::Ok, "").await;
}

#[tokio::test]
async fn an_answer_over_the_limit_is_an_error_in_its_trailers() {
    let small = Config { max_encoding: Some(10), ..default() };
    all(small, Call::of([message("long 8")]), Code::Ok, "").await;
    all(small, Call::of([message("long 9")]), Code::OutOfRange, "found 11 bytes, the limit is: 10 bytes").await;
    let seen = both(Kind::Unary, small, &Call::of([message("long 9")])).await;
    assert_eq!(seen.headers["content-type"], "application/grpc");
    assert!(seen.trailers.is_some() && seen.data.is_empty());
}

#[tokio::test]
async fn a_bad_flag_before_a_message_is_an_error() {
    let mut bytes = message("flagged");
    bytes[0] = 2;
    all(default(), Call::of([bytes.clone()]), Code::Internal, "invalid compression flag: 2").await;
    bytes[0] = 1;
    all(default(), Call::of([bytes.clone()]), Code::Internal, "compressed-flag but no grpc-encoding").await;
    let identity = Call { headers: vec![("grpc-encoding", "identity")], ..Call::of([bytes]) };
    all(default(), identity, Code::Internal, "compressed-flag but no grpc-encoding").await;
}

#[tokio::test]
async fn a_body_that_fails_fails_the_call_with_its_status() {
    let mut call = Call::of([message("one")]);
    call.frames.push(Err(Status::resource_exhausted("too much")));
    of_one(default(), call, Code::ResourceExhausted, "too much").await;
}

#[tokio::test]
async fn a_caller_that_goes_away_after_its_message_does_not_undo_it() {
    let mut call = Call::of([message("one")]);
    call.frames.push(Err(Status::cancelled("gone")));
    of_one(default(), call, Code::Ok, "").await;
    let nothing = Call { frames: vec![Err(Status::cancelled("gone"))], ..Call::default() };
    of_one(default(), nothing, Code::Internal, "Missing request message.").await;
}
