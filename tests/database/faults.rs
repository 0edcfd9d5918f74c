//! Disks that fail at each of their operations, programs that die and power that goes: nothing acknowledged is lost, and
//! nothing half done is there.

use std::collections::BTreeMap;

use bytes::Bytes;
use straddle::coordinator::database::{DatabaseError, Disk, Fault, Keys, Options, Query, Revision, Store};

use crate::seed::{rounds, seed_or};
use crate::work::Work;

/// So few that the past is forgotten all the time.
const HISTORY: u64 = 8;
/// How many transactions are acknowledged before the end, where nothing goes wrong.
const WORK: u64 = 14;

fn options() -> Options {
    Options { history: HISTORY, ..Options::default() }
}

/// What a program knew when it ended.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    acknowledged: u64,
    /// May be there, or not.
    tried: u64,
}

/// Works on, several transactions at once, until one fails or all is done.
fn work_on(store: &Store, work: &Work, from: u64, until: u64) -> Known {
    let mut known = Known { acknowledged: from, tried: from };
    while known.acknowledged < until {
        let together = known.acknowledged % 3 + 1;
        let numbers = known.acknowledged + 1..=known.acknowledged + together;
        known.tried = *numbers.end();
        let transactions: Vec<_> = numbers.map(|number| work.transaction(number)).collect();
        for outcome in store.commit(&transactions) {
            match outcome {
                Ok(_) => known.acknowledged += 1,
                Err(error) => {
                    assert!(error.is_unavailable() || error.is_unknown(), "{error}");
                    if error.is_unavailable() {
                        known.tried = known.acknowledged;
                    }
                    return known;
                }
            }
        }
        if known.acknowledged.is_multiple_of(5) && store.compact(Revision(1)).is_err() {
            return known;
        }
    }
    known
}

/// Opens what is left, and looks whether it is what it has to be.
fn held(disk: &Disk, work: &mut Work, known: Known) -> u64 {
    let store = Store::on_disk(disk, &options()).expect("what is left can be opened");
    checked(&store, work, known)
}

fn checked(store: &Store, work: &mut Work, known: Known) -> u64 {
    let held = work.held(store, HISTORY);
    assert!(held >= known.acknowledged, "{known:?}, and {held} is there: something acknowledged is lost");
    assert!(held <= known.tried, "{known:?}, and {held} is there");
    held
}

/// What comes after a fault.
#[derive(Clone, Copy, Debug)]
enum Then {
    Killed,
    WithoutPower,
    Mended,
}

/// Lets a disk fail at one operation, and looks what is left, twice.
fn cut(seed: u64, at: u64, fault: Fault, then: Then) {
    let mut work = Work::new(seed);
    let disk = Disk::new();
    disk.fail_after(at, fault);
    let mut known = Known::default();
    let opened = Store::on_disk(&disk, &options());
    if let Ok(store) = &opened {
        known = work_on(store, &work, 0, WORK);
    }
    assert!(disk.is_failing(), "there are not {at} operations");
    match then {
        Then::Killed => disk.kill(),
        Then::WithoutPower => disk.lose_power(seed ^ at),
        Then::Mended => disk.mend(),
    }
    let held = match (opened, then) {
        // It opens the file anew by itself.
        (Ok(store), Then::Mended) => {
            let before = checked(&store, &mut work, known);
            known = work_on(&store, &work, before, before + 3);
            assert_eq!(known.acknowledged, known.tried, "the disk works again");
            drop(store);
            held(&disk, &mut work, known)
        }
        (opened, _) => {
            drop(opened);
            held(&disk, &mut work, known)
        }
    };
    let store = Store::on_disk(&disk, &options()).expect("once more");
    let known = work_on(&store, &work, held, held + 2);
    assert_eq!(checked(&store, &mut work, known), known.tried, "what goes on is written");
}

#[test]
fn whatever_operation_a_disk_fails_at_nothing_acknowledged_is_lost_and_nothing_is_half_there() {
    let seed = seed_or(7);
    let disk = Disk::new();
    let store = Store::on_disk(&disk, &options()).expect("a new database");
    assert!(work_on(&store, &Work::new(seed), 0, WORK).acknowledged >= WORK, "nothing goes wrong");
    let operations = disk.operations();
    assert!(operations > 50, "only {operations} operations");
    drop(store);
    let mut cuts = 0_usize;
    for at in 0..operations {
        for (fault, then) in [
            (Fault::Dies, Then::Killed),
            (Fault::Dies, Then::WithoutPower),
            (Fault::Fails, Then::Mended),
            (Fault::Tears, [Then::Killed, Then::WithoutPower, Then::Mended][cuts / 4 % 3]),
        ] {
            println!("seed {seed}: {fault:?} at operation {at}, then {then:?}");
            cut(seed, at, fault, then);
            cuts += 1;
        }
    }
    println!("{cuts} cuts");
}

