//! The digest of a schema.
//!
//! SHA-256 over one line for each thing that the wire or generated code can see, sorted, cut to 128 bits. Left out on
//! purpose: comments, the layout of files, options that change no bytes, and the well-known types, which come with the
//! compiler. So the same protos give the same digest from protox, protoc and buf.
//!
//! ```text
//! message p.Item
//! field p.Item 3 price double optional presence=false packed=false oneof= default=
//! enum p.Color closed=false
//! value p.Color 0 COLOR_UNSPECIFIED
//! method /p.Shop/Buy p.BuyRequest p.BuyResponse stream_in=false stream_out=false
//! ```

use std::collections::BTreeSet;
use std::fmt::Write;

use prost_reflect::{DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Syntax};
use sha2::{Digest, Sha256};

/// Bytes of the SHA-256 that are kept: two schemas of one name never meet by accident.
const KEPT: usize = 16;

pub(super) fn of(pool: &DescriptorPool) -> String {
    let mut lines = BTreeSet::new();
    for message in pool.all_messages().filter(|message| !is_well_known(message.package_name())) {
        describe_message(&message, &mut lines);
    }
    for declared in pool.all_enums().filter(|declared| !is_well_known(declared.package_name())) {
        describe_enum(&declared, &mut lines);
    }
    for extension in pool.all_extensions().filter(|extension| !is_well_known(extension.package_name())) {
        lines.insert(format!(
            "extension {} {} {} {:?} {:?}",
            extension.containing_message().full_name(),
            extension.number(),
            extension.full_name(),
            extension.kind(),
            extension.cardinality(),
        ));
    }
    for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        lines.insert(format!(
            "method /{}/{} {} {} stream_in={} stream_out={}",
            method.parent_service().full_name(),
            method.name(),
            method.input().full_name(),
            method.output().full_name(),
            method.is_client_streaming(),
            method.is_server_streaming(),
        ));
    }
    let mut hash = Sha256::new();
    for line in lines {
        hash.update(line.as_bytes());
        hash.update(b"\n");
    }
    hash.finalize()[..KEPT].iter().fold(String::with_capacity(KEPT * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn is_well_known(package: &str) -> bool {
    package == "google.protobuf"
}

fn describe_message(message: &MessageDescriptor, lines: &mut BTreeSet<String>) {
    lines.insert(format!("message {}", message.full_name()));
    lines.extend(message.fields().map(|field| describe_field(message, &field)));
}

fn describe_field(message: &MessageDescriptor, field: &FieldDescriptor) -> String {
    format!(
        "field {} {} {} {} {:?} presence={} packed={} group={} oneof={} default={}",
        message.full_name(),
        field.number(),
        field.name(),
        kind_name(&field.kind()),
        field.cardinality(),
        field.supports_presence(),
        field.is_packed(),
        field.is_group(),
        field
            .containing_oneof()
            .filter(|oneof| !oneof.is_synthetic())
            .map_or(String::new(), |oneof| oneof.name().to_owned()),
        field.field_descriptor_proto().default_value(),
    )
}

fn describe_enum(declared: &EnumDescriptor, lines: &mut BTreeSet<String>) {
    let closed = declared.parent_file().syntax() == Syntax::Proto2;
    lines.insert(format!("enum {} closed={closed}", declared.full_name()));
    lines.extend(
        declared.values().map(|value| format!("value {} {} {}", declared.full_name(), value.number(), value.name())),
    );
}

pub(super) fn kind_name(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(declared) => declared.full_name().to_owned(),
        scalar => format!("{scalar:?}").to_lowercase(),
    }
}
