//! Messages that both versions have.

use std::collections::HashMap;

use prost_types::DescriptorProto;
use prost_types::field_descriptor_proto::Label;

use super::super::rule::Id;
use super::effect::elements;
use super::field::Field;
use super::index::{Declared, Syntax, tag};
use super::report::{About, Report, at};
use super::{fields, ranges};

/// A message and what it became.
struct Pair<'p> {
    old: &'p Declared<'p, DescriptorProto>,
    new: &'p Declared<'p, DescriptorProto>,
    old_fields: Vec<Field<'p>>,
    new_fields: Vec<Field<'p>>,
}

pub(super) fn compare(report: &mut Report<'_>) {
    let (old_index, new_index) = (report.old, report.new);
    for old in old_index.messages.iter() {
        let Some(new) = new_index.messages.get(&report.names.now(&old.name)) else { continue };
        let pair = Pair { old, new, old_fields: old_index.fields(old), new_fields: new_index.fields(new) };
        message(report, &pair);
    }
    extensions(report);
}

fn message(report: &mut Report<'_>, pair: &Pair<'_>) {
    let mut by_number: Vec<&Field<'_>> = pair.new_fields.iter().collect();
    by_number.sort_by_key(|field| field.item.number());
    for old in &pair.old_fields {
        match by_number.binary_search_by_key(&old.item.number(), |field| field.item.number()) {
            Ok(found) => fields::compare(report, old, by_number[found]),
            Err(_) => deleted_field(report, pair, old),
        }
    }
    json(report, pair);
    accessor(report, pair);
    required(report, pair);
    oneofs(report, pair);
    set_aside(report, pair);
    own_rules(report, pair);
}

fn deleted_field(report: &mut Report<'_>, pair: &Pair<'_>, old: &Field<'_>) {
    let Pair { new, .. } = pair;
    let mut broken = vec![Id::FIELD_NO_DELETE];
    if !new.item.reserved_name.iter().any(|name| name == old.item.name()) {
        broken.push(Id::FIELD_NO_DELETE_UNLESS_NAME_RESERVED);
    }
    if !ranges::contains(&ranges::reserved_of_message(new.item), old.item.number()) {
        broken.push(Id::FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED);
    }
    for rule in broken {
        let rest = match rule {
            Id::FIELD_NO_DELETE_UNLESS_NAME_RESERVED => ", and its name is not reserved",
            Id::FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED => ", and its number is not reserved",
            _ => "",
        };
        let what = format!("{} is gone{rest}", old.shown());
        let about = About::part(&new.name, old.item.name());
        report.add(rule, at(new, &[new.shown()]), about, what, elements::field_deleted());
    }
}

fn json(report: &mut Report<'_>, Pair { old, new, .. }: &Pair<'_>) {
    // In proto2, names in JSON may clash, and nobody promised them.
    if syntax(report.old, old) == Syntax::Proto3 && syntax(report.new, new) == Syntax::Proto2 {
        let what = "its JSON mapping was promised, and is a best effort since proto2".to_owned();
        let about = About::whole(&new.name);
        report.add(Id::MESSAGE_SAME_JSON_FORMAT, at(new, &[new.shown()]), about, what, elements::only_json());
    }
}

fn syntax<T>(index: &super::index::Index<'_>, declared: &Declared<'_, T>) -> Syntax {
    index.files[declared.file].syntax
}

const NO_STANDARD_DESCRIPTOR_ACCESSOR: i32 = 2;

fn accessor(report: &mut Report<'_>, Pair { old, new, .. }: &Pair<'_>) {
    let lacks = |message: &DescriptorProto| {
        message.options.as_ref().is_some_and(prost_types::MessageOptions::no_standard_descriptor_accessor)
    };
    if !lacks(old.item) && lacks(new.item) {
        let path = [new.path.as_slice(), &[tag::MESSAGE_OPTIONS, NO_STANDARD_DESCRIPTOR_ACCESSOR]].concat();
        let what = "it had the standard accessor of its descriptor, and has it no more".to_owned();
        let rule = Id::MESSAGE_NO_REMOVE_STANDARD_DESCRIPTOR_ACCESSOR;
        report.add(rule, at(new, &[&path]), About::whole(&new.name), what, elements::only_code());
    }
}

