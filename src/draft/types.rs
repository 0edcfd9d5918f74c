//! How the type of one field may hold what that of another one held.

use std::collections::BTreeSet;

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};

use super::likeness::{likeness, words, words_as_written};

/// What is known of messages and enums of both versions.
pub(super) trait Counterparts {
    /// Whether the newer message is what the older one became.
    fn message(&self, old: &str, new: &str) -> bool;
    /// Whether the newer enum is what the older one became.
    fn enumeration(&self, old: &str, new: &str) -> bool;
    /// Whether a message of the newer version was there before, under whatever name.
    fn was_there(&self, new: &str) -> bool;
    /// Whether a message of the older version is still there, under whatever name.
    fn is_there(&self, old: &str) -> bool;
}

/// How two types go together.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fit {
    /// The same type.
    Same,
    /// Types that need no rule.
    Compatible,
    /// Types that a rule with these keys relates.
    Rule {
        keys: String,
        /// Whether the keys follow from the names and types alone.
        sure: bool,
        because: String,
    },
    /// Types that no rule for two fields relates.
    Foreign,
}

impl Fit {
    /// Whether it needs no more than that two fields are one.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self, Self::Same | Self::Compatible)
    }
}

/// How the newer field may hold what the older one held.
pub(super) fn fit(old: &FieldDescriptor, new: &FieldDescriptor, counterparts: &dyn Counterparts) -> Fit {
    if old.is_map() || new.is_map() {
        return maps(old, new, counterparts);
    }
    match (old.is_list(), new.is_list()) {
        (false, false) => singular(old, new, counterparts),
        (true, true) => match kinds(&old.kind(), &new.kind(), counterparts) {
            Fit::Rule { keys, because, .. } => Fit::Rule { keys, because, sure: false },
            fit => fit,
        },
        _ => match kinds(&old.kind(), &new.kind(), counterparts) {
            Fit::Same | Fit::Compatible => Fit::Rule {
                keys: "beyond = \"refuse\"".to_owned(),
                sure: true,
                because: "one value became a list, or a list one value; more than one is refused".to_owned(),
            },
            _ => Fit::Foreign,
        },
    }
}

fn maps(old: &FieldDescriptor, new: &FieldDescriptor, counterparts: &dyn Counterparts) -> Fit {
    let entry = |field: &FieldDescriptor| match field.kind() {
        Kind::Message(entry) if entry.is_map_entry() => Some(entry),
        _ => None,
    };
    let (Some(one), Some(other)) = (entry(old), entry(new)) else { return Fit::Foreign };
    let key = kinds(&one.map_entry_key_field().kind(), &other.map_entry_key_field().kind(), counterparts);
    let value = kinds(&one.map_entry_value_field().kind(), &other.map_entry_value_field().kind(), counterparts);
    match (key, value) {
        (Fit::Same, Fit::Same) => Fit::Same,
        (key, value) if key.is_plain() && value.is_plain() => Fit::Compatible,
        _ => Fit::Foreign,
    }
}

fn singular(old: &FieldDescriptor, new: &FieldDescriptor, counterparts: &dyn Counterparts) -> Fit {
    match (old.kind(), new.kind()) {
        (one, other) if is_integer(&one) && is_integer(&other) => integers(old, new),
        (Kind::Message(message), other) if is_integer(&other) && is_time(&message) => time(new),
        (one, Kind::Message(message)) if is_integer(&one) && is_time(&message) => time(old),
        (Kind::Bool, Kind::Enum(_)) => truth(old, new, false),
        (Kind::Enum(_), Kind::Bool) => truth(new, old, true),
        (one, other) => kinds(&one, &other, counterparts),
    }
}

