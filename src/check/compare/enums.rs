//! Enums that both versions have.

use std::collections::BTreeMap;

use prost_types::{EnumDescriptorProto, EnumValueDescriptorProto};

use super::super::rule::Id;
use super::effect::elements;
use super::index::{Declared, Index, Syntax, number, tag};
use super::ranges;
use super::report::{About, Report, at};

/// An enum and what it became.
struct Pair<'p> {
    old: &'p Declared<'p, EnumDescriptorProto>,
    new: &'p Declared<'p, EnumDescriptorProto>,
    old_closed: bool,
    new_closed: bool,
}

/// An enum's values by number; one number may have several names.
type Values<'p> = BTreeMap<i32, Vec<(usize, &'p EnumValueDescriptorProto)>>;

pub(super) fn compare(report: &mut Report<'_>) {
    let (old_index, new_index) = (report.old, report.new);
    for old in old_index.enums.iter() {
        let Some(new) = new_index.enums.get(&report.names.now(&old.name)) else { continue };
        let is_closed = |index: &Index<'_>, file: usize| index.files[file].syntax == Syntax::Proto2;
        let (old_closed, new_closed) = (is_closed(old_index, old.file), is_closed(new_index, new.file));
        let pair = Pair { old, new, old_closed, new_closed };
        if pair.old_closed != pair.new_closed {
            syntax(report, &pair);
        }
        if old.item != new.item {
            values(report, &pair);
            reserved(report, &pair);
            own_rules(report, &pair);
        }
    }
}

fn syntax(report: &mut Report<'_>, Pair { new, old_closed, .. }: &Pair<'_>) {
    let (was, is) = if *old_closed { ("closed", "open") } else { ("open", "closed") };
    let what = format!("it was {was}, and is {is}");
    let effect = elements::openness_changed(*old_closed);
    report.add(Id::ENUM_SAME_TYPE, at(new, &[&new.path]), About::whole(&new.name), what, effect);
    if !old_closed {
        let what = "its JSON mapping was promised, and is a best effort since proto2".to_owned();
        let about = About::whole(&new.name);
        report.add(Id::ENUM_SAME_JSON_FORMAT, at(new, &[&new.path]), about, what, elements::only_json());
    }
}

fn by_number(item: &EnumDescriptorProto) -> Values<'_> {
    let mut values = Values::new();
    for (position, value) in item.value.iter().enumerate() {
        values.entry(value.number()).or_default().push((position, value));
    }
    values
}

fn names<'v>(values: &[(usize, &'v EnumValueDescriptorProto)]) -> Vec<&'v str> {
    values.iter().map(|(_, value)| value.name()).collect()
}

fn values(report: &mut Report<'_>, pair: &Pair<'_>) {
    let Pair { old, new, .. } = pair;
    let now = by_number(new.item);
    for (number_was, was) in by_number(old.item) {
        let was = names(&was);
        match now.get(&number_was) {
            None => deleted(report, pair, number_was, &was),
            // All new names have to be among the old ones' counterpart: a number may gain names, not lose them.
            Some(is) if was.iter().any(|name| !names(is).contains(name)) => {
                let (old_names, new_names) = (was.join(", "), names(is).join(", "));
                for (position, value) in is {
                    let what = format!("the value {number_was} was called {old_names}, and is called {new_names}");
                    let path = value_path(new, *position, &[tag::ENUM_VALUE_NUMBER]);
                    let effect = elements::value_renamed(number_was, &old_names, &new_names);
                    let about = About::part(&new.name, value.name());
                    report.add(Id::ENUM_VALUE_SAME_NAME, at(new, &[&path]), about, what, effect);
                }
            }
            Some(_) => {}
        }
    }
}

fn value_path(item: &Declared<'_, EnumDescriptorProto>, position: usize, tail: &[i32]) -> Vec<i32> {
    [item.path.as_slice(), &[tag::ENUM_VALUE, number(position)], tail].concat()
}

fn deleted(report: &mut Report<'_>, Pair { new, new_closed, .. }: &Pair<'_>, number: i32, names: &[&str]) {
    let mut broken = vec![(Id::ENUM_VALUE_NO_DELETE, "")];
    if !names.iter().all(|name| new.item.reserved_name.iter().any(|reserved| reserved == name)) {
        broken.push((Id::ENUM_VALUE_NO_DELETE_UNLESS_NAME_RESERVED, ", and its name is not reserved"));
    }
    if !ranges::contains(&ranges::reserved_of_enum(new.item), number) {
        broken.push((Id::ENUM_VALUE_NO_DELETE_UNLESS_NUMBER_RESERVED, ", and its number is not reserved"));
    }
    for (rule, rest) in broken {
        let what = format!("the value {} = {number} is gone{rest}", names.join(", "));
        let about = About::part(&new.name, names.first().unwrap_or(&""));
        report.add(rule, at(new, &[&new.path]), about, what, elements::value_deleted(*new_closed, number));
    }
}

