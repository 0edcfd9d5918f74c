//! What a run has seen.

use std::collections::BTreeMap;

use super::attempt::Back;
use super::counterexample::Counterexample;
use super::round_trip::{Reason, Why};
use super::subject::{NotTried, Subject};
use crate::refusal::Refusal;

/// What a run has seen.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The seed, to have the run again.
    pub seed: u64,
    /// What was tried, in the order of versions, messages and uses.
    pub tried: Vec<Tried>,
    /// Calls that rules do not carry.
    pub not_tried: Vec<NotTried>,
    /// Messages that have no rewrite because a step leaves something open.
    pub open: Vec<OpenPoint>,
    /// What failed.
    pub counterexamples: Vec<Counterexample>,
    /// Whether somebody stopped it before all was tried.
    pub stopped: bool,
}

/// A message that a step leaves open.
#[derive(Clone, Debug)]
pub struct OpenPoint {
    /// The message and its way.
    pub subject: Subject,
    /// What is open, for people.
    pub what: String,
}

/// What became of the messages of one way.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The way.
    pub subject: Subject,
    /// How many messages were made.
    pub generated: usize,
    /// How many of these were rewritten.
    pub accepted: usize,
    /// How many were refused.
    pub refused: usize,
    /// How many failed a check.
    pub failed: usize,
    /// How many bytes were no message, where only a panic would be wrong.
    pub unreadable: usize,
    /// Refusals by their reason and the field that they name.
    pub refusals: BTreeMap<(String, String), usize>,
    /// How many came back.
    pub came_back: usize,
    /// How many were refused on their way back.
    pub refused_back: usize,
    /// Fields that came back otherwise than they went, as the rules say that they may.
    pub declared: BTreeMap<(String, Reason), usize>,
    /// Nanoseconds that the engine took, of each message that was rewritten.
    pub nanoseconds: Vec<u64>,
    /// Bytes of each message that was rewritten, before and after.
    pub bytes: Vec<(usize, usize)>,
    /// Whether messages pass as they are, without a look.
    pub is_identity: bool,
}

impl Tried {
    /// Nothing yet.
    #[must_use]
    pub fn new(subject: Subject, is_identity: bool) -> Self {
        Self {
            subject,
            generated: 0,
            accepted: 0,
            refused: 0,
            failed: 0,
            unreadable: 0,
            refusals: BTreeMap::new(),
            came_back: 0,
            refused_back: 0,
            declared: BTreeMap::new(),
            nanoseconds: Vec::new(),
            bytes: Vec::new(),
            is_identity,
        }
    }

    /// A message came through; and this came of it on its way back.
    pub(super) fn note(&mut self, back: Back) {
        match back {
            Back::NotTried => {}
            Back::Refused => self.refused_back += 1,
            Back::Came(differences) => {
                self.came_back += 1;
                for difference in differences {
                    let Some(reason) = difference.reason else { continue };
                    *self.declared.entry((difference.field, reason)).or_default() += 1;
                }
            }
        }
    }

    /// A message was refused.
    pub(super) fn refuse(&mut self, refusal: &Refusal) {
        self.refused += 1;
        let path = without_indexes(refusal.path().unwrap_or_default());
        *self.refusals.entry((refusal.reason().name().to_owned(), path)).or_default() += 1;
    }

    /// How many times a field was dropped, or left out, on the way there or back.
    #[must_use]
    pub fn dropped(&self) -> usize {
        let gone = |why| matches!(why, Why::Dropped | Why::LeftOut);
        self.declared.iter().filter(|((_, reason), _)| gone(reason.why)).map(|(_, count)| count).sum()
    }

    /// The median of what the engine took, in nanoseconds.
    #[must_use]
    pub fn median_nanoseconds(&self) -> Option<u64> {
        median(&self.nanoseconds)
    }

    /// The median of the bytes of messages that were rewritten, before and after.
    #[must_use]
    pub fn median_bytes(&self) -> Option<(usize, usize)> {
        let (before, after): (Vec<usize>, Vec<usize>) = self.bytes.iter().copied().unzip();
        Some((median(&before)?, median(&after)?))
    }
}

/// The path without indexes and keys, which change from message to message.
pub(super) fn without_indexes(path: &str) -> String {
    let mut within = 0_usize;
    let outside = path.chars().filter(|letter| match letter {
        '[' => {
            within += 1;
            false
        }
        ']' if within > 0 => {
            within -= 1;
            false
        }
        _ => within == 0,
    });
    outside.collect()
}

/// The middle one; the lower of two.
pub fn median<T: Copy + Ord>(values: &[T]) -> Option<T> {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) / 2).copied()
}
