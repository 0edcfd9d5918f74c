//! A node's state on disk: moves from version to version, whatever the file system does.

#[cfg(feature = "cli")]
#[path = "state/bundles.rs"]
mod bundles;
#[path = "state/driver.rs"]
mod driver;
#[path = "state/memory.rs"]
mod memory;

use std::sync::Arc;

use driver::Driver;
use memory::{Fault, Memory};
use straddle::Version;
use straddle::state::{Disk, Files, Phase, Recovery, StateFolder};

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

/// Every operation of a whole life fails once, in each way, and the node goes on; nothing that was acknowledged is lost.
#[test]
fn an_operation_that_fails_is_got_over_at_any_point() {
    for at_rest in [false, true] {
        let whole = Driver::new(Arc::new(Memory::new(0)), at_rest).live();
        assert!(whole > 60, "a life is {whole} operations: too few to be one");
        for fault in [Fault::Error, Fault::ErrorAfter, Fault::ErrorTorn] {
            for at in 0..whole {
                let memory = Arc::new(Memory::new(at as u64));
                memory.fail(at, fault);
                let mut driver = Driver::new(memory.clone(), at_rest);
                driver.live();
                assert!(memory.has_failed(), "operation {at} never came");
                driver.check(&format!("{fault:?} at operation {at}, at rest: {at_rest}"));
            }
        }
    }
}

/// The program, or the machine, stops at every operation of a whole life; what is there afterwards is whole.
#[test]
fn a_crash_at_any_point_leaves_the_state_at_one_version_with_all_that_was_acknowledged() {
    crash_at_any_point(false);
    crash_at_any_point(true);
}

fn crash_at_any_point(at_rest: bool) {
    let whole = Driver::new(Arc::new(Memory::new(0)), at_rest).live();
    let mut recovered = [0; 3];
    for fault in [Fault::Crash, Fault::CrashAfter, Fault::CrashTorn] {
        for at in 0..whole {
            // Seed 0 keeps what was not synced, as when only the program dies; others lose some of it.
            for seed in 0..16 {
                let memory = Arc::new(Memory::new(seed));
                memory.fail(at, fault);
                let mut driver = Driver::new(memory.clone(), at_rest);
                driver.live();
                assert!(memory.has_failed(), "operation {at} never came");
                memory.restart();
                let told = format!("{fault:?} at operation {at}, seed {seed}, at rest: {at_rest}");
                let recovery = driver.recover(&told);
                recovered[match recovery {
                    Recovery::Serve => 0,
                    Recovery::Make(_) => 1,
                    Recovery::Verify => 2,
                }] += 1;
                driver.check(&told);
            }
        }
    }
    assert!(recovered.iter().all(|count| *count > 0), "not every recovery was seen: {recovered:?}");
}

#[test]
fn a_state_that_crashes_while_it_is_made_is_given_up_after_three_attempts() {
    let memory: Arc<dyn Files> = Arc::new(Memory::new(0));
    let open = || StateFolder::open_on(memory.clone(), "/state", &version("1.1.0")).unwrap();
    let (mut state, _) = open();
    state.learn(&version("2.0.0")).unwrap();
    state.permit().unwrap();
    state.quiesce().unwrap();
    for attempt in 1..=3 {
        state.transform().unwrap();
        assert_eq!(state.status().under_way.as_ref().unwrap().attempts, attempt);
        drop(state);
        let recovery;
        (state, recovery) = open();
        assert_eq!(recovery == Recovery::Serve, attempt == 3, "attempt {attempt}");
    }
    assert_eq!(state.status().phase, Phase::Serving);
    assert_eq!(state.current().version(), &version("1.1.0"));
    assert!(state.status().failure.as_ref().unwrap().contains("ended each time"));
}

