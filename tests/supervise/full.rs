//! Disks that are full: of the node's state, and of the supervisor's own journal.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use straddle::supervise::News;

use crate::disk::Placing;
use crate::load::Load;
use crate::place::{Place, STRADDLE};
use crate::program::straddle;
use crate::within::Within;

/// A file that is larger cannot be written while `small` is there: the limit of setrlimit(2), which needs no full disk, and no root.
/// In the place of the signal that comes with it, writes fail (EFBIG).
fn release_on_a_small_disk(place: &Place, runs: &str) {
    let small = place.text("small");
    let limit = format!("[ -e {small} ] && {{ trap '' XFSZ; ulimit -f 64; }}");
    place.script("2.0.0", runs, &format!("{limit}\nexec {STRADDLE} serve-node --runs {runs}"));
    fs::write(small, "").expect("a file");
}

#[test]
fn a_state_that_finds_no_room_is_left_as_it_was_and_moves_once_there_is() {
    let place = Place::new();
    release_on_a_small_disk(&place, "1.1.0,2.0.0");
    let mut supervised = place.supervise(&["--release", "1.1.0"]);
    supervised.serves("1.1.0");
    let load = Load::begin(&supervised.callers);
    load.goes_on(50);
    for _ in 0..2 {
        let told = ["failed: MOVE_FAILED", "File too large", "serves as before"];
        supervised.node("upgrade", &["2.0.0"]).ended(1, &told);
        load.goes_on(50);
        let status = supervised.status();
        assert_eq!((&status["version"], &status["program"]["release"]), (&json!("1.1.0"), &json!("1.1.0")), "{status}");
    }
    fs::remove_file(place.path("small")).expect("a file");
    supervised.node("upgrade", &["2.0.0"]).ended(0, &[]);
    load.goes_on(50);
    let outcome = load.end();
    assert_eq!((outcome.refused, outcome.failed), (Vec::<String>::new(), Vec::<String>::new()));
    assert_eq!(supervised.rests(), json!("2.0.0"));
}

#[test]
fn a_node_whose_disk_is_full_acknowledges_nothing_that_it_cannot_keep_and_is_not_given_up_for_it() {
    let place = Place::new();
    let small = place.text("small");
    // It has its state already; then it may add little to it.
    let limit = format!("[ -e {small} ] && {{ trap '' XFSZ; ulimit -f 4096; }}");
    place.script("1.1.0", "1.1.0", &format!("{limit}\nexec {STRADDLE} serve-node --runs 1.1.0"));
    fs::write(&small, "").expect("a file");
    let mut supervised = place.supervise(&[]);
    supervised.serves("1.1.0");
    let process = supervised.process();
    let callers = supervised.callers.clone();
    let put = |number: usize| {
        let (sku, text) = (format!("item-{number}"), "x".repeat(4000));
        let item = json!({ "item": { "sku": sku, "name": sku, "description": text, "price": 1.5 }, "request_id": sku });
        straddle(&["call", &callers, "inventory@1.1.0", "PutItem", &item.to_string()])
    };
    let mut kept = 0;
    let refused = loop {
        let put = put(kept);
        if put.code != Some(0) {
            break put;
        }
        kept += 1;
        assert!(kept < 2000, "the disk never gets full");
    };
    assert!(refused.err.contains("the node cannot read or write its state"), "{}", refused.err);
    assert_eq!(supervised.process(), process, "it serves on");
    fs::remove_file(&small).expect("a file");
    crate::place::kill("-9", &process);
    supervised.serves("1.1.0");
    for number in [0, kept - 1] {
        let get = json!({ "sku": format!("item-{number}") }).to_string();
        straddle(&["call", &callers, "inventory@1.1.0", "GetItem", &get]).ended(0, &[]);
    }
    assert_eq!(put(kept).code, Some(0), "there is room again");
}

/// Words of the journal, and from which one on there is no room for more.
#[derive(Default)]
struct Room {
    words: AtomicUsize,
    /// No word any more from this one on; 0 when there is room.
    full_from: AtomicUsize,
    missed: AtomicUsize,
}

