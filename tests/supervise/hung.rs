//! Programs that hang: they are there, and say no more that they are alive.

use serde_json::json;

use crate::load::Load;
use crate::place::{Place, Supervised, kill};

/// Stops the program that serves as it stands; it is ended for that, and started again.
fn assert_a_hung_program_is_replaced(supervised: &mut Supervised) {
    let process = supervised.process();
    kill("-STOP", &process);
    let how = supervised.hears("ended")["how"].clone();
    let hung = "it did not say for 2s that it is alive";
    assert!(how.as_str().is_some_and(|how| how.starts_with(hung)), "{how}");
    supervised.serves("1.1.0");
    let program = supervised.status()["program"].clone();
    assert_ne!(program["process"].to_string(), process);
    assert!(
        program["failure"].as_str().is_some_and(|why| why.starts_with(&format!("release 1.1.0: {hung}"))),
        "{program}"
    );
}

#[test]
fn a_program_that_hangs_is_killed_and_started_again_and_no_connection_is_refused() {
    let place = Place::new();
    let mut supervised = place.supervise(&["--watchdog", "2s"]);
    supervised.serves("1.1.0");
    let load = Load::begin(&supervised.callers);
    load.goes_on(20);
    for crashes in 1..=2 {
        assert_a_hung_program_is_replaced(&mut supervised);
        load.goes_on(20);
        assert_eq!(supervised.status()["program"]["crashes"], json!(crashes));
    }
    assert_eq!(load.end().refused, Vec::<String>::new());
}

#[test]
fn a_program_that_serves_on_is_watched_as_it_was_told_by_the_supervisor_before() {
    let place = Place::new();
    let mut first = place.supervise(&["--watchdog", "2s"]);
    first.serves("1.1.0");
    first.signal("-9");
    first.ended();
    let mut second = place.supervise(&["--watchdog", "off"]);
    assert_eq!(second.heard[0]["event"], "adopted");
    assert_eq!(second.rests(), json!("1.1.0"));
    assert_a_hung_program_is_replaced(&mut second);
}

#[test]
fn how_long_a_program_may_say_nothing_is_a_time_or_off() {
    let place = Place::new();
    let (state, pattern) = (place.text("state"), place.pattern());
    let arguments = ["supervise", "--state", &state, "--listen", "127.0.0.1:0", "--watchdog", "0s", "--", &pattern];
    crate::program::straddle(&arguments).ended(2, &["--watchdog", "it has to be more than zero"]);
}
