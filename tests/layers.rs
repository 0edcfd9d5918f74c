//! The order of the layers, and what else each source file keeps to. See *Layers* in ARCHITECTURE.md.

#[path = "layers/source.rs"]
mod source;
#[path = "layers/uses.rs"]
mod uses;

use std::path::Path;

use source::{Source, sources};
use uses::{unexplained_exemptions, uses};

/// The layers, from left to right. A module may use itself and those of groups to its left, never one of its own group
/// or to its right.
const LAYERS: &[&[&str]] = &[
    &["version", "refusal", "nearest"],
    &["tree", "expression", "metrics", "retiring"],
    &["protocol", "wire"],
    &["rewrite", "check", "codegen", "bundle"],
    &["draft", "verify"],
    &["census", "otlp"],
    &["dispatch"],
    &["simulation"],
    &["transport"],
    &["state"],
    &["control"],
    &["node"],
    &["coordinator"],
    &["inventory", "supervise"],
    // What fuzz targets see of the inside: nothing uses it.
    &["cli", "fuzzing"],
];

/// The most lines of code, comments and blank lines not counted, that a reader has to hold in mind at once.
const LINES: usize = 500;

#[test]
fn no_module_uses_a_layer_beside_it_or_to_its_right() {
    let mut faults = Vec::new();
    let mut seen = 0;
    let all = sources();
    for source in written(&all) {
        let Some(own) = source.module.first() else { continue };
        for used in uses(source, &all) {
            seen += 1;
            faults.extend(fault(source, own, &used));
        }
    }
    assert!(seen > 100, "only {seen} paths between modules were found: they are not read as they are written");
    assert!(faults.is_empty(), "{}\n\nthe order is {LAYERS:?}", faults.join("\n"));
}

fn fault(source: &Source, own: &str, used: &uses::Use) -> Option<String> {
    let (file, line, other) = (source.file.display(), used.line, &used.module);
    let Some(here) = layer(own) else {
        return Some(format!("{file}: `{own}` has no layer; give it one in tests/layers.rs and in ARCHITECTURE.md"));
    };
    let Some(there) = layer(other) else {
        return Some(format!("{file}:{line}: `{own}` names `crate::{other}`, which is no module with a layer"));
    };
    let side = if here == there { "beside it" } else { "to its right" };
    (own != other && here <= there).then(|| format!("{file}:{line}: `{own}` uses `{other}`, which is {side}"))
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|group| group.contains(&module))
}

#[test]
fn every_module_of_the_crate_has_a_layer() {
    let missing: Vec<String> = sources()
        .iter()
        .filter_map(|source| source.module.first())
        .filter(|module| layer(module).is_none())
        .cloned()
        .collect();
    assert!(missing.is_empty(), "these have none: {missing:?}");
}

#[test]
fn a_module_is_a_file_of_its_name() {
    let all = [sources(), source::rust_files("tests"), source::rust_files("fuzz")].concat();
    let named_mod: Vec<&Path> =
        all.iter().map(|source| source.file.as_path()).filter(|file| file.ends_with("mod.rs")).collect();
    assert!(named_mod.is_empty(), "name these after their module: {named_mod:?}");
}

#[test]
fn no_file_has_more_lines_of_code_than_one_can_hold_in_mind() {
    let all = sources();
    let long: Vec<String> = written(&all)
        .map(|source| (source.lines_of_code(), source))
        .filter(|(lines, _)| *lines > LINES)
        .map(|(lines, source)| format!("{}: {lines}", source.file.display()))
        .collect();
    assert!(long.is_empty(), "divide what has over {LINES} lines of code:\n{}", long.join("\n"));
}

#[test]
fn every_exemption_from_a_lint_says_its_reason() {
    let all = sources();
    let silent: Vec<String> = written(&all)
        .flat_map(|source| {
            let lines = unexplained_exemptions(source);
            lines.into_iter().map(|line| format!("{}:{line}", source.file.display()))
        })
        .collect();
    assert!(silent.is_empty(), "add `reason = \"…\"` to the allow or expect at\n{}", silent.join("\n"));
}

/// The files that people write.
fn written(all: &[Source]) -> impl Iterator<Item = &Source> {
    all.iter().filter(|source| !source.file.iter().any(|part| part == "generated"))
}
