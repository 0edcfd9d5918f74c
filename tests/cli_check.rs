//! `straddle check`, as a person, a script or a continuous integration meets it.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use folder::{folder, write};
use program::{Run, straddle};
use serde_json::{Value, json};
use tempfile::TempDir;

const INVENTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/inventory");

const OLD: &str = r#"syntax = "proto3";
package shop.v1;

service Shop {
  rpc Get(GetRequest) returns (Item) {
    option idempotency_level = NO_SIDE_EFFECTS;
  }
}

message GetRequest {
  string sku = 1;
}

message Item {
  string sku = 1;
  double weight = 2;
  string note = 3;
}
"#;

/// The weight is text from 2.0.0 on, and the note is gone.
fn new() -> String {
    OLD.replace("double weight = 2;", "string weight = 2;").replace("  string note = 3;\n", "")
}

const RULES: &str = "from = \"1.0.0\"\n\n[messages.\"shop.v1.Item\"]\nrules = [\n    { old = \"weight\", new = \"weight\", \
                     text = \"decimal\" },\n]\n";

/// A shop of two versions, with this `step.toml` between them, if any.
fn shop(step: &str) -> TempDir {
    let new = new();
    let mut files = vec![("protocol.toml", "name = \"shop\"\n"), ("1.0.0/shop.proto", OLD), ("2.0.0/shop.proto", &new)];
    if !step.is_empty() {
        files.push(("2.0.0/step.toml", step));
    }
    folder(&files)
}

fn check(folder: &TempDir, arguments: &[&str]) -> Run {
    straddle(&[&["check", folder.path().to_str().expect("text")], arguments].concat())
}

/// The rows of findings about this element.
fn rows(report: &Value, element: &str) -> Vec<Value> {
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().filter(|row| row["element"] == element).cloned().collect()
}

fn rules_of(report: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().map(|row| row["rule"].as_str().expect("a rule").to_owned()).collect()
}

#[test]
fn a_protocol_whose_steps_say_everything_ends_with_zero() {
    let run = straddle(&["check", INVENTORY]).ended(0, &[]);
    for part in [
        "protocol inventory: 1.0.0, 1.1.0, 2.0.0, 3.0.0\n",
        "\nstep 1.1.0 -> 2.0.0\n",
        "bridged inventory.v1.Item.price: a response to callers of 2.0.0 may be refused after the call has run",
        "      LATE_REFUSAL (STRADDLE)\n",
        "69 |   double price = 3;\n",
        "schemas/inventory/2.0.0/step.toml:9\n",
        "  what can be lost, where it is set\n",
        "down inventory.v2.Item.location: refused in a request, dropped in a response, refused in stored data\n",
        " 0 open; 6 losses; refused by value: 3 up, 6 down; major by its number, a major change (",
        "    down inventory.v2.Item.status: 1.1.0 cannot keep an item from being reserved; 2.0.0 declares no such status (",
        "refuses a value on its way down where a price may have more digits than a float",
        " minor by its number, a minor change (there are additions only)\n",
        "\n0 errors, 0 warnings\n",
    ] {
        assert!(run.out.contains(part), "{part:?} is missing from\n{}", run.out);
    }
    assert!(!run.out.contains('\x1b'), "what goes to a pipe is not painted");
}

#[test]
fn what_nobody_has_said_is_open_with_its_line_and_what_to_write() {
    let shop = shop("");
    let run = check(&shop, &[]).ended(1, &[]);
    let proto = shop.path().join("2.0.0/shop.proto");
    let step = shop.path().join("2.0.0/step.toml");
    for part in [
        "\n  shop.v1.Item\n",
        "\n    OPEN shop.v1.Item.weight",
        &format!("--> {}:16:", proto.display()),
        "\n      16 |   string weight = 2;\n",
        "^",
        "\n      OPEN: `double weight` and `string weight` do not meet by themselves: write `text = \"decimal\"`",
        &step.display().to_string(),
        "up   shop.v1.Item.note: refused in stored data\n",
        " 1 OPEN; 1 loss; none refused by value; major by its number, a major change (",
        "\n1 error, 0 warnings\n",
    ] {
        assert!(run.out.contains(part), "{part:?} is missing from\n{}", run.out);
    }
    check(&shop, &["--fail-on", "never"]).ended(0, &[]);
}

