//! There and back across one step: what comes back, and what the rules say of how it may differ.
//!
//! Both messages are walked side by side, field by field, along the two plans that made the second of the first. Each
//! field that differs needs a reason that stands in the plans: a drop, a loss that the step lets go, a value that stands
//! for several, a default, an expression. What differs without a reason is a fault.

mod reasons;
mod values;

use std::collections::BTreeSet;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage, Value};

use super::judge::Known;
use super::same::{self, Knowledge};
use crate::Protocol;
use crate::protocol::plan::{Conversion, Direction, MessagePlan, Plans, Use, ValueConversion};

/// One step, there and back.
pub struct RoundTrip<'a> {
    /// The protocol.
    pub protocol: &'a Protocol,
    /// Index of the version that messages come from and come back to.
    pub from: usize,
    /// Index of the version beside it.
    pub to: usize,
    /// What the messages are used for.
    pub used: Use,
    /// What comparisons of messages of the version `from` know besides.
    pub known: &'a Known<'a>,
}

/// A field that did not come back as it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The field, with the indexes and keys on the way.
    pub path: String,
    /// The field as its message declares it, such as `shop.v1.Item.price`.
    pub field: String,
    /// What went, and what came back.
    pub what: String,
    /// Why it may differ; without a reason it must not.
    pub reason: Option<Reason>,
}

/// Why a field may come back otherwise than it went.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason {
    /// What the rules say.
    pub why: Why,
    /// The line of `step.toml`, if it is said there.
    pub line: Option<usize>,
}

/// The reasons that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// It is dropped.
    Dropped,
    /// A response goes without it, because its number means something else in another version.
    LeftOut,
    /// It passes, and comes back as a field that the version does not know.
    Unknown,
    /// A remainder is rounded.
    Rounded,
    /// Several values become one.
    Merged,
    /// A number without a name passes, and the other version may have a name for it.
    Passed,
    /// One value can be written in several ways.
    Spelling,
    /// Only one of several elements counts.
    Beyond,
    /// Of two entries with one key the last one counts.
    Duplicate,
    /// A default is written where it is absent.
    Default,
    /// The other version cannot tell a zero from an absent field.
    Presence,
    /// An arm of a oneof that the version knows goes before one that it does not know.
    Arm,
    /// A constant.
    Constant,
    /// An expression makes it, or of it.
    Expression,
    /// A rule that moves it has a condition.
    Condition,
    /// The paths of a mask follow fields that part or meet.
    Mask,
}

impl Why {
    /// The reason, for people.
    #[must_use]
    pub fn told(self) -> &'static str {
        match self {
            Self::Dropped => "dropped",
            Self::LeftOut => "left out of a response",
            Self::Unknown => "comes back as an unknown field",
            Self::Rounded => "rounded",
            Self::Merged => "several values become one",
            Self::Passed => "a number without a name passes",
            Self::Spelling => "one value, written in several ways",
            Self::Beyond => "one of several elements counts",
            Self::Duplicate => "the last of several entries counts",
            Self::Default => "a default where it is absent",
            Self::Presence => "a zero is not told from an absent field",
            Self::Arm => "a known arm goes before an unknown one",
            Self::Constant => "a constant",
            Self::Expression => "an expression",
            Self::Condition => "a condition",
            Self::Mask => "a mask follows its fields",
        }
    }
}

/// The plans of one message, there and back.
#[derive(Clone, Copy)]
struct Pair<'a> {
    there: &'a MessagePlan,
    back: &'a MessagePlan,
}

impl<'a> RoundTrip<'a> {
    /// Where the message that came back differs from the one that went; `messages` are its full names on both sides.
    #[must_use]
    pub fn differences(&self, messages: [&str; 2], went: &DynamicMessage, came: &DynamicMessage) -> Vec<Difference> {
        let mut found = Vec::new();
        self.message(self.pair(messages[0], messages[1]), &[], "", (went, came), &mut found);
        found
    }

