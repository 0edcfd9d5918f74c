//! Supervisors that are killed at each of their words: whichever is the last, the next one goes on, and nothing is lost.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use serde_json::json;
use straddle::supervise::News;

use crate::disk::Placing;
use crate::place::Place;
use crate::within::Within;

/// A disk that tells when a word of the journal is to be the last, before it is there or after it, and takes no other one.
fn last(last: usize, after: bool, reached: mpsc::Sender<Option<News>>) -> Placing {
    let words = AtomicUsize::new(0);
    Placing(Box::new(move |place| {
        let word = words.fetch_add(1, Ordering::SeqCst) + 1;
        if word < last {
            return place();
        }
        if word == last && after {
            place()?;
        }
        let _ = reached.send(None);
        panic!("the supervisor is killed at word {word}")
    }))
}

/// Kills supervisors at their first word, their second, and so on, until one gets to the end.
fn kill_at_each_word(after: bool, rollback: bool) {
    let mut ended = false;
    let mut word = 0;
    while !ended {
        word += 1;
        assert!(word < 40, "a supervisor has more to say than it could");
        let place = Place::with_two();
        let supervisor = Within::begin(&place, |reached| last(word, after, reached));
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
    let at = next.rests();
    assert_eq!(place.journal()["at"]["version"], at, "killed at word {word}");
    let (command, more, to): (_, &[&str], _) =
        if at == json!("1.1.0") { ("upgrade", &["2.0.0"], "2.0.0") } else { ("rollback", &[], "1.1.0") };
    let moved = next.node(command, more);
    assert_eq!(moved.code, Some(0), "killed at word {word}: {}", moved.err);
    assert_eq!(next.rests(), json!(to), "killed at word {word}");
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
