//! Tables, run on bytes.

mod carry;
mod decide;
mod emit;
mod entries;
mod mask;
mod notes;

pub(super) use self::emit::encode;
use std::cell::Cell;

use bytes::Bytes;

use self::notes::{Frame, Notes};
use super::failure::{Failure, Outcome};
use super::input::Input;
use super::output::Output;
use super::table::{Act, Action, Compiled, Layout, NONE, Program, Zero};
use super::wire::{self, Field, LENGTH};
use super::{Limits, RewriteError, Rewritten, scalar};

thread_local! {
    /// Memory that the last rewrite of this thread left for the next one.
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Memory that is used again.
#[derive(Debug, Default)]
struct Scratch {
    output: Output,
    notes: Notes,
}

/// Rewrites one message by the table at `root`.
///
/// # Errors
/// When it is refused, malformed, or takes more than `limits` allow.
///
/// `fused` are tables for several hops at once. What they cannot do without a doubt is done hop by hop, by `program`.
pub(super) fn run(
    fused: Option<&(Program, usize)>,
    program: &Program,
    root: usize,
    message: &Bytes,
    limits: &Limits,
) -> Result<Rewritten, RewriteError> {
    let mut scratch = SCRATCH.take().unwrap_or_default();
    let at_once = fused.and_then(|(program, root)| hastily(program, *root, message, limits, &mut scratch));
    let result = match at_once {
        Some(rewritten) => Ok(rewritten),
        None => attempts(program, root, message, limits, &mut scratch),
    };
    scratch.clear();
    SCRATCH.set(Some(scratch));
    result
}

/// The same by `fused` alone; nothing where these cannot do it.
pub(super) fn at_once((program, root): &(Program, usize), message: &Bytes, limits: &Limits) -> Option<Rewritten> {
    let mut scratch = SCRATCH.take().unwrap_or_default();
    let rewritten = hastily(program, *root, message, limits, &mut scratch);
    scratch.clear();
    SCRATCH.set(Some(scratch));
    rewritten
}

fn attempts(
    program: &Program,
    root: usize,
    message: &Bytes,
    limits: &Limits,
    scratch: &mut Scratch,
) -> Result<Rewritten, RewriteError> {
    if let Some(rewritten) = hastily(program, root, message, limits, scratch) {
        return Ok(rewritten);
    }
    // Whatever the message, all of it is done over just once, and this time with care.
    let input = Input { bytes: message, is_whole: true, offset: 0 };
    let mut runner = Runner { program, limits, careful: true, scratch };
    runner.table(root, input, 0, message.len(), limits.depth)?;
    Ok(scratch.output.finish(message))
}

/// Nothing where the message needs care, or is refused.
fn hastily(
    program: &Program,
    root: usize,
    message: &Bytes,
    limits: &Limits,
    scratch: &mut Scratch,
) -> Option<Rewritten> {
    let input = Input { bytes: message, is_whole: true, offset: 0 };
    let mut runner = Runner { program, limits, careful: false, scratch };
    let done = runner.table(root, input, 0, message.len(), limits.depth).is_ok();
    if done {
        return Some(scratch.output.finish(message));
    }
    scratch.clear();
    None
}

impl Scratch {
    fn clear(&mut self) {
        self.output.clear();
        self.notes.clear();
    }
}

/// One way through a message.
struct Runner<'p> {
    program: &'p Program,
    limits: &'p Limits,
    careful: bool,
    scratch: &'p mut Scratch,
}

/// A message that is being rewritten.
#[derive(Clone, Copy)]
struct Message<'p> {
    plan: &'p Compiled,
    layout: &'p Layout,
    input: Input<'p>,
    /// How many messages may follow inside one another.
    depth: usize,
    frame: Frame,
}

impl<'p> Runner<'p> {
    /// Rewrites the message between `start` and `end`.
    fn table(&mut self, index: usize, input: Input<'_>, start: usize, end: usize, depth: usize) -> Outcome<()> {
        let Some(depth) = depth.checked_sub(1) else { return Err(Failure::too_deep()) };
        let program = self.program;
        match &program.tables[index].action {
            Action::Identity => self.scratch.output.copy(input, start, end),
            Action::Plan(plan) => self.plan(plan, input, start, end, depth)?,
            Action::Refuse(why) => return Err(Failure::refused(why)),
            Action::Sequence(tables) => self.sequence(tables, input, start, end, depth)?,
        }
        self.fits()
    }

    /// Whether what is written so far is within the limit.
    #[inline]
    fn fits(&self) -> Outcome<()> {
        match self.scratch.output.len() > self.limits.output {
            true => Err(Failure::too_long(self.limits.output)),
            false => Ok(()),
        }
    }

    /// One table after the other.
    fn sequence(&mut self, tables: &[usize], input: Input<'_>, start: usize, end: usize, depth: usize) -> Outcome<()> {
        let Some((last, first)) = tables.split_last() else {
            self.scratch.output.copy(input, start, end);
            return Ok(());
        };
        let mut between: Option<Vec<u8>> = None;
        for table in first {
            let outer = std::mem::take(&mut self.scratch.output);
            let result = match &between {
                None => self.table(*table, input, start, end, depth + 1),
                Some(bytes) => {
                    let input = Input::copied(bytes, input.offset + start);
                    self.table(*table, input, 0, bytes.len(), depth + 1)
                }
            };
            let written = std::mem::replace(&mut self.scratch.output, outer);
            result?;
            between = Some(written.to_vec(input.bytes));
        }
        match &between {
            None => self.table(*last, input, start, end, depth + 1),
            Some(bytes) => {
                let input = Input::copied(bytes, input.offset + start);
                self.table(*last, input, 0, bytes.len(), depth + 1)
            }
        }
    }

