//! Whether the peer of a connection was heard, and whether it said that it takes no more calls.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::oneshot;

use crate::transport::frames::{Frames, GOAWAY, Head, Part};
use crate::transport::through::write_through;

/// A stream that tells when the first bytes came from its peer, in HTTP/2 its SETTINGS (RFC 9113 §3.4), and when a GOAWAY
/// did (§6.8).
///
/// A connection may be made by the peer's kernel while the peer is on its way down, or stopped. Who sends a call over
/// it would never know whether the call ran; so calls wait until the peer itself was heard. hyper does not tell, and of a
/// GOAWAY only when the next call was given to it.
#[derive(Debug)]
pub(super) struct Heard<T> {
    io: T,
    first: Option<oneshot::Sender<()>>,
    told_to_go: Option<oneshot::Sender<()>>,
    frames: Frames,
}

impl<T> Heard<T> {
    pub(super) fn new(io: T) -> (Self, oneshot::Receiver<()>, oneshot::Receiver<()>) {
        let (heard, was_heard) = oneshot::channel();
        let (told_to_go, was_told) = oneshot::channel();
        let io = Self { io, first: Some(heard), told_to_go: Some(told_to_go), frames: Frames::default() };
        (io, was_heard, was_told)
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Heard<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        let new = &buffer.filled()[before..];
        if !new.is_empty() {
            // Whoever waited may have given up by now.
            let _ = self.first.take().map(|heard| heard.send(()));
            if self.told_to_go.is_some() && tell_to_go(&mut self.frames, new) {
                let _ = self.told_to_go.take().map(|told| told.send(()));
            }
        }
        read
    }
}

/// Whether a GOAWAY begins within what came next.
fn tell_to_go(frames: &mut Frames, bytes: &[u8]) -> bool {
    let mut at = 0;
    std::iter::from_fn(|| frames.next(bytes, &mut at)).any(|part| matches!(part, Part::Head(Head { kind: GOAWAY, .. })))
}

write_through!(Heard, read_first);

/// A peer that takes no more may have said why (GOAWAY) before it closed. h2 would fail at once; so what cannot be
/// written counts as written, and reading, which goes on to the end of what the peer said, tells that it closed.
fn read_first(written: Poll<io::Result<usize>>, length: usize) -> Poll<io::Result<usize>> {
    match written {
        Poll::Ready(Err(error))
            if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) =>
        {
            Poll::Ready(Ok(length))
        }
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, length: u8) -> Vec<u8> {
        [&[0, 0, length, kind, 0, 0, 0, 0, 0][..], &vec![GOAWAY; length.into()]].concat()
    }

    #[test]
    fn a_goaway_is_heard_however_the_frames_are_cut() {
        let settings = frame(4, 12);
        let all = [settings.clone(), frame(0, 200), frame(4, 0), frame(GOAWAY, 8), frame(0, 3)].concat();
        let begins = settings.len() + 209 + 9;
        for size in 1..all.len() {
            let mut frames = Frames::default();
            let mut told = None;
            for (number, part) in all.chunks(size).enumerate() {
                if tell_to_go(&mut frames, part) {
                    told = Some(number * size..number * size + part.len());
                    break;
                }
            }
            // With the last byte of its head.
            assert!(told.is_some_and(|part| part.contains(&(begins + 8))), "in parts of {size} bytes");
        }
    }

    #[test]
    fn other_frames_tell_nobody_to_go() {
        let mut frames = Frames::default();
        for part in [frame(0, 255), frame(1, 7), frame(6, 8), frame(8, 4), frame(3, 4)] {
            assert!(!tell_to_go(&mut frames, &part));
        }
    }
}
