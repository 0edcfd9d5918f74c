//! What conditions of gates read, as a message: expressions are checked against it.

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, MessageDescriptor};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto, MessageOptions};

/// Shares of calls, times and counts, as they are of upgraded nodes, of the rest, and of the baseline.
pub(super) const OF_CALLS: [&str; 8] = ["errors", "refused", "p50", "p90", "p95", "p99", "calls", "rate"];
/// What is told of a value that nodes report.
pub(super) const OF_VALUES: [&str; 5] = ["sum", "min", "max", "mean", "nodes"];

/// The message that a gate reads.
pub(super) fn root() -> &'static MessageDescriptor {
    &ROOT
}

static ROOT: LazyLock<MessageDescriptor> = LazyLock::new(|| {
    let file = FileDescriptorProto {
        name: Some("gate.proto".to_owned()),
        syntax: Some("proto3".to_owned()),
        message_type: vec![gate(), side("Baseline", &OF_CALLS[..7], false), side("Rest", &OF_CALLS, true), values()],
        ..FileDescriptorProto::default()
    };
    let mut pool = DescriptorPool::new();
    // It is the same in every run, and each test of a gate reads it.
    pool.add_file_descriptor_proto(file).expect("the types that are written here fit together");
    pool.get_message_by_name("Gate").expect("the file has it")
});

fn gate() -> DescriptorProto {
    let mut message = side("Gate", &OF_CALLS, true);
    for name in ["upgraded", "nodes"] {
        add(&mut message, name, Type::Double, None, false);
    }
    add(&mut message, "caller", Type::String, None, false);
    add(&mut message, "baseline", Type::Message, Some(".Baseline"), false);
    add(&mut message, "rest", Type::Message, Some(".Rest"), false);
    message
}

fn side(name: &str, numbers: &[&str], with_values: bool) -> DescriptorProto {
    let mut message = DescriptorProto { name: Some(name.to_owned()), ..DescriptorProto::default() };
    for number in numbers {
        add(&mut message, number, Type::Double, None, false);
    }
    if with_values {
        let mut entry = DescriptorProto { name: Some("ValuesEntry".to_owned()), ..DescriptorProto::default() };
        add(&mut entry, "key", Type::String, None, false);
        add(&mut entry, "value", Type::Message, Some(".Values"), false);
        entry.options = Some(MessageOptions { map_entry: Some(true), ..MessageOptions::default() });
        message.nested_type.push(entry);
        add(&mut message, "values", Type::Message, Some(&format!(".{name}.ValuesEntry")), true);
    }
    message
}

fn values() -> DescriptorProto {
    side("Values", &OF_VALUES, false)
}

fn add(message: &mut DescriptorProto, name: &str, of: Type, type_name: Option<&str>, repeated: bool) {
    let number = i32::try_from(message.field.len()).unwrap_or_default() + 1;
    let label = if repeated { Label::Repeated } else { Label::Optional };
    message.field.push(FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(label.into()),
        r#type: Some(of.into()),
        type_name: type_name.map(str::to_owned),
        ..FieldDescriptorProto::default()
    });
}
