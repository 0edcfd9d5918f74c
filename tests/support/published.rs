//! Published protocols with the steps that the tests have for them.
//!
//! The protos and the vectors lie beside the checkout, in `../shared/cases`; tests that need them skip without them, and
//! say so.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use straddle::Protocol;

/// Each case that has vectors.
pub(crate) const CASES: [&str; 10] = [
    "cloud-tasks",
    "cri-runtime",
    "etcd-rpc",
    "grpc-reflection",
    "k8s-autoscaling",
    "k8s-ingress",
    "kvproto-dr-auto-sync",
    "kvproto-peer-role",
    "kvproto-raw-batch-put",
    "kvproto-runaway",
];

/// The folder of the published protos, or a word on standard error (past the test runner's capture) that it is missing.
pub(crate) fn published() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases");
    if folder.is_dir() {
        return Some(folder);
    }
    let _ = writeln!(std::io::stderr(), "SKIPPED: {} is missing", folder.display());
    None
}

/// The folder with our steps.
pub(crate) fn steps() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases")
}

/// The protocol of a case, with our steps.
pub(crate) fn load(case: &str) -> Protocol {
    Protocol::load(steps().join(case)).unwrap_or_else(|error| panic!("{case}: {error}"))
}

/// One conversion vector, as `README.md` of the cases tells. Inputs are requests.
#[derive(Deserialize)]
pub(crate) struct Vector {
    pub(crate) step: String,
    pub(crate) direction: String,
    pub(crate) message: String,
    pub(crate) to: Option<String>,
    pub(crate) input: serde_json::Value,
    pub(crate) output: Option<serde_json::Value>,
    pub(crate) refuse: Option<String>,
}

/// The vectors of a case that was found.
pub(crate) fn vectors(case: &str) -> Vec<Vector> {
    let file = published().expect("it was looked for").join(case).join("vectors.json");
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
