//! `straddle check` against `buf breaking`: the same rule at the same line, on Buf's own cases and on published histories.
//!
//! The cases lie beside the checkout, in `../shared/cases`; without them these tests skip, and say so. They hold what
//! Buf 1.75 said.
#![cfg(feature = "cli")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use straddle::check::compare::{Options, compare};
use straddle::check::rule::RULES;
use straddle::check::{Category, Difference, Image, Side};
use tempfile::TempDir;

/// What is compared: file (none for what has no place in the newer version), line, rule.
type Annotation = (String, Option<u64>, String);

/// How many annotations were found, missed, and made up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    hits: usize,
    misses: usize,
    extras: usize,
}

const CATEGORIES: [(&str, Category); 4] = [
    ("WIRE", Category::Wire),
    ("WIRE_JSON", Category::WireJson),
    ("PACKAGE", Category::Package),
    ("FILE", Category::File),
];

#[test]
fn bufs_own_cases_are_matched_rule_by_rule() {
    let Some(cases) = cases("buf-breaking") else { return };
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut whole = Tally::default();
    let (mut not_reached, mut names) = (Vec::new(), 0);
    for folder in folders(&cases) {
        let case = folder.file_name().expect("a name").to_string_lossy().into_owned();
        let expected = json(&folder.join("expected.json"));
        let build = &expected["config"]["build"];
        let previous_build = if expected["previous_build"].is_null() { build } else { &expected["previous_build"] };
        let (old_root, new_root) = (root(previous_build), root(build));
        let (old, new) = (folder.join("previous").join(&old_root), folder.join("current").join(&new_root));
        let editions: BTreeSet<String> = protos(&old)
            .union(&protos(&new))
            .filter(|file| is_edition(&old.join(file)) || is_edition(&new.join(file)))
            .cloned()
            .collect();
        let (old, new) = (copy_without(&old, &editions), copy_without(&new, &editions));
        let images =
            [&old, &new].map(|copy| Image::of_folder(copy.path()).unwrap_or_else(|error| panic!("{case}: {error}")));
        let unstable = expected["config"]["breaking"]["ignore_unstable_packages"] == true;
        let rules: Vec<&str> = list(&expected["rules"]).iter().filter_map(Value::as_str).collect();
        for rule in &rules {
            assert!(RULES.iter().any(|known| known.id == *rule), "{case}: {rule} is no rule of ours");
        }
        let found = compare(&images[0], &images[1], &Options::default());
        let found = found.iter().filter(|difference| rules.contains(&difference.rule.id));
        let found = found.filter(|difference| !(unstable && is_in_unstable_package(difference, &images)));
        let found: Vec<Annotation> = found.map(|difference| annotation(difference, &new_root)).collect();
        let lost = declarations(&folder.join("previous").join(&old_root), &editions);
        let (skipped, expected): (Vec<_>, Vec<_>) =
            list(&expected["annotations"]).iter().map(expected_annotation).partition(|(file, line, _)| {
                let text = fs::read_to_string(folder.join("current").join(file)).unwrap_or_default();
                editions.iter().any(|edition| under(&new_root, edition) == *file)
                    || declaration_at(&text, line.unwrap_or_default()).is_some_and(|name| lost.contains(&name))
            });
        not_reached.extend(skipped.into_iter().map(|annotation| (case.clone(), annotation)));
        hold(&case, &found, &expected, |rule, kind| {
            add(&mut whole, kind);
            for (name, category) in CATEGORIES {
                let rule =
                    RULES.iter().find(|known| known.id == rule).expect("ours are all in the table, and so are theirs");
                if rule.categories.contains(&category) {
                    add(tallies.entry(name).or_default(), kind);
                }
            }
        });
        names += 1;
    }
    println!("\nBuf's own cases ({names})");
    show("all", whole);
    for (name, _) in CATEGORIES {
        show(name, tallies.get(name).copied().unwrap_or_default());
    }
    println!("not reached, because one side of the file or of the declaration is in an edition: {}", not_reached.len());
    for (case, (file, line, rule)) in &not_reached {
        println!("    {case}: {file}:{} {rule}", line.unwrap_or_default());
    }
    let exact = |hits| Tally { hits, misses: 0, extras: 0 };
    assert_eq!(names, 27);
    assert_eq!(whole, exact(234));
    let hits = [("WIRE", 63), ("WIRE_JSON", 91), ("PACKAGE", 157), ("FILE", 174)];
    assert_eq!(tallies, hits.map(|(name, hits)| (name, exact(hits))).into());
    assert_eq!(not_reached.len(), 62);
}

