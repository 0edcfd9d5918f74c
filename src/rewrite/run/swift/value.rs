//! Values that become others on the swift way.

use super::block::{BLOCK, block, length_at, varint_in};
use super::write::write_tag;
use super::{Run, Scan, Stop};
use crate::rewrite::run::carry::Elements;
use crate::rewrite::scalar::{Converted, Quickly, Scalar};
use crate::rewrite::swift::{Op, Swift};
use crate::rewrite::wire::{self, FIXED32, FIXED64, VARINT};

impl Run<'_, '_, '_> {
    /// A varint that becomes another number.
    #[inline(never)]
    pub(super) fn number(
        &mut self,
        scan: &mut Scan<'_>,
        table: &Swift,
        op: &Op,
        value: usize,
        out: usize,
    ) -> Result<usize, Stop> {
        let quick = table.numbers.get(op.index as usize).ok_or(Stop)?;
        let (raw, next) = wire::varint(self.source, value, self.source.len()).map_err(|_| Stop)?;
        self.next = next;
        let number = quick.read(raw).ok_or(Stop)?;
        if op.zero.of_source && number == 0 {
            scan.seen &= !op.guard;
            return Ok(out);
        }
        match quick.convert(number).ok_or(Stop)? {
            Quickly::Settled => {
                scan.seen &= !op.guard;
                Ok(out)
            }
            Quickly::To(number) => {
                if number == 0 && op.zero.of_target {
                    return Ok(out);
                }
                let room = self.room(out);
                write_tag(op, room);
                let written = out + quick.write_at(number, room, usize::from(op.tag_length));
                Ok(written)
            }
        }
    }

    /// A `double` that has to be a `float`.
    pub(super) fn narrowed(&mut self, scan: &mut Scan<'_>, op: &Op, value: usize, out: usize) -> Result<usize, Stop> {
        let bytes = self.source.get(value..).and_then(<[u8]>::first_chunk).ok_or(Stop)?;
        self.next = value + 8;
        let double = f64::from_le_bytes(*bytes);
        if op.zero.of_source && double.to_bits() == 0 {
            scan.seen &= !op.guard;
            return Ok(out);
        }
        #[expect(clippy::cast_possible_truncation, reason = "whether it loses something is checked next")]
        let single = double as f32;
        // No not-a-number is equal to itself: those are left to the careful way, too.
        #[expect(clippy::float_cmp, reason = "it has to be the same")]
        if f64::from(single) != double {
            return Err(Stop);
        }
        if op.zero.of_target && double.to_bits() == 0 {
            return Ok(out);
        }
        Ok(self.put(op, &wide(single.to_le_bytes()), 4, out))
    }

    /// A `float` as a `double`.
    pub(super) fn widened(&mut self, scan: &mut Scan<'_>, op: &Op, value: usize, out: usize) -> Result<usize, Stop> {
        let bytes = self.source.get(value..).and_then(<[u8]>::first_chunk).ok_or(Stop)?;
        self.next = value + 4;
        let single = f32::from_le_bytes(*bytes);
        if op.zero.of_source && single.to_bits() == 0 {
            scan.seen &= !op.guard;
            return Ok(out);
        }
        if single.is_nan() {
            return Err(Stop);
        }
        if op.zero.of_target && single.to_bits() == 0 {
            return Ok(out);
        }
        Ok(self.put(op, &wide(f64::from(single).to_le_bytes()), 8, out))
    }

    /// Text or bytes that have to be UTF-8, and stay as they are.
    pub(super) fn text(&mut self, scan: &mut Scan<'_>, op: &Op, value: usize, out: usize) -> Result<usize, Stop> {
        let (start, length) = length_at(self.source, value)?;
        let next = start + length;
        self.next = next;
        let text = self.source.get(start..next).ok_or(Stop)?;
        if std::str::from_utf8(text).is_err() {
            return Err(Stop);
        }
        if length == 0 && op.zero.of_source {
            scan.seen &= !op.guard;
            return Ok(out);
        }
        if length == 0 && op.zero.of_target {
            return Ok(out);
        }
        let out = self.put_tag(op, out);
        self.copy(value, next, out)
    }

    /// Any scalar.
    pub(super) fn scalar(
        &mut self,
        scan: &mut Scan<'_>,
        table: &Swift,
        op: &Op,
        at: usize,
        end: usize,
        out: usize,
    ) -> Result<usize, Stop> {
        let scalar = table.scalars.get(op.index as usize).ok_or(Stop)?;
        let field = wire::field(self.source, at, end, scan.depth).map_err(|_| Stop)?;
        self.next = field.next;
        let datum = scalar.read(&self.source[field.start..field.end]).map_err(|_| Stop)?;
        if op.zero.of_source && datum.is_zero() {
            scan.seen &= !op.guard;
            return Ok(out);
        }
        let Converted::To(datum) = scalar.convert(datum).map_err(|_| Stop)? else {
            scan.seen &= !op.guard;
            return Ok(out);
        };
        if op.zero.of_target && datum.is_zero() {
            return Ok(out);
        }
        let out = self.put_tag(op, out);
        self.put_scalar(out, |buffer| scalar.write(&datum, buffer))
    }

    /// What one field of a repeated scalar holds.
    pub(super) fn scalars(
        &mut self,
        scan: &mut Scan<'_>,
        table: &Swift,
        op: &Op,
        (packed, at, end): (bool, usize, usize),
        mut out: usize,
    ) -> Result<usize, Stop> {
        let scalar = table.scalars.get(op.index as usize).ok_or(Stop)?;
        let field = wire::field(self.source, at, end, scan.depth).map_err(|_| Stop)?;
        self.next = field.next;
        let run = packed.then(|| self.open(op, field.end - field.start, out));
        out = run.map_or(out, |run| run.content);
        let mut elements = Elements::new(scalar.read_wire(), field.wire, field.start, field.end);
        while let Some((start, end)) = elements.next(self.source).map_err(|_| Stop)? {
            if run.is_none() {
                out = self.put_tag(op, out);
            }
            out = self.element(scalar, start, end, out)?;
            // A number of one byte may stand for a long text.
            if out > self.limit {
                return Err(Stop);
            }
        }
        if let Some(run) = run {
            out = self.close(run, out)?;
        }
        Ok(out)
    }

    /// An element of a repeated scalar, without a tag.
    #[inline]
    fn element(&mut self, scalar: &Scalar, start: usize, end: usize, out: usize) -> Result<usize, Stop> {
        if let Some(quick) = scalar.quick()
            && let Ok((raw, _)) = wire::varint(self.source, start, end)
            && let Some(Quickly::To(value)) = quick.read(raw).and_then(|value| quick.convert(value))
        {
            let room = self.room(out);
            return Ok(out + quick.write_at(value, room, 0));
        }
        let datum = scalar.read(&self.source[start..end]).map_err(|_| Stop)?;
        let Ok(Converted::To(datum)) = scalar.convert(datum) else { return Err(Stop) };
        self.put_scalar(out, |buffer| scalar.write(&datum, buffer))
    }

    /// Has a value written by itself, and adds it.
    fn put_scalar(
        &mut self,
        out: usize,
        write: impl FnOnce(&mut crate::rewrite::buffer::Buffer) -> Result<(), String>,
    ) -> Result<usize, Stop> {
        let mut value = std::mem::take(&mut self.runner.scratch.value);
        value.truncate(0);
        let written = write(&mut value);
        let out = self.put_bytes(&value, out);
        value.clear(KEPT_UP_TO);
        self.runner.scratch.value = value;
        written.map(|()| out).map_err(|_| Stop)
    }
}

