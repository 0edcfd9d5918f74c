//! The same changes as rewrites make, done to the one value that a descriptor knows: a default.

use prost_reflect::{FieldDescriptor, Kind, Value};

use super::kinds::range;
use super::literals::filled;
use crate::protocol::plan::{Cell, Change, Form, Rounding, Table, Unknown};

/// A default on its way.
#[derive(Clone, Debug)]
pub(super) enum Constant {
    Integer(i128),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
}

/// What comes of a default.
pub(super) enum Outcome {
    Value(Constant),
    Refused,
    /// It is not known here: only values that say something are spelled or encoded, and those are for rewrites.
    Unknown,
}

/// What becomes of `value`, written in this form.
pub(super) fn convert(value: &Constant, changes: &[Change], write: &Form) -> Outcome {
    let mut value = value.clone();
    for change in changes {
        match changed(value, change) {
            Outcome::Value(next) => value = next,
            other => return other,
        }
    }
    match (&value, write) {
        (Constant::Integer(number), Form::Plain(kind) | Form::Wrapper(kind)) if !in_range(*number, kind) => {
            Outcome::Refused
        }
        _ => Outcome::Value(value),
    }
}

impl PartialEq for Constant {
    /// As values of fields: a float by its bits, since only a positive zero is left out.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Integer(one), Self::Integer(other)) => one == other,
            (Self::Float(one), Self::Float(other)) => one.to_bits() == other.to_bits(),
            (Self::Text(one), Self::Text(other)) => one == other,
            (Self::Bytes(one), Self::Bytes(other)) => one == other,
            _ => false,
        }
    }
}

impl Constant {
    pub(super) fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Bool(value) => Self::Integer((*value).into()),
            Value::I32(number) | Value::EnumNumber(number) => Self::Integer((*number).into()),
            Value::I64(number) => Self::Integer((*number).into()),
            Value::U32(number) => Self::Integer((*number).into()),
            Value::U64(number) => Self::Integer((*number).into()),
            Value::F32(number) => Self::Float((*number).into()),
            Value::F64(number) => Self::Float(*number),
            Value::String(text) => Self::Text(text.clone()),
            Value::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
            Value::Message(_) | Value::List(_) | Value::Map(_) => return None,
        })
    }

    /// Whether the target means it where it is absent.
    pub(super) fn is_default_of(&self, target: &FieldDescriptor, write: &Form, entry: bool) -> bool {
        let default = match write {
            Form::Plain(kind) if entry => Self::of(&kind.default_value()),
            Form::Plain(_) => Self::of(&target.default_value()),
            Form::Wrapper(kind) => Self::of(&kind.default_value()),
            Form::Timestamp | Form::Duration => Some(Self::Integer(0)),
        };
        default.as_ref() == Some(self)
    }

    /// The value as the target's field holds it.
    pub(super) fn into_value(self, target: &FieldDescriptor, write: &Form) -> Option<Value> {
        let Kind::Message(message) = target.kind() else { return self.plain(&target.kind()) };
        match write {
            Form::Plain(_) => None,
            Form::Wrapper(kind) => Some(Value::Message(filled(message, vec![(1, self.plain(kind)?)]))),
            Form::Timestamp | Form::Duration => {
                let Self::Integer(nanoseconds) = self else { return None };
                let second = 1_000_000_000;
                let (seconds, rest) = match write {
                    Form::Timestamp => (nanoseconds.div_euclid(second), nanoseconds.rem_euclid(second)),
                    _ => (nanoseconds / second, nanoseconds % second),
                };
                let seconds = Value::I64(seconds.try_into().ok()?);
                Some(Value::Message(filled(message, vec![(1, seconds), (2, Value::I32(rest.try_into().ok()?))])))
            }
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "that it is a `float` was checked by the change before")]
    fn plain(self, kind: &Kind) -> Option<Value> {
        Some(match (self, kind) {
            (Self::Integer(number), Kind::Bool) => Value::Bool(number != 0),
            (Self::Integer(number), Kind::Enum(_)) => Value::EnumNumber(number.try_into().ok()?),
            (Self::Integer(number), Kind::Int32 | Kind::Sint32 | Kind::Sfixed32) => Value::I32(number.try_into().ok()?),
            (Self::Integer(number), Kind::Int64 | Kind::Sint64 | Kind::Sfixed64) => Value::I64(number.try_into().ok()?),
            (Self::Integer(number), Kind::Uint32 | Kind::Fixed32) => Value::U32(number.try_into().ok()?),
            (Self::Integer(number), Kind::Uint64 | Kind::Fixed64) => Value::U64(number.try_into().ok()?),
            (Self::Float(number), Kind::Float) => Value::F32(number as f32),
            (Self::Float(number), Kind::Double) => Value::F64(number),
            (Self::Text(text), Kind::String) => Value::String(text),
            (Self::Bytes(bytes), Kind::Bytes) => Value::Bytes(bytes.into()),
            _ => return None,
        })
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    reason = "what does not come back as it was is refused"
)]
fn changed(value: Constant, change: &Change) -> Outcome {
    let made = match (value, change) {
        (Constant::Integer(number), Change::Fit(kind)) => in_range(number, kind).then_some(Constant::Integer(number)),
        (Constant::Integer(number), Change::Scale { numerator, denominator, rounding }) => number
            .checked_mul((*numerator).into())
            .and_then(|product| divided(product, (*denominator).into(), *rounding))
            .map(Constant::Integer),
        (Constant::Float(number), Change::Scale { numerator, denominator, .. }) => {
            Some(Constant::Float(number * *numerator as f64 / *denominator as f64))
        }
        (value, Change::Table(table)) => looked_up(value, table),
        (Constant::Integer(number), Change::IntegerToFloat) => {
            let float = number as f64;
            (float as i128 == number).then_some(Constant::Float(float))
        }
        (Constant::Float(number), Change::FloatToInteger(rounding)) => whole(number, *rounding).map(Constant::Integer),
        (Constant::Float(number), Change::ToSingle) => {
            (number.is_nan() || f64::from(number as f32) == number).then_some(Constant::Float(number))
        }
        (Constant::Bytes(bytes), Change::Utf8) => String::from_utf8(bytes).ok().map(Constant::Text),
        (Constant::Text(text), Change::AsBytes) => Some(Constant::Bytes(text.into_bytes())),
        (Constant::Bytes(bytes), Change::Encode(_)) if bytes.is_empty() => Some(Constant::Text(String::new())),
        (Constant::Text(text), Change::Decode(_)) if text.is_empty() => Some(Constant::Bytes(Vec::new())),
        (Constant::Text(text), Change::ParseInteger | Change::ParseFloat { .. } | Change::ParseTime)
            if text.is_empty() =>
        {
            None
        }
        (Constant::Integer(number), Change::FormatInteger) => Some(Constant::Text(number.to_string())),
        (Constant::Float(number), Change::FormatFloat { .. }) if number.to_bits() == 0 => {
            Some(Constant::Text("0".to_owned()))
        }
        _ => return Outcome::Unknown,
    };
    made.map_or(Outcome::Refused, Outcome::Value)
}

