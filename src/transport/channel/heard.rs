//! Whether the peer of a new connection was heard.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

/// A stream that tells when the first bytes came from its peer: in HTTP/2, its SETTINGS (RFC 9113 §3.4).
///
/// A connection may be made by the peer's kernel while the peer is on its way down, or stopped. Who sends a call over
/// it would never know whether the call ran; so calls wait until the peer itself was heard. hyper does not tell.
#[derive(Debug)]
pub(super) struct Heard<T> {
    io: T,
    heard: Option<oneshot::Sender<()>>,
}

impl<T> Heard<T> {
    pub(super) fn new(io: T) -> (Self, oneshot::Receiver<()>) {
        let (heard, told) = oneshot::channel();
        (Self { io, heard: Some(heard) }, told)
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
        if self.heard.is_some() && buffer.filled().len() > before {
            // Whoever waited may have given up by now.
            let _ = self.heard.take().map(|heard| heard.send(()));
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Heard<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        read_first(Pin::new(&mut self.io).poll_write(context, data), data.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        read_first(Pin::new(&mut self.io).poll_write_vectored(context, data), data.iter().map(|part| part.len()).sum())
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

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
