//! How much operators may ask for, so that no record is larger than a store takes.

use std::collections::{BTreeSet, HashMap};

use prost::Message;

use super::fleet::Waits;
use super::{Ask, Denied, Reason};
use crate::control::v1_0_0 as wire;
use crate::coordinator::database::LARGEST_VALUE;

/// The most bytes of one request, encoded.
const LARGEST_REQUEST: usize = 512 * 1024;
/// The most bytes of an upgrade's record, as far as operators make it grow. What is left of a value is for what comes by itself:
/// marks, the envelope, how it has ended.
const LARGEST_UPGRADE: usize = LARGEST_VALUE - 128 * 1024;
/// The most bytes of what its schedules remember, and what each of it takes beside its name.
const LARGEST_MARKS: usize = 96 * 1024;
const MARK: usize = 16;
/// The most methods that an upgrade may accept, and the most callers that it may declare.
const MOST_NAMED: usize = 10_000;

impl Ask {
    /// Whether it can be dealt with at all. Bundles have limits of their own.
    pub(super) fn is_within_size(&self) -> Result<(), Denied> {
        match self {
            Self::Publish(_) => Ok(()),
            Self::Start(request) => within(request),
            Self::Pause(request) => within(request),
            Self::Resume(request) => within(request),
            Self::RollBack(request) => within(request),
            Self::Finalize(request) => within(request),
            Self::ChangeLimits(request) => within(request),
            Self::LetGo(request) => within(request),
            Self::Forget(request) => within(request),
            Self::Retire(request) => within(request),
            Self::Unretire(request) => within(request),
            Self::Announce(request) => within(request),
        }
    }
}

/// Whether a request can be dealt with at all.
pub(super) fn within(request: &impl Message) -> Result<(), Denied> {
    let bytes = request.encoded_len();
    if bytes <= LARGEST_REQUEST {
        return Ok(());
    }
    let what = format!("the request has {bytes} bytes, and may have {LARGEST_REQUEST}");
    Err(invalid(what, "name fewer methods, callers or nodes at once"))
}

/// Whether an upgrade can be kept as it would be.
pub(super) fn keeps(stored: &wire::StoredUpgrade) -> Result<(), Denied> {
    if stored.accepted.len() > MOST_NAMED || stored.callers.len() > MOST_NAMED {
        let what =
            format!("an upgrade accepts at most {MOST_NAMED} methods, and declares at most {MOST_NAMED} callers");
        return Err(invalid(what, "name fewer; a caller's version without methods stands for all of them"));
    }
    let bytes = stored.encoded_len();
    if bytes <= LARGEST_UPGRADE {
        return Ok(());
    }
    let what = format!("all that this upgrade names would have {bytes} bytes, and may have {LARGEST_UPGRADE}");
    Err(invalid(what, "name fewer methods, callers or nodes: a schedule lets nodes go without their names"))
}

/// Whether the marks of an upgrade's schedules can be kept, with those that are new; else why nobody goes on. They come by
/// themselves, and are kept in the record beside what operators have named.
pub(super) fn remembers(kept: &HashMap<String, u64>, new: &[(String, u64)]) -> Result<(), Waits> {
    let more: BTreeSet<&String> = new.iter().map(|(mark, _)| mark).filter(|mark| !kept.contains_key(*mark)).collect();
    let bytes: usize = kept.keys().chain(more).map(|mark| mark.len() + MARK).sum();
    if bytes <= LARGEST_MARKS {
        return Ok(());
    }
    let what = format!("the schedule wants to remember {bytes} bytes, and may {LARGEST_MARKS}");
    Err(Waits::new("schedule-size", what, "take it back, and begin anew with a label of fewer values, or fewer stages"))
}

fn invalid(what: String, advice: &str) -> Denied {
    Denied { reason: Reason::Invalid, what, advice: advice.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_schedules_remember_is_bounded_and_what_is_known_counts_once() {
        let mark = |number: usize| (format!("{number:0>112}"), 7);
        let most = LARGEST_MARKS / 128;
        let kept: HashMap<String, u64> = (0..most).map(mark).collect();
        assert_eq!(remembers(&kept, &[mark(0), mark(most - 1)]), Ok(()));
        let waits = remembers(&kept, &[mark(0), mark(most)]).unwrap_err();
        assert_eq!(
            (waits.rule, &*waits.what),
            ("schedule-size", "the schedule wants to remember 98432 bytes, and may 98304")
        );
    }

    #[test]
    fn what_several_requests_name_is_bounded_together() {
        let let_go = |nodes: usize| vec!["n".repeat(128); nodes];
        let named = |nodes| wire::StoredUpgrade { let_go: let_go(nodes), ..wire::StoredUpgrade::default() };
        assert!(keeps(&named(6900)).is_ok());
        let denied = keeps(&named(7000)).unwrap_err();
        assert_eq!(denied.reason, Reason::Invalid);
        let accepted = vec![String::new(); MOST_NAMED + 1];
        assert!(keeps(&wire::StoredUpgrade { accepted, ..wire::StoredUpgrade::default() }).is_err());
    }
}
