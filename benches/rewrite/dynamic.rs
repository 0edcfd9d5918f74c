//! Peer (b): the same conversions over dynamic messages, written against the names of fields.
#![allow(clippy::match_same_arms, reason = "tests and peers say things plainly")]

use bytes::Bytes;
use prost::Message;
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, ReflectMessage, Value};

/// Decodes, converts, encodes.
pub(crate) fn convert(kind: &str, bytes: &Bytes, old: &MessageDescriptor, new: &MessageDescriptor) -> Vec<u8> {
    let message = DynamicMessage::decode(old.clone(), bytes.clone()).expect("what this program encoded");
    let field: Field = match kind {
        "renames" => renamed,
        "conversions" => converted,
        "nesting" => nested,
        "expressions" => expressed,
        _ => |_, name, value| (name.to_owned(), value),
    };
    let mut target = DynamicMessage::new(new.clone());
    carry(&message, &mut target, field);
    if kind == "expressions" {
        express(&message, &mut target);
    }
    target.encode_to_vec()
}

/// What a field of a message is called now, as a path, and what its value is; messages are carried over before.
type Field = fn(message: &str, name: &str, value: Value) -> (String, Value);

fn carry(source: &DynamicMessage, target: &mut DynamicMessage, field: Field) {
    let message = source.descriptor();
    for (declared, value) in source.fields() {
        // What is flattened away has no counterpart.
        if let (Value::Message(value), None) = (value, target.descriptor().get_field_by_name(declared.name()))
            && field(message.name(), declared.name(), Value::Bool(true)).0.is_empty()
        {
            carry(value, target, field);
            continue;
        }
        let (path, value) = field(message.name(), declared.name(), value.clone());
        put(target, &path, value, field);
    }
}

fn put(target: &mut DynamicMessage, path: &str, value: Value, field: Field) {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let declared = target.descriptor().get_field_by_name(name).expect("a field of the newer version");
    if let Some(rest) = rest {
        let Value::Message(within) = target.get_field_mut(&declared) else { panic!("{name} is a message") };
        put(within, rest, value, field);
        return;
    }
    let into = |value: Value| match (value, declared.kind()) {
        (Value::Message(value), Kind::Message(new))
            if value.descriptor().full_name() != new.full_name() || value.descriptor() != new =>
        {
            let mut message = DynamicMessage::new(new);
            carry(&value, &mut message, field);
            Value::Message(message)
        }
        (value, _) => value,
    };
    let value = match value {
        Value::List(values) => Value::List(values.into_iter().map(into).collect()),
        value => into(value),
    };
    target.set_field(&declared, value);
}

fn renamed(message: &str, name: &str, value: Value) -> (String, Value) {
    let new = match (message, name) {
        ("Order", "id") => "order_id",
        ("Order", "customer") => "buyer",
        ("Order", "shipping") => "address",
        ("Order", "lines") => "positions",
        ("Order", "total") => "amount",
        ("Order", "status") => "state",
        ("Order", "note") => "remark",
        ("Order", "created") => "placed",
        ("Address", "street") => "road",
        ("Address", "city") => "town",
        ("Address", "postcode") => "zip",
        ("Address", "country") => "land",
        ("Line", "sku") => "article",
        ("Line", "quantity") => "pieces",
        ("Line", "price") => "cents",
        ("Blob" | "Many", "name") => "title",
        ("Blob", "content") => "data",
        ("Blob" | "Entry", "kind") => "sort",
        ("Many", "entries") => "rows",
        ("Entry", "key") => "label",
        ("Entry", "value") => "amount",
        (_, name) => return (format!("{name}_now"), value),
    };
    (new.to_owned(), value)
}

fn converted(message: &str, name: &str, value: Value) -> (String, Value) {
    let value = match (message, name, value) {
        ("Order", "total", Value::I64(total)) => Value::I64(total * 10),
        ("Order" | "Flat", "status", Value::EnumNumber(status)) => Value::EnumNumber(status + i32::from(status > 0)),
        ("Order" | "Flat", "created", Value::I64(seconds)) => time(seconds, 1),
        ("Flat", "updated", Value::I64(millis)) => time(millis, 1000),
        ("Line", "quantity", Value::I32(number))
        | ("Flat", "width", Value::I32(number))
        | ("Entry", "kind", Value::I32(number)) => Value::I64(number.into()),
        ("Flat", "total", Value::U64(total)) => Value::String(total.to_string()),
        #[allow(clippy::cast_possible_truncation, reason = "the messages here hold floats")]
        ("Flat", "weight", Value::F64(weight)) => Value::F32(weight as f32),
        ("Blob", "kind", Value::I32(kind)) => Value::String(kind.to_string()),
        (_, _, value) => value,
    };
    (name.to_owned(), value)
}

fn time(count: i64, a_second: i64) -> Value {
    let nanos = i32::try_from(count % a_second * (1_000_000_000 / a_second)).expect("less than a second");
    let time = prost_types::Timestamp { seconds: count / a_second, nanos };
    let mut message = DynamicMessage::new(
        prost_reflect::DescriptorPool::global()
            .get_message_by_name("google.protobuf.Timestamp")
            .expect("a well-known type"),
    );
    message.transcode_from(&time).expect("the same message");
    Value::Message(message)
}

fn nested(message: &str, name: &str, value: Value) -> (String, Value) {
    let path = match (message, name) {
        // Taken apart.
        ("Order", "shipping") => "",
        ("Order", "customer") => "buyer.name",
        ("Order", "note") => "info.note",
        ("Order", "created") => "info.created",
        ("Line", "quantity") => "price.quantity",
        ("Line", "price") => "price.price",
        ("Flat", "width") => "box.width",
        ("Flat", "height") => "box.height",
        ("Flat", "depth") => "box.depth",
        ("Flat", "created") => "times.created",
        ("Flat", "updated") => "times.updated",
        ("Blob", "kind") => "body.kind",
        ("Blob", "content") => "body.content",
        ("Entry", "key") => "pair.key",
        ("Entry", "value") => "pair.value",
        (_, name) => name,
    };
    (path.to_owned(), value)
}

fn expressed(message: &str, name: &str, value: Value) -> (String, Value) {
    let value = match (message, name, value) {
        ("Flat", "count", Value::U32(count)) => Value::U32(count * 2),
        ("Blob", "name", Value::String(name)) => Value::String(name + ".blob"),
        (_, _, value) => value,
    };
    (name.to_owned(), value)
}

/// What is made of several fields, or of absent ones.
fn express(source: &DynamicMessage, target: &mut DynamicMessage) {
    let text = |name: &str| source.get_field_by_name(name).and_then(|value| value.as_str().map(str::to_owned));
    match source.descriptor().name() {
        "Order" => {
            let note = format!("{} for {}", text("note").unwrap_or_default(), text("customer").unwrap_or_default());
            target.set_field_by_name("note", Value::String(note));
        }
        "Many" => {
            let Some(Value::List(entries)) = target.get_field_by_name_mut("entries") else { return };
            for entry in entries {
                let Value::Message(entry) = entry else { continue };
                let kind = entry.get_field_by_name("kind").and_then(|kind| kind.as_i32()).unwrap_or_default();
                entry.set_field_by_name("kind", Value::I32(kind + 1));
            }
        }
        _ => {}
    }
}
