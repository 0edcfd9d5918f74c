//! `straddle verify`, as a person or a script meets it.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;
#[path = "support/published.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod published;
#[path = "support/seed.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod seed;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use program::{Run, straddle};
use serde_json::{Value, json};
use tempfile::TempDir;

const INVENTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/inventory");

/// A protocol of two versions with one message each, and the rules of the step between them.
fn step(old: &str, new: &str, rules: &str) -> TempDir {
    let proto = |fields: &str| {
        let service = "service S { rpc Get(M) returns (M); }";
        format!("syntax = \"proto3\"; package p; message M {{ {fields} }} {service}")
    };
    let step =
        format!("from = \"1.0.0\"\naccept_refused_responses = [\"p.S\"]\n[messages.\"p.M\"]\nrules = [{rules}]\n");
    let files = [
        ("protocol.toml", "name = \"p\"\n".to_owned()),
        ("1.0.0/p.proto", proto(old)),
        ("2.0.0/p.proto", proto(new)),
        ("2.0.0/step.toml", step),
    ];
    folder::folder(&files.each_ref().map(|(path, text)| (*path, text.as_str())))
}

fn verify(folder: &Path, arguments: &[&str]) -> Run {
    straddle(&[&["verify", &folder.display().to_string()], arguments].concat())
}

/// One rule for the way up, another for the way down.
fn faulty() -> TempDir {
    let rules = "{ old = \"a\", new = \"a\", scale = 1000, direction = \"up\" }, { old = \"a\", new = \"a\", direction = \"down\" }";
    step("int64 a = 1; string name = 2;", "int64 a = 3; string name = 2;", rules)
}

#[test]
fn rules_that_contradict_each_other_are_found_with_a_small_message() {
    let folder = faulty();
    let run = verify(folder.path(), &["--seed", "7", "--json"]).ended(1, &["seed 7"]);
    let report = run.value();
    let found = report["counterexamples"].as_array().expect("a list");
    assert_eq!(found.len(), 2, "one each way: {found:#?}");
    let up = &found[0];
    assert_eq!((&up["check"], &up["direction"]), (&json!("round-trip"), &json!("up")));
    assert_eq!((&up["from"], &up["to"]), (&json!("1.0.0"), &json!("2.0.0")));
    assert_eq!((&up["field"], &up["seed"]), (&json!("p.M.a"), &json!(7)));
    assert_eq!((&up["input"], &up["got"]), (&json!({ "a": "1" }), &json!({ "a": "1000" })));
    assert_eq!(up["input_base64"], Value::Null, "JSON says all of it");
    // The way down, where 1000 times as much comes back.
    assert_eq!((&found[1]["direction"], &found[1]["input"]), (&json!("down"), &json!({ "a": "1" })));
}

#[test]
fn a_counterexample_is_had_again_by_its_seed_and_index() {
    let folder = faulty();
    let first = verify(folder.path(), &["--seed", "11", "--json"]).ended(1, &[]).value();
    let found = &first["counterexamples"][0];
    let messages = (found["index"].as_u64().expect("an index") + 1).to_string();
    let arguments = ["--seed", "11", "--json", "--step", "2.0.0..1.0.0", "--message", "M", "--messages", &messages];
    let again = verify(folder.path(), &arguments).ended(1, &[]).value();
    assert_eq!(&again["counterexamples"][0]["input"], &found["input"]);
    assert_eq!(again["counterexamples"][0]["index"], found["index"]);
}

#[test]
fn a_seed_makes_the_same_run_but_for_its_time() {
    let run = || {
        let mut report = verify(Path::new(INVENTORY), &["--seed", "3", "--messages", "20", "--json"]).value();
        for way in report["ways"].as_array_mut().expect("a list") {
            way["median_nanoseconds"] = Value::Null;
        }
        report
    };
    assert_eq!(run(), run());
}

#[test]
fn what_rules_declare_is_listed_and_no_counterexample() {
    let rules = "{ old = \"a\", new = \"a\", scale = \"1/100\", rounding = \"floor\" }, { old = \"l\", new = \"l\", beyond = \"first\" }, { old = \"gone\", drop = true }";
    let folder = step("int64 a = 1; repeated string l = 2; string gone = 9;", "int64 a = 3; string l = 4;", rules);
    let run = verify(folder.path(), &["--seed", "5", "--messages", "200"]).ended(0, &[]);
    for said in [
        "p.M.a: rounded (step.toml:4)",
        "p.M.l: one of several elements counts (step.toml:4)",
        "p.M.gone: dropped (step.toml:4)",
        "no counterexample",
    ] {
        assert!(run.out.contains(said), "{said:?} is missing from\n{}", run.out);
    }
    let report = verify(folder.path(), &["--seed", "5", "--messages", "200", "--json"]).ended(0, &[]).value();
    let up = way(&report, "up", "stored");
    assert_eq!(up["generated"], json!(200));
    let sum: u64 = ["accepted", "refused", "unreadable"].iter().map(|key| up[key].as_u64().expect("a number")).sum();
    assert_eq!(sum, 200, "{up}");
    assert!(up["dropped"].as_u64() > Some(0) && up["median_nanoseconds"].as_u64() > Some(0), "{up}");
    let down = way(&report, "down", "stored");
    let paths: Vec<&Value> = down["refusals"].as_array().expect("a list").iter().map(|each| &each["path"]).collect();
    assert!(paths.contains(&&json!("a")), "too large for the older version: {down}");
}

