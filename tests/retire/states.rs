//! Retired versions of nodes with a state: over restarts and faults, and what becomes of objects and their states.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use straddle::node::{Builder, Node, NodeStatus, Opening, Rollback, Transforming, Upgrade};
use straddle::retiring::{Notice, Retiring};
use straddle::state::{Disk, Files};
use straddle::wire::Body;
use tokio::sync::watch;
use tower::service_fn;

use crate::faulty::{FAULTS, Faulty};
use crate::shop::{add, lines, list, marked, past, plain, protocol, protocol_of_four, to_2, to_3};
use crate::{Bent, assert_retired, up_to, version};

/// Longer than any test.
const LONG: Duration = Duration::from_secs(60);

fn first() -> Builder {
    Node::builder(protocol()).object("1.0.0", |opening: &Opening| plain("shop.v1.Shop", opening))
}

fn shop(folder: &Path) -> Builder {
    first().upgrade(to_2()).upgrade(to_3()).state(folder)
}

/// A node of 3.0.0 that nobody takes back, with an entry that a caller of 1.0.0 has made: its past object of 2.0.0 has counted that.
async fn third(folder: &Path) -> Node {
    let node = shop(folder).start().await.unwrap();
    for to in ["2.0.0", "3.0.0"] {
        node.upgrade(&version(to)).await.unwrap();
        node.finalize().await.unwrap();
    }
    add(&node.service(), 1, "first", false).await.unwrap();
    assert_eq!(lines(&calls(folder)), ["begun", "Add"]);
    node
}

/// Where the past object of 2.0.0 counts its calls.
fn calls(folder: &Path) -> PathBuf {
    let current = std::fs::read_to_string(folder.join("CURRENT")).unwrap();
    folder.join(current.trim_end()).join("past/2.0.0/calls")
}

/// Waits for this to be so.
async fn until(node: &Node, is_so: impl Fn(&NodeStatus) -> bool) {
    let mut status = node.watch();
    let waiting = status.wait_for(|status| is_so(status));
    tokio::time::timeout(LONG, waiting).await.expect("in time").expect("a node");
}

fn swept(status: &NodeStatus) -> bool {
    status.retired.as_ref().is_some_and(|retired| retired.swept_up_to.is_some())
}

/// Counts the objects that there are.
#[derive(Clone, Default)]
struct Objects(Arc<watch::Sender<usize>>);

/// One of them.
struct There(Objects);

impl Objects {
    fn one(&self) -> There {
        self.0.send_modify(|count| *count += 1);
        There(self.clone())
    }

    async fn are(&self, count: usize) {
        let mut there = self.0.subscribe();
        let waiting = there.wait_for(|there| *there == count);
        tokio::time::timeout(LONG, waiting).await.expect("in time").expect("somebody counts");
    }
}

