//! How supervisors begin and end: alone on a state, on a socket of their own or of systemd's.

use std::fs;
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::sync::{Mutex, mpsc};

use command_fds::{CommandFdExt, FdMapping};
use serde_json::json;
use straddle::supervise::{Listen, News, Order, Releases, Supervisor};

use crate::place::{PATIENCE, Place, STRADDLE, Supervised};
use crate::program::straddle;

#[test]
fn a_second_supervisor_is_told_who_has_the_state() {
    let place = Place::new();
    let mut supervised = place.supervise(&[]);
    supervised.serves("1.1.0");
    let state = place.text("state");
    let second = ["supervise", "--state", &state, "--listen", "127.0.0.1:0", "--", &place.pattern()];
    straddle(&second).ended(1, &["another supervisor (process ", &supervised.admin, "straddle node status"]);
    assert_eq!(supervised.status()["version"], "1.1.0");
}

#[test]
fn what_cannot_begin_says_why() {
    let place = Place::new();
    let (state, pattern) = (place.text("state"), place.pattern());
    let begin = |listen: &str, more: &[&str], pattern: &str| {
        straddle(&[&["supervise", "--state", &state, "--listen", listen][..], more, &["--", pattern]].concat())
    };
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap().to_string();
    begin(&address, &[], &pattern).ended(
        1,
        &["cannot listen on", &address, "help: ", "listens there: stop it, or name another address with --listen"],
    );
    begin("127.0.0.1:0", &["--admin", "0.0.0.0:0"], &pattern).ended(1, &["is no loopback address"]);
    begin("127.0.0.1:0", &["--release", "7.0.0"], &pattern).ended(1, &["there is no release 7.0.0: there are 1.1.0"]);
    begin("127.0.0.1:0", &[], "./server").ended(2, &["./releases/{version}/server"]);
    let nowhere = place.text("nowhere/{version}/server");
    begin("127.0.0.1:0", &[], &nowhere).ended(1, &["listing the releases"]);
    fs::write(place.path("releases/1.1.0/server"), "#!/bin/sh\n").unwrap();
    begin("127.0.0.1:0", &[], &pattern).ended(1, &["its SHA-256 digest is"]);
    straddle(&["supervise", "--state", &state, "--", &pattern]).ended(2, &["--listen"]);
}

#[test]
fn a_stop_ends_the_program_first_and_what_runs_is_remembered() {
    let place = Place::with_two();
    let mut first = place.supervise(&["--release", "1.1.0"]);
    first.serves("1.1.0");
    first.node("upgrade", &["2.0.0"]).ended(0, &[]);
    first.signal("-TERM");
    assert_eq!(first.hears("ended")["how"], "it ended with exit code 0", "that of the old program");
    first.hears("stopped");
    assert_eq!(first.ended(), Some(0));
    assert_eq!(place.journal()["programs"], json!([]));
    assert_eq!(fs::read_dir(place.state().join("state/supervisor/notify")).unwrap().count(), 0);
    // What is written down counts more than what is said for the beginning.
    let mut second = place.supervise(&["--release", "1.1.0"]);
    second.serves("2.0.0");
    assert_eq!(second.status()["back"], "1.1.0");
}

#[test]
fn a_state_that_is_there_is_not_moved_by_a_newer_release() {
    let place = Place::new();
    let mut first = place.supervise(&[]);
    first.serves("1.1.0");
    drop(first);
    fs::remove_file(place.path("state/supervisor/JOURNAL")).unwrap();
    place.release("2.0.0", "1.1.0,2.0.0", "");
    let mut second = place.supervise(&[]);
    second.serves("2.0.0");
    let status = second.status();
    assert_eq!((&status["version"], &status["program"]["release"]), (&json!("1.1.0"), &json!("2.0.0")));
}

