//! Requests that nobody reads.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context as Waking, Poll, ready};
use std::time::Duration;

use http_body::Body as _;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::Body;

/// Bytes that are taken in at most: a message of the usual limit, and what lies around it.
const BYTES: usize = 5 * 1024 * 1024;
/// Frames that are taken in at most; they may be empty.
const FRAMES: usize = 4_096;
/// How long the rest may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The body of a request that is answered without it; nearly always the rest of it is on its way already.
///
/// A request that is let go before it has come to its end is reset, and h2 counts what of it comes after that against
/// the connection (RUSTSEC-2024-0003): after 1,024 such frames it closes the connection, with all calls on it. So the
/// rest is read, within limits, beside the answer, which does not wait for it.
pub(crate) struct Unread(Rest);

struct Rest {
    body: Body,
    bytes: usize,
    frames: usize,
}

impl Unread {
    pub(crate) fn new(body: Body) -> Self {
        Self(Rest { body, bytes: 0, frames: 0 })
    }

    /// Lets the request go; nobody waits for it.
    pub(crate) fn let_go(mut self, waking: &mut Waking<'_>) {
        // What is there takes no task, and nor does what ends here.
        if self.0.poll(waking).is_ready() {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(self.come_to_its_end(PATIENCE));
        }
    }

    /// Reads the rest, and waits for it no longer than so.
    pub(super) async fn come_to_its_end(mut self, patience: Duration) {
        // What did not come in time is let go all the same.
        let _ = timeout(patience, poll_fn(|waking| self.0.poll(waking))).await;
    }
}

impl Rest {
    /// Ready when nothing more is to be read.
    fn poll(&mut self, waking: &mut Waking<'_>) -> Poll<()> {
        while self.frames < FRAMES && self.bytes < BYTES {
            let Some(Ok(frame)) = ready!(Pin::new(&mut self.body).poll_frame(waking)) else { return Poll::Ready(()) };
            self.frames += 1;
            self.bytes += frame.data_ref().map_or(0, bytes::Bytes::len);
        }
        Poll::Ready(())
    }
}
