//! Fields that a message holds and its schema does not declare.

use std::collections::BTreeSet;

use prost_reflect::{DynamicMessage, Value};

/// Their numbers, each after the fields that lead to it, as `item.12`.
pub(super) fn fields(message: &DynamicMessage) -> Vec<String> {
    let mut found = BTreeSet::new();
    collect(message, "", &mut found);
    found.into_iter().collect()
}

fn collect(message: &DynamicMessage, path: &str, found: &mut BTreeSet<String>) {
    found.extend(message.unknown_fields().map(|field| format!("{path}{}", field.number())));
    for (field, value) in message.fields() {
        let path = format!("{path}{}.", field.name());
        let mut visit = |value: &Value| {
            if let Value::Message(message) = value {
                collect(message, &path, found);
            }
        };
        match value {
            Value::List(values) => values.iter().for_each(visit),
            Value::Map(values) => values.values().for_each(visit),
            value => visit(value),
        }
    }
}
