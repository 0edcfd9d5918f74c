//! Programs that are replaced because a coordinator says so.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::coordinator::Coordinator;
use crate::load::Load;
use crate::place::{Place, STRADDLE, Supervised, kill};
use crate::replaced::assert_nobody_noticed;

/// A coordinator, and a supervised node at 1.1.0 that attends it.
struct Fleet {
    supervised: Supervised,
    coordinator: Coordinator,
    _data: tempfile::TempDir,
}

impl Fleet {
    fn of(place: &Place) -> Self {
        Self::permitted(place, "30s")
    }

    /// Whose permits hold for so long.
    fn permitted(place: &Place, within: &str) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let coordinator = Coordinator::start(data.path(), &["--allow-unsigned", "--permit-within", within]);
        coordinator.publish("2.0.0");
        let mut supervised = supervised(place, &coordinator, "127.0.0.1:0");
        supervised.serves("1.1.0");
        let fleet = Self { supervised, coordinator, _data: data };
        fleet.until(|node| node["serving"] == true);
        fleet
    }

    /// Waits until the coordinator says so of the node.
    #[track_caller]
    fn until(&self, is: impl Fn(&Value) -> bool) {
        self.coordinator.until(&["nodes", "--json"], |run| {
            run.code == Some(0) && run.value()["nodes"].as_array().is_some_and(|nodes| nodes.iter().any(&is))
        });
    }

    fn upgrades(&self) {
        let command = ["upgrade", "start", "inventory", "2.0.0", "--no-gates", "--watch"];
        self.coordinator.asked(&command).ended(0, &["complete: 1 of 1 nodes at 2.0.0"]);
    }

    /// The version and the release that run.
    fn runs(&self) -> (Value, Value) {
        let status = self.supervised.status();
        (status["version"].clone(), status["program"]["release"].clone())
    }
}

fn supervised(place: &Place, coordinator: &Coordinator, callers: &str) -> Supervised {
    let attends = ["--release", "1.1.0", "--coordinator", &coordinator.address, "--node", "one", "--label", "zone=a"];
    place.supervise_on(callers, &attends)
}

/// The new program can run both versions, so a coordinator has it move within itself from then on.
#[test]
fn a_program_that_has_moved_within_itself_is_known_where_it_is() {
    let place = Place::with_two();
    let mut fleet = Fleet::of(&place);
    fleet.upgrades();
    fleet.supervised.serves("2.0.0");
    for version in ["1.1.0", "2.0.0"] {
        if version == "1.1.0" {
            fleet.coordinator.asked(&["upgrade", "rollback", "--watch"]).ended(0, &["rolled-back"]);
        } else {
            fleet.upgrades();
        }
        kill("-9", &fleet.supervised.process());
        fleet.supervised.serves("2.0.0");
        assert_eq!(fleet.runs(), (json!(version), json!("2.0.0")));
        fleet.until(|node| node["serving"] == true && node["connected"] == true);
    }
    // Its supervisor is killed while it serves, then both are at once.
    for (version, with_the_program) in [("1.1.0", false), ("2.0.0", true)] {
        if version == "1.1.0" {
            fleet.coordinator.asked(&["upgrade", "rollback", "--watch"]).ended(0, &["rolled-back"]);
        } else {
            fleet.upgrades();
        }
        let (process, callers) = (fleet.supervised.process(), fleet.supervised.callers.clone());
        fleet.supervised.signal("-9");
        fleet.supervised.ended();
        if with_the_program {
            kill("-9", &process);
        }
        fleet.supervised = supervised(&place, &fleet.coordinator, &callers);
        if with_the_program {
            fleet.supervised.serves("2.0.0");
        } else {
            assert_eq!(fleet.supervised.process(), process, "it goes on");
        }
        assert_eq!(fleet.runs(), (json!(version), json!("2.0.0")));
        fleet.until(|node| node["serving"] == true && node["connected"] == true);
    }
}