    fn plan(&mut self, plan: &Compiled, input: Input<'_>, start: usize, end: usize, depth: usize) -> Outcome<()> {
        let layout = if self.careful { &plan.careful } else { &plan.hasty };
        // One more for what the message itself does not declare.
        let slots = if layout.noting { plan.slots.len() + 1 } else { 0 };
        let frame = self.scratch.notes.enter(slots);
        let message = Message { plan, layout, input, depth, frame };
        let mut seen = 0;
        self.scan(&message, 0, start, end, &mut seen)?;
        for (guard, field) in &layout.absents {
            if seen >> guard & 1 == 0 {
                let Some(field) = field else { return Err(Failure::Hasty) };
                self.scratch.output.buffer().extend_from_slice(field);
            }
        }
        if layout.noting {
            self.finish(&message, start, end)?;
        }
        self.scratch.notes.leave(frame);
        Ok(())
    }

    /// Goes through the fields of the message, or of one in it whose fields part ways.
    fn scan(&mut self, message: &Message<'_>, node: usize, start: usize, end: usize, seen: &mut u128) -> Outcome<()> {
        let input = message.input;
        let numbers = &message.layout.nodes[node];
        let mut at = start;
        // What stays as it is goes over in one.
        let mut kept = start;
        while at < end {
            let field = wire::field(input.bytes, at, end, message.depth)
                .map_err(|fault| Failure::unreadable(fault, input, message.plan.source.full_name()))?;
            let op = numbers.op(field.number);
            if op.guard != NONE {
                let bit = 1 << op.guard;
                if *seen & bit != 0 {
                    return Err(Failure::Hasty);
                }
                *seen |= bit;
            }
            let tag = at;
            at = field.next;
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
                    if self.passes(message, node, field.number, tag, &field)? {
                        // The fields before it are written already; from here on there is a new stretch.
                        kept = tag;
                    }
                }
                _ => self.act(message, op.act, op.guard, tag, &field, seen)?,
            }
        }
        if kept < end {
            self.scratch.output.copy(input, kept, end);
        }
        Ok(())
    }

    /// What comes of a field that does not just stay.
    fn act(
        &mut self,
        message: &Message<'_>,
        act: Act,
        guard: u8,
        tag: usize,
        field: &Field,
        seen: &mut u128,
    ) -> Outcome<()> {
        let input = message.input;
        match act {
            Act::Renumber(number) => self.put(input, field.wire, field.start, field.end, number),
            Act::Nonzero { number, slot } => {
                let kind = &message.plan.slots[slot as usize].kind;
                if !scalar::is_zero(kind, &input.bytes[field.start..field.end]) {
                    self.put(input, field.wire, field.start, field.end, number);
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
                    *seen &= !(1 << guard);
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
            Act::Drop | Act::Copy | Act::Unknown => {}
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
        let bytes = &message.input.bytes[field.start..field.end];
        let datum = scalar.read(bytes).map_err(|_| Failure::Hasty)?;
        if zero.of_source && datum.is_zero() {
            return Ok(false);
        }
        match scalar.convert(datum) {
            Ok(scalar::Converted::To(datum)) => {
                if !(zero.of_target && datum.is_zero()) {
                    let buffer = self.scratch.output.buffer();
                    wire::put_tag(buffer, number, scalar.write_wire());
                    scalar.write(&datum, buffer).map_err(|_| Failure::Hasty)?;
                }
                Ok(true)
            }
            Ok(scalar::Converted::Settled) => Ok(false),
            Err(_) => Err(Failure::Hasty),
        }
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
        let mut elements = carry::Elements::new(scalar.read_wire(), field.wire, field.start, field.end);
        while let Some((start, end)) = elements.next(message.input.bytes).map_err(|_| Failure::Hasty)? {
            let datum = scalar.read(&message.input.bytes[start..end]).map_err(|_| Failure::Hasty)?;
            let Ok(scalar::Converted::To(datum)) = scalar.convert(datum) else { return Err(Failure::Hasty) };
            let buffer = self.scratch.output.buffer();
            if run.is_none() {
                wire::put_tag(buffer, number, scalar.write_wire());
            }
            scalar.write(&datum, buffer).map_err(|_| Failure::Hasty)?;
            // A number of one byte may stand for a long text.
            self.fits()?;
        }
        if let Some(run) = run {
            self.scratch.output.close(run);
        }
        Ok(())
    }

    /// Writes a field with the value that lies between `start` and `end`.
    fn put(&mut self, input: Input<'_>, wire: u8, start: usize, end: usize, number: u32) {
        let output = &mut self.scratch.output;
        wire::put_tag(output.buffer(), number, wire);
        if wire == LENGTH {
            wire::put_varint(output.buffer(), (end - start) as u64);
        }
        output.copy(input, start, end);
        if wire == wire::GROUP {
            wire::put_tag(output.buffer(), number, wire::GROUP_END);
        }
    }
}