#[test]
fn a_rule_bridges_it_and_the_check_says_where() {
    let shop = shop(RULES);
    let report = check(&shop, &["--format", "json"]).ended(0, &[]).value();
    assert_eq!(report["failed"], json!(false));
    assert_eq!(report["steps"][0]["counts"]["open"], 0);
    assert_eq!(report["steps"][0]["bump"]["declared"], "major");
    assert_eq!(report["steps"][0]["bump"]["needed"], "major");
    assert_eq!(report["steps"][0]["losses"][0]["element"], "shop.v1.Item.note");
    let weight = rows(&report, "shop.v1.Item.weight");
    let rules: BTreeSet<&str> = weight.iter().map(|row| row["rule"].as_str().expect("a rule")).collect();
    assert!(rules.contains("FIELD_SAME_TYPE") && rules.contains("FIELD_WIRE_COMPATIBLE_TYPE"), "{rules:?}");
    for row in weight {
        assert_eq!((&row["verdict"], &row["level"]), (&json!("bridged"), &json!("note")));
        assert_eq!(row["by"], "rules (step.toml:5)");
        assert_eq!(row["at"], format!("{}/2.0.0/step.toml:5", shop.path().display()));
        let seen = |side: &str| row["effect"][side].as_str().is_some_and(|sees| !sees.is_empty());
        assert!(seen("old_reader") && seen("new_reader"), "{row:#}");
    }
    let text = check(&shop, &[]).ended(0, &[]).out;
    assert!(text.contains(&format!("bridged by rules ({}/2.0.0/step.toml:5)\n", shop.path().display())), "{text}");
    for part in ["      an old reader of new bytes: ", "      a new reader of old bytes: "] {
        assert!(text.contains(part), "{part:?} is missing from\n{text}");
    }
}

#[test]
fn rows_for_scripts_say_what_where_and_what_becomes_of_it() {
    let shop = shop("");
    let report = check(&shop, &["--format", "json"]).ended(1, &[]).value();
    assert_eq!(report["failed"], json!(true));
    let open: Vec<Value> =
        rows(&report, "shop.v1.Item.weight").into_iter().filter(|row| row["verdict"] == "open").collect();
    assert!(!open.is_empty(), "{report:#}");
    for row in open {
        assert_eq!(row["file"], shop.path().join("2.0.0/shop.proto").to_str().expect("text"));
        assert_eq!((&row["line"], &row["level"]), (&json!(16), &json!("error")));
        assert_eq!(row["step"], json!({ "from": "1.0.0", "to": "2.0.0" }));
        assert_eq!(row["group"], "shop.v1.Item");
        assert!(row["column"].as_u64().is_some_and(|column| column >= 3), "{row:#}");
        assert!(row["advice"].as_str().is_some_and(|advice| advice.contains("step.toml")), "{row:#}");
        assert!(row["categories"].is_array() && row["effect"].is_object() && row["rule"].is_string(), "{row:#}");
    }
}

#[test]
fn annotations_for_github_stand_in_the_proto() {
    let shop = shop("");
    let run = check(&shop, &["--format", "github"]).ended(1, &[]);
    let errors: Vec<&str> = run.out.lines().filter(|line| line.starts_with("::error ")).collect();
    let file = format!("::error file={}/2.0.0/shop.proto,line=16,col=", shop.path().display());
    assert!(errors.iter().any(|line| line.starts_with(&file)), "{}", run.out);
    assert!(errors.iter().all(|line| line.matches("::").count() >= 2 && line.contains("title=")), "{}", run.out);
    assert!(run.out.ends_with(" 1 open; none refused by value\n"), "{}", run.out);
}