impl Drop for There {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

/// The same, whose past object of 2.0.0 is counted.
fn counted(folder: &Path, objects: &Objects) -> Builder {
    let objects = objects.clone();
    let past = move |adjacent, opening: &Opening| {
        let there = Arc::new(objects.one());
        let nobody = service_fn(move |_: http::Request<Body>| {
            let _there = there.clone();
            std::future::pending::<Result<http::Response<Body>, Infallible>>()
        });
        past(adjacent, opening).and_service("shop.Counted", nobody)
    };
    first().upgrade(to_2()).upgrade(to_3().past(past)).state(folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_retired_holds_over_restarts_and_comes_back_with_its_state_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let node = third(folder.path()).await;
    let retiring = up_to("2.0.0").notice(Notice::of(version("3.0.0")).sunset(1_800_000_000));
    node.retire(retiring.clone()).await.unwrap();
    assert_retired(&list(&node.service(), 1).await.unwrap_err(), "3.0.0..=3.0.0");
    node.stop().await;
    for _ in 0..2 {
        let node = shop(folder.path()).start().await.unwrap();
        let retired = node.status().retired.expect("it was told");
        assert_eq!((retired.in_force, retired.refused, retired.swept_up_to), (retiring.clone(), None, None));
        assert_eq!(node.status().served, [version("3.0.0")]);
        for major in [1, 2] {
            assert_retired(&list(&node.service(), major).await.unwrap_err(), "3.0.0..=3.0.0");
        }
        assert_eq!(list(&node.service(), 3).await.unwrap(), ["first"]);
        node.stop().await;
    }
    let node = shop(folder.path()).start().await.unwrap();
    assert_eq!(lines(&calls(folder.path())), ["begun", "Add"]);
    node.retire(Retiring::default()).await.unwrap();
    assert_eq!(list(&node.service(), 1).await.unwrap(), ["first"]);
    assert_eq!(lines(&calls(folder.path())), ["begun", "Add", "List"]);
    node.stop().await;
    let again = shop(folder.path()).start().await.unwrap();
    assert_eq!(list(&again.service(), 2).await.unwrap(), ["first"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_of_retired_versions_are_dropped_and_opened_again() {
    let (folder, objects) = (tempfile::tempdir().unwrap(), Objects::default());
    third(folder.path()).await.stop().await;
    let node = counted(folder.path(), &objects).start().await.unwrap();
    for _ in 0..3 {
        objects.are(1).await;
        assert_eq!(list(&node.service(), 1).await.unwrap(), ["first"]);
        // Callers of 2.0.0 need what callers of 1.0.0 do.
        node.retire(up_to("1.0.0")).await.unwrap();
        assert_eq!(list(&node.service(), 2).await.unwrap(), ["first"]);
        node.retire(up_to("2.0.0")).await.unwrap();
        objects.are(0).await;
        assert_eq!(list(&node.service(), 3).await.unwrap(), ["first"]);
        node.retire(up_to("1.0.0")).await.unwrap();
        assert_eq!(list(&node.service(), 2).await.unwrap(), ["first"]);
        assert_retired(&list(&node.service(), 1).await.unwrap_err(), "2.0.0..=3.0.0");
        node.retire(Retiring::default()).await.unwrap();
    }
    node.retire(up_to("2.0.0")).await.unwrap();
    node.stop().await;
    let node = counted(folder.path(), &objects).start().await.unwrap();
    objects.are(0).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_a_node_could_go_back_to_is_retired_once_it_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let node = shop(folder.path()).start().await.unwrap();
    node.retire(up_to("2.0.0")).await.unwrap();
    let retired = node.status().retired.expect("it was told");
    assert_eq!(retired.in_force.retired_up_to, None);
    assert!(retired.refused.is_some_and(|why| why.contains("the node runs 1.0.0")));
    let is_up_to = |up_to: &str| {
        let up_to = version(up_to);
        move |status: &NodeStatus| status.retired.as_ref().unwrap().in_force.retired_up_to.as_ref() == Some(&up_to)
    };
    add(&node.service(), 1, "first", false).await.unwrap();
    node.upgrade(&version("2.0.0")).await.unwrap();
    assert_eq!(list(&node.service(), 1).await.unwrap(), ["first"]);
    node.finalize().await.unwrap();
    until(&node, is_up_to("1.0.0")).await;
    node.upgrade(&version("3.0.0")).await.unwrap();
    let says = |why: &'static str| {
        move |status: &NodeStatus| {
            status.retired.as_ref().unwrap().refused.as_ref().is_some_and(|refused| refused.contains(why))
        }
    };
    until(&node, says("could still go back to 2.0.0")).await;
    assert_eq!(list(&node.service(), 2).await.unwrap(), ["first"]);
    // The way back is open, and what is retired stays so.
    node.rollback(Rollback::default()).await.unwrap();
    assert_retired(&list(&node.service(), 1).await.unwrap_err(), "2.0.0..=3.0.0");
    node.upgrade(&version("3.0.0")).await.unwrap();
    node.finalize().await.unwrap();
    until(&node, is_up_to("2.0.0")).await;
    assert_eq!(node.status().retired.and_then(|retired| retired.refused), None);
    assert_retired(&list(&node.service(), 2).await.unwrap_err(), "3.0.0..=3.0.0");
    assert_eq!(list(&node.service(), 3).await.unwrap(), ["first"]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn states_are_swept_once_the_grace_is_over_and_not_before() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Bent::at(1_000));
    third(folder.path()).await.stop().await;
    let node = shop(folder.path()).wall_clock(Arc::new(clock.clone())).start().await.unwrap();
    // That the program has run before counts for nothing.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let retired = Instant::now();
    // The clock jumps: the program has to have run for the grace all the same.
    clock.set(1_000_000);
    node.retire(up_to("2.0.0").keep_state_for(Duration::from_secs(1))).await.unwrap();
    clock.set(2_000_000);
    until(&node, swept).await;
    assert!(retired.elapsed() >= Duration::from_secs(1));
    assert!(!calls(folder.path()).exists());
    node.retire(Retiring::default()).await.unwrap();
    assert_eq!(list(&node.service(), 1).await.unwrap(), ["first"]);
    assert_eq!(lines(&calls(folder.path())), ["List"], "it has begun anew");
    node.stop().await;
}

/// A version more, of the same schema as 3.0.0.
fn fourth(folder: &Path) -> Builder {
    let copy = |transforming: &Transforming| {
        let (from, to) = (transforming.from().object(), transforming.to().object());
        std::fs::copy(from.join("entries"), to.join("entries")).map(drop)
    };
    let to_4 = Upgrade::to("4.0.0").object(marked).transform(copy).reverse(copy);
    let first = Node::builder(protocol_of_four());
    let first = first.object("1.0.0", |opening: &Opening| plain("shop.v1.Shop", opening));
    first.upgrade(to_2()).upgrade(to_3()).upgrade(to_4).state(folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upgrades_go_on_without_objects_of_retired_versions_and_take_their_states_along() {
    let folder = tempfile::tempdir().unwrap();
    third(folder.path()).await.stop().await;
    let node = fourth(folder.path()).start().await.unwrap();
    node.retire(up_to("2.0.0")).await.unwrap();
    for _ in 0..2 {
        node.upgrade(&version("4.0.0")).await.unwrap();
        assert_retired(&list(&node.service(), 2).await.unwrap_err(), "3.0.0..=4.0.0");
        assert_eq!(list(&node.service(), 3).await.unwrap(), ["first"]);
        node.rollback(Rollback::default()).await.unwrap();
    }
    node.upgrade(&version("4.0.0")).await.unwrap();
    node.retire(Retiring::default()).await.unwrap();
    assert_eq!(list(&node.service(), 1).await.unwrap(), ["first"]);
    assert_eq!(lines(&calls(folder.path())), ["begun", "Add", "List"]);
    node.retire(up_to("2.0.0").keep_state_for(Duration::ZERO)).await.unwrap();
    until(&node, swept).await;
    node.rollback(Rollback::default()).await.unwrap();
    node.upgrade(&version("4.0.0")).await.unwrap();
    assert_eq!(list(&node.service(), 3).await.unwrap(), ["first"]);
    node.stop().await;
}

/// Where the copy of the retired object's calls lies in an epoch that is not the current one, if there is one.
fn copied(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().join("past/2.0.0/calls"));
    entries.into_iter().find(|file| file.exists() && *file != calls(folder))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn states_of_retired_objects_are_copied_while_callers_are_served_and_again_when_somebody_had_them_open() {
    for opened_meanwhile in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let node = third(folder.path()).await;
        node.retire(up_to("2.0.0")).await.unwrap();
        node.stop().await;
        // Its program has not opened what was retired before.
        let node = fourth(folder.path()).start().await.unwrap();
        let prepared = node.prepare(&version("4.0.0"), LONG).await.unwrap();
        let copy = copied(folder.path()).expect("a copy that was made ahead");
        assert_eq!(lines(&copy), ["begun", "Add"]);
        assert_eq!(list(&node.service(), 3).await.unwrap(), ["first"]);
        if opened_meanwhile {
            node.retire(Retiring::default()).await.unwrap();
            assert_eq!(list(&node.service(), 2).await.unwrap(), ["first"]);
            node.retire(up_to("2.0.0")).await.unwrap();
        }
        node.switch(&prepared.name).await.unwrap();
        assert_retired(&list(&node.service(), 2).await.unwrap_err(), "3.0.0..=4.0.0");
        node.retire(Retiring::default()).await.unwrap();
        assert_eq!(list(&node.service(), 1).await.unwrap(), ["first"]);
        let expected: &[&str] =
            if opened_meanwhile { &["begun", "Add", "List", "List"] } else { &["begun", "Add", "List"] };
        assert_eq!(lines(&calls(folder.path())), expected);
        node.stop().await;
    }
}

/// Whatever operation on files goes wrong, or is the last one of its program.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_ends_in_between_leaves_a_version_served_or_retired() {
    let prepared = tempfile::tempdir().unwrap();
    third(prepared.path()).await.stop().await;
    for fault in FAULTS {
        let mut faults = 0;
        loop {
            let folder = tempfile::tempdir().unwrap();
            let state = folder.path().join("state");
            Disk.copy_tree(prepared.path(), &state).unwrap();
            let files = Arc::new(Faulty::new(None));
            let node = shop(&state).files(files.clone()).start().await.unwrap();
            files.fails_in(faults, fault);
            let told = node.retire(up_to("2.0.0").keep_state_for(Duration::ZERO)).await;
            while !files.has_failed() && !swept(&node.status()) {
                tokio::task::yield_now().await;
            }
            let failed = files.has_failed();
            assert_eq!(list(&node.service(), 3).await.unwrap(), ["first"], "{fault:?} {faults}");
            node.stop().await;
            drop(node);

            let node = shop(&state).start().await.unwrap_or_else(|error| panic!("{fault:?} {faults}: {error}"));
            let retired = node.status().retired;
            match &retired {
                Some(retired) => assert_eq!(retired.in_force.retired_up_to, Some(version("2.0.0"))),
                None => assert!(told.is_err(), "{fault:?} {faults}: it was said to be retired"),
            }
            if retired.is_some() {
                assert_retired(&list(&node.service(), 1).await.unwrap_err(), "3.0.0..=3.0.0");
                until(&node, swept).await;
            }
            node.retire(Retiring::default()).await.unwrap();
            assert_eq!(list(&node.service(), 1).await.unwrap(), ["first"]);
            let expected: &[&str] = if retired.is_some() { &["List"] } else { &["begun", "Add", "List"] };
            assert_eq!(lines(&calls(&state)), expected, "{fault:?} {faults}");
            node.stop().await;
            if !failed {
                break;
            }
            faults += 1;
        }
        assert!(faults > 5, "{fault:?}: only {faults} operations");
    }
}

#[tokio::test]
async fn a_file_that_was_changed_keeps_a_node_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let node = third(folder.path()).await;
    node.retire(up_to("1.0.0")).await.unwrap();
    node.stop().await;
    let file = folder.path().join("RETIRING");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(r#""retired_up_to":"1.0.0""#), "{text}");
    std::fs::write(&file, text.replace("1.0.0", "2.0.0")).unwrap();
    let error = shop(folder.path()).start().await.expect_err("it is damaged").to_string();
    assert!(error.contains("RETIRING") && error.contains("not what was written"), "{error}");
}
