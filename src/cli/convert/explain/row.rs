//! One line of an explanation.

use serde_json::Value;

use crate::protocol::plan::Origin;

/// What became of one field, or where one came from.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The field of the source, from the outermost message on, with `[2]` for an element and `["key"]` for an entry; none
    /// where something was made of nothing.
    pub(super) path: Option<String>,
    /// What it held.
    pub(super) value: Option<Value>,
    pub(super) fate: Fate,
    /// The field of the target.
    pub(super) to: Option<String>,
    /// What that holds; none where it is absent or the message was refused.
    pub(super) result: Option<Value>,
    /// How, or why.
    pub(super) how: String,
    pub(super) origin: Origin,
}

/// What can become of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its value is in the target, as it is or converted.
    Moved,
    /// Something was made of it, together with others or by an expression.
    Read,
    /// It is in the target without having been in the source.
    Made,
    /// It is in the target under its number, as an unknown field.
    Passed,
    /// It is not in the target.
    Dropped,
    /// The message is refused because of it.
    Refused,
    /// No part of the plan speaks of it.
    Unsaid,
}

impl Fate {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::Read => "read",
            Self::Made => "made",
            Self::Passed => "passed",
            Self::Dropped => "dropped",
            Self::Refused => "refused",
            Self::Unsaid => "unsaid",
        }
    }
}
