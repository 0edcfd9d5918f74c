//! Whether what an expression comes to may be the value of a field at all, so far as that is known before it runs.
//!
//! It says no only where [`output`](super::output) would refuse every value.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::types::Type;
use super::well_known::{self, WellKnown};

/// Whether values of this type may be values of the field; `null` leaves it absent.
pub(super) fn may_fill(gives: &Type, field: &FieldDescriptor) -> bool {
    if gives.is_open() || *gives == Type::Null {
        return true;
    }
    match (field.kind(), gives) {
        (Kind::Message(entry), gives) if field.is_map() => {
            let Type::Map(key, value) = gives else { return false };
            is_key(key, &entry.map_entry_key_field().kind()) && may_be(value, &entry.map_entry_value_field().kind())
        }
        (kind, Type::List(element)) if field.is_list() => may_be(element, &kind),
        (_, _) if field.is_list() => false,
        (kind, gives) => may_be(gives, &kind),
    }
}

/// Whether values of this type may be singular values of the kind.
fn may_be(gives: &Type, kind: &Kind) -> bool {
    if gives.is_open() {
        return true;
    }
    match kind {
        Kind::Message(message) => may_be_message(gives, message),
        // By its name.
        Kind::Enum(_) => matches!(gives, Type::Int | Type::Uint | Type::String),
        Kind::Bool => *gives == Type::Bool,
        Kind::String => *gives == Type::String,
        Kind::Bytes => *gives == Type::Bytes,
        Kind::Double | Kind::Float => gives.is_number(),
        _ => matches!(gives, Type::Int | Type::Uint),
    }
}

fn may_be_message(gives: &Type, message: &MessageDescriptor) -> bool {
    match well_known::of(message) {
        Some(WellKnown::Timestamp) => *gives == Type::Timestamp,
        Some(WellKnown::Duration) => *gives == Type::Duration,
        Some(WellKnown::Wrapper) => message.get_field(1).is_some_and(|value| may_be(gives, &value.kind())),
        None => match gives {
            Type::Message(_) => true,
            Type::Map(key, _) => !well_known::is_opaque(message) && (key.is_open() || **key == Type::String),
            _ => false,
        },
    }
}

fn is_key(gives: &Type, kind: &Kind) -> bool {
    gives.is_open()
        || match kind {
            Kind::Bool => *gives == Type::Bool,
            Kind::String => *gives == Type::String,
            _ => matches!(gives, Type::Int | Type::Uint),
        }
}
