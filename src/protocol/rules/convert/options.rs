//! What conversions are told: what a rule says of two fields, and what the step calls messages and enums.

use prost_reflect::{EnumDescriptor, MessageDescriptor};

use crate::protocol::plan::{Beyond, Rounding};

/// What a rule says about two fields, directions sorted out already by the caller.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Options {
    /// Whether a rule names the two fields; then one value may meet several without a word on `beyond`.
    pub(in super::super) ruled: bool,
    /// How text stands for bytes.
    pub(in super::super) encoding: Option<TextEncoding>,
    /// How text stands for another value.
    pub(in super::super) text: Option<TextForm>,
    /// `number = "value"`: an enum meets an integer by its number.
    pub(in super::super) number: bool,
    /// new = old × the first / the second, as declared, whatever the direction.
    pub(in super::super) scale: Option<(i64, i64)>,
    /// What happens to a remainder.
    pub(in super::super) rounding: Option<Rounding>,
    /// What an integer counts.
    pub(in super::super) unit: Option<Unit>,
    /// Which value stands for which.
    pub(in super::super) values: Option<Values>,
    /// Which element of several counts.
    pub(in super::super) beyond: Option<Beyond>,
    /// Where messages hold the keys and values of a map.
    pub(in super::super) entries: Option<Entries>,
    /// What is written where the source is absent.
    pub(in super::super) default: Option<Literal>,
}

/// How text stands for bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum TextEncoding {
    /// RFC 4648, section 4.
    Base64,
    /// RFC 4648, section 5.
    Base64Url,
    /// Two digits a byte.
    Hex,
    /// The bytes are the text.
    Utf8,
}

/// How text stands for another value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum TextForm {
    /// Digits; `true` and `false`; names of enum values.
    Decimal,
    /// A point in time.
    Rfc3339,
}

/// What an integer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Unit {
    /// Seconds.
    Seconds,
    /// Thousandths.
    Millis,
    /// Millionths.
    Micros,
    /// Billionths.
    Nanos,
}

/// A value that a step writes down.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Literal {
    /// An integer.
    Integer(i64),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// Text: also names of enum values, and all keys of tables.
    Text(String),
}

/// Which value stands for which.
#[derive(Clone, Debug)]
pub(in super::super) struct Values {
    /// Source and target. One source with two targets is an error: pairs of one direction have replaced those of both.
    pub(in super::super) pairs: Vec<(Literal, Literal)>,
    /// What becomes of others.
    pub(in super::super) unknown: UnknownValue,
}

/// What becomes of a value that a table lacks.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum UnknownValue {
    /// It is refused.
    Refuse,
    /// It passes as it is.
    Pass,
    /// It becomes this.
    To(Literal),
}

/// Where messages hold the keys and values of a map.
#[derive(Clone, Debug)]
pub(in super::super) struct Entries {
    /// The field that holds the key.
    pub(in super::super) key: String,
    /// The field that holds the value.
    pub(in super::super) value: String,
    /// Whether a key that comes twice refuses; else the last one counts.
    pub(in super::super) refuse_duplicates: bool,
}

/// What the names of a step say of messages and enums.
pub(in super::super) trait Counterparts {
    /// Full name of the target-side message that this source-side message is.
    fn message(&self, source: &str) -> Option<String>;

    /// What `[enums]` and `[rename.values]` say of these enums in this direction.
    fn enum_rules(&self, source: &EnumDescriptor, target: &EnumDescriptor) -> EnumRules;

    /// Whether messages of this pair mean the same bytes in both versions.
    fn is_copy(&self, source: &MessageDescriptor, target: &MessageDescriptor) -> bool;
}

/// What a step says of two enums in one direction.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct EnumRules {
    /// Names of values: source and target. As in [`Values`], pairs of one direction have replaced those of both.
    pub(in super::super) pairs: Vec<(String, String)>,
    /// What becomes of numbers without a name, where the step says.
    pub(in super::super) unknown: Option<UnknownValue>,
}
