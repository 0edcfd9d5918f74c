//! What the engine owes beyond right answers: limits, places of faults, shared slices, no work where none is needed.
#![allow(clippy::unnecessary_box_returns, reason = "tests and peers say things plainly")]
#![cfg(feature = "cli")]

use std::path::Path;
use std::sync::LazyLock;

use bytes::Bytes;
use prost::Message as _;
use prost_reflect::DynamicMessage;
use straddle::Protocol;
use straddle::protocol::plan::Use;
use straddle::refusal::Refusal;
use straddle::rewrite::{Limits, Rewrite, RewriteError};

static PROTOCOL: LazyLock<Protocol> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/everything");
    Protocol::load(folder).unwrap_or_else(|error| panic!("{error}"))
});

/// From the older version to the newer one.
fn up(message: &str) -> Rewrite {
    Rewrite::new(&PROTOCOL, 0, 1, &format!("everything.v1.{message}"), Use::Request)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// From the newer version to the older one.
fn down(message: &str) -> Rewrite {
    Rewrite::new(&PROTOCOL, 1, 0, &format!("everything.v2.{message}"), Use::Request)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A message of the older version, from JSON.
fn old(message: &str, json: &str) -> Bytes {
    encoded(0, &format!("everything.v1.{message}"), json)
}

fn encoded(version: usize, message: &str, json: &str) -> Bytes {
    let descriptor = PROTOCOL.versions()[version].pool().get_message_by_name(message).expect("a message");
    let mut deserializer = serde_json::Deserializer::from_str(json);
    DynamicMessage::deserialize(descriptor, &mut deserializer).expect("JSON of the message").encode_to_vec().into()
}

fn refusal(rewrite: &Rewrite, bytes: &Bytes) -> Box<Refusal> {
    match rewrite.apply(bytes, &Limits::default()) {
        Err(RewriteError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

/// A field with a length.
fn field(number: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::encode_key(number, prost::encoding::WireType::LengthDelimited, &mut bytes);
    prost::encoding::encode_varint(content.len() as u64, &mut bytes);
    bytes.extend_from_slice(content);
    bytes
}

#[test]
fn a_large_field_is_a_slice_of_the_input_however_deep_it_lies() {
    let large = vec![b'x'; 1 << 20];
    // Nest.place.plain.text, while `Nest.id` and `Place.number` get other numbers.
    let place = [vec![0x10, 1], field(4, &field(1, &large)), vec![0x10, 2]].concat();
    let message: Bytes = [field(1, b"id"), field(10, &place)].concat().into();
    let rewritten = up("Nest").apply(&message, &Limits::default()).unwrap();
    let input = message.as_ptr_range();
    let shared = rewritten.parts().iter().filter(|part| input.contains(&part.as_ptr())).map(Bytes::len).max();
    assert!(shared >= Some(1 << 20), "{shared:?}");
    let own: usize = rewritten.parts().iter().map(Bytes::len).filter(|length| *length < 1 << 20).sum();
    assert!(own < 100, "{own} bytes were copied");
}

#[test]
fn a_message_that_does_not_change_is_handed_on_without_a_look() {
    let rewrite = up("Plain");
    assert!(rewrite.is_identity());
    assert!(!up("Part").is_identity());
    let garbage = Bytes::from_static(&[0xff; 5]);
    assert_eq!(rewrite.apply(&garbage, &Limits::default()).unwrap().into_bytes(), garbage);
}

#[test]
fn messages_nest_as_deep_as_the_limit_says() {
    let rewrite = up("Part");
    let mut bytes = Vec::new();
    for _ in 0..9 {
        bytes = field(4, &bytes);
    }
    let bytes = Bytes::from(bytes);
    let with = |depth| rewrite.apply(&bytes, &Limits { depth, ..Limits::default() });
    assert!(with(10).is_ok());
    assert!(matches!(with(9), Err(RewriteError::TooMuch { .. })));
    let groups = Bytes::from([0xa3, 0x06].repeat(200));
    assert!(matches!(rewrite.apply(&groups, &Limits::default()), Err(RewriteError::TooMuch { .. })));
}

#[test]
fn an_output_beyond_the_limit_is_too_much() {
    let bytes = old("Part", r#"{"name": "0123456789"}"#);
    let with = |output| up("Part").apply(&bytes, &Limits { output, ..Limits::default() });
    assert!(with(14).is_ok());
    assert!(matches!(with(13), Err(RewriteError::TooMuch { .. })));
}

#[test]
fn what_is_malformed_is_told_with_its_place_in_the_whole() {
    // Parts.parts holds a part that ends in the middle of its second field.
    let part = [field(1, b"ab"), vec![0x10, 0x80]].concat();
    let bytes = Bytes::from([field(6, &[]), field(7, &part)].concat());
    match up("Parts").apply(&bytes, &Limits::default()) {
        Err(RewriteError::Malformed { message, offset, .. }) => {
            assert_eq!((message.as_str(), offset), ("everything.v1.Part", 9));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_hop_in_between_cannot_read_is_told_within_the_bytes_that_came() {
    let chain = Protocol::load(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/chain"));
    let chain = chain.unwrap_or_else(|error| panic!("{error}"));
    // A time and a street with wire types that are not theirs, after something that makes what is in between longer.
    let mut malformed = 0;
    for (from, to) in [(0, 2), (0, 3), (1, 3), (2, 0), (3, 0), (3, 1)] {
        let name = if from == 3 { "chain.Purchase" } else { "chain.Order" };
        let rewrite = Rewrite::new(&chain, from, to, name, Use::Request).unwrap_or_else(|error| panic!("{error}"));
        for bytes in [&[0x42, 0][..], &[0x20, 0], &[0x10, 7, 0x22, 0, 0x20, 0], &[0x32, 1, b's', 0x42, 0]] {
            let came = rewrite.apply(&Bytes::copy_from_slice(bytes), &Limits::default());
            if let Err(RewriteError::Malformed { offset, .. }) = came {
                assert!(offset <= bytes.len(), "{from} -> {to}: {offset} in {bytes:?}");
                malformed += 1;
            }
        }
    }
    assert!(malformed > 6, "only {malformed}");
}

#[test]
fn a_refusal_names_the_path_as_the_source_does() {
    let made = |at: &str| format!(r#"{{"name": "n", "at": "{at}"}}"#);
    let too_large = made("9007199254740993");
    let bytes = old("Parts", &format!(r#"{{"parts": [{}, {too_large}]}}"#, made("1")));
    assert_eq!(refusal(&up("Parts"), &bytes).path(), Some("parts[1].at"));
    let bytes = old("Parts", &format!(r#"{{"byName": {{"a.b": {too_large}}}}}"#));
    let refused = refusal(&up("Parts"), &bytes);
    assert_eq!(refused.path(), Some(r#"by_name["a.b"].at"#));
    assert!(refused.message().contains("1.0.0") && refused.message().contains("2.0.0"), "{}", refused.message());
    let bytes = encoded(1, "everything.v2.Place", r#"{"part": {"nobody": "x"}}"#);
    assert_eq!(refusal(&down("Place"), &bytes).path(), Some("part.nobody"));
}

#[test]
fn a_value_that_a_later_one_overrides_refuses_nothing() {
    // Part.at twice, the first one beyond what the other version holds.
    let bytes = Bytes::from(vec![0x38, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0x38, 0x01]);
    let rewritten = up("Part").apply(&bytes, &Limits::default()).unwrap().into_bytes();
    // The state, whose zero means another value, and the number.
    assert_eq!(rewritten[..], [0x18, 0x01, 0x88, 0x01, 0x01]);
    // As one entry of a map with the key of another.
    let entry = |part: &[u8]| field(8, &[field(1, b"k"), field(2, part)].concat());
    let bytes = Bytes::from([entry(&bytes[..8]), entry(&[0x38, 0x01])].concat());
    assert!(up("Parts").apply(&bytes, &Limits::default()).is_ok());
}

/// Were the time that this takes to grow with the square, it would be days.
#[test]
fn hostile_messages_take_time_in_line_with_their_size() {
    let refused = [0x38, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01];
    let entry = field(8, &[field(1, b"k"), field(2, &refused)].concat());
    let mut bytes = entry.repeat(100_000);
    bytes.extend(field(8, &field(1, b"k")));
    assert!(up("Parts").apply(&bytes.into(), &Limits::default()).is_ok());
    // A singular message in pieces, at each level.
    let mut bytes = Vec::new();
    for _ in 0..90 {
        bytes = [field(8, &bytes), field(8, &[0x10, 0x01]), field(8, &[0x10, 0x02]).repeat(500)].concat();
    }
    assert!(up("Part").apply(&bytes.into(), &Limits::default()).is_ok());
    // Parts of one target message, gathered from all over.
    let bytes = [field(11, b"city"), field(10, &field(1, b"street"))].concat().repeat(200_000);
    assert!(up("Nest").apply(&bytes.into(), &Limits::default()).is_ok());
}

#[test]
fn a_message_takes_the_same_allocations_however_many_fields_it_has() {
    let part = r#"{"name": "a name", "count": 7, "state": "SOLD", "good": true}"#;
    let allocations = |parts: usize| {
        let list = vec![part; parts].join(",");
        let bytes = old("Parts", &format!(r#"{{"part": {part}, "parts": [{list}]}}"#));
        let (rewrite, limits) = (up("Parts"), Limits::default());
        // The first one brings the memory that stays.
        rewrite.apply(&bytes, &limits).unwrap();
        allocation_counter::measure(|| drop(rewrite.apply(&bytes, &limits).unwrap())).count_total
    };
    assert_eq!(allocations(1), allocations(100));
    assert!(allocations(1) <= 3, "{}", allocations(1));
}
