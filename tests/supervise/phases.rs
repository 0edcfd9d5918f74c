//! `straddle supervise` and its programs, killed in the middle of each phase of a move (SIGKILL), while callers go on.

use std::fs;
use std::thread::JoinHandle;

use serde_json::{Value, json};

use crate::load::Load;
use crate::place::{Place, STRADDLE, Supervised, kill};
use crate::program::{Run, straddle};

/// A supervisor, and callers.
struct Scene {
    /// It ends before its place does.
    supervised: Supervised,
    place: Place,
    load: Load,
}

impl Scene {
    fn begin(place: Place, release: &str) -> Self {
        let mut supervised = place.supervise(&["--release", release]);
        supervised.serves(release);
        let load = Load::begin(&supervised.callers);
        load.goes_on(20);
        Self { supervised, place, load }
    }

    /// Begins a move; whoever began it may not be told how it ends.
    fn begins(&self, command: &[&str]) -> JoinHandle<Run> {
        let [command, more @ ..] = command else { panic!("a command") };
        let mut arguments = vec!["node".to_owned(), (*command).to_owned(), self.supervised.admin.clone()];
        arguments.extend(more.iter().map(ToString::to_string));
        std::thread::spawn(move || straddle(&arguments.iter().map(String::as_str).collect::<Vec<_>>()))
    }

    /// Waits until a move is at this, as the journal has it.
    fn is_at(&self, stage: &str) {
        while self.place.journal()["stage"].get(stage).is_none() {
            std::thread::yield_now();
        }
    }

    /// Kills the supervisor, changes something, and lets the next one go on: its version once it is at rest.
    fn next_after(&mut self, change: impl FnOnce(&Place)) -> Value {
        self.supervised.signal("-9");
        self.supervised.ended();
        change(&self.place);
        self.supervised = self.place.supervise_on(&self.supervised.callers, &["--stop-limit", "2s"]);
        let version = self.supervised.rests();
        self.load.goes_on(20);
        assert_eq!(self.place.journal()["at"]["version"], version);
        version
    }

    /// What was acknowledged is there; and the node can do all that it could.
    fn end(self, then: &[&str], version: &str) {
        self.ends(then, version, true);
    }

    /// Of programs that were killed, calls that were inside have failed.
    fn ends(self, then: &[&str], version: &str, all_answered: bool) {
        self.supervised.node(then[0], &then[1..]).ended(0, &[]);
        self.load.goes_on(20);
        let outcome = self.load.end();
        assert_eq!(outcome.refused, Vec::<String>::new(), "of {} connections", outcome.connected);
        if all_answered {
            assert_eq!(outcome.failed, Vec::<String>::new(), "of {} calls", outcome.kept.len());
        }
        assert_eq!(self.supervised.rests(), json!(version));
    }
}

/// A release whose program is like that while there is a file or a pipe of this name.
fn release(place: &Place, name: &str, runs: &str, while_there: &str, then: &str) {
    let at = place.text(while_there);
    place.script(name, runs, &format!("if [ -e {at} ]; then {then}; fi\nexec {STRADDLE} serve-node --runs {runs}"));
}

const BOTH: &str = "1.1.0,2.0.0";

/// 2.0.0, whose program waits at a gate before it does anything.
fn gated(place: &Place, only: &str) {
    let wait = format!("{only} read -r _ <{}", place.text("gate"));
    release(place, "2.0.0", BOTH, "gate", &wait);
}

#[test]
fn killed_while_the_new_program_is_checked() {
    let place = Place::new();
    gated(&place, "");
    let mut scene = Scene::begin(place, "1.1.0");
    let gate = scene.place.gate("gate");
    let asked = scene.begins(&["upgrade", "2.0.0"]);
    scene.is_at("beside");
    let process = scene.supervised.process();
    assert_eq!(scene.next_after(|_| drop(gate)), json!("1.1.0"), "nothing was handed over");
    assert_eq!(scene.supervised.process(), process, "its program serves on");
    assert_ne!(asked.join().unwrap().code, Some(0), "whoever asked is not told that it is done");
    scene.end(&["upgrade", "2.0.0"], "2.0.0");
}

#[test]
fn killed_while_the_new_program_takes_the_state_over() {
    let place = Place::new();
    release(&place, "2.0.0", BOTH, "sick", &format!("exec {STRADDLE} serve-node --runs {BOTH} --break never-healthy"));
    let mut scene = Scene::begin(place, "1.1.0");
    let sick = scene.place.path("sick");
    fs::write(&sick, "").unwrap();
    drop(scene.begins(&["upgrade", "2.0.0"]));
    scene.is_at("take");
    assert_eq!(scene.supervised.hears("ended")["release"], json!("1.1.0"), "it has handed over");
    let version = scene.next_after(|_| fs::remove_file(sick).unwrap());
    assert_eq!(version, json!("2.0.0"), "what was begun is brought to its end");
    scene.end(&["rollback"], "1.1.0");
}