#[test]
fn code_scanning_gets_sarif_whose_parts_fit_together() {
    let shop = shop("");
    let sarif = check(&shop, &["--format", "sarif"]).ended(1, &[]).value();
    assert_eq!(sarif["version"], "2.1.0");
    assert!(sarif["$schema"].as_str().is_some_and(|schema| schema.ends_with("sarif-schema-2.1.0.json")));
    let run = &sarif["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "straddle");
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let ids: BTreeSet<&str> = rules.iter().map(|rule| rule["id"].as_str().expect("an id")).collect();
    assert_eq!(ids.len(), rules.len(), "no rule is declared twice");
    assert!(rules.iter().all(|rule| rule["shortDescription"]["text"].as_str().is_some_and(|text| !text.is_empty())));
    let results = run["results"].as_array().expect("results");
    assert!(results.iter().any(|result| result["level"] == "error" && result["properties"]["verdict"] == "open"));
    let mut fingerprints = BTreeSet::new();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("a small one");
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().expect("a level")));
        assert!(result["message"]["text"].as_str().is_some_and(|text| !text.is_empty()));
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["artifactLocation"]["uri"].as_str().is_some_and(|uri| uri.starts_with("file:///")), "{place:#}");
        assert!(place["region"]["startLine"].as_u64().is_some_and(|line| line >= 1), "{place:#}");
        assert!(fingerprints.insert(result["partialFingerprints"]["straddleFinding/v1"].to_string()), "{result:#}");
    }
}

#[test]
fn a_published_version_that_changes_fails_the_check() {
    let shop = shop(RULES);
    let none = check(&shop, &["--format", "json"]).ended(0, &[]).value();
    assert!(rules_of(&none).contains("VERSION_NOT_LOCKED"));
    check(&shop, &["--update-lock"]).ended(0, &["1.0.0 is recorded", "2.0.0 is recorded"]);
    let lock = fs::read_to_string(shop.path().join("straddle.lock")).expect("the lock");
    assert_eq!(lock.lines().filter(|line| line.starts_with('"')).count(), 2, "{lock}");
    let locked = check(&shop, &["--format", "json"]).ended(0, &[]).value();
    assert!(rules_of(&locked).iter().all(|rule| !rule.starts_with("VERSION_")), "{locked:#}");

    // A comment changes no schema; a field does.
    write(shop.path(), "1.0.0/shop.proto", format!("// Our first.\n{OLD}").as_bytes());
    check(&shop, &[]).ended(0, &[]);
    write(shop.path(), "1.0.0/shop.proto", OLD.replace("string sku = 1;", "string code = 1;").as_bytes());
    let changed = check(&shop, &["--format", "json", "--fail-on", "error"]);
    let row = rows(&changed.value(), "1.0.0").remove(0);
    assert_eq!((&row["rule"], &row["level"]), (&json!("VERSION_CHANGED"), &json!("error")));
    assert!(row["advice"].as_str().is_some_and(|advice| advice.contains("new version")), "{row:#}");
    assert_eq!(changed.code, Some(1));
    write(shop.path(), "1.0.0/shop.proto", OLD.as_bytes());

    // A changed step.toml is worth a word, and a version that is not recorded yet is, too.
    write(shop.path(), "2.0.0/step.toml", format!("{RULES}# again\n").as_bytes());
    check(&shop, &["--fail-on", "warning"]).ended(1, &[]).out.find("STEP_CHANGED").expect("STEP_CHANGED");
    write(shop.path(), "2.1.0/shop.proto", new().as_bytes());
    let newer = check(&shop, &["--format", "json"]).ended(0, &[]).value();
    assert_eq!(rows(&newer, "2.1.0")[0]["rule"], "VERSION_NOT_LOCKED");
    check(&shop, &["--update-lock"]).ended(0, &["2.0.0 has another step.toml than before", "2.1.0 is recorded"]);
    fs::remove_dir_all(shop.path().join("2.1.0")).expect("gone");
    let gone = check(&shop, &[]).ended(1, &[]);
    assert!(gone.out.contains("error[VERSION_GONE]: 2.1.0 is in "), "{}", gone.out);
    assert!(gone.out.contains("straddle.lock:7\n"), "{}", gone.out);
}

