//! A field whose type changed.

use prost_types::field_descriptor_proto::Type;

use super::super::super::Effect;
use super::{NOT_FOUND, SAME, of};

/// What a field holds, as far as bytes tell.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Held {
    pub(in super::super) kind: Type,
    /// Of enums: whether numbers that are not declared are set aside.
    pub(in super::super) closed: bool,
}

/// Readers of a field that held `old`, and holds `new`.
pub(in super::super) fn changed(old: Held, new: Held) -> Effect {
    of(reads(new.kind, old), reads(old.kind, new))
}

/// How a number lies in a varint.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Varint {
    Bool,
    /// Signed or not, and how many bits a reader keeps.
    Plain(Sign, u8),
    Zigzag(u8),
    Enum,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Signed,
    Unsigned,
}

/// What a reader that expects `reader` sees of what was written as `writer`.
fn reads(writer: Type, reader: Held) -> String {
    if let (Some(from), Some(to)) = (varint(writer), varint(reader.kind)) {
        return varints(from, to, reader.closed);
    }
    match (writer, reader.kind) {
        (from, to) if from == to && from != Type::Message && from != Type::Group => SAME.to_owned(),
        (Type::String, Type::Bytes) => "gets the text's UTF-8, byte for byte; in JSON it expects base64".to_owned(),
        (Type::Bytes, Type::String) => {
            "gets the bytes as text; where they are no UTF-8, proto3 readers refuse the whole message".to_owned()
        }
        (Type::Message, Type::Bytes) => "gets the message in its encoded form".to_owned(),
        (Type::Message, Type::String) => {
            "gets the message in its encoded form as text; where that is no UTF-8, proto3 readers refuse the whole message"
                .to_owned()
        }
        (Type::String | Type::Bytes, Type::Message) => {
            "takes the content for an encoded message: it refuses the whole message, or fills fields by chance".to_owned()
        }
        (Type::Message, Type::Message) | (Type::Group, Type::Group) => {
            "reads each number within as the other type declares it; numbers that it does not declare become unknown fields"
                .to_owned()
        }
        (Type::Fixed32, Type::Sfixed32) => "reads numbers from 2147483648 on as negative: 4294967295 as -1".to_owned(),
        (Type::Sfixed32, Type::Fixed32) => "reads negative numbers as large ones: -1 as 4294967295".to_owned(),
        (Type::Fixed64, Type::Sfixed64) => {
            "reads numbers from 9223372036854775808 on as negative: 18446744073709551615 as -1".to_owned()
        }
        (Type::Sfixed64, Type::Fixed64) => "reads negative numbers as large ones: -1 as 18446744073709551615".to_owned(),
        (Type::Float, Type::Fixed32 | Type::Sfixed32) => {
            "takes the bits of the fraction for a whole number: 1.0 reads as 1065353216".to_owned()
        }
        (Type::Fixed32 | Type::Sfixed32, Type::Float) => {
            "takes the bits of the whole number for a fraction: 1065353216 reads as 1.0, and 1 as nearly 0".to_owned()
        }
        (Type::Double, Type::Fixed64 | Type::Sfixed64) => {
            "takes the bits of the fraction for a whole number: 1.0 reads as 4607182418800017408".to_owned()
        }
        (Type::Fixed64 | Type::Sfixed64, Type::Double) => {
            "takes the bits of the whole number for a fraction: 4607182418800017408 reads as 1.0, and 1 as nearly 0"
                .to_owned()
        }
        _ => NOT_FOUND.to_owned(),
    }
}

fn varint(kind: Type) -> Option<Varint> {
    Some(match kind {
        Type::Bool => Varint::Bool,
        Type::Int32 => Varint::Plain(Sign::Signed, 32),
        Type::Int64 => Varint::Plain(Sign::Signed, 64),
        Type::Uint32 => Varint::Plain(Sign::Unsigned, 32),
        Type::Uint64 => Varint::Plain(Sign::Unsigned, 64),
        Type::Sint32 => Varint::Zigzag(32),
        Type::Sint64 => Varint::Zigzag(64),
        Type::Enum => Varint::Enum,
        _ => return None,
    })
}

fn varints(from: Varint, to: Varint, closed: bool) -> String {
    let undeclared = if closed {
        "numbers that its enum does not declare read as absent, and lie among the unknown fields"
    } else {
        "numbers that its enum does not declare stay as numbers without a name"
    };
    match (from, to) {
        (Varint::Zigzag(64), Varint::Zigzag(32)) => cut(),
        (Varint::Zigzag(_), Varint::Zigzag(_)) | (Varint::Bool, Varint::Bool) => SAME.to_owned(),
        (Varint::Bool, Varint::Plain(..)) => "reads false as 0 and true as 1".to_owned(),
        (Varint::Bool, Varint::Zigzag(_)) => "takes the number for zigzag: false reads as 0, true as -1".to_owned(),
        (Varint::Bool, Varint::Enum) => format!("reads false as the value 0 and true as the value 1; {undeclared}"),
        (_, Varint::Bool) => "reads 0 as false, and any other number as true".to_owned(),
        (Varint::Enum, Varint::Zigzag(_)) => "takes the value's number for zigzag: 2 reads as 1, 1 as -1".to_owned(),
        (Varint::Plain(..), Varint::Zigzag(_)) => "takes the number for zigzag: 2 reads as 1, 1 as -1".to_owned(),
        (Varint::Zigzag(_), Varint::Plain(..)) => {
            "takes zigzag for the number itself: 1 reads as 2, -1 as 1".to_owned()
        }
        (Varint::Zigzag(_), Varint::Enum) => {
            format!("takes zigzag for the value's number: 1 reads as the value 2, -1 as the value 1; {undeclared}")
        }
        (Varint::Plain(..), Varint::Enum) => format!("takes the number for a value's number; {undeclared}"),
        (Varint::Enum, Varint::Enum) => {
            format!("reads the number that was written, under its own enum's name; {undeclared}")
        }
        (Varint::Enum, Varint::Plain(Sign::Unsigned, bits)) => {
            format!("reads the value's number; -1 as {}", largest(bits))
        }
        (Varint::Enum, Varint::Plain(Sign::Signed, _)) => "reads the value's number".to_owned(),
        (Varint::Plain(sign, from), Varint::Plain(to_sign, to)) => plain((sign, from), (to_sign, to)),
    }
}

fn plain((from_sign, from): (Sign, u8), (to_sign, to): (Sign, u8)) -> String {
    match (from_sign, to_sign) {
        _ if from > to => cut(),
        (Sign::Signed, Sign::Unsigned) => format!("reads negative numbers as large ones: -1 as {}", largest(to)),
        // What fits into more bits stays positive.
        (Sign::Unsigned, Sign::Signed) if from == to => {
            format!("reads numbers from {} on as negative: {} as -1", largest(to) / 2 + 1, largest(to))
        }
        _ => SAME.to_owned(),
    }
}

fn largest(bits: u8) -> u64 {
    if bits == 32 { u64::from(u32::MAX) } else { u64::MAX }
}

fn cut() -> String {
    "keeps the low 32 bits only: 4294967298 reads as 2".to_owned()
}
