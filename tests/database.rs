//! The upgrade database: one list of tests for all stores, and what the embedded one has to survive.
#![cfg(feature = "coordinator")]

#[path = "database/broken.rs"]
mod broken;
#[path = "database/faults.rs"]
mod faults;
#[path = "database/files.rs"]
mod files;
#[path = "database/killed.rs"]
mod killed;
#[path = "database/memory.rs"]
mod memory;
#[path = "support/seed.rs"]
mod seed;
#[path = "database/transfer.rs"]
mod transfer;
#[path = "database/work.rs"]
mod work;

use std::sync::Arc;
use std::time::Duration;

use memory::{Fault, Memory};
use straddle::coordinator::database::conformance::{self, Subject};
use straddle::coordinator::database::{Database, Disk, Embedded, Options, Pending, Store, Wound};
use tempfile::TempDir;

/// After which a test is taken for one that waits for what never comes.
const PATIENCE: Duration = Duration::from_secs(120);

/// The embedded store, and where it lies.
struct Opened {
    database: Arc<Embedded>,
    clock: Arc<Wound>,
    _folder: Option<TempDir>,
}

impl Opened {
    fn in_a_folder() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = Arc::new(Wound::default());
        let store = Store::open(folder.path(), &options(&clock)).expect("a new database");
        let database = Arc::new(Embedded::start(store).expect("a thread"));
        Self { database, clock, _folder: Some(folder) }
    }

    fn on_a_disk() -> Self {
        let clock = Arc::new(Wound::default());
        let store = Store::on_disk(&Disk::new(), &options(&clock)).expect("a new database");
        Self { database: Arc::new(Embedded::without_thread(store)), clock, _folder: None }
    }
}

fn options(clock: &Arc<Wound>) -> Options {
    Options { clock: clock.clone(), ..Options::default() }
}

impl Subject for Opened {
    fn database(&self) -> Arc<dyn Database> {
        self.database.clone()
    }

    fn pass(&self, time: Duration) -> Pending<'_, ()> {
        self.clock.pass(time);
        Box::pin(async move { self.database.expire().await.map(drop) })
    }
}

/// Runs the whole list on stores that are made anew for each test.
async fn pass_all(fresh: impl Fn() -> Arc<dyn Subject>) {
    let mut failed = Vec::new();
    for test in conformance::TESTS {
        if let Err(failure) = test.run(fresh(), PATIENCE).await {
            failed.push(format!("{}: {failure}", test.name));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_in_plain_memory_passes_the_list() {
    pass_all(|| Arc::new(Memory::new(Fault::None))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_store_passes_the_list_in_a_folder() {
    pass_all(|| Arc::new(Opened::in_a_folder())).await;
}

#[tokio::test]
async fn the_embedded_store_passes_the_list_without_a_thread() {
    pass_all(|| Arc::new(Opened::on_a_disk())).await;
}

#[test]
fn every_test_of_the_list_has_a_name_of_its_own() {
    let mut names: Vec<&str> = conformance::TESTS.iter().map(|test| test.name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert!(names.len() == all && all > 40, "{names:?}");
}
