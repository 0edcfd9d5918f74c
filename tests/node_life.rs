//! The life of a node: upgrades under load, failures, rollbacks, and what is told of them.
#![cfg(feature = "cli")]

#[path = "node_life/consent.rs"]
mod consent;
#[path = "node_life/faulty.rs"]
mod faulty;
#[path = "support/folder.rs"]
mod folder;
#[path = "node_life/kinds.rs"]
mod kinds;
#[path = "node_life/matrix.rs"]
mod matrix;
#[path = "node_life/model.rs"]
mod model;
#[path = "node_life/random.rs"]
mod random;
#[path = "support/seed.rs"]
mod seed;
#[path = "node_life/shop.rs"]
mod shop;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shop::{add, bring_3, list, plain, protocol, to_2, to_3};
use straddle::Version;
use straddle::node::{Builder, MoveError, Node, Opening, Program, Rollback, Transforming, Upgrade};
use straddle::simulation::Adjacent;
use straddle::state::{Phase, StateFolder};
use tokio::sync::Notify;

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

/// A node that can run all three versions.
fn shop(folder: &Path) -> Builder {
    first(folder).upgrade(to_2()).upgrade(to_3())
}

fn first(folder: &Path) -> Builder {
    Node::builder(protocol()).object("1.0.0", |opening: &Opening| plain("shop.v1.Shop", opening)).state(folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_of_all_versions_go_on_while_a_node_goes_there_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let node = shop(folder.path()).start().await.unwrap();
    let (service, stop) = (node.service(), Arc::new(AtomicBool::new(false)));
    let callers: Vec<_> = [1, 2, 3]
        .map(|version| {
            let (service, stop) = (service.clone(), stop.clone());
            tokio::spawn(async move {
                let mut written = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let words = format!("{version}-{}", written.len());
                    add(&service, version, &words, written.len() % 2 == 1).await.expect("an acknowledged write");
                    list(&service, version).await.expect("a list");
                    written.push(words);
                    // A call that never waits would keep the thread from all others.
                    tokio::task::yield_now().await;
                }
                written
            })
        })
        .into();
    for to in ["2.0.0", "3.0.0"] {
        let moved = node.upgrade(&version(to)).await.unwrap();
        assert_eq!((moved.to.clone(), node.version()), (version(to), version(to)));
        assert!(!node.active("shop", to) && node.active("shop", &moved.from.to_string()));
        let back = node.rollback(Rollback::default()).await.unwrap();
        assert_eq!((back.to, node.version()), (moved.from.clone(), moved.from));
        node.upgrade(&version(to)).await.unwrap();
        node.finalize().await.unwrap();
        assert!(node.active("shop", to));
    }
    stop.store(true, Ordering::Relaxed);
    let mut written = Vec::new();
    for caller in callers {
        written.extend(caller.await.unwrap());
    }
    written.sort();
    assert!(written.len() > 3, "{written:?}");
    for version in [1, 2, 3] {
        assert_eq!(list(&service, version).await.unwrap(), written, "what callers of {version} read");
    }
    node.stop().await;
    assert_eq!(add(&service, 1, "late", false).await.unwrap_err().code(), tonic::Code::Unavailable);
    let again = shop(folder.path()).start().await.unwrap();
    assert_eq!(again.version(), version("3.0.0"));
    assert_eq!(list(&again.service(), 1).await.unwrap(), written);
}

/// Whoever is told the version before and the way back to it at once would take the way back for one that nobody wants.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_status_mixes_what_was_before_a_move_with_what_is_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let node = shop(folder.path()).start().await.unwrap();
    let (looked, stop) = (node.clone(), Arc::new(AtomicBool::new(false)));
    let stopped = stop.clone();
    let looking = std::thread::spawn(move || {
        let mut wrong = Vec::new();
        while !stopped.load(Ordering::Relaxed) {
            let status = looked.status();
            if status.back.as_ref().is_some_and(|back| *back >= status.version) {
                wrong.push(format!("{} {:?} {}", status.version, status.back, status.phase));
            }
        }
        wrong
    });
    for _ in 0..20 {
        node.upgrade(&version("2.0.0")).await.unwrap();
        node.rollback(Rollback::default()).await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    assert_eq!(looking.join().unwrap(), [] as [String; 0]);
}

