//! Reading and writing at paths.

use crate::protocol::plan::Path;
use prost_reflect::{DynamicMessage, FieldDescriptor, Value};

/// Whether the field says something: it is present, or, without presence, not its zero. Minus zero is no zero, as on the
/// wire.
pub(super) fn is_set(message: &DynamicMessage, field: &FieldDescriptor) -> bool {
    match &*message.get_field(field) {
        _ if field.supports_presence() => message.has_field(field),
        Value::F32(value) => value.to_bits() != 0,
        Value::F64(value) => value.to_bits() != 0,
        _ => message.has_field(field),
    }
}

/// The value at the path where it is set, and all messages that lead to it are present.
pub(super) fn read(message: &DynamicMessage, path: &Path) -> Option<Value> {
    let parent = parent(message, path)?;
    is_set(&parent, path.leaf()).then(|| parent.get_field(path.leaf()).into_owned())
}

/// Whether the path leads to a field that has no presence and holds its zero.
pub(super) fn reads_as_zero(message: &DynamicMessage, path: &Path) -> bool {
    let Some(parent) = parent(message, path) else { return false };
    !path.leaf().supports_presence() && !is_set(&parent, path.leaf())
}

pub(super) fn parents_are_present(message: &DynamicMessage, path: &Path) -> bool {
    parent(message, path).is_some()
}

fn parent(message: &DynamicMessage, path: &Path) -> Option<DynamicMessage> {
    let mut message = message.clone();
    for field in path.parents() {
        if !message.has_field(field) {
            return None;
        }
        let Value::Message(inner) = message.get_field(field).into_owned() else {
            panic!("{path} leads through a scalar")
        };
        message = inner;
    }
    Some(message)
}

/// Writes a value; the messages that lead to it come into being.
pub(super) fn write(message: &mut DynamicMessage, path: &Path, value: Value) {
    let parent = path.parents().iter().fold(message, enter);
    put(parent, path.leaf(), value);
}

/// Sets a field; a zero without presence is not kept, so that messages that say the same are equal.
pub(super) fn put(message: &mut DynamicMessage, field: &FieldDescriptor, value: Value) {
    assert!(value.is_valid_for_field(field), "the plan writes {value} to {}", field.full_name());
    message.set_field(field, value);
    if !is_set(message, field) {
        message.clear_field(field);
    }
}

/// The message at the path, which comes into being where it is not there.
pub(super) fn message_at<'a>(message: &'a mut DynamicMessage, path: &Path) -> &'a mut DynamicMessage {
    path.fields().iter().fold(message, enter)
}

fn enter<'a>(message: &'a mut DynamicMessage, field: &FieldDescriptor) -> &'a mut DynamicMessage {
    message.get_field_mut(field).as_message_mut().expect("paths lead through messages")
}

/// Takes the field at the path out; the messages that lead to it stay.
pub(super) fn remove(message: &mut DynamicMessage, path: &Path) {
    if parents_are_present(message, path) {
        path.parents().iter().fold(message, enter).clear_field(path.leaf());
    }
}
