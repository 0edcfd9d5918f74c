//! Field masks: whose fields their paths name.

use std::collections::BTreeSet;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::expand::Expansion;
use super::paths::{self, is_singular, singular_message};
use super::said::SaidMove;
use super::{Asked, oriented};
use crate::protocol::plan::{Conversion, Direction, Path, ValueConversion};
use crate::protocol::rules::convert::Counterparts;
use crate::protocol::rules::rule::What;

/// What a rule says that a mask speaks of.
#[derive(Clone, Copy)]
pub(super) enum Spoken<'s> {
    Nothing,
    By(&'s str, &'s SaidMove),
}

const MASK: &str = "google.protobuf.FieldMask";
const AS_IT_IS: Conversion = Conversion::One(ValueConversion::Copy);

fn is_mask(field: &FieldDescriptor) -> bool {
    matches!(field.kind(), Kind::Message(message) if message.full_name() == MASK)
}

impl Expansion<'_, '_, '_> {
    /// What becomes of a mask; nothing where the two fields are no masks.
    pub(super) fn mask(&self, from: &Path, to: &Path, spoken: Spoken<'_>) -> Option<Result<Conversion, String>> {
        let masks = is_mask(from.leaf()) && is_mask(to.leaf());
        if !masks {
            return match spoken {
                Spoken::Nothing => None,
                Spoken::By(..) => Some(Err(format!("`mask` is for two fields of type {MASK}"))),
            };
        }
        if !is_singular(from.leaf()) || !is_singular(to.leaf()) {
            return Some(Err("masks are bridged one by one, and this field is repeated".to_owned()));
        }
        Some(match spoken {
            Spoken::Nothing => self.guess(from),
            Spoken::By("", _) => Ok(AS_IT_IS),
            Spoken::By(".", rule) => Ok(self.of_messages(&rule.under.0, &rule.under.1)),
            Spoken::By(field, rule) => self.of_field(field, rule),
        })
    }

    fn of_field(&self, field: &str, rule: &SaidMove) -> Result<Conversion, String> {
        let (older, _) = &rule.under;
        let path =
            paths::find(older, field).map_err(|no_path| format!("`mask`: {}; {}", no_path.what, no_path.advice))?;
        let Kind::Message(old) = path.leaf().kind() else {
            return Err(format!("`mask` names `{field}`, which is no message: a mask speaks of the fields of one"));
        };
        let names = &self.resolver.names;
        let counterpart = names.message(Direction::Up, old.full_name());
        let counterpart = counterpart.and_then(|name| names.new.pool().get_message_by_name(name));
        let Some(new) = counterpart else {
            return Err(format!("`mask` names `{field}`, but `{}` has no counterpart", old.full_name()));
        };
        Ok(self.of_messages(&old, &new))
    }

    fn of_messages(&self, old: &MessageDescriptor, new: &MessageDescriptor) -> Conversion {
        let (source, target) = oriented(self.direction, old, new);
        let asked = Asked { resolver: self.resolver, direction: self.direction };
        if asked.is_copy(source, target) {
            return AS_IT_IS;
        }
        Conversion::Mask { source: source.full_name().to_owned(), target: target.full_name().to_owned() }
    }

    /// Without a word, a mask speaks of the only message beside it; where names did not change it matters to nobody.
    fn guess(&self, from: &Path) -> Result<Conversion, String> {
        let names = &self.resolver.names;
        let counterpart = |source: &MessageDescriptor| {
            let target = names.message(self.direction, source.full_name())?;
            let schema = if self.direction == Direction::Up { names.new } else { names.old };
            schema.pool().get_message_by_name(target)
        };
        let beside: Vec<MessageDescriptor> = from
            .leaf()
            .parent_message()
            .fields()
            .filter_map(|field| singular_message(&field))
            .filter(|message| message.package_name() != "google.protobuf")
            .collect();
        if let [only] = beside.as_slice()
            && let Some(target) = counterpart(only)
        {
            let (old, new) = oriented(self.direction, only.clone(), target);
            return Ok(self.of_messages(&old, &new));
        }
        let kept = if beside.is_empty() {
            // It speaks of something else: of a response, as a rule.
            names.messages(self.direction).iter().all(|(source, target)| self.keeps_names(source, target))
        } else {
            beside.iter().all(|source| {
                counterpart(source).is_some_and(|target| self.keeps_names(source.full_name(), target.full_name()))
            })
        };
        if kept {
            return Ok(AS_IT_IS);
        }
        Err("a mask, but of what? Say `mask` in a rule for it: the field whose fields its paths name, \".\" for the \
             message itself, or \"\" for paths that stay as they are"
            .to_owned())
    }

    /// Whether no field of a message, nor of what it leads to, changes its name.
    fn keeps_names(&self, source: &str, target: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut pending = vec![(source.to_owned(), target.to_owned())];
        while let Some((source, target)) = pending.pop() {
            if !seen.insert((source.clone(), target.clone())) {
                continue;
            }
            let (old, new) = oriented(self.direction, source.as_str(), target.as_str());
            let renamed = self.resolver.rules_of(old, new).iter().flat_map(|rules| &rules.rules).any(|rule| {
                matches!(&rule.what, What::Pair { old, new, .. } if old != new)
                    || matches!(rule.what, What::Join { .. })
            });
            let names = &self.resolver.names;
            let (sources, targets) = oriented(self.direction, names.old, names.new);
            let messages = sources.pool().get_message_by_name(&source).zip(targets.pool().get_message_by_name(&target));
            let Some((source, target)) = messages.filter(|_| !renamed && !self.resolver.by_number(old, new)) else {
                return false;
            };
            for field in source.fields() {
                let counterpart = target.get_field_by_name(field.name());
                if let (Kind::Message(one), Some(Kind::Message(other))) =
                    (field.kind(), counterpart.map(|counterpart| counterpart.kind()))
                {
                    pending.push((one.full_name().to_owned(), other.full_name().to_owned()));
                }
            }
        }
        true
    }
}