#[test]
fn a_database_survives_one_crash_after_another() {
    let seed = seed_or(20_260);
    for life in 0..rounds(12) as u64 {
        let seed = seed + life;
        println!("STRADDLE_SEED={seed} STRADDLE_ROUNDS=1");
        crashes(seed);
    }
}

/// One disk, crash after crash, also while it is opened after the last one.
fn crashes(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut work = Work::new(seed);
    let disk = Disk::new();
    let mut known = Known::default();
    let mut ends: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..40 {
        let fault = [Fault::Dies, Fault::Tears, Fault::Fails][random.usize(..3)];
        disk.fail_after(random.u64(..80), fault);
        let opened = Store::on_disk(&disk, &options());
        if let Ok(store) = &opened
            && let Ok(newest) = store.newest()
        {
            assert!((known.acknowledged..=known.tried).contains(&newest.0), "{known:?}, and {newest} is there");
            known = work_on(store, &work, newest.0, newest.0 + random.u64(1..10));
        }
        let end = match random.u8(..3) {
            0 => {
                disk.mend();
                drop(opened);
                disk.kill();
                "closed"
            }
            1 => {
                disk.kill();
                "killed"
            }
            _ => {
                disk.lose_power(random.u64(..));
                "power"
            }
        };
        *ends.entry(end).or_default() += 1;
        if random.bool() {
            let there = held(&disk, &mut work, known);
            known = Known { acknowledged: there, tried: there };
        }
    }
    let there = held(&disk, &mut work, known);
    assert!(ends.len() == 3 && there > 20, "{ends:?}, {there}");
}

#[test]
fn a_disk_that_only_says_that_it_has_synced_is_found_out() {
    let seed = seed_or(5);
    let lost = (0..20).filter(|round| {
        let mut work = Work::new(seed);
        let disk = Disk::new();
        let store = Store::on_disk(&disk, &options()).expect("a new database");
        disk.fail_after(10, Fault::Lies);
        let known = work_on(&store, &work, 0, WORK);
        assert!(known.acknowledged >= WORK, "nothing fails");
        drop(store);
        disk.lose_power(seed + round);
        let read = Store::on_disk(&disk, &options()).ok().and_then(|store| read(&store).ok());
        read.is_none_or(|found| found != *work.state(known.acknowledged))
    });
    assert!(lost.count() > 5, "power may go, and nothing is lost");
}

#[test]
fn a_bit_that_flips_is_told_or_changes_nothing() {
    let seed = seed_or(3);
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut told, mut harmless) = (0, 0);
    let rounds = rounds(150);
    for _ in 0..rounds {
        let mut work = Work::new(seed);
        let disk = Disk::new();
        let store = Store::on_disk(&disk, &options()).expect("a new database");
        let known = work_on(&store, &work, 0, WORK);
        drop(store);
        let byte = disk.spoil(random.u64(..));
        let found = Store::on_disk(&disk, &options()).map_err(|error| error.to_string());
        match found.and_then(|store| read(&store).map_err(|error| error.to_string())) {
            Err(error) => {
                assert!(error.contains("database") || error.contains("disk") || error.contains("entry"), "{error}");
                told += 1;
            }
            Ok(found) => {
                assert!(found == *work.state(known.acknowledged), "seed {seed}, byte {byte}: it is not what it was");
                harmless += 1;
            }
        }
    }
    println!("{told} told, {harmless} without harm");
    assert!(told > 5 || rounds < 150, "of {harmless} that were spoilt nearly none was told");
}

/// All that there is; what is remembered of the past can be read as well.
fn read(store: &Store) -> Result<BTreeMap<Bytes, Bytes>, DatabaseError> {
    let mut from = Revision(store.newest()?.0.saturating_sub(HISTORY) + 1);
    while from <= store.newest()? {
        from = store.changes(&Keys::all(), from)?.1;
    }
    let page = store.range(&Query { keys: Keys::all(), limit: 0, at: None })?;
    assert!(!page.more, "it fits into one page");
    Ok(page.entries.into_iter().map(|entry| (entry.key, entry.value)).collect())
}

#[test]
fn transactions_that_are_committed_together_go_to_the_disk_together() {
    let operations = |together: usize| {
        let (disk, work) = (Disk::new(), Work::new(1));
        let store = Store::on_disk(&disk, &options()).expect("a new database");
        let before = disk.operations();
        let all: Vec<_> = (1..=60).map(|number| work.transaction(number)).collect();
        for some in all.chunks(together) {
            assert!(store.commit(some).iter().all(Result::is_ok), "all are written");
        }
        assert_eq!(store.newest().expect("a revision"), Revision(60), "each has a revision of its own");
        disk.operations() - before
    };
    let (alone, together) = (operations(1), operations(20));
    println!("{alone} operations one by one, {together} in three groups");
    assert!(together * 4 < alone, "{together} operations in three groups, and {alone} one by one");
}
