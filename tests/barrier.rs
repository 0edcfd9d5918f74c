//! Nodes that are prepared, and switch at somebody's word, or forget.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;
#[path = "node_life/kinds.rs"]
mod kinds;
#[path = "node_life/shop.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod shop;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kinds::{KINDS, Kind, builder};
use shop::{add, bring_3, list, plain, protocol, to_2};
use straddle::Version;
use straddle::node::{MoveError, Moved, Node, NodeStatus, Opening, Prepared, Rollback};
use straddle::state::{Disk, Mode, Phase};
use tempfile::TempDir;
use tokio::task::{JoinHandle, JoinSet};

const MINUTE: Duration = Duration::from_secs(60);

fn two() -> Version {
    "2.0.0".parse().unwrap()
}

async fn node(kind: Kind, folder: &Path) -> Node {
    builder(kind, folder, Arc::new(Disk)).start().await.unwrap_or_else(|error| panic!("{error}"))
}

/// Calls a node in both versions until it is told to stop: what was written.
fn caller(node: &Node, name: usize, stop: &Arc<AtomicBool>) -> JoinHandle<Vec<String>> {
    let (service, stop) = (node.service(), stop.clone());
    tokio::spawn(async move {
        let mut written = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let version = 1 + u32::try_from(written.len() % 2).unwrap();
            let words = format!("{name}-{}", written.len());
            add(&service, version, &words, false).await.expect("an acknowledged write");
            list(&service, version).await.expect("a list");
            written.push(words);
            tokio::task::yield_now().await;
        }
        written
    })
}

async fn all<T: Send + 'static>(work: impl Iterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    let mut tasks: JoinSet<(usize, T)> = JoinSet::new();
    for (index, work) in work.enumerate() {
        tasks.spawn(async move { (index, work.await) });
    }
    let mut done: Vec<(usize, T)> = tasks.join_all().await;
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, done)| done).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_go_on_while_several_nodes_are_prepared_and_switch_at_one_word() {
    let folders: Vec<TempDir> = KINDS.iter().map(|_| tempfile::tempdir().unwrap()).collect();
    let mut nodes = Vec::new();
    for (kind, folder) in KINDS.into_iter().zip(&folders) {
        nodes.push(node(kind, folder.path()).await);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = nodes.iter().enumerate().map(|(name, node)| caller(node, name, &stop)).collect();
    let prepare = |node: Node| async move { node.prepare(&two(), MINUTE).await.expect("it is prepared") };
    let prepared: Vec<Prepared> = all(nodes.iter().cloned().map(prepare)).await;
    for (node, prepared) in nodes.iter().zip(&prepared) {
        let status = node.status();
        assert_eq!((status.version.major(), status.phase), (1, Phase::Permitted), "none switches before the word");
        assert_eq!(status.prepared.as_ref(), Some(prepared));
    }
    let names: Vec<(Node, String)> = nodes.iter().cloned().zip(prepared.into_iter().map(|it| it.name)).collect();
    let switch = |(node, name): (Node, String)| async move { node.switch(&name).await.expect("it switches") };
    let moved: Vec<Moved> = all(names.into_iter().map(switch)).await;
    assert!(moved.iter().all(|moved| moved.to == two() && moved.pause > Duration::ZERO));
    stop.store(true, Ordering::Relaxed);
    for ((caller, node), kind) in callers.into_iter().zip(&nodes).zip(KINDS) {
        let mut written = caller.await.unwrap();
        written.sort();
        assert_eq!((node.version(), node.status().phase), (two(), Phase::Serving));
        for version in [1, 2] {
            assert_eq!(list(&node.service(), version).await.unwrap(), written, "{kind:?}, read in {version}");
        }
        // It is a move as any other.
        node.rollback(Rollback::default()).await.unwrap();
        assert_eq!(list(&node.service(), 1).await.unwrap(), written, "{kind:?}, after the way back");
    }
}

/// What lies in a folder: each file with its bytes, but for what preparing may change.
///
/// The journal is left out: it keeps what the node has begun, and that an
/// epoch's number is used up. Records note what is written while they are copied; their
/// file has another layout when that is over, and the same records.
fn tree(folder: &Path, below: &str, tree: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{below}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            tree.insert(name.clone(), Vec::new());
            self::tree(&entry.path(), &format!("{name}/"), tree);
        } else {
            let changes = name.ends_with("records.redb");
            tree.insert(name, if changes { Vec::new() } else { fs::read(entry.path()).unwrap() });
        }
    }
}

fn tree_of(folder: &TempDir) -> BTreeMap<String, Vec<u8>> {
    let mut tree = BTreeMap::new();
    self::tree(folder.path(), "", &mut tree);
    tree.remove("JOURNAL");
    tree
}

