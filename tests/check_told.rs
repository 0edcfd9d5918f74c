//! What `straddle check` tells where a first user stumbled: moved packages, values that rules refuse, additions, and runs
//! that could check nothing.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;

use std::path::Path;
use std::process::Command;

use folder::{folder, write};
use program::{Run, straddle};
use serde_json::{Value, json};
use tempfile::TempDir;

const OLD: &str = r#"syntax = "proto3";
package shop.v1;

service Shop {
  rpc Get(GetRequest) returns (Item);
  rpc Put(Item) returns (Item);
  rpc Drop(GetRequest) returns (GetRequest);
}

message GetRequest { string sku = 1; }

message Item {
  string sku = 1;
  double weight = 2;
  string note = 3;
  State state = 4;
}

enum State {
  UNKNOWN = 0;
  NEW = 1;
  SOLD = 2;
  GONE = 3;
}
"#;

fn check(folder: &TempDir, arguments: &[&str]) -> Run {
    straddle(&[&["check", folder.path().to_str().expect("text")], arguments].concat())
}

fn against(old: &str, new: &str, arguments: &[&str]) -> Run {
    let (old, new) = (folder(&[("shop/shop.proto", old)]), folder(&[("shop/shop.proto", new)]));
    check(&new, &[&["--against", old.path().to_str().expect("text")], arguments].concat())
}

/// A protocol of two versions, with a step between them.
fn protocol(new: &str, step: &str) -> TempDir {
    let step = format!("from = \"1.0.0\"\n{step}");
    folder(&[
        ("protocol.toml", "name = \"shop\"\n"),
        ("1.0.0/shop.proto", OLD),
        ("2.0.0/shop.proto", new),
        ("2.0.0/step.toml", &step),
    ])
}

fn findings<'r>(report: &'r Value, rule: &str) -> Vec<&'r Value> {
    report["findings"].as_array().expect("findings").iter().filter(|row| row["rule"] == rule).collect()
}

#[test]
fn what_a_moved_package_declares_is_compared_and_the_move_is_open() {
    let moved = OLD.replace("shop.v1", "shop.v2").replace("double weight", "string weight");
    let report = against(OLD, &moved, &["--format", "json"]).ended(1, &[]).value();
    let elements: Vec<&str> =
        findings(&report, "FIELD_SAME_TYPE").iter().filter_map(|row| row["element"].as_str()).collect();
    assert_eq!(elements, ["shop.v2.Item.weight"]);
    let [told] = findings(&report, "PACKAGE_MOVED")[..] else { panic!("{report:#}") };
    assert_eq!((&told["element"], &told["verdict"], &told["line"]), (&json!("shop.v1"), &json!("open"), &json!(2)));
    assert!(told["what"].as_str().is_some_and(|what| what.contains("is compared there")), "{told:#}");
    let advice = told["advice"].as_str().expect("advice");
    assert!(advice.contains("\"shop.v1\" = \"shop.v2\" under [rename.packages]"), "{advice}");
    for gone in ["METHOD_GONE", "STRADDLE_SERVICE_NO_DELETE", "PACKAGE_NO_DELETE"] {
        assert!(findings(&report, gone).is_empty(), "{gone}: {report:#}");
    }
    // The working protos of a protocol that moved on.
    let shop = folder(&[("protocol.toml", "name = \"shop\"\n"), ("1.0.0/shop.proto", OLD)]);
    let working = folder(&[("shop.proto", moved.as_str())]);
    let run = check(&working, &["--against", shop.path().to_str().expect("text")]).ended(1, &[]);
    assert!(run.out.contains("OPEN shop.v2.Item.weight") && run.out.contains("PACKAGE_MOVED"), "{}", run.out);
}

#[test]
fn packages_that_have_nothing_in_common_did_not_move() {
    let other = "syntax = \"proto3\";\npackage store.v1;\nmessage Pallet { string code = 1; }\n";
    let report = against(OLD, other, &["--format", "json"]).ended(1, &[]).value();
    assert!(findings(&report, "PACKAGE_MOVED").is_empty(), "{report:#}");
    assert_eq!(findings(&report, "PACKAGE_NO_DELETE").len(), 1);
}

#[test]
fn a_step_that_does_not_say_that_a_package_moved_is_told_so() {
    let moved = OLD.replace("shop.v1", "shop.v2");
    let run = check(&protocol(&moved, ""), &[]).ended(1, &[]);
    assert!(run.out.contains("nothing of the two is compared"), "{}", run.out);
    let said = protocol(&moved, "[rename.packages]\n\"shop.v1\" = \"shop.v2\"\n");
    let run = check(&said, &[]).ended(0, &[]);
    assert!(!run.out.contains("PACKAGE_MOVED"), "{}", run.out);
}

