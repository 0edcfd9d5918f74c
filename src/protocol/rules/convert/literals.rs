//! Values that a step writes down, as values of fields.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

use super::kinds::{self, told};
use super::{Literal, tables};
use crate::protocol::plan::Form;
use crate::protocol::text::nearest;

/// `value` as a value of `target`: a constant, or a default. Wrappers, timestamps (RFC 3339) and durations (`"3.5s"`)
/// are messages; bytes are those of the text.
///
/// # Errors
/// When the field cannot hold it; what to write instead.
pub(in super::super) fn literal(value: &Literal, target: &FieldDescriptor) -> Result<Value, String> {
    if target.is_list() || target.is_map() {
        return Err(format!("{} holds several values: write an expression", told(target)));
    }
    let fault = |what: String| format!("{}: {what}", told(target));
    let Kind::Message(message) = target.kind() else { return plain(value, &target.kind()).map_err(fault) };
    match kinds::form(target) {
        Some(Form::Wrapper(kind)) => {
            let held = plain(value, &kind).map_err(fault)?;
            Ok(Value::Message(filled(message, vec![(1, held)])))
        }
        Some(Form::Timestamp) => {
            let time = text(value).and_then(|text| text.parse::<prost_types::Timestamp>().ok());
            let time = time.ok_or_else(|| fault(format!("{} is no RFC 3339 time", shown(value))))?;
            Ok(Value::Message(filled(message, vec![(1, Value::I64(time.seconds)), (2, Value::I32(time.nanos))])))
        }
        Some(Form::Duration) => {
            let span = text(value).and_then(|text| text.parse::<prost_types::Duration>().ok());
            let span = span.ok_or_else(|| fault(format!("{} is no duration, such as \"3.5s\"", shown(value))))?;
            Ok(Value::Message(filled(message, vec![(1, Value::I64(span.seconds)), (2, Value::I32(span.nanos))])))
        }
        _ => Err(fault("no single value is a message: write an expression".to_owned())),
    }
}

/// A message with these fields. Zeros stay absent, as encoders leave them.
pub(super) fn filled(message: MessageDescriptor, fields: Vec<(u32, Value)>) -> DynamicMessage {
    let mut filled = DynamicMessage::new(message);
    for (number, value) in fields {
        // A pool may declare well-known types of its own; what they lack stays away.
        let _ = filled.try_set_field_by_number(number, value);
    }
    filled
}

/// That `owner` has no such element, and which one was meant.
pub(super) fn lacking(owner: &str, what: &str, name: &str, known: impl Iterator<Item = String>) -> String {
    let known: Vec<String> = known.collect();
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("{owner} has no {what} `{name}`; did you mean `{near}`?"),
        None => format!("{owner} has no {what} `{name}`; it has {}", known.join(", ")),
    }
}

/// The literal as it is written.
pub(super) fn shown(literal: &Literal) -> String {
    match literal {
        Literal::Integer(number) => number.to_string(),
        Literal::Float(number) => number.to_string(),
        Literal::Bool(value) => value.to_string(),
        Literal::Text(text) => format!("{text:?}"),
    }
}

fn text(literal: &Literal) -> Option<&str> {
    match literal {
        Literal::Text(text) => Some(text),
        _ => None,
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a float is the nearest to its literal"
)]
fn plain(literal: &Literal, kind: &Kind) -> Result<Value, String> {
    let out = || format!("{} is out of range", shown(literal));
    let value = match (kind, literal) {
        (Kind::Enum(declared), literal) => Value::EnumNumber(tables::value(literal, declared)?),
        (Kind::String, Literal::Text(text)) => Value::String(text.clone()),
        (Kind::Bytes, Literal::Text(text)) => Value::Bytes(text.clone().into_bytes().into()),
        (Kind::Bool, Literal::Bool(value)) => Value::Bool(*value),
        (Kind::Double, Literal::Float(number)) => Value::F64(*number),
        (Kind::Double, Literal::Integer(number)) => Value::F64(*number as f64),
        (Kind::Float, Literal::Float(number)) => Value::F32(*number as f32),
        (Kind::Float, Literal::Integer(number)) => Value::F32(*number as f32),
        (Kind::Int32 | Kind::Sint32 | Kind::Sfixed32, Literal::Integer(number)) => {
            Value::I32((*number).try_into().map_err(|_| out())?)
        }
        (Kind::Uint32 | Kind::Fixed32, Literal::Integer(number)) => {
            Value::U32((*number).try_into().map_err(|_| out())?)
        }
        (Kind::Int64 | Kind::Sint64 | Kind::Sfixed64, Literal::Integer(number)) => Value::I64(*number),
        (Kind::Uint64 | Kind::Fixed64, Literal::Integer(number)) => {
            Value::U64((*number).try_into().map_err(|_| out())?)
        }
        (kind, _) => return Err(format!("{} is no {}", shown(literal), format!("{kind:?}").to_lowercase())),
    };
    Ok(value)
}
