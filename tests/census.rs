//! Callers are counted with bounded memory, and never wrong by more than is said.
#![cfg(feature = "runtime")]

#[path = "census/callers.rs"]
mod callers;
#[path = "census/streams.rs"]
mod streams;

use std::collections::BTreeMap;

use straddle::census::{Entry, Frequent};

use self::streams::streams;

/// What is true of each key, and what a table has to be held against.
#[derive(Clone, Default)]
struct Truth {
    calls: BTreeMap<u64, u64>,
    last: BTreeMap<u64, u64>,
}

impl Truth {
    fn count(&mut self, key: u64, at: u64) {
        *self.calls.entry(key).or_default() += 1;
        self.last.insert(key, at);
    }

    fn total(&self) -> u64 {
        self.calls.values().sum()
    }

    fn join(mut self, other: Self) -> Self {
        for (key, calls) in other.calls {
            *self.calls.entry(key).or_default() += calls;
        }
        for (key, at) in other.last {
            let last = self.last.entry(key).or_default();
            *last = (*last).max(at);
        }
        self
    }
}

/// Whether a table says nothing that is not so, and enough.
fn holds(table: &Frequent<u64>, truth: &Truth, places: usize, what: &str) {
    assert!(table.len() <= places, "{what}: {} places", table.len());
    let bound = 2 * truth.total() / places as u64;
    assert!(table.floor() <= bound, "{what}: {} is beyond the bound of {bound}", table.floor());
    let told: BTreeMap<u64, Entry<&u64>> = table.iter().map(|entry| (*entry.key, entry)).collect();
    assert_eq!(told.len(), table.len(), "{what}: a key has one place");
    for (key, calls) in &truth.calls {
        let Some(entry) = told.get(key) else {
            assert!(*calls <= table.floor(), "{what}: {key} had {calls}, and the floor is {}", table.floor());
            continue;
        };
        assert!(entry.calls <= *calls && *calls <= entry.calls + entry.error, "{what}: {key} had {calls}: {entry:?}");
        assert!(entry.error <= table.floor(), "{what}: {key}: {entry:?}");
        assert!(entry.first <= entry.last && entry.last <= truth.last[key], "{what}: {key}: {entry:?}");
    }
    assert!(told.keys().all(|key| truth.calls.contains_key(key)), "{what}: nobody is invented");
}

fn counted(stream: &[u64], places: usize, from: u64) -> (Frequent<u64>, Truth) {
    let (mut table, mut truth) = (Frequent::new(places), Truth::default());
    for (at, key) in (from..).zip(stream) {
        table.count(*key, at);
        truth.count(*key, at);
    }
    (table, truth)
}

#[test]
fn nothing_is_wrong_by_more_than_is_said() {
    for (name, stream) in streams() {
        for places in [1, 2, 3, 16, 100, 1000] {
            let (mut table, mut truth) = (Frequent::new(places), Truth::default());
            for (at, key) in (0..).zip(&stream) {
                table.count(*key, at);
                truth.count(*key, at);
                if at % 997 == 0 {
                    holds(&table, &truth, places, &format!("{name}, {places} places, after {at}"));
                }
            }
            holds(&table, &truth, places, &format!("{name}, {places} places"));
            assert!(
                table.iter().all(|entry| entry.last == truth.last[entry.key]),
                "{name}: the last call has its place"
            );
            if truth.calls.len() <= places {
                assert_eq!(table.floor(), 0, "{name}: there was room for all");
            }
        }
    }
}

#[test]
fn what_there_is_room_for_is_exact_whatever_comes_besides() {
    // Each of a hundred is called once in two hundred calls, and the rest are others each time.
    let stream: Vec<u64> = (0..200_000).map(|call| if call % 2 == 0 { call / 2 % 100 } else { 1_000 + call }).collect();
    let (table, truth) = counted(&stream, 1000, 0);
    for entry in table.iter().filter(|entry| *entry.key < 100) {
        assert_eq!((entry.calls, entry.error), (truth.calls[entry.key], 0), "{entry:?}");
    }
    assert_eq!(table.iter().filter(|entry| *entry.key < 100).count(), 100);
}

