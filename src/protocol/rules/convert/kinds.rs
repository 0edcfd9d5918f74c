//! What a field holds, as far as conversions tell it apart.

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Syntax};

use crate::protocol::plan::Form;

/// What a single value of a field is. Wrappers are what they wrap.
#[derive(Clone, Debug)]
pub(super) enum Class {
    Integer(Kind),
    Float {
        single: bool,
    },
    Bool,
    Text,
    Bytes,
    Enum(EnumDescriptor),
    Timestamp,
    Duration,
    Any,
    /// A well-known type whose bytes mean the same in any protocol.
    Fixed(String),
    Message(MessageDescriptor),
}

impl Class {
    pub(super) fn of(field: &FieldDescriptor) -> Self {
        match form(field) {
            Some(Form::Timestamp) => Self::Timestamp,
            Some(Form::Duration) => Self::Duration,
            Some(Form::Plain(kind) | Form::Wrapper(kind)) => Self::of_kind(kind),
            None => Self::of_kind(field.kind()),
        }
    }

    fn of_kind(kind: Kind) -> Self {
        match kind {
            Kind::Double => Self::Float { single: false },
            Kind::Float => Self::Float { single: true },
            Kind::Bool => Self::Bool,
            Kind::String => Self::Text,
            Kind::Bytes => Self::Bytes,
            Kind::Enum(declared) => Self::Enum(declared),
            Kind::Message(message) => match message.full_name() {
                "google.protobuf.Any" => Self::Any,
                "google.protobuf.Struct"
                | "google.protobuf.Value"
                | "google.protobuf.ListValue"
                | "google.protobuf.FieldMask"
                | "google.protobuf.Empty" => Self::Fixed(message.full_name().to_owned()),
                _ => Self::Message(message),
            },
            integer => Self::Integer(integer),
        }
    }

    /// Whether values of it can stand in a table.
    pub(super) fn is_listed(&self) -> bool {
        matches!(self, Self::Integer(_) | Self::Bool | Self::Text | Self::Enum(_))
    }
}

/// How a scalar lies in the field; nothing for other messages.
pub(super) fn form(field: &FieldDescriptor) -> Option<Form> {
    let Kind::Message(message) = field.kind() else { return Some(Form::Plain(field.kind())) };
    Some(match message.full_name().strip_prefix("google.protobuf.")? {
        "Timestamp" => Form::Timestamp,
        "Duration" => Form::Duration,
        "DoubleValue" => Form::Wrapper(Kind::Double),
        "FloatValue" => Form::Wrapper(Kind::Float),
        "Int64Value" => Form::Wrapper(Kind::Int64),
        "UInt64Value" => Form::Wrapper(Kind::Uint64),
        "Int32Value" => Form::Wrapper(Kind::Int32),
        "UInt32Value" => Form::Wrapper(Kind::Uint32),
        "BoolValue" => Form::Wrapper(Kind::Bool),
        "StringValue" => Form::Wrapper(Kind::String),
        "BytesValue" => Form::Wrapper(Kind::Bytes),
        _ => return None,
    })
}

/// Whether bytes of the one form are bytes of the other, where nothing is done to the value.
pub(super) fn same_bytes(one: &Form, other: &Form) -> bool {
    match (one, other) {
        // Two versions declare two enums; that they mean the same was found out before.
        (Form::Plain(Kind::Enum(_)), Form::Plain(Kind::Enum(_))) => true,
        (one, other) => one == other,
    }
}

/// The least and the greatest integer of a kind.
pub(super) fn range(kind: &Kind) -> Option<(i128, i128)> {
    Some(match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 | Kind::Enum(_) => (i32::MIN.into(), i32::MAX.into()),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => (i64::MIN.into(), i64::MAX.into()),
        Kind::Uint32 | Kind::Fixed32 => (0, u32::MAX.into()),
        Kind::Uint64 | Kind::Fixed64 => (0, u64::MAX.into()),
        Kind::Bool => (0, 1),
        _ => return None,
    })
}

/// Whether every value of the one integer kind is one of the other.
pub(super) fn holds(inner: &Kind, outer: &Kind) -> bool {
    match (range(inner), range(outer)) {
        (Some(inner), Some(outer)) => outer.0 <= inner.0 && inner.1 <= outer.1,
        _ => false,
    }
}

/// Whether readers keep numbers that the enum does not name (protobuf.dev, *Enum Behavior*).
pub(super) fn is_open(declared: &EnumDescriptor) -> bool {
    declared.parent_file().syntax() == Syntax::Proto3
}

/// Whether the field is one of several of which one is set.
pub(super) fn is_arm(field: &FieldDescriptor) -> bool {
    field.containing_oneof().is_some_and(|oneof| !oneof.is_synthetic())
}

/// The field with its type, for people: `repeated string names`.
pub(super) fn told(field: &FieldDescriptor) -> String {
    let name = |kind: &Kind| match kind {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(declared) => declared.full_name().to_owned(),
        kind => format!("{kind:?}").to_lowercase(),
    };
    match field.kind() {
        Kind::Message(entry) if field.is_map() => {
            let (key, value) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
            format!("`map<{}, {}> {}`", name(&key), name(&value), field.name())
        }
        kind if field.is_list() => format!("`repeated {} {}`", name(&kind), field.name()),
        kind => format!("`{} {}`", name(&kind), field.name()),
    }
}
