//! Bundles that are as large as they may be, each in one way.

use prost::Message;
use prost_types::descriptor_proto::ReservedRange;
use prost_types::field_descriptor_proto::Type;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto,
};

use crate::forge::{Bundled, field, file, framed, small};

/// What a bundle is the worst by, and how it is made.
type Case = (&'static str, fn() -> Vec<u8>);

/// All that are measured.
pub(crate) const CASES: [Case; 9] = [
    ("fields", fields),
    ("values", values),
    ("names", names),
    ("ranges", ranges),
    ("renames", renames),
    ("history", history),
    ("methods", methods),
    ("rules", rules),
    ("depth", depth),
];

/// A bundle of versions with these protos and these steps.
fn bundle(versions: Vec<(FileDescriptorProto, Option<String>)>) -> Vec<u8> {
    let mut body = small();
    let whole = body.whole.as_mut().expect("a whole protocol");
    let first = whole.versions.remove(0);
    for (index, (file, step)) in versions.into_iter().enumerate() {
        let descriptor_set = FileDescriptorSet { file: vec![file] }.encode_to_vec();
        whole.versions.push(Bundled { version: format!("{}.0.0", index + 1), descriptor_set, step, ..first.clone() });
    }
    framed(&body.encode_to_vec())
}

fn with(messages: Vec<DescriptorProto>) -> FileDescriptorProto {
    FileDescriptorProto { message_type: messages, ..file() }
}

fn message(name: String, field: Vec<FieldDescriptorProto>) -> DescriptorProto {
    DescriptorProto { name: Some(name), field, ..DescriptorProto::default() }
}

/// A field that takes few records.
fn short(name: &str, number: i32) -> FieldDescriptorProto {
    FieldDescriptorProto { json_name: None, label: None, ..field(name, number) }
}

fn of_type(name: &str, number: i32, message: &str) -> FieldDescriptorProto {
    FieldDescriptorProto {
        r#type: Some(Type::Message.into()),
        type_name: Some(format!(".small.v1.{message}")),
        ..short(name, number)
    }
}

fn fields() -> Vec<u8> {
    let of = |index: usize| {
        message(format!("M{index}"), (1..=10_000).map(|number| short(&format!("f{number}"), number)).collect())
    };
    bundle(vec![(with((0..36).map(of).collect()), None)])
}

fn values() -> Vec<u8> {
    let of = |index: usize| EnumDescriptorProto {
        name: Some(format!("E{index}")),
        value: (0..10_000)
            .map(|number| EnumValueDescriptorProto {
                name: Some(format!("E{index}_{number}")),
                number: Some(number),
                options: None,
            })
            .collect(),
        ..EnumDescriptorProto::default()
    };
    let version = |renamed: usize| {
        let mut enums: Vec<EnumDescriptorProto> = (0..24).map(of).collect();
        let all = enums.iter_mut().flat_map(|declared| &mut declared.value);
        all.filter(|_| renamed > 0).for_each(|value| value.name = value.name.as_ref().map(|name| format!("{name}_X")));
        let uses = (0..24_i32).map(|index| FieldDescriptorProto {
            r#type: Some(Type::Enum.into()),
            type_name: Some(format!(".small.v1.E{index}")),
            ..short(&format!("e{index}"), index + 1)
        });
        FileDescriptorProto { enum_type: enums, ..with(vec![message("M".to_owned(), uses.collect())]) }
    };
    bundle(vec![(version(0), None), (version(1), Some(String::from("from = \"1.0.0\"\n")))])
}

fn names() -> Vec<u8> {
    let version = || {
        let long = "n".repeat(240);
        let messages = (0..20_000).map(|index| message(format!("{long}{index}"), vec![short(&"f".repeat(200), 1)]));
        with(messages.collect())
    };
    bundle((0..3).map(|_| (version(), None)).collect())
}

fn ranges() -> Vec<u8> {
    let version = |first: i32| {
        let of = |index: usize| DescriptorProto {
            reserved_range: (0..1000_i32)
                .map(|range| ReservedRange { start: Some(100_000 + 2 * range), end: Some(100_001 + 2 * range) })
                .collect(),
            ..message(
                format!("M{index}"),
                (0..10_000).map(|number| short(&format!("f{first}x{number}"), first + number)).collect(),
            )
        };
        with((0..16).map(of).collect())
    };
    bundle(vec![(version(1), None), (version(20_001), Some(String::from("from = \"1.0.0\"\n")))])
}

fn renames() -> Vec<u8> {
    let version = |prefix: &str| {
        let of = |index: usize| {
            message(
                format!("M{index}"),
                (1..=10_000).map(|number| short(&format!("{prefix}{number}"), number)).collect(),
            )
        };
        with((0..18).map(of).collect())
    };
    bundle(vec![(version("old"), None), (version("new"), Some(String::from("from = \"1.0.0\"\n")))])
}

/// Each version adds a field to each message, which is looked for in all versions before it.
fn history() -> Vec<u8> {
    let version = |fields: i32| {
        let of = |index: usize| {
            message(format!("M{index}"), (1..=fields).map(|number| short(&format!("f{number}"), number)).collect())
        };
        with((0..4).map(of).collect())
    };
    bundle((1..=400).map(|fields| (version(fields), None)).collect())
}

/// Each method reaches each message, and each message differs.
fn methods() -> Vec<u8> {
    const MESSAGES: usize = 400;
    let version = |kind: Type| {
        let of = |index: usize| {
            let next = (index + 1) % MESSAGES;
            let changed = FieldDescriptorProto { r#type: Some(kind.into()), ..short("changed", 2) };
            message(format!("M{index}"), vec![of_type("next", 1, &format!("M{next}")), changed])
        };
        let calls = (0..MESSAGES).map(|index| MethodDescriptorProto {
            name: Some(format!("Call{index}")),
            input_type: Some(format!(".small.v1.M{}", index % MESSAGES)),
            output_type: Some(".small.v1.M0".to_owned()),
            ..MethodDescriptorProto::default()
        });
        let service = ServiceDescriptorProto { name: Some("S".to_owned()), method: calls.collect(), options: None };
        FileDescriptorProto { service: vec![service], ..with((0..MESSAGES).map(of).collect()) }
    };
    let kinds = [Type::Double, Type::Bool, Type::Double, Type::Bool];
    let step = |index: usize| (index > 0).then(|| format!("from = \"{index}.0.0\"\n"));
    bundle(kinds.into_iter().enumerate().map(|(index, kind)| (version(kind), step(index))).collect())
}

/// Expressions, up to the size of a step, in as many steps as there may be.
fn rules() -> Vec<u8> {
    const FIELDS: i32 = 9_000;
    let version = || {
        with(vec![message("M".to_owned(), (1..=FIELDS).map(|number| short(&format!("f{number}"), number)).collect())])
    };
    let step = |from: usize| {
        let mut text = format!("from = \"{from}.0.0\"\n[messages.\"small.v1.M\"]\nrules = [\n");
        for number in 1..=FIELDS {
            let rule =
                format!("    {{ new = \"f{number}\", up = \"old.f{number} + 'a' + old.f1 + old.f2 + old.f3\" }},\n");
            if text.len() + rule.len() + 2 > 1 << 20 {
                break;
            }
            text.push_str(&rule);
        }
        text + "]\n"
    };
    bundle((0..5).map(|index| (version(), (index > 0).then(|| step(index)))).collect())
}

/// Messages in messages, as deep as readers go, in many places.
fn depth() -> Vec<u8> {
    let of = |index: usize| {
        let deepest = message("N".to_owned(), Vec::new());
        let nested = (0..40).fold(deepest, |inner, _| DescriptorProto {
            nested_type: vec![inner],
            ..message("N".to_owned(), vec![short("a", 1)])
        });
        DescriptorProto { name: Some(format!("M{index}")), ..nested }
    };
    bundle((0..3).map(|_| (with((0..480).map(of).collect()), None)).collect())
}
