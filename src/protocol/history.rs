//! Numbers and names that were ever used or reserved, over the versions before a step.
//!
//! A number that comes back with another meaning looks just like an added field. Only what was never there before can
//! be added without a rule.

use std::collections::BTreeSet;

use prost_reflect::{EnumDescriptor, MessageDescriptor};

use super::schema::{self, Schema};
use super::step::Step;

/// The versions up to and with the older side of a step, and the steps between them.
pub(super) struct History<'a> {
    versions: &'a [Schema],
    steps: &'a [Step],
}

impl<'a> History<'a> {
    pub(super) fn new(versions: &'a [Schema], steps: &'a [Step]) -> Self {
        Self { versions, steps }
    }

    /// Who used or reserved `number` or `name` in this message before, told as the end of a sentence.
    pub(super) fn of_field(&self, message: &MessageDescriptor, number: u32, name: &str) -> Option<String> {
        self.of_message(message, |earlier| {
            if let Some(used) = used(earlier, number) {
                Some(used)
            } else if earlier.extension_ranges().any(|range| range.contains(&number)) {
                Some("was left to extensions".to_owned())
            } else if let Some(field) = earlier.get_field_by_name(name) {
                Some(format!("had its name on number {}", field.number()))
            } else if earlier.reserved_names().any(|reserved| reserved == name) {
                Some("had its name reserved".to_owned())
            } else {
                None
            }
        })
    }

    /// Who used or reserved `number` in this message before, other than leaving it to extensions.
    pub(super) fn of_extension(&self, message: &MessageDescriptor, number: u32) -> Option<String> {
        self.of_message(message, |earlier| used(earlier, number))
    }

    fn of_message(
        &self,
        message: &MessageDescriptor,
        told: impl Fn(&MessageDescriptor) -> Option<String>,
    ) -> Option<String> {
        self.find(message.full_name(), message.package_name(), |schema, names| {
            let named: Vec<_> = names.full.iter().filter_map(|name| schema.pool().get_message_by_name(name)).collect();
            // One that moved to another package kept its name within it.
            let met = if named.is_empty() { schema.by_name_within().messages(&names.within) } else { &named };
            met.iter().find_map(&told)
        })
    }

    /// Who used or reserved `number` or `name` in this enum before, told as the end of a sentence.
    pub(super) fn of_value(&self, declared: &EnumDescriptor, number: i32, name: &str) -> Option<String> {
        let told = |earlier: &EnumDescriptor| {
            if let Some(value) = earlier.get_value(number) {
                Some(format!("was `{}`", value.name()))
            } else if earlier.reserved_ranges().any(|range| range.contains(&number)) {
                Some("was reserved".to_owned())
            } else if let Some(value) = earlier.get_value_by_name(name) {
                Some(format!("had its name on number {}", value.number()))
            } else if earlier.reserved_names().any(|reserved| reserved == name) {
                Some("had its name reserved".to_owned())
            } else {
                None
            }
        };
        self.find(declared.full_name(), declared.package_name(), |schema, names| {
            let named: Vec<_> = names.full.iter().filter_map(|name| schema.pool().get_enum_by_name(name)).collect();
            let met = if named.is_empty() { schema.by_name_within().enums(&names.within) } else { &named };
            met.iter().find_map(told)
        })
    }

    /// Asks each version, newest first, for what it says of the element that went by this name or by another one then.
    fn find(&self, full_name: &str, package: &str, told: impl Fn(&Schema, &Names) -> Option<String>) -> Option<String> {
        let within = schema::name_within(full_name, package).to_owned();
        let mut names = Names { full: BTreeSet::from([full_name.to_owned()]), within };
        self.versions.iter().enumerate().rev().find_map(|(index, schema)| {
            // No step leads on from the newest of these versions: it is the one that is being made.
            if let Some(step) = self.steps.get(index) {
                let older: Vec<String> =
                    names.full.iter().flat_map(|new| step.moved.old_names(new)).map(str::to_owned).collect();
                names.full.extend(older);
            }
            Some(format!("{} in {}", told(schema, &names)?, schema.version()))
        })
    }
}

/// The names that an element went by: those that steps tell of, and the one within its package, which may have moved.
struct Names {
    full: BTreeSet<String>,
    within: String,
}

fn used(earlier: &MessageDescriptor, number: u32) -> Option<String> {
    if let Some(field) = earlier.get_field(number) {
        Some(format!("was `{}`", field.name()))
    } else if let Some(extension) = earlier.get_extension(number) {
        Some(format!("was the extension `{}`", extension.full_name()))
    } else if earlier.reserved_ranges().any(|range| range.contains(&number)) {
        Some("was reserved".to_owned())
    } else {
        None
    }
}