#[test]
fn the_coordinator_has_programs_replaced_and_nobody_notices() {
    let place = Place::with_two();
    let fleet = Fleet::of(&place);
    let load = Load::begin(&fleet.supervised.callers);
    load.goes_on(100);
    fleet.upgrades();
    assert_eq!(fleet.runs(), (json!("2.0.0"), json!("2.0.0")));
    load.goes_on(100);
    // The new program can run both.
    fleet.coordinator.asked(&["upgrade", "rollback", "--watch"]).ended(0, &["rolled-back"]);
    assert_eq!(fleet.runs(), (json!("1.1.0"), json!("2.0.0")));
    load.goes_on(100);
    fleet.upgrades();
    fleet.coordinator.asked(&["upgrade", "finalize", "--watch"]).ended(0, &["finalized"]);
    assert_eq!(fleet.supervised.status()["back"], Value::Null);
    load.goes_on(100);
    assert_nobody_noticed(load);
}

#[test]
fn a_program_that_follows_another_one_serves_while_the_coordinator_is_gone() {
    let place = Place::with_two();
    place.release("1.2.0", "1.1.0", "");
    let mut fleet = Fleet::of(&place);
    let load = Load::begin(&fleet.supervised.callers);
    load.goes_on(50);
    let Fleet { coordinator, .. } = &fleet;
    coordinator.signal("-STOP");
    fleet.supervised.node("upgrade", &["1.1.0"]).ended(0, &[]);
    fleet.supervised.serves("2.0.0");
    load.goes_on(50);
    assert_nobody_noticed(load);
    fleet.coordinator.signal("-CONT");
    fleet.until(|node| node["serving"] == true);
}

/// With a release that is broken like this the node stays where it is, the upgrade says this, and callers notice nothing.
fn assert_the_upgrade_fails(broken: &str, said: &str) {
    let place = Place::new();
    place.release("2.0.0", "1.1.0,2.0.0", broken);
    let fleet = Fleet::of(&place);
    let load = Load::begin(&fleet.supervised.callers);
    load.goes_on(50);
    fleet.coordinator.asked(&["upgrade", "start", "inventory", "2.0.0", "--no-gates"]).ended(0, &[]);
    let run = fleet.coordinator.until(&["upgrade", "status"], |run| run.code == Some(5));
    assert!(run.out.contains(&format!("one could not go from 1.1.0 to 2.0.0: {said}")), "{}", run.out);
    load.goes_on(50);
    assert_eq!(fleet.runs(), (json!("1.1.0"), json!("1.1.0")));
    assert_nobody_noticed(load);
}

#[test]
fn a_release_that_is_broken_fails_the_upgrade_which_says_why() {
    assert_the_upgrade_fails("--break start", "the new program was not prepared");
}

#[test]
fn a_release_that_fails_with_the_state_fails_the_upgrade_too() {
    assert_the_upgrade_fails("--break verify", "");
}

/// Its supervisor gives it up, and goes back by itself.
#[test]
fn a_release_that_crashes_after_it_has_come_fails_the_upgrade_and_is_not_tried_again_by_itself() {
    let place = Place::new();
    place.release("2.0.0", "1.1.0,2.0.0", "--break after=1");
    let mut fleet = Fleet::of(&place);
    fleet.coordinator.asked(&["upgrade", "start", "inventory", "2.0.0", "--no-gates"]).ended(0, &[]);
    fleet.supervised.serves("2.0.0");
    fleet.supervised.serves("1.1.0");
    let run = fleet.coordinator.until(&["upgrade", "status"], |run| run.code == Some(5));
    let told = "one could not go from 1.1.0 to 2.0.0: it ran 2.0.0, and is back at 1.1.0 by itself";
    assert!(run.out.contains(told) && run.out.contains("signal 6"), "{}", run.out);
    let permits = |fleet: &Fleet| {
        let events = fleet.coordinator.asked(&["events", "--json"]).ended(0, &[]).out;
        events.lines().filter(|line| line.contains("\"permitted\"")).count()
    };
    fleet.until(|node| node["serving"] == true);
    assert_eq!((permits(&fleet), fleet.runs()), (1, (json!("1.1.0"), json!("1.1.0"))));
    place.release("2.0.0", "1.1.0,2.0.0", "");
    fleet.coordinator.asked(&["upgrade", "resume", "--watch"]).ended(0, &["complete: 1 of 1 nodes at 2.0.0"]);
    assert_eq!((permits(&fleet), fleet.runs()), (2, (json!("2.0.0"), json!("2.0.0"))));
}

