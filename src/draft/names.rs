//! Which package, message, enum, service and method of the older version is which of the newer one.

mod declared;

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{EnumDescriptor, MessageDescriptor, ServiceDescriptor};

use self::declared::{Declared, Fit, Kind};
use super::finding::{Finding, Place};
use super::likeness::{ALIKE, SAME, likeness};
use super::matching::{Candidate, choose};
use crate::check::moved;
use crate::protocol::{Method, Schema};

/// What goes by another name in the newer version, by full name, as far as it is guessed or nothing changed.
#[derive(Debug, Default)]
pub(super) struct Renamed {
    packages: BTreeMap<String, String>,
    messages: BTreeMap<String, String>,
    enums: BTreeMap<String, String>,
    services: BTreeMap<String, String>,
}

impl Renamed {
    pub(super) fn enumeration(&self, old: &str) -> Option<&str> {
        self.enums.get(old).map(String::as_str)
    }

    pub(super) fn enums(&self) -> impl Iterator<Item = (&String, &String)> {
        self.enums.iter()
    }
}

/// Finds names, and writes what is not the same.
pub(super) fn names(old: &Schema, new: &Schema, findings: &mut Vec<Finding>) -> Renamed {
    let mut renamed = Renamed::default();
    packages(old, new, &mut renamed, findings);
    messages(old, new, &mut renamed, findings);
    enums(old, new, &mut renamed, findings);
    services(old, new, &mut renamed, findings);
    methods(old, new, &renamed, findings);
    renamed
}

fn pair(one: &str, other: &str) -> String {
    format!("\"{one}\" = \"{other}\"")
}

fn share(common: usize, one: usize, other: usize) -> f64 {
    // Protos declare far fewer than 2^32 of anything.
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    if one + other == 0 { 0.0 } else { 2.0 * number(common) / number(one + other) }
}

fn packages(old: &Schema, new: &Schema, renamed: &mut Renamed, findings: &mut Vec<Finding>) {
    let (olds, news) = (moved::declared(old), moved::declared(new));
    let gone: Vec<_> = olds.iter().filter(|(package, _)| !news.contains_key(*package)).collect();
    let added: Vec<_> = news.iter().filter(|(package, _)| !olds.contains_key(*package)).collect();
    let mut candidates = Vec::new();
    for (index, (package, names)) in gone.iter().enumerate() {
        for (other_index, (other, other_names)) in added.iter().enumerate() {
            let common = share(names.intersection(other_names).count(), names.len(), other_names.len());
            let version = moved::without_version(package) == moved::without_version(other);
            if version && common > 0.0 || common >= ALIKE {
                let why = if version {
                    "only the version in the name differs"
                } else {
                    "most of what they declare has the same names"
                };
                let score = common + if version { 1.0 } else { 0.0 };
                candidates.push(Candidate {
                    old: index,
                    new: other_index,
                    score,
                    sure: version || common >= 0.8,
                    what: why,
                });
            }
        }
    }
    for chosen in choose(candidates) {
        let (package, other) = (gone[chosen.old].0, added[chosen.new].0);
        let line = pair(package, other);
        let place = Place::Rename("packages");
        if chosen.sure {
            findings.push(Finding::guess(place, line, chosen.what));
            renamed.packages.insert(package.clone(), other.clone());
        } else {
            findings.push(Finding::undecided(place, line, chosen.what, Vec::new()));
        }
    }
}

fn messages(old: &Schema, new: &Schema, renamed: &mut Renamed, findings: &mut Vec<Finding>) {
    let of = |schema: &Schema| -> BTreeMap<String, Declared<MessageDescriptor>> {
        let all = schema.pool().all_messages().filter(|one| !one.is_map_entry());
        let declared = |one: MessageDescriptor| Declared {
            name: one.name().to_owned(),
            package: one.package_name().to_owned(),
            parent: one.parent_message().map(|parent| parent.full_name().to_owned()),
            what: one,
        };
        all.map(|one| (one.full_name().to_owned(), declared(one))).collect()
    };
    let kind = Kind {
        table: "messages",
        parts: "fields",
        stays_open: true,
        met: |renamed| &mut renamed.messages,
        fit: |alike, one: &MessageDescriptor, other| {
            let (common, fields) = (common_fields(one, other), one.fields().len().min(other.fields().len()));
            let sure = alike >= ALIKE && common >= 0.6 && fields >= 1 || common >= 0.9 && fields >= 3;
            Fit { common, sure, possible: alike >= 0.7 || common >= 0.6 && fields >= 2 }
        },
    };
    kind.relate(&of(old), &of(new), renamed, findings);
}

/// The share of fields that both have under one name or number, with the same type.
fn common_fields(one: &MessageDescriptor, other: &MessageDescriptor) -> f64 {
    let common = one.fields().filter(|field| {
        let by_name = other.get_field_by_name(field.name());
        // A number alone tells nothing: most messages begin with a text on number 1.
        let by_number =
            || other.get_field(field.number()).filter(|other| likeness(field.name(), other.name()) >= ALIKE);
        by_name.or_else(by_number).is_some_and(|other| {
            let (one, other) = (field.field_descriptor_proto(), other.field_descriptor_proto());
            one.r#type == other.r#type && one.label == other.label
        })
    });
    share(common.count(), one.fields().len(), other.fields().len())
}

