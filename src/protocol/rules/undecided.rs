//! `undecided`: what the author of a step has yet to say, though rules alone would see nothing open.
//!
//! A field that is gone may have been renamed to one with another number and another name. Only people know; until they
//! say it, whatever reaches the field stays open.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use toml::Spanned;

use super::faults::Faults;
use super::names::did_you_mean;
use crate::protocol::plan::Open;
use crate::protocol::schema::Schema;

/// The elements of either version that are undecided.
#[derive(Default)]
pub(super) struct Undecided {
    /// The line that names it, by full name: a message, an enum, or either's with a field or a value.
    lines: BTreeMap<String, usize>,
    /// Messages and enums that are undecided, or a part of which is.
    touched: BTreeSet<String>,
    /// Messages that something was found open in.
    opened: RefCell<BTreeSet<String>>,
}

impl Undecided {
    pub(super) fn read(names: &[Spanned<String>], old: &Schema, new: &Schema, faults: &mut Faults<'_>) -> Self {
        let mut found = Self::default();
        let known = [parts(old), parts(new)];
        for name in names {
            let wanted = name.get_ref().as_str();
            let Some(owner) = known.iter().find_map(|known| known.get(wanted)) else {
                let what = format!(
                    "`undecided` names `{wanted}`, which neither {} nor {} declares",
                    old.version(),
                    new.version()
                );
                let all = known.iter().flat_map(BTreeMap::keys).map(String::as_str);
                let else_ =
                    "name a message, a field, an enum or one of its values by its full name: package.Message.field";
                faults.add(name.span().start, what, did_you_mean(wanted, all, else_));
                continue;
            };
            if found.lines.insert(wanted.to_owned(), faults.line_of(name)).is_some() {
                faults.add(name.span().start, format!("`undecided` names `{wanted}` twice"), "remove one of the two");
            }
            found.touched.insert(owner.clone());
        }
        found
    }

    /// Whether a message or an enum is undecided, or a part of it.
    pub(super) fn touches(&self, name: &str) -> bool {
        self.touched.contains(name)
    }

    /// Messages that stay open for it, and enums: methods that reach them are not the same by themselves.
    pub(super) fn reached(&self) -> BTreeSet<String> {
        self.touched.union(&self.opened.borrow()).cloned().collect()
    }

    /// What is undecided in one pair of messages, whatever becomes of it by itself. `has_counterpart` says whether a
    /// message of these has one: what is undecided in it is open there.
    pub(super) fn open_in(
        &self,
        source: &MessageDescriptor,
        target: &MessageDescriptor,
        has_counterpart: &dyn Fn(&MessageDescriptor) -> bool,
    ) -> Vec<Open> {
        let mut found = Vec::new();
        if self.lines.is_empty() {
            return found;
        }
        for message in [source, target] {
            self.name(message.full_name(), message.full_name(), &mut found);
            for field in message.fields() {
                let element = format!("{}.{}", message.full_name(), field.name());
                self.name(&element, &element, &mut found);
                match held(&field) {
                    Kind::Enum(declared) if self.touches(declared.full_name()) => {
                        self.names_of(declared.full_name(), &element, &mut found);
                    }
                    Kind::Message(held) if self.touches(held.full_name()) && !has_counterpart(&held) => {
                        self.names_of(held.full_name(), &element, &mut found);
                    }
                    _ => {}
                }
            }
        }
        if !found.is_empty() {
            let both = [source, target].map(|message| message.full_name().to_owned());
            self.opened.borrow_mut().extend(both);
        }
        found
    }

    /// Opens `element` for what is undecided under exactly this name.
    fn name(&self, name: &str, element: &str, found: &mut Vec<Open>) {
        if let Some(line) = self.lines.get(name) {
            let about = if name == element { String::new() } else { format!("`{name}` ") };
            let what = format!(
                "{about}is left undecided by line {line} of step.toml: say what becomes of it, and remove it there"
            );
            let open = Open { element: element.to_owned(), what };
            if !found.contains(&open) {
                found.push(open);
            }
        }
    }

    /// Opens `element` for an enum or a message, or for any part of it.
    fn names_of(&self, owner: &str, element: &str, found: &mut Vec<Open>) {
        let part = |name: &str| name.strip_prefix(owner).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        for name in self.lines.keys().filter(|name| part(name)) {
            self.name(name, element, found);
        }
    }
}

/// All that may be undecided in a version, by full name, each with the message or the enum that it belongs to.
fn parts(schema: &Schema) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for message in schema.pool().all_messages().filter(|message| !message.is_map_entry()) {
        let owner = message.full_name();
        found.insert(owner.to_owned(), owner.to_owned());
        found.extend(message.fields().map(|field| (format!("{owner}.{}", field.name()), owner.to_owned())));
    }
    for declared in schema.pool().all_enums() {
        let owner = declared.full_name();
        found.insert(owner.to_owned(), owner.to_owned());
        found.extend(declared.values().map(|value| (format!("{owner}.{}", value.name()), owner.to_owned())));
    }
    found
}

/// What a field holds: of a map its values.
fn held(field: &FieldDescriptor) -> Kind {
    match field.kind() {
        Kind::Message(entry) if entry.is_map_entry() => entry.map_entry_value_field().kind(),
        kind => kind,
    }
}
