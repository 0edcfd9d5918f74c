//! State that is messages: kept record by record, and carried from version to version.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;
#[path = "records/million.rs"]
mod million;
#[path = "support/shop.rs"]
mod shop;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use prost::Message;
use straddle::inventory::generated::{protocol, v1_1_0, v2_0_0};
use straddle::state::{Carry, Layout, Mode, Progress, Records, RecordsError};
use straddle::{Protocol, Version};

fn version(text: &str) -> Version {
    text.parse().expect("a version")
}

fn old() -> Layout {
    Layout::new().messages("items", "inventory.v1.Item").carried("revisions").left("due")
}

fn new() -> Layout {
    Layout::new().messages("items", "inventory.v2.Item").carried("revisions").left("due").carried("more")
}

fn item(sku: &str) -> v1_1_0::Item {
    v1_1_0::Item { sku: sku.to_owned(), price: 4.5, location: "a-7".to_owned(), stock: 3, ..Default::default() }
}

fn fill_old(records: &Records, skus: &[&str]) -> Result<(), RecordsError> {
    records.write(|writing| {
        for (number, sku) in skus.iter().enumerate() {
            writing.insert("items", sku.as_bytes(), &item(sku).encode_to_vec())?;
            writing.insert("revisions", &number.to_be_bytes(), sku.as_bytes())?;
            writing.insert("due", sku.as_bytes(), b"")?;
        }
        Ok(())
    })
}

#[test]
fn records_are_read_as_they_were_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || Records::open(folder.path(), &protocol(), &version("1.1.0"), &old()).expect("records");
    let records = open();
    fill_old(&records, &["b", "a", "c"]).expect("written");
    for round in 0..2 {
        let records = if round == 0 { records.clone() } else { open() };
        let reading = records.read().expect("open");
        assert_eq!(reading.get("items", b"a").expect("read").expect("there"), item("a").encode_to_vec());
        assert_eq!(reading.get("items", b"d").expect("read"), None);
        assert_eq!(reading.get("due", b"a").expect("read").expect("there"), "");
        let keys = |from, to| -> Vec<String> {
            let range = reading.range("items", from, to).expect("a table");
            range.map(|pair| String::from_utf8(pair.expect("read").0.to_vec()).expect("text")).collect()
        };
        assert_eq!(keys(Bound::Unbounded, Bound::Unbounded), ["a", "b", "c"]);
        assert_eq!(keys(Bound::Excluded(b"a"), Bound::Included(b"c")), ["b", "c"]);
        assert_eq!(keys(Bound::Included(b"c"), Bound::Included(b"a")), [""; 0]);
        assert_eq!(reading.last("items").expect("read").expect("there").0, "c");
        drop(reading);
        records.close();
        assert!(records.read().expect_err("closed").is_closed());
    }
}

#[test]
fn a_write_that_fails_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let records = Records::open(folder.path(), &protocol(), &version("1.1.0"), &old()).expect("records");
    let failed = records.write(|writing| -> Result<(), RecordsError> {
        writing.insert("items", b"a", &item("a").encode_to_vec())?;
        assert!(writing.get("items", b"a")?.is_some());
        writing.insert("nowhere", b"a", b"")
    });
    assert!(failed.expect_err("no such table").is_wrong());
    assert_eq!(records.read().and_then(|reading| reading.get("items", b"a")).expect("read"), None);
}

#[test]
fn an_eager_carry_brings_all_records_to_the_new_version() {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, target) = (folder.path().join("1"), folder.path().join("2"));
    let records = Records::open(&source, &protocol(), &version("1.1.0"), &old()).expect("records");
    fill_old(&records, &["b", "a", "c"]).expect("written");
    let carry = Carry::new(&protocol(), &version("1.1.0"), &version("2.0.0"), &new(), Mode::Eager).expect("a way");
    assert_eq!(carry.refused(&records, 10, &Progress::default()).expect("gone over"), (Vec::new(), 0));
    records.close();
    let progress = Progress::default();
    for _ in 0..2 {
        carry.finish(&source, &target, &progress, &mut |_| false).expect("carried over");
    }
    let records = Records::open(&target, &protocol(), &version("2.0.0"), &new()).expect("records");
    let reading = records.read().expect("open");
    let found = reading.get("items", b"a").expect("read").expect("there");
    let found = v2_0_0::Item::decode(found).expect("an item of 2.0.0");
    assert_eq!((found.sku.as_str(), found.stock), ("a", 3));
    assert_eq!(found.location.map(|location| (location.aisle, location.bin)), Some(("a".into(), "7".into())));
    assert_eq!(reading.range("revisions", Bound::Unbounded, Bound::Unbounded).expect("a table").count(), 3);
    assert_eq!(reading.first("due").expect("read"), None);
    assert_eq!(reading.first("more").expect("read"), None);
    // The older ones are as they were.
    let records = Records::open(&source, &protocol(), &version("1.1.0"), &old()).expect("records");
    assert_eq!(records.read().expect("open").last("due").expect("read").expect("there").0, "c");
}