/// Up to this length the memory for single values is kept for the next one.
const KEPT_UP_TO: usize = 4096;

/// Whether a field, whose tag has the lowest bits of `first`, holds the zero of its type.
pub(super) fn is_zero(source: &[u8], first: u8, value: usize) -> Result<bool, Stop> {
    let mut spare = [0; BLOCK];
    let block = block(source, value, &mut spare);
    let word = u128::from_le_bytes(*block);
    Ok(match first & 7 {
        VARINT if block[0] & 0x7f != 0 => false,
        VARINT => {
            let length = varint_in(block)?;
            let bits = word & (u128::MAX >> (128 - 8 * length)) & 0x7f7f_7f7f_7f7f_7f7f_7f7f;
            if bits != 0 && bits & 0x0f_7f7f_7f7f == 0 {
                // A zero of 32 bits, and none of 64.
                return Err(Stop);
            }
            bits == 0
        }
        FIXED32 => word.trailing_zeros() >= 32,
        FIXED64 => word.trailing_zeros() >= 64,
        _ => length_at(source, value)?.1 == 0,
    })
}

fn wide<const LENGTH: usize>(bytes: [u8; LENGTH]) -> [u8; 16] {
    let mut block = [0; 16];
    block[..LENGTH].copy_from_slice(&bytes);
    block
}
