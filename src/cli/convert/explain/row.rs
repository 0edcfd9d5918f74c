//! One line of an explanation.

use serde_json::Value;

use crate::protocol::plan::Origin;
use crate::refusal::Refusal;

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

/// Marks the field that a message was refused for: that its value cannot be converted shows only when it is tried.
pub(super) fn refused(rows: &mut Vec<Row>, refusal: &Refusal) {
    let how = refusal.message().to_owned();
    let at = refusal.path().unwrap_or_default();
    if let Some(row) = rows.iter_mut().find(|row| row.path.as_deref() == Some(at)) {
        if row.fate != Fate::Refused {
            (row.fate, row.to, row.how) = (Fate::Refused, None, how);
        }
    } else if rows.iter().all(|row| row.fate != Fate::Refused) {
        // Something that is not set, or lies within what passed as a whole.
        let path = refusal.path().map(ToOwned::to_owned);
        let (fate, origin) = (Fate::Refused, Origin::Schema);
        rows.push(Row { path, value: None, fate, to: None, result: None, how, origin });
    }
}
