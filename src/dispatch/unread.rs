//! Requests that nobody reads.

use std::pin::Pin;
use std::task::{Context as Waking, Poll};
use std::time::Duration;

use http_body::Body as _;
use tokio::time::{Sleep, sleep};

use crate::wire::Body;

/// Frames that are taken in at most.
const FRAMES: usize = 64;
/// How long the rest of a request may take to come. Callers that stream may want the answer before they send more.
const PATIENCE: Duration = Duration::from_millis(50);

/// The body of a request that is answered without it; nearly always the rest of it is on its way already.
///
/// A request that is answered before it has come to its end is reset, and h2 counts what of it comes after that against
/// the connection (RUSTSEC-2024-0003): after 1,024 such frames it closes the connection, with all calls on it. So the
/// answer waits a moment for the end.
pub(super) struct Unread {
    body: Body,
    frames: usize,
    patience: Option<Pin<Box<Sleep>>>,
}

impl Unread {
    pub(super) fn new(body: Body) -> Self {
        Self { body, frames: 0, patience: None }
    }

    /// Ready when the answer need not wait any longer.
    pub(super) fn poll(&mut self, waking: &mut Waking<'_>) -> Poll<()> {
        while self.frames < FRAMES {
            match Pin::new(&mut self.body).poll_frame(waking) {
                Poll::Ready(Some(Ok(_))) => self.frames += 1,
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => {
                    let patience = self.patience.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
                    return patience.as_mut().poll(waking);
                }
            }
        }
        Poll::Ready(())
    }
}
