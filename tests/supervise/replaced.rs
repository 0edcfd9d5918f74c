//! Programs, and the supervisor's own, that are replaced while callers go on.

use serde_json::{Value, json};

use crate::load::Load;
use crate::place::{Place, kill};

pub(crate) fn assert_nobody_noticed(load: Load) {
    let outcome = load.end();
    assert_eq!(outcome.refused, Vec::<String>::new(), "of {} connections", outcome.connected);
    assert_eq!(outcome.failed, Vec::<String>::new(), "of {} calls", outcome.kept.len());
    assert!(outcome.kept.len() > 100 && outcome.connected > 100, "{} {}", outcome.kept.len(), outcome.connected);
}

#[test]
fn an_upgrade_and_a_rollback_refuse_no_connection_and_fail_no_call() {
    let place = Place::with_two();
    let mut supervised = place.supervise(&["--release", "1.1.0"]);
    supervised.serves("1.1.0");
    let load = Load::begin(&supervised.callers);
    load.goes_on(100);
    let upgraded = supervised.node("upgrade", &["2.0.0", "--json"]).ended(0, &[]);
    let done = upgraded.lines().pop().expect("a line")["done"].clone();
    assert_eq!((&done["version"], &done["moved"]["from"]), (&json!("2.0.0"), &json!("1.1.0")), "{done}");
    load.goes_on(100);
    let status = supervised.status();
    assert_eq!((&status["version"], &status["back"]), (&json!("2.0.0"), &json!("1.1.0")));
    let program = &status["program"];
    assert_eq!((&program["release"], &program["last_good"]), (&json!("2.0.0"), &json!("1.1.0")));
    supervised.node("rollback", &["--dry-run"]).ended(0, &[]);
    supervised.node("rollback", &[]).ended(0, &[]);
    load.goes_on(100);
    assert_nobody_noticed(load);
    let status = supervised.status();
    assert_eq!((&status["version"], &status["program"]["release"]), (&json!("1.1.0"), &json!("1.1.0")));
}

#[test]
fn the_supervisor_becomes_its_own_next_version_and_its_program_serves_on() {
    let place = Place::with_two();
    let mut supervised = place.supervise(&["--release", "1.1.0"]);
    supervised.serves("1.1.0");
    let process = supervised.process();
    let load = Load::begin(&supervised.callers);
    load.goes_on(50);
    for _ in 0..2 {
        supervised.signal("-USR2");
        supervised.hears("anew");
        assert_eq!(supervised.hears("adopted")["process"].to_string(), process);
        supervised.hears("listening");
        load.goes_on(50);
    }
    assert_eq!(supervised.process(), process);
    supervised.node("upgrade", &["2.0.0"]).ended(0, &[]);
    supervised.serves("2.0.0");
    load.goes_on(50);
    assert_nobody_noticed(load);
    // It is the same process, so it knows how its program ends.
    kill("-9", &supervised.process());
    supervised.serves("2.0.0");
    assert!(supervised.heard.iter().any(|news| news["how"] == "it was ended by signal 9"), "{:?}", supervised.heard);
}

#[test]
fn a_supervisor_that_was_killed_is_followed_by_another_and_its_program_serves_on() {
    let place = Place::with_two();
    let mut first = place.supervise(&["--release", "1.1.0"]);
    first.serves("1.1.0");
    let (process, callers) = (first.process(), first.callers.clone());
    let load = Load::begin(&callers);
    load.goes_on(50);
    first.signal("-9");
    first.ended();
    load.goes_on(50);
    let mut second = place.supervise_on(&callers, &[]);
    assert_eq!(
        second.heard[0],
        json!({ "event": "adopted", "release": "1.1.0", "process": process.parse::<u32>().unwrap() })
    );
    assert_eq!(second.callers, callers);
    second.node("upgrade", &["2.0.0"]).ended(0, &[]);
    second.serves("2.0.0");
    load.goes_on(50);
    assert_nobody_noticed(load);
    kill("-9", &second.process());
    second.serves("2.0.0");
}

#[test]
fn a_program_that_crashes_is_started_again_and_no_connection_is_refused() {
    let place = Place::new();
    let mut supervised = place.supervise(&[]);
    supervised.serves("1.1.0");
    let load = Load::begin(&supervised.callers);
    load.goes_on(50);
    for crashes in 1..=2 {
        kill("-9", &supervised.process());
        supervised.serves("1.1.0");
        load.goes_on(50);
        assert_eq!(supervised.status()["program"]["crashes"], json!(crashes));
    }
    let outcome = load.end();
    assert_eq!(outcome.refused, Vec::<String>::new());
}

/// A bug in code that all versions of a program share is left by an older release that runs the same version.
#[test]
fn another_release_runs_the_same_version_and_nobody_notices() {
    let place = Place::with_two();
    place.release("2.0.1", "1.1.0,2.0.0", "");
    let mut supervised = place.supervise(&["--release", "1.1.0"]);
    supervised.serves("1.1.0");
    let load = Load::begin(&supervised.callers);
    load.goes_on(20);
    supervised.node("upgrade", &["2.0.0"]).ended(0, &[]);
    supervised.serves("2.0.1");
    let replaced = supervised.node("replace", &["--release", "2.0.0", "--json"]).ended(0, &[]).out;
    assert!(replaced.lines().last().is_some_and(|line| line.contains("\"version\":\"2.0.0\"")), "{replaced}");
    supervised.serves("2.0.0");
    load.goes_on(20);
    for (release, told) in
        [("2.0.0", "runs release 2.0.0 already"), ("1.1.0", "cannot run 2.0.0"), ("9.0.0", "no release 9.0.0")]
    {
        supervised.node("replace", &["--release", release]).ended(1, &["failed: NO_WAY", told]);
    }
    // The way back to the older version is still there.
    assert_eq!(supervised.status()["back"], "1.1.0");
    supervised.node("rollback", &[]).ended(0, &[]);
    supervised.serves("1.1.0");
    load.goes_on(20);
    assert_nobody_noticed(load);
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let place = Place::with_two();
    place.release("3.0.0", "1.1.0,2.0.0,3.0.0", "");
    let mut supervised = place.supervise(&["--release", "1.1.0"]);
    supervised.serves("1.1.0");
    for (to, told) in [
        ("4.0.0", "no release can run 1.1.0 and 4.0.0"),
        ("3.0.0", "2.0.0 comes before 3.0.0"),
        ("1.0.0", "a rollback leads back"),
    ] {
        supervised.node("upgrade", &[to]).ended(1, &["failed: NO_WAY", told, "serves as before"]);
    }
    supervised.node("rollback", &[]).ended(1, &["failed: NO_WAY", "there is no way back"]);
    supervised.node("finalize", &[]).ended(1, &["failed: NO_WAY"]);
    assert_eq!(supervised.status()["program"]["failure"], Value::Null);
    supervised.node("upgrade", &["2.0.0"]).ended(0, &[]);
    supervised.node("finalize", &[]).ended(0, &[]);
    assert_eq!(supervised.status()["program"]["last_good"], supervised.status()["program"]["release"]);
    supervised.node("rollback", &[]).ended(1, &["failed: NO_WAY"]);
    // The newest release can run it, and so this is where it went.
    supervised.node("upgrade", &["2.0.0"]).ended(1, &["runs 2.0.0 already"]);
}
