//! How a program comes to serve, and what it does without.

use std::process::Command;

use crate::double::Double;
use crate::load::{client, has, put};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_takes_the_socket_that_it_is_passed_and_tells_in_order_how_it_comes_to_serve() {
    let double = Double::new();
    let mut program = double.start("1.1.0,2.0.0", "2.0.0");
    assert_eq!(program.ready(), "2.0.0");
    let order = ["X_STRADDLE_PREPARED", "X_STRADDLE_ADMIN", "READY", "X_STRADDLE_VERSION"];
    assert_eq!(program.order(), order);
    client(&double.address).put_item(put("anvil")).await.unwrap();
    assert_eq!(program.status()["version"], "2.0.0");

    program.signal("TERM");
    assert_eq!(program.ended().0, Some(0));
    assert_eq!(program.order(), [&order[..], &["STOPPING"]].concat());

    // The state is of 2.0.0 for whoever comes next, and the socket is where it was.
    let mut next = double.start("2.0.0,3.0.0", "2.0.0");
    assert_eq!(next.ready(), "2.0.0");
    assert!(has(&mut client(&double.address), "anvil").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_without_names_of_ours_are_for_callers_first_and_then_for_the_admin_service() {
    let mut double = Double::new();
    let admin = double.pass_another();
    for names in ["callers,admin", "shop.socket,shop.socket"] {
        let mut program = double.start_with(&["--names", names], &["--runs", "1.1.0"], &[]);
        assert_eq!(program.ready(), "1.1.0");
        assert_eq!(program.admin(), admin);
        client(&double.address).put_item(put("anvil")).await.unwrap();
        program.signal("INT");
        assert_eq!(program.ended().0, Some(0));
    }
    // And in the other order.
    let mut program = double.start_with(&["--names", "admin,callers"], &["--runs", "1.1.0"], &[]);
    assert_eq!(program.ready(), "1.1.0");
    assert_eq!(program.admin(), double.address);
    assert!(has(&mut client(&admin), "anvil").await);
}

#[test]
fn a_program_alone_binds_its_own_addresses() {
    let double = Double::new();
    let mut program = double.start_alone(&["--runs", "1.1.0", "--listen", "127.0.0.1:0"], &[]);
    assert_eq!(program.ready(), "1.1.0");
    assert_eq!(program.status()["version"], "1.1.0");
    program.signal("TERM");
    let (code, said) = program.ended();
    assert_eq!(code, Some(0), "{said}");
}

/// Arguments, environment, and what is said.
type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);

#[test]
fn a_program_that_cannot_run_what_it_is_told_says_why_before_it_asks_for_the_state() {
    let double = Double::new();
    let both = [("STRADDLE_RUN", "1.1.0"), ("STRADDLE_BACK", "1.1.0")];
    let taken = double.address.clone();
    let cases: [Case; 7] = [
        (&[], &[], "there is no socket for callers"),
        (
            &["--listen", "127.0.0.1:0"],
            &[("STRADDLE_RUN", "3.0.0")],
            "this program cannot run 3.0.0: it can run 1.1.0, 2.0.0",
        ),
        (&["--listen", "127.0.0.1:0"], &[("STRADDLE_RUN", "new")], "STRADDLE_RUN is \"new\""),
        (&["--listen", "127.0.0.1:0"], &both, "STRADDLE_BACK is 1.1.0"),
        (&["--listen", "127.0.0.1:0", "--admin", "0.0.0.0:0"], &[], "is no loopback address"),
        (&["--listen", &taken], &[], "cannot listen on"),
        (&["--listen", "127.0.0.1:0"], &[("STRADDLE_STATE", "")], "there is no state folder"),
    ];
    for (arguments, environment, why) in cases {
        let mut program = double.start_alone(&[&["--runs", "1.1.0,2.0.0"], arguments].concat(), environment);
        let (code, said) = program.ended();
        assert_eq!(code, Some(78), "{said}");
        assert!(said.contains(why), "{why:?} is missing from\n{said}");
        assert_eq!(program.order(), [""; 0]);
        assert!(program.hears("STATUS").contains(why));
    }
    assert!(!std::path::Path::new(&double.state()).exists(), "nobody asked for the state");
}

#[test]
fn whoever_is_passed_something_that_is_no_listening_socket_does_not_take_it_for_one() {
    // Standard input, which is no socket at all.
    let run = Command::new("sh")
        .args(["-c", "exec 3</dev/null \"$0\" pass-sockets -- \"$0\" serve-node --runs 1.1.0 --state nowhere"])
        .arg(env!("CARGO_BIN_EXE_straddle"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(78), "{said}");
    assert!(said.contains("socket 1 of those that were passed (\"callers\")"), "{said}");
}

#[test]
fn a_program_that_is_not_there_or_cannot_be_executed_ends_as_env_ends() {
    let straddle = env!("CARGO_BIN_EXE_straddle");
    for (program, code) in [("./nowhere", 127), ("/dev/null", 126)] {
        let run = Command::new(straddle).args(["pass-sockets", "--", program]).output().unwrap();
        assert_eq!(run.status.code(), Some(code), "{}", String::from_utf8_lossy(&run.stderr));
    }
    let run = Command::new(straddle).args(["pass-sockets", "--names", "a:b", "--", "true"]).output().unwrap();
    assert_eq!(run.status.code(), Some(2));
}

#[test]
fn what_is_passed_is_told_to_the_very_process_and_by_the_name_that_is_wanted() {
    let script = "echo $0 $LISTEN_FDS $LISTEN_FDNAMES; test $LISTEN_PID = $$ && echo mine";
    let run = Command::new(env!("CARGO_BIN_EXE_straddle"))
        .args(["pass-sockets", "--names", "callers,admin", "--as", "service", "--", "sh", "-c", script])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&run.stdout), "service 2 callers:admin\nmine\n");
}

#[test]
fn a_watchdog_hears_that_the_program_is_alive() {
    let double = Double::new();
    let mut program = double.start_with(&[], &["--runs", "1.1.0"], &[("WATCHDOG_USEC", "100000")]);
    program.ready();
    program.hears_twice("WATCHDOG");
}

#[test]
fn a_program_that_waits_for_the_state_stops_when_it_is_asked_and_gives_up_in_time() {
    let double = Double::new();
    let mut owner = double.start("1.1.0", "1.1.0");
    owner.ready();
    let mut waiting = double.start("1.1.0,2.0.0", "2.0.0");
    waiting.hears("X_STRADDLE_PREPARED");
    waiting.hears("EXTEND_TIMEOUT_USEC");
    waiting.signal("TERM");
    let (code, said) = waiting.ended();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(waiting.order(), ["X_STRADDLE_PREPARED", "X_STRADDLE_ADMIN", "STOPPING"]);

    let mut waiting =
        double.start_with(&[], &["--runs", "1.1.0,2.0.0", "--wait", "50ms"], &[("STRADDLE_RUN", "2.0.0")]);
    let (code, said) = waiting.ended();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("another program owns this state"), "{said}");
    assert!(!waiting.has_told("READY"));
    assert_eq!(owner.status()["version"], "1.1.0");
}