fn required(report: &mut Report<'_>, pair: &Pair<'_>) {
    let Pair { new, old_fields, new_fields, .. } = pair;
    let is_required = |field: &&Field<'_>| field.item.label() == Label::Required;
    let has = |fields: &[Field<'_>], number: i32| {
        fields.iter().filter(is_required).any(|field| field.item.number() == number)
    };
    for old in old_fields.iter().filter(is_required).filter(|old| !has(new_fields, old.item.number())) {
        let what = format!("{} was required, and is so no more", old.shown());
        let about = About::part(&new.name, old.item.name());
        let effect = elements::required_deleted();
        report.add(Id::MESSAGE_SAME_REQUIRED_FIELDS, at(new, &[new.shown()]), about, what, effect);
    }
    for field in new_fields.iter().filter(is_required).filter(|new| !has(old_fields, new.item.number())) {
        let what = format!("{} is required, and was not", field.shown());
        let about = About::part(&new.name, field.item.name());
        let path = field.path(&[]);
        report.add(Id::MESSAGE_SAME_REQUIRED_FIELDS, at(new, &[&path]), about, what, elements::required_added());
    }
}

fn oneofs(report: &mut Report<'_>, pair: &Pair<'_>) {
    let Pair { old, new, old_fields, new_fields } = pair;
    for oneof in &old.item.oneof_decl {
        let is_arm = |field: &&Field<'_>| field.oneof() == Some(oneof.name());
        // Those that have no arm stand for `optional` in proto3.
        let is_real = old_fields.iter().any(|field| is_arm(&field));
        if is_real && !new.item.oneof_decl.iter().any(|new| new.name() == oneof.name()) {
            let what = format!("the oneof `{}` is gone", oneof.name());
            let about = About::part(&new.name, oneof.name());
            report.add(Id::ONEOF_NO_DELETE, at(new, &[new.shown()]), about, what, elements::oneof_changed(true, false));
        } else if is_real {
            arms(report, new, oneof.name(), (old_fields, new_fields));
        }
    }
}

/// A oneof that both versions have may gain fields and lose some.
fn arms(
    report: &mut Report<'_>,
    new: &Declared<'_, DescriptorProto>,
    oneof: &str,
    (olds, news): (&[Field<'_>], &[Field<'_>]),
) {
    let arms_without = |fields: &[Field<'_>], others: &[Field<'_>]| -> Vec<usize> {
        let is_lone = |field: &Field<'_>| {
            field.oneof() == Some(oneof) && !others.iter().any(|other| other.item.number() == field.item.number())
        };
        (0..fields.len()).filter(|position| is_lone(&fields[*position])).collect()
    };
    for position in arms_without(news, olds) {
        let field = &news[position];
        let what = format!("the oneof `{oneof}` gained {}", field.shown());
        let path = field.path(&[]);
        let about = About::part(&new.name, field.item.name());
        report.add(Id::STRADDLE_ONEOF_NO_ADD, at(new, &[&path]), about, what, elements::arm_added());
    }
    for position in arms_without(olds, news) {
        let field = &olds[position];
        let what = format!("the oneof `{oneof}` lost {}", field.shown());
        let about = About::part(&new.name, field.item.name());
        report.add(Id::STRADDLE_ONEOF_NO_FIELD_DELETE, at(new, &[new.shown()]), about, what, elements::arm_deleted());
    }
}

