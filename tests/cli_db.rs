//! `straddle db`, as a person or a script meets it.
#![cfg(feature = "cli")]

#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;

use std::fs;
use std::path::{Path, PathBuf};

use program::{straddle, straddle_reading};
use straddle::control::v1_0_0::{self, ActiveVersion};
use straddle::coordinator::database::{Embedded, Options, Store, Transaction, Write};
use straddle::rewrite::Envelope;
use tempfile::TempDir;

/// A folder with a database of one record and one value that is none.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a temporary folder"));
        let record = ActiveVersion { protocol: "shop".to_owned(), version: "2.0.0".to_owned() };
        let record = Envelope::seal_message(&straddle::control::protocol(), v1_0_0::LABEL.version, &record);
        let record = record.expect("a record").encode_to_vec();
        let store = Store::open(&place.file("data"), &Options::default()).expect("a database");
        for (key, value) in [("straddle/active/shop", record), ("value", b"\xff".to_vec())] {
            let write = vec![Write::Put { key: key.into(), value: value.into(), lease: None }];
            store.commit(&[Transaction { compare: vec![], write }]).remove(0).expect("it is written");
        }
        place
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn path(&self, name: &str) -> String {
        self.file(name).display().to_string()
    }

    /// The lines behind the first one, of what a database exports.
    fn exported(&self, data: &str) -> String {
        let run = straddle(&["db", "export", "--data", &self.path(data)]).ended(0, &["exported 2 keys of revision"]);
        run.out.split_once('\n').expect("lines").1.to_owned()
    }
}

const LINES: &str = concat!(
    r#"{"key":"straddle/active/shop","type":"straddle.control.v1.ActiveVersion","version":"1.0.0","#,
    r#""record":{"protocol":"shop","version":"2.0.0"}}"#,
    "\n",
    r#"{"key":"value","base64":"/w=="}"#,
    "\n"
);

#[test]
fn a_database_is_exported_and_imported_into_another_folder() {
    let place = Place::new();
    assert_eq!(place.exported("data"), LINES);
    let file = place.path("backup.jsonl");
    let run = straddle(&["db", "export", "--data", &place.path("data"), "--out", &file]).ended(0, &[]);
    assert!(run.out.contains("2 keys of revision 2"), "{}", run.out);
    let run = straddle(&["db", "import", "--data", &place.path("new/one"), &file]).ended(0, &[]);
    assert_eq!(run.out, "imported 2 keys as revision 3\n");
    assert_eq!(place.exported("new/one"), LINES);
    let text = fs::read_to_string(&file).expect("the export");
    let run = straddle_reading(&["db", "import", "--data", &place.path("other"), "-", "--json"], &text).ended(0, &[]);
    assert_eq!((run.value()["entries"].as_u64(), run.value()["revision"].as_u64()), (Some(2), Some(3)));
}

#[test]
fn scripts_are_told_in_json() {
    let place = Place::new();
    let (data, file) = (place.path("data"), place.path("backup.jsonl"));
    let run = straddle(&["db", "export", "--data", &data, "--out", &file, "--json"]).ended(0, &[]);
    let value = run.value();
    assert_eq!((&value["entries"], &value["revision"], &value["leftOut"]), (&2.into(), &2.into(), &0.into()));
    straddle(&["db", "export", "--data", &data, "--json"]).ended(2, &["--out"]);
}

#[test]
fn a_database_that_has_something_is_only_replaced_when_that_is_said() {
    let place = Place::new();
    let (data, file) = (place.path("data"), place.path("backup.jsonl"));
    straddle(&["db", "export", "--data", &data, "--out", &file]).ended(0, &[]);
    straddle(&["db", "import", "--data", &data, &file]).ended(1, &["has 2 keys already", "--replace"]);
    let run = straddle(&["db", "import", "--data", &data, &file, "--replace"]).ended(0, &[]);
    assert_eq!(run.out, "imported 2 keys instead of 2 as revision 3\n");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let place = Place::new();
    let (data, file) = (place.path("new"), place.path("backup.jsonl"));
    straddle(&["db", "export", "--data", &data]).ended(1, &["there is no upgrade database", "--data"]);
    assert!(!Path::new(&data).exists());
    straddle(&["db", "import", "--data", &data, &file]).ended(1, &["backup.jsonl cannot be read"]);
    assert!(!Path::new(&data).exists());
    fs::write(&file, "{\"straddle-database\":1,\"revision\":1,\"entries\":1}\n{\"key\":\n").expect("a file");
    straddle(&["db", "import", "--data", &data, &file]).ended(1, &["backup.jsonl:2: ", "nothing was imported"]);
    // What is no export takes nothing away, either.
    straddle(&["db", "import", "--data", &place.path("data"), &file, "--replace"]).ended(1, &["backup.jsonl:2: "]);
    assert_eq!(place.exported("data"), LINES);
}

#[test]
fn a_database_that_somebody_has_open_is_left_to_them() {
    let place = Place::new();
    let open = Embedded::open(&place.file("data")).expect("the database");
    let process = format!("process {}", std::process::id());
    let (data, file) = (place.path("data"), place.path("backup.jsonl"));
    fs::write(&file, "").expect("a file");
    for arguments in [vec!["db", "export", "--data", &data], vec!["db", "import", "--data", &data, &file, "--replace"]]
    {
        straddle(&arguments).ended(1, &["another program has this database open", &process, "help: stop it first"]);
    }
    drop(open);
    assert_eq!(place.exported("data"), LINES);
}

#[test]
fn an_export_that_fails_leaves_the_file_that_was_there() {
    let place = Place::new();
    let file = place.file("backup.jsonl");
    fs::write(&file, "before").expect("a file");
    straddle(&["db", "export", "--data", &place.path("nothing"), "--out", &place.path("backup.jsonl")]).ended(1, &[]);
    assert_eq!(fs::read_to_string(&file).expect("the file"), "before");
    straddle(&["db", "export", "--data", &place.path("data"), "--out", &place.path("no/folder")])
        .ended(1, &["no/folder cannot be written"]);
}
