//! What holds for every plan, tried on real changes of schemas.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use straddle::Protocol;
use straddle::protocol::plan::{Conversion, Direction, Made, MessagePlan, Plans, Use, ValueConversion};

use crate::folder::{folder, write};

fn cases() -> Option<PathBuf> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases");
    if cases.is_dir() {
        return Some(cases);
    }
    let _ = writeln!(std::io::stderr(), "SKIPPED: {} is missing", cases.display());
    None
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(of)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

/// Copies the protos below `from` into the version's folder.
fn copy(from: &Path, to: &Path, version: &str) {
    let mut pending = vec![from.to_owned()];
    while let Some(at) = pending.pop() {
        for entry in fs::read_dir(&at).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "proto") {
                let within = path.strip_prefix(from).expect("below it").to_string_lossy().into_owned();
                write(to, &format!("{version}/{within}"), &fs::read(&path).expect("a proto"));
            }
        }
    }
}

#[test]
fn the_breaking_changes_of_buf_are_bridged_or_open_and_nothing_is_forgotten() {
    let Some(cases) = cases() else { return };
    let mut tried = 0;
    for case in folders(&cases.join("buf-breaking")) {
        for (older, newer) in [("previous", "current"), ("current", "previous")] {
            let folder = folder(&[("protocol.toml", "name = \"p\"\n")]);
            copy(&case.join(older), folder.path(), "1.0.0");
            copy(&case.join(newer), folder.path(), "2.0.0");
            // Some of these protos are no protos of ours: editions, or a folder that is meant to be two roots.
            let Ok(protocol) = Protocol::load(folder.path()) else { continue };
            tried += 1;
            check(&protocol, &case.to_string_lossy());
        }
    }
    assert!(tried > 30, "only {tried} of the pairs could be loaded");
}

#[test]
fn published_protocols_forget_nothing() {
    if cases().is_none() {
        return;
    }
    let steps = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases");
    for case in folders(&steps) {
        let protocol = Protocol::load(&case).unwrap_or_else(|error| panic!("{error}"));
        check(&protocol, &case.to_string_lossy());
    }
}

/// Holds all plans of a protocol to what is promised of plans.
fn check(protocol: &Protocol, case: &str) {
    for step in protocol.steps() {
        for direction in [Direction::Up, Direction::Down] {
            let plans = step.plans(direction);
            for (used, plan) in Use::ALL.into_iter().flat_map(|used| plans.iter(used).map(move |plan| (used, plan))) {
                let name = format!("{case}: {} -> {}", plan.source.full_name(), plan.target.full_name());
                forgets_nothing(plan, &name);
                leads_somewhere(plan, plans, used, &name);
                writes_once(plan, &name);
            }
        }
    }
}

/// Each field of the source goes somewhere, is lost, or is open.
fn forgets_nothing(plan: &MessagePlan, name: &str) {
    let mut told: BTreeSet<String> = BTreeSet::new();
    told.extend(plan.moves.iter().map(|step| step.from.to_string()));
    told.extend(plan.containers.iter().map(|container| container.from.to_string()));
    told.extend(plan.losses.iter().map(|loss| loss.path.to_string()));
    for make in &plan.makes {
        match &make.value {
            Made::Join { from, .. } => told.extend(from.iter().map(ToString::to_string)),
            Made::Split { from, .. } => drop(told.insert(from.to_string())),
            Made::Expression(expression) => told.extend(expression.reads().iter().map(|read| read.join("."))),
            Made::Constant { .. } => {}
        }
    }
    let mut within = vec![(String::new(), plan.source.clone())];
    for container in &plan.containers {
        let prost_reflect::Kind::Message(message) = container.from.leaf().kind() else { panic!("{name}: a container") };
        within.push((format!("{}.", container.from), message));
    }
    for (before, message) in within {
        for field in message.fields() {
            let path = format!("{before}{}", field.name());
            assert!(told.contains(&path), "{name}: `{path}` is forgotten");
        }
    }
}

/// What a plan hands on to other plans is there.
fn leads_somewhere(plan: &MessagePlan, plans: &Plans, used: Use, name: &str) {
    for step in &plan.moves {
        let values = match &step.conversion {
            Conversion::One(value)
            | Conversion::Each(value)
            | Conversion::IntoList(value)
            | Conversion::FromList { value, .. } => vec![value],
            Conversion::Map { key, value }
            | Conversion::MapToList { key, value, .. }
            | Conversion::ListToMap { key, value, .. } => vec![key, value],
            Conversion::Mask { source, target } => {
                assert!(plans.get(source, target, used).is_some(), "{name}: no plan for what {} speaks of", step.from);
                Vec::new()
            }
        };
        for value in values {
            if let ValueConversion::Message { source, target } = value {
                assert!(plans.get(source, target, used).is_some(), "{name}: no plan from {source} to {target}");
            }
        }
    }
}

/// No field of the target comes from two places, unless a condition tells when.
fn writes_once(plan: &MessagePlan, name: &str) {
    let mut written = BTreeSet::new();
    let moves = plan.moves.iter().filter(|step| step.when.is_none()).map(|step| &step.to);
    let makes = plan.makes.iter().filter(|make| make.when.is_none()).map(|make| &make.to);
    for path in moves.chain(makes) {
        assert!(written.insert(path.to_string()), "{name}: `{path}` is written twice");
    }
}
