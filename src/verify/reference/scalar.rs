//! Scalars: read, changed step by step, written.

use crate::protocol::plan::{Cell, Change, Form, Rounding, ScalarConversion, Table, Unknown};
use prost_reflect::{DynamicMessage, Kind, Value};

use super::{Refused, text};

/// Seconds of 0001-01-01T00:00:00Z and of 9999-12-31T23:59:59Z, the range of `google.protobuf.Timestamp`.
pub(super) const TIMES: std::ops::RangeInclusive<i128> = -62_135_596_800..=253_402_300_799;
/// Seconds of a `google.protobuf.Duration`, either way.
const DURATIONS: std::ops::RangeInclusive<i128> = -315_576_000_000..=315_576_000_000;
const NANOSECONDS: i128 = 1_000_000_000;

/// A scalar on its way.
#[derive(Clone, Debug, PartialEq)]
enum Scalar {
    Integer(i128),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
}

/// What becomes of `value` in a place of kind `to`; nothing where it settles as absent.
pub(super) fn convert(conversion: &ScalarConversion, value: &Value, to: &Kind) -> Result<Option<Value>, Refused> {
    let mut scalar = read(&conversion.read, value)?;
    for change in &conversion.changes {
        if matches!(change, Change::Settle) {
            if is_zero(&scalar) {
                return Ok(conversion.absent.clone());
            }
            continue;
        }
        let said = format!("{scalar:?}");
        scalar = apply(change, scalar).map_err(|why| Refused::value("", format!("{said}: {why}")))?;
    }
    let said = format!("{scalar:?}");
    write(&conversion.write, scalar, to).map(Some).map_err(|why| Refused::value("", format!("{said}: {why}")))
}

fn is_zero(scalar: &Scalar) -> bool {
    match scalar {
        Scalar::Integer(value) => *value == 0,
        Scalar::Float(value) => value.to_bits() == 0,
        Scalar::Text(value) => value.is_empty(),
        Scalar::Bytes(value) => value.is_empty(),
    }
}

fn read(form: &Form, value: &Value) -> Result<Scalar, Refused> {
    Ok(match (form, value) {
        (Form::Plain(_), value) => read_plain(value),
        (Form::Wrapper(_), Value::Message(wrapper)) => {
            read_plain(&wrapper.get_field_by_number(1).expect("a wrapper has a value"))
        }
        (Form::Timestamp | Form::Duration, Value::Message(time)) => {
            let part =
                |number| integer(&time.get_field_by_number(number).expect("seconds and nanos")).expect("integers");
            Scalar::Integer(part(1) * NANOSECONDS + part(2))
        }
        (Form::Money { currency, .. }, Value::Message(money)) => read_money(money, currency)?,
        (form, value) => panic!("the plan reads {value:?} as {form:?}"),
    })
}

fn read_money(money: &DynamicMessage, currency: &str) -> Result<Scalar, Refused> {
    let part = |name| money.get_field_by_name(name).expect("a message for money").into_owned();
    let code = part("currency_code");
    let code = code.as_str().expect("a string");
    let (units, nanos) = (integer(&part("units")).expect("an integer"), integer(&part("nanos")).expect("an integer"));
    let amount = units * NANOSECONDS + nanos;
    if code != currency && (units, nanos, code) != (0, 0, "") {
        return Err(Refused::value("currency_code", format!("{code:?} is not {currency}")));
    }
    if units.signum() * nanos.signum() < 0 || nanos.abs() >= NANOSECONDS {
        return Err(Refused::value("nanos", format!("{units} and {nanos} are no amount")));
    }
    Ok(Scalar::Integer(amount))
}

fn read_plain(value: &Value) -> Scalar {
    match value {
        Value::F32(value) => Scalar::Float(f64::from(*value)),
        Value::F64(value) => Scalar::Float(*value),
        Value::String(value) => Scalar::Text(value.clone()),
        Value::Bytes(value) => Scalar::Bytes(value.to_vec()),
        other => Scalar::Integer(integer(other).unwrap_or_else(|| panic!("{other:?} is no scalar"))),
    }
}

