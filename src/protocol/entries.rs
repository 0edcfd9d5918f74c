//! Whether the entries of maps in a descriptor set are entries.
//!
//! A compiler writes them itself, from `map<K, V>`; in a set from elsewhere any message may say that it is one. Whoever
//! asks such a one for its key panics, long after the set was read.

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FileDescriptorSet};

/// Checks that each message that says it is an entry has a key and a value.
///
/// # Errors
/// With what is wrong.
pub(super) fn check(set: &FileDescriptorSet) -> Result<(), String> {
    set.file.iter().flat_map(|file| &file.message_type).try_for_each(check_message)
}

fn check_message(message: &DescriptorProto) -> Result<(), String> {
    let says_so = message.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry);
    if says_so && !is_entry(message) {
        return Err(format!("`{}` says that it is the entry of a map, and has no such key and value", message.name()));
    }
    message.nested_type.iter().try_for_each(check_message)
}

/// As the guide to proto3 has them under *Maps*.
fn is_entry(message: &DescriptorProto) -> bool {
    let [key, value] = message.field.as_slice() else { return false };
    let is_key =
        !matches!(key.r#type(), Type::Double | Type::Float | Type::Bytes | Type::Message | Type::Group | Type::Enum)
            && key.r#type.is_some();
    let single = [key, value].iter().all(|field| field.label() == Label::Optional && field.oneof_index.is_none());
    (key.number(), value.number()) == (1, 2) && is_key && single
}
