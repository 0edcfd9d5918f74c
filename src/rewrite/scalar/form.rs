//! How scalars lie in fields.

use std::borrow::Cow;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, Value};

use super::change::show;
use super::{Datum, Unread, money};
use crate::protocol::plan::Form;
use crate::rewrite::buffer::Buffer;
use crate::rewrite::wire::{self, FIXED32, FIXED64, LENGTH, VARINT};

/// In a second.
pub(super) const NANOSECONDS: i128 = 1_000_000_000;

/// The wire type of a form.
pub(in crate::rewrite) fn wire_of(form: &Form) -> u8 {
    match form {
        Form::Plain(kind) => wire_of_kind(kind),
        Form::Wrapper(_) | Form::Timestamp | Form::Duration | Form::Money { .. } => LENGTH,
    }
}

/// The wire type of a scalar type, or of a message.
pub(in crate::rewrite) fn wire_of_kind(kind: &Kind) -> u8 {
    match kind {
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => FIXED64,
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => FIXED32,
        Kind::String | Kind::Bytes | Kind::Message(_) => LENGTH,
        _ => VARINT,
    }
}

/// Reads a value of its form.
#[inline]
pub(super) fn read<'a>(form: &Form, bytes: &'a [u8]) -> Result<Datum<'a>, Unread> {
    Ok(match form {
        Form::Plain(kind) => read_plain(kind, bytes)?,
        Form::Wrapper(kind) => match find(bytes, 1, wire_of_kind(kind))? {
            Some(value) => read_plain(kind, value)?,
            None => zero(form),
        },
        Form::Timestamp | Form::Duration => {
            let (seconds, nanos) = parts(bytes, 1, 2)?;
            Datum::Integer(i128::from(seconds) * NANOSECONDS + i128::from(nanos))
        }
        Form::Money { currency, numbers: [code, units, nanos] } => {
            let code = find(bytes, *code, LENGTH)?.unwrap_or_default();
            let code = std::str::from_utf8(code).map_err(|_| "a string that is no UTF-8")?;
            let (units, nanos) = parts(bytes, *units, *nanos)?;
            Datum::Integer(money::read(code, units, nanos, currency)?)
        }
    })
}

/// The number of a field that the message of a form does not declare, where there is one.
#[inline]
pub(super) fn unknown(form: &Form, bytes: &[u8]) -> Result<Option<u32>, &'static str> {
    let known: &[u32] = match form {
        Form::Plain(_) => return Ok(None),
        Form::Wrapper(_) => &[1],
        Form::Timestamp | Form::Duration => &[1, 2],
        Form::Money { numbers, .. } => numbers,
    };
    let mut at = 0;
    while at < bytes.len() {
        let field = wire::field(bytes, at, bytes.len(), 100).map_err(|fault| fault.what)?;
        if !known.contains(&field.number) {
            return Ok(Some(field.number));
        }
        at = field.next;
    }
    Ok(None)
}

/// A number of wholes, and one of billionths.
fn parts(bytes: &[u8], wholes: u32, billionths: u32) -> Result<(i64, i32), &'static str> {
    let part = |number| match find(bytes, number, VARINT)? {
        Some(value) => integer(value).map(u64::cast_signed),
        None => Ok(0),
    };
    #[expect(clippy::cast_possible_truncation, reason = "`nanos` is an int32, whose upper bits do not count")]
    let nanos = part(billionths)? as i32;
    Ok((part(wholes)?, nanos))
}

