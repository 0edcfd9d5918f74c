//! Which numbers pass that a message does not declare, and which messages stay as they are.

use std::collections::BTreeSet;
use std::ops::Range;

use prost_reflect::{FieldDescriptor, MessageDescriptor, OneofDescriptor};

use super::{Compiler, Draft, State, inner_key};
use crate::protocol::Protocol;
use crate::protocol::plan::{Conversion, Direction, Loss, MessagePlan, Move, Policy, Use, ValueConversion};
use crate::rewrite::table::Passing;

/// One more than the largest field number.
const END: u32 = 1 << 29;

/// What a compiler asks about the numbers of a protocol.
pub(in crate::rewrite) trait FreeNumbers {
    /// As [`Protocol::number_is_free`].
    fn is_free(&self, version: usize, message: &str, number: u32, field: Option<&FieldDescriptor>) -> bool;
    /// The numbers at which that may change.
    fn borders(&self, version: usize, message: &str) -> BTreeSet<u32>;
}

/// The numbers of a protocol.
pub(in crate::rewrite) struct OfProtocol<'a>(pub(in crate::rewrite) &'a Protocol);

impl FreeNumbers for OfProtocol<'_> {
    fn is_free(&self, version: usize, message: &str, number: u32, field: Option<&FieldDescriptor>) -> bool {
        self.0.number_is_free(version, message, number, field)
    }

    fn borders(&self, version: usize, message: &str) -> BTreeSet<u32> {
        let mut borders = BTreeSet::new();
        let mut add = |version: usize, name: &str| {
            if let Some(message) = self.0.versions()[version].pool().get_message_by_name(name) {
                add_borders(&message, &mut borders);
            }
        };
        add(version, message);
        let mut name = message.to_owned();
        for step in version..self.0.steps().len() {
            let Some(next) = self.0.steps()[step].plans(Direction::Up).counterpart(&name) else { break };
            name = next.to_owned();
            add(step + 1, &name);
        }
        let mut name = message.to_owned();
        for step in (0..version).rev() {
            let Some(next) = self.0.steps()[step].plans(Direction::Down).counterpart(&name) else { break };
            name = next.to_owned();
            add(step, &name);
        }
        borders
    }
}

/// Adds where fields and reserved numbers start and end.
pub(in crate::rewrite) fn add_borders(message: &MessageDescriptor, borders: &mut BTreeSet<u32>) {
    for field in message.fields() {
        borders.extend([field.number(), field.number() + 1]);
    }
    for range in message.reserved_ranges() {
        borders.extend([range.start, range.end]);
    }
}

/// What becomes of a loss.
pub(super) enum Lost {
    Refuse,
    Pass,
    Drop,
}