#[test]
fn two_states_of_a_protocol_are_held_against_each_other() {
    let (before, now) = (shop(RULES), shop(RULES));
    let against = before.path().to_str().expect("text");
    check(&now, &["--against", against]).ended(0, &[]);
    write(now.path(), "2.1.0/shop.proto", new().replace("string weight", "bytes weight").as_bytes());
    let since = check(&now, &["--against", against, "--format", "json"]).value();
    let steps: Vec<&Value> = since["steps"].as_array().expect("steps").iter().collect();
    assert_eq!(steps.len(), 1, "only what came since: {since:#}");
    assert_eq!((&steps[0]["from"], &steps[0]["to"]), (&json!("2.0.0"), &json!("2.1.0")));
    assert_eq!(steps[0]["bump"]["enough"], json!(false));
    check(&now, &["--against", against, "--fail-on", "warning"]).ended(1, &[]);

    // What was published has to be there, and as it was.
    fs::remove_dir_all(now.path().join("2.1.0")).expect("gone");
    write(now.path(), "2.0.0/shop.proto", new().replace("string weight", "bytes weight").as_bytes());
    write(
        now.path(),
        "2.0.0/step.toml",
        b"from = \"1.0.0\"\n[past]\ncode = [\"shop.v1.Shop\"]\n[future]\ncode = [\"shop.v1.Shop\"]\n",
    );
    let run = check(&now, &["--against", against]).ended(1, &[]);
    assert!(run.out.contains("error[VERSION_CHANGED]: the schema of 2.0.0 changed"), "{}", run.out);
    assert!(run.out.contains(&format!("step 2.0.0 in {against} -> 2.0.0 in ")), "{}", run.out);
    fs::remove_dir_all(now.path().join("2.0.0")).expect("gone");
    let run = check(&now, &["--against", against]).ended(1, &[]);
    assert!(run.out.contains("error[VERSION_GONE]: 2.0.0 is in "), "{}", run.out);

    write(now.path(), "protocol.toml", b"name = \"store\"\n");
    check(&now, &["--against", against]).ended(2, &["the protocol store", "the protocol shop", "help: "]);
}

#[test]
fn versions_that_are_descriptor_sets_are_judged_like_protos() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = folder(&[("protocol.toml", "name = \"inventory\"\n")]);
    for version in ["1.0.0", "1.1.0", "2.0.0"] {
        let set = root.join("src/inventory/generated").join(format!("inventory-{version}.binpb"));
        write(folder.path(), &format!("{version}/inventory.binpb"), &fs::read(set).expect("a descriptor set"));
    }
    let step = fs::read(root.join("schemas/inventory/2.0.0/step.toml")).expect("the step");
    write(folder.path(), "2.0.0/step.toml", &step);
    let sets = check(&folder, &["--format", "json"]).ended(0, &[]).value();
    let protos = straddle(&["check", INVENTORY, "--format", "json"]).ended(0, &[]).value();
    let judged = |report: &Value| -> BTreeSet<String> {
        let rows = report["findings"].as_array().expect("findings").iter();
        let of_step = rows.filter(|row| row["step"]["to"] == "2.0.0");
        of_step.map(|row| format!("{} {} {} {}", row["rule"], row["element"], row["what"], row["verdict"])).collect()
    };
    assert!(judged(&sets).len() > 20);
    assert_eq!(judged(&sets), judged(&protos));
    assert_eq!(sets["steps"][1]["losses"], protos["steps"][1]["losses"]);
}

#[test]
fn plain_folders_are_compared_as_they_are() {
    let old = folder(&[("shop/shop.proto", OLD)]);
    let new = folder(&[("shop/shop.proto", &new())]);
    let added = folder(&[("shop/shop.proto", &OLD.replace("string note = 3;", "string note = 3;\n  string tag = 4;"))]);
    let against = old.path().to_str().expect("text");
    let run = check(&new, &["--against", against]).ended(1, &[]);
    assert!(run.out.contains("two plain folders have none"), "{}", run.out);
    assert!(run.out.contains("; a major change ("), "{}", run.out);
    let run = check(&added, &["--against", against, "--fail-on", "note"]).ended(0, &[]);
    assert!(run.out.contains("; a minor change (there are additions only)"), "{}", run.out);
    let run = check(&old, &["--against", against, "--fail-on", "note"]).ended(0, &[]);
    assert!(run.out.contains("; a patch change (the schema is the same)"), "{}", run.out);
}

