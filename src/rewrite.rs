//! Rewrites: plans compiled, and run on protobuf bytes.

mod buffer;
mod compile;
mod envelope;
mod failure;
mod fusion;
/// What travels outside of RPC, generated from `proto/straddle`.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    rustdoc::all,
    reason = "written by prost's generator, which does not know our lints"
)]
#[rustfmt::skip]
#[path = "rewrite/generated/straddle.v1.rs"]
mod generated;
mod input;
mod output;
mod run;
mod scalar;
mod swift;
mod table;
mod wire;

use std::sync::Arc;

use bytes::Bytes;
use tonic::Status;

use self::compile::{Hop, OfProtocol};
pub(crate) use self::envelope::Seal;
pub use self::envelope::{Converted, Envelope, EnvelopeError, Opened, Opener};
use self::table::{Action, Program, Words};
use crate::protocol::Protocol;
use crate::protocol::plan::{Direction, Use};
use crate::refusal::Refusal;

/// Messages of one type and version in, of another version out. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Rewrite(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Several hops at once, and the table of the message.
    fused: Option<(Program, usize)>,
    /// Hop by hop.
    program: Program,
    /// The table of the message.
    root: usize,
    target: String,
}

/// How much a rewrite may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Messages within messages, groups included; 100 as prost has it.
    pub depth: usize,
    /// Bytes of output.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 100, output: 64 << 20 }
    }
}

/// A message that was rewritten: parts that follow each other. Large fields that did not change are slices of the input.
#[derive(Clone, Debug, Default)]
pub struct Rewritten {
    parts: Parts,
}

#[derive(Clone, Debug, Default)]
enum Parts {
    #[default]
    None,
    /// Most messages: without memory for a list.
    One(Bytes),
    Many(Vec<Bytes>),
}

impl Rewritten {
    #[cfg(test)]
    pub(crate) fn of(parts: Vec<Bytes>) -> Self {
        Self { parts: Parts::Many(parts) }
    }

    /// The parts, in order.
    #[must_use]
    pub fn parts(&self) -> &[Bytes] {
        match &self.parts {
            Parts::None => &[],
            Parts::One(only) => std::slice::from_ref(only),
            Parts::Many(parts) => parts,
        }
    }

    /// Their lengths together.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts().iter().map(Bytes::len).sum()
    }

    /// Whether the message is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The message as one; copies unless it has one part.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.parts {
            Parts::None => Bytes::new(),
            Parts::One(only) => only,
            Parts::Many(parts) => parts.concat().into(),
        }
    }
}

/// Why a message is not rewritten.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RewriteError {
    /// It holds what the other version cannot express, or the step refuses it.
    #[error("{}", .0.message())]
    Refused(Box<Refusal>),
    /// It is no protobuf of its type.
    #[error("malformed {message} at byte {offset}: {what}")]
    Malformed {
        /// Full name of the message.
        message: String,
        /// Counted from the start of the outermost message. Of what was put together on the way, where that began.
        offset: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// It takes more than [`Limits`] allow.
    #[error("{what}")]
    TooMuch {
        /// Which limit, and what it is.
        what: String,
    },
}

impl From<RewriteError> for Status {
    fn from(error: RewriteError) -> Self {
        match error {
            RewriteError::Refused(refusal) => Status::from(*refusal),
            RewriteError::Malformed { .. } => Status::invalid_argument(error.to_string()),
            RewriteError::TooMuch { .. } => Status::resource_exhausted(error.to_string()),
        }
    }
}

/// Why there is no rewrite for a message.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoRewrite {
    /// The version does not declare the message.
    #[error("{version} declares no message `{message}`")]
    UnknownMessage {
        /// The version.
        version: String,
        /// The message's full name.
        message: String,
    },
    /// A version on the way has no counterpart of it.
    #[error("{version} has no counterpart of `{message}`")]
    Absent {
        /// The version.
        version: String,
        /// The message's full name, in the version before it on the way.
        message: String,
    },
    /// The author of a step still has to say something.
    #[error("the step between {from} and {to} leaves open what becomes of {element}: {what}")]
    Open {
        /// The version on this side.
        from: String,
        /// The version on the other side.
        to: String,
        /// The element.
        element: String,
        /// What is open.
        what: String,
    },
}

impl Rewrite {
    /// Compiles what turns a `message` of the version at index `from` into one of the version at index `to`.
    ///
    /// # Errors
    /// When a version on the way has no counterpart of the message, or a step leaves something open.
    pub fn new(protocol: &Protocol, from: usize, to: usize, message: &str, used: Use) -> Result<Self, NoRewrite> {
        let mut messages = vec![message.to_owned()];
        let direction = if to >= from { Direction::Up } else { Direction::Down };
        for (version, step) in steps(from, direction).take(from.abs_diff(to)) {
            let name = &messages[messages.len() - 1];
            let counterpart = protocol.steps()[step].plans(direction).counterpart(name);
            let Some(counterpart) = counterpart.filter(|_| declares(protocol, version, name)) else {
                return Err(match messages.len() {
                    1 if !declares(protocol, from, name) => unknown(protocol, from, name),
                    _ => NoRewrite::Absent {
                        version: version_name(protocol, next(version, direction)),
                        message: name.clone(),
                    },
                });
            };
            messages.push(counterpart.to_owned());
        }
        Self::along(protocol, from, direction, &messages, used)
    }

