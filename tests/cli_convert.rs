//! `straddle convert`, as a person or a script meets it.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;
#[path = "support/published.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod published;
#[path = "support/shop.rs"]
mod shop;

use std::fs;
use std::process::{Command, Stdio};

use program::{Conversation, Run, straddle, straddle_reading};
use serde_json::{Value, json};
use tempfile::TempDir;

const INVENTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/inventory");

struct Shop(TempDir);

impl Shop {
    fn new() -> Self {
        Self(folder::folder(shop::SHOP))
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// Converts what is on standard input.
    fn convert(&self, arguments: &str, input: &str) -> Run {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        straddle_reading(&[&["convert", &self.path("")][..], &arguments].concat(), input)
    }
}

const UP: &str = "--from 1.0.0 --to 2.0.0 --message shop.v1.Item";
const DOWN: &str = "--from 2.0.0 --to 1.0.0 --message shop.v2.StockItem";

#[test]
fn a_message_goes_to_another_version_and_back() {
    let shop = Shop::new();
    let old = json!({
        "sku": "a", "name": "Anvil", "priceCents": "4900",
        "parts": { "foot": { "name": "Foot", "count": 1 } }, "spares": [{ "name": "Horn" }],
    });
    let new = json!({
        "sku": "a", "title": "Anvil", "price": { "units": "49" }, "grade": "A",
        "parts": { "foot": { "name": "Foot", "count": 1 } }, "spares": [{ "name": "Horn" }],
    });
    let up = shop.convert(UP, &old.to_string()).ended(0, &[]);
    assert_eq!(up.value(), new);
    assert_eq!(up.out.lines().count(), 1, "one line where it is no terminal");
    assert_eq!(up.err, "");
    assert_eq!(shop.convert(DOWN, &up.out).ended(0, &[]).value(), old);
    let pretty = shop.convert(&format!("{UP} --pretty --emit-defaults"), "{}").ended(0, &[]);
    assert!(pretty.out.contains("\n  \"sku\": \"\""), "{}", pretty.out);
}

#[test]
fn versions_that_are_not_adjacent_are_crossed_in_one() {
    let shop = Shop::new();
    let up = shop.convert("--from 1.0.0 --to 2.1.0 --message Item", r#"{"sku":"a","priceCents":"100"}"#).ended(0, &[]);
    assert_eq!(up.value(), json!({ "sku": "a", "price": { "units": "1" }, "grade": "A" }));
    let down = shop.convert("--from 2.1.0 --to 1.0.0 --message StockItem", &up.out).ended(0, &[]);
    assert_eq!(down.value(), json!({ "sku": "a", "priceCents": "100" }));
}

#[test]
fn within_one_version_a_message_is_checked_and_written_anew() {
    let convert = |input: &str, more: &[&str]| {
        let arguments = ["convert", INVENTORY, "--from", "1.0.0", "--to", "1.0.3", "--message", "inventory.v1.Item"];
        straddle_reading(&[&arguments, more].concat(), input)
    };
    let run = convert(r#"{ "stock": 7, "name": "", "sku": "a" }"#, &[]).ended(0, &[]);
    assert_eq!(run.out, "{\"sku\":\"a\",\"stock\":\"7\"}\n");
    convert(r#"{"stok": 7}"#, &[]).ended(1, &["standard input", "did you mean `stock`?"]);
    convert("{", &[]).ended(1, &["this is no JSON"]);
    convert("stock: 7 sku: \"a\"", &["--in", "text"]).ended(0, &[]);
    convert("stok: 7", &["--in", "text"]).ended(1, &["no inventory.v1.Item in text format", "stok"]);
    convert(&"suppliers {".repeat(100_000), &["--in", "text"]).ended(1, &["200 messages"]);
    convert("\u{8}", &["--in", "binary"]).ended(1, &["this is no inventory.v1.Item"]);
    let explained = convert("{}", &["--explain"]).ended(0, &[]);
    assert!(explained.out.contains("the same version"), "{}", explained.out);
}

#[test]
fn every_format_holds_the_same_message() {
    let shop = Shop::new();
    let (text, binary, envelope) = (shop.path("item.txt"), shop.path("item.bin"), shop.path("item.envelope"));
    let json = r#"{"sku":"a","name":"Anvil","priceCents":"100"}"#;
    let same = "--from 1.0.0 --to 1.0.0 --message Item";
    shop.convert(&format!("{same} --out text --output {text}"), json).ended(0, &[]);
    assert_eq!(fs::read_to_string(&text).unwrap(), "sku:\"a\",name:\"Anvil\",price_cents:100\n");
    shop.convert(&format!("{same} --in text {text} --out binary -o {binary}"), "").ended(0, &[]);
    assert_eq!(fs::read(&binary).unwrap(), b"\x0a\x01a\x12\x05Anvil\x18\x64");
    shop.convert(&format!("{same} --in binary {binary} --out envelope -o {envelope}"), "").ended(0, &[]);
    // The envelope says itself what it is.
    let run = shop.convert(&format!("--in envelope --to 2.0.0 {envelope}"), "").ended(0, &[]);
    assert_eq!(run.value(), json!({ "sku": "a", "title": "Anvil", "price": { "units": "1" }, "grade": "A" }));
    let run = shop.convert(&format!("{UP} --in envelope --out envelope {envelope} -o {envelope}"), "").ended(0, &[]);
    assert_eq!(run.out, "");
    let run = shop.convert(&format!("--in envelope --to 2.0.0 {envelope} --out text"), "").ended(0, &[]);
    assert_eq!(run.out, "sku:\"a\",title:\"Anvil\",grade:\"A\",price{units:1}\n");
    // What is said besides has to agree.
    shop.convert(&format!("--from 2.1.0 --to 1.0.0 --in envelope {envelope}"), "")
        .ended(1, &["is of 2.0.0, not of 2.1.0"]);
    shop.convert(&format!("--message Part --to 1.0.0 --in envelope {envelope}"), "")
        .ended(1, &["holds a shop.v2.StockItem"]);
    shop.convert(&format!("--to 1.0.0 --in envelope {binary}"), "").ended(1, &["malformed envelope"]);
    let foreign = straddle(&["convert", INVENTORY, "--in", "envelope", "--to", "1.0.0", &envelope]);
    foreign.ended(1, &["of the protocol \"shop\", not of \"inventory\""]);
}

#[test]
fn what_the_other_version_cannot_express_is_refused_with_its_path() {
    let shop = Shop::new();
    for (input, path) in [
        (r#"{"note":"fragile"}"#, "note"),
        (r#"{"priceCents":"4999"}"#, "price_cents"),
        (r#"{"parts":{"foot":{"maker":"Acme"}}}"#, "parts[\"foot\"].maker"),
        (r#"{"spares":[{},{"maker":"Acme"}]}"#, "spares[1].maker"),
    ] {
        let run = shop.convert(UP, input).ended(3, &["refused: LOSSY", &format!("path            {path}\n")]);
        assert_eq!(run.out, "", "{input}");
    }
    let run = shop.convert(UP, r#"{"spares":[{"maker":"Acme"}]}"#);
    run.ended(3, &["2.0.0 knows no makers", "advice          write the maker into the name"]);
    // A refused message leaves the file as it was.
    let file = shop.path("kept.json");
    fs::write(&file, "kept").unwrap();
    shop.convert(&format!("{UP} -o {file}"), r#"{"note":"fragile"}"#).ended(3, &[]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
}

#[test]
fn what_is_lost_depends_on_what_the_message_is_used_for() {
    let shop = Shop::new();
    let shelf = r#"{"sku":"a","shelf":"top"}"#;
    let down = "--from 2.1.0 --to 2.0.0 --message StockItem";
    // Across a step that is not breaking, requests keep what the older version does not know, but JSON cannot show it.
    let run = shop.convert(down, shelf).ended(0, &["not shown, because 2.0.0 does not declare them: fields 10"]);
    assert_eq!(run.value(), json!({ "sku": "a" }));
    shop.convert(&format!("{down} --as stored"), shelf).ended(3, &["shelf"]);
    shop.convert(&format!("{down} --as response"), shelf).ended(0, &[]);
}

#[test]
fn lines_go_on_after_refusals_and_after_lines_that_are_no_messages() {
    let shop = Shop::new();
    let input = "{\"sku\":\"a\"}\n\n{\"sku\":\"b\",\"note\":\"fragile\"}\n{\"sku\":\"c\",\"note\":\"none\"}\n";
    let run = shop.convert(&format!("{UP} --lines"), input).ended(3, &["2 converted, 1 refused, 0 that"]);
    let [a, b, c] = run.lines().try_into().expect("three lines");
    assert_eq!((a, c), (json!({ "sku": "a", "grade": "A" }), json!({ "sku": "c", "grade": "A" })));
    assert_eq!(
        (&b["refuse"]["line"], &b["refuse"]["path"], &b["refuse"]["reason"]),
        (&json!(3), &json!("note"), &json!("LOSSY"))
    );
    assert!(b["refuse"]["why"].as_str().is_some_and(|why| !why.is_empty()), "{b}");

    let run = shop.convert(&format!("{UP} --lines"), "{\"sku\":\n{\"note\":\"x\"}\n{\"skuu\":\"c\"}\n{}").ended(1, &[]);
    let lines = run.lines();
    assert_eq!(lines.len(), 4);
    assert_eq!((&lines[0]["error"]["line"], &lines[2]["error"]["line"]), (&json!(1), &json!(3)));
    assert!(
        lines[2]["error"]["what"].as_str().is_some_and(|what| what.contains("did you mean `sku`?")),
        "{}",
        lines[2]
    );
    assert_eq!(lines[3], json!({ "grade": "A" }));

    let run = shop.convert(&format!("{UP} --lines"), "").ended(0, &[]);
    assert_eq!((run.out.as_str(), run.err.as_str()), ("", ""));
}

#[test]
fn each_line_is_answered_before_the_next_one_has_to_come() {
    let shop = Shop::new();
    let arguments = format!("{UP} --lines");
    let folder = shop.path("");
    let arguments: Vec<&str> = ["convert", &folder].into_iter().chain(arguments.split_whitespace()).collect();
    let mut conversation = Conversation::begin(&arguments);
    for sku in ["a", "b"] {
        conversation.say(&json!({ "sku": sku }).to_string());
        let heard: Value = serde_json::from_str(&conversation.hear()).expect("JSON");
        assert_eq!(heard, json!({ "sku": sku, "grade": "A" }));
    }
    assert_eq!(conversation.end(), Some(0));
}

#[test]
fn lines_go_from_file_to_file_but_never_into_their_own() {
    let shop = Shop::new();
    let (old, new) = (shop.path("old.jsonl"), shop.path("new.jsonl"));
    fs::write(&old, "{\"sku\":\"a\"}\n".repeat(3_000)).unwrap();
    let run = shop.convert(&format!("{UP} --lines {old} --output {new}"), "").ended(0, &[]);
    assert_eq!(run.out, "");
    assert_eq!(fs::read_to_string(&new).unwrap(), "{\"sku\":\"a\",\"grade\":\"A\"}\n".repeat(3_000));
    shop.convert(&format!("{UP} --lines {old} --output {old}"), "").ended(2, &["--output is the input"]);
    assert_eq!(fs::metadata(&old).unwrap().len(), 3_000 * 12);
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let shop = Shop::new();
    let file = shop.path("old.jsonl");
    fs::write(&file, "{\"sku\":\"a\"}\n".repeat(20_000)).unwrap();
    let arguments = format!("{UP} --lines {file}");
    let mut child = Command::new(env!("CARGO_BIN_EXE_straddle"))
        .args(["convert", &shop.path("")])
        .args(arguments.split_whitespace())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("its end");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

/// The rows of one hop, as (path, fate, to, rule's line or what it goes by).
fn rows(hop: &Value) -> Vec<(String, String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rule = |rule: &Value| rule["line"].as_u64().map_or_else(|| text(rule), |line| line.to_string());
    let fields = hop["fields"].as_array().expect("fields");
    fields.iter().map(|row| (text(&row["path"]), text(&row["fate"]), text(&row["to"]), rule(&row["rule"]))).collect()
}

fn row(path: &str, fate: &str, to: &str, rule: &str) -> (String, String, String, String) {
    (path.to_owned(), fate.to_owned(), to.to_owned(), rule.to_owned())
}

#[test]
fn an_explanation_names_the_rule_of_each_field_hop_by_hop() {
    let shop = Shop::new();
    let input = json!({
        "sku": "a", "name": "Anvil", "priceCents": "4900", "note": "none",
        "parts": { "foot": { "count": 1 } }, "spares": [{ "name": "Horn" }],
    });
    let arguments = "--from 1.0.0 --to 2.1.0 --message Item --explain";
    let told = shop.convert(&format!("{arguments} --json"), &input.to_string()).ended(0, &[]).value();
    assert_eq!((&told["message"], &told["target"]), (&json!("shop.v1.Item"), &json!("shop.v2.StockItem")));
    assert_eq!(told["result"]["price"], json!({ "units": "49" }));
    let [first, second] = told["hops"].as_array().expect("hops").as_slice() else { panic!("{told}") };
    assert_eq!((&first["from"], &first["to"], &second["to"]), (&json!("1.0.0"), &json!("2.0.0"), &json!("2.1.0")));
    let told_rows = rows(first);
    for expected in [
        row("sku", "moved", "sku", "name"),
        row("name", "moved", "title", "11"),
        row("price_cents", "moved", "price.units", "12"),
        row("note", "dropped", "", "13"),
        row("", "made", "grade", "14"),
        row("parts[\"foot\"].count", "moved", "parts[…].count", "name"),
        row("spares[0].name", "moved", "spares[0].name", "name"),
    ] {
        assert!(told_rows.contains(&expected), "{expected:?} is missing from {told_rows:#?}");
    }
    let price = first["fields"].as_array().unwrap().iter().find(|row| row["path"] == "price_cents").expect("the price");
    assert_eq!((&price["value"], &price["result"]), (&json!("4900"), &json!("49")));
    let said = "{ old = \"price_cents\", new = \"price.units\", scale = \"1/100\" }";
    assert_eq!(price["rule"]["text"], said);
    assert!(price["rule"]["file"].as_str().is_some_and(|file| file.ends_with("2.0.0/step.toml")), "{price}");

    let table = shop.convert(arguments, &input.to_string()).ended(0, &[]).out;
    for part in [
        "1.0.0 shop.v1.Item -> 2.0.0 shop.v2.StockItem",
        "name = \"Anvil\"",
        "title = \"Anvil\"",
        "2.0.0/step.toml)",
        "line 11 ",
    ] {
        assert!(table.contains(part), "{part:?} is missing from\n{table}");
    }
}

#[test]
fn an_explanation_ends_with_the_hop_that_refuses_and_says_why() {
    let shop = Shop::new();
    let input = r#"{"sku":"a","note":"fragile","spares":[{"maker":"Acme"}]}"#;
    let arguments = "--from 1.0.0 --to 2.1.0 --message Item --explain";
    let told = shop.convert(&format!("{arguments} --json"), input).ended(3, &["refused: LOSSY"]).value();
    assert_eq!(told["hops"].as_array().map(Vec::len), Some(1));
    let told_rows = rows(&told["hops"][0]);
    for (path, line) in [("note", "schema"), ("spares[0].maker", "19")] {
        assert!(told_rows.contains(&row(path, "refused", "", line)), "{path} is missing from {told_rows:#?}");
    }
    assert!(told["refuse"]["path"].is_string() && told.get("result").is_none(), "{told}");
    // That a value has no counterpart shows only when it is converted.
    let told = shop.convert(&format!("{arguments} --json"), r#"{"priceCents":"4999"}"#).ended(3, &[]).value();
    assert!(rows(&told["hops"][0]).contains(&row("price_cents", "refused", "", "12")), "{told}");
    // The message itself goes to a file, if it is wanted, too.
    let file = shop.path("item.json");
    shop.convert(&format!("{arguments} -o {file}"), r#"{"sku":"a"}"#).ended(0, &[]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "{\"sku\":\"a\",\"grade\":\"A\"}\n");
}

/// Each vector costs a process, so these are a part of the case with the deepest messages and of the one with two steps.
#[test]
fn explanations_of_published_messages_agree_with_what_became_of_them() {
    let Some(cases) = published::published() else { return };
    for case in ["k8s-ingress", "kvproto-raw-batch-put"] {
        let folder = published::steps().join(case).display().to_string();
        let vectors = fs::read(cases.join(case).join("vectors.json")).expect("vectors");
        let vectors: Vec<Value> = serde_json::from_slice(&vectors).expect("JSON");
        let converted = vectors.iter().enumerate().filter(|(_, vector)| vector["to"].is_string());
        for (index, vector) in converted.step_by(3) {
            let text = |key: &str| vector[key].as_str().expect(key);
            let (old, new) = text("step").split_once("..").expect("a step");
            let (from, to) = if text("direction") == "up" { (old, new) } else { (new, old) };
            let arguments = ["convert", &folder, "--from", from, "--to", to, "--message", text("message")];
            let refused = vector.get("refuse").is_some();
            let run =
                straddle_reading(&[&arguments[..], &["--explain", "--json"]].concat(), &vector["input"].to_string());
            let told = run.ended(if refused { 3 } else { 0 }, &[]).value();
            let rows: Vec<_> = told["hops"].as_array().expect("hops").iter().flat_map(rows).collect();
            let fate = |wanted: &str| rows.iter().any(|(_, fate, _, _)| fate == wanted);
            assert_eq!(fate("refused"), refused, "{case} {index}: {told:#}");
            assert!(refused || !fate("unsaid"), "{case} {index}: {told:#}");
            if !refused {
                assert_eq!(told["result"], vector["output"], "{case} {index}");
            }
        }
    }
}

#[test]
fn arguments_that_do_not_fit_are_told_with_what_would() {
    let shop = Shop::new();
    let wrong = |arguments: &str, said: &[&str]| {
        shop.convert(arguments, "{}").ended(2, said);
    };
    wrong("--from 1.0.0 --to 9.0.0 --message Item", &["shop has no version 9.0.0", "1.0.0, 2.0.0, 2.1.0"]);
    wrong(
        "--from 1.0.0 --to 2.0.0 --message shop.v1.Itm",
        &["1.0.0 declares no message", "did you mean `shop.v1.Item`?"],
    );
    wrong("--from 1.0.0 --to 2.0.0 --message Prt", &["did you mean `Part`?", "shop.v1.Item, shop.v1.Part"]);
    wrong("--to 2.0.0 --message Item", &["--from VERSION is missing", "--in envelope"]);
    wrong("--from 1.0.0 --to 2.0.0", &["--message NAME is missing"]);
    wrong(&format!("{UP} --lines --in binary"), &["--lines reads and writes JSON"]);
    wrong(&format!("{UP} --json"), &["--explain"]);
    wrong(&format!("{UP} {}", shop.path("nowhere.json")), &["nowhere.json cannot be read"]);
    // A message that only one side has, and a folder whose name is wrong.
    shop.convert("--from 2.0.0 --to 1.0.0 --message Audit", "{}")
        .ended(1, &["2.0.0/step.toml", "shop.v2.Audit", "[rename.messages]"]);
    let misspelt = INVENTORY.replace("inventory", "inventry");
    straddle(&["convert", &misspelt, "--from", "1.0.0", "--to", "1.0.0", "--message", "Item"])
        .ended(2, &["did you mean", "schemas/inventory?"]);
}

#[test]
fn help_shows_examples_and_what_it_ends_with() {
    let help = straddle(&["convert", "--help"]).ended(0, &[]).out;
    for part in ["Examples:", "straddle convert schemas/inventory", "Exit codes", "3 when a message was refused"] {
        assert!(help.contains(part), "{part:?} is missing from\n{help}");
    }
}
