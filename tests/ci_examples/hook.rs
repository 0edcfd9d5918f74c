//! The hook, run by git in a repository.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use yaml_rust2::{Yaml, YamlLoader};

use crate::repository::{Repository, git};
use crate::{OPEN, V1, V1_1, examples, lay_down, path, shop};

/// A shop whose commits run the hook.
fn hooked() -> Repository {
    let repository = shop();
    lay_down(&repository, "pre-commit/straddle-check.sh", ".git/straddle-check.sh");
    let hook = format!("#!/bin/sh\nPATH='{}' exec .git/straddle-check.sh\n", path());
    repository.write(".git/hooks/pre-commit", &hook);
    let file = repository.path().join(".git/hooks/pre-commit");
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("its mode");
    repository
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn commits(folder: &Path, arguments: &[&str], succeeds: bool, parts: &[&str]) -> String {
    let output = git(folder, &[&["commit", "-m", "a change"], arguments].concat(), b"");
    let said = said(&output);
    assert_eq!(output.status.success(), succeeds, "{said}");
    for part in parts {
        assert!(said.contains(part), "{part:?} is missing from\n{said}");
    }
    said
}

#[test]
fn what_is_staged_is_judged_and_not_what_lies_in_the_work_tree() {
    let repository = hooked();
    let proto = "schemas/shop/1.1.0/shop.proto";
    repository.write(proto, OPEN);
    repository.git(&["add", proto]);
    repository.write(proto, V1_1);
    let named = ["OPEN shop.v1.Item", "--> schemas/shop/1.1.0/shop.proto:3"];
    commits(repository.path(), &[], false, &named);
    repository.git(&["reset", "--quiet"]);
    // And the other way round: what is not staged yet keeps nobody from committing.
    repository.write(proto, &V1_1.replace("string note = 2;", "string note = 2; string more = 3;"));
    repository.git(&["add", proto]);
    repository.write(proto, OPEN);
    commits(repository.path(), &[], true, &["0 errors"]);
    // `--all` stages into an index of its own.
    commits(repository.path(), &["--all"], false, &["OPEN shop.v1.Item"]);
}

#[test]
fn deletions_are_seen() {
    let repository = hooked();
    repository.git(&["rm", "--quiet", "-r", "schemas/shop/1.0.0"]);
    commits(repository.path(), &[], false, &["1.0.0", "the protocol has it no more"]);
    repository.git(&["reset", "--quiet", "--hard"]);
    repository.git(&["rm", "--quiet", "-r", "schemas/shop"]);
    commits(repository.path(), &[], false, &["takes protocols away", "schemas/shop/protocol.toml", "--no-verify"]);
    repository.git(&["reset", "--quiet", "--hard"]);
    // A protocol that moves is there afterwards.
    repository.git(&["mv", "schemas", "protocols"]);
    commits(repository.path(), &[], true, &["protocol shop: 1.0.0, 1.1.0"]);
}

#[test]
fn a_published_version_that_changes_is_refused() {
    let repository = hooked();
    repository.write("schemas/shop/1.0.0/shop.proto", V1_1);
    repository.git(&["add", "--all"]);
    commits(repository.path(), &[], false, &["VERSION_CHANGED"]);
}

#[test]
fn protos_that_lie_in_no_protocol_are_warned_of_unless_a_protocol_names_them() {
    let repository = hooked();
    repository.write("protos/a b.proto", V1);
    repository.git(&["add", "--all"]);
    let said =
        commits(repository.path(), &[], true, &["warning: these files lie in no protocol", "  protos/a b.proto"]);
    assert!(!said.contains("protocol shop"), "the shop is not touched:\n{said}");
    repository.git(&["rm", "--quiet", "protos/a b.proto"]);
    commits(repository.path(), &[], true, &["  protos/a b.proto"]);
    // A protocol may keep its versions elsewhere.
    repository.write("shop-1.2.0/shop.proto", &V1_1.replace("note = 2;", "note = 2; string more = 3;"));
    let manifest = "name = \"shop\"\n[protos]\n\"1.2.0\" = \"../../shop-1.2.0\"\n";
    repository.write("schemas/shop/protocol.toml", manifest);
    repository.git(&["add", "--all"]);
    commits(repository.path(), &[], true, &["protocol shop: 1.0.0, 1.1.0, 1.2.0"]);
    repository.write("shop-1.2.0/shop.proto", OPEN);
    repository.git(&["add", "--all"]);
    commits(repository.path(), &[], false, &["OPEN shop.v1.Item"]);
}

#[test]
fn only_protocols_that_are_touched_are_checked_and_all_where_nothing_is_staged() {
    let repository = hooked();
    repository.write("README.md", "Another text.\n");
    repository.git(&["add", "--all"]);
    let said = commits(repository.path(), &[], true, &[]);
    assert!(!said.contains("protocol shop"), "{said}");
    commits(repository.path(), &["--allow-empty"], true, &["protocol shop: 1.0.0, 1.1.0"]);
}

#[test]
fn a_work_tree_of_its_own_and_a_folder_within_are_the_same() {
    let repository = hooked();
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let tree = elsewhere.path().join("tree");
    repository.git(&["worktree", "add", "--quiet", &tree.display().to_string()]);
    let hook = fs::read_to_string(repository.path().join(".git/hooks/pre-commit")).expect("the hook");
    let absolute =
        hook.replace(".git/straddle-check.sh", &format!("{}/.git/straddle-check.sh", repository.path().display()));
    repository.write(".git/hooks/pre-commit", &absolute);
    fs::write(tree.join("schemas/shop/1.1.0/shop.proto"), OPEN).expect("a proto");
    let within = tree.join("schemas/shop");
    let added = git(&within, &["add", "1.1.0"], b"");
    assert!(added.status.success(), "{}", said(&added));
    commits(&within, &[], false, &["--> schemas/shop/1.1.0/shop.proto:3"]);
}

#[test]
fn pre_commit_runs_the_hook_for_deletions_too() {
    let text = fs::read_to_string(examples().join("pre-commit/.pre-commit-config.yaml")).expect("the example");
    let documents = YamlLoader::load_from_str(&text).expect("YAML");
    let hook = &documents[0]["repos"][0]["hooks"][0];
    assert_eq!(documents[0]["repos"][0]["repo"].as_str(), Some("local"));
    assert_eq!(hook["entry"].as_str(), Some("scripts/straddle-check.sh"));
    assert_eq!(hook["language"].as_str(), Some("script"));
    // pre-commit leaves out what is deleted, and a hook of which no file is left.
    assert_eq!((&hook["pass_filenames"], &hook["always_run"]), (&Yaml::Boolean(false), &Yaml::Boolean(true)));
}
