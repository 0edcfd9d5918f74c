//! Paths of a plan, held against the paths of a message.

use prost_reflect::FieldDescriptor;

use crate::expression::Expression;
use crate::protocol::plan::{Made, MessagePlan, Path};

/// Whether a path is exactly these fields.
pub(super) fn is(path: &Path, trail: &[FieldDescriptor]) -> bool {
    path.fields().len() == trail.len() && begins(path.fields(), trail)
}

/// Whether `fields` begin with `start`. Numbers tell fields of one message apart.
pub(super) fn begins(fields: &[FieldDescriptor], start: &[FieldDescriptor]) -> bool {
    fields.len() >= start.len() && fields.iter().zip(start).all(|(one, other)| one.number() == other.number())
}

/// Whether an expression reads the field, all of what is in it, or the message as a whole.
pub(super) fn reads(expression: &Expression, trail: &[FieldDescriptor]) -> bool {
    expression
        .reads()
        .iter()
        .any(|names| names.len() <= trail.len() && names.iter().zip(trail).all(|(name, field)| name == field.name()))
}

/// Whether some part of the plan speaks of what lies within the field by itself.
pub(super) fn leads_within(plan: &MessagePlan, trail: &[FieldDescriptor]) -> bool {
    let within = |path: &Path| path.fields().len() > trail.len() && begins(path.fields(), trail);
    let reads_within = |expression: &Expression| {
        expression
            .reads()
            .iter()
            .any(|names| names.len() > trail.len() && names.iter().zip(trail).all(|(name, field)| name == field.name()))
    };
    plan.moves.iter().any(|moved| within(&moved.from))
        || plan.containers.iter().any(|container| is(&container.from, trail) || within(&container.from))
        || plan.drops.iter().any(|dropped| within(&dropped.path))
        || plan.losses.iter().any(|loss| within(&loss.path))
        || plan.makes.iter().any(|make| match &make.value {
            Made::Expression(expression) => reads_within(expression),
            Made::Join { from, .. } => from.iter().any(within),
            Made::Split { from, .. } => within(from),
            Made::Constant { .. } => false,
        })
}