#[test]
fn a_field_that_two_plain_folders_do_not_share_is_open() {
    let proto = |fields: &str| {
        let text = format!(
            "syntax = \"proto3\";\npackage p;\nmessage M {{ {fields} }}\nservice S {{ rpc Get(M) returns (M) {{ \
             option idempotency_level = NO_SIDE_EFFECTS; }} }}\n"
        );
        folder(&[("p.proto", text.as_str())])
    };
    let old = proto("string code = 1; double weight_kg = 2;");
    let against = old.path().to_str().expect("text");
    for fields in ["string code = 1; int64 weight_g = 2;", "string code = 1;", "string code = 1; reserved 2;"] {
        check(&proto(fields), &["--against", against]).ended(1, &[]);
    }
    // Nothing gets lost where it only has another number.
    check(&proto("string code = 1; double weight_kg = 3;"), &["--against", against]).ended(0, &[]);
}

#[test]
fn working_protos_are_compared_with_the_newest_version_of_a_protocol() {
    let shop = shop(RULES);
    let against = shop.path().to_str().expect("text");
    let same = folder(&[("shop.proto", &new())]);
    let report = check(&same, &["--against", against, "--format", "json"]).ended(0, &[]).value();
    assert_eq!((&report["protocol"], &report["versions"]), (&json!("shop"), &json!(["2.0.0", "the working protos"])));
    let back = folder(&[("shop.proto", OLD)]);
    check(&back, &["--against", against]).ended(1, &[]);
    // A number that an earlier version used is no addition, though the newest one has no such field.
    let reuse = folder(&[("shop.proto", &new().replace("string weight = 2;", "string weight = 2;\n  bytes tag = 3;"))]);
    let report = check(&reuse, &["--against", against, "--format", "json"]).value();
    assert_eq!(report["steps"][0]["bump"]["needed"], "major", "{report:#}");
}

#[test]
fn what_cannot_be_read_is_told_with_line_and_caret_in_every_format() {
    let broken = OLD.replace("double weight = 2;", "dubble weight = 2");
    let shop =
        folder(&[("protocol.toml", "name = \"shop\"\n"), ("1.0.0/shop.proto", OLD), ("1.1.0/shop.proto", &broken)]);
    let place = format!("--> {}/1.1.0/shop.proto:17:3", shop.path().display());
    let text =
        check(&shop, &[]).ended(2, &["error[PROTOCOL_FAULT]", &place, "17 |   string note = 3;", "   ^", "help: "]);
    assert_eq!(text.out, "");
    let json = check(&shop, &["--format", "json"]).ended(2, &[&place]).value();
    assert_eq!((&json["findings"][0]["rule"], &json["findings"][0]["line"]), (&json!("PROTOCOL_FAULT"), &json!(17)));
    let github = check(&shop, &["--format", "github"]).ended(2, &[]);
    assert!(github.out.starts_with("::error file="), "{}", github.out);
    let sarif = check(&shop, &["--format", "sarif"]).ended(2, &[]).value();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "PROTOCOL_FAULT");
    assert_eq!(sarif["runs"][0]["invocations"][0]["executionSuccessful"], json!(false));

    let gap = self::shop("from = \"1.5.0\"\n[past]\ncode = [\"shop.v1.Shop.Gett\"]\n");
    check(&gap, &[]).ended(
        2,
        &[
            "a gap in the chain",
            "1 | from = \"1.5.0\"",
            "3 | code = [\"shop.v1.Shop.Gett\"]",
            "  |          ^^^^^^^^^^^^^^^^^",
            "did you mean `shop.v1.Shop.Get`?",
        ],
    );
    let lock = self::shop(RULES);
    write(lock.path(), "straddle.lock", b"<<<<<<< ours\n");
    check(&lock, &[]).ended(2, &["straddle.lock:1", "--update-lock"]);
}

#[test]
fn arguments_that_name_nothing_are_told_with_what_would() {
    let plain = folder(&[("shop.proto", OLD)]);
    check(&plain, &[]).ended(2, &["it has no protocol.toml", "--against"]);
    check(&plain, &["--against", "/nowhere/at/all"]).ended(2, &["/nowhere/at/all"]);
    check(&plain, &["--against", "git:"]).ended(2, &["git:REVISION:PATH"]);
    straddle(&["check", "/nowhere/at/all"]).ended(2, &["/nowhere/at/all"]);
    check(&plain, &["--against", ".", "--update-lock"]).ended(2, &["cannot be used with"]);
}