fn room() -> (Arc<Room>, impl FnOnce(std::sync::mpsc::Sender<Option<News>>) -> Placing) {
    let room = Arc::new(Room::default());
    let own = room.clone();
    let placing = |_| {
        Placing(Box::new(move |place: &dyn Fn() -> io::Result<()>| {
            let (word, full) = (own.words.load(Ordering::SeqCst) + 1, own.full_from.load(Ordering::SeqCst));
            if full != 0 && word >= full {
                own.missed.fetch_add(1, Ordering::SeqCst);
                return Err(io::ErrorKind::StorageFull.into());
            }
            own.words.store(word, Ordering::SeqCst);
            place()
        }))
    };
    (room, placing)
}

impl Room {
    /// There is room for so many words more.
    fn full_after(&self, words: usize) {
        self.full_from.store(self.words.load(Ordering::SeqCst) + words + 1, Ordering::SeqCst);
    }

    fn made(&self) {
        self.full_from.store(0, Ordering::SeqCst);
    }
}

#[test]
fn nothing_is_begun_that_the_supervisor_cannot_write_down() {
    let place = Place::with_two();
    let (room, placing) = room();
    let supervisor = Within::begin(&place, placing);
    assert!(supervisor.hears(|news| matches!(news, News::Ready { .. })));
    let load = Load::begin(&supervisor.callers);
    room.full_after(0);
    let node = |command: &str, more: &[&str]| straddle(&[&["node", command, &supervisor.admin], more].concat());
    node("upgrade", &["2.0.0"]).ended(1, &["failed: NO_SPACE", "the supervisor's journal cannot be written"]);
    load.goes_on(20);
    assert_eq!(node("status", &["--json"]).ended(0, &[]).value()["version"], json!("1.1.0"));
    room.made();
    node("upgrade", &["2.0.0"]).ended(0, &[]);
    load.goes_on(20);
    let outcome = load.end();
    assert_eq!((outcome.refused, outcome.failed), (Vec::<String>::new(), Vec::<String>::new()));
    supervisor.kill();
    // Whatever serves is found again, and ended with this.
    assert_eq!(place.supervise(&[]).rests(), json!("2.0.0"));
}

/// The disk is full from each word of an upgrade on, until the end of it and beyond: what that was.
fn full_from_each_word(killed: bool) {
    let mut ends = Vec::new();
    for words in 1.. {
        let place = Place::with_two();
        let (room, placing) = room();
        let supervisor = Within::begin(&place, placing);
        assert!(supervisor.hears(|news| matches!(news, News::Ready { .. })));
        let load = Load::begin(&supervisor.callers);
        load.goes_on(10);
        room.full_after(words);
        assert!(supervisor.moves(&["upgrade", "2.0.0"]), "it comes to an end");
        load.goes_on(10);
        let was_full = room.missed.load(Ordering::SeqCst) > 0;
        let status = straddle(&["node", "status", &supervisor.admin, "--json"]).ended(0, &[]).value();
        if !killed {
            room.made();
            while place.journal()["at"]["version"] != status["version"] {
                std::thread::yield_now();
            }
        }
        // One that is killed now has written down something that is not so any more.
        supervisor.kill();
        let next = place.supervise_on(&load.address(), &[]);
        assert_eq!(next.rests(), status["version"], "full after {words} words");
        load.goes_on(10);
        let outcome = load.end();
        assert_eq!((outcome.refused, outcome.failed), (Vec::<String>::new(), Vec::<String>::new()));
        let (command, more): (_, &[&str]) =
            if status["version"] == json!("1.1.0") { ("upgrade", &["2.0.0"]) } else { ("rollback", &[]) };
        next.node(command, more).ended(0, &[]);
        ends.push(status["version"].as_str().expect("a version").to_owned());
        if !was_full {
            break;
        }
    }
    // Either it was not begun, or it is brought to its end; and the last one had room for all.
    assert!(
        ends.is_sorted() && ends.len() > 3 && ends[0] == "1.1.0" && ends.ends_with(&["2.0.0".to_owned()]),
        "{ends:?}"
    );
}

#[test]
fn a_move_whose_journal_finds_no_room_is_not_begun_or_written_down_as_soon_as_there_is() {
    full_from_each_word(false);
}

#[test]
fn a_supervisor_that_was_killed_with_a_journal_that_is_not_so_any_more_is_followed_by_one_that_goes_on() {
    full_from_each_word(true);
}
