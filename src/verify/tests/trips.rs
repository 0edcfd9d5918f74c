//! Rules that lose: what they declare is told apart from what they do not.

use std::fmt::Write as _;

use bytes::Bytes;
use prost::Message;
use prost_reflect::DynamicMessage;

use super::protocol;
use crate::protocol::plan::Use;
use crate::rewrite::{Limits, Rewrite};
use crate::verify::judge::Known;
use crate::verify::round_trip::{RoundTrip, Why};

/// What comes back otherwise than it went.
#[derive(Debug, PartialEq)]
enum Back {
    /// Nothing.
    Same,
    /// This field, for this reason.
    Declared(&'static str, Why),
    /// This field, and no rule says so.
    Undeclared(&'static str),
}
use Back::{Declared, Same, Undeclared};

/// The fields of both versions, the rules, the version that the message is of, the message, what comes back.
type Case = (&'static str, &'static str, &'static str, usize, &'static str, Back);

const ENUM: &str = "enum E { ZERO = 0; ONE = 1; TWO = 2; }";

const CASES: &[Case] = &[
    // Scales.
    ("int64 a = 1;", "int64 a = 2;", r#"{ old = "a", new = "a", scale = 1000 }"#, 1, r#"{"a":7}"#, Same),
    (
        "int64 a = 1;",
        "int64 a = 2;",
        r#"{ old = "a", new = "a", scale = "1/100", rounding = "floor" }"#,
        1,
        r#"{"a":150}"#,
        Declared("a", Why::Rounded),
    ),
    (
        "int64 a = 1;",
        "int64 a = 2;",
        r#"{ old = "a", new = "a", scale = "1/100", rounding = "floor" }"#,
        1,
        r#"{"a":50}"#,
        Declared("a", Why::Rounded),
    ),
    (
        "int64 a = 1;",
        "int64 a = 2;",
        r#"{ old = "a", new = "a", scale = 1000, direction = "up" }, { old = "a", new = "a", direction = "down" }"#,
        1,
        r#"{"a":7}"#,
        Undeclared("a"),
    ),
    // A way there without a way back.
    (
        "string a = 1; string c = 3;",
        "string b = 2;",
        r#"{ old = "a", new = "b", direction = "up" }, { old = "c", new = "b", direction = "down" }"#,
        1,
        r#"{"a":"x"}"#,
        Undeclared("a"),
    ),
    // One of several.
    (
        "repeated string a = 1;",
        "string a = 2;",
        r#"{ old = "a", new = "a", beyond = "first" }"#,
        1,
        r#"{"a":["x","y"]}"#,
        Declared("a", Why::Beyond),
    ),
    ("repeated string a = 1;", "string a = 2;", r#"{ old = "a", new = "a" }"#, 1, r#"{"a":["x"]}"#, Same),
    (
        "repeated string a = 1;",
        "string a = 2;",
        r#"{ old = "a", new = "a" }"#,
        1,
        r#"{"a":[""]}"#,
        Declared("a", Why::Presence),
    ),
    // Tables.
    (
        "string a = 1;",
        "E a = 2;",
        r#"{ old = "a", new = "a", values = { x = "ONE" }, values_up = { y = "ONE", "" = "ZERO" }, values_down = { ZERO = "", TWO = "x" } }"#,
        1,
        r#"{"a":"y"}"#,
        Declared("a", Why::Merged),
    ),
    (
        "string a = 1;",
        "E a = 2;",
        r#"{ old = "a", new = "a", values_up = { x = "ONE", z = "TWO", "" = "ZERO" }, values_down = { ONE = "z", TWO = "x", ZERO = "" } }"#,
        1,
        r#"{"a":"x"}"#,
        Undeclared("a"),
    ),
    // Text.
    (
        "string a = 1;",
        "int64 a = 2;",
        r#"{ old = "a", new = "a", text = "decimal" }"#,
        1,
        r#"{"a":"007"}"#,
        Declared("a", Why::Spelling),
    ),
    ("string a = 1;", "int64 a = 2;", r#"{ old = "a", new = "a", text = "decimal" }"#, 1, r#"{"a":"7"}"#, Same),
    // What goes nowhere.
    ("string a = 1;", "", r#"{ old = "a", drop = true }"#, 1, r#"{"a":"x"}"#, Declared("a", Why::Dropped)),
    (
        "string a = 1;",
        "",
        r#"{ old = "a", loss = { stored = "drop" } }"#,
        1,
        r#"{"a":"x"}"#,
        Declared("a", Why::Dropped),
    ),
    ("string a = 1;", "", r#"{ old = "a", loss = { stored = "pass" } }"#, 1, r#"{"a":"x"}"#, Same),
    // What is made.
    ("", "string k = 2;", r#"{ new = "k", value = "one" }"#, 2, "{}", Declared("k", Why::Constant)),
    (
        "string a = 1;",
        "string b = 2;",
        r#"{ new = "b", up = "old.a + '!'" }, { old = "a", down = "new.b" }"#,
        1,
        r#"{"a":"x"}"#,
        Declared("a", Why::Expression),
    ),
    (
        "string a = 1; string b = 2;",
        "string c = 3;",
        r#"{ old = ["a", "b"], new = "c", join = " " }"#,
        1,
        r#"{"a":"x","b":"y"}"#,
        Same,
    ),
    // Presence.
    ("optional int32 a = 1;", "int32 a = 2;", "", 1, r#"{"a":0}"#, Declared("a", Why::Presence)),
    ("optional int32 a = 1;", "optional int32 a = 2;", "", 1, r#"{"a":0}"#, Same),
    ("optional int32 a = 1;", "int32 a = 2;", "", 1, r#"{"a":1}"#, Same),
    (
        "optional int32 a = 1;",
        "optional int32 a = 2;",
        r#"{ old = "a", new = "a", default = { up = 5 } }"#,
        1,
        "{}",
        Declared("a", Why::Default),
    ),
    // Within messages.
    (
        "M m = 8; repeated M l = 9; int64 a = 1;",
        "M m = 8; repeated M l = 9; int64 a = 2;",
        r#"{ old = "a", new = "a", scale = "1/10", rounding = "nearest" }"#,
        1,
        r#"{"m":{"l":[{"a":10},{"a":13}]}}"#,
        Declared("m.l[1].a", Why::Rounded),
    ),
];

#[test]
fn what_rules_declare_is_told_apart_from_what_they_do_not() {
    let mut wrong = String::new();
    for (old, new, rules, version, message, expected) in CASES {
        let found = there_and_back(old, new, rules, *version, message);
        let found: Vec<(&str, Option<Why>)> = found.iter().map(|(path, why)| (path.as_str(), *why)).collect();
        let as_said = match expected {
            Same => found.is_empty(),
            Declared(path, why) => found == [(*path, Some(*why))],
            // Where it should be is another matter.
            Undeclared(path) => found.contains(&(*path, None)),
        };
        if !as_said {
            // Writing to a string cannot fail.
            let _ = writeln!(wrong, "{rules} {message}: {expected:?}, but {found:?}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn there_and_back(old: &str, new: &str, rules: &str, version: usize, json: &str) -> Vec<(String, Option<Why>)> {
    let proto = |fields: &str| format!("message M {{ {fields} }} {ENUM}");
    let step = format!("[messages.\"p.M\"]\nrules = [{rules}]");
    let protocol = protocol(&[(&proto(old), ""), (&proto(new), &step)]);
    let (from, to) = (version - 1, 2 - version);
    let descriptor = protocol.versions()[from].pool().get_message_by_name("p.M").expect("the message");
    let mut reader = serde_json::Deserializer::from_str(json);
    let went = DynamicMessage::deserialize(descriptor.clone(), &mut reader).expect("a message");
    let cross = |from, to, message: &Bytes| {
        let rewrite = Rewrite::new(&protocol, from, to, "p.M", Use::Stored).unwrap_or_else(|error| panic!("{error}"));
        let came = rewrite.apply(message, &Limits::default());
        came.unwrap_or_else(|error| panic!("{rules} {json}: {error}")).into_bytes()
    };
    let came = cross(to, from, &cross(from, to, &went.encode_to_vec().into()));
    let came = DynamicMessage::decode(descriptor, came).expect("a message");
    let known = Known::new(&protocol, from);
    let trip = RoundTrip { protocol: &protocol, from, to, used: Use::Stored, known: &known };
    let found = trip.differences(["p.M", "p.M"], &went, &came);
    found.into_iter().map(|difference| (difference.path, difference.reason.map(|reason| reason.why))).collect()
}
