//! What the newer version has and the older one has not: the outermost element only, as a message without its fields.

use std::collections::HashSet;

use prost_types::{DescriptorProto, EnumDescriptorProto};

use super::super::{Difference, Rule};
use super::effect::elements;
use super::index::{Declared, Index, is_map_entry, number, tag};
use super::names::Names;
use super::report::{About, At, Report, at};

/// All that was added, by `rule`; but for what `told` says something of already.
pub(super) fn compare(
    (old, new): (&Index<'_>, &Index<'_>),
    names: &Names<'_>,
    rule: &'static Rule,
    told: &[Difference],
) -> Vec<Difference> {
    let mut report = Report { old, new, names, found: Vec::new() };
    let known = Known {
        rule,
        messages: old.messages.iter().map(|one| (names.now(&one.name).into_owned(), one)).collect(),
        enums: old.enums.iter().map(|one| (names.now(&one.name).into_owned(), one)).collect(),
    };
    messages(&mut report, &known);
    enums(&mut report, &known);
    services(&mut report, &known);
    let told: HashSet<&str> = told.iter().map(|difference| difference.element.as_str()).collect();
    report.found.retain(|difference| !told.contains(difference.element.as_str()));
    report.found
}

/// What the older version has, by the names that it goes by now.
struct Known<'k> {
    rule: &'static Rule,
    messages: std::collections::HashMap<String, &'k Declared<'k, DescriptorProto>>,
    enums: std::collections::HashMap<String, &'k Declared<'k, EnumDescriptorProto>>,
}

impl Known<'_> {
    /// Whether the message that a name lies in is new as well.
    fn is_within_new(&self, report: &Report<'_>, name: &str) -> bool {
        name.rsplit_once('.')
            .is_some_and(|(parent, _)| report.new.messages.get(parent).is_some() && !self.messages.contains_key(parent))
    }
}

fn messages(report: &mut Report<'_>, known: &Known<'_>) {
    let index = report.new;
    for new in index.messages.iter().filter(|new| !is_map_entry(new.item)) {
        let Some(old) = known.messages.get(&new.name) else {
            if !known.is_within_new(report, &new.name) {
                let effect = elements::type_added();
                let what = "the message is new".to_owned();
                report.add_of(known.rule, at(new, &[&new.path]), About::whole(&new.name), what, effect);
            }
            continue;
        };
        let arms = |item: &DescriptorProto, position: usize| {
            item.field.iter().any(|field| {
                !field.proto3_optional() && field.oneof_index.is_some_and(|of| usize::try_from(of) == Ok(position))
            })
        };
        for (position, oneof) in
            new.item.oneof_decl.iter().enumerate().filter(|(position, _)| arms(new.item, *position))
        {
            if !old.item.oneof_decl.iter().any(|was| was.name() == oneof.name()) {
                let path = [new.path.as_slice(), &[ONEOF, number(position)]].concat();
                let (about, effect) = (About::part(&new.name, oneof.name()), elements::oneof_added());
                let what = format!("the oneof `{}` is new", oneof.name());
                report.add_of(known.rule, at(new, &[&path]), about, what, effect);
            }
        }
        for field in index.fields(new) {
            if !old.item.field.iter().any(|was| was.number() == field.item.number()) {
                let path = field.path(&[]);
                let about = About::part(&new.name, field.item.name());
                let what = format!("{} is new", field.shown());
                report.add_of(known.rule, at(new, &[&path]), about, what, elements::field_added());
            }
        }
    }
}

const ONEOF: i32 = 8;

fn enums(report: &mut Report<'_>, known: &Known<'_>) {
    for new in report.new.enums.iter() {
        let Some(old) = known.enums.get(&new.name) else {
            if !known.is_within_new(report, &new.name) {
                let effect = elements::type_added();
                let what = "the enum is new".to_owned();
                report.add_of(known.rule, at(new, &[&new.path]), About::whole(&new.name), what, effect);
            }
            continue;
        };
        for (position, value) in new.item.value.iter().enumerate() {
            let is_known =
                old.item.value.iter().any(|was| was.number() == value.number() || was.name() == value.name());
            if !is_known {
                let path = [new.path.as_slice(), &[tag::ENUM_VALUE, number(position)]].concat();
                let what = format!("the value {} = {} is new", value.name(), value.number());
                // Closed enums have a rule of their own.
                let effect = elements::value_added(false, value.number());
                report.add_of(known.rule, at(new, &[&path]), About::part(&new.name, value.name()), what, effect);
            }
        }
    }
}

fn services(report: &mut Report<'_>, known: &Known<'_>) {
    let (old_index, index) = (report.old, report.new);
    let mut services: HashSet<String> = HashSet::new();
    let mut methods: HashSet<String> = HashSet::new();
    for old in old_index.services.iter() {
        services.insert(report.names.now(&old.name).into_owned());
        for method in &old.item.method {
            methods.insert(report.names.now(&format!("{}.{}", old.name, method.name())).into_owned());
        }
    }
    for new in index.services.iter() {
        if !services.contains(&new.name) {
            let what = "the service is new".to_owned();
            let effect = elements::method_added();
            report.add_of(known.rule, at(new, &[&new.path]), About::whole(&new.name), what, effect);
            continue;
        }
        for (position, method) in new.item.method.iter().enumerate() {
            let about = About::part(&new.name, method.name());
            if !methods.contains(&about.element) {
                let path = [new.path.as_slice(), &[tag::SERVICE_METHOD, number(position)]].concat();
                let what = format!("the method {} is new", method.name());
                report.add_of(known.rule, At::New(new.file, &[&path]), about, what, elements::method_added());
            }
        }
    }
}
