//! Supervisors that are killed at each of their words: whichever is the last, the next one goes on, and nothing is lost.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use serde_json::{Value, json};
use straddle::state::{Disk, Files, Held};
use straddle::supervise::{Ended, Listen, News, Releases, Supervisor};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::place::{Place, STRADDLE, Supervised};
use crate::program::{Conversation, Run, straddle};

/// When a supervisor is killed: at a word of its journal, before that is there or after it.
#[derive(Clone, Copy, Debug)]
struct At {
    word: usize,
    after: bool,
}

/// A disk that tells when a word is to be the last, and takes no other one.
#[derive(Debug)]
struct Last {
    at: At,
    words: AtomicUsize,
    reached: mpsc::Sender<Option<News>>,
}

/// A supervisor within this process, that is killed by ending all of its tasks: its programs stay.
struct Within {
    runtime: Runtime,
    running: JoinHandle<Ended>,
    events: mpsc::Receiver<Option<News>>,
    admin: String,
}

impl Within {
    fn begin(place: &Place, at: At) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let (tell, events) = mpsc::channel();
        let files = Arc::new(Last { at, words: AtomicUsize::new(0), reached: tell.clone() });
        let news = tell.clone();
        let supervisor = Supervisor::new(place.path("state"), Releases::parse(&place.pattern()).expect("a pattern"))
            .release("1.1.0".parse().expect("a version"))
            .helper(STRADDLE)
            .waits(Duration::from_millis(10), Duration::from_secs(1))
            .files(files)
            .news(move |told| drop(news.send(Some(told.clone()))));
        let on = || Listen::On("127.0.0.1:0".to_owned());
        let (running, admin) = runtime.block_on(async move {
            let running = supervisor.begin(on(), on()).await.expect("a supervisor");
            let admin = running.admin().to_string();
            (tokio::spawn(running.run(tokio::sync::mpsc::channel(1).1)), admin)
        });
        Self { runtime, running, events, admin }
    }

    /// Whether this happens before the last word.
    fn hears(&self, wanted: impl Fn(&News) -> bool) -> bool {
        loop {
            match self.events.recv().expect("the supervisor lives") {
                Some(news) if wanted(&news) => return true,
                Some(_) => {}
                None => return false,
            }
        }
    }

    /// Tells it to move, and waits for the end of that or for its last word.
    fn moves(&self, arguments: &[&str]) -> bool {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let admin = self.admin.clone();
        // Whoever asked is not told how it ends when the supervisor is killed.
        std::thread::spawn(move || {
            let [command, more @ ..] = arguments.as_slice() else { return None::<Run> };
            let more: Vec<&str> = more.iter().map(String::as_str).collect();
            Some(straddle(&[&["node", command, &admin][..], &more].concat()))
        });
        self.hears(|news| matches!(news, News::Moved { .. } | News::Failed { .. }))
    }

    fn kill(self) {
        self.running.abort();
        let ended = self.runtime.block_on(self.running);
        assert!(ended.is_err(), "it does not end by itself: {ended:?}");
        self.runtime.shutdown_background();
    }
}

/// Kills supervisors at their first word, their second, and so on, until one gets to the end.
fn kill_at_each_word(after: bool, rollback: bool) {
    let mut ended = false;
    let mut word = 0;
    while !ended {
        word += 1;
        assert!(word < 40, "a supervisor has more to say than it could");
        let place = Place::with_two();
        let supervisor = Within::begin(&place, At { word, after });
        ended = supervisor.hears(|news| matches!(news, News::Ready { .. }))
            && supervisor.moves(&["upgrade", "2.0.0"])
            && (!rollback || supervisor.moves(&["rollback"]));
        supervisor.kill();
        goes_on(&place, word);
    }
    // Beginning, its program's process, its being ready; and as much again for each move, at least.
    assert!(word > 8, "only {word} words were said");
}

/// The next supervisor comes to a program that serves, and can do all that there is to do.
fn goes_on(place: &Place, word: usize) {
    let next = place.supervise(&["--release", "1.1.0"]);
    let at = serving(&next);
    assert_eq!(place.journal()["at"]["version"], at, "killed at word {word}");
    let (command, more, to): (_, &[&str], _) =
        if at == json!("1.1.0") { ("upgrade", &["2.0.0"], "2.0.0") } else { ("rollback", &[], "1.1.0") };
    let moved = next.node(command, more);
    assert_eq!(moved.code, Some(0), "killed at word {word}: {}", moved.err);
    assert_eq!(serving(&next), json!(to), "killed at word {word}");
}

/// The version that it serves at, once it serves and no move is under way.
fn serving(supervised: &Supervised) -> Value {
    let mut watch = Conversation::begin(&["node", "status", &supervised.admin, "--watch", "--json"]);
    loop {
        let status: Value = serde_json::from_str(&watch.hear()).expect("JSON");
        if status["program"]["process"].is_u64() && status["under_way"].is_null() {
            drop(watch.interrupt());
            return supervised.status()["version"].clone();
        }
    }
}

#[test]
fn a_supervisor_that_is_killed_before_a_word_of_an_upgrade_is_followed_by_one_that_goes_on() {
    kill_at_each_word(false, false);
}

#[test]
fn a_supervisor_that_is_killed_after_a_word_of_an_upgrade_is_followed_by_one_that_goes_on() {
    kill_at_each_word(true, false);
}

#[test]
fn a_supervisor_that_is_killed_after_a_word_of_a_rollback_is_followed_by_one_that_goes_on() {
    kill_at_each_word(true, true);
}

impl Files for Last {
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if !to.ends_with("JOURNAL") {
            return Disk.rename(from, to);
        }
        let word = self.words.fetch_add(1, Ordering::SeqCst) + 1;
        if word < self.at.word {
            return Disk.rename(from, to);
        }
        if word == self.at.word && self.at.after {
            Disk.rename(from, to)?;
        }
        let _ = self.reached.send(None);
        panic!("the supervisor is killed at word {word}")
    }

    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        Disk.read(file)
    }

    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        Disk.write(file, bytes)
    }

    fn append(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        Disk.append(file, bytes)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        Disk.create_folder(folder)
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        Disk.remove_folder(folder)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        Disk.list(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        Disk.sync_folder(folder)
    }

    fn sync_tree(&self, folder: &Path) -> io::Result<()> {
        Disk.sync_tree(folder)
    }

    fn copy_tree(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.copy_tree(from, to)
    }

    fn size(&self, folder: &Path) -> io::Result<u64> {
        Disk.size(folder)
    }

    fn free_space(&self, folder: &Path) -> io::Result<Option<u64>> {
        Disk.free_space(folder)
    }

    fn lock(&self, file: &Path) -> io::Result<Held> {
        Disk.lock(file)
    }
}
