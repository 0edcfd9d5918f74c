//! Paths of rules: names joined by dots.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::protocol::plan::Path;
use crate::protocol::rules::names::did_you_mean;

/// A path that does not lead anywhere: what is wrong, and what to do.
pub(super) struct NoPath {
    pub(super) what: String,
    pub(super) advice: String,
}

/// The path that `text` names in `message`.
pub(super) fn find(message: &MessageDescriptor, text: &str) -> Result<Path, NoPath> {
    let mut fields: Vec<FieldDescriptor> = Vec::new();
    let mut at = message.clone();
    let mut names = text.split('.').peekable();
    while let Some(name) = names.next() {
        let Some(field) = at.get_field_by_name(name) else {
            let all: Vec<String> = at.fields().map(|field| field.name().to_owned()).collect();
            return Err(NoPath {
                what: format!("the message `{}` has no field `{name}`", at.full_name()),
                advice: did_you_mean(name, all.iter().map(String::as_str), "write the field as the proto does"),
            });
        };
        if names.peek().is_some() {
            match field.kind() {
                Kind::Message(inner) if is_singular(&field) => at = inner,
                _ => {
                    return Err(NoPath {
                        what: format!("`{text}` leads through `{name}`, which is no singular message"),
                        advice: "write rules for the fields of a repeated message under that message".to_owned(),
                    });
                }
            }
        }
        fields.push(field);
    }
    Ok(Path::new(fields))
}

pub(super) fn is_singular(field: &FieldDescriptor) -> bool {
    !field.is_list() && !field.is_map()
}

/// The message of a singular message field.
pub(super) fn singular_message(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(message) if is_singular(field) => Some(message),
        _ => None,
    }
}

/// Whether `path` is `prefix`, or leads into it.
pub(super) fn within(path: &[FieldDescriptor], prefix: &[FieldDescriptor]) -> bool {
    path.starts_with(prefix)
}

/// Whether `path` leads into `prefix`.
pub(super) fn strictly_within(path: &[FieldDescriptor], prefix: &[FieldDescriptor]) -> bool {
    path.len() > prefix.len() && path.starts_with(prefix)
}

/// A path below a prefix.
pub(super) fn below(prefix: &[FieldDescriptor], field: &FieldDescriptor) -> Vec<FieldDescriptor> {
    let mut path = prefix.to_vec();
    path.push(field.clone());
    path
}

/// Names of a path, joined by dots.
pub(super) fn show(path: &[FieldDescriptor]) -> String {
    path.iter().map(FieldDescriptor::name).collect::<Vec<_>>().join(".")
}
