//! Records, the model beside them, and what is done to both.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::PathBuf;

use fastrand::Rng;
use prost::Message;
use tempfile::TempDir;

use super::items::{new, old, protocol};
use super::{disk, items};
use crate::state::{Carry, Layout, Mode, Progress, Records, RecordsError};
use crate::version::Version;

const VERSIONS: [&str; 3] = ["1.1.0", "2.0.0", "3.0.0"];
const KEYS: usize = 60;

type Model = BTreeMap<Vec<u8>, Value>;

/// An item: what number is in it, and whether its price is one that 1.1.0 cannot say.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Value {
    number: i64,
    euro: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Tables {
    items: Model,
    revisions: BTreeMap<Vec<u8>, Vec<u8>>,
    due: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// What has happened, so that it can be told whether it was enough.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    writes: u32,
    crashes: u32,
    moves: [u32; 3],
    back: u32,
    mixtures: u32,
    moved_mixtures: u32,
    refusals: u32,
    losses: u32,
    filled: u32,
}

pub(super) struct World {
    random: Rng,
    root: TempDir,
    /// The number of the folder in use, and of the last one.
    folder: usize,
    last: usize,
    version: usize,
    records: Option<Records>,
    model: Tables,
    pub(super) seen: Seen,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let mut world = Self {
            random: Rng::with_seed(seed),
            root,
            folder: 0,
            last: 0,
            version: 0,
            records: None,
            model: Tables::default(),
            seen: Seen::default(),
        };
        world.version = world.random.usize(..VERSIONS.len());
        world.open();
        world
    }

    /// Does something.
    pub(super) fn step(&mut self) {
        match self.random.u32(..12) {
            0..6 => self.write(),
            6 => self.fill(),
            7 => self.reopen(),
            8 => self.sweep_folders(),
            _ => self.travel(),
        }
    }

    fn records(&self) -> &Records {
        self.records.as_ref().expect("open")
    }

    fn path(&self, number: usize) -> PathBuf {
        self.root.path().join(format!("{number:04}")).join("object")
    }

    fn open(&mut self) {
        let path = self.path(self.folder);
        let opened = Records::open(&path, &protocol(), &version(self.version), &layout(self.version));
        self.records = Some(opened.expect("records"));
    }

    fn reopen(&mut self) {
        if self.random.bool() {
            self.records().close();
        }
        self.records = None;
        self.open();
    }

    /// Makes the disk fail soon, or not.
    fn maybe_crash(&mut self) {
        if self.random.u32(..3) == 0 {
            let most = 1 << self.random.u32(2..9);
            disk::crash_after(self.random.u64(..most), self.random.bool());
        }
    }

    /// Whether the disk has failed; then what was open is gone.
    fn crashed(&mut self, outcome: &Result<(), RecordsError>) -> bool {
        if disk::failed() {
            self.records = None;
            disk::mend();
            self.seen.crashes += 1;
            return true;
        }
        disk::mend();
        if let Err(error) = outcome {
            assert!(error.is_refused(), "{error}");
        }
        false
    }

    fn write(&mut self) {
        self.maybe_crash();
        let before = self.model.clone();
        let outcome = self.transaction();
        if self.crashed(&outcome) {
            self.open();
            // Nobody was told that it is written, so both are right. But nothing between.
            if outcome.is_err() && self.read() == before {
                self.model = before;
            }
        }
        self.seen.writes += 1;
    }

    fn transaction(&mut self) -> Result<(), RecordsError> {
        let (mut random, mut model, at) = (self.random.fork(), self.model.clone(), self.version);
        let fails = random.u32(..8) == 0;
        let outcome = self.records().write(|writing| {
            for _ in 0..random.usize(1..8) {
                let key = key(&mut random);
                match random.u32(..6) {
                    0 | 1 => {
                        writing.remove("items", &key)?;
                        writing.remove("revisions", &key)?;
                        model.items.remove(&key);
                        model.revisions.remove(&key);
                    }
                    2 => {
                        let bytes = vec![b'='; random.usize(..3)];
                        writing.insert("revisions", &key, &bytes)?;
                        writing.insert("due", &key, &bytes)?;
                        model.revisions.insert(key.clone(), bytes.clone());
                        model.due.insert(key, bytes);
                    }
                    _ => {
                        let euro = at > 0 && random.u32(..20) == 0;
                        let value = Value { number: random.i64(1..1_000_000), euro };
                        writing.insert("items", &key, &encode(at, &key, value))?;
                        model.items.insert(key, value);
                    }
                }
            }
            let found = writing.range("items", Bound::Unbounded, Bound::Unbounded)?;
            let found: Result<Vec<_>, RecordsError> = found.map(|pair| Ok(pair?.0.to_vec())).collect();
            assert_eq!(found?, model.items.keys().cloned().collect::<Vec<_>>());
            let last = writing.last("items")?.map(|(key, _)| key.to_vec());
            assert_eq!(last, model.items.keys().next_back().cloned());
            if fails { Err(RecordsError::wrong("it is not to be", "do it again")) } else { Ok(()) }
        });
        match outcome {
            Err(error) if error.is_wrong() => Ok(()),
            outcome => {
                self.model = model;
                outcome
            }
        }
    }

    fn fill(&mut self) {
        self.maybe_crash();
        let outcome = self.records().fill(&Progress::default());
        if self.crashed(&outcome) {
            self.open();
        } else {
            assert!(self.records().is_whole(), "{outcome:?}");
            self.seen.filled += 1;
        }
    }

    /// Older folders are not needed once all is here.
    fn sweep_folders(&mut self) {
        if self.records().is_whole() {
            for folder in (0..=self.last).filter(|folder| *folder != self.folder) {
                drop(std::fs::remove_dir_all(self.path(folder)));
            }
        }
    }

    /// To another version.
    fn travel(&mut self) {
        let to = if self.version == 0 || (self.version == 1 && self.random.bool()) {
            self.version + 1
        } else {
            self.version - 1
        };
        let refusing = if to == 0 { self.model.items.values().filter(|value| value.euro).count() } else { 0 };
        let mode = match self.random.u32(..if refusing > 0 { 5 } else { 3 }) {
            0 => Mode::Online,
            1 => Mode::Lazy,
            _ => Mode::Eager,
        };
        let carry = Carry::new(&protocol(), &version(self.version), &version(to), &layout(to), mode).expect("a way");
        let (listed, count) = carry.refused(self.records(), 3, &Progress::default()).expect("gone over");
        assert_eq!((listed.len(), count), (refusing.min(3), refusing as u64), "{listed:?}");
        self.seen.refusals += u32::from(refusing > 0);
        if mode == Mode::Lazy && refusing > 0 {
            return;
        }
        if !self.records().is_whole() {
            self.seen.moved_mixtures += 1;
        }
        self.last += 1;
        let target = self.path(self.last);
        if !self.ahead(&carry, &target, refusing > 0) {
            return;
        }
        let accept = self.random.bool();
        self.records().close();
        self.records = None;
        let source = self.path(self.folder);
        loop {
            self.maybe_crash();
            let mut lost = Vec::new();
            let outcome = carry.finish(&source, &target, &Progress::default(), &mut |record| {
                lost.push(record.key.to_vec());
                accept
            });
            if self.crashed(&outcome) {
                if self.random.bool() {
                    continue;
                }
                return self.go_back();
            }
            if let Err(error) = outcome {
                assert!(error.is_refused() && refusing > 0 && !accept, "{error}");
                return self.go_back();
            }
            break;
        }
        if to == 0 {
            self.seen.losses += u32::from(refusing > 0);
            self.model.items.retain(|_, value| !value.euro);
        }
        self.model.due.clear();
        self.seen.back += u32::from(to < self.version);
        self.seen.moves[mode as usize] += 1;
        (self.version, self.folder) = (to, self.last);
        self.open();
        self.seen.mixtures += u32::from(!self.records().is_whole());
    }

    /// Copies ahead, and writes meanwhile; false where it has come to nothing.
    fn ahead(&mut self, carry: &Carry, target: &std::path::Path, refuses: bool) -> bool {
        for _ in 0..self.random.u32(1..4) {
            self.maybe_crash();
            let outcome = carry.ahead(self.records(), target, &Progress::default());
            if self.crashed(&outcome) {
                self.open();
            } else if outcome.is_err() {
                assert!(refuses);
                Carry::abandon(self.records()).expect("abandoned");
                return false;
            }
            self.check();
            // Nothing that refuses, so that it is known what does.
            let before = self.random.clone();
            if self.version == 0 || !refuses {
                self.random = before;
                self.write_plainly();
            }
        }
        true
    }

    /// A write that no version refuses.
    fn write_plainly(&mut self) {
        let (at, mut random) = (self.version, self.random.fork());
        let (key, value) = (key(&mut random), Value { number: random.i64(1..1_000_000), euro: false });
        let gone = self::key(&mut random);
        let written: Result<(), RecordsError> = self.records().write(|writing| {
            writing.insert("items", &key, &encode(at, &key, value))?;
            writing.remove("items", &gone)
        });
        written.expect("written");
        self.model.items.insert(key, value);
        self.model.items.remove(&gone);
    }

    /// The move has failed: the older version serves on.
    fn go_back(&mut self) {
        self.open();
        Carry::abandon(self.records()).expect("abandoned");
    }

    /// All that is there is what the model says.
    pub(super) fn check(&mut self) {
        assert_eq!(self.read(), self.model);
        let mut random = self.random.fork();
        let reading = self.records().read().expect("open");
        for _ in 0..4 {
            let key = key(&mut random);
            let found = reading.get("items", &key).expect("read").map(|bytes| decode(self.version, &key, &bytes));
            assert_eq!(found, self.model.items.get(&key).copied());
        }
        let (mut from, mut to) = (key(&mut random), key(&mut random));
        if from > to {
            (from, to) = (to, from);
        }
        let bounds = (Bound::Excluded(&*from), Bound::Included(&*to));
        let found = reading.range("revisions", bounds.0, bounds.1).expect("a table");
        let found: Vec<Vec<u8>> = found.map(|pair| pair.expect("read").0.to_vec()).collect();
        let wanted = if from == to {
            Vec::new()
        } else {
            self.model.revisions.range::<[u8], _>(bounds).map(|(key, _)| key.clone()).collect()
        };
        assert_eq!(found, wanted);
        let last = reading.last("revisions").expect("read").map(|(key, _)| key.to_vec());
        assert_eq!(last, self.model.revisions.keys().next_back().cloned());
    }

    fn read(&self) -> Tables {
        let reading = self.records().read().expect("open");
        let all = |table: &str| -> Vec<(Vec<u8>, bytes::Bytes)> {
            let range = reading.range(table, Bound::Unbounded, Bound::Unbounded).expect("a table");
            range.map(|pair| pair.map(|(key, value)| (key.to_vec(), value)).expect("read")).collect()
        };
        let plain = |table: &str| all(table).into_iter().map(|(key, value)| (key, value.to_vec())).collect();
        let item = |(key, value): (Vec<u8>, bytes::Bytes)| {
            let value = decode(self.version, &key, &value);
            (key, value)
        };
        Tables { items: all("items").into_iter().map(item).collect(), revisions: plain("revisions"), due: plain("due") }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        disk::mend();
    }
}