#[tokio::test(start_paused = true)]
async fn what_is_aborted_late_or_not_waited_for_leaves_no_trace() {
    for kind in KINDS {
        let folder = tempfile::tempdir().unwrap();
        let node = node(kind, folder.path()).await;
        for words in ["a", "b", "c"] {
            add(&node.service(), 1, words, false).await.unwrap();
        }
        let (before, status) = (tree_of(&folder), node.status());
        let as_before = |told: &str| {
            assert_eq!(tree_of(&folder), before, "{kind:?}, {told}");
            assert_eq!(node.status(), status, "{kind:?}, {told}");
        };

        let prepared = node.prepare(&two(), MINUTE).await.unwrap();
        node.abort(&prepared.name).await.unwrap();
        as_before("aborted");
        node.abort(&prepared.name).await.unwrap();
        let told = node.switch(&prepared.name).await.unwrap_err().to_string();
        assert_eq!(told, "this preparation is over: it was taken back; the node serves as before");

        let prepared = node.prepare(&two(), MINUTE).await.unwrap();
        let mut changes = node.watch();
        changes.wait_for(|status| status.prepared.is_none() && status.under_way.is_none()).await.unwrap();
        assert!(tokio::time::Instant::now() >= prepared.until, "it does not forget before its time");
        free(&node).await;
        as_before("late");
        let late = node.switch(&prepared.name).await;
        assert!(
            matches!(&late, Err(MoveError::TooLate { why }) if why.contains("did not come in its time")),
            "{late:?}"
        );

        let (preparing, to) = (node.clone(), two());
        let given_up = tokio::time::timeout(Duration::ZERO, preparing.prepare(&to, MINUTE)).await;
        assert!(given_up.is_err(), "it has to look at the disk first");
        free(&node).await;
        as_before("nobody waits");

        // Nothing is in the way of what comes.
        node.upgrade(&two()).await.unwrap();
        assert_eq!(list(&node.service(), 1).await.unwrap(), ["a", "b", "c"], "{kind:?}");
    }
}

