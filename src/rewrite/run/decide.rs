//! Unknown fields, notes, checks, drops and losses.

use prost_reflect::{DynamicMessage, Kind};

use super::notes::Note;
use super::seen::Seen;
use super::{Message, Runner};
use crate::rewrite::failure::{Failure, Outcome};
use crate::rewrite::scalar;
use crate::rewrite::table::{Check, Compiled, Condition, Slot, Words};
use crate::rewrite::wire::{Field, GROUP, LENGTH};

/// What the expressions of a plan say about a message.
#[derive(Debug, Default)]
pub(super) struct Evaluated {
    /// The message, as far as expressions read it.
    pub(super) message: Option<DynamicMessage>,
    conditions: Vec<bool>,
    /// Slots of constants that were taken back, and the messages around them with them.
    consumed: Vec<usize>,
}

impl Evaluated {
    /// Whether the condition holds; no condition always does.
    pub(super) fn holds(&self, condition: Option<usize>) -> bool {
        condition.is_none_or(|index| self.conditions.get(index).copied().unwrap_or_default())
    }

    /// Takes a field out of the message.
    fn forget(&mut self, plan: &Compiled, slot: usize) {
        let parents = plan.slots[slot].parents.iter().map(|parent| plan.slots[*parent].field.number());
        let mut inner = self.message.as_mut();
        for number in parents {
            let found = inner.filter(|message| message.has_field_by_number(number));
            inner = found.and_then(|message| message.get_field_by_number_mut(number)?.as_message_mut());
        }
        if let Some(message) = inner {
            message.clear_field_by_number(plan.slots[slot].field.number());
        }
    }

    /// Whether a field as a whole was carried over.
    pub(super) fn carried(&self, slot: &Slot) -> bool {
        slot.carried.iter().any(|condition| self.holds(*condition))
    }
}

