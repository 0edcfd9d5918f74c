//! What `step.toml` says about names, fields and enums, as it is written there.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Spanned, Value};

use crate::protocol::plan::{Beyond, Direction, Policies, Policy, Rounding, Use};

/// Old = new, each with its place.
pub(in crate::protocol) type Pairs = BTreeMap<Spanned<String>, Spanned<String>>;

/// `[rename]`: what has another name in the newer version, old = new.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::protocol) struct Rename {
    pub(in crate::protocol) packages: Pairs,
    pub(in crate::protocol) services: Pairs,
    pub(in crate::protocol) methods: Pairs,
    pub(in crate::protocol) messages: Pairs,
    pub(in crate::protocol) enums: Pairs,
    pub(in crate::protocol) fields: Pairs,
    pub(in crate::protocol) values: Pairs,
}

/// What matches fields besides their names.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::protocol) enum Match {
    Name,
    Number,
}

/// The parts of `step.toml` that rules come from.
#[derive(Default)]
pub(in crate::protocol) struct RulesText {
    pub(in crate::protocol) rename: Rename,
    pub(in crate::protocol) matched: Option<Match>,
    pub(in crate::protocol) loss: LossText,
    pub(in crate::protocol) undecided: Vec<Spanned<String>>,
    pub(in crate::protocol) messages: BTreeMap<Spanned<String>, MessageText>,
    pub(in crate::protocol) enums: BTreeMap<Spanned<String>, EnumText>,
}

/// `[messages."…"]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::protocol) struct MessageText {
    pub(in crate::protocol) rules: Vec<Spanned<RuleText>>,
    pub(in crate::protocol) loss: LossText,
    #[serde(rename = "match")]
    pub(in crate::protocol) matched: Option<Match>,
}

/// `[enums."…"]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::protocol) struct EnumText {
    /// Older value = newer value.
    pub(in crate::protocol) values: Pairs,
    /// Older value = newer value, on the way up only.
    pub(in crate::protocol) up: Pairs,
    /// Newer value = older value, on the way down only.
    pub(in crate::protocol) down: Pairs,
    pub(in crate::protocol) unknown: Option<Spanned<Value>>,
}

/// One rule of a message. What each key goes with is checked where rules are read.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::protocol) struct RuleText {
    pub(super) old: Option<Value>,
    pub(super) new: Option<Value>,
    pub(super) direction: Option<DirectionText>,
    #[serde(rename = "use")]
    pub(super) uses: Option<Value>,
    pub(super) when: Option<Value>,
    pub(super) up: Option<String>,
    pub(super) down: Option<String>,
    pub(super) encoding: Option<EncodingText>,
    pub(super) text: Option<TextText>,
    pub(super) number: Option<NumberText>,
    pub(super) scale: Option<Value>,
    pub(super) rounding: Option<RoundingText>,
    pub(super) unit: Option<UnitText>,
    pub(super) money: Option<String>,
    pub(super) values: Option<BTreeMap<String, Value>>,
    pub(super) values_up: Option<BTreeMap<String, Value>>,
    pub(super) values_down: Option<BTreeMap<String, Value>>,
    pub(super) unknown: Option<Value>,
    pub(super) beyond: Option<BeyondText>,
    pub(super) key: Option<String>,
    pub(super) value: Option<Value>,
    pub(super) duplicates: Option<DuplicatesText>,
    pub(super) join: Option<String>,
    pub(super) missing: Option<MissingText>,
    pub(super) mask: Option<String>,
    pub(super) default: Option<Value>,
    pub(super) drop: Option<Value>,
    pub(super) refuse: Option<String>,
    pub(super) advice: Option<String>,
    pub(super) loss: Option<LossText>,
}

/// Policies, as far as they are said.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::protocol) struct LossText {
    request: Option<PolicyText>,
    response: Option<PolicyText>,
    stored: Option<PolicyText>,
    up: Option<OneWayLoss>,
    down: Option<OneWayLoss>,
}

/// Policies of one direction, as far as they are said.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct OneWayLoss {
    request: Option<PolicyText>,
    response: Option<PolicyText>,
    stored: Option<PolicyText>,
}

impl LossText {
    /// What it says of `used` in this direction; what is said of the direction goes first.
    fn says(&self, direction: Direction, used: Use) -> Option<Policy> {
        let one_way = match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        };
        let (ours, general) = match used {
            Use::Request => (one_way.as_ref().and_then(|loss| loss.request), self.request),
            Use::Response => (one_way.as_ref().and_then(|loss| loss.response), self.response),
            Use::Stored => (one_way.as_ref().and_then(|loss| loss.stored), self.stored),
        };
        ours.or(general).map(Policy::from)
    }

    /// `else_` where it says nothing.
    pub(super) fn policies(&self, direction: Direction, else_: Policies) -> Policies {
        let of = |used| self.says(direction, used).unwrap_or(else_.of(used));
        Policies { request: of(Use::Request), response: of(Use::Response), stored: of(Use::Stored) }
    }
}

/// A closed set of words of the file, and what each means.
macro_rules! words {
    ($($(#[$about:meta])* $name:ident { $($word:literal = $variant:ident),+ $(,)? })+) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
        pub(super) enum $name {
            $(#[serde(rename = $word)] $variant),+
        }
    )+};
}

words! {
    DirectionText { "up" = Up, "down" = Down }
    EncodingText { "base64" = Base64, "base64url" = Base64Url, "hex" = Hex, "utf8" = Utf8 }
    TextText { "decimal" = Decimal, "rfc3339" = Rfc3339 }
    NumberText { "value" = Value }
    RoundingText { "refuse" = Refuse, "floor" = Floor, "ceiling" = Ceiling, "nearest" = Nearest, "zero" = Zero }
    UnitText { "s" = Seconds, "ms" = Millis, "us" = Micros, "ns" = Nanos }
    BeyondText { "refuse" = Refuse, "first" = First, "last" = Last }
    DuplicatesText { "refuse" = Refuse, "last" = Last }
    MissingText { "refuse" = Refuse, "empty" = Empty }
    PolicyText { "refuse" = Refuse, "pass" = Pass, "drop" = Drop }
}

impl From<PolicyText> for Policy {
    fn from(text: PolicyText) -> Self {
        match text {
            PolicyText::Refuse => Self::Refuse,
            PolicyText::Pass => Self::Pass,
            PolicyText::Drop => Self::Drop,
        }
    }
}

impl From<RoundingText> for Rounding {
    fn from(text: RoundingText) -> Self {
        match text {
            RoundingText::Refuse => Self::Refuse,
            RoundingText::Floor => Self::Floor,
            RoundingText::Ceiling => Self::Ceiling,
            RoundingText::Nearest => Self::Nearest,
            RoundingText::Zero => Self::Zero,
        }
    }
}

impl From<BeyondText> for Beyond {
    fn from(text: BeyondText) -> Self {
        match text {
            BeyondText::Refuse => Self::Refuse,
            BeyondText::First => Self::First,
            BeyondText::Last => Self::Last,
        }
    }
}

impl From<DirectionText> for Direction {
    fn from(text: DirectionText) -> Self {
        match text {
            DirectionText::Up => Self::Up,
            DirectionText::Down => Self::Down,
        }
    }
}