/// Waits until the node may be told something.
async fn free(node: &Node) {
    while matches!(node.finalize().await, Err(MoveError::Busy { .. })) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_word_that_comes_after_its_time_is_refused_even_if_nothing_was_forgotten_yet() {
    let folder = tempfile::tempdir().unwrap();
    let node = node(Kind::Transform, folder.path()).await;
    let prepared = node.prepare(&two(), MINUTE).await.unwrap();
    assert!(prepared.until - tokio::time::Instant::now() <= MINUTE);
    tokio::time::advance(MINUTE).await;
    let late = node.switch(&prepared.name).await.unwrap_err();
    assert!(matches!(late, MoveError::TooLate { .. }), "{late}");
    assert_eq!(node.version().major(), 1);
    let unprepared = node.prepare(&two(), Duration::ZERO).await.unwrap_err();
    assert!(matches!(unprepared, MoveError::Busy { .. } | MoveError::TooLate { .. }), "{unprepared}");
}

#[tokio::test]
async fn there_is_one_preparation_at_a_time_and_only_its_own_name_is_its_word() {
    let folder = tempfile::tempdir().unwrap();
    let node = node(Kind::Transform, folder.path()).await;
    let prepared = node.prepare(&two(), MINUTE).await.unwrap();
    assert_eq!((prepared.name.len(), &prepared.to), (32, &two()));
    let busy = |error: &MoveError| matches!(error, MoveError::Busy { what } if what.contains("waits for the word"));
    for error in [
        node.prepare(&two(), MINUTE).await.unwrap_err(),
        node.upgrade(&two()).await.unwrap_err(),
        node.rollback(Rollback::default()).await.unwrap_err(),
        node.finalize().await.unwrap_err(),
    ] {
        assert!(busy(&error), "{error}");
    }
    for name in ["", "0123456789abcdef0123456789abcdef"] {
        node.abort(name).await.unwrap();
        let error = node.switch(name).await.unwrap_err();
        assert!(matches!(&error, MoveError::TooLate { why } if why.contains("knows of no such")), "{error}");
    }
    assert_eq!(node.status().prepared.as_ref(), Some(&prepared), "others do not disturb it");
    node.switch(&prepared.name).await.unwrap();
    // The one that gave the word may tell the node something at once.
    node.finalize().await.unwrap();
    let again = node.switch(&prepared.name).await.unwrap_err();
    assert!(matches!(&again, MoveError::TooLate { why } if why.contains("the word was given")), "{again}");
}

#[tokio::test]
async fn a_node_that_cannot_be_prepared_says_why_and_is_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let held = Arc::new(Mutex::new(Some("the till is open".to_owned())));
    let asked = held.clone();
    let node = Node::builder(protocol())
        .object("1.0.0", |opening: &Opening| plain("shop.v1.Shop", opening))
        .upgrade(to_2().hold(move || asked.lock().unwrap().clone()))
        .upgrade(bring_3());
    let node = node.state(folder.path()).start().await.unwrap();
    let before = tree_of(&folder);
    let error = node.prepare(&two(), MINUTE).await.unwrap_err();
    assert!(matches!(&error, MoveError::Held { why } if why == "the till is open"), "{error}");
    let error = node.prepare(&"3.0.0".parse().unwrap(), MINUTE).await.unwrap_err();
    assert!(matches!(error, MoveError::NoWay { .. }), "{error}");
    // What holds it may change its mind until the word.
    *held.lock().unwrap() = None;
    let prepared = node.prepare(&two(), MINUTE).await.unwrap();
    *held.lock().unwrap() = Some("a queue has come".to_owned());
    let error = node.switch(&prepared.name).await.unwrap_err();
    assert!(matches!(&error, MoveError::Held { why } if why == "a queue has come"), "{error}");
    assert_eq!((tree_of(&folder), node.status().phase), (before, Phase::Serving));
    *held.lock().unwrap() = None;
    node.upgrade(&two()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_written_while_a_node_waits_is_there_when_it_has_switched() {
    for mode in [Mode::Eager, Mode::Online] {
        let folder = tempfile::tempdir().unwrap();
        let node = node(Kind::Records(mode), folder.path()).await;
        let mut written: Vec<String> = Vec::new();
        let mut write = async |count: usize| {
            for _ in 0..count {
                let words = format!("{:04}", written.len());
                add(&node.service(), 1, &words, false).await.unwrap();
                written.push(words);
            }
            written.clone()
        };
        write(20).await;
        let prepared = node.prepare(&two(), MINUTE).await.unwrap();
        for _ in 0..5 {
            write(10).await;
            // Long enough for it to catch up.
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        let written = write(3).await;
        node.switch(&prepared.name).await.unwrap();
        for version in [1, 2] {
            assert_eq!(list(&node.service(), version).await.unwrap(), written, "{mode:?}, read in {version}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_cannot_stay_prepared_serves_as_before_and_says_why_when_the_word_comes() {
    let folder = tempfile::tempdir().unwrap();
    let node = node(Kind::Records(Mode::Online), folder.path()).await;
    add(&node.service(), 1, "a", false).await.unwrap();
    let before = tree_of(&folder);
    let prepared = node.prepare(&two(), MINUTE).await.unwrap();
    let copy = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let copy = copy.into_iter().find(|path| path.ends_with("0002-2.0.0")).expect("what was prepared");
    fs::write(copy.join("object/records.redb"), "scratched").unwrap();
    node.watch().wait_for(|status| status.failure.is_some()).await.unwrap();
    assert!(tokio::time::Instant::now() < prepared.until, "it does not wait for its time to be over");
    free(&node).await;
    let why = node.switch(&prepared.name).await.unwrap_err();
    assert!(matches!(&why, MoveError::TooLate { why } if why.contains("copying records to 2.0.0")), "{why}");
    assert_eq!((tree_of(&folder), node.status().phase), (before, Phase::Serving));
    add(&node.service(), 2, "b", false).await.unwrap();
    node.upgrade(&two()).await.unwrap();
    assert_eq!(list(&node.service(), 1).await.unwrap(), ["a", "b"]);
}

#[tokio::test]
async fn a_node_that_is_stopped_or_started_anew_forgets_that_it_was_prepared() {
    for kind in KINDS {
        let folder = tempfile::tempdir().unwrap();
        let node = node(kind, folder.path()).await;
        add(&node.service(), 1, "a", false).await.unwrap();
        let before = tree_of(&folder);
        let prepared = node.prepare(&two(), Duration::from_secs(24 * 60 * 60)).await.unwrap();
        // It does not wait for the word.
        node.stop().await;
        assert!(node.switch(&prepared.name).await.is_err());
        drop(node);
        let node = self::node(kind, folder.path()).await;
        let status: NodeStatus = node.status();
        assert_eq!((status.version.major(), status.phase, status.under_way), (1, Phase::Serving, None), "{kind:?}");
        let error = node.switch(&prepared.name).await.unwrap_err();
        assert!(matches!(error, MoveError::TooLate { .. }), "{error}");
        // Each owner of the state has a number of its own.
        let [before, after] = [before, tree_of(&folder)].map(|mut tree| {
            tree.remove("FENCE");
            tree
        });
        assert_eq!(after, before, "{kind:?}");
    }
}
