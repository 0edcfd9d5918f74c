//! Which way a call takes over the steps of a protocol, hop by hop, without anything that answers it.

use std::path::PathBuf;

use super::super::said::Said;
use crate::check::judge::Spot;
use crate::protocol::{Cause, Hop, Protocol};

/// The way of a call from its caller's version to a node's.
pub(super) struct Course<'p> {
    protocol: &'p Protocol,
    node: usize,
    /// Steps whose rules rewrite it, with the method's place on its caller's side.
    pub(super) ruled: Vec<(usize, usize)>,
    /// The places of version and method at which it ended.
    pub(super) version: usize,
    pub(super) method: usize,
    end: End<'p>,
}

enum End<'p> {
    /// At the object of the node's own version.
    Native,
    /// At a simulation object.
    Code,
    Refused(&'p Cause),
}

/// Why a node does not answer.
pub(super) enum Lack<'p> {
    Refused(&'p Cause),
    /// Code answers, which a program with the version at this place has.
    Program(usize),
}

impl<'p> Course<'p> {
    pub(super) fn new(protocol: &'p Protocol, version: usize, method: usize, node: usize) -> Self {
        let mut course = Self { protocol, node, ruled: Vec::new(), version, method, end: End::Native };
        while course.version != node {
            let (step, next) = (course.step(), course.next());
            let hops = if course.version < node { step.past() } else { step.future() };
            match &hops[course.method] {
                Hop::Same { counterpart, .. } => (course.version, course.method) = (next, *counterpart),
                Hop::Rules { counterpart, .. } => {
                    course.ruled.push((course.at(), course.method));
                    (course.version, course.method) = (next, *counterpart);
                }
                Hop::Code { .. } => {
                    course.end = End::Code;
                    return course;
                }
                Hop::Refused(cause) => {
                    course.end = End::Refused(cause);
                    return course;
                }
            }
        }
        course
    }

    /// What keeps a node from answering that runs a version, with a program that was built with all of these.
    pub(super) fn lacks(&self, node: usize, built: (usize, usize)) -> Option<Lack<'p>> {
        debug_assert_eq!(node, self.node, "a way leads to one version");
        match self.end {
            End::Native => None,
            // A simulation object is of the version that it is reached in.
            End::Code if (built.0..=built.1).contains(&self.version) => None,
            End::Code => Some(Lack::Program(self.at() + 1)),
            End::Refused(cause) => Some(Lack::Refused(cause)),
        }
    }

    /// Why a step refuses it, if one does.
    pub(super) fn refusal(&self) -> Option<&'p Cause> {
        match self.end {
            End::Refused(cause) => Some(cause),
            End::Native | End::Code => None,
        }
    }

    /// Whether it comes to the object of the node's own version.
    pub(super) fn is_native(&self) -> bool {
        matches!(self.end, End::Native)
    }

    /// How it is answered, as others say it.
    pub(super) fn word(&self) -> &'static str {
        match self.end {
            End::Native if self.ruled.is_empty() => "same",
            End::Native => "rules",
            End::Code => "code",
            End::Refused(_) => "refused",
        }
    }

    /// Why it is refused, as a sentence.
    pub(super) fn why(&self, lack: &Lack<'_>) -> String {
        let version = |place: usize| self.protocol.versions()[place].version();
        let step = || format!("the step between {} and {}", version(self.at()), version(self.at() + 1));
        match lack {
            Lack::Program(program) => format!("it takes a program that was built with {}", version(*program)),
            Lack::Refused(Cause::Declared { reason, .. }) => format!("{} refuses it: {reason}", step()),
            Lack::Refused(Cause::Absent) => {
                format!("{} has no such method, and {} says nothing of it", version(self.next()), step())
            }
            Lack::Refused(Cause::Open(_)) => format!("{} leaves open what becomes of it", step()),
        }
    }

    /// The versions of the step at which it ended.
    pub(super) fn versions(&self) -> (String, String) {
        let version = |place: usize| self.protocol.versions()[place].version().to_string();
        (version(self.at()), version(self.at() + 1))
    }

    /// Where `step.toml` says what becomes of it.
    pub(super) fn spot(&self) -> Option<Spot> {
        let source = &self.protocol.sources()[self.at() + 1];
        let method = &self.protocol.versions()[self.version].methods()[self.method];
        let side = if self.version < self.node { "past" } else { "future" };
        let said = Said::read(source);
        let line = said.of_method(side, method.full_name(), method.service());
        let spot = |(file, line): (PathBuf, usize)| Spot { file, line: Some(line), column: 1, end: None };
        let whole = || Some(Spot { file: source.step.as_ref()?.0.clone(), line: None, column: 1, end: None });
        line.and_then(|line| said.at(line)).map(spot).or_else(whole)
    }

    /// The place of the step that is next on its way.
    fn at(&self) -> usize {
        if self.version < self.node { self.version } else { self.version.saturating_sub(1) }
    }

    fn next(&self) -> usize {
        if self.version < self.node { self.version + 1 } else { self.version.saturating_sub(1) }
    }

    fn step(&self) -> &'p crate::protocol::Step {
        &self.protocol.steps()[self.at()]
    }
}
