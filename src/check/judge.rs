//! What becomes of the differences between two adjacent versions, held against the step between them.
//!
//! A difference matters where messages cross the step: in the requests and responses of methods, and in messages that
//! were stored. So each difference is traced to the methods that it reaches ([`reach`]), and to what the step's plans make
//! of its field ([`evidence`]); the worst of what these say is its verdict ([`verdict`]). What is open beyond any
//! difference, what can be lost, and what may be refused too late are findings of their own.

mod bump;
mod evidence;
mod finding;
pub(crate) mod fleet;
mod losses;
mod methods;
mod packages;
mod reach;
mod refusing;
mod said;
mod spots;
mod subject;
mod told;
mod verdict;

use std::path::PathBuf;

pub(crate) use self::bump::{Bump, Change};
pub(crate) use self::finding::{Finding, Level, OWN_RULES, Spot, own};
pub(crate) use self::losses::Lost;
use self::reach::Reach;
pub(crate) use self::refusing::Refusing;
use self::said::Said;
pub(crate) use self::told::{Element, together};
use super::{Difference, Image};
use crate::protocol::plan::Direction;
use crate::protocol::{Protocol, Schema, Step};

/// Two adjacent versions of a protocol, as they were loaded and as they were written.
pub(crate) struct Pair<'a> {
    /// Both versions and what comes before them.
    pub(crate) protocol: &'a Protocol,
    /// The index of the older one.
    pub(crate) index: usize,
    /// The protos of the older one.
    pub(crate) old: &'a Image,
    /// The protos of the newer one.
    pub(crate) new: &'a Image,
    /// What to call the two.
    pub(crate) names: (String, String),
    /// Packages that are taken to be one another, though nobody said so, as (old, new).
    pub(crate) guessed: Vec<(String, String)>,
    /// Where `step.toml` is or would be; none where no step can be declared.
    pub(crate) step_file: Option<PathBuf>,
}

/// A step, judged.
pub(crate) struct Judged {
    /// What the two versions are called.
    pub(crate) names: (String, String),
    /// The change of the version's number: declared, and needed.
    pub(crate) bump: Bump,
    /// What has no counterpart, and what becomes of it.
    pub(crate) losses: Vec<Lost>,
    /// What has a counterpart, but not each of its values.
    pub(crate) refusing: Vec<Refusing>,
    /// All findings, the worst first within each group.
    pub(crate) findings: Vec<Finding>,
}

/// What goes by another name in the newer version, as (old, new): what a comparison is to take for one and the same.
pub(crate) fn renamed(protocol: &Protocol, index: usize) -> Vec<(String, String)> {
    let said = Said::read(&protocol.sources()[index + 1]);
    let mut renamed: Vec<(String, String)> = ["packages", "services", "methods", "messages", "enums"]
        .into_iter()
        .flat_map(|kind| said.renames(kind))
        .chain(protocol.steps()[index].moved().iter().cloned())
        .collect();
    renamed.sort();
    renamed.dedup();
    renamed
}

/// Judges the differences between two adjacent versions, and what was added.
pub(crate) fn step(pair: &Pair<'_>, differences: Vec<Difference>, additions: Vec<Difference>) -> Judged {
    let judge = Judge::new(pair);
    let mut claimed = methods::Claimed::default();
    let mut findings: Vec<Finding> =
        differences.into_iter().map(|difference| judge.difference(difference, &mut claimed)).collect();
    // Additions need no bump by themselves: where older callers notice one, a method of theirs is not the same.
    let bump = Bump::of(pair, &findings);
    findings.extend(additions.into_iter().map(|addition| judge.difference(addition, &mut claimed)));
    findings.extend(judge.open_methods(&claimed));
    findings.extend(judge.late_refusals());
    findings.extend(judge.moved_packages());
    findings.extend(bump.finding(pair));
    finding::sort(&mut findings);
    let (losses, refusing) = (losses::of(pair.protocol, pair.index), refusing::of(pair.protocol, pair.index));
    Judged { names: pair.names.clone(), bump, losses, refusing, findings }
}

/// All that a difference is held against.
struct Judge<'a> {
    pair: &'a Pair<'a>,
    step: &'a Step,
    old: &'a Schema,
    new: &'a Schema,
    said: Said,
    old_names: subject::Names,
    new_names: subject::Names,
    of_old: Reach,
    of_new: Reach,
    plans: evidence::Index<'a>,
}

impl<'a> Judge<'a> {
    fn new(pair: &'a Pair<'a>) -> Self {
        let (old, new) = (&pair.protocol.versions()[pair.index], &pair.protocol.versions()[pair.index + 1]);
        let step = &pair.protocol.steps()[pair.index];
        Self {
            pair,
            step,
            old,
            new,
            said: Said::read(&pair.protocol.sources()[pair.index + 1]),
            old_names: subject::names(old, &renamed(pair.protocol, pair.index)),
            new_names: subject::names(new, &[]),
            of_old: Reach::new(old),
            of_new: Reach::new(new),
            plans: evidence::Index::new(pair.protocol, pair.index),
        }
    }

    /// The calls of one side: its name in `step.toml`, the version of its callers, and that of the node.
    fn side(&self, direction: Direction) -> (&'static str, &'a Schema, &'a Schema) {
        match direction {
            Direction::Up => ("past", self.old, self.new),
            Direction::Down => ("future", self.new, self.old),
        }
    }

    /// Where to write what nobody has said yet.
    fn where_to_write(&self) -> String {
        match &self.pair.step_file {
            Some(file) => format!("in {}", super::paths::shown(file)),
            None => "in the step.toml of a protocol: two plain folders have none (straddle add)".to_owned(),
        }
    }

    fn names(&self) -> (String, String) {
        self.pair.names.clone()
    }
}

#[cfg(test)]
mod tests;
