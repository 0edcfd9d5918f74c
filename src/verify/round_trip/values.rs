//! Values that come back otherwise than they went because of how they are converted.

use prost_reflect::{FieldDescriptor, Kind, UnknownField, Value};

use super::Why;
use crate::protocol::plan::{
    Beyond, Cell, Change, Conversion, Form, Move, Rounding, ScalarConversion, Unknown, ValueConversion,
};
use crate::verify::reference;

/// Why a field that `there` takes away and `back` brings back may have come back as it did.
pub(super) fn why(
    there: &Move,
    back: &Move,
    field: &FieldDescriptor,
    (went, came): (Option<&Value>, Option<&Value>),
) -> Option<Why> {
    let hollow = |value: Option<&Value>| value.is_none_or(is_hollow);
    if hollow(went) && hollow(came) {
        // Both say nothing, but not in the same way.
        let tells = there.to.leaf().supports_presence() && matches!(there.conversion, Conversion::One(_));
        return (!tells || scalars(there).next().is_some()).then_some(Why::Presence);
    }
    if hollow(went) && scalars(there).chain(scalars(back)).any(|scalar| scalar.absent.is_some()) {
        return Some(Why::Default);
    }
    match (&there.conversion, went, came) {
        (Conversion::FromList { beyond, .. }, Some(Value::List(list)), _) if list.len() > 1 => {
            return (*beyond != Beyond::Refuse).then_some(Why::Beyond);
        }
        (Conversion::FromList { .. }, Some(Value::List(list)), None) if list.iter().all(is_hollow) => {
            return Some(Why::Presence);
        }
        (Conversion::ListToMap { refuse_duplicates: false, .. }, _, _) => return Some(Why::Duplicate),
        (Conversion::ListToMap { key_field, value_field, .. }, Some(Value::List(went)), Some(Value::List(came))) => {
            let presence = key_field.supports_presence() || value_field.supports_presence();
            return (presence && went.len() == came.len()).then_some(Why::Presence);
        }
        _ => {}
    }
    if unknown_bytes(went) != unknown_bytes(came) {
        // A message that becomes a value has nowhere to put what its version does not know.
        return None;
    }
    // What came back has to say the same to the other version as what went.
    let (went, came) = (said(there, field, went)?, said(there, field, came)?);
    if !went.is_like(&came) {
        return None;
    }
    Some(if went.anything() { Why::Passed } else { kind_of(there, back) })
}

/// How much the messages of a field hold that their version does not know.
pub(super) fn unknown_bytes(value: Option<&Value>) -> usize {
    match value {
        Some(Value::Message(message)) => message.unknown_fields().map(UnknownField::encoded_len).sum(),
        Some(Value::List(values)) => values.iter().map(|value| unknown_bytes(Some(value))).sum(),
        Some(Value::Map(entries)) => entries.values().map(|value| unknown_bytes(Some(value))).sum(),
        _ => 0,
    }
}

/// Whether nothing is said but, perhaps, that something is there.
pub(super) fn is_hollow(value: &Value) -> bool {
    match value {
        Value::Bool(value) => !value,
        Value::I32(value) | Value::EnumNumber(value) => *value == 0,
        Value::I64(value) => *value == 0,
        Value::U32(value) => *value == 0,
        Value::U64(value) => *value == 0,
        Value::F32(value) => *value == 0.0,
        Value::F64(value) => *value == 0.0,
        Value::String(value) => value.is_empty(),
        Value::Bytes(value) => value.is_empty(),
        Value::Message(value) => {
            value.unknown_fields().next().is_none() && value.fields().all(|(_, value)| is_hollow(value))
        }
        Value::List(value) => value.is_empty(),
        Value::Map(value) => value.is_empty(),
    }
}

fn scalars(moved: &Move) -> impl Iterator<Item = &ScalarConversion> {
    moved.conversion.values().into_iter().filter_map(|value| match value {
        ValueConversion::Scalar(scalar) => Some(scalar),
        _ => None,
    })
}

/// What a field says to the other version, in the order of its elements; of a map by key.
struct Said(Vec<Element>);

/// The key of an entry, and what is said under it.
type Element = (Option<Value>, Part);

