//! Values that come back otherwise than they went because of how they are converted.

use prost_reflect::{FieldDescriptor, Kind, Value};

use super::Why;
use crate::protocol::plan::{
    Beyond, Change, Conversion, Form, Move, Rounding, ScalarConversion, Unknown, ValueConversion,
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
    let zero = || (!field.supports_presence()).then(|| Value::default_value_for_field(field));
    let (went, came) = (went.cloned().or_else(zero)?, came.cloned().or_else(zero)?);
    // What came back has to say the same to the other version as what went.
    let said = |value: &Value| said(&there.conversion, value, &there.to.leaf().kind());
    (said(&went)? == said(&came)?).then(|| kind_of(there, back))
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

/// What a value says to the other version, as pairs of key and value; nothing where it is made of more than scalars.
fn said(conversion: &Conversion, value: &Value, to: &Kind) -> Option<Vec<(Option<Value>, Option<Value>)>> {
    let one = |conversion: &ValueConversion, value: &Value, to: &Kind| match conversion {
        ValueConversion::Scalar(scalar) => reference::scalar(scalar, value, to).ok(),
        ValueConversion::Copy => Some(Some(value.clone())),
        _ => None,
    };
    match (conversion, value) {
        (Conversion::One(inner) | Conversion::IntoList(inner), value) => Some(vec![(None, one(inner, value, to)?)]),
        (Conversion::Each(inner) | Conversion::FromList { value: inner, .. }, Value::List(values)) => {
            values.iter().map(|value| Some((None, one(inner, value, to)?))).collect()
        }
        (Conversion::Map { key, value }, Value::Map(entries)) => {
            let Kind::Message(entry) = to else { return None };
            let kinds = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
            let pairs = entries.iter().map(|(from_key, from_value)| {
                let from_key = Value::from(from_key.clone());
                Some((one(key, &from_key, &kinds.0)?, one(value, from_value, &kinds.1)?))
            });
            let mut said: Vec<(Option<Value>, Option<Value>)> = pairs.collect::<Option<_>>()?;
            said.sort_by_key(|pair| format!("{pair:?}"));
            Some(said)
        }
        _ => None,
    }
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