#[test]
fn a_note_that_was_made_ahead_shows_what_was_written_since_and_is_no_copy() {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, target) = (folder.path().join("1"), folder.path().join("2"));
    let records = Records::open(&source, &protocol(), &version("1.1.0"), &old()).expect("records");
    fill_old(&records, &["a"]).expect("written");
    let carry = |mode| Carry::new(&protocol(), &version("1.1.0"), &version("2.0.0"), &new(), mode).expect("a way");
    let progress = Progress::default();
    for _ in 0..2 {
        carry(Mode::Lazy).ahead(&records, &target, &progress).expect("noted");
    }
    fill_old(&records, &["b"]).expect("written");
    records.close();
    carry(Mode::Lazy).finish(&source, &target, &progress, &mut |_| false).expect("noted");
    let lazy = Records::open(&target, &protocol(), &version("2.0.0"), &new()).expect("records");
    assert!(!lazy.is_whole());
    assert!(lazy.read().and_then(|reading| reading.get("items", b"b")).expect("read").is_some());
    lazy.close();
    // Who has to know what gets lost copies all of it.
    carry(Mode::Eager).finish(&source, &target, &progress, &mut |_| false).expect("carried over");
    let eager = Records::open(&target, &protocol(), &version("2.0.0"), &new()).expect("records");
    assert!(eager.is_whole());
    assert!(eager.read().and_then(|reading| reading.get("items", b"b")).expect("read").is_some());
}

#[test]
fn records_of_another_version_or_layout_are_not_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let records = Records::open(folder.path(), &protocol(), &version("1.1.0"), &old()).expect("records");
    let open = |text: &str, layout: &Layout| Records::open(folder.path(), &protocol(), &version(text), layout);
    assert!(open("1.1.0", &old()).expect_err("open already").is_open_elsewhere());
    drop(records);
    assert!(open("2.0.0", &new()).expect_err("another version").is_mismatch());
    assert!(open("1.1.0", &Layout::new()).expect_err("another layout").is_mismatch());
    assert!(open("1.1.0", &old().messages("more", "inventory.v2.Item")).expect_err("no such message").is_wrong());
    assert!(open("7.0.0", &old()).expect_err("no such version").is_wrong());
    open("1.1.7", &old().carried("more")).expect("the same version, and a table more").close();
    open("1.1.0", &old().carried("more")).expect("its table is there");
    let bytes = Layout::new().carried("items").carried("revisions").left("due").carried("more");
    assert!(open("1.1.0", &bytes).expect_err("other values").is_mismatch());
}

#[test]
fn layouts_that_no_rule_relates_are_told_before_anything_is_carried() {
    let shop = Protocol::load(folder::folder(shop::SHOP).path()).expect("the shop");
    let carry =
        |layout: &Layout, from: &str, to: &str| Carry::new(&shop, &version(from), &version(to), layout, Mode::Eager);
    let old = Layout::new().messages("items", "shop.v1.Item");
    let error = carry(&old, "1.0.0", "2.0.0").expect_err("no message of 2.0.0");
    assert!(error.is_wrong() && error.to_string().contains("shop.v1.Item"), "{error}");
    let folder = tempfile::tempdir().expect("a folder");
    let records = Records::open(&folder.path().join("1"), &shop, &version("1.0.0"), &old).expect("records");
    let refused = |layout: Layout, word: &str| {
        let carry = carry(&layout, "1.0.0", "2.0.0").expect("a way");
        let error = carry.refused(&records, 1, &Progress::default()).expect_err("no way for these");
        assert!(error.is_mismatch() && error.to_string().contains(word), "{error}");
    };
    refused(Layout::new(), "has no place in 2.0.0");
    refused(Layout::new().messages("items", "shop.v2.Part"), "becomes shop.v2.StockItem");
    refused(Layout::new().carried("items"), "are to be bytes");
    // A message that is new has a table that begins empty, and what is left needs no rule.
    let new = Layout::new().left("items").messages("audits", "shop.v2.Audit");
    let (list, count) = carry(&new, "1.0.0", "2.0.0")
        .and_then(|carry| carry.refused(&records, 1, &Progress::default()))
        .expect("nothing refuses");
    assert_eq!((list.len(), count), (0, 0));
}

