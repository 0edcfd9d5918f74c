//! What of a message nothing carries over.

use prost_reflect::{FieldDescriptor, MessageDescriptor};

use super::expand::Expansion;
use super::paths::{below, singular_message, strictly_within, within};
use super::said::Told;
use crate::protocol::plan::{Loss, Made, Origin, Path, Policies};

/// The policies of the fields of a message that is taken apart, by where it lies.
pub(super) struct Base {
    pub(super) path: Vec<FieldDescriptor>,
    pub(super) policies: Policies,
}

type Fields = [FieldDescriptor];

impl Expansion<'_, '_, '_> {
    /// All fields of the source that no move and no expression always consumes.
    pub(super) fn losses(&self) -> Vec<Loss> {
        let mut losses = Vec::new();
        self.losses_of(&[], &self.source, &mut losses);
        losses
    }

    fn losses_of(&self, at: &Fields, message: &MessageDescriptor, losses: &mut Vec<Loss>) {
        for field in message.fields() {
            let path = below(at, &field);
            if self.is_consumed(&path) {
                continue;
            }
            if self.containers.iter().any(|container| container.from.fields() == path) {
                if let Some(inner) = singular_message(&field) {
                    self.losses_of(&path, &inner, losses);
                }
                continue;
            }
            losses.push(self.loss(&path));
            // What is said of a part goes before what is said of the whole.
            let mut parts: Vec<&Fields> = self
                .said
                .fates
                .iter()
                .map(|fate| fate.path.fields())
                .filter(|part| strictly_within(part, &path) && !self.is_consumed(part))
                .collect();
            parts.dedup();
            losses.extend(parts.into_iter().map(|part| self.loss(part)));
        }
    }

    /// Whether a field always goes somewhere, as a whole.
    fn is_consumed(&self, path: &Fields) -> bool {
        let whole = |other: &Path| within(path, other.fields());
        let moved = self.moves.iter().any(|step| step.when.is_none() && whole(&step.from));
        moved
            || self.said.makes.iter().filter(|make| make.when.is_none()).any(|make| match &make.value {
                Made::Join { from, .. } => from.iter().any(whole),
                Made::Split { from, .. } => whole(from),
                Made::Expression(expression) => expression.reads().iter().any(|read| {
                    read.len() <= path.len() && read.iter().zip(path).all(|(name, field)| name == field.name())
                }),
                Made::Constant { .. } => false,
            })
    }

    /// The loss of a field: what is said of it, or of the nearest message around it.
    fn loss(&self, path: &Fields) -> Loss {
        let base = self.bases.iter().filter(|base| within(path, &base.path)).max_by_key(|base| base.path.len());
        let mut fates: Vec<_> = self.said.fates.iter().filter(|fate| within(path, fate.path.fields())).collect();
        // The nearest goes first; of two for one field, the one that stands last.
        fates.sort_by_key(|fate| fate.path.fields().len());
        let mut loss = Loss {
            path: Path::new(path.to_vec()),
            policies: base.map_or(PASS_NOTHING, |base| base.policies),
            reason: None,
            advice: None,
            origin: Origin::Schema,
        };
        for fate in fates {
            loss.policies = fate.policies(self.direction, loss.policies);
            loss.origin = Origin::Line(fate.line);
            (loss.reason, loss.advice) = match &fate.told {
                Told::Refuse { reason, advice } => (Some(reason.clone()), advice.clone()),
                Told::Loss(_) | Told::Drop => (None, None),
            };
        }
        loss
    }
}

/// The level of the plan itself always has policies; without any, nothing may get lost.
const PASS_NOTHING: Policies = {
    use crate::protocol::plan::Policy::Refuse;
    Policies { request: Refuse, response: Refuse, stored: Refuse }
};
