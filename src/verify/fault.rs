//! What is wrong with what became of a message.

use std::fmt;

use prost_reflect::DynamicMessage;

use super::report::without_indexes;
use super::same;

/// Something that must not be.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Which check failed.
    pub kind: Kind,
    /// What is wrong, beginning with the field where it lies in one.
    pub what: String,
    /// The field that it lies in, as its message declares it, where that is known.
    pub field: Option<String>,
    /// What should have come out, where that is known.
    pub expected: Option<DynamicMessage>,
    /// What came out, where it can be read.
    pub got: Option<DynamicMessage>,
}

/// The checks that a message can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// What came out is no message of the target version.
    Unreadable,
    /// The plain interpreter makes something else of the message.
    Interpreter,
    /// Only one of the engine and the interpreter refuses the message.
    Refusal,
    /// Several steps at once make something else of the message than one after the other.
    AtOnce,
    /// There and back is not what went in, and no rule says that it may differ.
    RoundTrip,
    /// The engine or the interpreter panicked.
    Panic,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Unreadable, Self::Interpreter, Self::Refusal, Self::AtOnce, Self::RoundTrip, Self::Panic];

    /// Its name, for scripts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Interpreter => "interpreter",
            Self::Refusal => "refusal",
            Self::AtOnce => "at-once",
            Self::RoundTrip => "round-trip",
            Self::Panic => "panic",
        }
    }

    /// What is wrong, for people.
    #[must_use]
    pub fn told(self) -> &'static str {
        match self {
            Self::Unreadable => "what came out cannot be read",
            Self::Interpreter => "the plain interpreter makes something else of it",
            Self::Refusal => "the engine and the plain interpreter do not agree that it is refused",
            Self::AtOnce => "all steps at once make something else of it than one after the other",
            Self::Panic => "the engine or the plain interpreter panicked",
            Self::RoundTrip => "it does not come back as it was, and no rule says that it may differ",
        }
    }
}

impl Fault {
    /// A fault, without the messages.
    #[must_use]
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), field: None, expected: None, got: None }
    }

    /// The same, of a field.
    #[must_use]
    pub fn of(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// The same, with both messages.
    #[must_use]
    pub fn between(self, expected: DynamicMessage, got: DynamicMessage) -> Self {
        self.expected(expected).got(got)
    }

    /// The same, with what should have come out.
    #[must_use]
    pub fn expected(self, expected: DynamicMessage) -> Self {
        Self { expected: Some(expected), ..self }
    }

    /// The same, with what came out.
    #[must_use]
    pub fn got(self, got: DynamicMessage) -> Self {
        Self { got: Some(got), ..self }
    }

    /// Whether the other one is the same fault of a smaller message: the same check failed, in the same field.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.kind == other.kind && self.place() == other.place()
    }

    /// The field that it begins with; indexes and keys change while a message is cut down.
    pub(super) fn place(&self) -> String {
        let outside = without_indexes(&self.what);
        outside.split([':', ' ']).next().unwrap_or_default().to_owned()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.what)?;
        for (name, message) in [("expected", &self.expected), ("got", &self.got)] {
            if let Some(message) = message {
                write!(formatter, "\n  {name:<9} {}", same::shown(message))?;
            }
        }
        Ok(())
    }
}