/// An integer, a bool as 0 or 1, an enum as its number.
pub(super) fn integer(value: &Value) -> Option<i128> {
    Some(match value {
        Value::Bool(value) => i128::from(*value),
        Value::I32(value) | Value::EnumNumber(value) => i128::from(*value),
        Value::I64(value) => i128::from(*value),
        Value::U32(value) => i128::from(*value),
        Value::U64(value) => i128::from(*value),
        _ => return None,
    })
}

/// An integer in a place of this kind, if it fits.
pub(super) fn integer_value(number: i128, kind: &Kind) -> Option<Value> {
    Some(match kind {
        Kind::Bool if number == 0 || number == 1 => Value::Bool(number == 1),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(i32::try_from(number).ok()?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(i64::try_from(number).ok()?),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(u32::try_from(number).ok()?),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(u64::try_from(number).ok()?),
        Kind::Enum(_) => Value::EnumNumber(i32::try_from(number).ok()?),
        _ => return None,
    })
}

fn write(form: &Form, scalar: Scalar, to: &Kind) -> Result<Value, String> {
    match (form, scalar) {
        (Form::Plain(_), scalar) => write_plain(scalar, to),
        (Form::Wrapper(kind), scalar) => {
            let mut wrapper = new_message(to);
            wrapper.set_field_by_number(1, write_plain(scalar, kind)?);
            Ok(Value::Message(wrapper))
        }
        (Form::Timestamp, Scalar::Integer(nanoseconds)) => {
            let seconds = nanoseconds.div_euclid(NANOSECONDS);
            written_time(to, seconds, nanoseconds.rem_euclid(NANOSECONDS), &TIMES)
        }
        (Form::Duration, Scalar::Integer(nanoseconds)) => {
            written_time(to, nanoseconds / NANOSECONDS, nanoseconds % NANOSECONDS, &DURATIONS)
        }
        (Form::Money { currency, .. }, Scalar::Integer(amount)) => {
            let mut money = new_message(to);
            let part = |number, kind| integer_value(number, &kind).ok_or("is too large for an amount");
            money.set_field_by_name("currency_code", Value::String(currency.clone()));
            money.set_field_by_name("units", part(amount / NANOSECONDS, Kind::Int64)?);
            money.set_field_by_name("nanos", part(amount % NANOSECONDS, Kind::Int32)?);
            Ok(Value::Message(money))
        }
        (form, scalar) => panic!("the plan writes {scalar:?} as {form:?}"),
    }
}

fn write_plain(scalar: Scalar, to: &Kind) -> Result<Value, String> {
    match (scalar, to) {
        (Scalar::Float(value), Kind::Double) => Ok(Value::F64(value)),
        (Scalar::Float(value), Kind::Float) => single(value).map(Value::F32),
        (Scalar::Text(value), Kind::String) => Ok(Value::String(value)),
        (Scalar::Bytes(value), Kind::Bytes) => Ok(Value::Bytes(value.into())),
        (Scalar::Integer(value), to) => {
            integer_value(value, to).ok_or_else(|| format!("does not fit into a field of kind {to:?}"))
        }
        (scalar, to) => panic!("the plan writes {scalar:?} as {to:?}"),
    }
}

fn written_time(
    to: &Kind,
    seconds: i128,
    nanoseconds: i128,
    range: &std::ops::RangeInclusive<i128>,
) -> Result<Value, String> {
    if !range.contains(&seconds) {
        return Err("is out of the range of such a time".to_owned());
    }
    let mut time = new_message(to);
    time.set_field_by_number(1, integer_value(seconds, &Kind::Int64).expect("within the range"));
    time.set_field_by_number(2, integer_value(nanoseconds, &Kind::Int32).expect("below a second"));
    Ok(Value::Message(time))
}

fn new_message(kind: &Kind) -> DynamicMessage {
    DynamicMessage::new(kind.as_message().unwrap_or_else(|| panic!("{kind:?} is no message")).clone())
}

#[expect(clippy::cast_possible_truncation, reason = "whether something is cut off is what this finds out")]
fn single(value: f64) -> Result<f32, String> {
    let single = value as f32;
    let same = value.is_nan() || f64::from(single).to_bits() == value.to_bits();
    same.then_some(single).ok_or_else(|| "is equal to no float".to_owned())
}

fn apply(change: &Change, scalar: Scalar) -> Result<Scalar, String> {
    Ok(match (change, scalar) {
        (Change::Fit(kind), Scalar::Integer(value)) => {
            integer_value(value, kind).ok_or_else(|| format!("is out of the range of {kind:?}"))?;
            Scalar::Integer(value)
        }
        (Change::Scale { numerator, denominator, rounding }, Scalar::Integer(value)) => {
            let product = value.checked_mul(i128::from(*numerator)).ok_or("is too large to be scaled")?;
            Scalar::Integer(divide(product, i128::from(*denominator), *rounding)?)
        }
        (Change::Scale { numerator, denominator, .. }, Scalar::Float(value)) => {
            #[expect(clippy::cast_precision_loss, reason = "floats are just multiplied and divided")]
            let (numerator, denominator) = (*numerator as f64, *denominator as f64);
            Scalar::Float(value * numerator / denominator)
        }
        (Change::Table(table), scalar) => look_up(table, scalar)?,
        (Change::IntegerToFloat, Scalar::Integer(value)) => Scalar::Float(exact_float(value)?),
        (Change::FloatToInteger(rounding), Scalar::Float(value)) => Scalar::Integer(to_integer(value, *rounding)?),
        (Change::ToSingle, Scalar::Float(value)) => Scalar::Float(f64::from(single(value)?)),
        (Change::Utf8, Scalar::Bytes(value)) => {
            Scalar::Text(String::from_utf8(value).map_err(|_| "holds bytes that are no UTF-8")?)
        }
        (Change::AsBytes, Scalar::Text(value)) => Scalar::Bytes(value.into_bytes()),
        (Change::Encode(encoding), Scalar::Bytes(value)) => Scalar::Text(text::encode(*encoding, &value)),
        (Change::Decode(encoding), Scalar::Text(value)) => Scalar::Bytes(text::decode(*encoding, &value)?),
        (Change::ParseInteger, Scalar::Text(value)) => Scalar::Integer(text::parse_integer(&value)?),
        (Change::ParseFloat { single: false }, Scalar::Text(value)) => Scalar::Float(text::parse_double(&value)?),
        (Change::ParseFloat { single: true }, Scalar::Text(value)) => {
            Scalar::Float(f64::from(text::parse_single(&value)?))
        }
        (Change::FormatInteger, Scalar::Integer(value)) => Scalar::Text(value.to_string()),
        (Change::FormatFloat { single: false }, Scalar::Float(value)) => Scalar::Text(text::format_double(value)),
        (Change::FormatFloat { single: true }, Scalar::Float(value)) => {
            Scalar::Text(text::format_single(single(value)?))
        }
        (Change::ParseTime, Scalar::Text(value)) => Scalar::Integer(text::parse_time(&value)?),
        (Change::FormatTime, Scalar::Integer(value)) => Scalar::Text(text::format_time(value)?),
        (Change::FloatToBillionths { single }, Scalar::Float(value)) => {
            Scalar::Integer(float_to_billionths(value, *single)?)
        }
        (Change::BillionthsToFloat { single }, Scalar::Integer(value)) => {
            let digits = text::format_billionths(value);
            let float = match single {
                true => f64::from(digits.parse::<f32>().expect("digits")),
                false => digits.parse::<f64>().expect("digits"),
            };
            if float_to_billionths(float, *single) != Ok(value) {
                return Err("has more digits than a float".to_owned());
            }
            Scalar::Float(float)
        }
        (Change::ParseBillionths, Scalar::Text(value)) => Scalar::Integer(text::parse_billionths(&value)?),
        (Change::FormatBillionths, Scalar::Integer(value)) => Scalar::Text(text::format_billionths(value)),
        (change, scalar) => panic!("the plan does {change:?} to {scalar:?}"),
    })
}

#[expect(clippy::cast_possible_truncation, reason = "it was read from a `float`")]
fn float_to_billionths(value: f64, single: bool) -> Result<i128, String> {
    let digits = if single { format!("{}", value as f32) } else { format!("{value}") };
    let again = if single { digits.parse::<f32>().map(f64::from) } else { digits.parse::<f64>() };
    let amount = text::parse_billionths(&digits)?;
    // Billionths know no minus zero.
    let same = again.is_ok_and(|again| again.to_bits() == value.to_bits()) && (amount != 0 || value.is_sign_positive());
    same.then_some(amount).ok_or_else(|| "is no amount".to_owned())
}

fn divide(value: i128, by: i128, rounding: Rounding) -> Result<i128, String> {
    let (quotient, remainder) = (value.div_euclid(by), value.rem_euclid(by));
    // `by` is above 0, so the remainder is not negative and the quotient is the floor.
    if remainder == 0 {
        return Ok(quotient);
    }
    Ok(match rounding {
        Rounding::Refuse => return Err("leaves a remainder".to_owned()),
        Rounding::Floor => quotient,
        Rounding::Ceiling => quotient + 1,
        Rounding::Zero => quotient + i128::from(value < 0),
        Rounding::Nearest => {
            let up = if value < 0 { remainder * 2 > by } else { remainder * 2 >= by };
            quotient + i128::from(up)
        }
    })
}

fn look_up(table: &Table, scalar: Scalar) -> Result<Scalar, String> {
    let cell = match &scalar {
        Scalar::Integer(value) => i64::try_from(*value).ok().map(Cell::Number),
        Scalar::Text(value) => Some(Cell::Text(value.clone())),
        other => panic!("the plan looks {other:?} up in a table"),
    };
    let found = table.entries.iter().find(|(from, _)| Some(from) == cell.as_ref());
    if let Some((_, to)) = found {
        return Ok(from_cell(to));
    }
    let named = matches!(&cell, Some(Cell::Number(number)) if table.names.iter().any(|(named, _)| named == number));
    match &table.unknown {
        Unknown::To(cell) => Ok(from_cell(cell)),
        Unknown::Pass if !named => Ok(scalar),
        Unknown::Pass | Unknown::Refuse => Err("stands for nothing on the other side".to_owned()),
    }
}

fn from_cell(cell: &Cell) -> Scalar {
    match cell {
        Cell::Number(number) => Scalar::Integer(i128::from(*number)),
        Cell::Text(text) => Scalar::Text(text.clone()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "whether something is lost is what this finds out")]
#[expect(clippy::cast_possible_truncation, reason = "the float holds an integer, and i128 is wide enough")]
fn exact_float(value: i128) -> Result<f64, String> {
    let float = value as f64;
    let exact = float.abs() < 1e38 && float as i128 == value;
    exact.then_some(float).ok_or_else(|| "is held by no float exactly".to_owned())
}

#[expect(clippy::cast_possible_truncation, reason = "the float holds an integer, and i128 is wide enough")]
fn to_integer(value: f64, rounding: Rounding) -> Result<i128, String> {
    let whole = match rounding {
        Rounding::Refuse if value.fract() != 0.0 => return Err("is no integer".to_owned()),
        Rounding::Refuse | Rounding::Zero => value.trunc(),
        Rounding::Floor => value.floor(),
        Rounding::Ceiling => value.ceil(),
        Rounding::Nearest => value.round(),
    };
    if !whole.is_finite() || whole.abs() > 1e38 {
        return Err("is no integer that could fit".to_owned());
    }
    Ok(whole as i128)
}
