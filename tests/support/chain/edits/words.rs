//! Parts of rules as a step writes them.

use fastrand::Rng;

use crate::chain::model::{Field, Kind, Label};
use crate::chain::retype::pick;

pub(super) fn policies(random: &mut Rng) -> String {
    let mut policy = || pick(random, &["refuse", "pass", "drop"]);
    format!("{{ request = \"{}\", response = \"{}\", stored = \"{}\" }}", policy(), policy(), policy())
}

/// What becomes of a field that goes nowhere.
pub(super) fn gone(random: &mut Rng) -> String {
    match random.usize(..5) {
        0 => "drop = true".to_owned(),
        1 => "drop = \"empty\"".to_owned(),
        2 => "refuse = \"not any more\"".to_owned(),
        _ => format!("loss = {}", policies(random)),
    }
}

/// A value as a step writes it.
pub(super) fn constant(scalar: &str) -> &'static str {
    match scalar {
        "string" => "\"made\"",
        "bytes" => "\"bWFkZQ==\"",
        "bool" => "true",
        "float" | "double" => "1.5",
        _ => "9",
    }
}

pub(super) fn holds(side: &str, field: &Field) -> Option<String> {
    let path = format!("{side}.{}", field.name);
    Some(match (&field.kind, field.label) {
        (_, Label::Repeated | Label::Map(_)) => format!("size({path}) < 2"),
        (Kind::Scalar("string"), _) => format!("{path} != 'a'"),
        (Kind::Scalar("bool"), _) => path,
        (Kind::Scalar("int32" | "int64" | "sint32" | "sint64" | "sfixed32" | "sfixed64"), _) => format!("{path} < 3"),
        (Kind::Scalar("uint32" | "uint64" | "fixed32" | "fixed64"), _) => format!("{path} < 3u"),
        (Kind::Message(_), _) => format!("has({path})"),
        _ => return None,
    })
}
