//! What `straddle check --format sarif` prints, held against the schema of SARIF 2.1.0 by Microsoft's validator.
//!
//! `tests/run` brings the validator from npm into `target/tools/sarif`; without it the test skips, and says so.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use folder::{folder, write};
use program::straddle;
use serde_json::Value;

const INVENTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/inventory");

#[test]
fn the_validator_of_sarif_has_nothing_against_what_is_printed() {
    let Some(validator) = validator() else { return };
    let broken =
        folder(&[("protocol.toml", "name = \"shop\"\n"), ("1.0.0/shop.proto", "syntax = \"proto3\";\nmessage {")]);
    let old = folder(&[("shop.proto", "syntax = \"proto3\";\npackage p;\nmessage M { int32 a = 1; int32 b = 2; }\n")]);
    let new = folder(&[("a b#.proto", "syntax = \"proto3\";\npackage q;\nmessage M { string a = 1; }\n")]);
    let path = |folder: &tempfile::TempDir| folder.path().display().to_string();
    let runs = [
        vec!["check".to_owned(), INVENTORY.to_owned()],
        vec!["check".to_owned(), path(&broken)],
        vec!["check".to_owned(), path(&new), "--against".to_owned(), path(&old)],
        vec!["check".to_owned(), path(&new), "--against".to_owned(), "/nowhere".to_owned()],
    ];
    for arguments in runs {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(["--format", "sarif"]).collect();
        let told = straddle(&arguments).out;
        assert_eq!(faults(&validator, &told), "", "{arguments:?}");
        // The validator is asked rightly: it notices what the schema does not allow.
        let mut wrong: Value = serde_json::from_str(&told).expect("JSON");
        wrong["runs"][0]["tool"]["driver"].as_object_mut().expect("an object").remove("name");
        assert_ne!(faults(&validator, &wrong.to_string()), "", "{arguments:?}");
    }
}

/// What the validator calls an error.
fn faults(validator: &Path, sarif: &str) -> String {
    let folder = folder(&[]);
    write(folder.path(), "check.sarif", sarif.as_bytes());
    let mut command = Command::new(validator);
    // It wants a library for languages otherwise, which many machines do not have.
    command.env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1").arg("validate").arg("check.sarif");
    let output = command.current_dir(folder.path()).output().expect("the validator");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(text.contains("Analysis completed"), "{text}");
    text.lines().filter(|line| line.contains(": error ")).collect::<Vec<_>>().join("\n")
}

fn validator() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/sarif/node_modules/@microsoft");
    let program = folder.join("sarif-multitool-linux/Sarif.Multitool");
    if program.is_file() {
        return Some(program);
    }
    // Past the test runner's capture.
    let _ = writeln!(std::io::stderr(), "SKIPPED: no validator in {}", folder.display());
    None
}
