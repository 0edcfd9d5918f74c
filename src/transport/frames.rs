//! The frames of an HTTP/2 connection, as they come (RFC 9113 §4.1).

use std::ops::Range;

pub(super) const HEADERS: u8 = 1;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;

/// The length of a frame's head, in bytes.
pub(super) const HEAD: usize = 9;

/// Where one is among the frames of a connection.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: [u8; HEAD],
    /// How much of the head has come.
    known: usize,
    /// How much of the payload is yet to come.
    left: usize,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    Head(Head),
    /// Some of the payload of the frame whose head came last: where it lies.
    Payload(Range<usize>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl Frames {
    /// Frames that begin behind so many bytes.
    pub(super) fn behind(bytes: usize) -> Self {
        Self { left: bytes, ..Self::default() }
    }

    /// The next part that `bytes` have from `at` on, which is moved behind it; `None` at their end.
    pub(super) fn next(&mut self, bytes: &[u8], at: &mut usize) -> Option<Part> {
        let come = bytes.len() - *at;
        if come == 0 {
            return None;
        }
        if self.left > 0 {
            let from = *at;
            *at += self.left.min(come);
            self.left -= *at - from;
            return Some(Part::Payload(from..*at));
        }
        let taken = (HEAD - self.known).min(come);
        self.head[self.known..self.known + taken].copy_from_slice(&bytes[*at..*at + taken]);
        self.known += taken;
        *at += taken;
        if self.known < HEAD {
            return None;
        }
        self.known = 0;
        let [a, b, c, kind, flags, stream @ ..] = self.head;
        self.left = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        // The first bit means nothing.
        Some(Part::Head(Head { kind, flags, stream: u32::from_be_bytes(stream) & (u32::MAX >> 1) }))
    }

    /// Forgets the head that has begun to come, which will come anew; tells how much of it there was.
    pub(super) fn forget_begun(&mut self) -> usize {
        std::mem::take(&mut self.known)
    }
}