/// Reads a value of a scalar type.
#[inline]
pub(super) fn read_plain<'a>(kind: &Kind, bytes: &'a [u8]) -> Result<Datum<'a>, &'static str> {
    #[expect(clippy::cast_possible_truncation, reason = "the upper bits of 32-bit types do not count on the wire")]
    Ok(match kind {
        Kind::String => Datum::Text(std::str::from_utf8(bytes).map_err(|_| "a string that is no UTF-8")?.into()),
        Kind::Bytes => Datum::Bytes(Cow::Borrowed(bytes)),
        Kind::Double => Datum::Float(f64::from_le_bytes(fixed(bytes)?)),
        Kind::Float => Datum::Float(f64::from(f32::from_le_bytes(fixed(bytes)?))),
        Kind::Fixed32 => Datum::Integer(u32::from_le_bytes(fixed(bytes)?).into()),
        Kind::Fixed64 => Datum::Integer(u64::from_le_bytes(fixed(bytes)?).into()),
        Kind::Sfixed32 => Datum::Integer(i32::from_le_bytes(fixed(bytes)?).into()),
        Kind::Sfixed64 => Datum::Integer(i64::from_le_bytes(fixed(bytes)?).into()),
        Kind::Int32 | Kind::Enum(_) => Datum::Integer((integer(bytes)? as i32).into()),
        Kind::Int64 => Datum::Integer(integer(bytes)?.cast_signed().into()),
        Kind::Uint32 => Datum::Integer((integer(bytes)? as u32).into()),
        Kind::Uint64 => Datum::Integer(integer(bytes)?.into()),
        Kind::Sint32 => Datum::Integer(unzigzag(u64::from(integer(bytes)? as u32)).into()),
        Kind::Sint64 => Datum::Integer(unzigzag(integer(bytes)?).into()),
        Kind::Bool => Datum::Integer((integer(bytes)? != 0).into()),
        Kind::Message(_) => return Err("a message where a scalar belongs"),
    })
}

/// The zero of a form.
pub(super) fn zero(form: &Form) -> Datum<'static> {
    match form {
        Form::Plain(Kind::String) | Form::Wrapper(Kind::String) => Datum::Text("".into()),
        Form::Plain(Kind::Bytes) | Form::Wrapper(Kind::Bytes) => Datum::Bytes(Cow::Borrowed(&[])),
        Form::Plain(Kind::Float | Kind::Double) | Form::Wrapper(Kind::Float | Kind::Double) => Datum::Float(0.0),
        _ => Datum::Integer(0),
    }
}

/// Writes a value in its form.
#[inline]
pub(super) fn write(form: &Form, datum: &Datum<'_>, buffer: &mut Buffer) -> Result<(), String> {
    match form {
        Form::Plain(kind) => write_plain(kind, datum, buffer),
        Form::Wrapper(kind) => message(buffer, |buffer| {
            if datum.is_zero() {
                // Still, it has to be one of this type.
                return write_plain(kind, datum, &mut Buffer::default());
            }
            buffer.put_tag(1, wire_of_kind(kind));
            write_plain(kind, datum, buffer)
        }),
        Form::Timestamp | Form::Duration => {
            let Datum::Integer(nanoseconds) = datum else { return Err(mismatch(datum)) };
            let (seconds, nanos) = match form {
                Form::Timestamp => timestamp(*nanoseconds)?,
                _ => duration(*nanoseconds)?,
            };
            message(buffer, |buffer| {
                for (number, part) in [(1, seconds), (2, i64::from(nanos))] {
                    if part != 0 {
                        buffer.put_tag(number, VARINT);
                        buffer.put_varint(part.cast_unsigned());
                    }
                }
                Ok(())
            })
        }
        Form::Money { currency, numbers: [code, units, nanos] } => {
            let Datum::Integer(billionths) = datum else { return Err(mismatch(datum)) };
            let parts = money::parts(*billionths)?;
            message(buffer, |buffer| {
                buffer.put_tag(*code, LENGTH);
                put_bytes(buffer, currency.as_bytes());
                for (number, part) in [(*units, parts.0), (*nanos, i64::from(parts.1))] {
                    if part != 0 {
                        buffer.put_tag(number, VARINT);
                        buffer.put_varint(part.cast_unsigned());
                    }
                }
                Ok(())
            })
        }
    }
}

