//! What is written when a message has been read.

use prost_reflect::DynamicMessage;

use super::carry::inexpressible;
use super::decide::{Evaluated, named, taken};
use super::{Message, Runner};
use crate::rewrite::failure::{Failure, Outcome};
use crate::rewrite::output::Mark;
use crate::rewrite::table::{Carried, Made, MadeOf, Node, Passing, Target, Write};
use crate::rewrite::wire::{GROUP, GROUP_END, LENGTH};

/// What was written of a message so far.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Oneofs of which a known arm was written.
    arms: u128,
    /// Writes of which only the last one counts.
    conflicts: Vec<(usize, Mark, Mark)>,
    /// Whether something was left out because its message was not there yet.
    waits: bool,
}

/// What writing something came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// There was nothing to write.
    Nothing,
    /// Something, which counts only if the message around it is there anyway.
    IfThere,
    /// Something, which brings the message around it into being; maybe a zero, which has no bytes.
    Yes,
}

impl Runner<'_> {
    /// All that waited for the end of the message.
    pub(super) fn finish(&mut self, message: &Message<'_>, start: usize, end: usize) -> Outcome<()> {
        let mut evaluated = Self::evaluate(message, start, end)?;
        self.check(message, &evaluated)?;
        self.drop_fields(message, &mut evaluated)?;
        let mut state = State::default();
        for write in &message.layout.writes {
            self.write(message, write, &evaluated, true, &mut state)?;
        }
        self.losses(message, &evaluated)?;
        let unknown = &message.layout.nodes[0].unknown;
        if let Some(slot) = unknown.slot {
            self.unknown(message, slot, unknown, &state)?;
        }
        Ok(())
    }

    fn write(
        &mut self,
        message: &Message<'_>,
        write: &Write,
        evaluated: &Evaluated,
        around: bool,
        state: &mut State,
    ) -> Outcome<Written> {
        let from = self.scratch.output.mark();
        let (written, target) = match write {
            Write::Carried(carried) => (self.carried(message, carried, evaluated, around)?, &carried.target),
            Write::Node(node) => (self.node(message, node, evaluated)?, &node.target),
            Write::Made(made) => (self.made(message, made, evaluated)?, &made.target),
            Write::Pass { slot } => {
                if self.is_lost(message, *slot, evaluated)? {
                    self.pass(message, *slot, evaluated)?;
                }
                return Ok(Written::Nothing);
            }
        };
        if written != Written::Nothing {
            self.settle(target, from, state);
        }
        Ok(written)
    }

    /// Takes back what the last write excludes.
    fn settle(&mut self, target: &Target, mut from: Mark, state: &mut State) {
        if let Some(arm) = target.arm {
            state.arms |= 1 << (arm & 127);
        }
        let Some(conflict) = target.conflict else { return };
        while let Some(index) = state.conflicts.iter().position(|(other, ..)| *other == conflict) {
            let (_, start, end) = state.conflicts.remove(index);
            self.scratch.output.cut(start, end);
            from = from.moved(start, end);
            for (_, other_start, other_end) in state.conflicts.iter_mut().skip(index) {
                *other_start = other_start.moved(start, end);
                *other_end = other_end.moved(start, end);
            }
        }
        state.conflicts.push((conflict, from, self.scratch.output.mark()));
    }

    /// `around` says whether the message of the target that it goes into is there already.
    fn carried(
        &mut self,
        message: &Message<'_>,
        carried: &Carried,
        evaluated: &Evaluated,
        around: bool,
    ) -> Outcome<Written> {
        if !evaluated.holds(carried.when) {
            return Ok(Written::Nothing);
        }
        if self.carry(message, carried)? {
            return Ok(Written::Yes);
        }
        let slot = &message.plan.slots[carried.slot];
        let is_there = slot.parents.iter().all(|slot| self.scratch.notes.first(message.frame, *slot).is_some());
        if is_there || around {
            self.refuse_absent(message, carried, evaluated)?;
        }
        let Some(absent) = &carried.absent else { return Ok(Written::Nothing) };
        self.scratch.output.buffer().extend_from_slice(absent);
        Ok(if is_there { Written::Yes } else { Written::IfThere })
    }

    /// Refuses a zero that stands for nothing, where the message that it would be in is there.
    fn refuse_absent(&self, message: &Message<'_>, carried: &Carried, evaluated: &Evaluated) -> Outcome<()> {
        if !carried.refuse_absent || !evaluated.holds(carried.when) || self.is_set(message, carried.slot)? {
            return Ok(());
        }
        let failure = inexpressible(&message.plan.words, "its zero has no counterpart");
        Err(named(failure, &message.plan.slots[carried.slot]))
    }

    /// Puts a message of the target together.
    fn node(&mut self, message: &Message<'_>, node: &Node, evaluated: &Evaluated) -> Outcome<Written> {
        let before = self.scratch.output.mark();
        let open = if node.target.group {
            self.scratch.output.buffer().put_tag(node.target.number, GROUP);
            None
        } else {
            let expected = node.containers.iter().filter_map(|slot| self.scratch.notes.first(message.frame, *slot));
            let expected = expected.map(|note| note.end - note.start).max().unwrap_or_default();
            Some(self.scratch.output.open(node.target.number, expected))
        };
        let mut there = node.containers.iter().any(|slot| self.scratch.notes.first(message.frame, *slot).is_some());
        let content = self.scratch.output.mark();
        let mut state = self.children(message, node, evaluated, &mut there)?;
        if state.waits && there {
            // Some of what is only written into a message that is there came before what brings it into being.
            self.scratch.output.rewind(content);
            state = self.children(message, node, evaluated, &mut there)?;
        }
        for (slot, passing) in &node.unknown {
            self.unknown(message, *slot, passing, &state)?;
        }
        if !there {
            self.scratch.output.rewind(before);
            return Ok(Written::Nothing);
        }
        // What came into being after they were looked for.
        for child in &node.children {
            if let Write::Carried(carried) = child {
                self.refuse_absent(message, carried, evaluated)?;
            }
        }
        match open {
            Some(open) => self.scratch.output.close(open),
            None => self.scratch.output.buffer().put_tag(node.target.number, GROUP_END),
        }
        Ok(Written::Yes)
    }

    /// Writes what goes into a message of the target. `there` says whether that one is there, before and after.
    fn children(
        &mut self,
        message: &Message<'_>,
        node: &Node,
        evaluated: &Evaluated,
        there: &mut bool,
    ) -> Outcome<State> {
        let mut state = State::default();
        for child in &node.children {
            if let Write::Made(Made { value: MadeOf::Constant { into_absent: false, .. }, .. }) = child
                && !*there
            {
                state.waits = true;
                continue;
            }
            *there |= self.write(message, child, evaluated, *there, &mut state)? == Written::Yes;
        }
        Ok(state)
    }

    /// Hands on what was noted of unknown fields.
    fn unknown(&mut self, message: &Message<'_>, slot: usize, passing: &Passing, state: &State) -> Outcome<()> {
        let mut next = self.scratch.notes.first(message.frame, slot);
        while let Some(note) = next {
            let shut_out = passing.arm(note.number).is_some_and(|arm| state.arms >> (arm & 127) & 1 == 1);
            let is_taken = passing.is_taken(note.number);
            if !shut_out && !is_taken {
                self.scratch.output.copy(message.input, note.tag, note.next);
            } else if is_taken && !passing.leave_out {
                return Err(match message.plan.slots.get(slot) {
                    Some(info) => named(taken(&message.plan.words, note.number), info),
                    None => taken(&message.plan.words, note.number),
                });
            }
            next = self.scratch.notes.after(&note);
        }
        Ok(())
    }

    /// Hands on what is left of a field that is lost here.
    fn pass(&mut self, message: &Message<'_>, slot: usize, evaluated: &Evaluated) -> Outcome<()> {
        let slots = &message.plan.slots;
        let info = &slots[slot];
        let Some(first) = self.scratch.notes.first(message.frame, slot) else { return Ok(()) };
        if !self.is_set(message, slot)? {
            return Ok(());
        }
        if info.node.is_none() {
            let mut next = Some(first);
            while let Some(note) = next {
                self.scratch.output.copy(message.input, note.tag, note.next);
                next = self.scratch.notes.after(&note);
            }
            return Ok(());
        }
        let target = Target { group: first.wire == GROUP, ..Target::message(first.number) };
        self.framed(target, first.end - first.start, |runner| {
            let mut inner = slot + 1;
            while inner < slots[slot].end_of_known() {
                let is_left = match slots[inner].node {
                    _ if slots[inner].has_loss || evaluated.carried(&slots[inner]) => false,
                    _ if !runner.is_set(message, inner)? => false,
                    None => true,
                    Some(_) => {
                        let (rest, found) = runner.rest(message, inner, evaluated)?;
                        rest || !(found || slots[inner].is_container)
                    }
                };
                if is_left {
                    runner.pass(message, inner, evaluated)?;
                }
                inner = slots[inner].end;
            }
            Ok(())
        })
    }

    fn made(&mut self, message: &Message<'_>, made: &Made, evaluated: &Evaluated) -> Outcome<Written> {
        if !evaluated.holds(made.when) {
            return Ok(Written::Nothing);
        }
        match &made.value {
            MadeOf::Constant { field, .. } => {
                self.scratch.output.buffer().extend_from_slice(field);
                Ok(Written::Yes)
            }
            MadeOf::Expression { expression, field } => {
                let Some(source) = &evaluated.message else { return Ok(Written::Nothing) };
                let value =
                    expression.evaluate(source, field).map_err(|failed| Failure::refused(failed.to_string()))?;
                let Some(value) = value else { return Ok(Written::Nothing) };
                let encoded = encode(field, value);
                self.scratch.output.buffer().extend_from_slice(&encoded);
                Ok(Written::Yes)
            }
            MadeOf::Join { from, separator, may_miss } => {
                let Some(text) = self.join(message, from, separator, *may_miss)? else {
                    return Ok(Written::Nothing);
                };
                self.put_text(made.target, &text);
                Ok(Written::Yes)
            }
            MadeOf::Split { from, separator, part, parts, may_miss } => {
                let Some(text) = self.text(message, *from)? else { return Ok(Written::Nothing) };
                let part = split(text, separator, *part, *parts, *may_miss)
                    .map_err(|why| named(Failure::refused(why), &message.plan.slots[*from]))?;
                let Some(part) = part else { return Ok(Written::Nothing) };
                self.put_text(made.target, part);
                Ok(Written::Yes)
            }
        }
    }

    fn put_text(&mut self, target: Target, text: &str) {
        if text.is_empty() && !target.presence {
            return;
        }
        let buffer = self.scratch.output.buffer();
        buffer.put_tag(target.number, LENGTH);
        buffer.put_varint(text.len() as u64);
        buffer.extend_from_slice(text.as_bytes());
    }

    /// Puts strings together; nothing where all are absent or empty.
    fn join(&self, message: &Message<'_>, from: &[usize], separator: &str, may_miss: bool) -> Outcome<Option<String>> {
        let mut parts = Vec::with_capacity(from.len());
        for slot in from {
            parts.push((*slot, self.text(message, *slot)?.unwrap_or_default()));
        }
        let filled = parts.iter().rposition(|(_, part)| !part.is_empty()).map_or(0, |last| last + 1);
        if filled == 0 {
            return Ok(None);
        }
        let refuse = |slot: usize, why: String| Err(named(Failure::refused(why), &message.plan.slots[slot]));
        if let Some((slot, _)) = parts.iter().find(|(_, part)| part.is_empty() && !may_miss) {
            return refuse(*slot, format!("a part that is joined at {separator:?} is missing"));
        }
        let joined: Vec<&str> = parts[..filled].iter().map(|(_, part)| *part).collect();
        let joined = joined.join(separator);
        let mut again = joined.splitn(parts.len(), separator);
        for (slot, part) in &parts {
            if again.next().unwrap_or_default() != *part {
                return refuse(
                    *slot,
                    format!("{joined:?} could not be split at {separator:?} into what it was joined of"),
                );
            }
        }
        Ok(Some(joined))
    }

    /// The text of a string field; nothing where it is absent.
    fn text<'a>(&self, message: &Message<'a>, slot: usize) -> Outcome<Option<&'a str>> {
        let info = &message.plan.slots[slot];
        let Some(note) = self.scratch.notes.last(message.frame, slot) else { return Ok(None) };
        if note.wire != LENGTH {
            return Err(super::decide::wrong_wire(message, info, note.tag));
        }
        let bytes = &message.input.bytes[note.start..note.end];
        std::str::from_utf8(bytes).map(Some).map_err(|_| {
            let parent = info.field.parent_message().full_name();
            Failure::malformed("a string that is no UTF-8", note.start, message.input, parent)
        })
    }
}

/// A part of a text; nothing where the text is empty, or the part is missing and may be.
fn split<'a>(
    text: &'a str,
    separator: &str,
    part: usize,
    parts: usize,
    may_miss: bool,
) -> Result<Option<&'a str>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    if !may_miss && text.splitn(parts, separator).count() < parts {
        return Err(format!("it has fewer than {parts} parts between {separator:?}"));
    }
    // Empty parts may not be missing, or go with their separators where they are the last ones.
    let comes_back = if may_miss {
        text.splitn(parts, separator).last().is_some_and(|last| !last.is_empty())
    } else {
        text.splitn(parts, separator).all(|part| !part.is_empty())
    };
    if !comes_back {
        return Err(format!(
            "its parts between {separator:?} are not all there, and joined again would be another text"
        ));
    }
    Ok(text.splitn(parts, separator).nth(part))
}

/// A field with this value as it is written; nothing for a zero without presence.
pub(in crate::rewrite) fn encode(field: &prost_reflect::FieldDescriptor, value: prost_reflect::Value) -> Vec<u8> {
    let mut message = DynamicMessage::new(field.parent_message().clone());
    // What expressions and rules give back was checked against the field.
    let _ = message.try_set_field(field, value);
    prost::Message::encode_to_vec(&message)
}