impl Seen {
    pub(super) fn add(&mut self, other: &Self) {
        self.writes += other.writes;
        self.crashes += other.crashes;
        (0..3).for_each(|mode| self.moves[mode] += other.moves[mode]);
        self.back += other.back;
        self.mixtures += other.mixtures;
        self.moved_mixtures += other.moved_mixtures;
        self.refusals += other.refusals;
        self.losses += other.losses;
        self.filled += other.filled;
    }

    pub(super) fn is_enough(&self) {
        let all = [
            self.writes,
            self.crashes,
            self.back,
            self.mixtures,
            self.moved_mixtures,
            self.refusals,
            self.losses,
            self.filled,
        ];
        assert!(all.into_iter().chain(self.moves).all(|count| count > 0), "{self:?}");
    }
}

fn version(index: usize) -> Version {
    VERSIONS[index].parse().expect("a version")
}

fn layout(index: usize) -> Layout {
    let item = if index == 0 { "inventory.v1.Item" } else { "inventory.v2.Item" };
    Layout::new().messages("items", item).carried("revisions").left("due").cache(1 << 20)
}

fn key(random: &mut Rng) -> Vec<u8> {
    let number = random.usize(..KEYS);
    [b"k".repeat(number % 3), number.to_string().into_bytes()].concat()
}

/// An item in a version's own words.
fn encode(version: usize, key: &[u8], Value { number, euro }: Value) -> Vec<u8> {
    if version == 0 { old(key, number).encode_to_vec() } else { new(key, number, euro).encode_to_vec() }
}

fn decode(version: usize, key: &[u8], bytes: &[u8]) -> Value {
    if version == 0 {
        let item = items::Old::decode(bytes).expect("an item of 1.1.0");
        assert_eq!(item, old(key, item.stock));
        return Value { number: item.stock, euro: false };
    }
    let item = items::New::decode(bytes).expect("an item of 2.0.0");
    let euro = item.price.as_ref().is_some_and(|price| price.currency_code == "EUR");
    assert_eq!(item, new(key, item.stock, euro));
    Value { number: item.stock, euro }
}