fn write_plain(kind: &Kind, datum: &Datum<'_>, buffer: &mut Buffer) -> Result<(), String> {
    match (kind, datum) {
        (Kind::String, Datum::Text(text)) => put_bytes(buffer, text.as_bytes()),
        (Kind::Bytes, Datum::Bytes(bytes)) => put_bytes(buffer, bytes),
        (Kind::Double, Datum::Float(float)) => buffer.extend_from_slice(&float.to_le_bytes()),
        (Kind::Float, Datum::Float(float)) => buffer.extend_from_slice(&single(*float)?.to_le_bytes()),
        (_, Datum::Integer(integer)) => write_integer(kind, fit(kind, *integer)?, buffer),
        (_, datum) => return Err(mismatch(datum)),
    }
    Ok(())
}

/// Writes an integer that fits. Its lowest bits are what the type has, whatever its sign.
#[expect(clippy::cast_possible_truncation, reason = "it fits")]
fn write_integer(kind: &Kind, bits: u64, buffer: &mut Buffer) {
    match kind {
        Kind::Fixed32 | Kind::Sfixed32 => buffer.extend_from_slice(&(bits as u32).to_le_bytes()),
        Kind::Fixed64 | Kind::Sfixed64 => buffer.extend_from_slice(&bits.to_le_bytes()),
        Kind::Sint32 | Kind::Sint64 => {
            let signed = bits.cast_signed();
            buffer.put_varint((signed << 1 ^ signed >> 63).cast_unsigned());
        }
        _ => buffer.put_varint(bits),
    }
}