#[test]
fn a_program_that_is_ready_too_late_for_the_permit_does_not_get_the_state() {
    const PERMIT: Duration = Duration::from_secs(2);
    let place = Place::new();
    let (gate, runs) = (place.text("gate"), "1.1.0,2.0.0");
    let script = format!("[ -p {gate} ] && read -r _ <{gate}\nexec {STRADDLE} serve-node --runs {runs}");
    place.script("2.0.0", runs, &script);
    let held = place.gate("gate");
    let mut fleet = Fleet::permitted(&place, "2s");
    let load = Load::begin(&fleet.supervised.callers);
    fleet.coordinator.asked(&["upgrade", "start", "inventory", "2.0.0", "--no-gates"]).ended(0, &[]);
    while fleet.supervised.hears("started")["release"] != "2.0.0" {}
    // It was asked for before that.
    let begun = Instant::now();
    while begun.elapsed() < PERMIT {
        load.goes_on(10);
    }
    fs::write(&gate, "\n").expect("the program reads it");
    drop(held);
    let failed = fleet.supervised.hears("failed")["why"].to_string();
    assert!(failed.contains("the permit's time was over before the other program was ready"), "{failed}");
    // It is tried again.
    fleet.coordinator.until(&["upgrade", "status"], |run| run.code == Some(0));
    assert_eq!(fleet.runs(), (json!("2.0.0"), json!("2.0.0")));
    load.goes_on(50);
    assert_nobody_noticed(load);
}

#[test]
fn a_newer_release_is_taken_for_a_step_that_the_program_could_take_by_itself() {
    let place = Place::with_two();
    let fleet = Fleet::of(&place);
    fleet.upgrades();
    fleet.coordinator.asked(&["upgrade", "rollback", "--watch"]).ended(0, &["rolled-back"]);
    assert_eq!(fleet.runs(), (json!("1.1.0"), json!("2.0.0")));
    place.release("2.0.1", "1.1.0,2.0.0", "");
    let load = Load::begin(&fleet.supervised.callers);
    load.goes_on(50);
    fleet.upgrades();
    assert_eq!(fleet.runs(), (json!("2.0.0"), json!("2.0.1")));
    load.goes_on(50);
    assert_nobody_noticed(load);
}

#[test]
fn a_release_that_cannot_be_used_blocks_the_upgrade_and_is_named_with_its_fault() {
    let place = Place::with_two();
    let manifest = place.path("releases/2.0.0/manifest.toml");
    fs::rename(&manifest, place.path("manifest.toml")).expect("it is there");
    let fleet = Fleet::of(&place);
    let why = "has no release that can run 1.1.0 and 2.0.0: release 2.0.0";
    let plan = fleet.coordinator.until(&["plan", "inventory", "2.0.0", "--json"], |run| run.out.contains(why));
    let blocks = plan.value()["blockers"].as_array().is_some_and(|all| {
        all.iter().any(|one| one["rule"] == "program" && one["blocks"] == true && one["nodes"] == json!(["one"]))
    });
    assert!(blocks, "{}", plan.out);
    fleet.coordinator.asked(&["upgrade", "start", "inventory", "2.0.0", "--no-gates"]).ended(0, &[]);
    let status = fleet.coordinator.until(&["upgrade", "status"], |run| run.out.contains(why));
    assert!(status.out.contains("there is no such manifest"), "{}", status.out);
    fs::rename(place.path("manifest.toml"), manifest).expect("it is there");
    fleet.coordinator.until(&["upgrade", "status"], |run| run.code == Some(0));
}

#[test]
fn an_upgrade_waits_for_a_release_and_goes_on_when_there_is_one() {
    let place = Place::new();
    let fleet = Fleet::of(&place);
    let command = ["upgrade", "start", "inventory", "2.0.0", "--no-gates"];
    fleet.coordinator.asked(&command).ended(0, &[]);
    fleet.coordinator.until(&["upgrade", "status"], |run| {
        run.out.contains("the supervisor of one has no release that can run 1.1.0 and 2.0.0")
    });
    place.release("2.0.0", "1.1.0,2.0.0", "");
    fleet.coordinator.until(&["upgrade", "status"], |run| run.code == Some(0));
    assert_eq!(fleet.runs(), (json!("2.0.0"), json!("2.0.0")));
}
