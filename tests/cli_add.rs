//! `straddle add`, as somebody meets it who keeps protos in a git repository.
#![cfg(feature = "cli")]

#[path = "support/repository.rs"]
mod repository;

use std::fs;
use std::path::Path;
use std::process::Command;

use repository::Repository;
use serde_json::Value;
use straddle::Protocol;

const V1: &str = "syntax = \"proto3\";
package shop.v1;
message Item { string sku = 1; string warehouse = 2; bool sold = 3; }
service Shop { rpc Get(Item) returns (Item) { option idempotency_level = NO_SIDE_EFFECTS; } }
";
/// Adds, and no more.
const V1_1: &str = "syntax = \"proto3\";
package shop.v1;
message Item { string sku = 1; string warehouse = 2; bool sold = 3; string note = 4; }
service Shop { rpc Get(Item) returns (Item) { option idempotency_level = NO_SIDE_EFFECTS; } }
";
const V2: &str = "syntax = \"proto3\";
package shop.v2;
message Item { string sku = 1; string warehouse_id = 2; State state = 3; string note = 4; }
enum State { FREE = 0; SOLD = 1; }
service Shop { rpc Get(Item) returns (Item) { option idempotency_level = NO_SIDE_EFFECTS; } }
";

struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Runs the program in a folder.
fn straddle(folder: &Path, arguments: &str) -> Run {
    straddle_with(folder, arguments, &[])
}