fn looked_up(value: Constant, table: &Table) -> Option<Constant> {
    let cell = match &value {
        Constant::Integer(number) => Cell::Number((*number).try_into().ok()?),
        Constant::Text(text) => Cell::Text(text.clone()),
        Constant::Float(_) | Constant::Bytes(_) => return None,
    };
    let met = table.entries.iter().find(|(from, _)| *from == cell).map(|(_, to)| to);
    let met = match (met, &table.unknown) {
        (Some(met), _) | (None, Unknown::To(met)) => met,
        (None, Unknown::Refuse) => return None,
        (None, Unknown::Pass) => {
            let named = matches!(&cell, Cell::Number(number) if table.names.iter().any(|(known, _)| known == number));
            return (!named).then_some(value);
        }
    };
    Some(match met {
        Cell::Number(number) => Constant::Integer((*number).into()),
        Cell::Text(text) => Constant::Text(text.clone()),
    })
}

fn in_range(number: i128, kind: &Kind) -> bool {
    range(kind).is_none_or(|(least, greatest)| (least..=greatest).contains(&number))
}

/// `number` / `divisor`, which is above 0.
fn divided(number: i128, divisor: i128, rounding: Rounding) -> Option<i128> {
    let (floor, rest) = (number.div_euclid(divisor), number.rem_euclid(divisor));
    if rest == 0 {
        return Some(floor);
    }
    let up = match rounding {
        Rounding::Refuse => return None,
        Rounding::Floor => false,
        Rounding::Ceiling => true,
        // Halves go away from zero, so those below zero go down.
        Rounding::Nearest => rest * 2 > divisor || (rest * 2 == divisor && number > 0),
        Rounding::Zero => number < 0,
    };
    Some(floor + i128::from(up))
}

#[expect(clippy::cast_possible_truncation, clippy::float_cmp, reason = "checked to be whole, and in range")]
fn whole(number: f64, rounding: Rounding) -> Option<i128> {
    let rounded = match rounding {
        Rounding::Refuse if number.trunc() != number => return None,
        Rounding::Refuse | Rounding::Zero => number.trunc(),
        Rounding::Floor => number.floor(),
        Rounding::Ceiling => number.ceil(),
        Rounding::Nearest => number.round(),
    };
    (rounded.abs() < 1e30).then_some(rounded as i128)
}
