//! Whether two messages say the same.
#![allow(clippy::format_collect, reason = "tests and peers say things plainly")]

use std::collections::{BTreeSet, HashSet};

use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, MapKey, ReflectMessage, Value};

/// What a comparison may know besides.
pub trait Knowledge {
    /// Lists that may come in any order: full names of fields.
    fn comes_in_any_order(&self, field: &FieldDescriptor) -> bool;
    /// What other versions declare under a number that this one does not know. What they read in it may differ in what
    /// they know of it in turn: it says the same where it does to one of them.
    fn declared_elsewhere(&self, message: &str, number: u32) -> Vec<FieldDescriptor>;
    /// Whether the content of a `google.protobuf.Any` can be read: a message of this type.
    fn any_content(&self, any: &DynamicMessage) -> Option<DynamicMessage>;
}

/// Nothing is known besides.
pub struct Plain;

impl Knowledge for Plain {
    fn comes_in_any_order(&self, _: &FieldDescriptor) -> bool {
        false
    }

    fn declared_elsewhere(&self, _: &str, _: u32) -> Vec<FieldDescriptor> {
        Vec::new()
    }

    fn any_content(&self, _: &DynamicMessage) -> Option<DynamicMessage> {
        None
    }
}

/// Where the messages differ; nothing where they say the same. The order of map entries and of unknown fields says
/// nothing, and not-a-number is itself.
pub fn difference(one: &DynamicMessage, other: &DynamicMessage, known: &dyn Knowledge) -> Option<String> {
    let descriptor = one.descriptor();
    if descriptor.full_name() != other.descriptor().full_name() {
        return Some(format!("is a {} and a {}", descriptor.full_name(), other.descriptor().full_name()));
    }
    if descriptor.full_name() == "google.protobuf.Any"
        && let (Some(one_content), Some(other_content)) = (known.any_content(one), known.any_content(other))
    {
        let url = [one, other].map(|any| any.get_field_by_number(1).expect("an URL").into_owned());
        if url[0] != url[1] {
            return Some(format!("type_url: {} and {}", url[0], url[1]));
        }
        return difference(&one_content, &other_content, known).map(|found| format!("value.{found}"));
    }
    let found = descriptor.fields().find_map(|field| field_difference(one, other, &field, known));
    found.or_else(|| unknown_difference(one, other, known))
}

/// How one field differs; nothing where it says the same.
pub fn field_difference(
    one: &DynamicMessage,
    other: &DynamicMessage,
    field: &FieldDescriptor,
    known: &dyn Knowledge,
) -> Option<String> {
    let (value, other_value) = (one.get_field(field), other.get_field(field));
    let found = match (one.has_field(field), other.has_field(field)) {
        (false, false) => None,
        (true, true) => value_difference(&value, &other_value, field, known),
        (true, false) => Some(format!(": {value} and absent")),
        (false, true) => Some(format!(": absent and {other_value}")),
    };
    found.map(|found| format!("{}{found}", field.name()))
}

fn value_difference(one: &Value, other: &Value, field: &FieldDescriptor, known: &dyn Knowledge) -> Option<String> {
    match (one, other) {
        (Value::List(list), Value::List(other_list)) => {
            if list.len() != other_list.len() {
                return Some(format!(": {} and {} elements", list.len(), other_list.len()));
            }
            if known.comes_in_any_order(field) {
                let same = is_permutation(list, other_list, |one, other| single(one, other, known).is_none());
                return (!same).then(|| format!(": {one} and {other}, in any order"));
            }
            let mut found = list.iter().zip(other_list).enumerate();
            found.find_map(|(index, (one, other))| Some(format!("[{index}]{}", single(one, other, known)?)))
        }
        (Value::Map(map), Value::Map(other_map)) => {
            let keys: HashSet<&MapKey> = map.keys().chain(other_map.keys()).collect();
            keys.into_iter().find_map(|key| match (map.get(key), other_map.get(key)) {
                (Some(one), Some(other)) => Some(format!("[{key:?}]{}", single(one, other, known)?)),
                (one, _) => Some(format!("[{key:?}]: only in the {}", if one.is_some() { "first" } else { "second" })),
            })
        }
        (one, other) => single(one, other, known),
    }
}

fn single(one: &Value, other: &Value, known: &dyn Knowledge) -> Option<String> {
    let same = match (one, other) {
        (Value::Message(one), Value::Message(other)) => {
            return difference(one, other, known).map(|found| format!(".{found}"));
        }
        (Value::F32(one), Value::F32(other)) => one.to_bits() == other.to_bits() || (one.is_nan() && other.is_nan()),
        (Value::F64(one), Value::F64(other)) => one.to_bits() == other.to_bits() || (one.is_nan() && other.is_nan()),
        (one, other) => one == other,
    };
    (!same).then(|| format!(": {one} and {other}"))
}

