//! What is known of values before an expression runs.

use std::fmt;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::well_known::{self, WellKnown};

/// The type of a part of an expression, so far as it is known.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
    /// Only a run tells.
    Dynamic,
    /// The type of the elements of `[]`: there is none.
    Never,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Timestamp,
    Duration,
    List(Box<Type>),
    Map(Box<Type>, Box<Type>),
    Message(MessageDescriptor),
}

impl Type {
    /// What reading a field gives.
    pub(super) fn of_field(field: &FieldDescriptor) -> Self {
        match field.kind() {
            Kind::Message(entry) if field.is_map() => Self::Map(
                Box::new(Self::of_kind(&entry.map_entry_key_field().kind())),
                Box::new(Self::of_kind(&entry.map_entry_value_field().kind())),
            ),
            kind if field.is_list() => Self::List(Box::new(Self::of_kind(&kind))),
            kind => Self::of_kind(&kind),
        }
    }

    fn of_kind(kind: &Kind) -> Self {
        match kind {
            Kind::Double | Kind::Float => Self::Double,
            Kind::Int32
            | Kind::Int64
            | Kind::Sint32
            | Kind::Sint64
            | Kind::Sfixed32
            | Kind::Sfixed64
            | Kind::Enum(_) => Self::Int,
            Kind::Uint32 | Kind::Uint64 | Kind::Fixed32 | Kind::Fixed64 => Self::Uint,
            Kind::Bool => Self::Bool,
            Kind::String => Self::String,
            Kind::Bytes => Self::Bytes,
            Kind::Message(message) => match well_known::of(message) {
                Some(WellKnown::Timestamp) => Self::Timestamp,
                Some(WellKnown::Duration) => Self::Duration,
                // Its value or null.
                Some(WellKnown::Wrapper) => Self::Dynamic,
                None => Self::Message(message.clone()),
            },
        }
    }

    /// The type of what is of one of two types.
    pub(super) fn join(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Never, other) | (other, Self::Never) => other,
            (Self::List(one), Self::List(other)) => Self::List(Box::new(one.join(*other))),
            (Self::Map(key, value), Self::Map(other_key, other_value)) => {
                Self::Map(Box::new(key.join(*other_key)), Box::new(value.join(*other_value)))
            }
            _ => Self::Dynamic,
        }
    }

    /// Whether nothing is known that speaks against anything.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Dynamic | Self::Never)
    }

    /// Whether its values can be of any length.
    pub(super) fn may_be_long(&self) -> bool {
        self.is_open() || matches!(self, Self::String | Self::Bytes | Self::List(_) | Self::Map(..))
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Uint | Self::Double)
    }

    /// Whether values of the two may be equal at all. Numbers compare with each other.
    pub(super) fn may_equal(&self, other: &Self) -> bool {
        match (self, other) {
            (one, other) if one.is_open() || other.is_open() || one == other => true,
            (one, other) if one.is_number() && other.is_number() => true,
            (Self::List(one), Self::List(other)) => one.may_equal(other),
            (Self::Map(key, value), Self::Map(other_key, other_value)) => {
                key.may_equal(other_key) && value.may_equal(other_value)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dynamic | Self::Never => formatter.write_str("any value"),
            Self::Null => formatter.write_str("null"),
            Self::Bool => formatter.write_str("bool"),
            Self::Int => formatter.write_str("int"),
            Self::Uint => formatter.write_str("uint"),
            Self::Double => formatter.write_str("double"),
            Self::String => formatter.write_str("string"),
            Self::Bytes => formatter.write_str("bytes"),
            Self::Timestamp => formatter.write_str("timestamp"),
            Self::Duration => formatter.write_str("duration"),
            Self::List(element) => write!(formatter, "list of {element}"),
            Self::Map(key, value) => write!(formatter, "map of {key} to {value}"),
            Self::Message(message) => write!(formatter, "message {}", message.full_name()),
        }
    }
}

/// A type's name as a sentence has it: "an int", "a bool".
pub(super) fn with_article(name: impl fmt::Display) -> String {
    let name = name.to_string();
    match name.as_str() {
        "bytes" | "any value" => name,
        // CEL's own name of the type is the second one.
        "null" | "null_type" => "null".to_owned(),
        _ if name.starts_with(['a', 'e', 'i', 'o']) => format!("an {name}"),
        _ => format!("a {name}"),
    }
}
