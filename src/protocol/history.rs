//! Numbers and names that were ever used or reserved, over the versions before a step.
//!
//! A number that comes back with another meaning looks just like an added field. Only what was never there before can
//! be added without a rule.

use prost_reflect::{EnumDescriptor, MessageDescriptor};

use super::schema::Schema;

/// The versions up to and with the older side of a step.
pub(super) struct History<'a>(&'a [Schema]);

impl<'a> History<'a> {
    pub(super) fn up_to(versions: &'a [Schema]) -> Self {
        Self(versions)
    }

    /// Who used or reserved `number` or `name` in this message before, told as the end of a sentence.
    pub(super) fn of_field(&self, message: &MessageDescriptor, number: u32, name: &str) -> Option<String> {
        self.0.iter().rev().find_map(|schema| {
            let earlier = message_named_like(schema, message)?;
            let what = if let Some(field) = earlier.get_field(number) {
                format!("was `{}`", field.name())
            } else if earlier.reserved_ranges().any(|range| range.contains(&number)) {
                "was reserved".to_owned()
            } else if earlier.extension_ranges().any(|range| range.contains(&number)) {
                "was left to extensions".to_owned()
            } else if let Some(field) = earlier.get_field_by_name(name) {
                format!("had its name on number {}", field.number())
            } else if earlier.reserved_names().any(|reserved| reserved == name) {
                "had its name reserved".to_owned()
            } else {
                return None;
            };
            Some(format!("{what} in {}", schema.version()))
        })
    }

    /// Who used or reserved `number` or `name` in this enum before, told as the end of a sentence.
    pub(super) fn of_value(&self, declared: &EnumDescriptor, number: i32, name: &str) -> Option<String> {
        self.0.iter().rev().find_map(|schema| {
            let earlier = enum_named_like(schema, declared)?;
            let what = if let Some(value) = earlier.get_value(number) {
                format!("was `{}`", value.name())
            } else if earlier.reserved_ranges().any(|range| range.contains(&number)) {
                "was reserved".to_owned()
            } else if let Some(value) = earlier.get_value_by_name(name) {
                format!("had its name on number {}", value.number())
            } else if earlier.reserved_names().any(|reserved| reserved == name) {
                "had its name reserved".to_owned()
            } else {
                return None;
            };
            Some(format!("{what} in {}", schema.version()))
        })
    }
}

/// The message of the same name, or, where the package has moved, of the same name within its package.
fn message_named_like(schema: &Schema, message: &MessageDescriptor) -> Option<MessageDescriptor> {
    schema.pool().get_message_by_name(message.full_name()).or_else(|| {
        let wanted = within_package(message.full_name(), message.package_name());
        schema.pool().all_messages().find(|other| within_package(other.full_name(), other.package_name()) == wanted)
    })
}

fn enum_named_like(schema: &Schema, declared: &EnumDescriptor) -> Option<EnumDescriptor> {
    schema.pool().get_enum_by_name(declared.full_name()).or_else(|| {
        let wanted = within_package(declared.full_name(), declared.package_name());
        schema.pool().all_enums().find(|other| within_package(other.full_name(), other.package_name()) == wanted)
    })
}

fn within_package<'a>(full_name: &'a str, package: &str) -> &'a str {
    full_name.strip_prefix(package).map_or(full_name, |rest| rest.trim_start_matches('.'))
}
