//! What a rewrite writes: bytes of its own, and large slices of the input between them.

use std::ops::Range;

use bytes::Bytes;

use super::buffer::Buffer;
use super::input::Input;
use super::wire;
use super::{Parts, Rewritten};

/// Up to this length the buffer is kept for the next message.
const KEPT_UP_TO: usize = 64 << 10;

/// Bytes written, and what lies between them.
#[derive(Debug, Default)]
pub(super) struct Output {
    buffer: Buffer,
    shared: Vec<Shared>,
    shared_length: usize,
}

/// A stretch of the input that comes before the byte of the buffer at `at`.
#[derive(Clone, Debug)]
struct Shared {
    at: usize,
    range: Range<usize>,
}

/// A place in the output, to go back to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    buffer: usize,
    shared: usize,
    shared_length: usize,
}

/// A length-delimited field that is being written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    content: Mark,
    reserved: usize,
}

impl Mark {
    /// Where the mark is after what lay between `start` and `end`, before it, was cut out.
    pub(super) fn moved(self, start: Self, end: Self) -> Self {
        if self.buffer < end.buffer || self.shared < end.shared {
            return self;
        }
        Self {
            buffer: self.buffer - (end.buffer - start.buffer),
            shared: self.shared - (end.shared - start.shared),
            shared_length: self.shared_length - (end.shared_length - start.shared_length),
        }
    }
}

