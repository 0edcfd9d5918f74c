//! Engines that err: each is caught, and what shows it is cut down.

use std::collections::HashMap;

use bytes::Bytes;
use prost::Message;
use prost_reflect::{DynamicMessage, Value};

use super::protocol;
use crate::Protocol;
use crate::protocol::plan::Use;
use crate::refusal::Refusal;
use crate::rewrite::{Rewrite, RewriteError};
use crate::verify::attempt::{Attempt, Came};
use crate::verify::engine::Engine;
use crate::verify::fault::Kind;
use crate::verify::generate::{Generator, encode};
use crate::verify::judge::{Known, Trial};
use crate::verify::subject::Subject;

const OLD: &str =
    "message M { string name = 1; int32 count = 2; M inner = 3; repeated int32 list = 4; map<string, int32> map = 5; }";
const NEW: &str = "message M { string name = 1; int64 count = 12; M inner = 13; repeated int32 list = 4; map<string, int32> map = 5; }";

type Spoil = fn(Result<Bytes, RewriteError>, &Bytes) -> Result<Bytes, RewriteError>;

/// A rewrite, and what is done to all that comes of it.
struct Spoilt {
    rewrite: Rewrite,
    spoil: Spoil,
    spoil_step_by_step: Spoil,
}

impl Engine for Spoilt {
    fn convert(&self, message: &Bytes) -> Result<Bytes, RewriteError> {
        (self.spoil)(self.rewrite.convert(message), message)
    }

    fn convert_step_by_step(&self, message: &Bytes) -> Result<Bytes, RewriteError> {
        (self.spoil_step_by_step)(self.rewrite.convert_step_by_step(message), message)
    }
}

fn sound(came: Result<Bytes, RewriteError>, _: &Bytes) -> Result<Bytes, RewriteError> {
    came
}

/// Whether the message, as it goes in, has the field, at its top.
fn has(message: &Bytes, name: &str) -> bool {
    let protocol = protocol(&[(OLD, "")]);
    let descriptor = protocol.versions()[0].pool().get_message_by_name("p.M").expect("the message");
    let read = DynamicMessage::decode(descriptor, message.clone());
    read.is_ok_and(|message| message.has_field_by_name(name))
}

fn cut_off(came: Result<Bytes, RewriteError>, message: &Bytes) -> Result<Bytes, RewriteError> {
    came.map(|came| if has(message, "map") { came.slice(..came.len() - 1) } else { came })
}

fn one_more(came: Result<Bytes, RewriteError>, message: &Bytes) -> Result<Bytes, RewriteError> {
    // The list gains an element.
    came.map(|came| if has(message, "inner") { [&came[..], &[0x20, 7]].concat().into() } else { came })
}

fn refused(came: Result<Bytes, RewriteError>, message: &Bytes) -> Result<Bytes, RewriteError> {
    if has(message, "name") { Err(RewriteError::Refused(Box::new(Refusal::lossy("name", "no")))) } else { came }
}

fn lost(came: Result<Bytes, RewriteError>, _: &Bytes) -> Result<Bytes, RewriteError> {
    came.map(|_| Bytes::new())
}

fn panicking(came: Result<Bytes, RewriteError>, message: &Bytes) -> Result<Bytes, RewriteError> {
    assert!(!has(message, "count"), "a planted panic");
    came
}

/// A kind of fault, and the bytes that show it.
type Found = Option<(Kind, Vec<u8>)>;

/// What is found first among generated messages: its kind, and its bytes once they are cut down.
fn found(to: usize, there: [Spoil; 2], back: Option<Spoil>) -> Found {
    let protocol: Protocol = protocol(&[(OLD, ""), (NEW, ""), (OLD, "")]);
    let subject = Subject { from: 0, to, messages: vec!["p.M".to_owned(); to + 1], used: Use::Stored };
    let rewrite = |from, to| Rewrite::new(&protocol, from, to, "p.M", Use::Stored).expect("a rewrite");
    let message = |version: usize| protocol.versions()[version].pool().get_message_by_name("p.M").expect("the message");
    let (before, after) = (Known::new(&protocol, 0), Known::new(&protocol, to));
    let [spoil, spoil_step_by_step] = there;
    let trial = Trial {
        protocol: &protocol,
        from: 0,
        to,
        used: Use::Stored,
        source: message(0),
        target: message(to),
        rewrite: Spoilt { rewrite: rewrite(0, to), spoil, spoil_step_by_step },
        known: &after,
    };
    let back = back.map(|spoil| Spoilt { rewrite: rewrite(to, 0), spoil, spoil_step_by_step: spoil });
    let attempt = Attempt { subject: &subject, trial, back, known_before: &before };
    let mut generator = Generator::new(1, Vec::new(), HashMap::new(), Vec::new());
    (0..400).find_map(|_| {
        let fields = generator.message(&message(0));
        match attempt.judge(&encode(&fields)) {
            Came::Wrong(fault) => {
                let (bytes, fault) = attempt.shrink(&fields, fault);
                Some((fault.kind, bytes))
            }
            _ => None,
        }
    })
}

#[test]
fn a_sound_engine_passes() {
    assert_eq!(found(1, [sound, sound], Some(sound)), None);
    assert_eq!(found(2, [sound, sound], None), None);
}

#[test]
fn each_engine_that_errs_is_caught_with_a_small_message() {
    let cases: [(Found, Kind, &[u8]); 6] = [
        // What cannot be read: an entry that lacks its last byte.
        (found(1, [cut_off, sound], None), Kind::Unreadable, &[0x2a, 0]),
        // What differs: an empty `inner`.
        (found(1, [one_more, sound], None), Kind::Interpreter, &[0x1a, 0]),
        // What is refused: a `name` of one letter.
        (found(1, [refused, sound], None), Kind::Refusal, &[0x0a, 1]),
        // What two steps at once make of it, and what they make of it one after the other.
        (found(2, [sound, one_more], None), Kind::AtOnce, &[0x1a, 0]),
        // What is lost on the way back, which no interpreter looks at.
        (found(1, [sound, sound], Some(lost)), Kind::RoundTrip, &[]),
        (found(1, [panicking, sound], None), Kind::Panic, &[0x10, 1]),
    ];
    for (found, kind, begins) in cases {
        let Some((found, bytes)) = found else { panic!("{kind:?} is not found") };
        assert_eq!(found, kind, "{bytes:02x?}");
        assert!(bytes.starts_with(begins) && bytes.len() <= 4, "{kind:?} is cut down to {bytes:02x?}");
    }
}

#[test]
fn what_is_lost_on_the_way_back_is_named() {
    let (kind, bytes) = found(1, [sound, sound], Some(lost)).expect("it is found");
    assert_eq!(kind, Kind::RoundTrip);
    let protocol = protocol(&[(OLD, "")]);
    let descriptor = protocol.versions()[0].pool().get_message_by_name("p.M").expect("the message");
    let message = DynamicMessage::decode(descriptor, bytes.as_slice()).expect("a message");
    // One field, or one unknown one, is enough to show it.
    let fields: Vec<Value> = message.fields().map(|(_, value)| value.clone()).collect();
    assert_eq!(fields.len() + message.unknown_fields().count(), 1, "{message}");
    assert!(message.encoded_len() <= 4, "{bytes:02x?}");
}
