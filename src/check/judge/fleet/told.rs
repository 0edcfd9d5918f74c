//! Calls, callers and times, in words.

use std::time::Duration;

use super::{Called, Caller};

/// How many of anything a sentence names.
const NAMED: usize = 5;

/// How long, roughly.
pub(crate) fn lasted(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7199 => format!("{} min", seconds / 60),
        seconds @ 7200..=172_799 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// The first ones by name, and how many there are besides.
pub(super) fn listed(all: &[String]) -> String {
    let mut shown: Vec<String> = all.iter().take(NAMED).cloned().collect();
    if all.len() > NAMED {
        shown.push(format!("and {} more", all.len() - NAMED));
    }
    shown.join(", ")
}

/// Who does something.
pub(super) fn named(all: &[String], does: &str, do_it: &str) -> String {
    let verb = if all.len() == 1 { does } else { do_it };
    format!("{} {verb}", listed(all))
}

/// How often it was called, when, and by whom.
pub(super) fn calls(called: &Called) -> Vec<String> {
    let plural = if called.calls == 1 { "" } else { "s" };
    let unlabelled = match called.unlabelled {
        0 => String::new(),
        all if all == called.calls => " without a label".to_owned(),
        some => format!(" ({some} without a label)"),
    };
    let mut told = vec![format!(
        "{} call{plural}{unlabelled} since they are counted, the last one {} ago",
        called.calls,
        lasted(called.ago)
    )];
    let callers: Vec<String> = called.callers.iter().map(caller).collect();
    let others =
        if called.others > 0 { format!("; others have made at most {} each", called.others) } else { String::new() };
    if callers.is_empty() {
        told.extend((called.others > 0).then(|| format!("no caller has made more than {} of them", called.others)));
    } else {
        told.push(format!("by {}{others}", listed(&callers)));
    }
    told
}

fn caller(caller: &Caller) -> String {
    let more =
        if caller.error > 0 { format!(" to {}", caller.calls.saturating_add(caller.error)) } else { String::new() };
    format!("{} ({}{more})", caller.name, caller.calls)
}