#[test]
fn records_that_refuse_are_listed_and_may_be_given_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, target) = (folder.path().join("1"), folder.path().join("2"));
    let records = Records::open(&source, &protocol(), &version("2.0.0"), &new()).expect("records");
    let euro = |units| v2_0_0::Money { currency_code: "EUR".to_owned(), units, nanos: 0 };
    let written: Result<(), RecordsError> = records.write(|writing| {
        for number in 0..10u8 {
            let price = (number % 3 == 0).then(|| euro(number.into()));
            let item = v2_0_0::Item { sku: number.to_string(), price, status: 1, ..Default::default() };
            writing.insert("items", &[number], &item.encode_to_vec())?;
        }
        Ok(())
    });
    written.expect("written");
    let carry = Carry::new(&protocol(), &version("2.0.0"), &version("1.1.0"), &old().left("more"), Mode::Eager);
    let carry = carry.expect("a way back");
    let (list, count) = carry.refused(&records, 2, &Progress::default()).expect("gone over");
    assert_eq!((list.len(), count), (2, 4));
    assert_eq!((list[1].table.as_str(), list[1].key.as_ref()), ("items", &[3][..]));
    assert!(list[1].why.starts_with("price"), "{}", list[1].why);
    let item = v2_0_0::Item::decode(list[1].value.clone()).expect("as it is in 2.0.0");
    assert_eq!(item.price, Some(euro(3)));
    records.close();
    let finish = |go_on: bool| {
        let mut keys = Vec::new();
        let finished = carry.finish(&source, &target, &Progress::default(), &mut |record| {
            keys.push(record.key[0]);
            go_on
        });
        (finished, keys)
    };
    let (finished, keys) = finish(false);
    assert!(finished.expect_err("it refuses").is_refused());
    assert_eq!(keys, [0]);
    let (finished, keys) = finish(true);
    finished.expect("given up");
    assert_eq!(keys, [0, 3, 6, 9]);
    let records = Records::open(&target, &protocol(), &version("1.1.0"), &old().left("more")).expect("records");
    assert_eq!(skus(&records), [1, 2, 4, 5, 7, 8]);
}

fn skus(records: &Records) -> Vec<u8> {
    let reading = records.read().expect("open");
    let range = reading.range("items", Bound::Unbounded, Bound::Unbounded).expect("a table");
    range.map(|pair| pair.expect("read").0[0]).collect()
}

#[test]
fn a_record_that_refuses_after_all_is_an_error_where_it_is_touched_and_stays_where_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, target) = (folder.path().join("1"), folder.path().join("2"));
    let records = Records::open(&source, &protocol(), &version("2.0.0"), &new()).expect("records");
    let price = Some(v2_0_0::Money { currency_code: "EUR".to_owned(), units: 7, nanos: 0 });
    let item = v2_0_0::Item { sku: "a".to_owned(), price, ..Default::default() };
    let written: Result<(), RecordsError> = records.write(|writing| {
        writing.insert("items", b"a", &item.encode_to_vec())?;
        writing.insert("items", b"b", &v2_0_0::Item { sku: "b".to_owned(), ..Default::default() }.encode_to_vec())
    });
    written.expect("written");
    records.close();
    let layout = old().carried("more");
    let carry = Carry::new(&protocol(), &version("2.0.0"), &version("1.1.0"), &layout, Mode::Lazy).expect("a way");
    carry.finish(&source, &target, &Progress::default(), &mut |_| false).expect("noted");
    let records = Records::open(&target, &protocol(), &version("1.1.0"), &layout).expect("records");
    let get = |key: &[u8]| records.read().and_then(|reading| reading.get("items", key));
    assert!(get(b"a").expect_err("it refuses").is_refused());
    assert!(get(b"b").expect("read").is_some());
    assert!(records.fill(&Progress::default()).expect_err("it refuses").is_refused());
    assert!(!records.is_whole());
    // Whoever writes it anew, or removes it, has mended it.
    records.write(|writing| writing.remove("items", b"a")).expect("removed");
    records.fill(&Progress::default()).expect("filled");
    assert!(records.is_whole());
    std::fs::remove_dir_all(&source).expect("nobody needs it");
    let get = |key: &[u8]| records.read().and_then(|reading| reading.get("items", key));
    assert_eq!(get(b"a").expect("read"), None);
    assert!(get(b"b").expect("read").is_some());
}