impl Output {
    /// How many bytes there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.buffer.len() + self.shared_length
    }

    /// The bytes of its own, to write behind them.
    #[inline]
    pub(super) fn buffer(&mut self) -> &mut Buffer {
        &mut self.buffer
    }

    /// Takes over the bytes of `input` from `start` to `end`.
    #[inline]
    pub(super) fn copy(&mut self, input: Input<'_>, start: usize, end: usize) {
        if input.is_shared_from(end - start) {
            self.share(start, end);
        } else {
            self.buffer.copy(input.bytes, start, end);
        }
    }

    #[cold]
    fn share(&mut self, start: usize, end: usize) {
        self.share_at(self.buffer.len(), start, end);
    }

    /// Has the bytes of the input from `start` to `end` come before the byte of the buffer at `at`.
    pub(super) fn share_at(&mut self, at: usize, start: usize, end: usize) {
        self.shared.push(Shared { at, range: start..end });
        self.shared_length += end - start;
    }

    /// How many stretches of the input there are, and their length.
    #[inline]
    pub(super) fn shared(&self) -> (usize, usize) {
        (self.shared.len(), self.shared_length)
    }

    /// Moves those stretches but the first `count`, where `from` bytes of the buffer before them become `to`.
    pub(super) fn move_shared(&mut self, count: usize, from: usize, to: usize) {
        for shared in self.shared.iter_mut().skip(count) {
            shared.at = shared.at - from + to;
        }
    }

    /// Where the output ends now.
    #[inline]
    pub(super) fn mark(&self) -> Mark {
        Mark { buffer: self.buffer.len(), shared: self.shared.len(), shared_length: self.shared_length }
    }

    /// Takes back what came after `mark`.
    pub(super) fn rewind(&mut self, mark: Mark) {
        self.buffer.truncate(mark.buffer);
        self.shared.truncate(mark.shared);
        self.shared_length = mark.shared_length;
    }

    /// Takes out what lies between two marks.
    pub(super) fn cut(&mut self, from: Mark, to: Mark) {
        let length = to.buffer - from.buffer;
        self.buffer.cut(from.buffer, to.buffer);
        self.shared.drain(from.shared..to.shared);
        self.shared_length -= to.shared_length - from.shared_length;
        for shared in self.shared.iter_mut().skip(from.shared) {
            shared.at -= length;
        }
    }

    /// Opens a length-delimited field, which will have about `expected` bytes.
    #[inline]
    pub(super) fn open(&mut self, number: u32, expected: usize) -> Open {
        self.buffer.put_tag(number, wire::LENGTH);
        let reserved = wire::varint_length(expected as u64);
        // Most lengths take one byte.
        match reserved {
            1 => self.buffer.push(0),
            _ => self.buffer.put_zeros(reserved),
        }
        Open { content: self.mark(), reserved }
    }

    /// Writes the length of the field that was opened.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "low bits of a varint, or a length that was looked at before")]
    pub(super) fn close(&mut self, open: Open) {
        let content = open.content.buffer;
        let shared = self.shared_length - open.content.shared_length;
        let mut length = (self.buffer.len() - content + shared) as u64;
        if length < 0x80 && open.reserved == 1 {
            self.buffer[content - 1] = length as u8;
            return;
        }
        let needed = wire::varint_length(length);
        if needed != open.reserved {
            self.shift(open, needed);
        }
        let mut at = content - open.reserved;
        while length >= 0x80 {
            self.buffer[at] = (length & 0x7f) as u8 | 0x80;
            length >>= 7;
            at += 1;
        }
        self.buffer[at] = length as u8;
    }

    /// Moves the content of a field so that `needed` bytes are before it.
    #[cold]
    fn shift(&mut self, open: Open, needed: usize) {
        let content = open.content.buffer;
        let end = self.buffer.len();
        let start = content - open.reserved + needed;
        if needed > open.reserved {
            self.buffer.put_zeros(needed - open.reserved);
        }
        self.buffer.copy_within(content..end, start);
        self.buffer.truncate(start + end - content);
        self.move_shared(open.content.shared, open.reserved, needed);
    }

    /// All bytes in one, for the next rewrite of a sequence. `input` is what was shared.
    pub(super) fn to_vec(&self, input: &[u8]) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.len());
        let mut written = 0;
        for shared in &self.shared {
            all.extend_from_slice(&self.buffer[written..shared.at]);
            all.extend_from_slice(&input[shared.range.clone()]);
            written = shared.at;
        }
        all.extend_from_slice(&self.buffer[written..]);
        all
    }

    /// Gives what was written away, and is empty again.
    pub(super) fn finish(&mut self, input: &Bytes) -> Rewritten {
        if self.shared.is_empty() && self.buffer.is_empty() {
            return Rewritten::default();
        }
        let own = if self.buffer.len() <= KEPT_UP_TO {
            Bytes::copy_from_slice(&self.buffer)
        } else {
            Bytes::from(self.buffer.take())
        };
        if self.shared.is_empty() {
            self.clear();
            return Rewritten { parts: Parts::One(own) };
        }
        let mut parts = Vec::with_capacity(2 * self.shared.len() + 1);
        let mut written = 0;
        for shared in &self.shared {
            if shared.at > written {
                parts.push(own.slice(written..shared.at));
                written = shared.at;
            }
            parts.push(input.slice(shared.range.clone()));
        }
        if own.len() > written {
            parts.push(if written == 0 { own } else { own.slice(written..) });
        }
        self.clear();
        Rewritten { parts: Parts::Many(parts) }
    }

    /// Forgets what was written, and keeps the memory where that is not much.
    pub(super) fn clear(&mut self) {
        self.buffer.clear(KEPT_UP_TO);
        self.shared.clear();
        self.shared_length = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(length: usize) -> Bytes {
        (0..=250).cycle().take(length).collect::<Vec<u8>>().into()
    }

    #[test]
    fn lengths_come_out_right_whatever_was_expected() {
        for expected in [0, 1, 127, 128, 20_000] {
            for length in [0, 1, 127, 128, 5000, 70_000] {
                let bytes = filled(length);
                let input = Input { bytes: &bytes, is_whole: true, offset: 0 };
                let mut output = Output::default();
                let outer = output.open(1, expected);
                let inner = output.open(2, expected);
                output.copy(input, 0, length);
                output.close(inner);
                output.close(outer);
                let mut content = Buffer::default();
                content.push(0x12);
                content.put_varint(length as u64);
                content.extend_from_slice(&bytes);
                let mut whole = Buffer::default();
                whole.push(0x0a);
                whole.put_varint(content.len() as u64);
                whole.extend_from_slice(&content);
                let whole = whole.take();
                assert_eq!(output.to_vec(&bytes), whole);
                assert_eq!(output.len(), whole.len());
                assert_eq!(output.finish(&bytes).into_bytes(), whole);
            }
        }
    }

    #[test]
    fn what_is_cut_out_leaves_no_trace() {
        let bytes = filled(5000);
        let input = Input { bytes: &bytes, is_whole: true, offset: 0 };
        let mut output = Output::default();
        output.copy(input, 0, 10);
        let from = output.mark();
        output.copy(input, 0, 5000);
        output.copy(input, 0, 7);
        let to = output.mark();
        output.copy(input, 1, 5000);
        output.copy(input, 0, 3);
        output.cut(from, to);
        let expected = [&bytes[..10], &bytes[1..], &bytes[..3]].concat();
        assert_eq!(output.len(), expected.len());
        assert_eq!(output.finish(&bytes).into_bytes(), expected);
    }
}
