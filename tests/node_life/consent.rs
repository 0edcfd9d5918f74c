//! Losses that were accepted, dry runs, and what is logged of both, when the program ends in between.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use straddle::node::{Builder, Node, Rollback, Transforming};
use straddle::state::{Disk, Files, Phase, RefusedRecord};

use crate::faulty::{Fault, Faulty};
use crate::matrix::{fast_folder, in_a_program};
use crate::shop::{add, append, fold, future, lines, list, marked, past, to_2};
use crate::{first, version};

const WORDS: [&str; 7] = ["a", "new b", "c", "new d", "e", "new f", "g"];
const KEPT: [&str; 4] = ["a", "c", "e", "g"];

/// A node whose way back from 3.0.0 loses what is new, and remembers every other line how far it has come.
fn shop(folder: &Path, files: Arc<dyn Files>) -> Builder {
    let to_3 = straddle::node::Upgrade::to("3.0.0").object(marked).past(past).future(future).transform(fold);
    first(folder).upgrade(to_2()).upgrade(to_3.reverse(unfold)).files(files)
}

fn unfold(transforming: &Transforming) -> Result<(), io::Error> {
    let made = transforming.to().object().join("entries");
    fs::write(&made, "")?;
    let done = transforming.resumed().map_or(0, |done| usize::from(done[0]));
    for (number, line) in lines(&transforming.from().object().join("entries")).iter().enumerate() {
        let words = &line[1..];
        if !words.starts_with("new") {
            append(&made, words);
        } else if number >= done {
            let (table, value) = ("entries".to_owned(), words.to_owned().into());
            transforming.lose(RefusedRecord { table, value, why: "new".into(), ..RefusedRecord::default() });
        }
        if number >= done && number % 2 == 1 {
            transforming.checkpoint(&[u8::try_from(number + 1).expect("few lines")])?;
        }
    }
    Ok(())
}

/// A node of 3.0.0 with all words, and a way back.
async fn at_3(folder: &Path, files: Arc<Faulty>) -> Node {
    let node = shop(folder, files).start().await.unwrap();
    node.upgrade(&version("2.0.0")).await.unwrap();
    node.finalize().await.unwrap();
    node.upgrade(&version("3.0.0")).await.unwrap();
    for words in WORDS {
        add(&node.service(), 3, words, false).await.unwrap();
    }
    node
}

/// Ends the program at one operation of a rollback after the other; each time, what comes after is told where it was.
fn at_each_operation(how: impl Fn(&Path) -> Rollback, then: impl Fn(&Path, &Path, Phase)) -> usize {
    for number in 0.. {
        let (at, fault) = (number / 3, [Fault::Crash, Fault::CrashAfter, Fault::CrashTorn][number % 3]);
        let (state, beside) = (fast_folder(), fast_folder());
        let (files, lost) = (Arc::new(Faulty::new(None)), beside.path().join("lost"));
        fs::write(&lost, "what was there before\n").unwrap();
        let crashed_in = in_a_program(async {
            let node = at_3(state.path(), files.clone()).await;
            files.fails_in(at, fault);
            let _ = node.rollback(how(&lost)).await;
            files.is_dead().then(|| journaled(state.path()))
        });
        let Some(crashed_in) = crashed_in else { return at };
        then(state.path(), &lost, crashed_in);
    }
    unreachable!("a rollback ends")
}

/// The phase that the journal ends with.
fn journaled(state: &Path) -> Phase {
    let journal = fs::read(state.join("JOURNAL")).unwrap();
    let whole = journal.split_inclusive(|byte| *byte == b'\n').rfind(|line| line.ends_with(b"\n"));
    let (_, entry) = std::str::from_utf8(whole.unwrap()).unwrap().split_once(' ').unwrap();
    let entry: serde_json::Value = serde_json::from_str(entry).unwrap();
    serde_json::from_value(entry["phase"].clone()).unwrap()
}

#[test]
fn a_loss_that_was_accepted_is_given_up_by_the_program_that_is_started_after_a_crash() {
    hear();
    let ended = Mutex::new(BTreeMap::new());
    let operations = at_each_operation(
        |lost| Rollback { dry_run: false, accept_loss: Some(lost.to_owned()) },
        |state, lost, crashed_in| {
            in_a_program(async {
                let node = shop(state, Arc::new(Disk)).start().await.unwrap();
                let told = format!("{crashed_in:?} at {:?}", node.status());
                let all = list(&node.service(), 3).await.unwrap();
                let back = node.version() == version("2.0.0");
                let heard = heard(state);
                if back {
                    assert_eq!(all, KEPT, "{told}");
                    let written: Vec<String> = lines(lost).iter().map(|line| words(line)).collect();
                    assert_eq!(written, ["what was there before", "new b", "new d", "new f"], "{told}");
                } else {
                    let mut words = WORDS.to_vec();
                    words.sort_unstable();
                    assert_eq!(
                        (all, node.version()),
                        (words.into_iter().map(str::to_owned).collect(), version("3.0.0")),
                        "{told}"
                    );
                }
                // Where the pointer was to move, it has moved before the node looks.
                let phase = if crashed_in == Phase::Switching { Phase::Verifying } else { crashed_in };
                let phase = format!("phase={phase}");
                let expected = match crashed_in {
                    Phase::Serving => &[][..],
                    Phase::Quiescing => &["WARN", "undoes the move", "from=3.0.0", "to=\"2.0.0\"", &phase],
                    _ => &["WARN", "brought to its end", "from=3.0.0", "to=\"2.0.0\"", &phase],
                };
                assert_eq!(heard.is_empty(), expected.is_empty(), "{told}: {heard}");
                assert!(expected.iter().all(|part| heard.contains(part)), "{told}: {expected:?} in {heard}");
                *ended.lock().unwrap().entry((format!("{crashed_in:?}"), back)).or_insert(0) += 1;
                node.stop().await;
            });
        },
    );
    let ended = ended.into_inner().unwrap();
    println!("{operations} operations: {ended:?}");
    for (phase, back) in [("Quiescing", false), ("Reversing", true), ("Switching", true), ("Verifying", true)] {
        assert!(ended.contains_key(&(phase.to_owned(), back)), "{phase}: {ended:?}");
        assert!(!ended.contains_key(&(phase.to_owned(), !back)), "{phase}: {ended:?}");
    }
}