#[test]
fn whoever_waits_for_writes_does_not_keep_the_records_open() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || Records::open(folder.path(), &protocol(), &version("1.1.0"), &old()).expect("records");
    let records = open();
    let (mut written, weak) = (records.subscribe(), records.downgrade());
    assert!(!written.has_changed().expect("open"));
    fill_old(&records, &["a"]).expect("written");
    assert!(written.has_changed().expect("open"));
    written.mark_unchanged();
    // What changes nothing, and what fails, is no write.
    records.write(|_| Ok::<_, RecordsError>(())).expect("nothing");
    assert!(!written.has_changed().expect("open"));
    assert!(weak.upgrade().is_some());
    drop(records);
    assert!(weak.upgrade().is_none() && written.has_changed().is_err());
    let records = open();
    let (written, weak) = (records.subscribe(), records.downgrade());
    records.close();
    assert!(weak.upgrade().is_none() && written.has_changed().is_err());
    assert!(fill_old(&records, &["a"]).expect_err("closed").is_closed());
    assert!(records.subscribe().has_changed().is_err());
}

/// Writes at random until told to stop; what is there then.
fn write_on(records: &Records, seed: u64, stop: &AtomicBool) -> BTreeMap<Vec<u8>, i64> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut model = BTreeMap::new();
    while !stop.load(Ordering::Relaxed) {
        let written: Result<(), RecordsError> = records.write(|writing| {
            for _ in 0..random.usize(1..20) {
                let number = random.i64(..2_000);
                let key = number.to_string().into_bytes();
                if random.u8(..4) == 0 {
                    writing.remove("items", &key)?;
                    model.remove(&key);
                } else {
                    writing.insert("items", &key, &item(&number.to_string()).encode_to_vec())?;
                    model.insert(key, number);
                }
            }
            Ok(())
        });
        written.expect("written");
    }
    model
}

#[test]
fn what_is_written_while_records_are_copied_is_caught_up_with() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let folder = tempfile::tempdir().expect("a folder");
    let (source, target) = (folder.path().join("1"), folder.path().join("2"));
    let records = Records::open(&source, &protocol(), &version("1.1.0"), &old()).expect("records");
    let carry = Carry::new(&protocol(), &version("1.1.0"), &version("2.0.0"), &new(), Mode::Online).expect("a way");
    let stop = AtomicBool::new(false);
    let model = std::thread::scope(|scope| {
        let writer = scope.spawn(|| write_on(&records, seed, &stop));
        for _ in 0..3 {
            carry.ahead(&records, &target, &Progress::default()).expect("ahead");
        }
        stop.store(true, Ordering::Relaxed);
        writer.join().expect("no panic")
    });
    records.close();
    carry.finish(&source, &target, &Progress::default(), &mut |_| false).expect("finished");
    let records = Records::open(&target, &protocol(), &version("2.0.0"), &new()).expect("records");
    let reading = records.read().expect("open");
    let range = reading.range("items", Bound::Unbounded, Bound::Unbounded).expect("a table");
    let found: Vec<Vec<u8>> = range.map(|pair| pair.expect("read").0.to_vec()).collect();
    assert_eq!(found, model.keys().cloned().collect::<Vec<_>>());
}