fn enums(old: &Schema, new: &Schema, renamed: &mut Renamed, findings: &mut Vec<Finding>) {
    let of = |schema: &Schema| -> BTreeMap<String, Declared<EnumDescriptor>> {
        let declared = |one: EnumDescriptor| Declared {
            name: one.name().to_owned(),
            package: one.package_name().to_owned(),
            parent: one.parent_message().map(|parent| parent.full_name().to_owned()),
            what: one,
        };
        schema.pool().all_enums().map(|one| (one.full_name().to_owned(), declared(one))).collect()
    };
    let kind = Kind {
        table: "enums",
        parts: "values",
        stays_open: true,
        met: |renamed| &mut renamed.enums,
        fit: |alike, one: &EnumDescriptor, other| {
            let values = |declared: &EnumDescriptor| -> BTreeSet<String> {
                declared.values().map(|value| super::values::within(declared, value.name())).collect()
            };
            let (one, other) = (values(one), values(other));
            let common = share(one.intersection(&other).count(), one.len(), other.len());
            let sure = alike >= ALIKE && common >= 0.7 || common >= 0.9 && one.len() >= 3;
            Fit { common, sure, possible: alike >= 0.7 || common >= 0.6 && one.len() >= 2 }
        },
    };
    kind.relate(&of(old), &of(new), renamed, findings);
}

fn services(old: &Schema, new: &Schema, renamed: &mut Renamed, findings: &mut Vec<Finding>) {
    let of = |schema: &Schema| -> BTreeMap<String, Declared<BTreeSet<String>>> {
        let declared = |one: ServiceDescriptor| Declared {
            name: one.name().to_owned(),
            package: one.package_name().to_owned(),
            parent: None,
            what: one.methods().map(|method| method.name().to_owned()).collect(),
        };
        schema.pool().services().map(|one| (one.full_name().to_owned(), declared(one))).collect()
    };
    let kind = Kind {
        table: "services",
        parts: "methods",
        // Methods that nothing relates are refused as they are.
        stays_open: false,
        met: |renamed| &mut renamed.services,
        fit: |alike, one: &BTreeSet<String>, other| {
            let common = share(one.intersection(other).count(), one.len(), other.len());
            let sure = alike >= ALIKE && common >= 0.5 || common >= 0.9 && one.len() >= 2;
            Fit { common, sure, possible: alike >= 0.7 || common >= 0.5 }
        },
    };
    kind.relate(&of(old), &of(new), renamed, findings);
}

fn methods(old: &Schema, new: &Schema, renamed: &Renamed, findings: &mut Vec<Finding>) {
    let wanted = |method: &Method| {
        let service = renamed.services.get(method.service()).map_or(method.service(), String::as_str);
        format!("{service}.{}", method.descriptor().name())
    };
    let has = |schema: &Schema, name: &str| schema.methods().iter().any(|method| method.full_name() == name);
    let gone: Vec<&Method> = old.methods().iter().filter(|method| !has(new, &wanted(method))).collect();
    let met: BTreeSet<String> = old.methods().iter().map(wanted).collect();
    let added: Vec<&Method> = new.methods().iter().filter(|method| !met.contains(method.full_name())).collect();
    let mut candidates = Vec::new();
    for (index, method) in gone.iter().enumerate() {
        for (other_index, other) in added.iter().enumerate() {
            let alike = likeness(method.descriptor().name(), other.descriptor().name());
            let streams = (method.is_client_streaming(), method.is_server_streaming())
                == (other.is_client_streaming(), other.is_server_streaming());
            let messages = |method: &Method| {
                let (input, output) = (method.descriptor().input(), method.descriptor().output());
                [input, output].map(|message| message.full_name().to_owned())
            };
            let [input, output] = messages(method).map(|name| renamed.messages.get(&name).cloned());
            let [other_input, other_output] = messages(other).map(Some);
            let same = input == other_input && output == other_output;
            let sure = alike >= SAME && same && streams;
            if sure || alike >= ALIKE && streams || same && streams && input != output {
                let score = alike + if same { 1.0 } else { 0.0 };
                candidates.push(Candidate { old: index, new: other_index, score, sure, what: (alike, same) });
            }
        }
    }
    let mut settled = BTreeSet::new();
    for chosen in choose(candidates) {
        let (method, other) = (gone[chosen.old].full_name(), added[chosen.new].full_name());
        let types = if chosen.what.1 { "their messages are the same" } else { "their messages differ" };
        let because = format!("their names are alike by {:.0} % and {types}", chosen.what.0 * 100.0);
        let (place, line) = (Place::Rename("methods"), pair(method, other));
        if chosen.sure {
            settled.extend([method.to_owned(), other.to_owned()]);
            findings.push(Finding::guess(place, line, because));
        } else {
            findings.push(Finding::undecided(place, line, because, Vec::new()));
        }
    }
    for (side, methods, here, there) in [("past", gone, old, new), ("future", added, new, old)] {
        for method in methods.into_iter().filter(|method| !settled.contains(method.full_name())) {
            let line = format!(
                "[[{side}.refuse]]\nmethod = \"{}\"\nreason = \"{} has no {}\"",
                method.full_name(),
                there.version(),
                method.descriptor().name(),
            );
            let (name, here) = (method.full_name(), here.version());
            let because = if side == "past" {
                format!("{name} of {here} has no counterpart; say so, rename it, or give it code")
            } else {
                format!("{name} is new in {here}, and older nodes refuse it as it is; you may say why, or give it code")
            };
            findings.push(Finding::undecided(Place::Method, line, because, Vec::new()));
        }
    }
}