/// Runs the program in a folder, with these variables in its environment.
fn straddle_with(folder: &Path, arguments: &str, variables: &[(&str, &str)]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_straddle"));
    command.current_dir(folder).args(arguments.split(' ')).env_remove("GIT_DIR").env("NO_COLOR", "1");
    command.envs(variables.iter().copied());
    let output = command.output().expect("the program");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints text");
    Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

#[track_caller]
fn ends(folder: &Path, arguments: &str, code: i32, said: &[&str]) -> Run {
    let run = straddle(folder, arguments);
    assert_eq!(run.code, Some(code), "{arguments}\n{}\n{}", run.out, run.err);
    for part in said {
        let all = format!("{}{}", run.out, run.err);
        assert!(all.contains(part), "{arguments}: {part:?} is missing from\n{all}");
    }
    run
}

/// A repository with three tagged releases of its protos.
fn shop() -> Repository {
    let repository = Repository::new();
    for (tag, proto) in [("v1.0.0", V1), ("v1.1.0", V1_1), ("v2.0.0", V2)] {
        repository.write("protos/shop.proto", proto);
        repository.commit(tag);
    }
    repository
}

/// All that lies below a folder, but for what git keeps.
fn all(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        for entry in fs::read_dir(current).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.ends_with(".git") {
                folders.push(path.clone());
            }
            if !path.ends_with(".git") {
                found.push(path.strip_prefix(folder).expect("it is in there").display().to_string());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_history_of_tags_becomes_a_protocol() {
    let repository = shop();
    let folder = repository.path();
    let first = ["added shop 1.0.0 in schemas/shop/1.0.0: 1 file of git:v1.0.0:protos", "the first version"];
    ends(folder, "add 1.0.0 --from git:v1.0.0:protos --name shop", 0, &first);
    let minor = ["added shop 1.1.0", "the protos only add, and 1.1.0 says so", "is a draft: 0 guesses, 0 open"];
    ends(folder, "add 1.1.0 --from git:v1.1.0:protos", 0, &minor);
    let major = [
        "added shop 2.0.0 in schemas/shop/2.0.0: 1 file of protos",
        "the protos change more than they add, and 2.0.0 says so",
        "schemas/shop/2.0.0/step.toml is a draft: 2 guesses, 1 open\n",
        "open  shop.v1.Item.sold: undecided",
        "next: read the draft, decide what is open, and run straddle check schemas/shop",
    ];
    ends(folder, "add 2.0.0 --from protos", 0, &major);
    let expected = [
        "protos",
        "protos/shop.proto",
        "schemas",
        "schemas/shop",
        "schemas/shop/1.0.0",
        "schemas/shop/1.0.0/shop.proto",
        "schemas/shop/1.1.0",
        "schemas/shop/1.1.0/shop.proto",
        "schemas/shop/1.1.0/step.toml",
        "schemas/shop/2.0.0",
        "schemas/shop/2.0.0/shop.proto",
        "schemas/shop/2.0.0/step.toml",
        "schemas/shop/protocol.toml",
        "schemas/shop/straddle.lock",
    ];
    assert_eq!(all(folder), expected);
    let step = fs::read_to_string(folder.join("schemas/shop/2.0.0/step.toml")).expect("the draft");
    for part in [
        "\"shop.v1\" = \"shop.v2\"",
        "{ old = \"warehouse\", new = \"warehouse_id\" },",
        "    \"shop.v1.Item.sold\",",
        "# guess: ",
    ] {
        assert!(step.contains(part), "{part:?} is missing from\n{step}");
    }
    ends(folder, "show schemas/shop", 0, &["shop.v1.Item.sold: is left undecided"]);
    ends(folder, "check schemas/shop", 1, &["OPEN shop.v2.Item.state", "is left undecided by line"]);
    // What the draft suggests is what was meant: once it is said, nothing is open.
    let decided = step
        .replace("    \"shop.v1.Item.sold\",\n", "")
        .replace("    # { old = \"sold\", new = \"state\"", "    { old = \"sold\", new = \"state\"");
    fs::write(folder.join("schemas/shop/2.0.0/step.toml"), decided).expect("the step");
    let shown = ends(folder, "show schemas/shop", 0, &["rules    shop.v1.Shop.Get as shop.v2.Shop.Get"]);
    assert!(!shown.out.contains("undecided"), "{}", shown.out);
    ends(folder, "check schemas/shop", 0, &["1.1.0 -> 2.0.0"]);
    // The versions before the newest are published, and the lock says what they were.
    let lock = fs::read_to_string(folder.join("schemas/shop/straddle.lock")).expect("the lock");
    assert!(lock.contains("\"1.1.0\" = ") && !lock.contains("\"2.0.0\""), "{lock}");
    fs::write(folder.join("schemas/shop/1.0.0/shop.proto"), V1_1).expect("a published proto");
    ends(folder, "check schemas/shop", 1, &["1.0.0", "published"]);
}

/// What it shows; the release, and what it becomes: messages and methods; whether anything is open.
#[rustfmt::skip]
const TALLIES: &[(&str, &str, &str, bool)] = &[
    ("a new method", "message M { string a = 1; } service S { rpc A(M) returns (M); }", "message M { string a = 1; } service S { rpc A(M) returns (M); rpc B(M) returns (M); }", false),
    ("a method that is gone", "message M { string a = 1; } service S { rpc A(M) returns (M); rpc B(M) returns (M); }", "message M { string a = 1; } service S { rpc A(M) returns (M); }", true),
    ("a service that is gone", "message M {} service S { rpc A(M) returns (M); } service T { rpc X(M) returns (M); rpc Y(M) returns (M); }", "message M {} service S { rpc A(M) returns (M); }", true),
    ("another name in both directions of one method", "message M { string qty = 1; } service S { rpc A(M) returns (M); }", "message M { string amount = 1; } service S { rpc A(M) returns (M); }", true),
    ("another type", "message M { double a = 1; } service S { rpc A(M) returns (M); }", "message M { E a = 1; } enum E { X = 0; } service S { rpc A(M) returns (M); }", true),
    ("a text that was taken apart", "message M { string name = 1; } service S { rpc A(M) returns (M); }", "message M { string first_name = 2; string last_name = 3; } service S { rpc A(M) returns (M); }", true),
    ("a message that no method reaches", "message N { string qty = 1; } message M {} service S { rpc A(M) returns (M); }", "message N { string amount = 1; } message M {} service S { rpc A(M) returns (M); }", true),
    ("no methods at all", "message N { string qty = 1; }", "message N { string amount = 1; }", true),
    ("a response that may be refused too late", "message M {} message N { int64 a = 1; } service S { rpc A(M) returns (N); }", "message M {} message N { int32 a = 1; } service S { rpc A(M) returns (N); }", true),
    ("a message that is perhaps another", "message Item { string sku = 1; int32 a = 2; } message M { Item item = 1; } service S { rpc A(M) returns (M); }", "message Items { bytes other = 7; int32 c = 8; } message M { Items item = 1; } service S { rpc A(M) returns (M); }", true),
    ("only additions", "message M { string a = 1; }", "message M { string a = 1; string b = 2; }", false),
];

#[test]
fn the_tally_is_that_of_check() {
    for (name, old, new, open) in TALLIES {
        let repository = Repository::new();
        let folder = repository.path();
        for (path, text) in [("old/p.proto", old), ("new/p.proto", new)] {
            repository.write(path, &format!("syntax = \"proto3\";\npackage p.v1;\n{text}\n"));
        }
        ends(folder, "add 1.0.0 --from old --name p", 0, &[]);
        let added = ends(folder, "add 1.1.0 --from new", 0, &["schemas/p/1.1.0/step.toml is a draft: "]);
        let checked = ends(folder, "check schemas/p", i32::from(*open), &["1.0.0 -> 1.1.0: "]);
        let number_before = |text: &str, word: &str| {
            let before = text.split(word).next().expect("a part").rsplit(' ').next().expect("a word").to_owned();
            before.parse::<usize>().unwrap_or_else(|_| panic!("{name}: no number before {word:?} in\n{text}"))
        };
        let draft = added.out.split("is a draft: ").nth(1).expect("it was found");
        let tally = checked.out.split("1.0.0 -> 1.1.0: ").nth(1).expect("it was found").to_lowercase();
        let (said, found) = (number_before(draft, " open"), number_before(&tally, " open"));
        assert_eq!(said, found, "{name}:\n{}\n{}", added.out, checked.out);
        // Something to decide is listed where, and only where, something is open.
        assert_eq!(
            (found > 0, added.out.contains("\n  open  ")),
            (*open, *open),
            "{name}:\n{}\n{}",
            added.out,
            checked.out
        );
    }
}

#[test]
fn what_is_recorded_is_told_and_steps_with_open_points_are_not_recorded() {
    let repository = shop();
    let folder = repository.path();
    let first = ends(folder, "add 1.0.0 --from git:v1.0.0:protos --name shop", 0, &[]);
    assert!(!first.out.contains("recorded"), "{}", first.out);
    let recorded = "recorded in schemas/shop/straddle.lock: 1.0.0 is recorded\n";
    ends(folder, "add 2.0.0 --from git:v2.0.0:protos", 0, &[recorded]);
    repository.write("protos/shop.proto", &V2.replace("note = 4;", "note = 4; string more = 5;"));
    let step = "2.0.0 is recorded, but for its step, which has open points";
    let run = ends(folder, "add 2.1.0 --from protos --json", 0, &[]);
    assert_eq!(serde_json::from_str::<Value>(&run.out).expect("JSON")["recorded"], serde_json::json!([step]));
    let lock = || fs::read_to_string(folder.join("schemas/shop/straddle.lock")).expect("the lock");
    assert!(lock().contains("\"2.0.0\" = { schema = ") && lock().contains("step = \"open\" }"), "{}", lock());
    // Its protos are published all the same.
    let proto = folder.join("schemas/shop/2.0.0/shop.proto");
    fs::write(&proto, V2.replace("note", "remark")).expect("a published proto");
    ends(folder, "check schemas/shop", 1, &["the schema of 2.0.0 changed after it was published"]);
    fs::write(&proto, V2).expect("the proto as it was");
    // To decide what is open is no change of what was published; that it is not recorded yet is told.
    let step = folder.join("schemas/shop/2.0.0/step.toml");
    let draft = fs::read_to_string(&step).expect("the draft");
    let decided = draft
        .replace("    \"shop.v1.Item.sold\",\n", "")
        .replace("    # { old = \"sold\", new = \"state\"", "    { old = \"sold\", new = \"state\"");
    fs::write(&step, decided).expect("the step");
    let checked = ends(folder, "check schemas/shop", 0, &["the step of 2.0.0 had open points when straddle.lock was"]);
    assert!(!checked.out.contains("STEP_CHANGED"), "{}", checked.out);
    let told = "straddle.lock: the step of 2.0.0 is recorded: nothing in it is open any more";
    let checked = ends(folder, "check schemas/shop --update-lock", 0, &[told]);
    assert!(!checked.out.contains("VERSION_NOT_LOCKED"), "{}", checked.out);
    fs::write(&step, draft).expect("the draft again");
    ends(folder, "check schemas/shop", 1, &["STEP_CHANGED"]);
}

#[test]
fn scripts_get_json_and_a_dry_run_writes_nothing() {
    let repository = shop();
    let folder = repository.path();
    ends(folder, "add 1.0.0 --from git:v1.0.0:protos --name shop", 0, &[]);
    let before = all(folder);
    let run = ends(folder, "add 2.0.0 --from git:v2.0.0:protos --dry-run --json", 0, &[]);
    let value: Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(value["protocol"], "shop");
    assert_eq!(value["version"], "2.0.0");
    assert_eq!(value["from"], "git:v2.0.0:protos");
    assert_eq!(value["written"], false);
    assert_eq!(value["files"], serde_json::json!(["shop.proto"]));
    assert_eq!(value["step"]["undecided"], serde_json::json!(["shop.v1.Item.sold"]));
    assert_eq!(value["step"]["breaking"], true);
    assert_eq!(value["step"]["declared_breaking"], true);
    let text =
        ends(folder, "add 2.0.0 --from git:v2.0.0:protos --dry-run", 0, &["would add shop 2.0.0", "from = \"1.0.0\""]);
    assert!(text.out.contains(value["step"]["text"].as_str().expect("a text")), "{}", text.out);
    assert_eq!(all(folder), before);
    let written = ends(folder, "add 2.0.0 --from git:v2.0.0:protos --json", 0, &[]);
    let value: Value = serde_json::from_str(&written.out).expect("JSON");
    assert_eq!(value["written"], true);
    let protocol = Protocol::load(folder.join("schemas/shop")).expect("it loads");
    assert_eq!(value["schema"], protocol.versions()[1].digest());
}

#[test]
fn a_version_that_cannot_be_added_changes_nothing() {
    let repository = shop();
    let folder = repository.path();
    ends(folder, "add 1.0.0 --from git:v1.0.0:protos --name shop", 0, &[]);
    ends(folder, "add 1.1.0 --from git:v1.1.0:protos", 0, &[]);
    let before = all(folder);
    for (arguments, code, said) in [
        (
            "add 1.1.0 --from protos",
            2,
            &["shop has a version 1.1.0 already", "help: give the protos a new version"][..],
        ),
        ("add 1.1.1 --from protos", 2, &["1.1.1 and 1.1.0, which shop has, differ in the patch number only"]),
        ("add 1.0.5 --from protos", 2, &["1.0.5 and 1.0.0"]),
        ("add 0.9.0 --from protos", 2, &["0.9.0 is older than 1.1.0, the newest version of shop"]),
        ("add 1.2.0 --from git:v1.1.0:protos", 2, &["git:v1.1.0:protos declares just what 1.1.0 does"]),
        ("add two --from protos", 2, &["`two` is not a version"]),
        ("add 2.0.0 --from git:v2.0:protos", 2, &["there is no revision `v2.0`", "did you mean `v2.0.0`?"]),
        ("add 2.0.0 --from git:v2.0.0:proto", 2, &["no folder `proto`", "did you mean `protos`?"]),
        ("add 2.0.0 --from nowhere", 2, &["nowhere is no folder"]),
        ("add 2.0.0 --from schemas/shop", 1, &["schemas/shop is the folder of a protocol"]),
        (
            "add 2.0.0 --from protos --name other --protocol schemas/shop",
            2,
            &["is the folder of the protocol shop, not of other"],
        ),
    ] {
        ends(folder, arguments, code, said);
        assert_eq!(all(folder), before, "{arguments}");
    }
    ends(
        folder,
        "add 1.2.0 --from protos --dry-run",
        0,
        &["the protos change more than they add, which 1.2.0 does not say: a new major number would"],
    );
}

#[test]
fn protos_that_do_not_compile_are_told_by_their_own_place() {
    for (proto, said) in [
        ("syntax = \"proto3\";\nmessage M {\n  strin a = 1;\n}\n", &["protos/a/b.proto:3:", "strin"][..]),
        ("syntax = \"proto3\";\nimport \"c.proto\";\n", &["protos/a/b.proto:2:", "c.proto", "only import root"]),
        ("edition = \"2023\";\n", &["protos/a/b.proto:1:", "edition, which is not supported yet"]),
    ] {
        let repository = Repository::new();
        repository.write("protos/a/b.proto", proto);
        repository.commit("v1");
        for from in ["protos", "git:v1:protos"] {
            let said: Vec<String> = said.iter().map(|part| part.replace("protos/", &format!("{from}/"))).collect();
            let said: Vec<&str> = said.iter().map(String::as_str).collect();
            ends(repository.path(), &format!("add 1.0.0 --from {from} --name shop"), 1, &said);
            assert_eq!(all(repository.path()), ["protos", "protos/a", "protos/a/b.proto", "schemas"]);
        }
    }
}

#[test]
fn the_protocol_is_found_where_only_one_can_be_meant() {
    let repository = shop();
    let folder = repository.path();
    ends(folder, "add 1.0.0 --from git:v1.0.0:protos", 2, &["there is no protocol.toml here", "--name NAME"]);
    ends(
        folder,
        "add 1.0.0 --from git:v1.0.0:protos --protocol api/stock",
        0,
        &["added stock 1.0.0 in api/stock/1.0.0"],
    );
    ends(folder, "add 1.0.0 --from git:v1.0.0:protos --name shop", 0, &[]);
    ends(&folder.join("schemas/shop"), "add 1.1.0 --from git:v1.1.0:protos", 0, &["added shop 1.1.0"]);
    ends(folder, "add 2.0.0 --from git:v2.0.0:protos --dry-run", 0, &["would add shop 2.0.0"]);
    ends(folder, "add 1.0.0 --from git:v1.0.0:protos --name other", 0, &["added other 1.0.0"]);
    ends(folder, "add 2.0.0 --from git:v2.0.0:protos", 2, &["several protocols lie here: schemas/other, schemas/shop"]);
    // A manifest that was written by hand waits for its first version.
    repository.write("schemas/third/protocol.toml", "# by hand\nname = \"third\"\n");
    ends(folder, "add 1.0.0 --from protos --protocol schemas/third", 0, &["added third 1.0.0"]);
    let manifest = fs::read_to_string(folder.join("schemas/third/protocol.toml")).expect("the manifest");
    assert_eq!(manifest, "# by hand\nname = \"third\"\n");
    ends(folder, "add 1.0.0 --from protos --name Bad!", 1, &["Bad!"]);
}

#[test]
fn protos_around_the_protocols_folder_leave_its_versions_out() {
    let repository = Repository::new();
    repository.write("shop.proto", V1);
    ends(repository.path(), "add 1.0.0 --from . --name shop", 0, &["1 file of ."]);
    repository.write("shop.proto", V2);
    ends(repository.path(), "add 2.0.0 --from .", 0, &["added shop 2.0.0", "1 file of ."]);
    assert!(!repository.path().join("schemas/shop/2.0.0/schemas").exists());
}

#[test]
fn the_repository_is_the_one_that_git_itself_would_take() {
    let (repository, elsewhere) = (shop(), tempfile::tempdir().expect("a temporary folder"));
    let arguments = "add 1.0.0 --from git:v1.0.0:protos --name shop";
    ends(elsewhere.path(), arguments, 2, &["not a git repository", "within the repository"]);
    let named = repository.path().join(".git");
    let run = straddle_with(elsewhere.path(), arguments, &[("GIT_DIR", &named.display().to_string())]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(elsewhere.path().join("schemas/shop/1.0.0/shop.proto").is_file());
}

#[test]
fn without_the_git_program_folders_can_still_be_added() {
    let repository = shop();
    let nowhere = [("PATH", "/nowhere")];
    let run = straddle_with(repository.path(), "add 1.0.0 --from git:v1.0.0:protos --name shop", &nowhere);
    assert_eq!(run.code, Some(2), "{}", run.err);
    assert!(
        run.err.contains("the program `git` was not found") && run.err.contains("help: install git"),
        "{}",
        run.err
    );
    let run = straddle_with(repository.path(), "add 1.0.0 --from protos --name shop", &nowhere);
    assert_eq!(run.code, Some(0), "{}", run.err);
}