impl Runner<'_> {
    /// Whether a field that the source does not declare stays where it is.
    pub(super) fn passes(
        &mut self,
        message: &Message<'_>,
        node: usize,
        number: u32,
        tag: usize,
        field: &Field,
    ) -> Outcome<bool> {
        let unknown = &message.layout.nodes[node].unknown;
        // Of the message itself only those wait that may be shut out, or that something else goes before.
        let is_taken = unknown.is_taken(number);
        if node == 0 && is_taken && unknown.leave_out {
            return Ok(false);
        }
        if node == 0 && !is_taken && !unknown.is_late(number) {
            return Ok(true);
        }
        let Some(slot) = unknown.slot else { return Err(Failure::Hasty) };
        self.scratch.notes.add(message.frame, slot, field, tag);
        Ok(false)
    }

    /// Notes a field, and goes into it where its fields part ways.
    pub(super) fn note(
        &mut self,
        message: &Message<'_>,
        slot: usize,
        tag: usize,
        field: &Field,
        seen: &mut Seen,
    ) -> Outcome<()> {
        let info = &message.plan.slots[slot];
        if let Some(oneof) = info.oneof {
            for other in message.layout.oneofs[oneof].iter().filter(|other| **other != slot) {
                self.scratch.notes.forget(message.frame, *other..message.plan.slots[*other].end);
            }
        }
        if info.last_only {
            self.scratch.notes.forget(message.frame, slot..slot + 1);
        }
        self.scratch.notes.add(message.frame, slot, field, tag);
        let Some(node) = info.node else { return Ok(()) };
        if field.wire != LENGTH && field.wire != GROUP {
            return Err(wrong_wire(message, info, tag));
        }
        let Some(depth) = message.depth.checked_sub(1) else { return Err(Failure::too_deep()) };
        self.scan(&Message { depth, ..*message }, node, field.start, field.end, seen)
    }

    /// Evaluates the expressions of the plan over the message between `start` and `end`.
    pub(super) fn evaluate(message: &Message<'_>, start: usize, end: usize) -> Outcome<Evaluated> {
        let plan = message.plan;
        if !plan.evaluates {
            return Ok(Evaluated::default());
        }
        let source = match &plan.read {
            None => decode(message, &message.input.bytes[start..end], start)?,
            Some(numbers) => decode(message, &gathered(message, numbers, start, end)?, start)?,
        };
        let holds = |condition: &crate::expression::Expression| {
            condition.holds(&source).map_err(|failed| Failure::refused(failed.to_string()))
        };
        let conditions = plan.conditions.iter().map(holds).collect::<Outcome<_>>()?;
        Ok(Evaluated { message: Some(source), conditions, consumed: Vec::new() })
    }

    /// Refuses the message where a check says so.
    pub(super) fn check(&mut self, message: &Message<'_>, evaluated: &Evaluated) -> Outcome<()> {
        for check in &message.plan.checks {
            if self.applies(message, check, evaluated)? {
                let mut failure = Failure::refused(&check.reason);
                if let Failure::Refused(refused) = &mut failure {
                    refused.advice.clone_from(&check.advice);
                }
                return Err(match check.slot {
                    Some(slot) => named(failure, &message.plan.slots[slot]),
                    None => failure,
                });
            }
        }
        Ok(())
    }

    /// Forgets what is as if it had not been set.
    pub(super) fn drop_fields(&mut self, message: &Message<'_>, evaluated: &mut Evaluated) -> Outcome<()> {
        let mut dropped = Vec::new();
        for drop in &message.plan.drops {
            let Some(slot) = drop.slot else { continue };
            let info = &message.plan.slots[slot];
            let is_constant = matches!(drop.condition, Condition::Is(_));
            let is_noted = |slot: &usize| self.scratch.notes.first(message.frame, *slot).is_some();
            // A zero without presence is there where its message is.
            let is_zero = is_constant && !info.presence && info.parents.last().is_some_and(is_noted);
            if (is_noted(&slot) || is_zero) && self.applies(message, drop, evaluated)? {
                dropped.push(slot);
                if is_constant {
                    evaluated.consumed.push(slot);
                }
            }
        }
        // All conditions are about the message as it came.
        for slot in dropped {
            self.scratch.notes.forget(message.frame, slot..message.plan.slots[slot].end);
            evaluated.forget(message.plan, slot);
        }
        Ok(())
    }

    fn applies(&self, message: &Message<'_>, check: &Check, evaluated: &Evaluated) -> Outcome<bool> {
        let slot = check.slot.map(|slot| (slot, &message.plan.slots[slot]));
        Ok(match (&check.condition, slot) {
            (Condition::Holds(index), _) => evaluated.holds(Some(*index)),
            (Condition::Always, None) => true,
            (Condition::Always, Some((slot, _))) => self.is_set(message, slot)?,
            (Condition::Empty, Some((slot, _))) => !self.says_something(message, slot)?,
            (Condition::Is(value), Some((slot, info))) => {
                let mut bytes = Vec::new();
                let mut next = self.scratch.notes.first(message.frame, slot);
                let is_there = next.is_some() || !info.presence;
                while let Some(note) = next {
                    bytes.extend_from_slice(&message.input.bytes[note.tag..note.next]);
                    next = self.scratch.notes.after(&note);
                }
                let parent = info.field.parent_message().clone();
                let decoded = DynamicMessage::decode(parent, &bytes[..]).map_err(|_| wrong_wire(message, info, 0))?;
                is_there && *decoded.get_field(&info.field) == *value
            }
            (Condition::Empty | Condition::Is(_), None) => false,
        })
    }

    /// Whether a field is set.
    pub(super) fn is_set(&self, message: &Message<'_>, slot: usize) -> Outcome<bool> {
        let info = &message.plan.slots[slot];
        let Some(first) = self.scratch.notes.first(message.frame, slot) else { return Ok(false) };
        if info.presence {
            return Ok(true);
        }
        if info.list {
            return Ok(self.has_elements(info, first));
        }
        if first.wire != scalar::wire_of_kind(&info.kind) {
            return Err(wrong_wire(message, info, first.tag));
        }
        Ok(!scalar::is_zero(&info.kind, &message.input.bytes[first.start..first.end]))
    }

    /// A packed field may hold nothing.
    fn has_elements(&self, info: &Slot, first: Note) -> bool {
        let packable = scalar::wire_of_kind(&info.kind) != LENGTH;
        let mut next = Some(first);
        while let Some(note) = next {
            if !(packable && note.wire == LENGTH && note.start == note.end) {
                return true;
            }
            next = self.scratch.notes.after(&note);
        }
        false
    }

    /// Whether a field is set to more than an empty message or a zero.
    fn says_something(&self, message: &Message<'_>, slot: usize) -> Outcome<bool> {
        let info = &message.plan.slots[slot];
        let Some(first) = self.scratch.notes.first(message.frame, slot).filter(|_| !info.list) else {
            return self.is_set(message, slot);
        };
        let Kind::Message(descriptor) = &info.kind else {
            return Ok(!scalar::is_zero(&info.kind, &message.input.bytes[first.start..first.end]));
        };
        let mut merged = Vec::new();
        let bytes = self.merged(message, info, first, &mut merged)?.bytes();
        // Explicit zeros say nothing, either.
        let decoded = DynamicMessage::decode(descriptor.clone(), bytes);
        Ok(!bytes.is_empty() && decoded.map_or(true, |message| prost::Message::encoded_len(&message) > 0))
    }

    /// Refuses the message where a field is set that must not be lost.
    pub(super) fn losses(&mut self, message: &Message<'_>, evaluated: &Evaluated) -> Outcome<()> {
        for loss in &message.plan.losses {
            if self.is_lost(message, loss.slot, evaluated)? {
                let mut failure = Failure::refused(&loss.why);
                if let Failure::Refused(refused) = &mut failure {
                    refused.advice.clone_from(&loss.advice);
                }
                return Err(named(failure, &message.plan.slots[loss.slot]));
            }
        }
        Ok(())
    }

    /// Whether a field is set, and something of it was carried nowhere.
    ///
    /// Of a message that is what remains when all that was carried is taken out. Its presence counts as carried when
    /// something out of it was.
    pub(super) fn is_lost(&self, message: &Message<'_>, slot: usize, evaluated: &Evaluated) -> Outcome<bool> {
        let info = &message.plan.slots[slot];
        let around = info.parents.iter().any(|parent| evaluated.carried(&message.plan.slots[*parent]));
        if around || evaluated.carried(info) || !self.is_set(message, slot)? {
            return Ok(false);
        }
        if info.node.is_none() {
            return Ok(true);
        }
        let (rest, found) = self.rest(message, slot, evaluated)?;
        Ok(rest || !(found || info.is_container))
    }

    /// Whether something that was carried nowhere is left of a message, and whether something in it was carried.
    pub(super) fn rest(&self, message: &Message<'_>, slot: usize, evaluated: &Evaluated) -> Outcome<(bool, bool)> {
        let slots = &message.plan.slots;
        let (mut rest, mut found) = (false, false);
        let mut inner = slot + 1;
        while inner < slots[slot].end_of_known() {
            let info = &slots[inner];
            if evaluated.consumed.contains(&inner) {
                found = true;
            } else if self.is_set(message, inner)? {
                if info.has_loss || evaluated.carried(info) {
                    found = true;
                } else if info.node.is_some() {
                    let (inner_rest, inner_found) = self.rest(message, inner, evaluated)?;
                    let inner_found = inner_found || info.is_container;
                    rest |= inner_rest || !inner_found;
                    found |= inner_found;
                } else {
                    rest = true;
                }
            }
            inner = info.end;
        }
        Ok((rest, found))
    }
}

