//! Bundles that were written to harm: digest and form are right, what they hold is not.

use prost::Message;
use prost_types::descriptor_proto::ReservedRange;
use prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet};
use straddle::bundle::{Bundle, BundleError};

use crate::forge::{field, file, framed, small};

/// A bundle of one version with this proto.
fn with_file(file: FileDescriptorProto) -> Vec<u8> {
    with_set(FileDescriptorSet { file: vec![file] }.encode_to_vec())
}

fn with_set(descriptor_set: Vec<u8>) -> Vec<u8> {
    let mut body = small();
    body.whole.as_mut().expect("a whole protocol").versions[0].descriptor_set = descriptor_set;
    framed(&body.encode_to_vec())
}

fn opened(file: Vec<u8>) -> BundleError {
    let bundle = match Bundle::read(file) {
        Ok(bundle) => bundle,
        Err(error) => return error,
    };
    bundle.protocol().map(|protocol| protocol.versions().len()).expect_err("no protocol")
}

#[test]
fn what_is_no_schema_is_refused_when_it_is_used() {
    let with = |change: fn(&mut FileDescriptorProto)| {
        let mut file = file();
        change(&mut file);
        opened(with_file(file))
    };
    let cases = [
        (opened(with_set(vec![0xff])), "what 1.0.0 has is no descriptor set"),
        (with(|file| file.message_type[0].name = Some("Other".into())), "it says that the schema of 1.0.0 is"),
        (with(|file| file.syntax = Some("editions".into())), "is written in an edition"),
        (with(|file| file.syntax = Some("proto9".into())), "which nobody knows"),
        (with(|file| file.dependency = vec!["gone.proto".into()]), "contradict each other"),
        (with(|file| file.message_type[0].field[0].type_name = Some(".gone.X".into())), "contradict each other"),
        (with(|file| file.message_type[0].name = Some("\u{1b}[2J".into())), r#"the name "\u{1b}[2J" in "small.v1""#),
        (with(|file| file.message_type[0].name = None), "the name \"\""),
        (
            with(|file| {
                let options = prost_types::MessageOptions { map_entry: Some(true), ..Default::default() };
                file.message_type[0].options = Some(options);
            }),
            "`Item` says that it is the entry of a map",
        ),
        (with(|file| file.package = Some("a..b".into())), "the name \"\""),
        (with(|file| file.name = Some("a\nb".into())), "a proto's path"),
    ];
    for (error, said) in cases {
        assert!(error.is_invalid(), "{error}");
        assert!(error.to_string().contains(said), "{said:?} is not in {error}");
    }
}

#[test]
fn a_step_that_does_not_resolve_is_told_with_its_place() {
    let mut body = small();
    let versions = &mut body.whole.as_mut().expect("a whole protocol").versions;
    let step = "from = \"1.0.0\"\n\n[messages.\"small.v1.Gone\"]\nrules = []\n";
    let next = crate::forge::Bundled { version: "1.1.0".into(), step: Some(step.into()), ..versions[0].clone() };
    versions.push(next);
    let error = opened(framed(&body.encode_to_vec()));
    assert!(error.is_invalid(), "{error}");
    for said in ["<bundle of small>/1.1.0/step.toml:3", "small.v1.Gone"] {
        assert!(error.to_string().contains(said), "{said:?} is not in {error}");
    }
}

#[test]
fn bytes_that_would_become_far_more_are_refused_before_they_do() {
    // Each pair of bytes would become a message of hundreds: 1 GB for 4 MB.
    let many_fields = with_set(nested(&[2, 4, 1], &[0x12, 0x00].repeat(2 << 20)));
    let many_versions = framed(&[&[0x22][..], &varint(4 << 20), &[0x12, 0x00].repeat(2 << 20)].concat());
    let many_words = framed(&[0x0a, 0x00].repeat(2 << 20));
    for file in [many_fields, many_versions, many_words] {
        let error = opened(file);
        assert!(error.is_beyond_limits() && error.to_string().contains("2000000 records"), "{error}");
    }
}

/// These bytes as what the last field number holds, within the ones before it: `[4, 1]` is a message of a file.
fn nested(numbers: &[u8], bytes: &[u8]) -> Vec<u8> {
    numbers
        .iter()
        .fold(bytes.to_vec(), |within, number| [&[number << 3 | 2][..], &varint(within.len()), &within].concat())
}

fn varint(value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::encode_varint(value as u64, &mut bytes);
    bytes
}

#[test]
fn names_that_would_be_repeated_before_each_other_are_measured_first() {
    let within = |depth: usize, length: usize| {
        let message = |inner: Vec<DescriptorProto>| DescriptorProto {
            name: Some("N".repeat(length)),
            nested_type: inner,
            ..DescriptorProto::default()
        };
        let deepest = (1..depth).fold(message(Vec::new()), |inner, _| message(vec![inner]));
        let mut file = file();
        file.message_type = vec![deepest];
        opened(with_file(file))
    };
    assert!(within(1, 600).is_beyond_limits());
    assert!(within(60, 10).is_beyond_limits());
    // Deeper than protobuf's readers go.
    assert!(within(200, 1).is_invalid());
    let long = |change: fn(&mut FileDescriptorProto, String)| {
        let mut file = file();
        change(&mut file, "n".repeat(600));
        opened(with_file(file))
    };
    assert!(long(|file, name| file.package = Some(name)).is_beyond_limits());
    assert!(long(|file, name| file.message_type[0].field[0].name = Some(name)).is_beyond_limits());
}

#[test]
fn what_would_be_compared_each_with_each_is_counted_first() {
    let mut file = file();
    let range = |start| ReservedRange { start: Some(start), end: Some(start + 1) };
    file.message_type[0].reserved_range = (1000..2001).map(range).collect();
    let error = opened(with_file(file.clone()));
    assert!(error.is_beyond_limits() && error.to_string().contains("has 1001 ranges"), "{error}");
    file.message_type[0].reserved_range.pop();
    file.message_type[0].field.extend((2..900).map(|number| field(&format!("f{number}"), number)));
    assert!(opened(with_file(file.clone())).is_invalid(), "its digest is another one, and no more is wrong with it");
    file.message_type[0].field.extend((0..10_000).map(|number| field("again", number)));
    let error = opened(with_file(file));
    assert!(error.is_beyond_limits() && error.to_string().contains("has 10899 fields, and may have 10000"), "{error}");
}

#[test]
fn imports_that_lead_in_a_circle_or_double_do_not_end_the_program() {
    let importing = |name: String, imports: Vec<String>| FileDescriptorProto {
        name: Some(name),
        public_dependency: (0..).take(imports.len()).collect(),
        dependency: imports,
        ..FileDescriptorProto::default()
    };
    let error = opened(with_file(importing("a".into(), vec!["a".into()])));
    assert!(error.is_invalid() && error.to_string().contains("`a` is in a circle of imports"), "{error}");
    let name = |index: usize| format!("f{index}");
    let doubling = (0..60).map(|index: usize| {
        importing(name(index), [1, 2].into_iter().filter_map(|back| index.checked_sub(back)).map(name).collect())
    });
    let error = opened(with_set(FileDescriptorSet { file: doubling.collect() }.encode_to_vec()));
    assert!(error.is_invalid() && error.to_string().contains("in more ways than can be followed"), "{error}");
}

/// What was added is looked for among all that was there before, by its name and not one by one.
#[test]
fn many_messages_that_all_grow_are_related() {
    const MESSAGES: i32 = 8000;
    let grown = |fields: i32| {
        let all = (0..MESSAGES).map(|index| DescriptorProto {
            name: Some(format!("M{index}")),
            field: (1..=fields).map(|number| field(&format!("f{number}"), number)).collect(),
            ..DescriptorProto::default()
        });
        let mut file = file();
        file.message_type = all.collect();
        FileDescriptorSet { file: vec![file] }.encode_to_vec()
    };
    let mut body = small();
    let versions = &mut body.whole.as_mut().expect("a whole protocol").versions;
    versions[0].descriptor_set = grown(1);
    let next = crate::forge::Bundled { version: "1.1.0".into(), descriptor_set: grown(2), ..versions[0].clone() };
    versions.push(next);
    let file = framed(&body.encode_to_vec());
    // Each with each would take minutes here.
    let error = opened(file);
    assert!(error.to_string().contains("it says that the schema of 1.0.0 is"), "{error}");
}

/// Each method is compared with all that it reaches: a graph of messages that thousands of methods reach would cost their
/// product in time and in memory.
#[test]
fn methods_that_reach_more_than_can_be_compared_soon_are_refused() {
    let of = |number: usize| {
        let mut file = file();
        let message = |index: usize| {
            let mut next = field("next", 1);
            next.r#type = Some(prost_types::field_descriptor_proto::Type::Message.into());
            next.type_name = Some(format!(".small.v1.M{}", (index + 1) % number));
            DescriptorProto { name: Some(format!("M{index}")), field: vec![next], ..DescriptorProto::default() }
        };
        let method = |index: usize| prost_types::MethodDescriptorProto {
            name: Some(format!("Call{index}")),
            input_type: Some(format!(".small.v1.M{index}")),
            output_type: Some(format!(".small.v1.M{index}")),
            ..Default::default()
        };
        file.message_type = (0..number).map(message).collect();
        let method = (0..number).map(method).collect();
        file.service = vec![prost_types::ServiceDescriptorProto { name: Some("S".into()), method, options: None }];
        FileDescriptorSet { file: vec![file] }.encode_to_vec()
    };
    let error = opened(with_set(of(501)));
    assert!(error.is_beyond_limits() && error.to_string().contains("reach more than 500000"), "{error}");
    assert!(opened(with_set(of(100))).is_invalid(), "its digest is another one, and no more is wrong with it");
}

#[test]
fn more_messages_than_can_be_related_soon_are_refused() {
    let of = |number: usize| {
        let mut file = file();
        file.message_type = (0..number)
            .map(|index| DescriptorProto { name: Some(format!("M{index}")), ..DescriptorProto::default() })
            .collect();
        FileDescriptorSet { file: vec![file] }.encode_to_vec()
    };
    let error = opened(with_set(of(20_001)));
    assert!(error.is_beyond_limits() && error.to_string().contains("20001 messages, enums and methods"), "{error}");
    let mut body = small();
    let versions = &mut body.whole.as_mut().expect("a whole protocol").versions;
    versions[0].descriptor_set = of(20_000);
    for minor in 1..6 {
        let version = format!("1.{minor}.0");
        versions.push(crate::forge::Bundled { version, ..versions[0].clone() });
    }
    let error = opened(framed(&body.encode_to_vec()));
    assert!(error.is_beyond_limits() && error.to_string().contains("120000 messages, enums and methods"), "{error}");
}