fn kinds(old: &Kind, new: &Kind, counterparts: &dyn Counterparts) -> Fit {
    let text =
        |keys: &str, because: &str| Fit::Rule { keys: keys.to_owned(), sure: false, because: because.to_owned() };
    match (old, new) {
        (Kind::Message(one), Kind::Message(other)) => {
            if counterparts.message(one.full_name(), other.full_name()) {
                Fit::Same
            } else {
                Fit::Foreign
            }
        }
        (Kind::Enum(one), Kind::Enum(other)) => {
            if counterparts.enumeration(one.full_name(), other.full_name()) {
                Fit::Same
            } else {
                Fit::Foreign
            }
        }
        (one, other) if one == other => Fit::Same,
        (one, other) if is_integer(one) && is_integer(other) => Fit::Compatible,
        (Kind::Float | Kind::Double, Kind::Float | Kind::Double)
        | (Kind::String | Kind::Bytes, Kind::String | Kind::Bytes) => Fit::Compatible,
        (Kind::Message(message), scalar) | (scalar, Kind::Message(message)) if wraps(message, scalar) => {
            Fit::Compatible
        }
        (Kind::Message(message), amount) | (amount, Kind::Message(message))
            if is_money(message) && is_amount(amount) =>
        {
            text(
                "money = \"USD\"",
                "an amount and money; nothing tells the currency, nor whether a scale belongs to it",
            )
        }
        (Kind::String, Kind::Message(time)) | (Kind::Message(time), Kind::String) if is_time(time) => {
            text("text = \"rfc3339\"", "a text and a time; nothing tells how the text is written")
        }
        (Kind::String, Kind::Enum(choice)) => text(&texts(choice, true), TEXTS),
        (Kind::Enum(choice), Kind::String) => text(&texts(choice, false), TEXTS),
        (one, Kind::Enum(_)) | (Kind::Enum(_), one) if is_integer(one) => text(
            "number = \"value\"",
            "an integer and an enum; nothing tells whether the integers are the numbers of the values",
        ),
        (Kind::String, one) | (one, Kind::String) if is_integer(one) || *one == Kind::Bool => {
            text("text = \"decimal\"", "a text and a number; nothing tells how the text is written")
        }
        _ => Fit::Foreign,
    }
}

const TEXTS: &str = "a text and an enum; nothing tells which text stands for which value, and those here are made up \
                     from the names of the values";

/// A table of texts and values: the empty text for the zero, and what the other names say for the rest.
fn texts(choice: &EnumDescriptor, from_text: bool) -> String {
    let mut told = BTreeSet::new();
    let mut pairs = Vec::new();
    for value in choice.values() {
        let text = if value.number() == 0 { String::new() } else { text_of(choice, value.name()) };
        // Two names may be one text, and a text stands for one value.
        if told.insert(text.clone()) {
            let name = value.name();
            pairs.push(if from_text { format!("\"{text}\" = \"{name}\"") } else { format!("{name} = \"{text}\"") });
        }
    }
    format!("values = {{ {} }}", pairs.join(", "))
}

/// `STATUS_ON_ITS_WAY` of `Status` is `on_its_way`.
fn text_of(choice: &EnumDescriptor, value: &str) -> String {
    let lower = value.to_lowercase();
    let prefix = words_as_written(choice.name()).join("_") + "_";
    lower.strip_prefix(&prefix).filter(|rest| !rest.is_empty()).unwrap_or(&lower).to_owned()
}

fn is_integer(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Int32
            | Kind::Int64
            | Kind::Uint32
            | Kind::Uint64
            | Kind::Sint32
            | Kind::Sint64
            | Kind::Fixed32
            | Kind::Fixed64
            | Kind::Sfixed32
            | Kind::Sfixed64
    )
}

fn is_amount(kind: &Kind) -> bool {
    is_integer(kind) || matches!(kind, Kind::Float | Kind::Double | Kind::String)
}

fn is_time(message: &MessageDescriptor) -> bool {
    matches!(message.full_name(), "google.protobuf.Timestamp" | "google.protobuf.Duration")
}

fn is_money(message: &MessageDescriptor) -> bool {
    let mut names: Vec<String> = message.fields().map(|field| field.name().to_owned()).collect();
    names.sort();
    names == ["currency_code", "nanos", "units"]
}

