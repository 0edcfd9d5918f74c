//! Texts that may have been taken apart, or put together.

use prost_reflect::{FieldDescriptor, Kind};

use super::Pair;
use crate::draft::finding::Finding;
use crate::draft::likeness::{ALIKE, likeness, words};

/// How many new texts may be the parts of one that is gone, where the names do not say so.
const PARTS: usize = 3;

impl Pair<'_> {
    /// `name` became `first_name` and `last_name`, or `place` a message of texts; or the other way round. Gives the names
    /// of the fields that this settles.
    pub(super) fn split_by_name(&self, settled: &[String], findings: &mut Vec<Finding>) -> Vec<String> {
        let mut found = Vec::new();
        for up in [true, false] {
            let (wholes, parts) = self.sides(up);
            for whole in wholes.iter().filter(|whole| is_text(whole) && !is_in(settled, whole)) {
                let named: Vec<String> = parts
                    .iter()
                    .filter(|part| is_text(part) && !is_in(settled, part) && names_a_part(part, whole))
                    .map(|part| part.name().to_owned())
                    .collect();
                let within = parts.iter().find_map(|holder| texts_within(holder, whole));
                let (parts, why) = match within {
                    _ if named.len() > 1 => (named, "the names of these say that they are parts of it"),
                    Some(within) => (within, "all that the message holds are texts"),
                    None => continue,
                };
                found.extend(self.split(up, whole, &parts, why, findings));
            }
        }
        found
    }

    /// The only text that is gone, while several came that nothing else became.
    pub(super) fn split_by_type(&self, settled: &[String], findings: &mut Vec<Finding>) -> Vec<String> {
        let mut found = Vec::new();
        for up in [true, false] {
            let (wholes, parts) = self.sides(up);
            let free = |field: &&FieldDescriptor| is_text(field) && !is_in(settled, field) && !self.is_parted(field);
            let wholes: Vec<&FieldDescriptor> = wholes.iter().filter(free).collect();
            let parts: Vec<String> = parts.iter().filter(free).map(|part| part.name().to_owned()).collect();
            if let [whole] = wholes.as_slice()
                && (2..=PARTS).contains(&parts.len())
            {
                let why =
                    "no other text came or went; they may be its parts, or one of them it, or nothing of the kind";
                found.extend(self.split(up, whole, &parts, why, findings));
            }
        }
        found
    }

    fn sides(&self, up: bool) -> (&[FieldDescriptor], &[FieldDescriptor]) {
        if up { (&self.gone, &self.added) } else { (&self.added, &self.gone) }
    }

    fn split(
        &self,
        up: bool,
        whole: &FieldDescriptor,
        parts: &[String],
        why: &str,
        findings: &mut Vec<Finding>,
    ) -> Vec<String> {
        let list = parts.iter().map(|part| format!("\"{part}\"")).collect::<Vec<_>>().join(", ");
        let name = whole.name();
        let told = parts.iter().map(|part| format!("`{part}`")).collect::<Vec<_>>().join(", ");
        let (line, element, what) = if up {
            let line = format!("{{ old = \"{name}\", new = [{list}], join = \" \" }}");
            (line, self.old_element(whole), format!("`{name}` may have been taken apart into {told}"))
        } else {
            let line = format!("{{ old = [{list}], new = \"{name}\", join = \" \" }}");
            (line, self.new_element(whole), format!("`{name}` may have been put together of {told}"))
        };
        let because = format!("{what}: {why}; nothing tells what stands between the parts");
        let first = |part: &String| part.split('.').next().unwrap_or(part).to_owned();
        let fields: Vec<String> = parts.iter().map(first).collect();
        let there = if up { self.new } else { self.old }.full_name();
        let along = fields.iter().map(|field| format!("{there}.{field}")).collect();
        findings.push(Finding::undecided(self.place(), line, because, vec![element]).with(along));
        [fields, vec![name.to_owned()]].concat()
    }
}

fn is_in(names: &[String], field: &FieldDescriptor) -> bool {
    names.iter().any(|name| name == field.name())
}

fn is_text(field: &FieldDescriptor) -> bool {
    field.kind() == Kind::String && !field.is_list() && !field.is_map()
}

/// Whether a name says all that another one does, and more.
fn names_a_part(part: &FieldDescriptor, whole: &FieldDescriptor) -> bool {
    let (part, whole) = (words(part.name()), words(whole.name()));
    part.len() > whole.len() && (part.starts_with(&whole) || part.ends_with(&whole))
}

/// The texts in a message that holds nothing else, where its name is like that of the text that they may be parts of.
fn texts_within(holder: &FieldDescriptor, whole: &FieldDescriptor) -> Option<Vec<String>> {
    let Kind::Message(message) = holder.kind() else { return None };
    let own = !holder.is_list() && !holder.is_map() && message.package_name() != "google.protobuf";
    let texts = message.fields().len() > 1 && message.fields().all(|field| is_text(&field));
    let named = likeness(holder.name(), whole.name()) >= ALIKE;
    let path = |field: FieldDescriptor| format!("{}.{}", holder.name(), field.name());
    (own && texts && named).then(|| message.fields().map(path).collect())
}
