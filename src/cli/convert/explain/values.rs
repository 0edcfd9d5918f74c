//! Values of a message, to be shown.

use prost_reflect::{DynamicMessage, FieldDescriptor, MapKey, SerializeOptions, Value};

/// A message in JSON; what cannot be said in JSON is said as text is.
pub(super) fn json(message: &DynamicMessage) -> serde_json::Value {
    let options = SerializeOptions::new();
    message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .unwrap_or_else(|_| serde_json::Value::String(message.to_text_format()))
}

/// What the field holds at the end of these fields; none where it is absent.
pub(super) fn at(message: &DynamicMessage, fields: &[FieldDescriptor]) -> Option<Value> {
    let (first, rest) = fields.split_first()?;
    if !message.has_field(first) {
        return None;
    }
    let value = message.get_field(first);
    if rest.is_empty() { Some(value.into_owned()) } else { at(value.as_message()?, rest) }
}

/// The same in JSON.
pub(super) fn json_at(message: &DynamicMessage, fields: &[FieldDescriptor]) -> Option<serde_json::Value> {
    let field = fields.last()?;
    Some(json_of(field, at(message, fields)?))
}

/// A field's value in JSON.
pub(super) fn json_of(field: &FieldDescriptor, value: Value) -> serde_json::Value {
    // Only messages can be written, so one is made around it.
    let mut around = DynamicMessage::new(field.parent_message().clone());
    around.set_field(field, value);
    match around.serialize_with_options(serde_json::value::Serializer, &SerializeOptions::new()) {
        Ok(serde_json::Value::Object(mut fields)) if fields.contains_key(field.json_name()) => {
            fields.remove(field.json_name()).unwrap_or_default()
        }
        // A message with a JSON form of its own, as google.protobuf.Timestamp, shows no fields; others may hold what
        // JSON cannot say.
        _ => serde_json::Value::String(around.to_text_format()),
    }
}

/// A key as paths have it.
pub(super) fn key(key: &MapKey) -> String {
    match key {
        MapKey::String(key) => format!("[{key:?}]"),
        MapKey::Bool(key) => format!("[{key}]"),
        MapKey::I32(key) => format!("[{key}]"),
        MapKey::I64(key) => format!("[{key}]"),
        MapKey::U32(key) => format!("[{key}]"),
        MapKey::U64(key) => format!("[{key}]"),
    }
}
