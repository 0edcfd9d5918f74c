//! Records that the rules carry over, against a transform function written by hand.

mod hand;
pub(crate) mod items;
pub(crate) mod memory;

use std::ops::Bound;
use std::path::Path;
use std::time::{Duration, Instant};

use prost::Message;
use straddle::inventory::generated::{protocol, v1_1_0, v2_0_0};
use straddle::state::{Carry, Layout, Mode, Progress, Records};
use straddle::{Protocol, Version};

use crate::options::Options;

/// A size of state.
pub(crate) struct Row {
    pub(crate) records: usize,
    /// Of a message, on average.
    pub(crate) bytes: usize,
    pub(crate) rules: Vec<Duration>,
    pub(crate) hand: Vec<Duration>,
}

pub(crate) fn rows(options: &Options) -> Result<Vec<Row>, String> {
    options.records.iter().map(|records| row(options, *records)).collect()
}

fn row(options: &Options, records: usize) -> Result<Row, String> {
    eprintln!("{records} records");
    let folder = scratch(options)?;
    let (source, by_hand) = (folder.path().join("source"), folder.path().join("hand.redb"));
    let bytes = fill(&source, records)?;
    hand::fill(&by_hand, records)?;
    let mut row = Row { records, bytes: bytes / records, rules: Vec::new(), hand: Vec::new() };
    let protocol = protocol();
    let carry = carry(&protocol, Mode::Eager)?;
    for round in 0..options.rounds {
        let (target, into) = (folder.path().join("target"), folder.path().join("into.redb"));
        let rules = || {
            let began = Instant::now();
            carry.finish(&source, &target, &Progress::default(), &mut |_| false).map_err(text)?;
            Ok::<_, String>(began.elapsed())
        };
        let hand = || {
            let began = Instant::now();
            hand::transform(&by_hand, &into)?;
            Ok::<_, String>(began.elapsed())
        };
        // Whoever comes second finds a disk that is still busy with the first.
        let (rules, hand) = if round % 2 == 0 {
            let rules = rules()?;
            (rules, hand()?)
        } else {
            let hand = hand()?;
            (rules()?, hand)
        };
        if round == 0 {
            compare(&protocol, &target, &into, records)?;
        }
        row.rules.push(rules);
        row.hand.push(hand);
        std::fs::remove_dir_all(&target).map_err(text)?;
        std::fs::remove_file(&into).map_err(text)?;
    }
    Ok(row)
}

/// Whether both have come to the same messages.
fn compare(protocol: &Protocol, target: &Path, into: &Path, records: usize) -> Result<(), String> {
    let carried = Records::open(target, protocol, &version("2.0.0"), &new()).map_err(text)?;
    let reading = carried.read().map_err(text)?;
    let mut by_hand = hand::items(into)?;
    let mut count = 0;
    for pair in reading.range("items", Bound::Unbounded, Bound::Unbounded).map_err(text)? {
        let (key, value) = pair.map_err(text)?;
        let item = v2_0_0::Item::decode(value).map_err(text)?;
        let other = by_hand.next().ok_or("by hand there are fewer records")??;
        if (key.as_ref(), &item) != (&*other.0, &other.1) {
            return Err(format!("not the same item: {item:?} by the rules, {:?} by hand", other.1));
        }
        count += 1;
    }
    if count == records { Ok(()) } else { Err(format!("{count} of {records} records were carried over")) }
}

pub(crate) fn carry(protocol: &Protocol, mode: Mode) -> Result<Carry, String> {
    Carry::new(protocol, &version("1.1.0"), &version("2.0.0"), &new(), mode).map_err(text)
}

/// A state of 1.1.0; how many bytes its messages have.
pub(crate) fn fill(folder: &Path, count: usize) -> Result<usize, String> {
    let records = Records::open(folder, &protocol(), &version("1.1.0"), &old()).map_err(text)?;
    let mut bytes = 0;
    let numbers: Vec<usize> = (0..count).collect();
    for numbers in numbers.chunks(10_000) {
        let written: Result<(), straddle::state::RecordsError> = records.write(|writing| {
            for number in numbers {
                let item: v1_1_0::Item = items::item(*number);
                let message = item.encode_to_vec();
                bytes += message.len();
                writing.insert("items", item.sku.as_bytes(), &message)?;
            }
            Ok(())
        });
        written.map_err(text)?;
    }
    records.close();
    Ok(bytes)
}

pub(crate) fn scratch(options: &Options) -> Result<tempfile::TempDir, String> {
    std::fs::create_dir_all(&options.folder).map_err(text)?;
    tempfile::tempdir_in(&options.folder).map_err(text)
}

pub(crate) fn old() -> Layout {
    Layout::new().messages("items", "inventory.v1.Item")
}

pub(crate) fn new() -> Layout {
    Layout::new().messages("items", "inventory.v2.Item")
}

pub(crate) fn version(text: &str) -> Version {
    text.parse().expect("a version")
}

pub(crate) fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
