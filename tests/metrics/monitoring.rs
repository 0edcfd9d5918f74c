//! `examples/monitoring`, held against what is really told, and checked by Prometheus's own tool.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/monitoring")
}

/// Where there is Prometheus's tool: where `tests/run` has brought it, or installed.
fn promtool() -> Option<PathBuf> {
    let brought = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/prometheus/usr/bin/promtool");
    let found = [brought, PathBuf::from("promtool")]
        .into_iter()
        .find(|program| Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success()));
    if found.is_none() {
        println!("skipped: there is no promtool; tests/run brings it on Debian");
    }
    found
}

/// That Prometheus's tool has nothing to say against a page.
pub(crate) fn promtool_takes(page: &str) {
    let Some(promtool) = promtool() else { return };
    let mut command = Command::new(promtool);
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    child.stdin.take().expect("its input").write_all(page.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(output.status.success() && said.trim().is_empty(), "{said}\n{page}");
}

#[test]
fn alert_rules_are_in_order_and_do_what_their_tests_say() {
    let Some(promtool) = promtool() else { return };
    for arguments in [["check", "rules", "straddle.rules.yml"], ["test", "rules", "straddle.rules.test.yml"]] {
        let output = Command::new(&promtool).current_dir(folder()).args(arguments).output().expect("it starts");
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
        assert!(output.status.success(), "{arguments:?}: {said}");
    }
}

#[test]
fn dashboard_and_alerts_ask_for_nothing_that_nobody_tells() {
    let told = told();
    assert!(told.contains("straddle_calls_total") && told.len() > 15, "{told:?}");
    for file in ["dashboard.json", "straddle.rules.yml", "straddle.rules.test.yml", "README.md"] {
        let text = std::fs::read_to_string(folder().join(file)).expect(file);
        let asked = names(&text);
        for name in &asked {
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
            assert!(told.contains(name) || family.is_some_and(|family| told.contains(family)), "{file}: {name}");
        }
        assert!(!asked.is_empty() || file == "README.md", "{file} asks for nothing");
    }
}

#[test]
fn the_dashboard_is_one_that_grafana_imports() {
    let text = std::fs::read_to_string(folder().join("dashboard.json")).expect("a dashboard");
    let dashboard: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert!(dashboard["title"].is_string() && dashboard["schemaVersion"].is_number() && dashboard["uid"].is_string());
    assert!(dashboard["id"].is_null(), "Grafana gives it a number of its own");
    let (mut ids, panels) = (BTreeSet::new(), dashboard["panels"].as_array().expect("panels"));
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().expect("a number")), "{panel}");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{panel}");
        for target in panel["targets"].as_array().expect("queries") {
            assert!(target["expr"].as_str().is_some_and(|query| query.contains("straddle_")), "{target}");
        }
    }
    assert!(panels.len() >= 8);
}

/// The families that the sources write.
fn told() -> BTreeSet<String> {
    let mut told = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("text");
                let written =
                    text.split(['\n', ';']).filter(|line| line.contains(".family(") || line.contains(".single("));
                told.extend(written.flat_map(names));
            }
        }
    }
    told
}

/// The names of ours in a text.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("straddle_")).map(str::to_owned).collect()
}
