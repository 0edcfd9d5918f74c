//! One rule, read and checked: which keys go together, and in which direction it holds.

pub(super) mod read;

use std::collections::BTreeMap;

use toml::{Spanned, Value};

use self::read::Keys;
use super::convert::{Entries, Literal, Options, TextEncoding, TextForm, Unit, UnknownValue, Values};
use super::faults::Faults;
use super::file::{DuplicatesText, EncodingText, LossText, MissingText, RuleText, TextText, UnitText};
use crate::protocol::plan::Direction;

/// Something for each direction.
#[derive(Clone, Debug, Default)]
pub(super) struct Each<T> {
    pub(super) up: T,
    pub(super) down: T,
}

impl<T> Each<T> {
    pub(super) fn of(&self, direction: Direction) -> &T {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }
}

/// Which version a field belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Old,
    New,
}

impl Side {
    /// The direction in which fields of this side are the source.
    pub(super) fn leaves(self) -> Direction {
        match self {
            Self::Old => Direction::Up,
            Self::New => Direction::Down,
        }
    }
}

/// A rule of a message; paths are still text.
#[derive(Clone)]
pub(super) struct Rule {
    pub(super) line: usize,
    pub(super) holds: Each<bool>,
    pub(super) when: Each<Option<String>>,
    pub(super) what: What,
}

#[derive(Clone)]
pub(super) enum What {
    /// Two fields are one.
    Pair { old: String, new: String, options: Box<PairOptions> },
    /// Several strings of one side are one of the other.
    Join { parts: Vec<String>, parts_of: Side, whole: String, separator: String, may_miss: bool },
    /// A field that only one side has always holds this.
    Constant { side: Side, path: String, value: Literal },
    /// A field of the direction's target is made by an expression.
    Expressions { up: Option<(String, String)>, down: Option<(String, String)> },
    /// A field may go, or go when it says nothing.
    Drop { side: Side, path: String, only_empty: bool },
    /// A field or a whole message is refused.
    Refuse { field: Option<(Side, String)>, reason: String, advice: Option<String> },
    /// What becomes of a field that is lost.
    Loss { side: Side, path: String, loss: LossText },
}

/// How the values of two fields relate.
#[derive(Clone, Default)]
pub(super) struct PairOptions {
    general: Options,
    values: Option<Each<Vec<(Literal, Literal)>>>,
    unknown: Each<Option<UnknownValue>>,
    default: Each<Option<Literal>>,
    /// What a field mask speaks of.
    pub(super) mask: Option<String>,
}

impl PairOptions {
    /// What conversion has to know in this direction.
    pub(super) fn of(&self, direction: Direction) -> Options {
        let unknown = || self.unknown.of(direction).clone().unwrap_or(UnknownValue::Refuse);
        let values =
            self.values.as_ref().map(|values| Values { pairs: values.of(direction).clone(), unknown: unknown() });
        Options { values, default: self.default.of(direction).clone(), ..self.general.clone() }
    }

    /// Whether nothing is said but that the fields are one.
    pub(super) fn is_plain(&self) -> bool {
        let Options { ruled: _, encoding, text, number, scale, rounding, unit, values, beyond, entries, default } =
            &self.general;
        let general = encoding.is_none()
            && text.is_none()
            && !number
            && scale.is_none()
            && rounding.is_none()
            && unit.is_none()
            && values.is_none()
            && beyond.is_none()
            && entries.is_none()
            && default.is_none();
        general
            && self.values.is_none()
            && self.default.up.is_none()
            && self.default.down.is_none()
            && self.mask.is_none()
    }
}

/// A rename of a field, as the rule that it is.
pub(super) fn renamed(line: usize, old: &str, new: &str) -> Rule {
    Rule {
        line,
        holds: Each { up: true, down: true },
        when: Each::default(),
        what: What::Pair { old: old.to_owned(), new: new.to_owned(), options: Box::default() },
    }
}

/// Reads a rule; nothing, and faults, where its keys make no sense together.
pub(super) fn read(text: &Spanned<RuleText>, faults: &mut Faults<'_>) -> Option<Rule> {
    let (line, text) = (faults.line_of(text), text.get_ref());
    let mut keys = Keys { text, line, faults, failed: false };
    let what = keys.what();
    let holds = keys.holds(what.as_ref());
    let when = keys.when(&holds, what.as_ref());
    if keys.failed { None } else { Some(Rule { line, holds, when, what: what? }) }
}