#[test]
fn published_histories_are_matched_in_each_category() {
    let Some(cases) = cases("") else { return };
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut steps = 0;
    for folder in folders(&cases).into_iter().filter(|folder| folder.join("breaking.json").is_file()) {
        let case = folder.file_name().expect("a name").to_string_lossy().into_owned();
        for (step, expected) in json(&folder.join("breaking.json")).as_object().expect("steps") {
            let (versions, aligned) = step.strip_suffix(" aligned").map_or((step.as_str(), false), |step| (step, true));
            let (old, new) = versions.split_once("..").expect("two versions");
            let images = [old, new].map(|version| {
                Image::of_folder(&folder.join(version)).unwrap_or_else(|error| panic!("{case}: {error}"))
            });
            let renamed = if aligned { vec![renamed_package(&case)] } else { Vec::new() };
            let found = compare(&images[0], &images[1], &Options { renamed });
            for (name, category) in CATEGORIES {
                let found = found.iter().filter(|difference| difference.rule.categories.contains(&category));
                let found: Vec<Annotation> = found.map(|difference| annotation(difference, "")).collect();
                let expected: Vec<Annotation> = list(&expected[name]).iter().map(expected_annotation).collect();
                let what = format!("{case} {step} {name}");
                hold(&what, &found, &expected, |_, kind| add(tallies.entry(name).or_default(), kind));
            }
            steps += 1;
        }
    }
    println!("\npublished histories ({steps} steps)");
    for (name, _) in CATEGORIES {
        show(name, tallies.get(name).copied().unwrap_or_default());
    }
    println!("    all misses are of google/protobuf/descriptor.proto, which only one side of cloud-tasks imports");
    let of = |hits, misses| Tally { hits, misses, extras: 0 };
    assert_eq!(steps, 17);
    // Buf takes the well-known types that a side imports for files of that side; we leave them out, because nobody deletes
    // them. Where only the older side imports descriptor.proto, Buf calls its 35 messages and the file deleted, twice here.
    let expected = [("WIRE", of(67, 0)), ("WIRE_JSON", of(183, 0)), ("PACKAGE", of(216, 70)), ("FILE", of(220, 2))];
    assert_eq!(tallies, expected.into());
}

/// The package that the aligned step of a case renames, as `../shared/cases/README.md` lists them.
fn renamed_package(case: &str) -> (String, String) {
    let (old, new) = match case {
        "grpc-reflection" => ("grpc.reflection.v1alpha", "grpc.reflection.v1"),
        "cri-runtime" => ("runtime.v1alpha2", "runtime.v1"),
        "cloud-tasks" => ("google.cloud.tasks.v2beta3", "google.cloud.tasks.v2"),
        "k8s-ingress" => ("k8s.io.api.networking.v1beta1", "k8s.io.api.networking.v1"),
        "k8s-autoscaling" => ("k8s.io.api.autoscaling.v1", "k8s.io.api.autoscaling.v2"),
        other => panic!("{other} renames no package"),
    };
    (old.to_owned(), new.to_owned())
}

/// What came of one annotation.
#[derive(Clone, Copy)]
enum Outcome {
    Hit,
    Miss,
    Extra,
}

fn add(tally: &mut Tally, outcome: Outcome) {
    match outcome {
        Outcome::Hit => tally.hits += 1,
        Outcome::Miss => tally.misses += 1,
        Outcome::Extra => tally.extras += 1,
    }
}

/// Pairs what was found with what was expected, each annotation with one other, and tells of each.
fn hold(case: &str, found: &[Annotation], expected: &[Annotation], mut tell: impl FnMut(&str, Outcome)) {
    let mut left = found.to_vec();
    for annotation in expected {
        let outcome = if let Some(position) = left.iter().position(|found| found == annotation) {
            left.swap_remove(position);
            Outcome::Hit
        } else {
            println!("missed in {case}: {annotation:?}");
            Outcome::Miss
        };
        tell(&annotation.2, outcome);
    }
    for annotation in left {
        println!("extra in {case}: {annotation:?}");
        tell(&annotation.2, Outcome::Extra);
    }
}