/// An upgrade to 2.0.0 that is broken somewhere, what is told of it, and in which phase it breaks.
type Broken = (fn(Upgrade) -> Upgrade, &'static str, Phase);

#[tokio::test]
async fn whatever_fails_before_callers_go_on_the_node_goes_back_by_itself() {
    let broken: [Broken; 7] = [
        (|to| to.transform(|_: &Transforming| Err("no such thing")), "no such thing", Phase::Transforming),
        (
            |to| to.transform(|_: &Transforming| -> Result<(), String> { panic!("oh") }),
            "panicked: oh",
            Phase::Transforming,
        ),
        (|to| to.object(|_: &Opening| Err("locked")), "2.0.0 could not be opened: locked", Phase::Verifying),
        (
            |to| to.object(|_: &Opening| -> straddle::dispatch::Object { panic!("oh") }),
            "panicked: oh",
            Phase::Verifying,
        ),
        (|to| to.object(|_: &Opening| straddle::dispatch::Object::default()), "lacks shop.v2.Shop", Phase::Verifying),
        (|to| to.verify(|_: Adjacent| async { Err("it smells") }), "not sane: it smells", Phase::Verifying),
        (
            |to| to.verify(|_: Adjacent| std::future::pending::<Result<(), String>>()),
            "longer than 0.05 s",
            Phase::Verifying,
        ),
    ];
    for (break_it, told, phase) in broken {
        let folder = tempfile::tempdir().unwrap();
        let limit = Duration::from_millis(50);
        let node = first(folder.path()).upgrade(break_it(to_2())).upgrade(to_3()).verify_limit(limit);
        let node = node.start().await.unwrap();
        add(&node.service(), 1, "before", false).await.unwrap();
        add(&node.service(), 3, "urgent", true).await.unwrap();
        match node.upgrade(&version("2.0.0")).await {
            Err(MoveError::Failed { phase: at, why, version: runs }) => {
                assert!(why.contains(told), "{told}: {why}");
                assert_eq!((at, runs), (phase, version("1.0.0")), "{told}");
            }
            other => panic!("{told}: {other:?}"),
        }
        add(&node.service(), 2, "after", false).await.unwrap();
        assert_eq!(list(&node.service(), 1).await.unwrap(), ["after", "before"], "{told}");
        assert_eq!(list(&node.service(), 3).await.unwrap(), ["after", "before", "urgent"], "{told}");
        let status = node.status();
        assert_eq!(
            (status.phase, status.version.clone(), status.stuck.clone()),
            (Phase::Serving, version("1.0.0"), None)
        );
        assert!(status.failure.unwrap().contains(told), "{told}");
    }
}

#[tokio::test]
async fn a_node_whose_way_back_fails_as_well_answers_that_it_is_stuck() {
    let folder = tempfile::tempdir().unwrap();
    let opened = Arc::new(AtomicBool::new(false));
    let once = move |opening: &Opening| {
        if opened.swap(true, Ordering::Relaxed) { Err("only once") } else { Ok(plain("shop.v1.Shop", opening)) }
    };
    let node = Node::builder(protocol()).object("1.0.0", once).state(folder.path());
    let node = node.upgrade(to_2().verify(|_: Adjacent| async { Err("it smells") })).upgrade(bring_3());
    let node = node.start().await.unwrap();
    let error = node.upgrade(&version("2.0.0")).await.unwrap_err();
    assert!(matches!(error, MoveError::Stuck { .. }) && error.to_string().contains("only once"), "{error}");
    let status = add(&node.service(), 1, "any", false).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
    assert!(status.message().contains("it smells"), "{status:?}");
    assert!(node.status().stuck.is_some());
}

#[tokio::test]
async fn a_program_whose_node_is_stuck_ends_so_that_it_is_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, _) = StateFolder::open(folder.path(), &version("1.0.0")).unwrap();
    state.learn(&version("2.0.0")).unwrap();
    // So it begins by itself.
    state.permit().unwrap();
    drop(state);
    let opened = Arc::new(AtomicBool::new(false));
    let once = move |opening: &Opening| {
        if opened.swap(true, Ordering::Relaxed) { Err("only once") } else { Ok(plain("shop.v1.Shop", opening)) }
    };
    let node = Node::builder(protocol()).object("1.0.0", once);
    let node = node.upgrade(to_2().verify(|_: Adjacent| async { Err("it smells") })).upgrade(bring_3());
    let ended = Program::from_env().listen("127.0.0.1:0").state(folder.path()).run(node).await;
    assert_eq!(ended.code(), 1);
    assert!(ended.why().is_some_and(|why| why.contains("stuck") && why.contains("it smells")), "{ended:?}");
}