#[test]
fn killed_while_the_old_program_is_started_again() {
    let place = Place::new();
    let wait = format!("read -r _ <{}", place.text("gate"));
    release(&place, "1.1.0", "1.1.0", "gate", &wait);
    release(&place, "2.0.0", BOTH, "sick", &format!("exec {STRADDLE} serve-node --runs {BOTH} --break verify"));
    let mut scene = Scene::begin(place, "1.1.0");
    let (gate, sick) = (scene.place.gate("gate"), scene.place.path("sick"));
    fs::write(&sick, "").unwrap();
    drop(scene.begins(&["upgrade", "2.0.0"]));
    scene.is_at("return");
    // Before that nobody but the supervisor has the socket.
    while scene.supervised.hears("started")["release"] != json!("1.1.0") {}
    let version = scene.next_after(|_| (drop(gate), fs::remove_file(sick).unwrap()).1);
    assert_eq!(version, json!("1.1.0"));
    scene.end(&["upgrade", "2.0.0"], "2.0.0");
}

#[test]
fn killed_while_the_newer_program_takes_the_state_back() {
    let place = Place::new();
    let wait = format!("[ -n \"$STRADDLE_BACK\" ] && read -r _ <{}", place.text("gate"));
    release(&place, "2.0.0", BOTH, "gate", &wait);
    // A minute is long: each of these crashes counts.
    let mut scene = Scene::begin(place, "1.1.0");
    let gate = scene.place.gate("gate");
    scene.supervised.node("upgrade", &["2.0.0"]).ended(0, &[]);
    scene.supervised.serves("2.0.0");
    for crash in 1..=3 {
        scene.load.goes_on(20);
        kill("-9", &scene.supervised.process());
        if crash < 3 {
            scene.supervised.serves("2.0.0");
        }
    }
    scene.is_at("back");
    while scene.supervised.hears("started")["back"] != json!(true) {}
    assert_eq!(scene.next_after(|_| drop(gate)), json!("1.1.0"));
    let failure = scene.supervised.status()["program"]["failure"].clone();
    assert!(failure.as_str().is_some_and(|why| why.contains("signal 9")), "{failure}");
    scene.ends(&["upgrade", "2.0.0"], "2.0.0", false);
}

/// 2.0.0, and 3.0.0 whose reverse function does not come to its end while `hangs` is there.
fn at_3_0_0() -> Scene {
    let place = Place::new();
    place.release("2.0.0", "2.0.0", "");
    let runs = "2.0.0,3.0.0";
    release(&place, "3.0.0", runs, "hangs", &format!("exec {STRADDLE} serve-node --runs {runs} --break never-back"));
    let mut scene = Scene::begin(place, "2.0.0");
    fs::write(scene.place.path("hangs"), "").unwrap();
    scene.supervised.node("upgrade", &["3.0.0"]).ended(0, &[]);
    scene.supervised.serves("3.0.0");
    scene.load.goes_on(20);
    scene
}

#[test]
fn a_program_that_is_killed_in_its_reverse_function_leaves_the_node_where_it_was() {
    let mut scene = at_3_0_0();
    let process = scene.supervised.process();
    let rollback = scene.begins(&["rollback"]);
    scene.supervised.hears_of(|status| status["phase"] == "reversing");
    fs::remove_file(scene.place.path("hangs")).unwrap();
    kill("-9", &process);
    rollback.join().unwrap().ended(1, &["failed: MOVE_FAILED", "release 3.0.0 at version 3.0.0 serves again"]);
    scene.supervised.serves("3.0.0");
    assert_eq!(scene.supervised.rests(), json!("3.0.0"));
    scene.ends(&["rollback"], "2.0.0", false);
}

#[test]
fn killed_while_the_old_program_runs_its_reverse_function() {
    let mut scene = at_3_0_0();
    drop(scene.begins(&["rollback"]));
    scene.supervised.hears_of(|status| status["phase"] == "reversing");
    let hangs = scene.place.path("hangs");
    // It never comes to the end of it, and is killed, too, once its time to stop is over.
    let version = scene.next_after(|_| fs::remove_file(hangs).unwrap());
    let (then, to): (&[&str], _) =
        if version == json!("2.0.0") { (&["upgrade", "3.0.0"], "3.0.0") } else { (&["rollback"], "2.0.0") };
    scene.ends(then, to, false);
}
