//! Which types read each other's bytes.

use prost_types::EnumDescriptorProto;
use prost_types::field_descriptor_proto::Type;

use super::field::Field;

/// Types of one group read each other's bytes without an error, though not always as the same value.
/// Source: <https://protobuf.dev/programming-guides/proto3/#updating>.
pub(super) fn on_wire(kind: Type) -> u8 {
    match kind {
        Type::Int32 | Type::Int64 | Type::Uint32 | Type::Uint64 | Type::Bool => 1,
        Type::Sint32 | Type::Sint64 => 2,
        Type::String => 3,
        Type::Bytes => 4,
        Type::Fixed32 | Type::Sfixed32 => 5,
        Type::Fixed64 | Type::Sfixed64 => 6,
        Type::Double => 7,
        Type::Float => 8,
        Type::Group => 9,
        Type::Message => 10,
        Type::Enum => 11,
    }
}

/// Types of one group read each other's bytes and each other's JSON. Numbers of 64 bits are texts in JSON.
pub(super) fn on_wire_and_in_json(kind: Type) -> u8 {
    match kind {
        Type::Int32 | Type::Uint32 => 1,
        Type::Int64 | Type::Uint64 => 12,
        Type::Bool => 13,
        Type::Sint32 => 14,
        other => on_wire(other),
    }
}

pub(super) fn is_64_bits(kind: Type) -> bool {
    matches!(kind, Type::Int64 | Type::Sint64 | Type::Uint64 | Type::Fixed64 | Type::Sfixed64)
}

/// Whether a field's enum is another one, but of the same short name and with all values of the old one.
pub(super) fn enum_grew(old: &Field<'_>, new: &Field<'_>) -> bool {
    let (Some(old), Some(new)) = (old.holds_enum(), new.holds_enum()) else { return false };
    old.item.name() == new.item.name() && has_all(new.item, old.item)
}

fn has_all(new: &EnumDescriptorProto, old: &EnumDescriptorProto) -> bool {
    old.value.iter().all(|was| new.value.iter().any(|is| is.name() == was.name() && is.number() == was.number()))
}
