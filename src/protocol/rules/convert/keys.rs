//! Which keys of a rule say something about two fields. A key that says nothing is a mistake of somebody who believes
//! that it does.

use super::kinds::{Class, told};
use super::{Options, Pair, Shape, TextForm};

pub(super) fn check(pair: &Pair<'_>) -> Result<(), String> {
    let Options { encoding, text, number, scale, rounding, unit, values, beyond, entries, default, .. } = pair.options;
    let shapes = (Shape::of(pair.source), Shape::of(pair.target));
    let (one, other) = values_of(pair);
    let both = |is: fn(&Class) -> bool| is(&one) && is(&other);
    let either = |is: fn(&Class) -> bool| is(&one) || is(&other);
    let is_text = |class: &Class| matches!(class, Class::Text);
    let is_integer = |class: &Class| matches!(class, Class::Integer(_));
    let is_number = |class: &Class| matches!(class, Class::Integer(_) | Class::Float { .. });
    let spelled =
        |class: &Class| matches!(class, Class::Integer(_) | Class::Float { .. } | Class::Bool | Class::Enum(_));
    let is_time = |class: &Class| matches!(class, Class::Timestamp | Class::Duration);
    let decimal = either(is_text) && either(spelled);
    let counted = either(is_integer) && either(is_time);
    let scaled = both(is_number) || (decimal && either(is_number) && *text == Some(TextForm::Decimal));
    let useful = [
        ("encoding", encoding.is_some(), either(is_text) && either(|class| matches!(class, Class::Bytes))),
        ("text", *text == Some(TextForm::Decimal), decimal),
        (
            "text",
            *text == Some(TextForm::Rfc3339),
            either(is_text) && either(|class| matches!(class, Class::Timestamp)),
        ),
        ("number", *number, either(is_integer) && either(|class| matches!(class, Class::Enum(_)))),
        ("scale", scale.is_some(), scaled),
        ("rounding", rounding.is_some(), counted || (scaled && (scale.is_some() || one_is_float(&one, &other)))),
        ("unit", unit.is_some(), counted),
        ("values", values.is_some(), both(Class::is_listed)),
        ("beyond", beyond.is_some(), matches!(shapes, (Shape::One, Shape::List) | (Shape::List, Shape::One))),
        ("key", entries.is_some(), matches!(shapes, (Shape::Map, Shape::List) | (Shape::List, Shape::Map))),
        ("default", default.is_some(), shapes.1 == Shape::One),
    ];
    if let Some((key, ..)) = useful.iter().find(|(_, said, useful)| *said && !*useful) {
        return Err(format!("`{key}` says nothing about {} and {}: remove it", told(pair.source), told(pair.target)));
    }
    let spelled_enum = matches!((&one, &other), (Class::Enum(_), Class::Text) | (Class::Text, Class::Enum(_)));
    let beside = [("scale", scale.is_some()), ("number", *number), ("text", text.is_some() && !spelled_enum)];
    if let (true, Some((key, _))) = (values.is_some(), beside.iter().find(|(_, said)| *said)) {
        return Err(format!("`values` and `{key}` exclude each other: keep one"));
    }
    match scale {
        Some((numerator, denominator)) if *numerator == 0 || *denominator == 0 => {
            Err("`scale` cannot be zero, nor divide by it".to_owned())
        }
        _ => Ok(()),
    }
}

/// Whether a fraction may come where only an integer fits, in one of the two directions.
fn one_is_float(one: &Class, other: &Class) -> bool {
    matches!((one, other), (Class::Float { .. }, Class::Integer(_)) | (Class::Integer(_), Class::Float { .. }))
}

/// What the options speak of: the fields' values, and those of maps.
fn values_of(pair: &Pair<'_>) -> (Class, Class) {
    let elements = pair.options.entries.as_ref().map(|entries| entries.value.as_str());
    let of = |field: &prost_reflect::FieldDescriptor| {
        let held = match field.kind() {
            prost_reflect::Kind::Message(entry) if field.is_map() => Some(entry.map_entry_value_field()),
            prost_reflect::Kind::Message(message) => elements.and_then(|name| message.get_field_by_name(name)),
            _ => None,
        };
        Class::of(held.as_ref().unwrap_or(field))
    };
    (of(pair.source), of(pair.target))
}
