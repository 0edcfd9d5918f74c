//! Holding an answer against what has to come.

use tonic::{Code, Status};

use super::caller::Version;
use super::item::Item;
use super::model::Known;
use super::tally::Verdict;
use crate::refusal::{Reason, Refusal};

/// The verdict on a call that has to be answered, and what it was answered.
pub(super) fn answered<T>(
    result: Result<T, Status>,
    check: impl FnOnce(&T) -> Result<(), String>,
) -> (Verdict, Option<T>) {
    match result {
        Ok(answer) => match check(&answer) {
            Ok(()) => (Verdict::Answered, Some(answer)),
            Err(why) => (Verdict::Wrong(why), Some(answer)),
        },
        Err(status) => (unexpected(&status), None),
    }
}

/// The verdict on a call that has to fail with this code, as it would between callers and nodes of one version.
pub(super) fn fails<T: std::fmt::Debug>(result: Result<T, Status>, code: Code) -> Verdict {
    match result {
        Ok(answer) => Verdict::Wrong(format!("{code:?} was due, and it was answered {answer:?}")),
        Err(status) if status.code() == code && Refusal::from_status(&status).is_none() => Verdict::Answered,
        Err(status) => unexpected(&status),
    }
}

/// The verdict on a call that has to be refused, for this value of the message.
pub(super) fn refused<T: std::fmt::Debug>(result: Result<T, Status>, path: &str, ran: bool) -> Verdict {
    match result {
        Ok(answer) => Verdict::Wrong(format!("a refusal was due for {path}, and it was answered {answer:?}")),
        Err(status) => match Refusal::from_status(&status) {
            Some(refusal)
                if refusal.reason() == Reason::Lossy && refusal.path() == Some(path) && refusal.ran() == ran =>
            {
                Verdict::Refused(path.to_owned())
            }
            _ => unexpected(&status),
        },
    }
}

/// A status that nothing called for. What says that data were lost is a wrong answer that was noticed underway.
fn unexpected(status: &Status) -> Verdict {
    let told = match Refusal::from_status(status) {
        Some(refusal) => format!("refused: {refusal} ({:?})", refusal.path()),
        None => format!("{:?}: {}", status.code(), status.message()),
    };
    if status.code() == Code::DataLoss { Verdict::Wrong(told) } else { Verdict::Failed(told) }
}

/// Whether `heard` is what `caller` has to see of `known`.
pub(super) fn same_item(caller: Version, known: &Known, heard: &Item) -> Result<(), String> {
    let mut expected = caller.sees(&known.item);
    if !known.exact && heard.revision > expected.revision {
        expected.revision = heard.revision;
    }
    if *heard == expected { Ok(()) } else { Err(format!("heard {heard:?} where {expected:?} was due")) }
}

pub(super) fn expect(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}
