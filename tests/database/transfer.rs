//! A database as lines of JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use straddle::control::v1_0_0::{ActiveVersion, Counters, StoredBundlePart, StoredNode};
use straddle::control::{protocol, v1_0_0};
use straddle::coordinator::database::transfer::{self, Exported, TransferError};
use straddle::coordinator::database::{
    Database, Disk, Embedded, Keys, Options, Query, Revision, Store, Transaction, Write,
};
use straddle::rewrite::Envelope;

use crate::seed::{rounds, seed_or};

fn store() -> Store {
    Store::on_disk(&Disk::new(), &Options::default()).expect("a new database")
}

fn sealed<M: prost::Message + prost::Name>(message: &M) -> Bytes {
    let envelope = Envelope::seal_message(&protocol(), v1_0_0::LABEL.version, message).expect("one of its messages");
    envelope.encode_to_vec().into()
}

fn fill(store: &Store, entries: impl IntoIterator<Item = (Bytes, Bytes)>) {
    for (key, value) in entries {
        let write = vec![Write::Put { key, value, lease: None }];
        store.commit(&[Transaction { compare: Vec::new(), write }]).remove(0).expect("it is written");
    }
}

fn entries(store: &Store) -> BTreeMap<Bytes, Bytes> {
    let page = store.range(&Query { keys: Keys::all(), limit: 0, at: None }).expect("all of it");
    assert!(!page.more);
    page.entries.into_iter().map(|entry| (entry.key, entry.value)).collect()
}

async fn exported(store: Store) -> (String, Exported) {
    let mut lines = Vec::new();
    let exported = transfer::export(&Embedded::without_thread(store), &mut lines).await.expect("an export");
    (String::from_utf8(lines).expect("text"), exported)
}

fn node() -> StoredNode {
    StoredNode {
        node: "n1".to_owned(),
        protocol: "shop".to_owned(),
        labels: [("zone".to_owned(), "eu".to_owned())].into(),
        runs: vec!["1.0.0".to_owned(), "1.1.0".to_owned()],
        failure: Some(String::new()),
        first_seen: u64::MAX,
        ..StoredNode::default()
    }
}

/// What is written in its own words, and what is not.
fn every_kind() -> Vec<(Bytes, Bytes)> {
    // A field that this version does not declare.
    let mut newer = prost::Message::encode_to_vec(&Counters { event: 3, ..Counters::default() });
    newer.extend([0x98, 0x06, 0x01]);
    let unknown = Envelope::seal(&protocol(), v1_0_0::LABEL.version, "straddle.control.v1.Counters", newer);
    let mut grown = sealed(&Counters::default()).to_vec();
    grown.extend([0x98, 0x06, 0x01]);
    vec![
        ("straddle/active/shop".into(), sealed(&ActiveVersion { protocol: "shop".into(), version: "2.0.0".into() })),
        ("straddle/counters".into(), sealed(&Counters::default())),
        ("straddle/nodes/shop/n1".into(), sealed(&node())),
        ("straddle/parts/1/0001".into(), sealed(&StoredBundlePart { part: vec![0, 255, 10].into() })),
        ("unknown field".into(), unknown.expect("an envelope").encode_to_vec().into()),
        ("grown envelope".into(), grown.into()),
        ("no envelope".into(), Bytes::from_static(b"\xff\x00\n")),
        ("empty".into(), Bytes::new()),
        ("strange \" \n \u{1f980} key".into(), Bytes::from_static(b"1")),
        (Bytes::from_static(b"\xff\xfe"), Bytes::from_static(b"no text")),
    ]
}

#[tokio::test]
async fn what_is_exported_and_imported_is_the_same() {
    let source = store();
    fill(&source, every_kind());
    let wanted = entries(&source);
    let (text, said) = exported(source).await;
    println!("{text}");
    assert_eq!(said, Exported { revision: Revision(10), entries: 10, left_out: 0 });
    assert_eq!(text.lines().count(), 11);
    let target = store();
    let imported = transfer::import(&target, text.as_bytes(), "export.jsonl", false).expect("an import");
    assert_eq!((imported.entries, imported.replaced), (10, 0));
    assert!(imported.revision > Revision(10), "{imported:?}");
    assert_eq!(entries(&target), wanted);
    // And once more the same lines, but for the revision.
    let (again, _) = exported(target).await;
    assert_eq!(again.split_once('\n').map(|lines| lines.1), text.split_once('\n').map(|lines| lines.1));
}

