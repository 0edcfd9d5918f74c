//! Each rule of `straddle check`, on a change that breaks it, at the line and column that people are shown.
//!
//! Buf itself says the same of these cases, where it has been brought (`target/tools/buf`, as `cargo bench --bench check`
//! brings it); without it that test skips, and says so.
#![cfg(feature = "cli")]

#[expect(dead_code, reason = "shared with other tests")]
#[path = "support/folder.rs"]
mod folder;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use straddle::check::compare::{Options, compare};
use straddle::check::rule::RULES;
use straddle::check::{Category, Difference, Image, Side};
use tempfile::TempDir;

/// Two versions of `a.proto`, and what is found: the rule, and its line and column in the newer version (`gone` where that
/// has no such place).
///
/// A text starts with its syntax. Line 2 is the package `a`, what follows is line 3. Other files come behind `@`, with
/// their names and packages.
type Case = (&'static str, &'static str, &'static [&'static str]);

const CASES: &[Case] = &include!("data/check-rules.in");

#[test]
fn each_case_breaks_its_rules_where_it_says() {
    let mut wrong = Vec::new();
    for (old, new, expected) in CASES {
        let found: Vec<String> = differences(old, new, &Options::default()).iter().map(shown).collect();
        if found != *expected {
            wrong.push(format!("    ({old:?}, {new:?}, &{found:?}),"));
        }
    }
    assert!(wrong.is_empty(), "not as expected, but:\n{}", wrong.join("\n"));
}

#[test]
fn each_rule_has_a_case() {
    let shown: BTreeSet<&str> =
        CASES.iter().flat_map(|(_, _, expected)| expected.iter()).filter_map(|line| line.split(' ').next()).collect();
    let known: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(shown, known);
}

#[test]
fn rules_stand_in_the_order_of_their_ids() {
    assert!(RULES.windows(2).all(|pair| pair[0].id < pair[1].id));
    for rule in RULES {
        let own = rule.id.starts_with("STRADDLE_");
        assert_eq!(own, rule.categories == [Category::Straddle], "{}", rule.id);
        assert!(rule.purpose.ends_with('.') && !rule.categories.is_empty(), "{}", rule.id);
    }
}

#[test]
fn a_version_differs_in_nothing_from_itself() {
    for text in CASES.iter().flat_map(|(old, new, _)| [old, new]) {
        assert_eq!(differences(text, text, &Options::default()), [], "{text}");
    }
}

#[test]
fn each_difference_says_what_it_is_about() {
    for (old, new, _) in CASES {
        for difference in differences(old, new, &Options::default()) {
            let Difference { element, group, what, effect, .. } = &difference;
            for text in [element, group, what, &effect.old_reader, &effect.new_reader] {
                assert!(!text.is_empty() && !text.ends_with('.') && !text.contains("  "), "{difference:?}");
            }
        }
    }
}