fn show(name: &str, Tally { hits, misses, extras }: Tally) {
    let of = |whole: usize| {
        if whole == 0 {
            1.0
        } else {
            f64::from(u32::try_from(hits).expect("few")) / f64::from(u32::try_from(whole).expect("few"))
        }
    };
    let (recall, precision) = (of(hits + misses), of(hits + extras));
    println!(
        "    {name:<10} recall {recall:.3}, precision {precision:.3} ({hits} hits, {misses} misses, {extras} extras)"
    );
}

/// Buf names no file where the newer version has none.
fn annotation(difference: &Difference, root: &str) -> Annotation {
    let rule = difference.rule.id.to_owned();
    match difference.place.as_ref().filter(|place| place.side == Side::New) {
        Some(place) => (under(root, &place.file), Some(place.line as u64), rule),
        None => (String::new(), None, rule),
    }
}

fn expected_annotation(value: &Value) -> Annotation {
    let text = |key: &str| value[key].as_str().expect("a text").to_owned();
    (text("file"), value["line"].as_u64(), text("rule"))
}

/// Buf's `ignore_unstable_packages`: packages such as `shop.v1beta1` may break, whichever side the finding is on.
fn is_in_unstable_package(difference: &Difference, images: &[Image; 2]) -> bool {
    let place = difference.place.as_ref().expect("each difference has a place");
    let files = images.iter().flat_map(Image::files);
    let mut packages = files.filter(|file| file.name() == place.file).map(prost_types::FileDescriptorProto::package);
    packages.any(|package| {
        let last = package.rsplit('.').next().unwrap_or_default();
        let version = last.strip_prefix('v').unwrap_or_default();
        version.starts_with(|letter: char| letter.is_ascii_digit())
            && ["alpha", "beta", "test"].iter().any(|word| version.contains(word))
    })
}

fn under(root: &str, file: &str) -> String {
    if root.is_empty() { file.to_owned() } else { format!("{root}/{file}") }
}

/// The one source root of a `build` section, if it has one.
fn root(build: &Value) -> String {
    let roots = list(&build["roots"]);
    assert!(roots.len() <= 1, "one root at most: {roots:?}");
    roots.first().and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn json(file: &Path) -> Value {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn is_edition(file: &Path) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text.lines().any(|line| line.trim_start().starts_with("edition")))
}

/// The protos below a folder, named as imports name them.
fn protos(root: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut left = vec![root.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                left.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "proto") {
                found.insert(entry.strip_prefix(root).expect("below the root").to_str().expect("UTF-8").to_owned());
            }
        }
    }
    found
}

/// What these files declare, nested declarations aside.
fn declarations(root: &Path, files: &BTreeSet<String>) -> BTreeSet<String> {
    let texts = files.iter().map(|file| fs::read_to_string(root.join(file)).unwrap_or_default());
    texts.flat_map(|text| text.lines().filter_map(declared).collect::<Vec<_>>()).collect()
}

/// The declaration around a line, nested ones aside.
fn declaration_at(text: &str, line: u64) -> Option<String> {
    text.lines().take(usize::try_from(line).expect("a line")).filter_map(declared).last()
}

/// The name that a line without indentation declares.
fn declared(line: &str) -> Option<String> {
    let rest = line.strip_prefix("message ").or_else(|| line.strip_prefix("enum "))?;
    Some(rest.split([' ', '{']).next()?.to_owned())
}

fn copy_without(root: &Path, left_out: &BTreeSet<String>) -> TempDir {
    let copy = TempDir::new().expect("a folder");
    for file in protos(root).difference(left_out) {
        let to = copy.path().join(file);
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        fs::copy(root.join(file), to).expect("a copy");
    }
    copy
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(of).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut folders: Vec<PathBuf> = entries.filter(|entry| entry.is_dir()).collect();
    folders.sort();
    folders
}

/// The folder of the cases, or a word on standard error (past the test runner's capture) that they are missing.
fn cases(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    let _ = writeln!(std::io::stderr(), "SKIPPED: {} is missing", folder.display());
    None
}
