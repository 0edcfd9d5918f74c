//! The fields of a message, one after the other, and what is done at once.

use super::carry::Elements;
use super::seen::Seen;
use super::{Message, Runner};
use crate::rewrite::failure::{Failure, Outcome};
use crate::rewrite::input::Input;
use crate::rewrite::scalar::{self, Quickly, Scalar};
use crate::rewrite::table::{Act, NONE, Zero};
use crate::rewrite::wire::{self, Field, GROUP, GROUP_END, LENGTH, VARINT};

impl Runner<'_> {
    /// Goes through the fields of the message, or of one in it whose fields part ways.
    #[expect(clippy::redundant_locals, reason = "a copy, so that the field itself stays in registers")]
    pub(super) fn scan(
        &mut self,
        message: &Message<'_>,
        node: usize,
        start: usize,
        end: usize,
        seen: &mut Seen,
    ) -> Outcome<()> {
        let input = message.input;
        let numbers = &message.layout.nodes[node];
        let mut at = start;
        // What stays as it is goes over in one.
        let mut kept = start;
        let mut gathering = None;
        while at < end {
            let field = match wire::field(input.bytes, at, end, message.depth) {
                Ok(field) => field,
                Err(fault) => return Err(Failure::unreadable(fault, input, message.plan.source.full_name())),
            };
            let op = numbers.op(field.number);
            if op.guard != NONE && seen.add(op.guard) {
                return Err(Failure::Hasty);
            }
            let tag = at;
            at = field.next;
            if gathering.is_some() && !matches!(op.act, Act::Gather { .. }) {
                self.gathered(&mut gathering);
            }
            if matches!(op.act, Act::Copy) {
                continue;
            }
            if kept < tag {
                self.scratch.output.copy(input, kept, tag);
            }
            kept = at;
            match op.act {
                Act::Copy => {}
                Act::Unknown => {
                    let field = field;
                    if self.passes(message, node, field.number, tag, &field)? {
                        // The fields before it are written already; from here on there is a new stretch.
                        kept = tag;
                    }
                }
                // What most fields come to, without a call.
                Act::Renumber(number) => self.renumber(input, &field, number),
                Act::Gather { piece } => {
                    let field = field;
                    let piece = &message.layout.pieces[piece as usize];
                    self.gather(message, piece, tag, &field, seen, &mut gathering)?;
                }
                _ => {
                    // A copy, so that the field itself stays in registers.
                    let field = field;
                    self.act(message, op.act, op.guard, tag, &field, seen)?;
                }
            }
        }
        self.gathered(&mut gathering);
        if kept < end {
            self.scratch.output.copy(input, kept, end);
        }
        Ok(())
    }

    /// What comes of a field that does not just stay.
    #[inline(never)]
    pub(super) fn act(
        &mut self,
        message: &Message<'_>,
        act: Act,
        guard: u8,
        tag: usize,
        field: &Field,
        seen: &mut Seen,
    ) -> Outcome<()> {
        let input = message.input;
        match act {
            Act::Renumber(number) => self.renumber(input, field, number),
            Act::Nonzero { number, slot } => {
                let kind = &message.plan.slots[slot as usize].kind;
                if !scalar::is_zero(kind, &input.bytes[field.start..field.end]) {
                    self.renumber(input, field, number);
                }
            }
            Act::Message { table, number } => {
                if field.wire != LENGTH {
                    return Err(Failure::Hasty);
                }
                let open = self.scratch.output.open(number, field.end - field.start);
                self.table(table as usize, input, field.start, field.end, message.depth)?;
                self.scratch.output.close(open);
            }
            Act::Scalar { scalar, number, zero } => {
                if !self.scalar_at_once(message, scalar, number, zero, field)? && guard != NONE {
                    // As if it had not come: what an absent field comes to is still to be written.
                    seen.forget(guard);
                }
            }
            Act::Scalars { scalar, number, packed } => {
                self.scalars_at_once(message, scalar, number, packed, field)?;
            }
            Act::Entry { map, number } => {
                let carry = &message.plan.maps[map as usize];
                self.entry(message, carry, number, field.wire, field.start, field.end)?;
            }
            Act::Note { slot } => self.note(message, slot as usize, tag, field, seen)?,
            Act::Stop => return Err(Failure::Hasty),
            // Copies and unknown fields are for the scan, and pieces hold no pieces.
            Act::Drop | Act::Copy | Act::Unknown | Act::Gather { .. } => {}
        }
        Ok(())
    }

    /// Converts a singular scalar; false where it counts as absent.
    fn scalar_at_once(
        &mut self,
        message: &Message<'_>,
        scalar: u32,
        number: u32,
        zero: Zero,
        field: &Field,
    ) -> Outcome<bool> {
        let scalar = &message.plan.scalars[scalar as usize];
        if field.wire != scalar.read_wire() {
            return Err(Failure::Hasty);
        }
        if let Some(came) = self.scalar_quickly(message, scalar, number, zero, field) {
            return Ok(came);
        }
        let bytes = &message.input.bytes[field.start..field.end];
        let datum = scalar.read(bytes).map_err(|_| Failure::Hasty)?;
        if zero.of_source && datum.is_zero() {
            return Ok(false);
        }
        match scalar.convert(datum) {
            Ok(scalar::Converted::To(datum)) => {
                if !(zero.of_target && datum.is_zero()) {
                    let buffer = self.scratch.output.buffer();
                    buffer.put_tag(number, scalar.write_wire());
                    scalar.write(&datum, buffer).map_err(|_| Failure::Hasty)?;
                }
                Ok(true)
            }
            Ok(scalar::Converted::Settled) => Ok(false),
            Err(_) => Err(Failure::Hasty),
        }
    }

    /// Converts a usual number; nothing where it is none.
    #[inline]
    fn scalar_quickly(
        &mut self,
        message: &Message<'_>,
        scalar: &Scalar,
        number: u32,
        zero: Zero,
        field: &Field,
    ) -> Option<bool> {
        let quick = scalar.quick()?;
        let value = quick.read(wire::varint(message.input.bytes, field.start, field.end).ok()?.0)?;
        if zero.of_source && value == 0 {
            return Some(false);
        }
        let Quickly::To(value) = quick.convert(value)? else { return Some(false) };
        if !(zero.of_target && value == 0 && scalar.write_wire() == VARINT) {
            let buffer = self.scratch.output.buffer();
            buffer.put_tag(number, scalar.write_wire());
            quick.write(value, buffer);
        }
        Some(true)
    }

    /// Converts what one field of a repeated scalar holds.
    fn scalars_at_once(
        &mut self,
        message: &Message<'_>,
        scalar: u32,
        number: u32,
        packed: bool,
        field: &Field,
    ) -> Outcome<()> {
        let scalar = &message.plan.scalars[scalar as usize];
        let run = packed.then(|| self.scratch.output.open(number, field.end - field.start));
        let mut elements = Elements::new(scalar.read_wire(), field.wire, field.start, field.end);
        while let Some((start, end)) = elements.next(message.input.bytes).map_err(|_| Failure::Hasty)? {
            if run.is_none() {
                self.scratch.output.buffer().put_tag(number, scalar.write_wire());
            }
            self.element_at_once(message, scalar, start, end)?;
            // A number of one byte may stand for a long text.
            self.fits()?;
        }
        if let Some(run) = run {
            self.scratch.output.close(run);
        }
        Ok(())
    }

    /// Converts an element of a repeated scalar, and writes it without a tag.
    #[inline]
    fn element_at_once(&mut self, message: &Message<'_>, scalar: &Scalar, start: usize, end: usize) -> Outcome<()> {
        let bytes = message.input.bytes;
        if let Some(quick) = scalar.quick()
            && let Ok((raw, _)) = wire::varint(bytes, start, end)
            && let Some(Quickly::To(value)) = quick.read(raw).and_then(|value| quick.convert(value))
        {
            quick.write(value, self.scratch.output.buffer());
            return Ok(());
        }
        let datum = scalar.read(&bytes[start..end]).map_err(|_| Failure::Hasty)?;
        let Ok(scalar::Converted::To(datum)) = scalar.convert(datum) else { return Err(Failure::Hasty) };
        scalar.write(&datum, self.scratch.output.buffer()).map_err(|_| Failure::Hasty)
    }

    /// Writes a field with another number. Its length, if it has one, stays with its value.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is what most fields come to")]
    fn renumber(&mut self, input: Input<'_>, field: &Field, number: u32) {
        let tag = number << 3 | u32::from(field.wire);
        let buffer = self.scratch.output.buffer();
        if field.wire != GROUP && buffer.put_short_field(tag, input.bytes, field.value, field.next) {
            return;
        }
        let field = *field;
        self.renumber_long(input, &field, number);
    }

    /// As [`renumber`](Self::renumber), for what takes more than a block.
    #[inline(never)]
    fn renumber_long(&mut self, input: Input<'_>, field: &Field, number: u32) {
        if field.wire == GROUP {
            return self.put(input, field.wire, field.start, field.end, number);
        }
        let output = &mut self.scratch.output;
        output.buffer().put_tag(number, field.wire);
        output.copy(input, field.value, field.next);
    }

    /// Writes a field with the value that lies between `start` and `end`.
    pub(super) fn put(&mut self, input: Input<'_>, wire: u8, start: usize, end: usize, number: u32) {
        let output = &mut self.scratch.output;
        output.buffer().put_tag(number, wire);
        if wire == LENGTH {
            output.buffer().put_varint((end - start) as u64);
        }
        output.copy(input, start, end);
        if wire == GROUP {
            output.buffer().put_tag(number, GROUP_END);
        }
    }
}