#[test]
fn buf_says_the_same_where_it_can_be_asked() {
    let Some(buf) = buf() else { return };
    let mut wrong = Vec::new();
    for (old, new, _) in CASES {
        let (old_tree, new_tree) = (tree(old), tree(new));
        let mut command = Command::new(&buf);
        command.args(["breaking", ".", "--against"]).arg(old_tree.path()).current_dir(new_tree.path());
        command.args(["--config", r#"{"version":"v2","breaking":{"use":["FILE","PACKAGE","WIRE_JSON","WIRE"]}}"#]);
        command.args(["--error-format", "json"]);
        let output = command.output().expect("buf");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(matches!(output.status.code(), Some(0 | 100)), "{}", String::from_utf8_lossy(&output.stderr));
        let mut said: Vec<String> = text.lines().map(buf_shown).collect();
        let ours = differences(old, new, &Options::default());
        let ours = ours.iter().filter(|difference| difference.rule.categories != [Category::Straddle]);
        let mut found: Vec<String> = ours.map(shown).collect();
        said.iter_mut().chain(&mut found).for_each(forget_column_of_default);
        said.sort();
        found.sort();
        if found != said {
            wrong.push(format!("{old}\n{new}\n  buf {said:?}\n  we  {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_was_renamed_is_compared_with_what_it_became() {
    let old = "3 message A { int32 x = 1; In in = 2; message In { B.E e = 1; } } message B { enum E { Z = 0; } } service S { rpc Get(A) returns (B); }";
    let renamed = |pairs: &[(&str, &str)]| Options {
        renamed: pairs.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect(),
    };
    let cases: [(&str, Options, &[&str]); 4] = [
        (
            "3 message C { sint32 x = 1; In in = 2; message In { B.E e = 1; } } message B { enum E { Z = 0; } } service S { rpc Get(C) returns (B); }",
            renamed(&[("a.A", "a.C")]),
            &["FIELD_SAME_TYPE 3:13", "FIELD_WIRE_COMPATIBLE_TYPE 3:13", "FIELD_WIRE_JSON_COMPATIBLE_TYPE 3:13"],
        ),
        (
            "3 message A { int32 x = 1; In in = 2; message In { B.F e = 1; } } message B { enum F { Z = 0; } } service T { rpc Fetch(A) returns (B); }",
            renamed(&[("a.B.E", "a.B.F"), ("a.S", "a.T"), ("a.S.Get", "a.T.Fetch")]),
            &[],
        ),
        (
            "3 @ shop/b/b.proto 3 package b; message A { int32 x = 1; In in = 2; message In { B.E e = 1; } } message B { enum E { Z = 0; } } service S { rpc Get(A) returns (B); }",
            renamed(&[("a", "b")]),
            // The file has another name, and nothing tells that it is the same one.
            &["FILE_NO_DELETE gone"],
        ),
        (
            "3 message A { int32 x = 1; In in = 2; message In { B.E e = 1; } } service S { rpc Get(A) returns (B); } import \"b.proto\"; @ b.proto 3 package a; message B { enum E { Z = 0; } }",
            renamed(&[("a.B", "a.B")]),
            &[],
        ),
    ];
    for (new, options, expected) in cases {
        let found: Vec<String> = differences(old, new, &options).iter().map(shown).collect();
        assert_eq!(found, expected, "\n{new}");
    }
}

fn differences(old: &str, new: &str, options: &Options) -> Vec<Difference> {
    let [old, new] = [old, new].map(|text| {
        let tree = tree(text);
        Image::of_folder(tree.path()).unwrap_or_else(|error| panic!("{text}\n{error}"))
    });
    compare(&old, &new, options)
}

fn tree(text: &str) -> TempDir {
    let tree = TempDir::new().expect("a folder");
    for (position, file) in text.split(" @ ").enumerate() {
        let (name, file) = if position == 0 { ("a.proto", file) } else { file.split_once(' ').expect("a name") };
        let (syntax, rest) = file.split_once(' ').unwrap_or((file, ""));
        let package = if position == 0 { "package a;\n" } else { "\n" };
        let content = format!("syntax = \"proto{syntax}\";\n{package}{rest}\n");
        folder::write(tree.path(), name, content.as_bytes());
    }
    tree
}

fn shown(difference: &Difference) -> String {
    let place = difference.place.as_ref().expect("each difference has a place");
    let rule = difference.rule.id;
    match (place.side, place.file.as_str()) {
        (Side::Old, _) => format!("{rule} gone"),
        (Side::New, "a.proto") => format!("{rule} {}:{}", place.line, place.column),
        (Side::New, file) => format!("{rule} {file}:{}:{}", place.line, place.column),
    }
}

/// Buf shows a default from the word `default` on, the compiler that we use from its value on.
fn forget_column_of_default(line: &mut String) {
    if line.starts_with("FIELD_SAME_DEFAULT")
        && let Some(colon) = line.rfind(':')
    {
        line.truncate(colon);
    }
}

fn buf_shown(line: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
    let rule = value["type"].as_str().expect("a rule");
    let place = format!("{}:{}", value["start_line"], value["start_column"]);
    match value["path"].as_str() {
        None => format!("{rule} gone"),
        Some("a.proto") => format!("{rule} {place}"),
        Some(file) => format!("{rule} {file}:{place}"),
    }
}

/// Buf's program, or a word on standard error (past the test runner's capture) that it is missing.
fn buf() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/buf/node_modules/@bufbuild");
    let packages = std::fs::read_dir(&folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let found = packages
        .filter(|package| !package.ends_with("buf"))
        .map(|package| package.join("bin/buf"))
        .find(|buf| buf.is_file());
    if found.is_none() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: no buf in {}", folder.display());
    }
    found
}
