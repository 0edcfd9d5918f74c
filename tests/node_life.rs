//! The life of a node: upgrades under load, failures, rollbacks, and what is told of them.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;
#[path = "node_life/shop.rs"]
mod shop;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use shop::{add, list, plain, protocol, to_2, to_3};
use straddle::Version;
use straddle::node::{Builder, Node, Opening, Rollback};

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