#[test]
fn tables_add_up_in_any_order_to_one_that_says_nothing_wrong() {
    let mut random = fastrand::Rng::with_seed(7);
    for (name, stream) in streams() {
        for places in [1, 2, 16, 100] {
            for round in 0..8 {
                let mut parts: Vec<_> = stream
                    .chunks(1 + stream.len() / (2 + round))
                    .enumerate()
                    .map(|(number, part)| counted(part, places, (number * stream.len()) as u64))
                    .collect();
                while parts.len() > 1 {
                    let (one, truth) = parts.swap_remove(random.usize(..parts.len()));
                    let other = random.usize(..parts.len());
                    let (into, so_far) = &mut parts[other];
                    let floor = one.floor();
                    into.add(floor, one.iter().map(|entry| Entry { key: *entry.key, ..copy(&entry) }));
                    *so_far = std::mem::take(so_far).join(truth);
                    holds(into, so_far, places, &format!("{name}, {places} places, {round}"));
                }
                let (table, truth) = &parts[0];
                assert_eq!(truth.total(), stream.len() as u64);
                holds(table, truth, places, name);
            }
        }
    }
}

fn copy(entry: &Entry<&u64>) -> Entry<u64> {
    Entry { key: *entry.key, calls: entry.calls, error: entry.error, first: entry.first, last: entry.last }
}

#[test]
fn adding_what_contradicts_itself_breaks_nothing() {
    let mut table = Frequent::new(4);
    let entry = |key, calls, error| Entry { key, calls, error, first: 5, last: 3 };
    for floor in [0, 1, u64::MAX, u64::MAX, 0] {
        let twice = [entry(1, u64::MAX, 0), entry(1, u64::MAX, u64::MAX), entry(2, 0, 0), entry(3, 0, u64::MAX)];
        table.add(floor, twice.into_iter().chain((4..100).map(|key| entry(key, 1, 0))));
        assert!(table.len() <= 4);
        table.count(7, 9);
        assert!(table.iter().all(|entry| entry.calls.checked_add(0).is_some()));
    }
    let (floor, _) = table.take(1);
    assert_eq!((floor, table.floor()), (u64::MAX, 0));
}

/// What the coordinator does with what nodes tell: whatever a row is not told of, the batch's error says.
#[test]
fn what_is_told_in_turns_comes_to_what_is_true() {
    for (name, stream) in streams() {
        for (places, most) in [(16, 4), (100, 10), (100, 100), (1000, 7), (1, 1), (16, 0)] {
            let (mut table, mut truth) = (Frequent::new(places), Truth::default());
            let mut told: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
            let mut floors = 0;
            for (at, key) in (0..).zip(&stream) {
                table.count(*key, at);
                truth.count(*key, at);
                if at % 500 != 499 {
                    continue;
                }
                let (floor, taken) = table.take(most);
                assert!(taken.len() <= most && table.floor() == 0);
                floors += floor;
                for entry in taken {
                    let (calls, own) = told.entry(entry.key).or_default();
                    *calls += entry.calls;
                    // Of a batch in which it stands its own error counts: what the batch says besides is not for it.
                    *own += floor - entry.error;
                }
            }
            let left: BTreeMap<u64, u64> = table.iter().map(|entry| (*entry.key, entry.calls + entry.error)).collect();
            for (key, calls) in &truth.calls {
                let (counted, own) = told.get(key).copied().unwrap_or_default();
                let error = floors - own + left.get(key).copied().unwrap_or(table.floor());
                assert!(counted <= *calls, "{name}: {key} had {calls}, and {counted} were told");
                assert!(*calls <= counted + error, "{name}: {key} had {calls}, told were {counted} and {error}");
            }
        }
    }
}

#[test]
fn each_has_its_turn_however_busy_others_are() {
    let mut table = Frequent::new(1000);
    for at in 0..5_000 {
        // Nine are busy, and ninety come once in the beginning.
        table.count(if at < 90 { 100 + at } else { at % 9 }, at);
    }
    let mut seen = Vec::new();
    for batch in 0..18 {
        for call in 0..900 {
            table.count(call % 9, 10_000 + batch * 1000 + call);
        }
        let (_, taken) = table.take(10);
        seen.extend(taken.iter().map(|entry| entry.key).filter(|key| *key >= 100));
    }
    seen.sort_unstable();
    assert_eq!(seen, (100..190).collect::<Vec<u64>>());
}
