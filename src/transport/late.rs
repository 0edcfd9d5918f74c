//! What comes for calls that came too late.
//!
//! A server that goes away says GOAWAY twice (RFC 9113 §6.8): that it will, and, when a PING that it sent along has come back,
//! which call was the last that it takes. What it gets for later ones it ignores. h2 does so with all frames but
//! `WINDOW_UPDATE` (0.4.20): it takes one for a fault of the connection, which it closes, with all calls on it. gRPC's C core
//! sends one right behind each call's headers, and does begin calls that late. So these frames are hidden from h2.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use super::frames::{Frames, HEAD, HEADERS, Head, PING, Part, WINDOW_UPDATE};
use super::through::write_through;

/// The length of what each connection begins with (RFC 9113 §3.4).
const PREFACE: usize = 24;
const ACK: u8 = 1;
/// What h2's PING says that goes with the first GOAWAY.
const GOES_AWAY: [u8; 8] = [0x0b, 0x7b, 0xa2, 0xf0, 0x8b, 0x9b, 0xfe, 0x54];
/// A kind of frames that nobody knows: such frames are ignored (RFC 9113 §5.5).
const NOTHING: u8 = 0xfa;

/// A server's connection, without what h2 would not bear.
#[derive(Debug)]
pub(super) struct Late<T> {
    io: T,
    reading: Reading,
    /// The beginning of a head whose rest has not come.
    held: Vec<u8>,
    /// What can be handed on, and found no place.
    ready: Vec<u8>,
}

#[derive(Debug)]
struct Reading {
    frames: Frames,
    /// The latest stream that was opened.
    latest: u32,
    /// The last stream that is taken, once the peer was told that there is one.
    last: Option<u32>,
    /// How much of a PING that came back is as it would be; `None` between such.
    pong: Option<usize>,
}

impl<T> Late<T> {
    pub(super) fn new(io: T) -> Self {
        let reading = Reading { frames: Frames::behind(PREFACE), latest: 0, last: None, pong: None };
        Self { io, reading, held: Vec::new(), ready: Vec::new() }
    }
}

impl Reading {
    /// Hides what is to be hidden of what came next; tells how much of it can be handed on.
    fn look(&mut self, bytes: &mut [u8]) -> usize {
        let mut at = 0;
        while let Some(part) = self.frames.next(bytes, &mut at) {
            match part {
                Part::Head(Head { kind: HEADERS, stream, .. }) => self.latest = self.latest.max(stream),
                Part::Head(Head { kind: PING, flags, .. }) => self.pong = (flags & ACK != 0).then_some(0),
                Part::Head(Head { kind: WINDOW_UPDATE, stream, .. }) if self.last.is_some_and(|last| stream > last) => {
                    // Once there is a last one, heads come as a whole.
                    bytes[at - HEAD + 3] = NOTHING;
                }
                Part::Head(_) => {}
                Part::Payload(range) => {
                    if let Some(known) = self.pong.take() {
                        self.pong(known, &bytes[range]);
                    }
                }
            }
        }
        // What a frame is stands before whom it is for.
        if self.last.is_some() { bytes.len() - self.frames.forget_begun() } else { bytes.len() }
    }

    fn pong(&mut self, known: usize, bytes: &[u8]) {
        let so_far = known + bytes.len();
        if GOES_AWAY.get(known..so_far) != Some(bytes) {
            return;
        }
        if so_far == GOES_AWAY.len() {
            self.last.get_or_insert(self.latest);
        } else {
            self.pong = Some(so_far);
        }
    }
}

impl<T: AsyncRead + Unpin> Late<T> {
    fn poll_whole_heads(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        loop {
            buffer.put_slice(&self.held);
            let held = buffer.filled().len();
            let read = Pin::new(&mut self.io).poll_read(context, buffer);
            if !matches!(read, Poll::Ready(Ok(()))) || buffer.filled().len() == held {
                buffer.set_filled(before);
                return read;
            }
            let all = &mut buffer.filled_mut()[before..];
            let handed_on = self.reading.look(all);
            self.held.clear();
            self.held.extend_from_slice(&all[handed_on..]);
            buffer.set_filled(before + handed_on);
            // Nothing would mean that the peer has closed.
            if handed_on > 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Late<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // h2 reads into what its buffer has left, which may be less than a head.
        if self.ready.is_empty() && (self.reading.last.is_none() || buffer.remaining() > 2 * HEAD) {
            return self.poll_whole_heads(context, buffer);
        }
        if self.ready.is_empty() {
            let mut own = [0; 4 * HEAD];
            let mut own = ReadBuf::new(&mut own);
            ready!(self.poll_whole_heads(context, &mut own))?;
            self.ready.extend_from_slice(own.filled());
        }
        let length = buffer.remaining().min(self.ready.len());
        buffer.put_slice(&self.ready[..length]);
        self.ready.drain(..length);
        Poll::Ready(Ok(()))
    }
}

write_through!(Late);

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).expect("a short payload");
        [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
    }

    fn said(kind_of_late: u8) -> Vec<u8> {
        let other = [0x3b, 0x7c, 0xdb, 0x7a, 0x0b, 0x87, 0x16, 0xb4];
        [
            vec![b'p'; PREFACE],
            frame(4, 0, 0, &[]),
            frame(HEADERS, 4, 1, b"headers"),
            frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 5]),
            // Other PINGs say nothing of the end, nor does one of the peer's own.
            frame(PING, ACK, 0, &other),
            frame(PING, 0, 0, &GOES_AWAY),
            frame(HEADERS, 4, 3, b"headers"),
            frame(WINDOW_UPDATE, 0, 3, &[0, 0, 0, 5]),
            frame(PING, ACK, 0, &GOES_AWAY),
            frame(WINDOW_UPDATE, 0, 3, &[0, 0, 0, 5]),
            frame(HEADERS, 4, 5, b"headers"),
            frame(kind_of_late, 0, 5, &[0, 0, 0, 5]),
            frame(0, 1, 5, b"data"),
            frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 5]),
            frame(kind_of_late, 0, 5, &[0, 0, 0, 5]),
        ]
        .concat()
    }

    #[tokio::test]
    async fn windows_of_late_calls_are_hidden_and_all_else_comes_as_it_is_however_it_is_cut() {
        let (said, seen) = (said(WINDOW_UPDATE), said(NOTHING));
        for size in 1..said.len() {
            for space in [1, 3, HEAD, 40, 1_000] {
                let (mut peer, io) = tokio::io::duplex(size);
                let all = said.clone();
                let saying = tokio::spawn(async move {
                    peer.write_all(&all).await.expect("a reader");
                });
                let (mut io, mut read, mut part) = (Late::new(io), Vec::new(), vec![0; space]);
                loop {
                    match io.read(&mut part).await.expect("bytes in memory") {
                        0 => break,
                        length => read.extend_from_slice(&part[..length]),
                    }
                }
                saying.await.expect("no panic");
                assert_eq!(read, seen, "in parts of {size} bytes, into {space}");
            }
        }
    }
}
