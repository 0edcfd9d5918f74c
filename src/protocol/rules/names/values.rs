//! Which value of an enum is which of its counterpart, as far as the step says.

use std::collections::BTreeMap;

use prost_reflect::EnumDescriptor;
use toml::{Spanned, Value};

use super::{Names, did_you_mean};
use crate::protocol::plan::Direction;
use crate::protocol::rules::convert::{EnumRules, UnknownValue};
use crate::protocol::rules::faults::Faults;
use crate::protocol::rules::file::{EnumText, Pairs, Rename};
use crate::protocol::rules::rule::Each;
use crate::protocol::rules::rule::read::{as_literal, unknown_value};

/// What the step says of one enum.
#[derive(Default)]
pub(super) struct EnumValues {
    pairs: Each<Vec<(String, String)>>,
    unknown: Each<Option<UnknownValue>>,
}

impl EnumValues {
    pub(super) fn of(&self, direction: Direction) -> EnumRules {
        EnumRules { pairs: self.pairs.of(direction).clone(), unknown: self.unknown.of(direction).clone() }
    }
}

impl Names<'_> {
    /// Reads `[enums]` and `[rename.values]`.
    pub(super) fn read_values(
        &mut self,
        rename: &Rename,
        enums: &BTreeMap<Spanned<String>, EnumText>,
        faults: &mut Faults<'_>,
    ) {
        let mut both: BTreeMap<String, Vec<Written<'_>>> = BTreeMap::new();
        for (from, to) in &rename.values {
            let Some((of, value)) = from.get_ref().rsplit_once('.') else {
                faults.add(
                    from.span().start,
                    format!("`{}` names no value of an enum", from.get_ref()),
                    "write the enum's full name, a dot, and the value",
                );
                continue;
            };
            both.entry(of.to_owned()).or_default().push((from, value.to_owned(), to));
        }
        for (name, text) in enums {
            let written = text.values.iter().map(|(from, to)| (from, from.get_ref().clone(), to));
            both.entry(name.get_ref().clone()).or_default().extend(written);
        }
        for (name, values) in both {
            let text = enums.iter().find(|(key, _)| *key.get_ref() == name).map(|(_, text)| text);
            let place = enums.keys().find(|key| *key.get_ref() == name).or_else(|| values.first().map(|(at, ..)| *at));
            let Some(place) = place else { continue };
            if let Some((old, new)) = self.both_sides(&name, place, faults) {
                let read = read(&old, &new, &values, text, faults);
                self.values.insert(name, read);
            }
        }
    }

    /// An enum of the older version (or one that only the newer one has) and its counterpart.
    fn both_sides(
        &self,
        name: &str,
        place: &Spanned<String>,
        faults: &mut Faults<'_>,
    ) -> Option<(EnumDescriptor, EnumDescriptor)> {
        let [old, new] = [self.old, self.new].map(|schema| schema.pool().get_enum_by_name(name));
        if old.is_none() && new.is_none() {
            let all: Vec<String> =
                self.old.pool().all_enums().map(|declared| declared.full_name().to_owned()).collect();
            faults.add(
                place.span().start,
                format!("{} declares no enum `{name}`", self.old.version()),
                did_you_mean(name, all.iter().map(String::as_str), "names are full: package.Enum"),
            );
            return None;
        }
        let counterpart = |direction, schema: &crate::protocol::Schema| {
            self.enumeration(direction, name).and_then(|other| schema.pool().get_enum_by_name(other))
        };
        let both = match old {
            Some(old) => counterpart(Direction::Up, self.new).map(|new| (old, new)),
            None => counterpart(Direction::Down, self.old).zip(new),
        };
        if both.is_none() {
            faults.add(
                place.span().start,
                format!("the enum `{name}` has no counterpart whose values could stand for its own"),
                "name the counterpart under [rename.enums]; for other types say `values` in the rule of the field",
            );
        }
        both
    }
}

type Written<'r> = (&'r Spanned<String>, String, &'r Spanned<String>);

