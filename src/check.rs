//! What a change of protos means: each difference between two versions, by the rule that it breaks.
//!
//! Two stages, each with its own words:
//!
//! 1. [`compare`] looks at two [`Image`]s only, and finds [`Difference`]s. Its rules carry the ids and the categories of
//!    Buf (<https://buf.build/docs/breaking/rules/>), so that whoever knows `buf breaking` knows what is meant; what Buf
//!    is silent on has rules of our own, in the category [`Category::Straddle`].
//! 2. `judge` holds differences against the protocol's steps, and gives each a [`Verdict`].
//!
//! [`compare`]: compare::compare

pub mod compare;
pub mod image;
pub(crate) mod judge;
pub(crate) mod lock;
pub(crate) mod moved;
pub(crate) mod paths;
pub(crate) mod report;
pub mod rule;

use std::path::PathBuf;

pub use self::image::Image;
pub use self::rule::{Category, Rule};

/// One difference between two versions that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The rule.
    pub rule: &'static Rule,
    /// Where: in the newer version, or in the older one where the newer has no such place.
    pub place: Option<Place>,
    /// The full name of the element, as the newer version has it, or the older one where it is gone:
    /// `shop.v1.Item.price`, `shop.v1.State.GONE`, `shop.v1.Shop.Buy`; a file's name for rules of files.
    pub element: String,
    /// The full name of the message, enum or service that the finding is listed under; the file for rules of files.
    pub group: String,
    /// What differs, as a sentence without its full stop.
    pub what: String,
    /// What becomes of data in flight.
    pub effect: Effect,
}

/// A place in a proto file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as imports name it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// The column behind the last character, where it ends on the same line.
    pub end: Option<usize>,
    /// Which of the two versions the file belongs to.
    pub side: Side,
}

/// One of the two versions that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The older one.
    Old,
    /// The newer one.
    New,
}

/// What readers see, as sentences for people, when nothing stands between two versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// What an old reader sees of new bytes.
    pub old_reader: String,
    /// What a new reader sees of old bytes.
    pub new_reader: String,
}

/// What becomes of a difference between two adjacent versions of a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Both sides read each other's bytes with the same meaning.
    Compatible,
    /// Rules or code stand between; by what, such as `rules (step.toml:12)` or `code of shop.v1.Shop.Buy`.
    Bridged {
        /// By what.
        by: String,
        /// Where it is said, if it is said.
        at: Option<(PathBuf, usize)>,
    },
    /// The step refuses it, saying why.
    Refused {
        /// Why.
        reason: String,
    },
    /// Nobody has said yet what it means. The check fails.
    Open {
        /// What to say, and where.
        advice: String,
    },
}
