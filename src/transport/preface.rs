//! Which protocol a new connection speaks.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use super::through::write_through;

/// How each HTTP/2 connection starts (RFC 9113 §3.4); no request of HTTP/1.1 does.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Reads as much of a connection as tells its protocol, and gives it back as if nothing had been read.
pub(super) async fn recognize<T: AsyncRead + Unpin>(mut io: T) -> io::Result<(Protocol, Unread<T>)> {
    let mut start = [0; PREFACE.len()];
    let mut filled = 0;
    while filled < start.len() && start[..filled] == PREFACE[..filled] {
        match io.read(&mut start[filled..]).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => filled += read,
        }
    }
    let protocol = if start == *PREFACE { Protocol::Http2 } else { Protocol::Http1 };
    Ok((protocol, Unread { start, next: 0, filled, io }))
}

/// A connection whose first bytes, already read, come once more.
#[derive(Debug)]
pub(super) struct Unread<T> {
    start: [u8; PREFACE.len()],
    next: usize,
    filled: usize,
    io: T,
}

impl<T: AsyncRead + Unpin> AsyncRead for Unread<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.next == self.filled {
            return Pin::new(&mut self.io).poll_read(context, buffer);
        }
        let length = buffer.remaining().min(self.filled - self.next);
        buffer.put_slice(&self.start[self.next..self.next + length]);
        self.next += length;
        Poll::Ready(Ok(()))
    }
}

write_through!(Unread);

#[cfg(test)]
mod tests {
    use super::*;

    async fn recognized(sent: &[u8]) -> (Protocol, Vec<u8>) {
        let (protocol, mut unread) = recognize(sent).await.expect("enough bytes");
        let mut all = Vec::new();
        unread.read_to_end(&mut all).await.expect("bytes in memory");
        (protocol, all)
    }

    #[tokio::test]
    async fn the_preface_means_http2_and_all_else_http1_and_no_byte_is_lost() {
        let http2 = [PREFACE.as_slice(), b"\0\0\0\x04\0\0\0\0\0"].concat();
        assert_eq!(recognized(&http2).await, (Protocol::Http2, http2));
        let request = b"PRINT /healthz HTTP/1.1\r\n\r\n";
        assert_eq!(recognized(request).await, (Protocol::Http1, request.to_vec()));
        let short = b"GET / HTTP/1.1\r\n\r\n";
        assert_eq!(recognized(short).await, (Protocol::Http1, short.to_vec()));
    }

    #[tokio::test]
    async fn a_connection_that_ends_within_the_preface_is_no_protocol() {
        let error = recognize(&PREFACE[..5]).await.expect_err("too short");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