#[tokio::test]
async fn records_are_written_in_their_own_words_where_that_is_all_that_they_say() {
    let source = store();
    fill(&source, every_kind());
    let (text, _) = exported(source).await;
    let lines: BTreeMap<String, serde_json::Value> = text
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|line| (line["key"].as_str().unwrap_or("no text").to_owned(), line))
        .collect();
    let node = &lines["straddle/nodes/shop/n1"];
    assert_eq!(node["type"], "straddle.control.v1.StoredNode");
    assert_eq!(node["version"], "1.0.0");
    assert_eq!(node["record"]["labels"]["zone"], "eu");
    assert_eq!(node["record"]["firstSeen"], u64::MAX.to_string());
    for in_words in ["straddle/active/shop", "straddle/counters", "straddle/parts/1/0001"] {
        assert!(lines[in_words].get("record").is_some(), "{in_words}");
    }
    for as_bytes in ["unknown field", "grown envelope", "no envelope", "empty", "no text"] {
        assert!(lines[as_bytes].get("base64").is_some(), "{as_bytes}");
    }
    assert_eq!(lines["no text"]["key_base64"], "//4=");
}

#[tokio::test]
async fn what_goes_away_with_a_lease_is_left_out() {
    let source = store();
    fill(&source, every_kind());
    let lease = source.grant(Duration::from_secs(10)).expect("a lease");
    let write = Write::Put { key: "straddle/leader".into(), value: "me".into(), lease: Some(lease) };
    source.commit(&[Transaction { compare: vec![], write: vec![write] }]).remove(0).expect("it is written");
    let (text, said) = exported(source).await;
    assert_eq!((said.entries, said.left_out), (10, 1));
    assert!(!text.contains("leader"));
    transfer::import(&store(), text.as_bytes(), "it", false).expect("an import");
}

#[tokio::test]
async fn more_than_one_page_is_exported_and_imported() {
    let source = store();
    let large = Bytes::from(vec![b'x'; 1024 * 1024]);
    fill(&source, (0..3).map(|key| (format!("large {key}").into(), large.clone())));
    fill(&source, (0..1500).map(|key| (format!("small {key:05}").into(), Bytes::from_static(b"1"))));
    let (text, said) = exported(source).await;
    assert_eq!(said.entries, 1503);
    let target = store();
    assert_eq!(transfer::import(&target, text.as_bytes(), "it", false).expect("an import").entries, 1503);
    let (again, _) = exported(target).await;
    assert!(again.lines().skip(1).eq(text.lines().skip(1)));
}

#[tokio::test]
async fn a_database_that_has_something_is_left_alone_unless_it_is_to_be_replaced() {
    let source = store();
    fill(&source, every_kind());
    let (text, _) = exported(source).await;
    let target = store();
    fill(&target, (0..50).map(|_| ("mine".into(), "1".into())));
    let before = entries(&target);
    let refused = transfer::import(&target, text.as_bytes(), "it", false).expect_err("it has something");
    assert!(refused.is_taken() && refused.to_string().contains("1 key"), "{refused}");
    assert_eq!(entries(&target), before);
    // A file that is not whole takes nothing away.
    let half = &text[..text.len() / 2];
    assert!(transfer::import(&target, half.as_bytes(), "it", true).expect_err("it is half").is_malformed());
    assert_eq!((entries(&target), target.newest().expect("a revision")), (before, Revision(50)));
    let imported = transfer::import(&target, text.as_bytes(), "it", true).expect("an import");
    assert_eq!((imported.replaced, imported.entries, imported.revision), (1, 10, Revision(51)));
    assert!(!entries(&target).contains_key(&b"mine"[..]));
    // Whoever watched has to read all of it.
    assert!(target.changes(&Keys::all(), Revision(51)).expect_err("it is forgotten").is_compacted());
    fill(&target, [("next".into(), "1".into())]);
    assert_eq!(target.changes(&Keys::all(), Revision(52)).expect("what came").0.len(), 1);
}

