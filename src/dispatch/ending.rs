//! Who waits for the end of a call: its counters, and its span.

use std::pin::Pin;
use std::task::{Context as Waking, Poll, ready};

use bytes::Bytes;
use http::Response;
use http_body::{Body as HttpBody, Frame};
use tonic::Status;

use super::tally::{self, Counting, Outcome};
use super::traced::Traced;
use crate::wire::Body;

/// Nobody waits when both are absent. Dropped before the end, both know that the caller has gone.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    pub(super) counting: Option<Counting>,
    pub(super) traced: Option<Box<Traced>>,
}

impl Ending {
    /// What runs now is part of the call.
    pub(crate) fn enter(&self) -> Option<tracing::span::Entered<'_>> {
        self.traced.as_ref().map(|traced| traced.enter())
    }

    /// Tells of a call whose answer is whole; else its end is that of the answer's body.
    pub(crate) fn answered(&mut self, response: &Response<Body>) {
        if self.is_awaited()
            && let Some(outcome) = tally::of_whole(response)
        {
            self.end(outcome);
        }
    }

    /// Tells of a call whose body ends with this.
    pub(super) fn last(&mut self, frame: Option<&Result<Frame<Bytes>, Status>>) {
        if self.is_awaited() {
            self.end(match frame {
                None => Outcome::Answered,
                Some(Ok(frame)) => frame.trailers_ref().map_or(Outcome::Answered, tally::of),
                Some(Err(_)) => Outcome::Failed,
            });
        }
    }

    /// Has the body tell of its end, if anybody still waits for that.
    pub(crate) fn watch(self, body: Body) -> Body {
        if self.is_awaited() { Body::new(Watched { body, ending: self }) } else { body }
    }

    fn is_awaited(&self) -> bool {
        self.counting.is_some() || self.traced.is_some()
    }

    fn end(&mut self, outcome: Outcome) {
        if let Some(counting) = self.counting.take() {
            counting.end(outcome);
        }
        if let Some(traced) = self.traced.take() {
            traced.end(outcome);
        }
    }
}

/// The body of an answer whose end somebody waits for.
struct Watched {
    body: Body,
    ending: Ending,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { body, ending } = &mut *self;
        let frame = {
            let _within = ending.enter();
            ready!(Pin::new(body).poll_frame(waking))
        };
        if !matches!(&frame, Some(Ok(frame)) if frame.is_data()) {
            ending.last(frame.as_ref());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
