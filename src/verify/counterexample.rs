//! A message that fails, with all that is needed to see it fail again.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde_json::{Value, json};

use super::fault::Fault;
use super::subject::Subject;
use crate::Protocol;
use crate::protocol::plan::{Direction, Use};

/// A message that fails a check.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// The message and its way.
    pub subject: Subject,
    /// The seed of the run.
    pub seed: u64,
    /// Which of the messages of its way it was, from 0, before it was cut down.
    pub index: usize,
    /// Its bytes, cut down.
    pub bytes: Vec<u8>,
    /// What is wrong.
    pub fault: Fault,
    /// Other messages in which the same field fails in the same way, between the same versions.
    pub also: BTreeSet<String>,
}

impl Counterexample {
    /// Whether it shows the same fault: the same check fails in the same field, between the same versions.
    fn is_like(&self, other: &Self) -> bool {
        let way = |found: &Self| (found.subject.from, found.subject.to, found.fault.kind);
        let in_field = self.fault.field.is_some() && self.fault.field == other.fault.field;
        let in_message = self.subject.message() == other.subject.message() && self.fault.is_like(&other.fault);
        way(self) == way(other) && (in_field || in_message)
    }

    /// All of it, as JSON.
    #[must_use]
    pub fn json(&self, protocol: &Protocol) -> Value {
        let version = |index: usize| protocol.versions()[index].version().to_string();
        let source = protocol.versions()[self.subject.from].pool().get_message_by_name(self.subject.message());
        let (input, binary) = source.map_or((Value::Null, true), |source| written(&source, &self.bytes));
        let told = |message: &Option<DynamicMessage>| {
            let Some(message) = message else { return (Value::Null, None) };
            let bytes = message.encode_to_vec();
            let (json, binary) = written(&prost_reflect::ReflectMessage::descriptor(message), &bytes);
            (json, binary.then_some(bytes))
        };
        let (expected, expected_binary) = told(&self.fault.expected);
        let (got, got_binary) = told(&self.fault.got);
        let mut all = json!({
            "protocol": protocol.name(),
            "check": self.fault.kind.name(),
            "from": version(self.subject.from),
            "to": version(self.subject.to),
            "direction": direction_name(self.subject.direction()),
            "use": use_name(self.subject.used),
            "message": self.subject.message(),
            "target": self.subject.target(),
            "what": self.fault.what,
            "field": self.fault.field,
            "also": self.also,
            "seed": self.seed,
            "index": self.index,
            "input": input,
            "expected": expected,
            "got": got,
        });
        let binaries =
            [("input", binary.then(|| self.bytes.clone())), ("expected", expected_binary), ("got", got_binary)];
        for (name, bytes) in binaries {
            if let Some(bytes) = bytes {
                all[format!("{name}_base64")] = STANDARD.encode(bytes).into();
            }
        }
        all
    }
}

/// Of those that show one fault, the smallest, in the order of the first of each.
pub(super) fn distinct(all: Vec<Counterexample>) -> Vec<Counterexample> {
    let mut distinct: Vec<Counterexample> = Vec::new();
    for mut found in all {
        let Some(known) = distinct.iter_mut().find(|known| known.is_like(&found)) else {
            distinct.push(found);
            continue;
        };
        if found.bytes.len() < known.bytes.len() {
            std::mem::swap(known, &mut found);
            known.also.append(&mut found.also);
        }
        known.also.insert(found.subject.message().to_owned());
        known.also.remove(known.subject.message());
    }
    distinct
}

/// The message as proto3 JSON, if it can be said so, and whether its bytes say more.
fn written(descriptor: &MessageDescriptor, bytes: &[u8]) -> (Value, bool) {
    let Ok(message) = DynamicMessage::decode(descriptor.clone(), bytes) else { return (Value::Null, true) };
    let Ok(json) = serde_json::to_value(&message) else { return (Value::Null, true) };
    let again = DynamicMessage::deserialize(descriptor.clone(), json.clone());
    let same = again.is_ok_and(|again| again.encode_to_vec() == bytes);
    (json, !same)
}

/// The direction, for scripts.
#[must_use]
pub fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "up",
        Direction::Down => "down",
    }
}

/// The use, for scripts.
#[must_use]
pub fn use_name(used: Use) -> &'static str {
    match used {
        Use::Request => "request",
        Use::Response => "response",
        Use::Stored => "stored",
    }
}
