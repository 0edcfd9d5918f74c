//! The response body of a call that needs looking after.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Waking, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use tokio::time::Sleep;
use tonic::Status;

use super::context::Context;
use super::outcome;
use super::route::Route;
use crate::wire::Body;

/// A body that is polled in the context of its call, ends at the deadline, and ends with an error when it panics.
pub(super) struct Guard {
    inner: Body,
    route: Arc<Route>,
    context: Option<Arc<Context>>,
    deadline: Option<Pin<Box<Sleep>>>,
    ended: bool,
}

impl Guard {
    pub(super) fn new(
        inner: Body,
        route: Arc<Route>,
        context: Option<Arc<Context>>,
        deadline: Option<Pin<Box<Sleep>>>,
    ) -> Self {
        Self { inner, route, context, deadline, ended: false }
    }

    pub(super) fn into_body(self) -> Body {
        if self.inner.is_end_stream() { self.inner } else { Body::new(self) }
    }

    fn poll_inner(&mut self, waking: &mut Waking<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let inner = &mut self.inner;
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let poll = || Pin::new(inner).poll_frame(waking);
            match &self.context {
                Some(context) => context.enter(poll),
                None => poll(),
            }
        }));
        match polled {
            Ok(Poll::Ready(Some(Ok(frame)))) => Poll::Ready(Some(Ok(self.passed(frame)))),
            // As a status it reaches the caller; a stream that is reset says nothing.
            Ok(Poll::Ready(Some(Err(status)))) => Poll::Ready(Some(Ok(self.end_with(&status)))),
            Ok(polled) => polled,
            Err(_) => Poll::Ready(Some(Ok(self.end_with(&outcome::panicked(&self.route))))),
        }
    }

    fn passed(&self, frame: Frame<Bytes>) -> Frame<Bytes> {
        match frame.into_trailers() {
            Ok(mut trailers) => {
                outcome::complete_refusal(&mut trailers, &self.route, self.context.as_deref());
                Frame::trailers(trailers)
            }
            Err(data) => data,
        }
    }

    fn end_with(&mut self, status: &Status) -> Frame<Bytes> {
        self.ended = true;
        self.inner = Body::empty();
        let mut trailers = HeaderMap::new();
        // The messages of these statuses are our own: they can be written.
        let _ = status.add_header(&mut trailers);
        Frame::trailers(trailers)
    }
}

impl HttpBody for Guard {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = self.poll_inner(waking) {
            return Poll::Ready(frame);
        }
        match self.deadline.as_mut().map(|deadline| deadline.as_mut().poll(waking)) {
            Some(Poll::Ready(())) => Poll::Ready(Some(Ok(self.end_with(&outcome::deadline_passed())))),
            _ => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        // It may end before the inner body does: a length that was promised would have to be kept.
        http_body::SizeHint::default()
    }
}

/// How many frames an answer may have to be taken at once: one message has few, and an object may never end.
const SETTLED: usize = 8;

/// Takes the whole answer of a unary call at once where it is there already, as it is with tonic: then nothing is left
/// to guard.
pub(super) fn settle(mut guard: Guard, waking: &mut Waking<'_>) -> Body {
    let mut frames = VecDeque::new();
    loop {
        if guard.is_end_stream() {
            return whole(frames).unwrap_or_else(|frames| Body::begun(frames, Body::empty()));
        }
        if frames.len() == SETTLED {
            return Body::begun(frames, guard.into_body());
        }
        match Pin::new(&mut guard).poll_frame(waking) {
            Poll::Ready(Some(Ok(frame))) => {
                let last = frame.is_trailers();
                frames.push_back(frame);
                if last {
                    return whole(frames).unwrap_or_else(|frames| Body::begun(frames, Body::empty()));
                }
            }
            Poll::Ready(None) => return whole(frames).unwrap_or_else(|frames| Body::begun(frames, Body::empty())),
            Poll::Ready(Some(Err(status))) => {
                let end = guard.end_with(&status);
                frames.push_back(end);
                return Body::begun(frames, Body::empty());
            }
            Poll::Pending => return Body::begun(frames, guard.into_body()),
        }
    }
}

/// One frame of data at most, and trailers perhaps: the shape of nearly every unary answer.
fn whole(mut frames: VecDeque<Frame<Bytes>>) -> Result<Body, VecDeque<Frame<Bytes>>> {
    match (frames.pop_front(), frames.pop_front()) {
        (None, _) => Ok(Body::empty()),
        (Some(only), None) => Ok(match only.into_data() {
            Ok(data) => Body::full(data),
            Err(trailers) => Body::with_trailers(Bytes::new(), trailers.into_trailers().unwrap_or_default()),
        }),
        (Some(first), Some(second)) if first.is_data() && second.is_trailers() && frames.is_empty() => {
            // Both were just looked at.
            let (data, trailers) = (first.into_data().unwrap_or_default(), second.into_trailers().unwrap_or_default());
            Ok(Body::with_trailers(data, trailers))
        }
        (Some(first), Some(second)) => {
            frames.push_front(second);
            frames.push_front(first);
            Err(frames)
        }
    }
}