    /// Compiles what turns `messages[0]` of the version at index `from` into each of the next `messages` in turn, one
    /// version further each, up or down; what methods need, whose messages may meet under names that are no counterparts
    /// by themselves.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn along(
        protocol: &Protocol,
        from: usize,
        direction: Direction,
        messages: &[String],
        used: Use,
    ) -> Result<Self, NoRewrite> {
        let Some(first) = messages.first().filter(|first| declares(protocol, from, first)) else {
            return Err(unknown(protocol, from, messages.first().map(String::as_str).unwrap_or_default()));
        };
        let hops: Vec<Hop<'_>> = steps(from, direction)
            .take(messages.len() - 1)
            .map(|(version, step)| Hop {
                version,
                plans: protocol.steps()[step].plans(direction),
                words: Words {
                    from: version_name(protocol, version),
                    to: version_name(protocol, next(version, direction)),
                },
            })
            .collect();
        let (program, root) = compile::compile(&hops, messages, &OfProtocol(protocol), used)?;
        let fused = compile::compile_fused(&hops, messages, &OfProtocol(protocol), used)?;
        let target = messages.last().unwrap_or(first).clone();
        Ok(Self(Arc::new(Inner { fused, program, root, target })))
    }

    /// Full name of the message that comes out.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.0.target
    }

    /// Whether messages pass as they are, so that nobody has to look at them.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        matches!(self.0.program.tables[self.0.root].action, Action::Identity)
    }

    /// Rewrites one message.
    ///
    /// # Errors
    /// When the message is refused, malformed, or takes more than `limits` allow.
    pub fn apply(&self, message: &Bytes, limits: &Limits) -> Result<Rewritten, RewriteError> {
        if self.is_identity() && message.len() <= limits.output {
            return Ok(Rewritten { parts: Parts::One(message.clone()) });
        }
        run::run(self.0.fused.as_ref(), &self.0.program, self.0.root, message, limits)
    }

    /// What the tables for several hops at once make of a message; nothing where they leave it to the others. For tests.
    #[doc(hidden)]
    #[must_use]
    pub fn apply_at_once(&self, message: &Bytes, limits: &Limits) -> Option<Rewritten> {
        run::at_once(self.0.fused.as_ref()?, message, limits)
    }

    /// What comes of a message one hop after the other, whatever could be done at once. For tests.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    #[doc(hidden)]
    pub fn apply_hop_by_hop(&self, message: &Bytes, limits: &Limits) -> Result<Rewritten, RewriteError> {
        run::run(None, &self.0.program, self.0.root, message, limits)
    }

    /// What the swift way makes of a message: at once where `at_once`, else hop by hop. Nothing where there is none, or where
    /// it leaves the message to the careful one. For tests.
    #[doc(hidden)]
    #[must_use]
    pub fn apply_swiftly(&self, message: &Bytes, limits: &Limits, at_once: bool) -> Option<Rewritten> {
        let (program, root) = match &self.0.fused {
            Some((program, root)) if at_once => (program, *root),
            _ => (&self.0.program, self.0.root),
        };
        run::swiftly(program, root, message, limits)
    }

    /// What the careful way makes of a message, hop by hop. For tests.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    #[doc(hidden)]
    pub fn apply_carefully(&self, message: &Bytes, limits: &Limits) -> Result<Rewritten, RewriteError> {
        run::carefully(&self.0.program, self.0.root, message, limits)
    }

    /// How many tables there are for several hops at once, and how many more would be such but go in parts. For tests.
    #[doc(hidden)]
    #[must_use]
    pub fn fused_tables(&self) -> (usize, usize) {
        let Some((program, _)) = &self.0.fused else { return (0, 0) };
        let count = |counted: fn(&Action) -> bool| program.tables.iter().filter(|table| counted(&table.action)).count();
        let sequences = count(|action| matches!(action, Action::Sequence(_)));
        (program.tables.len() - sequences, sequences)
    }
}

/// The versions that messages come from on the way, and the indexes of the steps that they cross.
fn steps(from: usize, direction: Direction) -> impl Iterator<Item = (usize, usize)> {
    (0..).map_while(move |hop| match direction {
        Direction::Up => Some((from + hop, from + hop)),
        Direction::Down => from.checked_sub(hop).and_then(|version| Some((version, version.checked_sub(1)?))),
    })
}

fn next(version: usize, direction: Direction) -> usize {
    match direction {
        Direction::Up => version + 1,
        Direction::Down => version.saturating_sub(1),
    }
}

fn declares(protocol: &Protocol, version: usize, message: &str) -> bool {
    protocol.versions()[version].pool().get_message_by_name(message).is_some()
}

fn unknown(protocol: &Protocol, version: usize, message: &str) -> NoRewrite {
    NoRewrite::UnknownMessage { version: version_name(protocol, version), message: message.to_owned() }
}

fn version_name(protocol: &Protocol, version: usize) -> String {
    protocol.versions()[version].version().to_string()
}