#[test]
fn a_dry_run_that_a_crash_has_ended_changes_nothing() {
    hear();
    let reversing = Mutex::new(0);
    at_each_operation(
        |_| Rollback { dry_run: true, accept_loss: None },
        |state, _, crashed_in| {
            in_a_program(async {
                let node = shop(state, Arc::new(Disk)).start().await.unwrap();
                let status = node.status();
                assert_eq!((&status.version, &status.failure), (&version("3.0.0"), &None), "{crashed_in:?}");
                assert_eq!(status.back, Some(version("2.0.0")));
                assert_eq!(list(&node.service(), 3).await.unwrap().len(), WORDS.len());
                if crashed_in != Phase::Serving {
                    let heard = heard(state);
                    assert!(heard.contains("ends the dry run") && heard.contains("from=3.0.0"), "{heard}");
                }
                *reversing.lock().unwrap() += usize::from(crashed_in == Phase::Reversing);
                node.stop().await;
            });
        },
    );
    assert!(*reversing.lock().unwrap() > 0);
}

#[tokio::test]
async fn a_dry_run_is_no_failure_and_one_record_is_no_records() {
    let folder = tempfile::tempdir().unwrap();
    let node = shop(folder.path(), Arc::new(Disk)).start().await.unwrap();
    node.upgrade(&version("2.0.0")).await.unwrap();
    node.finalize().await.unwrap();
    node.upgrade(&version("3.0.0")).await.unwrap();
    let dry = Rollback { dry_run: true, accept_loss: None };
    node.rollback(dry.clone()).await.unwrap();
    assert_eq!(node.status().failure, None);
    add(&node.service(), 3, "new", false).await.unwrap();
    let error = node.rollback(dry).await.unwrap_err();
    assert!(error.to_string().starts_with("1 record cannot be carried over"), "{error}");
}

#[test]
fn an_upgrade_that_was_permitted_goes_on_and_says_so() {
    hear();
    // It is written down by one of the first operations.
    let permitted = (0..10).find_map(|at| {
        let folder = fast_folder();
        in_a_program(async {
            let files = Arc::new(Faulty::new(None));
            let node = shop(folder.path(), files.clone()).start().await.unwrap();
            files.fails_in(at, Fault::CrashAfter);
            node.upgrade(&version("2.0.0")).await.unwrap_err();
        });
        let there = folder.path().join("JOURNAL").exists();
        (there && journaled(folder.path()) == Phase::Permitted).then_some(folder)
    });
    let folder = permitted.expect("it is journaled");
    in_a_program(async {
        let node = shop(folder.path(), Arc::new(Disk)).start().await.unwrap();
        node.watch().wait_for(|status| status.version == version("2.0.0")).await.unwrap();
        node.stop().await;
    });
    let heard = heard(folder.path());
    for part in ["WARN", "permitted before the program ended was brought to its end", "from=1.0.0", "to=2.0.0"] {
        assert!(heard.contains(part), "{part} in {heard}");
    }
}

/// The words that a line tells of.
fn words(line: &str) -> String {
    let Ok(line) = serde_json::from_str::<serde_json::Value>(line) else { return line.to_owned() };
    let words = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, line["value_base64"].as_str().unwrap());
    String::from_utf8(words.unwrap()).unwrap()
}

/// What all programs of these tests log.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Listens, at the level that `straddle` has without a word.
fn hear() {
    static HEARING: OnceLock<()> = OnceLock::new();
    HEARING.get_or_init(|| {
        let level = tracing_subscriber::filter::LevelFilter::WARN;
        tracing_subscriber::fmt().with_max_level(level).with_ansi(false).with_writer(|| Log).init();
    });
}

/// What programs of one state have said of moves.
fn heard(state: &Path) -> String {
    let log = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
    let ours = |line: &&str| line.contains("program before") || line.contains("before the program");
    let root = state.display().to_string();
    log.lines().filter(|line| line.contains(&root)).filter(ours).collect::<Vec<_>>().join("\n")
}
