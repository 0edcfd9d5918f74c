//! A protocol's folder, whatever its files say: it loads, or each fault says where it is and what to do.
//!
//! The input is the files one after the other, each behind a line `== path`.

#![no_main]

use std::fs;
use std::path::{Component, Path, PathBuf};

use libfuzzer_sys::fuzz_target;
use straddle::Protocol;
use straddle::dispatch::Walk;

/// More files than this are more of the same.
const FILES: usize = 12;

fuzz_target!(|input: &[u8]| {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let folder = tempfile::tempdir_in(parent).expect("a temporary folder");
    for (path, content) in files(input) {
        let file = folder.path().join(path);
        // A file may be in the way of a folder of the same name, or of another file.
        if fs::create_dir_all(file.parent().expect("a file in a folder")).is_ok() && !file.is_dir() {
            fs::write(file, content).expect("the file");
        }
    }
    match Protocol::load(folder.path()) {
        Ok(protocol) => check(&protocol),
        Err(error) => {
            assert!(!error.faults().is_empty());
            for fault in error.faults() {
                assert!(fault.file().is_absolute(), "no place: {fault}");
                assert!(fault.line() != Some(0), "lines count from 1: {fault}");
                assert!(!fault.what().is_empty(), "says nothing: {fault}");
                assert!(!fault.advice().is_empty(), "advises nothing: {fault}");
                assert!(fault.to_string().contains("\n  help: "), "{fault}");
            }
        }
    }
});

fn files(input: &[u8]) -> Vec<(PathBuf, &[u8])> {
    let mut found: Vec<(PathBuf, &[u8])> = Vec::new();
    let mut rest = input;
    while let Some(at) = rest.windows(3).position(|window| window == b"== ") {
        rest = &rest[at + 3..];
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let path = std::str::from_utf8(&rest[..end]).ok().map(Path::new).filter(|path| stays_within(path));
        // Without what `components` leaves out, such as a slash at the end.
        let path = path.map(|path| path.components().collect());
        rest = rest.get(end + 1..).unwrap_or_default();
        let end = rest.windows(4).position(|window| window == b"\n== ").map_or(rest.len(), |end| end + 1);
        let (content, next) = rest.split_at(end);
        found.extend(path.map(|path| (path, content)));
        rest = next;
        if found.len() == FILES {
            break;
        }
    }
    found
}

fn stays_within(path: &Path) -> bool {
    let short = path.as_os_str().len() <= 100 && path.components().count() <= 4;
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    short && plain && path.components().count() > 0 && !path.as_os_str().as_encoded_bytes().contains(&0)
}

/// Whoever holds a protocol can ask it all of this.
fn check(protocol: &Protocol) {
    let versions = protocol.versions();
    assert!(!versions.is_empty());
    assert_eq!(protocol.steps().len(), versions.len() - 1);
    for (index, schema) in versions.iter().enumerate() {
        assert_eq!(schema.digest().len(), 32);
        assert!(schema.methods().len() < 10_000);
        for (number, method) in schema.methods().iter().enumerate() {
            assert_eq!(schema.method(method.path()).map(|found| found.full_name()), Some(method.full_name()));
            let unlabelled = protocol.version_for_unlabelled(method.package()).expect("its own version has it");
            assert!(protocol.schema(unlabelled).is_some_and(|schema| schema.serves_package(method.package())));
            for node in 0..versions.len() {
                let walk = Walk::new(protocol, index, number, node);
                assert!(walk.method < versions[walk.version].methods().len());
            }
        }
    }
}
