//! `--list` and `--describe`: what can be called.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::process::ExitCode;

use prost_reflect::{Cardinality, FieldDescriptor, Kind as FieldKind, MessageDescriptor, MethodDescriptor};
use serde_json::{Value, json};

use super::method::{self, Kind};
use super::schema::CallSchema;
use crate::cli::Outcome;

/// Lists the methods of a version.
pub(super) fn list(schema: &CallSchema, json: bool) -> Outcome {
    let methods = method::all(&schema.pool);
    let mut out = io::stdout().lock();
    if json {
        let methods: Vec<Value> = methods.iter().map(as_json).collect();
        serde_json::to_writer_pretty(&mut out, &methods)?;
        writeln!(out)?;
    } else {
        let names: Vec<String> = methods.iter().map(|method| method::path(method).split_off(1)).collect();
        let width = names.iter().map(String::len).max().unwrap_or_default();
        for (method, name) in methods.iter().zip(names) {
            let (request, response) = (method.input(), method.output());
            let kind = Kind::of(method).name();
            writeln!(out, "{name:<width$}  {kind:<23}  {} -> {}", request.name(), response.name())?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn as_json(method: &MethodDescriptor) -> Value {
    json!({
        "method": method::path(method).split_off(1),
        "kind": Kind::of(method).name(),
        "idempotent": method::is_idempotent(method),
        "request": method.input().full_name(),
        "response": method.output().full_name(),
    })
}

/// Prints a method with its messages and all that lie in them, as a proto would.
pub(super) fn method(method: &MethodDescriptor) -> Outcome {
    let stream = |streams: bool| if streams { "stream " } else { "" };
    let (request, response) = (method.input(), method.output());
    let mut text = format!(
        "rpc {}({}{}) returns ({}{})  // {}\n",
        method.name(),
        stream(method.is_client_streaming()),
        request.name(),
        stream(method.is_server_streaming()),
        response.name(),
        method::path(method),
    );
    let mut seen = HashSet::new();
    let mut left = vec![response, request];
    while let Some(message) = left.pop() {
        if seen.insert(message.full_name().to_owned()) {
            describe(&message, &mut text)?;
            left.extend(beneath(&message));
        }
    }
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn describe(message: &MessageDescriptor, text: &mut String) -> std::fmt::Result {
    writeln!(text, "\nmessage {} {{", message.full_name())?;
    for field in message.fields() {
        write!(text, "  {} {} = {};", type_of(&field), field.name(), field.number())?;
        if let Some(oneof) = field.containing_oneof().filter(|oneof| !oneof.is_synthetic()) {
            write!(text, "  // oneof {}", oneof.name())?;
        }
        if let FieldKind::Enum(declared) = field.kind() {
            let values: Vec<String> = declared.values().map(|value| value.name().to_owned()).collect();
            write!(text, "  // {}", values.join(", "))?;
        }
        text.push('\n');
    }
    writeln!(text, "}}")
}

fn type_of(field: &FieldDescriptor) -> String {
    if let (true, FieldKind::Message(entry)) = (field.is_map(), field.kind()) {
        let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
        return format!("map<{}, {}>", kind_name(&key.kind()), kind_name(&value.kind()));
    }
    let before = match field.cardinality() {
        Cardinality::Repeated => "repeated ",
        Cardinality::Required => "required ",
        Cardinality::Optional if field.field_descriptor_proto().proto3_optional() => "optional ",
        Cardinality::Optional => "",
    };
    format!("{before}{}", kind_name(&field.kind()))
}

fn kind_name(kind: &FieldKind) -> String {
    match kind {
        FieldKind::Message(message) if is_well_known(message) => message.full_name().to_owned(),
        FieldKind::Message(message) => message.name().to_owned(),
        FieldKind::Enum(declared) => declared.name().to_owned(),
        scalar => format!("{scalar:?}"),
    }
}

/// The messages that lie in a message, last first; those that everybody knows are left out.
fn beneath(message: &MessageDescriptor) -> Vec<MessageDescriptor> {
    let mut found = Vec::new();
    for field in message.fields() {
        let kind = match field.kind() {
            FieldKind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind(),
            kind => kind,
        };
        if let FieldKind::Message(next) = kind
            && !is_well_known(&next)
        {
            found.push(next);
        }
    }
    found.reverse();
    found
}

fn is_well_known(message: &MessageDescriptor) -> bool {
    message.package_name() == "google.protobuf"
}
