//! A step: how the methods of two adjacent versions relate.

use std::collections::BTreeSet;

use super::plan::{Direction, Plans};
use super::relate::Difference;
use crate::version::Version;

/// All that relates a version to the one before it.
#[derive(Clone, Debug)]
pub struct Step {
    pub(super) from: Version,
    pub(super) to: Version,
    pub(super) breaking: bool,
    /// One for each method of the older version, in its order.
    pub(super) past: Vec<Hop>,
    /// One for each method of the newer version, in its order.
    pub(super) future: Vec<Hop>,
    /// Messages and enums whose counterpart has another name, as (old, new).
    pub(super) moved: Moved,
    /// What becomes of the older version's messages.
    pub(super) up: Plans,
    /// What becomes of the newer version's messages.
    pub(super) down: Plans,
}

/// Messages and enums whose counterpart has another name.
#[derive(Clone, Debug, Default)]
pub(super) struct Moved {
    by_old: BTreeSet<(String, String)>,
    by_new: BTreeSet<(String, String)>,
}

impl Moved {
    /// What the older version's element may be called in the newer one.
    pub(super) fn new_names<'a>(&'a self, old: &'a str) -> impl Iterator<Item = &'a str> {
        of(&self.by_old, old)
    }

    /// What the newer version's element may have been called in the older one.
    pub(super) fn old_names<'a>(&'a self, new: &'a str) -> impl Iterator<Item = &'a str> {
        of(&self.by_new, new)
    }
}

fn of<'a>(pairs: &'a BTreeSet<(String, String)>, first: &'a str) -> impl Iterator<Item = &'a str> {
    let from = pairs.range((first.to_owned(), String::new())..);
    from.take_while(move |(one, _)| one == first).map(|(_, other)| other.as_str())
}

impl Extend<(String, String)> for Moved {
    /// Takes pairs of (old, new).
    fn extend<I: IntoIterator<Item = (String, String)>>(&mut self, pairs: I) {
        for (old, new) in pairs {
            self.by_new.insert((new.clone(), old.clone()));
            self.by_old.insert((old, new));
        }
    }
}

/// How calls of one method cross a step.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Hop {
    /// No work: the method at this index of the adjacent version answers, as it is.
    Same {
        /// Index into the adjacent version's methods.
        counterpart: usize,
        /// What a newer caller's request can say and the older side passes over, as protobuf does with fields that it
        /// does not know. Across a breaking step this is same only where `step.toml` says so.
        unheard: Vec<Difference>,
    },
    /// The messages are rewritten by the rules of the step, and the method at this index of the adjacent version answers.
    Rules {
        /// Index into the adjacent version's methods.
        counterpart: usize,
        /// Why the method is not *same*.
        differences: Vec<Difference>,
    },
    /// A simulation object answers.
    Code {
        /// Why the method is not *same* by itself; empty when it would be, or when it has no counterpart.
        differences: Vec<Difference>,
    },
    /// The call is refused.
    Refused(Cause),
}

/// Why a hop refuses.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The step says so.
    Declared {
        /// Why, for the caller's developer.
        reason: String,
        /// What the caller can do.
        advice: Option<String>,
    },
    /// The adjacent version has no such method, and the step maps it to none.
    Absent,
    /// The method differs, and the step says nothing about it.
    Open(Vec<Difference>),
}

impl Step {
    /// The older version.
    #[must_use]
    pub fn from(&self) -> &Version {
        &self.from
    }

    /// The newer version.
    #[must_use]
    pub fn to(&self) -> &Version {
        &self.to
    }

    /// Whether the step is breaking: the major number differs (the minor one, under 0.x), a side is a pre-release, or a
    /// method or message of both versions differs in more than additions.
    #[must_use]
    pub fn is_breaking(&self) -> bool {
        self.breaking
    }

    /// Messages and enums whose counterpart has another name, as (old, new).
    #[cfg(feature = "cli")]
    pub(crate) fn moved(&self) -> &BTreeSet<(String, String)> {
        &self.moved.by_old
    }

    /// What becomes of messages that cross the step in this direction.
    #[must_use]
    pub fn plans(&self, direction: Direction) -> &Plans {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }

    /// How calls of the older version's methods reach an object of the newer one; in the order of
    /// [`Schema::methods`](super::Schema::methods).
    #[must_use]
    pub fn past(&self) -> &[Hop] {
        &self.past
    }

    /// How calls of the newer version's methods reach an object of the older one; in the order of
    /// [`Schema::methods`](super::Schema::methods).
    #[must_use]
    pub fn future(&self) -> &[Hop] {
        &self.future
    }
}

/// Whether a step is meant to be breaking, by the numbers of its versions.
pub(crate) fn is_breaking(from: &Version, to: &Version) -> bool {
    let initial = from.major() == 0 && from.minor() != to.minor();
    from.major() != to.major() || initial || from.is_prerelease() || to.is_prerelease()
}
