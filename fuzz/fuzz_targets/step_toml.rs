//! Any text as the step between two versions: it loads, or says where it is wrong; and what it leaves to be rewritten
//! is compiled.

#![no_main]

use std::fs;
use std::path::{Path, PathBuf};

use libfuzzer_sys::fuzz_target;
use straddle::Protocol;
use straddle::protocol::plan::Use;
use straddle::rewrite::Rewrite;

fuzz_target!(|step: &[u8]| {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let folder = tempfile::tempdir_in(parent).expect("a temporary folder");
    let from = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/data/everything");
    for file in ["protocol.toml", "1.0.0/everything.proto", "2.0.0/everything.proto"] {
        let to = folder.path().join(file);
        fs::create_dir_all(to.parent().expect("a folder")).expect("its folder");
        fs::copy(from.join(file), to).expect("the file");
    }
    fs::write(folder.path().join("2.0.0/step.toml"), step).expect("the step");
    match Protocol::load(folder.path()) {
        Ok(protocol) => compile(&protocol),
        Err(error) => {
            assert!(!error.faults().is_empty());
            for fault in error.faults() {
                assert!(fault.line() != Some(0), "lines count from 1: {fault}");
                assert!(!fault.what().is_empty(), "says nothing: {fault}");
                assert!(!fault.advice().is_empty(), "advises nothing: {fault}");
            }
        }
    }
});

fn compile(protocol: &Protocol) {
    for (from, to) in [(0, 1), (1, 0)] {
        for message in protocol.versions()[from].pool().all_messages() {
            if let Err(why) = Rewrite::new(protocol, from, to, message.full_name(), Use::Request) {
                assert!(!why.to_string().is_empty());
            }
        }
    }
}