/// A failure inside a field of the message of the plan.
pub(super) fn named(failure: Failure, slot: &Slot) -> Failure {
    slot.names.iter().rev().fold(failure, |failure, name| failure.within(name))
}

/// A refusal of a field that the source does not declare.
pub(super) fn taken(words: &Words, number: u32) -> Failure {
    let Words { from, to } = words;
    let why = format!("{from} does not declare field {number}, whose number has another meaning on the way to {to}");
    Failure::refused(why).within(&format!("#{number}"))
}

/// A field whose wire type is not that of its type.
#[cold]
pub(super) fn wrong_wire(message: &Message<'_>, slot: &Slot, at: usize) -> Failure {
    let parent = slot.field.parent_message().full_name();
    Failure::malformed("a wire type that is not the field's", at, message.input, parent)
}

/// The fields of these numbers.
fn gathered(message: &Message<'_>, numbers: &[u32], start: usize, end: usize) -> Outcome<Vec<u8>> {
    let input = message.input;
    let mut bytes = Vec::new();
    let mut at = start;
    while at < end {
        let field = crate::rewrite::wire::field(input.bytes, at, end, message.depth)
            .map_err(|fault| Failure::unreadable(fault, input, message.plan.source.full_name()))?;
        if numbers.contains(&field.number) {
            bytes.extend_from_slice(&input.bytes[at..field.next]);
        }
        at = field.next;
    }
    Ok(bytes)
}

fn decode(message: &Message<'_>, bytes: &[u8], start: usize) -> Outcome<DynamicMessage> {
    let Compiled { source, .. } = message.plan;
    DynamicMessage::decode(source.clone(), bytes).map_err(|_| {
        Failure::malformed("a field that an expression reads cannot be read", start, message.input, source.full_name())
    })
}
