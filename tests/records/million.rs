//! A million records, carried over in each way, by a program that is killed in the middle and another one that goes on.

use std::ops::Bound;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use prost::Message;
use straddle::inventory::generated::{protocol, v1_1_0, v2_0_0};
use straddle::state::{Carry, Mode, Progress, Records, RecordsError};

use crate::{new, old, version};

/// All of them, and those among them that rules rewrite: the others are bytes, since unoptimized rules take most of the time.
const MANY: u32 = 1_000_000;
const MESSAGES: u32 = 100_000;
/// Tells the program that is killed where the records are, and how to carry them.
const FOLDER: &str = "STRADDLE_TEST_FOLDER";
const MODE: &str = "STRADDLE_TEST_MODE";

#[test]
fn of_a_million_records_none_is_lost_on_any_way_not_even_by_a_program_that_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let began = Instant::now();
    let records =
        Records::open(&folder.path().join("source"), &protocol(), &version("1.1.0"), &old()).expect("records");
    let written: Result<(), RecordsError> = records.write(|writing| {
        for number in 0..MESSAGES {
            let item = v1_1_0::Item { stock: stock(number), ..v1_1_0::Item::default() };
            writing.insert("items", &number.to_be_bytes(), &item.encode_to_vec())?;
        }
        (MESSAGES..MANY)
            .try_for_each(|number| writing.insert("revisions", &number.to_be_bytes(), &stock(number).to_be_bytes()))
    });
    written.expect("written");
    records.close();
    drop(records);
    println!("{MANY} records written within {:?}", began.elapsed());
    for mode in [Mode::Eager, Mode::Online, Mode::Lazy] {
        let began = Instant::now();
        let killed = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "million::a_program_that_is_killed_in_the_middle"])
            .envs([(FOLDER, folder.path().as_os_str()), (MODE, name(mode).as_ref())])
            .output()
            .expect("a program");
        assert_eq!(killed.status.code(), None, "{mode:?}: it was to be killed: {killed:?}");
        let killed_after = began.elapsed();
        carry(folder.path(), mode, &Progress::default()).expect("carried over");
        let target = folder.path().join(name(mode));
        let records = Records::open(&target, &protocol(), &version("2.0.0"), &new()).expect("records");
        assert!(records.is_whole(), "{mode:?}");
        let reading = records.read().expect("open");
        let mut count = 0;
        let all = |table| reading.range(table, Bound::Unbounded, Bound::Unbounded).expect("a table");
        for (found, number) in all("items").chain(all("revisions")).zip(0..) {
            let (key, value) = found.expect("a record");
            let stock = if number < MESSAGES {
                v2_0_0::Item::decode(value).expect("an item of 2.0.0").stock
            } else {
                i64::from_be_bytes(value[..].try_into().expect("eight bytes"))
            };
            assert_eq!((&key[..], stock), (&u32::to_be_bytes(number)[..], self::stock(number)), "{mode:?}");
            count += 1;
        }
        assert_eq!(count, MANY, "{mode:?}");
        println!("{mode:?}: killed within {killed_after:?}, all of it within {:?}", began.elapsed());
        drop((reading, records));
        std::fs::remove_dir_all(target).expect("it goes");
    }
}

/// What a record says, unlike its neighbours.
fn stock(number: u32) -> i64 {
    i64::from(number.wrapping_mul(2_654_435_761) >> 8)
}

fn name(mode: Mode) -> &'static str {
    match mode {
        Mode::Eager => "eager",
        Mode::Online => "online",
        Mode::Lazy => "lazy",
    }
}

/// The whole way, or the rest of it.
fn carry(folder: &Path, mode: Mode, progress: &Progress) -> Result<(), RecordsError> {
    let (source, target) = (folder.join("source"), folder.join(name(mode)));
    let carry = Carry::new(&protocol(), &version("1.1.0"), &version("2.0.0"), &new(), mode)?;
    let records = Records::open(&source, &protocol(), &version("1.1.0"), &old())?;
    carry.ahead(&records, &target, progress)?;
    records.close();
    drop(records);
    carry.finish(&source, &target, progress, &mut |_| false)?;
    if mode == Mode::Lazy {
        Records::open(&target, &protocol(), &version("2.0.0"), &new())?.fill(progress)?;
    }
    Ok(())
}

/// Nothing by itself: the test above runs it as a program of its own.
#[test]
fn a_program_that_is_killed_in_the_middle() {
    let (Some(folder), Ok(mode)) = (std::env::var_os(FOLDER), std::env::var(MODE)) else { return };
    let mode = [Mode::Eager, Mode::Online, Mode::Lazy].into_iter().find(|known| name(*known) == mode);
    let progress = Progress::default();
    let watched = progress.clone();
    std::thread::spawn(move || {
        while watched.done() < u64::from(MESSAGES / 2) {
            std::thread::yield_now();
        }
        std::process::abort();
    });
    carry(Path::new(&folder), mode.expect("a mode"), &progress).expect("carried over");
}