fn way<'a>(report: &'a Value, direction: &str, used: &str) -> &'a Value {
    let ways = report["ways"].as_array().expect("a list");
    let found = ways.iter().find(|way| way["direction"] == direction && way["use"] == used);
    found.unwrap_or_else(|| panic!("no {direction} {used} in {report:#}"))
}

#[test]
fn counterexamples_become_files() {
    let (folder, out) = (faulty(), tempfile::tempdir().expect("a folder"));
    let file = out.path().join("all.json").display().to_string();
    verify(folder.path(), &["--counterexamples", &file]).ended(1, &[]);
    let all: Value = serde_json::from_str(&fs::read_to_string(&file).expect("the file")).expect("JSON");
    assert_eq!(all.as_array().map(Vec::len), Some(2));
    let each = format!("{}/each/", out.path().display());
    verify(folder.path(), &["--counterexamples", &each]).ended(1, &[]);
    let mut names: Vec<String> = fs::read_dir(&each)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[0].starts_with("0000-p.M-up-"), "{names:?}");
    let first: Value =
        serde_json::from_str(&fs::read_to_string(format!("{each}{}", names[0])).expect("it")).expect("JSON");
    assert_eq!(first["field"], json!("p.M.a"));
}

#[test]
fn what_code_answers_and_what_is_open_is_named_and_not_tried() {
    let run = verify(Path::new(INVENTORY), &["--seed", "1", "--messages", "1", "--step", "2.0.0..3.0.0"]).ended(0, &[]);
    assert!(run.out.contains("calls that code answers"), "{}", run.out);
    assert!(run.out.contains("inventory.v2.Inventory.Confirm"), "{}", run.out);
    let open = step("int64 a = 1;", "bool a = 1;", "");
    let run = verify(open.path(), &[]).ended(1, &[]);
    for said in ["2 calls that a step leaves open", "`straddle check` says where", "nothing was tried"] {
        assert!(run.out.contains(said), "{said:?} is missing from\n{}", run.out);
    }
}

#[test]
fn arguments_that_do_not_fit_are_told() {
    for (arguments, said) in [
        (&["--step", "1.0.0..9.0.0"][..], "has no version 9.0.0; it has 1.0.0"),
        (&["--step", "1.0.0..1.0.3"], "are one version"),
        (&["--step", "1.0.0"], "write two versions with two dots between them"),
        (&["--message", "Itemm"], "did you mean `Item`?"),
        (&["--messages", "0"], "--messages"),
    ] {
        verify(Path::new(INVENTORY), arguments).ended(2, &[said]);
    }
    let mistyped = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/inventori");
    straddle(&["verify", mistyped]).ended(2, &["did you mean"]);
    let help = straddle(&["verify", "--help"]).ended(0, &[]).out;
    assert!(help.contains("Exit codes: 0 when") && help.contains("130 after Ctrl-C"), "{help}");
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_with_what_was_found_so_far() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_straddle"))
        .args(["verify", INVENTORY, "--step", "1.0.0..1.1.0", "--message", "Offer", "--messages", "1000000000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut errors = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    errors.read_line(&mut line).expect("a line");
    assert!(line.starts_with("seed "), "{line}");
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    let mut out = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut out).expect("its output");
    assert_eq!(child.wait().expect("its end").code(), Some(130), "{out}");
    assert!(out.contains("stopped before all was tried"), "{out}");
}

#[test]
fn our_own_and_published_protocols_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<_> = ["schemas/inventory", "tests/data/everything", "tests/data/every-rule"]
        .iter()
        .map(|folder| root.join(folder))
        .collect();
    if published::published().is_some() {
        folders.extend(published::CASES.map(|case| published::steps().join(case)));
    }
    // The same on every machine; others are for whoever looks for faults.
    let seed = seed::seed_or(7).to_string();
    let mut wrong = Vec::new();
    for folder in folders {
        let run = verify(&folder, &["--seed", &seed, "--messages", "24", "--json"]);
        let report = run.value();
        let tried: u64 =
            report["ways"].as_array().expect("a list").iter().filter_map(|way| way["accepted"].as_u64()).sum();
        assert!(tried > 100, "{}: only {tried} came through", folder.display());
        for found in report["counterexamples"].as_array().expect("a list") {
            wrong.push(format!("{}: {found:#}", folder.display()));
        }
    }
    assert!(wrong.is_empty(), "seed {seed}: {}", wrong.join("\n"));
}