fn read(
    old: &EnumDescriptor,
    new: &EnumDescriptor,
    values: &[Written<'_>],
    text: Option<&EnumText>,
    faults: &mut Faults<'_>,
) -> EnumValues {
    let mut found = EnumValues::default();
    for (at, from, to) in values {
        if has(old, from, at, faults) & has(new, to.get_ref(), to, faults) {
            found.pairs.up.push((from.clone(), to.get_ref().clone()));
            found.pairs.down.push((to.get_ref().clone(), from.clone()));
        }
    }
    let down = text.map_or_else(Vec::new, |text| one_way(new, old, &text.down, faults));
    for (index, (value, from)) in found.pairs.down.iter().enumerate() {
        if down.iter().any(|(decided, _)| decided == value) {
            continue;
        }
        let twin = found.pairs.down[..index].iter().find(|(other, _)| other == value).map(|(_, twin)| twin.clone());
        let moved = |name: &str| values.iter().any(|(_, other, _)| other == name);
        let by_name = || {
            old.get_value_by_name(value)
                .map(|value| value.name().to_owned())
                .filter(|name| name != from && !moved(name))
        };
        if let Some(twin) = twin.or_else(by_name)
            && let Some((at, ..)) = values.iter().find(|(_, name, to)| name == from && to.get_ref() == value)
        {
            faults.add(
                at.span().start,
                format!("`{twin}` and `{from}` of `{}` both become `{value}`", old.full_name()),
                format!(
                    "keep one of them under `values`, and say the other under `up`; or say `down = {{ {value} = … }}`"
                ),
            );
        }
    }
    // What is said of one direction goes first.
    found.pairs.down.retain(|(value, _)| !down.iter().any(|(decided, _)| decided == value));
    found.pairs.down.extend(down);
    if let Some(text) = text {
        let up = one_way(old, new, &text.up, faults);
        found.pairs.up.retain(|(value, _)| !up.iter().any(|(decided, _)| decided == value));
        found.pairs.up.extend(up);
        found.unknown = unknown(text, old, new, faults);
    }
    found
}

fn one_way(
    source: &EnumDescriptor,
    target: &EnumDescriptor,
    pairs: &Pairs,
    faults: &mut Faults<'_>,
) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (from, to) in pairs {
        if has(source, from.get_ref(), from, faults) & has(target, to.get_ref(), to, faults) {
            found.push((from.get_ref().clone(), to.get_ref().clone()));
        }
    }
    found
}

fn has(declared: &EnumDescriptor, value: &str, at: &Spanned<String>, faults: &mut Faults<'_>) -> bool {
    if declared.get_value_by_name(value).is_some() {
        return true;
    }
    let all: Vec<String> = declared.values().map(|value| value.name().to_owned()).collect();
    faults.add(
        at.span().start,
        format!("the enum `{}` has no value `{value}`", declared.full_name()),
        did_you_mean(value, all.iter().map(String::as_str), "write the value as the proto does"),
    );
    false
}

/// What becomes of numbers without a name.
fn unknown(
    text: &EnumText,
    old: &EnumDescriptor,
    new: &EnumDescriptor,
    faults: &mut Faults<'_>,
) -> Each<Option<UnknownValue>> {
    let Some(said) = &text.unknown else { return Each::default() };
    let mut one = |value: Option<&Value>, target: &EnumDescriptor| {
        let value = unknown_value(as_literal(value?)?);
        let known = match &value {
            UnknownValue::To(crate::protocol::rules::convert::Literal::Text(name)) => {
                target.get_value_by_name(name).is_some()
            }
            UnknownValue::To(_) => false,
            UnknownValue::Refuse | UnknownValue::Pass => true,
        };
        if !known {
            faults.add(
                said.span().start,
                format!("`unknown` names no value of `{}`", target.full_name()),
                "write \"refuse\", \"pass\", or the name of a value; with `{ up = …, down = … }` where they differ",
            );
        }
        Some(value)
    };
    match said.get_ref() {
        Value::Table(table) => Each { up: one(table.get("up"), new), down: one(table.get("down"), old) },
        value => Each { up: one(Some(value), new), down: one(Some(value), old) },
    }
}
