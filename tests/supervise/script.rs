//! `examples/scripts/supervise.sh`.

use std::fs;
use std::process::{Command, Output};

use crate::place::{Place, STRADDLE};
use crate::ports::Port;

/// The script, for a place. What it has started is stopped when this is dropped.
struct Script<'p> {
    place: &'p Place,
    admin: Port,
}

impl Script<'_> {
    fn run(&self, command: &str) -> Output {
        let mut script = Command::new("sh");
        script.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/scripts/supervise.sh")).arg(command);
        script.env("SHOP_STATE", self.place.path("state")).env("SHOP_PROGRAM", self.place.pattern());
        script.env("SHOP_LISTEN", "127.0.0.1:0").env("SHOP_ADMIN", self.admin.address()).env("STRADDLE", STRADDLE);
        script.output().expect("a shell")
    }

    fn number(&self) -> String {
        fs::read_to_string(self.place.path("state/supervisor.pid")).expect("a number")
    }
}

impl Drop for Script<'_> {
    fn drop(&mut self) {
        self.run("stop");
    }
}

#[test]
fn the_script_starts_one_supervisor_and_refuses_a_second_one() {
    let place = Place::new();
    let script = Script { place: &place, admin: Port::free() };
    let started = script.run("start");
    assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
    let number = script.number();
    let again = script.run("start");
    let told = String::from_utf8_lossy(&again.stderr).into_owned();
    assert_eq!(again.status.code(), Some(1), "{told}");
    assert!(told.contains(&format!("a supervisor runs already, as process {}", number.trim())), "{told}");
    assert_eq!(script.number(), number);
    assert!(script.run("status").status.success());
    assert!(script.run("stop").status.success());
    // A number that is left of one that has ended holds up nobody.
    fs::write(place.path("state/supervisor.pid"), &number).unwrap();
    assert!(script.run("start").status.success());
}
