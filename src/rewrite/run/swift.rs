//! The swift way through a message: see [`swift`](crate::rewrite::swift).
//!
//! Where the next byte is read and where it is written are two numbers that stay in registers. Bytes are copied in blocks
//! of fixed length: what a block holds beyond its field is written over by the next one. Whether the fields of a message
//! end where it does is looked at once, behind the last of them.

mod block;
mod value;
mod write;

use self::block::{BLOCK, block, length_at, varint_in};
use super::Runner;
use crate::rewrite::failure::{Failure, Outcome};
use crate::rewrite::input::Input;
use crate::rewrite::swift::{Op, Swift, What};
use crate::rewrite::table::{Action, Program};
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
    program: &'p Program,
    /// Where the next field is, for what is told of by a call.
    next: usize,
    /// Whether the last field that the source does not declare stays.
    passes: bool,
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
        let mut run = Run {
            source: input.bytes,
            input,
            bytes,
            limit: self.limits.output,
            program: self.program,
            next: start,
            passes: false,
            runner: self,
        };
        let written = run.message(table, start, end, length, depth);
        let Run { bytes, .. } = run;
        let buffer = self.scratch.output.buffer();
        // Of a message that is not done nothing counts.
        buffer.settle(bytes, written.as_ref().map_or(length, |end| *end));
        written.map(|_| ()).map_err(|Stop| Failure::Hasty)
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
        let mut spare = [0; BLOCK];
        let mut at = start;
        // What stays as it is goes over in one.
        let mut kept = start;
        while at < end {
            let first = *source.get(at).ok_or(Stop)?;
            let (op, value) =
                if first < 0x80 { (table.op_of_byte(first), at + 1) } else { long_tag(table, source, at, end)? };
            if op.looks.at_anything() {
                if is_left_out(scan, op, source, first, value)? {
                    out = self.flush(kept, at, out)?;
                    at = wire::field(source, at, end, scan.depth).map_err(|_| Stop)?.next;
                    kept = at;
                    continue;
                }
                if op.looks.at_piece() && op.piece != scan.piece {
                    out = self.flush(kept, at, out)?;
                    kept = at;
                    out = self.switch(scan, op.piece, out)?;
                }
            }
            match op.what {
                What::KeepVarint => at = value + varint_in(block(source, value, &mut spare))?,
                What::KeepLength => {
                    let (start, length) = length_at(source, value)?;
                    at = start + length;
                }
                What::KeepFixed32 => at = value + 4,
                What::KeepFixed64 => at = value + 8,
                What::Varint => {
                    out = self.flush(kept, at, out)?;
                    let block = block(source, value, &mut spare);
                    let length = varint_in(block)?;
                    out = self.put(op, block, length, out);
                    at = value + length;
                    kept = at;
                }
                What::Length => {
                    out = self.flush(kept, at, out)?;
                    let block = block(source, value, &mut spare);
                    let length = usize::from(block[0]);
                    if length < BLOCK {
                        out = self.put(op, block, 1 + length, out);
                        at = value + 1 + length;
                    } else {
                        let (start, length) = length_at(source, value)?;
                        out = self.put_tag(op, out);
                        out = self.copy(value, start + length, out)?;
                        at = start + length;
                    }
                    kept = at;
                }
                What::Fixed64 => {
                    out = self.flush(kept, at, out)?;
                    out = self.put(op, block(source, value, &mut spare), 8, out);
                    at = value + 8;
                    kept = at;
                }
                What::Message => {
                    out = self.flush(kept, at, out)?;
                    let (start, length) = length_at(source, value)?;
                    at = start + length;
                    kept = at;
                    let open = self.open(op, length, out);
                    out = self.inner(op.index, scan.depth, (start, at), open.content)?;
                    out = self.close(open, out)?;
                }
                What::Number => {
                    out = self.flush(kept, at, out)?;
                    out = self.number(scan, table, op, value, out)?;
                    at = self.next;
                    kept = at;
                }
                _ => {
                    out = self.flush(kept, at, out)?;
                    kept = at;
                    out = self.rarer(scan, table, op, (at, value, end), out)?;
                    if op.what != What::Unknown || !self.passes {
                        // Else it starts a new stretch of what stays.
                        kept = self.next;
                    }
                    at = self.next;
                }
            }
        }
        if at != end {
            return Err(Stop);
        }
        out = self.flush(kept, end, out)?;
        if scan.piece == 0 { Ok(out) } else { self.switch(scan, 0, out) }
    }

    /// A message within one.
    #[inline]
    fn inner(&mut self, table: u32, depth: usize, (start, end): (usize, usize), out: usize) -> Result<usize, Stop> {
        let Action::Plan(plan) = &self.program.tables[table as usize].action else { return Err(Stop) };
        let inner = plan.swift.as_deref().ok_or(Stop)?;
        self.message(inner, start, end, out, depth.checked_sub(1).ok_or(Stop)?)
    }

    /// Adds what stays as it is.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "mostly there is nothing")]
    fn flush(&mut self, kept: usize, at: usize, out: usize) -> Result<usize, Stop> {
        if kept < at { self.copy(kept, at, out) } else { Ok(out) }
    }

    /// What comes by less often.
    #[inline(never)]
    fn rarer(
        &mut self,
        scan: &mut Scan<'p>,
        table: &'p Swift,
        op: &Op,
        (at, value, end): (usize, usize, usize),
        out: usize,
    ) -> Result<usize, Stop> {
        let source = self.source;
        match op.what {
            What::Unknown => {
                let out = self.switch(scan, 0, out)?;
                let field = wire::field(source, at, end, scan.depth).map_err(|_| Stop)?;
                self.passes = passes(table, field.number)?;
                self.next = field.next;
                Ok(out)
            }
            What::Drop => {
                self.next = wire::field(source, at, end, scan.depth).map_err(|_| Stop)?.next;
                Ok(out)
            }
            What::Fixed32 => {
                self.next = value + 4;
                Ok(self.put(op, block(source, value, &mut [0; BLOCK]), 4, out))
            }
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
                self.next = start + length;
                Ok(out)
            }
            What::Table => {
                let (start, length) = length_at(source, value)?;
                let open = self.open(op, length, out);
                let out = self.table(op.index as usize, start, start + length, open.content, scan.depth)?;
                self.next = start + length;
                self.close(open, out)
            }
            What::ToSingle => self.narrowed(scan, op, value, out),
            What::ToDouble => self.widened(scan, op, value, out),
            What::Text => self.text(scan, op, value, out),
            What::Scalar => self.scalar(scan, table, op, at, end, out),
            What::Scalars => self.scalars(scan, table, op, (false, at, end), out),
            What::PackedScalars => self.scalars(scan, table, op, (true, at, end), out),
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

/// Whether a field is a zero that is left out; notes that it came.
#[inline(always)]
#[expect(clippy::inline_always, reason = "most of it is not for most ops")]
fn is_left_out(scan: &mut Scan<'_>, op: &Op, source: &[u8], first: u8, value: usize) -> Result<bool, Stop> {
    if op.looks.at_guard() {
        if op.guard & scan.seen != 0 {
            return Err(Stop);
        }
        scan.seen |= op.guard;
    }
    match op.looks.at_zero() && value::is_zero(source, first, value)? {
        true if op.zero.stops => Err(Stop),
        is_zero => Ok(is_zero),
    }
}

/// Whether a field that the source does not declare stays where it is.
fn passes(table: &Swift, number: u32) -> Result<bool, Stop> {
    let unknown = table.unknown.as_ref().ok_or(Stop)?;
    match unknown.is_taken(number) {
        true if unknown.leave_out => Ok(false),
        false if !unknown.is_late(number) => Ok(true),
        _ => Err(Stop),
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
