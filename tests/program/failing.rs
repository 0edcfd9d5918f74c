//! Programs that fail, and what is left for the next one.

use crate::double::{Double, Program, hand_over};
use crate::load::{client, has, put};
use crate::raw::Raw;

/// A state of 1.1.0 with an item, that nobody owns.
async fn state_of_1_1_0(double: &Double) {
    let mut old = double.start("1.1.0", "1.1.0");
    old.ready();
    client(&double.address).put_item(put("anvil")).await.unwrap();
    stop(&mut old);
}

fn stop(program: &mut Program) {
    program.signal("TERM");
    let (code, said) = program.ended();
    assert_eq!(code, Some(0), "{said}");
}

async fn serves_at(double: &Double, runs: &str, version: &str) -> Program {
    let mut program = double.start(runs, version);
    assert_eq!(program.ready(), version);
    assert!(has(&mut client(&double.address), "anvil").await);
    program
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_could_not_be_moved_is_whole_at_the_version_before() {
    let double = Double::new();
    state_of_1_1_0(&double).await;
    let mut broken = double.start_broken("1.1.0,2.0.0", "2.0.0", "verify");
    let (code, said) = broken.ended();
    assert_eq!(code, Some(75), "{said}");
    assert!(said.contains("broken on purpose") && said.contains("the state is of 1.1.0"), "{said}");
    assert!(broken.hears("X_STRADDLE_FAILED").contains("broken on purpose"));
    assert_eq!(broken.hears("X_STRADDLE_VERSION"), "1.1.0");
    assert!(!broken.has_told("READY"));
    serves_at(&double, "1.1.0", "1.1.0").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_killed_in_the_middle_of_a_move_leaves_it_to_the_next() {
    for (runs, version) in [("1.1.0", "1.1.0"), ("1.1.0,2.0.0", "1.1.0"), ("1.1.0,2.0.0", "2.0.0")] {
        let double = Double::new();
        state_of_1_1_0(&double).await;
        let mut broken = double.start_broken("1.1.0,2.0.0", "2.0.0", "never-healthy");
        broken.hears_where("STATUS", |status| status.contains("upgrading from 1.1.0 to 2.0.0: opening the objects"));
        broken.signal("KILL");
        assert_eq!(broken.ended().0, None);
        serves_at(&double, runs, version).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_moves_the_state_stops_at_once_when_it_is_asked_twice() {
    let double = Double::new();
    state_of_1_1_0(&double).await;
    let mut broken = double.start_broken("1.1.0,2.0.0", "2.0.0", "never-healthy");
    broken.hears_where("STATUS", |status| status.contains("upgrading from 1.1.0 to 2.0.0: opening the objects"));
    broken.signal("TERM");
    broken.hears("STOPPING");
    broken.signal("TERM");
    assert_eq!(broken.ended().0, Some(0));
    serves_at(&double, "1.1.0", "1.1.0").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_killed_while_it_hands_over_leaves_the_state_to_whoever_can_run_it() {
    let double = Double::new();
    state_of_1_1_0(&double).await;
    let mut old = serves_at(&double, "1.1.0", "1.1.0").await;
    let mut new = double.start("1.1.0,2.0.0", "2.0.0");
    new.hears("X_STRADDLE_PREPARED");
    let killed = |program: &mut Program, how: &'static str| {
        let mut raw = Raw::connect(&double.address);
        raw.begin(1, "PutItem");
        program.until(|status| status["calls"]["running"] == 1);
        let admin = program.admin();
        let handing_over = std::thread::spawn(move || hand_over(&admin, how));
        raw.told_to_go_away();
        program.signal("KILL");
        assert_eq!(program.ended().0, None);
        assert_ne!(handing_over.join().unwrap().code, Some(0));
    };
    killed(&mut old, "{}");
    assert_eq!(new.ready(), "2.0.0");

    // On the way back nothing was made yet, so the state is of 2.0.0.
    killed(&mut new, r#"{"back":true}"#);
    let (code, said) = double.start("1.1.0", "1.1.0").ended();
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("the state is of 2.0.0"), "{said}");
    serves_at(&double, "1.1.0,2.0.0", "2.0.0").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_state_waits_for_the_newer_program_to_take_it_back() {
    let double = Double::new();
    state_of_1_1_0(&double).await;
    stop(&mut serves_at(&double, "1.1.0,2.0.0", "2.0.0").await);
    for (runs, why) in
        [("1.1.0", "the newer program has to go back first"), ("1.1.0,2.0.0", "the newer program has to go back first")]
    {
        let mut older = double.start(runs, "1.1.0");
        let (code, said) = older.ended();
        assert_eq!(code, Some(78), "{said}");
        assert!(said.contains("the state is of 2.0.0") && said.contains(why), "{said}");
    }
    // Its object of 2.0.0 never opens, and is not needed.
    let back = |runs: &str, to: &str, more: &[&str]| {
        double.start_with(&[], &[&["--runs", runs], more].concat(), &[("STRADDLE_BACK", to)])
    };
    let mut newer = back("1.1.0,2.0.0", "1.1.0", &["--break", "never-healthy"]);
    let (code, said) = newer.ended();
    assert_eq!(code, Some(0), "{said}");
    assert!(!newer.has_told("READY"));
    // Once more, it has nothing to do.
    assert_eq!(back("1.1.0,2.0.0", "1.1.0", &[]).ended().0, Some(0));
    serves_at(&double, "1.1.0", "1.1.0").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_is_finalized_is_not_taken_back() {
    let double = Double::new();
    state_of_1_1_0(&double).await;
    let mut new = serves_at(&double, "1.1.0,2.0.0", "2.0.0").await;
    // Nor does it go further before.
    stop(&mut new);
    let mut further = double.start("2.0.0,3.0.0", "3.0.0");
    let (code, said) = further.ended();
    assert_eq!(code, Some(75), "{said}");
    assert!(further.hears("X_STRADDLE_FAILED").contains("there is still a way back to 1.1.0"), "{said}");

    let mut new = serves_at(&double, "1.1.0,2.0.0", "2.0.0").await;
    crate::program::straddle(&["node", "finalize", &new.admin()]).ended(0, &[]);
    stop(&mut new);
    let mut back = double.start_with(&[], &["--runs", "1.1.0,2.0.0"], &[("STRADDLE_BACK", "1.1.0")]);
    let (code, said) = back.ended();
    assert_eq!(code, Some(75), "{said}");
    assert!(back.hears("X_STRADDLE_FAILED").contains("there is no way back from 2.0.0"), "{said}");
    assert_eq!(back.hears("X_STRADDLE_VERSION"), "2.0.0");
    serves_at(&double, "2.0.0,3.0.0", "3.0.0").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_goes_over_several_versions_one_by_one() {
    let double = Double::new();
    state_of_1_1_0(&double).await;
    let mut program = serves_at(&double, "1.1.0,2.0.0,3.0.0", "3.0.0").await;
    assert_eq!(program.status()["back"], "2.0.0");
    stop(&mut program);
    // What fails in the last step leaves the state at the one before.
    let double = Double::new();
    state_of_1_1_0(&double).await;
    let mut broken = double.start_broken("1.1.0,2.0.0,3.0.0", "3.0.0", "verify");
    let (code, said) = broken.ended();
    assert_eq!(code, Some(75), "{said}");
    assert_eq!(broken.hears("X_STRADDLE_VERSION"), "2.0.0");
    serves_at(&double, "2.0.0", "2.0.0").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn releases_that_are_broken_on_purpose_break_as_they_say() {
    let double = Double::new();
    state_of_1_1_0(&double).await;
    let mut start = double.start_broken("1.1.0", "1.1.0", "start");
    assert_eq!(start.ended().0, None);
    assert!(!start.has_told("X_STRADDLE_PREPARED"));

    let mut first = double.start_broken("1.1.0", "1.1.0", "first-call");
    first.ready();
    let call = client(&double.address);
    let calling = tokio::spawn(async move { has(&mut call.clone(), "anvil").await });
    assert_eq!(first.ended().0, None);
    // However far it comes until then.
    let mut later = double.start_broken("1.1.0", "1.1.0", "after=0.5");
    assert_eq!(later.ended().0, None);
    // The call reads, so it is sent again, and the next program answers it.
    let _next = serves_at(&double, "1.1.0", "1.1.0").await;
    assert!(calling.await.unwrap());
}