/// The lowest 64 bits of an integer that is in the range of an integer type, of `bool` or of an enum.
pub(super) fn fit(kind: &Kind, integer: i128) -> Result<u64, String> {
    let Some((least, most)) = fit_range(kind) else { return Err(mismatch(&Datum::Integer(integer))) };
    if integer < least || integer > most {
        return Err(format!("{integer} is out of range: it goes from {least} to {most}"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in range, and bits are wanted")]
    Ok(integer as u64)
}

/// The range of an integer type, of `bool` or of an enum.
pub(super) fn fit_range(kind: &Kind) -> Option<(i128, i128)> {
    Some(match kind {
        Kind::Bool => (0, 1),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 | Kind::Enum(_) => (i32::MIN.into(), i32::MAX.into()),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => (i64::MIN.into(), i64::MAX.into()),
        Kind::Uint32 | Kind::Fixed32 => (0, u32::MAX.into()),
        Kind::Uint64 | Kind::Fixed64 => (0, i128::from(u64::MAX)),
        _ => return None,
    })
}

/// The `float` that a `double` is.
pub(super) fn single(float: f64) -> Result<f32, String> {
    #[expect(clippy::cast_possible_truncation, reason = "whether it loses something is checked next")]
    let single = float as f32;
    #[expect(clippy::float_cmp, reason = "it has to be the same")]
    let same = float.is_nan() || f64::from(single) == float;
    if same { Ok(single) } else { Err(format!("no `float` is {float}")) }
}

/// Seconds and nanoseconds of a `google.protobuf.Timestamp`, whose range is the years 1 to 9999.
pub(super) fn timestamp(nanoseconds: i128) -> Result<(i64, i32), String> {
    let parts = split(nanoseconds.div_euclid(NANOSECONDS), nanoseconds.rem_euclid(NANOSECONDS));
    parts
        .filter(|(seconds, _)| (-62_135_596_800..=253_402_300_799).contains(seconds))
        .ok_or_else(|| "a time outside of the years 1 to 9999".to_owned())
}

/// Seconds and nanoseconds of a `google.protobuf.Duration`, of one sign; its range is 10,000 years.
fn duration(nanoseconds: i128) -> Result<(i64, i32), String> {
    let parts = split(nanoseconds / NANOSECONDS, nanoseconds % NANOSECONDS);
    parts
        .filter(|(seconds, _)| (-315_576_000_000..=315_576_000_000).contains(seconds))
        .ok_or_else(|| "a duration of more than 10,000 years".to_owned())
}

fn split(seconds: i128, nanos: i128) -> Option<(i64, i32)> {
    Some((i64::try_from(seconds).ok()?, i32::try_from(nanos).ok()?))
}

/// A known value of a form.
pub(super) fn of_value(form: &Form, value: &Value) -> Option<Datum<'static>> {
    Some(match value {
        Value::Bool(value) => Datum::Integer((*value).into()),
        Value::I32(value) | Value::EnumNumber(value) => Datum::Integer((*value).into()),
        Value::I64(value) => Datum::Integer((*value).into()),
        Value::U32(value) => Datum::Integer((*value).into()),
        Value::U64(value) => Datum::Integer((*value).into()),
        Value::F32(value) => Datum::Float((*value).into()),
        Value::F64(value) => Datum::Float(*value),
        Value::String(value) => Datum::Text(Cow::Owned(value.clone())),
        Value::Bytes(value) => Datum::Bytes(Cow::Owned(value.to_vec())),
        Value::Message(message) => {
            let bytes = prost::Message::encode_to_vec(message);
            match read(form, &bytes).ok()? {
                Datum::Integer(integer) => Datum::Integer(integer),
                Datum::Float(float) => Datum::Float(float),
                Datum::Text(text) => Datum::Text(Cow::Owned(text.into_owned())),
                Datum::Bytes(bytes) => Datum::Bytes(Cow::Owned(bytes.into_owned())),
            }
        }
        Value::List(_) | Value::Map(_) => return None,
    })
}

/// A value of a form, for the field `target`, or for an element of it.
pub(super) fn to_value(form: &Form, datum: &Datum<'_>, target: &FieldDescriptor) -> Result<Value, String> {
    let mut bytes = Buffer::default();
    write(form, datum, &mut bytes)?;
    // What was written is a field; as one, the descriptor reads it.
    let mut field = Buffer::default();
    field.put_tag(target.number(), wire_of(form));
    field.extend_from_slice(&bytes);
    let unreadable = |_| "the value is of another type".to_owned();
    let message = DynamicMessage::decode(target.parent_message().clone(), &field[..]).map_err(unreadable)?;
    match message.get_field(target).into_owned() {
        Value::List(mut values) => values.pop().ok_or_else(|| mismatch(datum)),
        value => Ok(value),
    }
}

/// The last value of field `number` in a small message.
fn find(bytes: &[u8], number: u32, expected: u8) -> Result<Option<&[u8]>, &'static str> {
    let mut found = None;
    let mut at = 0;
    while at < bytes.len() {
        let field = wire::field(bytes, at, bytes.len(), 100).map_err(|fault| fault.what)?;
        if field.number == number {
            if field.wire != expected {
                return Err("a wire type that is not the field's");
            }
            found = Some(&bytes[field.start..field.end]);
        }
        at = field.next;
    }
    Ok(found)
}

fn integer(bytes: &[u8]) -> Result<u64, &'static str> {
    match bytes {
        [byte] if *byte < 0x80 => Ok(u64::from(*byte)),
        _ => wire::varint(bytes, 0, bytes.len()).map(|(value, _)| value).map_err(|fault| fault.what),
    }
}

fn fixed<const LENGTH: usize>(bytes: &[u8]) -> Result<[u8; LENGTH], &'static str> {
    bytes.try_into().map_err(|_| "a number of another length")
}

/// `ZigZag`, undone.
fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

fn put_bytes(buffer: &mut Buffer, bytes: &[u8]) {
    buffer.put_varint(bytes.len() as u64);
    buffer.extend_from_slice(bytes);
}

/// Writes a message with its length.
fn message(buffer: &mut Buffer, content: impl FnOnce(&mut Buffer) -> Result<(), String>) -> Result<(), String> {
    // Most are below 128 bytes, so one byte is kept for the length.
    let start = buffer.len();
    buffer.push(0);
    content(buffer)?;
    let length = buffer.len() - start - 1;
    let more = wire::varint_length(length as u64) - 1;
    if more > 0 {
        buffer.put_zeros(more);
        buffer.copy_within(start + 1..start + 1 + length, start + 1 + more);
    }
    let mut prefix = Buffer::default();
    prefix.put_varint(length as u64);
    buffer[start..start + prefix.len()].copy_from_slice(&prefix);
    Ok(())
}

fn mismatch(datum: &Datum<'_>) -> String {
    format!("{} is not of the type that the field has", show(datum))
}
