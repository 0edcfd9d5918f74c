//! Releases that are broken in one way each: the release before goes on, and nothing is lost.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::load::Load;
use crate::place::{Place, STRADDLE, Supervised, kill};
use crate::program::straddle;

const RUNS: &str = "1.1.0,2.0.0";

/// A supervisor at 1.1.0, with a release 2.0.0 that is broken so.
fn with_broken(spoil: impl FnOnce(&Place), more: &[&str]) -> (Place, Supervised) {
    let place = Place::with_two();
    spoil(&place);
    let mut supervised = place.supervise(&[&["--release", "1.1.0"], more].concat());
    supervised.serves("1.1.0");
    (place, supervised)
}

/// The upgrade fails, saying this; callers notice nothing but a pause.
fn assert_upgrade_fails(spoil: impl FnOnce(&Place), more: &[&str], told: &[&str]) {
    let (_place, supervised) = with_broken(spoil, more);
    let load = Load::begin(&supervised.callers);
    load.goes_on(20);
    supervised.node("upgrade", &["2.0.0"]).ended(1, &[&["serves as before"], told].concat());
    load.goes_on(20);
    let status = supervised.status();
    assert_eq!((&status["version"], &status["program"]["release"]), (&json!("1.1.0"), &json!("1.1.0")), "{status}");
    let outcome = load.end();
    assert_eq!((outcome.refused, outcome.failed), (Vec::<String>::new(), Vec::<String>::new()));
}

#[test]
fn one_that_crashes_at_its_start_is_not_begun_with() {
    let told = ["failed: MOVE_FAILED", "the new program was not prepared"];
    assert_upgrade_fails(|place| place.release("2.0.0", RUNS, "--break start"), &[], &told);
}

#[test]
fn one_that_never_gets_healthy_is_given_up() {
    let told = ["failed: MOVE_FAILED", "it was not ready in time"];
    assert_upgrade_fails(
        |place| place.release("2.0.0", RUNS, "--break never-healthy"),
        &["--ready-limit", "4s"],
        &told,
    );
}

#[test]
fn one_that_is_not_sane_takes_the_state_back_itself() {
    let told = ["failed: MOVE_FAILED", "the move failed (exit code 75)"];
    assert_upgrade_fails(|place| place.release("2.0.0", RUNS, "--break verify"), &[], &told);
}

#[test]
fn one_that_runs_another_version_is_given_up() {
    let script = format!("STRADDLE_RUN=1.1.0 exec {STRADDLE} serve-node --runs 1.1.0");
    let told = ["failed: MOVE_FAILED", "it ran version 1.1.0, which is not what it was told to"];
    assert_upgrade_fails(|place| place.script("2.0.0", RUNS, &script), &[], &told);
}

#[test]
fn one_that_cannot_run_what_its_manifest_says_is_not_begun_with() {
    let script = format!("exec {STRADDLE} serve-node --runs 1.1.0");
    let told = ["failed: NO_WAY", "it cannot run what it was told to (exit code 78)"];
    assert_upgrade_fails(|place| place.script("2.0.0", RUNS, &script), &[], &told);
}

#[test]
fn one_that_crashes_while_it_takes_over_is_given_up_after_a_few_times() {
    // It has the state, and gets no further; so it can be killed then.
    let (_place, mut supervised) = with_broken(|place| place.release("2.0.0", RUNS, "--break never-healthy"), &[]);
    let load = Load::begin(&supervised.callers);
    load.goes_on(20);
    let admin = supervised.admin.clone();
    let upgrade = std::thread::spawn(move || straddle(&["node", "upgrade", &admin, "2.0.0"]));
    let mut process = supervised.hears("started")["process"].to_string();
    assert_eq!(supervised.hears("ended")["release"], json!("1.1.0"), "it has handed over");
    for _ in 0..2 {
        kill("-9", &process);
        let again = supervised.hears("started");
        assert_eq!(again["release"], json!("2.0.0"));
        process = again["process"].to_string();
    }
    kill("-9", &process);
    supervised.serves("1.1.0");
    let upgrade = upgrade.join().unwrap();
    upgrade.ended(1, &["failed: MOVE_FAILED", "it was ended by signal 9", "serves as before"]);
    load.goes_on(20);
    let outcome = load.end();
    assert_eq!((outcome.refused, outcome.failed), (Vec::<String>::new(), Vec::<String>::new()));
}

#[test]
fn one_that_is_not_what_its_manifest_says_is_never_started() {
    let changed = |place: &Place| {
        let program = place.path("releases/2.0.0/server");
        let text = fs::read_to_string(&program).unwrap();
        fs::write(program, format!("{text}# a change\n")).unwrap();
    };
    assert_upgrade_fails(changed, &[], &["failed: MOVE_FAILED", "its SHA-256 digest is"]);
    let not_executable = |place: &Place| {
        let program = place.path("releases/2.0.0/server");
        fs::set_permissions(program, PermissionsExt::from_mode(0o644)).unwrap();
    };
    assert_upgrade_fails(not_executable, &[], &["failed: MOVE_FAILED", "chmod +x"]);
}

