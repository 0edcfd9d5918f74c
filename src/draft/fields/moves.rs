//! Fields that went into a message beside them, or came out of one.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::{Pair, rule};
use crate::draft::finding::Finding;
use crate::draft::likeness::{SAME, likeness, words};
use crate::draft::types::{Fit, fit};

/// A field of the message that may now be a field of another one.
struct Move<'a> {
    /// The field that stands alone.
    alone: &'a FieldDescriptor,
    /// The field within the message.
    within: FieldDescriptor,
    fit: Fit,
    /// Whether the names say it.
    named: bool,
    score: f64,
}

impl Pair<'_> {
    /// Finds moves, and gives the names of fields of this message that they settle.
    pub(super) fn moved(&self, findings: &mut Vec<Finding>) -> Vec<String> {
        let mut settled = Vec::new();
        for nested in [true, false] {
            let (alone, beside) = if nested { (&self.gone, self.new) } else { (&self.added, self.old) };
            for holder in beside.fields() {
                let Some(message) = singular_message(&holder) else { continue };
                self.into(nested, alone, &holder, &message, &mut settled, findings);
            }
        }
        settled
    }

    /// Moves into one message, or out of one.
    fn into(
        &self,
        nested: bool,
        alone: &[FieldDescriptor],
        holder: &FieldDescriptor,
        message: &MessageDescriptor,
        settled: &mut Vec<String>,
        findings: &mut Vec<Finding>,
    ) {
        let (own, known) = if nested {
            (self.old.get_field_by_name(holder.name()), self.counterparts.was_there(message.full_name()))
        } else {
            (self.new.get_field_by_name(holder.name()), self.counterparts.is_there(message.full_name()))
        };
        let before = own.as_ref().and_then(singular_message);
        let mut moves: Vec<Move<'_>> = message
            .fields()
            .filter(|within| before.as_ref().is_none_or(|before| before.get_field_by_name(within.name()).is_none()))
            .filter_map(|within| self.likeliest(nested, alone, holder, within))
            .collect();
        // A field goes to one place.
        let best = |one: &Move<'_>| {
            let of = moves.iter().filter(|other| other.alone == one.alone).map(|other| other.score);
            of.fold(f64::MIN, f64::max)
        };
        let keep: Vec<bool> = moves.iter().map(|one| one.score >= best(one)).collect();
        let mut keep = keep.into_iter();
        moves.retain(|_| keep.next().unwrap_or(true));
        // A message of protobuf itself is a value, and not a place where fields go.
        if moves.is_empty() || message.package_name() == "google.protobuf" {
            return;
        }
        let whole = own.is_none()
            && (!known || !nested)
            && moves.len() == message.fields().len()
            && moves.iter().all(|one| one.named && one.fit.is_plain());
        for one in moves {
            let path = format!("{}.{}", holder.name(), one.within.name());
            let keys = if let Fit::Rule { keys, .. } = &one.fit { keys.as_str() } else { "" };
            let (line, element) = if nested {
                (rule(one.alone.name(), &path, keys), self.old_element(one.alone))
            } else {
                (rule(&path, one.alone.name(), keys), self.new_element(one.alone))
            };
            settled.extend([one.alone.name().to_owned(), holder.name().to_owned()]);
            findings.push(if whole {
                let because = format!("all fields of `{}` are accounted for by their names and types", holder.name());
                Finding::guess(self.place(), line, because)
            } else {
                let because = match (&one.fit, one.named) {
                    (Fit::Foreign, _) => format!(
                        "the names `{}` and `{path}` are alike, but their types have nothing in common",
                        one.alone.name()
                    ),
                    (_, true) => format!(
                        "the names `{}` and `{path}` say the same, but `{}` holds more, or is not new",
                        one.alone.name(),
                        holder.name()
                    ),
                    (_, false) => format!("the names `{}` and `{path}` are alike", one.alone.name()),
                };
                Finding::undecided(self.place(), line, because, vec![element])
            });
        }
    }

    /// The field that stands alone that is most like one within a message.
    fn likeliest<'a>(
        &self,
        nested: bool,
        alone: &'a [FieldDescriptor],
        holder: &FieldDescriptor,
        within: FieldDescriptor,
    ) -> Option<Move<'a>> {
        let of = |field: &'a FieldDescriptor| {
            let fit =
                if nested { fit(field, &within, self.counterparts) } else { fit(&within, field, self.counterparts) };
            let full = [words(holder.name()), words(within.name())].concat().join("_");
            let alike = likeness(field.name(), &full).max(likeness(field.name(), within.name()));
            (field, fit, alike)
        };
        let alike = |(_, fit, alike): &(&FieldDescriptor, Fit, f64)| alike + if fit.is_plain() { 0.2 } else { 0.0 };
        let (field, fit, likely) = alone
            .iter()
            .filter(|field| field.name() != holder.name())
            .map(of)
            .max_by(|one, other| alike(one).total_cmp(&alike(other)))?;
        let named = likely >= SAME;
        let possible = named || likely >= 0.7 && fit != Fit::Foreign;
        let score = likely + if fit.is_plain() { 0.2 } else { 0.0 };
        possible.then(|| Move { alone: field, within, fit, named, score })
    }
}

fn singular_message(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(message) if !field.is_list() && !field.is_map() => Some(message),
        _ => None,
    }
}