#[test]
fn a_move_at_rest_takes_up_what_was_permitted_and_drops_what_waited_for_a_word() {
    for on_word in [false, true] {
        let memory: Arc<dyn Files> = Arc::new(Memory::new(0));
        let (mut state, _) = StateFolder::open_on(memory.clone(), "/state", &version("1.1.0")).unwrap();
        if on_word {
            state.permit_on_word(&version("2.0.0")).unwrap();
        } else {
            state.learn(&version("2.0.0")).unwrap();
        }
        let prepared = on_word.then(|| state.prepare().unwrap());
        let folder = state.transform_at_rest(&version("2.0.0")).unwrap();
        assert_ne!(Some(&folder), prepared.as_ref());
        let under_way = state.status().under_way.clone().unwrap();
        assert_eq!((state.status().phase, under_way.attempts, under_way.on_word), (Phase::Transforming, 1, false));
        drop(state);
        let (_, recovery) = StateFolder::open_on(memory, "/state", &version("1.1.0")).unwrap();
        assert_eq!(recovery, Recovery::Make(straddle::state::Way::On));
    }
}

#[test]
fn a_move_at_rest_that_is_refused_leaves_the_state_as_it_was() {
    let memory: Arc<dyn Files> = Arc::new(Memory::new(0));
    let (mut state, _) = StateFolder::open_on(memory, "/state", &version("1.1.0")).unwrap();
    let before = state.status().clone();
    assert!(state.transform_at_rest(&version("1.0.0")).is_err());
    assert!(state.reverse_at_rest().is_err());
    assert_eq!(*state.status(), before);
    state.transform_at_rest(&version("2.0.0")).unwrap();
}

#[test]
fn two_programs_do_not_own_one_state() {
    let folder = tempfile::tempdir().unwrap();
    let (first, _) = StateFolder::open(folder.path(), &version("1.0.0")).unwrap();
    let error = StateFolder::open(folder.path(), &version("1.0.0")).unwrap_err();
    assert!(error.is_owned_elsewhere(), "{error}");
    assert_eq!(first.owner(), 1);
    drop(first);
    let (second, _) = StateFolder::open(folder.path(), &version("1.0.0")).unwrap();
    assert_eq!(second.owner(), 2);
}

#[test]
fn a_program_that_lost_its_state_without_knowing_writes_nothing_more() {
    let memory = Arc::new(Memory::new(0));
    let open = || StateFolder::open_on(memory.clone(), "/state", &version("1.0.0")).unwrap().0;
    let mut old = open();
    memory.forget_locks();
    let mut new = open();
    let error = old.learn(&version("2.0.0")).unwrap_err();
    assert!(error.is_owned_elsewhere() && error.to_string().contains("owner 2"), "{error}");
    new.learn(&version("2.0.0")).unwrap();
    assert_eq!(new.status().phase, Phase::Learned);
}

#[test]
fn the_numbers_of_epochs_are_never_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, _) = StateFolder::open(folder.path(), &version("1.0.0")).unwrap();
    let mut seen = vec![state.current().number()];
    for _ in 0..3 {
        state.learn(&version("2.0.0")).unwrap();
        state.permit().unwrap();
        state.quiesce().unwrap();
        state.transform().unwrap();
        let target = state.status().under_way.clone().unwrap().target.unwrap();
        assert!(state.folder_of(&target).join("object").is_dir());
        state.fail("somebody pulled the plug").unwrap();
        assert!(!state.folder_of(&target).exists(), "what was made is removed");
        assert!(!seen.contains(&target.number()), "{target} after {seen:?}");
        seen.push(target.number());
    }
}