#[tokio::test]
async fn all_that_is_missing_for_any_version_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let faults = |node: Builder| async move { node.start().await.unwrap_err().faults().join("\n") };
    let bare = |to: &str| Upgrade::to(to).object(|opening: &Opening| plain("shop.v2.Shop", opening));
    let told = faults(first(folder.path()).upgrade(bare("2.0.0")).upgrade(bare("3.0.0").transform(shop::fold))).await;
    for expected in [
        "Upgrade::to(\"2.0.0\"): nothing says how the state of 1.0.0 gets there",
        "nothing says how to go back to 2.0.0",
        "give Upgrade::to(\"3.0.0\") a future(…) with shop.v3.Shop, for Add, List",
        "give Upgrade::to(\"3.0.0\") a past(…) with shop.v2.Shop, for Add, List",
    ] {
        assert!(told.contains(expected), "{expected} is not in:\n{told}");
    }
    let told = faults(first(folder.path()).upgrade(to_3()).upgrade(to_2()).upgrade(Upgrade::to("9.9.9"))).await;
    assert!(told.contains("in the order of their versions") && told.contains("9.9.9"), "{told}");
    let told = faults(first(folder.path()).upgrade(to_2().past(shop::past)).upgrade(bring_3().hold(|| None))).await;
    assert!(told.contains("declares no code for it") && told.contains("nothing would lead to 3.0.0"), "{told}");
    let told = faults(Node::builder(protocol()).upgrade(bring_3())).await;
    assert!(told.contains("no first object") && told.contains("no state folder"), "{told}");
    assert!(!folder.path().join("CURRENT").exists(), "nothing was begun");
}

