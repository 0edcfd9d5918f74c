//! The calls of one service of a version.

use std::collections::BTreeMap;

use prost::Message;

use super::super::Now;
use crate::census::{Entry, Frequent, LONGEST_CALLER};
use crate::control::v1_0_0 as wire;
use crate::version::Version;

/// Most callers that are known by name.
const CALLERS: usize = 256;
/// Most methods, with a label and without, so that a record stays one that can be written.
const ROWS: usize = 4_000;

/// The calls of one service of a version.
pub(in crate::coordinator::core) struct Service {
    /// By method, with a label or without.
    rows: BTreeMap<(String, bool), wire::CensusRow>,
    callers: Frequent<Who>,
    /// How much of what all nodes have forgotten is contained in the errors of its callers.
    contains: u64,
    /// Of its record, when that was written last.
    bytes: usize,
}

/// What a batch says of a caller.
pub(super) struct Calls<'a> {
    pub(super) method: &'a str,
    pub(super) unlabelled: bool,
    pub(super) said: &'a wire::CallerCalls,
}

/// What callers are told apart by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Who {
    caller: String,
    kind: i32,
    method: String,
    unlabelled: bool,
}

impl Service {
    /// Nobody has called it yet: of all that was forgotten so far nothing was of it.
    pub(super) fn new(floor: u64) -> Self {
        Self { rows: BTreeMap::new(), callers: Frequent::new(CALLERS), contains: floor, bytes: 0 }
    }

    pub(super) fn restored(kept: &wire::CensusOfService) -> Self {
        let row = |row: &wire::CensusRow| ((row.method.clone(), row.unlabelled), row.clone());
        let mut service = Self::new(kept.contains);
        service.rows = kept.rows.iter().map(row).collect();
        service.bytes = kept.encoded_len();
        let entry = |caller: &wire::CensusCaller| Entry {
            key: Who {
                caller: caller.caller.clone(),
                kind: caller.kind,
                method: caller.method.clone(),
                unlabelled: caller.unlabelled,
            },
            calls: caller.calls,
            error: caller.error,
            first: caller.first_seen,
            last: caller.last_seen,
        };
        service.callers.add(kept.callers_floor, kept.callers.iter().map(entry));
        service
    }

    /// The methods that were called, with when the last call was, on the watch. One that is called with a label and without comes twice.
    pub(in crate::coordinator::core) fn called(&self) -> impl Iterator<Item = (&str, u64)> {
        self.rows.values().map(|row| (row.method.as_str(), row.last_seen_watched))
    }

    /// Adds what a batch says of a method.
    pub(super) fn add(&mut self, method: &str, said: &wire::CalledMethod, now: Now) {
        let key = (method.to_owned(), said.unlabelled);
        if !self.rows.contains_key(&key) && self.rows.len() >= ROWS {
            return;
        }
        let ago = said.last_ago_microseconds;
        let (last, last_watched) = (now.wall.saturating_sub(ago), now.watched.saturating_sub(ago));
        let row = self.rows.entry(key).or_insert_with(|| wire::CensusRow {
            method: method.to_owned(),
            unlabelled: said.unlabelled,
            first_seen: last,
            ..wire::CensusRow::default()
        });
        for (count, more) in [
            (&mut row.begun, said.begun),
            (&mut row.answered, said.answered),
            (&mut row.failed, said.failed),
            (&mut row.refused, said.refused),
            (&mut row.gone, said.gone),
        ] {
            *count = count.saturating_add(more);
        }
        row.last_seen = row.last_seen.max(last);
        row.last_seen_watched = row.last_seen_watched.max(last_watched);
    }

    /// Adds callers of its methods, each once, after all nodes together had forgotten `before`. Any other one may have made `floor`
    /// calls more.
    pub(super) fn add_callers(&mut self, before: u64, floor: u64, said: Vec<Calls<'_>>, now: Now) {
        let mut entries: BTreeMap<Who, Entry<Who>> = BTreeMap::new();
        for Calls { method, unlabelled, said } in said {
            if said.caller.len() > LONGEST_CALLER {
                continue;
            }
            let key = Who { caller: said.caller.clone(), kind: said.kind, method: method.to_owned(), unlabelled };
            let last = now.wall.saturating_sub(said.last_ago_microseconds);
            let entry = Entry { key: key.clone(), calls: said.calls, error: said.error, first: last, last };
            // What a node says twice is its fault; it counts once.
            entries.insert(key, entry);
        }
        let missed = before.saturating_sub(self.contains);
        if missed > 0 {
            self.callers.add(missed, []);
        }
        self.callers.add(floor, entries.into_values());
        self.contains = before.saturating_add(floor);
    }

    /// About how many bytes its record has.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// This record of it was written.
    pub(super) fn wrote(&mut self, kept: &wire::CensusOfService) {
        self.bytes = kept.encoded_len();
    }

    /// The record of it, when all nodes together have forgotten so much: rows by method, callers by how often they have called.
    pub(super) fn kept(&self, protocol: &str, version: &Version, service: &str, floor: u64) -> wire::CensusOfService {
        let missed = floor.saturating_sub(self.contains);
        // Nobody can have made more calls than there were, whatever a node says.
        let all = self.rows.values().fold(0_u64, |all, row| all.saturating_add(row.begun));
        let caller = |entry: Entry<&Who>| wire::CensusCaller {
            caller: entry.key.caller.clone(),
            kind: entry.key.kind,
            unlabelled: entry.key.unlabelled,
            method: entry.key.method.clone(),
            calls: entry.calls,
            error: entry.error.saturating_add(missed).min(all.saturating_sub(entry.calls)),
            first_seen: entry.first,
            last_seen: entry.last,
        };
        let mut callers: Vec<Entry<&Who>> = self.callers.iter().collect();
        callers.sort_by(|one, other| other.calls.cmp(&one.calls).then_with(|| one.key.cmp(other.key)));
        wire::CensusOfService {
            protocol: protocol.to_owned(),
            version: version.to_string(),
            service: service.to_owned(),
            rows: self.rows.values().cloned().collect(),
            callers: callers.into_iter().map(caller).collect(),
            callers_floor: self.callers.floor().saturating_add(missed).min(all),
            contains: self.contains.max(floor),
        }
    }
}

/// What is asked for of it.
pub(super) fn filtered(
    mut kept: wire::CensusOfService,
    request: &wire::ListCallersRequest,
    now: Now,
) -> wire::CensusOfService {
    let service = kept.service.clone();
    let within = request.within_microseconds;
    let is_wanted = |method: &str, unlabelled: bool| {
        let whole = format!("{service}.{method}");
        let named =
            request.method.is_empty() || whole == request.method || whole.ends_with(&format!(".{}", request.method));
        named && (unlabelled || !request.unlabelled)
    };
    kept.callers.retain(|caller| {
        let recent = within == 0 || caller.last_seen.saturating_add(within) >= now.wall;
        recent && is_wanted(&caller.method, caller.unlabelled) && caller.caller.contains(&request.caller)
    });
    let callers = &kept.callers;
    kept.rows.retain(|row| {
        let called = |caller: &wire::CensusCaller| (&caller.method, caller.unlabelled) == (&row.method, row.unlabelled);
        let recent = within == 0 || row.last_seen_watched.saturating_add(within) >= now.watched;
        recent && is_wanted(&row.method, row.unlabelled) && (request.caller.is_empty() || callers.iter().any(called))
    });
    kept
}