const NARROW: &str =
    "[messages.\"shop.v1.Item\"]\nrules = [{ old = \"weight\", new = \"weight\", text = \"decimal\" }]\n";

fn narrow() -> String {
    OLD.replace("double weight", "string weight").replace("  GONE = 3;\n", "")
}

#[test]
fn values_that_rules_refuse_are_counted_and_named_with_their_finding() {
    let step = format!("accept_refused_responses = [\"shop.v1.Shop\"]\n{NARROW}");
    let shop = protocol(&narrow(), &step);
    let report = check(&shop, &["--format", "json"]).ended(0, &[]).value();
    let refused = report["steps"][0]["refused_by_value"].as_array().expect("rows");
    let named: Vec<(&str, &str)> = refused
        .iter()
        .map(|row| (row["direction"].as_str().expect("text"), row["element"].as_str().expect("text")))
        .collect();
    assert_eq!(named, [("up", "shop.v1.Item.state"), ("down", "shop.v1.Item.weight")]);
    let whys = json!(["a text may be no number", "its zero has no counterpart"]);
    assert_eq!(refused[1]["why"], whys);
    assert_eq!(refused[1]["uses"], json!(["request", "response", "stored"]));
    let weight = findings(&report, "FIELD_SAME_TYPE")[0];
    assert_eq!(weight["refuses_values"], json!({ "up": [], "down": whys }));
    let text = check(&shop, &[]).ended(0, &[]).out;
    for part in [
        "      refuses a value on its way down where a text may be no number, or where its zero has no counterpart\n",
        "\n  what is refused by its value\n    up   shop.v1.Item.state: the value GONE has no counterpart (request, response, stored)\n",
        " 0 refused, 0 open; 0 losses; refused by value: 1 up, 1 down; ",
    ] {
        assert!(text.contains(part), "{part:?} is missing from\n{text}");
    }
}

#[test]
fn a_late_refusal_names_all_its_causes_once_for_all_methods() {
    let both = |text: &str| {
        text.contains("`shop.v1.Item.weight`: its zero has no counterpart, or a text may be no number")
            && text.contains("`shop.v1.Item.state`: the values LOST, FOUND have no counterpart")
    };
    let new = OLD
        .replace("double weight", "string weight")
        .replace("  GONE = 3;\n", "  GONE = 3;\n  LOST = 4;\n  FOUND = 5;\n");
    let rules = NARROW;
    let shop = protocol(&new, rules);
    let report = check(&shop, &["--format", "json"]).ended(1, &[]).value();
    let late = findings(&report, "LATE_REFUSAL");
    let open: Vec<&&Value> = late.iter().filter(|row| row["verdict"] == "open").collect();
    assert!(!open.is_empty(), "{report:#}");
    for row in &open {
        let what = row["what"].as_str().expect("text");
        assert!(what.contains("shop.v1.Shop.Get") && what.contains("shop.v1.Shop.Put"), "{what}");
        let advice = row["advice"].as_str().expect("text");
        assert!(
            advice.contains("accept_refused_responses, at the top of step.toml before the first [table]"),
            "{advice}"
        );
        assert_eq!(advice.matches("accept_refused_responses").count(), 1, "{advice}");
    }
    let accepted = protocol(&new, &format!("accept_refused_responses = [\"shop.v1.Shop\"]\n{rules}"));
    let report = check(&accepted, &["--format", "json"]).ended(0, &[]).value();
    let late = findings(&report, "LATE_REFUSAL");
    let all = [
        &open.iter().map(|row| row["advice"].as_str()).collect::<Vec<_>>(),
        &late.iter().map(|row| row["what"].as_str()).collect::<Vec<_>>(),
    ];
    for texts in all {
        assert!(texts.iter().flatten().any(|text| both(text)), "{texts:?}");
    }
    assert!(late.iter().any(|row| row["what"].as_str().is_some_and(|what| what.contains("for 2 causes"))), "{late:?}");
}