#[test]
fn records_are_brought_over_beside_those_who_read_and_write() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let folder = tempfile::tempdir().expect("a folder");
    let (source, target) = (folder.path().join("1"), folder.path().join("2"));
    let records = Records::open(&source, &protocol(), &version("2.0.0"), &new()).expect("records");
    let numbers: Vec<String> = (0..5_000).map(|number| format!("old-{number:04}")).collect();
    let written: Result<(), RecordsError> = records.write(|writing| {
        for sku in &numbers {
            let item = v2_0_0::Item { sku: sku.clone(), status: 1, ..Default::default() };
            writing.insert("items", sku.as_bytes(), &item.encode_to_vec())?;
        }
        Ok(())
    });
    written.expect("written");
    records.close();
    let layout = old().carried("more");
    let carry = Carry::new(&protocol(), &version("2.0.0"), &version("1.1.0"), &layout, Mode::Lazy).expect("a way");
    carry.finish(&source, &target, &Progress::default(), &mut |_| false).expect("noted");
    let records = Records::open(&target, &protocol(), &version("1.1.0"), &layout).expect("records");
    let (stop, progress) = (AtomicBool::new(false), Progress::default());
    let model = std::thread::scope(|scope| {
        let writer = scope.spawn(|| write_on(&records, seed, &stop));
        let reader = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let reading = records.read().expect("open");
                let range = reading.range("items", Bound::Included(b"old"), Bound::Unbounded).expect("a table");
                assert_eq!(range.collect::<Result<Vec<_>, _>>().expect("read").len(), numbers.len());
            }
        });
        records.fill(&progress).expect("filled");
        stop.store(true, Ordering::Relaxed);
        reader.join().expect("no panic");
        writer.join().expect("no panic")
    });
    assert!(records.is_whole());
    assert_eq!((progress.done(), progress.total()), (5_000, 5_000));
    let reading = records.read().expect("open");
    let range = reading.range("items", Bound::Unbounded, Bound::Unbounded).expect("a table");
    let found: Vec<Vec<u8>> = range.map(|pair| pair.expect("read").0.to_vec()).collect();
    let wanted: Vec<Vec<u8>> = model.into_keys().chain(numbers.into_iter().map(String::into_bytes)).collect();
    assert_eq!(found, wanted);
}

#[test]
fn work_that_is_asked_to_stop_goes_on_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, target) = (folder.path().join("1"), folder.path().join("2"));
    let records = Records::open(&source, &protocol(), &version("1.1.0"), &old()).expect("records");
    fill_old(&records, &["a", "b", "c"]).expect("written");
    let stopped = Progress::default();
    stopped.stop();
    for mode in [Mode::Eager, Mode::Online, Mode::Lazy] {
        let carry = Carry::new(&protocol(), &version("1.1.0"), &version("2.0.0"), &new(), mode).expect("a way");
        assert!(carry.refused(&records, 1, &stopped).expect_err("stopped").is_stopped());
        assert_eq!(carry.ahead(&records, &target, &stopped).is_err(), mode == Mode::Online);
        assert!(carry.needs(&source).expect("a size") > 0);
    }
    Carry::abandon(&records).expect("abandoned");
    records.close();
    let carry = Carry::new(&protocol(), &version("1.1.0"), &version("2.0.0"), &new(), Mode::Eager).expect("a way");
    assert!(carry.finish(&source, &target, &stopped, &mut |_| false).expect_err("stopped").is_stopped());
    let half = Records::open(&target, &protocol(), &version("2.0.0"), &new()).expect_err("half made");
    assert!(half.is_mismatch() && half.to_string().contains("half made"), "{half}");
    carry.finish(&source, &target, &Progress::default(), &mut |_| false).expect("finished");
    Records::open(&target, &protocol(), &version("2.0.0"), &new()).expect("whole");
}

#[test]
fn a_hundred_thousand_records_come_over_before_or_after_and_callers_do_not_wait_for_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("source");
    let records = Records::open(&source, &protocol(), &version("1.1.0"), &old()).expect("records");
    let written: Result<(), RecordsError> = records.write(|writing| {
        for number in 0..100_000u32 {
            writing.insert("items", &number.to_be_bytes(), &item("many").encode_to_vec())?;
        }
        Ok(())
    });
    written.expect("written");
    records.close();
    for mode in [Mode::Online, Mode::Lazy] {
        let target = folder.path().join(format!("{mode:?}"));
        let records = Records::open(&source, &protocol(), &version("1.1.0"), &old());
        let records = records.unwrap_or_else(|_| panic!("{mode:?}"));
        carry_all(&records, mode, &source, &target);
    }
}

fn carry_all(records: &Records, mode: Mode, source: &Path, target: &Path) {
    let carry = Carry::new(&protocol(), &version("1.1.0"), &version("2.0.0"), &new(), mode).expect("a way");
    carry.ahead(records, target, &Progress::default()).expect("ahead");
    records.close();
    let (began, progress) = (Instant::now(), Progress::default());
    carry.finish(source, target, &progress, &mut |_| false).expect("finished");
    println!("{mode:?}: callers wait for {:?}", began.elapsed());
    let records = Records::open(target, &protocol(), &version("2.0.0"), &new()).expect("records");
    records.fill(&Progress::default()).expect("filled");
    let reading = records.read().expect("open");
    let range = reading.range("items", Bound::Unbounded, Bound::Unbounded).expect("a table");
    assert_eq!(range.collect::<Result<Vec<_>, _>>().expect("read").len(), 100_000);
}
