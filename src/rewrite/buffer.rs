//! Bytes that are being written.
//!
//! A `Vec` would ask for room at every byte, and call `memcpy` for texts of a few bytes. Here all room is initialised, so
//! that a write is one check and one store, and short stretches are copied in blocks of fixed length, which are a register
//! or two. What a block writes beyond its stretch is written over by what comes next.

use std::ops::{Deref, DerefMut};

/// Bytes that are copied at once.
const BLOCK: usize = 16;
/// The least room.
const LEAST: usize = 512;

/// Bytes, with room behind them.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    /// What is written, and room.
    bytes: Vec<u8>,
    /// How much is written; never more than there are `bytes`.
    length: usize,
}

impl Buffer {
    /// How much is written.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Sees to it that there is room for so many bytes, and for a block behind them.
    #[inline]
    pub(super) fn reserve(&mut self, additional: usize) {
        let wanted = self.length + additional + BLOCK;
        if wanted > self.bytes.len() {
            self.grow(wanted);
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, wanted: usize) {
        let wanted = wanted.max(2 * self.bytes.len()).max(LEAST);
        if self.bytes.is_empty() {
            // Memory that is zero already need not be written.
            self.bytes = vec![0; wanted];
        } else {
            self.bytes.resize(wanted, 0);
        }
    }

    /// Adds a byte.
    #[inline]
    pub(super) fn push(&mut self, byte: u8) {
        if self.length == self.bytes.len() {
            self.reserve(1);
        }
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    /// Adds bytes.
    #[inline(never)]
    pub(super) fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.bytes[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    /// Adds the bytes of `source` from `start` to `end`.
    #[inline]
    pub(super) fn copy(&mut self, source: &[u8], start: usize, end: usize) {
        let length = end - start;
        if length <= 2 * BLOCK
            && let Some(from) = source.get(start..).and_then(<[u8]>::first_chunk::<BLOCK>)
            && let Some(to) = self.bytes.get_mut(self.length..).and_then(<[u8]>::first_chunk_mut::<BLOCK>)
        {
            *to = *from;
            if length <= BLOCK {
                self.length += length;
                return;
            }
            if let Some(from) = source.get(start + BLOCK..).and_then(<[u8]>::first_chunk::<BLOCK>)
                && let Some(to) = self.bytes.get_mut(self.length + BLOCK..).and_then(<[u8]>::first_chunk_mut::<BLOCK>)
            {
                *to = *from;
                self.length += length;
                return;
            }
        }
        self.extend_from_slice(&source[start..end]);
    }

    /// Adds a tag, and the bytes of `source` from `start` to `end`, in one block each; false where they take more.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "low bits of a varint, or a length that was looked at before")]
    pub(super) fn put_short_field(&mut self, tag: u32, source: &[u8], start: usize, end: usize) -> bool {
        let length = end - start;
        if tag < 0x80
            && length <= BLOCK
            && let Some(from) = source.get(start..).and_then(<[u8]>::first_chunk::<BLOCK>)
            && let Some(to) = self.bytes.get_mut(self.length..).and_then(<[u8]>::first_chunk_mut::<{ BLOCK + 1 }>)
        {
            let [first, rest @ ..] = to;
            *first = tag as u8;
            *rest = *from;
            self.length += 1 + length;
            return true;
        }
        false
    }

    /// Adds `value` as a varint.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "low bits of a varint, or a length that was looked at before")]
    pub(super) fn put_varint(&mut self, mut value: u64) {
        if value < 0x80 {
            // The lowest seven bits.
            self.push(value as u8);
            return;
        }
        self.reserve(10);
        let mut at = self.length;
        while value >= 0x80 {
            self.bytes[at] = (value & 0x7f) as u8 | 0x80;
            value >>= 7;
            at += 1;
        }
        self.bytes[at] = value as u8;
        self.length = at + 1;
    }

    /// Adds a tag.
    #[inline]
    pub(super) fn put_tag(&mut self, number: u32, wire: u8) {
        self.put_varint(u64::from(number) << 3 | u64::from(wire));
    }

    /// Adds so many zeros.
    #[inline]
    pub(super) fn put_zeros(&mut self, count: usize) {
        self.reserve(count);
        self.bytes[self.length..self.length + count].fill(0);
        self.length += count;
    }

    /// Takes back what is behind the first `length` bytes.
    #[inline]
    pub(super) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// Takes out the bytes from `start` to `end`.
    pub(super) fn cut(&mut self, start: usize, end: usize) {
        let length = self.length;
        self.bytes.copy_within(end..length, start);
        self.length = length - (end - start);
    }

    /// Gives the bytes away, and is empty again.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.truncate(self.length);
        self.length = 0;
        bytes
    }

    /// Gives all bytes and room away for a while, with how much is written. [`settle`](Self::settle) ends that.
    #[inline]
    pub(super) fn lend(&mut self) -> (Vec<u8>, usize) {
        (std::mem::take(&mut self.bytes), std::mem::take(&mut self.length))
    }

    /// Takes back what was lent, of which the first `length` bytes are written.
    #[inline]
    pub(super) fn settle(&mut self, bytes: Vec<u8>, length: usize) {
        self.length = length.min(bytes.len());
        self.bytes = bytes;
    }

    /// Forgets what was written, and gives back room beyond `most`.
    #[inline]
    pub(super) fn clear(&mut self, most: usize) {
        self.length = 0;
        if self.bytes.len() > most {
            self.bytes = Vec::new();
        }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl DerefMut for Buffer {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_every_length_add_just_those_bytes() {
        let source: Vec<u8> = (0..=255).collect();
        for length in 0..=100 {
            for start in [0, 1, source.len() - length] {
                let mut buffer = Buffer::default();
                let mut expected = Vec::new();
                // Across several borders of the room.
                for _ in 0..40 {
                    buffer.copy(&source, start, start + length);
                    expected.extend_from_slice(&source[start..start + length]);
                    if buffer.put_short_field(9, &source, start, start + length) {
                        expected.push(9);
                        expected.extend_from_slice(&source[start..start + length]);
                    }
                }
                buffer.push(7);
                expected.push(7);
                assert_eq!(&buffer[..], expected, "{length} from {start}");
                assert_eq!(buffer.take(), expected);
            }
        }
    }

    #[test]
    fn what_was_taken_back_is_written_over() {
        let mut buffer = Buffer::default();
        buffer.extend_from_slice(b"abcdef");
        buffer.cut(1, 3);
        buffer.truncate(3);
        buffer.put_zeros(2);
        buffer.put_varint(300);
        buffer.put_tag(1, 2);
        assert_eq!(&buffer[..], b"ade\0\0\xac\x02\x0a");
    }
}