#[test]
fn additions_are_told_in_json_and_where_somebody_asks() {
    let new = OLD
        .replace("  State state = 4;", "  State state = 4;\n  string tag = 5;\n  Size size = 6;")
        .replace("  GONE = 3;\n", "  GONE = 3;\n  LOST = 4;\n")
        .replace("  rpc Put", "  rpc Find(GetRequest) returns (Item);\n  rpc Put")
        + "message Size { int32 cm = 1; enum Unit { CM = 0; } }\n";
    let report = against(OLD, &new, &["--format", "json"]).value();
    let added: Vec<&str> = findings(&report, "ADDITION").iter().filter_map(|row| row["element"].as_str()).collect();
    let mut sorted = added.clone();
    sorted.sort_unstable();
    let expected = ["shop.v1.Item.size", "shop.v1.Item.tag", "shop.v1.Shop.Find", "shop.v1.Size", "shop.v1.State.LOST"];
    assert_eq!(sorted, expected);
    for row in findings(&report, "ADDITION") {
        assert_eq!((&row["verdict"], &row["level"]), (&json!("compatible"), &json!("note")), "{row:#}");
        assert!(row["line"].as_u64().is_some_and(|line| line > 4), "{row:#}");
    }
    assert_eq!(report["steps"][0]["additions"], 5);
    assert_eq!(report["steps"][0]["bump"]["needed"], "minor");
    let text = against(OLD, &new, &["--fail-on", "note"]).ended(0, &[]).out;
    assert!(text.contains("\n  5 additions (--all shows them)\n") && !text.contains("what is new"), "{text}");
    let text = against(OLD, &new, &["--all"]).ended(0, &[]).out;
    let line = "    shop.v1.Item: field 5 `tag` is new; field 6 `size` is new\n";
    assert!(text.contains("\n  what is new\n") && text.contains(line), "{text}");
}

#[test]
fn quiet_prints_what_fails_and_the_sums() {
    let new = narrow() + "message Size {}\n";
    let loud = against(OLD, &new, &[]).ended(1, &[]).out;
    let quiet = against(OLD, &new, &["--quiet"]).ended(1, &[]).out;
    for part in
        ["OPEN shop.v1.Item.weight", " 1 OPEN; ", "\n  1 addition (--all shows it)\n", "\n1 error, 0 warnings\n"]
    {
        assert!(loud.contains(part) && quiet.contains(part), "{part:?} is missing from\n{quiet}");
    }
    assert!(loud.contains("shop.v1.State.GONE") && !quiet.contains("shop.v1.State.GONE"), "{quiet}");
    let nothing = against(OLD, &new, &["-q", "--fail-on", "never"]).ended(0, &[]).out;
    assert!(nothing.contains("OPEN shop.v1.Item.weight"), "{nothing}");
}

#[test]
fn of_what_the_same_is_to_be_said_is_told_together() {
    let reordered = OLD.replace("NEW = 1", "NEW = 3").replace("SOLD = 2", "SOLD = 1").replace("GONE = 3", "GONE = 2");
    let text = against(OLD, &reordered, &[]).out;
    assert_eq!(text.matches("an old reader of new bytes").count(), 1, "{text}");
    assert!(text.contains(" 3 of shop.v1.State\n") && text.contains("      - SOLD: "), "{text}");
    // Methods that nobody said anything of.
    let methods: String =
        (0..20).fold(String::new(), |all, number| all + &format!("  rpc Do{number}(GetRequest) returns (Item);\n"));
    let many = OLD.replace("  rpc Get", &format!("{methods}  rpc Get"));
    let text = against(&many, OLD, &[]).ended(1, &[]).out;
    assert!(text.contains("OPEN 20 of shop.v1.Shop\n") && text.contains("- and 8 more "), "{text}");
    assert_eq!(text.matches("[[past.refuse]]").count(), 1, "{text}");
}

#[test]
fn a_number_that_changes_type_and_name_is_read_one_way() {
    let new = OLD.replace("double weight = 2", "int64 weight_g = 2");
    let report = against(OLD, &new, &["--format", "json"]).value();
    let rows: Vec<&Value> = report["findings"].as_array().expect("rows").iter().collect();
    let of_field: Vec<&&Value> = rows.iter().filter(|row| row["element"] == "shop.v1.Item.weight_g").collect();
    assert!(of_field.len() > 3, "{report:#}");
    for row in of_field {
        for side in ["old_reader", "new_reader"] {
            let text = row["effect"][side].as_str().expect("text");
            let is_true =
                ["does not find it", "does not read the bytes as before"].iter().any(|begin| text.starts_with(begin));
            assert!(is_true, "{}: {text}", row["rule"]);
        }
    }
}