#[test]
fn an_upgrade_that_waits_for_a_word_is_forgotten_by_a_program_that_is_started_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, _) = StateFolder::open(folder.path(), &version("1.0.0")).unwrap();
    upgrade(&mut state, "2.0.0");
    state.finalize().unwrap();
    for to_the_word in [false, true] {
        state.permit_on_word(&version("3.0.0")).unwrap();
        let prepared = state.prepare().unwrap();
        assert_eq!(state.status().phase, Phase::Permitted);
        if to_the_word {
            state.quiesce().unwrap();
            assert!(!state.status().under_way.as_ref().unwrap().on_word, "from here on it is like any other");
            assert_eq!(state.transform().unwrap(), prepared);
        }
        drop(state);
        let recovery;
        (state, recovery) = StateFolder::open(folder.path(), &version("1.0.0")).unwrap();
        if to_the_word {
            assert_eq!(recovery, Recovery::Make(straddle::state::Way::On));
            continue;
        }
        assert_eq!((recovery, state.status().phase), (Recovery::Serve, Phase::Serving));
        assert_eq!((&state.status().under_way, &state.status().prepared), (&None, &None));
        assert!(!prepared.exists(), "what was prepared is removed");
    }
}

#[test]
fn what_is_permitted_by_a_coordinator_is_forgotten_by_a_program_that_is_started_anew_but_for_the_permits_number() {
    let folder = tempfile::tempdir().unwrap();
    let open = || StateFolder::open(folder.path(), &version("1.0.0")).unwrap();
    let (mut state, _) = open();
    for on_word in [false, true] {
        state.permit_under(7, &version("2.0.0"), on_word).unwrap();
        let prepared = state.prepare().unwrap();
        drop(state);
        let recovery;
        (state, recovery) = open();
        assert_eq!((recovery, state.status().phase, state.status().permit), (Recovery::Serve, Phase::Serving, 7));
        assert!(state.status().under_way.is_none() && !prepared.exists());
    }
    state.permit_under(8, &version("2.0.0"), false).unwrap();
    state.quiesce().unwrap();
    state.transform().unwrap();
    drop(state);
    let (mut state, recovery) = open();
    assert_eq!((recovery, state.status().permit), (Recovery::Make(straddle::state::Way::On), 8), "it goes on");
    state.transform().unwrap();
    state.switch().unwrap();
    state.release().unwrap();
    state.rollback_under(9, None).unwrap();
    drop(state);
    let (state, recovery) = open();
    assert_eq!((recovery, state.status().permit), (Recovery::Serve, 9), "callers had only waited");
    assert_eq!(state.current().version(), &version("2.0.0"));
}

#[test]
fn what_is_prepared_ahead_of_a_permit_is_what_the_permit_goes_on_with_and_nobodys_in_another_program() {
    let folder = tempfile::tempdir().unwrap();
    let open = || StateFolder::open(folder.path(), &version("1.0.0")).unwrap();
    let (mut state, _) = open();
    state.learn_ahead(&version("2.0.0")).unwrap();
    let prepared = state.prepare().unwrap();
    state.learn_ahead(&version("2.0.0")).unwrap();
    assert!(state.quiesce().is_err(), "nobody has permitted it");
    drop(state);
    let (mut state, recovery) = open();
    assert_eq!((recovery, state.status().phase, state.status().permit), (Recovery::Serve, Phase::Serving, 0));
    assert!(!prepared.exists(), "nobody goes on with it");
    for on_word in [true, false] {
        state.learn_ahead(&version("2.0.0")).unwrap();
        let prepared = state.prepare().unwrap();
        state.permit_under(7, &version("2.0.0"), on_word).unwrap();
        assert_eq!((state.status().phase, state.status().permit), (Phase::Permitted, 7));
        assert_eq!(state.prepare().unwrap(), prepared, "it is the same");
        if on_word {
            state.forget().unwrap();
        } else {
            state.quiesce().unwrap();
            assert_eq!(state.transform().unwrap(), prepared);
        }
    }
}

