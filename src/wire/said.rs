//! Whether a caller has said all of its request that anybody listens to.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use tonic::Status;

use super::Body;

/// Whether all of a request was said: it has come to its end, or nobody reads it any more.
#[derive(Clone, Debug, Default)]
pub(crate) struct SaidAll(Arc<AtomicBool>);

impl SaidAll {
    pub(crate) fn is_so(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A body, and who wants to know of its end.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) body: Body,
    said: SaidAll,
}

impl Heard {
    pub(super) fn new(body: Body) -> (Self, SaidAll) {
        let said = SaidAll::default();
        (Self { body, said: said.clone() }, said)
    }

    pub(super) fn poll_frame(&mut self, waking: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(waking));
        // Who has read the last message need not ask for one more.
        if !matches!(frame, Some(Ok(_))) || self.body.is_end_stream() {
            self.said.0.store(true, Ordering::Release);
        }
        Poll::Ready(frame)
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        self.said.0.store(true, Ordering::Release);
    }
}
