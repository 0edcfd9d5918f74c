//! What tries rules, tried itself: on engines that err, and on rules that lose.

mod engines;
mod trips;

use std::fs;

use crate::Protocol;

/// A protocol of versions 1.0.0, 2.0.0, …, each a proto without its head and the rules of its step.
fn protocol(versions: &[(&str, &str)]) -> Protocol {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("protocol.toml"), "name = \"p\"\n").expect("a file");
    for (index, (proto, rules)) in versions.iter().enumerate() {
        let version = folder.path().join(format!("{}.0.0", index + 1));
        fs::create_dir(&version).expect("a folder");
        fs::write(version.join("p.proto"), format!("syntax = \"proto3\"; package p; {proto}")).expect("a file");
        if index > 0 {
            fs::write(version.join("step.toml"), format!("from = \"{index}.0.0\"\n{rules}\n")).expect("a file");
        }
    }
    Protocol::load(folder.path()).unwrap_or_else(|error| panic!("{error}"))
}