/// Whether a message of protobuf itself wraps just this scalar.
fn wraps(message: &MessageDescriptor, scalar: &Kind) -> bool {
    let wrapper = message.full_name().strip_prefix("google.protobuf.").is_some_and(|name| name.ends_with("Value"));
    let is_one = message.fields().len() == 1 && !matches!(message.name(), "ListValue");
    wrapper && is_one && message.get_field_by_name("value").is_some_and(|field| field.kind() == *scalar)
}

/// What an integer counts, by the last word of its name.
fn unit(field: &FieldDescriptor) -> Option<(&'static str, u64)> {
    // The plural is gone from words.
    match words(field.name()).last()?.as_str() {
        "s" | "sec" | "second" | "secs" => Some(("s", 1)),
        "ms" | "milli" | "millis" | "millisecond" | "msec" => Some(("ms", 1_000)),
        "us" | "micro" | "micros" | "microsecond" | "usec" => Some(("us", 1_000_000)),
        "ns" | "nano" | "nanos" | "nanosecond" | "nsec" => Some(("ns", 1_000_000_000)),
        _ => None,
    }
}

/// The name of a field without the word that names its unit.
pub(super) fn without_unit(field: &FieldDescriptor) -> String {
    let mut words = words(field.name());
    if unit(field).is_some() && words.len() > 1 {
        words.pop();
    }
    words.join("_")
}

fn integers(old: &FieldDescriptor, new: &FieldDescriptor) -> Fit {
    let same = if old.kind() == new.kind() { Fit::Same } else { Fit::Compatible };
    match (unit(old), unit(new)) {
        (Some((_, one)), Some((_, other))) if one < other => {
            let because = format!("`{}` and `{}` count in other units", old.name(), new.name());
            Fit::Rule { keys: format!("scale = {}", other / one), sure: true, because }
        }
        (Some((_, one)), Some((_, other))) if one > other => {
            let because =
                format!("`{}` and `{}` count in other units; what does not go in is refused", old.name(), new.name());
            Fit::Rule { keys: format!("scale = \"1/{}\", rounding = \"refuse\"", one / other), sure: true, because }
        }
        (None, Some(_)) | (Some(_), None) if likeness(old.name(), new.name()) < super::likeness::SAME => Fit::Rule {
            keys: "scale = 1".to_owned(),
            sure: false,
            because: "only one of the two names says what is counted".to_owned(),
        },
        _ => same,
    }
}

fn time(counted: &FieldDescriptor) -> Fit {
    let (unit, sure) = unit(counted).map_or(("s", false), |(unit, _)| (unit, true));
    let because = if sure {
        format!("the name `{}` says what is counted", counted.name())
    } else {
        format!("a time and an integer; nothing tells what `{}` counts", counted.name())
    };
    Fit::Rule { keys: format!("unit = \"{unit}\""), sure, because }
}

/// A switch and an enum: the zero is off, and on is the value whose name is most like that of the switch.
fn truth(switch: &FieldDescriptor, choice: &FieldDescriptor, down: bool) -> Fit {
    let Kind::Enum(declared) = choice.kind() else { return Fit::Foreign };
    let off = declared.default_value();
    let on = declared.values().filter(|value| value.number() != off.number()).max_by(|one, other| {
        let alike = |name: &str| likeness(switch.name().trim_start_matches("is_"), name);
        alike(one.name()).total_cmp(&alike(other.name())).then(other.number().cmp(&one.number()))
    });
    let Some(on) = on else { return Fit::Foreign };
    let keys = if down {
        format!("values = {{ {} = false, {} = true }}", off.name(), on.name())
    } else {
        format!("values = {{ false = \"{}\", true = \"{}\" }}", off.name(), on.name())
    };
    Fit::Rule { keys, sure: false, because: "a switch and an enum; nothing tells which value is which".to_owned() }
}
