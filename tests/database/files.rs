//! The file of the embedded store.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use redb::TableDefinition;
use straddle::coordinator::database::{
    Database, Embedded, FILE, Keys, OpenError, Options, Query, Revision, Store, Transaction, Wound, Write,
};

const META: TableDefinition<&str, u64> = TableDefinition::new("meta");

fn put(key: &'static str, value: &'static str) -> Transaction {
    let write = Write::Put { key: key.into(), value: value.into(), lease: None };
    Transaction { compare: Vec::new(), write: vec![write] }
}

#[test]
fn what_was_written_is_there_when_it_is_opened_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let below = folder.path().join("a folder/that is not there");
    for round in 1..5 {
        let store = Store::open(&below, &Options::default()).expect("the database");
        assert_eq!(store.newest().expect("a revision"), Revision(round - 1));
        store.commit(&[put("a", "1")]).remove(0).expect("it is written");
        assert_eq!(store.get(b"a").expect("it").expect("is there").created, Revision(1));
    }
}

#[test]
fn a_file_that_is_no_upgrade_database_is_told_and_left_alone() {
    type Make = fn(&std::path::Path);
    type Is = fn(&OpenError) -> bool;
    let cases: [(&str, Make, Is, &str); 6] = [
        (
            "text",
            |file| fs::write(file, "hello".repeat(1000)).expect("a file"),
            OpenError::is_foreign,
            "no upgrade database",
        ),
        ("another store", |file| drop(redb::Database::create(file)), OpenError::is_foreign, "no upgrade database"),
        ("another table", other_table, OpenError::is_foreign, "no upgrade database"),
        (
            "a newer format",
            |file| with_format(file, 2),
            OpenError::is_newer,
            "its format is 2, and this program knows 1",
        ),
        ("no format", |file| with_format(file, 0), OpenError::is_damage, "damaged"),
        ("one that was cut off", cut_off, |error| error.is_damage() || error.is_io() || error.is_foreign(), "help: "),
    ];
    for (name, make, is, said) in cases {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join(FILE);
        make(&file);
        let error = Store::open(folder.path(), &Options::default()).err();
        let error = error.unwrap_or_else(|| panic!("{name} was opened"));
        println!("{name}: {error}");
        assert!(is(&error), "{name}: {error}");
        assert!(error.to_string().contains(said) && error.to_string().contains("help: "), "{name}: {error}");
        assert!(error.to_string().contains(FILE), "{name}: {error}");
    }
}

fn other_table(file: &std::path::Path) {
    let database = redb::Database::create(file).expect("a file");
    let transaction = database.begin_write().expect("a transaction");
    transaction.open_table(TableDefinition::<&str, &str>::new("meta")).expect("a table");
    transaction.commit().expect("it is written");
}

fn with_format(file: &std::path::Path, format: u64) {
    drop(Store::open(file.parent().expect("a folder"), &Options::default()).expect("a database"));
    let database = redb::Database::open(file).expect("the file");
    let transaction = database.begin_write().expect("a transaction");
    transaction.open_table(META).expect("a table").insert("format", format).expect("it is written");
    transaction.commit().expect("it is written");
}

fn cut_off(file: &std::path::Path) {
    drop(Store::open(file.parent().expect("a folder"), &Options::default()).expect("a database"));
    let length = fs::metadata(file).expect("the file").len();
    fs::OpenOptions::new().write(true).open(file).expect("the file").set_len(length / 3).expect("it is cut off");
}

#[test]
fn none_is_made_where_none_is_wanted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let below = folder.path().join("below");
    let options = Options { create: false, ..Options::default() };
    let error = Store::open(&below, &options).expect_err("there is none");
    assert!(error.is_absent() && error.to_string().contains("--data"), "{error}");
    assert!(!below.exists(), "a folder was made");
}

#[tokio::test]
async fn what_is_half_made_is_made_anew() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("database.redb.new"), "half").expect("a file");
    let database = Embedded::open(folder.path()).expect("a new one");
    assert!(!folder.path().join("database.redb.new").exists());
    drop(database);
}

