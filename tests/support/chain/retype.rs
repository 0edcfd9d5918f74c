//! Other types for a field, and what a rule has to say about it.

use fastrand::Rng;

use super::model::Kind;

pub(crate) const INTEGERS: [&str; 10] =
    ["int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64"];
const ROUNDINGS: [&str; 5] = ["refuse", "floor", "ceiling", "nearest", "zero"];
const UNITS: [&str; 4] = ["s", "ms", "us", "ns"];

/// Another type, and the options of the rule that leads to it.
pub(crate) fn retype(random: &mut Rng, kind: &Kind, enums: usize) -> Option<(Kind, String)> {
    let plain = |kind| Some((kind, String::new()));
    match kind {
        Kind::Scalar(scalar) if INTEGERS.contains(scalar) => Some(match random.usize(..10) {
            0..3 => (Kind::Scalar(pick(random, &INTEGERS)), String::new()),
            3..5 => (Kind::Scalar(pick(random, &INTEGERS)), scale(random)),
            5 => (Kind::Scalar("string"), "text = \"decimal\"".to_owned()),
            6 => (Kind::Known(wrapper(scalar)?), String::new()),
            7 if enums > 0 => (Kind::Enum(random.usize(..enums)), "number = \"value\"".to_owned()),
            8 => (Kind::Known("Duration"), unit(random)),
            _ => (Kind::Known("Timestamp"), unit(random)),
        }),
        Kind::Scalar("string") => Some(match random.usize(..4) {
            0 => (Kind::Scalar("bytes"), String::new()),
            1 => (Kind::Scalar("bytes"), encoding(random)),
            2 => (Kind::Known("StringValue"), String::new()),
            _ => (Kind::Scalar(pick(random, &INTEGERS)), "text = \"decimal\"".to_owned()),
        }),
        Kind::Scalar("bytes") => Some(if random.bool() {
            (Kind::Scalar("string"), String::new())
        } else {
            (Kind::Scalar("string"), encoding(random))
        }),
        Kind::Scalar("float") => plain(Kind::Scalar("double")),
        Kind::Scalar("double") => Some(match random.usize(..3) {
            0 => (Kind::Scalar("float"), String::new()),
            1 => (Kind::Scalar("double"), scale(random)),
            _ => (Kind::Scalar("int64"), format!("rounding = \"{}\"", pick(random, &ROUNDINGS))),
        }),
        Kind::Scalar("bool") => Some(if random.bool() {
            (Kind::Scalar("string"), "text = \"decimal\"".to_owned())
        } else {
            (Kind::Known("BoolValue"), String::new())
        }),
        Kind::Enum(_) => Some(match random.usize(..3) {
            0 => (Kind::Scalar(pick(random, &["int32", "int64", "uint32"])), "number = \"value\"".to_owned()),
            1 => (Kind::Scalar("string"), "text = \"decimal\"".to_owned()),
            _ => (Kind::Enum(random.usize(..enums)), String::new()),
        }),
        Kind::Known("Timestamp") => Some(match random.usize(..4) {
            0 => (Kind::Scalar("string"), "text = \"rfc3339\"".to_owned()),
            _ => (Kind::Scalar(pick(random, &["int64", "sint64", "int32", "uint64"])), unit(random)),
        }),
        Kind::Known("Duration") => Some((Kind::Scalar(pick(random, &["int64", "sfixed64"])), unit(random))),
        Kind::Known("Int32Value") => plain(Kind::Scalar(pick(random, &["int32", "int64", "uint32"]))),
        Kind::Known("Int64Value") => plain(Kind::Scalar("int64")),
        Kind::Known("UInt32Value") => plain(Kind::Scalar("uint32")),
        Kind::Known("UInt64Value") => plain(Kind::Scalar("uint64")),
        Kind::Known("StringValue") => plain(Kind::Scalar("string")),
        Kind::Known("BoolValue") => plain(Kind::Scalar("bool")),
        Kind::Scalar(_) | Kind::Message(_) | Kind::Known(_) => None,
    }
}

fn wrapper(scalar: &str) -> Option<&'static str> {
    Some(match scalar {
        "int32" | "sint32" | "sfixed32" => "Int32Value",
        "int64" | "sint64" | "sfixed64" => "Int64Value",
        "uint32" | "fixed32" => "UInt32Value",
        "uint64" | "fixed64" => "UInt64Value",
        _ => return None,
    })
}

fn scale(random: &mut Rng) -> String {
    let scale = pick(random, &["10", "\"1/10\"", "\"3/2\"", "1000"]);
    format!("scale = {scale}, rounding = \"{}\"", pick(random, &ROUNDINGS))
}

fn unit(random: &mut Rng) -> String {
    format!("unit = \"{}\", rounding = \"{}\"", pick(random, &UNITS), pick(random, &ROUNDINGS))
}

fn encoding(random: &mut Rng) -> String {
    format!("encoding = \"{}\"", pick(random, &["base64", "base64url", "hex", "utf8"]))
}

pub(crate) fn pick(random: &mut Rng, from: &[&'static str]) -> &'static str {
    from[random.usize(..from.len())]
}