/// A test double for systemd: it passes the sockets, and listens to what it is told.
#[test]
fn under_systemd_the_sockets_are_passed_and_readiness_is_told() {
    let place = Place::new();
    let callers = TcpListener::bind("127.0.0.1:0").unwrap();
    let admin = TcpListener::bind("127.0.0.1:0").unwrap();
    let addresses = [&callers, &admin].map(|socket| socket.local_addr().unwrap().to_string());
    let systemd = UnixDatagram::bind(place.path("systemd")).unwrap();
    // Only the process itself knows its number.
    let mut command = std::process::Command::new(STRADDLE);
    command.args([
        "pass-sockets",
        "--names",
        "admin,callers",
        "--",
        STRADDLE,
        "supervise",
        "--json",
        "--until-stdin-ends",
    ]);
    command.arg("--state").arg(place.path("state")).env("NOTIFY_SOCKET", place.path("systemd"));
    let mapped = [(admin, 3), (callers, 4)].map(|(socket, child_fd)| FdMapping { parent_fd: socket.into(), child_fd });
    command.fd_mappings(mapped.into()).unwrap();
    let mut supervised = Supervised::begin(command, &place.pattern());
    assert_eq!([supervised.callers.clone(), supervised.admin.clone()], addresses);
    supervised.serves("1.1.0");
    let hears = |wanted: &str| {
        let mut buffer = [0; 4096];
        loop {
            let length = systemd.recv(&mut buffer).unwrap();
            if buffer[..length].starts_with(wanted.as_bytes()) {
                return;
            }
        }
    };
    hears("STATUS=inventory 1.1.0: release 1.1.0 serves");
    hears("READY=1");
    supervised.signal("-TERM");
    hears("STOPPING=1");
    supervised.hears("stopped");
    assert_eq!(supervised.ended(), Some(0));
}

#[test]
fn a_release_is_written_by_command() {
    let place = Place::new();
    let folder = place.text("releases/1.1.0");
    let write =
        |more: &[&str]| straddle(&[&["release", &folder, "--program", "server", "--runs", "1.1.0"], more].concat());
    write(&[]).ended(1, &["there is a manifest already", "--force"]);
    let written = write(&["--force", "--json"]).ended(0, &[]).value();
    assert_eq!((&written["release"], &written["runs"]), (&json!("1.1.0"), &json!(["1.1.0"])));
    assert_eq!(written["sha256"].as_str().map(str::len), Some(64));
    straddle(&["release", &place.text("releases"), "--program", "1.1.0/server", "--runs", "1.1.0"])
        .ended(0, &["is named after no version"]);
    straddle(&["release", &folder, "--program", "../x", "--runs", "1.1.0", "--force"]).ended(1, &["that stays in it"]);
}

#[test]
fn a_program_that_is_told_of_goes_on_whatever_becomes_of_its_supervisor() {
    let place = Place::new();
    let began = place.gate("began");
    place.script(
        "1.1.0",
        "1.1.0",
        &format!("echo it goes on >{}\nexec {STRADDLE} serve-node --runs 1.1.0", place.text("began")),
    );
    let (goes_on, hears) = mpsc::channel();
    let path = place.path("began");
    let program = std::thread::spawn(move || drop(goes_on.send(fs::read(path))));
    let (tell, told) = mpsc::channel();
    let hears = Mutex::new(hears);
    let listener = move |news: &News| {
        // The supervisor comes to nothing else before this returns, as one that is killed now.
        if matches!(news, News::Started { .. }) {
            tell.send(hears.lock().unwrap().recv_timeout(PATIENCE).is_ok()).unwrap();
        }
    };
    let releases = Releases::parse(&place.pattern()).unwrap();
    let supervisor = Supervisor::new(place.path("state"), releases).helper(STRADDLE).news(listener);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (orders, receiver) = tokio::sync::mpsc::channel(1);
    let on = || Listen::On("127.0.0.1:0".to_owned());
    let running = runtime.block_on(supervisor.begin(on(), on())).unwrap();
    let running = runtime.spawn(running.run(receiver));
    assert!(told.recv().unwrap(), "it waits for a word that nobody is left to give");
    orders.blocking_send(Order::Stop).unwrap();
    runtime.block_on(running).unwrap();
    program.join().unwrap();
    drop(began);
}