fn reserved(report: &mut Report<'_>, Pair { old, new, .. }: &Pair<'_>) {
    let now = ranges::reserved_of_enum(new.item);
    let mut lost: Vec<String> = Vec::new();
    for range in ranges::reserved_of_enum(old.item) {
        let missing = ranges::missing(range, &now);
        if !missing.is_empty() {
            lost.push(format!("the reserved range {} lost {}", ranges::shown(&[range]), ranges::shown(&missing)));
        }
    }
    for name in old.item.reserved_name.iter().filter(|name| !new.item.reserved_name.contains(name)) {
        lost.push(format!("the name {name} was reserved, and is so no more"));
    }
    for what in lost {
        let (about, effect) = (About::whole(&new.name), elements::reservation_deleted());
        report.add(Id::RESERVED_ENUM_NO_DELETE, at(new, &[&new.path]), about, what, effect);
    }
}

/// What Buf is silent about.
fn own_rules(report: &mut Report<'_>, pair: &Pair<'_>) {
    let Pair { old, new, old_closed, new_closed } = pair;
    let name_at = |item: &EnumDescriptorProto, number: i32| {
        item.value.iter().find(|value| value.number() == number).map(|value| value.name().to_owned())
    };
    let reserved = ranges::reserved_of_enum(old.item);
    for (position, value) in new.item.value.iter().enumerate() {
        let path = value_path(new, position, &[]);
        let about = || About::part(&new.name, value.name());
        let shown = format!("the value {} = {}", value.name(), value.number());
        let was = old.item.value.iter().find(|was| was.name() == value.name());
        if let Some(was) = was.filter(|was| was.number() != value.number()) {
            let what =
                format!("the value {} had the number {}, and has {}", value.name(), was.number(), value.number());
            let old_now = name_at(new.item, was.number());
            let new_was = name_at(old.item, value.number());
            let effect = elements::value_renumbered(
                value.name(),
                (was.number(), old_now.as_deref()),
                (value.number(), new_was.as_deref()),
                (*old_closed, *new_closed),
            );
            let number = value_path(new, position, &[tag::ENUM_VALUE_NUMBER]);
            report.add(Id::STRADDLE_ENUM_VALUE_SAME_NUMBER, at(new, &[&number]), about(), what, effect);
        }
        if *old_closed && name_at(old.item, value.number()).is_none() {
            let what = format!("{shown} is new, and the enum was closed");
            let effect = elements::value_added(*old_closed, value.number());
            report.add(Id::STRADDLE_ENUM_CLOSED_NO_ADD, at(new, &[&path]), about(), what, effect);
        }
        if ranges::contains(&reserved, value.number()) {
            let what = format!("{shown} has a number that was reserved");
            report.add(
                Id::STRADDLE_RESERVED_NUMBER_NO_USE,
                at(new, &[&path]),
                about(),
                what,
                elements::number_reused(),
            );
        }
        if old.item.reserved_name.iter().any(|name| name == value.name()) {
            let what = format!("{shown} has a name that was reserved");
            report.add(Id::STRADDLE_RESERVED_NAME_NO_USE, at(new, &[&path]), about(), what, elements::name_reused());
        }
    }
    default(report, pair);
}

/// The first value is what an absent field reads as.
fn default(report: &mut Report<'_>, Pair { old, new, .. }: &Pair<'_>) {
    let (Some(was), Some(is)) = (old.item.value.first(), new.item.value.first()) else { return };
    // With an alias, both names are known.
    let keeps_name = new.item.value.iter().any(|value| value.number() == is.number() && value.name() == was.name());
    if !keeps_name {
        let what = format!("an absent value meant {}, and means {}", was.name(), is.name());
        let effect = elements::default_changed(was.name(), is.name());
        let path = value_path(new, 0, &[]);
        let about = About::part(&new.name, is.name());
        report.add(Id::STRADDLE_ENUM_SAME_DEFAULT, at(new, &[&path]), about, what, effect);
    }
}
