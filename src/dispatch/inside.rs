//! A call and the gate: how it waits, and how it stays inside until its answer has been sent.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as Waking, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame};
use tokio::time::{Instant, Sleep, sleep};
use tonic::Status;

use super::call::Call;
use super::ending::Ending;
use super::gate::{Inside, Stream, Waiting, Whose};
use super::sampling::Sampling;
use super::table::Refused;
use super::traced::Traced;
use super::{deadline, outcome};
use crate::wire::{Body, SaidAll};

/// How long a call waits that has no deadline, or a later one.
const PATIENCE: Duration = Duration::from_secs(60);

/// A call in front of the gate.
pub(super) struct AtGate {
    waiting: Waiting,
    request: Request<Body>,
    came: Instant,
    patience: Pin<Box<Sleep>>,
    own_deadline: bool,
    sampling: Sampling,
}

/// A call that has waited and was let in.
pub(super) struct LetIn {
    pub(super) inside: Inside,
    pub(super) request: Request<Body>,
    pub(super) came: Instant,
}

impl AtGate {
    pub(super) fn new(waiting: Waiting, request: Request<Body>, sampling: Sampling) -> Self {
        let own = deadline::timeout(request.headers()).filter(|own| *own < PATIENCE);
        let patience = Box::pin(sleep(own.unwrap_or(PATIENCE)));
        Self { waiting, request, came: Instant::now(), patience, own_deadline: own.is_some(), sampling }
    }

    /// Ready once the gate has let the call in, or its time is over.
    pub(super) fn poll(&mut self, waking: &mut Waking<'_>) -> Poll<Result<LetIn, Call>> {
        if let Poll::Ready(inside) = Pin::new(&mut self.waiting).poll(waking) {
            let mut request = std::mem::take(&mut self.request);
            shorten_deadline(&mut request, self.came.elapsed());
            return Poll::Ready(Ok(LetIn { inside, request, came: self.came }));
        }
        ready!(self.patience.as_mut().poll(waking));
        Traced::kept_out(self.sampling, self.request.uri().path(), self.request.headers());
        let status = if self.own_deadline {
            outcome::deadline_had_passed()
        } else {
            outcome::not_let_in("the node upgrades, and the call waited as long as a call may")
        };
        Poll::Ready(Err(Call::told(Refused(status), std::mem::take(&mut self.request).into_body())))
    }
}

/// What was waited for is gone from the time that the caller gives.
fn shorten_deadline(request: &mut Request<Body>, waited: Duration) {
    if let Some(own) = deadline::timeout(request.headers()) {
        let left = deadline::header(own.saturating_sub(waited));
        request.headers_mut().insert(deadline::TIMEOUT.clone(), left);
    }
}

/// A call that the gate has let in.
pub(super) struct Entered {
    call: Call,
    /// Until the answer has it.
    inside: Option<Inside>,
    /// Of calls that stream.
    stream: Option<Stream>,
    ending: Ending,
}

impl Entered {
    /// `goes_on` when the caller has said that it goes on with its stream after that was drained, `said_all` where only the
    /// request streams.
    pub(super) fn new(call: Call, inside: Inside, goes_on: bool, said_all: Option<SaidAll>, ending: Ending) -> Self {
        let whose = || call.route().filter(|route| route.stamp.is_past()).map(|route| Whose::of(route));
        let stream = call.streams().then(|| inside.stream(goes_on && call.can_be_sent_again(), said_all, whose()));
        Self { call, inside: Some(inside), stream, ending }
    }
}

impl Future for Entered {
    type Output = Response<Body>;

    fn poll(mut self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<Response<Body>> {
        let asked = self.stream.as_ref().and_then(|stream| stream.is_asked(waking).map(|how| stream.status(how)));
        if let Some(status) = asked {
            // The object's part ends before the call counts as having left.
            self.call = Call::told(Refused(status), Body::empty());
            self.stream = None;
        }
        let Self { call, ending, .. } = &mut *self;
        let response = {
            let _within = ending.enter();
            ready!(Pin::new(call).poll(waking))
        };
        ending.answered(&response);
        let ending = std::mem::take(ending);
        let (inside, stream) = (self.inside.take(), self.stream.take());
        // What is whole asks nothing of an object any more.
        let Some(inside) = inside.filter(|_| !response.body().is_whole()) else { return Poll::Ready(response) };
        Poll::Ready(response.map(|body| match stream {
            Some(stream) => {
                stream.answers(body, inside);
                Body::new(Streaming { stream, ending })
            }
            None => Body::new(Remaining { body, inside: Some(inside), ending }),
        }))
    }
}

/// The body of an answer that is still on its way, and keeps its call inside.
struct Remaining {
    body: Body,
    inside: Option<Inside>,
    ending: Ending,
}

impl HttpBody for Remaining {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.inside.is_none() {
            return Poll::Ready(None);
        }
        let Self { body, ending, .. } = &mut *self;
        let frame = {
            let _within = ending.enter();
            ready!(Pin::new(body).poll_frame(waking))
        };
        if !matches!(&frame, Some(Ok(frame)) if frame.is_data()) {
            // Nothing more is asked of the object.
            self.body = Body::empty();
            self.inside = None;
            self.ending.last(frame.as_ref());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inside.is_none() || self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

/// The same of a stream, which may end before its time. A length that it promised would have to be kept, so it has none.
struct Streaming {
    stream: Stream,
    ending: Ending,
}

impl HttpBody for Streaming {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { stream, ending } = &mut *self;
        let frame = {
            let _within = ending.enter();
            ready!(stream.poll_frame(waking))
        };
        if !matches!(&frame, Some(Ok(frame)) if frame.is_data()) {
            self.ending.last(frame.as_ref());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }
}
