//! The swift way through a message: see [`swift`](crate::rewrite::swift).
//!
//! Where the next byte is read and where it is written are two numbers that stay in registers. Bytes are copied in blocks
//! of fixed length: what a block holds beyond its field is written over by the next one. Whether the fields of a message
//! end where it does is looked at once, behind the last of them.
#![allow(clippy::cast_possible_truncation, reason = "bytes of a varint, and lengths that were looked at before")]

mod block;
mod value;
mod write;

use self::block::{BLOCK, block, length_at, varint_in};
use super::Runner;
use crate::rewrite::failure::{Failure, Outcome};
use crate::rewrite::input::Input;
use crate::rewrite::swift::{Op, Swift, What};
use crate::rewrite::table::Action;
use crate::rewrite::wire;

/// The message needs care.
struct Stop;

/// What is written, and what it is made of.
struct Run<'r, 'p, 'i> {
    runner: &'r mut Runner<'p>,
    input: Input<'i>,
    source: &'i [u8],
    /// What is written, and room; those of the runner while this runs.
    bytes: Vec<u8>,
    /// The most that may be written.
    limit: usize,
}

/// Where a run is in a message.
struct Scan<'t> {
    table: &'t Swift,
    /// How many messages may follow inside one another.
    depth: usize,
    /// Guards that were met.
    seen: u64,
    /// The message of the target that is being put together.
    whole: Option<Open>,
    /// Its index, and one more; 0 for none.
    piece: u32,
}

/// A message that is being written.
#[derive(Clone, Copy)]
struct Open {
    content: usize,
    reserved: usize,
    /// How many slices of the input were shared before.
    shared: usize,
    shared_length: usize,
}

impl<'p> Runner<'p> {
    /// Rewrites the message between `start` and `end`.
    pub(super) fn swiftly(
        &mut self,
        table: &'p Swift,
        input: Input<'_>,
        start: usize,
        end: usize,
        depth: usize,
    ) -> Outcome<()> {
        let (bytes, length) = self.scratch.output.buffer().lend();
        let mut run = Run { source: input.bytes, input, bytes, limit: self.limits.output, runner: self };
        let written = run.message(table, start, end, length, depth);
        let Run { bytes, .. } = run;
        let buffer = self.scratch.output.buffer();
        if let Ok(length) = written {
            buffer.settle(bytes, length);
            return Ok(());
        }
        buffer.settle(bytes, length);
        Err(Failure::Hasty)
    }
}

impl<'p> Run<'_, 'p, '_> {
    /// Writes what the message between `start` and `end` comes to at `out`, and gives back where that ends.
    fn message(&mut self, table: &'p Swift, start: usize, end: usize, out: usize, depth: usize) -> Result<usize, Stop> {
        let mut scan = Scan { table, depth, seen: 0, whole: None, piece: 0 };
        let mut out = self.scan(&mut scan, table, start, end, out)?;
        for (guard, field) in &table.absents {
            if scan.seen & guard == 0 {
                out = self.put_bytes(field.as_ref().ok_or(Stop)?, out);
            }
        }
        if out > self.limit { Err(Stop) } else { Ok(out) }
    }