#[test]
fn what_is_no_export_is_told_with_its_line_and_nothing_is_imported() {
    let head = |entries: u64| format!(r#"{{"straddle-database":1,"revision":7,"entries":{entries}}}"#);
    let key = r#"{"key":"a","base64":""}"#;
    for (text, line, said) in [
        (String::new(), 1, "empty"),
        ("hello\n".to_owned(), 1, "no export"),
        ("{}\n".to_owned(), 1, "no export"),
        (r#"{"straddle-database":2,"anything":[]}"#.to_owned() + "\n", 1, "its format is 2"),
        (r#"{"straddle-database":1,"revision":7}"#.to_owned() + "\n", 1, "entries"),
        (format!(r#"{{"straddle-database":1,"revision":{},"entries":0}}"#, u64::MAX) + "\n", 1, "no revision"),
        (format!("{}\n{key}\n", head(2)), 2, "1 of 2 keys"),
        (format!("{}\n", head(1)), 1, "0 of 1 keys"),
        (format!("{}\n{key}\n{}\n", head(1), r#"{"key":"b","base64":""}"#), 3, "one more"),
        (format!("{}\n{key}\n{key}\n", head(2)), 3, "there before"),
        (format!("{}\n{key}", head(1)), 2, "cut off"),
        (format!("{}\n\n{key}\n", head(1)), 2, "EOF"),
        (format!("{}\n{}\n", head(1), r#"{"key":"a"}"#), 2, "`base64`"),
        (format!("{}\n{}\n", head(1), r#"{"base64":""}"#), 2, "`key`"),
        (format!("{}\n{}\n", head(1), r#"{"key":"","base64":""}"#), 2, "a key is empty"),
        (format!("{}\n{}\n", head(1), r#"{"key":"a","base64":"?"}"#), 2, "no base64"),
        (format!("{}\n{}\n", head(1), r#"{"key":"a","base64":"","more":1}"#), 2, "more"),
        (format!("{}\n{{\"key\":\"{}\",\"base64\":\"\"}}\n", head(1), "k".repeat(2000)), 2, "2000 bytes"),
        (format!("{}\n{}\n", head(1), record("straddle.control.v1.Nothing", "1.0.0", "{}")), 2, "Nothing"),
        (format!("{}\n{}\n", head(1), record("straddle.control.v1.Counters", "9.0.0", "{}")), 2, "no version 9.0.0"),
        (format!("{}\n{}\n", head(1), record("straddle.control.v1.Counters", "1.0.0", r#"{"evnt":1}"#)), 2, "evnt"),
    ] {
        let target = store();
        let error = transfer::import(&target, text.as_bytes(), "export.jsonl", false).expect_err(&text);
        assert!(error.is_malformed(), "{text}: {error}");
        let told = error.to_string();
        assert!(told.starts_with(&format!("export.jsonl:{line}: ")) && told.contains(said), "{text}\n{told}");
        assert_eq!((entries(&target).len(), target.newest().expect("a revision")), (0, Revision(0)), "{text}");
    }
}

fn record(name: &str, version: &str, record: &str) -> String {
    format!(r#"{{"key":"a","type":"{name}","version":"{version}","record":{record}}}"#)
}

#[tokio::test]
async fn whatever_becomes_of_an_export_it_is_imported_whole_or_not_at_all() {
    let source = store();
    fill(&source, every_kind());
    let (text, _) = exported(source).await;
    let seed = seed_or(9);
    let mut random = fastrand::Rng::with_seed(seed);
    let target = store();
    let (mut taken, mut refused) = (0, 0);
    let rounds = rounds(2000);
    for round in 0..rounds {
        let mut bytes = text.clone().into_bytes();
        for _ in 0..random.usize(1..4) {
            spoil(&mut bytes, &mut random);
        }
        let before = (entries(&target), target.newest().expect("a revision"));
        match transfer::import(&target, &*bytes, "it", true) {
            Ok(imported) => {
                taken += 1;
                assert_eq!(imported.entries, entries(&target).len() as u64, "seed {seed}, round {round}");
            }
            Err(error) => {
                refused += 1;
                assert!(error.is_malformed(), "seed {seed}, round {round}: {error}");
                let told = error.to_string();
                assert!(told.starts_with("it:") && told.len() < 2000, "seed {seed}, round {round}: {told}");
                let after = (entries(&target), target.newest().expect("a revision"));
                assert!(before == after, "seed {seed}, round {round}: something was written");
            }
        }
    }
    println!("{taken} taken, {refused} refused");
    assert!(rounds < 2000 || (taken > 5 && refused > 500), "{taken} taken, {refused} refused");
}

/// Changes something: a byte, a few that go or come twice, a line.
fn spoil(bytes: &mut Vec<u8>, random: &mut fastrand::Rng) {
    let at = random.usize(..bytes.len());
    let length = random.usize(1..20).min(bytes.len() - at);
    match random.u8(..5) {
        0 => bytes[at] ^= 1 << random.u8(..8),
        1 => bytes[at] = b"{}[]\":,\\\n0"[random.usize(..10)],
        2 => drop(bytes.drain(at..at + length)),
        3 => {
            let again = bytes[at..at + length].to_vec();
            bytes.splice(at..at, again);
        }
        _ => {
            let mut lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            let (one, other) = (random.usize(..lines.len()), random.usize(..lines.len()));
            lines.swap(one, other);
            *bytes = lines.concat();
        }
    }
}

#[tokio::test]
async fn an_export_that_cannot_be_written_says_so() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let database: &dyn Database = &Embedded::without_thread(store());
    let error: TransferError = transfer::export(database, &mut Full).await.expect_err("it is full");
    assert!(error.write_error().is_some(), "{error}");
}