    fn plans(&self, from: usize, to: usize) -> &'a Plans {
        let direction = if to > from { Direction::Up } else { Direction::Down };
        self.protocol.steps()[from.min(to)].plans(direction)
    }

    fn pair(&self, source: &str, target: &str) -> Option<Pair<'a>> {
        let there = self.plans(self.from, self.to).get(source, target, self.used)?;
        let back = self.plans(self.to, self.from).get(target, source, self.used)?;
        Some(Pair { there, back })
    }

    /// The fields of the message at `path` of the message that the plans are for.
    fn message(
        &self,
        pair: Option<Pair<'a>>,
        path: &[FieldDescriptor],
        at: &str,
        (went, came): (&DynamicMessage, &DynamicMessage),
        found: &mut Vec<Difference>,
    ) {
        if went.descriptor().full_name() == "google.protobuf.Any"
            && let (Some(one), Some(other)) = (self.known.any_content(went), self.known.any_content(came))
            && one.descriptor() == other.descriptor()
        {
            return self.content(at, (&one, &other), found);
        }
        for field in went.descriptor().fields() {
            if let Some(what) = same::field_difference(went, came, &field, self.known) {
                let path: Vec<FieldDescriptor> = path.iter().cloned().chain([field.clone()]).collect();
                let at = if at.is_empty() { field.name().to_owned() } else { format!("{at}.{}", field.name()) };
                let what = what.strip_prefix(field.name()).unwrap_or(&what).to_owned();
                self.field(pair, &path, &at, (went, came), what, found);
            }
        }
        for number in same::unknown_numbers(went, came) {
            if let Some(what) = same::unknown_difference_at(went, came, number, self.known) {
                let name = went.descriptor().full_name().to_owned();
                found.push(Difference {
                    path: if at.is_empty() { format!("#{number}") } else { format!("{at}.#{number}") },
                    field: format!("{name}.#{number}"),
                    what,
                    reason: pair.and_then(|pair| self.unknown_reason(pair, path, (went, came), number)),
                });
            }
        }
    }

    /// What an `Any` holds, whatever it lies in.
    fn content(&self, at: &str, (went, came): (&DynamicMessage, &DynamicMessage), found: &mut Vec<Difference>) {
        let descriptor = went.descriptor();
        let name = descriptor.full_name();
        let counterpart = self.plans(self.from, self.to).counterpart(name);
        let pair = counterpart.and_then(|counterpart| self.pair(name, counterpart));
        let at = if at.is_empty() { "value".to_owned() } else { format!("{at}.value") };
        self.message(pair, &[], &at, (went, came), found);
    }

    /// A field that differs.
    fn field(
        &self,
        pair: Option<Pair<'a>>,
        path: &[FieldDescriptor],
        at: &str,
        (went, came): (&DynamicMessage, &DynamicMessage),
        what: String,
        found: &mut Vec<Difference>,
    ) {
        let field = &path[path.len() - 1];
        let set = |message: &DynamicMessage| message.has_field(field).then(|| message.get_field(field).into_owned());
        let (one, other) = (set(went), set(came));
        let reason = pair.and_then(|pair| self.reason(pair, path, one.as_ref(), other.as_ref()));
        let before = found.len();
        if reason.is_none()
            && let (Some(one), Some(other)) = (&one, &other)
        {
            self.within(pair, path, at, (one, other), found);
        }
        if found.len() == before {
            let known = values::unknown_bytes(one.as_ref()) == values::unknown_bytes(other.as_ref());
            let what = if known { what } else { format!("{what}, with fields that its version does not know") };
            let name = field.full_name().to_owned();
            found.push(Difference { path: at.to_owned(), field: name, what, reason });
        }
    }

    /// What lies in a field that differs, where that says it more exactly.
    fn within(
        &self,
        pair: Option<Pair<'a>>,
        path: &[FieldDescriptor],
        at: &str,
        values: (&Value, &Value),
        found: &mut Vec<Difference>,
    ) {
        match values {
            (Value::Message(one), Value::Message(other)) => {
                if pair.is_some_and(|pair| pair.parts(path)) {
                    self.message(pair, path, at, (one, other), found);
                } else {
                    self.message(self.of_field(pair, path), &[], at, (one, other), found);
                }
            }
            (Value::List(list), Value::List(other_list)) if list.len() == other_list.len() => {
                if self.known.comes_in_any_order(&path[path.len() - 1]) {
                    return;
                }
                let inner = self.of_field(pair, path);
                for (index, elements) in list.iter().zip(other_list).enumerate() {
                    if let (Value::Message(one), Value::Message(other)) = elements {
                        self.message(inner, &[], &format!("{at}[{index}]"), (one, other), found);
                    }
                }
            }
            (Value::Map(map), Value::Map(other_map)) => {
                let keys: BTreeSet<&MapKey> = map.keys().collect();
                if map.len() != other_map.len() || !keys.iter().all(|key| other_map.contains_key(*key)) {
                    return;
                }
                let inner = self.of_field(pair, path);
                for key in keys {
                    if let (Some(Value::Message(one)), Some(Value::Message(other))) = (map.get(key), other_map.get(key))
                    {
                        self.message(inner, &[], &format!("{at}[{key:?}]"), (one, other), found);
                    }
                }
            }
            _ => {}
        }
    }

    /// The plans of the messages that lie in the field at `path`.
    fn of_field(&self, pair: Option<Pair<'a>>, path: &[FieldDescriptor]) -> Option<Pair<'a>> {
        let moves = pair?.there.moves.iter().filter(|moved| moved.from.fields() == path);
        moves.flat_map(|moved| moved.conversion.values()).find_map(|value| match value {
            ValueConversion::Message { source, target } => self.pair(source, target),
            _ => None,
        })
    }

    /// Whether a mask comes back with what its paths come to, there and back.
    fn mask_follows(&self, conversion: &Conversion, paths: &DynamicMessage, came: &DynamicMessage) -> bool {
        let Conversion::Mask { source, target } = conversion else { return false };
        let translate = |from, to, source: &str, target: &str, paths: Vec<String>| -> Option<Vec<String>> {
            let plans = self.plans(from, to);
            let translated =
                paths.iter().map(|path| crate::protocol::mask::translate(plans, self.used, source, target, path));
            Some(translated.collect::<Result<Vec<_>, _>>().ok()?.concat())
        };
        let there = translate(self.from, self.to, source, target, texts(paths));
        let back = there.and_then(|there| translate(self.to, self.from, target, source, there));
        let set = |paths: Vec<String>| paths.into_iter().collect::<BTreeSet<String>>();
        back.is_some_and(|back| set(back) == set(texts(came)))
    }
}

/// The paths of a mask.
fn texts(mask: &DynamicMessage) -> Vec<String> {
    let paths = mask.get_field_by_number(1);
    let paths = paths.as_deref().and_then(Value::as_list).into_iter().flatten();
    paths.filter_map(Value::as_str).map(str::to_owned).collect()
}

impl Pair<'_> {
    /// Whether what lies in the message field at `path` goes by these plans, part by part.
    fn parts(self, path: &[FieldDescriptor]) -> bool {
        let deeper = |fields: &[FieldDescriptor]| fields.len() > path.len() && fields.starts_with(path);
        let there = self.there.moves.iter().map(|moved| moved.from.fields());
        let back = self.back.moves.iter().map(|moved| moved.to.fields());
        let containers = self.there.containers.iter().map(|container| container.from.fields());
        matches!(path.last().map(FieldDescriptor::kind), Some(Kind::Message(_)))
            && (there.chain(back).any(deeper) || containers.into_iter().any(|fields| fields == path))
    }
}
