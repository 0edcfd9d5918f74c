//! What there is to try: messages on their ways between versions.

use std::collections::{BTreeMap, BTreeSet};

use crate::Protocol;
use crate::protocol::plan::{Direction, Use};
use crate::protocol::{Cause, Hop, Method};

/// A message, from one version to another, for one use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// Index of the version that it comes from.
    pub from: usize,
    /// Index of the version that it goes to.
    pub to: usize,
    /// Its full name in each version on the way; at least two.
    pub messages: Vec<String>,
    /// What it is used for.
    pub used: Use,
}

impl Subject {
    /// Its full name in the version that it comes from.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.messages[0]
    }

    /// Its full name in the version that it goes to.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.messages[self.messages.len() - 1]
    }

    /// Up or down.
    #[must_use]
    pub fn direction(&self) -> Direction {
        if self.to > self.from { Direction::Up } else { Direction::Down }
    }

    /// Whether the versions are neighbours.
    #[must_use]
    pub fn is_one_step(&self) -> bool {
        self.from.abs_diff(self.to) == 1
    }

    /// The same message on its way back.
    #[must_use]
    pub fn back(&self) -> Self {
        let messages = self.messages.iter().rev().cloned().collect();
        Self { from: self.to, to: self.from, messages, used: self.used }
    }
}

/// Calls that rules do not carry, so that there is nothing of them to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotTried {
    /// Full name of the method, as the caller has it.
    pub method: String,
    /// Index of the caller's version.
    pub caller: usize,
    /// Index of the node's version.
    pub node: usize,
    /// Why.
    pub because: Because,
}

/// Why calls are not carried by rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Because {
    /// A simulation object answers.
    Code,
    /// The step refuses them, or a version on the way has no such method.
    Refused,
    /// The step does not say what becomes of them.
    Open,
    /// The messages pass as they are.
    Same,
}

/// Everything between these versions, or between any two: what rules carry, and the calls that they do not.
#[must_use]
pub fn subjects(protocol: &Protocol, between: Option<(usize, usize)>) -> (Vec<Subject>, Vec<NotTried>) {
    let versions = protocol.versions().len();
    let all = (0..versions).flat_map(|from| (0..versions).map(move |to| (from, to)));
    let wanted = all.filter(|(from, to)| {
        from != to
            && between.is_none_or(|(one, other)| (*from.min(to), *from.max(to)) == (one.min(other), one.max(other)))
    });
    let (mut found, mut not_tried) = (BTreeSet::new(), Vec::new());
    for (from, to) in wanted {
        for method in 0..protocol.versions()[from].methods().len() {
            match called(protocol, from, method, to) {
                Ok(subjects) => found.extend(subjects),
                Err(because) => {
                    let method = protocol.versions()[from].methods()[method].full_name().to_owned();
                    not_tried.push(NotTried { method, caller: from, node: to, because });
                }
            }
        }
        for message in super::judge::messages(protocol, from) {
            found.extend(stored(protocol, from, message.full_name(), to));
        }
    }
    (found.into_iter().collect(), not_tried)
}

/// The request and the response of a call of this version's method on a node of that version.
fn called(protocol: &Protocol, caller: usize, method: usize, node: usize) -> Result<[Subject; 2], Because> {
    let (mut version, mut method) = (caller, method);
    let mut methods: Vec<&Method> = vec![&protocol.versions()[version].methods()[method]];
    let mut same = true;
    while version != node {
        let (hop, next) = if version < node {
            (&protocol.steps()[version].past()[method], version + 1)
        } else {
            (&protocol.steps()[version - 1].future()[method], version - 1)
        };
        method = match hop {
            Hop::Same { counterpart, .. } => *counterpart,
            Hop::Rules { counterpart, .. } => {
                same = false;
                *counterpart
            }
            Hop::Code { .. } => return Err(Because::Code),
            Hop::Refused(Cause::Open(_)) => return Err(Because::Open),
            Hop::Refused(_) => return Err(Because::Refused),
        };
        version = next;
        methods.push(&protocol.versions()[version].methods()[method]);
    }
    if same {
        return Err(Because::Same);
    }
    let requests = methods.iter().map(|method| method.descriptor().input().full_name().to_owned()).collect();
    let responses = methods.iter().rev().map(|method| method.descriptor().output().full_name().to_owned()).collect();
    Ok([
        Subject { from: caller, to: node, messages: requests, used: Use::Request },
        Subject { from: node, to: caller, messages: responses, used: Use::Response },
    ])
}

/// A message that was kept, if each version on the way has a counterpart of it.
fn stored(protocol: &Protocol, from: usize, message: &str, to: usize) -> Option<Subject> {
    let mut messages = vec![message.to_owned()];
    let mut version = from;
    while version != to {
        let (step, direction, next) = if version < to {
            (version, Direction::Up, version + 1)
        } else {
            (version - 1, Direction::Down, version - 1)
        };
        let counterpart = protocol.steps()[step].plans(direction).counterpart(&messages[messages.len() - 1])?;
        messages.push(counterpart.to_owned());
        version = next;
    }
    Some(Subject { from, to, messages, used: Use::Stored })
}

/// How many calls are not tried, by the reason, and the methods of callers among them.
#[must_use]
pub fn tally(not_tried: &[NotTried]) -> BTreeMap<Because, (usize, BTreeSet<&str>)> {
    let mut tally: BTreeMap<Because, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for each in not_tried {
        let (count, methods) = tally.entry(each.because).or_default();
        *count += 1;
        methods.insert(&each.method);
    }
    tally
}
