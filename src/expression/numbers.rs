//! Numbers in the range of protobuf's kinds.

use prost_reflect::{Kind, Syntax, Value};

/// An integer as a value of a field of an integer kind, or of an enum.
pub(super) fn integer(value: i128, kind: &Kind) -> Result<Value, String> {
    let out_of_range = |of: &str| format!("an integer is out of the range of {of}");
    match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            i32::try_from(value).map(Value::I32).map_err(|_| out_of_range("32 bits"))
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            i64::try_from(value).map(Value::I64).map_err(|_| out_of_range("64 bits"))
        }
        Kind::Uint32 | Kind::Fixed32 => {
            u32::try_from(value).map(Value::U32).map_err(|_| out_of_range("32 bits, unsigned"))
        }
        Kind::Uint64 | Kind::Fixed64 => {
            u64::try_from(value).map(Value::U64).map_err(|_| out_of_range("64 bits, unsigned"))
        }
        Kind::Enum(of) => {
            let number = i32::try_from(value).map_err(|_| out_of_range(of.full_name()))?;
            // Enums of proto2 are closed: a number without a name would read as an unknown field.
            if of.parent_file().syntax() == Syntax::Proto2 && of.get_value(number).is_none() {
                return Err(format!("{} names no value {number}", of.full_name()));
            }
            Ok(Value::EnumNumber(number))
        }
        _ => Err("an integer is no value of the field".to_owned()),
    }
}

/// A floating-point number as a value of a `double` or, rounded, of a `float`.
pub(super) fn float(value: f64, kind: &Kind) -> Result<Value, String> {
    if matches!(kind, Kind::Double) {
        return Ok(Value::F64(value));
    }
    #[expect(clippy::cast_possible_truncation, reason = "a float is less exact; that it is in range is checked")]
    let narrow = value as f32;
    if narrow.is_infinite() && value.is_finite() {
        return Err("a number is out of the range of float".to_owned());
    }
    Ok(Value::F32(narrow))
}
