//! Of which time a node's calls are known.

use super::super::Now;
use crate::control::v1_0_0 as wire;

/// Most gaps of a node.
const GAPS: usize = 32;

/// A node says Hello a moment before it begins to count, or after: so far apart these two may be, in microseconds.
const UNNOTICED: u64 = 60_000_000;

/// Where a batch belongs.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It was taken already.
    Taken,
    /// Right behind the one before, or the first of all.
    Next,
    /// Something is missing before it.
    Behind(&'static str),
}

impl Place {
    pub(super) fn of(kept: Option<&wire::CensusNode>, instance: &str, number: u64) -> Self {
        let Some(kept) = kept else {
            let begins = number == 1;
            return if begins {
                Self::Next
            } else {
                Self::Behind("what it has told before was told to another coordinator")
            };
        };
        if kept.instance == instance {
            return match number.checked_sub(kept.number) {
                None | Some(0) => Self::Taken,
                Some(1) => Self::Next,
                Some(_) => Self::Behind("what it has told in between is lost"),
            };
        }
        match (kept.closed, number) {
            (true, 1) => Self::Next,
            (false, 1) => Self::Behind("its program ended without telling its last calls"),
            _ => Self::Behind("what it has told before was told to another coordinator"),
        }
    }
}

/// A node of which nothing is known.
pub(super) fn unknown(protocol: &str, name: &str) -> wire::CensusNode {
    wire::CensusNode { protocol: protocol.to_owned(), node: name.to_owned(), ..wire::CensusNode::default() }
}

/// What a node's stream shows of when a batch was closed, on the watch. A message may have been on its way for long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    /// When the stream began: what is said on it was said later.
    pub(super) begun: u64,
    /// The batch that was taken last on it, and when: the next one is closed after that.
    pub(super) taken: Option<(u64, u64)>,
}

impl Heard {
    /// The moment up to which a batch tells all calls at least; `before` is that of the one before, where this one is right behind it.
    fn least(self, before: Option<u64>, said: &wire::Census) -> u64 {
        let length = said.from_ago_microseconds.saturating_sub(said.until_ago_microseconds);
        let by_length = before.map(|before| before.saturating_add(length));
        // The last batch does not wait until the one before is taken, and one without a length is of the time of the next.
        let waited = !said.last && length > 0;
        let by_turn = self.taken.filter(|(number, _)| waited && number + 1 == said.number).map(|(_, at)| at);
        let by_stream = self.begun.saturating_sub(said.until_ago_microseconds);
        by_length.into_iter().chain(by_turn).fold(by_stream, u64::max)
    }
}

/// The node's calls are known up to the end of this batch.
pub(super) fn advance(
    node: &mut wire::CensusNode,
    place: &Place,
    instance: &str,
    said: &wire::Census,
    heard: Heard,
    now: Now,
) {
    let from_ago = said.from_ago_microseconds.max(said.until_ago_microseconds);
    let (from, from_watched) = (now.wall.saturating_sub(from_ago), now.watched.saturating_sub(from_ago));
    let is_first = node.instance.is_empty();
    if is_first {
        (node.from, node.from_watched) = (from, from_watched);
    }
    if let Place::Behind(why) = place {
        // Before the first of all nothing was known of the node at all; how long it was there nobody can say.
        let (since, since_watched) = if is_first { (from, from_watched) } else { (node.until, node.until_watched) };
        miss(node, (since, since_watched), (from.max(since), from_watched.max(since_watched)), why);
    }
    let goes_on = *place == Place::Next && node.instance == instance;
    let least = heard.least(goes_on.then_some(node.until_watched), said);
    let most = now.watched.saturating_sub(said.until_ago_microseconds);
    node.until_watched = least.min(most).max(node.until_watched);
    node.until = now.wall.saturating_sub(said.until_ago_microseconds).max(node.until);
    instance.clone_into(&mut node.instance);
    node.number = said.number;
    node.closed = said.last;
    node.forgotten = false;
}

/// That the node was there before its calls were counted, as far as that is not long ago: not before `begins` on the watch.
pub(in crate::coordinator::core) fn before_it_was_counted(
    kept: &wire::CensusNode,
    node: &wire::StoredNode,
    begins: u64,
) -> Option<String> {
    let (first, from) = (node.first_seen, kept.from);
    let was_there = first > 0 && first.saturating_add(UNNOTICED) < from && kept.from_watched > begins;
    was_there.then(|| format!("{} was there before its calls were counted", kept.node))
}

/// Nothing more is awaited of it.
pub(super) fn forget(node: &mut wire::CensusNode, now: Now) {
    if !node.closed {
        let known = (node.until, node.until_watched);
        miss(node, known, (now.wall.max(node.until), now.watched), "it was forgotten: nobody knows what it did since");
        (node.until, node.until_watched) = (now.wall.max(node.until), now.watched);
    }
    node.forgotten = true;
}

/// Nothing is known from then to then: each on the clock and on the watch.
fn miss(node: &mut wire::CensusNode, from: (u64, u64), until: (u64, u64), why: &str) {
    node.gaps.push(wire::CensusGap {
        from: from.0,
        from_watched: from.1,
        until: until.0,
        until_watched: until.1,
        why: why.to_owned(),
    });
    if node.gaps.len() > GAPS {
        let first = node.gaps.remove(0);
        let second = &mut node.gaps[0];
        (second.from, second.from_watched) = (first.from, first.from_watched);
        "several times, of which the first ones are told as one".clone_into(&mut second.why);
    }
}