#[tokio::test]
async fn the_past_is_forgotten_by_itself_and_a_watch_that_is_too_slow_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = Options { history: 10, ..Options::default() };
    let database = Embedded::start(Store::open(folder.path(), &options).expect("a database")).expect("a thread");
    let mut watch = database.watch(Keys::all(), Revision(1)).await.expect("a watch");
    for _ in 0..30 {
        database.commit(put("a", "1")).await.expect("it is written");
    }
    let error = watch.next().await.expect_err("it is too slow");
    assert!(error.is_compacted() && error.to_string().contains("21"), "{error}");
    assert!(database.watch(Keys::all(), Revision(20)).await.is_err_and(|error| error.is_compacted()));
    let mut watch = database.watch(Keys::all(), Revision(21)).await.expect("a watch");
    assert_eq!(watch.next().await.expect("a change").revision, Revision(21));
    let at = |at| Query { keys: Keys::all(), limit: 0, at: Some(Revision(at)) };
    assert!(database.range(at(19)).await.is_err_and(|error| error.is_compacted()));
    assert_eq!(database.range(at(20)).await.expect("it is known").entries[0].modified, Revision(20));
}

#[tokio::test]
async fn a_watch_ends_when_the_database_is_closed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = Embedded::open(folder.path()).expect("a database");
    let mut watch = database.watch(Keys::all(), Revision(1)).await.expect("a watch");
    let (ended, ()) = tokio::join!(watch.next(), async move { drop(database) });
    assert!(ended.expect_err("it is closed").is_unavailable());
    // The watch does not keep the file.
    Embedded::open(folder.path()).expect("it can be opened");
}

#[test]
fn a_lease_outlives_the_program_and_ends_when_nobody_keeps_it_alive() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let clock = Arc::new(Wound::default());
    let options = Options { clock: clock.clone(), ..Options::default() };
    let store = Store::open(folder.path(), &options).expect("a database");
    let lease = store.grant(Duration::from_secs(10)).expect("a lease");
    let write = Write::Put { key: "a".into(), value: "1".into(), lease: Some(lease) };
    store.commit(&[Transaction { compare: vec![], write: vec![write] }]).remove(0).expect("it is written");
    clock.pass(Duration::from_secs(9));
    drop(store);
    let store = Store::open(folder.path(), &options).expect("the database");
    assert_eq!(store.expire().expect("nothing to do"), Some(Duration::from_secs(10)), "its time begins anew");
    clock.pass(Duration::from_secs(9));
    assert_eq!(store.expire().expect("nothing to do"), Some(Duration::from_secs(1)));
    assert!(store.get(b"a").expect("the key").is_some());
    clock.pass(Duration::from_secs(1));
    assert_eq!(store.expire().expect("it ends"), None);
    assert!(store.get(b"a").expect("the key").is_none());
    assert!(store.keep_alive(lease).expect_err("it has gone").is_lease_gone());
    drop(store);
    let store = Store::open(folder.path(), &options).expect("the database");
    assert!(store.grant(Duration::from_secs(1)).expect("a lease") != lease, "a name comes again");
}

#[tokio::test]
async fn leases_end_by_themselves() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = Embedded::open(folder.path()).expect("a database");
    let lease = database.grant(Duration::from_millis(20)).await.expect("a lease");
    let write = Write::Put { key: "a".into(), value: "1".into(), lease: Some(lease) };
    // On a machine that is busy enough it has gone before.
    let _ = database.commit(Transaction { compare: vec![], write: vec![write] }).await;
    database.commit(put("b", "1")).await.expect("it is written");
    let mut watch = database.watch(Keys::one("a"), Revision(1)).await.expect("a watch");
    if database.get(b"a").await.expect("the key").is_some() {
        watch.next().await.expect("it was written");
        let ended = watch.next().await.expect("it ends");
        assert_eq!(ended.changes.len(), 1);
        assert!(database.get(b"a").await.expect("the key").is_none());
    }
}

#[tokio::test]
async fn transactions_that_wait_are_written_together_and_each_has_its_revision() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = Arc::new(Embedded::open(folder.path()).expect("a database"));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let database = database.clone();
        tasks.spawn(async move { database.commit(put("a", "1")).await.expect("it is written") });
    }
    let mut revisions: Vec<String> =
        tasks.join_all().await.into_iter().map(|committed| format!("{committed:?}")).collect();
    revisions.sort_unstable();
    revisions.dedup();
    assert_eq!(revisions.len(), 200);
}