#[derive(PartialEq)]
enum Part {
    /// This value, or nothing.
    Value(Option<Value>),
    /// A number without a name that passes: whatever the other version takes it for.
    Anything,
}

impl Said {
    fn is_like(&self, other: &Self) -> bool {
        let alike =
            |(one, other): (&Element, &Element)| one.0 == other.0 && (one.1 == Part::Anything || one.1 == other.1);
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(alike)
    }

    fn anything(&self) -> bool {
        self.0.iter().any(|(_, part)| *part == Part::Anything)
    }
}

/// What the field says to the other version; nothing where it is made of more than scalars.
fn said(there: &Move, field: &FieldDescriptor, value: Option<&Value>) -> Option<Said> {
    let target = there.to.leaf();
    let zero = |field: &FieldDescriptor| {
        (!field.supports_presence() && !field.is_list()).then(|| Value::default_value_for_field(field))
    };
    let Some(value) = value.cloned().or_else(|| zero(field)) else {
        return Some(Said(vec![(None, Part::Value(zero(target)))]));
    };
    let to = target.kind();
    let said = match (&there.conversion, &value) {
        (Conversion::One(inner), value) => {
            let said = match one(inner, value, &to)? {
                Part::Value(said) => Part::Value(said.or_else(|| zero(target))),
                Part::Anything => Part::Anything,
            };
            vec![(None, said)]
        }
        (Conversion::IntoList(inner), value) => vec![(None, one(inner, value, &to)?)],
        (Conversion::Each(inner) | Conversion::FromList { value: inner, .. }, Value::List(values)) => {
            values.iter().map(|value| Some((None, one(inner, value, &to)?))).collect::<Option<_>>()?
        }
        (Conversion::Map { key, value }, Value::Map(entries)) => {
            let Kind::Message(entry) = &to else { return None };
            let kinds = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
            let mut said = Vec::new();
            for (from_key, from_value) in entries {
                let Part::Value(key) = one(key, &Value::from(from_key.clone()), &kinds.0)? else { return None };
                said.push((key, one(value, from_value, &kinds.1)?));
            }
            said.sort_by_key(|(key, _)| format!("{key:?}"));
            said
        }
        _ => return None,
    };
    Some(Said(said))
}

fn one(conversion: &ValueConversion, value: &Value, to: &Kind) -> Option<Part> {
    match conversion {
        ValueConversion::Scalar(scalar) if passes(scalar, value) => Some(Part::Anything),
        ValueConversion::Scalar(scalar) => Some(Part::Value(reference::scalar(scalar, value, to).ok()?)),
        ValueConversion::Copy => Some(Part::Value(Some(value.clone()))),
        _ => None,
    }
}

/// Whether the value is a number without a name that a table lets pass.
fn passes(scalar: &ScalarConversion, value: &Value) -> bool {
    let (Some(Change::Table(table)), Value::EnumNumber(number)) = (scalar.changes.first(), value) else { return false };
    let has = |(from, _): &(Cell, Cell)| *from == Cell::Number((*number).into());
    table.unknown == Unknown::Pass && !table.entries.iter().any(has)
}

/// What the conversions do that several values come to one.
fn kind_of(there: &Move, back: &Move) -> Why {
    let changes = || scalars(there).chain(scalars(back)).flat_map(|scalar| &scalar.changes);
    let rounds = |change: &Change| match change {
        Change::Scale { rounding, .. } | Change::FloatToInteger(rounding) => *rounding != Rounding::Refuse,
        _ => false,
    };
    let merges = |change: &Change| match change {
        Change::Table(table) => table.entries.len() > 1 || matches!(table.unknown, Unknown::To(_)),
        _ => false,
    };
    let spells = |change: &Change| {
        matches!(
            change,
            Change::Decode(_)
                | Change::ParseInteger
                | Change::ParseFloat { .. }
                | Change::ParseTime
                | Change::ParseBillionths
        )
    };
    let reads_several =
        |form: &Form| matches!(form, Form::Timestamp | Form::Duration | Form::Money { .. } | Form::Wrapper(_));
    if changes().any(rounds) {
        Why::Rounded
    } else if !changes().any(merges)
        && (changes().any(spells) || scalars(there).any(|scalar| reads_several(&scalar.read)))
    {
        Why::Spelling
    } else {
        Why::Merged
    }
}