#[test]
fn a_run_that_could_check_nothing_says_so_in_each_format() {
    let protos = folder(&[("shop.proto", OLD)]);
    let path = protos.path();
    for arguments in [&["init", "-q"][..], &["add", "."]] {
        assert!(Command::new("git").args(arguments).current_dir(path).status().expect("git").success());
    }
    let run = |format: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_straddle"));
        command.args(["check", ".", "--against", "git:v9.9.9:.", "--format", format]).current_dir(path);
        let output = command.output().expect("the program");
        assert_eq!(output.status.code(), Some(2));
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        assert!(text(output.stderr).contains("v9.9.9"));
        text(output.stdout)
    };
    assert_eq!(run("text"), "");
    let value = |text: String| serde_json::from_str::<Value>(&text).expect("JSON");
    let report = value(run("json"));
    assert_eq!((&report["failed"], &report["findings"]), (&json!(true), &json!([])));
    assert!(report["error"]["message"].as_str().is_some_and(|text| text.contains("v9.9.9")), "{report:#}");
    let sarif = value(run("sarif"));
    let invocation = &sarif["runs"][0]["invocations"][0];
    assert_eq!((&invocation["executionSuccessful"], &invocation["exitCode"]), (&json!(false), &json!(2)));
    let told = &invocation["toolExecutionNotifications"][0];
    assert!(told["message"]["text"].as_str().is_some_and(|text| text.contains("v9.9.9")), "{sarif:#}");
    assert!(run("github").starts_with("::error "));
    let add = ["add", "1.0.0", "--from", "git:v9.9.9:.", "--name", "shop"];
    let status = Command::new(env!("CARGO_BIN_EXE_straddle")).args(add).current_dir(path).output().expect("add").status;
    assert_eq!(status.code(), Some(2));
}

#[test]
fn without_a_folder_the_only_protocol_is_checked() {
    let root = folder(&[("README", "")]);
    let run = |within: &str, code: i32| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_straddle"));
        let output = command.arg("check").current_dir(root.path().join(within)).output().expect("the program");
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let none = run("", 2);
    assert!(none.contains("there is no protocol here") && none.contains("--against git:v1.0.0:protos"), "{none}");
    let put = |path: &str| {
        write(root.path(), &format!("{path}/protocol.toml"), b"name = \"shop\"\n");
        write(root.path(), &format!("{path}/1.0.0/shop.proto"), OLD.as_bytes());
    };
    put("shop");
    assert!(run("", 0).contains("protocol shop: 1.0.0\n"));
    assert!(run("shop", 0).contains("protocol shop: 1.0.0\n"));
    put("schemas/one");
    assert!(run("", 0).contains("straddle check schemas/one --update-lock"));
    put("schemas/two");
    let several = run("", 2);
    assert!(
        several.contains("schemas/one, schemas/two") && several.contains("straddle check schemas/one"),
        "{several}"
    );
}

#[test]
fn folders_without_protos_are_called_what_they_are() {
    let (empty, protos) = (folder(&[("README", "")]), folder(&[("shop.proto", OLD)]));
    for (new, old) in [(&empty, &protos), (&protos, &empty)] {
        let run =
            check(new, &["--against", old.path().to_str().expect("text")]).ended(2, &["no .proto files", "help: "]);
        assert!(!run.err.contains("version 1."), "{}", run.err);
        assert!(run.err.contains(&empty.path().display().to_string()), "{}", run.err);
    }
}

#[test]
fn a_changed_version_is_shown_where_it_changed_or_as_a_whole() {
    let (before, now) = (protocol(&narrow(), NARROW), protocol(&narrow(), NARROW));
    let of = |report: &Value| findings(report, "VERSION_CHANGED")[0].clone();
    check(&now, &["--update-lock"]);
    write(now.path(), "2.0.0/shop.proto", narrow().replace("string note = 3", "bytes note = 3").as_bytes());
    let row = of(&check(&now, &["--format", "json"]).ended(1, &[]).value());
    assert_eq!(row["line"], Value::Null, "a digest does not say where: {row:#}");
    assert!(row["file"].as_str().is_some_and(|file| file.ends_with("2.0.0/shop.proto")), "{row:#}");
    let report = check(&now, &["--format", "json", "--against", before.path().to_str().expect("text")]).value();
    let line = narrow().lines().position(|line| line.contains("note")).expect("the note") + 1;
    assert_eq!(of(&report)["line"], json!(line));
    // Of several files it may be any; the lock is what says so.
    write(now.path(), "2.0.0/other.proto", b"syntax = \"proto3\";\npackage shop.v1;\nmessage Other {}\n");
    let row = of(&check(&now, &["--format", "json"]).ended(1, &[]).value());
    assert!(row["file"].as_str().is_some_and(|file| Path::new(file).ends_with("straddle.lock")), "{row:#}");
}
