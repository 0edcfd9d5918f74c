//! State that is messages: kept record by record, and carried from version to version.
#![cfg(feature = "cli")]

use std::ops::Bound;

use prost::Message;
use straddle::Version;
use straddle::inventory::generated::{protocol, v1_1_0, v2_0_0};
use straddle::state::{Carry, Layout, Mode, Progress, Records, RecordsError};

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