#[test]
fn one_that_is_never_ready_is_given_up_by_an_operator_and_nobody_waits_for_its_time() {
    let broken = |place: &Place| place.release("2.0.0", RUNS, "--break never-healthy");
    let (_place, mut supervised) = with_broken(broken, &["--ready-limit", "1h"]);
    supervised.node("abort", &[]).ended(1, &["failed: NO_WAY", "no move is under way"]);
    let load = Load::begin(&supervised.callers);
    load.goes_on(20);
    let admin = supervised.admin.clone();
    let upgrade = std::thread::spawn(move || straddle(&["node", "upgrade", &admin, "2.0.0"]));
    assert_eq!(supervised.hears("awaited")["release"], "2.0.0");
    supervised.hears_of(|status| status["program"]["process"].is_null());
    let status = supervised.node("status", &[]).ended(0, &[]).out;
    for told in ["transforming to 2.0.0", "callers wait for it", "--ready-limit", "straddle node abort"] {
        assert!(status.contains(told), "{told:?} is missing from {status}");
    }
    let given_up = supervised.node("abort", &[]).ended(0, &[]).out;
    assert!(given_up.contains("the move is given up; the node: inventory 1.1.0, serving"), "{given_up}");
    upgrade.join().unwrap().ended(1, &["failed: MOVE_FAILED", "somebody has given the move up", "serves as before"]);
    load.goes_on(20);
    let outcome = load.end();
    assert_eq!((outcome.refused, outcome.failed), (Vec::<String>::new(), Vec::<String>::new()));
}

#[test]
fn one_that_hangs_beside_the_old_one_does_not_hold_up_the_next_supervisor() {
    let hangs = |place: &Place| place.script("2.0.0", RUNS, "trap '' TERM\nexec sleep 600");
    let (place, mut first) = with_broken(hangs, &["--stop-limit", "10m"]);
    let admin = first.admin.clone();
    let upgrade = std::thread::spawn(move || straddle(&["node", "upgrade", &admin, "2.0.0"]));
    while first.hears("started")["release"] != "2.0.0" {}
    first.signal("-9");
    first.ended();
    upgrade.join().unwrap().ended(2, &["lost sight of"]);
    let next = place.supervise(&["--stop-limit", "10m"]);
    assert_eq!(next.rests(), json!("1.1.0"));
    assert!(next.heard.iter().any(|news| news["event"] == "removed"), "{:?}", next.heard);
}

#[test]
fn one_that_is_broken_does_not_hide_an_older_one_that_is_good() {
    let broken = |place: &Place| {
        place.release("2.0.1", RUNS, "");
        fs::write(place.path("releases/2.0.1/server"), "#!/bin/sh\n").unwrap();
        fs::create_dir(place.path("releases/2.0.2")).unwrap();
    };
    let (place, mut supervised) = with_broken(broken, &[]);
    let passed_over = supervised.status()["program"]["passed_over"].to_string();
    assert!(passed_over.contains("release 2.0.2: ") && passed_over.contains("no such manifest"), "{passed_over}");
    assert!(passed_over.contains("release 2.0.1: ") && passed_over.contains("SHA-256"), "{passed_over}");
    let status = supervised.node("status", &[]).ended(0, &[]).out;
    assert!(status.contains("2.0.0, by release 2.0.0") && status.contains("unusable"), "{status}");
    supervised.node("upgrade", &["2.0.0"]).ended(0, &[]);
    for name in ["2.0.2", "2.0.1"] {
        assert_eq!(supervised.hears("passed_over")["release"], name);
    }
    supervised.serves("2.0.0");
    // It is looked at again when it has changed.
    fs::remove_dir(place.path("releases/2.0.2")).unwrap();
    place.release("2.0.1", RUNS, "");
    let status = supervised.node("status", &[]).ended(0, &[]).out;
    assert!(status.contains("release 2.0.1 runs 2.0.0 as well: straddle node replace"), "{status}");
    supervised.node("replace", &[]).ended(0, &[]);
    supervised.serves("2.0.1");
}

/// It takes over, crashes again and again, and is given up.
fn assert_falls_back(broken: &str) {
    let (_place, mut supervised) = with_broken(|place| place.release("2.0.0", RUNS, broken), &[]);
    let load = Load::begin(&supervised.callers);
    load.goes_on(20);
    supervised.node("upgrade", &["2.0.0"]).ended(0, &[]);
    supervised.serves("2.0.0");
    supervised.serves("1.1.0");
    load.goes_on(20);
    let status = supervised.status();
    let program = &status["program"];
    assert_eq!((&status["version"], &program["release"]), (&json!("1.1.0"), &json!("1.1.0")), "{status}");
    assert_eq!(program["last_good"], json!("1.1.0"));
    assert!(
        program["failure"].as_str().is_some_and(|why| why.starts_with("release 2.0.0: ") && why.contains("signal 6")),
        "{program}"
    );
    let backs: Vec<_> = supervised.heard.iter().filter(|news| news["back"] == true).collect();
    assert_eq!(backs.len(), 1, "the newer program takes the state back: {:?}", supervised.heard);
    assert_eq!(load.end().refused, Vec::<String>::new());
}

#[test]
fn one_that_crashes_at_the_first_call_leads_back_to_the_release_before() {
    assert_falls_back("--break first-call");
}

#[test]
fn one_that_crashes_after_a_while_leads_back_to_the_release_before() {
    assert_falls_back("--break after=2");
}