fn is_permutation<T>(one: &[T], other: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    let mut left: Vec<&T> = other.iter().collect();
    one.iter().all(|element| match left.iter().position(|candidate| same(element, candidate)) {
        Some(found) => {
            left.swap_remove(found);
            true
        }
        None => false,
    })
}

fn unknown_difference(one: &DynamicMessage, other: &DynamicMessage, known: &dyn Knowledge) -> Option<String> {
    unknown_numbers(one, other).into_iter().find_map(|number| unknown_difference_at(one, other, number, known))
}

/// The numbers under which either message holds what its version does not know.
pub fn unknown_numbers(one: &DynamicMessage, other: &DynamicMessage) -> BTreeSet<u32> {
    one.unknown_fields().chain(other.unknown_fields()).map(prost_reflect::UnknownField::number).collect()
}

/// How what lies under a number that the version does not know differs.
pub fn unknown_difference_at(
    one: &DynamicMessage,
    other: &DynamicMessage,
    number: u32,
    known: &dyn Knowledge,
) -> Option<String> {
    let name = one.descriptor().full_name().to_owned();
    let (mut encoded, mut other_encoded) = (unknown(one, number), unknown(other, number));
    let mut found = Vec::new();
    for field in known.declared_elsewhere(&name, number) {
        let (Some(one), Some(other)) = (read(&field, &encoded), read(&field, &other_encoded)) else { continue };
        found.push(format!("#{number} as {}: {}", field.full_name(), difference(&one, &other, known)?));
    }
    if !found.is_empty() {
        return Some(found.join("; "));
    }
    // Whoever reads a message of another version and writes it anew sorts what it does not know.
    for bytes in encoded.iter_mut().chain(&mut other_encoded) {
        *bytes = sorted(bytes).unwrap_or_else(|| bytes.clone());
    }
    encoded.sort();
    other_encoded.sort();
    (encoded != other_encoded).then(|| format!("#{number}: {encoded:02x?} and {other_encoded:02x?}"))
}

/// The unknown fields with this number, encoded.
fn unknown(message: &DynamicMessage, number: u32) -> Vec<Vec<u8>> {
    let fields = message.unknown_fields().filter(|field| field.number() == number);
    fields
        .map(|field| {
            let mut bytes = Vec::new();
            field.encode(&mut bytes);
            bytes
        })
        .collect()
}

/// The fields in the order of their numbers, and those within them; nothing where these are no fields.
fn sorted(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let start = bytes;
        let (number, wire) = prost::encoding::decode_key(&mut bytes).ok()?;
        if wire == prost::encoding::WireType::LengthDelimited {
            let length = usize::try_from(prost::encoding::decode_varint(&mut bytes).ok()?).ok()?;
            let (content, rest) = bytes.split_at_checked(length)?;
            let content = sorted(content).unwrap_or_else(|| content.to_vec());
            let mut field = Vec::new();
            prost::encoding::encode_key(number, wire, &mut field);
            prost::encoding::encode_varint(content.len() as u64, &mut field);
            field.extend(content);
            fields.push((number, field));
            bytes = rest;
        } else {
            prost::encoding::skip_field(wire, number, &mut bytes, prost::encoding::DecodeContext::default()).ok()?;
            fields.push((number, start[..start.len() - bytes.len()].to_vec()));
        }
    }
    fields.sort_by_key(|(number, _)| *number);
    Some(fields.into_iter().flat_map(|(_, field)| field).collect())
}

fn read(field: &FieldDescriptor, encoded: &[Vec<u8>]) -> Option<DynamicMessage> {
    DynamicMessage::decode(field.parent_message().clone(), encoded.concat().as_slice()).ok()
}

/// The same message without what its version does not know.
#[must_use]
pub fn without_unknown_fields(message: &DynamicMessage) -> DynamicMessage {
    let mut message = message.clone();
    strip(&mut message);
    message
}

fn strip(message: &mut DynamicMessage) {
    message.take_unknown_fields().for_each(std::mem::drop);
    for (_, value) in message.fields_mut() {
        match value {
            Value::Message(inner) => strip(inner),
            Value::List(values) => values.iter_mut().filter_map(Value::as_message_mut).for_each(strip),
            Value::Map(values) => values.values_mut().filter_map(Value::as_message_mut).for_each(strip),
            _ => {}
        }
    }
}

/// The message as JSON, or as its bytes where JSON cannot say it.
#[must_use]
pub fn shown(message: &DynamicMessage) -> String {
    match serde_json::to_string(message) {
        Ok(json) if message.unknown_fields().next().is_none() => json,
        _ => format!("{message} ({})", hex(&message.encode_to_vec())),
    }
}

/// Bytes, two digits each.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
