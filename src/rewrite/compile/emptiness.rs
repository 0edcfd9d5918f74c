//! Messages of which a later hop asks whether anything is set in them.
//!
//! A field that a hop loses passes as it lies there, an explicit zero like all else, though a zero without presence is not
//! set. To readers that is the same, and most messages that lose nothing but that are not looked at for it. But to a later
//! hop it is an unknown field, and whoever takes the message apart counts it as something that is left, and refuses the
//! message or hands on what would not be there. So in such messages only what is set passes.

use prost_reflect::{FieldDescriptor, Kind};
use rustc_hash::FxHashSet;

use super::{Compiler, Key};
use crate::protocol::plan::{Condition, Conversion, Made, MessagePlan, Move, Path, ValueConversion};
use crate::rewrite::scalar;
use crate::rewrite::wire::LENGTH;

/// Full names of messages.
type Names = FxHashSet<String>;

impl Compiler<'_> {
    /// Whether a field passes only if it is set, where it is lost on the way that `key` says.
    pub(super) fn passes_only_if_set(&self, key: &Key, field: &FieldDescriptor) -> bool {
        let end = key.first + key.messages.len() - 1;
        may_be_unset(field)
            && key.messages.last().is_some_and(|message| {
                let asked = self.asked.get_or_init(|| self.asked());
                asked.get(end).is_some_and(|names| names.contains(message))
            })
    }

    /// For each hop, the messages that it or a later one asks for what is set in them, as it meets them.
    fn asked(&self) -> Vec<Names> {
        let mut later = Names::default();
        let mut asked = Vec::new();
        for hop in self.hops.iter().rev() {
            let mut names = Names::default();
            for plan in hop.plans.iter(self.used) {
                ask(plan, &mut names);
                if later.contains(plan.target.full_name()) {
                    names.insert(plan.source.full_name().to_owned());
                }
            }
            // A message may pass in a field that is copied.
            names.extend(later.drain());
            later.clone_from(&names);
            asked.push(names);
        }
        asked.reverse();
        asked
    }
}

/// Whether the field may lie there without being set: a zero without presence, or a packed list of nothing.
fn may_be_unset(field: &FieldDescriptor) -> bool {
    if field.is_list() {
        scalar::wire_of_kind(&field.kind()) != LENGTH
    } else {
        !field.supports_presence() && !field.is_map()
    }
}

/// Adds the messages that the plan asks for what is set in them.
fn ask(plan: &MessagePlan, names: &mut Names) {
    let mut taken_apart: Vec<&Path> = plan.moves.iter().map(|part| &part.from).collect();
    taken_apart.extend(plan.losses.iter().map(|loss| &loss.path));
    taken_apart.extend(plan.drops.iter().map(|drop| &drop.path));
    for make in &plan.makes {
        match &make.value {
            Made::Join { from, .. } => taken_apart.extend(from),
            Made::Split { from, .. } => taken_apart.push(from),
            Made::Constant { .. } => {}
            Made::Expression(expression) => {
                for read in expression.reads() {
                    let mut message = Some(plan.source.clone());
                    for name in read {
                        let field = message.as_ref().and_then(|message| message.get_field_by_name(name));
                        message = field.as_ref().and_then(|field| field.kind().as_message().cloned());
                        names.extend(message.as_ref().map(|message| message.full_name().to_owned()));
                    }
                }
            }
        }
    }
    for path in taken_apart {
        for (index, field) in path.parents().iter().enumerate() {
            let to_here = &path.fields()[..=index];
            if !plan.containers.iter().any(|container| container.from.fields() == to_here) {
                add(field, names);
            }
        }
    }
    for moved in plan.moves.iter().filter(|moved| !stays_message(moved)) {
        add(moved.from.leaf(), names);
    }
    for drop in plan.drops.iter().filter(|drop| !matches!(drop.condition, Condition::Always)) {
        add(drop.path.leaf(), names);
    }
}

/// Whether what is unknown in a message goes along with it.
fn stays_message(moved: &Move) -> bool {
    let stays = |value: &ValueConversion| !matches!(value, ValueConversion::Scalar(_));
    match &moved.conversion {
        Conversion::One(value)
        | Conversion::Each(value)
        | Conversion::IntoList(value)
        | Conversion::FromList { value, .. }
        | Conversion::Map { value, .. }
        | Conversion::MapToList { value, .. } => stays(value),
        Conversion::ListToMap { .. } | Conversion::Mask { .. } => false,
    }
}

fn add(field: &FieldDescriptor, names: &mut Names) {
    if let Kind::Message(message) = field.kind() {
        names.insert(message.full_name().to_owned());
    }
}
