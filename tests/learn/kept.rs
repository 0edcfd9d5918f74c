//! What a node with a state folder has learned, it knows when it is started again.

use std::fs;
use std::path::{Path, PathBuf};

use straddle::bundle::{PublicKey, SecretKey};
use straddle::node::{BuildError, Node, Opening};

use crate::shop::{Seen, call, folder_of, key, object, signed};
use crate::{NEW, OLD, version};

async fn start(folder: &Path, built: &[&str], trusted: &PublicKey) -> Result<Node, BuildError> {
    let open = |_: &Opening| object(&Seen::default());
    Node::builder(folder_of(built)).object("2.0.0", open).state(folder).trust(*trusted).start().await
}

fn bundles(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("bundles")).expect("the folder of bundles");
    entries.map(|entry| entry.expect("a file").path()).collect()
}

#[tokio::test]
async fn what_was_learned_is_known_after_a_restart_in_whatever_order_it_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let trusted = key().public();
    let start = || start(folder.path(), &["2.0.0"], &trusted);
    let node = start().await.expect("a node");
    for (from, to) in [("2.0.0", "3.0.0"), ("3.0.0", "4.0.0"), ("1.0.0", "2.0.0")] {
        assert!(node.learn(signed(from, to)).await.expect("a version").kept);
    }
    drop(node);
    assert_eq!(bundles(folder.path()).len(), 3);

    let node = start().await.expect("a node");
    assert_eq!(node.protocol().versions().len(), 4);
    assert_eq!(call(&node, "/shop.v4.Shop/Get", "4.0.0", NEW).await.expect("an answer"), NEW);
    assert_eq!(call(&node, "/shop.v1.Shop/Get", "1.0.0", OLD).await.expect("an answer"), OLD);
    assert_eq!(node.watch().borrow().learned, ["1.0.0", "3.0.0", "4.0.0"].map(version));
    assert!(node.learn(signed("2.0.0", "3.0.0")).await.expect("nothing new").added.is_empty());
}

#[tokio::test]
async fn a_program_that_was_built_with_what_the_one_before_had_learned_starts() {
    let folder = tempfile::tempdir().expect("a folder");
    let node = start(folder.path(), &["2.0.0"], &key().public()).await.expect("a node");
    node.learn(signed("2.0.0", "3.0.0")).await.expect("3.0.0");
    node.learn(signed("3.0.0", "4.0.0")).await.expect("4.0.0");
    drop(node);
    // Of 4.0.0 the new program knows nothing; Count needs no code where nobody says that there is any.
    let node = start(folder.path(), &["1.0.0", "2.0.0"], &key().public()).await.expect("a node");
    assert_eq!(node.protocol().versions().len(), 4);
    assert_eq!(node.watch().borrow().learned, ["3.0.0", "4.0.0"].map(version));
}

#[tokio::test]
async fn a_kept_bundle_that_cannot_be_used_any_more_keeps_the_node_from_starting_and_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let trusted = key().public();
    let node = start(folder.path(), &["2.0.0"], &trusted).await.expect("a node");
    node.learn(signed("2.0.0", "3.0.0")).await.expect("3.0.0");
    drop(node);
    let file = bundles(folder.path()).remove(0);
    let name = file.display().to_string();
    let told = |error: BuildError, said: &str| {
        let error = error.to_string();
        for part in [said, &name, "help: "] {
            assert!(error.contains(part), "{part:?} is not in {error}");
        }
    };

    let other = SecretKey::generate().expect("a key").public();
    told(start(folder.path(), &["2.0.0"], &other).await.unwrap_err(), "whom nobody here trusts");
    let bytes = fs::read(&file).expect("the bundle");
    fs::write(&file, &bytes[..bytes.len() / 2]).expect("half of it");
    told(start(folder.path(), &["2.0.0"], &trusted).await.unwrap_err(), "the bundle is damaged");
    fs::remove_file(&file).expect("it goes");
    let node = start(folder.path(), &["2.0.0"], &trusted).await.expect("a node, without what it had learned");
    assert_eq!(node.protocol().versions().len(), 1);
}