#[test]
fn rules_are_listed_with_what_they_check() {
    let rules = straddle(&["check", "--list-rules", "--format", "json"]).ended(0, &[]).value();
    let ids: Vec<&str> =
        rules.as_array().expect("rules").iter().map(|rule| rule["id"].as_str().expect("an id")).collect();
    assert!(ids.is_sorted() && ids.contains(&"VERSION_CHANGED"), "{ids:?}");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    let text = straddle(&["check", "--list-rules"]).ended(0, &[]).out;
    assert_eq!(text.lines().count(), ids.len());
    assert!(text.lines().zip(&ids).all(|(line, id)| line.starts_with(id)));
}

#[test]
fn help_tells_what_it_ends_with() {
    let help = straddle(&["check", "--help"]).ended(0, &[]).out;
    for part in ["Exit codes:", "--against", "git:v1.0.0:protos", "--update-lock", "sarif"] {
        assert!(help.contains(part), "{part:?} is missing from\n{help}");
    }
}

#[test]
fn a_category_narrows_what_is_looked_at_and_no_more() {
    let shop = shop("");
    let all = check(&shop, &["--format", "json"]).value();
    let wire = check(&shop, &["--format", "json", "--category", "wire"]).value();
    let own = |report: &Value| {
        report["findings"]
            .as_array()
            .expect("findings")
            .iter()
            .filter(|row| row["categories"] == json!(["STRADDLE"]))
            .count()
    };
    let others = |report: &Value| -> Vec<Value> {
        let rows = report["findings"].as_array().expect("findings").iter();
        rows.filter(|row| row["categories"] != json!(["STRADDLE"])).cloned().collect()
    };
    assert_eq!(own(&all), own(&wire));
    let has_wire = |row: &Value| row["categories"].as_array().expect("categories").contains(&json!("WIRE"));
    assert!(others(&wire).iter().all(has_wire));
    assert_eq!(others(&wire).len(), others(&all).iter().filter(|row| has_wire(row)).count());
    check(&shop, &["--category", "WIER"]).ended(2, &["WIRE_JSON"]);
}

/// Protocols that were published, with a `step.toml` for each step.
#[test]
fn published_histories_with_their_steps_leave_nothing_open() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases");
    if !shared.is_dir() {
        eprintln!("skipped: {} is missing", shared.display());
        return;
    }
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases");
    let mut checked = 0;
    for case in fs::read_dir(cases).expect("cases").flatten().filter(|case| case.path().is_dir()) {
        let run = straddle(&["check", case.path().to_str().expect("text"), "--format", "json"]);
        let report = run.value();
        let open: Vec<&Value> =
            report["findings"].as_array().expect("findings").iter().filter(|row| row["level"] == "error").collect();
        assert!(open.is_empty(), "{}: {open:#?}", case.path().display());
        assert_eq!(run.code, Some(0));
        for row in report["findings"].as_array().expect("findings").iter().filter(|row| row["rule"] == "RPC_NO_DELETE")
        {
            assert_eq!(row["verdict"], "refused", "a method that is gone is refused with a reason: {row:#}");
        }
        checked += 1;
    }
    assert_eq!(checked, 10);
}

#[test]
fn a_folder_of_several_protocols_names_them() {
    let proto = "syntax = \"proto3\"; package p; message M {}";
    let files = [("a/protocol.toml", "name = \"a\"\n"), ("b/protocol.toml", "name = \"b\"\n"), ("c/p.proto", proto)];
    let folder = folder(&files);
    let place = folder.path().display().to_string();
    for command in ["check", "verify"] {
        let run = straddle(&[command, &place]);
        for name in ["a", "b"] {
            assert!(run.err.contains(&format!("{place}/{name}")), "{command}: {}", run.err);
        }
        assert!(run.err.contains("name one of them"), "{command}: {}", run.err);
    }
}
