//! Bundles that a node has learned, on disk.

use std::sync::Arc;

use straddle::bundle::Bundle;
use straddle::inventory::generated::protocol;
use straddle::state::{Disk, Files, StateFolder};

use crate::memory::{Fault, Memory};
use crate::version;

fn step() -> Bundle {
    Bundle::of_step(&protocol(), &version("2.0.0"), &version("3.0.0")).unwrap()
}

fn digests(state: &StateFolder) -> Vec<String> {
    state.bundles().unwrap().iter().map(|(_, bundle)| bundle.digest()).collect()
}

#[test]
fn a_bundle_that_is_kept_is_there_when_the_state_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let open = || StateFolder::open(folder.path(), &version("1.0.0")).unwrap().0;
    let state = open();
    assert!(digests(&state).is_empty());
    let whole = Bundle::of_protocol(&protocol()).unwrap();
    for bundle in [&step(), &whole, &step()] {
        state.keep(bundle).unwrap();
    }
    drop(state);
    let mut expected = [step().digest(), whole.digest()];
    expected.sort();
    assert_eq!(digests(&open()), expected);
}

/// Each operation of keeping fails, or is the last before the machine stops: the bundle is whole afterwards, or not there.
#[test]
fn a_bundle_is_kept_whole_or_not_at_all_whatever_the_file_system_does() {
    let faults = [Fault::Error, Fault::ErrorAfter, Fault::ErrorTorn, Fault::Crash, Fault::CrashAfter, Fault::CrashTorn];
    let (mut there, mut missing) = (0, 0);
    for fault in faults {
        for seed in 0..4 {
            for at in 0.. {
                let memory = Arc::new(Memory::new(seed));
                let files: Arc<dyn Files> = memory.clone();
                let (state, _) = StateFolder::open_on(files.clone(), "/state", &version("1.0.0")).unwrap();
                memory.fail(memory.operations() + at, fault);
                let kept = state.keep(&step());
                if !memory.has_failed() {
                    assert!(kept.is_ok() && at > 3, "keeping took {at} operations");
                    break;
                }
                drop(state);
                memory.restart();
                let (state, _) = StateFolder::open_on(files, "/state", &version("1.0.0")).unwrap();
                let found = digests(&state);
                assert!(found.is_empty() || found == [step().digest()], "{fault:?} at {at}, seed {seed}");
                assert!(kept.is_err() || !found.is_empty(), "{fault:?} at {at}, seed {seed}: what was kept is gone");
                if found.is_empty() {
                    missing += 1;
                } else {
                    there += 1;
                }
                state.keep(&step()).unwrap();
                assert_eq!(digests(&state), [step().digest()]);
            }
        }
    }
    assert!(there > 0 && missing > 0, "{there} there, {missing} missing");
}

#[test]
fn a_bundle_that_was_damaged_or_renamed_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (state, _) = StateFolder::open(folder.path(), &version("1.0.0")).unwrap();
    state.keep(&step()).unwrap();
    let (file, bundle) = state.bundles().unwrap().remove(0);
    let told = |what: &str| {
        let error = state.bundles().unwrap_err();
        assert!(error.is_damage() && error.to_string().contains(what), "{error}");
        assert!(error.to_string().contains("have the node learn the bundle again"), "{error}");
    };
    let bytes = bundle.to_bytes();
    Disk.write(&file, &bytes[..1000]).unwrap();
    told(&format!("{}: the bundle is damaged", file.display()));
    Disk.write(&file, &bytes).unwrap();
    let other = file.with_file_name(format!("{}.bundle", "0".repeat(64)));
    std::fs::rename(&file, other).unwrap();
    told(&format!("holds the bundle {}", bundle.digest()));
}