#[test]
fn an_upgrade_waits_until_the_one_before_is_finalized() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, _) = StateFolder::open(folder.path(), &version("1.0.0")).unwrap();
    upgrade(&mut state, "2.0.0");
    state.learn(&version("3.0.0")).unwrap();
    state.permit().unwrap();
    let error = state.quiesce().unwrap_err();
    assert!(error.is_illegal() && error.to_string().contains("a way back to 1.0.0"), "{error}");
    state.forget().unwrap();
    state.finalize().unwrap();
    assert!(state.rollback().unwrap_err().to_string().contains("no way back"));
    upgrade(&mut state, "3.0.0");
    assert_eq!(state.current().to_string(), "0003-3.0.0");
}

#[test]
fn what_contradicts_itself_is_damage_and_says_which_file() {
    let cases: &[(&str, &str, &str)] = &[
        ("CURRENT", "", "CURRENT: holds \"\""),
        ("CURRENT", "0009-1.0.0\n", "CURRENT: points at 0009-1.0.0"),
        ("FENCE", "many\n", "FENCE: holds \"many\\n\""),
        ("JOURNAL", "00000000 {}\n00000000 {}\n", "JOURNAL: line 1 does not fit its checksum"),
    ];
    for (file, text, told) in cases {
        let folder = tempfile::tempdir().unwrap();
        let (mut state, _) = StateFolder::open(folder.path(), &version("1.0.0")).unwrap();
        state.learn(&version("2.0.0")).unwrap();
        drop(state);
        std::fs::write(folder.path().join(file), text).unwrap();
        let error = StateFolder::open(folder.path(), &version("1.0.0")).unwrap_err();
        assert!(error.is_damage() && error.to_string().contains(told), "{file} {text:?}: {error}");
        assert!(error.to_string().contains("help: "), "{error}");
    }
}

#[test]
fn an_epoch_that_went_missing_is_damage_and_not_an_empty_state() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, _) = StateFolder::open(folder.path(), &version("1.0.0")).unwrap();
    upgrade(&mut state, "2.0.0");
    drop(state);
    for missing in ["0001-1.0.0", "0002-2.0.0"] {
        let (from, aside) = (folder.path().join(missing), folder.path().join("aside"));
        std::fs::rename(&from, &aside).unwrap();
        let error = StateFolder::open(folder.path(), &version("1.0.0")).unwrap_err();
        assert!(error.is_damage() && error.to_string().contains(missing), "{error}");
        std::fs::rename(&aside, &from).unwrap();
    }
    StateFolder::open(folder.path(), &version("1.0.0")).unwrap();
}

#[test]
fn what_is_not_ours_stays_and_what_nothing_leads_to_goes() {
    let folder = tempfile::tempdir().unwrap();
    drop(StateFolder::open(folder.path(), &version("1.0.0")).unwrap());
    let there = ["notes.txt", "0000-1.0.0", "trash-0001-1.0.0", "trash-of-mine"];
    for name in there {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    drop(StateFolder::open(folder.path(), &version("1.0.0")).unwrap());
    let left: Vec<&str> = there.into_iter().filter(|name| folder.path().join(name).exists()).collect();
    assert_eq!(left, ["notes.txt", "trash-of-mine"]);
}

#[test]
fn a_long_journal_is_shortened_and_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, _) = StateFolder::open(folder.path(), &version("1.0.0")).unwrap();
    let mut longest = 0;
    for _ in 0..400 {
        state.learn(&version("2.0.0")).unwrap();
        state.forget().unwrap();
        longest = longest.max(Disk.read(&folder.path().join("JOURNAL")).unwrap().len());
    }
    state.learn(&version("2.0.0")).unwrap();
    assert!(longest > 32 * 1024 && longest < 80 * 1024, "{longest} bytes");
    let said = state.status().clone();
    drop(state);
    let (state, _) = StateFolder::open(folder.path(), &version("1.0.0")).unwrap();
    assert_eq!(state.status(), &said);
}

fn upgrade(state: &mut StateFolder, to: &str) {
    state.learn(&version(to)).unwrap();
    state.permit().unwrap();
    state.quiesce().unwrap();
    state.transform().unwrap();
    state.switch().unwrap();
    state.release().unwrap();
}
