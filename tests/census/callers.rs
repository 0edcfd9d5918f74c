//! The callers of a node.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use straddle::Version;
use straddle::census::{Caller, Callers, LONGEST_CALLER};

/// What a census may take of a node's memory.
const MOST_BYTES: usize = 4 * 1024 * 1024;
const MOST_TOLD: usize = 2000;

fn row(callers: &Callers, version: &str, method: &str) -> u32 {
    callers.row(&version.parse::<Version>().unwrap(), &Arc::from(method))
}

fn named(name: &str) -> Caller<'_> {
    Caller::named(name.as_bytes()).unwrap()
}

#[test]
fn what_is_told_is_sorted_and_whole_and_told_once() {
    let callers = Callers::new();
    let (get, put) = (row(&callers, "1.0.0", "/shop.Shop/Get"), row(&callers, "2.0.0", "/shop.Shop/Put"));
    assert_eq!(row(&callers, "1.0.0", "/shop.Shop/Get"), get, "a row has one number");
    callers.count(&named("billing"), put, false, 40);
    callers.count(&Caller::at(Some("10.0.0.7"), b"curl/8"), get, true, 30);
    callers.count(&named("billing"), get, false, 10);
    callers.count(&named("billing"), get, false, 20);
    let told = callers.take(MOST_TOLD);
    let lines: Vec<String> = told.callers.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "10.0.0.7 curl/8 Address 1.0.0? /shop.Shop/Get 1+0 30..30",
            "billing Named 1.0.0 /shop.Shop/Get 2+0 10..20",
            "billing Named 2.0.0 /shop.Shop/Put 1+0 40..40",
        ]
    );
    assert_eq!((told.error, told.left, told.left_most), (0, 0, 0));
    assert_eq!(callers.take(MOST_TOLD).callers, []);
}

fn line(called: &straddle::census::CalledBy) -> String {
    let unlabelled = if called.unlabelled { "?" } else { "" };
    format!(
        "{} {:?} {}{unlabelled} {} {}+{} {}..{}",
        called.caller,
        called.kind,
        called.version,
        called.method,
        called.calls,
        called.error,
        called.first,
        called.last
    )
}

#[test]
fn a_million_names_as_long_as_may_be_take_no_more_memory_than_is_said() {
    let callers = Callers::new();
    let get = row(&callers, "1.0.0", "/shop.Shop/Get");
    let mut most = 0;
    let mut busy = 0;
    for call in 0..1_000_000_u64 {
        let name = format!("{call:0>length$}", length = LONGEST_CALLER + 72 - usize::try_from(call % 80).unwrap());
        let reversed: String = name.chars().rev().collect();
        callers.count(&named(&reversed), get, false, call);
        if call % 100 == 0 {
            callers.count(&named("busy"), get, false, call);
            busy += 1;
        }
        if call % 10_000 == 0 {
            most = most.max(callers.bytes());
        }
    }
    most = most.max(callers.bytes());
    assert!(most <= MOST_BYTES, "{most} bytes");
    let told = callers.take(MOST_TOLD);
    assert!(told.callers.len() <= MOST_TOLD, "{}", told.callers.len());
    assert!(told.callers.iter().all(|called| called.caller.len() <= LONGEST_CALLER));
    // Of 896 places with some 64,000 calls.
    assert!(told.error <= 2 * 80_000 / 896, "{}", told.error);
    let found = told.callers.iter().find(|called| called.caller == "busy").expect("the busiest is told");
    assert_eq!((found.calls, found.error), (busy, 0));
}

#[test]
fn rows_that_are_left_are_told_later_and_none_is_told_twice() {
    let callers = Callers::new();
    let get = row(&callers, "1.0.0", "/shop.Shop/Get");
    for number in 0..9_000_u64 {
        callers.count(&named(&format!("caller {number}")), get, false, number);
    }
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut left = 9_000;
    while left > 0 {
        let told = callers.take(MOST_TOLD);
        assert!((1..=MOST_TOLD).contains(&told.callers.len()) && told.error == 0);
        left -= told.callers.len();
        assert_eq!((told.left, told.left_most), (left, u64::from(left > 0)));
        for called in told.callers {
            *seen.entry(called.caller).or_default() += called.calls;
        }
    }
    assert!(seen.len() == 9_000 && seen.values().all(|calls| *calls == 1));
}

#[test]
fn threads_that_count_while_somebody_tells_lose_nothing() {
    const THREADS: u64 = 4;
    const CALLS: u64 = 50_000;
    let (callers, running) = (Callers::new(), AtomicU64::new(THREADS));
    let get = row(&callers, "1.0.0", "/shop.Shop/Get");
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (callers, running) = (&callers, &running);
            scope.spawn(move || {
                for call in 0..CALLS {
                    let name = format!("caller {}", (call * THREADS + number) % 300);
                    callers.count(&named(&name), get, false, call);
                }
                running.fetch_sub(1, Ordering::Release);
            });
        }
        loop {
            let last = running.load(Ordering::Acquire) == 0;
            let told = callers.take(100);
            assert_eq!(told.error, 0);
            told.callers.into_iter().for_each(|called| *seen.entry(called.caller).or_default() += called.calls);
            if last && told.left == 0 {
                break;
            }
        }
    });
    assert_eq!(seen.values().sum::<u64>(), THREADS * CALLS);
    assert_eq!(seen.len(), 300);
}
