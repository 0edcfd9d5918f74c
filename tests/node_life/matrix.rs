//! Every operation on the node's files fails, or is the last one of its program, in a life of each kind of state.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use straddle::node::{MoveError, Node, NodeStatus, Rollback};
use straddle::state::{Disk, Phase};
use tokio::runtime::{self, Runtime};

use crate::faulty::{FAULTS, Faulty};
use crate::kinds::{KINDS, Kind, builder};
use crate::shop::{add, list};
use crate::version;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Upgrade,
    Rollback,
    Finalize,
    /// Wait for a word that does not come.
    Prepare,
    /// Wait for a word, and switch.
    Switch,
}

/// There and back, and there for good.
const LIFE: &[Act] = &[Act::Upgrade, Act::Rollback, Act::Upgrade, Act::Finalize];
/// Prepared in vain, and for good.
const BARRIER: &[Act] = &[Act::Prepare, Act::Switch, Act::Finalize];

/// The program is gone, or has to be started again; what it did last.
struct Gone(Option<Act>);

#[test]
fn whatever_fails_and_wherever_the_program_ends_a_node_is_at_one_version_with_every_acknowledged_write() {
    every_fault(LIFE, 60);
}

#[test]
fn whatever_fails_and_wherever_the_program_ends_a_preparation_is_forgotten_or_the_node_has_switched() {
    every_fault(BARRIER, 40);
}

/// Each operation of a life, which has so many at least, meets one of the faults.
fn every_fault(life: &[Act], least: usize) {
    let round: usize = std::env::var("STRADDLE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    println!("STRADDLE_SEED={round} begins the faults; each operation meets one of them");
    let mut ended = [0, 0];
    for kind in KINDS {
        let whole = operations(kind, life);
        assert!(whole > least, "{kind:?}: a life is {whole} operations: too few to be one");
        for at in 0..whole {
            let fault = FAULTS[(at + round) % FAULTS.len()];
            let told = format!("{kind:?}, {fault:?} at operation {at} of {whole}");
            let folder = fast_folder();
            let (files, mut written) = (Arc::new(Faulty::new(Some((at, fault)))), Vec::new());
            let went = in_a_program(live(kind, life, files.clone(), folder.path(), &mut written, &told));
            assert!(files.operations() > at || went.is_err(), "{told}: it never came");
            let died_in = went.err().and_then(|Gone(act)| act);
            let version = in_a_program(go_on(kind, died_in, folder.path(), &written, &told));
            ended[usize::from(version == 2)] += 1;
        }
    }
    assert!(ended.iter().all(|count| *count > 0), "programs ended at one version only: {ended:?}");
}

/// A program, which ends without ceremony.
pub(crate) fn in_a_program<T>(life: impl Future<Output = T>) -> T {
    let runtime: Runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(life)
}

/// Thousands of syncs take minutes on a disk; what they are for is tried where files are in memory (`tests/state.rs`).
pub(crate) fn fast_folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn operations(kind: Kind, life: &[Act]) -> usize {
    let folder = fast_folder();
    let (files, mut written) = (Arc::new(Faulty::new(None)), Vec::new());
    let lived = in_a_program(live(kind, life, files.clone(), folder.path(), &mut written, "without faults"));
    assert!(lived.is_ok() && written.len() > life.len(), "{kind:?}: {written:?}");
    files.operations()
}

async fn live(
    kind: Kind,
    life: &[Act],
    files: Arc<Faulty>,
    folder: &Path,
    written: &mut Vec<String>,
    told: &str,
) -> Result<(), Gone> {
    let mut node = builder(kind, folder, files.clone()).start().await;
    if node.is_err() && !files.is_dead() {
        // A fault comes once.
        node = builder(kind, folder, files.clone()).start().await;
    }
    let Ok(node) = node else {
        assert!(files.is_dead(), "{told}: {}", node.unwrap_err());
        return Err(Gone(None));
    };
    write(&node, written, told).await;
    for act in life.iter().copied() {
        for attempt in 0.. {
            let acted = match act {
                Act::Upgrade => node.upgrade(&version("2.0.0")).await.map(drop),
                Act::Rollback => node.rollback(Rollback::default()).await.map(drop),
                Act::Finalize => node.finalize().await,
                Act::Prepare | Act::Switch => {
                    let prepared = node.prepare(&version("2.0.0"), Duration::from_secs(600)).await;
                    if files.is_dead() {
                        return Err(Gone(Some(Act::Prepare)));
                    }
                    match prepared {
                        Ok(prepared) if act == Act::Prepare => {
                            write(&node, written, told).await;
                            node.abort(&prepared.name).await
                        }
                        Ok(prepared) => {
                            write(&node, written, told).await;
                            node.switch(&prepared.name).await.map(drop)
                        }
                        Err(error) => Err(error),
                    }
                }
            };
            if files.is_dead() {
                return Err(Gone(Some(act)));
            }
            match acted {
                Ok(()) => break,
                Err(MoveError::Failed { .. }) if attempt < 2 => write(&node, written, told).await,
                Err(MoveError::Stuck { .. }) => return Err(Gone(Some(act))),
                Err(error) => panic!("{told}: {act:?}: {error}"),
            }
        }
        write(&node, written, told).await;
    }
    node.stop().await;
    Ok(())
}

/// Starts again, looks what is there, and goes on to the end: the version that it started at.
async fn go_on(kind: Kind, died_in: Option<Act>, folder: &Path, written: &[String], told: &str) -> u64 {
    let node = builder(kind, folder, Arc::new(Disk)).start().await.unwrap_or_else(|error| panic!("{told}: {error}"));
    let began = node.version().major();
    if died_in == Some(Act::Prepare) {
        let status = node.status();
        assert_eq!((began, status.phase, status.under_way), (1, Phase::Serving, None), "{told}: it is forgotten");
        assert_eq!(epochs(folder), 1, "{told}: what was prepared is left over");
    }
    holds(&node, written, told).await;
    // One that was permitted goes on by itself.
    let mut status = node.watch();
    let quiet = |status: &NodeStatus| status.under_way.is_none() || status.phase == Phase::Learned;
    status.wait_for(quiet).await.unwrap();
    if node.version() == version("1.0.0") {
        node.upgrade(&version("2.0.0")).await.unwrap_or_else(|error| panic!("{told}: {error}"));
    }
    holds(&node, written, told).await;
    if node.status().back.is_some() {
        node.finalize().await.unwrap_or_else(|error| panic!("{told}: {error}"));
    }
    holds(&node, written, told).await;
    assert_eq!(epochs(folder), 1, "{told}: epochs are left over");
    node.stop().await;
    began
}

fn epochs(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count()
}

async fn holds(node: &Node, written: &[String], told: &str) {
    let mut expected = written.to_vec();
    expected.sort();
    for version in [1, 2] {
        assert_eq!(list(&node.service(), version).await.unwrap(), expected, "{told}: read in {version}");
    }
}

/// One write in each version.
async fn write(node: &Node, written: &mut Vec<String>, told: &str) {
    for version in [1, 2] {
        let words = format!("{version}-{}", written.len());
        let added = add(&node.service(), version, &words, false).await;
        added.unwrap_or_else(|status| panic!("{told}: {status:?} of a node that is {:?}", node.status()));
        written.push(words);
    }
}
