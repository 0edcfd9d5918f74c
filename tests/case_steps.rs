//! The steps of published protocols, as an author would write them: `tests/data/cases` holds a protocol for each case.
//!
//! The protos lie beside the checkout, in `../shared/cases`; without them these tests skip, and say so.
#![cfg(feature = "cli")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use straddle::Protocol;

/// Each case, with its versions.
const CASES: [(&str, &[&str]); 10] = [
    ("cloud-tasks", &["2.0.0-beta.3", "2.0.0"]),
    ("cri-runtime", &["0.24.0", "0.25.0", "0.26.0"]),
    ("etcd-rpc", &["3.3.0", "3.4.0"]),
    ("grpc-reflection", &["1.0.0-alpha", "1.0.0"]),
    ("k8s-autoscaling", &["1.0.0", "2.0.0"]),
    ("k8s-ingress", &["1.0.0-beta.1", "1.0.0"]),
    ("kvproto-dr-auto-sync", &["5.4.0", "6.0.0"]),
    ("kvproto-peer-role", &["4.0.0", "5.0.0"]),
    ("kvproto-raw-batch-put", &["5.2.0", "5.3.0", "5.4.0"]),
    ("kvproto-runaway", &["7.1.0", "7.5.0"]),
];

fn steps() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases")
}

/// Whether the protos are there; says so on standard error (past the test runner's capture) when they are not.
fn protos_are_there() -> bool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases");
    if folder.is_dir() {
        return true;
    }
    let _ = writeln!(std::io::stderr(), "SKIPPED: {} is missing", folder.display());
    false
}

#[test]
fn each_folder_of_steps_is_a_case() {
    let mut found: Vec<String> = fs::read_dir(steps())
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().expect("names are text"))
        .collect();
    found.sort();
    assert_eq!(found, CASES.map(|(case, _)| case));
}

#[test]
fn each_case_loads_with_its_steps() {
    if !protos_are_there() {
        return;
    }
    let mut faults = Vec::new();
    for (case, versions) in CASES {
        match Protocol::load(steps().join(case)) {
            Ok(protocol) => {
                let found: Vec<String> =
                    protocol.versions().iter().map(|schema| schema.version().to_string()).collect();
                assert_eq!(found, versions, "{case}");
            }
            Err(error) => faults.push(format!("{case}: {error}")),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
