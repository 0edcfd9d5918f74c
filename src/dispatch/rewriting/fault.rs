//! What a request that is refused midway means for its answer.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as Waking, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;

use crate::wire::Body;

/// A request of which a message was refused.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: Status,
    /// What of it was not read.
    pub(super) rest: Body,
}

/// Where a request's body tells its answer of a refused message.
///
/// The object reads an error in its place and may do with it whatever it likes; the caller is told the truth.
#[derive(Debug, Default)]
pub(super) struct Fault(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    refused: Option<Refused>,
    waiting: Option<Waker>,
}

impl Fault {
    pub(super) fn set(&self, refused: Refused) {
        let waiting = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.refused = Some(refused);
            state.waiting.take()
        };
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    /// Ready when a message was refused; once.
    pub(super) fn poll(&self, waking: &Waking<'_>) -> Poll<Refused> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(refused) = state.refused.take() {
            return Poll::Ready(refused);
        }
        if !state.waiting.as_ref().is_some_and(|waiting| waiting.will_wake(waking.waker())) {
            state.waiting = Some(waking.waker().clone());
        }
        Poll::Pending
    }
}

/// The body of an answer that began before all of its request was read: it ends when a message of the request is refused.
pub(super) struct Faulting {
    inner: Body,
    fault: Arc<Fault>,
    ended: bool,
}

impl Faulting {
    pub(super) fn around(inner: Body, fault: Arc<Fault>) -> Body {
        Body::new(Self { inner, fault, ended: false })
    }
}

impl HttpBody for Faulting {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let polled = Pin::new(&mut self.inner).poll_frame(waking);
        // Looked at last: polling the object is what reads its request.
        let Poll::Ready(Refused { status, .. }) = self.fault.poll(waking) else { return polled };
        self.ended = true;
        // Dropped, the object's stream is cancelled.
        self.inner = Body::empty();
        let mut trailers = HeaderMap::new();
        status.add_header(&mut trailers)?;
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