    /// Goes through the fields of a message, or of one that is taken apart.
    #[expect(
        clippy::too_many_lines,
        reason = "what a field goes through stays in registers, and reads from top to bottom"
    )]
    fn scan(
        &mut self,
        scan: &mut Scan<'p>,
        table: &'p Swift,
        start: usize,
        end: usize,
        mut out: usize,
    ) -> Result<usize, Stop> {
        let source = self.source;
        if end > source.len() {
            return Err(Stop);
        }
        let mut at = start;
        // What stays as it is goes over in one.
        let mut kept = start;
        while at < end {
            let first = *source.get(at).ok_or(Stop)?;
            let (op, value) =
                if first < 0x80 { (table.op_of_byte(first), at + 1) } else { long_tag(table, source, at, end)? };
            if op.is_special {
                if op.guard & scan.seen != 0 {
                    return Err(Stop);
                }
                scan.seen |= op.guard;
                if (op.zero.stops || op.zero.skips) && value::is_zero(source, first, value)? {
                    if op.zero.stops {
                        return Err(Stop);
                    }
                    if kept < at {
                        out = self.copy(kept, at, out)?;
                    }
                    at = wire::field(source, at, end, scan.depth).map_err(|_| Stop)?.next;
                    kept = at;
                    continue;
                }
                if op.piece != scan.piece {
                    if kept < at {
                        out = self.copy(kept, at, out)?;
                        kept = at;
                    }
                    out = self.switch(scan, op.piece, out)?;
                }
            }
            let next = match op.what {
                What::KeepVarint => {
                    at = value + varint_in(&block(source, value))?;
                    continue;
                }
                What::KeepLength => {
                    let (start, length) = length_at(source, value)?;
                    at = start + length;
                    continue;
                }
                What::KeepFixed32 => {
                    at = value + 4;
                    continue;
                }
                What::KeepFixed64 => {
                    at = value + 8;
                    continue;
                }
                _ => {
                    if kept < at {
                        out = self.copy(kept, at, out)?;
                    }
                    match op.what {
                        What::Varint => {
                            let block = block(source, value);
                            let length = varint_in(&block)?;
                            out = self.put(op, &block, length, out);
                            value + length
                        }
                        What::Length => {
                            let block = block(source, value);
                            let length = usize::from(block[0]);
                            if length < BLOCK {
                                out = self.put(op, &block, 1 + length, out);
                                value + 1 + length
                            } else {
                                let (start, length) = length_at(source, value)?;
                                out = self.put_tag(op, out);
                                out = self.copy(value, start + length, out)?;
                                start + length
                            }
                        }
                        What::Fixed32 => {
                            out = self.put(op, &block(source, value), 4, out);
                            value + 4
                        }
                        What::Fixed64 => {
                            out = self.put(op, &block(source, value), 8, out);
                            value + 8
                        }
                        What::Message => {
                            let program = self.runner.program;
                            let Action::Plan(plan) = &program.tables[op.index as usize].action else {
                                return Err(Stop);
                            };
                            let inner = plan.swift.as_deref().ok_or(Stop)?;
                            let depth = scan.depth.checked_sub(1).ok_or(Stop)?;
                            let (start, length) = length_at(source, value)?;
                            let end = start + length;
                            let open = self.open(op, length, out);
                            out = self.message(inner, start, end, open.content, depth)?;
                            out = self.close(open, out)?;
                            end
                        }
                        What::Number => {
                            let (next, written) = self.number(scan, table, op, value, end, out)?;
                            out = written;
                            next
                        }
                        What::Unknown => {
                            out = self.switch(scan, 0, out)?;
                            let field = wire::field(source, at, end, scan.depth).map_err(|_| Stop)?;
                            if Self::passes(table, field.number)? {
                                // It starts a new stretch of what stays.
                                kept = at;
                                at = field.next;
                                continue;
                            }
                            field.next
                        }
                        _ => {
                            let (next, written) = self.rarer(scan, table, *op, (at, value, end), out)?;
                            out = written;
                            next
                        }
                    }
                }
            };
            at = next;
            kept = next;
        }
        if at != end {
            return Err(Stop);
        }
        if kept < end {
            out = self.copy(kept, end, out)?;
        }
        self.switch(scan, 0, out)
    }

    /// What comes by less often.
    #[inline(never)]
    fn rarer(
        &mut self,
        scan: &mut Scan<'p>,
        table: &'p Swift,
        op: Op,
        (at, value, end): (usize, usize, usize),
        out: usize,
    ) -> Result<(usize, usize), Stop> {
        let source = self.source;
        match op.what {
            What::Drop => Ok((wire::field(source, at, end, scan.depth).map_err(|_| Stop)?.next, out)),
            What::Node => {
                let (start, length) = length_at(source, value)?;
                let node = table.nodes.get(op.index as usize).ok_or(Stop)?;
                if length == 0 {
                    return Err(Stop);
                }
                let depth = scan.depth;
                scan.depth = depth.checked_sub(1).ok_or(Stop)?;
                let out = self.scan(scan, node, start, start + length, out)?;
                scan.depth = depth;
                Ok((start + length, out))
            }
            What::Table => {
                let (start, length) = length_at(source, value)?;
                let open = self.open(&op, length, out);
                let out = self.table(op.index as usize, start, start + length, open.content, scan.depth)?;
                Ok((start + length, self.close(open, out)?))
            }
            What::ToSingle => self.narrowed(scan, &op, value, out),
            What::ToDouble => self.widened(scan, &op, value, out),
            What::Text => self.text(scan, &op, value, out),
            What::Scalar => self.scalar(scan, table, &op, at, end, out),
            What::Scalars { packed } => self.scalars(scan, table, &op, (packed, at, end), out),
            _ => Err(Stop),
        }
    }

    /// A message by a table that is not swift.
    fn table(&mut self, index: usize, start: usize, end: usize, out: usize, depth: usize) -> Result<usize, Stop> {
        if end > self.source.len() {
            return Err(Stop);
        }
        let bytes = std::mem::take(&mut self.bytes);
        self.runner.scratch.output.buffer().settle(bytes, out);
        let result = self.runner.table(index, self.input, start, end, depth);
        let (bytes, out) = self.runner.scratch.output.buffer().lend();
        self.bytes = bytes;
        result.map(|()| out).map_err(|_| Stop)
    }

    /// Whether a field that the source does not declare stays where it is.
    #[cold]
    fn passes(table: &Swift, number: u32) -> Result<bool, Stop> {
        let unknown = table.unknown.as_ref().ok_or(Stop)?;
        match unknown.is_taken(number) {
            true if unknown.leave_out => Ok(false),
            false if !unknown.is_late(number) => Ok(true),
            _ => Err(Stop),
        }
    }

    /// Ends the message that was being put together, if there is one, and starts the one with this index.
    #[inline]
    fn switch(&mut self, scan: &mut Scan<'p>, piece: u32, mut out: usize) -> Result<usize, Stop> {
        if let Some(whole) = scan.whole.take() {
            out = self.close(whole, out)?;
        }
        scan.piece = piece;
        match piece.checked_sub(1) {
            None => Ok(out),
            Some(index) => {
                let whole = scan.table.pieces.get(index as usize).ok_or(Stop)?;
                // Pieces of one message that do not follow each other have to be noted first.
                if scan.seen & whole.guard != 0 {
                    return Err(Stop);
                }
                scan.seen |= whole.guard;
                let open = self.open(&whole.op, 0, out);
                scan.whole = Some(open);
                Ok(open.content)
            }
        }
    }
}

/// What becomes of a field whose tag has several bytes, and where its value starts.
#[inline]
fn long_tag<'t>(table: &'t Swift, source: &[u8], at: usize, end: usize) -> Result<(&'t Op, usize), Stop> {
    if let Some([first, second]) = source.get(at..).and_then(<[u8]>::first_chunk)
        && *second < 0x80
    {
        // A tag of one byte may be written with two; nobody does.
        let second = if *second == 0 { return Err(Stop) } else { u32::from(*second) << 7 };
        return Ok((table.op(u32::from(first & 0x7f) | second), at + 2));
    }
    let (tag, value) = wire::varint(source, at, end).map_err(|_| Stop)?;
    let tag = u32::try_from(tag).ok().filter(|tag| *tag >= 0x80).ok_or(Stop)?;
    Ok((table.op(tag), value))
}
