//! What a node learns while it moves.

use std::path::Path;
use std::sync::Arc;

use straddle::node::{Builder, MoveError, Node, NodeStatus, Opening, Transforming, Upgrade};
use straddle::simulation::Adjacent;
use straddle::state::Phase;
use tokio::sync::{Notify, Semaphore};

use crate::shop::{call, echo, folder_of, key, signed};
use crate::{NEW, OLD, version};

/// Where a move waits, and whether it comes to its end.
struct Waits {
    phase: Phase,
    fails: bool,
    begun: Notify,
    go_on: Semaphore,
}

impl Waits {
    fn ended(&self) -> Result<(), &'static str> {
        if self.fails { Err("the disk hums") } else { Ok(()) }
    }
}

fn builder(state: &Path, upgrade: Upgrade) -> Builder {
    let object = |_: &Opening| echo("shop.v1.Shop");
    Node::builder(folder_of(&["1.0.0", "2.0.0"]))
        .object("1.0.0", object)
        .upgrade(upgrade)
        .state(state)
        .trust(key().public())
}

fn to_2(waits: &Arc<Waits>) -> Upgrade {
    let (making, verifying) = (waits.clone(), waits.clone());
    let transform = move |_: &Transforming| {
        if making.phase != Phase::Transforming {
            return Ok(());
        }
        making.begun.notify_one();
        tokio::runtime::Handle::current().block_on(making.go_on.acquire()).expect("it is open").forget();
        making.ended()
    };
    let verify = move |_: Adjacent| {
        let waits = verifying.clone();
        async move {
            if waits.phase != Phase::Verifying {
                return Ok(());
            }
            waits.begun.notify_one();
            waits.go_on.acquire().await.expect("it is open").forget();
            waits.ended()
        }
    };
    let object = |_: &Opening| echo("shop.v2.Shop");
    Upgrade::to("2.0.0")
        .object(object)
        .transform(transform)
        .reverse(|_: &Transforming| Ok::<_, &str>(()))
        .verify(verify)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bundle_is_learned_in_the_middle_of_a_move_and_known_however_that_ends() {
    for phase in [Phase::Transforming, Phase::Verifying] {
        for fails in [false, true] {
            let told = format!("{phase}, fails: {fails}");
            let folder = tempfile::tempdir().expect("a folder");
            let waits = Arc::new(Waits { phase, fails, begun: Notify::new(), go_on: Semaphore::new(0) });
            let node = builder(folder.path(), to_2(&waits)).start().await.unwrap_or_else(|error| panic!("{error}"));
            let (moving, to) = (node.clone(), version("2.0.0"));
            let moving = tokio::spawn(async move { moving.upgrade(&to).await });
            waits.begun.notified().await;

            let learned = node.learn(signed("2.0.0", "3.0.0")).await.unwrap_or_else(|error| panic!("{told}: {error}"));
            assert_eq!((learned.added, learned.kept), (vec![version("3.0.0")], true), "{told}");
            let waiting = tokio::spawn({
                let node = node.clone();
                async move { call(&node, "/shop.v3.Shop/Get", "3.0.0", NEW).await }
            });
            node.watch().wait_for(|status: &NodeStatus| status.learned == [version("3.0.0")]).await.expect("a node");
            assert_eq!(node.status().phase, phase, "the move goes on as if nothing had happened");
            waits.go_on.add_permits(1);

            let runs = match moving.await.expect("no panic") {
                Ok(moved) => moved.to,
                Err(MoveError::Failed { version, .. }) if fails => version,
                Err(error) => panic!("{told}: {error}"),
            };
            assert_eq!(
                (&runs, node.version()),
                (&version(if fails { "1.0.0" } else { "2.0.0" }), runs.clone()),
                "{told}"
            );
            assert_eq!(waiting.await.expect("no panic").expect("an answer"), NEW, "{told}");
            assert_eq!(call(&node, "/shop.v1.Shop/Get", "1.0.0", OLD).await.expect("an answer"), OLD, "{told}");
            node.stop().await;

            let elsewhere =
                Arc::new(Waits { phase: Phase::Serving, fails, begun: Notify::new(), go_on: Semaphore::new(0) });
            let node = builder(folder.path(), to_2(&elsewhere)).start().await.unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((node.version(), node.status().learned), (runs, vec![version("3.0.0")]), "{told}");
            assert_eq!(call(&node, "/shop.v3.Shop/Get", "3.0.0", NEW).await.expect("an answer"), NEW, "{told}");
            node.stop().await;
        }
    }
}
