//! What the rules of a step come to: plans, hops and faults.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;

#[path = "rules/document.rs"]
mod document;
#[path = "rules/faults.rs"]
mod faults;
#[path = "rules/hops.rs"]
mod hops;
#[path = "rules/plans.rs"]
mod plans;
#[path = "rules/real.rs"]
mod real;
#[path = "rules/show.rs"]
mod show;

use folder::folder;
use straddle::Protocol;
use straddle::protocol::ProtocolError;

/// A protocol of two versions; both declare package `p`, and their imports come before their messages.
fn load_versions(newer: &str, old: &str, new: &str, step: &str) -> Result<Protocol, ProtocolError> {
    let step = format!("from = \"1.0.0\"\n{step}\n");
    let (old, new) = (proto(old), proto(new));
    let folder = folder(&[("protocol.toml", "name = \"p\"\n"), ("1.0.0/p.proto", &old)]);
    folder::write(folder.path(), &format!("{newer}/p.proto"), new.as_bytes());
    folder::write(folder.path(), &format!("{newer}/step.toml"), step.as_bytes());
    Protocol::load(folder.path())
}

fn load(old: &str, new: &str, step: &str) -> Protocol {
    load_versions("2.0.0", old, new, step).unwrap_or_else(|error| panic!("{error}"))
}

/// A file of messages; of proto2 if it says `required`, of another package if it says so.
fn proto(text: &str) -> String {
    let syntax = if text.contains("required ") { "proto2" } else { "proto3" };
    let imports: Vec<String> = [("any", "Any"), ("field_mask", "FieldMask"), ("timestamp", "Timestamp")]
        .iter()
        .filter(|(_, name)| text.contains(&format!("google.protobuf.{name}")))
        .map(|(file, _)| format!("import \"google/protobuf/{file}.proto\";"))
        .collect();
    let imports = imports.join("\n");
    let package = if text.contains("package ") { "" } else { "package p;" };
    format!("syntax = \"{syntax}\";\n{package}\n{imports}\n{text}\n")
}
