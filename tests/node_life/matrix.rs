//! Every operation on the node's files fails, or is the last one of its program, in a life of each kind of state.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use straddle::dispatch::Object;
use straddle::node::{Builder, MoveError, Node, NodeStatus, Opening, Rollback, Transforming, Upgrade};
use straddle::state::{Disk, Files, Layout, Mode, Phase, RecordsError};
use tokio::runtime::{self, Runtime};

use crate::faulty::{FAULTS, Faulty};
use crate::shop::{Entries, Entry, add, answering, append, lines, list, plain, protocol, to_2};
use crate::version;

/// How the state gets from version to version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Records(Mode),
    Transform,
    Checkpoints,
}

pub(crate) const KINDS: [Kind; 5] = [
    Kind::Records(Mode::Eager),
    Kind::Records(Mode::Online),
    Kind::Records(Mode::Lazy),
    Kind::Transform,
    Kind::Checkpoints,
];

#[derive(Clone, Copy, Debug)]
enum Act {
    Upgrade,
    Rollback,
    Finalize,
}

/// There and back, and there for good.
const LIFE: [Act; 4] = [Act::Upgrade, Act::Rollback, Act::Upgrade, Act::Finalize];

/// The program is gone, or has to be started again.
struct Gone;

#[test]
fn whatever_fails_and_wherever_the_program_ends_a_node_is_at_one_version_with_every_acknowledged_write() {
    let round: usize = std::env::var("STRADDLE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    println!("STRADDLE_SEED={round} begins the faults; each operation meets one of them");
    let mut ended = [0, 0];
    for kind in KINDS {
        let whole = operations(kind);
        assert!(whole > 60, "{kind:?}: a life is {whole} operations: too few to be one");
        for at in 0..whole {
            let fault = FAULTS[(at + round) % FAULTS.len()];
            let told = format!("{kind:?}, {fault:?} at operation {at} of {whole}");
            let folder = fast_folder();
            let (files, mut written) = (Arc::new(Faulty::new(Some((at, fault)))), Vec::new());
            let went = in_a_program(live(kind, files.clone(), folder.path(), &mut written, &told));
            assert!(files.operations() > at || went.is_err(), "{told}: it never came");
            let version = in_a_program(go_on(kind, folder.path(), &written, &told));
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

fn operations(kind: Kind) -> usize {
    let folder = fast_folder();
    let (files, mut written) = (Arc::new(Faulty::new(None)), Vec::new());
    let lived = in_a_program(live(kind, files.clone(), folder.path(), &mut written, "without faults"));
    assert!(lived.is_ok() && written.len() > LIFE.len(), "{kind:?}: {written:?}");
    files.operations()
}

async fn live(
    kind: Kind,
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
        return Err(Gone);
    };
    write(&node, written, told).await;
    for act in LIFE {
        for attempt in 0.. {
            let acted = match act {
                Act::Upgrade => node.upgrade(&version("2.0.0")).await.map(drop),
                Act::Rollback => node.rollback(Rollback::default()).await.map(drop),
                Act::Finalize => node.finalize().await,
            };
            if files.is_dead() {
                return Err(Gone);
            }
            match acted {
                Ok(()) => break,
                Err(MoveError::Failed { .. }) if attempt < 2 => write(&node, written, told).await,
                Err(MoveError::Stuck { .. }) => return Err(Gone),
                Err(error) => panic!("{told}: {act:?}: {error}"),
            }
        }
        write(&node, written, told).await;
    }
    node.stop().await;
    Ok(())
}

/// Starts again, looks what is there, and goes on to the end: the version that it started at.
async fn go_on(kind: Kind, folder: &Path, written: &[String], told: &str) -> u64 {
    let node = builder(kind, folder, Arc::new(Disk)).start().await.unwrap_or_else(|error| panic!("{told}: {error}"));
    let began = node.version().major();
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
    let epochs = std::fs::read_dir(folder).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count();
    assert_eq!(epochs, 1, "{told}: epochs are left over");
    node.stop().await;
    began
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

pub(crate) fn builder(kind: Kind, folder: &Path, files: Arc<dyn Files>) -> Builder {
    let node = Node::builder(protocol()).state(folder).files(files);
    match kind {
        Kind::Records(mode) => node
            .object("1.0.0", |opening: &Opening| kept("shop.v1.Shop", "shop.v1.Entry", opening))
            .records(layout("shop.v1.Entry"))
            .upgrade(
                Upgrade::to("2.0.0")
                    .object(|opening: &Opening| kept("shop.v2.Shop", "shop.v2.Entry", opening))
                    .records(layout("shop.v2.Entry"), mode),
            ),
        Kind::Transform => node.object("1.0.0", |opening: &Opening| plain("shop.v1.Shop", opening)).upgrade(to_2()),
        Kind::Checkpoints => node
            .object("1.0.0", |opening: &Opening| plain("shop.v1.Shop", opening))
            .upgrade(to_2().transform(in_parts).reverse(in_parts)),
    }
    .upgrade(crate::bring_3())
}

/// Copies line by line, and remembers how far it has come.
fn in_parts(transforming: &Transforming) -> Result<(), std::io::Error> {
    let (from, to) = (transforming.from().object().join("entries"), transforming.to().object().join("entries"));
    let done = transforming.resumed().map_or(0, |done| usize::from(done[0]));
    // What came after the checkpoint is made again.
    let made: Vec<String> = lines(&to).into_iter().take(done).collect();
    let _ = std::fs::remove_file(&to);
    for line in &made {
        append(&to, line);
    }
    for (number, line) in lines(&from).iter().enumerate().skip(done) {
        append(&to, line);
        if number % 3 == 1 {
            transforming.checkpoint(&[u8::try_from(number + 1).expect("few lines")])?;
        }
    }
    Ok(())
}

fn layout(message: &str) -> Layout {
    Layout::new().messages("entries", message)
}

/// The object of 1.0.0 and of 2.0.0 alike, with its entries in records.
fn kept(service: &'static str, message: &str, opening: &Opening) -> Result<Object, RecordsError> {
    let records = opening.records(&layout(message))?;
    Ok(answering(service, move |method, entry| {
        let records = records.clone();
        async move {
            let internal = |error: RecordsError| tonic::Status::internal(error.to_string());
            if method == "Add" {
                let written = records.write(|writing| {
                    let last = writing.last("entries")?.map_or(0, |(key, _)| key[0]);
                    writing.insert("entries", &[last + 1], &entry.encode_to_vec())
                });
                written.map_err(internal)?;
                return Ok(Entries::default());
            }
            let reading = records.read().map_err(internal)?;
            let all = reading.range("entries", std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
            let entries = all.map_err(internal)?.map(|entry| {
                let (_, value): (Bytes, Bytes) = entry.map_err(internal)?;
                Entry::decode(value).map_err(|error| tonic::Status::internal(error.to_string()))
            });
            Ok(Entries { entries: entries.collect::<Result<_, _>>()? })
        }
    }))
}