fn set_aside(report: &mut Report<'_>, Pair { old, new, .. }: &Pair<'_>) {
    let now = ranges::extensions_of_message(new.item);
    for range in ranges::extensions_of_message(old.item) {
        let missing = ranges::missing(range, &now);
        if !missing.is_empty() {
            let what = format!("the extension range {} lost {}", ranges::shown(&[range]), ranges::shown(&missing));
            let (about, effect) = (About::whole(&new.name), elements::extension_range_deleted());
            report.add(Id::EXTENSION_MESSAGE_NO_DELETE, at(new, &[new.shown()]), about, what, effect);
        }
    }
    let now = ranges::reserved_of_message(new.item);
    let was = ranges::reserved_of_message(old.item);
    let mut lost: Vec<String> = Vec::new();
    for range in &was {
        let missing = ranges::missing(*range, &now);
        if !missing.is_empty() {
            lost.push(format!("the reserved range {} lost {}", ranges::shown(&[*range]), ranges::shown(&missing)));
        }
    }
    for name in old.item.reserved_name.iter().filter(|name| !new.item.reserved_name.contains(name)) {
        lost.push(format!("the name `{name}` was reserved, and is so no more"));
    }
    for what in lost {
        let (about, effect) = (About::whole(&new.name), elements::reservation_deleted());
        report.add(Id::RESERVED_MESSAGE_NO_DELETE, at(new, &[new.shown()]), about, what, effect);
    }
}

/// What Buf is silent about.
fn own_rules(report: &mut Report<'_>, pair: &Pair<'_>) {
    let Pair { old, new, old_fields, new_fields } = pair;
    let reserved = ranges::reserved_of_message(old.item);
    for field in new_fields {
        let path = field.path(&[]);
        let about = || About::part(&new.name, field.item.name());
        if ranges::contains(&reserved, field.item.number()) {
            let what = format!("{} has a number that was reserved", field.shown());
            report.add(
                Id::STRADDLE_RESERVED_NUMBER_NO_USE,
                at(new, &[&path]),
                about(),
                what,
                elements::number_reused(),
            );
        }
        if old.item.reserved_name.iter().any(|name| name == field.item.name()) {
            let what = format!("{} has a name that was reserved", field.shown());
            report.add(Id::STRADDLE_RESERVED_NAME_NO_USE, at(new, &[&path]), about(), what, elements::name_reused());
        }
    }
    let moved = old_fields.iter().filter_map(|old| {
        let new = new_fields.iter().find(|new| new.item.name() == old.item.name())?;
        (new.item.number() != old.item.number()).then_some((old, new))
    });
    let name_of = |fields: &[Field<'_>], number: i32| {
        fields.iter().find(|field| field.item.number() == number).map(|field| field.item.name().to_owned())
    };
    for (was, is) in moved {
        let (from, to) = (was.item.number(), is.item.number());
        let what = format!("field `{}` had the number {from}, and has {to}", is.item.name());
        let effect = elements::field_renumbered(
            from,
            to,
            name_of(new_fields, from).as_deref(),
            name_of(old_fields, to).as_deref(),
        );
        let path = is.path(&[NUMBER]);
        let about = About::part(&new.name, is.item.name());
        report.add(Id::STRADDLE_FIELD_SAME_NUMBER, at(new, &[&path, &is.path(&[])]), about, what, effect);
    }
}

const NUMBER: i32 = 3;

/// Extensions are the same by what they extend and by their number, wherever they are declared.
fn extensions(report: &mut Report<'_>) {
    let (old, new) = (report.old, report.new);
    let mut by_number: HashMap<(&str, i32), Field<'_>> = HashMap::new();
    for declared in new.extensions.iter() {
        let field = Field::of_extension(new, declared);
        by_number.insert((field.message_name(), field.item.number()), field);
    }
    for declared in old.extensions.iter() {
        let field = Field::of_extension(old, declared);
        let extended = report.names.now(field.message_name());
        if let Some(new) = by_number.get(&(extended.as_ref(), field.item.number())) {
            fields::compare(report, &field, new);
        }
    }
}
