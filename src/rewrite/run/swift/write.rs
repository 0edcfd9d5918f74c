//! What the swift way writes.

use super::block::BLOCK;
use super::{Open, Run, Stop};
use crate::rewrite::scalar::ROOM;
use crate::rewrite::swift::Op;
use crate::rewrite::wire::varint_length;

/// Stretches up to this length are copied in blocks.
const SHORT: usize = 4 * BLOCK;
/// The first room for a message.
const FIRST: usize = 4096;

impl Run<'_, '_, '_> {
    /// Room for a tag and a short value.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a check and a pointer")]
    pub(super) fn room(&mut self, out: usize) -> &mut [u8; ROOM] {
        // As the compiler sees it in the line below.
        if out > self.bytes.len() || self.bytes.len() - out < ROOM {
            self.grow(out + ROOM);
        }
        let room = self.bytes.get_mut(out..).and_then(<[u8]>::first_chunk_mut);
        room.expect("there is room for that many bytes since the line before")
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, wanted: usize) {
        // Mostly, a message becomes one of about its length. The first room is that of most; what lies in a message of
        // more may be shared, so not all of its length is asked for before that shows.
        let more = if self.bytes.len() < FIRST { FIRST } else { wanted + self.source.len() };
        let room = wanted.max(2 * self.bytes.len()).max(more);
        if self.bytes.is_empty() {
            // Memory that is zero already need not be written.
            self.bytes = vec![0; room];
        } else {
            self.bytes.resize(room, 0);
        }
    }

    /// Adds the new tag of a field.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a store")]
    pub(super) fn put_tag(&mut self, op: &Op, out: usize) -> usize {
        write_tag(op, self.room(out));
        out + usize::from(op.tag_length)
    }

    /// Adds a field with its new tag and the first bytes of a block.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "two stores")]
    pub(super) fn put(&mut self, op: &Op, block: &[u8; BLOCK], length: usize, out: usize) -> usize {
        // At most four, as the compiler cannot know.
        let tag_length = usize::from(op.tag_length & 7);
        let room = self.room(out);
        write_tag(op, room);
        if let Some(value) = room.get_mut(tag_length..).and_then(<[u8]>::first_chunk_mut) {
            *value = *block;
        }
        out + tag_length + length
    }

    /// Adds bytes that are not of the input.
    #[inline(never)]
    pub(super) fn put_bytes(&mut self, bytes: &[u8], out: usize) -> usize {
        let end = out + bytes.len();
        if end > self.bytes.len() {
            self.grow(end);
        }
        self.bytes[out..end].copy_from_slice(bytes);
        end
    }

    /// Adds what lies between `start` and `end`.
    #[inline]
    pub(super) fn copy(&mut self, start: usize, end: usize, out: usize) -> Result<usize, Stop> {
        let length = end - start;
        if length <= SHORT
            && let Some(from) = self.source.get(start..).and_then(<[u8]>::first_chunk::<SHORT>)
            && let Some(to) = self.bytes.get_mut(out..).and_then(<[u8]>::first_chunk_mut::<SHORT>)
        {
            *to = *from;
            return Ok(out + length);
        }
        self.copy_long(start, end, out)
    }

    #[inline(never)]
    fn copy_long(&mut self, start: usize, end: usize, out: usize) -> Result<usize, Stop> {
        let from = self.source.get(start..end).ok_or(Stop)?;
        if self.input.is_shared_from(from.len()) {
            self.runner.scratch.output.share_at(out, start, end);
            return Ok(out);
        }
        if out + from.len() > self.bytes.len() {
            self.grow(out + from.len());
        }
        self.bytes[out..out + from.len()].copy_from_slice(from);
        Ok(out + from.len())
    }

    /// Opens a message, which will have about `expected` bytes.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a store, and numbers that should stay in registers")]
    pub(super) fn open(&mut self, op: &Op, expected: usize, out: usize) -> Open {
        let reserved = varint_length(expected as u64);
        let (shared, shared_length) = self.runner.scratch.output.shared();
        let content = self.put_tag(op, out) + reserved;
        Open { content, reserved, shared, shared_length }
    }

    /// Writes the length of a message that ends at `out`, and gives back where it ends then.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a store, mostly")]
    #[expect(clippy::cast_possible_truncation, reason = "low bits of a varint, or a length that was looked at before")]
    pub(super) fn close(&mut self, open: Open, out: usize) -> Result<usize, Stop> {
        let (_, shared_length) = self.runner.scratch.output.shared();
        let length = out - open.content + (shared_length - open.shared_length);
        match self.bytes.get_mut(open.content - 1) {
            Some(byte) if length < 0x80 && open.reserved == 1 => {
                *byte = length as u8;
                Ok(out)
            }
            _ => self.close_long(open, length, out),
        }
    }

    #[inline(never)]
    #[expect(clippy::cast_possible_truncation, reason = "low bits of a varint, or a length that was looked at before")]
    fn close_long(&mut self, open: Open, length: usize, mut out: usize) -> Result<usize, Stop> {
        let needed = varint_length(length as u64);
        let start = open.content - open.reserved;
        if needed != open.reserved {
            let moved = start + needed;
            let end = moved + out - open.content;
            if end > self.bytes.len() {
                self.grow(end);
            }
            self.bytes.copy_within(open.content..out, moved);
            self.runner.scratch.output.move_shared(open.shared, open.reserved, needed);
            out = end;
        }
        let prefix = self.bytes.get_mut(start..start + needed).ok_or(Stop)?;
        let mut rest = length;
        for byte in prefix.iter_mut() {
            *byte = (rest & 0x7f) as u8 | 0x80;
            rest >>= 7;
        }
        if let Some(last) = prefix.last_mut() {
            *last &= 0x7f;
        }
        Ok(out)
    }
}

/// Writes the new tag of a field, of which not all four bytes may count.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a store")]
pub(super) fn write_tag(op: &Op, room: &mut [u8; ROOM]) {
    if let Some(tag) = room.first_chunk_mut() {
        *tag = op.tag.to_le_bytes();
    }
}
