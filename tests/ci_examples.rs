//! The examples for continuous integration: that they are what they say, and work in a repository.
//!
//! They are scripts of a Unix shell, and so are the runners that they are for.
#![cfg(all(feature = "cli", unix))]

#[path = "support/repository.rs"]
mod repository;

#[path = "ci_examples/hook.rs"]
mod hook;
#[path = "ci_examples/workflow.rs"]
mod workflow;

use std::fs;
use std::path::{Path, PathBuf};

const V1: &str = "syntax = \"proto3\";\npackage shop.v1;\nmessage Item { string sku = 1; }\n";
const V1_1: &str = "syntax = \"proto3\";\npackage shop.v1;\nmessage Item { string sku = 1; string note = 2; }\n";
/// A change that nobody has said anything about.
const OPEN: &str = "syntax = \"proto3\";\npackage shop.v1;\nmessage Item { string id = 1; string note = 2; }\n";

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ci")
}

/// A `PATH` on which the built program comes first.
fn path() -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_straddle"));
    let folder = program.parent().expect("the folder of the program");
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default())
}

/// A repository with a shop of two versions, the first of them recorded in its lock.
fn shop() -> repository::Repository {
    let repository = repository::Repository::new();
    repository.write("README.md", "A shop.\n");
    repository.commit("empty");
    repository.write("schemas/shop/protocol.toml", "name = \"shop\"\n");
    repository.write("schemas/shop/1.0.0/shop.proto", V1);
    let update = std::process::Command::new(env!("CARGO_BIN_EXE_straddle"))
        .args(["check", "schemas/shop", "--update-lock"])
        .current_dir(repository.path())
        .output()
        .expect("the program");
    assert!(update.status.success(), "{}", String::from_utf8_lossy(&update.stderr));
    repository.write("schemas/shop/1.1.0/shop.proto", V1_1);
    repository.commit("v1");
    repository
}

/// Lays a file of the examples down in a repository, executable.
fn lay_down(repository: &repository::Repository, example: &str, path: &str) {
    use std::os::unix::fs::PermissionsExt;
    let text = fs::read_to_string(examples().join(example)).expect("the example");
    repository.write(path, &text);
    let file = repository.path().join(path);
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("its mode");
}
