//! The workflow for GitHub Actions: its form, and what its steps run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use yaml_rust2::{Yaml, YamlLoader};

use crate::repository::Repository;
use crate::{OPEN, V1, examples, path, shop};

fn workflow() -> Yaml {
    let text = fs::read_to_string(examples().join("github-action.yml")).expect("the example");
    YamlLoader::load_from_str(&text).expect("YAML").remove(0)
}

/// What the schema of workflows allows at these places, as far as the example uses it.
const KEYS: [(&str, &[&str]); 4] = [
    ("", &["name", "on", "permissions", "env", "defaults", "concurrency", "jobs", "run-name"]),
    (
        "job",
        &["name", "needs", "runs-on", "permissions", "env", "if", "steps", "strategy", "timeout-minutes", "container"],
    ),
    ("run", &["name", "id", "if", "run", "env", "shell", "working-directory", "continue-on-error", "timeout-minutes"]),
    ("uses", &["name", "id", "if", "uses", "with", "env", "continue-on-error", "timeout-minutes"]),
];

#[track_caller]
fn has_only_known_keys(place: &str, node: &Yaml) {
    let (_, known) = KEYS.iter().find(|(of, _)| *of == place).expect("a place");
    for key in node.as_hash().expect("a table").keys() {
        let key = key.as_str().expect("a text");
        assert!(known.contains(&key), "`{key}` is no key of {place:?}");
    }
}

#[test]
fn the_workflow_is_one() {
    let workflow = workflow();
    has_only_known_keys("", &workflow);
    assert!(workflow["on"]["pull_request"]["paths"].as_vec().is_some_and(|paths| !paths.is_empty()));
    for (permission, access) in workflow["permissions"].as_hash().expect("permissions") {
        assert!(["contents", "security-events"].contains(&permission.as_str().expect("a text")));
        assert!(["read", "write", "none"].contains(&access.as_str().expect("a text")));
    }
    let job = &workflow["jobs"]["check"];
    has_only_known_keys("job", job);
    for step in job["steps"].as_vec().expect("steps") {
        let is_run = step["uses"].is_badvalue();
        has_only_known_keys(if is_run { "run" } else { "uses" }, step);
        if let Some(action) = step["uses"].as_str() {
            let (name, version) = action.split_once('@').expect("an action has a version");
            assert!(name.contains('/') && version.starts_with('v'), "{action}");
        }
    }
    // The base has to be there, and SARIF goes up only where the token may do it and there is some.
    let steps = job["steps"].as_vec().expect("steps");
    assert_eq!(steps[0]["with"]["fetch-depth"].as_i64(), Some(0));
    let upload = steps.last().expect("a step");
    for part in ["head.repo.full_name == github.repository", "hashFiles('straddle.sarif')"] {
        assert!(upload["if"].as_str().is_some_and(|text| text.contains(part)), "{upload:?}");
    }
    assert_eq!(upload["with"]["sarif_file"].as_str(), Some("straddle.sarif"));
}

/// Runs the steps as a runner does, against this commit; gives the name and the end of each.
fn run(repository: &Repository, base: &str) -> Vec<(String, Output)> {
    let workflow = workflow();
    let job = &workflow["jobs"]["check"];
    let env: Vec<&str> = job["env"].as_hash().expect("variables").keys().filter_map(Yaml::as_str).collect();
    assert_eq!(env, ["BASE"], "the test gives what the runner would");
    // Nothing is installed: the program is there.
    let tools = tempfile::tempdir().expect("a temporary folder");
    let cargo = tools.path().join("cargo");
    fs::write(&cargo, "#!/bin/sh\n[ \"$*\" = 'install --locked straddle' ]\n").expect("a stand-in");
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).expect("its mode");
    let mut ended = Vec::new();
    for step in job["steps"].as_vec().expect("steps") {
        let Some(script) = step["run"].as_str() else { continue };
        let file = tools.path().join("script");
        fs::write(&file, script).expect("the script");
        // As the runner does where no shell is named.
        let mut shell = Command::new("bash");
        shell.arg("-e").arg(&file).current_dir(repository.path());
        shell.env("PATH", format!("{}:{}", tools.path().display(), path())).env("BASE", base);
        shell.env("HOME", repository.path()).env("GIT_CONFIG_NOSYSTEM", "1").env_remove("GIT_DIR");
        let output = shell.output().expect("bash");
        ended.push((step["name"].as_str().unwrap_or(script).to_owned(), output));
    }
    ended
}

fn told(ended: &[(String, Output)]) -> Vec<(&str, Option<i32>)> {
    ended.iter().map(|(name, output)| (name.as_str(), output.status.code())).collect()
}

fn read(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).expect(file)
}

#[test]
fn each_step_runs_and_fails_where_it_should() {
    let repository = shop();
    let all = ["cargo install --locked straddle", "Check all versions", "Check against the base", "Try the rules"];
    let all = [&all[..], &["Write SARIF"]].concat();
    let codes = |codes: [i32; 5]| -> Vec<(&str, Option<i32>)> { all.iter().copied().zip(codes.map(Some)).collect() };
    // The pull request that brings the protocol, and one that changes nothing.
    for base in ["empty", "HEAD"] {
        let ended = run(&repository, base);
        assert_eq!(told(&ended), codes([0; 5]), "{ended:?}");
    }
    let sarif: serde_json::Value = serde_json::from_str(&read(repository.path(), "straddle.sarif")).expect("JSON");
    assert_eq!(sarif["version"], "2.1.0");
    // What nobody has decided: the check fails, and the report is written all the same.
    repository.write("schemas/shop/2.0.0/shop.proto", OPEN);
    let ended = run(&repository, "HEAD");
    assert_eq!(told(&ended)[1..3], codes([0, 1, 1, 0, 0])[1..3], "{ended:?}");
    assert_eq!(told(&ended)[4], ("Write SARIF", Some(0)), "{ended:?}");
    // A version that was there before is another one.
    repository.git(&["clean", "--quiet", "-fd"]);
    repository.write("schemas/shop/1.1.0/shop.proto", V1);
    repository.write("schemas/shop/1.1.0/more.proto", "syntax = \"proto3\";\npackage shop.v1;\nmessage More {}\n");
    let ended = run(&repository, "HEAD");
    assert_eq!(told(&ended)[2], ("Check against the base", Some(1)), "{ended:?}");
}
