//! The code of our own schemas is checked in; it has to be what the schemas say.
#![cfg(feature = "codegen")]

use std::fs;
use std::path::{Path, PathBuf};

/// Set this variable to write the code anew instead of comparing it.
const REGENERATE: &str = "STRADDLE_REGENERATE";

#[test]
fn generated_code_of_our_own_schemas_is_up_to_date() {
    is_up_to_date("schemas/inventory", "src/inventory/generated");
}

#[test]
fn generated_code_of_the_benchmark_is_up_to_date() {
    is_up_to_date("benches/calls/protocol", "benches/calls/generated");
}

fn is_up_to_date(protocol: &str, checked_in: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let checked_in = root.join(checked_in);
    let fresh = tempfile::tempdir().expect("a folder for fresh code");
    straddle::codegen::configure()
        .out_dir(fresh.path())
        .emit_rerun_if_changed(false)
        .compile(root.join(protocol))
        .expect("the schemas compile");
    if std::env::var_os(REGENERATE).is_some() {
        fs::create_dir_all(&checked_in).expect("the folder of checked-in code");
        for file in files(&checked_in) {
            fs::remove_file(file).expect("an old file goes away");
        }
        for file in files(fresh.path()) {
            fs::copy(&file, checked_in.join(file.file_name().expect("a file"))).expect("a fresh file is put in");
        }
    }
    let names =
        |folder: &Path| files(folder).iter().map(|file| file.file_name().map(ToOwned::to_owned)).collect::<Vec<_>>();
    assert_eq!(names(fresh.path()), names(&checked_in), "run the tests once with {REGENERATE}=1");
    for file in files(fresh.path()) {
        let old = checked_in.join(file.file_name().expect("a file"));
        let same = fs::read(&file).expect("fresh code") == fs::read(&old).expect("checked-in code");
        assert!(same, "{} is not what the schemas say: run the tests once with {REGENERATE}=1", old.display());
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}
