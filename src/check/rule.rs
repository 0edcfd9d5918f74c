//! The rules: their ids, their categories, and what they say.

/// A kind of difference that breaks somebody.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// The id, as Buf has it: `FIELD_SAME_TYPE`.
    pub id: &'static str,
    /// The categories that it belongs to.
    pub categories: &'static [Category],
    /// What it checks, as a sentence.
    pub purpose: &'static str,
}

/// Who is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Readers of the bytes.
    Wire,
    /// Readers of the bytes or of the JSON mapping.
    WireJson,
    /// Generated code, by package.
    Package,
    /// Generated code, by file.
    File,
    /// What no rule of Buf tells of, such as an enum value that moved to another number.
    Straddle,
}

/// All rules, in the order of their ids.
pub const RULES: &[Rule] = &[];