impl Compiler<'_> {
    /// What becomes of numbers that `source` does not declare.
    ///
    /// What is unknown may not take the place of what is carried over: numbers of the target that are `written` are as
    /// taken as those with another meaning.
    pub(super) fn passing(
        &self,
        version: usize,
        (source, target): (&MessageDescriptor, &MessageDescriptor),
        written: impl Iterator<Item = u32>,
        slot: Option<usize>,
    ) -> Passing {
        let mut taken = self.taken(version, source);
        for number in written.filter(|number| source.get_field(*number).is_none()) {
            let index = taken.partition_point(|range| range.end <= number);
            if !taken.get(index).is_some_and(|range| range.contains(&number)) {
                taken.insert(index, number..number + 1);
            }
        }
        let mut late = Vec::new();
        for (index, oneof) in target.oneofs().enumerate().filter(|(_, oneof)| !oneof.is_synthetic()) {
            // A number with another meaning is no arm: it goes the way of all that may not pass.
            let is_taken = |arm: &u32| taken.iter().any(|range| range.contains(arm));
            let unknown = oneof.fields().map(|arm| arm.number()).filter(|arm| !is_taken(arm));
            late.extend(unknown.filter(|arm| source.get_field(*arm).is_none()).map(|arm| (arm, Some(index))));
        }
        Passing { taken, late, leave_out: self.used == Use::Response, slot }
    }

    /// The numbers that `source` does not declare, and that have another meaning somewhere.
    fn taken(&self, version: usize, source: &MessageDescriptor) -> Vec<Range<u32>> {
        let key = (version, source.full_name().to_owned());
        if let Some(taken) = self.taken.borrow().get(&key) {
            return taken.clone();
        }
        let mut borders = self.numbers.borders(version, source.full_name());
        borders.insert(1);
        let starts: Vec<u32> = borders.range(..END).copied().filter(|start| *start > 0).collect();
        let mut taken: Vec<Range<u32>> = Vec::new();
        for (index, start) in starts.iter().enumerate() {
            let end = starts.get(index + 1).copied().unwrap_or(END);
            let is_known = source.get_field(*start).is_some();
            if !is_known && !self.numbers.is_free(version, source.full_name(), *start, None) {
                match taken.last_mut().filter(|last| last.end == *start) {
                    Some(last) => last.end = end,
                    None => taken.push(*start..end),
                }
            }
        }
        self.taken.borrow_mut().insert(key, taken.clone());
        taken
    }

    /// What becomes of a field that is lost; `has_place` says whether there is a message for it to pass in, where nothing
    /// takes its number.
    pub(super) fn lost(&self, version: usize, loss: &Loss, has_place: bool) -> Lost {
        let field = loss.path.leaf();
        let message = field.parent_message();
        match loss.policies.of(self.used) {
            Policy::Refuse => Lost::Refuse,
            Policy::Drop => Lost::Drop,
            Policy::Pass => {
                let free = self.numbers.is_free(version, message.full_name(), field.number(), Some(field));
                match free && has_place {
                    true => Lost::Pass,
                    false if self.used == Use::Response => Lost::Drop,
                    false => Lost::Refuse,
                }
            }
        }
    }

    /// The tables that have to be identities for this one to be one; nothing where it cannot be.
    pub(super) fn needs(&self, draft: &Draft) -> Option<Vec<usize>> {
        let plan = match &draft.state {
            State::Plan(plan) => plan,
            State::Sequence(tables) => return Some(tables.clone()),
            State::Kept => return Some(Vec::new()),
            State::Pending | State::Broken(_) => return None,
        };
        let version = self.hops[draft.key.first].version;
        if !draft.detours.is_empty() {
            return None;
        }
        if !(plan.checks.is_empty() && plan.drops.is_empty() && plan.makes.is_empty() && plan.containers.is_empty()) {
            return None;
        }
        let mut stays = BTreeSet::new();
        let mut needed = Vec::new();
        for moved in &plan.moves {
            needed.extend(inner_of_same(plan, moved, draft)?);
            stays.insert(moved.from.leaf().number());
        }
        for loss in &plan.losses {
            let number = loss.path.leaf().number();
            let passes = loss.path.parents().is_empty()
                && matches!(self.lost(version, loss, true), Lost::Pass)
                && !self.passes_only_if_set(&draft.key, loss.path.leaf());
            if !passes && !stays.contains(&number) {
                return None;
            }
            stays.insert(number);
        }
        let passing = self.passing(version, (&plan.source, &plan.target), std::iter::empty(), None);
        let all_stay = plan.source.fields().all(|field| stays.contains(&field.number()));
        (all_stay && passing.taken.is_empty() && passing.late.is_empty()).then_some(needed)
    }
}

/// The tables that a move needs to be identities, if then it leaves the field as it is.
fn inner_of_same(plan: &MessagePlan, moved: &Move, draft: &Draft) -> Option<Vec<usize>> {
    let (from, to) = (moved.from.leaf(), moved.to.leaf());
    let alone = plan.moves.iter().filter(|other| other.to.leaf().number() == to.number()).count() == 1;
    let in_place = moved.from.parents().is_empty() && moved.to.parents().is_empty() && from.number() == to.number();
    let same_arms = arms(from) == arms(to);
    let keeps_zero = from.supports_presence() || from.is_list() || from.is_map() || !to.supports_presence();
    if !(alone && in_place && same_arms && keeps_zero && moved.when.is_none() && from.is_group() == to.is_group()) {
        return None;
    }
    let values: Vec<&ValueConversion> = match &moved.conversion {
        Conversion::One(value) | Conversion::Each(value) => vec![value],
        Conversion::Map { key, value } => vec![key, value],
        _ => return None,
    };
    let mut needed = Vec::new();
    for value in values {
        match value {
            ValueConversion::Copy => {}
            ValueConversion::Message { .. } | ValueConversion::Through { .. } => {
                needed.push(*draft.inner.get(&inner_key(value, draft.key.first)?)?);
            }
            ValueConversion::Any | ValueConversion::Scalar(_) => return None,
        }
    }
    Some(needed)
}

/// The numbers of the oneof that a field is in; empty for none.
fn arms(field: &FieldDescriptor) -> BTreeSet<u32> {
    real_oneof(field).map(|oneof| oneof.fields().map(|arm| arm.number()).collect()).unwrap_or_default()
}

/// The oneof that a field is in, but for those that stand for `optional`.
pub(super) fn real_oneof(field: &FieldDescriptor) -> Option<OneofDescriptor> {
    field.containing_oneof().filter(|oneof| !oneof.is_synthetic())
}
