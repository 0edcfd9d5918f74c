//! Whether messages of two versions mean the same bytes, all that they lead to included.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Syntax};

/// Remembers which pairs of messages mean the same bytes.
#[derive(Default)]
pub(super) struct Identities {
    known: RefCell<BTreeMap<(String, String), bool>>,
}

impl Identities {
    /// Whether every message `old` is, byte for byte, the message `new` with the same meaning, and the other way.
    /// `untouched` says whether no rule speaks of a pair of messages or enums, given by their full names.
    pub(super) fn is_copy(
        &self,
        old: &MessageDescriptor,
        new: &MessageDescriptor,
        untouched: &dyn Fn(&str, &str) -> bool,
    ) -> bool {
        let key = |one: &MessageDescriptor, other: &MessageDescriptor| {
            (one.full_name().to_owned(), other.full_name().to_owned())
        };
        let asked = key(old, new);
        if let Some(known) = self.known.borrow().get(&asked) {
            return *known;
        }
        // Messages that contain themselves mean the same unless something that they lead to differs.
        let mut seen = BTreeSet::from([asked.clone()]);
        let mut pending = vec![(old.clone(), new.clone())];
        let mut same = true;
        while let Some((one, other)) = pending.pop() {
            match self.known.borrow().get(&key(&one, &other)) {
                Some(true) => continue,
                Some(false) => same = false,
                None => match alike(&one, &other, untouched) {
                    None => same = false,
                    Some(held) => {
                        pending.extend(held.into_iter().filter(|(one, other)| seen.insert(key(one, other))));
                    }
                },
            }
            if !same {
                break;
            }
        }
        let mut known = self.known.borrow_mut();
        if same {
            known.extend(seen.into_iter().map(|pair| (pair, true)));
        } else {
            known.insert(asked, false);
        }
        same
    }
}

/// The messages that two messages hold, in pairs, if there is no difference between the two but in what they hold.
fn alike(
    one: &MessageDescriptor,
    other: &MessageDescriptor,
    untouched: &dyn Fn(&str, &str) -> bool,
) -> Option<Vec<(MessageDescriptor, MessageDescriptor)>> {
    let known = one.package_name() == "google.protobuf" || other.package_name() == "google.protobuf";
    if known && one.full_name() != other.full_name() {
        return None;
    }
    // What an Any holds may change, and so may the fields that a mask names.
    let speaks_of_others = ["google.protobuf.Any", "google.protobuf.FieldMask"].contains(&one.full_name());
    let counts = |message: &MessageDescriptor| (message.fields().len(), message.extensions().count());
    if speaks_of_others || counts(one) != counts(other) || !untouched(one.full_name(), other.full_name()) {
        return None;
    }
    let mut held = Vec::new();
    let mut kinds = |one: Kind, other: Kind| match (one, other) {
        (Kind::Message(one), Kind::Message(other)) => {
            held.push((one, other));
            true
        }
        (Kind::Enum(one), Kind::Enum(other)) => {
            untouched(one.full_name(), other.full_name()) && same_values(&one, &other)
        }
        (one, other) => one == other,
    };
    for field in one.fields() {
        let counterpart = other.get_field(field.number())?;
        if shape(&field) != shape(&counterpart) || !kinds(field.kind(), counterpart.kind()) {
            return None;
        }
    }
    for extension in one.extensions() {
        let counterpart = other.get_extension(extension.number())?;
        let shape = |extension: &prost_reflect::ExtensionDescriptor| {
            (extension.full_name().to_owned(), extension.cardinality(), extension.is_group())
        };
        if shape(&extension) != shape(&counterpart) || !kinds(extension.kind(), counterpart.kind()) {
            return None;
        }
    }
    Some(held)
}

/// All of a field that bears on its meaning, but for its type.
fn shape(field: &FieldDescriptor) -> impl PartialEq {
    let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic()).map(|oneof| oneof.name().to_owned());
    (
        (field.name().to_owned(), field.cardinality(), field.is_map(), field.is_packed(), field.is_group()),
        (field.supports_presence(), oneof, field.field_descriptor_proto().default_value().to_owned()),
        // One side checks texts and takes enums for open, the other does not.
        field.parent_message().parent_file().syntax() == Syntax::Proto2,
    )
}

pub(super) fn same_values(one: &EnumDescriptor, other: &EnumDescriptor) -> bool {
    let values = |declared: &EnumDescriptor| -> BTreeSet<(i32, String)> {
        declared.values().map(|value| (value.number(), value.name().to_owned())).collect()
    };
    let facts = |declared: &EnumDescriptor| {
        (declared.parent_file().syntax() == Syntax::Proto2, declared.default_value().number())
    };
    values(one) == values(other) && facts(one) == facts(other)
}
