//! What becomes of the messages of a call, one at a time.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Waking, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;

use super::at_once::Applied;
use super::details::Details;
use super::fault::{Fault, Refused};
use super::{Metered, Rewriter};
use crate::refusal::Refusal;
use crate::rewrite::RewriteError;
use crate::wire::{Body, End, Map, Outgoing};

/// The messages of a caller, on their way to the object.
pub(super) struct Requests {
    pub(super) rewrite: Arc<dyn Rewriter>,
    pub(super) metered: Metered,
    /// What the first message comes to, where that is known already.
    pub(super) first: Option<Box<Applied>>,
    pub(super) fault: Arc<Fault>,
    pub(super) changes: bool,
}

impl Map for Requests {
    fn message(&mut self, message: Bytes, outgoing: &mut Outgoing) -> Result<(), Status> {
        match applied(&mut self.first, &mut self.metered, &*self.rewrite, &message)? {
            Ok(rewritten) => outgoing.put(rewritten.parts()),
            Err(error) => Err(error.into()),
        }
    }

    fn fault(&mut self, status: Status, rest: Body, outgoing: &mut Outgoing) -> End {
        // What the object has not seen yet, it will not see: then nothing has run.
        let status = if outgoing.has_begun() {
            after_run(status, self.changes)
        } else {
            outgoing.clear();
            status
        };
        self.fault.set(Refused { status: status.clone(), rest });
        End::Error(status)
    }
}

/// The messages of the object, on their way to the caller.
pub(super) struct Responses {
    pub(super) rewrite: Arc<dyn Rewriter>,
    pub(super) metered: Metered,
    /// What the first message comes to, where that is known already.
    pub(super) first: Option<Box<Applied>>,
    pub(super) details: Arc<Details>,
    pub(super) changes: bool,
}

impl Map for Responses {
    fn message(&mut self, message: Bytes, outgoing: &mut Outgoing) -> Result<(), Status> {
        match applied(&mut self.first, &mut self.metered, &*self.rewrite, &message)? {
            Ok(rewritten) => outgoing.put(rewritten.parts()),
            // That is not the caller's fault.
            Err(error @ RewriteError::Malformed { .. }) => {
                Err(Status::internal(format!("the node's object gave an answer that cannot be read: {error}")))
            }
            Err(error) => Err(after_run(error.into(), self.changes)),
        }
    }

    fn trailers(&mut self, mut trailers: HeaderMap) -> HeaderMap {
        self.details.rewrite_in(&mut trailers);
        trailers
    }

    /// What went well before goes out before. What is left of the answer is dropped, and the object's stream with it.
    fn fault(&mut self, status: Status, _: Body, _: &mut Outgoing) -> End {
        let mut trailers = HeaderMap::new();
        match status.add_header(&mut trailers) {
            Ok(()) => End::Trailers(trailers),
            Err(status) => End::Error(status),
        }
    }
}

fn applied(
    first: &mut Option<Box<Applied>>,
    metered: &mut Metered,
    rewrite: &dyn Rewriter,
    message: &Bytes,
) -> Applied {
    match first.take() {
        Some(applied) => *applied,
        None => metered.apply(rewrite, message),
    }
}

/// The same refusal once the object has seen something of the call, and may have changed something for it.
fn after_run(status: Status, changes: bool) -> Status {
    match Refusal::from_status(&status) {
        Some(refusal) if changes => refusal.after_run().into(),
        _ => status,
    }
}

/// An answer whose messages pass as they are, while something becomes of its trailers.
pub(in crate::dispatch) struct Trailing<F> {
    pub(in crate::dispatch) inner: Body,
    pub(in crate::dispatch) map: F,
}

impl<F: FnMut(&mut HeaderMap) + Unpin> HttpBody for Trailing<F> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let mut frame = ready!(Pin::new(&mut self.inner).poll_frame(waking));
        if let Some(Ok(frame)) = &mut frame
            && let Some(trailers) = frame.trailers_mut()
        {
            (self.map)(trailers);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