#[tokio::test]
async fn a_node_that_is_held_or_busy_or_has_no_way_says_so_and_serves_on() {
    let folder = tempfile::tempdir().unwrap();
    let held = Arc::new(Mutex::new(Some("the till is open".to_owned())));
    let (began, goes_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (asked, told, waits) = (held.clone(), began.clone(), goes_on.clone());
    let to_2 = to_2().hold(move || asked.lock().unwrap().clone()).verify(move |_: Adjacent| {
        let (told, waits) = (told.clone(), waits.clone());
        async move {
            told.notify_one();
            waits.notified().await;
            Ok::<_, String>(())
        }
    });
    let node = first(folder.path()).upgrade(to_2).upgrade(to_3()).start().await.unwrap();
    assert_eq!(node.status().held.as_deref(), Some("the till is open"));
    let error = node.upgrade(&version("2.0.0")).await.unwrap_err();
    assert!(matches!(&error, MoveError::Held { why } if why == "the till is open"), "{error}");
    let error = node.upgrade(&version("3.0.0")).await.unwrap_err();
    assert!(matches!(&error, MoveError::NoWay { why } if why.contains("goes to 2.0.0")), "{error}");
    for error in [node.rollback(Rollback::default()).await.map(drop), node.finalize().await] {
        assert!(matches!(error, Err(MoveError::NoWay { .. })), "{error:?}");
    }
    *held.lock().unwrap() = None;
    // Whoever called for it goes away; the move goes on.
    let (moving, to) = (node.clone(), version("2.0.0"));
    let moving = tokio::spawn(async move { moving.upgrade(&to).await });
    began.notified().await;
    let error = node.upgrade(&version("2.0.0")).await.unwrap_err();
    assert!(matches!(&error, MoveError::Busy { what } if what.contains("2.0.0")), "{error}");
    moving.abort();
    goes_on.notify_one();
    node.watch().wait_for(|status| status.version == version("2.0.0")).await.unwrap();
    assert!(node.status().last.unwrap().pause > Duration::ZERO);
    let error = node.upgrade(&version("3.0.0")).await.unwrap_err();
    // Either the move is just ending, or it has ended and is not final.
    assert!(matches!(error, MoveError::NoWay { .. } | MoveError::Busy { .. }), "{error}");
}

#[tokio::test]
async fn what_holds_an_upgrade_may_ask_the_node_and_may_panic() {
    let folder = tempfile::tempdir().unwrap();
    let (asked, panics) = (Arc::new(Mutex::new(None::<Node>)), Arc::new(AtomicBool::new(false)));
    let (node, fails) = (asked.clone(), panics.clone());
    let to_2 = to_2().hold(move || {
        assert!(!fails.load(Ordering::Relaxed), "the till is gone");
        let node = node.lock().unwrap().clone()?;
        let status = node.status();
        (node.active("shop", "1.0.0") && status.held.is_none()).then(|| format!("{} is active", status.active))
    });
    let node = first(folder.path()).upgrade(to_2).upgrade(bring_3()).start().await.unwrap();
    *asked.lock().unwrap() = Some(node.clone());
    for why in ["1.0.0 is active", "what holds upgrades back panicked: the till is gone"] {
        assert_eq!(node.status().held.as_deref(), Some(why));
        let error = node.upgrade(&version("2.0.0")).await.unwrap_err();
        assert!(matches!(&error, MoveError::Held { why: told } if told == why), "{error}");
        panics.store(true, Ordering::Relaxed);
    }
    asked.lock().unwrap().take();
    panics.store(false, Ordering::Relaxed);
    node.upgrade(&version("2.0.0")).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_carried_back_is_listed_and_given_up_only_when_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let node = shop(folder.path()).start().await.unwrap();
    for to in ["2.0.0", "3.0.0"] {
        node.upgrade(&version(to)).await.unwrap();
        if to == "2.0.0" {
            node.finalize().await.unwrap();
        }
    }
    for words in ["old", "new hat", "new shoe"] {
        add(&node.service(), 3, words, false).await.unwrap();
    }
    add(&node.service(), 3, "soon", true).await.unwrap();
    for dry_run in [true, false] {
        match node.rollback(Rollback { dry_run, accept_loss: None }).await {
            Err(MoveError::Refused { records, count: 2 }) => {
                assert_eq!(records[0].value, "new hat");
                assert!(records[1].why.contains("nothing new"));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(list(&node.service(), 3).await.unwrap(), ["new hat", "new shoe", "old", "soon"]);
    }
    let export = folder.path().join("lost.jsonl");
    let moved = node.rollback(Rollback { dry_run: false, accept_loss: Some(export.clone()) }).await.unwrap();
    assert_eq!((moved.to, moved.lost), (version("2.0.0"), 2));
    let exported: Vec<serde_json::Value> =
        shop::lines(&export).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(exported.len(), 2);
    assert_eq!((&exported[0]["table"], &exported[0]["value_base64"]), (&"entries".into(), &"bmV3IGhhdA==".into()));
    assert_eq!((&exported[0]["version"], &exported[0]["type"]), (&"3.0.0".into(), &"shop.v3.Entry".into()));
    // What is urgent is the future simulation object's again.
    assert_eq!(list(&node.service(), 2).await.unwrap(), ["old"]);
    assert_eq!(list(&node.service(), 3).await.unwrap(), ["old", "soon"]);
    node.upgrade(&version("3.0.0")).await.unwrap();
    let moved = node.rollback(Rollback { dry_run: true, accept_loss: None }).await.unwrap();
    assert_eq!((moved.lost, node.version()), (0, version("3.0.0")));
    node.finalize().await.unwrap();
    let error = node.rollback(Rollback::default()).await.unwrap_err();
    assert!(matches!(&error, MoveError::NoWay { why } if why.contains("finalized")), "{error}");
}

#[tokio::test]
async fn background_work_is_awaited_and_what_never_lets_go_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let ended = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::new(Mutex::new(None));
    let (log, held) = (ended.clone(), kept.clone());
    let object = move |opening: &Opening| {
        let log = log.clone();
        let lease = opening.lease();
        opening.background().spawn_until_stopped(|stopping| async move {
            stopping.requested().await;
            tokio::task::yield_now().await;
            log.lock().unwrap().push("ended by itself");
            drop(lease);
        });
        opening.background().spawn(std::future::pending());
        opening.background().spawn_until_stopped(|_| std::future::pending());
        held.lock().unwrap().get_or_insert_with(|| opening.lease());
        plain("shop.v1.Shop", opening)
    };
    let limit = Duration::from_millis(50);
    let node =
        Node::builder(protocol()).object("1.0.0", object).state(folder.path()).upgrade(to_2()).upgrade(bring_3());
    let node = node.background_limit(limit).lease_limit(limit).start().await.unwrap();
    match node.upgrade(&version("2.0.0")).await {
        Err(MoveError::Failed { phase: Phase::Quiescing, why, .. }) => {
            assert!(why.contains("still in use") && why.contains("the object of 1.0.0 (1)"), "{why}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(*ended.lock().unwrap(), ["ended by itself"]);
    add(&node.service(), 1, "after", false).await.unwrap();
    drop(kept.lock().unwrap().take());
    node.upgrade(&version("2.0.0")).await.unwrap();
    assert_eq!(list(&node.service(), 1).await.unwrap(), ["after"]);
}

#[tokio::test]
async fn an_older_program_says_which_one_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let node = shop(folder.path()).start().await.unwrap();
    node.upgrade(&version("2.0.0")).await.unwrap();
    node.stop().await;
    let error = first(folder.path()).upgrade(bring_3()).start().await.unwrap_err();
    assert!(error.to_string().contains("of 2.0.0, and this program can run 1.0.0: start a newer one"), "{error}");
}