/// What the keys for two fields say.
fn pair_options(keys: &mut Keys<'_, '_>) -> PairOptions {
    let text = keys.text;
    let entries = match (&text.key, keys.text_of("value", text.value.as_ref())) {
        (Some(key), Some(value)) => {
            let refuse_duplicates = text.duplicates != Some(DuplicatesText::Last);
            Some(Entries { key: key.clone(), value, refuse_duplicates })
        }
        (Some(_), None) => {
            keys.fault("`key` without `value`", "name the field of the message that holds the value, too");
            None
        }
        (None, _) => {
            keys.goes_with("duplicates", text.duplicates.is_some(), "key");
            None
        }
    };
    keys.goes_with("missing", text.missing.is_some(), "join");
    let has_values = text.values.is_some() || text.values_up.is_some() || text.values_down.is_some();
    if !has_values {
        keys.goes_with("unknown", text.unknown.is_some(), "values");
    }
    PairOptions {
        general: Options {
            ruled: true,
            encoding: text.encoding.map(|encoding| match encoding {
                EncodingText::Base64 => TextEncoding::Base64,
                EncodingText::Base64Url => TextEncoding::Base64Url,
                EncodingText::Hex => TextEncoding::Hex,
                EncodingText::Utf8 => TextEncoding::Utf8,
            }),
            text: text.text.map(|text| match text {
                TextText::Decimal => TextForm::Decimal,
                TextText::Rfc3339 => TextForm::Rfc3339,
            }),
            number: text.number.is_some(),
            scale: keys.scale(),
            rounding: text.rounding.map(Into::into),
            unit: text.unit.map(|unit| match unit {
                UnitText::Seconds => Unit::Seconds,
                UnitText::Millis => Unit::Millis,
                UnitText::Micros => Unit::Micros,
                UnitText::Nanos => Unit::Nanos,
            }),
            values: None,
            beyond: text.beyond.map(Into::into),
            entries,
            default: None,
        },
        values: has_values.then(|| values(keys)),
        unknown: keys.unknown(),
        default: keys.each_literal("default", text.default.as_ref()),
        mask: text.mask.clone(),
    }
}

/// Which value stands for which, per direction.
fn values(keys: &mut Keys<'_, '_>) -> Each<Vec<(Literal, Literal)>> {
    let text = keys.text;
    let both = table(keys, "values", text.values.as_ref());
    let mut back: Vec<(Literal, Literal)> = both.iter().map(|(old, new)| (new.clone(), old.clone())).collect();
    let mut up = both;
    let only_up = table(keys, "values_up", text.values_up.as_ref());
    up.retain(|(old, _)| !only_up.iter().any(|(decided, _)| decided == old));
    up.extend(only_up);
    let down = table(keys, "values_down", text.values_down.as_ref());
    for (index, (new, old)) in back.iter().enumerate() {
        let decided = down.iter().any(|(decided, _)| decided == new);
        if let Some((_, twin)) = back[..index].iter().find(|(other, _)| other == new && !decided) {
            let what = format!("{} and {} both become {}", show(twin), show(old), show(new));
            keys.fault(&what, "say under `values_down` which of them it is on the way down");
        }
    }
    // What is said of one direction goes first.
    back.retain(|(new, _)| !down.iter().any(|(decided, _)| decided == new));
    back.extend(down);
    Each { up, down: back }
}

fn show(literal: &Literal) -> String {
    match literal {
        Literal::Integer(value) => value.to_string(),
        Literal::Float(value) => value.to_string(),
        Literal::Bool(value) => value.to_string(),
        Literal::Text(text) => format!("`{text}`"),
    }
}

fn table(keys: &mut Keys<'_, '_>, key: &str, written: Option<&BTreeMap<String, Value>>) -> Vec<(Literal, Literal)> {
    let mut pairs = Vec::new();
    for (from, to) in written.into_iter().flatten() {
        if let Some(to) = keys.literal(key, to) {
            pairs.push((Literal::Text(from.clone()), to));
        }
    }
    pairs
}

/// Which parts of a string may be missing.
fn may_miss(text: &RuleText) -> bool {
    text.missing == Some(MissingText::Empty)
}
